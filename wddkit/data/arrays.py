"""Arrays of the usual layouts and number types to 8-bit images and labels, and splits made of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Int64, UInt8

from wddkit.codec import unknown
from wddkit.data.cuts import assemble
from wddkit.data.pixels import square
from wddkit.data.sets import ImageSet, Split, check_images

Layout: TypeAlias = Literal["NHW", "NHWC", "NCHW"]
LAYOUTS = ("NHW", "NHWC", "NCHW")
CHANNELS = (1, 3)
SLACK = 1e-5  # floats this far outside [0, 1] are rounding errors of a resize, not another range
UNDO = "undo the normalisation first: images * std + mean"


def split_from_arrays(
    x_train: Any,
    y_train: Any,
    x_test: Any,
    y_test: Any,
    *,
    classes: Sequence[str] | None = None,
    name: str = "arrays",
    layout: Layout | None = None,
    size: int | None = None,
    split_seed: int = 0,
    val: float | tuple[Any, Any] | None = None,
) -> Split:
    """A split from NumPy arrays, torch tensors or lists; validation is cut from train, the test set stays.

    Images: [n, h, w] (grey), [n, h, w, c] or [n, c, h, w] with 1 or 3 channels; 8-bit, or floats in [0, 1], which are
    rounded to 8 bits. `size` crops the central squares and resizes them. Labels: integers 0..k-1; without `classes`
    they are named "0", "1", ... `val` is the share of train to cut (None: 0.1; at most 5000 images; 0: none), or
    (images, labels). Raises ValueError for other ranges or layouts, NaN, missing classes and constant images.
    """
    train = image_set(x_train, y_train, what="train", layout=layout, size=size)
    test = image_set(x_test, y_test, what="test", layout=layout, size=size)
    if not len(train):
        raise ValueError(f"{name}: x_train has no images")
    names = class_names(classes) or numbered(train.labels, "train labels")
    _check_constant(train, names, name)
    if isinstance(val, (tuple, list)):
        cut: float | ImageSet = image_set(*val, what="val", layout=layout, size=size)
    else:
        cut = 0.1 if val is None else val
    return assemble(train, test, classes=names, name=name, split_seed=split_seed, val=cut)


def image_set(x: Any, y: Any, *, what: str, layout: Layout | None = None, size: int | None = None) -> ImageSet:
    """Images and labels, converted and checked; errors name `what`."""
    images = to_images(x, what=f"{what} images", layout=layout, size=size)
    return ImageSet(images, to_labels(y, len(images), what=f"{what} labels"))


def to_images(
    x: Any, *, what: str = "images", layout: Layout | None = None, size: int | None = None
) -> UInt8[np.ndarray, "n c h w"]:
    """Images of any layout as 8-bit [n, c, h, w]; floats in [0, 1] are rounded to the nearest of 256 levels."""
    images = to_bytes(channels_first(to_numpy(x, what), what=what, layout=layout), what=what)
    if size is not None:
        images = square(images, check_size(size))
    check_images(images, what)
    return np.ascontiguousarray(images)


def to_numpy(values: Any, what: str) -> np.ndarray:
    """A NumPy array of numbers from an array, a torch tensor or a list of either."""
    values = [_plain(item) for item in values] if isinstance(values, (list, tuple)) else _plain(values)
    try:
        array = np.asarray(values)
    except ValueError:
        shapes = sorted({np.shape(item) for item in values})
        raise ValueError(
            f"{what}: the items differ in shape, {shapes[0]} and {shapes[-1]}; give them one size"
        ) from None
    if array.dtype == object:
        raise ValueError(f"{what}: expected numbers, got an array of Python objects")
    return array


def channels_first(array: np.ndarray, *, what: str, layout: Layout | None = None) -> np.ndarray:
    """The same numbers as [n, c, h, w]; the layout is found from the place of the 1 or 3 channels."""
    if layout is not None and layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    layout = layout or _layout(array, what)
    if array.ndim != len(layout):
        raise ValueError(f"{what}: layout {layout} has {len(layout)} axes, but the shape is {array.shape}")
    if layout == "NHW":
        return array[:, None]
    return array if layout == "NCHW" else array.transpose(0, 3, 1, 2)


def to_bytes(array: np.ndarray, *, what: str, way_out: str = UNDO) -> UInt8[np.ndarray, "n c h w"]:
    """Integers 0..255 as they are, floats in [0, 1] times 255 and rounded; anything else is a ValueError."""
    if array.dtype == np.uint8 or not array.size:
        return array.astype(np.uint8, copy=False)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{what}: expected 8-bit integers or floats in [0, 1], got {array.dtype}")
    check_finite(array, what)
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind in "iu":
        if low < 0 or high > 255:
            raise ValueError(f"{what}: expected integers 0..255, found {low:g} to {high:g}; scale them to 8 bits")
        return array.astype(np.uint8)
    if low < -SLACK or high > 1 + SLACK:
        mend = "divide by 255, or convert 8-bit values with .astype(np.uint8)" if low >= 0 and high <= 255 else way_out
        raise ValueError(f"{what}: expected floats in [0, 1], found {low:g} to {high:g}; {mend}")
    out = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), 1024):  # bounds the second float copy
        out[start : start + 1024] = np.rint(array[start : start + 1024].clip(0, 1) * 255)
    return out


def to_labels(y: Any, n: int, *, what: str = "labels") -> Int64[np.ndarray, " n"]:
    """Integer labels of n images as int64."""
    labels = to_numpy(y, what)
    if labels.ndim == 2 and labels.shape[1:] == (1,):
        raise ValueError(f"{what}: expected shape ({n},), got {labels.shape}; flatten them: labels.ravel()")
    if labels.ndim == 2:
        raise ValueError(f"{what}: expected one integer an image, got {labels.shape}; from one-hot: labels.argmax(1)")
    if labels.shape != (n,):
        raise ValueError(f"{what}: expected one for each of {n} images, got shape {labels.shape}")
    if n and labels.dtype.kind not in "iu":
        raise ValueError(
            f"{what}: expected integers 0..k-1, got {labels.dtype}; "
            f"number them with np.unique(labels, return_inverse=True)[1]"
        )
    return labels.astype(np.int64)


def class_names(classes: Sequence[str] | None) -> tuple[str, ...]:
    """The given names as a tuple of strings; empty for None."""
    if classes is None:
        return ()
    is_list = not isinstance(classes, str) and hasattr(classes, "__len__")
    if not is_list or not len(classes) or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"classes: expected a list of names, one string a class, got {classes!r}")
    return tuple(map(str, classes))  # NumPy's strings become plain ones


def numbered(labels: Int64[np.ndarray, " n"], what: str) -> tuple[str, ...]:
    """Names "0", "1", ... for labels that are 0..k-1 without gaps."""
    present = np.unique(labels)
    if len(present) and (present[0] != 0 or present[-1] != len(present) - 1):
        raise ValueError(
            f"{what} must be 0..k-1 without gaps, found {present[:8].tolist()}; give classes=[...] if some classes "
            f"are empty, or renumber: np.unique(labels, return_inverse=True)[1]"
        )
    return tuple(map(str, range(len(present))))


def shown(value: object) -> str:
    """A value as an error shows it: names and numbers as they are written, anything else by its type."""
    if value is None or isinstance(value, (bool, int, float, str, Path)):
        text = repr(value)
        return text if len(text) <= 80 else f"{text[:77]}..."
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def check_size(size: int) -> int:
    """The size, if it is a whole number of pixels."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"size: expected a whole number of pixels, at least 1, got {size!r}")
    return int(size)


def check_finite(array: np.ndarray, what: str) -> None:
    """Raises ValueError naming the first item with NaN or an infinite value."""
    if array.dtype.kind != "f":
        return
    bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    if bad.any():
        raise ValueError(f"{what}: NaN or infinite values, first in item {bad.argmax()} ({bad.sum()} of {len(bad)})")


def _plain(values: Any) -> Any:
    """A torch tensor, wherever it lives, as a NumPy array; other values as they are."""
    if not hasattr(values, "detach"):
        return values
    values = values.detach().cpu()
    if str(values.dtype) == "torch.bfloat16":  # NumPy has no such type
        values = values.float()
    return values.numpy()


def _layout(array: np.ndarray, what: str) -> Layout:
    if array.ndim == 3:
        return "NHW"
    if array.ndim != 4:
        mend = "; reshape flat rows to [n, height, width]" if array.ndim == 2 else ""
        raise ValueError(f"{what}: expected [n, h, w], [n, h, w, c] or [n, c, h, w], got shape {array.shape}{mend}")
    first, last = array.shape[1] in CHANNELS, array.shape[3] in CHANNELS
    if first and last:
        raise ValueError(f"{what}: shape {array.shape} reads two ways; say layout='NHWC' or layout='NCHW'")
    if not first and not last:
        mend = "expected 1 (grey) or 3 (RGB)"
        if array.shape[3] == 4:
            mend = "4 channels: drop the alpha channel with images[..., :3]"
        elif array.shape[1] == 4:
            mend = "4 channels: drop the alpha channel with images[:, :3]"
        raise ValueError(f"{what}: no channels found in shape {array.shape}; {mend}")
    return "NCHW" if first else "NHWC"


def _check_constant(train: ImageSet, classes: Sequence[str], name: str) -> None:
    """Raises ValueError if all pixels, or all of one class, have one value: a sign of a failed conversion."""
    pixels = train.images.reshape(len(train), -1)
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    if low.min() == high.max():
        raise ValueError(f"{name}: constant images: every training pixel is {low[0]}; check how they were converted")
    for label, title in enumerate(classes):
        own = train.labels == label
        if own.any() and low[own].min() == high[own].max():
            raise ValueError(
                f"{name}: constant images: every pixel of class {label} ({title!r}) is {low[own][0]}; "
                f"check how they were converted, or leave the class out"
            )
