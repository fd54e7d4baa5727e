"""Every self-check with right, wrong and empty answers: it passes only the right ones, and says what is wrong."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wddkit import course
from wddkit.course import registry
from wddkit.course.registry import HOMES, exercises
from wddkit.history import History
from wddkit.ot import Measure, transport
from wddkit.views import Explorer, TransportLab

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

Answers = tuple[Any, ...]
Make = Callable[[], Answers]


@dataclass(frozen=True)
class Case:
    """What a check is given, right answers, wrong ones with what is said of them, and unfinished ones."""

    given: Mapping[str, Any]
    right: tuple[Make, ...]
    wrong: tuple[tuple[Make, str], ...]
    blank: tuple[Make, ...] = ()
    praise: str = ""


X = np.array([[1.0, 3.2], [1.2, 0.8], [2.8, 2.0]])
Y = np.array([[2.2, 3.5], [3.4, 0.6], [4.6, 3.0], [5.2, 1.4]])
A, B = np.array([0.5, 0.3, 0.2]), np.full(4, 0.25)
C = np.array([[1.53, 12.52, 13.0, 20.88], [8.29, 4.88, 16.4, 16.36], [2.61, 2.32, 4.24, 6.12]])  # worked by hand
PLAN = np.array([[0.25, 0, 0.25, 0], [0, 0.25, 0, 0.05], [0, 0, 0, 0.2]])
LAZY = np.outer(A, B)
LEFT = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 2.0]])
RIGHT = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 1.0]])
W1, SQUARED = transport(LEFT, RIGHT, cost="l2").value, transport(LEFT, RIGHT).value


def one(value: Any) -> Make:
    return lambda: (value,)


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


@functools.cache
def history() -> History:
    return History.load(NOTEBOOKS / "recorded" / "digits-wmdd-10")


def explorer(*, selected: int = 39, step: int = -1) -> Make:
    def make() -> Answers:
        return (Explorer(history(), step=step, selected=selected),)

    return make


def shares(*, divide: str = "sum", name: str = "value", at: int = -1) -> list[float]:
    found = []
    for label in range(10):
        cloud = history().real.features[history().real.labels == label].astype(float)
        spread = {"sum": cloud.var(axis=0).sum(), "mean": cloud.var(axis=0).mean(), "all": cloud.var(), "none": 1.0}
        found.append(float(history().barycenters[label][name][at]) / spread[divide])
    return found


def changes(
    change: Callable[[np.ndarray, np.ndarray], Any], *, per_step: bool = True, exact: bool = True
) -> list[float]:
    """Changes between snapshots, of images as they are stored unless exact."""
    found = []
    for t in range(len(history().frames) - 1):
        steps = history().frames[t + 1].step - history().frames[t].step
        before, after = (history().images(k).astype(float if exact else np.uint8) for k in (t, t + 1))
        found.append(float(change(before, after)) / (steps if per_step else 1))
    return found


def absolute(before: np.ndarray, after: np.ndarray) -> Any:
    return np.abs(after - before).mean()


def rows() -> Any:
    return history().results[["set", "accuracy", "low", "high"]]


def gained(gain: Callable[[Any], Any], overlap: Any) -> Make:
    return lambda: (gain(rows().accuracy), overlap)


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


EMPTY = one(...), one(None)

CASES = {
    "00-follow": Case(
        given={"label": 3},
        right=(explorer(),),
        wrong=(
            (explorer(selected=30), "this one has the mass 0.065 at the end, and 7 of its class have more"),
            (explorer(selected=31), "this one has the mass 0.130 at the end, and 1 of its class has more"),
            (explorer(selected=50), "you follow an image of class 5; choose class 3"),
            (explorer(step=20), "the heaviest one, but the slider is at recover, step 79. Move it to its end"),
            (one(3), "give the Explorer itself, `view`; this is an `int`"),
        ),
        blank=(explorer(selected=-1), explorer(step=0), *EMPTY),
        praise="it stands for 20.7% of its class, where equal masses would give every one 10%",
    ),
    "00-unexplained": Case(
        given={},
        right=(lambda: (shares(),), lambda: (np.round(shares(), 3),)),
        wrong=(
            (lambda: (shares(divide="none"),), "these are the values themselves; divide each by the variance"),
            (lambda: (1 / np.array(shares()),), "upside down: divide the value by the variance"),
            (lambda: (1 - np.array(shares()),), "these are the shares that the points explain"),
            (lambda: (shares(name="heldout"),), "this is the held-out value; take `value`"),
            (lambda: (shares(at=0),), "this is the value of the first step; take the last one"),
            (lambda: (shares(divide="mean"),), "sum the variances of the coordinates, no mean"),
            (lambda: (shares(divide="all"),), r"`\.var\(\)` mixes the coordinates: `\.var\(axis=0\)\.sum\(\)`"),
            (lambda: ([0.5] * 10,), "for class 1 you have 0.5; its value is 5.056 and its variance 18.67"),
            (lambda: (shares()[:9],), r"`unexplained` has shape \(9,\); expected \(10,\), a share for each class"),
        ),
        blank=(*EMPTY, one([...] * 10), one([0.3, ..., *[0.1] * 8])),
        praise="class 5 is hardest: 43% of its variance is left, and 27% of that of the easiest",
    ),
    "00-changes": Case(
        given={},
        right=(lambda: (changes(absolute),),),
        wrong=(
            (lambda: (changes(absolute, per_step=False),), "divide each by its number of steps"),
            (
                lambda: (changes(lambda b, a: (a - b).mean(), exact=False),),
                "in uint8, 3 - 5 is 254: convert the images",
            ),
            (lambda: (changes(lambda b, a: np.abs(a - b).mean(), exact=False),), "in uint8, 3 - 5 is 254"),
            (
                lambda: (changes(lambda b, a: (a - b).mean(), exact=False, per_step=False),),
                "in uint8, 3 - 5 is 254: .*; and divide by the steps",
            ),
            (lambda: (changes(lambda b, a: (a - b).mean()),), "brighter and darker pixels cancel out"),
            (lambda: (np.array(changes(absolute)) / 255,), "you divided by 255"),
            (lambda: (changes(lambda b, a: ((a - b) ** 2).mean()),), "absolute, not squared"),
            (lambda: ([0.0] * 11,), "from snapshot 0 to 1 you have 0; a pixel changes by 5.197 in 5 steps"),
            (lambda: ([1.0] * 12,), r"`changes` has shape \(12,\); expected \(11,\), a number for each pair"),
        ),
        blank=(*EMPTY, one([...] * 11)),
        praise="from 1.04 grey levels a step at the start to 0.012 at the end",
    ),
    "00-gain": Case(
        given={},
        right=(gained(lambda a: a[0] - a[1], True), gained(lambda a: 0.46, np.bool_(True))),
        wrong=(
            (gained(lambda a: a[1] - a[0], True), "the other way round: the distilled set minus random images"),
            (gained(lambda a: (a[0] - a[1]) / 100, True), "accuracies are in percent already"),
            (gained(lambda a: a[0] - a[2], True), "row 2 has the nearest real images; take row 1"),
            (gained(lambda a: a[0] / a[1], True), "a gain in points is a difference, not a ratio"),
            (gained(lambda a: 7.0, True), "`gain` is 7; subtract 98.47 from 98.93"),
            (
                gained(lambda a: a[0] - a[1], "yes"),
                "the gain is right; `overlap` should be True or False, and it is 'yes'",
            ),
            (
                gained(lambda a: a[0] - a[1], False),
                r"look at the intervals again: \[98.21, 99.65\] and \[97.55, 99.38\]",
            ),
            (gained(lambda a: "much", True), "`gain` should hold numbers, and it is a `str`"),
        ),
        blank=(gained(lambda a: ..., ...), gained(lambda a: 0.46, ...), gained(lambda a: None, True)),
        praise=r"\+0.46 points, and the intervals overlap: these students cannot tell the sets apart",
    ),
    "01-cost": Case(
        given={"x": X, "y": Y},
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
        given={"a": A, "b": B, "C": C},
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
        given={"a": Measure(X, A), "b": Measure(Y, B)},
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
        given={"left": LEFT, "right": RIGHT},
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
        given={"left": LEFT[:, 0], "right": RIGHT[:, 0]},
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


def given(name: str) -> dict[str, Any]:
    more = {"00-gain": lambda: {"results": rows()}}
    usual = (lambda: {"history": history()}) if name.startswith("00-") else dict
    return {**CASES[name].given, **more.get(name, usual)()}


def listed(part: str) -> list[Any]:
    return [
        pytest.param(name, each, id=f"{name}-{k}")
        for name, case in CASES.items()
        for k, each in enumerate(getattr(case, part))
    ]


def test_every_exercise_has_its_cases() -> None:
    assert list(CASES) == [each.name for notebook in HOMES for each in exercises(notebook)]
    assert all(len(case.right) >= 1 and len(case.wrong) >= 3 and len(case.blank) >= 2 for case in CASES.values())


@pytest.mark.parametrize(("name", "answer"), listed("right"))
def test_a_right_answer_passes(name: str, answer: Make) -> None:
    found = course.check(name, *answer(), **given(name))
    assert found.status == "passed", found
    assert course.progress(name[:2]).passed == 1


@pytest.mark.parametrize("name", CASES)
def test_the_first_right_answer_is_told_something_worth_knowing(name: str) -> None:
    assert CASES[name].praise

    found = course.check(name, *CASES[name].right[0](), **given(name))
    assert re.search(CASES[name].praise, found.message), found


@pytest.mark.parametrize(("name", "answer"), listed("wrong"))
def test_a_wrong_answer_is_told_what_is_wrong(name: str, answer: tuple[Make, str]) -> None:

    make, said = answer
    found = course.check(name, *make(), **given(name))
    assert found.status == "wrong", found
    assert re.search(said, found.message), found.message
    assert course.progress(name[:2]).passed == 0


@pytest.mark.parametrize(("name", "answer"), listed("blank"))
def test_an_empty_answer_is_not_filled_in_yet(name: str, answer: Make) -> None:
    found = course.check(name, *answer(), **given(name))
    assert found.status == "blank", found
    assert "Not filled in yet" in repr(found)


NONSENSE = [object(), float("nan"), "?", {"a": 1}, [[1], [1, 2]], np.zeros((0, 4)), lambda: 1, int, 1j, True, np.inf]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_never_right_and_never_an_error(name: str, value: Any) -> None:
    answers = [
        parameter
        for parameter in inspect.signature(registry._EXERCISES[name].verify).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    found = course.check(name, *([value] * len(answers)), **given(name))
    assert found.status in ("wrong", "blank"), found
    assert len(found.message) > 10


def test_the_costs_worked_by_hand_are_those_of_the_library() -> None:
    lowest = transport(Measure(X, A), Measure(Y, B))
    assert lowest.value == pytest.approx((PLAN * C).sum(), abs=1e-12)
    np.testing.assert_allclose(lowest.plan, PLAN, atol=1e-12)
