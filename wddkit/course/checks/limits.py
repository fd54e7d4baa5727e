"""Self-checks of notebook 09: exponents of growth, a forgotten outlier, cosine cost, split halves, equal distances."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wddkit.course.answers import Blank, Wrong, array, close, first_match, itself, number, plain
from wddkit.course.registry import exercise
from wddkit.ot import Measure, transport, w2_squared

FITTED = 1e-3  # share: a slope by another formula of the same fit
EXACT = 1e-6
MOST, LEAST = 0.05, 0.95  # of the plan for the outlier; of their mass for the others
EQUAL = 0.01  # share by which the two values may differ


@exercise("09-exponent", "The exponents of growth")
def exponent(slopes: Any, *, times: Any) -> str:
    """The slope of log seconds against log n, for each solver."""
    names = list(times.columns)
    found = array(slopes, "slopes", (len(names),), of="a slope for each of " + ", ".join(names))
    n, seconds = np.array(times.index, float), times.to_numpy(float)
    lines = np.polyfit(np.log(n), np.log(seconds), 1)  # [slope and intercept, solvers]
    expected = lines[0]
    if close(found, expected, share=FITTED):
        told = ", ".join(f"{name} {slope:.2f}" for name, slope in zip(names, expected, strict=True))
        doubled = ", ".join(f"{2**slope:.1f}" for slope in expected)
        return f"{told}: twice the points take {doubled} times as long, on this machine and in this range."
    said = first_match(
        found,
        [
            (lambda: lines[1], "these are the intercepts, `[1]`; the slope comes first, `[0]`."),
            (lambda: np.polyfit(n, seconds, 1)[0], "take the logarithm of both sides first."),
            (lambda: np.polyfit(np.log(n), seconds, 1)[0], "take the logarithm of the seconds as well."),
            (lambda: np.polyfit(n, np.log(seconds), 1)[0], "take the logarithm of n as well."),
            (
                lambda: [np.polyfit(np.log(each), np.log(n), 1)[0] for each in seconds.T],
                "the axes are exchanged: n comes first, seconds second.",
            ),
            (lambda: 2**expected, "these are factors of a doubling; the slopes themselves are asked for."),
            (lambda: expected[::-1], "the solvers are in another order than the columns of `times`."),
        ],
        share=FITTED,
    )
    k = int(np.abs(found - expected).argmax())
    parts = f"{seconds[0, k]:.3g} s at n = {n[0]:g}, {seconds[-1, k]:.3g} s at n = {n[-1]:g}."
    raise Wrong(said or f"for {names[k]} you have {found[k]:.4g}; it took {parts}")


@exercise("09-outlier", "Forget the outlier, and nobody else")
def outlier(lab: Any, *, a: Measure, b: Measure) -> str:
    """A price in a laboratory under which the last point of a carries little, and the others most of their mass."""
    itself(lab, "lab", "laboratory", ("sides", "relax", "plan"))
    for name, now, then in (("a", lab.a, a), ("b", lab.b, b)):
        if len(now) != len(then) or not close(now.points, then.points) or not close(now.masses, then.masses):
            raise Wrong(f"the points or masses of {name} were changed: undo that, and change the settings alone.")
    if lab.cost != "sqeuclidean":
        raise Wrong(f"the ground cost is {lab.cost}: choose the squared distance again.")
    if lab.relax is None:
        if lab.mass < 1:
            raise Wrong("that is a share to carry, chosen beforehand; choose *what is worth its price* and the price.")
        raise Blank("all mass is still carried: choose *what is worth its price (unbalanced)*, and pull Price ρ.")
    carried = lab.plan.sum(axis=1)
    share, kept = float(carried[-1] / carried.sum()), float(carried[:-1].sum() / a.masses[:-1].sum())
    now = f"at ρ = {lab.relax:.3g} the outlier has {share:.1%} of what is carried, and the others carry {kept:.0%}"
    if share >= MOST:
        raise Wrong(f"{now} of their mass. Its way is still worth the price: lower ρ.")
    if kept < LEAST:
        raise Wrong(f"{now} of their mass: too cheap a price forgets everybody. Raise ρ.")
    return f"{now} of their mass. The value is {lab.value:.3f}; with everything carried {transport(a, b).value:.3f}."


@exercise("09-cosine", "Cosine cost by squared W2")
def cosine(value: Any, *, left: np.ndarray, right: np.ndarray) -> str:
    """The least cost under 1 - cos, half the squared W2 of the directions."""
    found = number(value, "value")
    expected = transport(left, right, cost="cosine").value
    if close(found, expected, share=EXACT):
        return f"{expected:.4f}, as with `cost='cosine'`. Lengths have no say: only directions are compared."
    unit_left, unit_right = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (left, right))
    columns = [each / np.linalg.norm(each, axis=0, keepdims=True) for each in (left, right)]
    said = first_match(
        found,
        [
            (lambda: 2 * expected, "the squared distance of two directions is 2 - 2 cos, and the cost is 1 - cos."),
            (lambda: np.sqrt(2 * expected), "that is W2 of the directions; take its square, and a half of it."),
            (lambda: np.sqrt(expected), "that is the root of it; leave the root out."),
            (lambda: w2_squared(left, right), "that is the squared W2 of the points; divide each by its length first."),
            (lambda: w2_squared(left, right) / 2, "divide each point by its length first."),
            (lambda: w2_squared(*columns) / 2, "each row is a point: divide rows by their lengths, not columns."),
            (lambda: w2_squared(*columns), "each row is a point: divide rows by their lengths, not columns."),
            (lambda: w2_squared(left, unit_right) / 2, "only `right` was divided by its lengths; divide both."),
            (lambda: w2_squared(unit_left, right) / 2, "only `left` was divided by its lengths; divide both."),
        ],
        share=EXACT,
    )
    raise Wrong(said or f"`value` is {found:.4g}, and that is not it; begin with points of length 1.")


@exercise("09-halves", "What two halves of one class differ by")
def halves(floors: Any, *, points: np.ndarray, orders: Sequence[np.ndarray]) -> str:
    """Squared W2 between the halves of a cloud, for each order of its points."""
    found = array(floors, "floors", (len(orders),), of="a number for each order")
    half = len(points) // 2
    parts = [(points[order][:half], points[order][half : 2 * half]) for order in orders]
    expected = np.array([w2_squared(first, second) for first, second in parts])
    rest = np.array([w2_squared(points[order][:half], points[order][half:]) for order in orders])
    if close(found, expected, share=EXACT) or close(found, rest, share=EXACT):
        variance = float(np.asarray(points, float).var(axis=0).sum())
        share = expected.mean() / variance
        return f"{expected.mean():.2f} on average, {share:.0%} of the variance, for halves that differ in nothing."
    said = first_match(
        found,
        [
            (lambda: np.sqrt(expected), "these are W2; leave the root out."),
            (lambda: [w2_squared(first, points) for first, _ in parts], "that is half against all; half against half."),
            (
                lambda: np.full(len(orders), w2_squared(points[:half], points[half : 2 * half])),
                "the points were not put into each order first: `points[order]`.",
            ),
            (lambda: expected / 2, "do not divide by 2: squared W2 between the halves is asked for."),
            (
                lambda: [gap @ gap for gap in (first.mean(axis=0) - second.mean(axis=0) for first, second in parts)],
                "that is the squared distance of their means; take `wdd.ot.w2_squared`.",
            ),
        ],
        share=EXACT,
    )
    k = int(np.abs(found - expected).argmax())
    raise Wrong(said or f"for order {k} you have {found[k]:.4g}, and that is not it; take {half} points a half.")


@exercise("09-same", "Equally far, and not alike")
def same(first: Any, second: Any, *, data: np.ndarray) -> str:
    """Two clouds of equal squared W2 to a third that are far from each other."""
    clouds = [_cloud(each, name) for each, name in ((first, "first"), (second, "second"))]
    one, two = (w2_squared(cloud, data) for cloud in clouds)
    if min(one, two) < 1e-3:
        raise Wrong("one of them is the data themselves: both should be at some distance from these.")
    if abs(one - two) > EQUAL * max(one, two):
        raise Wrong(f"squared W2 to the data is {one:.4g} and {two:.4g}; bring them within 1 % of each other.")
    apart = w2_squared(*clouds)
    if apart < 1e-6 * one:
        raise Wrong("both are the same cloud; make them differ.")
    if apart < max(one, two):
        raise Wrong(
            f"equally far from the data, {one:.3g}, but only {apart:.3g} from each other; it should be at least as "
            "much. Think of a shift to one side and to the other."
        )
    return f"both have squared W2 {one:.3g} to the data, and {apart:.3g} to each other: the number says not where."


def _cloud(answer: Any, name: str) -> np.ndarray:
    """The answer as points in the plane; Wrong for another shape."""
    shape = np.shape(np.asarray(plain(answer), dtype=object))
    if len(shape) != 2 or not shape[0] or shape[1] != 2:
        raise Wrong(f"`{name}` should be points in the plane, an array of shape (n, 2); it has shape {shape}.")
    return array(answer, name, shape, of="a row a point")
