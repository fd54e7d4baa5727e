"""What notebook 08 leans on: descriptions without families, and budgets of seconds."""

import re

import pytest

import wddkit as wdd
from wddkit.course.methods import described, steps_within
from wddkit.methods import METHODS


def test_a_description_says_what_a_method_is_and_not_its_family() -> None:
    table = described(["m3d", "kip"])
    assert list(table.columns) == ["about", "a step takes"]
    assert table.loc["kip", "a step takes"] == METHODS["kip"].step_cost
    assert "kernel ridge regression" in table.loc["kip", "about"]


@pytest.mark.slow
def test_ten_times_the_seconds_are_about_ten_times_the_steps() -> None:
    split = wdd.load("digits")
    config = wdd.Config(method=wdd.methods.DM(ipc=1, batch=16))
    few, many = (steps_within(config, split, seconds) for seconds in (2.0, 20.0))
    assert 3 < many / few < 40  # it is measured, on a machine that may be busy
    assert steps_within(config, split, 1e-6) == 1


def test_what_has_no_steps_or_no_seconds_is_refused() -> None:
    split = wdd.load("digits")
    with pytest.raises(ValueError, match="Herding takes no steps"):
        steps_within(wdd.Config(method=wdd.methods.Herding(ipc=1)), split, 1.0)
    with pytest.raises(ValueError, match=re.escape("expected seconds above 0 and a trial of at least 2 steps, got 0")):
        steps_within(wdd.Config(method=wdd.methods.DM(ipc=1)), split, 0)
