"""What was measured along a run, and accuracy against the number of images per class, for print."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from wddkit.history import History
from wddkit.views.figures.barycenters import Values, values_of
from wddkit.views.figures.printed.picture import Picture, caption, nothing, paper, picture, plain
from wddkit.views.figures.series import Series, Strip, series_of, strip_of
from wddkit.views.figures.tables import Given, Line, aside, intervals_said, lines_of, panel_said
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

_DASHES = ("-", "--", ":", "-.")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


def curves(history: History) -> Picture:
    """Everything that was measured along a run: barycenter values first, then each scalar, then layers' errors.

    Phases are named over the curves; where several blocks or classes were measured, thick lines are their means.
    """
    values, series, strip, turned = values_of(history), series_of(history), strip_of(history), turns(history)
    heights = [2.3] * (values is not None) + [1.75] * (-(-len(series) // 2)) + [1.9] * (strip is not None)
    with paper():
        figure = picture(7.2, 0.4 + sum(heights) if heights else 2)
        if not heights:
            nothing(figure.add_subplot(title="Measured along the run"), NO_SCALARS)
        else:
            grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
            if values is not None:
                _draw_values(figure.add_subplot(grid[0, :]), values)
            first = int(values is not None)
            for i, each in enumerate(series):
                place = grid[first + i // 2, i % 2] if len(series) > 1 else grid[first, :]
                _draw_series(figure.add_subplot(place), each, turned=[int(turn["step"]) for turn in turned])
            if turned:
                caption(figure, turns_said(turned))
            if strip is not None:
                _draw_strip(figure, figure.add_subplot(grid[-1, :]), strip)
    figure.alt = curves_alt(values, series, strip)
    return figure


def _draw_values(axes: Axes, values: Values) -> None:
    axes.set_title("Phase barycenter: squared W2 to real features")
    steps = np.arange(values.training.shape[1])
    style: dict[str, Any] = {"linewidth": 0.7, "alpha": min(0.35, 6 / len(values.names))}
    several = len(values.names) > 1
    if several:
        axes.plot(steps, values.training.T, color=BLUE, **style)
        axes.plot(steps, values.heldout.T, color=ORANGE, linestyle="--", **style)
    of = f", mean of {len(values.names)} classes" if several else ""
    axes.plot(steps, values.training.mean(axis=0), color=BLUE, linewidth=2, marker="o", markersize=3)
    axes.plot(steps, values.heldout_mean, color=ORANGE, linewidth=2, linestyle="--", marker="s", markersize=4)
    axes.set_ylim(0, 1.35 * max(values.training.max(), np.nan_to_num(values.heldout).max()))  # room for the key
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel=f"barycenter step{HELD if several else ''}", ylabel="squared W2\n(feature units squared)")
    handles = [axes.lines[-2], axes.lines[-1]] if np.isfinite(values.heldout).any() else [axes.lines[-2]]
    axes.legend(
        handles, [f"training features{of}", f"held-out features{of}"][: len(handles)], loc="upper right", ncols=2
    )


def _draw_series(axes: Axes, series: Series, *, turned: Sequence[int]) -> None:
    for i, line in enumerate(series.lines):
        few = "." if len(line.steps) <= 40 else ""
        axes.plot(
            line.steps,
            line.values,
            _DASHES[i % 4],
            color=PHASES[i % len(PHASES)],
            marker=few,
            label=plain(short(line.phase)),
        )
    if len(series.lines) > 1:
        axes.legend(title="phase")
    for step in turned:
        axes.axvline(step, color="black", linestyle=":", linewidth=1)
    axes.set_title(plain(wrapped(series_said(series), width=36)), fontsize=9.5)
    if series.log:
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel=plain(short(series.name, most=20)) + (" (log)" if series.log else ""))


def _draw_strip(figure: Picture, axes: Axes, strip: Strip) -> None:
    low, high = float(strip.errors.min()), float(strip.errors.max())
    norm = LogNorm(low, high) if strip.log else Normalize(min(low, 0), high or 1)
    rows = np.arange(len(strip.layers) + 1) - 0.5
    mesh = axes.pcolormesh(strip.edges, rows, strip.errors, cmap="cividis", norm=norm)
    axes.invert_yaxis()
    every = -(-len(strip.layers) // 12)
    axes.set_yticks(range(0, len(strip.layers), every), [plain(short(name)) for name in strip.layers[::every]])
    axes.set_title("Statistics error by normalisation layer")
    axes.set(xlabel="optimisation step", ylabel="layer, input first")
    bar = figure.colorbar(mesh, ax=axes, pad=0.01)
    bar.set_label("error (share of real\nvariance" + (", log)" if strip.log else ")"))


def accuracy_by_ipc(results: Given) -> Picture:
    """Accuracy against images per class with 95 % intervals, a line for each method and control, by protocol.

    `results`: histories, tables as `history.results` or `wdd.compare` give them, a list of either, or such lists under
    names of their lines: {"free masses": [...], "uniform": [...]}. Runs that differ in the seed alone are one point.
    """
    panels = lines_of(results)
    with paper():
        figure = picture(7.2, 0.9 + 3.9 * len(panels))
        for row, (panel, lines) in enumerate(panels.items()):
            axes = figure.add_subplot(len(panels), 1, row + 1)
            axes.set_title(plain(f"Accuracy by images per class: {panel_said(panel)}"))
            _draw_lines(axes, lines)
        points = [point for lines in panels.values() for line in lines for point in line.points]
        caption(figure, intervals_said(points))
    figure.alt = by_ipc_alt(panels)
    return figure


def _draw_lines(axes: Axes, lines: Sequence[Line]) -> None:
    ipcs = sorted({point.ipc for line in lines for point in line.points if not math.isnan(point.ipc)})
    handles: list[Any] = []
    for i, line in enumerate(lines):
        colour = "0.45" if line.control else COLOURS[(4 - line.rank) % len(COLOURS)]
        if line.level:
            handles.append(_draw_level(axes, line))
            continue
        x = [point.ipc * aside(i, len(lines)) for point in line.points]
        y = [point.accuracy for point in line.points]
        below = [point.accuracy - point.low for point in line.points]
        above = [point.high - point.accuracy for point in line.points]
        dashes, mark = ("--" if line.control else "-"), _MARKS[line.rank % len(_MARKS)]
        style: dict[str, Any] = {"color": colour, "linestyle": dashes, "marker": mark, "markersize": 5, "capsize": 3}
        handles.append(axes.errorbar(x, y, yerr=[below, above], **style))
    if ipcs:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(ipcs))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(ipcs[0] / 1.3, ipcs[-1] * 1.3)
    axes.set(xlabel="images per class (log)", ylabel="accuracy on test images, %")
    axes.grid(axis="y", color="0.9")
    # A name that begins with _ would be left out of the key.
    names = [plain("\u200b" + wrapped(short(line.name, most=60), width=24)) for line in lines]
    axes.legend(handles, names, loc="upper left", bbox_to_anchor=(1.01, 1))


def _draw_level(axes: Axes, line: Line) -> Any:
    """A line that does not depend on ipc, with its interval as a band; what stands for it in the key."""
    for point in line.points:
        drawn = axes.axhline(point.accuracy, color="black", linestyle=":")
        if not math.isnan(point.low):
            axes.axhspan(point.low, point.high, color="0.9", zorder=0)
    return drawn
