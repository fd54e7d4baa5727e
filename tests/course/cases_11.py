"""Cases of notebook 11."""

import functools
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from cases import EMPTY, Answers, Case, Make, history, one

from wddkit.course.own import SHAPES, untidy_arrays
from wddkit.data import Split
from wddkit.views import Explorer

X, Y = untidy_arrays(each=10, copies=6, seed=1)
NUMBERS = np.array([SHAPES.index(name) for name in Y])
_, FIRST = np.unique(X.reshape(len(X), -1), axis=0, return_index=True)
KEPT = np.random.default_rng(0).permutation(FIRST)


def split(
    test: Any = KEPT[:8], train: Any = KEPT[8:], *, classes: Any = SHAPES, x: Any = X / 255, y: Any = NUMBERS
) -> Make:
    def make() -> Answers:
        return (Split.from_arrays(x[train], y[train], x[test], y[test], classes=classes),)

    return make


def grey() -> Split:
    return Split.from_arrays(X[KEPT] / 255, NUMBERS[KEPT], X[:1] / 255, NUMBERS[:1], val=0.0)


def lightest(add: int = 0) -> int:
    """The position of the lightest image, or of a heavier one."""
    return int(np.argsort(history().distilled.masses, kind="stable")[add])


def explorer(selected: int, *, step: int = -1) -> Make:
    def make() -> Answers:
        return (Explorer(history(), step=step, selected=selected),)

    return make


def rows(apart: bool = False) -> Any:
    high = 62.0 if apart else 75.0
    return pd.DataFrame({"accuracy": [80.0, 60.0, 90.0], "low": [70.0, 50.0, 85.0], "high": [88.0, high, 95.0]})


@functools.cache
def kept() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="wddkit-cases-")  # removed when the tests end


def folder() -> Path:
    return Path(kept().name)


def written(name: str, text: str) -> Make:
    def make() -> Answers:
        path = folder() / name
        path.write_text(text, "utf-8")
        return (path,)

    return make


def exported() -> Answers:
    return (str(Explorer(history()).to_html(folder() / "run.html")),)


CASES = {
    "11-split": Case(
        given=lambda: {"x": X, "y": Y},
        right=(split(), split(x=np.rint(X).astype(np.uint8))),
        wrong=(
            (
                split(np.arange(0, len(X), 4), np.delete(np.arange(len(X)), np.arange(0, len(X), 4))),
                "remove copies|more than once",
            ),
            (split(KEPT[:8], np.append(KEPT[8:], KEPT[:2])), "2 images are in test and in train or val: remove copies"),
            (split(KEPT[:8], np.append(KEPT[8:], KEPT[8:11])), "in there more than once; keep one of each"),
            (split(KEPT[:8], KEPT[9:]), "1 image is missing; only copies should go"),
            (split(np.sort(KEPT)[:8], np.sort(KEPT)[8:]), "test has no .*: the arrays are sorted by class"),
            (split(KEPT[:30], KEPT[30:]), "75% of the images are for testing; take between 10% and 50%"),
            (split(classes=None), r"the classes are \['0', '1', '2', '3'\]; give their names: \['circle', 'cross'"),
            (split(y=NUMBERS[::-1]), "under another class's name; shuffle x and y in the same order"),
            (split(x=X / 510), r"(train|val|test): \d+ images are not among x: pixels were changed"),
            (one((X, Y)), "`split` should be what wdd.Split.from_arrays returns, and it is a `tuple`"),
        ),
        blank=EMPTY,
        praise="6 copies are gone, every class is tested, and nothing leaks: 28 train, 4 val, 8 test",
    ),
    "11-bytes": Case(
        given=lambda: {"split": grey(), "ipc": 3},
        right=(lambda: (3 * 4 * 256, 12 / 40), lambda: (3072.0, 0.3)),
        wrong=(
            (lambda: (3 * 256, 0.3), "that is one class; there are several"),
            (lambda: (3 * 3072, 0.3), "these images are grey: one channel"),
            (lambda: (4 * 3072, 0.3), r"a pixel is one byte here \(uint8\), not four"),
            (lambda: (8 * 3072, 0.3), "bytes, not bits"),
            (lambda: (40 * 256, 0.3), "that is the whole training set"),
            (lambda: (77, 0.3), "`pixels` is 77; multiply classes, ipc, channels, height and width"),
            (lambda: (3072, 40 / 12), "`pixels` is right; `share`: upside down"),
            (lambda: (3072, 30.0), "a share, not a percentage"),
            (lambda: (3072, 0.5), "divide by the bytes of 40 training images"),
        ),
        blank=(lambda: (..., ...), lambda: (3072, ...), lambda: (None, 0.3)),
        praise="3,072 bytes, 30.0% of the training images",
    ),
    "11-lightest": Case(
        given=lambda: {"history": history()},
        right=(lambda: explorer(lightest())(),),
        wrong=(
            (lambda: explorer(lightest(50))(), r"this \d stands for \d+\.\d% of its class, and \d+ images are lighter"),
            (lambda: explorer(lightest(-1))(), r"and 99 images are lighter"),
            (lambda: explorer(lightest(), step=0)(), "that is the lightest one; move the slider to the last snapshot"),
            (one(3), "give the Explorer itself, `view`; this is an `int`"),
            (lambda: (SimpleNamespace(step=0),), "give the Explorer itself, `view`; this is a `SimpleNamespace`"),
        ),
        blank=(explorer(-1), *EMPTY),
        praise=r"a \d that stands for \d+\.\d% of its class",
    ),
    "11-claim": Case(
        given=lambda: {"results": rows()},
        right=(lambda: (20.0, "open"), lambda: (np.float64(20.001), "open")),
        wrong=(
            (lambda: (-20.0, "open"), "the other way round: the distilled set minus random images"),
            (lambda: (0.2, "open"), "accuracies are in percent already"),
            (lambda: (-10.0, "open"), "that is beside the whole real set; take row 1"),
            (lambda: (5.0, "open"), "`gain` is 5; subtract 60.00 from 80.00"),
            (lambda: (20.0, "better"), "`claim` should be one of 'higher', 'lower', 'open', not 'better'"),
            (lambda: (20.0, "higher"), r"\[70.00, 88.00\] and \[50.00, 75.00\] overlap: these students cannot tell"),
        ),
        blank=(lambda: (..., ...), lambda: (20.0, ...), lambda: (None, "open")),
        praise=r"\+20\.00 points; .*it is of one synthesis, on one test set",
    ),
    "11-page": Case(
        right=(exported,),
        wrong=(
            (one("nowhere.html"), "there is no file 'nowhere.html'; `view.to_html"),
            (written("text.html", "wdd"), "text.html is no page; write it with"),
            (
                written("cdn.html", '<html><script src="https://cdn.example.org/x.js"></script>wdd'),
                "cdn.html loads https://cdn.example.org/x.js: it would stay empty",
            ),
            (written("other.html", "<html>Hello</html>"), "is a page, but no Explorer is in it"),
            (written("large.html", "<html>wdd" + "x" * 5_100_000), r"large.html has 5.1 MB, more than 5"),
            (one(7), "`page` should be the path of the file, and it is an `int`"),
        ),
        blank=(*EMPTY, one("")),
        praise=r"run.html, \d\.\d\d MB, loads nothing from elsewhere",
    ),
}
