"""Ground costs: what it costs to carry one unit of mass, and where a support point stands best under it.

A cost is a matrix, C_ij = c(y_i, x_j), and a support update, argmin over y of Σ_j T_ij c(y, x_j). For three of the six
that is the mean of what a support point is given, so that one alternation serves them all:

cost              c(y, x)                        support update
sqeuclidean       |x - y|²                       mean
LinearMap(L)      |L (x - y)|²                   mean ("whitened": L = Σ^-1/2 of the points' covariance)
kl                Σ_k x log(x / y) - x + y       mean (x, y >= 0; a Bregman divergence, Banerjee et al. 2005)
l1                Σ_k |x_k - y_k|                median of each coordinate
l2                |x - y|                        geometric median (Weiszfeld 1937; Vardi and Zhang 2000)
cosine            1 - x·y / (|x| |y|)            mean of the directions, at the mean length
"""

from typing import Any

import numpy as np
from jaxtyping import Float64

from wddkit.codec import unknown
from wddkit.ot.costs.cosine import Cosine
from wddkit.ot.costs.cost import Against, Cost
from wddkit.ot.costs.kl import KL
from wddkit.ot.costs.lengths import L1, L2
from wddkit.ot.costs.squared import LinearMap, SqEuclidean, Whitened
from wddkit.ot.geometry import LARGEST, centre_of, check_spread
from wddkit.ot.measure import Measure, mixture

COSTS: dict[str, Cost] = {
    "sqeuclidean": SqEuclidean(),
    "whitened": Whitened(),
    "kl": KL(),
    "l1": L1(),
    "l2": L2(),
    "cosine": Cosine(),
}

__all__ = [
    "COSTS",
    "KL",
    "L1",
    "L2",
    "Against",
    "Cosine",
    "Cost",
    "LinearMap",
    "SqEuclidean",
    "Whitened",
    "as_cost",
    "cost_matrix",
    "sqeuclidean",
]


def as_cost(cost: str | Cost) -> Cost:
    """The cost of this name, or the cost itself; ValueError for an unknown name."""
    if isinstance(cost, str):
        if cost not in COSTS:
            raise unknown("ground cost", cost, COSTS)
        return COSTS[cost]
    if isinstance(cost, type) or not all(hasattr(cost, name) for name in ("shifts", "fitted", "against", "update")):
        raise ValueError(f"cost: expected one of {', '.join(COSTS)}, or a Cost such as LinearMap(L), got {cost!r}")
    return cost


def cost_matrix(y: Any, x: Any, cost: str | Cost) -> Float64[np.ndarray, "m n"]:
    """C_ij = c(y_i, x_j) of two arrays of points or two measures.

    Where the cost does not feel shifts, points are centred first: a common offset takes no digits. A cost with
    something to fit is fitted to both measures, each with half of the mass. Points of mass 0 have costs as well, of
    which only their own potentials know: they are not fitted to, and may be where the cost is not defined.
    ValueError for an unknown cost, points that it is not defined for, or points of different dimension.
    """
    chosen, y, x = as_cost(cost), Measure.of(y, "y"), Measure.of(x, "x")
    if y.points.shape[1] != x.points.shape[1]:
        raise ValueError(
            f"points of dimension {y.points.shape[1]} and {x.points.shape[1]} cannot be compared; embed both alike"
        )
    held = y.held(), x.held()
    check_spread(*(each.points for each in held))
    centre = np.zeros(x.points.shape[1])
    if chosen.shifts:
        centre = centre_of(*(each.points for each in held))
    fitted = chosen.fitted(mixture(held, [0.5, 0.5]).about(centre))
    return fitted.against(_within(x, centre))(_within(y, centre))


def sqeuclidean(y: Any, x: Any) -> Float64[np.ndarray, "m n"]:
    """C_ij = |y_i - x_j|²; ValueError if the points spread over more than 1e150 or less than 1e-140."""
    return cost_matrix(y, x, "sqeuclidean")


def _within(measure: Measure, centre: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, "n d"]:
    """The points about the centre. One of mass 0 may be beyond what squares can hold, and is brought nearer."""
    points: Float64[np.ndarray, "n d"] = measure.points - centre
    # Its costs are then lower, so that what its potential does not exceed, it does not exceed where it was.
    return points if measure.masses.all() else points.clip(-LARGEST, LARGEST)
