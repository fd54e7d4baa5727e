"""Tables of `wddkit.compare` as dots with intervals, to hover and zoom."""

import math
from collections.abc import Sequence
from typing import Any

from wddkit.views.figures.comparisons import (
    Dot,
    Frame,
    Trade,
    alt_of,
    bits_said,
    panels_of,
    said_below,
    signed,
    trades_alt,
    trades_of,
)
from wddkit.views.figures.interactive.chart import (
    FAINT,
    SHOWN,
    SIZE,
    SMALL,
    Chart,
    add_intervals,
    caption,
    chart,
    lines,
    safe,
    ticks,
)
from wddkit.views.figures.tables import aside
from wddkit.views.figures.words import BLUE, COLOURS, short, wrapped

_GREY = "#737373"
_MARKS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")
_ROW, _BETWEEN = 42, 120  # pixels: a set; the axis of one panel and the title of the next


def comparison(frame: Frame) -> Chart:
    """Accuracy with its interval, a row for each set, and beside it the gain over random images, by protocol.

    `frame`: the table that `wddkit.compare` gives. Raises ValueError for another one.
    """
    panels = panels_of(frame, what="comparison")
    heights = [_ROW * len(panel.dots) for panel in panels]
    across = sum(heights) + _BETWEEN * (len(panels) - 1)
    figure = chart(
        "Accuracy, and gain over random images", alt=alt_of(panels), height=across + 250, top=100, bottom=150
    )
    figure.set_subplots(
        len(panels),
        2,
        column_widths=[0.6, 0.4],
        row_heights=heights,
        horizontal_spacing=0.03,
        vertical_spacing=_BETWEEN / across if len(panels) > 1 else 0,
        subplot_titles=[text for panel in panels for text in (safe(wrapped(panel.title, width=100)), "")],
    )
    # Over the whole panel, not over its left half.
    figure.update_annotations(x=0, xanchor="left", align="left", yshift=4, font_size=SIZE)
    longest = max(len(line) for panel in panels for dot in panel.dots for line in _named(dot).split("\n"))
    figure.update_layout(margin_l=25 + 8 * longest)
    for row, panel in enumerate(panels, start=1):
        _add_dots(figure, panel.dots, row=row)
    dots = [dot for panel in panels for dot in panel.dots]
    caption(figure, said_below(dots, gains=True), below=70)
    return figure


def _named(dot: Dot) -> str:
    return wrapped(short(dot.name, most=60), width=26)


def _add_dots(figure: Chart, dots: Sequence[Dot], *, row: int) -> None:
    for y, dot in enumerate(dots):
        said = f"<b>{dot.mean:.1f}</b>" if dot.best else f"{dot.mean:.1f}"
        _add_bar(figure, y, dot.low, dot.high, dot, row=row, col=1)
        _add_mark(figure, (dot.mean, y), "circle", dot, said, row=row, col=1)
        if not math.isnan(dot.gain):
            _add_bar(figure, y, dot.gain_low, dot.gain_high, dot, row=row, col=2)
            symbol = "diamond" if dot.sure else "diamond-open"
            _add_mark(figure, (dot.gain, y), symbol, dot, signed(dot.gain), row=row, col=2)
    figure.add_vline(0, line_width=1, line_color="black", row=row, col=2)
    ends = {
        1: [x for dot in dots for x in (dot.low, dot.mean, dot.high)],
        2: [0.0, *(x for dot in dots for x in (dot.gain_low, dot.gain, dot.gain_high))],
    }
    titles = {1: "accuracy on test images, %", 2: "gain over random images"}
    for col, values in ends.items():
        place = {"row": row, "col": col}
        style = {"title_text": titles[col], "title_font_size": SIZE, "gridcolor": FAINT, "zeroline": False}
        figure.update_xaxes(range=_room(values), **style, **place)
        names = [safe(_named(dot)) if col == 1 else "" for dot in dots]
        figure.update_yaxes(range=[len(dots) - 0.4, -0.6], gridcolor=FAINT, zeroline=False, **place)
        figure.update_yaxes(**ticks(range(len(dots)), names), **place)


def _room(values: Sequence[float]) -> list[float]:
    """From the lowest to the highest, and a little beyond for numbers."""
    known = [value for value in values if not math.isnan(value)]
    beyond = 0.08 * (max(known) - min(known)) or 1.0
    return [min(known) - beyond, max(known) + beyond]


def _add_bar(figure: Chart, y: int, low: float, high: float, dot: Dot, *, row: int, col: int) -> None:
    if not math.isnan(low):
        line = {"color": _colour(dot), "width": 2}
        style: dict[str, Any] = {"mode": "lines", "line": line, "hoverinfo": "skip", "showlegend": False}
        figure.add_scatter(x=[low, high], y=[y, y], **style, row=row, col=col)


def _add_mark(figure: Chart, at: tuple[float, float], symbol: str, dot: Dot, said: str, *, row: int, col: int) -> None:
    colour = _colour(dot)
    figure.add_scatter(
        x=[at[0]],
        y=[at[1]],
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 10, "line": {"color": colour, "width": 2}},
        text=[_text(dot)],
        hovertemplate=SHOWN,
        showlegend=False,
        row=row,
        col=col,
    )
    style = {"showarrow": False, "yshift": 14, "font_size": SMALL, "bgcolor": "rgba(255,255,255,0.85)", "borderpad": 0}
    figure.add_annotation(x=at[0], y=at[1], text=said, **style, row=row, col=col)


def _colour(dot: Dot) -> str:
    return _GREY if dot.control else BLUE


def _text(dot: Dot) -> str:
    interval = "no interval" if math.isnan(dot.low) else f"95 % interval {dot.low:.2f} to {dot.high:.2f}, {dot.over}"
    gain = "" if math.isnan(dot.gain) else f"gain over random images {signed(dot.gain)}"
    if not math.isnan(dot.gain_low):
        gain += f", 95 % interval {dot.gain_low:.2f} to {dot.gain_high:.2f}"
    p = "" if math.isnan(dot.p) else f"p = {dot.p:.3f} after correction"
    bits = f"{bits_said(dot.bits)} bits of labels an image"
    return lines(short(dot.name, most=60), f"accuracy {dot.mean:.2f} %", interval, gain, p, bits)


def accuracy_by_bits(frame: Frame) -> Chart:
    """Accuracy against the bits of labels that a student is told for each image, a line for each set.

    `frame`: the table that `wddkit.compare` gives for several protocols. Raises ValueError for another one.
    """
    trades = trades_of(frame, what="accuracy_by_bits")
    rows = len(trades)
    figure = chart("Accuracy by label bits", alt=trades_alt(trades), height=260 + 400 * rows, top=110, bottom=150)
    figure.set_subplots(rows, 1, vertical_spacing=0.3 / rows if rows > 1 else 0)
    for row, trade in enumerate(trades, start=1):
        _add_trade(figure, trade, row=row)
    dots = [dot for trade in trades for way in trade.ways for dot in way.dots]
    caption(figure, said_below(dots, gains=False), below=85)
    figure.update_layout(legend={"x": 1.01, "y": 1, "font": {"size": SMALL + 1}})
    return figure


def _add_trade(figure: Chart, trade: Trade, *, row: int) -> None:
    place = {"row": row, "col": 1}
    for i, way in enumerate(trade.ways):
        colour = _GREY if way.control else COLOURS[(4 - i) % len(COLOURS)]
        x, y = [dot.bits * aside(i, len(trade.ways)) for dot in way.dots], [dot.mean for dot in way.dots]
        group = f"{row} {i}"
        low, high = [dot.low for dot in way.dots], [dot.high for dot in way.dots]
        add_intervals(figure, x, y, low, high, color=colour, legendgroup=group, **place)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            line={"color": colour, "dash": "dash" if way.control else "solid"},
            marker={"symbol": _MARKS[i % len(_MARKS)], "size": 9},
            text=[_text(dot) for dot in way.dots],
            hovertemplate=SHOWN,
            legendgroup=group,
            name=safe(wrapped(short(way.name, most=60), width=24)),
            **place,
        )
    bits = [bits for bits, _ in trade.marks]
    names = [f"{safe(short(protocol))}<br>{bits_said(value)}" for value, protocol in trade.marks]
    style = {"title_font_size": SIZE, "gridcolor": FAINT, **place}
    figure.update_xaxes(title_text="bits of labels an image (log)", type="log", **ticks(bits, names), **style)
    figure.update_yaxes(title_text="accuracy on test images, %", **style)
    figure.add_annotation(
        text=safe(wrapped(trade.title, width=70)),
        **{"xref": "x domain", "yref": "y domain", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom"},
        yshift=8,
        showarrow=False,
        **place,
    )
