"""Transport plans between two measures, and the one guarded boundary to POT's linear program."""

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from wddkit.ot.costs import Cost, cost_matrix
from wddkit.ot.measure import Measure, check_masses, check_points, whole_number

PIVOTS = 10_000_000  # of the network simplex: far above what a plan of 5000 x 5000 needs
MARGINAL_TOLERANCE = 1e-9
GAP_TOLERANCE = 1e-9  # share of the value that primal and dual may differ by without a second look
CAP = 1e6  # times the value: costs above it are lowered for that second look
GAP_LIMIT = 1e-6  # share of the value above which a plan is refused
NOISE = 1e-10  # share of the median cost: a gap below it is rounding, also where the value is next to 0
# Flows are differences of masses: what should be 0 can be left as a rounding error of the larger one. But what is a
# share of the smaller one is a flow, however small.
ROUNDING, CRUMB = 1e-13, 1e-10
# POT imports each of these where it is installed, which takes seconds and which arrays of NumPy do not need.
BACKENDS = {
    "torch": "POT_BACKEND_DISABLE_PYTORCH",
    "jax": "POT_BACKEND_DISABLE_JAX",
    "cupy": "POT_BACKEND_DISABLE_CUPY",
    "tensorflow": "POT_BACKEND_DISABLE_TENSORFLOW",
}


Proof: TypeAlias = tuple[Float64[np.ndarray, "m n"], Float64[np.ndarray, " m"], Float64[np.ndarray, " n"], float]


@dataclass(frozen=True, eq=False)
class Transport:
    """An optimal plan between two measures with its proof.

    `plan` T has the masses as marginals, `value` = Σ_ij T_ij C_ij. `potentials` u, v satisfy u_i + v_j <= C_ij, so that
    Σ_i a_i u_i + Σ_j b_j v_j is at most the cost of any plan; `gap` = value minus that sum is 0 up to rounding.
    Of the potentials' free constant, each side carries half of the value. For entropic, unbalanced and partial plans,
    their functions say what their potentials and gap prove.
    """

    plan: Float64[np.ndarray, "n_a n_b"]
    value: float
    potentials: tuple[Float64[np.ndarray, " n_a"], Float64[np.ndarray, " n_b"]]
    gap: float


def transport(a: Any, b: Any, *, cost: str | Cost = "sqeuclidean", reg: float | None = None) -> Transport:
    """The optimal transport of a to b: min over plans T of Σ_ij T_ij C_ij.

    a and b are arrays `[n, d]` (mass 1/n on each row) or a `Measure`. C_ij = c(x_i, y_j): a stands where costs have the
    support. That matters for `kl` only, where C_ij = Σ_k y_jk log(y_jk / x_ik) - y_jk + x_ik. With `sqeuclidean`, the
    value is the *squared* 2-Wasserstein distance. With `reg`, the plan of least Σ_ij T_ij C_ij + reg KL(T | a b^T):
    see `wddkit.ot.sinkhorn`, which also takes the `tol` and `iterations` that its errors speak of.

    >>> t = transport([[0.0], [4.0]], [[1.0], [3.0]])  # two Diracs each: 0 goes to 1, and 4 to 3
    >>> t.plan.tolist(), t.value
    ([[0.5, 0.0], [0.0, 0.5]], 1.0)

    Exact, by the network simplex of POT (`ot.emd`, Bonneel et al. 2011), in float64.
    Raises ValueError for bad input, and where no plan can be proved optimal; with `reg`, as `sinkhorn`.
    """
    if reg is not None:
        from wddkit.ot.entropic import sinkhorn  # which imports this module

        return sinkhorn(a, b, reg=reg, cost=cost)
    a, b = Measure.of(a, "a"), Measure.of(b, "b")
    return solve(cost_matrix(a, b, cost), a.masses, b.masses)


def w2_squared(a: Any, b: Any) -> float:
    """The squared 2-Wasserstein distance between two measures: `transport(a, b).value`."""
    return transport(a, b).value


def solve(
    C: Float64[np.ndarray, "m n"],
    a: Float64[np.ndarray, " m"],
    b: Float64[np.ndarray, " n"],
    *,
    near: Float64[np.ndarray, " m"] | None = None,
) -> Transport:
    """The transport plan of least cost Σ_ij T_ij C_ij with row sums a and column sums b, for any finite costs.

    `ot.emd` alone returns wrong plans without a word for costs below 1e-10, all below -1, or not finite: its artificial
    arcs cost (max C + 1) x nodes. So it is given costs between 0 and 1 and positive masses only, and is believed after
    its marginals and its duality gap have been checked. `near`, a guess of the potentials u, does not change the
    answer, but where it is good the simplex is there in a fraction of the time.
    """
    C = check_points(C, "costs")
    a, b = (check_masses(w, f"masses of {name}", count=k) for w, name, k in ((a, "a", len(C)), (b, "b", C.shape[1])))
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    if len(rows) < len(a) or len(columns) < len(b):
        guess = None if near is None else near[rows]
        return _with_empty_rows(solve(C[np.ix_(rows, columns)], a[rows], b[columns], near=guess), C, rows, columns)
    # A constant for each row or column changes every plan's cost alike, and a common factor changes no plan.
    floor = C.min(axis=0)
    if float(C.max()) / 2 - float(floor.min()) / 2 > np.finfo(float).max / 2:
        raise ValueError("costs: their differences leave the range of float64; divide the costs by their maximum")
    R = C - floor
    found = None if near is None else _solve_near(R, a, b, near)
    if found is None:
        scale = float(R.max()) or 1.0
        R /= scale
        T, f, g, gap = _certified(R, a, b)
        if abs(gap) > GAP_LIMIT * float(np.vdot(T, R)) and abs(gap) > NOISE * float(np.median(R)):
            raise ValueError(
                f"costs: no plan can be proved optimal (duality gap {gap:.1e} of the largest difference), they differ "
                "too widely; remove points that are far from all others, or lower costs that stand for 'forbidden'"
            )
        found = T, scale * f, scale * g, scale * gap
    T, u, g, gap = found
    v = floor + g
    half, held = (b @ v - a @ u) / 2, entries(T)
    return Transport(T, float(np.sum(T.ravel()[held] * C.ravel()[held])), (u + half, v - half), gap)


def entries(T: Float64[np.ndarray, "m n"]) -> Int64[np.ndarray, " entries"]:
    """Where the plan, row after row, is not 0."""
    # NumPy finds what is true ten times as fast as what is not 0.
    held: Int64[np.ndarray, " entries"] = np.flatnonzero(T.ravel() != 0)
    return held


def top_plan(
    plan: Float64[np.ndarray, "m n"], k: int
) -> tuple[Int32[np.ndarray, "m k"], Float32[np.ndarray, "m k"], float]:
    """Columns and masses of the k largest entries of each row, descending, and the share of the plan's mass they keep.

    With fewer than k columns all are given; a row with fewer than k entries is filled up with columns of mass 0.
    """
    plan, k = check_points(plan, "plan"), whole_number(k, "k", least=1)
    if (plan < 0).any() or not plan.any():
        raise ValueError("plan: expected masses that are not negative and not all 0")
    indices = np.argsort(-plan, axis=1, kind="stable")[:, :k]
    masses = np.take_along_axis(plan, indices, axis=1)
    return indices.astype(np.int32), masses.astype(np.float32), min(1.0, float(masses.sum() / plan.sum()))


def _with_empty_rows(
    inner: Transport, C: Float64[np.ndarray, "m n"], rows: Int64[np.ndarray, " k"], columns: Int64[np.ndarray, " l"]
) -> Transport:
    """The transport over all rows and columns from that over those with mass; the others get feasible potentials."""
    plan, u, v = np.zeros_like(C), np.full(len(C), np.inf), np.full(C.shape[1], np.inf)
    plan[np.ix_(rows, columns)] = inner.plan
    u[rows], v[columns] = inner.potentials
    u = np.where(np.isinf(u), (C[:, columns] - v[columns]).min(axis=1), u)
    v = np.where(np.isinf(v), (C - u[:, None]).min(axis=0), v)
    return Transport(plan, inner.value, (u, v), inner.gap)


def _solve_near(
    R: Float64[np.ndarray, "m n"],
    a: Float64[np.ndarray, " m"],
    b: Float64[np.ndarray, " n"],
    near: Float64[np.ndarray, " m"],
) -> Proof | None:
    """Plan, potentials and gap for R >= 0, found from the guess; None where they leave more of R's value unproved."""
    S = R - near[:, None]
    lowest = S.min(axis=0)
    S -= lowest
    scale = float(S.max()) or 1.0
    S /= scale
    T, f, g, gap = _solve_capped(S, a, b)
    if abs(gap) * scale > GAP_TOLERANCE * float(np.vdot(T, R)):
        return None
    return T, near + scale * f, lowest + scale * g, gap * scale


def _certified(
    R: Float64[np.ndarray, "m n"], a: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"], *, cap: float = 1.0
) -> Proof:
    """Plan, feasible potentials and duality gap for costs 0 <= R <= 1 and positive masses.

    The simplex adds and subtracts costs, so it cannot tell apart those below 1e-16 of the largest. Where the gap says
    so, costs far above the value are lowered to a cap, which a plan that avoids them does not feel; potentials that
    are feasible below the cap are feasible above it, so the gap stays a proof for R itself.
    """
    found = _solve_capped(R, a, b, cap=cap)
    value = float(np.vdot(found[0], R))
    lower = CAP * value
    if abs(found[-1]) <= GAP_TOLERANCE * value or not 0 < lower < cap:
        return found
    return min(found, _certified(R, a, b, cap=lower), key=lambda each: abs(each[-1]))


def _solve_capped(
    R: Float64[np.ndarray, "m n"], a: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"], *, cap: float = 1.0
) -> Proof:
    """Plan, feasible potentials and gap by one program, of costs no higher than the cap.

    A gap below 0 is as bad as one above: the plan then does not have its masses.
    """
    if R.shape[1] == 1 or not R.any():
        T, g = _north_west(a, b), np.zeros_like(b)
    else:
        T, g = _simplex(R if cap == 1 else np.minimum(R, cap) / cap, a, b)
    value = float(np.vdot(T, R))
    g = cap * g if value else np.zeros_like(b)  # costs are not negative: where nothing is paid, 0 is the best price
    f = (R - g).min(axis=1)
    return T, f, g, value - float(a @ f + b @ g)


def _simplex(
    R: Float64[np.ndarray, "m n"], a: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"]
) -> tuple[Float64[np.ndarray, "m n"], Float64[np.ndarray, " n"]]:
    """Plan and column potentials by POT, checked: it reports an infeasible or unfinished program only as a warning."""
    T, log = _emd()(a, b, R, numItermax=PIVOTS, log=True, center_dual=False, check_marginals=False)
    if log["result_code"] != 1:
        raise ValueError(f"the transport problem was not solved (POT's code {log['result_code']}): {log['warning']}")
    v = np.asarray(log["v"])
    held = entries(T)
    i, j, flows = held // len(b), held % len(b), T.ravel()[held]
    flows[flows < np.minimum(ROUNDING * np.maximum(a[i], b[j]), CRUMB * np.minimum(a[i], b[j]))] = 0
    sums = np.bincount(i, flows, len(a)), np.bincount(j, flows, len(b))
    error = max(float(np.abs(sums[0] - a).max()), float(np.abs(sums[1] - b).max()))
    if error > MARGINAL_TOLERANCE:
        raise ValueError(f"the transport plan misses its masses by {error:.1e}; expected at most {MARGINAL_TOLERANCE}")
    # The one entry of a row, or of a column, is its mass: but for the rounding of large masses it is so already.
    for at, w in ((i, a), (j, b)):
        flows = np.where((flows > 0) & (np.bincount(at, flows > 0, len(w)) == 1)[at], w[at], flows)
    T.ravel()[held] = flows
    # A mass that was lost beside larger ones is carried where it is cheapest.
    for row in np.flatnonzero(sums[0] == 0):
        T[row, (R[row] - v).argmin()] = a[row]
    for column in np.flatnonzero(sums[1] == 0):
        T[(R[:, column] - np.asarray(log["u"])).argmin(), column] = b[column]
    return T, v


def _north_west(a: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, "m n"]:
    """A plan with at most m + n - 1 entries, masses laid side by side in their order: for costs that are all alike."""
    if min(len(a), len(b)) == 1:
        return np.outer(a, b)
    ends_a, ends_b = np.minimum(np.cumsum(a), 1), np.minimum(np.cumsum(b), 1)
    ends_a[-1] = ends_b[-1] = 1.0
    cuts = np.union1d(ends_a, ends_b)
    T = np.zeros((len(a), len(b)))
    np.add.at(T, (np.searchsorted(ends_a, cuts), np.searchsorted(ends_b, cuts)), np.diff(cuts, prepend=0.0))
    return T


@functools.cache
def _emd() -> Callable[..., Any]:
    """POT's `ot.emd`, imported at first use and without the frameworks that this process has not loaded itself.

    Who wants POT with torch in the same process imports either of them first.
    """
    hidden = [key for name, key in BACKENDS.items() if name not in sys.modules and key not in os.environ]
    os.environ.update(dict.fromkeys(hidden, "1"))
    try:
        import ot
    finally:
        for key in hidden:
            del os.environ[key]
    emd: Callable[..., Any] = ot.emd
    return emd
