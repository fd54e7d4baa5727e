"""The best plan for a support that stands still: nearest points for free masses, linear programs for given ones."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64

from wddkit.ot.costs import SparsePlan
from wddkit.ot.plan import solve
from wddkit.ot.problem import Problem

Couple: TypeAlias = Callable[[Float64[np.ndarray, "m n"]], SparsePlan]
"""Costs of a support against the pooled points -> the plan of least cost, of mass 1."""


def couple_of(problem: Problem) -> Couple:
    """The best plan for a support: of one measure, or with given masses."""
    return nearest_plan(problem) if problem.masses is None else balanced_plan(problem, problem.masses)


def nearest_plan(problem: Problem) -> Couple:
    """Couples each data point to its nearest support point: the best plan when the masses of one measure are free."""
    b = problem.pooled.masses
    ends = np.arange(len(b) + 1)

    def couple(C: Float64[np.ndarray, "m n"]) -> SparsePlan:
        rows = C.argmin(axis=0)
        if not problem.trim:
            return sparse.csc_array((b, rows, ends), shape=C.shape)
        kept = kept_masses(C[rows, ends[:-1]], b, problem.trim) / (1 - problem.trim)
        at = np.flatnonzero(kept)
        return sparse.csc_array((kept[at], (rows[at], at)), shape=C.shape)

    return couple


def balanced_plan(problem: Problem, w: Float64[np.ndarray, " m"]) -> Couple:
    """Couples by one transport linear program a measure: the best plans with row sums w.

    What is trimmed goes to a further row of mass `trim` that costs nothing: partial transport, exactly.
    """

    def couple(C: Float64[np.ndarray, "m n"]) -> SparsePlan:
        if len(problem.measures) == 1:
            return sparse.csr_array(_plan(C, w, problem.pooled.masses, problem.trim))
        blocks = zip(np.split(C, problem.ends[:-1], axis=1), problem.measures, problem.weights, strict=True)
        own = [sparse.csr_array(share * _plan(each, w, x.masses, problem.trim)) for each, x, share in blocks]
        return sparse.hstack(own, format="csr")

    return couple


def _plan(
    C: Float64[np.ndarray, "m n"], w: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"], trim: float
) -> Float64[np.ndarray, "m n"]:
    if not trim:
        return solve(C, w, b).plan
    left_out = np.zeros((1, len(b)))
    T: Float64[np.ndarray, "m n"] = solve(np.concatenate([C, left_out]), np.append((1 - trim) * w, trim), b).plan[:-1]
    return T / (1 - trim)


def kept_masses(
    cost: Float64[np.ndarray, " n"], b: Float64[np.ndarray, " n"], trim: float
) -> Float64[np.ndarray, " n"]:
    """The masses b without the mass `trim` that costs most, split where it has to be."""
    if not trim:
        return b
    order = np.argsort(-cost, kind="stable")
    before = np.cumsum(b[order]) - b[order]
    kept = b.copy()
    kept[order] = np.clip(b[order] - (trim - before), 0, b[order])
    return kept
