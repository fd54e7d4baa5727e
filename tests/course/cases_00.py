"""Cases of notebook 00."""

from collections.abc import Callable
from typing import Any

import numpy as np
from cases import EMPTY, Answers, Case, Make, history, one

from wddkit.views import Explorer


def explorer(*, selected: int = 39, step: int = -1) -> Make:
    def make() -> Answers:
        return (Explorer(history(), step=step, selected=selected),)

    return make


def shares(*, divide: str = "sum", name: str = "value", at: int = -1) -> list[float]:
    found = []
    for label in range(10):
        cloud = history().real.features[history().real.labels == label].astype(float)
        spread = {"sum": cloud.var(axis=0).sum(), "mean": cloud.var(axis=0).mean(), "all": cloud.var(), "none": 1.0}
        found.append(float(history().barycenters[label][name][at]) / spread[divide])
    return found


def changes(
    change: Callable[[np.ndarray, np.ndarray], Any], *, per_step: bool = True, exact: bool = True
) -> list[float]:
    """Changes between snapshots, of images as they are stored unless exact."""
    found = []
    for t in range(len(history().frames) - 1):
        steps = history().frames[t + 1].step - history().frames[t].step
        before, after = (history().images(k).astype(float if exact else np.uint8) for k in (t, t + 1))
        found.append(float(change(before, after)) / (steps if per_step else 1))
    return found


def absolute(before: np.ndarray, after: np.ndarray) -> Any:
    return np.abs(after - before).mean()


def rows() -> Any:
    return history().results[["set", "accuracy", "low", "high"]]


def gained(gain: Callable[[Any], Any], overlap: Any) -> Make:
    return lambda: (gain(rows().accuracy), overlap)


CASES = {
    "00-follow": Case(
        given=lambda: {"history": history(), "label": 3},
        right=(explorer(),),
        wrong=(
            (explorer(selected=30), "this one has the mass 0.065 at the end, and 7 of its class have more"),
            (explorer(selected=31), "this one has the mass 0.130 at the end, and 1 of its class has more"),
            (explorer(selected=50), "you follow an image of class 5; choose class 3"),
            (explorer(step=20), "the heaviest one, but the slider is at recover, step 79. Move it to its end"),
            (one(3), "give the Explorer itself, `view`; this is an `int`"),
        ),
        blank=(explorer(selected=-1), explorer(step=0), *EMPTY),
        praise="it stands for 20.7% of its class, where equal masses would give every one 10%",
    ),
    "00-unexplained": Case(
        given=lambda: {"history": history()},
        right=(lambda: (shares(),), lambda: (np.round(shares(), 3),)),
        wrong=(
            (lambda: (shares(divide="none"),), "these are the values themselves; divide each by the variance"),
            (lambda: (1 / np.array(shares()),), "upside down: divide the value by the variance"),
            (lambda: (1 - np.array(shares()),), "these are the shares that the points explain"),
            (lambda: (shares(name="heldout"),), "this is the held-out value; take `value`"),
            (lambda: (shares(at=0),), "this is the value of the first step; take the last one"),
            (lambda: (shares(divide="mean"),), "sum the variances of the coordinates, no mean"),
            (lambda: (shares(divide="all"),), r"`\.var\(\)` mixes the coordinates: `\.var\(axis=0\)\.sum\(\)`"),
            (lambda: ([0.5] * 10,), "for class 1 you have 0.5; its value is 5.056 and its variance 18.67"),
            (lambda: (shares()[:9],), r"`unexplained` has shape \(9,\); expected \(10,\), a share for each class"),
        ),
        blank=(*EMPTY, one([...] * 10), one([0.3, ..., *[0.1] * 8])),
        praise="class 5 is hardest: 43% of its variance is left, and 27% of that of the easiest",
    ),
    "00-changes": Case(
        given=lambda: {"history": history()},
        right=(lambda: (changes(absolute),),),
        wrong=(
            (lambda: (changes(absolute, per_step=False),), "divide each by its number of steps"),
            (
                lambda: (changes(lambda b, a: (a - b).mean(), exact=False),),
                "in uint8, 3 - 5 is 254: convert the images",
            ),
            (lambda: (changes(lambda b, a: np.abs(a - b).mean(), exact=False),), "in uint8, 3 - 5 is 254"),
            (
                lambda: (changes(lambda b, a: (a - b).mean(), exact=False, per_step=False),),
                "in uint8, 3 - 5 is 254: .*; and divide by the steps",
            ),
            (lambda: (changes(lambda b, a: (a - b).mean()),), "brighter and darker pixels cancel out"),
            (lambda: (np.array(changes(absolute)) / 255,), "you divided by 255"),
            (lambda: (changes(lambda b, a: ((a - b) ** 2).mean()),), "absolute, not squared"),
            (lambda: ([0.0] * 11,), "from snapshot 0 to 1 you have 0; a pixel changes by 5.197 in 5 steps"),
            (lambda: ([1.0] * 12,), r"`changes` has shape \(12,\); expected \(11,\), a number for each pair"),
        ),
        blank=(*EMPTY, one([...] * 11)),
        praise="from 1.04 grey levels a step at the start to 0.012 at the end",
    ),
    "00-gain": Case(
        given=lambda: {"results": rows()},
        right=(gained(lambda a: a[0] - a[1], True), gained(lambda a: 0.46, np.bool_(True))),
        wrong=(
            (gained(lambda a: a[1] - a[0], True), "the other way round: the distilled set minus random images"),
            (gained(lambda a: (a[0] - a[1]) / 100, True), "accuracies are in percent already"),
            (gained(lambda a: a[0] - a[2], True), "row 2 has the nearest real images; take row 1"),
            (gained(lambda a: a[0] / a[1], True), "a gain in points is a difference, not a ratio"),
            (gained(lambda a: 7.0, True), "`gain` is 7; subtract 98.47 from 98.93"),
            (
                gained(lambda a: a[0] - a[1], "yes"),
                "the gain is right; `overlap` should be True or False, and it is 'yes'",
            ),
            (
                gained(lambda a: a[0] - a[1], False),
                r"look at the intervals again: \[98.21, 99.65\] and \[97.55, 99.38\]",
            ),
            (gained(lambda a: "much", True), "`gain` should hold numbers, and it is a `str`"),
        ),
        blank=(gained(lambda a: ..., ...), gained(lambda a: 0.46, ...), gained(lambda a: None, True)),
        praise=r"\+0.46 points, and the intervals overlap: these students cannot tell the sets apart",
    ),
}
