"""Distances that are not squared: far points pull no harder than near ones, and the support stands at medians."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64

from wddkit.ot.costs.cost import Against
from wddkit.ot.costs.squared import SqEuclidean
from wddkit.ot.geometry import SparsePlan, check_spread, squared_norms
from wddkit.ot.measure import Measure

HALF = 0.5 * (1 - 1e-12)  # of the mass, with room for the rounding of sums
WEISZFELD = 30  # iterations of the geometric median in one update
ON = 1e-14  # of the largest coordinate: a support point nearer to a data point than this is on it
STILL = 1e-12  # of the largest coordinate: an iteration that moves no point further has ended


@dataclass(frozen=True)
class L1:
    """c(y, x) = Σ_k |x_k - y_k|."""

    shifts: ClassVar[bool] = True

    def fitted(self, data: Measure) -> "L1":
        """Itself."""
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """Row by row: no [m, n, d] array."""
        return lambda y: np.stack([np.abs(points - each).sum(axis=1) for each in y])

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The weighted median of each coordinate: the least value with half of the mass at or below it."""
        plan, result = plan.tocsr(), support.copy()
        for i, (start, end) in enumerate(zip(plan.indptr[:-1], plan.indptr[1:], strict=True)):
            masses, held = plan.data[start:end], points[plan.indices[start:end]]
            if masses.sum() > 0:
                order = np.argsort(held, axis=0, kind="stable")
                half = np.cumsum(masses[order], axis=0) >= HALF * masses.sum()
                result[i] = np.take_along_axis(held, order, axis=0)[half.argmax(axis=0), np.arange(held.shape[1])]
        return result


@dataclass(frozen=True)
class L2:
    """c(y, x) = |x - y|, not squared; transport under it is the 1-Wasserstein distance."""

    shifts: ClassVar[bool] = True

    def fitted(self, data: Measure) -> "L2":
        """Itself; ValueError if squares would leave the range of float64."""
        check_spread(data.points)
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """The root of the squared distances."""
        squared = SqEuclidean().against(points)
        return lambda y: np.sqrt(squared(y))

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """Geometric medians, by iterations of which none raises the cost."""
        entries, y = plan.tocoo(), support.copy()
        scale = float(np.abs(points).max()) or 1.0
        for _ in range(WEISZFELD):
            apart = points[entries.col] - y[entries.row]
            length = np.sqrt(squared_norms(apart))
            away = length > ON * scale
            pull = np.where(away, entries.data / np.where(away, length, 1), 0)
            force = sparse.csr_array((pull, (entries.row, np.arange(len(pull)))), shape=(len(y), len(pull)))
            total, strength = np.asarray(force.sum(axis=1)).ravel(), force @ apart
            # Mass that lies on the support point itself holds it there (Vardi and Zhang 2000).
            held = np.bincount(entries.row, weights=entries.data * ~away, minlength=len(y))
            norm = np.sqrt(squared_norms(strength))
            free = np.maximum(0, 1 - held / np.where(norm > 0, norm, np.inf)) * (norm > held)
            step = strength * (free / np.where(total > 0, total, 1))[:, None]
            y += step
            if np.abs(step).max() <= STILL * scale:
                break
        return y
