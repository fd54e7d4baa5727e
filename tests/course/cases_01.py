"""Cases of notebook 01."""

from collections.abc import Callable
from typing import Any

import numpy as np
from cases import EMPTY, Answers, Case, Make, one

from wddkit.ot import Measure, transport
from wddkit.views import TransportLab

X = np.array([[1.0, 3.2], [1.2, 0.8], [2.8, 2.0]])
Y = np.array([[2.2, 3.5], [3.4, 0.6], [4.6, 3.0], [5.2, 1.4]])
A, B = np.array([0.5, 0.3, 0.2]), np.full(4, 0.25)
C = np.array([[1.53, 12.52, 13.0, 20.88], [8.29, 4.88, 16.4, 16.36], [2.61, 2.32, 4.24, 6.12]])  # worked by hand
PLAN = np.array([[0.25, 0, 0.25, 0], [0, 0.25, 0, 0.05], [0, 0, 0, 0.2]])
LAZY = np.outer(A, B)
LEFT = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 2.0]])
RIGHT = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 1.0]])
W1, SQUARED = transport(LEFT, RIGHT, cost="l2").value, transport(LEFT, RIGHT).value


def laboratory(**changes: Any) -> Make:
    """A laboratory of the bakeries and cafés, after these attributes were set."""

    def make() -> Answers:
        lab = TransportLab(Measure(X, A), Measure(Y, B))
        for name, value in changes.items():
            setattr(lab, name, value)
        return (lab,)

    return make


def cafes(near: float, masses: np.ndarray = B) -> Measure:
    """The cafés, this share of the way from where their bread comes from."""
    suppliers = PLAN.T @ X / B[:, None]
    return Measure(suppliers + near * (Y - suppliers), masses)


def at_two() -> float:
    """The share at which squared W2 is 2: it is lowest + share² (highest - lowest) along this way."""
    lowest, highest = (transport(Measure(X, A), cafes(share)).value for share in (0, 1))
    return float(np.sqrt((2 - lowest) / (highest - lowest)))


def on_a_line(returned: Callable[[np.ndarray, np.ndarray], Any]) -> Make:
    return one(returned)


def raises(first: np.ndarray, second: np.ndarray) -> float:
    raise IndexError("too far")


def unwritten(first: np.ndarray, second: np.ndarray) -> float:
    raise NotImplementedError  # a learner's function that is not written yet


def by_loop(first: np.ndarray, second: np.ndarray) -> float:
    return sum((x - y) ** 2 for x, y in zip(sorted(first), sorted(second), strict=True)) / len(first)


def spoils(first: np.ndarray, second: np.ndarray) -> float:
    first.sort()
    second.sort()
    return float(((first - second) ** 2).mean())


CASES = {
    "01-cost": Case(
        given=lambda: {"x": X, "y": Y},
        right=(one(C), one(C.tolist())),
        wrong=(
            (one(np.sqrt(C)), "these are distances; the ground cost is their square, so leave out the root"),
            (one(C / 2), "you took the mean over east and north"),
            (
                one(np.abs(X[:, None] - Y).sum(axis=2)),
                r"you summed \|differences\|; square each of them before summing",
            ),
            (one((X[:, None] - Y).sum(axis=2) ** 2), "you summed first and squared then"),
            (one(C.T), r"`C` has shape \(4, 3\); expected \(3, 4\), a row a bakery .* It seems to be turned: try `.T`"),
            (
                one(C + np.eye(3, 4)),
                r"`C\[0, 0\]` is 2.53, not 1.53: bakery 0 and café 0 are 1.2 km apart .* and 0.3 km",
            ),
            (one(np.where(C > 20, np.nan, C)), r"`C` is nan at \[0, 3\]; every entry should be a finite number"),
            (one("C"), "`C` should hold numbers, and it is a `str`"),
            (one(7), r"`C` has shape \(\); expected \(3, 4\)"),
        ),
        blank=(*EMPTY, one([[..., 1.0]] * 3), one("")),
        praise="every entry is the squared distance",
    ),
    "01-plan": Case(
        given=lambda: {"a": A, "b": B, "C": C},
        right=(one(PLAN), one([[0.25, 0.05, 0.2, 0], [0, 0.2, 0, 0.1], [0, 0, 0.05, 0.15]])),
        wrong=(
            (one(LAZY), "the marginals are right, and the cost is 10.2.., not lower than the lazy plan's 10.2"),
            (
                one(PLAN[::-1]),
                "row 0 sums to 0.2, less than bakery 0 bakes: 0.5. Rows should sum to .0.5, 0.3, 0.2., and",
            ),
            (one(PLAN * 100), "the rows have the right proportions, but they sum to 100 in all"),
            (
                one([[0.5, 0, 0, 0], [0, 0.3, 0, 0], [0, 0, 0, 0.2]]),
                "column 0 sums to 0.5, more than café 0 takes: 0.25. Columns should sum to",
            ),
            (
                one(PLAN + np.array([[0.1, -0.1, 0, 0], [-0.1, 0.1, 0, 0], [0, 0, 0, 0]])),
                r"`plan\[0, 1\]` is -0.1: nobody can carry less than nothing",
            ),
            (one(PLAN.T), r"`plan` has shape \(4, 3\); expected \(3, 4\)"),
            (one(np.zeros((3, 4))), "row 0 sums to 0, less than bakery 0 bakes"),
        ),
        blank=(*EMPTY, one([[...] * 4] * 3), one([[0.25, 0.25, 0, 0], [...] * 4, [0, 0, 0, 0.2]])),
        praise="right marginals, cost 6.89[45]: this is the cheapest plan there is",
    ),
    "01-drag": Case(
        given=lambda: {"a": Measure(X, A), "b": Measure(Y, B)},
        right=(lambda: laboratory(b=cafes(at_two()))(), lambda: laboratory(b=cafes(1.02 * at_two()))()),
        wrong=(
            (
                laboratory(b=cafes(0.9)),
                r"squared W2 is 5.\d+; it should be between 1.9 and 2.1. Shorten the thick lines",
            ),
            (laboratory(b=cafes(0.1)), "That is too near: move something a little away"),
            (laboratory(b=cafes(0.5, A[[0, 1, 2, 2]] / 1.2)), "the masses of b were changed: undo that, and only drag"),
            (laboratory(b=Y[:3]), "b has 3 points now, and had 4: undo that, and only drag"),
            (laboratory(b=cafes(0.5), cost="l2"), "the settings were changed: choose the squared distance"),
            (laboratory(b=cafes(0.5), reg=0.1), "the settings were changed"),
            (one(2.0), "give the laboratory itself, `lab`; this is a `float`"),
        ),
        blank=(*EMPTY, laboratory()),
        praise=r"squared W2 is 2\.000, and W2 itself 1\.414 km",
    ),
    "01-w1-w2": Case(
        given=lambda: {"left": LEFT, "right": RIGHT},
        right=(lambda: (W1, np.sqrt(SQUARED)),),
        wrong=(
            (lambda: (W1, SQUARED), "`w2` is the square of W2: take the root"),
            (lambda: (np.sqrt(W1), np.sqrt(SQUARED)), "`w1` needs no root"),
            (lambda: (np.sqrt(SQUARED), W1), "`w1` and `w2` are exchanged"),
            (lambda: (0.0, np.sqrt(SQUARED)), r"`w1` is 0, and that is not it; begin with `.*cost='l2'\).value`"),
            (lambda: (W1, 9.0), r"`w2` is 9, and that is not it; begin with `.*cost='sqeuclidean'\).value`"),
            (lambda: ([W1], np.sqrt(SQUARED)), r"`w1` has shape \(1,\); expected \(\), one number"),
        ),
        blank=(lambda: (..., ...), lambda: (W1, ...), lambda: (None, SQUARED)),
        praise="W2 is never the smaller one",
    ),
    "01-sorting": Case(
        given=lambda: {"left": LEFT[:, 0], "right": RIGHT[:, 0]},
        right=(one(by_loop), one(spoils), on_a_line(lambda x, y: ((np.sort(x) - np.sort(y)) ** 2).mean())),
        wrong=(
            (
                on_a_line(lambda x, y: ((x - y) ** 2).mean()),
                r"for \[4.0, 0.0\] and .*: the pairs were taken as they came",
            ),
            (on_a_line(lambda x, y: ((np.sort(x) - y) ** 2).mean()), "only the first array was sorted; sort both"),
            (on_a_line(lambda x, y: ((x - np.sort(y)) ** 2).mean()), "the pairs were taken as they came"),
            (
                on_a_line(lambda x, y: ((np.sort(x) - np.sort(y)) ** 2).sum()),
                r"for \[0.0, 4.0\] .* returns 2: that is the sum",
            ),
            (on_a_line(lambda x, y: np.sqrt(by_loop(x, y))), "that is W2; the squared one has no root"),
            (on_a_line(lambda x, y: np.abs(np.sort(x) - np.sort(y)).mean()), "that is W1; square the differences"),
            (on_a_line(lambda x, y: -1.0), "returns -1: 1 would be right"),
            (
                on_a_line(lambda x, y: x),
                r"what w2_squared_on_a_line returns` has shape \(2,\); expected \(\), one number",
            ),
            (on_a_line(raises), "`w2_squared_on_a_line` stopped with IndexError: too far"),
            (one(1.0), "`w2_squared_on_a_line` should be a function, and it is a `float`"),
        ),
        blank=(*EMPTY, on_a_line(lambda x, y: ...), on_a_line(lambda x, y: None), on_a_line(unwritten)),
        praise="right for your numbers and for others",
    ),
}
