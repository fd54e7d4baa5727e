"""What a ground cost is."""

from collections.abc import Callable
from typing import ClassVar, Protocol, TypeAlias

import numpy as np
from jaxtyping import Float64

from wddkit.ot.geometry import SparsePlan
from wddkit.ot.measure import Measure

Against: TypeAlias = Callable[[Float64[np.ndarray, "m d"]], Float64[np.ndarray, "m n"]]
"""Support points y [m, d] -> their costs [m, n] against points that were given before."""


class Cost(Protocol):
    """A ground cost c(y, x) of a support point and a data point, with its support update.

    `shifts`: c(y + t, x + t) = c(y, x); the points are then centred before anything else, which keeps digits.
    """

    shifts: ClassVar[bool]

    def fitted(self, data: Measure) -> "Cost":
        """The cost with what it takes from the data, if anything; ValueError for points that it is not defined for.

        The data have no points of mass 0, and what is taken must not change where an atom is split in two.
        """

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """The costs of any support against these points; what depends on the points alone is computed once."""

    def update(
        self, plan: SparsePlan, points: Float64[np.ndarray, "n d"], support: Float64[np.ndarray, "m d"]
    ) -> Float64[np.ndarray, "m d"]:
        """Argmin over y of Σ_j T_ij c(y_i, x_j), no worse than `support`; a support point without mass stays."""
