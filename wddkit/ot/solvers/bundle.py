"""Barycenters with masses to learn, for several measures at once, with a proof of how good the masses are."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linprog

from wddkit.ot.measure import number, whole_number
from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.solvers.lloyd import paid_by_point, refill
from wddkit.ot.solvers.masses import Found, MassObjective, Potentials, ascend
from wddkit.ot.solvers.start import start_of

COLD, WARM = 0.3, 0.02  # of the value: the smoothing to begin with, from no potentials and from those of the last step
FINER = 0.25  # each smoothing is this share of the one before
NEWTON = 10  # steps for each smoothing
FINEST = 1e-6  # the smallest gap to ask for: the programs of the level method are exact to 1e-7
LEVEL = 0.5  # where between the lower bound and the best value the level is laid


@dataclass(frozen=True)
class Bundle:
    """The alternation of best masses and best support, for any cost and any number of measures.

    With the support standing still, the masses are learned until f(w) = Σ_k λ_k OT(w, b^k; C^k) is proved to be within
    `gap` times its value of the least; with the plans standing still, the support is updated as in Lloyd's alternation.
    Both lower the value. It ends when the support rests or the value falls by less than the share `rest`.

    The masses come from Newton's method on at most `smoothings` smoothed duals, and where these prove too little, from
    at most `cuts` steps of a level bundle method (Lemaréchal, Nemirovskii and Nesterov 1995), which needs no smoothing.
    The gap of an iterate is the value of its plans less a bound that no masses get below (`solvers.masses`).
    """

    gap: float = 1e-4
    rest: float = 1e-6
    steps: int = 200
    smoothings: int = 8
    cuts: int = 100

    def check(self, problem: Problem) -> None:
        """Masses to learn, and nothing trimmed."""
        number(self.gap, "gap of bundle, a share of the value", f"[{FINEST:.0e}, 1)")
        number(self.rest, "rest of bundle", "[0, 1)")
        whole_number(self.steps, "steps of bundle", least=1)
        whole_number(self.smoothings, "smoothings of bundle", least=0)
        whole_number(self.cuts, "cuts of bundle", least=0)
        if problem.masses is not None:
            raise ValueError("solver 'bundle' learns the masses, and they are given; use solver='lloyd' or 'auto'")
        if problem.trim:
            raise ValueError("solver 'bundle' cannot trim; use trim=0, or masses='uniform' with solver='lloyd'")

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """One for each support, with the best masses on it; the value never rises."""
        data, one = problem.pooled, len(problem.measures) == 1
        support = start_of(problem)
        C = problem.against(support)
        f = MassObjective.of(problem, C)
        w, u, last = f.cells(), f.flat, np.inf
        for _ in range(self.steps):
            found = self._learned(f, f.cells() if one else w, u)
            w, u, value = found.best.masses, found.proof, found.best.value
            if value >= last:
                return
            yield Iterate(support, w, found.best.plan, value, max(value - found.lower, 0.0))
            if value > (1 - self.rest) * last:
                return
            before, last = support, value
            support = problem.cost.update(found.best.plan, data.points, support)
            if value > 0:
                refill(support, w, paid_by_point(found.best.plan, C), data.points)
            moved = (support != before).any(axis=1)
            if not moved.any():
                return
            C[moved] = problem.against(support[moved])
            f = MassObjective.of(problem, C)

    def _learned(self, f: MassObjective, w: Float64[np.ndarray, " m"], u: Potentials) -> "Search":
        """Masses no worse than w, proved to be within the gap if the steps suffice."""
        found = Search.begun(f, w, near=u)
        epsilon = (WARM if u.any() else COLD) * found.best.value
        for _ in range(self.smoothings):
            if found.within(self.gap):
                break
            u, w = ascend(f, u, epsilon=epsilon, steps=NEWTON)
            found = found.bounded(u).tried(w, near=u)
            epsilon *= FINER
        for _ in range(self.cuts):
            known = len(found.U)
            if found.within(self.gap):
                break
            found = found.level_step()
            if len(found.U) < known + 2:
                break  # a program or a trial was refused, and would be again
        return found


@dataclass(frozen=True, eq=False)
class Search:
    """What is known of f: its best masses, its highest bound with the proof, and cuts f^k(w) >= w·U_l^k + c_l^k."""

    f: MassObjective
    best: Found
    proof: Potentials
    lower: float
    U: Float64[np.ndarray, "L N m"]
    c: Float64[np.ndarray, "L N"]

    @classmethod
    def begun(cls, f: MassObjective, w: Float64[np.ndarray, " m"], *, near: Potentials) -> "Search":
        """From the value at w and the bound of u = 0."""
        best = f.at(w, near=near)
        U = np.stack([f.flat, best.potentials])
        return cls(f, best, f.flat, f.bound(f.flat), U, np.stack([f.intercepts(u) for u in U]))

    def within(self, gap: float) -> bool:
        """Whether the best masses are proved to be near enough."""
        return self.best.value - self.lower <= gap * self.best.value

    def bounded(self, u: Potentials) -> "Search":
        """With the bound and the cut of these potentials."""
        bound, cut = self.f.bound(u), self._with_cut(u)
        return replace(cut, proof=u, lower=bound) if bound > self.lower else cut

    def tried(self, w: Float64[np.ndarray, " m"], *, near: Potentials) -> "Search":
        """With the value and the cut at these masses."""
        try:
            found = self.f.at(w, near=near)
        except ValueError:  # costs too far apart for these masses, as when a crumb of mass must go to an outlier
            return self
        return replace(self._with_cut(found.potentials), best=min(self.best, found, key=lambda each: each.value))

    def level_step(self) -> "Search":
        """One step of the level method: a bound from all cuts, then a trial where all of them allow a gain.

        The bound is that of the cuts' potentials, averaged with the multipliers of  min over w, t of λ·t  under
        t_k >= w·U_l^k + c_l^k. By concavity it is no less than this minimum, and it needs no trust in the program. Of
        the masses at which the cuts allow a value below a level between bound and best value, the trial is nearest to
        the best ones, in the largest difference s: no trust region has to be guessed, and the trials do not swing.
        """
        N, m = self.proof.shape
        nothing, shares = np.zeros(m), self.f.weights
        master = self._program(np.concatenate([nothing, shares, [0]]), np.zeros((0, m + N + 1)), np.zeros(0))
        if master.status != 0:
            return self
        mu = np.maximum(-master.ineqlin.marginals.reshape(-1, N), 0)
        after = self.bounded(np.einsum("lk,lki->ki", mu / mu.sum(axis=0), self.U))

        level = after.lower + LEVEL * (after.best.value - after.lower)
        within = [np.concatenate([side * np.eye(m), np.zeros((m, N)), -np.ones((m, 1))], axis=1) for side in (1, -1)]
        rows = np.concatenate([np.concatenate([nothing, shares, [0]])[None], *within])
        limits = np.concatenate([[level / self.best.value], self.best.masses, -self.best.masses])
        nearest = after._program(np.append(np.zeros(m + N), 1), rows, limits)
        return after.tried(nearest.x[:m], near=after.proof) if nearest.status == 0 else after

    def _program(self, costs: np.ndarray, rows: np.ndarray, limits: np.ndarray) -> Any:
        """Min over z = (w, t, s) of costs·z under the cuts and rows·z <= limits, with t in units of the value."""
        L, N, m = self.U.shape
        scale = self.best.value
        cuts = np.concatenate(
            [self.U.reshape(-1, m) / scale, np.tile(-np.eye(N), (L, 1)), np.zeros((L * N, 1))], axis=1
        )
        return linprog(
            costs,
            A_ub=np.concatenate([cuts, rows]),
            b_ub=np.concatenate([-self.c.ravel() / scale, limits]),
            A_eq=np.append(np.ones(m), np.zeros(N + 1))[None],
            b_eq=[1],
            bounds=[(0, None)] * m + [(None, None)] * N + [(0, None)],
        )

    def _with_cut(self, u: Potentials) -> "Search":
        return replace(
            self, U=np.concatenate([self.U, u[None]]), c=np.concatenate([self.c, self.f.intercepts(u)[None]])
        )
