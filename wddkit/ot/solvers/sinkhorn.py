"""Barycenters with entropic plans: blurred on purpose, for comparison with the exact ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from wddkit.ot.entropic import solve_entropic
from wddkit.ot.measure import number, positive, whole_number
from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.solvers.start import start_of


@dataclass(frozen=True)
class Sinkhorn:
    """Lloyd's alternation with entropic plans, for given masses w, any cost and any number of measures.

    It is algorithm 2 of Cuturi and Doucet (2014) with the plans of their section 5: argmin over T of
    Σ_ij T_ij C_ij + reg KL(T | w (b^k)^T) for each measure, rounded to exact marginals. The support is updated with
    them as always, so that  Σ_k λ_k (these minima)  never rises; the alternation ends when it falls by less than the
    share `rest`. `reg` is `epsilon` times what a single support point pays, for squared distances the total variance.

    The values given are Σ_k λ_k Σ_ij T^k_ij C_ij of the rounded plans: above what exact plans pay, and they can rise.
    Blurred plans draw the support points together, for large `epsilon` all onto the mean.
    """

    epsilon: float = 0.01
    rest: float = 1e-6
    steps: int = 100

    def check(self, problem: Problem) -> None:
        """Given masses, nothing trimmed."""
        positive(self.epsilon, "epsilon of sinkhorn")
        number(self.rest, "rest of sinkhorn", "[0, 1)")
        whole_number(self.steps, "steps of sinkhorn", least=1)
        if problem.masses is None:
            raise ValueError("solver 'sinkhorn' is for given masses; use masses='uniform', or solver='auto'")
        if problem.trim:
            raise ValueError("solver 'sinkhorn' cannot trim; use trim=0 or solver='lloyd'")

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """One for each support."""
        assert problem.masses is not None
        w, data = problem.masses, problem.pooled
        support, last = start_of(problem), np.inf
        C = problem.against(support)
        reg = self.epsilon * _spread(problem) or 1.0
        for _ in range(self.steps):
            blocks = zip(np.split(C, problem.ends[:-1], axis=1), problem.measures, strict=True)
            found = [solve_entropic(each, w, x.masses, reg=reg) for each, x in blocks]
            plans = [share * sparse.csr_array(each.plan) for share, each in zip(problem.weights, found, strict=True)]
            plan = sparse.hstack(plans, format="csr")
            yield Iterate(support, w, plan, float(problem.weights @ [each.value for each in found]))
            duals = [each.potentials for each in found]
            own = [w @ u + x.masses @ v for (u, v), x in zip(duals, problem.measures, strict=True)]
            objective = float(problem.weights @ own)
            if objective >= (1 - self.rest) * last:
                return
            last, support = objective, problem.cost.update(plan, data.points, support)
            C = problem.against(support)


def _spread(problem: Problem) -> float:
    """What one support point pays where it stands best; the start, which may be far off, has no say in it."""
    x, b = problem.pooled.points, problem.pooled.masses
    y = problem.cost.update(sparse.csr_array(b[None]), x, x[:1])
    return float(problem.against(y)[0] @ b)
