"""Tables of `wddkit.compare` as dots with intervals, for print."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

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
from wddkit.views.figures.printed.picture import SMALL, Picture, caption, paper, picture, plain
from wddkit.views.figures.tables import aside
from wddkit.views.figures.words import BLUE, COLOURS, short, wrapped

_GREY = "0.45"
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


def comparison(frame: Frame) -> Picture:
    """Accuracy with its interval, a row for each set, and beside it the gain over random images, by protocol.

    `frame`: the table that `wddkit.compare` gives. Raises ValueError for another one.
    """
    panels = panels_of(frame, what="comparison")
    heights = [1.1 + 0.34 * len(panel.dots) for panel in panels]
    with paper():
        figure = picture(7.6, sum(heights) + 0.7)
        grid = figure.add_gridspec(len(panels), 2, height_ratios=heights, width_ratios=(3, 2))
        for row, panel in enumerate(panels):
            left = figure.add_subplot(grid[row, 0])
            right = figure.add_subplot(grid[row, 1], sharey=left)
            left.set_title(plain(wrapped(panel.title, width=78)))
            _draw_accuracies(left, panel.dots)
            _draw_gains(right, panel.dots)
        caption(figure, said_below([dot for panel in panels for dot in panel.dots], gains=True))
    figure.alt = alt_of(panels)
    return figure


def _draw_accuracies(axes: Axes, dots: Sequence[Dot]) -> None:
    for y, dot in enumerate(dots):
        colour = _GREY if dot.control else BLUE
        if not math.isnan(dot.low):
            axes.plot([dot.low, dot.high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot([dot.mean], [y], "o", color=colour, markersize=6)
        _say(axes, f"{dot.mean:.1f}", dot.mean, y, weight="bold" if dot.best else "normal")
    names = [plain("\u200b" + wrapped(short(dot.name, most=60), width=30)) for dot in dots]
    axes.set_yticks(range(len(dots)), names)
    axes.set_ylim(len(dots) - 0.5, -0.7)
    axes.margins(x=0.08)
    axes.set_xlabel("accuracy on test images, %")
    _ground(axes)


def _draw_gains(axes: Axes, dots: Sequence[Dot]) -> None:
    axes.axvline(0, color="black", linewidth=1)
    for y, dot in enumerate(dots):
        if math.isnan(dot.gain):
            continue
        colour = _GREY if dot.control else BLUE
        if not math.isnan(dot.gain_low):
            axes.plot([dot.gain_low, dot.gain_high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
        face = colour if dot.sure else "white"
        axes.plot([dot.gain], [y], "D", color=colour, markerfacecolor=face, markersize=5.5)
        _say(axes, signed(dot.gain), dot.gain, y)
    axes.margins(x=0.12)
    axes.tick_params(axis="y", left=False, labelleft=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("gain over random images")
    _ground(axes)


def _say(axes: Axes, text: str, x: float, y: float, *, weight: str = "normal") -> None:
    """A number over a mark, on white where a line runs through it."""
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.85}
    style: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "bottom", "bbox": paper}
    axes.annotate(text, (x, y), (0, 5), fontsize=SMALL, weight=weight, **style)


def _ground(axes: Axes) -> None:
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)


def accuracy_by_bits(frame: Frame) -> Picture:
    """Accuracy against the bits of labels that a student is told for each image, a line for each set.

    `frame`: the table that `wddkit.compare` gives for several protocols. Raises ValueError for another one.
    """
    trades = trades_of(frame, what="accuracy_by_bits")
    with paper():
        figure = picture(7.2, 0.9 + 3.9 * len(trades))
        for row, trade in enumerate(trades):
            axes = figure.add_subplot(len(trades), 1, row + 1)
            axes.set_title(plain(wrapped(trade.title, width=64)), pad=20)  # points: names of protocols stand between
            _draw_trade(axes, trade)
        dots = [dot for trade in trades for way in trade.ways for dot in way.dots]
        caption(figure, said_below(dots, gains=False))
    figure.alt = trades_alt(trades)
    return figure


def _draw_trade(axes: Axes, trade: Trade) -> None:
    for i, way in enumerate(trade.ways):
        axes.errorbar(
            [dot.bits * aside(i, len(trade.ways)) for dot in way.dots],
            [dot.mean for dot in way.dots],
            yerr=[[dot.mean - dot.low for dot in way.dots], [dot.high - dot.mean for dot in way.dots]],
            color=_GREY if way.control else COLOURS[(4 - i) % len(COLOURS)],
            linestyle="--" if way.control else "-",
            marker=_MARKS[i % len(_MARKS)],
            markersize=5,
            capsize=3,
            label=plain("\u200b" + wrapped(short(way.name, most=60), width=24)),
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([bits for bits, _ in trade.marks]))
    axes.xaxis.set_major_formatter(lambda value, _: bits_said(value))
    axes.xaxis.set_minor_locator(NullLocator())
    for bits, protocol in trade.marks:
        style: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "center"}
        axes.annotate(plain(short(protocol)), (bits, 1), (0, 4), fontsize=SMALL, **style)
    axes.margins(x=0.08)
    axes.set(xlabel="bits of labels an image (log)", ylabel="accuracy on test images, %")
    axes.grid(axis="y", color="0.9")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
