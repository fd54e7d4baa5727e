"""Cases of notebook 09."""

from typing import Any

import numpy as np
import pandas as pd
from cases import EMPTY, Answers, Case, Make, one

from wddkit.ot import Measure, transport, w2_squared
from wddkit.views import TransportLab

SIZES = np.array([100, 200, 400])
TIMES = pd.DataFrame(  # powers of n, so that the slopes are 3, 2 and 1
    {"exact": 1e-9 * SIZES**3, "Sinkhorn": 1e-6 * SIZES**2, "sliced": 1e-4 * SIZES}, index=SIZES
)
LOGS = np.log(SIZES), np.log(TIMES.to_numpy())
CROWD = np.array([[4.0, 2.0], [4.4, 2.4], [4.2, 2.8], [4.8, 2.2]])
A = Measure.of(np.vstack([CROWD, [[0.3, 0.3]]]), "a")
B = Measure.of(np.array([[4.1, 2.1], [4.5, 2.5], [4.3, 2.6], [4.7, 2.0], [4.4, 2.2]]), "b")
LEFT = np.array([[3.0, 4.0], [1.0, 0.0], [2.0, 2.0]])
RIGHT = np.array([[0.0, 2.0], [5.0, 0.0], [1.0, 3.0]])
COSINE = transport(LEFT, RIGHT, cost="cosine").value
POINTS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [5.0, 1.0], [2.0, 2.0]])
ORDERS = [np.array([0, 1, 2, 3, 4]), np.array([4, 2, 0, 1, 3]), np.array([3, 0, 1, 4, 2])]
DATA = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


def unit(points: np.ndarray, axis: int = 1) -> np.ndarray:
    return points / np.linalg.norm(points, axis=axis, keepdims=True)


def halves(*, orders: list[np.ndarray] = ORDERS, against: slice = slice(2, 4)) -> np.ndarray:
    return np.array([w2_squared(POINTS[order][:2], POINTS[order][against]) for order in orders])


def laboratory(**changes: Any) -> Make:
    """A laboratory of the crowd and the outlier, after these attributes were set."""

    def make() -> Answers:
        lab = TransportLab(A, B)
        for name, value in changes.items():
            setattr(lab, name, value)
        return (lab,)

    return make


def aside(east: float, north: float) -> np.ndarray:
    return DATA + np.array([east, north])


def pair(first: Any, second: Any) -> Make:
    return lambda: (first, second)


CASES = {
    "09-exponent": Case(
        given=lambda: {"times": TIMES},
        right=(one([3, 2, 1]), one(np.array([3.0, 2.0001, 1.0]))),
        wrong=(
            (one(np.polyfit(*LOGS, 1)[1]), "these are the intercepts"),
            (one(np.polyfit(SIZES, TIMES.to_numpy(), 1)[0]), "take the logarithm of both sides first"),
            (one(np.polyfit(LOGS[0], TIMES.to_numpy(), 1)[0]), "take the logarithm of the seconds as well"),
            (one(np.polyfit(SIZES, LOGS[1], 1)[0]), "take the logarithm of n as well"),
            (one([1 / 3, 1 / 2, 1]), "the axes are exchanged: n comes first, seconds second"),
            (one([8, 4, 2]), "these are factors of a doubling"),
            (one([1, 2, 3]), "the solvers are in another order than the columns"),
            (one([3, 2.5, 1]), r"for Sinkhorn you have 2.5; it took 0.01 s at n = 100, 0.16 s at n = 400"),
            (one([3, 2]), r"`slopes` has shape \(2,\); expected \(3,\), a slope for each of exact, Sinkhorn, sliced"),
        ),
        blank=(*EMPTY, one([...] * 3), one([3, ..., 1])),
        praise="exact 3.00, Sinkhorn 2.00, sliced 1.00: twice the points take 8.0, 4.0, 2.0 times as long",
    ),
    "09-outlier": Case(
        given=lambda: {"a": A, "b": B},
        right=(laboratory(reg=0.05, relax=3.0), laboratory(reg=0.1, relax=2.0)),
        wrong=(
            (laboratory(reg=0.05, relax=90.0), r"the outlier has \d+.\d% .* Its way is still worth the price: lower ρ"),
            (laboratory(reg=0.05, relax=0.01), "too cheap a price forgets everybody. Raise ρ"),
            (laboratory(mass=0.8), "that is a share to carry, chosen beforehand"),
            (laboratory(reg=0.05, relax=3.0, cost="l2"), "the ground cost is l2: choose the squared distance again"),
            (laboratory(a=CROWD), "the points or masses of a were changed: undo that"),
            (laboratory(b=B.points + 1), "the points or masses of b were changed"),
            (one(3.0), "give the laboratory itself, `lab`; this is a `float`"),
        ),
        blank=(laboratory(), laboratory(reg=0.1), *EMPTY),
        praise=r"at ρ = 3 the outlier has \d.\d% of what is carried, and the others carry \d+% .* with everything",
    ),
    "09-cosine": Case(
        given=lambda: {"left": LEFT, "right": RIGHT},
        right=(one(COSINE), one(w2_squared(unit(LEFT), unit(RIGHT)) / 2)),
        wrong=(
            (one(2 * COSINE), "the squared distance of two directions is 2 - 2 cos"),
            (one(np.sqrt(2 * COSINE)), "that is W2 of the directions"),
            (one(np.sqrt(COSINE)), "that is the root of it"),
            (one(w2_squared(LEFT, RIGHT)), "that is the squared W2 of the points"),
            (one(w2_squared(LEFT, RIGHT) / 2), "divide each point by its length first"),
            (one(w2_squared(unit(LEFT, 0), unit(RIGHT, 0)) / 2), "divide rows by their lengths, not columns"),
            (one(w2_squared(LEFT, unit(RIGHT)) / 2), "only `right` was divided by its lengths"),
            (one(w2_squared(unit(LEFT), RIGHT) / 2), "only `left` was divided by its lengths"),
            (one(77), "`value` is 77, and that is not it; begin with points of length 1"),
        ),
        blank=(*EMPTY, one("")),
        praise="as with `cost='cosine'`. Lengths have no say",
    ),
    "09-halves": Case(
        given=lambda: {"points": POINTS, "orders": ORDERS},
        right=(one(halves()), one(halves(against=slice(2, None)))),
        wrong=(
            (one(np.sqrt(halves())), "these are W2; leave the root out"),
            (one(halves(against=slice(None))), "that is half against all; half against half"),
            (one(halves(orders=[ORDERS[0]] * 3)), "the points were not put into each order first"),
            (one(halves() / 2), "do not divide by 2"),
            (
                one([float(((POINTS[o][:2].mean(0) - POINTS[o][2:4].mean(0)) ** 2).sum()) for o in ORDERS]),
                "that is the squared distance of their means",
            ),
            (one([0, 0, 0]), "for order 0 you have 0, and that is not it; take 2 points a half"),
            (one([1, 2]), r"`floors` has shape \(2,\); expected \(3,\), a number for each order"),
        ),
        blank=(*EMPTY, one([...] * 3)),
        praise=r"on average, \d+% of the variance, for halves that differ in nothing",
    ),
    "09-same": Case(
        given=lambda: {"data": DATA},
        right=(pair(aside(0.5, 0), aside(-0.5, 0)), pair(aside(0, 2).tolist(), aside(1.995, 0))),
        wrong=(
            (pair(aside(0.5, 0), aside(-0.7, 0)), r"to the data is 0.25 and 0.49; bring them within 1 %"),
            (pair(DATA, aside(1, 0)), "one of them is the data themselves"),
            (pair(aside(1, 0), aside(1, 0)), "both are the same cloud"),
            (pair(aside(1, 0), aside(np.cos(0.3), np.sin(0.3))), "but only 0.0893 from each other"),
            (pair([1.0, 2.0], DATA), r"`first` should be points in the plane, .*; it has shape \(2,\)"),
            (pair(aside(1, 0), "left"), r"`second` should be points in the plane"),
        ),
        blank=(pair(..., ...), pair(DATA, ...), pair(None, DATA)),
        praise=r"both have squared W2 0.25 to the data, and 1 to each other: the number says not where",
    ),
}
