"""Where a solver starts: k-means++ on the cost of the problem."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.ot.measure import Measure
from wddkit.ot.problem import Problem
from wddkit.ot.solvers.couple import kept_masses, nearest_plan
from wddkit.ot.solvers.pairs import Pairs, is_squared
from wddkit.seeds import derive

Rows: TypeAlias = Callable[[Int64[np.ndarray, " k"]], Float64[np.ndarray, "k n"]]

TRIALS = 16
# Points that are each other's nearest leave the same: of trials so near the best the first wins, and not rounding.
TIE = 1e-5


def start_of(problem: Problem, restart: int = 0, *, pairs: Pairs | None = None) -> Float64[np.ndarray, "m d"]:
    """The start that was given, or the draw of this restart; `pairs`, where they are known, save time."""
    if problem.start is not None:
        return problem.start.copy()
    start: Float64[np.ndarray, "m d"] = problem.pooled.points[draw(problem, restart, pairs=pairs)]
    w = problem.masses
    if w is not None and np.ptp(w) > 0:
        # A large mass begun on a small cluster would have to reach into its neighbours, and would stay there.
        cells = nearest_plan(problem)(problem.against(start)).sum(axis=1)
        start[np.argsort(w, kind="stable")] = start[np.argsort(cells, kind="stable")]
    return start


def draw(problem: Problem, restart: int = 0, *, pairs: Pairs | None = None) -> Int64[np.ndarray, " m"]:
    """The data points at which this restart begins, by k-means++ from the seed."""
    generator = np.random.default_rng(derive(problem.seed, "kmeans++", restart))
    if pairs is None:
        return kmeans_plus_plus(problem, generator, lambda at: problem.against(problem.pooled.points[at]))
    return kmeans_plus_plus(problem, generator, lambda at: pairs.D[at])


def kmeans_plus_plus(problem: Problem, generator: np.random.Generator, rows: Rows) -> Int64[np.ndarray, " m"]:
    """A start of m data points, spread out.

    Each is drawn with a probability proportional to b_j min_i c(y_i, x_j), with y_i those before it: k-means++
    (Arthur and Vassilvitskii 2007). Of several draws the one that leaves the least is taken. Once all distinct points
    are taken they are repeated, each as often as its mass asks. With trimming, the farthest points, up to the mass left
    out, are not drawn: k-means++ alone seeks outliers. `rows`: data points -> their costs `[k, n]`.
    """
    data, b = problem.pooled, problem.pooled.masses
    # scikit-learn's number; costs that are one matrix product are little dearer for more, which avoids bad starts.
    trials = TRIALS if is_squared(problem) and not problem.trim else 2 + int(np.log(problem.m))
    chosen = [int(_draw(b, generator.random(1))[0])]
    left = rows(np.array(chosen))[0]
    while len(chosen) < problem.m:
        chances = kept_masses(left, b, problem.trim) * left
        if not chances.any():
            return np.array(chosen + _repeats(data, problem.m - len(chosen)))
        tried = _draw(chances, generator.random(trials))
        after = np.minimum(left, rows(tried))
        paid = np.array([kept_masses(each, b, problem.trim) @ each for each in after]) if problem.trim else after @ b
        best = int(np.argmax(paid <= (1 + TIE) * paid.min()))
        chosen.append(int(tried[best]))
        left = after[best]
    return np.array(chosen)


def _draw(chances: Float64[np.ndarray, " n"], uniform: Float64[np.ndarray, " k"]) -> Int64[np.ndarray, " k"]:
    sums = np.cumsum(chances)
    # side="right" never lands on a point whose chance is 0.
    found: Int64[np.ndarray, " k"] = np.searchsorted(sums, uniform * sums[-1], side="right")
    found = np.minimum(found, np.flatnonzero(chances)[-1])
    return found


def _repeats(data: Measure, count: int) -> list[int]:
    """Further copies of distinct points, each time of the one with most mass for each copy it has."""
    _, first, group = np.unique(data.points, axis=0, return_index=True, return_inverse=True)
    masses = np.bincount(group.ravel(), weights=data.masses)
    copies = np.ones(len(first))
    picked = []
    for _ in range(count):
        # Rounded, so that equal masses tie and are served in turn.
        most = int((masses / copies).round(12).argmax())
        copies[most] += 1
        picked.append(int(first[most]))
    return picked
