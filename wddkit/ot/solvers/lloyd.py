"""Lloyd's alternation of plan and support, for any cost, any number of measures, free or given masses.

With plan T, row sums w and column sums b, the best support for T is, for costs like the squared distance, the mean
y_i = Σ_j T_ij x_j / w_i, and the value left, F(T) = E|x|² - Σ_i w_i |y_i|², is concave in T: its minima are vertices,
the alternation lowers the value at every step, and ends after finitely many. With the masses free it is k-means
(Lloyd 1982); with given masses it is algorithm 2 of Cuturi and Doucet (2014).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from wddkit.ot.costs import SparsePlan
from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.solvers.couple import couple_of
from wddkit.ot.solvers.start import start_of

STILL = 1e-13  # share of the value: a plan that gains less than this is no better but for rounding


@dataclass(frozen=True)
class Lloyd:
    """The alternation from `restarts` draws of k-means++, of which the best is kept.

    Masses free: one measure. Masses given: one linear program a measure and step.
    """

    restarts: int = 1
    steps: int = 1000

    def check(self, problem: Problem) -> None:
        """Free masses of several measures have no nearest plan; and one start cannot be drawn anew."""
        if self.restarts < 1 or self.steps < 1:
            raise ValueError(f"lloyd: expected restarts and steps of at least 1, got {self.restarts} and {self.steps}")
        if problem.masses is None and len(problem.measures) > 1:
            raise ValueError(
                f"solver 'lloyd' cannot learn the masses of {len(problem.measures)} measures at once; use "
                f"solver='bundle', or masses='uniform'"
            )
        check_restarts(problem, self.restarts)

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """The steps of the best restart."""
        best = best_restart(problem, self.restarts, steps=self.steps)
        return alternate(problem, start_of(problem, best), steps=self.steps)


def check_restarts(problem: Problem, restarts: int) -> None:
    """Raises ValueError for several restarts from one given start."""
    if problem.start is not None and restarts > 1:
        raise ValueError(f"restarts = {restarts} from one given start would all be alike; leave out start or restarts")


def best_restart(problem: Problem, restarts: int, *, steps: int) -> int:
    """The draw whose alternation ends lowest."""
    if restarts == 1:
        return 0
    values = []
    for restart in range(restarts):
        for iterate in alternate(problem, start_of(problem, restart), steps=steps):
            last = iterate
        values.append(last.value)
    return int(np.argmin(values))


def alternate(problem: Problem, start: Float64[np.ndarray, "m d"], *, steps: int = 1000) -> Iterator[Iterate]:
    """Iterates from `start` until the support rests where its plan has it best; the value never rises.

    A support point without mass keeps its place, or with free masses is put on the data point that costs most.
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
        empty = np.flatnonzero(iterate.masses == 0) if free and iterate.value > 0 else ()
        if len(empty):
            costs = np.bincount(plan.tocoo().col, weights=paid(plan, C), minlength=len(data))
            worst = costs.argsort(kind="stable")[::-1][: len(empty)]
            support[empty[: len(worst)]] = data.points[worst]
        moved = (support != iterate.support).any(axis=1)
        if not moved.any():
            return
        C[moved] = problem.against(support[moved])  # towards the end few move


def paid(plan: SparsePlan, C: Float64[np.ndarray, "m n"]) -> Float64[np.ndarray, " entries"]:
    """T_ij C_ij of each entry of the plan."""
    entries = plan.tocoo()
    costs: Float64[np.ndarray, " entries"] = entries.data * C[entries.row, entries.col]
    return costs


def _masses(plan: SparsePlan) -> Float64[np.ndarray, " m"]:
    return np.asarray(plan.sum(axis=1)).ravel()
