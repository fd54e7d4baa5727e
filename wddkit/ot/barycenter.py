"""Free-support Wasserstein barycenters: m points, with masses, that stand for one measure or for several.

Of one measure the barycenter is optimal quantization. With free masses it **is** k-means; with uniform masses it **is**
k-means with clusters of equal mass: W2² is the k-means inertia over n. So what WMDD calls the barycenter of a class is
a clustering of the class's features, its support points are centroids, and its masses are the shares of the clusters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from scipy.optimize import linear_sum_assignment

from wddkit.ot.costs import Cost, sqeuclidean
from wddkit.ot.measure import Measure, check_points
from wddkit.ot.plan import solve
from wddkit.ot.problem import Frame, Iterate, Problem, Solver, check_dimension, check_problem
from wddkit.ot.solvers import as_solver


@dataclass(frozen=True, eq=False)
class Step:
    """One moment of a solver: a support y, its masses w, and for each measure a plan T^k of (y, w) with it.

    `value` = Σ_k λ_k Σ_ij T^k_ij c(y_i, x^k_j); for one measure and squared distances the squared 2-Wasserstein
    distance, where the solver's plans are the best. `heldout` is the value of the same support and masses, with plans
    of their own, on held-out points. `gap`: with free masses of several measures, `value` is at most this above the
    best that any masses reach on this support.
    """

    step: int
    support: Float64[np.ndarray, "m d"]
    masses: Float64[np.ndarray, " m"]
    plans: tuple[Float64[np.ndarray, "m n_k"], ...]
    value: float
    heldout: float | None
    gap: float | None

    @property
    def plan(self) -> Float64[np.ndarray, "m n"]:
        """The plan, where there is one measure."""
        if len(self.plans) > 1:
            raise ValueError(f"there are {len(self.plans)} measures, each with a plan of its own; see plans[k]")
        return self.plans[0]

    @property
    def lower_bound(self) -> float | None:
        """What no masses on this support get below."""
        return None if self.gap is None else self.value - self.gap


@dataclass(frozen=True, eq=False)
class Barycenter(Step):
    """The last step. Of Lloyd's alternation it is a fixed point: y_i = Σ_j T_ij x_j / w_i, `value` = E|x|² - E|y|²."""


def barycenter(
    points: Any,
    *,
    m: int,
    masses: Any = "free",
    weights: Any = None,
    cost: str | Cost = "sqeuclidean",
    solver: str | Solver = "auto",
    trim: float = 0.0,
    seed: int = 0,
    start: Any = None,
    heldout: Any = None,
) -> Barycenter:
    """The support y `[m, d]` and masses w `[m]` that are nearest to the measures, in the mean; a local minimum.

        min over y (and w, if free) of  Σ_k λ_k  min over T with T 1 = w, T^T 1 = b^k  of  Σ_ij T_ij c(y_i, x^k_j)

    `points`: an array `[n, d]` (mass 1/n each), a `Measure`, or a list of them, with `weights` λ (equal unless given).
    `masses`: `"free"` - learned; for one measure this is k-means, w_i is the mass of cell i;
    `"uniform"` - 1/m each; for one measure this is k-means with clusters of equal mass; m may exceed n;
    an array `[m]` on the simplex - like uniform, with these; a support point of mass 0 stays where it started,
    and larger masses start on larger cells.
    `cost`: see `wddkit.ot.costs`. `solver`: a name or an object of `wddkit.ot.solvers` with its options; `"auto"` is
    `kmeans` for one measure with free masses (squared distances, nothing trimmed), `bundle` for several with free
    masses, and `lloyd` else. `trim`: share of the data's mass, the farthest, that the barycenter need not stand for.

    It begins at `start` `[m, d]`, or at points drawn by k-means++ from `seed`. `heldout`: points (for several measures,
    a list) for an honest second value. `barycenter_steps` with the same arguments ends with this answer.
    Sources: Lloyd 1982; Agueh and Carlier 2011; Cuturi and Doucet 2014; plans by POT.
    Raises ValueError for bad input, and for free masses if the points hold fewer than m distinct ones.
    """
    problem, frame, chosen, fresh = _checked(points, m, masses, weights, cost, solver, trim, seed, start, heldout)
    for count, iterate in enumerate(chosen.iterates(problem)):
        steps, final = count, iterate
    return Barycenter(**vars(_step(problem, frame, steps, final, fresh)))


def barycenter_steps(
    points: Any,
    *,
    m: int,
    masses: Any = "free",
    weights: Any = None,
    cost: str | Cost = "sqeuclidean",
    solver: str | Solver = "auto",
    trim: float = 0.0,
    seed: int = 0,
    start: Any = None,
    heldout: Any = None,
) -> Iterator[Step]:
    """The way to `barycenter` with the same arguments: step 0 is the start, the last step is the answer.

    With `lloyd` and `kmeans` the value never rises. Where a solver makes several restarts, they are made before the
    first step comes, and the steps are those of the best. Raises ValueError at the call, not at the first step.
    """
    problem, frame, chosen, fresh = _checked(points, m, masses, weights, cost, solver, trim, seed, start, heldout)
    return (_step(problem, frame, step, each, fresh) for step, each in enumerate(chosen.iterates(problem)))


def nearest(support: Any, points: Any) -> Int64[np.ndarray, " m"]:
    """The index of the real point nearest to each support point, no point twice.

    Where two support points share a nearest point, the choice is the one of least total squared distance (linear
    assignment). Raises ValueError if there are fewer points than support points.
    """
    support, points = check_points(support, "support"), Measure.of(points).points
    if len(support) > len(points):
        raise ValueError(
            f"{len(support)} support points cannot have {len(support)} distinct points: only {len(points)}"
        )
    check_dimension(support, points.shape[1], "support")
    C = sqeuclidean(support, points)
    indices: Int64[np.ndarray, " m"] = C.argmin(axis=1)
    if len(np.unique(indices)) < len(indices):
        indices = linear_sum_assignment(C)[1]
    return indices


def _checked(
    points: Any,
    m: Any,
    masses: Any,
    weights: Any,
    cost: Any,
    solver: Any,
    trim: Any,
    seed: Any,
    start: Any,
    heldout: Any,
) -> tuple[Problem, Frame, Solver, tuple[Measure, ...] | None]:
    problem, frame = check_problem(
        points, m=m, masses=masses, weights=weights, cost=cost, start=start, seed=seed, trim=trim
    )
    chosen = as_solver(solver, problem)
    chosen.check(problem)
    return problem, frame, chosen, None if heldout is None else _heldout(heldout, problem)


def _heldout(heldout: Any, problem: Problem) -> tuple[Measure, ...]:
    count = len(problem.measures)
    given = heldout if count > 1 and isinstance(heldout, (list, tuple)) else [heldout]
    if len(given) != count:
        raise ValueError(f"heldout: expected a list of {count} measures, as many as there are, got {len(given)}")
    measures = tuple(Measure.of(each, "heldout") for each in given)
    for each in measures:
        check_dimension(each.points, problem.measures[0].points.shape[1], "heldout")
        if not problem.cost.shifts:  # such costs are not defined everywhere
            problem.cost.fitted(each.points)
    return measures


def _step(problem: Problem, frame: Frame, step: int, iterate: Iterate, heldout: tuple[Measure, ...] | None) -> Step:
    """The iterate in the coordinates and columns of the points given."""
    masses = iterate.masses if problem.masses is None else problem.masses.copy()
    fresh = None
    if heldout is not None:
        costs = (problem.cost.against(each.points - frame.centre)(iterate.support) for each in heldout)
        values = [solve(C, masses, each.masses).value for C, each in zip(costs, heldout, strict=True)]
        fresh = float(problem.weights @ values)
    plans = frame.plans(problem, iterate.plan)
    return Step(step, iterate.support + frame.centre, masses, plans, iterate.value, fresh, iterate.gap)
