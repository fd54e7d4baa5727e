"""k-means on cells: Lloyd's steps, all points at once, and Hartigan's moves, which count that the means come along.

Cells of masses w_i with means y_i have the value F = Σ_j b_j C_aj, with C_ij = |x_j - y_i|² and a the cell of point j.
Lloyd (1982) moves point j to the cell i of least C_ij. But the means move too, so in truth its move changes F by

    w_i b_j / (w_i + b_j) C_ij  -  w_a b_j / (w_a - b_j) C_aj                          (Hartigan and Wong 1979)

and a point may do well to leave the mean that it is nearest to. Cells without such a move are fixed points of Lloyd's,
and the lower ones among them (Telgarsky and Vattani 2010): where cells have ten points, by 4 % of the value.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64, Int64

from wddkit.ot.geometry import SparsePlan

Costs: TypeAlias = Callable[[SparsePlan], Float64[np.ndarray, "k n"]]
"""Rows P with sum 1 -> C_ij = |y_i - x_j|² of the means y_i = Σ_j P_ij x_j."""

STILL = 1e-13  # share of the value: what gains less than this is no better but for rounding
ALONE = 1e-12  # share of a cell's mass that counts as nobody


@dataclass(frozen=True, eq=False)
class CellState:
    """A support on the way, the means of `cells` (None: the start), with the `nearest` of them to each point.

    `value` = Σ_j b_j min_i C_ij, which never rises on the way.
    """

    cells: Int64[np.ndarray, " n"] | None
    nearest: Int64[np.ndarray, " n"]
    value: float


def descend(
    C: Float64[np.ndarray, "m n"], b: Float64[np.ndarray, " n"], costs: Costs, *, hartigan: bool, steps: int
) -> Iterator[CellState]:
    """From a start with costs C: Lloyd's steps until they rest, then Hartigan's moves, and so on until both rest."""
    C, j = C.copy(), np.arange(len(b))
    nearest = C.argmin(axis=0)
    last, rested = float(b @ C[nearest, j]), np.inf
    yield CellState(None, nearest, last)
    cells, touched = _refilled(nearest, C, b), np.arange(len(C))
    for _ in range(steps - 1 if last else 0):
        w = np.bincount(cells, weights=b, minlength=len(C))
        C[touched] = np.where(w[touched, None] > 0, costs(_shares(cells, w, b, touched)), np.inf)
        own, nearest = C[cells, j], C.argmin(axis=0)
        nearest = np.where(C[nearest, j] < own, nearest, cells)  # of cells that tie, the one that a point is in
        value, lower = float(b @ own), float(b @ C[nearest, j])
        if value >= rested:  # what the moves gained was rounding
            return
        if value - lower > STILL * value or not w.all():
            better = _refilled(nearest, C, b)
        else:
            nearest, lower, rested = cells, value, value
            better = _moved(cells, C, w, b, least=STILL * value) if hartigan else cells
        last = min(lower, last)
        yield CellState(cells, nearest, last)
        moved = better != cells
        if not moved.any():
            return
        touched, cells = np.union1d(cells[moved], better[moved]), better


def _shares(
    cells: Int64[np.ndarray, " n"],
    w: Float64[np.ndarray, " m"],
    b: Float64[np.ndarray, " n"],
    at: Int64[np.ndarray, " k"],
) -> SparsePlan:
    """P_ij = b_j / w_i for the points j of each cell i in `at`: P x are the means of these cells."""
    row_of = np.full(len(w), -1)
    row_of[at] = np.arange(len(at))
    rows = row_of[cells]
    order = np.argsort(rows, kind="stable")[np.sum(rows < 0) :]
    ends = np.append(0, np.cumsum(np.bincount(rows[order], minlength=len(at))))
    return sparse.csr_array((b[order] / w[cells[order]], order, ends), shape=(len(at), len(b)))


def _refilled(
    nearest: Int64[np.ndarray, " n"], C: Float64[np.ndarray, "m n"], b: Float64[np.ndarray, " n"]
) -> Int64[np.ndarray, " n"]:
    """The cells, where each that is empty is given one of the points that cost most."""
    empty = np.flatnonzero(np.bincount(nearest, minlength=len(C)) == 0)
    if not len(empty):
        return nearest
    paid = b * C[nearest, np.arange(len(b))]
    worst = np.argsort(-paid, kind="stable")[: len(empty)]
    worst = worst[paid[worst] > 0]
    cells = nearest.copy()
    cells[worst] = empty[: len(worst)]
    return cells


def _moved(
    cells: Int64[np.ndarray, " n"],
    C: Float64[np.ndarray, "m n"],
    w: Float64[np.ndarray, " m"],
    b: Float64[np.ndarray, " n"],
    *,
    least: float,
) -> Int64[np.ndarray, " n"]:
    """The cells after Hartigan's best moves, of which no two share a cell: what they gain then adds up exactly."""
    j = np.arange(len(b))
    others = w[cells] - b
    others[others <= ALONE * w[cells]] = np.inf  # the only point of a cell stays
    leaving = w[cells] * b / others * C[cells, j]
    joining = w[:, None] * b / (w[:, None] + b) * C
    joining[cells, j] = np.inf
    to = joining.argmin(axis=0)
    gain = leaving - joining[to, j]
    order = np.argsort(-gain, kind="stable")[: np.sum(gain > least)]
    better, taken = cells.copy(), set[int]()
    for point, a, i in zip(order.tolist(), cells[order].tolist(), to[order].tolist(), strict=True):
        if a not in taken and i not in taken:
            better[point] = i
            taken |= {a, i}
    return better
