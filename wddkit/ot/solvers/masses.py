"""The best masses for a support that stands still: min over w on the simplex of f(w) = Σ_k λ_k OT(w, b^k; C^k).

f is convex and piecewise linear. By the duality of linear programs, for *any* numbers u^k [m], one vector a measure,

    f(w)  >=  Σ_k λ_k ( w·u^k + Σ_j b^k_j min_i (C^k_ij - u^k_i) ),                          a cut,
    min f  >=  D(u) = min_i Σ_k λ_k u^k_i + Σ_k λ_k Σ_j b^k_j min_i (C^k_ij - u^k_i),        a bound.

The cut is tight at w for the potentials of its best plans, the bound at the maximum of D; but each is a proof for any
u, whatever search found it. For one measure u = 0 is the best: every point goes to its nearest support point, and w are
the masses of the cells. For several, `ascend` climbs a smoothed D, on which Newton's method needs a few dozen passes
over the costs.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64

from wddkit.ot.geometry import SparsePlan
from wddkit.ot.plan import solve
from wddkit.ot.problem import Problem
from wddkit.ot.solvers.couple import as_sparse

Costs: TypeAlias = Float64[np.ndarray, "m n_k"]
Potentials: TypeAlias = Float64[np.ndarray, "N m"]

BALANCED = 1e-3  # the plans' row sums agree up to this share of the mass: near enough, as a bound holds anywhere
RIDGE = 1e-2  # of 1/m: keeps Newton's matrices invertible where a support point is given next to nothing
ARMIJO, SHORTEST = 1e-4, 1e-4
DUST = 1e-9  # masses below this are rounding errors of a search


@dataclass(frozen=True, eq=False)
class Found:
    """Masses w, their best plans (each times λ_k, side by side), their value f(w), and potentials u of the plans."""

    masses: Float64[np.ndarray, " m"]
    plan: SparsePlan
    value: float
    potentials: Potentials


@dataclass(frozen=True, eq=False)
class MassObjective:
    """f for one support: costs C^k, masses b^k and weights λ_k of each measure."""

    costs: tuple[Costs, ...]
    masses: tuple[Float64[np.ndarray, " n_k"], ...]
    weights: Float64[np.ndarray, " N"]

    @classmethod
    def of(cls, problem: Problem, C: Float64[np.ndarray, "m n"]) -> "MassObjective":
        """The f of a support with these costs against the pooled points."""
        costs = tuple(np.split(C, problem.ends[:-1], axis=1))
        return cls(costs, tuple(each.masses for each in problem.measures), problem.weights)

    @property
    def flat(self) -> Potentials:
        """Potentials of 0."""
        return np.zeros((len(self.costs), len(self.costs[0])))

    def cells(self) -> Float64[np.ndarray, " m"]:
        """The masses that each support point is given when every data point goes to its nearest one."""
        m = len(self.costs[0])
        each = zip(self.costs, self.masses, strict=True)
        own = np.array([np.bincount(C.argmin(axis=0), weights=b, minlength=m) for C, b in each])
        return np.asarray(self.weights @ own)

    def at(self, w: Float64[np.ndarray, " m"], *, near: Potentials | None = None) -> Found:
        """f(w), by one linear program a measure; `near`, a guess of their potentials, makes them faster."""
        w = np.where(w > DUST, w, 0)
        w = w / w.sum()
        guesses = self.flat if near is None else near
        each = zip(self.costs, self.masses, guesses, strict=True)
        solved = [solve(C, w, b, near=u_k) for C, b, u_k in each]
        plans = [share * as_sparse(each.plan) for share, each in zip(self.weights, solved, strict=True)]
        value = float(self.weights @ [each.value for each in solved])
        potentials = np.array([each.potentials[0] for each in solved])
        return Found(w, sparse.hstack(plans, format="csr"), value, potentials)

    def intercepts(self, u: Potentials) -> Float64[np.ndarray, " N"]:
        """c^k = Σ_j b^k_j min_i (C^k_ij - u^k_i), so that OT(w, b^k; C^k) >= w·u^k + c^k for all w."""
        each = zip(self.costs, self.masses, u, strict=True)
        return np.array([b @ (C - u_k[:, None]).min(axis=0) for C, b, u_k in each])

    def bound(self, u: Potentials) -> float:
        """D(u): no masses cost less."""
        return float((self.weights @ u).min() + self.weights @ self.intercepts(u))


def ascend(
    f: MassObjective, u: Potentials, *, epsilon: float, steps: int
) -> tuple[Potentials, Float64[np.ndarray, " m"]]:
    """Potentials near the maximum of the smoothed bound D_ε, and the masses that belong to them.

        D_ε(u) = Σ_k λ_k Σ_j b^k_j smin_i (C^k_ij - u^k_i)  on  Σ_k λ_k u^k = 0,   smin_i z_i = -ε log Σ_i exp(-z_i / ε)

    With soft assignments P^k_ij = exp((smin - C^k_ij + u^k_i) / ε) and r^k = P^k b^k, the maximum is where all r^k are
    one w. Newton's step there: H^k d^k = w - r^k, with H^k = (diag r^k - P^k diag(b^k) (P^k)^T) / ε; Σ_k λ_k d^k = 0
    gives  w = (Σ_k λ_k (H^k)^-1)^-1 Σ_k λ_k (H^k)^-1 r^k. The step is halved until D_ε rises.
    It is the damped Newton method of semi-discrete transport (Kitagawa, Mérigot, Thibert 2019), smoothed as in
    Cuturi and Peyré (2016), here for several measures that share their free marginal. That ties the systems of all
    measures together, which neither `wddkit.ot.entropic` (two marginals, exact or relaxed) nor `solvers.anneal` (one
    measure with given w, many classes at once) has to do; hence three methods of one kind.
    """
    u = u - f.weights @ u
    value, P, r = _smoothed(f, u, epsilon)
    for _ in range(steps):
        error = float(np.abs(r - f.weights @ r).sum(axis=1).max())
        if error <= BALANCED:
            break
        ridge = RIDGE / len(r[0]) * max(error, BALANCED) * np.eye(len(r[0]))
        H = [np.diag(r_k) - (P_k * b) @ P_k.T + ridge for r_k, P_k, b in zip(r, P, f.masses, strict=True)]
        inverse = epsilon * np.linalg.inv(np.array(H))
        pulled = np.einsum("kij,kj->ki", inverse, r)
        w = np.linalg.solve(np.tensordot(f.weights, inverse, axes=1), f.weights @ pulled)
        d = np.einsum("kij,kj->ki", inverse, w - r)
        slope = float(f.weights @ np.einsum("ki,ki->k", w - r, d))
        share = 1.0
        after = _smoothed(f, u + d, epsilon)
        while not after[0] >= value + ARMIJO * share * slope and share > SHORTEST:
            share /= 2
            after = _smoothed(f, u + share * d, epsilon)
        if not after[0] > value:
            break
        u, (value, P, r) = u + share * d, after
    return u, f.weights @ r


def _smoothed(f: MassObjective, u: Potentials, epsilon: float) -> tuple[float, list[Costs], Float64[np.ndarray, "N m"]]:
    """D_ε(u), the assignments P_k and their row sums r_k."""
    values, P = [], []
    for C, b, u_k in zip(f.costs, f.masses, u, strict=True):
        Z = (u_k[:, None] - C) / epsilon
        top = Z.max(axis=0)
        np.exp(np.subtract(Z, top, out=Z), out=Z)
        total = Z.sum(axis=0)
        Z /= total
        values.append(-epsilon * float(b @ (top + np.log(total))))
        P.append(Z)
    return float(f.weights @ values), P, np.array([P_k @ b for P_k, b in zip(P, f.masses, strict=True)])
