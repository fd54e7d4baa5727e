"""Squared distances, as they are or after a linear map: the costs of k-means and of the 2-Wasserstein distance."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64

from wddkit.ot.costs.cost import Against
from wddkit.ot.geometry import SparsePlan, check_spread, means, squared_distances, squared_norms
from wddkit.ot.measure import Measure, check_points, number, sealed

RIDGE = 1e-3  # share of the mean variance that whitening adds to every direction


@dataclass(frozen=True)
class SqEuclidean:
    """c(y, x) = |x - y|²; transport under it is the squared 2-Wasserstein distance."""

    shifts: ClassVar[bool] = True

    def fitted(self, data: Measure) -> "SqEuclidean":
        """Itself; ValueError if squares would leave the range of float64."""
        check_spread(data.points)
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """One matrix product for each support."""
        norms = squared_norms(points)
        return lambda y: squared_distances(y, points, norms=norms)

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The mean."""
        return means(plan, points, support)


@dataclass(frozen=True, eq=False)
class LinearMap:
    """c(y, x) = |L (x - y)|² for a matrix L [k, d]: Mahalanobis, whitened and learned distances.

    Directions that L maps to 0 cost nothing; the support is then best, not uniquely, at the mean.
    """

    L: Float64[np.ndarray, "k d"]
    shifts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "L", sealed(check_points(self.L, "L").copy()))

    @classmethod
    def whitening(cls, points: Any, *, ridge: float = RIDGE) -> "LinearMap":
        """L = (Σ + ridge tr(Σ)/d I)^-1/2 with the covariance Σ of points or a measure: every direction spreads alike.

        Under it |L (x - y)| is the Mahalanobis distance. ValueError for points that are all alike, for a ridge below
        0, and for one of 0 where Σ has no inverse.
        """
        data, ridge = Measure.of(points).held(), number(ridge, "ridge", "[0, inf)")
        check_spread(data.points)
        x, b = data.points - data.points[0], data.masses
        x = x - b @ x
        scale = float(np.sqrt(np.mean(b @ x**2)))
        if scale == 0:
            raise ValueError("whitening: the points are all alike and have no spread; use cost='sqeuclidean'")
        R = np.sqrt(b)[:, None] * x / scale  # R^T R = Σ / (tr(Σ)/d)
        values, vectors = np.linalg.eigh(R.T @ R)
        if not ridge and values[0] <= len(values) * np.finfo(float).eps * values[-1]:
            raise ValueError("whitening: some direction has no spread, so that Σ has no inverse; take a ridge above 0")
        return cls(vectors / np.sqrt(np.maximum(values, 0) + ridge) @ vectors.T / scale)

    def fitted(self, data: Measure) -> "LinearMap":
        """Itself; ValueError for points of another dimension than L takes, or squares that leave float64."""
        if data.points.shape[1] != self.L.shape[1]:
            raise ValueError(f"L takes points of dimension {self.L.shape[1]}, and these have {data.points.shape[1]}")
        check_spread(data.points)
        check_spread(data.points @ self.L.T, of="coordinate after the linear map")
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """Squared distances after the map."""
        mapped = SqEuclidean().against(points @ self.L.T)
        return lambda y: mapped(y @ self.L.T)

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The mean, whatever L."""
        return means(plan, points, support)


@dataclass(frozen=True)
class Whitened:
    """`LinearMap.whitening` of the measures that the cost is used on."""

    ridge: float = RIDGE
    shifts: ClassVar[bool] = True

    def fitted(self, data: Measure) -> LinearMap:
        """The map of this measure."""
        return LinearMap.whitening(data, ridge=self.ridge)

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """Fitted to these points, with equal masses."""
        return LinearMap.whitening(points, ridge=self.ridge).against(points)

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The mean."""
        return means(plan, points, support)
