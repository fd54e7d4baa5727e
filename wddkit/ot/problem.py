"""The question that every barycenter solver answers, checked once, and what a solver yields on its way."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64, Int64

from wddkit.codec import unknown
from wddkit.ot.costs import Against, Cost, as_cost
from wddkit.ot.geometry import SparsePlan, centre_of, check_spread
from wddkit.ot.measure import Measure, check_masses, check_points, mixture, whole_number

MASSES = ("free", "uniform")


@dataclass(frozen=True, eq=False)
class Problem:
    """min over y (and w, if free) of Σ_k λ_k min over T^k of Σ_ij T^k_ij c(y_i, x^k_j), T^k of row sums w, columns b^k.

    Plans may leave the mass `trim`. Points are centred where the cost does not feel shifts, and points of mass 0 are
    gone. All measures together are the one `pooled` measure: the plans, each times λ_k and side by side, are one plan
    [m, n_1 + ... + n_N].
    """

    measures: tuple[Measure, ...]
    weights: Float64[np.ndarray, " N"]  # λ
    pooled: Measure  # the points x^k_j of all measures with masses λ_k b^k_j
    m: int
    masses: Float64[np.ndarray, " m"] | None  # w, or None: free
    cost: Cost  # fitted
    start: Float64[np.ndarray, "m d"] | None
    seed: int
    trim: float
    centre: Float64[np.ndarray, " d"]  # what was taken from the points that were given

    @functools.cached_property
    def ends(self) -> Int64[np.ndarray, " N"]:
        """Where each measure's points end among the pooled ones."""
        return np.cumsum([len(each) for each in self.measures])

    @functools.cached_property
    def against(self) -> Against:
        """Support points -> their costs against the pooled points."""
        return self.cost.against(self.pooled.points)


@dataclass(frozen=True, eq=False)
class Iterate:
    """A support with its masses, plans of it, and what they cost, in the coordinates of the `Problem`.

    `plan` [m, n_1 + ... + n_N] holds the plans, each times λ_k; without trimming its row sums are the masses.
    `gap` bounds how far `value` lies above the best that any masses reach on this support; None where that is 0 by
    construction, or where the masses are not free.
    """

    support: Float64[np.ndarray, "m d"]
    masses: Float64[np.ndarray, " m"]
    plan: SparsePlan
    value: float
    gap: float | None = None


class Solver(Protocol):
    """A frozen dataclass of a solver's own options."""

    def check(self, problem: Problem) -> None:
        """Raises ValueError, naming a solver that can, for a problem this one cannot do."""

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """The way to the answer, which comes last; the first is the start."""
        ...


@dataclass(frozen=True, eq=False)
class Frame:
    """How to get from a problem's coordinates back to the points that were given."""

    centre: Float64[np.ndarray, " d"]
    columns: tuple[Int64[np.ndarray, " n_k"], ...]  # of the points with mass, for each measure
    counts: tuple[int, ...]  # points of each measure as given

    def plans(self, problem: Problem, plan: SparsePlan) -> tuple[Float64[np.ndarray, "m n_k"], ...]:
        """Each measure's own plan, dense, over the points as given."""
        plan, out = sparse.csc_array(plan), []
        for k, (columns, count, end) in enumerate(zip(self.columns, self.counts, problem.ends, strict=True)):
            own = np.zeros((problem.m, count))
            own[:, columns] = plan[:, end - len(columns) : end].toarray() / problem.weights[k]
            out.append(own)
        return tuple(out)


@dataclass(frozen=True, eq=False)
class Question:
    """What a barycenter is asked for, as it was given: see `wddkit.ot.barycenter`."""

    points: Any
    m: Any
    masses: Any = "free"
    weights: Any = None
    cost: Any = "sqeuclidean"
    trim: Any = 0.0
    seed: Any = 0
    start: Any = None


def check_problem(question: Question) -> tuple[Problem, Frame]:
    """The problem that is asked for; ValueError for anything that is not one."""
    measures = _measures(question.points)
    shares = _weights(question.weights, len(measures))
    m, seed = whole_number(question.m, "m", least=1), whole_number(question.seed, "seed", least=0)
    w, trim = _given_masses(question.masses, m), _trim(question.trim)
    chosen, held = as_cost(question.cost), tuple(each.held() for each in measures)
    check_spread(*(each.points for each in held))
    centre = np.zeros(held[0].points.shape[1])
    if chosen.shifts:
        centre = centre_of(*(each.points for each in held))
        held = tuple(each.about(centre) for each in held)
    pooled = mixture(held, shares)
    cost, start = chosen.fitted(pooled), None
    if question.start is not None:
        start = _start(question.start, m, len(centre)) - centre
        cost.fitted(mixture([pooled, Measure.of(start)], [0.5, 0.5]))
    if w is None:
        _check_distinct(pooled.points, m)
    columns = tuple(np.flatnonzero(each.masses) for each in measures)
    problem = Problem(held, shares, pooled, m, w, cost, start, seed, trim, centre)
    return problem, Frame(centre, columns, tuple(len(each) for each in measures))


def _measures(points: Any) -> tuple[Measure, ...]:
    if not _is_list(points, lambda each: isinstance(each, Measure) or getattr(each, "ndim", 0) == 2):
        if _is_list(points, lambda rows: _is_list(rows, lambda row: isinstance(row, (list, tuple)))):
            raise ValueError(
                "points: lists of lists of rows; give one array [n, d], or for several measures a list of arrays: "
                "[np.array(each) for each in points]"
            )
        return (Measure.of(points),)
    measures = tuple(Measure.of(each, f"points[{k}]") for k, each in enumerate(points))
    dimensions = {each.points.shape[1] for each in measures}
    if len(dimensions) > 1:
        raise ValueError(f"points: measures of different dimension, {sorted(dimensions)}; embed all of them alike")
    return measures


def _is_list(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(of(each) for each in value)


def _weights(weights: Any, count: int) -> Float64[np.ndarray, " N"]:
    if weights is None:
        return np.full(count, 1 / count)
    shares = check_masses(weights, "weights", count=count, of="measure")
    if not shares.all():
        raise ValueError(f"weights: measure {np.argmin(shares)} has weight 0; leave it out")
    return shares


def _given_masses(masses: Any, m: int) -> Float64[np.ndarray, " m"] | None:
    if isinstance(masses, str):
        if masses not in MASSES:
            raise unknown("masses (or an array of m masses that sum to 1)", masses, MASSES)
        return None if masses == "free" else np.full(m, 1 / m)
    given: Float64[np.ndarray, " m"] = check_masses(masses, "masses", count=m)
    return given


def _trim(trim: Any) -> float:
    if not isinstance(trim, Real) or isinstance(trim, bool) or not 0 <= float(trim) < 1:
        raise ValueError(f"trim: expected the share of the data's mass to leave out, in [0, 1), got {trim!r}")
    return float(trim)


def _start(start: Any, m: int, d: int) -> Float64[np.ndarray, "m d"]:
    given: Float64[np.ndarray, "m d"] = check_points(start, "start")
    check_dimension(given, d, "start")
    if len(given) != m:
        raise ValueError(f"start: expected m = {m} support points, got {len(given)}")
    return given


def check_dimension(array: Float64[np.ndarray, "m d"], d: int, name: str) -> None:
    """Raises ValueError for points of another dimension than the data's."""
    if array.shape[1] != d:
        raise ValueError(f"{name}: expected points of dimension {d}, as the data's, got {array.shape[1]}")


def _check_distinct(x: Float64[np.ndarray, "n d"], m: int) -> None:
    # Rows that differ in one coordinate are distinct: most data shows enough of them without sorting whole rows.
    distinct = max(len(np.unique(x[:, k])) for k in range(min(4, x.shape[1])))
    if distinct < m:
        distinct = len(np.unique(x, axis=0))
    if distinct < m:
        raise ValueError(
            f"m = {m} support points with free masses need as many distinct points, and there are {distinct}; "
            f'lower m (ipc) to at most {distinct}, or use masses="uniform"'
        )
