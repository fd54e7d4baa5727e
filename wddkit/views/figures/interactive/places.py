"""Features in two dimensions, to hover and zoom."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from wddkit.history import History
from wddkit.views.figures.interactive.chart import SHOWN, SYMBOLS, Chart, caption, chart, lines, name, nothing
from wddkit.views.figures.places import Places, places_of
from wddkit.views.figures.words import COLOURS, NAMED, features_alt, frame_of, image_names, short

_DISC = 26.0  # pixels across of the heaviest support point


def features(history: History, frame: int = -1, *, projection: str = "pca") -> Chart:
    """Real features, support points (area in proportion to mass) and distilled images at a frame, in a projection.

    `projection`: "pca" (most variance), "lda" (classes apart) or "plan" (along the transport plan).
    """
    places = places_of(history, projection)
    drawn = places.drawn
    at = frame_of(drawn, frame)
    title = f"Features at step {drawn.frames[at].step}"
    plane = drawn.projection
    if plane is None:
        return nothing(title, places.why)
    figure = chart(title, alt=features_alt(places, at), height=800, top=90, bottom=120)
    _add_real(figure, places, history)
    _add_support(figure, places)
    _add_images(figure, places, at)
    figure.update_xaxes(title_text=plane.axes[0], zeroline=False)
    figure.update_yaxes(title_text=plane.axes[1], zeroline=False, scaleanchor="x")
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemsizing": "trace"})
    few = _add_names(figure, places)
    hint = "" if few else "Hover for the names of the classes. "
    caption(figure, f"{hint}Discs: area in proportion to mass. {plane.caption}", below=55)
    return figure


def _add_kind(
    figure: Chart, xy: np.ndarray, texts: list[str], *, kind: str, key: dict[str, Any], **marker: Any
) -> None:
    """Marks of one kind, and a grey one that stands for them in the key: a click on it hides them."""
    figure.add_scatter(
        x=xy[:, 0].round(4),
        y=xy[:, 1].round(4),
        mode="markers",
        marker=marker,
        text=texts,
        hovertemplate=SHOWN,
        legendgroup=kind,
        showlegend=False,
        name=kind,
    )
    figure.add_trace(go.Scatter(x=[None], y=[None], mode="markers", marker=key, legendgroup=kind, name=kind))


def _add_real(figure: Chart, places: Places, history: History) -> None:
    drawn, real = places.drawn, history.real
    if drawn.real_xy is None or drawn.real_labels is None or real is None:
        return
    labels = drawn.real_labels.tolist()
    symbols = [SYMBOLS[label % len(SYMBOLS)] for label in labels]
    texts = [
        lines(f"real image {index} of the training set", f"class {short(drawn.classes[label])}")
        for index, label in zip(real.indices.tolist(), labels, strict=True)
    ]
    _add_kind(
        figure,
        drawn.real_xy,
        texts,
        kind="real image",
        key={"color": "#777777", "size": 6},
        color=[COLOURS[label % len(COLOURS)] for label in labels],
        symbol=symbols,
        size=6,
        opacity=0.8,
        # A thin dark line around those that have an inside: yellow on white is hard to see.
        line={"width": [1.2 if "open" in symbol else 0.4 for symbol in symbols], "color": "#404040"},
    )


def _add_support(figure: Chart, places: Places) -> None:
    ways = places.drawn.ways
    if not ways:
        return
    masses = np.concatenate([way.masses[-1] for way in ways])
    texts = [
        lines(f"support point {j + 1} of class {short(places.drawn.classes[way.label])}", f"mass {mass:.3g}")
        for way in ways
        for j, mass in enumerate(way.masses[-1])
    ]
    colours = [COLOURS[way.label % len(COLOURS)] for way in ways for _ in way.masses[-1]]
    line = {"width": 1, "color": "black"}
    _add_kind(
        figure,
        np.concatenate([way.xy[-1] for way in ways]),
        texts,
        kind="support point",
        key={"color": "#bbbbbb", "size": 16, "line": line},
        color=colours,
        opacity=0.55,
        line=line,
        size=_DISC * np.sqrt(places.scale * masses / places.heaviest),
    )


def _add_images(figure: Chart, places: Places, frame: int) -> None:
    drawn = places.drawn
    if drawn.xy is None:
        return
    texts = [lines(f"distilled {name}") for name in image_names(drawn.labels.tolist(), drawn.classes)]
    line, size = {"width": 1.2, "color": "black"}, 8 * places.scale**0.5
    _add_kind(
        figure,
        drawn.xy[frame],
        texts,
        kind="distilled image",
        key={"color": "#bbbbbb", "size": 8, "symbol": "square", "line": line},
        color=[COLOURS[label % len(COLOURS)] for label in drawn.labels],
        symbol="square",
        size=size,
        line=line,
    )


def _add_names(figure: Chart, places: Places) -> bool:
    """Names where the classes are, so that nobody has to tell colours apart; whether there was room."""
    drawn = places.drawn
    if drawn.real_xy is None or drawn.real_labels is None:
        return True
    if len(labels := np.unique(drawn.real_labels)) > NAMED:
        return False
    for label in labels:
        x, y = drawn.real_xy[drawn.real_labels == label].mean(axis=0)
        text = f"<b>{name(drawn.classes[label])}</b>"
        figure.add_annotation(x=x, y=y, text=text, showarrow=False, bgcolor="rgba(255,255,255,0.75)", borderpad=1)
    return True
