"""Annealed Lloyd steps for k-means with cells of given mass, many classes at once, in NumPy and in torch alike.

The plan of least cost between a support y with masses w and data x with masses b, blurred by a temperature ε, is found
from one potential for each support point (semi-discrete entropic transport: Genevay et al. 2016; Cuturi and Peyré
2018). With C_ij = |y_i - x_j|² it maximises the concave

    F(u) = Σ_i w_i u_i - ε Σ_j b_j log Σ_i exp((u_i - C_ij) / ε)
    ∇F = w - P b          ∇²F = -(diag(P b) - P diag(b) P^T) / ε          P_ij ~ exp((u_i - C_ij) / ε), Σ_i P_ij = 1

so T = P diag(b) has the column sums b always, and the row sums w at the maximum. A **Sinkhorn** step sets
u_i += ε (log w_i - log (P b)_i); when ε is small, thousands of them are needed. A **Newton** step solves for all m
potentials at once, and a few are enough. Between them the support moves to the means of its cells and ε falls: first
all of the cells are blurred into each other, at the end almost every point belongs to one (deterministic annealing,
Rose 1998, with masses given). It ends in better minima than Lloyd's alternation from the same start.

Arrays have a leading axis of classes, c, of which none feels another; `xp` is the module that they come from, numpy or
torch. Points are to be centred and of total variance 1, so that ε is a share of the variance.
"""

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeVar

from jaxtyping import Bool, Float, Float64

from wddkit.ot.measure import whole_number

SINKHORN = 2  # steps after each change of cost and temperature; they repair empty cells
NEWTON = 16  # most steps after those; where m divides n, two or three are enough
BALANCED = 1e-3  # Σ_i |w_i - (P b)_i| at which a plan is good enough to move on
# RIDGE w_i is added to the diagonal of Newton's matrix where Σ_i |w_i - (P b)_i| is TRUST or more, else a smaller part.
RIDGE, TRUST = 1e-2, 0.3
LEAST_RIDGE = 1e-6  # above the rounding of P diag(b) P^T in float32
HALVINGS = 8
EMPTY = 1e-6  # share of w_i below which a cell's mean says nothing
UNDERFLOW = 1e-30  # (P b)_i below which its logarithm is taken term by term
ROUNDINGS = 32  # of the arrays' type: a step that lowers F by less, F being near 1, has not been seen to lower it
COLDEST = 1e-6  # share of the variance: below it, exponents in float32 have no digits left

T_ = TypeVar("T_", "Cells", "Blurred")


@dataclass(frozen=True, eq=False)
class Cells:
    """What is to be balanced: costs S of support points against data of masses b, and the masses w they shall have.

    S_ij = |y_i|² - 2 y_i·x_j: without |x_j|², which changes no plan, fewer digits cancel. For padding b is 0.
    """

    S: Float[Any, "c m n"]
    b: Float[Any, "c n"]
    w: Float[Any, "c m"]


@dataclass(frozen=True, eq=False)
class Blurred:
    """The plan P diag(b) of potentials u: P, its row sums r = P b, log Σ_i exp((u_i - S_ij) / ε), and F(u)."""

    u: Float[Any, "c m"]
    P: Float[Any, "c m n"]
    r: Float[Any, "c m"]
    logs: Float[Any, "c n"]
    F: Float64[Any, " c"]


def schedule(start: float = 0.2, end: float = 0.002, *, steps: int = 24, last: int = 2) -> tuple[float, ...]:
    """Temperatures that fall geometrically from `start` to `end` in `steps`, and stay there for `last` more.

    They are shares of the data's total variance. From 0.5 on, the support falls together onto the mean, and what the
    start knew is lost. Raises ValueError unless start >= end >= 1e-6, and steps >= 1 and last >= 0 are whole numbers.
    """
    if not (isinstance(start, Real) and isinstance(end, Real) and math.inf > start >= end >= COLDEST):
        raise ValueError(
            f"temperatures: expected numbers with start >= end >= {COLDEST:.0e}, got {start!r} and {end!r}"
        )
    steps, last = whole_number(steps, "steps", least=1), whole_number(last, "last", least=0)
    # Numbers of Python: one of NumPy in float64 would turn arrays in float32 into its own kind.
    high, low = float(start), float(end)
    return (*(high * (low / high) ** (k / max(1, steps - 1)) for k in range(steps)), *[low] * last)


def anneal(
    xp: Any,
    x: Float[Any, "c n d"],
    b: Float[Any, "c n"],
    w: Float[Any, "c m"],
    y: Float[Any, "c m d"],
    temperatures: Sequence[float],
) -> Iterator[tuple[Float[Any, "c m d"], Float[Any, "c m n"]]]:
    """Support and plan after each temperature: the plan is balanced for the support before, which it then moves.

    The plans T have column sums b and row sums near w; y_i = Σ_j T_ij x_j / Σ_j T_ij.
    """
    u = xp.zeros_like(w)
    for eps in temperatures:
        S = (y * y).sum(axis=2)[:, :, None] - 2 * (y @ x.mT)
        found = balanced(xp, Cells(S, b, w), u, eps)
        T = found.P * b[:, None]
        u, y = found.u, cell_means(xp, T, x, w, y)
        yield y, T


def balanced(xp: Any, cells: Cells, u: Float[Any, "c m"], eps: float) -> Blurred:
    """The plan at temperature ε, from potentials u: Sinkhorn steps, then Newton steps until it balances."""
    at = blurred(xp, cells, u, eps)
    for _ in range(SINKHORN):
        at = blurred(xp, cells, sinkhorn(xp, cells, at, eps), eps)
    for _ in range(NEWTON):
        off = xp.abs(cells.w - at.r).sum(axis=1) > BALANCED
        if not off.any():
            break
        at = _put(xp, at, off, newton(xp, _take(cells, off), _take(at, off), eps))
    return at


def blurred(xp: Any, cells: Cells, u: Float[Any, "c m"], eps: float) -> Blurred:
    """P, P b and F at the potentials u."""
    P = cells.S * (-1 / eps)
    P += (u / eps)[:, :, None]
    top = xp.amax(P, axis=1, keepdims=True)
    P -= top
    xp.exp(P, out=P)
    total = P.sum(axis=1, keepdims=True)
    P /= total
    logs = (top + xp.log(total))[:, 0]
    r = (P @ cells.b[:, :, None])[:, :, 0]
    # In float64, because steps are judged by differences of F.
    wide = functools.partial(xp.asarray, dtype=xp.float64)
    F = (wide(cells.w) * wide(u)).sum(axis=1) - eps * (wide(cells.b) * wide(logs)).sum(axis=1)
    return Blurred(u, P, r, logs, F)


def sinkhorn(xp: Any, cells: Cells, at: Blurred, eps: float) -> Float[Any, "c m"]:
    """u_i + ε (log w_i - log (P b)_i), which maximises F over each u_i alone."""
    log_r = xp.log(xp.clip(at.r, UNDERFLOW, None))
    lost = at.r < UNDERFLOW
    if lost.any():
        held = cells.b > 0
        terms = (at.u[:, :, None] - cells.S) / eps - at.logs[:, None]
        terms += xp.where(held, xp.log(xp.where(held, cells.b, 1.0)), -math.inf)[:, None]
        top = xp.amax(terms, axis=2, keepdims=True)
        exact = (top + xp.log(xp.exp(terms - top).sum(axis=2, keepdims=True)))[:, :, 0]
        log_r = xp.where(lost, exact, log_r)
    return at.u + eps * (xp.log(cells.w) - log_r)


def newton(xp: Any, cells: Cells, at: Blurred, eps: float) -> Blurred:
    """One damped Newton step of F.

    The ridge keeps cells that do not touch, whose potentials the Hessian does not tie together, from being thrown far;
    near balance it fades, else it would keep the steps too short. A step that does not raise F is halved; where no
    half does, a Sinkhorn step is made. (Of its own kind beside `solvers.masses.ascend` and `wddkit.ot.entropic`: those
    take one problem in float64, and linear algebra of many in float32 asks for other guards.)
    """
    Q = at.P * xp.sqrt(cells.b)[:, None]
    H = -xp.asarray(Q @ Q.mT, dtype=xp.float64)
    diagonal = list(range(H.shape[1]))
    gradient = cells.w - at.r
    ridge = xp.clip(RIDGE / TRUST * xp.abs(gradient).sum(axis=1), LEAST_RIDGE, RIDGE)[:, None]
    H[:, diagonal, diagonal] += at.r + ridge * cells.w
    direction = xp.linalg.solve(H, xp.asarray(eps * gradient, dtype=xp.float64)[:, :, None])[:, :, 0]
    direction = xp.asarray(direction, dtype=at.u.dtype)

    noise = ROUNDINGS * float(xp.finfo(at.u.dtype).eps)
    found = blurred(xp, cells, at.u + direction, eps)
    for halving in range(1, HALVINGS + 1):
        low = ~(found.F + noise >= at.F)  # NaN is low
        if not low.any():
            return found
        u = _take(at, low).u + 0.5**halving * direction[low]
        found = _put(xp, found, low, blurred(xp, _take(cells, low), u, eps))
    low = ~(found.F + noise >= at.F)
    if low.any():
        part = _take(cells, low)
        found = _put(xp, found, low, blurred(xp, part, sinkhorn(xp, part, _take(at, low), eps), eps))
    return found


def cell_means(
    xp: Any, T: Float[Any, "c m n"], x: Float[Any, "c n d"], w: Float[Any, "c m"], y: Float[Any, "c m d"]
) -> Float[Any, "c m d"]:
    """y_i = Σ_j T_ij x_j / Σ_j T_ij; of an empty cell, y_i as it was.

    Unlike `wddkit.ot.geometry.means`, of dense blurred plans, for which empty is what rounding leaves.
    """
    r = T.sum(axis=2)[:, :, None]
    held = r > EMPTY * w[:, :, None]
    return xp.where(held, (T @ x) / xp.where(held, r, 1.0), y)


def _take(value: T_, chosen: Bool[Any, " c"]) -> T_:
    """The classes that are chosen."""
    if chosen.all():
        return value
    return dataclasses.replace(value, **{name: each[chosen] for name, each in vars(value).items()})


def _put(xp: Any, value: Blurred, chosen: Bool[Any, " c"], part: Blurred) -> Blurred:
    """The value with these for the classes that are chosen."""
    if chosen.all():
        return part
    fields = {name: xp.asarray(each, copy=True) for name, each in vars(value).items()}
    for name, each in fields.items():
        each[chosen] = getattr(part, name)
    return Blurred(**fields)
