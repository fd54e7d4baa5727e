"""The self-checks by exercise, and what they found in this session."""

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wddkit.codec import unknown
from wddkit.course.answers import Blank, Wrong, is_blank
from wddkit.course.outcomes import Outcome, Progress, Status

Verify = Callable[..., str]

# Number of a notebook -> the module of its checks, loaded when asked for: later notebooks may need torch.
HOMES = {
    "00": "first_distillation",
    "01": "transport_by_hand",
    "02": "price_of_entropy",
    "03": "barycenters",
    "04": "features",
    "05": "recover",
    "06": "fair_evaluation",
    "07": "ablations",
    "08": "other_methods",
    "09": "limits",
    "10": "elsewhere",
    "11": "own_data",
}
UNTRIED = "fill in the cell, run it, then run this check again."


@dataclass(frozen=True)
class Exercise:
    """An exercise with its self-check, which returns words of praise, or raises `Wrong` or `Blank`."""

    name: str
    title: str
    verify: Verify


_EXERCISES: dict[str, Exercise] = {}
_FOUND: dict[str, Outcome] = {}


def exercise(name: str, title: str) -> Callable[[Verify], Verify]:
    """Makes a function the self-check of an exercise: positional arguments are answers, keywords what was given."""

    def register(verify: Verify) -> Verify:
        held = _EXERCISES.get(name)
        if held and held.verify.__module__ != verify.__module__:  # the same module: it was reloaded
            raise ValueError(f"exercise {name!r} has a check in {held.verify.__module__} already")
        _EXERCISES[name] = Exercise(name, title, verify)
        return verify

    return register


def exercises(notebook: str) -> list[Exercise]:
    """The exercises of a notebook, such as "01", in their order; ValueError if there is no such notebook."""
    if notebook not in HOMES:
        raise unknown("notebook", notebook, HOMES)
    _load(notebook)
    return [each for name, each in _EXERCISES.items() if name.startswith(f"{notebook}-")]


def check(exercise: str, *answers: Any, **given: Any) -> Outcome:
    """What is right or wrong about an answer, in words, kept for `progress`; a wrong answer is never an error.

    `exercise` is the name over the exercise, such as "01-cost"; then come the answers, and by keyword what was given.
    Raises ValueError for an exercise that does not exist, and for other arguments than its check takes.
    """
    home = exercise.partition("-")[0]
    known = {each.name: each for each in exercises(home)} if home in HOMES else {}
    if exercise not in known:
        raise unknown("exercise", exercise, known or [each.name for number in HOMES for each in exercises(number)])
    found = known[exercise]
    try:
        inspect.signature(found.verify).bind(*answers, **given)
    except TypeError as error:
        takes = str(inspect.signature(found.verify)).partition(" ->")[0]
        raise ValueError(f"check {exercise!r}: {error}; it takes {takes}") from None
    status, message = _judged(found.verify, answers, given)
    _FOUND[exercise] = Outcome(exercise, found.title, status, message)
    return _FOUND[exercise]


def _judged(verify: Verify, answers: tuple[Any, ...], given: dict[str, Any]) -> tuple[Status, str]:
    if any(map(is_blank, answers)):
        return "blank", UNTRIED
    try:
        return "passed", verify(*answers, **given)
    except Wrong as wrong:
        return "wrong", str(wrong)
    except Blank as blank:
        return "blank", str(blank)
    except Exception as error:  # an answer of a kind that nobody thought of must not look like a broken notebook
        return (
            "wrong",
            f"this check cannot read your answer ({type(error).__name__}: {error}). Compare it with the task.",
        )


def progress(notebook: str) -> Progress:
    """Which exercises of a notebook, such as "01", are passed in this session."""
    return Progress(
        [_FOUND.get(each.name, Outcome(each.name, each.title, "blank", UNTRIED)) for each in exercises(notebook)]
    )


def forget() -> None:
    """Forgets what was found in this session."""
    _FOUND.clear()


@functools.cache
def _load(notebook: str) -> None:
    importlib.import_module(f"wddkit.course.checks.{HOMES[notebook]}")
