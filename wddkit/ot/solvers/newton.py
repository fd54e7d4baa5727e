"""Barycenters of one measure with given masses by annealing, in better minima than Lloyd's alternation finds."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64, Int64

from wddkit.codec import unknown
from wddkit.ot.costs import LinearMap, SqEuclidean
from wddkit.ot.geometry import means, squared_norms
from wddkit.ot.measure import yes_or_no
from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.rounding import rounded
from wddkit.ot.solvers.anneal import anneal, schedule
from wddkit.ot.solvers.lloyd import alternate
from wddkit.ot.solvers.pairs import pairs_of
from wddkit.ot.solvers.start import start_of
from wddkit.ot.solvers.swaps import swapped

SHOWN = 10  # annealing steps from one that is yielded to the next
LEAST_MASS = 1e-9  # a support point with less takes no part in the annealing

Precision = Literal["float32", "float64"]


@dataclass(frozen=True)
class Newton:
    """The annealing of `wddkit.ot.solvers.anneal`, then Lloyd's alternation with exact plans, then swaps.

    The temperature falls from `eps_start` to `eps_end`, shares of the total variance, in `steps`, and stays for `last`
    more, in arithmetic of type `dtype`. `polish`: the alternation follows, whose plans are linear programs; without
    it the answer has the last blurred plan, rounded to the exact masses. `swaps`: pairs of points change places as long
    as that helps, and the alternation follows once more (only with `polish`).
    """

    eps_start: float = 0.2
    eps_end: float = 0.002
    steps: int = 24
    last: int = 2
    polish: bool = True
    swaps: bool = True
    dtype: Precision = "float32"

    def check(self, problem: Problem) -> None:
        """One measure, given masses, nothing trimmed, squared distances, after a linear map if need be."""
        self._temperatures()
        yes_or_no(self.polish, "polish of newton")
        yes_or_no(self.swaps, "swaps of newton")
        if self.dtype not in get_args(Precision):
            raise unknown("dtype of newton", self.dtype, get_args(Precision))
        if len(problem.measures) > 1 or problem.masses is None:
            raise ValueError(
                "solver 'newton' is for one measure with given masses; use masses='uniform', or solver='auto'"
            )
        if problem.trim:
            raise ValueError(f"solver 'newton' cannot trim, and trim = {problem.trim}; use solver='lloyd'")
        if not isinstance(problem.cost, (SqEuclidean, LinearMap)):
            name = type(problem.cost).__name__
            raise ValueError(
                f"solver 'newton' is for squared distances, not for {name}; use cost='sqeuclidean', 'whitened' or "
                f"LinearMap(L), or solver='lloyd'"
            )

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """The start with its exact plan; annealing steps with plans rounded to exact masses; alternation and swaps.

        The annealing passes through values above the start's, its plans being blurred; after `polish` none is above it.
        """
        pairs = pairs_of(problem, 1)
        start = start_of(problem, pairs=pairs)
        first = last = next(alternate(problem, start))
        yield first
        for last in self._annealed(problem, first):
            yield last
        if not self.polish:
            return
        way = alternate(problem, last.support, pairs=pairs)
        last = next(way)
        yield last
        better = swapped(problem, last, pairs) if self.swaps else None
        for last in way if better is None else alternate(problem, better, pairs=pairs):
            yield last
        if last.value > first.value:
            yield from alternate(problem, start, pairs=pairs)

    def _annealed(self, problem: Problem, first: Iterate) -> Iterator[Iterate]:
        """Some annealing steps, the last of them the last."""
        assert problem.masses is not None
        x, b = mapped(problem, problem.pooled.points), problem.pooled.masses
        mean = b @ x
        x, y = x - mean, mapped(problem, first.support) - mean
        norms = squared_norms(x)
        # Begun further out than any point, which float32 might not reach, it is after one step of Lloyd's.
        y = np.where((squared_norms(y) > norms.max())[:, None], means(first.plan, x, y), y)
        rows = np.flatnonzero(problem.masses > LEAST_MASS)
        w = problem.masses[rows]
        scale = math.sqrt(float(b @ norms)) or 1.0
        arrays = (x / scale, b, w / w.sum(), y[rows] / scale)
        points, b, shares, begin = (array.astype(self.dtype)[None] for array in arrays)
        temperatures = self._temperatures()
        for step, (_, T) in enumerate(anneal(np, points, b, shares, begin, temperatures), start=1):
            if step == len(temperatures) or step % SHOWN == 1:
                yield _iterate(problem, first.support, rows, T[0].astype(np.float64))

    def _temperatures(self) -> tuple[float, ...]:
        try:
            return schedule(self.eps_start, self.eps_end, steps=self.steps, last=self.last)
        except ValueError as error:
            raise ValueError(f"newton: {error}") from None


def mapped(problem: Problem, points: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n k"]:
    """The points where the cost is the squared distance."""
    return points @ problem.cost.L.T if isinstance(problem.cost, LinearMap) else points


def _iterate(
    problem: Problem, start: Float64[np.ndarray, "m d"], rows: Int64[np.ndarray, " k"], T: Float64[np.ndarray, "k n"]
) -> Iterate:
    """The plan with its masses made exact, the support that is best for it, and what it costs."""
    assert problem.masses is not None
    plan = np.zeros((problem.m, len(problem.pooled)))
    plan[rows] = T
    plan = rounded(np, plan, problem.masses, problem.pooled.masses)
    masses = plan.sum(axis=1)
    support = means(plan, problem.pooled.points, start)  # the cost's own update, of a plan too full to be sparse
    value = float(np.sum(plan * problem.against(support)))
    return Iterate(support, masses, sparse.csr_array(plan), value)
