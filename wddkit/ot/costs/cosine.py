"""The cosine distance: directions alone."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from wddkit.ot.costs.cost import Against
from wddkit.ot.costs.squared import SqEuclidean
from wddkit.ot.geometry import SparsePlan, check_spread, directions, squared_norms
from wddkit.ot.measure import Measure

NOTHING = 1e-14  # of the mass: directions that sum to less cancel, and what is left is rounding


@dataclass(frozen=True)
class Cosine:
    """c(y, x) = 1 - x·y / (|x| |y|), half the squared distance of the directions; lengths cost nothing.

    A support point is given the mean length of what it holds, so that features of the usual size can meet it.
    """

    shifts: ClassVar[bool] = False

    def fitted(self, data: Measure) -> "Cosine":
        """Itself; ValueError for points at the origin, which have no direction."""
        check_spread(data.points)
        zero = np.flatnonzero(~data.points.any(axis=1))
        if len(zero):
            raise ValueError(
                f"cost 'cosine' needs a direction, and {len(zero)} of {len(data)} points are 0, first in row "
                f"{zero[0]}; remove them, or use another cost"
            )
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """Half the squared distances of the directions."""
        squared = SqEuclidean().against(directions(points)[0])
        return lambda y: squared(directions(y)[0]) / 2

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The direction of the summed directions, times the mean length; where they cancel, the support as it was."""
        masses = np.asarray(plan.sum(axis=1)).ravel()
        unit, lengths = directions(points)
        total = plan @ unit
        norm = np.sqrt(squared_norms(total))
        length = (plan @ lengths)[:, 0] / np.where(masses > 0, masses, 1)
        kept = norm > NOTHING * masses
        return np.where(kept[:, None], total * (length / np.where(kept, norm, 1))[:, None], support)
