"""Numbers drawn for print: masses, curves, accuracies and plans are those of the history."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from figure_toys import DIGITS, PLAN, evaluated, planless, reported, with_plan
from matplotlib.collections import QuadMesh
from views_toys import MASSES, toy, with_results

from wddkit.history import History
from wddkit.ot import Transport
from wddkit.views import figures

BARE = History.from_arrays(np.zeros((2, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1])
MOVE = Transport(PLAN, 1.5, (np.zeros(2), np.zeros(5)), 0.0)


@pytest.fixture(scope="module")
def digits() -> History:
    return History.load(DIGITS)


def test_bars_of_masses_are_the_masses_beside_the_uniform_line() -> None:
    figure = figures.masses(toy(), ["plain", 0])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["plain", "<script>alert…"]
    for axes in figure.axes:
        np.testing.assert_allclose([bar.get_height() for bar in axes.patches], np.sort(MASSES)[::-1])
        assert set(axes.lines[0].get_ydata()) == {0.5}  # 1/m
    assert "from 0.2 to 0.8" in figure.alt


def test_masses_of_very_many_classes_are_columns_of_marks() -> None:
    ways = {label: toy().barycenters[label % 3] for label in range(60)}
    many = History.from_arrays(np.zeros((1, 60, 3, 8, 8), np.uint8), np.arange(60), barycenters=ways)
    (axes,) = figures.masses(many).axes
    marks = [line.get_ydata() for line in axes.lines if line.get_marker() == "."]
    assert len(marks) == 60
    np.testing.assert_allclose(marks, np.tile(np.sort(MASSES)[::-1], (60, 1)))
    assert axes.get_xlabel() == "class (1 in 2 is named)"
    assert len(axes.get_xticklabels()) == 30


def test_what_is_not_there_is_said() -> None:
    alone = toy(barycenters={0: toy().barycenters[0]})
    assert "No barycenter was recorded for plain." in figures.masses(alone, [0, 1]).get_supxlabel()
    assert figures.masses(alone, [1]).axes[0].texts[0].get_text() == "No barycenter was recorded for these classes."
    assert figures.masses(BARE).axes[0].texts[0].get_text() == "No barycenter was recorded."
    assert figures.features(BARE).axes[0].texts[0].get_text() == "No features were recorded."
    assert figures.accuracy(BARE).axes[0].texts[0].get_text() == "No results were recorded."
    assert "No barycenter, losses or other" in figures.curves(BARE).axes[0].texts[0].get_text()
    said = figures.plan(planless(), "plain").axes[0].texts[0].get_text()
    assert said == "No transport plan of class plain was recorded."


def test_curves_hold_every_number_that_was_recorded(digits: History) -> None:
    figure = figures.curves(digits)
    values, *panels, strip, _ = figure.axes
    assert values.get_title(loc="left") == "Phase barycenter: squared W2 to real features"
    longest = max(len(way["value"]) for way in digits.barycenters.values())
    found = np.array([line.get_ydata() for line in values.lines if len(line.get_xdata()) == longest])
    for way in digits.barycenters.values():
        assert any(np.allclose(row[: len(way["value"])], way["value"]) for row in found)
    scalars = digits.scalars[digits.scalars.phase == "recover"]
    for axes in panels:
        (line,) = axes.lines
        name = axes.get_ylabel().removesuffix(" (log)")
        expected = scalars[["step", name]].dropna()
        np.testing.assert_array_equal(line.get_xdata(), expected["step"])
        np.testing.assert_allclose(line.get_ydata(), expected[name])
        assert "recover" in axes.get_title(loc="left")
    assert {axes.get_ylabel() for axes in panels} >= {"loss", "feature_gap"}
    mesh = strip.collections[0]
    assert isinstance(mesh, QuadMesh)
    np.testing.assert_allclose(np.asarray(mesh.get_array())[:, -1], digits.arrays(-1)[0]["statistics_error"], rtol=1e-6)


def test_phases_and_turned_knobs_are_marked() -> None:
    scalars = [
        {"phase": phase, "step": step, "block": 0, "loss": 3.0 - step}
        for phase, steps in (("recover", (0, 1)), ("polish", (2,)))
        for step in steps
    ]
    turn = {"event": "knob", "name": "lr", "before": 0.03, "after": 0.01, "step": 1}
    figure = figures.curves(reported(toy(barycenters={}), scalars=scalars, events=[turn]))
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "Phases recover, polish: loss"
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["recover", "polish"]
    assert [list(line.get_xdata()) for line in axes.lines] == [[0, 1], [2], [1, 1]]
    assert "step 1, learning rate: 0.03 → 0.01" in figure.get_supxlabel()


def test_accuracy_shows_every_set_with_its_interval() -> None:
    (axes,) = figures.accuracy(with_results(toy())).axes
    assert [bar.get_height() for bar in axes.patches] == [91.0, 89.0, 95.0]
    assert [text.get_text() for text in axes.texts] == ["91.0\n±2.5", "89.0", "95.0\n±0.0"]
    assert [label.get_text().split()[0] for label in axes.get_xticklabels()] == ["wmdd", "random", "the"]
    assert axes.get_ylim()[0] == 0
    assert "95 % interval over students" in axes.get_xlabel()


def test_each_protocol_has_axes_of_its_own_and_an_overview_one_of_them() -> None:
    history = evaluated({"wmdd": [80.0, 81.0], "random": [70.0]}, ipc=10, protocols=("hard", "soft"))
    titles = [axes.get_title(loc="left") for axes in figures.accuracy(history).axes]
    assert titles == ["Accuracy beside its controls: hard", "Accuracy beside its controls: soft"]
    assert figures.overview(history).axes[-1].get_title(loc="left").endswith("hard\n(1 of 2 protocols)")


def test_accuracy_by_ipc_draws_each_point_with_its_interval() -> None:
    runs = [
        evaluated({"wmdd": [base, base + 2], "random": [base - 10], "whole real set": [99.0, 99.2]}, ipc=ipc)
        for ipc, base in ((1, 80.0), (10, 90.0))
    ]
    figure = figures.accuracy_by_ipc(runs)
    (axes,) = figure.axes
    wmdd, random = axes.containers
    assert list(wmdd.lines[0].get_ydata()) == [81.0, 91.0]
    np.testing.assert_allclose(np.asarray(wmdd.lines[0].get_xdata(), float), [1, 10], rtol=0.05)  # moved aside a little
    low, high = wmdd.lines[2][0].get_segments()[0][:, 1]
    # Student's t of one degree of freedom is 12.706, and the standard error of 80 and 82 is 1.
    assert (low, high) == pytest.approx((81 - 12.706, 81 + 12.706), abs=1e-3)
    bars = random.lines[2][0].get_segments()
    assert not any(np.isfinite(bar).all() for bar in bars if len(bar))  # a single student has none
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10"]
    legend = axes.get_legend()
    assert legend is not None
    said = [" ".join(text.get_text().replace("\u200b", "").split()) for text in legend.get_texts()]
    assert said == ["wmdd", "random real images", "the whole real set"]
    assert "95 % t-intervals of the mean over 2 students" in " ".join(figure.get_supxlabel().split())
    assert "wmdd: 81.0 % at 1, 91.0 % at 10." in figure.alt


def test_names_of_lines_stand_in_the_key_whatever_they_are() -> None:
    (axes,) = figures.accuracy_by_ipc({"_hidden $x$": evaluated({"wmdd": [80.0]}, ipc=1)}).axes
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["\u200b_hidden \\$x\\$"]


def test_a_plan_is_a_matrix_beside_the_masses() -> None:
    figure = figures.plan(with_plan(assignment=False), "plain")
    axes, side = figure.axes[:2]
    shown = np.asarray(axes.images[0].get_array())
    np.testing.assert_allclose(np.nansum(shown), 0.65, rtol=1e-6)
    widths = [bar.get_width() for bar in side.patches]
    np.testing.assert_allclose(widths[:2], PLAN.sum(axis=1))
    np.testing.assert_allclose(widths[2:], [0.25, 0.4], rtol=1e-6)
    caption = " ".join(figure.get_supxlabel().split())
    assert "Shown is 65 % of the plan's mass, in 4 real images" in caption
    assert "white is no mass, or not recorded" in caption
    assert "65 % of the mass" in figure.alt


def test_a_whole_plan_is_drawn_with_its_marginals() -> None:
    figure = figures.plan_matrix(MOVE)
    top, _, axes, side = figure.axes[:4]
    np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()), PLAN)
    np.testing.assert_allclose([bar.get_height() for bar in top.patches], PLAN.sum(axis=0))
    np.testing.assert_allclose([bar.get_width() for bar in side.patches], PLAN.sum(axis=1))
    assert top.get_title(loc="left") == "Transport plan: value 1.5"
    assert "6 entries with mass" in figure.alt


@pytest.mark.parametrize("wrong", [None, MOVE.plan, dataclasses.replace(MOVE, plan=-PLAN)])
def test_what_is_no_plan_is_an_error(wrong: Any) -> None:
    with pytest.raises(
        ValueError, match=r"plan_matrix: expected a result of wdd.ot.transport, with a plan \[n_a, n_b\]"
    ):
        figures.plan_matrix(wrong)
