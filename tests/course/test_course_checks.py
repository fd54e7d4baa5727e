"""Every self-check with right, wrong and empty answers: it passes only the right ones, and says what is wrong."""

import importlib
import inspect
import re
from typing import Any

import numpy as np
import pytest
from cases import Case, Make

from wddkit import course
from wddkit.course.registry import HOMES, exercises

CASES: dict[str, Case] = {
    name: case for number in HOMES for name, case in importlib.import_module(f"cases_{number}").CASES.items()
}


def given(name: str) -> dict[str, Any]:
    return dict(CASES[name].given())


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
    verify = next(each.verify for each in exercises(name[:2]) if each.name == name)
    answers = [
        parameter
        for parameter in inspect.signature(verify).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    found = course.check(name, *([value] * len(answers)), **given(name))
    assert found.status in ("wrong", "blank"), found
    assert len(found.message) > 10
