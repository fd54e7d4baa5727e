"""The best plan for a support that stands still: nearest points for free masses, linear programs for given ones."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64

from wddkit.ot.geometry import SparsePlan
from wddkit.ot.plan import entries, solve
from wddkit.ot.problem import Problem

Couple: TypeAlias = Callable[[Float64[np.ndarray, "m n"]], SparsePlan]
"""Costs of a support against the pooled points -> the plan of least cost, of mass 1."""

Plan: TypeAlias = Callable[[Float64[np.ndarray, "m n"]], Float64[np.ndarray, "m n"]]

SETTLED = 2e-3  # share of the value: after a fall of less, potentials are a start for the next program


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

    The programs of one couple follow one another: make one for each alternation.
    """
    programs = [program(w, each.masses, problem.trim) for each in problem.measures]

    def couple(C: Float64[np.ndarray, "m n"]) -> SparsePlan:
        if len(programs) == 1:
            return as_sparse(programs[0](C))
        blocks = zip(programs, np.split(C, problem.ends[:-1], axis=1), problem.weights, strict=True)
        return sparse.hstack([share * as_sparse(plan(each)) for plan, each, share in blocks], format="csr")

    return couple


def program(w: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"], trim: float) -> Plan:
    """Costs -> the best plan, for costs that follow one another and settle: then the potentials do, and start the next.

    What is trimmed goes to a further row of mass `trim` that costs nothing: partial transport, exactly.
    """
    a = np.append((1 - trim) * w, trim) if trim else w
    free = np.zeros((1 if trim else 0, len(b)))
    value, near = np.inf, None

    def plan(C: Float64[np.ndarray, "m n"]) -> Float64[np.ndarray, "m n"]:
        nonlocal value, near
        C = np.concatenate([C, free]) if trim else C
        found = solve(C, a, b, near=_levels(C) if np.isinf(value) else near)
        # Before that they mislead: the simplex takes up to twice as long from potentials of a plan far away.
        near = found.potentials[0] if found.value >= (1 - SETTLED) * value else None
        value = found.value
        return found.plan[:-1] / (1 - trim) if trim else found.plan

    return plan


def _levels(C: Float64[np.ndarray, "m n"]) -> Float64[np.ndarray, " m"]:
    """A first guess of potentials: what each row must be paid for an equal share of the columns to prefer it."""
    share = min(C.shape[1] // len(C), C.shape[1] - 1)
    levels: Float64[np.ndarray, " m"] = np.partition(C - C.min(axis=0), share, axis=1)[:, share]
    return levels


def as_sparse(T: Float64[np.ndarray, "m n"]) -> SparsePlan:
    """The plan as a sparse array."""
    m, n = T.shape
    held = entries(T)
    ends = np.searchsorted(held, n * np.arange(m + 1))
    return sparse.csr_array((T.ravel()[held], held % n, ends), shape=(m, n))


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
