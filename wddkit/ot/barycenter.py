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
from wddkit.ot.geometry import check_spread
from wddkit.ot.measure import Measure, check_points, mixture
from wddkit.ot.problem import Frame, Iterate, Problem, Question, Solver, check_dimension, check_problem
from wddkit.ot.solvers import as_solver
from wddkit.ot.solvers.couple import program


@dataclass(frozen=True, eq=False)
class Step:
    """One moment of a solver: a support y, its masses w, and for each measure a plan T^k of (y, w) with it.

    `value` = Σ_k λ_k Σ_ij T^k_ij c(y_i, x^k_j); for one measure and squared distances the squared 2-Wasserstein
    distance, where the solver's plans are the best. `heldout` is the value of the same support and masses, with plans
    of their own, on held-out points (trimmed by the same share). `gap`: with free masses of several measures, `value`
    is at most this above the best that any masses reach on this support.
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
    """The last step.

    For squared distances, nothing trimmed, Lloyd's ends at a fixed point: y_i = Σ_j T_ij x_j / w_i, of one measure with
    `value` = E|x|² - E|y|².
    """


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

    >>> barycenter([[0.0, 2.0], [4.0, 0.0]], m=1).support.tolist()  # of two Diracs the midpoint
    [[2.0, 1.0]]

    `points`: an array `[n, d]` (mass 1/n each), a `Measure`, or a list of them, with `weights` λ (equal unless given).
    `masses`: `"free"` - learned; for one measure this is k-means, w_i is the mass of cell i;
    `"uniform"` - 1/m each; for one measure this is k-means with clusters of equal mass; m may exceed n;
    an array `[m]` on the simplex - like uniform, with these; a support point of mass 0 stays where it started,
    and larger masses start on larger cells.
    `cost`: see `wddkit.ot.costs`. `solver`: a name or an object of `wddkit.ot.solvers` with its options; `"auto"` is
    `kmeans` for one measure with free masses, `bundle` for several, `lloyd` for given masses. `trim`: share of the
    data's mass, the farthest, that the barycenter need not stand for; `value` is the mean over the mass kept, and
    plans have column sums of at most b / (1 - trim).

    It begins at `start` `[m, d]`, or at points drawn by k-means++ from `seed`. `heldout`: points (for several measures,
    a list) for an honest second value. `barycenter_steps` with the same arguments ends with this answer.
    Sources: Lloyd 1982; Agueh and Carlier 2011; Cuturi and Doucet 2014; plans by POT.
    Raises ValueError for bad input, and for free masses if the points hold fewer than m distinct ones.
    """
    question = Question(points, m=m, masses=masses, weights=weights, cost=cost, trim=trim, seed=seed, start=start)
    way = _way(question, solver, heldout)
    for count, iterate in enumerate(way.iterates):
        steps, final = count, iterate
    return Barycenter(**vars(way.step(steps, final)))


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
    question = Question(points, m=m, masses=masses, weights=weights, cost=cost, trim=trim, seed=seed, start=start)
    way = _way(question, solver, heldout)
    return (way.step(count, iterate) for count, iterate in enumerate(way.iterates))


def nearest(support: Any, points: Any) -> Int64[np.ndarray, " m"]:
    """The index of the real point nearest to each support point, no point twice, and none of mass 0.

    Where two support points share a nearest point, the choice is the one of least total squared distance (linear
    assignment). Raises ValueError if there are fewer points than support points.
    """
    support, real = check_points(support, "support"), Measure.of(points)
    held = np.flatnonzero(real.masses)
    if len(support) > len(held):
        raise ValueError(f"{len(support)} support points cannot have {len(support)} distinct points: only {len(held)}")
    check_dimension(support, real.points.shape[1], "support")
    C = sqeuclidean(support, real.held())
    indices: Int64[np.ndarray, " m"] = C.argmin(axis=1)
    if len(np.unique(indices)) < len(indices):
        indices = linear_sum_assignment(C)[1]
    return np.asarray(held[indices])


@dataclass(frozen=True, eq=False)
class _Way:
    """What a solver yields on its way through a problem, and how that reads beside the points that were given."""

    problem: Problem
    frame: Frame
    iterates: Iterator[Iterate]
    heldout: tuple[Measure, ...] | None  # about the problem's centre

    def step(self, count: int, iterate: Iterate) -> Step:
        """The iterate in the coordinates and columns of the points given."""
        problem, frame = self.problem, self.frame
        masses = iterate.masses if problem.masses is None else problem.masses.copy()
        plans = frame.plans(problem, iterate.plan)
        fresh = None if self.heldout is None else self._fresh(iterate.support, masses, self.heldout)
        return Step(count, iterate.support + frame.centre, masses, plans, iterate.value, fresh, iterate.gap)

    def _fresh(self, support: np.ndarray, w: np.ndarray, heldout: tuple[Measure, ...]) -> float:
        """The value on held-out points, of which the same share is trimmed."""
        values = []
        for each in heldout:
            C = self.problem.cost.against(each.points)(support)
            T = program(w, each.masses, self.problem.trim)(C)
            values.append(float(np.sum(T * C)))
        return float(self.problem.weights @ values)


def _way(question: Question, solver: Any, heldout: Any) -> _Way:
    """The way, checked but not begun."""
    problem, frame = check_problem(question)
    chosen = as_solver(solver, problem)
    chosen.check(problem)
    fresh = None if heldout is None else _heldout(heldout, problem)
    return _Way(problem, frame, chosen.iterates(problem), fresh)


def _heldout(heldout: Any, problem: Problem) -> tuple[Measure, ...]:
    count = len(problem.measures)
    given = heldout if count > 1 and isinstance(heldout, (list, tuple)) else [heldout]
    if len(given) != count:
        raise ValueError(f"heldout: expected a list of {count} measures, as many as there are, got {len(given)}")
    measures = tuple(Measure.of(each, "heldout").held() for each in given)
    for each in measures:
        check_dimension(each.points, len(problem.centre), "heldout")
        check_spread(each.points, of="coordinate of heldout")
    measures = tuple(each.about(problem.centre) for each in measures)
    for each in measures:
        problem.cost.fitted(mixture([problem.pooled, each], [0.5, 0.5]))  # refuses points that it is not defined for
    return measures
