"""Transport that need not carry everything: marginals relaxed by a penalty, or a given share of the mass.

What is far from everything is then left where it is, so that outliers do not move the rest.
"""

from numbers import Real
from typing import Any

import numpy as np

from wddkit.ot.costs import Cost, cost_matrix
from wddkit.ot.entropic import ITERATIONS, TOLERANCE, solve_entropic
from wddkit.ot.measure import Measure, positive
from wddkit.ot.plan import Transport, solve

LEAST = 1e-9  # mass that partial transport can tell from rounding errors of the masses
NOTHING = 1e-12  # of reg: below such a price no marginal is felt


def unbalanced(
    a: Any,
    b: Any,
    *,
    relax: float | tuple[float, float],
    reg: float,
    cost: str | Cost = "sqeuclidean",
    tol: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> Transport:
    """The plan of a to b whose marginals may miss the masses at a price, ρ = `relax` in the units of the cost.

        argmin over T >= 0 of  Σ_ij T_ij C_ij + reg KL(T | a b^T) + ρ_a KL(T 1 | a) + ρ_b KL(T^T 1 | b)

    with KL(p|q) = Σ p log(p/q) - p + q. A pair (ρ_a, ρ_b) relaxes one side more than the other; ∞ asks for the marginal
    itself: (∞, ρ) carries all of a to what of b is near (semi-relaxed), (∞, ∞) is `sinkhorn`. Mass is carried where the
    cost is small against ρ_a + ρ_b, and left where it is large.

    `value` = Σ_ij T_ij C_ij. `potentials` u, v are those of the dual of `wddkit.ot.entropic`:
    T_ij = a_i b_j exp((u_i + v_j - C_ij) / reg), T 1 = a exp(-u/ρ_a), T^T 1 = b exp(-v/ρ_b). The objective of `plan` is
    at most `gap` above the least. Source: Chizat, Peyré, Schmitzer and Vialard 2018; here with Newton's steps.
    Raises ValueError for bad input and, as `sinkhorn`, for a reg that is too small and for a plan left unfinished.
    """
    a, b = Measure.of(a, "a"), Measure.of(b, "b")
    C = cost_matrix(a, b, cost)
    prices = _prices(relax, positive(reg, "reg"))
    return solve_entropic(C, a.masses, b.masses, reg=reg, relax=prices, tol=tol, iterations=iterations)


def partial(a: Any, b: Any, *, mass: float, cost: str | Cost = "sqeuclidean") -> Transport:
    """The cheapest plan that carries the mass s = `mass` of a to b and leaves the rest.

        argmin over T >= 0 of  Σ_ij T_ij C_ij  with  T 1 <= a,  T^T 1 <= b,  Σ_ij T_ij = s

    `value` = Σ_ij T_ij C_ij, convex in s. `potentials` satisfy u_i + v_j <= C_ij, and with such u, v no plan of mass s
    costs less than Σ_i a_i u_i + Σ_j b_j v_j - (1 - s) (max u + max v); `gap` = value minus that is 0 up to rounding.
    Of the potentials' free constant, max u = max v: half of the price of a little more mass. s = 1 is `transport`.

    Exact, by a linear program with one more row and one more column of mass 1 - s, where mass may go for nothing
    (Caffarelli and McCann 2010; Figalli 2010; as a program of this kind, Chapel, Alaya and Gasso 2020).
    Raises ValueError for bad input, for a mass not from 1e-9 to 1, and where no plan can be proved optimal.
    """
    a, b = Measure.of(a, "a"), Measure.of(b, "b")
    C = cost_matrix(a, b, cost)
    if not isinstance(mass, Real) or isinstance(mass, bool) or not LEAST <= float(mass) <= 1:
        raise ValueError(f"mass: expected the share of the mass to carry, from {LEAST:.0e} to 1, got {mass!r}")
    s = float(mass)
    if s == 1:
        return solve(C, a.masses, b.masses)
    carried = C[np.ix_(a.masses > 0, b.masses > 0)]
    least = float(carried.min())
    # If mass w went from the further row to the further column, s + w would be carried elsewhere. To send w of that to
    # them instead saves C_ij - min C + corner a unit: any corner > 0 forbids it, and the largest cost keeps the scale.
    corner = (float(carried.max()) - least) or 1.0
    extended = np.pad(C - least, (0, 1))
    extended[-1, -1] = corner
    total = 2 - s
    t = solve(extended, np.append(a.masses, 1 - s) / total, np.append(b.masses, 1 - s) / total)
    T = t.plan[:-1, :-1] * total
    u, v = t.potentials[0][:-1], t.potentials[1][:-1] + least
    half = (v.max() - u.max()) / 2
    return Transport(T, float(np.sum(T * C)), (u + half, v - half), t.gap * total)


def _prices(relax: Any, reg: float) -> tuple[float, float]:
    pair = relax if isinstance(relax, (tuple, list)) else (relax, relax)
    if len(pair) != 2 or not all(isinstance(rho, Real) and float(rho) > 0 for rho in pair):
        raise ValueError(
            f"relax: expected a positive number (inf: an exact marginal), or a pair of them, got {relax!r}"
        )
    if min(pair) < NOTHING * reg:
        raise ValueError(
            f"relax: {min(pair):.1e} is nothing next to reg, {reg:.1e}; take at least {NOTHING:.0e} of reg"
        )
    return float(pair[0]), float(pair[1])
