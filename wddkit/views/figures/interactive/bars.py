"""Masses and accuracies as bars, to hover and zoom."""

import math
from collections.abc import Sequence

from wddkit.history import History
from wddkit.views.figures.barycenters import Masses, masses_of
from wddkit.views.figures.interactive.chart import (
    FAINT,
    SHOWN,
    SMALL,
    Chart,
    add_intervals,
    caption,
    chart,
    lines,
    name,
    nothing,
    safe,
    ticks,
)
from wddkit.views.figures.words import (
    BLUE,
    COLOURS,
    NO_RESULTS,
    ROWS,
    absent_said,
    accuracy_alt,
    labels_said,
    masses_alt,
    no_masses,
    protocols,
    set_name,
    short,
    wrapped,
)
from wddkit.views.scene import Result
from wddkit.views.scene import results as results_of

_ACROSS = 5  # small bar charts in a row


def masses(history: History, classes: Sequence[int | str] | None = None, *, step: int = -1) -> Chart:
    """Masses of the support points by class at a step of the barycenters, heaviest first, beside the uniform 1/m.

    Up to 20 classes are bars of their own each; more are one column of marks each.
    """
    shown, absent = masses_of(history, classes, step=step)
    if not shown:
        return nothing("Masses of the support points", no_masses(absent))
    figure = _small_bars(shown) if len(shown) <= ROWS else _columns(shown)
    if absent:
        caption(figure, absent_said(absent), below=75)
    return figure


def _texts(own: Masses) -> list[str]:
    return [
        lines(
            f"support point {j + 1} of class {short(own.name)}",
            f"mass {mass:.4g}",
            f"all equal: {1 / len(own.order):.4g}",
        )
        for j, mass in zip(own.order.tolist(), own.masses, strict=True)
    ]


def _small_bars(shown: Sequence[Masses]) -> Chart:
    across = min(_ACROSS, len(shown))
    down = -(-len(shown) // across)
    figure = chart(
        "Masses of the support points (dashed: all equal, 1/m)",
        alt=masses_alt(shown),
        height=170 + 180 * down,
        width=max(560, 110 + 160 * across),
        top=85,
        bottom=95,
    )
    # Titles as plotly makes them are annotations, which the names of classes may be as text.
    titles = [name(own.name, most=16) for own in shown]
    figure.set_subplots(down, across, shared_yaxes=True, subplot_titles=titles, vertical_spacing=0.3 / down)
    for i, own in enumerate(shown):
        place = {"row": i // across + 1, "col": i % across + 1}
        ranks, colour = list(range(1, len(own.masses) + 1)), COLOURS[own.label % len(COLOURS)]
        figure.add_bar(
            x=ranks,
            y=own.masses,
            marker={"color": colour, "line": {"color": "black", "width": 1 if len(ranks) <= 25 else 0}},
            text=_texts(own),
            textposition="none",
            hovertemplate=SHOWN,
            showlegend=False,
            name=name(own.name),
            **place,
        )
        figure.add_hline(y=1 / len(ranks), line={"color": "black", "dash": "dash", "width": 1}, **place)
        figure.update_xaxes(**ticks(sorted({1, len(ranks)}), [str(x) for x in sorted({1, len(ranks)})]), **place)
    return _framed(figure, x="support points of the class, heaviest first", y="mass (share of the class)")


def _framed(figure: Chart, *, x: str, y: str) -> Chart:
    """Labels that many small axes share."""
    figure.update_annotations(font_size=SMALL + 1)
    figure.add_annotation(text=x, xref="paper", yref="paper", x=0.5, y=0, yshift=-30, yanchor="top", showarrow=False)
    figure.add_annotation(
        text=y, xref="paper", yref="paper", x=0, y=0.5, xshift=-45, xanchor="right", textangle=-90, showarrow=False
    )
    figure.update_yaxes(rangemode="tozero")
    return figure


def _columns(shown: Sequence[Masses]) -> Chart:
    title = "Masses of the support points (lines: all equal, 1/m)"
    figure = chart(title, alt=masses_alt(shown), height=460, width=max(900, min(1600, 12 * len(shown))), bottom=150)
    figure.add_scatter(
        x=[i for i, own in enumerate(shown) for _ in own.masses],
        y=[mass for own in shown for mass in own.masses],
        mode="markers",
        marker={"color": BLUE, "size": 6, "opacity": 0.7},
        text=[text for own in shown for text in _texts(own)],
        hovertemplate=SHOWN,
        showlegend=False,
    )
    edges = [(i - 0.45, i + 0.45, None) for i in range(len(shown))]
    levels = [(1 / len(own.masses), 1 / len(own.masses), None) for own in shown]
    figure.add_scatter(
        x=[x for three in edges for x in three],
        y=[y for three in levels for y in three],
        mode="lines",
        line={"color": "black", "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )
    every = -(-len(shown) // 60)
    names = [name(own.name, most=16) for own in shown[::every]]
    said = "class" if every == 1 else f"class (1 in {every} is named; hover for the others)"
    figure.update_xaxes(title_text=said, tickangle=-90, automargin=True, **ticks(range(0, len(shown), every), names))
    figure.update_yaxes(title_text="mass (share of the class)", rangemode="tozero")
    return figure


def accuracy(history: History) -> Chart:
    """Test accuracy with its 95 % interval: the run's own set, its controls beside it, protocol by protocol."""
    results = results_of(history)
    groups = protocols(results)
    if not groups:
        return nothing("Accuracy beside its controls", NO_RESULTS)
    widest = max(map(len, groups.values()))
    height = 110 + 330 * len(groups)
    width = max(520, 120 + 140 * widest)
    figure = chart("Accuracy beside its controls", alt=accuracy_alt(results), height=height, width=width, top=85)
    titles = [name(protocol, most=40) for protocol in groups] if len(groups) > 1 else None
    figure.set_subplots(len(groups), 1, subplot_titles=titles, vertical_spacing=0.35 / len(groups))
    for row, group in enumerate(groups.values(), start=1):
        _add_bars(figure, group, row=row)
    return figure


def _add_bars(figure: Chart, results: Sequence[Result], *, row: int) -> None:
    halves = [(r.high - r.low) / 2 if r.low is not None and r.high is not None else None for r in results]
    figure.add_bar(
        x=list(range(len(results))),
        y=[result.accuracy for result in results],
        marker_color=["#bdbdbd" if result.control else BLUE for result in results],
        text=[_text(result, half) for result, half in zip(results, halves, strict=True)],
        textposition="none",
        hovertemplate=SHOWN,
        showlegend=False,
        row=row,
        col=1,
    )
    low = [math.nan if result.low is None else result.low for result in results]
    high = [math.nan if result.high is None else result.high for result in results]
    places, heights = list(range(len(results))), [result.accuracy for result in results]
    add_intervals(figure, places, heights, low, high, row=row, col=1)
    for x, (result, half) in enumerate(zip(results, halves, strict=True)):
        said = f"{result.accuracy:.1f}" + ("" if half is None else f" ±{half:.1f}")
        top = result.accuracy + (half or 0)
        figure.add_annotation(x=x, y=top, text=said, showarrow=False, yshift=11, row=row, col=1)
    names = [safe(wrapped(set_name(result), width=16)) for result in results]
    said = f"{labels_said(results)}; bars: 95 % interval over students"
    figure.update_xaxes(title_text=safe(said), **ticks(range(len(results)), names), row=row, col=1)
    grid = {"range": [0, 112], "tickvals": [0, 20, 40, 60, 80, 100], "gridcolor": FAINT}
    figure.update_yaxes(title_text="test accuracy, %", **grid, row=row, col=1)


def _text(result: Result, half: float | None) -> str:
    said = "a single student" if half is None else f"95 % interval {result.low:.2f} to {result.high:.2f}"
    return lines(
        set_name(result).replace("\n", " "),
        f"accuracy {result.accuracy:.2f} %",
        f"{said}, n = {result.students}",
        "" if result.bytes is None else f"{result.bytes:,} bytes",
        "" if result.w2_squared_heldout is None else f"squared W2 to held-out features {result.w2_squared_heldout:.3g}",
    )
