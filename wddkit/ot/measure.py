"""Measures: weighted points in feature space; and the checks of numbers that all of `wddkit.ot` shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from jaxtyping import Float64

MASS_TOLERANCE = 1e-6  # how far from 1 a sum of masses may be before it is an error and not a rounding


@dataclass(frozen=True, eq=False)
class Measure:
    """The measure Σ_j b_j δ(x_j): points x `[n, d]` and masses b `[n]` on the simplex.

    Arrays of other number types are converted to float64; masses that sum to 1 within 1e-6 are renormalised. Both are
    copies that nobody can write to.
    Raises ValueError for points or masses that are empty, not finite, of the wrong shape, negative, or off the simplex.
    """

    points: Float64[np.ndarray, "n d"]
    masses: Float64[np.ndarray, " n"]

    def __post_init__(self) -> None:
        points = check_points(self.points, "points")
        masses = check_masses(self.masses, "masses", count=len(points))
        if points.flags.writeable or points.base is not None:  # else it was sealed when it was made
            points = points.copy()
        object.__setattr__(self, "points", sealed(points))
        object.__setattr__(self, "masses", sealed(masses))

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def of(cls, points: Any, name: str = "points") -> "Measure":
        """The measure itself, or mass 1/n on each row of an array `[n, d]`; `name` is for the error text."""
        if isinstance(points, cls):
            return points
        array = check_points(points, name)
        return cls(array, np.full(len(array), 1 / len(array)))

    def held(self) -> "Measure":
        """The measure without its points of mass 0, which no answer may depend on."""
        if self.masses.all():
            return self
        return _checked_before(self.points[self.masses > 0], self.masses[self.masses > 0])

    def about(self, centre: Float64[np.ndarray, " d"]) -> "Measure":
        """The measure moved so that `centre` comes to 0."""
        return _checked_before(self.points - centre, self.masses)


def mixture(measures: Sequence[Measure], weights: Sequence[float] | np.ndarray) -> Measure:
    """Σ_k λ_k μ_k: all points, with masses λ_k b^k_j."""
    if len(measures) == 1:
        return measures[0]
    masses = np.concatenate([share * each.masses for share, each in zip(weights, measures, strict=True)])
    return _checked_before(np.concatenate([each.points for each in measures]), masses / masses.sum())


def sealed(array: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    """The array itself, from now on read-only: for one that was just made and that nobody else holds."""
    array.flags.writeable = False
    return array


def _checked_before(points: Float64[np.ndarray, "n d"], masses: Float64[np.ndarray, " n"]) -> Measure:
    """A measure of arrays just made from those of another one: looking through them again would take time."""
    measure = object.__new__(Measure)
    object.__setattr__(measure, "points", sealed(points))
    object.__setattr__(measure, "masses", sealed(masses))
    return measure


def check_points(points: Any, name: str) -> Float64[np.ndarray, "n d"]:
    """The points as float64 `[n, d]`; ValueError unless they are numbers, 2-D, not empty and finite."""
    array = _numbers(points, name)
    if array.ndim == 1 and array.size:
        raise ValueError(
            f"{name}: expected shape [n, d], got {array.shape}; for n points on a line write points[:, None], "
            f"for one point in d dimensions points[None, :]"
        )
    if array.ndim != 2 or not array.size:
        empty = " (empty)" if not array.size else ""
        raise ValueError(f"{name}: expected shape [n, d] with n >= 1 and d >= 1, got {array.shape}{empty}")
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"{name}: NaN or infinite values in {np.sum(~finite)} of {len(array)} rows, first in row "
            f"{np.argmin(finite)}; remove those rows"
        )
    return array


def check_masses(masses: Any, name: str, *, count: int, of: str = "point") -> Float64[np.ndarray, " n"]:
    """The masses as float64 `[count]` with sum 1; ValueError unless finite, not negative and of sum 1 within 1e-6."""
    array = _numbers(masses, name)
    if array.shape != (count,):
        raise ValueError(f"{name}: expected {count} {name.split()[0]}, one for each {of}, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: NaN or infinite values, first at {np.argmin(np.isfinite(array))}")
    if (array < 0).any():
        raise ValueError(f"{name}: must not be negative, found {array.min():.6g} at {np.argmin(array)}")
    total = float(array.sum())
    if abs(total - 1) > MASS_TOLERANCE:
        raise ValueError(f"{name}: must sum to 1, found {total:.8g}; divide by the sum: w / w.sum()")
    return array / total


def whole_number(value: Any, name: str, *, least: int) -> int:
    """The value as an int; ValueError unless it is a whole number of at least `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r}")
    return int(value)


def positive(value: Any, name: str) -> float:
    """The value as a float; ValueError unless it is a positive finite number."""
    if not _is_number(value) or not 0 < float(value) < np.inf:
        raise ValueError(f"{name}: expected a positive finite number, got {value!r}")
    return float(value)


def number(value: Any, name: str, interval: str) -> float:
    """The value as a float; ValueError unless it is a number in the interval, such as "[0, 1)"."""
    low, high = (float(end) for end in interval[1:-1].split(","))
    above, below = (np.less_equal if end in "[]" else np.less for end in (interval[0], interval[-1]))
    if not _is_number(value) or not (above(low, float(value)) and below(float(value), high)):
        raise ValueError(f"{name}: expected a number in {interval}, got {value!r}")
    return float(value)


def yes_or_no(value: Any, name: str) -> bool:
    """The value; ValueError unless it is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: expected True or False, got {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _numbers(values: Any, name: str) -> Float64[np.ndarray, "..."]:
    if np.ma.is_masked(values):
        raise ValueError(f"{name}: masked values, whose masks would be lost; fill them or remove their rows")
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists; tensors that need a gradient
        raise ValueError(f"{name}: expected an array of numbers; {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name}: expected real numbers, got {type(values).__name__} of dtype {array.dtype}")
    return np.asarray(array, dtype=np.float64, order="C")
