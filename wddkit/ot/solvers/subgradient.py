"""The barycenter by subgradients for the masses and Newton steps for the support, as the paper on WMDD describes it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from wddkit.ot.costs import SqEuclidean
from wddkit.ot.measure import number, positive, whole_number
from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.solvers.masses import Found, MassObjective
from wddkit.ot.solvers.start import start_of


@dataclass(frozen=True)
class Subgradient:
    """Alternates `inner` mirror steps for the masses with one Newton step for the support, `rounds` times.

    For a support that stands still, f(w) = Σ_k λ_k OT(w, b^k; C^k) has the subgradient g = Σ_k λ_k u^k, with potentials
    u^k of the best plans. Mirror descent on the simplex with a falling step (Cuturi and Doucet 2014, algorithm 1,
    without its averaging; Beck and Teboulle 2003 for the step):

        w_i <- w_i exp(-η_t g_i) / Σ,          η_t = η / (f(w of t = 1) √t)

    A subgradient step can raise f, so the best of the masses is kept, at no price: the program that gives the
    potentials gives the value. The mean of the potentials, weighted by η_t, proves the iterate's `gap`.
    For plans T that stand still the value is quadratic in each y_i with Hessian 2 w_i I, so Newton's step, damped by
    θ, is y_i <- (1 - θ) y_i + θ Σ_j T_ij x_j / w_i. The value of the best masses never rises.
    """

    eta: float = 0.3
    inner: int = 50
    theta: float = 1.0
    rounds: int = 10

    def check(self, problem: Problem) -> None:
        """Masses to learn, squared distances, nothing trimmed."""
        positive(self.eta, "eta of subgradient")
        number(self.theta, "theta of subgradient", "(0, 1]")
        whole_number(self.inner, "inner of subgradient", least=1)
        whole_number(self.rounds, "rounds of subgradient", least=1)
        if problem.masses is not None:
            raise ValueError("solver 'subgradient' learns masses, and they are given; use solver='lloyd' or 'auto'")
        if not isinstance(problem.cost, SqEuclidean) or problem.trim:
            raise ValueError(
                "solver 'subgradient' is for cost='sqeuclidean' and trim=0; use solver='bundle' or 'lloyd'"
            )

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """The start and each round, with the best masses seen on that support; it ends early where nothing falls."""
        y = start_of(problem)
        f = MassObjective.of(problem, problem.against(y))
        w, last = np.full(problem.m, 1 / problem.m), np.inf
        for _ in range(self.rounds + 1):
            best, lower = self._masses(f, w)
            if best.value >= last:
                return
            yield Iterate(y, best.masses, best.plan, best.value, max(best.value - lower, 0.0))
            y = (1 - self.theta) * y + self.theta * problem.cost.update(best.plan, problem.pooled.points, y)
            f, w, last = MassObjective.of(problem, problem.against(y)), best.masses, best.value

    def _masses(self, f: MassObjective, w: Float64[np.ndarray, " m"]) -> tuple[Found, float]:
        """The best of the masses that mirror descent passes through, and a bound that none get below."""
        best = now = f.at(w)
        first, total, potentials = now.value or 1.0, 0.0, f.flat
        with np.errstate(divide="ignore"):
            log_w = np.log(w)  # masses may become smaller than float64 knows, and come back
        for t in range(1, self.inner + 1):
            step = self.eta / (first * np.sqrt(t))
            total, potentials = total + step, potentials + step * now.potentials
            log_w = log_w - step * (f.weights @ now.potentials)
            log_w -= log_w.max()
            w = np.exp(log_w)
            now = f.at(w / w.sum(), near=now.potentials)
            best = min(best, now, key=lambda each: each.value)
        return best, max(f.bound(potentials / total), f.bound(f.flat))
