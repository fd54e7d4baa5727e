"""Ground costs: what it costs to carry one unit of mass from one point to another."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float64

from wddkit.codec import unknown

# Beyond these, squares leave the range of float64 and every plan would be as good as any other.
SMALLEST, LARGEST = 1e-140, 1e150
# |x|² + |y|² - 2 x·y has lost six digits where it falls below this share of |x|² + |y|².
CANCELLED = 1e-6


def cost_matrix(x: Float64[np.ndarray, "m d"], y: Float64[np.ndarray, "n d"], cost: str) -> Float64[np.ndarray, "m n"]:
    """The ground cost of each pair; ValueError for an unknown cost or points of different dimension."""
    if cost not in COSTS:
        raise unknown("ground cost", cost, COSTS)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"points of dimension {x.shape[1]} and {y.shape[1]} cannot be compared; embed both alike")
    return COSTS[cost](x, y)


def sqeuclidean(x: Float64[np.ndarray, "m d"], y: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "m n"]:
    """C_ij = |x_i - y_j|², with the digits of the differences kept under any common offset.

    Raises ValueError if the points spread over more than 1e150 or less than 1e-140: squares would not be representable.
    """
    check_spread(x, y)
    centre = y.mean(axis=0)
    x, y = x - centre, y - centre
    check_spread(x, y)
    return squared_distances(x, y)


def squared_distances(
    x: Float64[np.ndarray, "m d"],
    y: Float64[np.ndarray, "n d"],
    *,
    norms: Float64[np.ndarray, " n"] | None = None,
) -> Float64[np.ndarray, "m n"]:
    """C_ij = |x_i|² + |y_j|² - 2 x_i·y_j of points already centred; `norms` are the |y_j|² where they are known.

    One matrix product, m n d operations and no [m, n, d] array. Rounding can make it negative: it is clipped at 0.
    Pairs that nearly coincide are computed again from their difference, so that equal points cost exactly 0.
    """
    scale = squared_norms(x)[:, None] + (squared_norms(y) if norms is None else norms)
    C: Float64[np.ndarray, "m n"] = x @ y.T
    C *= -2
    C += scale
    scale *= CANCELLED
    rows, columns = np.nonzero(scale >= C)
    chunk = max(1, 2**20 // x.shape[1])  # pairs at a time: 8 MiB
    for at in range(0, len(rows), chunk):
        i, j = rows[at : at + chunk], columns[at : at + chunk]
        C[i, j] = squared_norms(x[i] - y[j])
    np.maximum(C, 0, out=C)
    return C


def squared_norms(x: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, " n"]:
    """|x_i|² of each row."""
    norms: Float64[np.ndarray, " n"] = np.einsum("ij,ij->i", x, x)
    return norms


def check_spread(*arrays: Float64[np.ndarray, "n d"]) -> None:
    """Raises ValueError if the largest coordinate has a square that float64 cannot hold."""
    largest = max(float(np.abs(array).max()) for array in arrays)
    if largest > LARGEST or 0 < largest < SMALLEST:
        raise ValueError(
            f"the largest coordinate is {largest:.1e}: its square leaves the range of float64; "
            f"rescale the points to between {SMALLEST:.0e} and {LARGEST:.0e}"
        )


COSTS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"sqeuclidean": sqeuclidean}
