"""Lessons and one's own points: what a laboratory is told at first and later, and what it refuses."""

import json
import re
from typing import Any

import numpy as np
import pytest
import traitlets

from wddkit.views import BarycenterLab, TransportLab
from wddkit.views.labs.lessons import BARYCENTER, TRANSPORT

A, B = np.eye(2), np.eye(2) + 1
NAN = float("nan")


def test_arguments_go_over_the_values_of_the_lesson() -> None:
    lab = BarycenterLab(m=7, masses="uniform", cost="l1", trim=0.3, seed=3)
    assert (len(lab.start), lab.rule, lab.cost, lab.trim, lab.lesson) == (7, "uniform", "l1", 0.3, "three groups")
    assert lab.start == BarycenterLab(lab.points, m=7, masses="uniform", cost="l1", trim=0.3, seed=3).start
    assert lab.start != BarycenterLab(m=7, masses="uniform", cost="l1", trim=0.3, seed=4).start
    ring = BarycenterLab(lesson="ring", m=7)
    assert (len(ring.start), ring.lesson, ring.rule) == (7, "ring", "free")
    assert BarycenterLab(lesson="ring", start=[[1, 2]], m=1).start == [[1.0, 2.0]]
    assert len(BarycenterLab(lesson="quantiles", seed=1).start) == 4
    assert BarycenterLab(lesson="two measures", weights=[0.2, 0.8]).weights == [0.2, 0.8]
    plain = BarycenterLab(lesson="bad start")
    assert plain.start == next(each.state["start"] for each in BARYCENTER if each.name == "bad start")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": []}, "points: expected an array [n, d], a Measure, or a list of them, got an empty list"),
        ({"points": A, "start": "a"}, "start: expected real numbers, got str"),
        ({"points": A, "start": A, "m": 3}, "start: 2 support points, and m is 3; give m of them, or leave out m"),
        ({"points": A, "masses": A}, "unknown masses of a laboratory array("),
        ({"lesson": "two measures", "masses": "free"}, "rule: free masses are for one measure, and there are 2"),
        ({"lesson": "ring", "weights": [0.5, 0.5]}, "weights: expected [1.0] for one measure, got [0.5, 0.5]"),
    ],
)
def test_wrong_arguments_are_named_with_the_way_out(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        BarycenterLab(**arguments)


@pytest.mark.parametrize("weights", [[NAN, 1.0], 3, "ab", [0.5, 0.6], [1.0], [-1.0, 2.0], [float("inf"), 1.0]])
def test_weights_are_positive_numbers_that_sum_to_one(weights: Any) -> None:
    message = re.escape(f"weights: expected 2 positive numbers that sum to 1, got {weights!r}"[:70])
    with pytest.raises(ValueError, match=rf"{message}.*; give each measure its share, such as \[0\.5, 0\.5\]"):
        BarycenterLab([A, B], m=2, masses="uniform", weights=weights)


def test_traits_are_refused_as_arguments_are() -> None:
    lab = BarycenterLab([A, B], m=2, masses="uniform")
    with pytest.raises(traitlets.TraitError, match="weights: expected 2 positive numbers that sum to 1"):
        lab.weights = [NAN, 1.0]
    with pytest.raises(traitlets.TraitError, match="data: expected a list of one measure or several, got an empty one"):
        lab.data = []
    with pytest.raises(ValueError, match=r"points: expected an array \[n, d\], a Measure, or a list of them, got an"):
        lab.points = []
    assert (lab.weights, len(lab.data)) == ([0.5, 0.5], 2)


def test_setting_a_lesson_loads_its_points_and_settings() -> None:
    lab = TransportLab(cost="l1")
    for name in [each.name for each in TRANSPORT] * 2:
        lab.lesson = name
        expected = TransportLab(lesson=name)
        assert (lab.lesson, lab.sides, lab.cost) == (name, expected.sides, expected.cost)
        assert (lab.reg, lab.relax, lab.mass) == (expected.reg, expected.relax, expected.mass)
    lab.lesson = "outlier"
    lab.mass = 1.0
    assert lab.lesson == "outlier"  # its text asks for that
    lab.lesson = "outlier"
    assert lab.mass == 0.9
    several = BarycenterLab(trim=0.2)
    for name in [each.name for each in BARYCENTER] * 2:
        several.lesson = name
        one = BarycenterLab(lesson=name)
        assert (several.lesson, several.data, several.weights) == (name, one.data, one.weights)
        assert (several.start, several.rule, several.trim) == (one.start, one.rule, one.trim)


@pytest.mark.parametrize("name", ["nope", "<script>", 3])
@pytest.mark.parametrize("lab", [TransportLab, BarycenterLab])
def test_a_lesson_that_there_is_not_is_refused_and_the_names_are_listed(lab: Any, name: Any) -> None:
    shown = lab()
    before = shown.lesson
    known = ", ".join(sorted(each.name for each in shown.LESSONS))
    for set_ in (lambda: setattr(shown, "lesson", name), lambda: shown.set_state({"lesson": str(name)})):
        with pytest.raises(traitlets.TraitError, match=f"unknown lesson .*Known: {known}"):
            set_()
        assert shown.lesson == before
    with pytest.raises(ValueError, match=f"unknown lesson .*Known: {known}"):
        lab(lesson=name)


def test_other_points_are_nobody_elses_lesson() -> None:
    lab = TransportLab(lesson="sorting")
    lab.a = [[1.0], [2.0]]
    assert lab.lesson == ""
    lab.lesson = "sorting"
    assert len(lab.a) == 6
    lab.set_trait("lesson", "sixty")  # without its points
    assert lab.lesson == ""
    other = BarycenterLab(lesson="ring")
    other.points = A
    assert other.lesson == ""
    other = BarycenterLab(lesson="ring")
    other.start = [[1.0, 1.0]]  # which its text asks for
    assert other.lesson == "ring"


def test_what_the_browser_loaded_and_turned_is_not_loaded_anew() -> None:
    lab = TransportLab()
    sides = json.loads(json.dumps(TransportLab(lesson="outlier").sides))
    lab.set_state({"sides": sides, "lesson": "outlier", "mass": 0.5})
    assert (lab.lesson, lab.mass, len(lab.a)) == ("outlier", 0.5, 10)
    lab.set_state({"sides": {"a": sides["a"], "b": sides["a"]}, "lesson": ""})
    assert lab.lesson == ""


@pytest.mark.parametrize(
    ("lab", "name", "message"),
    [
        (TransportLab, "regg", "unknown attribute of a TransportLab 'regg'. Did you mean 'reg'? Known: a, b, cost, "),
        (TransportLab, "plan", "plan of a TransportLab follows from the rest and cannot be set; set one of a, b, "),
        (BarycenterLab, "stepp", "unknown attribute of a BarycenterLab 'stepp'. Did you mean 'step'? Known: cost, "),
        (BarycenterLab, "m", "m cannot be set on a BarycenterLab: it is the length of start, which can be set"),
        (BarycenterLab, "masses", "masses cannot be set on a BarycenterLab: they follow from rule, which can be set"),
    ],
)
def test_attributes_that_there_are_not_are_errors_with_the_near_names(lab: Any, name: str, message: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(message)):
        setattr(lab(), name, 0.1)
