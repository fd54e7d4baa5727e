"""Figures of a sweep: whole, labelled, and their numbers those of the table."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy import stats
from sweep_toys import sweep_of

from wddkit.history import Sweep
from wddkit.views import figures
from wddkit.views.figures import interactive

Draw = Callable[..., Figure]
ALL: tuple[Draw, ...] = (figures.heat_map, figures.main_effects, figures.scatter)
ACTIVE = (interactive.heat_map, interactive.main_effects, interactive.scatter)
HOSTILE = ("<i>$x$</i>%{x}", "_plain")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweep_of(tmp_path_factory.mktemp("sweep"), seeds=3, runs=False)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Levels whose names try to be something else, one pair of them never run, two protocols, one seed."""
    fields = {"method.note": HOSTILE, "method.flag": [True, False], "method.ipc": [1, 10, 50]}
    path = tmp_path_factory.mktemp("hostile")
    return sweep_of(path, fields=fields, seeds=1, protocols=("hard", "soft"), runs=False, drop=(0, 1))


def drawn(draw: Draw, sweep: Sweep) -> Figure:
    return draw(sweep, "w2_squared") if draw is figures.scatter else draw(sweep)


def texts(figure: Figure) -> list[Text]:
    """All that is written; ticks know labels beyond the end of their axis, which are not."""
    figure.draw_without_rendering()
    beyond = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        beyond |= {id(label) for t in ticks if not low <= t.get_loc() <= high for label in (t.label1, t.label2)}
    written = (text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip())
    return [text for text in written if id(text) not in beyond]


@pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
def test_a_figure_is_labelled_whole_and_has_a_text_alternative(draw: Draw, sweep: Sweep, hostile: Sweep) -> None:
    for own in (sweep, hostile):
        figure = drawn(draw, own)
        assert isinstance(figure, figures.Picture)
        png, metadata = figure._repr_png_()
        assert png.startswith(b"\x89PNG")
        assert len(metadata["alt"]) > 40
        for text in texts(figure):
            assert text.get_fontsize() >= 8, text
            box, paper = text.get_window_extent(), figure.bbox
            assert box.x0 > paper.x0 - 2, text
            assert box.x1 < paper.x1 + 2, text
            assert box.y0 > paper.y0 - 2, text
            assert box.y1 < paper.y1 + 2, text


def test_cells_are_the_means_and_intervals_of_pandas(sweep: Sweep) -> None:
    figure = figures.heat_map(sweep, "gain")
    grouped = sweep.frame.groupby(["method.statistics_weight", "method.start"])["gain"]
    means = grouped.mean().unstack()[["noise", "real"]].to_numpy()
    halves = (grouped.sem() * stats.t.ppf(0.975, 2)).unstack()[["noise", "real"]].to_numpy()
    (image,) = figure.axes[0].images
    np.testing.assert_allclose(np.asarray(image.get_array()), means, atol=1e-12)
    assert image.get_cmap().name == "PuOr"
    assert image.get_clim() == pytest.approx((-np.abs(means).max(), np.abs(means).max()))
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == [f"{m:+.1f}\n± {h:.1f}\nn = 3" for m, h in zip(means.ravel(), halves.ravel(), strict=True)]
    assert figures.heat_map(sweep).axes[0].images[0].get_cmap().name == "cividis"


def test_text_of_cells_has_the_ink_of_the_larger_contrast(sweep: Sweep) -> None:
    axes = figures.heat_map(sweep).axes[0]
    for text in axes.texts:
        x, y = (round(each) for each in text.get_position())
        rgb = np.asarray(axes.images[0].to_rgba(axes.images[0].get_array()))[y, x, :3]
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        light = float(linear @ [0.2126, 0.7152, 0.0722])
        contrasts = {"black": (light + 0.05) / 0.05, "white": 1.05 / (light + 0.05)}
        assert text.get_color() == max(contrasts, key=contrasts.__getitem__)
        assert max(contrasts.values()) >= 4.5  # as WCAG asks of small text


def test_what_was_never_run_is_said_in_its_cell(hostile: Sweep) -> None:
    figure = figures.heat_map(hostile, rows="note", columns="ipc", fixed={"flag": True})
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written[0] == "no run"
    assert "n = 1,\nstudents only" in written[1]
    said = figure.get_supxlabel()
    assert "With one seed there is no interval." in said.replace("\n", " ")
    assert "Only flag = True." in said.replace("\n", " ")
    assert "Protocol hard." in said.replace("\n", " ")
    assert "Some cells hold fewer settings than others." in figures.heat_map(hostile).get_supxlabel().replace("\n", " ")


def test_names_stay_as_they_are_written(hostile: Sweep) -> None:
    assert r"<i>\$x\$</i>%{x}" in [text.get_text() for text in texts(figures.heat_map(hostile, rows="note"))]
    assert r"<i>\$x\$</i>%…" in [text.get_text() for text in texts(figures.main_effects(hostile))]
    key = [text.get_text() for text in figures.scatter(hostile, "w2_squared").axes[0].get_legend().get_texts()]
    assert key == ["\u200b" + r"<i>\$x\$</i>%{x}", "\u200b_plain"]
    html = interactive.scatter(hostile, "w2_squared").to_json()
    assert "<i>" not in html.replace("\\u003c", "<")


def test_main_effects_are_means_of_paired_seeds_on_one_scale(sweep: Sweep) -> None:
    figure = figures.main_effects(sweep)
    for axes, name in zip(figure.axes, sweep.fields, strict=True):
        by = sweep.frame.groupby([name, "seed"])["accuracy"].mean().unstack()
        order = [0.1, 1.0, 10.0] if "weight" in name else ["noise", "real"]
        np.testing.assert_allclose(axes.lines[0].get_ydata(), by.loc[order].mean(axis=1), atol=1e-12)
        halves = by.loc[order].sem(axis=1) * stats.t.ppf(0.975, 2)
        low, high = axes.get_ylim()
        ends = [collection.get_segments()[0][:, 1] for collection in axes.collections]
        for (a, b), level in zip(ends, order, strict=True):
            assert a == pytest.approx(max(low, by.loc[level].mean() - halves[level]))
            assert b == pytest.approx(min(high, by.loc[level].mean() + halves[level]))
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


def test_a_scatter_has_every_run_and_scipys_rank_correlation(sweep: Sweep) -> None:
    figure = figures.scatter(sweep, "w2_squared", colour="start")
    offsets = np.concatenate([each.get_offsets() for each in figure.axes[0].collections])
    expected = sweep.frame.sort_values("method.start", kind="stable")[["w2_squared", "accuracy"]]
    np.testing.assert_allclose(np.sort(offsets, axis=0), np.sort(expected, axis=0), atol=1e-12)
    rho = stats.spearmanr(sweep.frame["w2_squared"], sweep.frame["accuracy"]).statistic
    assert f"Spearman's ρ = {rho:.2f}, 95 % interval" in figure.axes[0].get_title(loc="left")
    assert figures.scatter(sweep, "method.statistics_weight").axes[0].get_xlabel() == "statistics_weight"
    assert figures.scatter(sweep, "w2_squared", colour="").axes[0].get_legend() is None


def test_the_interactive_figures_show_the_same_numbers(sweep: Sweep) -> None:
    (heat,) = interactive.heat_map(sweep).data
    grouped = sweep.frame.groupby(["method.statistics_weight", "method.start"])["accuracy"]
    np.testing.assert_allclose(np.array(heat.z, float), grouped.mean().unstack()[["noise", "real"]], atol=1e-12)
    assert heat.text[0][0].endswith("<br>n = 3")
    effects = interactive.main_effects(sweep)
    by = sweep.frame.groupby("method.statistics_weight")["accuracy"].mean()
    np.testing.assert_allclose(effects.data[0].y, by, atol=1e-12)
    rho = stats.spearmanr(sweep.frame["w2_squared"], sweep.frame["accuracy"]).statistic
    points = interactive.scatter(sweep, "w2_squared")
    assert f"ρ = {rho:.2f}" in points.layout.title.text
    assert sum(len(trace.x) for trace in points.data) == len(sweep.frame)
    for figure in (interactive.heat_map(sweep), effects, points):
        assert len(figure.layout.meta["alt"]) > 40


WRONG: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "value": (("speed",), {}, "unknown value 'speed'.*Known: accuracy, bytes"),
    "rows": ((), {"rows": "ipc"}, "unknown field 'ipc'. Known: method.start"),
    "fixed": (
        (),
        {"fixed": {"start": "nearest"}},
        "method.start: no run has 'nearest'; expected one of 'noise', 'real'",
    ),
    "protocol": ((), {"protocol": "soft"}, "unknown protocol 'soft'. Known: hard"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("draw", [figures.heat_map, interactive.heat_map], ids=["printed", "interactive"])
def test_what_a_sweep_does_not_have_is_an_error_that_names_what_it_has(draw: Draw, sweep: Sweep, name: str) -> None:
    positional, named, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        draw(sweep, *positional, **named)


@pytest.mark.parametrize("draw", [*ALL, *ACTIVE], ids=lambda draw: f"{draw.__module__}.{draw.__name__}"[22:])
def test_what_is_no_sweep_is_an_error_that_says_how_to_read_one(draw: Draw) -> None:
    with pytest.raises(ValueError, match=rf"{draw.__name__}: expected a sweep .* is read by wdd.Sweep.load\('x'\)"):
        draw("x")


def test_values_that_no_shown_run_has_give_a_figure_that_says_so(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, runs=False)
    sweep.frame.loc[sweep.frame["method.start"] == "real", "loss"] = np.nan
    own = {"fixed": {"start": "real"}}
    assert figures.main_effects(sweep, "loss", **own).axes[0].texts[0].get_text() == "Not measured in these runs."
    assert figures.scatter(sweep, "loss", **own).axes[0].texts[0].get_text() == "No run has both numbers."
    assert interactive.scatter(sweep, "loss", **own).layout.annotations[0].text == "No run has both numbers."
    assert [text.get_text() for text in figures.heat_map(sweep, "loss", **own).axes[0].texts] == ["not measured"] * 3


def test_figures_do_not_touch_pyplot_nor_load_plotly(sweep: Sweep) -> None:
    code = (
        "import sys\nfrom wddkit.history import Sweep\nfrom wddkit.views import figures\n"
        f"figures.heat_map(Sweep.load({str(sweep.path)!r}))._repr_png_()\n"
        "loaded = {'matplotlib.pyplot', 'torch', 'plotly'} & set(sys.modules)\nassert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
