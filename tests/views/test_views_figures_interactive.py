"""Figures to hover and zoom: the history's numbers, with names that stay text."""

import html
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from browser import chromium, until, watched
from figure_toys import DIGITS, HOSTILE, PLAN, evaluated, hostile, planless, reported, with_plan
from playwright.sync_api import Page
from views_toys import MASSES, toy, with_results

from wddkit.history import History
from wddkit.ot import Transport
from wddkit.views.figures import interactive
from wddkit.views.scene.projection import NOT_DISTANCES

Draw = Callable[[History], go.Figure]
BARE = History.from_arrays(np.zeros((2, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1])


def plan(history: History) -> go.Figure:
    return interactive.plan(history, 1)


ALL: tuple[Draw, ...] = (
    interactive.features,
    interactive.film_strip,
    interactive.masses,
    interactive.curves,
    interactive.accuracy,
    plan,
)
MOVE = Transport(PLAN, 1.5, (np.zeros(2), np.zeros(5)), 0.0)


@pytest.fixture(scope="module")
def digits() -> History:
    return History.load(DIGITS)


def said(figure: go.Figure) -> list[str]:
    """All text of a figure that plotly would read tags in."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str):
            found.append(value)
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(each)

    content = json.loads(figure.to_json())
    del content["layout"]["template"], content["layout"]["meta"]
    content["layout"].pop("images", None)
    walk(content)
    return found


def annotations(figure: go.Figure) -> list[str]:
    return [html.unescape(each.text.replace("<br>", " ")) for each in figure.layout.annotations]


@pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("history", [with_results(toy()), BARE], ids=["full", "bare"])
def test_a_figure_has_a_title_a_size_and_a_text_alternative(draw: Draw, history: History) -> None:
    figure = draw(history)
    assert type(figure) is go.Figure
    assert figure.layout.title.text
    assert 200 <= figure.layout.height <= 2000
    assert 300 <= figure.layout.width <= 1600
    assert len(figure.layout.meta["alt"]) > 10


@pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
def test_nothing_is_written_smaller_than_twelve_pixels(draw: Draw, digits: History) -> None:
    sizes = [
        size
        for part in json.loads(draw(digits).to_json())["layout"].get("annotations", [])
        if (size := part.get("font", {}).get("size")) is not None
    ]
    assert draw(digits).layout.font.size >= 12
    assert all(size >= 12 for size in sizes)


def test_one_form_does_not_load_the_library_of_the_other() -> None:
    code = (
        "import sys, numpy\nfrom wddkit.history import History\nfrom wddkit.views.figures import interactive\n"
        "interactive.film_strip(History.from_arrays(numpy.zeros((1, 2, 1, 8, 8), 'u1'), [0, 1])).to_html()\n"
        "loaded = {'matplotlib', 'torch', 'ipywidgets', 'anywidget'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
def test_no_name_is_read_as_a_tag_a_formula_or_a_template(draw: Draw) -> None:
    ours = ("<br>", "<b>", "</b>", "<extra></extra>")
    # What plotly is told to put in; with names in it, the templates of two histories would differ.
    templates = {trace.hovertemplate for trace in draw(with_results(toy())).data}
    for text in said(draw(hostile())):
        bare = text
        for tag in ours:
            bare = bare.replace(tag, "")
        assert "<" not in bare, text
        assert "$" not in text, text
        assert "%{" not in text or text in templates, text


def test_names_come_out_as_they_went_in() -> None:
    figure = interactive.features(hostile())
    found = {html.unescape(text) for text in said(figure)}
    for name in HOSTILE:
        line = " ".join(name.split())
        short = line if len(line) <= 18 else f"{line[:17]}…"
        assert any(short in text for text in found), name


def test_features_are_where_the_projection_puts_them(digits: History) -> None:
    figure = interactive.features(digits)
    traces = {trace.name: trace for trace in figure.data if len(trace.x) > 1}
    assert len(traces["real image"].x) == 900
    assert len(traces["distilled image"].x) == 100
    masses = np.concatenate([way["masses"][-1] for way in digits.barycenters.values()])
    areas = np.square(traces["support point"].marker.size)
    np.testing.assert_allclose(areas / areas.sum(), masses / masses.sum())
    assert traces["support point"].text[0].startswith(f"support point 1 of class 0<br>mass {masses[0]:.3g}")
    assert any(NOT_DISTANCES in text for text in annotations(figure))
    assert "% of the variance" in figure.layout.xaxis.title.text
    assert {trace.name for trace in figure.data if trace.showlegend is not False} == set(traces)


def test_a_film_strip_is_a_picture_with_words_over_each_image() -> None:
    figure = interactive.film_strip(toy(), [2, "plain"], image=1, snapshots=3)
    picture, words = figure.data
    assert picture.source.startswith("data:image/png;base64,")
    assert len(words.text) == 6
    assert words.text[5] == "distilled image 2 of class plain<br>step 16"
    assert list(figure.layout.xaxis.ticktext) == ["0", "4", "16"]


def test_bars_of_masses_are_the_masses_beside_the_uniform_line() -> None:
    figure = interactive.masses(toy(), ["plain", 0])
    for bars in figure.data:
        np.testing.assert_allclose(bars.y, np.sort(MASSES)[::-1])
    assert [line.y0 for line in figure.layout.shapes] == [0.5, 0.5]
    assert figure.data[0].text[0] == "support point 2 of class plain<br>mass 0.8<br>all equal: 0.5"
    alone = toy(barycenters={0: toy().barycenters[0]})
    assert "No barycenter was recorded for plain." in annotations(interactive.masses(alone, [0, 1]))
    assert annotations(interactive.masses(alone, [1])) == ["No barycenter was recorded for these classes."]


def test_masses_of_very_many_classes_are_columns_of_marks() -> None:
    ways = {label: toy().barycenters[label % 3] for label in range(70)}
    many = History.from_arrays(np.zeros((1, 70, 3, 8, 8), np.uint8), np.arange(70), barycenters=ways)
    marks, levels = interactive.masses(many).data
    np.testing.assert_allclose(np.reshape(marks.y, (70, 2)), np.tile(np.sort(MASSES)[::-1], (70, 1)))
    assert {y for y in levels.y if y is not None} == {0.5}


def test_curves_hold_every_number_that_was_recorded(digits: History) -> None:
    figure = interactive.curves(digits)
    training = next(trace for trace in figure.data if str(trace.name).startswith("training features"))
    last = np.mean([way["value"][-1] for way in digits.barycenters.values()])
    assert training.y[-1] == pytest.approx(last)
    scalars = digits.scalars[digits.scalars.phase == "recover"]
    drawn = {
        trace.text[0].split("<br>")[0]: trace for trace in figure.data if trace.name is None and trace.type == "scatter"
    }
    for name in ("loss", "feature", "statistics", "feature_gap", "statistics_error"):
        np.testing.assert_allclose(drawn[name].y, scalars[name].dropna())
    strip = next(trace for trace in figure.data if trace.type == "heatmap")
    assert "layer 3<br>step 300: error" in strip.text[2][-1]
    titles = annotations(figure)
    assert titles[:2] == ["Phase barycenter: squared W2 to real features", "Phase recover: loss"]


def test_phases_and_turned_knobs_are_marked() -> None:
    scalars = [
        {"phase": phase, "step": step, "block": 0, "loss": 3.0 - step}
        for phase, steps in (("recover", (0, 1)), ("polish", (2,)))
        for step in steps
    ]
    turn = {"event": "knob", "name": "lr", "before": 0.03, "after": 0.01, "step": 1}
    figure = interactive.curves(reported(toy(barycenters={}), scalars=scalars, events=[turn]))
    assert {"recover", "polish", "Phases recover, polish: loss"} <= set(annotations(figure))
    assert [line.x0 for line in figure.layout.shapes] == [1]
    assert any("step 1, learning rate: 0.03 → 0.01" in text for text in annotations(figure))


def test_accuracy_shows_every_set_with_its_interval() -> None:
    figure = interactive.accuracy(with_results(toy()))
    bars, intervals = figure.data
    assert list(bars.y) == [91.0, 89.0, 95.0]
    assert list(intervals.x) == [0, 2]  # the single student of the second set has none
    np.testing.assert_allclose(intervals.error_y.array, [2.484, 0.0], atol=1e-3)
    assert annotations(figure) == ["91.0 ±2.5", "89.0", "95.0 ±0.0"]
    assert "a single student, n = 1" in bars.text[1]


def test_accuracy_by_ipc_draws_each_point_with_its_interval() -> None:
    runs = [
        evaluated({"wmdd": [base, base + 2], "random": [base - 10], "whole real set": [99.0, 99.2]}, ipc=ipc)
        for ipc, base in ((1, 80.0), (10, 90.0))
    ]
    figure = interactive.accuracy_by_ipc(runs)
    named = {trace.name: trace for trace in figure.data if trace.name}
    assert list(named) == ["wmdd", "random real images", "the whole real set"]
    assert list(named["wmdd"].y) == [81.0, 91.0]
    assert "10 images per class<br>accuracy 91.00 %" in named["wmdd"].text[1]
    intervals = [list(trace.error_y.array) for trace in figure.data if trace.error_y.array is not None]
    np.testing.assert_allclose(intervals[0], [12.706, 12.706], atol=1e-3)  # t of one degree of freedom, error 1
    assert intervals[1] == []
    (band,) = figure.layout.shapes
    assert (band.y0 + band.y1) / 2 == pytest.approx(99.1)
    assert figure.layout.xaxis.type == "log"
    assert list(figure.layout.xaxis.ticktext) == ["1", "10"]


def test_lines_keep_their_colour_from_panel_to_panel() -> None:
    runs = [
        evaluated({"wmdd": [80.0]}, ipc=1, protocols=("hard", "soft")),
        evaluated({"dm": [70.0]}, ipc=1, protocols=("soft",)),
    ]
    colours = {(trace.name, trace.line.color) for trace in interactive.accuracy_by_ipc(runs).data if trace.name}
    assert len(colours) == 2


def test_a_plan_is_a_matrix_beside_the_masses() -> None:
    figure = interactive.plan(with_plan(assignment=True), "plain")
    matrix, shown, whole = figure.data
    np.testing.assert_allclose(np.nansum(np.asarray(matrix.z, float)), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(matrix.customdata[0], [0, 1, 2, 3, 4])
    assert matrix.zmin == 0
    assert matrix.zmax == pytest.approx(0.2)
    np.testing.assert_allclose(shown.x, PLAN.sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(whole.x, PLAN.sum(axis=1))
    assert any("Shown is 100 % of the plan's mass, in 5 real images" in text for text in annotations(figure))
    assert annotations(interactive.plan(planless(), 1)) == ["No transport plan of class plain was recorded."]


def test_a_whole_plan_is_drawn_with_its_marginals() -> None:
    above, beside, matrix = interactive.plan_matrix(MOVE).data
    np.testing.assert_array_equal(matrix.z, PLAN)
    np.testing.assert_allclose(above.y, PLAN.sum(axis=0))
    np.testing.assert_allclose(beside.x, PLAN.sum(axis=1))
    with pytest.raises(ValueError, match=r"plan_matrix: expected a result of wdd\.ot\.transport"):
        interactive.plan_matrix(PLAN)  # type: ignore[arg-type]


def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="frame 5 of a run of 5 snapshots; expected 0 to 4"):
        interactive.features(toy(), 5)
    with pytest.raises(ValueError, match="no projection 'umap'; expected one of pca, lda, plan"):
        interactive.features(toy(), projection="umap")
    with pytest.raises(ValueError, match="no class 'nobody'"):
        interactive.plan(toy(), "nobody")
    with pytest.raises(ValueError, match="no class 7"):
        interactive.masses(toy(), [7])


def hovered(page: Page, trace: int, point: int) -> str:
    """What is said of a point when the pointer comes to it: another text than that of the point before."""
    layer = page.locator(".hoverlayer")
    before = layer.text_content() or ""
    page.evaluate(
        "([curve, point]) => Plotly.Fx.hover(document.querySelector('.js-plotly-plot'),"
        " [{curveNumber: curve, pointNumber: point}])",
        [trace, point],
    )
    until(page, lambda: layer.text_content() not in ("", before))
    return layer.text_content() or ""


@pytest.mark.browser
@pytest.mark.slow
def test_a_page_needs_no_network_and_hovering_shows_names_as_text(tmp_path: Any) -> None:
    path = tmp_path / "features.html"
    interactive.features(hostile()).write_html(path, include_plotlyjs=True)
    with chromium() as browser:
        view = watched(browser)
        view.page.goto(path.as_uri())
        view.page.wait_for_selector(".main-svg")
        # Real images, support points, distilled images.
        seen = [hovered(view.page, trace, point) for trace in (0, 2, 4) for point in range(3)]
        written = view.page.locator(".infolayer").all_text_contents()
        view.shot("figures-interactive-features")
        assert not view.errors
        assert not view.outside
    assert seen[0] == "real image 0 of the training setclass <script>alert(1)<…"
    assert seen[1] == "real image 1 of the training setclass <i>$x$</i>%{x}"
    assert "<i>$x$</i>%{x}" in " ".join(written)
    assert all("mass" in text for text in seen[3:6])
