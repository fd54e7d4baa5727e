"""Whether a synthetic set stands for all of the real set, and whether it gives real points away.

coverage(real, synthetic)                 share of real points with a synthetic point near, and what chance would give
nearest_real(real, synthetic)             the real point nearest to each synthetic one, and whether it is a mere copy
nearest_real(..., heldout=other)          the same against real points that the synthetic set was not made from

All distances here are |x - y|, not squared. Points are centred first; real points of mass 0 are as if not there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from wddkit.ot.geometry import centre_of, check_spread, squared_distances, squared_norms
from wddkit.ot.measure import Measure, whole_number
from wddkit.ot.problem import check_dimension

BLOCK = 2**21  # distances at a time: 16 MiB
TIE = 1e-9  # share of a squared distance by which equal ones may differ after rounding


@dataclass(frozen=True, eq=False)
class Coverage:
    """How much of the real set has a synthetic point in its neighbourhood, and how crowded these neighbourhoods are.

    `coverage` in [0, 1] is the mass of the real points that `covered` `[n]` marks. `expected` is the mean coverage by
    as many fresh real points in the place of the synthetic ones: few points cannot cover much, however good they are.
    `balls` `[m]` is the number of neighbourhoods that each synthetic point lies in, `density` their mean over k: 1 for
    fresh real points, more for points in the thick of the data. `precision` in [0, 1] is the mass of the synthetic
    points that lie in any.
    """

    coverage: float
    expected: float
    density: float
    precision: float
    covered: Bool[np.ndarray, " n"]
    balls: Int64[np.ndarray, " m"]


@dataclass(frozen=True, eq=False)
class Leakage:
    """Whether synthetic points stand nearer to the points they were made from than to others of the same source.

    `share` is the mass of the synthetic points whose nearest point, of the n real and n_h held-out ones together, is a
    real one; of several equally near, each counts for its part. Had the synthetic set not seen the real one, any n of
    the n + n_h points might as well be the real ones: over all these choices the share has the mean `expected` =
    n / (n + n_h) and the standard deviation `deviation`. Many deviations above it, the synthetic set has kept real
    points. `distance` `[m]` is that to the nearest held-out point.
    """

    share: float
    expected: float
    deviation: float
    distance: Float64[np.ndarray, " m"]


@dataclass(frozen=True, eq=False)
class NearestReal:
    """For each synthetic point the `index` of the nearest real one, its `distance`, and how near real points get.

    `spacing` `[m]` is the distance of that real point from its own nearest real neighbour, `ratio` = distance / spacing
    (0 for a copy). `authenticity` is the mass of the synthetic points of ratio above 1, which stand further from the
    real point than another real point does. For fresh real points it is not 1, but 1/3 on a line and more with the
    dimension: hold it against `nearest_real(real, heldout).authenticity`. `leakage` is None without held-out points.
    """

    index: Int64[np.ndarray, " m"]
    distance: Float64[np.ndarray, " m"]
    spacing: Float64[np.ndarray, " m"]
    ratio: Float64[np.ndarray, " m"]
    authenticity: float
    leakage: Leakage | None


def coverage(real: Any, synthetic: Any, *, k: int = 5) -> Coverage:
    """Coverage and density of the real points x_i by the synthetic points y_j, beside what chance would give.

    With B_i the ball about x_i that reaches to its k-th nearest other real point, that one included:

        coverage = Σ_i a_i [some y_j in B_i]                expected = 1 - Π_{l=1..k} (n - l) / (m + n - l)
        density = 1/k Σ_j b_j #{i: y_j in B_i}              precision = Σ_j b_j [y_j in some B_i]

    real and synthetic are arrays `[n, d]` and `[m, d]` (masses a_i = 1/n, b_j = 1/m) or a `Measure`. k, n and m count
    points, whatever their masses; synthetic points of mass 0 cover nothing.
    Naeem et al. 2020; precision is that of Kynkäänniemi et al. 2019. Raises ValueError for bad input and for k >= n.
    """
    whole, made = _together(real=real, synthetic=synthetic)
    x, a, y, b = whole.held().points, whole.held().masses, made.points, made.masses
    k, n, m = whole_number(k, "k", least=1), len(x), np.count_nonzero(b)
    if k >= n:
        raise ValueError(f"k = {k}: expected fewer than the {n} real points; give more real points, or lower k")
    radii = _neighbours(x, np.arange(n), k)
    reached, balls = np.zeros(n, bool), np.zeros(len(y), np.int64)
    for rows, C in _blocks(x, y):
        inside = radii[rows, None] * (1 + TIE) >= C
        reached[rows] = inside[:, b > 0].any(axis=1)
        balls += inside.sum(axis=0)
    left = n - np.arange(1, k + 1)
    covered = np.zeros(len(whole), bool)
    covered[whole.masses > 0] = reached
    return Coverage(
        coverage=_mass(a, reached),
        expected=1 - float(np.prod(left / (left + m))),
        density=float(b @ balls) / k,
        precision=_mass(b, balls > 0),
        covered=covered,
        balls=balls,
    )


def nearest_real(real: Any, synthetic: Any, *, heldout: Any = None) -> NearestReal:
    """The real point x_i nearest to each synthetic point y_j, and whether y_j is nearer to it than real points are.

        i(j) = argmin_i |y_j - x_i|        distance_j = |y_j - x_i(j)|        spacing_j = min_{l ≠ i(j)} |x_l - x_i(j)|
        authenticity = Σ_j b_j [distance_j > spacing_j]        share = Σ_j b_j [min_i |y_j - x_i| < min_l |y_j - h_l|]

    `heldout`: real points h_l that the synthetic set was not made from, split off at random before it was made; they
    may be fewer or more than the real ones. All are arrays `[n, d]` or a `Measure`; masses b of the synthetic points
    weigh them, those of the others do not matter. The same point may be nearest to several; compare `nearest`.
    Authenticity: Alaa et al. 2022. Raises ValueError for bad input and for fewer than 2 real points.
    """
    given = {"real": real, "synthetic": synthetic} | ({} if heldout is None else {"heldout": heldout})
    whole, made, *other = _together(**given)
    kept, y, b = np.flatnonzero(whole.masses), made.points, made.masses
    x = whole.held().points
    if len(x) < 2:
        raise ValueError("real: a single point has no neighbour to compare with; give at least 2 real points")
    index, squared = _nearest(y, x)
    own, which = np.unique(index, return_inverse=True)
    spacing = _neighbours(x, own, 1)[which]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(squared > 0, np.sqrt(squared) / np.sqrt(spacing), 0.0)
    return NearestReal(
        index=kept[index],
        distance=np.sqrt(squared),
        spacing=np.sqrt(spacing),
        ratio=ratio,
        authenticity=_mass(b, squared > spacing * (1 + TIE)),
        leakage=_leakage(x, other[0].held().points, y, b) if other else None,
    )


def _together(**given: Any) -> list[Measure]:
    """The sets as measures about a common centre; ValueError unless they can be compared."""
    measures = [Measure.of(each, name) for name, each in given.items()]
    first = measures[0]
    for name, each in zip(given, measures, strict=True):
        check_dimension(each.points, first.points.shape[1], name)
    held = [each.held().points for each in measures]
    check_spread(*held, measures[1].points)  # synthetic points have distances whatever their masses
    centre = centre_of(*held)
    return [each.about(centre) for each in measures]


def _mass(b: Float64[np.ndarray, " m"], chosen: Bool[np.ndarray, " m"]) -> float:
    """The mass of the chosen points: of all of them exactly 1."""
    return float(b[chosen].sum() / b.sum())


def _blocks(
    y: Float64[np.ndarray, "m d"], x: Float64[np.ndarray, "n d"]
) -> Iterator[tuple[slice, Float64[np.ndarray, "k n"]]]:
    """Squared distances from some rows of y at a time to all of x."""
    norms, step = squared_norms(x), max(1, BLOCK // len(x))
    for at in range(0, len(y), step):
        yield slice(at, at + step), squared_distances(y[at : at + step], x, norms=norms)


def _nearest(
    y: Float64[np.ndarray, "m d"], x: Float64[np.ndarray, "n d"]
) -> tuple[Int64[np.ndarray, " m"], Float64[np.ndarray, " m"]]:
    """The row of x nearest to each y, and the squared distance."""
    index, squared = np.empty(len(y), np.int64), np.empty(len(y))
    for rows, C in _blocks(y, x):
        index[rows], squared[rows] = C.argmin(axis=1), C.min(axis=1)
    return index, squared


def _neighbours(x: Float64[np.ndarray, "n d"], rows: Int64[np.ndarray, " m"], k: int) -> Float64[np.ndarray, " m"]:
    """The squared distance of each of these rows of x from its k-th nearest other row."""
    # Each point is its own nearest, at distance 0; the k-th other one comes k places later.
    return np.concatenate([np.partition(C, k, axis=1)[:, k] for _, C in _blocks(x[rows], x)])


def _leakage(
    x: Float64[np.ndarray, "n d"],
    h: Float64[np.ndarray, "n_h d"],
    y: Float64[np.ndarray, "m d"],
    b: Float64[np.ndarray, " m"],
) -> Leakage:
    """How much of the synthetic mass is nearest to x, and how much would be to any n of the n + n_h points."""
    squared, held = np.empty(len(y)), np.zeros(len(x) + len(h))
    for rows, C in _blocks(y, np.concatenate([x, h])):
        squared[rows] = C[:, len(x) :].min(axis=1)
        near = C.min(axis=1, keepdims=True) * (1 + TIE) >= C
        held += (b[rows] / near.sum(axis=1)) @ near
    # The share is a sum over n of N points drawn without replacement, whose deviation is known.
    N, p = len(held), len(x) / len(held)
    deviation = np.sqrt(p * (1 - p) * N / (N - 1) * np.sum((held - 1 / N) ** 2))
    return Leakage(float(held[: len(x)].sum() / held.sum()), p, float(deviation), np.sqrt(squared))
