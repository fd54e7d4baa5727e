"""Distilled sets made elsewhere, and whether a distilled set fits the real set that it is used with."""

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.codec import unknown
from wddkit.data.arrays import (
    Layout,
    channels_first,
    check_finite,
    check_size,
    class_names,
    numbered,
    to_bytes,
    to_labels,
    to_numpy,
)
from wddkit.data.exchange import ours
from wddkit.data.folder import list_pictures
from wddkit.data.pictures import read_pictures
from wddkit.data.pixels import square
from wddkit.data.sets import DistilledSet, Normalisation, Split, Views, check_images, check_normalisation

TOLERANCE = 1e-3  # between a declared normalisation and the real set's own
NORMALISED = (
    "normalised images are undone with normalisation=(means, stds), normalised=True; or undo it: images * std + mean"
)


def distilled_from_arrays(
    images: Any,
    labels: Any,
    *,
    classes: Sequence[str] | None = None,
    masses: Any = None,
    soft: Any = None,
    soft_kind: Literal["logits", "values"] = "logits",
    formation: int = 1,
    normalisation: tuple[Sequence[float], Sequence[float]] | None = None,
    normalised: bool = False,
    layout: Layout | None = None,
    size: int | None = None,
    about: Mapping[str, str] | None = None,
) -> DistilledSet:
    """A distilled set from NumPy arrays, torch tensors or lists.

    Images are taken as `wddkit.data.split_from_arrays` takes them. `normalisation` declares the mean and std that the
    set was made for; with `normalised` it is undone first, and values that leave [0, 1] are clipped with a warning.
    `masses` sum to 1 within each class (None: even); `soft` has a row for each training image. Raises ValueError for
    normalised images that are not declared so.
    """
    array = channels_first(to_numpy(images, "images"), what="images", layout=layout)
    declared = _normalisation(normalisation)
    if normalised:
        array = _undo(array, declared)
    array = to_bytes(array, what="images", way_out=NORMALISED)
    if size is not None and formation != 1:
        raise ValueError(f"size={size} would blend the tiles of formation {formation}; resize before forming tiles")
    array = array if size is None else square(array, check_size(size))
    check_images(array, "images")
    own_labels = to_labels(labels, len(array))
    soft = None if soft is None else _floats(soft, "soft labels")
    names = class_names(classes)
    if not names and soft is not None and soft.ndim == 2:
        names = tuple(map(str, range(soft.shape[1])))
    return DistilledSet(
        images=np.ascontiguousarray(array),
        labels=own_labels,
        classes=names or numbered(own_labels, "labels"),
        masses=even_masses(own_labels) if masses is None else _floats(masses, "masses").astype(np.float64),
        soft=None if soft is None else soft.astype(np.float32),
        soft_kind=soft_kind,
        formation=formation,
        normalisation=declared,
        about=dict(about or {}),
    )


def distilled_from_folder(
    path: Any,
    *,
    classes: Sequence[str] | None = None,
    size: int | None = None,
    formation: int = 1,
    normalisation: tuple[Sequence[float], Sequence[float]] | None = None,
    skip_corrupt: bool = False,
    about: Mapping[str, str] | None = None,
) -> DistilledSet:
    """A distilled set from pictures in one folder a class; labels follow `classes`, else the sorted folder names.

    Raises ValueError for a folder that is not in `classes`, for corrupt pictures (or leaves them out, with a warning),
    and for sizes that differ unless `size` crops and resizes.
    """
    root = Path(path).expanduser().absolute()
    what = f"folder {root.name}"
    if ours(root):
        raise ValueError(f"{root} was saved by wddkit: DistilledSet.load reads it with its labels and masses")
    pictures = list_pictures(root, what=what)
    names = class_names(classes) or pictures.classes
    for folder in pictures.classes:
        if folder not in names:
            raise unknown("class folder", folder, names)
    order = sorted(range(len(pictures.files)), key=lambda i: names.index(pictures.folders[i]))
    files = [pictures.files[i] for i in order]
    titles = [str(file.relative_to(root)) for file in files]
    images, kept = read_pictures(
        titles, lambda i: files[i].read_bytes(), what=what, size=size, skip_corrupt=skip_corrupt
    )
    labels = np.array([names.index(pictures.folders[order[i]]) for i in kept], np.int64)
    return distilled_from_arrays(
        images,
        labels,
        classes=names,
        formation=formation,
        normalisation=normalisation,
        layout="NCHW",
        about=about,
    )


def even_masses(labels: Int64[np.ndarray, " k"]) -> Float64[np.ndarray, " k"]:
    """Masses that are equal within each class and sum to 1 there."""
    counts = np.bincount(labels[labels >= 0])
    masses: np.ndarray = 1 / counts[np.maximum(labels, 0)]
    return masses


def reorder(distilled: DistilledSet, classes: Sequence[str]) -> DistilledSet:
    """The same set with its classes in another order: labels, soft labels and views are renumbered together."""
    names = class_names(classes)
    if sorted(names) != sorted(distilled.classes):
        raise ValueError(f"reorder: expected the classes {list(distilled.classes)} in any order, got {list(names)}")
    columns = np.array([distilled.classes.index(name) for name in names])
    soft, views = distilled.soft, distilled.views
    return dataclasses.replace(
        distilled,
        classes=names,
        labels=np.argsort(columns)[distilled.labels],
        soft=None if soft is None else np.ascontiguousarray(soft[:, columns]),
        views=None if views is None else Views(views.parameters, np.ascontiguousarray(views.logits[:, :, columns])),
    )


def check_matches(distilled: DistilledSet, split: Split) -> None:
    """Raises ValueError if classes, their order, channels, size or normalisation are not the real set's.

    Mixing them up is the commonest failure in this field: nothing breaks, accuracies are only wrong.
    """
    _check_classes(distilled.classes, split)
    own, real = distilled.images.shape[1:], split.train.images.shape[1:]
    if own[0] != real[0]:
        kinds = {1: "grey", 3: "RGB"}
        raise ValueError(
            f"channels: the distilled set is {kinds[own[0]]} but {split.name} is {kinds[real[0]]}; "
            f"use the real set that it was distilled from"
        )
    if own != real:
        raise ValueError(
            f"size: distilled images are {own[1]} x {own[2]} but those of {split.name} are {real[1]} x {real[2]}; "
            f"load the real set with size={own[1]}"
        )
    if distilled.normalisation is None:
        return
    for what, declared, found in zip(("mean", "std"), distilled.normalisation, split.normalisation, strict=True):
        if not np.allclose(declared, found, rtol=0, atol=TOLERANCE):
            raise ValueError(
                f"normalisation: the distilled set declares {what} {_rounded(declared)}, but that of {split.name} is "
                f"{_rounded(found)}; use the training images that it was distilled from, or declare none with "
                f"dataclasses.replace(distilled, normalisation=None)"
            )


def _check_classes(own: tuple[str, ...], split: Split) -> None:
    if own == split.classes:
        return
    if len(own) != len(split.classes):
        raise ValueError(f"classes: the distilled set has {len(own)}, but {split.name} has {len(split.classes)}")
    i = next(i for i, (a, b) in enumerate(zip(own, split.classes, strict=True)) if a != b)
    text = f"classes: class {i} is {own[i]!r} in the distilled set but {split.classes[i]!r} in {split.name}; "
    if sorted(own) == sorted(split.classes):
        raise ValueError(
            text + "the names are the same in another order: wddkit.data.reorder(distilled, split.classes)"
        )
    raise ValueError(
        text + "if only the spelling differs, rename: dataclasses.replace(distilled, classes=split.classes)"
    )


def _normalisation(given: tuple[Sequence[float], Sequence[float]] | None) -> Normalisation | None:
    if given is None:
        return None
    mean, std = (np.atleast_1d(to_numpy(part, "normalisation")).ravel() for part in given)
    return tuple(map(float, mean)), tuple(map(float, std))


def _undo(array: np.ndarray, normalisation: Normalisation | None) -> np.ndarray:
    """Pixels in [0, 1] of normalised [n, c, h, w] floats."""
    if normalisation is None:
        raise ValueError("normalised=True needs normalisation=(means, stds), those that the images were made with")
    if array.dtype.kind != "f":
        raise ValueError(f"normalised=True expects floats, got {array.dtype}: 8-bit pixels are not normalised")
    check_normalisation(normalisation, array.shape[1])
    check_finite(array, "images")
    mean, std = (np.array(part)[:, None, None] for part in normalisation)
    pixels = array * std + mean
    outside = float(((pixels < -0.5 / 255) | (pixels > 1 + 0.5 / 255)).mean())
    if outside:
        warnings.warn(f"{outside:.2%} of the pixel values lay outside [0, 1] and were clipped", stacklevel=3)
    return np.asarray(pixels.clip(0, 1))


def _floats(values: Any, what: str) -> np.ndarray:
    array = to_numpy(values, what)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{what}: expected numbers, got {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _rounded(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in values)
