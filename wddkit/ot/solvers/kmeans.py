"""k-means: the barycenter of one measure with free masses."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64, Int64

from wddkit.ot.geometry import SparsePlan, means
from wddkit.ot.measure import yes_or_no
from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.solvers.hartigan import CellState, descend
from wddkit.ot.solvers.lloyd import alternations, check_restarts
from wddkit.ot.solvers.pairs import Pairs, is_squared, pairs_of
from wddkit.ot.solvers.start import draw

FEW = 16  # support points up to which restarts find what moves of single points cannot
RESTARTS, RESTARTS_OF_MANY = 10, 3
LARGE = 100  # points a cell, in the mean, above which one point more or less hardly moves a mean


@dataclass(frozen=True)
class KMeans:
    """Lloyd's alternation with nearest points and, after it, Hartigan's moves of single points; the best restart.

    `restarts`: draws of k-means++; None: 10 up to m = 16, 3 above. A given start has one.
    `hartigan`: None: on where costs are squared distances, nothing is trimmed, cells are small (n <= 100 m), and no
    start is given, which asks for Lloyd's answer to it. Its last step is a fixed point of Lloyd's alternation as well.
    """

    restarts: int | None = None
    hartigan: bool | None = None
    steps: int = 1000

    def check(self, problem: Problem) -> None:
        """One measure, free masses; Hartigan's moves are for squared distances to all of the data."""
        if problem.masses is not None or len(problem.measures) > 1:
            raise ValueError("solver 'kmeans' is for one measure with masses='free'; use solver='lloyd' or 'auto'")
        check_restarts("kmeans", problem, 1 if self.restarts is None else self.restarts, self.steps)
        if self.hartigan is not None:
            yes_or_no(self.hartigan, "hartigan of kmeans")
        if self.hartigan and not _is_euclidean(problem):
            raise ValueError(
                "hartigan = True needs squared distances (cost 'sqeuclidean', 'whitened' or a LinearMap) and trim = 0; "
                "leave it out to have it where it applies"
            )

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """The steps of the best restart."""
        given = problem.start is not None
        few = given or problem.m == 1
        restarts = self.restarts or (1 if few else RESTARTS if problem.m <= FEW else RESTARTS_OF_MANY)
        small = len(problem.pooled) <= LARGE * problem.m
        hartigan = small and not given if self.hartigan is None else self.hartigan
        pairs = pairs_of(problem, restarts) if hartigan or not given else None
        if not _is_euclidean(problem):
            return alternations(problem, restarts, steps=self.steps, pairs=pairs)
        ways = _ways(problem, restarts, pairs, hartigan=hartigan, steps=self.steps)
        start, best = min(ways, key=lambda way: way[1][-1].value)
        return (_iterate(problem, start, state) for state in best)


def _is_euclidean(problem: Problem) -> bool:
    return is_squared(problem) and not problem.trim


def _ways(
    problem: Problem, restarts: int, pairs: Pairs | None, *, hartigan: bool, steps: int
) -> Iterator[tuple[Float64[np.ndarray, "m d"], list[CellState]]]:
    """The start and the descent of each restart."""
    x, b = problem.pooled.points, problem.pooled.masses
    costs = pairs.of_means if pairs is not None else lambda P: problem.against(P @ x)
    for restart in range(restarts):
        if problem.start is None:
            at = draw(problem, restart, pairs=pairs)
            start, C = x[at], problem.against(x[at]) if pairs is None else pairs.D[at]
        else:
            start, C = problem.start, problem.against(problem.start)
        yield start, list(descend(C, b, costs, hartigan=hartigan, steps=steps))


def _iterate(problem: Problem, start: Float64[np.ndarray, "m d"], state: CellState) -> Iterate:
    def plan(cells: Int64[np.ndarray, " n"]) -> SparsePlan:
        return sparse.csc_array((b, cells, np.arange(len(b) + 1)), shape=(problem.m, len(b)))

    x, b = problem.pooled.points, problem.pooled.masses
    support = start if state.cells is None else means(plan(state.cells), x, start)
    masses = np.bincount(state.nearest, weights=b, minlength=problem.m)
    return Iterate(support, masses, plan(state.nearest), state.value)
