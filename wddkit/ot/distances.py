"""Distances between two sets that are cheaper than transport: along lines, between kernels' means, between Gaussians.

function               what it compares                  cost for n points each   beside W2²
sliced_w2_squared      all one-dimensional projections   n d + n log n a line     at most W2² / d, up to its error
max_sliced_w2_squared  the projection that differs most  the same, about tenfold  between sliced and W2²
gaussian_w2_squared    means and covariances             n d², or n² d if n < d   at most W2²
mmd_squared            all moments, through a kernel     n² d                     in other units

None of them is 0 for two samples of one source: hold a value against that between two halves of the real set.
Points are centred first, so a common offset costs no digits; points of mass 0 are left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.codec import unknown
from wddkit.ot.geometry import centre_of, check_spread, squared_distances, squared_norms
from wddkit.ot.measure import Measure, check_points, sealed, whole_number
from wddkit.ot.problem import check_dimension
from wddkit.seeds import derive

KERNELS = ("gaussian", "energy")
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)  # bandwidths of the Gaussian kernels, in root mean squared distances
BLOCK = 2**21  # numbers in one temporary array: 16 MiB
LEADING = 4  # principal directions of each kind among the starts of `max_sliced_w2_squared`
POWER = 10  # subspace iterations to find them: starts need not be exact
CLIMB = np.geomspace(0.5, 1e-5, 100)  # steps uphill, in radians
MOMENTUM = 0.7  # share of the last direction kept: fewer turns to and fro across ridges


@dataclass(frozen=True)
class Estimate:
    """A mean over random draws and its standard error: the truth lies within 2 errors about 19 times of 20."""

    value: float
    error: float


@dataclass(frozen=True, eq=False)
class Slice:
    """A unit vector θ `[d]`, from a towards b, and W2² of the two measures projected on it: `value`."""

    value: float
    direction: Float64[np.ndarray, " d"]


def sliced_w2_squared(a: Any, b: Any, *, directions: int = 256, seed: int = 0) -> Estimate:
    """The *squared* sliced 2-Wasserstein distance, the mean over all unit vectors θ, with its standard error.

        SW² = E_θ W2²(θ·x, θ·y) = |mean x - mean y|² / d + E_θ W2²(θ·(x - mean x), θ·(y - mean y))
        W2² on a line = ∫_0^1 (F⁻¹(t) - G⁻¹(t))² dt with quantile functions F⁻¹, G⁻¹, exact for any masses

    a and b are arrays `[n, d]` (mass 1/n on each row) or a `Measure`. Only the second mean is drawn, over `directions`
    vectors θ from `seed`, so that sets that differ by a shift have error 0. SW² <= W2² / d; in one dimension they are
    equal. Rabin et al. 2011, Bonneel et al. 2015; the mean as control variate: Nguyen and Ho 2024.
    Raises ValueError for bad input.
    """
    a, b = pair(a, b)
    theta = unit_vectors(a.points.shape[1], whole_number(directions, "directions", least=2), seed)
    shift, a, b = _parted(a, b)
    values = _along(a, b, theta)[0]
    # In one dimension there is one direction, and no error.
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return Estimate(float(shift @ shift) / len(shift) + float(values.mean()), error)


def max_sliced_w2_squared(a: Any, b: Any, *, directions: int = 256, starts: int = 8, seed: int = 0) -> Slice:
    """The direction found in which the sets differ most, and their *squared* 2-Wasserstein distance along it.

        max over |θ| = 1 of W2²(θ·x, θ·y) = max over θ of θ·M θ,  M = Σ_ij T_ij (x_i - y_j)(x_i - y_j)^T

    with T the monotone plan along θ. The maximum is not convex: `value` is one found, a lower bound of the true one and
    of W2². Tried are the difference of means, the principal directions of both sets and those in which their
    covariances differ most, and the `directions` of `sliced_w2_squared` for this seed; the best `starts` of them climb
    along the gradient 2 M θ, projected on the sphere, with steps that shrink, and the best θ on the way is kept.
    a and b are arrays `[n, d]` or a `Measure`. Deshpande et al. 2019. Raises ValueError for bad input.
    """
    a, b = pair(a, b)
    unit = _power_of_two(a, b)
    a, b = (Measure(sealed(each.points / unit), each.masses) for each in (a, b))  # whose fourth powers are in range
    starts = whole_number(starts, "starts", least=1)
    theta = unit_vectors(a.points.shape[1], whole_number(directions, "directions", least=2), seed)
    theta = np.concatenate([_candidate_directions(a, b, seed), theta])
    best = np.argsort(-_along(a, b, theta)[0], kind="stable")[:starts]
    values, theta = _climb(a, b, theta[best])
    top = int(values.argmax())
    towards = theta[top] @ (b.masses @ b.points - a.masses @ a.points)
    return Slice(float(values[top]) * unit**2, -theta[top] if towards < 0 else theta[top])


def gaussian_w2_squared(a: Any, b: Any) -> float:
    """The *squared* 2-Wasserstein distance between the Gaussians with the sets' means and covariances A, B.

        |mean a - mean b|² + tr A + tr B - 2 tr (A^1/2 B A^1/2)^1/2

    It is a lower bound of W2² between the sets, reached where one is an affine, symmetric and positive image of the
    other. With A = R^T R and B = S^T S, the Bures part is min over Q with Q^T Q = 1 of |R - Q S|², a Procrustes problem
    that the singular vectors of R S^T solve: no root of a d x d matrix, no cancellation, nothing special about d > n.
    a and b are arrays `[n, d]` or a `Measure`; covariances are those of the masses (divided by n, not n - 1).
    Dowson and Landau 1982, Gelbrich 1990, Bhatia et al. 2019. Raises ValueError for bad input.
    """
    a, b = pair(a, b)
    (mean_a, R), (mean_b, S) = gaussian_factor(a), gaussian_factor(b)
    return float(np.sum((mean_a - mean_b) ** 2)) + bures_squared(R, S)


def mmd_squared(a: Any, b: Any, *, kernel: str = "gaussian", bandwidths: Any = None) -> float:
    """The squared maximum mean discrepancy, 0 only for equal sets; the biased V-statistic, never negative.

        MMD² = Σ_ij a_i a_j k(x_i, x_j) + Σ_ij b_i b_j k(y_i, y_j) - 2 Σ_ij a_i b_j k(x_i, y_j)
        "gaussian"   k(x, y) = mean over bandwidths s of exp(-|x - y|² / 2 s²); between 0 and 2
        "energy"     k(x, y) = -|x - y|; the energy distance 2 E|x - y| - E|x - x'| - E|y - y'|, in the points' units

    `bandwidths`: one or several lengths s; by default 1/4, 1/2, 1, 2 and 4 times the root of E|z - z'|² over both sets.
    (Usual is the median distance, which takes n² memory and feels how an atom is split; the mean has a closed form.)
    Two sets drawn from one source are not at 0: their E MMD² is (1/n_a + 1/n_b) E[k(x, x) - k(x, x')].
    a and b are arrays `[n, d]` or a `Measure`. Gretton et al. 2012; Székely and Rizzo 2013.
    Raises ValueError for bad input.
    """
    a, b = pair(a, b)
    if kernel not in KERNELS:
        raise unknown("kernel", kernel, KERNELS)
    if kernel == "energy":
        if bandwidths is not None:
            raise ValueError("bandwidths: the energy distance has none; leave them out, or use kernel='gaussian'")
        return _quadratic(a, b, lambda C: -np.sqrt(C))
    lengths = _default_bandwidths(a, b) if bandwidths is None else _bandwidths(bandwidths)
    return _quadratic(a, b, lambda C: _gaussian(C, lengths))


def pair(a: Any, b: Any) -> tuple[Measure, Measure]:
    """Both as measures about a common centre, without points of mass 0; ValueError unless they can be compared."""
    a, b = Measure.of(a, "a").held(), Measure.of(b, "b").held()
    check_dimension(b.points, a.points.shape[1], "b")
    check_spread(a.points, b.points)
    centre = centre_of(a.points, b.points)
    return a.about(centre), b.about(centre)


def gaussian_factor(a: Measure) -> tuple[Float64[np.ndarray, " d"], Float64[np.ndarray, "r d"]]:
    """The mean, and a factor R of at most d rows of the covariance R^T R."""
    mean = a.masses @ a.points
    R = np.sqrt(a.masses)[:, None] * (a.points - mean)
    return mean, cast(np.ndarray, np.linalg.qr(R, mode="r")) if len(R) > R.shape[1] else R


def bures_squared(R: Float64[np.ndarray, "r d"], S: Float64[np.ndarray, "s d"]) -> float:
    """The squared Bures distance of R^T R and S^T S: min over Q with Q^T Q = 1 of |R - Q S|²."""
    if len(R) < len(S):
        R, S = S, R
    U, _, Vt = np.linalg.svd(R @ S.T, full_matrices=False)
    return float(np.sum((R - U @ (Vt @ S)) ** 2))


def _parted(a: Measure, b: Measure) -> tuple[Float64[np.ndarray, " d"], Measure, Measure]:
    """The difference of the means, and each measure about its own mean."""
    mean_a, mean_b = a.masses @ a.points, b.masses @ b.points
    return mean_a - mean_b, a.about(mean_a), b.about(mean_b)


def _power_of_two(a: Measure, b: Measure) -> float:
    """The power of two next above the largest coordinate: to divide by it costs no digit."""
    return float(np.exp2(np.frexp(max(float(np.abs(each.points).max()) for each in (a, b)))[1]))


def unit_vectors(d: int, count: int, seed: Any) -> Float64[np.ndarray, "L d"]:
    """Directions uniform on the sphere; in one dimension the only one there is."""
    seed = whole_number(seed, "seed", least=0)
    if d == 1:
        return np.ones((1, 1))
    return _directed(np.random.default_rng(derive(seed, "directions")).normal(size=(count, d)))


def _directed(rows: Float64[np.ndarray, "L d"]) -> Float64[np.ndarray, "kept d"]:
    """Rows divided by their lengths; rows of 0 are left out."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Float64[np.ndarray, "kept d"] = rows[lengths[:, 0] > 0] / lengths[lengths[:, 0] > 0]
    return unit


def _along(
    a: Measure, b: Measure, theta: Float64[np.ndarray, "L d"], *, slopes: bool = False
) -> tuple[Float64[np.ndarray, " L"], Float64[np.ndarray, "L d"]]:
    """W2² along each direction, and M θ, half of its gradient, if it is asked for (else θ)."""
    values, half = np.empty(len(theta)), theta.copy()
    step = max(1, BLOCK // (len(a) + len(b)))
    for at in range(0, len(theta), step):
        here = slice(at, at + step)
        p, q = theta[here] @ a.points.T, theta[here] @ b.points.T
        i, j, w = _monotone(p, a.masses, q, b.masses)
        apart = np.take_along_axis(p, i, 1) - np.take_along_axis(q, j, 1)
        values[here] = np.sum(w * apart**2, axis=1)
        if slopes:
            half[here] = _gathered(i, w * apart, len(a)) @ a.points - _gathered(j, w * apart, len(b)) @ b.points
    return values, half


def _monotone(
    p: Float64[np.ndarray, "L n"], a: Float64[np.ndarray, " n"], q: Float64[np.ndarray, "L m"], b: np.ndarray
) -> tuple[Int64[np.ndarray, "L n+m"], Int64[np.ndarray, "L n+m"], Float64[np.ndarray, "L n+m"]]:
    """The optimal plan on each line, as entries (i, j, mass): the two quantile functions merged at all their steps."""
    (order_p, F), (order_q, G) = _quantiles(p, a), _quantiles(q, b)
    ends = np.concatenate([F, G], axis=1)
    merged = np.argsort(ends, axis=1, kind="stable")  # of two sorted runs: linear time
    of_p = merged < len(a)
    # How many steps of either function have ended before this piece begins.
    i = np.minimum(np.cumsum(of_p, axis=1) - of_p, len(a) - 1)
    j = np.minimum(np.cumsum(~of_p, axis=1) - ~of_p, len(b) - 1)
    masses = np.diff(np.take_along_axis(ends, merged, 1), axis=1, prepend=0.0)
    return np.take_along_axis(order_p, i, 1), np.take_along_axis(order_q, j, 1), masses


def _quantiles(
    p: Float64[np.ndarray, "L n"], a: Float64[np.ndarray, " n"]
) -> tuple[Int64[np.ndarray, "L n"], Float64[np.ndarray, "L n"]]:
    """The order of each row's points, and the mass up to and with each of them."""
    order = np.argsort(p, axis=1)
    if np.ptp(a) == 0:
        # k/n, rounded once, meets the steps of a set of another size where it should.
        return order, np.broadcast_to(np.arange(1, len(a) + 1) / len(a), p.shape)
    return order, np.cumsum(a[order], axis=1)


def _gathered(at: Int64[np.ndarray, "L k"], values: Float64[np.ndarray, "L k"], n: int) -> Float64[np.ndarray, "L n"]:
    """In each row, the sum of the values at each of n places."""
    flat = at + n * np.arange(len(at))[:, None]
    return np.bincount(flat.ravel(), values.ravel(), minlength=n * len(at)).reshape(len(at), n)


def _candidate_directions(a: Measure, b: Measure, seed: int) -> Float64[np.ndarray, "L d"]:
    """Directions in which two sets may well differ: of their means, their spread, the difference of their spreads."""
    shift, a, b = _parted(a, b)
    F, G = (np.sqrt(each.masses)[:, None] * each.points for each in (a, b))
    found, d = [shift[None]], len(shift)
    for sign in (1, -1):
        Q = np.random.default_rng(derive(seed, "principal")).normal(size=(d, min(LEADING, d)))
        for _ in range(POWER):
            Q = np.linalg.qr(F.T @ (F @ Q) + sign * (G.T @ (G @ Q)))[0]
        found.append(Q.T)
    return _directed(np.concatenate(found))


def _climb(
    a: Measure, b: Measure, theta: Float64[np.ndarray, "L d"]
) -> tuple[Float64[np.ndarray, " L"], Float64[np.ndarray, "L d"]]:
    """The best value and direction on the way up from each start; where sorted orders change, the way has ridges."""
    values, half = _along(a, b, theta, slopes=True)
    best, found, run = values, theta, np.zeros_like(theta)
    for step in CLIMB:
        tangent = half - np.sum(half * theta, axis=1, keepdims=True) * theta
        length = np.linalg.norm(tangent, axis=1, keepdims=True)
        run = MOMENTUM * run + (1 - MOMENTUM) * tangent / np.where(length > 0, length, 1)
        theta = _directed(theta + step * run)
        values, half = _along(a, b, theta, slopes=True)
        found = np.where((values > best)[:, None], theta, found)
        best = np.maximum(values, best)
    return best, found


def _default_bandwidths(a: Measure, b: Measure) -> list[float]:
    """Multiples of the root of E|z - z'|² over both measures, each with half of the mass; 1 if all points are alike."""
    shift, a, b = _parted(a, b)
    mean = float(a.masses @ squared_norms(a.points) + b.masses @ squared_norms(b.points) + shift @ shift / 2)
    return [each * (np.sqrt(mean) or 1.0) for each in SCALES]


def _bandwidths(bandwidths: Any) -> list[float]:
    lengths = check_points(np.atleast_1d(bandwidths)[None], "bandwidths")[0]
    if not (lengths > 0).all():
        raise ValueError(f"bandwidths: expected lengths above 0, got {lengths.min():.6g}")
    return [float(each) for each in lengths]


def _gaussian(C: Float64[np.ndarray, "m n"], bandwidths: list[float]) -> Float64[np.ndarray, "m n"]:
    """Not k but k - 1: as the masses of a and -b sum to 0, the value is the same, and close points keep digits."""
    total = np.zeros_like(C)
    with np.errstate(over="ignore"):  # infinitely many bandwidths apart, k is 0
        for s in bandwidths:
            total += np.expm1(-C / s / s / 2)
    return total / len(bandwidths)


def _quadratic(a: Measure, b: Measure, k: Callable[[np.ndarray], np.ndarray]) -> float:
    """Σ_ij c_i c_j k(|z_i - z_j|²) over the points z of both, with masses c of a positive and of b negative."""
    z, c = np.concatenate([a.points, b.points]), np.concatenate([a.masses, -b.masses])
    norms, value, step = squared_norms(z), 0.0, max(1, BLOCK // len(z))
    for at in range(0, len(z), step):
        rows, rest = c[at : at + step], c[at + step :]
        K = k(squared_distances(z[at : at + step], z[at:], norms=norms[at:]))
        value += float(rows @ K[:, : len(rows)] @ rows + 2 * (rows @ K[:, len(rows) :] @ rest))
    return max(0.0, value)
