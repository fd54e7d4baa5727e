"""For notebook 02: Sinkhorn's rounds one by one, as `wddkit.ot`, which has shortcuts, does not make them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from wddkit.ot.entropic import log_mean
from wddkit.ot.measure import check_masses, check_points, positive


@dataclass(frozen=True, eq=False)
class Round:
    """Where Sinkhorn's iteration is: T_ij = a_i b_j exp((u_i + v_j - C_ij) / reg), whose columns sum to b.

    `bound` = Σ_i a_i u_i + Σ_j b_j v_j, which no plan's Σ_ij T_ij C_ij + reg KL(T | a b^T) is below. `error` is how
    much of the mass lies in the wrong rows, Σ_i |Σ_j T_ij - a_i|, from 0 to 2.
    """

    u: Float64[np.ndarray, " m"]
    v: Float64[np.ndarray, " n"]
    plan: Float64[np.ndarray, "m n"]
    bound: float
    error: float


def sinkhorn_rounds(
    C: Float64[np.ndarray, "m n"], a: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"], *, reg: float
) -> Iterator[Round]:
    """Rounds without end from v = 0, each with the best u for v, then the best v for u (Cuturi 2013, in logarithms).

    Raises ValueError for costs that are no matrix, for masses off the simplex or 0, and for a reg that is none.
    """
    C, reg = check_points(C, "costs"), positive(reg, "reg")
    a, b = (check_masses(w, f"masses of {name}", count=k) for w, name, k in ((a, "a", len(C)), (b, "b", C.shape[1])))
    if not (a.all() and b.all()):
        raise ValueError("masses: some are 0, whose logarithm there is not; leave these points out")
    return _rounds(C / reg, a, b, reg)


def _rounds(
    K: Float64[np.ndarray, "m n"], a: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"], reg: float
) -> Iterator[Round]:
    g = np.zeros(len(b))
    while True:
        f = -log_mean(g - K, b)[0]
        total, shares = log_mean(f - K.T, a)
        g = -total
        plan = (b[:, None] * shares).T
        error = float(np.abs(plan.sum(axis=1) - a).sum())
        yield Round(reg * f, reg * g, plan, float(reg * (a @ f + b @ g)), error)
