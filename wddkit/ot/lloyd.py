"""Lloyd's alternation for one measure, and where it starts from.

With plan T, row sums w and column sums b, the best support for T is y_i = Σ_j T_ij x_j / w_i, and the value left,
F(T) = E|x|² - Σ_i w_i |y_i|², is concave in T: its minima are vertices, the alternation of plan and support lowers the
value at every step, and ends after finitely many. With the plan free in its row sums it is k-means (Lloyd 1982);
with given masses it is algorithm 2 of Cuturi and Doucet (2014) for one measure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64, Int64

from wddkit.ot.costs import squared_distances, squared_norms
from wddkit.ot.measure import Measure
from wddkit.ot.plan import solve

# A scipy.sparse array [m, n]: an optimal plan has at most m + n - 1 entries, so it is applied in d (m + n), not d m n.
SparsePlan: TypeAlias = Any
Couple: TypeAlias = Callable[[Float64[np.ndarray, "m n"]], SparsePlan]
MOST_STEPS = 1000
STILL = 1e-13  # share of the value: a plan that gains less than this is no better but for rounding


@dataclass(frozen=True, eq=False)
class Iterate:
    """A support, the plan that is optimal for it, and its value Σ_ij T_ij |y_i - x_j|²."""

    support: Float64[np.ndarray, "m d"]
    plan: SparsePlan
    value: float

    @property
    def masses(self) -> Float64[np.ndarray, " m"]:
        """The plan's row sums w."""
        return np.asarray(self.plan.sum(axis=1)).ravel()


def lloyd(data: Measure, start: Float64[np.ndarray, "m d"], couple: Couple, *, fill: bool) -> Iterator[Iterate]:
    """Iterates from `start` until the support rests on the means of its plan; the value never rises.

    `couple` gives the plan for a cost matrix. A support point without mass keeps its place, or with `fill` is put on
    the data point that costs most. Expects data centred near 0.
    """
    norms = squared_norms(data.points)
    last: Iterate | None = None
    support = start
    for _ in range(MOST_STEPS):
        C = squared_distances(support, data.points, norms=norms)
        plan = couple(C)
        iterate = Iterate(support, plan, float(_paid(plan, C).sum()))
        if last is not None and iterate.value >= (1 - STILL) * last.value:
            # The plans tie but for rounding, and might take turns without end: keep the one the support is the mean of.
            settled = float(_paid(last.plan, C).sum())
            if settled <= (1 + STILL) * last.value:  # which it is without rounding
                yield Iterate(support, last.plan, min(settled, last.value))
            return
        yield iterate
        last, support = iterate, means(plan, iterate.masses, data.points, iterate.support)
        empty = np.flatnonzero(iterate.masses == 0) if fill and iterate.value > 0 else ()
        if len(empty):
            costs = np.bincount(plan.tocoo().col, weights=_paid(plan, C), minlength=len(data))
            worst = costs.argsort(kind="stable")[::-1][: len(empty)]
            support[empty[: len(worst)]] = data.points[worst]
        if np.array_equal(support, iterate.support):
            return


def _paid(plan: SparsePlan, C: Float64[np.ndarray, "m n"]) -> Float64[np.ndarray, " entries"]:
    """T_ij C_ij of each entry of the plan."""
    entries = plan.tocoo()
    paid: Float64[np.ndarray, " entries"] = entries.data * C[entries.row, entries.col]
    return paid


def means(
    plan: SparsePlan,
    masses: Float64[np.ndarray, " m"],
    points: Float64[np.ndarray, "n d"],
    support: Float64[np.ndarray, "m d"],
) -> Float64[np.ndarray, "m d"]:
    """y_i = Σ_j T_ij x_j / w_i; where w_i = 0, the support point as it was."""
    held = masses[:, None] > 0
    result: Float64[np.ndarray, "m d"] = np.where(held, (plan @ points) / np.where(held, masses[:, None], 1), support)
    return result


def nearest_plan(b: Float64[np.ndarray, " n"]) -> Couple:
    """Couples each data point to its nearest support point: the best plan when the masses w are free."""
    ends = np.arange(len(b) + 1)

    def couple(C: Float64[np.ndarray, "m n"]) -> SparsePlan:
        return sparse.csc_array((b, C.argmin(axis=0), ends), shape=C.shape)

    return couple


def balanced_plan(w: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"]) -> Couple:
    """Couples by the transport linear program: the best plan with row sums w."""

    def couple(C: Float64[np.ndarray, "m n"]) -> SparsePlan:
        return sparse.csr_array(solve(C, w, b).plan)

    return couple


def kmeans_plus_plus(data: Measure, m: int, generator: np.random.Generator) -> Float64[np.ndarray, "m d"]:
    """A start of m data points, spread out: each drawn with probability b_j min_i |x_j - y_i|².

    This is k-means++ (Arthur and Vassilvitskii 2007). Of 2 + log m draws the one that leaves the least is taken, as
    scikit-learn does. Once all distinct points are taken they are repeated, each as often as its mass asks.
    """
    x, b = data.points, data.masses
    norms, trials = squared_norms(x), 2 + int(np.log(m))
    chosen = [int(_draw(b, generator.random(1))[0])]
    left = squared_distances(x[chosen], x, norms=norms)[0]
    while len(chosen) < m:
        chances = b * left
        if not chances.any():
            return x[chosen + _repeats(data, m - len(chosen))]
        tried = _draw(chances, generator.random(trials))
        after = np.minimum(left, squared_distances(x[tried], x, norms=norms))
        best = int((after @ b).argmin())
        chosen.append(int(tried[best]))
        left = after[best]
    return x[chosen]


def count_distinct(points: Float64[np.ndarray, "n d"], enough: int) -> int:
    """The number of distinct rows, or any number from `enough` to it."""
    # Rows that differ in one coordinate are distinct: most data shows enough of them without sorting whole rows.
    most = max(len(np.unique(points[:, k])) for k in range(min(4, points.shape[1])))
    return most if most >= enough else len(np.unique(points, axis=0))


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
