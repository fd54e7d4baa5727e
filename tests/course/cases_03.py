"""Cases of notebook 03."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from cases import EMPTY, Answers, Case, Make, one
from scipy.spatial.distance import cdist

from wddkit.ot import Measure, barycenter, transport
from wddkit.views import BarycenterLab

RNG = np.random.default_rng(3)
X = np.vstack([RNG.normal(size=(n, 2)) * 0.4 + at for n, at in ((20, (1, 1)), (9, (4, 1)), (12, (3, 3)))])
B = RNG.dirichlet(np.full(len(X), 5.0))
CLOUD = Measure(X, B)
START = X[[0, 1, 2, 25, 30, 40]]
PLAN = transport(Measure(START, np.full(6, 1 / 6)), CLOUD).plan
NEAREST = [min(range(6), key=lambda i: float(((START[i] - point) ** 2).sum())) for point in X]
W = np.array([sum(mass for mass, at in zip(B, NEAREST, strict=True) if at == i) for i in range(6)])
COUNTS = np.array([NEAREST.count(i) for i in range(6)])
ENDS = [barycenter(CLOUD, m=6, solver="lloyd", seed=seed).value for seed in range(10)]
WORSE = max(ENDS) / min(ENDS) - 1
MEAN = np.average(X, axis=0, weights=B)
VALUE = float(np.average(((X - MEAN) ** 2).sum(axis=1), weights=B))
FREED = [[1.1, 0.8], [4.6, 1.0], [3.0, 3.0]]


def laboratory(*, to_end: bool = False, **changes: Any) -> Make:
    """The laboratory of the lesson, after these attributes were set."""

    def make() -> Answers:
        lab = BarycenterLab(lesson="bad start")
        for name, value in changes.items():
            setattr(lab, name, value)
        if to_end:
            lab.step = len(lab.history) - 1
        return (lab,)

    return make


def lesson() -> Mapping[str, Any]:
    lab = BarycenterLab(lesson="bad start")
    return {"points": lab.points, "start": lab.start}


def by_loops(plan: Any, x: Any) -> Any:
    return [[sum(t * p[k] for t, p in zip(row, x, strict=True)) / sum(row) for k in range(2)] for row in plan]


def unweighted(plan: Any, x: Any) -> Any:
    return np.array([x[row > 0].mean(axis=0) for row in plan])


def spoils(plan: Any, x: Any) -> Any:
    plan /= plan.sum(axis=1, keepdims=True)
    return plan @ x


def unwritten(plan: Any, x: Any) -> Any:
    raise NotImplementedError  # a learner's function that is not written yet


CASES = {
    "03-positions": Case(
        given=lambda: {"plan": PLAN, "x": X},
        right=(one(by_loops), one(spoils), one(lambda T, x: (T @ x) / T.sum(axis=1)[:, None])),
        wrong=(
            (one(lambda T, x: T @ x), "these are sums of mass times place; divide each row by its mass"),
            (one(lambda T, x: T @ x * len(T)), "dividing by 1/m is right for uniform masses alone"),
            (one(lambda T, x: T @ x / T.sum() * 1.0), "these are sums of mass times place"),  # a whole plan has mass 1
            (one(unweighted), "this mean is not weighted: use how much is given"),
            (one(lambda T, x: T / T.sum(axis=0) @ x), "you divided by the sums of columns; a support point is a row"),
            (one(lambda T, x: np.zeros((len(T), 2))), r"y\[\d\] is \[0.0, 0.0\], and \[.*\] is right"),
            (one(lambda T, x: (T @ x / T.sum(axis=1, keepdims=True)).T), r"has shape \(2, 3\); expected \(3, 2\)"),
            (one(lambda T, x: x @ T), "`positions` stopped with ValueError"),
            (one(1.0), "`positions` should be a function, and it is a `float`"),
        ),
        blank=(*EMPTY, one(lambda T, x: ...), one(lambda T, x: None), one(unwritten)),
        praise="each support point is the mean of what it is given, weighted by how much of it",
    ),
    "03-masses": Case(
        given=lambda: {"start": START, "x": X, "b": B},
        right=(one(W), one(W.tolist())),
        wrong=(
            (one(COUNTS), "these are counts of points; sum their masses `b` instead"),
            (one(COUNTS / len(X)), "these are shares of the points, as if all had the same mass"),
            (one(np.full(6, 1 / 6)), "these are uniform masses; free ones follow from points"),
            (one(B[cdist(START, X).argmin(axis=1)]), "you took the point nearest to each support point"),
            (one(W / 2), "they sum to 0.5; every point gives all of its mass to somebody"),
            (one(W[::-1]), r"`w\[\d\]` is .*, and .* of the mass is nearest to support point \d"),
            (one(W[:5]), r"`w` has shape \(5,\); expected \(6,\), a mass for each support point"),
        ),
        blank=(*EMPTY, one([...] * 6)),
        praise=r"they sum to 1, from 0\.\d{3} to 0\.\d{3}: far from 1/m each",
    ),
    "03-free": Case(
        given=lesson,
        right=(laboratory(start=FREED, to_end=True), laboratory(start=[[3, 3], [1, 1], [4.7, 1]], to_end=True)),
        wrong=(
            (
                laboratory(to_end=True),
                r"the value is 1\.416, and 0\.261 is possible. If steps change nothing more, drag",
            ),
            (laboratory(start=[[1.1, 0.8], [1.5, 1.3], [3.8, 2]], to_end=True), "It rests there: drag again"),
            (laboratory(start=FREED), "support points were moved, and the value is .*Press “step” until nothing moves"),
            (laboratory(start=FREED[:2], to_end=True), "there are 2 support points now, and there were 3: 3 again"),
            (laboratory(rule="uniform"), "the settings were changed: choose free masses"),
            (laboratory(cost="l2"), "the settings were changed"),
            (laboratory(points=X), "the points were changed: choose the lesson “A bad start” again"),
            (one(0.26), "give the laboratory itself, `lab`; this is a `float`"),
        ),
        blank=(*EMPTY, laboratory()),
        praise=r"value 0\.2612, and the best of many starts is 0\.2612",
    ),
    "03-restarts": Case(
        given=lambda: {"cloud": CLOUD},
        right=(lambda: (ENDS, WORSE), lambda: (np.array(ENDS), np.float64(WORSE))),
        wrong=(
            (lambda: ([ENDS[0]] * 10, 0.0), "all are equal: pass `seed=seed`"),
            (lambda: ([barycenter(CLOUD, m=6, seed=k).value for k in range(10)], 0.0), "say `solver='lloyd'`"),
            (lambda: (ENDS[::-1], WORSE), r"`ends\[\d\]` is .*; with `seed=\d` the value is"),
            (lambda: (ENDS[:9], WORSE), r"`ends` has shape \(9,\); expected \(10,\), a value for each seed"),
            (lambda: (ENDS, 1 + WORSE), "`ends` is right; `worse`: this is the ratio; subtract 1"),
            (lambda: (ENDS, 100 * WORSE), "as a share, not in percent"),
            (lambda: (ENDS, max(ENDS) - min(ENDS)), "this is the difference; divide by the best value"),
            (lambda: (ENDS, 1 - min(ENDS) / max(ENDS)), "you divided by the worst"),
            (lambda: (ENDS, 5.0), "`worse`: it is 5, and that is not it"),
        ),
        blank=(lambda: (..., ...), lambda: (ENDS, ...), lambda: (None, WORSE), lambda: ([], ...)),
        praise=r"the worst is \d+\.\d% above the best, which \d of 10 reach. One start is not enough",
    ),
    "03-mean": Case(
        given=lambda: {"x": X, "b": B},
        right=(lambda: (MEAN, VALUE), lambda: (MEAN.tolist(), VALUE)),
        wrong=(
            (lambda: (X.mean(axis=0), VALUE), "this mean forgets the masses"),
            (lambda: (np.median(X, axis=0), VALUE), "this is the median"),
            (lambda: (X.sum(axis=0), VALUE), "this is the sum of all points"),
            (lambda: (MEAN + 1, VALUE), r"`place` is \[.*\], and that is not where the derivative is 0"),
            (lambda: (MEAN, ((X - MEAN) ** 2).sum(axis=1).mean()), "`place` is right; `value`: this mean forgets"),
            (lambda: (MEAN, ((X - MEAN) ** 2).sum()), "this is the sum without masses"),
            (lambda: (MEAN, B @ np.sqrt(((X - MEAN) ** 2).sum(axis=1))), "the distances were not squared"),
            (lambda: (MEAN, VALUE**0.5), "this is W2; the value is its square"),
            (lambda: (MEAN, VALUE / 2), "sum over the coordinates, no mean"),
            (lambda: (MEAN, 99.0), "`value`: it is 99, and that is not it"),
        ),
        blank=(lambda: (..., ...), lambda: (MEAN, ...), lambda: (None, VALUE)),
        praise=r"the weighted mean, and the variance around it, \d\.\d{3}",
    ),
}
