"""Pictures of many small images in a grid, in the best form that fits a number of bytes."""

import functools
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, features

from wddkit.data.pixels import resize

QUALITY = 80
WIDEST = 16383  # pixels a side that WebP can hold
SAMPLE = 180  # images from which the size of all is estimated; at most 60 of them in a column
WORST = 1.4  # times an estimate: more than this, and it is not even tried


@dataclass(frozen=True)
class Form:
    """How images are sent: pixels a side, and the type of the pictures that hold them."""

    size: int
    type: str  # image/png (bit for bit), image/webp or image/jpeg

    @property
    def lossless(self) -> bool:
        """Whether what is decoded is what was encoded."""
        return self.type == "image/png"


@functools.cache
def lossy() -> str:
    """The type that makes pictures small here: WebP, or JPEG where Pillow was built without it."""
    return "image/webp" if features.check("webp") else "image/jpeg"


def encode(tiles: UInt8[np.ndarray, "rows columns c h w"], kind: str) -> bytes:
    """One picture of a grid of images, without gaps."""
    rows, columns, channels, height, width = tiles.shape
    grid = tiles.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    picture = Image.fromarray(grid[:, :, 0] if channels == 1 else np.ascontiguousarray(grid))
    buffer = io.BytesIO()
    if kind == "image/png":
        picture.save(buffer, "PNG")
    elif kind == "image/webp":
        # Method 0 is three times as fast as the usual one, and no larger on images as noisy as distilled ones.
        picture.convert("RGB").save(buffer, "WEBP", quality=QUALITY, method=0)
    else:
        picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def forms(size: int, *, smallest: int) -> Iterator[Form]:
    """From the best form down: bit for bit, compressed, and then smaller and smaller."""
    yield Form(size, "image/png")
    yield Form(size, lossy())
    step = 4 if size > 32 else 2
    yield from (Form(smaller, lossy()) for smaller in range(size - step, smallest - 1, -step))


def estimate(sample: UInt8[np.ndarray, "rows columns c h w"], form: Form) -> float:
    """Bytes an image in this form, by those of a sample."""
    rows, columns = sample.shape[:2]
    return float(len(encode(_sized(sample, form.size), form.type)) / (rows * columns))


def best(
    sample: UInt8[np.ndarray, "rows columns c h w"],
    count: int,
    whole: Callable[[Form], dict[str, bytes]],
    *,
    limit: float,
    largest: int,
    smallest: int,
) -> tuple[Form, dict[str, bytes]]:
    """The best form of `count` images whose pictures, as `whole` makes them, have at most `limit` bytes in all.

    Forms that the sample says are far too large are not tried. If none fits, the smallest.
    """
    ladder = list(forms(min(largest, sample.shape[3]), smallest=smallest))
    for form in ladder:
        if form is not ladder[-1] and estimate(sample, form) * count > limit * (WORST if form.lossless else 1):
            continue
        made = whole(form)
        if form is ladder[-1] or sum(map(len, made.values())) <= limit:
            return form, made
    raise AssertionError("the last form is taken as it is")


def said(form: Form, size: int, *, what: str) -> list[str]:
    """Sentences on what was done to images of this size."""
    name = {"image/webp": "WebP", "image/jpeg": "JPEG"}.get(form.type)
    sentences = [] if name is None else [f"{what} are compressed ({name}, quality {QUALITY})."]
    if form.size < size:
        sentences.append(f"{what} are shown at {form.size} x {form.size} of {size} x {size} pixels.")
    return sentences


def _sized(tiles: UInt8[np.ndarray, "rows columns c h w"], size: int) -> UInt8[np.ndarray, "rows columns c size size"]:
    rows, columns, channels, height, width = tiles.shape
    small = resize(tiles.reshape(-1, channels, height, width), size, size)
    return small.reshape(rows, columns, channels, size, size)
