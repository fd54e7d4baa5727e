"""The barycenter as the authors of WMDD compute it, for comparison: what the other solvers are measured against."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from wddkit.ot.costs import SqEuclidean
from wddkit.ot.measure import number, whole_number
from wddkit.ot.plan import solve
from wddkit.ot.problem import Iterate, Problem
from wddkit.ot.solvers.masses import MassObjective
from wddkit.seeds import derive

ETA = 10.0  # step of the mirror descent, on costs divided by their maximum
MIRROR_STEPS, MIRROR_STILL = 100, 1e-9  # Σ_i |change of w_i|
POT_STEPS, POT_STILL = 100, 1e-7  # of `ot.lp.free_support_barycenter`: Σ_i |change of y_i|², in the data's own units


@dataclass(frozen=True)
class Official:
    """`recover/barycenter.py` of Liu-Hy/WMDD (45c2962) step by step, with every defect, for one measure.

    Masses given (the shipped script always asks for uniform ones): from y ~ N(0, I), Lloyd's alternation by POT.
    Masses free: a round learns the masses w by mirror descent, w_i <- w_i exp(-η u_i) / Σ, with potentials u of the
    linear program and costs divided by their maximum, runs the alternation with these masses until POT's test ends it,
    giving y', and mixes: y <- (1 - θ) y + θ y'. It ends when |w - w of the round before| < `still`.

    What it costs: on 1000 features of dimension 512, with m = 10 to 100, free masses end at 1.28 to 1.59 times the
    best k-means (m = 1: 3.3 to 3.9 times), above its own uniform path, which ends at 1.003 to 1.06 times its best.

    1. The start is standard normal whatever the place and scale of the features: after ten rounds of θ = 0.2 a tenth
       of the noise, (1 - θ)^10 = 0.107, is still in the answer. Theirs has no seed; here it is the problem's.
    2. m = 1: the masses [1] do not change, so the second round ends it: the answer is 0.8 noise + 0.2 mean.
    3. θ mixes towards an alternation that has already converged; the paper takes one Newton step, θ = 1. This is most
       of the loss: with θ = 1 it ends at 1.07 to 1.16 times the best.
    4. The mirror descent has a constant step, starts from uniform masses in each round, and watches no objective. Its
       potentials are not unique, so another linear program solver, as here, gives another answer.
    5. One far point sets the maximum that costs are divided by, and with it the step for all others.
    6. POT's test is absolute: features around 1e-5 are said to be at rest after one step.
    7. Masses can underflow to 0; POT then divides 0 by 0: NaN. Here a point with less than 1e-9 stays where it is.
    8. The masses answer to the support before the last mixing, not to the one they are given with.
    9. Costs are made through an array [m, n, d], 0.5 GB for 100 x 1300 x 512; here by one matrix product.

    Each iterate is a round (masses given: a step), with the value that its support and masses have by their best plan.
    """

    rounds: int = 10
    theta: float = 0.2
    still: float = 1e-6

    def check(self, problem: Problem) -> None:
        """One measure, squared distances, nothing trimmed."""
        whole_number(self.rounds, "rounds of official", least=1)
        number(self.theta, "theta of official", "(0, 1]")
        number(self.still, "still of official", "[0, inf)")
        if len(problem.measures) > 1:
            raise ValueError("solver 'official' is for one measure; use solver='lloyd' or 'bundle' for several")
        if not isinstance(problem.cost, SqEuclidean) or problem.trim:
            raise ValueError("solver 'official' is for cost='sqeuclidean' and trim=0; use solver='lloyd' for others")

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """The start, then each round; the value can rise."""
        y = problem.start
        if y is None:
            noise = np.random.default_rng(derive(problem.seed, "official"))
            y = noise.standard_normal((problem.m, len(problem.centre))) - problem.centre
        if problem.masses is not None:
            yield from _alternate(problem, y, problem.masses)
            return
        w = np.full(problem.m, 1 / problem.m)
        yield _iterate(problem, y, w)
        for count in range(self.rounds):
            before, w = w, _mirror_descent(problem, y)
            if count and np.linalg.norm(w - before) < self.still:
                return
            *_, rested = _alternate(problem, y, w)
            y = (1 - self.theta) * y + self.theta * rested.support
            yield _iterate(problem, y, w)


def _mirror_descent(problem: Problem, y: Float64[np.ndarray, "m d"]) -> Float64[np.ndarray, " m"]:
    """The masses for y, from uniform ones."""
    C = problem.against(y)
    C = C / (C.max() or 1.0)
    w = np.full(problem.m, 1 / problem.m)
    for _ in range(MIRROR_STEPS):
        u, _ = solve(C, w, problem.pooled.masses).potentials
        before, w = w, w * np.exp(-ETA * u)
        w = w / w.sum()
        if np.abs(w - before).sum() < MIRROR_STILL:
            break
    return w


def _alternate(problem: Problem, y: Float64[np.ndarray, "m d"], w: Float64[np.ndarray, " m"]) -> Iterator[Iterate]:
    """The steps of `ot.lp.free_support_barycenter` from y on."""
    step = _iterate(problem, y, w)
    yield step
    for _ in range(POT_STEPS):
        before, y = y, problem.cost.update(step.plan, problem.pooled.points, y)
        step = _iterate(problem, y, w)
        yield step
        if np.sum((y - before) ** 2) <= POT_STILL:
            return


def _iterate(problem: Problem, y: Float64[np.ndarray, "m d"], w: Float64[np.ndarray, " m"]) -> Iterate:
    best = MassObjective.of(problem, problem.against(y)).at(w)
    return Iterate(y, best.masses, best.plan, best.value)
