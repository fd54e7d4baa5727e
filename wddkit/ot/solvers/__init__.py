"""The solvers of the barycenter problem, each a frozen dataclass of its options.

solver        masses  measures  what it does
kmeans        free    1         Lloyd's alternation with restarts, then Hartigan's moves of single points
lloyd         given   any       Lloyd's alternation with one linear program a measure and step (free: as k-means)
newton        given   1         annealed Lloyd steps balanced by Newton's method, then exact plans and swaps
bundle        free    any       best masses by a level bundle method, proved to 1e-4, then best support
subgradient   free    any       the paper's: duals for the masses with a falling step, plan means for the positions
official      any     1         the authors' code path, defects included, for comparison
sinkhorn      given   any       Lloyd's alternation with entropic plans
auto                            kmeans, lloyd or bundle: see `as_solver`
"""

from wddkit.codec import unknown
from wddkit.ot.problem import Problem, Solver
from wddkit.ot.solvers.bundle import Bundle
from wddkit.ot.solvers.kmeans import KMeans
from wddkit.ot.solvers.lloyd import Lloyd
from wddkit.ot.solvers.newton import Newton
from wddkit.ot.solvers.official import Official
from wddkit.ot.solvers.sinkhorn import Sinkhorn
from wddkit.ot.solvers.subgradient import Subgradient

SOLVERS: dict[str, Solver] = {
    "lloyd": Lloyd(),
    "kmeans": KMeans(),
    "newton": Newton(),
    "bundle": Bundle(),
    "subgradient": Subgradient(),
    "official": Official(),
    "sinkhorn": Sinkhorn(),
}

__all__ = [
    "SOLVERS",
    "Bundle",
    "KMeans",
    "Lloyd",
    "Newton",
    "Official",
    "Sinkhorn",
    "Subgradient",
    "as_solver",
]


def as_solver(solver: str | Solver, problem: Problem) -> Solver:
    """The solver of this name with its usual options, or the solver itself.

    "auto" is `kmeans` for one measure with free masses, `bundle` for several, and `lloyd` for given masses.
    """
    if not isinstance(solver, str):
        if isinstance(solver, type) or not (hasattr(solver, "check") and hasattr(solver, "iterates")):
            raise ValueError(f"solver: expected auto, {', '.join(SOLVERS)}, or a solver's object, got {solver!r}")
        return solver
    if solver == "auto":
        free = "kmeans" if len(problem.measures) == 1 else "bundle"
        return SOLVERS["lloyd" if problem.masses is not None else free]
    if solver not in SOLVERS:
        raise unknown("solver", solver, ("auto", *SOLVERS))
    return SOLVERS[solver]
