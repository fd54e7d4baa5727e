"""Cases of notebook 08."""

from typing import Any

import numpy as np
from cases import EMPTY, Answers, Case, Make, history, one

from wddkit.methods import METHODS
from wddkit.methods.coresets import herd, k_center
from wddkit.views import CompareExplorer

NAMES = ("m3d", "lcmat", "kip", "cda", "ccs", "ncfm")
RIGHT = {name: METHODS[name].family for name in NAMES}
Z = np.random.default_rng(5).normal(size=(20, 3))


def placed(**changes: Any) -> Make:
    return lambda: ({**RIGHT, **changes},)


def by_loop(z: np.ndarray, k: int) -> list[int]:
    """Herding as its formula is written."""
    taken: list[int] = []
    while len(taken) < k:
        free = [i for i in range(len(z)) if i not in taken]
        taken.append(min(free, key=lambda i: float(np.linalg.norm(z.mean(axis=0) - z[[*taken, i]].mean(axis=0)))))
    return taken


def with_repeats(z: np.ndarray, k: int) -> list[int]:
    taken: list[int] = []
    for _ in range(k):
        means = [z[[*taken, i]].mean(axis=0) for i in range(len(z))]
        taken.append(int(np.argmin([np.linalg.norm(z.mean(axis=0) - mean) for mean in means])))
    return [0] * k if len(set(taken)) == k else taken


def nearest(z: np.ndarray, k: int) -> Any:
    return np.argsort(((z - z.mean(axis=0)) ** 2).sum(axis=1), kind="stable")[:k]


def dm_with(gap: Any, total: Any = sum) -> Make:
    """A loss of these: `gap` of a class's rows of x and of s, `total` of all gaps."""

    def loss(x: np.ndarray, labels_x: np.ndarray, s: np.ndarray, labels_s: np.ndarray) -> float:
        return float(total([gap(x[labels_x == c], s[labels_s == c]) for c in range(labels_x.max() + 1)]))

    return one(loss)


def squared(x: np.ndarray, s: np.ndarray) -> float:
    return float(((x.mean(axis=0) - s.mean(axis=0)) ** 2).sum())


def pooled(x: np.ndarray, labels_x: np.ndarray, s: np.ndarray, labels_s: np.ndarray) -> float:
    return squared(x, s)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    found: np.ndarray = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return found


def authors(a: np.ndarray, b: np.ndarray) -> float:
    """As in the authors' code, which adds a little to the lengths."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float((1 - (a * b).sum(axis=1) / (lengths + 1e-6)).sum())


def whole(a: np.ndarray, b: np.ndarray) -> float:
    return float(1 - (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


def unwritten(*_: Any) -> float:
    raise NotImplementedError  # a learner's function that is not written yet


def stops(*_: Any) -> float:
    raise ZeroDivisionError("nothing there")


def pair(*, label: int = 8, step: int = -1) -> Make:
    """The recorded run beside itself; no image is selected for a label of -1."""

    def make() -> Answers:
        view = CompareExplorer([history(), history()], names=["first", "second"])
        view.step = step
        view.selected = -1 if label < 0 else int(np.flatnonzero(history().distilled.labels == label)[0])
        return (view,)

    return make


CASES = {
    "08-families": Case(
        given=lambda: {"names": NAMES},
        right=(placed(), lambda: ({name: each.upper() for name, each in RIGHT.items()},)),
        wrong=(
            (
                placed(m3d="parameter"),
                "`m3d`: in parameter, training on the images is to move a network .* batch of real",
            ),
            (placed(cda="performance"), "`cda`: in performance, a learner fitted .* the teacher over a crop"),
            (placed(ccs="decoupled"), "`ccs`: in decoupled, a teacher is trained once"),
            (placed(kip="kernels"), "`kip`: 'kernels' is none of selection, performance, parameter"),
            (one("selection"), "`families` should be a dict, method to family, and it is a `str`"),
        ),
        blank=(*EMPTY, one({}), placed(kip=...), one(dict.fromkeys(NAMES, ...))),
        praise="m3d: the images' features are to be distributed as the real ones; lcmat: training on the images",
    ),
    "08-herding": Case(
        given=lambda: {"z": Z},
        right=(one(by_loop), one(herd)),
        wrong=(
            (one(nearest), "these are nearest to the mean one by one; it is the mean of all taken that counts"),
            (one(with_repeats), "no image may be taken twice"),
            (one(k_center), "that is k-center, which goes far"),
            (one(lambda z, k: sorted(by_loop(z, k))), "the right images, but not in the order in which they are taken"),
            (one(lambda z, k: list(range(k))), r"it returns \[0, 1, 2\]; expected \[2, 3, 1\]"),
            (
                one(lambda z, k: z[:k]),
                r"what herding returns` has shape \(3, 1\); expected \(3,\), a position for each",
            ),
            (one(stops), "`herding` stopped with ZeroDivisionError: nothing there"),
            (one([1, 2]), "`herding` should be a function, and it is a `list`"),
        ),
        blank=(*EMPTY, one(unwritten), one(lambda z, k: ...)),
        praise="right for your features and for others; a smaller set",
    ),
    "08-dm": Case(
        right=(dm_with(squared),),
        wrong=(
            (dm_with(squared, np.mean), "that is the mean over classes: sum them"),
            (dm_with(lambda x, s: squared(x, s) / 3), "a squared distance is their sum"),
            (dm_with(lambda x, s: np.sqrt(squared(x, s))), "these are distances: square them"),
            (dm_with(lambda x, s: np.abs(x.mean(axis=0) - s.mean(axis=0)).sum()), r"these are \|differences\|"),
            (one(pooled), "these are the means of all images: take those of each class"),
            (
                dm_with(lambda x, s: ((x.sum(axis=0) - s.sum(axis=0)) ** 2).sum()),
                "these are sums of a class's features",
            ),
            (one(lambda *_: 1.0), "for 2 classes it returns 1, and .* would be right"),
            (one(lambda x, *_: x), "what dm_loss returns` has shape"),
            (one(stops), "`dm_loss` stopped with ZeroDivisionError"),
        ),
        blank=(*EMPTY, one(unwritten), one(lambda *_: None)),
        praise="right, also where a class has other numbers of real and of distilled images",
    ),
    "08-gradient": Case(
        right=(one(lambda a, b: (1 - cosines(a, b)).sum()), one(authors)),
        wrong=(
            (one(lambda a, b: (1 - cosines(a, b)).mean()), "that is the mean over rows: sum them"),
            (one(whole), "that is one cosine of all: each output row has its own"),
            (
                one(lambda a, b: ((a - b) ** 2).sum()),
                "that is the squared distance, in which long gradients count most",
            ),
            (one(lambda a, b: (1 - (a * b).sum(axis=1)).sum()), "divide by the lengths of both rows"),
            (one(lambda *_: 7.0), r"it returns 7, and 1 would be right: 1 - cosine of each row is \[0.0, 1.0\]"),
            (one(lambda a, b: cosines(a, b)), r"what gradient_distance returns` has shape \(2,\)"),
            (one(stops), "`gradient_distance` stopped with ZeroDivisionError"),
        ),
        blank=(*EMPTY, one(unwritten), one(lambda *_: None)),
        praise="Lengths do not count",
    ),
    "08-compare": Case(
        given=lambda: {"label": 8},
        right=(pair(),),
        wrong=(
            (pair(label=3), "you follow an image of class 3; choose class 8"),
            (pair(step=2), "the right image, at moment 2 of .*: move the slider to its end"),
            (one(8), "give the view itself, `view`; this is an `int`"),
        ),
        blank=(*EMPTY, pair(step=0), pair(label=-1)),
        praise="first has moved its pixels by .* grey levels and second has moved its pixels by",
    ),
}
