"""Picture files (PNG, JPEG and their like) to 8-bit arrays."""

import io
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image

from wddkit.data.arrays import check_size
from wddkit.data.pixels import square

# Named one by one: Pillow would hand PostScript to another program.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})


def read_pictures(
    names: Sequence[str],
    read: Callable[[int], bytes],
    *,
    what: str,
    size: int | None = None,
    skip_corrupt: bool = False,
) -> tuple[UInt8[np.ndarray, "n c h w"], Int64[np.ndarray, " n"]]:
    """Decoded pictures and their positions in `names`; `read(i)` gives the bytes of picture i.

    Grey and RGB mixed become RGB. With `size` every central square is resized; without, all pictures must be squares
    of one size. Raises ValueError naming the first picture that is corrupt or of another size; with `skip_corrupt`
    corrupt ones are left out, and a warning counts them.
    """
    size = None if size is None else check_size(size)
    out: np.ndarray | None = None
    kept: list[int] = []
    skipped: list[str] = []
    for i, name in enumerate(names):
        data = read(i)
        try:
            picture = _open(data)
        except Exception as error:  # Pillow's decoders raise many kinds on damaged bytes
            if not skip_corrupt:
                raise ValueError(
                    f"{what}: {name} cannot be read as an image ({error}); mend or remove it, "
                    f"or leave such images out with skip_corrupt=True"
                ) from error
            skipped.append(name)
            continue
        image = _fit(_pixels(picture, f"{what}: {name}"), size, name, what, out, names[kept[0]] if kept else name)
        if out is None:
            out = np.empty((len(names), *image.shape), np.uint8)
        elif image.shape[0] > out.shape[1]:
            out = np.repeat(out, 3, axis=1)
        out[len(kept)] = image  # a grey image fills three channels
        kept.append(i)
    if skipped:
        first = ", ".join(skipped[:3]) + (", ..." if len(skipped) > 3 else "")
        warnings.warn(f"{what}: skipped {len(skipped)} corrupt of {len(names)} images: {first}", stacklevel=2)
    if out is None:
        raise ValueError(f"{what}: no image could be read" if skipped else f"{what}: there are no images")
    return out[: len(kept)], np.array(kept, np.int64)


def decode(data: bytes) -> UInt8[np.ndarray, "c h w"]:
    """One picture as 8-bit grey [1, h, w] or RGB [3, h, w].

    Transparency is laid over white; palettes and CMYK become RGB; 16-bit grey is divided by 257 and rounded; of an
    animation the first frame. Turning marks (EXIF) are not followed. Raises ValueError for 32-bit pixels.
    """
    return _pixels(_open(data), "image")


def _open(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data), formats=FORMATS)
    picture.load()
    return picture


def _pixels(picture: Image.Image, what: str) -> UInt8[np.ndarray, "c h w"]:
    mode = picture.mode
    if mode.startswith("I;16") or (mode == "I" and picture.format == "PNG"):  # older Pillow calls 16-bit grey "I"
        wide = np.asarray(picture).astype(np.float64)
        return np.rint(wide / 257).astype(np.uint8)[None]
    if mode in ("I", "F", "LAB", "HSV"):
        raise ValueError(f"{what}: pixels of type {mode!r} have no certain 8-bit meaning; save it as 8-bit RGB or grey")
    grey = mode in ("1", "L", "LA", "La")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    array = np.asarray(picture.convert("L" if grey else "RGB"))
    return array[None] if grey else array.transpose(2, 0, 1)


def _fit(
    image: UInt8[np.ndarray, "c h w"], size: int | None, name: str, what: str, out: np.ndarray | None, first: str
) -> UInt8[np.ndarray, "c side side"]:
    """The image at the set's size, or a ValueError naming the file."""
    if size is not None:
        image = square(image[None], size)[0]
    height, width = image.shape[1:]
    if height != width:
        raise ValueError(
            f"{what}: {name} is {height} x {width} pixels (height x width), not square; "
            f"size={min(height, width)} crops the central squares and resizes all images"
        )
    if out is not None and height != out.shape[2]:
        raise ValueError(
            f"{what}: {name} is {height} x {width} pixels but {first} is {out.shape[2]} x {out.shape[3]}; "
            f"size={min(height, out.shape[2])} crops the central squares and resizes all images"
        )
    return image
