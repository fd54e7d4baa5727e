"""What was measured along a run, and accuracy against the number of images per class, to hover and zoom."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wddkit.history import History
from wddkit.views.figures.barycenters import Values, values_of
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
from wddkit.views.figures.series import Series, Strip, series_of, strip_of
from wddkit.views.figures.tables import Given, Line, Point, aside, intervals_said, lines_of, panel_said
from wddkit.views.figures.words import (
    BLUE,
    COLOURS,
    HELD,
    NO_SCALARS,
    ORANGE,
    PHASES,
    by_ipc_alt,
    curves_alt,
    series_said,
    short,
    turns_said,
    wrapped,
)
from wddkit.views.scene.facts import turns

_DASHES = ("solid", "dash", "dot", "dashdot")
_MARKS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")
_ROW = 230  # pixels


def curves(history: History) -> Chart:
    """Everything that was measured along a run: barycenter values first, then each scalar, then layers' errors.

    Phases are named over the curves; where several blocks or classes were measured, thick lines are their means.
    """
    values, series, strip, turned = values_of(history), series_of(history), strip_of(history), turns(history)
    wide, pairs = {"colspan": 2}, -(-len(series) // 2)
    specs: list[list[Any]] = [[wide, None]] * (values is not None) + [[{}, {}]] * pairs
    specs += [[wide, None]] * (strip is not None)
    if not specs:
        return nothing("Measured along the run", NO_SCALARS)
    titles = ["Phase barycenter: squared W2 to real features"] * (values is not None)
    titles += [wrapped(series_said(each), width=48) for each in series]
    titles += [""] * (2 * pairs - len(series)) + ["Statistics error by normalisation layer"] * (strip is not None)
    rows, bottom = len(specs), 120 if turned else 70
    alt, height = curves_alt(values, series, strip), 95 + bottom + _ROW * rows
    figure = chart("Measured along the run", alt=alt, height=height, width=1000, top=95, bottom=bottom)
    shape = {"specs": specs, "subplot_titles": [safe(title) for title in titles], "horizontal_spacing": 0.12}
    figure.set_subplots(rows, 2, vertical_spacing=0.42 / rows if rows > 1 else 0, **shape)
    figure.update_annotations(font_size=SMALL + 1)
    first = int(values is not None)
    if values is not None:
        _add_values(figure, values)
    for i, each in enumerate(series):
        _add_series(figure, each, place={"row": 1 + first + i // 2, "col": 1 + i % 2}, turned=turned)
    if strip is not None:
        _add_strip(figure, strip, row=rows)
    if turned:
        caption(figure, turns_said(turned), below=60)
    figure.update_layout(
        legend={"orientation": "h", "x": 1, "xanchor": "right", "yref": "container", "y": 0.99, "yanchor": "top"}
    )
    return figure


def _add_values(figure: Chart, values: Values) -> None:
    steps = np.arange(values.training.shape[1])
    kinds = (
        ("training features", values.training, values.training.mean(axis=0), BLUE, "solid", "circle"),
        ("held-out features", values.heldout, values.heldout_mean, ORANGE, "dash", "square"),
    )
    several = len(values.names) > 1
    for kind, rows, mean, colour, dash, symbol in kinds:
        if not np.isfinite(rows).any():
            continue
        said = kind + (f", mean of {len(values.names)} classes" if several else "")
        if several:
            _add_classes(figure, values.names, rows, kind=kind, line={"color": colour, "dash": dash, "width": 1})
        figure.add_scatter(
            x=steps,
            y=_gaps(mean),
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 3},
            marker={"symbol": symbol, "size": 7},
            name=said,
            legendgroup=kind,
            text=[lines(said, f"step {step}: squared W2 {value:.4g}") for step, value in enumerate(mean)],
            hovertemplate=SHOWN,
            row=1,
            col=1,
        )
    figure.update_xaxes(
        title_text=f"barycenter step{HELD if several else ''}", dtick=-(-len(steps) // 12), row=1, col=1
    )
    figure.update_yaxes(title_text="squared W2<br>(feature units squared)", rangemode="tozero", row=1, col=1)


def _add_classes(figure: Chart, names: Sequence[str], rows: np.ndarray, *, kind: str, line: dict[str, Any]) -> None:
    """All classes as one trace, with gaps between them: a hundred traces would be slow."""
    steps = [*range(rows.shape[1]), None]
    texts = [
        [*(lines(f"class {short(own)}", f"{kind}, step {t}: {value:.4g}") for t, value in enumerate(row)), ""]
        for own, row in zip(names, rows, strict=True)
    ]
    figure.add_scatter(
        x=steps * len(names),
        y=[value for row in rows for value in [*_gaps(row), None]],
        mode="lines",
        line=line,
        opacity=0.3,
        text=[text for own in texts for text in own],
        hovertemplate=SHOWN,
        legendgroup=kind,
        showlegend=False,
        row=1,
        col=1,
    )


def _gaps(values: np.ndarray) -> list[float | None]:
    """NaN as None, which JSON knows."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _add_series(figure: Chart, series: Series, *, place: dict[str, int], turned: Sequence[Mapping[str, Any]]) -> None:
    for i, line in enumerate(series.lines):
        texts = [
            lines(short(series.name, most=40), f"phase {short(line.phase)}, step {step}: {value:.5g}")
            for step, value in zip(line.steps.tolist(), line.values.tolist(), strict=True)
        ]
        figure.add_scatter(
            x=line.steps,
            y=line.values,
            mode="lines+markers" if len(line.steps) <= 40 else "lines",
            line={"color": PHASES[i % len(PHASES)], "dash": _DASHES[i % 4]},
            text=texts,
            hovertemplate=SHOWN,
            showlegend=False,
            **place,
        )
        if len(series.lines) > 1:
            last = np.log10(line.values[-1]) if series.log else line.values[-1]
            said = name(line.phase)
            figure.add_annotation(
                x=line.steps[-1], y=last, text=said, showarrow=False, yshift=10, xanchor="right", **place
            )
    for turn in turned:
        figure.add_vline(x=turn["step"], line={"color": "black", "dash": "dot", "width": 1}, **place)
    figure.update_xaxes(title_text="step", **place)
    said = name(series.name, most=24) + (" (log)" if series.log else "")
    log = {"type": "log", "dtick": 1, "tickformat": "~g"} if series.log else {}
    figure.update_yaxes(title_text=said, **log, **place)


def _add_strip(figure: Chart, strip: Strip, *, row: int) -> None:
    shown = np.log10(strip.errors) if strip.log else strip.errors
    texts = [
        [
            lines(f"layer {layer}", f"step {step}: error {error:.4g}")
            for step, error in zip(strip.steps, errors, strict=True)
        ]
        for layer, errors in zip(strip.layers, strip.errors, strict=True)
    ]
    low, high = float(shown.min()), float(shown.max())
    places = np.linspace(low, high, 4) if high > low else np.array([low])
    said = [f"{10**place if strip.log else place:.2g}" for place in places]
    top, bottom = reversed(figure.get_subplot(row, 1).yaxis.domain)
    figure.add_heatmap(
        x=strip.edges,
        y=np.arange(len(strip.layers) + 1) - 0.5,
        z=shown,
        text=texts,
        hovertemplate=SHOWN,
        colorscale="Cividis",
        colorbar={
            "title": {"text": "error (share of<br>real variance)", "font": {"size": SMALL}},
            "len": top - bottom,
            "y": (top + bottom) / 2,
            "thickness": 14,
            **ticks(places.tolist(), said),
        },
        row=row,
        col=1,
    )
    figure.update_xaxes(title_text="optimisation step", row=row, col=1)
    every = -(-len(strip.layers) // 12)
    names = [name(layer) for layer in strip.layers[::every]]
    layers = {"autorange": "reversed", **ticks(range(0, len(strip.layers), every), names)}
    figure.update_yaxes(title_text="layer, input first", **layers, row=row, col=1)


def accuracy_by_ipc(results: Given) -> Chart:
    """Accuracy against images per class with 95 % intervals, a line for each method and control, by protocol.

    `results`: histories, tables as `history.results` or `wdd.compare` give them, a list of either, or such lists under
    names of their lines: {"free masses": [...], "uniform": [...]}. Runs that differ in the seed alone are one point.
    """
    panels = lines_of(results)
    rows = len(panels)
    height = 210 + 380 * rows
    figure = chart("Accuracy by images per class", alt=by_ipc_alt(panels), height=height, top=90, bottom=120)
    titles = [safe(panel_said(panel)) for panel in panels]
    figure.set_subplots(rows, 1, subplot_titles=titles, vertical_spacing=0.25 / rows if rows > 1 else 0)
    shown: set[int] = set()
    for row, found in enumerate(panels.values(), start=1):
        _add_lines(figure, found, row=row, shown=shown)
    points = [point for found in panels.values() for line in found for point in line.points]
    caption(figure, intervals_said(points), below=65)
    figure.update_layout(legend={"x": 1.01, "y": 1, "font": {"size": SMALL + 1}})
    return figure


def _add_lines(figure: Chart, found: Sequence[Line], *, row: int, shown: set[int]) -> None:
    """The lines of one panel; `shown` are those that stand in the key already."""
    place = {"row": row, "col": 1}
    ipcs = sorted({point.ipc for line in found for point in line.points if not math.isnan(point.ipc)})
    ends = [ipcs[0] / 1.3, ipcs[-1] * 1.3] if ipcs else [1.0, 10.0]
    for i, line in enumerate(found):
        style = {"legendgroup": str(line.rank), "showlegend": line.rank not in shown, **place}
        if line.level:
            _add_level(figure, line, across=[ends[0], *ipcs, ends[1]], style=style)
        else:
            _add_line(figure, line, shift=aside(i, len(found)), style=style)
        shown.add(line.rank)
    texts = [f"{ipc:g}" for ipc in ipcs]
    figure.update_xaxes(title_text="images per class (log)", type="log", **ticks(ipcs, texts), **place)
    figure.update_xaxes(range=[math.log10(end) for end in ends], gridcolor=FAINT, **place)
    figure.update_yaxes(title_text="accuracy on test images, %", gridcolor=FAINT, **place)


def _add_line(figure: Chart, line: Line, *, shift: float, style: dict[str, Any]) -> None:
    colour = "#737373" if line.control else COLOURS[(4 - line.rank) % len(COLOURS)]
    x, y = [point.ipc * shift for point in line.points], [point.accuracy for point in line.points]
    low, high = [point.low for point in line.points], [point.high for point in line.points]
    hidden = {name: value for name, value in style.items() if name != "showlegend"}
    add_intervals(figure, x, y, low, high, color=colour, **hidden)
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": colour, "dash": "dash" if line.control else "solid"},
        marker={"symbol": _MARKS[line.rank % len(_MARKS)], "size": 9},
        text=[_said(line, point) for point in line.points],
        hovertemplate=SHOWN,
        name=_key(line),
        **style,
    )


def _add_level(figure: Chart, line: Line, *, across: Sequence[float], style: dict[str, Any]) -> None:
    """A line that does not depend on ipc, from side to side, with its interval as a band."""
    figure.add_scatter(
        x=[*across, None] * len(line.points),
        y=[y for point in line.points for y in [*[point.accuracy] * len(across), None]],
        mode="lines",
        line={"color": "black", "dash": "dot"},
        text=[text for point in line.points for text in [*[_said(line, point)] * len(across), ""]],
        hovertemplate=SHOWN,
        name=_key(line),
        **style,
    )
    place = {"row": style["row"], "col": style["col"]}
    for point in line.points:
        if not math.isnan(point.low):
            figure.add_hrect(y0=point.low, y1=point.high, fillcolor="#e2e2e2", line_width=0, layer="below", **place)


def _key(line: Line) -> str:
    return safe(wrapped(short(line.name, most=60), width=24))


def _said(line: Line, point: Point) -> str:
    at = "" if math.isnan(point.ipc) else f"{point.ipc:g} images per class"
    bar = "no interval" if math.isnan(point.low) else f"95 % interval {point.low:.2f} to {point.high:.2f}"
    return lines(short(line.name, most=60), at, f"accuracy {point.accuracy:.2f} %", f"{bar}, {point.over}")
