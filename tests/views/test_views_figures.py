"""Figures for print: whole, labelled, and leaving no traces."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
from figure_toys import DIGITS, hostile, planless
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from views_toys import MASSES, toy, with_results

from wddkit.history import History
from wddkit.views import figures
from wddkit.views.scene.projection import NOT_DISTANCES

Draw = Callable[[History], Figure]
BARE = History.from_arrays(np.zeros((2, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1])


def plan(history: History) -> Figure:
    return figures.plan(history, 1)


ALL: tuple[Draw, ...] = (
    figures.features,
    figures.film_strip,
    figures.masses,
    figures.curves,
    figures.accuracy,
    plan,
    figures.overview,
)


@pytest.fixture(scope="module")
def digits() -> History:
    return History.load(DIGITS)


def texts(figure: Figure) -> list[Text]:
    """All that is written in a figure; ticks know labels beyond the end of their axis, which are not."""
    figure.draw_without_rendering()
    beyond = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        out = [tick for tick in ticks if not low <= tick.get_loc() <= high]
        beyond |= {id(label) for tick in out for label in (tick.label1, tick.label2)}
    written = (text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip())
    return [text for text in written if id(text) not in beyond]


@pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("history", [with_results(toy()), BARE], ids=["full", "bare"])
def test_a_figure_has_titles_and_a_text_alternative_and_can_be_shown(draw: Draw, history: History) -> None:
    figure = draw(history)
    assert figure.axes[0].get_title(loc="left")
    assert isinstance(figure, figures.Picture)
    png, metadata = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert len(metadata["alt"]) > 10


@pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
def test_every_axis_is_labelled(draw: Draw) -> None:
    figure = draw(with_results(toy()))
    shared = bool(figure.get_supxlabel() and figure.get_supylabel())
    for axes in figure.axes:
        if axes.get_label() != "<colorbar>" and not shared:
            assert axes.get_xlabel()
            assert any(other.get_ylabel() for other in axes.get_shared_y_axes().get_siblings(axes))


@pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
def test_nothing_is_written_smaller_than_eight_points_or_outside_of_the_paper(draw: Draw, digits: History) -> None:
    for history in (digits, hostile()):
        figure = draw(history)
        for text in texts(figure):
            assert text.get_fontsize() >= 8, text
            box, paper = text.get_window_extent(), figure.bbox
            assert box.x0 > paper.x0 - 2, text
            assert box.x1 < paper.x1 + 2, text
            assert box.y0 > paper.y0 - 2, text
            assert box.y1 < paper.y1 + 2, text


def test_names_stay_as_they_are_written() -> None:
    for draw in ALL:
        said = " ".join(text.get_text() for text in texts(draw(hostile())))
        assert draw is figures.accuracy or draw is figures.curves or r"<i>\$x\$</i>%{x}" in said, draw


def test_figures_do_not_touch_pyplot_nor_load_plotly() -> None:
    code = (
        "import sys, numpy\nfrom wddkit.history import History\nfrom wddkit.views import figures\n"
        "assert 'matplotlib' not in sys.modules\n"
        "figures.overview(History.from_arrays(numpy.zeros((1, 2, 1, 8, 8), 'u1'), [0, 1]))._repr_png_()\n"
        "loaded = {'matplotlib.pyplot', 'torch', 'plotly', 'pandas'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_paper_is_light_whatever_the_notebook_has_set() -> None:
    with matplotlib.rc_context({"text.color": "white", "axes.facecolor": "black", "figure.facecolor": "black"}):
        figure = figures.masses(toy())
        assert matplotlib.rcParams["text.color"] == "white"
    assert figure.get_facecolor() == (1, 1, 1, 1)
    assert {text.get_color() for text in texts(figure)} == {"black"}


def test_a_name_that_figures_do_not_have_is_an_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'feature'; it offers COLOURS, DISC"):
        figures.feature  # noqa: B018
    assert set(dir(figures)) == set(figures.__all__)


def test_the_area_of_a_support_point_is_in_proportion_to_its_mass() -> None:
    (axes,) = figures.features(toy()).axes
    discs = [c for c in axes.collections if isinstance(c, PathCollection) and c.get_sizes().max() == figures.DISC]
    areas = [c.get_sizes() for c in discs if len(c.get_offsets()) == 2]
    assert len(areas) == 3
    for found in areas:
        np.testing.assert_allclose(found / found.sum(), MASSES)


@pytest.mark.parametrize("projection", ["pca", "lda", "plan"])
def test_the_features_say_how_they_are_projected(digits: History, projection: str) -> None:
    figure = figures.features(digits, projection=projection)
    caption = " ".join(figure.get_supxlabel().split())
    assert "Linear projection fitted once" in caption
    assert NOT_DISTANCES in caption
    assert "% of the" in figure.axes[0].get_xlabel()


def test_projections_differ_and_an_unknown_or_impossible_one_says_so(digits: History) -> None:
    places = [
        np.concatenate(
            [np.asarray(c.get_offsets()) for c in figures.features(digits, projection=p).axes[0].collections]
        )
        for p in ("pca", "lda")
    ]
    assert not np.allclose(places[0], places[1])
    with pytest.raises(ValueError, match="no projection 'tsne'; expected one of pca, lda, plan"):
        figures.features(digits, projection="tsne")
    said = [text.get_text() for text in figures.features(planless(), projection="plan").axes[0].texts]
    assert said == ["Too little was recorded for the projection 'along the transport plan'."]


def test_a_class_is_told_by_colour_shape_and_name() -> None:
    (axes,) = figures.features(toy()).axes
    assert {text.get_text() for text in axes.texts} == {"<script>alert(1)<…", "plain", 'a "quoted" & <b>n…'}
    assert len(set(zip(figures.COLOURS * 9, figures.MARKERS * 10, strict=True))) == 90


def test_too_many_classes_are_not_named_and_the_figure_says_so() -> None:
    features = np.random.default_rng(0).normal(size=(1, 60, 4))
    real = dataclasses.replace(
        toy().real,  # type: ignore[type-var]  # the toy has real images
        features=np.random.default_rng(1).normal(size=(60, 4)),
        labels=np.arange(60),
    )
    many = History.from_arrays(np.zeros((1, 60, 3, 8, 8), np.uint8), np.arange(60), features=features, real=real)
    figure = figures.features(many)
    assert not figure.axes[0].texts
    assert "Too many classes to name: 60." in " ".join(figure.get_supxlabel().split())


def test_a_film_strip_shows_the_pixels_of_each_class_at_each_snapshot() -> None:
    history = toy()
    (axes,) = figures.film_strip(history, [2, "plain"], image=1, snapshots=3).axes
    mosaic = np.asarray(axes.images[0].get_array())
    assert mosaic.shape[:2] == (2 * 9, 3 * 9)  # 8 pixels and a gap
    for row, place in enumerate((5, 3)):
        for column, frame in enumerate((0, 2, 4)):
            tile = mosaic[9 * row : 9 * row + 8, 9 * column : 9 * column + 8]
            np.testing.assert_array_equal(tile, history.images(frame)[place].transpose(1, 2, 0))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "4", "16"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ['a "quoted" & <b>n…', "plain"]


def test_an_image_frame_or_class_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no image 2 in class .* which has 2 recorded images"):
        figures.film_strip(toy(), image=2)
    with pytest.raises(ValueError, match="frame 5 of a run of 5 snapshots; expected 0 to 4"):
        figures.features(toy(), 5)
    with pytest.raises(ValueError, match="no class 7"):
        figures.film_strip(toy(), [7])
    with pytest.raises(ValueError, match="no class 'nobody'"):
        figures.plan(toy(), "nobody")


def test_a_run_of_many_classes_still_fits_an_overview() -> None:
    many = History.from_arrays(np.zeros((1, 60, 3, 8, 8), np.uint8), np.arange(60))
    strip = figures.overview(many).axes[1]
    assert len(strip.get_yticks()) == 10
    assert strip.get_title(loc="left").endswith("10 of 60 classes")
