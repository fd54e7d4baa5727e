"""Figures for print: whole, labelled, and leaving no traces."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from views_toys import MASSES, toy, with_results

from wddkit.history import History
from wddkit.views import figures

Draw = Callable[[History], Figure]
ALL: tuple[Draw, ...] = (figures.features, figures.film_strip, figures.accuracy, figures.overview)
BARE = History.from_arrays(np.zeros((2, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1])


@pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("history", [with_results(toy()), BARE], ids=["full", "bare"])
def test_a_figure_has_a_title_and_a_text_alternative_and_can_be_shown(draw: Draw, history: History) -> None:
    figure = draw(history)
    assert all(axes.get_title() for axes in figure.axes)
    assert isinstance(figure, figures.Picture)
    png, metadata = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert len(metadata["alt"]) > 10


@pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
def test_every_axis_is_labelled(draw: Draw) -> None:
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in draw(with_results(toy())).axes)


def test_figures_do_not_touch_pyplot() -> None:
    code = (
        "import sys, numpy\nfrom wddkit.history import History\nfrom wddkit.views import figures\n"
        "figures.overview(History.from_arrays(numpy.zeros((1, 2, 1, 8, 8), 'u1'), [0, 1]))._repr_png_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_area_of_a_support_point_is_in_proportion_to_its_mass() -> None:
    (axes,) = figures.features(toy()).axes
    discs = [c for c in axes.collections if isinstance(c, PathCollection) and c.get_sizes().max() == figures.DISC]
    areas = [c.get_sizes() for c in discs if len(c.get_offsets()) == 2]
    assert len(areas) == 3
    for found in areas:
        np.testing.assert_allclose(found / found.sum(), MASSES)


def test_the_features_say_what_share_of_the_variance_they_show() -> None:
    figure = figures.features(toy())
    caption = figure.get_supxlabel()
    assert "% of their variance" in caption
    assert "Distances in this 2-D picture are not Wasserstein distances." in caption
    assert "% of the variance" in figure.axes[0].get_xlabel()


def test_a_class_is_told_by_colour_shape_and_name() -> None:
    (axes,) = figures.features(toy()).axes
    assert {text.get_text() for text in axes.texts} == {"<script>alert(1)<…", "plain", 'a "quoted" & <b>n…'}
    assert len(set(zip(figures.COLOURS * 9, figures.MARKERS * 8, strict=True))) == 72


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


def test_accuracy_shows_every_set_with_its_interval() -> None:
    (axes,) = figures.accuracy(with_results(toy())).axes
    assert [bar.get_height() for bar in axes.patches] == [91.0, 89.0, 95.0]
    assert [text.get_text() for text in axes.texts] == ["91.0\n±2.5", "89.0", "95.0\n±0.0"]
    assert [label.get_text().split()[0] for label in axes.get_xticklabels()] == ["wmdd", "random", "the"]
    assert axes.get_ylim()[0] == 0


def test_an_image_or_frame_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no image 2 in class .* which has 2 recorded images"):
        figures.film_strip(toy(), image=2)
    with pytest.raises(ValueError, match="frame 5 of a run of 5 snapshots; expected 0 to 4"):
        figures.features(toy(), 5)
    with pytest.raises(ValueError, match="no class 7"):
        figures.film_strip(toy(), [7])


def test_a_run_of_many_classes_still_fits_an_overview() -> None:
    many = History.from_arrays(np.zeros((1, 60, 3, 8, 8), np.uint8), np.arange(60))
    strip = figures.overview(many).axes[1]
    assert len(strip.get_yticks()) == 10
