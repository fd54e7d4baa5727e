"""Free-support barycenter of one measure: m points, with masses, that stand for n.

For one measure the Wasserstein barycenter is optimal quantization. With free masses it **is** k-means; with uniform
masses it **is** k-means with clusters of equal mass. No more general solver is needed, and none is used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from scipy.optimize import linear_sum_assignment

from wddkit.codec import unknown
from wddkit.ot.costs import check_spread, sqeuclidean, squared_distances
from wddkit.ot.lloyd import Iterate, balanced_plan, count_distinct, kmeans_plus_plus, lloyd, nearest_plan
from wddkit.ot.measure import Measure, check_masses, check_points, whole_number
from wddkit.ot.plan import w2_squared
from wddkit.seeds import derive

MASSES = ("free", "uniform")


@dataclass(frozen=True, eq=False)
class Step:
    """One moment of the alternation: a support, its masses w, and the plan T that is optimal for them.

    `value` = Σ_ij T_ij |y_i - x_j|² is the squared 2-Wasserstein distance of support and masses to the measure;
    `heldout` that of the same support and masses to the held-out measure.
    """

    step: int
    support: Float64[np.ndarray, "m d"]
    masses: Float64[np.ndarray, " m"]
    plan: Float64[np.ndarray, "m n"]
    value: float
    heldout: float | None


@dataclass(frozen=True, eq=False)
class Barycenter:
    """The last step, which is a fixed point: y_i = Σ_j T_ij x_j / w_i, so `value` = E|x|² - E|y|².

    `steps` counts the moves of the support before it rested.
    """

    support: Float64[np.ndarray, "m d"]
    masses: Float64[np.ndarray, " m"]
    value: float
    heldout: float | None
    plan: Float64[np.ndarray, "m n"]
    steps: int


@dataclass(frozen=True, eq=False)
class _Problem:
    """A checked question, in coordinates centred on the mean of the data and without data points of mass 0."""

    data: Measure
    columns: Int64[np.ndarray, " k"]  # where the data stands among the n points given
    n: int
    centre: Float64[np.ndarray, " d"]
    m: int
    masses: Float64[np.ndarray, " m"] | None  # None: free
    start: Float64[np.ndarray, "m d"] | None
    seed: int
    restarts: int
    heldout: Measure | None


def barycenter(
    points: Any,
    *,
    m: int,
    masses: Any = "free",
    seed: int = 0,
    start: Any = None,
    heldout: Any = None,
    restarts: int | None = None,
) -> Barycenter:
    """The support y `[m, d]` and masses w `[m]` whose squared 2-Wasserstein distance to the points is a local minimum.

        min over y (and w, if free) of  min over T with T 1 = w, T^T 1 = b  of  Σ_ij T_ij |y_i - x_j|²

    `points`: an array `[n, d]` (mass 1/n each), a `Measure`, or a list of one of them. `masses`:
    `"free"` - learned; this is k-means: w_i is the mass of cell i;
    `"uniform"` - 1/m each; this is k-means with clusters of equal mass, one linear program a step; m may exceed n;
    an array `[m]` on the simplex - like uniform, with these; a support point of mass 0 stays where it started,
    and larger masses start on larger cells.

    It begins at `start` `[m, d]`, or at points drawn by k-means++ from `seed`; the best of `restarts` draws is kept (by
    default 10 for free masses up to m = 16, where they pay, else 1). `heldout`: points for an honest second value.
    `barycenter_steps` with the same arguments ends with this answer.
    Sources: Lloyd 1982; Cuturi and Doucet 2014 (algorithm 2, one measure); plans by POT.
    Raises ValueError for bad input, and for free masses if the points hold fewer than m distinct ones.
    """
    problem = _problem(points, m, masses, seed, start, heldout, restarts)
    for count, iterate in enumerate(_iterates(problem, _best_restart(problem))):
        steps, final = count, iterate
    last = _step(problem, steps, final)
    return Barycenter(last.support, last.masses, last.value, last.heldout, last.plan, last.step)


def barycenter_steps(
    points: Any,
    *,
    m: int,
    masses: Any = "free",
    seed: int = 0,
    start: Any = None,
    heldout: Any = None,
    restarts: int | None = None,
) -> Iterator[Step]:
    """The way to `barycenter` with the same arguments: step 0 is the start, the last step is the answer.

    The value never rises. Where several restarts are made, they are made before the first step comes, and the steps
    are those of the best. A cell of free masses that loses its last point starts anew at the data point that costs
    most. Raises ValueError at the call, not at the first step.
    """
    return _steps(_problem(points, m, masses, seed, start, heldout, restarts))


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
    _check_dimension(support, points.shape[1], "support")
    C = sqeuclidean(support, points)
    indices: Int64[np.ndarray, " m"] = C.argmin(axis=1)
    if len(np.unique(indices)) < len(indices):
        indices = linear_sum_assignment(C)[1]
    return indices


def _steps(problem: _Problem) -> Iterator[Step]:
    for step, iterate in enumerate(_iterates(problem, _best_restart(problem))):
        yield _step(problem, step, iterate)


def _step(problem: _Problem, step: int, iterate: Iterate) -> Step:
    """The iterate in the coordinates and columns of the points given."""
    support = iterate.support + problem.centre
    masses = iterate.masses if problem.masses is None else problem.masses.copy()
    plan = np.zeros((problem.m, problem.n))
    plan[:, problem.columns] = iterate.plan.toarray()
    heldout = None if problem.heldout is None else w2_squared(Measure(support, masses), problem.heldout)
    return Step(step, support, masses, plan, iterate.value, heldout)


def _best_restart(problem: _Problem) -> int:
    if problem.restarts == 1:
        return 0
    values = []
    for restart in range(problem.restarts):
        for iterate in _iterates(problem, restart):
            last = iterate
        values.append(last.value)
    return int(np.argmin(values))


def _iterates(problem: _Problem, restart: int) -> Iterator[Iterate]:
    data, start, w = problem.data, problem.start, problem.masses
    nearest_cells = nearest_plan(data.masses)
    if start is None:
        generator = np.random.default_rng(derive(problem.seed, "kmeans++", restart))
        start = kmeans_plus_plus(data, problem.m, generator)
        if w is not None and np.ptp(w) > 0:
            # A large mass begun on a small cluster would have to reach into its neighbours, and would stay there.
            cells = nearest_cells(squared_distances(start, data.points)).sum(axis=1)
            start[np.argsort(w, kind="stable")] = start[np.argsort(cells, kind="stable")]
    couple = nearest_cells if w is None else balanced_plan(w, data.masses)
    return lloyd(data, start, couple, fill=w is None)


def _problem(points: Any, m: Any, masses: Any, seed: Any, start: Any, heldout: Any, restarts: Any) -> _Problem:
    measure, seed = _one_measure(points), whole_number(seed, "seed", least=0)
    m = whole_number(m, "m", least=1)
    w = _given_masses(masses, m)
    columns = np.flatnonzero(measure.masses)
    x, b = measure.points[columns], measure.masses[columns]
    check_spread(x)
    centre = b @ x
    x = x - centre
    if start is not None:
        start = check_points(start, "start")
        _check_dimension(start, x.shape[1], "start")
        if len(start) != m:
            raise ValueError(f"start: expected m = {m} support points, got {len(start)}")
        start = start - centre
    check_spread(x, *([] if start is None else [start]))
    distinct = count_distinct(x, m) if w is None else m
    if distinct < m:
        raise ValueError(
            f"m = {m} support points with free masses need as many distinct points, and there are {distinct}; "
            f'lower m (ipc) to at most {distinct}, or use masses="uniform"'
        )
    if heldout is not None:
        heldout = Measure.of(heldout, "heldout")
        _check_dimension(heldout.points, x.shape[1], "heldout")
    restarts = _restarts(restarts, m, free=w is None, started=start is not None)
    return _Problem(Measure(x, b), columns, len(measure), centre, m, w, start, seed, restarts, heldout)


def _one_measure(points: Any) -> Measure:
    if isinstance(points, (list, tuple)) and points and all(_is_measure(each) for each in points):
        if len(points) > 1:
            raise ValueError(
                f"points: got a list of {len(points)} measures; one measure at a time is supported: "
                "call it for each, or give one array [n, d]"
            )
        points = points[0]
    return Measure.of(points)


def _is_measure(value: Any) -> bool:
    return isinstance(value, Measure) or getattr(value, "ndim", 0) == 2


def _given_masses(masses: Any, m: int) -> Float64[np.ndarray, " m"] | None:
    if isinstance(masses, str):
        if masses not in MASSES:
            raise unknown("masses (or an array of m masses that sum to 1)", masses, MASSES)
        return None if masses == "free" else np.full(m, 1 / m)
    return check_masses(masses, "masses", count=m)


def _restarts(restarts: Any, m: int, *, free: bool, started: bool) -> int:
    if restarts is None:
        return 10 if free and 1 < m <= 16 and not started else 1
    if started and whole_number(restarts, "restarts", least=1) > 1:
        raise ValueError(f"restarts = {restarts} from one given start would all be alike; leave out start or restarts")
    return whole_number(restarts, "restarts", least=1)


def _check_dimension(array: Float64[np.ndarray, "m d"], d: int, name: str) -> None:
    if array.shape[1] != d:
        raise ValueError(f"{name}: expected points of dimension {d}, as the data's, got {array.shape[1]}")
