"""The Sinkhorn divergence: entropic transport without the bias that makes a measure differ from itself."""

from typing import Any

import numpy as np
from jaxtyping import Float64

from wddkit.ot.costs import Cost, cost_matrix
from wddkit.ot.entropic import ITERATIONS, TOLERANCE, log_mean, solve_entropic
from wddkit.ot.measure import Measure, mixture, positive

SYMMETRIC = 1e-9  # share of the largest cost by which C_ij and C_ji may differ
ROUNDING = 1e-12  # share of the largest cost by which a divergence of 0 may come out below it


def sinkhorn_divergence(a: Any, b: Any, *, reg: float, cost: str | Cost = "sqeuclidean") -> float:
    """The debiased entropic cost S(a, b) = OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2, with OT the least objective.

        OT(a, b) = min over plans T of Σ_ij T_ij C_ij + reg KL(T | a b^T)

    It is 0 for equal measures, where OT is not. It leads from `transport` (reg -> 0) to half a kernel distance
    (reg -> ∞; for `sqeuclidean` the squared distance of the means). S >= 0 where exp(-C / reg) is a positive definite
    kernel (Feydy et al. 2019, theorem 1): for all costs of `wddkit.ot.costs` that are symmetric.
    Raises ValueError for bad input, as `sinkhorn`, and for a cost that is not symmetric, such as `kl`.
    """
    a, b, reg = Measure.of(a, "a").held(), Measure.of(b, "b").held(), positive(reg, "reg")
    if a.points.shape[1] != b.points.shape[1]:
        raise ValueError(f"a and b: points of dimension {a.points.shape[1]} and {b.points.shape[1]}; embed both alike")
    # Of all at once: a cost that is fitted is then the same in all three terms.
    both, m = mixture([a, b], [0.5, 0.5]), len(a)
    C = cost_matrix(both, both, cost)
    scale = float(np.abs(C).max())
    if np.abs(C - C.T).max() > SYMMETRIC * scale:
        raise ValueError(
            f"cost {cost!r} is not symmetric, so that a divergence can be negative; take "
            "transport(a, b, reg=..., cost=...).value, or a symmetric cost such as 'sqeuclidean'"
        )
    u, v = solve_entropic(C[:m, m:], a.masses, b.masses, reg=reg).potentials
    f, g = self_potential(C[:m, :m], a.masses, reg), self_potential(C[m:, m:], b.masses, reg)
    S = float(a.masses @ (u - f) + b.masses @ (v - g))
    return S if abs(S) > ROUNDING * scale else max(S, 0.0)


@np.errstate(divide="ignore", over="ignore")  # masses of 0, and a plan that stays where it is
def self_potential(
    C: Float64[np.ndarray, "n n"], a: Float64[np.ndarray, " n"], reg: float
) -> Float64[np.ndarray, " n"]:
    """The one potential u of the plan of a to itself, T_ij = a_i a_j exp((u_i + u_j - C_ij) / reg), for symmetric C.

    T's marginals are a up to `TOLERANCE`; the least objective is 2 Σ_i a_i u_i, up to the square of that error.
    Steps to the best u for u go half the way (Feydy et al. 2019) and the whole way in turn. Where exp(-C / reg) is
    positive definite, -(∂ best / ∂ u) has eigenvalues λ from 0 to 1, of which two steps leave λ (1 - λ) / 2 <= 1/8, at
    any reg; halves alone leave (1 - λ)² / 4. Elsewhere too whole steps contract u, but for a constant, and halves that.
    Raises ValueError for a reg that is none, and if the marginals are still wrong after `ITERATIONS` steps.
    """
    reg = positive(reg, "reg")
    K, f = C / reg, np.zeros(len(a))
    for step in range(ITERATIONS):
        best = -log_mean(f - K, a)[0]
        error = float(a @ np.abs(np.expm1(f - best)))  # row i of the plan of f, f sums to a_i exp(f_i - best_i)
        if error <= TOLERANCE:
            # The mean is no further from its own best than f, and its objective is the dual's of f and best.
            u: Float64[np.ndarray, " n"] = reg * (f + best) / 2
            return u
        f = best if step % 2 else (f + best) / 2
    raise ValueError(f"a measure's plan to itself misses its marginals by {error:.1e} after {ITERATIONS} iterations")
