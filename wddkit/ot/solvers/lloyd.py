"""Lloyd's alternation of plan and support, for any cost, any number of measures, free or given masses.

With plan T, row sums w and column sums b, the best support for T is, for costs like the squared distance, the mean
y_i = Σ_j T_ij x_j / w_i, and the value left, F(T) = E|x|² - Σ_i w_i |y_i|², is concave in T: its minimum over plans is
reached at a vertex, the alternation lowers the value at every step, and ends after finitely many. With the masses free
it is k-means (Lloyd 1982); with given masses it is algorithm 2 of Cuturi and Doucet (2014).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Float64

from wddkit.ot.geometry import SparsePlan
from wddkit.ot.measure import whole_number
from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.solvers.couple import couple_of
from wddkit.ot.solvers.hartigan import STILL
from wddkit.ot.solvers.pairs import Pairs, pairs_of
from wddkit.ot.solvers.start import start_of


@dataclass(frozen=True)
class Lloyd:
    """The alternation from `restarts` draws of k-means++, of which the best is kept.

    Masses free: one measure. Masses given: one linear program a measure and step.
    """

    restarts: int = 1
    steps: int = 1000

    def check(self, problem: Problem) -> None:
        """Free masses of several measures have no nearest plan; and one start cannot be drawn anew."""
        if problem.masses is None and len(problem.measures) > 1:
            raise ValueError(
                f"solver 'lloyd' cannot learn the masses of {len(problem.measures)} measures at once; use "
                f"solver='bundle', or masses='uniform'"
            )
        check_restarts("lloyd", problem, self.restarts, self.steps)

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """The steps of the best restart."""
        pairs = pairs_of(problem, self.restarts) if problem.start is None else None
        return alternations(problem, self.restarts, steps=self.steps, pairs=pairs)


def check_restarts(name: str, problem: Problem, restarts: int, steps: int) -> None:
    """Raises ValueError for counts below 1, or several restarts from one given start."""
    whole_number(restarts, f"restarts of {name}", least=1)
    whole_number(steps, f"steps of {name}", least=1)
    if problem.start is not None and restarts > 1:
        raise ValueError(f"restarts = {restarts} from one given start would all be alike; leave out start or restarts")


def alternations(problem: Problem, restarts: int, *, steps: int, pairs: Pairs | None) -> Iterator[Iterate]:
    """The alternation from each draw; of several, the one that ends lowest, made before its first step is given."""
    starts = (start_of(problem, restart, pairs=pairs) for restart in range(restarts))
    ways = (alternate(problem, start, steps=steps, pairs=pairs) for start in starts)
    return next(ways) if restarts == 1 else iter(min(map(list, ways), key=lambda way: way[-1].value))


def alternate(
    problem: Problem, start: Float64[np.ndarray, "m d"], *, steps: int = 1000, pairs: Pairs | None = None
) -> Iterator[Iterate]:
    """Iterates from `start` until the support rests where its plan has it best; the value never rises.

    A support point without mass keeps its place, or with free masses is put on the data point that costs most.
    With `pairs`, the costs of means are taken from the distances of the data.
    """
    data, couple, free = problem.pooled, couple_of(problem), problem.masses is None
    last: Iterate | None = None
    support, C = start, problem.against(start)
    for _ in range(steps):
        plan = couple(C)
        iterate = Iterate(support, _masses(plan), plan, float(paid(plan, C).sum()))
        if last is not None and iterate.value >= (1 - STILL) * last.value:
            # The plans tie but for rounding, and might take turns without end: keep the one the support is best for.
            settled = float(paid(last.plan, C).sum())
            if settled <= (1 + STILL) * last.value:  # which it is without rounding
                yield Iterate(support, last.masses, last.plan, min(settled, last.value))
            return
        yield iterate
        last, support = iterate, problem.cost.update(plan, data.points, iterate.support)
        if free and iterate.value > 0:
            refill(support, iterate.masses, paid_by_point(plan, C), data.points)
        moved = (support != iterate.support).any(axis=1)
        if not moved.any():
            return
        _recost(C, problem, support, iterate, moved, pairs)


def _recost(
    C: Float64[np.ndarray, "m n"],
    problem: Problem,
    support: Float64[np.ndarray, "m d"],
    last: Iterate,
    moved: Bool[np.ndarray, " m"],
    pairs: Pairs | None,
) -> None:
    """Puts the costs of the support points that moved into C: towards the end they are few."""
    to_mean = moved & (last.masses > 0) if pairs is not None else np.zeros_like(moved)
    if pairs is not None and to_mean.any():
        P = sparse.csr_array(last.plan)[np.flatnonzero(to_mean)]
        C[to_mean] = pairs.of_means(sparse.csr_array(sparse.diags_array(1 / last.masses[to_mean]) @ P))
    others = moved & ~to_mean
    if others.any():
        C[others] = problem.against(support[others])


def refill(
    support: Float64[np.ndarray, "m d"],
    masses: Float64[np.ndarray, " m"],
    costs: Float64[np.ndarray, " n"],
    points: Float64[np.ndarray, "n d"],
) -> None:
    """Puts each support point without mass, which costs nothing anywhere, on one of the points that cost most."""
    empty = np.flatnonzero(masses == 0)
    worst = costs.argsort(kind="stable")[::-1][: len(empty)]
    support[empty[: len(worst)]] = points[worst]


def paid_by_point(plan: SparsePlan, C: Float64[np.ndarray, "m n"]) -> Float64[np.ndarray, " n"]:
    """Σ_i T_ij C_ij of each data point."""
    return np.bincount(plan.tocoo().col, weights=paid(plan, C), minlength=C.shape[1])


def paid(plan: SparsePlan, C: Float64[np.ndarray, "m n"]) -> Float64[np.ndarray, " entries"]:
    """T_ij C_ij of each entry of the plan."""
    entries = plan.tocoo()
    costs: Float64[np.ndarray, " entries"] = entries.data * C[entries.row, entries.col]
    return costs


def _masses(plan: SparsePlan) -> Float64[np.ndarray, " m"]:
    return np.asarray(plan.sum(axis=1)).ravel()
