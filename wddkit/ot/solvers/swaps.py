"""Swaps of two points between cells of given masses: for masses that may not change, what Hartigan's moves are."""

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float32, Float64, Int64

from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.solvers.pairs import Pairs, fits

CELL = 50  # points in a cell from which on its mean moves too little for a swap to gain by it
ROUNDS = 1000
LEAST = 1e-6  # share of the mean distance of two points that a swap must gain: what float32 can tell
BLOCK = 256  # points whose swaps with all others are compared at a time


def swapped(problem: Problem, iterate: Iterate, pairs: Pairs | None) -> Float64[np.ndarray, "m d"] | None:
    """The support after swaps of pairs of points, for squared distances; None where no swap gains, or none is tried.

    Let x_j of cell A and x_k of cell B, both of mass β, change places. With ρ_A = β / w_A the mean of A becomes
    y_A + ρ_A (x_k - x_j), and with C_ij = |y_i - x_j|² and D_jk = |x_j - x_k|² the value falls by β times

        g_jk = C_Aj + C_Bk - C_Ak - C_Bj + (ρ_A + ρ_B) D_jk

    Lloyd's alternation does not see the last term: it does not know that the means come along, which in cells of a few
    points is a large part. Points that the plan splits, or whose mass is not the commonest, stay where they are. Cells
    of more than 50 points are not tried, nor are n² distances that would take much more memory than the problem itself.
    """
    x, b, n = problem.pooled.points, problem.pooled.masses, len(problem.pooled)
    if n > CELL * problem.m or not fits(problem):
        return None
    values, counts = np.unique(b, return_counts=True)
    beta = values[counts.argmax()]
    plan = sparse.csc_array(iterate.plan, copy=True)
    free = np.flatnonzero((np.diff(plan.indptr) == 1) & (b == beta))
    if not len(free):
        return None

    at = plan.indptr[free]
    cells = plan.indices[at].astype(np.int64)
    D = (problem.against(x) if pairs is None else pairs.D)[np.ix_(free, free)]
    C = problem.against(problem.cost.update(plan, x, iterate.support))[:, free]
    scale = float(D.mean()) or 1.0
    rho = beta / np.where(iterate.masses > 0, iterate.masses, 1)
    found = swap((C / scale).astype(np.float32), (D / scale).astype(np.float32), rho.astype(np.float32), cells)
    if (found == cells).all():
        return None
    plan.indices[at] = found
    support: Float64[np.ndarray, "m d"] = problem.cost.update(plan, x, iterate.support)
    return support


def swap(
    C: Float32[np.ndarray, "m n"],
    D: Float32[np.ndarray, "n n"],
    rho: Float32[np.ndarray, " m"],
    cells: Int64[np.ndarray, " n"],
) -> Int64[np.ndarray, " n"]:
    """The cell of each point after swaps, until no pair gains.

    In each round every point names the partner it gains most with, and the best pairs swap that share no cell.
    """
    cells, C, n = cells.copy(), C.copy(), len(cells)
    gain, partner, stale = np.zeros(n, np.float32), np.zeros(n, np.int64), np.arange(n)
    for _ in range(ROUNDS):
        for at in range(0, len(stale), BLOCK):
            j = stale[at : at + BLOCK]
            g = gains(C, D, rho, cells, j)
            partner[j] = g.argmax(axis=1)
            gain[j] = g[np.arange(len(j)), partner[j]]
        changed = np.zeros(len(C), dtype=bool)
        for j in np.argsort(-gain, kind="stable")[: np.sum(gain > LEAST)]:
            k, A, B = partner[j], cells[j], cells[partner[j]]
            if not (changed[A] or changed[B]):
                changed[[A, B]] = True
                cells[j], cells[k] = B, A
                C[A] += rho[A] * (C[A, j] - C[A, k] + D[k] - D[j] + rho[A] * D[j, k])
                C[B] += rho[B] * (C[B, k] - C[B, j] + D[j] - D[k] + rho[B] * D[j, k])
        # A pair of a changed and an unchanged cell is found again from the changed one.
        stale = np.flatnonzero(changed[cells] | changed[cells[partner]])
        if not len(stale):
            break
    return cells


def gains(
    C: Float32[np.ndarray, "m n"],
    D: Float32[np.ndarray, "n n"],
    rho: Float32[np.ndarray, " m"],
    cells: Int64[np.ndarray, " n"],
    j: Int64[np.ndarray, " k"],
) -> Float32[np.ndarray, "k n"]:
    """g_jk for these points j and all points k; 0 within a cell."""
    own, A = C[cells, np.arange(len(cells))], cells[j]
    g: Float32[np.ndarray, "k n"] = (rho[A, None] + rho[cells]) * D[j]
    g -= C[A]
    g -= C[:, j].T[:, cells]
    g += own[j, None]
    g += own
    g[A[:, None] == cells] = 0
    return g
