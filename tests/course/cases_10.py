"""Cases of notebook 10."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from cases import EMPTY, Case, one

from wddkit.ot import transport

RNG = np.random.default_rng(5)
X = RNG.normal(size=(12, 2))
Y = RNG.normal(size=(12, 2)) + np.array([4, 1])
T = 0.25
PLAN = transport(X, Y).plan
ENDS = Y[PLAN.argmax(axis=1)]
MORE = np.vstack([Y, Y + np.array([0, 3])])


def slider(value: Any) -> Any:
    return one(SimpleNamespace(value=value, options=(0.0, 0.1, 0.2)))


def step(change: Any) -> Any:
    """A learner's function of x, y, h and the projections."""

    def euler_step(x: np.ndarray, y: np.ndarray, h: float) -> Any:
        return change(x, y, h, len(x) * transport(x, y).plan @ y)

    return one(euler_step)


def loss(change: Any) -> Any:
    """A learner's function of the gap, the slopes and their penalty."""

    def critic_loss(on_real: np.ndarray, on_made: np.ndarray, slopes: np.ndarray, penalty: float) -> Any:
        return change(on_real.mean() - on_made.mean(), slopes, penalty)

    return one(critic_loss)


def ways(change: Any) -> Any:
    """A learner's function of the lengths of steps and the distances of ends."""

    def detour(ways: np.ndarray) -> Any:
        steps = np.linalg.norm(np.diff(ways, axis=0), axis=2)
        return change(steps, np.linalg.norm(ways[-1] - ways[0], axis=1))

    return one(detour)


def unwritten(*given: Any) -> None: ...


CASES = {
    "10-between": Case(
        given=lambda: {"x": X, "y": Y, "t": T},
        right=(one((1 - T) * X + T * ENDS), one(((1 - T) * X + T * ENDS)[::-1].tolist())),
        wrong=(
            (one((1 - T) * X + T * Y), r"point i goes to y\[i\] there, as they came"),
            (one(T * X + (1 - T) * ENDS), "that is at 0.75: at t = 0 every point should still be at x"),
            (one((X + ENDS) / 2), "that is halfway; t is 0.25"),
            (one(ENDS), "these are the ends of the ways, t = 1"),
            (one(X + T * ENDS), "x is not made less"),
            (one((1 - T) * X + T * PLAN @ Y), "a row of the plan sums to 1/12: multiply by that"),
            (one((1 - T) * X + T * Y[PLAN.argmax(axis=0)]), r"`argmax\(axis=1\)`: a row is a point x"),
            (one(X), r"point \d+ is at .*; its way leads from .* to"),
            (one(X.T), r"`between` has shape \(2, 12\); expected \(12, 2\), a row a point. It seems to be turned"),
        ),
        blank=(*EMPTY, one([[..., ...]] * 12)),
        praise=r"squared W2 from x is 0\.0625 of the whole one, which is t² = 0\.0625",
    ),
    "10-sixteen": Case(
        right=(slider(0.2),),
        wrong=(
            (slider(0.8), r"there the \*start\* is 16 times farther"),
            (slider(0.5), "at t = 0.50 squared W2 to the end is 1 times that from the start. Go nearer to the start"),
            (slider(0.1), "is 81 times that from the start. Go away from the start"),
            (slider(1.0), "is 0 times that from the start. Go nearer"),
            (one(0.2), "give the slider itself, `slider`; this is a `float`"),
        ),
        blank=(*EMPTY, slider(0.0)),
        praise="0.8² is 16 times 0.2²",
    ),
    "10-step": Case(
        given=lambda: {"x": X, "y": MORE},
        right=(step(lambda x, y, h, ends: x + h * (ends - x)), step(lambda x, y, h, ends: (1 - h) * x + h * ends)),
        wrong=(
            (step(lambda x, y, h, ends: ends), "they jump to their projections; go only the share h"),
            (step(lambda x, y, h, ends: x - h * (ends - x)), "they run away from it"),
            (step(lambda x, y, h, ends: x + h * ends), "subtract x: the way leads from x to its projection"),
            (step(lambda x, y, h, ends: x + h * (ends / len(x) - x)), "a row of the plan sums to 1/2: multiply by m"),
            (step(lambda x, y, h, ends: x + 2 * h * (ends - x)), r"they jump|twice too far: F is \*half\*"),
            (step(lambda x, y, h, ends: x + h / len(x) * (ends - x)), "m times too short"),
            (step(lambda x, y, h, ends: x), "nothing moved; add h times the way"),
            (step(lambda x, y, h, ends: x + h * (y.mean(axis=0) - x)), "all go to the mean of y"),
            (step(lambda x, y, h, ends: y), r"`what it returns` has shape \(4, 1\); expected \(2, 1\), as x"),
            (step(lambda x, y, h, ends: x + 7), r"particle 0 is at \[0.0\], its projection at \[2.0\], and it came to"),
        ),
        blank=(*EMPTY, one(unwritten)),
        praise="right, also with h = 1, where each particle jumps to its projection",
    ),
    "10-critic": Case(
        right=(loss(lambda gap, s, penalty: penalty * ((s - 1) ** 2).mean() - gap),),
        wrong=(
            (loss(lambda gap, s, penalty: gap + penalty * ((s - 1) ** 2).mean()), "the gap has the wrong sign"),
            (loss(lambda gap, s, penalty: -gap), "the penalty is missing"),
            (loss(lambda gap, s, penalty: ((s - 1) ** 2).mean() - gap), "the penalty is not weighted"),
            (loss(lambda gap, s, penalty: -gap - penalty * ((s - 1) ** 2).mean()), "the penalty has the wrong sign"),
            (loss(lambda gap, s, penalty: penalty * ((s - 1) ** 2).sum() - gap), "a mean over its points, not a sum"),
            (loss(lambda gap, s, penalty: penalty * (s.mean() - 1) ** 2 - gap), "first square slopes - 1 of each"),
            (loss(lambda gap, s, penalty: penalty * (s**2).mean() - gap), "near 1, not near 0"),
            (loss(lambda gap, s, penalty: penalty * np.abs(s - 1).mean() - gap), "square the distance of each slope"),
            (loss(lambda gap, s, penalty: 77.0), r"for f = \[3.0, 5.0\] on real .* it is 77; the gap is 2.5"),
        ),
        blank=(*EMPTY, one(unwritten)),
        praise="right: minimising it, the critic rates real points high",
    ),
    "10-detour": Case(
        right=(ways(lambda steps, chords: (steps.sum(axis=0) / chords).mean()),),
        wrong=(
            (ways(lambda steps, chords: (chords / steps.sum(axis=0)).mean()), "around a corner.*: upside down"),
            (ways(lambda steps, chords: steps.sum(axis=0).mean()), "two straight ways: these are lengths; divide each"),
            (ways(lambda steps, chords: steps.sum() / chords.sum()), "total length over total distance"),
            (ways(lambda steps, chords: (steps.mean(axis=0) / chords).mean()), "sum the steps of a way, no mean"),
            (ways(lambda steps, chords: (steps.sum(axis=0) / chords).sum()), "the mean over points, not the sum"),
            (ways(lambda steps, chords: ((steps**2).sum(axis=0) / chords**2).mean()), "no squares"),
            (ways(lambda steps, chords: 9.0), "for two straight ways: it returns 9, and 1 would be right"),
        ),
        blank=(*EMPTY, one(unwritten)),
        praise="1 for straight ways, 1.2 for the mean of a corner",
    ),
}
