"""Real sets in one npz file: plain arrays, or packed picture bytes."""

import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from wddkit.data.arrays import class_names, numbered, to_images, to_labels
from wddkit.data.cuts import assemble, renumber
from wddkit.data.pictures import read_pictures
from wddkit.data.sets import ImageSet, MissingDataError, Split, check_labels

PLAIN = ("x_train", "y_train", "x_test", "y_test")
PACKED = ("train_bytes", "train_offsets", "y_train", "test_bytes", "test_offsets", "y_test")
# What NumPy and zipfile were seen to raise, or say that they raise, for files with changed bytes.
DAMAGE = (
    *(OSError, ValueError, EOFError, KeyError, RuntimeError, MemoryError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)


def load_npz(
    path: Path,
    *,
    name: str,
    names: Sequence[str] | None = None,
    split_seed: int = 0,
    size: int | None = None,
    skip_corrupt: bool = False,
    classes: Sequence[str] | None = None,
) -> Split:
    """A split from one file of plain arrays or of packed pictures.

    Plain: x_train, y_train, x_test, y_test, images 8-bit [n, h, w] or [n, h, w, c]. Packed: train_bytes,
    train_offsets, y_train and the same of test; picture i of a part is `bytes[offsets[i]:offsets[i + 1]]`.
    Class names come from `names`, else the file's `classes`, else "0", "1", ...; of those `classes` keeps some, or
    gives a file without names its own.
    Nothing is unpickled. Raises ValueError naming the file, and a corrupt picture by its index.
    """
    arrays = read_npz(path)
    layout = next((keys for keys in (PLAIN, PACKED) if set(keys) <= set(arrays)), None)
    if layout is None:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise ValueError(f"{path}: expected {', '.join(PLAIN)}, or {', '.join(PACKED)}; found {found}")
    labels = _labels(arrays, layout, path)
    known = class_names(names) or _stored_names(arrays, path)
    if not known:
        known = numbered(labels["train"], f"{path}: y_train")
        if classes is not None and len(classes) == len(known) and not set(classes) & set(known):
            known = class_names(classes)
    for part in ("train", "test"):
        check_labels(labels[part], known, f"{path}: y_{part}", need_all=part == "train")
    kept_names, new = renumber(known, class_names(classes) or None, what=name)
    labels = {part: new[own] for part, own in labels.items()}
    if layout is PLAIN:
        sets = {part: _plain(arrays, part, labels[part], path, size) for part in ("train", "test")}
    else:
        sets = _packed(arrays, labels, path, size, skip_corrupt=skip_corrupt)
    return assemble(sets["train"], sets["test"], classes=kept_names, name=name, split_seed=split_seed)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file, without unpickling; ValueError for damage or Python objects in it."""
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("one array, not an npz file")
        with file:
            return {key: file[key] for key in file.files}
    except FileNotFoundError:
        raise MissingDataError(f"there is no file {path}") from None
    except DAMAGE as error:
        raise ValueError(f"{path}: not a readable npz file of plain arrays ({error})") from error


def _labels(arrays: Mapping[str, np.ndarray], layout: Sequence[str], path: Path) -> dict[str, Int64[np.ndarray, " n"]]:
    labels = {}
    for part in ("train", "test"):
        packed = layout is PACKED
        n = _check_offsets(arrays, part, path) if packed else len(np.atleast_1d(arrays[f"x_{part}"]))
        labels[part] = to_labels(arrays[f"y_{part}"], n, what=f"{path}: y_{part}")
    return labels


def _stored_names(arrays: Mapping[str, np.ndarray], path: Path) -> tuple[str, ...]:
    if "classes" not in arrays:
        return ()
    stored = arrays["classes"]
    if stored.ndim != 1 or stored.dtype.kind != "U":
        raise ValueError(f"{path}: classes: expected a list of texts, got {stored.dtype} of shape {stored.shape}")
    return class_names(stored.tolist())


def _plain(
    arrays: Mapping[str, np.ndarray], part: str, labels: Int64[np.ndarray, " n"], path: Path, size: int | None
) -> ImageSet:
    x, what = arrays[f"x_{part}"], f"{path}: x_{part}"
    if x.dtype != np.uint8 or x.ndim not in (3, 4):
        raise ValueError(f"{what}: expected uint8 of shape [n, h, w] or [n, h, w, c], got {x.dtype} of {x.shape}")
    keep = labels >= 0
    images = to_images(x[keep], what=what, layout="NHW" if x.ndim == 3 else "NHWC", size=size)
    return ImageSet(images, labels[keep])


def _packed(
    arrays: Mapping[str, np.ndarray],
    labels: Mapping[str, Int64[np.ndarray, " n"]],
    path: Path,
    size: int | None,
    *,
    skip_corrupt: bool,
) -> dict[str, ImageSet]:
    """Both parts at once, so that one size and one number of channels hold for both."""
    wanted = [(part, int(i)) for part in ("train", "test") for i in np.flatnonzero(labels[part] >= 0)]

    def read(position: int) -> bytes:
        part, i = wanted[position]
        start, stop = arrays[f"{part}_offsets"][i : i + 2]
        return arrays[f"{part}_bytes"][start:stop].tobytes()

    titles = [f"{part} image {i}" for part, i in wanted]
    images, kept = read_pictures(titles, read, what=str(path), size=size, skip_corrupt=skip_corrupt)
    stop = np.searchsorted(kept, sum(part == "train" for part, _ in wanted))
    own = np.array([labels[part][i] for part, i in (wanted[position] for position in kept)], np.int64)
    return {"train": ImageSet(images[:stop], own[:stop]), "test": ImageSet(images[stop:], own[stop:])}


def _check_offsets(arrays: Mapping[str, np.ndarray], part: str, path: Path) -> int:
    """The number of packed pictures."""
    data, offsets = arrays[f"{part}_bytes"], arrays[f"{part}_offsets"]
    if data.ndim != 1 or data.dtype != np.uint8:
        raise ValueError(f"{path}: {part}_bytes: expected a row of uint8, got {data.dtype} of shape {data.shape}")
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu" or not len(offsets):
        raise ValueError(f"{path}: {part}_offsets: expected a row of integers, got {offsets.dtype} of {offsets.shape}")
    if offsets[0] != 0 or offsets[-1] != len(data) or (offsets[1:] < offsets[:-1]).any():
        raise ValueError(f"{path}: {part}_offsets must ascend from 0 to {len(data)}, the number of bytes")
    return len(offsets) - 1
