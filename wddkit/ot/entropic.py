"""Entropic optimal transport: plans without corners, by Sinkhorn's and Newton's steps on the dual problem.

With KL(p|q) = Σ p log(p/q) - p + q, the plan T [m, n] of masses a, b and costs C is the one minimum of

    P(T) = Σ_ij T_ij C_ij + reg KL(T | a b^T) + ρ_a KL(T 1 | a) + ρ_b KL(T^T 1 | b)

where ρ = ∞ asks for the marginal itself. Both exact, it is entropic transport (Cuturi 2013), `sinkhorn`; else it is
unbalanced (Chizat et al. 2018), `wddkit.ot.relaxed`. The dual, concave in the potentials u [m] and v [n], is

    D(u, v) = φ_a(u) + φ_b(v) + reg (1 - Σ_ij T_ij),              T_ij = a_i b_j exp((u_i + v_j - C_ij) / reg)
    φ_a(u) = ρ_a Σ_i a_i (1 - exp(-u_i / ρ_a)), or Σ_i a_i u_i for ρ_a = ∞, and φ_b(v) likewise

For given v the best u has a formula, and for given u the best v: Sinkhorn's updates. Alone they take thousands of
rounds where reg is small, so between them u takes Newton steps on max over v of D(u, v): an m x m system each.
For any T with the marginals that are exact, and T(u, v) as above,

    P(T) - D(u, v) = reg KL(T | T(u, v)) + ρ_a KL(T 1 | a e^(-u/ρ_a)) + ρ_b KL(T^T 1 | b e^(-v/ρ_b)) >= 0

(without the terms of ρ = ∞) bounds how far P(T) is above its minimum: the `gap` of every answer here.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from wddkit.ot.costs import Cost, cost_matrix
from wddkit.ot.measure import Measure, check_masses, check_points, positive, whole_number
from wddkit.ot.plan import Transport
from wddkit.ot.rounding import rounded

EXACT = (np.inf, np.inf)
TOLERANCE = 1e-10  # L1 error of the marginals, as a share of the plan's mass
ITERATIONS = 1000
FACTOR = 4.0  # from one reg of the schedule to the next
STAGE = (1e-2, 20)  # marginal error, or iterations, at which the schedule goes on to the next reg
RESOLVED = 1e9  # largest cost / reg: beyond it exp(-C / reg) has too few digits
RIDGE = 1e-13  # of Newton's matrix, whose diagonal is 1: smaller eigenvalues are rounding errors
ARMIJO, SHORTEST = 1e-4, 2.0**-40  # a Newton step gains this share of its slope, or is halved, down to this length
FLAT = 0.1  # costs / reg below which exp(x) - 1 keeps digits that exp(x) loses


def sinkhorn(
    a: Any,
    b: Any,
    *,
    reg: float,
    cost: str | Cost = "sqeuclidean",
    tol: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> Transport:
    """The entropic plan of a to b: argmin over plans T of Σ_ij T_ij C_ij + reg KL(T | a b^T), with exact marginals.

    `value` = Σ_ij T_ij C_ij, what the plan costs without the entropic term: never less than for `transport`, to which
    it tends for reg -> 0; for reg -> ∞ the plan tends to a b^T. `potentials` u, v are those of the dual: up to `tol`,
    T_ij = a_i b_j exp((u_i + v_j - C_ij) / reg). No plan's objective is below Σ_i a_i u_i + Σ_j b_j v_j, and that of
    `plan` is `gap` above, 0 up to `tol`, or reg x rounding. Of the potentials' free constant, each side carries half of
    that sum.

    `reg` is in the units of the cost: at 0.1 of the mean cost plans are blurred, at 0.001 hardly. The plan is rounded
    to its marginals (Altschuler, Weed and Rigollet 2017, algorithm 2); `gap` is that of the rounded plan.
    Sources: Peyré and Cuturi 2019, section 4.4 (logarithms, so that nothing overflows); Kosowsky and Yuille 1994 (reg
    falls from the largest cost); Cuturi and Peyré 2016 (Newton's steps).
    Raises ValueError for bad input, for a reg below 1e-9 of the largest cost, and, so that no plan passes for what it
    is not, if after `iterations` the marginals before rounding are still wrong by more than `tol` (or than float64
    resolves: 2e-16 of the largest cost / reg).
    """
    a, b = Measure.of(a, "a"), Measure.of(b, "b")
    C = cost_matrix(a, b, cost)
    return solve_entropic(C, a.masses, b.masses, reg=reg, tol=tol, iterations=iterations)


def solve_entropic(
    C: Float64[np.ndarray, "m n"],
    a: Float64[np.ndarray, " m"],
    b: Float64[np.ndarray, " n"],
    *,
    reg: float,
    relax: tuple[float, float] = EXACT,
    tol: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> Transport:
    """The minimum T of the module's P, for any finite costs, with Σ_ij T_ij C_ij, its potentials, and P(T) - D(u, v).

    `relax` = (ρ_a, ρ_b); the marginals that are exact are met to rounding. ValueError as for `sinkhorn`.
    """
    C = check_points(C, "costs")
    a, b = (check_masses(w, f"masses of {name}", count=k) for w, name, k in ((a, "a", len(C)), (b, "b", C.shape[1])))
    reg, tol, iterations = positive(reg, "reg"), positive(tol, "tol"), whole_number(iterations, "iterations", least=1)
    rows, columns = a > 0, b > 0
    t = _solve_held(C[np.ix_(rows, columns)], a[rows], b[columns], reg, relax, (tol, iterations))
    if rows.all() and columns.all():
        return t
    plan, u, v = np.zeros_like(C), np.empty_like(a), np.empty_like(b)
    plan[np.ix_(rows, columns)], (u[rows], v[columns]) = t.plan, t.potentials
    # What has no mass has the potential that would be the best for it.
    empty = _Dual(C[~rows][:, columns] / reg, a[~rows], b[columns], reg / relax[0], reg / relax[1])
    u[~rows] = reg * empty.rows(v[columns] / reg)
    empty = _Dual(C[rows][:, ~columns].T / reg, b[~columns], a[rows], reg / relax[1], reg / relax[0])
    v[~columns] = reg * empty.rows(u[rows] / reg)
    return Transport(plan, t.value, (u, v), t.gap)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # trial steps that are refused
def _solve_held(
    C: Float64[np.ndarray, "m n"],
    a: Float64[np.ndarray, " m"],
    b: Float64[np.ndarray, " n"],
    reg: float,
    relax: tuple[float, float],
    stop: tuple[float, int],
) -> Transport:
    """`solve_entropic` for masses above 0; `stop` is the tolerance, and the number of iterations."""
    if len(a) > len(b):  # Newton's system is then that of the smaller side
        t = _solve_held(C.T, b, a, reg, relax[::-1], stop)
        return Transport(np.ascontiguousarray(t.plan.T), t.value, t.potentials[::-1], t.gap)
    # Where marginals are exact, a constant for each changes every plan's cost alike, and takes digits.
    v0 = C.min(axis=0) if np.isinf(relax[1]) else np.zeros(len(b))
    u0 = (C - v0).min(axis=1) if np.isinf(relax[0]) else np.zeros(len(a))
    K = (C - u0[:, None] - v0) / reg
    if relax != EXACT and K.max() > RESOLVED:
        K = np.minimum(K, _reach(a, b, reg, relax))
    dual = _Dual(K, a, b, reg / relax[0], reg / relax[1])
    f, g = _maximum(dual, *stop)
    T, gap = dual.plan(f, g)
    if not np.isfinite(T).all():
        raise ValueError("costs: negative ones make so much mass that it overflows; add a constant, or raise relax")
    u, v = u0 + reg * f, v0 + reg * g
    half = (b @ v - a @ u) / 2 if relax == EXACT else 0.0
    return Transport(T, float(np.sum(T * C)), (u + half, v - half), reg * gap)


def _reach(a: Float64[np.ndarray, " m"], b: Float64[np.ndarray, " n"], reg: float, relax: tuple[float, float]) -> float:
    """Costs / reg from which on nothing is carried, and which might as well be lower.

    Let T_ij = a_i b_j e^τ. No row is lighter than T_ij: a_i exp(-u_i / ρ_a) >= T_ij, so u_i <= -ρ_a (τ + log b_j), and
    v_j <= -ρ_b (τ + log a_i) likewise. With reg τ = u_i + v_j - C_ij then

        τ (reg + ρ_a + ρ_b) <= -C_ij - ρ_a log b_j - ρ_b log a_i

    and T_ij is 0 in float64 where τ < log(least number). If ρ_a = ∞, a_i is carried somewhere, if not to j then for
    min_j C_ij = 0, so that u_i <= -(reg + ρ_b) log b_j for some j, and the same holds without ρ_a. Rounded up.
    """
    finite = [rho for rho in relax if np.isfinite(rho)]
    return (1 + sum(finite) / reg) * float(
        -np.log(np.finfo(float).smallest_subnormal) - np.log(a.min()) - np.log(b.min())
    )


class _At(NamedTuple):
    """A pair f, g with g the best for f. The sums p, c, r are up to a common factor, so that they do not underflow."""

    f: Float64[np.ndarray, " m"]
    g: Float64[np.ndarray, " n"]
    Q: Float64[np.ndarray, "m n"]  # T_ij / Σ_i T_ij
    p: Float64[np.ndarray, " m"]  # the row sums that f asks for: a_i exp(-u_i / ρ_a), or a_i
    c: Float64[np.ndarray, " n"]  # the column sums, which are those that g asks for
    r: Float64[np.ndarray, " m"]  # the row sums
    error: float  # Σ_i |p_i - r_i| / Σ_i r_i


@dataclass(frozen=True, eq=False)
class _Dual:
    """The dual in units of reg: f = u / reg, g = v / reg, K = C / reg, and α = reg / ρ_a, β = reg / ρ_b, 0 if exact."""

    K: Float64[np.ndarray, "m n"]
    a: Float64[np.ndarray, " m"]
    b: Float64[np.ndarray, " n"]
    alpha: float
    beta: float

    def rows(self, g: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " m"]:
        """The best f for this g: f_i = -log Σ_j b_j exp(g_j - K_ij) / (1 + α)."""
        return -log_mean(g - self.K, self.b)[0] / (1 + self.alpha)

    def at(self, f: Float64[np.ndarray, " m"]) -> _At:
        """Here with the best g for this f: g_j = -log Σ_i a_i exp(f_i - K_ij) / (1 + β)."""
        total, Q = log_mean(f - self.K.T, self.a)
        g = -total / (1 + self.beta)
        log_c = np.log(self.b) - self.beta * g
        c, p = np.exp(log_c - log_c.max()), np.exp(np.log(self.a) - self.alpha * f - log_c.max())
        r = c @ Q
        return _At(f, g, Q.T, p, c, r, float(np.abs(p - r).sum() / r.sum()))

    def ascend(self, g: Float64[np.ndarray, " n"], tol: float, iterations: int) -> _At:
        """Up the dual from g until the rows are met: Sinkhorn's update of f, then of g, then a Newton step."""
        for _ in range(iterations):
            at = self.at(self.rows(g))
            if at.error <= tol:
                break
            g = self.newton(at).g
        return at

    def newton(self, at: _At) -> _At:
        """A step on D(f) = max over g of D(f, g), halved until it gains; where it does not, none.

        With S = diag(r)^1/2 and W = S^-1 T diag(c)^-1/2, whose largest singular value is 1,
        ∇D = p - r and -∇²D = S (I + α diag(p / r) - W W^T / (1 + β)) S. (The other damped Newton methods, of
        `solvers.masses` and `solvers.anneal`, have no relaxed marginals, but several measures, or classes, at once.)
        """
        r = np.where(held := at.r > 0, at.r, 1)
        s = np.sqrt(r)
        W = at.Q * np.sqrt(at.c) / s[:, None]
        H = W @ W.T / -(1 + self.beta)
        if self.alpha == self.beta == 0:
            H += np.outer(s, s) / r.sum()  # f + constant, g - constant is the same plan: no step that way
        # Levenberg's ridge: where the plan falls into parts that barely touch, Newton alone would go astray.
        H[np.diag_indices_from(H)] += 1 + self.alpha * at.p / r + min(1, at.error**2) + RIDGE
        slope = np.where(held, at.p - at.r, 0)
        df = np.linalg.solve(H, slope / s) / s
        t = 1.0
        while t > SHORTEST:
            after = self.at(at.f + t * df)
            if self.gain(at, after) >= ARMIJO * t * float(slope @ df):
                return after
            t /= 2
        return at

    def gain(self, at: _At, after: _At) -> float:
        """D(after) - D(at), from differences, and with their rounding error added."""
        df, dg = after.f - at.f, after.g - at.g
        noise = np.finfo(float).eps * (at.p @ np.abs(df) + at.c @ np.abs(dg))
        return float(at.p @ _phi(df, self.alpha) + at.c @ _phi(dg, self.beta) * (1 + self.beta) + noise)

    def plan(
        self, f: Float64[np.ndarray, " m"], g: Float64[np.ndarray, " n"]
    ) -> tuple[Float64[np.ndarray, "m n"], float]:
        """T(f, g), with its exact marginals met to rounding, and P(T) - D(f, g)."""
        log_T = (np.log(self.a) + f)[:, None] + (np.log(self.b) + g) - self.K
        T = np.exp(log_T)
        if self.alpha == self.beta == 0:
            T = rounded(np, T, self.a, self.b)
        elif self.alpha == 0:
            T *= _ratio(self.a, T.sum(axis=1))[:, None]
        elif self.beta == 0:
            T *= _ratio(self.b, T.sum(axis=0))
        gap = _kl(T, log_T)
        gap += _kl(T.sum(axis=1), np.log(self.a) - self.alpha * f) / self.alpha if self.alpha else 0.0
        gap += _kl(T.sum(axis=0), np.log(self.b) - self.beta * g) / self.beta if self.beta else 0.0
        return T, gap


def _maximum(dual: _Dual, tol: float, iterations: int) -> tuple[Float64[np.ndarray, " m"], Float64[np.ndarray, " n"]]:
    """The potentials of the largest D, down a schedule from a reg as large as the costs, where any start will do."""
    largest = float(np.abs(dual.K).max())
    if not largest <= RESOLVED:
        raise ValueError(
            f"reg: the costs differ by {largest:.1e} times reg, and float64 resolves {RESOLVED:.0e}; raise reg, "
            "remove points that are far from all others, or do without reg: transport, partial"
        )
    tol = max(tol, np.finfo(float).eps * largest)  # the rounding error of exponents
    g = np.zeros(len(dual.b))
    for stage in range(int(np.log(max(largest, 1)) / np.log(FACTOR)), -1, -1):
        k = FACTOR**stage
        coarse = replace(dual, K=dual.K / k, alpha=dual.alpha * k, beta=dual.beta * k)
        at = coarse.ascend(g / k, *(STAGE if stage else (tol, iterations)))
        g = at.g * k
    if not at.error <= tol:
        raise ValueError(
            f"after {iterations} iterations the plan misses its marginals by {at.error:.1e} of its mass, and tol is "
            f"{tol:.0e}; take a larger reg (the costs differ by {largest:.0e} of it), more iterations or a larger tol"
        )
    return at.f, at.g


def _kl(p: Float64[np.ndarray, "..."], log_q: Float64[np.ndarray, "..."]) -> float:
    """KL(p|q) = Σ p log(p / q) - p + q, from log q: q may be too small for float64, or equal p but for rounding."""
    some = p > 0  # elsewhere q is 0 as well
    t = log_q[some] - np.log(p[some])
    return max(0.0, float(np.sum(p[some] * (np.expm1(t) - t))))


def _phi(x: Float64[np.ndarray, " n"], soft: float) -> Float64[np.ndarray, " n"]:
    """(1 - exp(-soft x)) / soft, which is x for soft = 0: what a mass of 1 adds to the dual for its potential x."""
    return -np.expm1(-soft * x) / soft if soft else x


def _ratio(w: Float64[np.ndarray, " n"], sums: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    return np.where(sums > 0, w / sums, 1)


def log_mean(
    x: Float64[np.ndarray, "k l"], w: Float64[np.ndarray, " l"]
) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, "k l"]]:
    """The sum's logarithm, log Σ_j w_j exp(x_ij), and its shares w_j exp(x_ij) / Σ_j w_j exp(x_ij)."""
    shares = x + np.log(w)
    top = shares.max(axis=1)
    np.exp(shares - top[:, None], out=shares)
    total = shares.sum(axis=1)
    shares /= total[:, None]
    flat = np.abs(x).max(initial=0) < FLAT
    return np.log1p(np.expm1(x) @ w) if flat else top + np.log(total), shares
