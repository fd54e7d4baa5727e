"""Measures: weighted points in feature space."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from jaxtyping import Float64

MASS_TOLERANCE = 1e-6  # how far from 1 a sum of masses may be before it is an error and not a rounding


@dataclass(frozen=True, eq=False)
class Measure:
    """The measure Σ_j b_j δ(x_j): points x `[n, d]` and masses b `[n]` on the simplex.

    Arrays of other number types are converted to float64; masses that sum to 1 within 1e-6 are renormalised.
    Raises ValueError for points or masses that are empty, not finite, of the wrong shape, negative, or off the simplex.
    """

    points: Float64[np.ndarray, "n d"]
    masses: Float64[np.ndarray, " n"]

    def __post_init__(self) -> None:
        points = check_points(self.points, "points")
        masses = check_masses(self.masses, "masses", count=len(points))
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "masses", masses)

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def of(cls, points: Any, name: str = "points") -> "Measure":
        """The measure itself, or mass 1/n on each row of an array `[n, d]`; `name` is for the error text."""
        if isinstance(points, cls):
            return points
        array = check_points(points, name)
        return cls(array, np.full(len(array), 1 / len(array)))


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


def _numbers(values: Any, name: str) -> Float64[np.ndarray, "..."]:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists; tensors that need a gradient
        raise ValueError(f"{name}: expected an array of numbers; {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name}: expected real numbers, got {type(values).__name__} of dtype {array.dtype}")
    return np.asarray(array, dtype=np.float64, order="C")
