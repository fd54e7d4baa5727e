"""Features in two dimensions, for print."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from wddkit.history import History
from wddkit.views.figures.places import Places, places_of
from wddkit.views.figures.printed.picture import SMALL, Part, Picture, caption, nothing, paper, picture, plain
from wddkit.views.figures.words import COLOURS, NAMED, features_alt, frame_of, short
from wddkit.views.scene import Scene

MARKERS = (".", "x", "^", "+", "D", "v", "*", "|", "_")
DISC = 260.0  # area in points^2 of the heaviest support point


def features(history: History, frame: int = -1, *, projection: str = "pca") -> Picture:
    """Real features, support points (area in proportion to mass) and distilled images at a frame, in a projection.

    `projection`: "pca" (most variance), "lda" (classes apart) or "plan" (along the transport plan).
    """
    places = places_of(history, projection)
    at = frame_of(places.drawn, frame)
    with paper():
        figure = picture(7.2, 6.8)
        draw_features(figure, places, at)
    figure.alt = features_alt(places, at)
    return figure


def draw_features(figure: Part, places: Places, frame: int) -> None:
    """The features of a frame in a figure or a part of one."""
    drawn = places.drawn
    axes = figure.add_subplot()
    title = f"Features at step {drawn.frames[frame].step}"
    plane = drawn.projection
    if plane is None:
        axes.set_title(title)
        nothing(axes, places.why)
        return
    axes.set_title(title, pad=44)  # points: the key stands between
    _draw_marks(axes, drawn, frame, places.scale)
    for way in drawn.ways:
        x, y = way.xy[-1].T
        colour, area = COLOURS[way.label % len(COLOURS)], places.scale * DISC * way.masses[-1] / places.heaviest
        axes.scatter(x, y, s=area, c=colour, alpha=0.5, edgecolors="black", linewidths=0.8, zorder=3)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xlabel=plane.axes[0], ylabel=plane.axes[1])
    named = _draw_names(axes, drawn)
    _draw_key(axes, places)
    caption(figure, plane.caption + ("" if named else f" Too many classes to name: {len(drawn.classes)}."))


def _draw_marks(axes: Axes, drawn: Scene, frame: int, scale: float) -> None:
    for label in sorted({*drawn.labels.tolist(), *(drawn.real_labels if drawn.real_labels is not None else ())}):
        colour, marker = COLOURS[label % len(COLOURS)], MARKERS[label % len(MARKERS)]
        if drawn.real_xy is not None:
            # A thin dark line around those that have an inside: yellow on white is hard to see.
            line: dict[str, Any] = {"linewidths": 1.0}
            if marker not in "x+|_":
                line = {"linewidths": 0.3, "edgecolors": "0.25"}
            x, y = drawn.real_xy[drawn.real_labels == label].T
            axes.scatter(x, y, s=14, c=colour, marker=marker, alpha=0.75, **line)
        if drawn.xy is not None:
            x, y = drawn.xy[frame][drawn.labels == label].T
            axes.scatter(x, y, s=26 * scale, c=colour, marker="s", edgecolors="black", linewidths=1, zorder=4)


def _draw_names(axes: Axes, drawn: Scene) -> bool:
    """Names where the classes are, so that nobody has to tell colours apart; whether there was room."""
    if drawn.real_xy is None or drawn.real_labels is None:
        return True
    if len(labels := np.unique(drawn.real_labels)) > NAMED:
        return False
    halo = [withStroke(linewidth=3, foreground="white")]
    for label in labels:
        x, y = drawn.real_xy[drawn.real_labels == label].mean(axis=0)
        name = plain(short(drawn.classes[label]))
        axes.text(x, y, name, ha="center", va="center", weight="bold", zorder=5, path_effects=halo)
    return True


def _draw_key(axes: Axes, places: Places) -> None:
    drawn, heaviest, scale = places.drawn, places.heaviest, places.scale
    kinds: list[Any] = []
    if drawn.real_xy is not None:
        kinds.append(axes.scatter([], [], s=14, c="0.4", label="real image"))
    if drawn.ways:
        style: dict[str, Any] = {"c": "0.7", "edgecolors": "black"}
        kinds += [
            axes.scatter([], [], s=scale * DISC * part, label=f"support point, mass {part * heaviest:.2g}", **style)
            for part in (0.1, 1.0)
        ]
    if drawn.xy is not None:
        kinds.append(
            axes.scatter([], [], s=26 * scale, c="0.7", marker="s", edgecolors="black", label="distilled image")
        )
    if kinds:
        style = {"borderaxespad": 0.3, "columnspacing": 1.0}
        key = axes.legend(handles=kinds, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=SMALL, **style)
        key.set_in_layout(False)  # its place is kept by the title; in a narrow part it may be wider than the axes
