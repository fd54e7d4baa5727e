"""Self-checks of notebook 10: displacement, a place between, a step of the flow, the critic's loss, detours."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wddkit.course.answers import Blank, Wrong, array, called, close, first_match, itself, number
from wddkit.course.registry import exercise
from wddkit.ot import transport, w2_squared

EXACT = 1e-6  # share of the largest number: what rounding may cost
ROUNDED = 1e-3  # share of W2: what three decimals cost
TIMES, AIM = 16, 0.2  # of exercise 2: (1 - t)² = 16 t² at t = 1/5


@exercise("10-between", "On their way")
def between(between: Any, *, x: np.ndarray, y: np.ndarray, t: float) -> str:
    """(1 - t) x_i + t y_σ(i), σ of the best plan; in any order."""
    found = array(between, "between", x.shape, of="a row a point")
    best = transport(x, y)
    ends = len(x) * best.plan @ y
    expected = (1 - t) * x + t * ends
    scale = best.value or 1.0
    if w2_squared(found, expected) <= ROUNDED**2 * scale:
        share = w2_squared(x, found) / scale
        return f"squared W2 from x is {share:.4f} of the whole one, which is t² = {t**2:.4f}."
    near = ((x[:, None] - y) ** 2).sum(axis=2).argmin(axis=1)
    said = first_match(
        found,
        [
            (lambda: (1 - t) * x + t * y, "point i goes to y[i] there, as they came; take the partner from the plan."),
            (lambda: t * x + (1 - t) * ends, f"that is at {1 - t:.4g}: at t = 0 every point should still be at x."),
            (lambda: (x + ends) / 2, f"that is halfway; t is {t:.4g}."),
            (lambda: ends, "these are the ends of the ways, t = 1."),
            (lambda: x + t * ends, "x is not made less: (1 - t) x + t y, or x + t (y - x)."),
            (
                lambda: (1 - t) * x + t * ends / len(x),
                f"a row of the plan sums to 1/{len(x)}: multiply by that.",
            ),
            (lambda: (1 - t) * x + t * y[near], "each goes to its nearest point there, and some y get nobody."),
            (
                lambda: (1 - t) * x + t * y[best.plan.argmax(axis=0)],
                "`argmax(axis=1)`: a row is a point x.",
            ),
        ],
    )
    i = int(np.abs(found - expected).sum(axis=1).argmax())
    told = f"point {i} is at {np.round(found[i], 3).tolist()}; its way leads from {np.round(x[i], 3).tolist()}"
    raise Wrong(said or f"{told} to {np.round(ends[i], 3).tolist()}.")


@exercise("10-sixteen", "Sixteen times farther")
def sixteen(slider: Any) -> str:
    """The slider where squared W2 to the end is 16 times that from the start: t = 1/5."""
    itself(slider, "slider", "slider", ("value", "options"))
    t = number(slider.value, "slider.value")
    if t == 0:
        raise Blank("the slider is still at 0: move it first.")
    if abs(t - AIM) < 1e-9:
        return f"{1 - t:.1f}² is {TIMES} times {t:.1f}²: W2 itself is 4 times as large, its square {TIMES} times."
    if abs(t - (1 - AIM)) < 1e-9:
        raise Wrong(f"there the *start* is {TIMES} times farther, in squared W2. Which one should be near?")
    ratio = ((1 - t) / t) ** 2
    more = "Go nearer to the start." if ratio < TIMES else "Go away from the start."
    raise Wrong(f"at t = {t:.2f} squared W2 to the end is {ratio:.3g} times that from the start. {more}")


@exercise("10-step", "A step down")
def step(function: Any, *, x: np.ndarray, y: np.ndarray) -> str:
    """x_i + h (m Σ_j T_ij y_j - x_i), on hand-made particles and on the learner's."""
    hand = (np.array([[0.0], [10.0]]), np.array([[1.0], [3.0], [8.0], [12.0]]), 0.5)  # to 1 and 10
    for start, target, h in (hand, (x, y, 0.25), (x[:7], y, 1.0)):
        found = array(called(function, "euler_step", start, target, h), "what it returns", start.shape, of="as x")
        best = transport(start, target)
        ends = len(start) * best.plan @ target
        if close(found, start + h * (ends - start), share=EXACT):
            continue
        told = f"for x = {_shown(start)}, h = {h}: " if start is hand[0] else f"for {len(start)} particles, h = {h}: "
        raise Wrong(told + (_of_step(found, start, target, h) or _parts(found, start, ends)))
    return "right, also with h = 1, where each particle jumps to its projection: the position step of a barycenter."


def _of_step(found: np.ndarray, x: np.ndarray, y: np.ndarray, h: float) -> str | None:
    """What is said of a known mistake."""
    plan, m = transport(x, y).plan, len(x)
    ends = m * plan @ y
    if close(found, x, share=EXACT):
        return "nothing moved; add h times the way to the projection."
    return first_match(
        found,
        [
            (lambda: ends, "they jump to their projections; go only the share h of the way."),
            (lambda: x - h * (ends - x), "they run away from it; the step goes down, so add."),
            (lambda: x + h * ends, "subtract x: the way leads from x to its projection."),
            (lambda: x + h * (plan @ y - x), f"a row of the plan sums to 1/{m}: multiply by m, or all shrinks to 0."),
            (lambda: x + 2 * h * (ends - x), "twice too far: F is *half* of squared W2."),
            (lambda: x + h / m * (ends - x), "m times too short: a Wasserstein gradient is per mass, and mass is 1/m."),
            (
                lambda: x + 2 * h / m * (ends - x),
                "that is the gradient in coordinates; divide by mass 1/m and by 2.",
            ),
            (lambda: x + h * (y[plan.argmax(axis=1)] - x), "a particle sends mass to several y: go to their mean."),
            (lambda: x + h * (y.mean(axis=0) - x), "all go to the mean of y; each has a projection of its own."),
        ],
    )


def _parts(found: np.ndarray, x: np.ndarray, ends: np.ndarray) -> str:
    i = int(np.abs(found - x).sum(axis=1).argmax())
    begin, end, came = (np.round(each[i], 3).tolist() for each in (x, ends, found))
    return f"particle {i} is at {begin}, its projection at {end}, and it came to {came}."


@exercise("10-critic", "What the critic minimises")
def critic(function: Any) -> str:
    """Mean on_made - mean on_real + penalty mean (slopes - 1)²."""
    rng = np.random.default_rng(3)
    drawn = (rng.normal(size=8), rng.normal(size=6), 2 * rng.random(8), 2.5)
    for given in ((np.array([3.0, 5.0]), np.array([1.0, 2.0]), np.array([1.0, 1.0]), 10.0), drawn):
        found = number(called(function, "critic_loss", *given), "what critic_loss returns")
        real, made, slopes, penalty = given
        gap, held = real.mean() - made.mean(), ((slopes - 1) ** 2).mean()
        if not close(found, penalty * held - gap):
            said = _of_critic(found, given)
            parts = f"the gap is {gap:.4g}, the mean squared distance of slopes from 1 is {held:.4g}."
            raise Wrong(
                said or f"for f = {_shown(real)} on real and {_shown(made)} on made points it is {found:.4g}; {parts}"
            )
    return "right: minimising it, the critic rates real points high, and made ones low, with slopes near 1."


def _of_critic(found: float, given: Sequence[Any]) -> str | None:
    """What is said of a known mistake."""
    real, made, slopes, penalty = given
    gap, held = real.mean() - made.mean(), ((slopes - 1) ** 2).mean()
    return first_match(
        found,
        [
            (
                lambda: gap + penalty * held,
                "the gap has the wrong sign: made large, it should make the loss small.",
            ),
            (lambda: gap - penalty * held, "that is what it *maximises*; a loss is minus that."),
            (lambda: -gap, "the penalty is missing."),
            (lambda: -gap - penalty * held, "the penalty has the wrong sign: slopes far from 1 must cost."),
            (lambda: held - gap, "the penalty is not weighted: multiply it by `penalty`."),
            (lambda: made.sum() - real.sum() + penalty * ((slopes - 1) ** 2).sum(), "means, not sums."),
            (lambda: penalty * ((slopes - 1) ** 2).sum() - gap, "the penalty is a mean over its points, not a sum."),
            (lambda: penalty * (slopes.mean() - 1) ** 2 - gap, "first square slopes - 1 of each point, then the mean."),
            (lambda: penalty * ((slopes**2 - 1) ** 2).mean() - gap, "(slope - 1)², not (slope² - 1)²."),
            (lambda: penalty * (slopes**2).mean() - gap, "slopes are held near 1, not near 0: subtract 1 first."),
            (lambda: penalty * np.abs(slopes - 1).mean() - gap, "square the distance of each slope from 1."),
        ],
    )


@exercise("10-detour", "How straight?")
def detour(function: Any) -> str:
    """The mean over points of the length of a way over the distance of its ends."""
    straight = (np.linspace(0, 1, 5) ** 2)[:, None, None] * np.array([[3.0, 4.0], [1.0, 0.0]])
    corner = np.array([[[0.0, 0.0], [0.0, 0.0]], [[3.0, 0.0], [1.0, 0.0]], [[3.0, 4.0], [2.0, 0.0]]])
    for ways, name in ((straight, "two straight ways"), (corner, "a way around a corner, 3 + 4, and a straight one")):
        found = number(called(function, "detour", ways), "what detour returns")
        steps = np.linalg.norm(np.diff(ways, axis=0), axis=2)
        right = (steps.sum(axis=0) / np.linalg.norm(ways[-1] - ways[0], axis=1)).mean()
        if not close(found, right, share=EXACT):
            said = _of_detour(found, steps, np.linalg.norm(ways[-1] - ways[0], axis=1))
            raise Wrong(f"for {name}: {said or f'it returns {found:.4g}, and {right:.4g} would be right.'}")
    return "right: 1 for straight ways, 1.2 for the mean of a corner (7/5) and a straight way."


def _of_detour(found: float, steps: np.ndarray, chords: np.ndarray) -> str | None:
    """What is said of a known mistake."""
    lengths = steps.sum(axis=0)
    return first_match(
        found,
        [
            (lambda: (chords / lengths).mean(), "upside down: length over distance, never below 1."),
            (lambda: lengths.mean(), "these are lengths; divide each by the distance of the way's ends."),
            (lambda: lengths.sum() / chords.sum(), "total length over total distance; take each ratio, then the mean."),
            (lambda: (steps.mean(axis=0) / chords).mean(), "sum the steps of a way, no mean."),
            (lambda: (lengths / chords).sum(), "the mean over points, not the sum."),
            (lambda: ((steps**2).sum(axis=0) / chords**2).mean(), "no squares: take `np.linalg.norm` of each step."),
        ],
    )


def _shown(values: np.ndarray) -> str:
    return str(np.round(values, 2).tolist())
