"""Cutting validation and test parts off a real set, class by class, by an integer seed."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from wddkit.codec import unknown
from wddkit.data.sets import ImageSet, Split, check_labels
from wddkit.seeds import derive

LARGEST_VALIDATION = 5000


def assemble(
    train: ImageSet,
    test: ImageSet,
    *,
    classes: tuple[str, ...],
    name: str,
    split_seed: int,
    val: float | ImageSet = 0.1,
) -> Split:
    """The split; a `val` that is a share is cut from train by `split_seed`, at most 5000 images."""
    for part, images in (("train", train), ("test", test)):
        if not len(images):
            raise ValueError(f"{name}: the {part} set has no images")
    if isinstance(val, ImageSet):
        return Split(train, val, test, classes, name)
    if not 0 <= val < 1:
        raise ValueError(f"val: expected the share of train to cut off, in [0, 1), or (images, labels); got {val!r}")
    check_labels(train.labels, classes, f"{name} (train)", need_all=True)
    total = min(round(val * len(train)), LARGEST_VALIDATION)
    rest, cut = cut_off(train.labels, total, seed=derive(split_seed, "val"))
    return Split(train.take(rest), train.take(cut), test, classes, name)


def cut_off(
    labels: Int64[np.ndarray, " n"], total: int, *, seed: int
) -> tuple[Int64[np.ndarray, " rest"], Int64[np.ndarray, " total"]]:
    """Positions that stay and positions cut off, both ascending.

    Each class gives its share, rounded by largest remainders; at least one and never all of a class with two or more,
    and none of a class with one. So `total` is met exactly unless the classes are too small for that.
    """
    counts = np.bincount(labels)
    cut = []
    for label, quota in enumerate(_quotas(counts, total)):
        order = np.random.default_rng(derive(seed, label)).permutation(counts[label])
        cut.append(np.flatnonzero(labels == label)[order[:quota]])
    chosen = np.zeros(len(labels), bool)
    chosen[np.concatenate(cut)] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def renumber(
    known: Sequence[str], wanted: Sequence[str] | None, *, what: str
) -> tuple[tuple[str, ...], Int64[np.ndarray, " known"]]:
    """The wanted class names, and each known class's label among them (-1: left out); None keeps all."""
    names = tuple(known) if wanted is None else tuple(wanted)
    for name in names:
        if name not in known:
            raise unknown(f"class of {what}", name, known)
    if len(set(names)) != len(names):
        raise ValueError(f"{what}: class names must be distinct, got {list(names)}")
    return names, np.array([names.index(name) if name in names else -1 for name in known], np.int64)


def _quotas(counts: Int64[np.ndarray, " k"], total: int) -> Int64[np.ndarray, " k"]:
    """How many of each class are cut off."""
    if total <= 0:
        return np.zeros_like(counts)
    exact = total * counts / counts.sum()
    room = np.maximum(counts - 1, 0)
    quotas: np.ndarray = np.clip(np.floor(exact).astype(np.int64), np.minimum(1, room), room)
    while quotas.sum() < total and (quotas < room).any():
        quotas[np.argmax(np.where(quotas < room, exact - quotas, -np.inf))] += 1
    while quotas.sum() > total and quotas.max() > 1:
        quotas[np.argmax(np.where(quotas > 1, quotas - exact, -np.inf))] -= 1
    return quotas
