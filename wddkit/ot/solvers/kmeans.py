"""k-means: the barycenter of one measure with free masses."""

from collections.abc import Iterator
from dataclasses import dataclass

from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.solvers.lloyd import alternate, best_restart, check_restarts
from wddkit.ot.solvers.start import start_of


@dataclass(frozen=True)
class KMeans:
    """Lloyd's alternation with nearest points; the best of `restarts` draws of k-means++ is kept."""

    restarts: int | None = None
    steps: int = 1000

    def check(self, problem: Problem) -> None:
        """One measure, free masses."""
        if problem.masses is not None or len(problem.measures) > 1:
            raise ValueError("solver 'kmeans' is for one measure with masses='free'; use solver='lloyd' or 'auto'")
        check_restarts(problem, self.restarts or 1)

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """The steps of the best restart."""
        default = 10 if 1 < problem.m <= 16 and problem.start is None else 1
        best = best_restart(problem, self.restarts or default, steps=self.steps)
        return alternate(problem, start_of(problem, best), steps=self.steps)
