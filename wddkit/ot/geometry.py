"""Points, their means and their squared distances, with as many digits as float64 allows."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64

# A scipy.sparse array [m, n]: an optimal plan has at most m + n - 1 entries, so it is applied in d (m + n), not d m n.
SparsePlan: TypeAlias = Any

# Beyond these, squares leave the range of float64 and every plan would be as good as any other.
SMALLEST, LARGEST = 1e-140, 1e150
# |x|² + |y|² - 2 x·y has lost six digits where it falls below this share of |x|² + |y|².
CANCELLED = 1e-6
PAIRS = 2**20  # numbers of pairs that are computed again at a time: 8 MiB
SAMPLE = 128  # rows that tell where the points are
GOLDEN = (5**0.5 - 1) / 2  # its multiples are spread evenly between whole numbers, in step with nothing


def centre_of(*clouds: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, " d"]:
    """A place among the points, to be taken as 0: the median of each coordinate over some 128 rows of each cloud.

    Not the mean: one point at 1e17 would take it far away from all the others, and them their digits.
    """
    steps = np.arange(SAMPLE) * GOLDEN % 1
    some = [each if len(each) <= SAMPLE else each[(len(each) * steps).astype(int)] for each in clouds]
    rows = np.concatenate(some)
    middle: Float64[np.ndarray, " d"] = np.partition(rows, (len(rows) - 1) // 2, axis=0)[(len(rows) - 1) // 2]
    return middle


def means(
    plan: SparsePlan, points: Float64[np.ndarray, "n d"], support: Float64[np.ndarray, "m d"]
) -> Float64[np.ndarray, "m d"]:
    """y_i = Σ_j T_ij x_j / w_i with w_i = Σ_j T_ij; where w_i = 0, the support point as it was. T may be dense too."""
    w = np.asarray(plan.sum(axis=1)).reshape(-1, 1)
    held = w > 0
    y: Float64[np.ndarray, "m d"] = np.where(held, (plan @ points) / np.where(held, w, 1), support)
    return y


def squared_distances(
    y: Float64[np.ndarray, "m d"],
    x: Float64[np.ndarray, "n d"],
    *,
    norms: Float64[np.ndarray, " n"] | None = None,
) -> Float64[np.ndarray, "m n"]:
    """C_ij = |y_i|² + |x_j|² - 2 y_i·x_j of points already centred; `norms` are the |x_j|² where they are known.

    One matrix product, m n d operations and no [m, n, d] array. Rounding can make it negative: it is clipped at 0.
    Pairs that nearly coincide are computed again from their difference, so that equal points cost exactly 0.
    """
    scale = squared_norms(y)[:, None] + (squared_norms(x) if norms is None else norms)
    C: Float64[np.ndarray, "m n"] = y @ x.T
    C *= -2
    C += scale
    for i, j in cancelled(C, scale, y.shape[1]):
        C[i, j] = squared_norms(y[i] - x[j])
    np.maximum(C, 0, out=C)
    return C


def cancelled(
    C: Float64[np.ndarray, "m n"], scale: Float64[np.ndarray, "m n"], d: int
) -> Iterator[tuple[Int64[np.ndarray, " k"], Int64[np.ndarray, " k"]]]:
    """Some pairs i, j at a time, of those where C is a difference of terms of size `scale` (which is overwritten)."""
    scale *= CANCELLED
    rows, columns = np.nonzero(scale >= C)
    chunk = max(1, PAIRS // d)
    for at in range(0, len(rows), chunk):
        yield rows[at : at + chunk], columns[at : at + chunk]


def squared_norms(x: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, " n"]:
    """|x_i|² of each row."""
    norms: Float64[np.ndarray, " n"] = np.einsum("ij,ij->i", x, x)
    return norms


def directions(x: Float64[np.ndarray, "n d"]) -> tuple[Float64[np.ndarray, "n d"], Float64[np.ndarray, "n 1"]]:
    """x_i / |x_i| and |x_i| of each row, of any size; a row of 0 stays 0."""
    largest = np.maximum(x.max(axis=1), -x.min(axis=1))[:, None]
    unit = x / np.where(largest > 0, largest, 1)  # so that no square is out of range
    norms = np.sqrt(squared_norms(unit))[:, None]
    unit /= np.where(norms > 0, norms, 1)
    return unit, largest * norms


def check_spread(*arrays: Float64[np.ndarray, "n d"], of: str = "coordinate") -> None:
    """Raises ValueError if the largest coordinate has a square that float64 cannot hold."""
    largest = max(max(float(array.max()), -float(array.min())) for array in arrays)
    if largest > LARGEST or 0 < largest < SMALLEST:
        raise ValueError(
            f"the largest {of} is {largest:.1e}: its square leaves the range of float64; "
            f"rescale the points to between {SMALLEST:.0e} and {LARGEST:.0e}"
        )
