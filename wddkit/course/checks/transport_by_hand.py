"""Self-checks of notebook 01: cost matrix, plan, W1 and W2, transport on a line."""

from typing import Any

import numpy as np

from wddkit.course.answers import Blank, Wrong, array, called, close, first_match, itself, number
from wddkit.course.registry import exercise
from wddkit.ot import Measure, transport
from wddkit.ot.plan import solve

EXACT = 1e-6  # share of the largest number: what rounding may cost
AIM, BAND = 2.0, 0.1  # squared W2 of exercise 3


@exercise("01-cost", "The cost matrix")
def cost_matrix(C: Any, *, x: np.ndarray, y: np.ndarray) -> str:
    """C_ij = |x_i - y_j|²."""
    found = array(C, "C", (len(x), len(y)), of="a row a bakery and a column a café")
    steps = x[:, None] - y
    expected = (steps**2).sum(axis=2)
    if close(found, expected, share=EXACT):
        return "every entry is the squared distance of its bakery and its café."
    said = first_match(
        found,
        [
            (lambda: np.sqrt(expected), "these are distances; the ground cost is their square, so leave out the root."),
            (lambda: (steps**2).mean(axis=2), "you took the mean over east and north; a squared distance is the sum."),
            (lambda: np.abs(steps).sum(axis=2), "you summed |differences|; square each of them before summing."),
            (lambda: steps.sum(axis=2) ** 2, "you summed first and squared then; square each difference first."),
        ],
    )
    i, j = (int(each) for each in np.argwhere(~np.isclose(found, expected))[0])
    east, north = steps[i, j]
    raise Wrong(
        said
        or f"`C[{i}, {j}]` is {found[i, j]:.4g}, not {expected[i, j]:.4g}: bakery {i} and café {j} are "
        f"{abs(east):.4g} km apart from west to east and {abs(north):.4g} km from south to north; add the two squares."
    )


@exercise("01-plan", "A better plan, by hand")
def plan(plan: Any, *, a: np.ndarray, b: np.ndarray, C: np.ndarray) -> str:
    """A plan with marginals a and b that costs less than a bᵀ."""
    found = array(plan, "plan", C.shape, of="a row a bakery and a column a café")
    if (found < -1e-12).any():
        i, j = (int(each) for each in np.argwhere(found < -1e-12)[0])
        raise Wrong(f"`plan[{i}, {j}]` is {found[i, j]:.4g}: nobody can carry less than nothing.")
    _marginal(found.sum(axis=1), a, "row", "bakery {} bakes")
    _marginal(found.sum(axis=0), b, "column", "café {} takes")
    cost, lazy, best = (float((each * C).sum()) for each in (found, np.outer(a, b), solve(C, a, b).plan))
    if cost >= lazy * (1 - EXACT):
        raise Wrong(
            f"the marginals are right, and the cost is {cost:.3f}, not lower than the lazy plan's {lazy:.3f}. "
            "Let bakeries deliver to cafés that are near them."
        )
    if close(cost, best, share=EXACT):
        return f"right marginals, cost {cost:.3f}: this is the cheapest plan there is."
    return f"right marginals, and cost {cost:.3f} instead of the lazy plan's {lazy:.3f}. The cheapest costs {best:.3f}."


def _marginal(sums: np.ndarray, masses: np.ndarray, what: str, whose: str) -> None:
    """Raises Wrong that names the first row or column with another sum than its mass."""
    wrong = np.flatnonzero(np.abs(sums - masses) > 1e-6)
    if not len(wrong):
        return
    i = int(wrong[0])
    if abs(sums.sum() - masses.sum()) > 1e-6 and close(sums / (sums.sum() or 1.0), masses):
        total = f"{sums.sum():.4g} in all, and all bread together is 1."
        raise Wrong(f"the {what}s have the right proportions, but they sum to {total}")
    more = "more" if sums[i] > masses[i] else "less"
    raise Wrong(
        f"{what} {i} sums to {sums[i]:.4g}, {more} than {whose.format(i)}: {masses[i]:.4g}. {what.capitalize()}s "
        f"should sum to {np.round(masses, 4).tolist()}, and yours sum to {np.round(sums, 4).tolist()}."
    )


@exercise("01-drag", "Bring them nearer")
def drag(lab: Any, *, a: Measure, b: Measure) -> str:
    """Points of a laboratory moved until squared W2 is near 2."""
    itself(lab, "lab", "laboratory", ("sides", "value"))
    for name, now, then in (("a", lab.a, a), ("b", lab.b, b)):
        if len(now) != len(then):
            raise Wrong(f"{name} has {len(now)} points now, and had {len(then)}: undo that, and only drag.")
        if not close(now.masses, then.masses):
            raise Wrong(f"the masses of {name} were changed: undo that, and only drag.")
    if (lab.cost, lab.reg, lab.relax, lab.mass) != ("sqeuclidean", None, None, 1.0):
        raise Wrong("the settings were changed: choose the squared distance, no blur and all of the mass again.")
    value = float(lab.value)
    if np.array_equal(lab.a.points, a.points) and np.array_equal(lab.b.points, b.points):
        raise Blank(f"nothing has been moved yet, and squared W2 is {value:.2f}. Drag in the laboratory first.")
    if abs(value - AIM) <= BAND:
        return f"squared W2 is {value:.3f}, and W2 itself {np.sqrt(value):.3f} km."
    mend = "Shorten the thick lines." if value > AIM else "That is too near: move something a little away."
    raise Wrong(f"squared W2 is {value:.3f}; it should be between {AIM - BAND} and {AIM + BAND}. {mend}")


@exercise("01-w1-w2", "W1 and W2 of two clouds")
def w1_and_w2(w1: Any, w2: Any, *, left: np.ndarray, right: np.ndarray) -> str:
    """W1 and W2, not its square."""
    first, second = number(w1, "w1"), number(w2, "w2")
    plain, squared = transport(left, right, cost="l2").value, transport(left, right).value
    exchanged = close(first, np.sqrt(squared), share=EXACT) and close(second, plain, share=EXACT)
    if exchanged and not close(first, second, share=EXACT):
        raise Wrong("`w1` and `w2` are exchanged.")
    cases = (
        ("w1", first, plain, [(lambda: np.sqrt(plain), "`w1` needs no root: its ground cost is not squared.")]),
        ("w2", second, np.sqrt(squared), [(lambda: squared, "`w2` is the square of W2: take the root.")]),
    )
    for name, found, expected, mistakes in cases:
        if not close(found, expected, share=EXACT):
            cost = "l2" if name == "w1" else "sqeuclidean"
            begin = f"begin with `wdd.ot.transport(left, right, cost='{cost}').value`."
            raise Wrong(first_match(found, mistakes) or f"`{name}` is {found:.4g}, and that is not it; {begin}")
    above = "W2 is never the smaller one: the root of a mean of squares is at least the mean."
    return f"W1 is {first:.3f} and W2 is {second:.3f}. {above}"


@exercise("01-sorting", "Squared W2 on a line")
def sorting(function: Any, *, left: np.ndarray, right: np.ndarray) -> str:
    """The mean squared difference of sorted samples, on the learner's numbers and on others."""
    rng = np.random.default_rng(1)
    others = [([0.0, 4.0], [1.0, 3.0]), ([4.0, 0.0], [1.0, 3.0]), (rng.normal(size=9), rng.normal(size=9) - 3)]
    for first, second in [*others, (left, right)]:
        x, y = np.asarray(first, float), np.asarray(second, float)
        found = number(called(function, "w2_squared_on_a_line", x, y), "what w2_squared_on_a_line returns")
        expected = transport(x[:, None], y[:, None]).value
        if not close(found, expected, share=EXACT):
            about = f"for {_shown(x)} and {_shown(y)} it returns {found:.4g}"
            raise Wrong(f"{about}: {_on_a_line(found, x, y) or f'{expected:.4g} would be right.'}")
    return "right for your numbers and for others, sorted or not. Here sorting took the place of a linear program."


def _on_a_line(found: float, x: np.ndarray, y: np.ndarray) -> str | None:
    """What is said of a known mistake."""
    steps = np.sort(x) - np.sort(y)
    return first_match(
        found,
        [
            (lambda: ((x - y) ** 2).mean(), "the pairs were taken as they came; sort both arrays first."),
            (lambda: ((np.sort(x) - y) ** 2).mean(), "only the first array was sorted; sort both."),
            (lambda: ((x - np.sort(y)) ** 2).mean(), "only the second array was sorted; sort both."),
            (lambda: (steps**2).sum(), "that is the sum; each pair carries mass 1/n, so take the mean."),
            (lambda: np.sqrt((steps**2).mean()), "that is W2; the squared one has no root."),
            (lambda: np.abs(steps).mean(), "that is W1; square the differences."),
        ],
    )


def _shown(values: np.ndarray) -> str:
    return str(np.round(values[:4], 2).tolist())[:-1] + (", ...]" if len(values) > 4 else "]")
