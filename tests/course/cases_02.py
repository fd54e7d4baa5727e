"""Cases of notebook 02."""

from typing import Any

import numpy as np
from cases import EMPTY, Answers, Case, Make, one
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from wddkit.ot import Measure, sinkhorn_divergence, transport
from wddkit.views import TransportLab

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(12, 2)), RNG.normal(size=(9, 2)) * (1, 0.5) + (2, 1)
A, B = np.full(12, 1 / 12), np.full(9, 1 / 9)
C = cdist(X, Y, "sqeuclidean")
PLAN = transport(X, X, reg=0.5).plan
STEP = PLAN @ X * 12
KEPT = float(STEP.var(axis=0).sum() / X.var(axis=0).sum())
EXACT = transport(X, Y).value


def laboratory(**changes: Any) -> Make:
    """The laboratory of the lesson, after these attributes were set."""

    def make() -> Answers:
        lab = TransportLab(lesson="blur")
        for name, value in changes.items():
            setattr(lab, name, value)
        return (lab,)

    return make


def sides() -> dict[str, Measure]:
    lab = TransportLab(lesson="blur")
    return {"a": lab.a, "b": lab.b}


def right(v: Any, C: Any, a: Any, b: Any, reg: float) -> Any:
    u = -reg * logsumexp((v - C) / reg, b=b, axis=1)
    return u, -reg * logsumexp((u[:, None] - C) / reg, b=a[:, None], axis=0)


def by_hand(v: Any, C: Any, a: Any, b: Any, reg: float) -> Any:
    """The same without a library: the largest exponent taken out first."""

    def best(exponents: Any, weights: Any) -> Any:
        top = exponents.max(axis=1, keepdims=True)
        return -reg * (top[:, 0] + np.log(np.exp(exponents - top) @ weights))

    u = best((v - C) / reg, b)
    return [u.tolist(), best((u - C.T) / reg, a).tolist()]


def naive(v: Any, C: Any, a: Any, b: Any, reg: float) -> Any:
    u = -reg * np.log(np.exp((v - C) / reg) @ b)
    return u, -reg * np.log(np.exp((u - C.T) / reg) @ a)


def changed(*, sign: float = -1, factor: bool = True, masses: bool = True) -> Make:
    """A round with a mistake in `u`."""

    def round_(v: Any, C: Any, a: Any, b: Any, reg: float) -> Any:
        u = sign * (reg if factor else 1) * logsumexp((v - C) / reg, b=b if masses else None, axis=1)
        return u, right(v, C, a, b, reg)[1]

    return one(round_)


def cuturi(v: Any, C: Any, a: Any, b: Any, reg: float) -> Any:
    u = reg * (np.log(a) - logsumexp((v - C) / reg, axis=1))
    return u, reg * (np.log(b) - logsumexp((u[:, None] - C) / reg, axis=0))


def without_masses(v: Any, C: Any, a: Any, b: Any, reg: float) -> Any:
    u = right(v, C, a, b, reg)[0]
    return u, -reg * logsumexp((u[:, None] - C) / reg, axis=0)


def unwritten(v: Any, C: Any, a: Any, b: Any, reg: float) -> Any:
    raise NotImplementedError  # a learner's function that is not written yet


def reg_of(share: float) -> float:
    """The reg whose plan of X to Y is dearer by this share."""
    low, high = 1e-3, 10.0
    for _ in range(40):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if transport(X, Y, reg=middle).value / EXACT - 1 > share else (middle, high)
    return low


def objective(one: np.ndarray, other: np.ndarray) -> float:
    """Σ_ij T_ij C_ij + reg KL(T | a b^T) of the plan, summed up: not from its potentials, as the check has it."""
    t = transport(one, other, reg=0.5)
    share = t.plan * len(one) * len(other)
    return float(t.value + 0.5 * np.sum(t.plan * np.log(np.where(share > 0, share, 1))))


XY, XX, YY = objective(X, Y), objective(X, X), objective(Y, Y)
COSTS = [transport(one, other, reg=0.5).value for one, other in ((X, Y), (X, X), (Y, Y))]

CASES = {
    "02-band": Case(
        given=sides,
        right=(laboratory(reg=2.0), laboratory(reg=1.8), laboratory(reg=2.5)),
        wrong=(
            (laboratory(reg=0.5), r"at reg 0.5 the plan costs 1.1% more; it should be 4 % to 6 %. More blur"),
            (laboratory(reg=10.0), r"the plan costs 10.7% more; it should be 4 % to 6 %. Less blur"),
            (laboratory(reg=None), "this is the exact plan, which costs 15.84. Move the blur to the right"),
            (laboratory(reg=2.0, a=[[1.0, 1.0], [2.0, 2.0]]), "a was changed: choose the lesson “Entropic blur” again"),
            (laboratory(reg=2.0, cost="l2"), "other settings were changed: choose the squared distance"),
            (one(2.0), "give the laboratory itself, `lab`; this is a `float`"),
        ),
        blank=(*EMPTY, laboratory()),
        praise=r"at reg 2 the plan costs 16\.59 instead of 15\.84: 4\.8% more",
    ),
    "02-step": Case(
        given=lambda: {"C": C, "a": A, "b": B},
        right=(one(right), one(by_hand)),
        wrong=(
            (one(naive), r"at reg 0\.00\d+, with costs up to .*, `u` is not finite: an exponential left the range"),
            (changed(sign=1), "for `u`: the sign is wrong"),
            (changed(factor=False), "for `u`: the factor reg before the logarithm is missing"),
            (changed(masses=False), r"for `u`: the masses `b` in the sum are missing: `logsumexp\(\.\.\., b="),
            (one(cuturi), r"for `u`: this is the step for T = exp\(\(u \+ v - C\) / reg\)"),
            (one(without_masses), "`u` is right; for `v`: the masses `a` in the sum are missing"),
            (one(lambda v, C, a, b, reg: (right(v, C, a, b, reg)[0], v)), "`v` is still what came in: now update it"),
            (one(lambda v, C, a, b, reg: right(v, C, a, b, reg)[0]), "returns a `ndarray`; return both, `u, v`"),
            (one(lambda v, C, a, b, reg: right(v, C, a, b, reg)[::-1]), r"`u` has shape \(3,\); expected \(2,\), a"),
            (one(lambda v, C, a, b, reg: (np.ones(len(a)), v)), r"`u\[\d\]` is 1, not"),
            (one(lambda v, C: v), "`sinkhorn_round` stopped with TypeError"),
            (one(0.5), "`sinkhorn_round` should be a function, and it is a `float`"),
        ),
        blank=(*EMPTY, one(lambda *given: ...), one(lambda *given: None), one(unwritten)),
        praise="rows and columns are right, for equal masses and others, and no small `reg` breaks it",
    ),
    "02-percent": Case(
        given=lambda: {"x": X, "y": Y},
        right=(lambda: (reg_of(0.0075),), lambda: (reg_of(0.0055),), lambda: (reg_of(0.0095),)),
        wrong=(
            (lambda: (reg_of(0.02),), r"the plan costs 2\.00% more than the exact one. Take a smaller one"),
            (lambda: (reg_of(0.001),), r"the plan costs 0\.10% more: less than needed. A larger reg is faster"),
            (one(-1.0), "`reg` is -1; it is a positive number"),
            (one(0), "`reg` is 0; it is a positive number"),
            (one(1e-12), "no plan was found at this `reg`: reg: the costs differ by"),
            (one([0.1, 0.2]), r"`reg` has shape \(2,\); expected \(\), one number"),
        ),
        blank=EMPTY,
        praise=r"it is 0\.75% dearer. The largest cost is \d+ times as large",
    ),
    "02-divergence": Case(
        given=lambda: {"x": X, "y": Y, "reg": 0.5},
        right=(one(XY - XX / 2 - YY / 2), lambda: (sinkhorn_divergence(X, Y, reg=0.5),)),
        wrong=(
            (one(COSTS[0] - COSTS[1] / 2 - COSTS[2] / 2), "`.value` leaves the entropic term out"),
            (one(XY - XX - YY), "only one half each is taken off"),
            (one(XY), r"this is OT\(x, y\) alone, before debiasing"),
            (one(COSTS[0]), "this is the plan's cost alone"),
            (one(XY + XX / 2 + YY / 2), "the bias terms are taken off, not added"),
            (one(XY - XX / 2), "the bias of `y` is missing"),
            (one(XY - YY / 2), "the bias of `x` is missing"),
            (one(EXACT), "this is the exact squared W2, at no reg at all"),
            (one(0.0), r"`S` is 0, and \d.* would be right"),
        ),
        blank=EMPTY,
        praise=r"\d\.\d{3}, 0\.\d{3} below squared W2; the plan alone is 0\.\d{3} above",
    ),
    "02-shrink": Case(
        given=lambda: {"x": X, "plan": PLAN},
        right=(lambda: (STEP, KEPT), lambda: (STEP.tolist(), KEPT)),
        wrong=(
            (lambda: (STEP / 12, KEPT), "these are sums of mass times place; divide each row by its mass"),
            (lambda: (STEP - X, KEPT), "these are the moves; the new places are asked for"),
            (lambda: (X, 1.0), "these are the points themselves: the plan here is the blurred one"),
            (lambda: (STEP + 1, KEPT), r"`step\[0\]` is \[.*\], and \[.*\] is right"),
            (lambda: (STEP.T, KEPT), r"`step` has shape \(2, 12\); expected \(12, 2\), a row a point.* try `.T`"),
            (lambda: (STEP, 1 - KEPT), "`step` is right; `kept`: that is the share that is lost"),
            (lambda: (STEP, KEPT**0.5), "that is the ratio of standard deviations"),
            (lambda: (STEP, 1 / KEPT), "upside down"),
            (lambda: (STEP, 100 * KEPT), "as a share, not in percent"),
            (lambda: (STEP, STEP.var() / X.var()), "mixes the coordinates"),
            (lambda: (STEP, 7.0), "`kept`: it is 7, and that is not it"),
        ),
        blank=(lambda: (..., ...), lambda: (STEP, ...), lambda: (None, KEPT)),
        praise=r"one step keeps \d\d% of the variance",
    ),
}
