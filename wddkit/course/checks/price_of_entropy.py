"""Self-checks of notebook 02: blur in the laboratory, a round of Sinkhorn, its price, debiasing, shrinking."""

from typing import Any

import numpy as np
from scipy.special import logsumexp

from wddkit.course.answers import (
    Blank,
    Mistakes,
    Wrong,
    array,
    called,
    close,
    first_match,
    itself,
    kind_of,
    number,
    plain,
)
from wddkit.course.registry import exercise
from wddkit.ot import Measure, sinkhorn_divergence, transport

EXACT = 1e-6  # share of the largest number: what rounding may cost
BAND = (0.04, 0.06)  # how much dearer the plan of exercise 1 should be
MOST, LEAST = 0.01, 0.005  # and that of exercise 3
START = 1.0  # reg of the lesson "blur"


@exercise("02-band", "What blur costs")
def band(lab: Any, *, a: Measure, b: Measure) -> str:
    """A laboratory whose blurred plan costs 4 % to 6 % more than the exact one."""
    itself(lab, "lab", "laboratory", ("sides", "reg"))
    for name, now, then in (("a", lab.a, a), ("b", lab.b, b)):
        same = now.points.shape == then.points.shape and close(now.points, then.points)
        if not same or not close(now.masses, then.masses):
            raise Wrong(f"{name} was changed: choose the lesson “Entropic blur” again, then move only the blur.")
    if (lab.cost, lab.relax, lab.mass) != ("sqeuclidean", None, 1.0):
        raise Wrong("other settings were changed: choose the squared distance and all of the mass again.")
    least = transport(a, b).value
    if lab.reg is None:
        raise Wrong(f"this is the exact plan, which costs {least:.2f}. Move the blur to the right.")
    dearer = float(lab.value) / least - 1
    if lab.reg == START:
        raise Blank(f"the blur is where the lesson put it, and the plan costs {dearer:.1%} more. Move the slider.")
    if BAND[0] <= dearer <= BAND[1]:
        return f"at reg {lab.reg:.2g} the plan costs {lab.value:.2f} instead of {least:.2f}: {dearer:.1%} more."
    mend = "Less blur." if dearer > BAND[1] else "More blur."
    raise Wrong(f"at reg {lab.reg:.2g} the plan costs {dearer:.1%} more; it should be 4 % to 6 %. {mend}")


@exercise("02-step", "One round of Sinkhorn")
def sinkhorn_round(function: Any, *, C: np.ndarray, a: np.ndarray, b: np.ndarray) -> str:
    """Both potentials after a round, for masses that differ, for the learner's clouds, and for a reg that is small."""
    small = np.array([[1.0, 4.0, 2.0], [3.0, 0.5, 6.0]])
    uneven = (np.array([0.3, -0.2, 0.1]), small, np.array([0.75, 0.25]), np.array([0.2, 0.5, 0.3]), 0.7)
    at_zero = np.zeros(len(b))
    # So small that of some row every exponential is 0 in float64, which ends at exp(-745).
    tiny = float(C.min(axis=1).max()) / 1500
    for v, costs, rows, columns, reg in (uneven, (at_zero, C, a, b, 0.5), (at_zero, C, a, b, tiny)):
        with np.errstate(all="ignore"):
            found = called(function, "sinkhorn_round", v, costs, rows, columns, reg)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise Wrong(f"`sinkhorn_round` returns {kind_of(found)}; return both, `u, v`.")
        _round_is_right(found, (v, costs, rows, columns, reg))
    return "rows and columns are right, for equal masses and others, and no small `reg` breaks it."


def _round_is_right(found: Any, asked: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]) -> None:
    """Raises Wrong that tells which potential is not right, and why."""
    v, C, a, b, reg = asked
    for name, each in zip("uv", found, strict=True):
        if np.ndim(plain(each)) == 1 and not np.isfinite(np.asarray(plain(each), float)).all():
            raise Wrong(
                f"at reg {reg:.3g}, with costs up to {C.max():.3g}, `{name}` is not finite: an exponential left the "
                "range of numbers. Sum with `scipy.special.logsumexp`, which takes the largest exponent out first."
            )
    u = array(found[0], "u", (len(a),), of="a number for each row")
    _potential_is_right("u", u, (v - C) / reg, b, (a, reg))
    new = array(found[1], "v", (len(b),), of="a number for each column")
    if close(new, v):
        raise Wrong("`u` is right; `v` is still what came in: now update it, with the new `u`.")
    _potential_is_right("v", new, (u[:, None] - C).T / reg, a, (b, reg))


def _potential_is_right(
    name: str, found: np.ndarray, exponents: np.ndarray, weights: np.ndarray, own: tuple[np.ndarray, float]
) -> None:
    """Raises Wrong that tells a known mistake: of the sum, its weights, its sign or its factor."""
    masses, reg = own
    sums = logsumexp(exponents, b=weights, axis=1)
    if close(found, -reg * sums, share=EXACT):
        return
    plain, other = logsumexp(exponents, axis=1), "b" if name == "u" else "a"
    said = first_match(
        found,
        [
            (lambda: reg * sums, "the sign is wrong: the masses ask for *minus* reg times the logarithm."),
            (lambda: -sums, "the factor reg before the logarithm is missing."),
            (lambda: -reg * plain, f"the masses `{other}` in the sum are missing: `logsumexp(..., b=...)`."),
            (
                lambda: reg * (np.log(masses) - plain),
                "this is the step for T = exp((u + v - C) / reg); here `a_i b_j` stands before the exponential.",
            ),
            (lambda: np.exp(-sums), "this is exp(u / reg), a scaling; take its logarithm times reg."),
        ],
    )
    right = "`u` is right; " if name == "v" else ""
    i = int(np.abs(found + reg * sums).argmax())
    raise Wrong(
        right + (f"for `{name}`: {said}" if said else f"`{name}[{i}]` is {found[i]:.4g}, not {-reg * sums[i]:.4g}.")
    )


@exercise("02-percent", "Less than one percent")
def percent(reg: Any, *, x: np.ndarray, y: np.ndarray) -> str:
    """A reg whose plan is between 0.5 % and 1 % dearer than the exact one."""
    found = number(reg, "reg")
    if found <= 0:
        raise Wrong(f"`reg` is {found:.4g}; it is a positive number.")
    try:
        dearer = transport(x, y, reg=found).value / transport(x, y).value - 1
    except ValueError as error:
        raise Wrong(f"no plan was found at this `reg`: {error}.") from None
    if dearer > MOST:
        raise Wrong(f"at reg {found:.4g} the plan costs {dearer:.2%} more than the exact one. Take a smaller one.")
    if dearer < LEAST:
        raise Wrong(f"at reg {found:.4g} the plan costs {dearer:.2%} more: less than needed. A larger reg is faster.")
    largest = float(((x[:, None] - y) ** 2).sum(axis=2).max())
    return f"at reg {found:.3g} it is {dearer:.2%} dearer. The largest cost is {largest / found:.0f} times as large."


@exercise("02-divergence", "Debias by hand")
def divergence(S: Any, *, x: np.ndarray, y: np.ndarray, reg: float) -> str:
    """OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2."""
    found, expected, exact = number(S, "S"), sinkhorn_divergence(x, y, reg=reg), transport(x, y).value
    if abs(found - expected) <= EXACT * exact or close(found, expected):
        side = "below" if expected < exact else "above"
        above = transport(x, y, reg=reg).value - exact
        return f"{expected:.3f}, {abs(expected - exact):.3f} {side} squared W2; the plan alone is {above:.3f} above."
    raise Wrong(_undebiased(found, x, y, reg) or f"`S` is {found:.4g}, and {expected:.4g} would be right.")


def _undebiased(found: float, x: np.ndarray, y: np.ndarray, reg: float) -> str | None:
    """What is said of a known mistake."""
    three = [transport(one, other, reg=reg) for one, other in ((x, y), (x, x), (y, y))]
    (xy, xx, yy), (cost, own_x, own_y) = (
        [sum(float(u.mean()) for u in t.potentials) for t in three],
        [t.value for t in three],
    )
    mistakes: Mistakes = [
        (lambda: cost - own_x / 2 - own_y / 2, "`.value` leaves the entropic term out; take the means of potentials."),
        (lambda: xy - xx - yy, "of the two bias terms only one half each is taken off."),
        (lambda: xy, "this is OT(x, y) alone, before debiasing."),
        (lambda: cost, "this is the plan's cost alone; OT has the entropic term, and S takes the bias off."),
        (lambda: xy + xx / 2 + yy / 2, "the bias terms are taken off, not added."),
        (lambda: xy - xx / 2, "the bias of `y` is missing."),
        (lambda: xy - yy / 2, "the bias of `x` is missing."),
        (lambda: transport(x, y).value, "this is the exact squared W2, at no reg at all."),
    ]
    return first_match(found, mistakes)


@exercise("02-shrink", "One step, and what is left")
def shrink(step: Any, kept: Any, *, x: np.ndarray, plan: np.ndarray) -> str:
    """The barycentric projection of an entropic plan of x to itself, and its share of the variance."""
    found = array(step, "step", x.shape, of="a row a point")
    expected = plan @ x / plan.sum(axis=1, keepdims=True)
    if not close(found, expected, share=EXACT):
        said = first_match(
            found,
            [
                (lambda: plan @ x, "these are sums of mass times place; divide each row by its mass."),
                (lambda: expected - x, "these are the moves; the new places are asked for."),
                (lambda: x, "these are the points themselves: the plan here is the blurred one."),
            ],
        )
        raise Wrong(said or f"`step[0]` is {found[0].round(3).tolist()}, and {expected[0].round(3).tolist()} is right.")
    share = number(kept, "kept")
    ratio = float(expected.var(axis=0).sum() / x.var(axis=0).sum())
    if close(share, ratio, share=EXACT):
        return f"one step keeps {ratio:.0%} of the variance: the rest is the spread of what each mean is a mean of."
    said = first_match(
        share,
        [
            (lambda: 1 - ratio, "that is the share that is lost."),
            (lambda: np.sqrt(ratio), "that is the ratio of standard deviations; take variances."),
            (lambda: 1 / ratio, "upside down: the variance of `step` divided by that of `x`."),
            (lambda: 100 * ratio, "as a share, not in percent."),
            (lambda: float(expected.var() / x.var()), "`.var()` mixes the coordinates: `.var(axis=0).sum()`."),
        ],
    )
    raise Wrong(f"`step` is right; `kept`: {said or f'it is {share:.4g}, and that is not it.'}")
