"""The generalised Kullback-Leibler divergence of features that are not negative."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from wddkit.ot.costs.cost import Against
from wddkit.ot.geometry import SparsePlan, cancelled, centre_of, means
from wddkit.ot.measure import Measure, positive

FLOOR = 1e-9  # of the mean coordinate: a support point that is 0 where the data is not costs much, not infinitely
CLOSE = 1e-2  # relative difference r up to which log(1 + r) is taken of r, and r - log(1 + r) as a series
ROWS = 32  # points at a time: their temporary arrays stay in the cache
SERIES = [0, 0, *((-1) ** k / k for k in range(2, 11))]  # the next term is below CLOSE^9 / 5 of the sum


@dataclass(frozen=True)
class KL:
    """c(y, x) = Σ_k x_k log(x_k / y_k) - x_k + y_k, for features that are not negative, as after a ReLU.

    Inside the logarithm, coordinates below the `floor` are taken as the floor: a billionth of the mean coordinate of
    the data, unless given. It does not matter how far from 0 the features are: with any z > 0 it holds that

        c(y, x) = c(z, x) + c(y, z) - Σ_k (x_k - z_k) log(y_k / z_k)

    and for z among the features no term is much larger than the costs, each computed without loss of digits.
    """

    floor: float | None = None
    shifts: ClassVar[bool] = False

    def fitted(self, data: Measure) -> "KL":
        """With the floor of the data; ValueError for negative coordinates."""
        if data.points.min() < 0:
            row = int(data.points.min(axis=1).argmin())
            raise ValueError(
                f"cost 'kl' is for points that are not negative, found {data.points.min():.4g} in row {row}; take "
                f"features after a ReLU, or another cost"
            )
        return KL(_floor(data.masses @ data.points) if self.floor is None else positive(self.floor, "floor of kl"))

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """One matrix product with log(y / z) for each support."""
        x = np.maximum(points, 0)  # without mass they may be anything
        floor = _floor(x) if self.floor is None else self.floor
        z = np.maximum(centre_of(x), floor)
        blocks = np.split(x, range(ROWS, len(x), ROWS))
        from_z = np.concatenate([divergences(z, each, log_ratio(z, each, floor), floor).sum(axis=1) for each in blocks])
        apart = x - z

        def costs(y: Float64[np.ndarray, "m d"]) -> Float64[np.ndarray, "m n"]:
            y = np.maximum(y, 0)
            logs = log_ratio(y, z, floor)
            scale = divergences(y, z, logs, floor).sum(axis=1)[:, None] + from_z
            C: Float64[np.ndarray, "m n"] = scale - logs @ apart.T
            for i, j in cancelled(C, scale, len(z)):
                C[i, j] = divergences(y[i], x[j], log_ratio(y[i], x[j], floor), floor).sum(axis=1)
            np.maximum(C, 0, out=C)
            return C

        return costs

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The mean, as for every Bregman divergence."""
        return means(plan, points, support)


def divergences(
    y: Float64[np.ndarray, "..."], x: Float64[np.ndarray, "..."], logs: Float64[np.ndarray, "..."], floor: float
) -> Float64[np.ndarray, "..."]:
    """Of each coordinate x log(x / y) - x + y, given log(y / x), to the last digits also where x and y are close."""
    apart = y - x
    found: Float64[np.ndarray, "..."] = apart - x * logs
    close = (np.abs(logs) < CLOSE) & (np.minimum(x, y) >= floor)
    if close.any():
        near = np.broadcast_to(x, found.shape)[close]
        found[close] = near * np.polynomial.polynomial.polyval(apart[close] / near, SERIES)
    return found


def log_ratio(y: Float64[np.ndarray, "..."], x: Float64[np.ndarray, "..."], floor: float) -> Float64[np.ndarray, "..."]:
    """log(y / x), with neither below the floor."""
    y, x = np.maximum(y, floor), np.maximum(x, floor)
    ratio = y / x
    logs: Float64[np.ndarray, "..."] = np.log(ratio)
    close = np.abs(ratio - 1) < CLOSE
    if close.any():  # where y - x is exact, and y / x is not
        near = np.broadcast_to(x, logs.shape)[close]
        logs[close] = np.log1p((np.broadcast_to(y, logs.shape)[close] - near) / near)
    return logs


def _floor(points: Float64[np.ndarray, "..."]) -> float:
    return max(FLOOR * float(points.mean()), float(np.finfo(float).tiny))
