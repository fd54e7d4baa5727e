"""Images through the snapshots, and the whole run in one picture, for print."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from wddkit.history import History
from wddkit.views.figures.film import Film, film
from wddkit.views.figures.places import places_of
from wddkit.views.figures.printed.bars import draw_accuracy
from wddkit.views.figures.printed.picture import Picture, paper, picture, plain
from wddkit.views.figures.printed.places import draw_features
from wddkit.views.figures.words import accuracy_alt, features_alt, film_alt, film_title, short
from wddkit.views.scene import Scene


def film_strip(
    history: History, classes: Sequence[int | str] | None = None, *, image: int = 0, snapshots: int = 8
) -> Picture:
    """One image of each class through the snapshots, a row for each class (by label or name; the first 20 if None)."""
    drawn = Scene.of(history)
    shown = film(drawn, classes, image=image, snapshots=snapshots)
    rows, columns = len(shown.labels), len(shown.steps)
    with paper():
        cell = min(0.8, 8 / rows)  # inches: as many as a page holds
        names = max(len(short(drawn.classes[label])) for label in shown.labels)
        figure = picture(max(4.0, 0.6 + 0.08 * names + cell * columns), 0.95 + cell * rows)
        _draw_strip(figure.add_subplot(), drawn, shown, image=image)
    figure.alt = film_alt(shown, image)
    return figure


def overview(history: History) -> Picture:
    """The whole run in one picture: features, images through time, accuracy beside its controls."""
    places = places_of(history, "pca")
    drawn, last = places.drawn, len(places.drawn.frames) - 1
    with paper():
        figure = picture(11.8, 5.8)
        parts: np.ndarray = np.asarray(figure.subfigures(1, 3, width_ratios=(1.15, 1, 1)))
        draw_features(parts[0], places, last)
        shown = film(drawn, None, image=0, snapshots=8, rows=10)
        _draw_strip(parts[1].add_subplot(), drawn, shown, image=0)
        draw_accuracy(parts[2], drawn.results, most=1)
    figure.alt = f"{drawn.title}. {features_alt(places, last)} {accuracy_alt(drawn.results)}"
    return figure


def _draw_strip(axes: Axes, drawn: Scene, shown: Film, *, image: int) -> None:
    axes.set_title(film_title(shown, image))
    axes.imshow(shown.mosaic, interpolation="nearest")
    rows, columns = shown.middles
    axes.set_xticks(columns, [str(step) for step in shown.steps])
    axes.set_yticks(rows, [plain(short(drawn.classes[label])) for label in shown.labels])
    axes.tick_params(length=0)
    axes.set(xlabel="optimisation step", ylabel="class")
    axes.spines[:].set_visible(False)
