"""The solvers of the barycenter problem, each a frozen dataclass of its options."""

from wddkit.codec import unknown
from wddkit.ot.costs import SqEuclidean
from wddkit.ot.problem import Problem, Solver
from wddkit.ot.solvers.kmeans import KMeans
from wddkit.ot.solvers.lloyd import Lloyd

SOLVERS: dict[str, Solver] = {"lloyd": Lloyd(), "kmeans": KMeans()}

__all__ = ["SOLVERS", "KMeans", "Lloyd", "as_solver"]


def as_solver(solver: str | Solver, problem: Problem) -> Solver:
    """The solver of this name with its usual options, the solver itself, or for "auto" the one for this problem."""
    if not isinstance(solver, str):
        if not (hasattr(solver, "check") and hasattr(solver, "iterates")):
            raise ValueError(f"solver: expected auto, {', '.join(SOLVERS)}, or a solver's object, got {solver!r}")
        return solver
    if solver == "auto":
        return _auto(problem)
    if solver not in SOLVERS:
        raise unknown("solver", solver, ("auto", *SOLVERS))
    return SOLVERS[solver]


def _auto(problem: Problem) -> Solver:
    if problem.masses is None and len(problem.measures) == 1 and isinstance(problem.cost, SqEuclidean):
        return SOLVERS["lloyd" if problem.trim else "kmeans"]
    return SOLVERS["lloyd"]
