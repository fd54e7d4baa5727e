"""Self-checks of notebook 03: position step, free masses, a way out of a local minimum, restarts, one support point."""

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from wddkit.course.answers import Blank, Mistakes, Wrong, array, called, close, first_match, itself, number
from wddkit.course.registry import exercise
from wddkit.ot import Measure, barycenter

EXACT = 1e-6  # share of the largest number: what rounding may cost
NEAR = 0.02  # how far above the best value exercise 3 may end
RESTARTS = 10  # of exercise 4


@exercise("03-positions", "The position step")
def positions(function: Any, *, plan: np.ndarray, x: np.ndarray) -> str:
    """Σ_j T_ij x_j / Σ_j T_ij, for rows of different masses and for the learner's plan."""
    uneven = np.array([[0.1, 0.2, 0.3], [0.2, 0.0, 0.0], [0.1, 0.1, 0.0]])
    corners = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 3.0]])
    for T, points in ((uneven, corners), (plan, x)):
        said = "what positions returns"
        found = array(called(function, "positions", T, points), said, (len(T), 2), of="a row a support point")
        expected = T @ points / T.sum(axis=1, keepdims=True)
        if not close(found, expected, share=EXACT):
            i = int(np.abs(found - expected).max(axis=1).argmax())
            about = f"y[{i}] is {found[i].round(3).tolist()}, and {expected[i].round(3).tolist()} is right."
            raise Wrong(_position_said(found, T, points) or about)
    return "each support point is the mean of what it is given, weighted by how much of it."


def _position_said(found: np.ndarray, T: np.ndarray, x: np.ndarray) -> str | None:
    """What is said of a known mistake."""
    given = T > 0
    mistakes: Mistakes = [
        (lambda: T @ x, "these are sums of mass times place; divide each row by its mass, `plan.sum(axis=1)`."),
        (lambda: T @ x * len(T), "dividing by 1/m is right for uniform masses alone; divide by `plan.sum(axis=1)`."),
        (lambda: T @ x / T.sum(), "you divided by the mass of the whole plan; divide each row by its own."),
        (lambda: given @ x / given.sum(axis=1, keepdims=True), "this mean is not weighted: use how much is given."),
        (lambda: T / T.sum(axis=0) @ x, "you divided by the sums of columns; a support point is a row."),
    ]
    return first_match(found, mistakes)


@exercise("03-masses", "Free masses")
def free_masses(w: Any, *, start: np.ndarray, x: np.ndarray, b: np.ndarray) -> str:
    """The sums of b over the points that are nearest to each support point."""
    found = array(w, "w", (len(start),), of="a mass for each support point")
    nearest = cdist(start, x).argmin(axis=0)
    expected = np.bincount(nearest, weights=b, minlength=len(start))
    counts = np.bincount(nearest, minlength=len(start))
    if close(found, expected, share=EXACT):
        return (
            f"they sum to {expected.sum():.4g}, from {expected.min():.3f} to {expected.max():.3f}: far from 1/m each."
        )
    said = first_match(
        found,
        [
            (lambda: counts, "these are counts of points; sum their masses `b` instead: `weights=b`."),
            (lambda: counts / len(x), "these are shares of the points, as if all had the same mass; sum `b`."),
            (
                lambda: np.full(len(start), 1 / len(start)),
                "these are uniform masses; free ones follow from points.",
            ),
            (
                lambda: b[cdist(start, x).argmin(axis=1)],
                "you took the point nearest to each support point; ask each point for its support point instead.",
            ),
        ],
    )
    if not said and abs(found.sum() - 1) > 1e-3:
        said = f"they sum to {found.sum():.4g}; every point gives all of its mass to somebody, so it should be 1."
    i = int(np.abs(found - expected).argmax())
    about = f"{expected[i]:.4g} of the mass is nearest to support point {i}."
    raise Wrong(said or f"`w[{i}]` is {found[i]:.4g}, and {about}")


@exercise("03-free", "Out of a local minimum")
def out_of_a_minimum(lab: Any, *, points: Measure, start: Any) -> str:
    """A laboratory whose support points were moved and stepped until the value is near the best."""
    itself(lab, "lab", "laboratory", ("measures", "step"))
    given = lab.measures[0]
    if len(lab.measures) > 1 or given.points.shape != points.points.shape or not close(given.points, points.points):
        raise Wrong("the points were changed: choose the lesson “A bad start” again, and move only support points.")
    if len(lab.start) != len(start):
        raise Wrong(f"there are {len(lab.start)} support points now, and there were {len(start)}: {len(start)} again.")
    if (lab.cost, lab.rule, lab.trim) != ("sqeuclidean", "free", 0.0):
        raise Wrong("the settings were changed: choose free masses, the squared distance and no trim again.")
    best, value, moved = barycenter(points, m=len(start), seed=0).value, float(lab.value), not close(lab.start, start)
    if not moved and lab.step == 0:
        raise Blank("nothing has happened in the laboratory yet: press “step” there.")
    if lab.step > 0 and value <= (1 + NEAR) * best:
        return f"value {value:.4f}, and the best of many starts is {best:.4f}. Steps alone would not have come here."
    possible = f"the value is {value:.3f}, and {best:.3f} is possible."
    if not moved:
        raise Wrong(f"{possible} If steps change nothing more, drag a support point.")
    rest = lab.step >= len(lab.history) - 1 and lab.step > 0
    mend = "It rests there: drag again, to the group that has none." if rest else "Press “step” until nothing moves."
    raise Wrong(f"support points were moved, and {possible} {mend}")


@exercise("03-restarts", "Ten restarts")
def restarts(ends: Any, worse: Any, *, cloud: Measure) -> str:
    """The values of Lloyd's steps from seeds 0 to 9, and the worst one's distance from the best."""
    found = array(ends, "ends", (RESTARTS,), of="a value for each seed from 0 to 9")
    runs = [barycenter(cloud, m=6, solver="lloyd", seed=seed) for seed in range(RESTARTS)]
    expected = np.array([run.value for run in runs])
    if not close(found, expected, share=EXACT):
        default = np.array([barycenter(cloud, m=6, seed=seed).value for seed in range(RESTARTS)])
        if close(found, default, share=EXACT):
            raise Wrong("these come from the default solver, which makes restarts itself; say `solver='lloyd'`.")
        same = np.ptp(found) == 0 and np.ptp(expected) > 0
        k = int(np.abs(found - expected).argmax())
        about = f"`ends[{k}]` is {found[k]:.4g}; with `seed={k}` the value is {expected[k]:.4g}."
        raise Wrong("all are equal: pass `seed=seed`, so that each start is another one." if same else about)
    share, ratio = number(worse, "worse"), float(expected.max() / expected.min() - 1)
    if abs(share - ratio) > EXACT and not close(share, ratio):
        said = first_match(
            share,
            [
                (lambda: ratio + 1, "this is the ratio; subtract 1."),
                (lambda: 100 * ratio, "as a share, not in percent."),
                (lambda: float(np.ptp(expected)), "this is the difference; divide by the best value."),
                (lambda: 1 - 1 / (1 + ratio), "you divided by the worst; the best is what to compare with."),
            ],
        )
        raise Wrong(f"`ends` is right; `worse`: {said or f'it is {share:.4g}, and that is not it.'}")
    if ratio <= EXACT:
        return "all ten end at the same value: your cloud is an easy one. That does not prove that it is the best."
    hits = int((expected <= (1 + EXACT) * expected.min()).sum())
    return f"the worst is {ratio:.1%} above the best, which {hits} of {RESTARTS} reach. One start is not enough."


@exercise("03-mean", "One support point")
def one_support_point(place: Any, value: Any, *, x: np.ndarray, b: np.ndarray) -> str:
    """The weighted mean, and the weighted variance."""
    found = array(place, "place", (x.shape[1],), of="a number for each coordinate")
    expected = b @ x
    if not close(found, expected, share=EXACT):
        said = first_match(
            found,
            [
                (lambda: x.mean(axis=0), "this mean forgets the masses; weight each point by its `b`."),
                (lambda: np.median(x, axis=0), "this is the median, which is best for other costs."),
                (lambda: x.sum(axis=0), "this is the sum of all points, without their masses."),
            ],
        )
        raise Wrong(said or f"`place` is {found.round(3).tolist()}, and that is not where the derivative is 0.")
    cost = number(value, "value")
    squares = ((x - expected) ** 2).sum(axis=1)
    least = float(b @ squares)
    if close(cost, least, share=EXACT):
        return f"the weighted mean, and the variance around it, {least:.3f}: what one point cannot tell of a cloud."
    said = first_match(
        cost,
        [
            (lambda: float(squares.mean()), "this mean forgets the masses; weight each square by its `b`."),
            (lambda: float(squares.sum()), "this is the sum without masses."),
            (lambda: float(b @ np.sqrt(squares)), "the distances were not squared."),
            (lambda: least**0.5, "this is W2; the value is its square."),
            (lambda: least / x.shape[1], "sum over the coordinates, no mean."),
        ],
    )
    raise Wrong(f"`place` is right; `value`: {said or f'it is {cost:.4g}, and that is not it.'}")
