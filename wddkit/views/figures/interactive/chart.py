"""The page that interactive figures are drawn on: dark on light, names always as text."""

import html
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import plotly.graph_objects as go

from wddkit.views.figures.words import short, wrapped

Chart: TypeAlias = "go.Figure"

WIDTH = 900  # pixels
SIZE = 14  # pixels of the letters; nothing is smaller than SMALL
SMALL = 12
INK, FAINT = "#1f1f1f", "#d9d9d9"
# The same shapes as for print, in plotly's words.
SYMBOLS = (
    "circle", "x-thin-open", "triangle-up", "cross-thin-open", "diamond",
    "triangle-down", "star", "line-ns-open", "line-ew-open",
)  # fmt: skip
SHOWN = "%{text}<extra></extra>"  # hover shows our text alone


def chart(title: str, *, alt: str, height: int, width: int = WIDTH, top: int = 60, bottom: int = 70) -> Chart:
    """An empty figure of this size in pixels. Its text alternative is `figure.layout.meta["alt"]`."""
    figure = go.Figure()
    figure.update_layout(
        template="plotly_white",
        title={"text": safe(title), "x": 0.01, "xanchor": "left", "y": 1, "yanchor": "top", "pad": {"t": 14, "l": 4}},
        font={"size": SIZE, "color": INK, "family": "system-ui, 'DejaVu Sans', sans-serif"},
        title_font_size=17,
        width=width,
        height=height,
        margin={"l": 80, "r": 30, "t": top, "b": bottom},
        hoverlabel={"align": "left", "bgcolor": "white", "font": {"size": SIZE, "color": INK}},
        meta={"alt": alt},
    )
    return figure


def safe(text: Any) -> str:
    """Text that stays text: plotly would read tags, entities and %{...} in it, and MathJax what is between dollars."""
    escaped = html.escape(str(text), quote=False).replace("$", "&#36;").replace("%{", "&#37;{")
    return escaped.replace("\n", "<br>")


def name(text: Any, *, most: int = 18) -> str:
    """A name of the data, on one line and not too long."""
    return safe(short(text, most=most))


def lines(*parts: str) -> str:
    """What hovering shows: lines of text, without the empty ones."""
    return "<br>".join(safe(part) for part in parts if part)


def caption(figure: Chart, text: str, *, below: int) -> None:
    """A sentence or two so many pixels below the axes, in lines that fit."""
    letters = int((figure.layout.width - figure.layout.margin.l - figure.layout.margin.r) / 6.3)
    figure.add_annotation(
        text=safe(wrapped(text, width=letters)),
        font_size=SMALL,
        showarrow=False,
        align="left",
        **{"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": 0, "yanchor": "top", "yshift": -below},
    )


def add_intervals(
    figure: Chart,
    x: Sequence[float],
    y: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    legendgroup: str = "",
    color: str = INK,
    row: int,
    col: int,
) -> None:
    """Bars from low to high; none where low is NaN: plotly would draw one of no length, which says something else."""
    known = [i for i, each in enumerate(low) if not math.isnan(each)]
    bars = {"array": [high[i] - y[i] for i in known], "arrayminus": [y[i] - low[i] for i in known]}
    figure.add_scatter(
        x=[x[i] for i in known],
        y=[y[i] for i in known],
        error_y={"type": "data", "color": color, "thickness": 1.5, **bars},
        mode="markers",
        marker={"opacity": 0},
        hoverinfo="skip",
        legendgroup=legendgroup,
        showlegend=False,
        row=row,
        col=col,
    )


def nothing(title: str, why: str) -> Chart:
    """A figure that says why it is empty."""
    figure = chart(title, alt=why, height=280, width=600)
    figure.add_annotation(text=safe(why), showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def ticks(places: Sequence[float], texts: Sequence[str]) -> dict[str, Any]:
    """Ticks of an axis at these places; plotly would read numbers and dates in names otherwise."""
    return {"tickmode": "array", "tickvals": list(places), "ticktext": list(texts)}
