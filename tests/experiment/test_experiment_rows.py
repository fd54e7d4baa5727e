"""Tables of rows whose numbers one knows: what stands once, and what is concluded where nothing differs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from experiment_toys import CONFIG, HARD, TEACHER

import wddkit as wdd
from wddkit.comparison import table
from wddkit.comparison.rows import Choice, Row
from wddkit.methods import WMDD, Nearest

BASE = replace(CONFIG, method=WMDD(ipc=2), protocols=(HARD,))
GIVEN = Choice()
FULL = (100.0, 100.0, 100.0)


def row(
    name: str, accuracies: Sequence[float], config: wdd.Config = BASE, *, run: str = "run", choice: Choice = GIVEN
) -> Row:
    """A set under three synthesis seeds, a student each."""
    each = {(0, seed): {"ipc": 2, "accuracies": [value], "bytes": 8} for seed, value in enumerate(accuracies)}
    return Row(config, HARD, name, each, run, choice)


def test_equal_controls_of_two_teachers_are_two() -> None:
    other = replace(BASE, teacher=replace(TEACHER, network=replace(TEACHER.network, width=8)))
    rows = [
        row(name, values, config, run=f"run of {config.teacher.network.width}" if config.teacher else "")
        for config in (BASE, other)
        for name, values in (("wmdd", (100, 99, 98)), ("random", (90, 92, 91)), ("nearest", FULL))
    ]
    found = table(rows)
    assert [*found["set"]] == ["wmdd", "random", "nearest"] * 2
    assert [*found[found["set"] == "wmdd"]["selection"]] == ["nearest", "nearest"]
    assert [*found[found["set"] == "wmdd"]["gain_selection"]] == [-1, -1]


def test_equal_controls_of_other_settings_are_two() -> None:
    uniform = replace(BASE, method=WMDD(ipc=2, masses="uniform"))
    found = table([row("nearest", FULL), row("nearest", FULL, uniform)])
    assert [*found["settings"]] == ["", "masses=uniform"]


@pytest.mark.parametrize("turned", [False, True])
def test_of_equal_controls_that_which_was_chosen_stands(turned: bool) -> None:
    chosen = row("nearest", FULL, replace(BASE, method=Nearest(2)), choice=Choice(2, "as given", 93.0))
    rows = [row("wmdd", (100, 99, 98)), *[row("nearest", FULL), chosen][:: -1 if turned else 1]]
    found = table(rows).set_index("set")
    assert [*found.index] == ["wmdd", "nearest"]
    assert (found.loc["nearest", "trials"], found.loc["nearest", "validation"]) == (2, 93)


def test_nothing_is_concluded_where_all_differences_are_equal() -> None:
    found = table([row("wmdd", FULL), row("random", (98.0, 98.0, 98.0))]).set_index("set")
    assert found.loc["wmdd", "gain"] == 2
    assert found.loc["wmdd", ["gain_low", "gain_high", "p", "p_holm", "detectable"]].isna().all()
    assert not found["best"].any()
    assert np.isnan(found.loc["random", "detectable"])
