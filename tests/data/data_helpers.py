"""Small sets of images for the tests of this room."""

import io
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from wddkit.data import DistilledSet, Views


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def write_picture(path: Path, pixels: np.ndarray, **options: object) -> Path:
    """Pixels [h, w] or [h, w, c] as a file of the kind that the suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()


def packed(pictures: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Bytes and offsets as packed npz files hold them."""
    offsets = np.cumsum([0, *map(len, pictures)])
    return np.frombuffer(b"".join(pictures), np.uint8), offsets


def plain_distilled(
    k: int = 6, *, classes: tuple[str, ...] = ("a", "b", "c"), channels: int = 3, size: int = 8, formation: int = 1
) -> DistilledSet:
    """A set with soft labels and views; labels go round the classes."""
    labels = np.arange(k) % len(classes)
    n, rng = k * formation**2, np.random.default_rng(1)
    logits = rng.normal(size=(n, 2, len(classes))).astype(np.float16)
    return DistilledSet(
        images=noise(k, channels, size, size),
        labels=labels,
        classes=classes,
        masses=1 / np.bincount(labels)[labels],
        soft=rng.normal(size=(n, len(classes))).astype(np.float32),
        views=Views(rng.random((n, 2, 8), np.float32), logits),
        formation=formation,
    )


@st.composite
def distilled_sets(draw: st.DrawFn) -> DistilledSet:
    """Any valid set: grey or RGB, with or without soft labels and views, any class names, classes without images."""
    names = st.text(st.characters(codec="utf-8"), max_size=12)
    odd = st.sampled_from(["<script>", "a/b", "..", "猫", "train", "bullet train", "test", "", "con", "a\\b\x00"])
    classes = tuple(draw(st.lists(names | odd, min_size=1, max_size=5, unique=True)))
    formation = draw(st.sampled_from([1, 1, 2]))
    k, channels, size = draw(st.integers(1, 5)), draw(st.sampled_from([1, 3])), formation * draw(st.integers(1, 3))
    labels = np.array(draw(st.lists(st.integers(0, len(classes) - 1), min_size=k, max_size=k)), np.int64)
    raw = draw(hnp.arrays(np.float64, k, elements=st.floats(0.1, 1)))
    n, floats = k * formation**2, {"allow_nan": False, "allow_infinity": False}
    soft = draw(st.none() | hnp.arrays(np.float32, (n, len(classes)), elements=st.floats(width=32, **floats)))
    views = None
    if draw(st.booleans()):
        v, half = draw(st.integers(1, 3)), st.floats(width=16, **floats)
        cuts = draw(hnp.arrays(np.float32, (n, v, 8), elements=st.floats(-2, 2, width=32)))
        views = Views(cuts, draw(hnp.arrays(np.float16, (n, v, len(classes)), elements=half)))
    number = st.floats(0.01, 1)
    scale = st.tuples(*[st.tuples(*[number] * channels)] * 2)
    return DistilledSet(
        images=draw(hnp.arrays(np.uint8, (k, channels, size, size))),
        labels=labels,
        classes=classes,
        masses=raw / np.bincount(labels, weights=raw)[labels],
        soft=soft,
        soft_kind=draw(st.sampled_from(["logits", "values"])),
        views=views,
        formation=formation,
        normalisation=draw(st.none() | scale),
        about=draw(st.dictionaries(names, names, max_size=3)),
    )


def assert_same(a: DistilledSet, b: DistilledSet) -> None:
    """Equal bit for bit, types included."""
    fields = [(a.images, b.images), (a.labels, b.labels), (a.masses, b.masses), (a.soft, b.soft)]
    assert (a.views is None) == (b.views is None)
    if a.views is not None and b.views is not None:
        fields += [(a.views.parameters, b.views.parameters), (a.views.logits, b.views.logits)]
    for one, other in fields:
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    for field in ("classes", "soft_kind", "formation", "normalisation", "about"):
        assert getattr(a, field) == getattr(b, field)
