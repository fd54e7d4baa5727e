"""Masses and accuracies as bars, for print."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from wddkit.history import History
from wddkit.views.figures.barycenters import Masses, masses_of
from wddkit.views.figures.printed.picture import (
    LETTERS,
    SMALL,
    Part,
    Picture,
    caption,
    inches,
    nothing,
    paper,
    picture,
    plain,
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


def masses(history: History, classes: Sequence[int | str] | None = None, *, step: int = -1) -> Picture:
    """Masses of the support points by class at a step of the barycenters, heaviest first, beside the uniform 1/m.

    Up to 20 classes are bars of their own each; more are one column of marks each.
    """
    shown, absent = masses_of(history, classes, step=step)
    with paper():
        if not shown:
            figure = picture(5, 3)
            axes = figure.add_subplot(title="Masses of the support points")
            nothing(axes, no_masses(absent))
        elif len(shown) <= ROWS:
            figure = _small_bars(shown)
        else:
            figure = _columns(shown)
        if shown and absent:
            caption(figure, absent_said(absent))
    figure.alt = masses_alt(shown)
    return figure


def _small_bars(shown: Sequence[Masses]) -> Picture:
    across = min(_ACROSS, len(shown))
    down = -(-len(shown) // across)
    figure = picture(max(4.4, 0.7 + 1.35 * across), 1.1 + 1.3 * down)
    grid = figure.subplots(down, across, sharey=True, squeeze=False)
    for axes, own in zip(grid.flat, shown, strict=False):
        ranks = np.arange(1, len(own.masses) + 1)
        colour = COLOURS[own.label % len(COLOURS)]
        axes.bar(ranks, own.masses, width=0.8, color=colour, edgecolor="black", linewidth=_edge(len(ranks)))
        axes.axhline(1 / len(ranks), color="black", linestyle="--", linewidth=1)
        axes.set_title(plain(short(own.name, most=14)), fontsize=SMALL + 0.5)
        axes.set_xticks(sorted({1, len(ranks)}))
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    figure.suptitle("Masses of the support points (dashed: all equal, 1/m)", x=0.01, ha="left", fontsize=10.5)
    figure.supylabel("mass (share of the class)", fontsize=9.5)
    figure.supxlabel("support points of the class, heaviest first", fontsize=9.5)
    return figure


def _edge(m: int) -> float:
    """Width of the line around a bar: around many, lines would be all that is seen."""
    return 0.5 if m <= 25 else 0.0


def _columns(shown: Sequence[Masses]) -> Picture:
    figure = picture(min(7.2, 2 + 0.2 * len(shown)), 3.8)
    axes = figure.add_subplot(title="Masses of the support points (lines: all equal, 1/m)")
    for x, own in enumerate(shown):
        axes.plot([x] * len(own.masses), own.masses, ".", color=BLUE, markersize=4, alpha=0.6)
        axes.plot([x - 0.45, x + 0.45], [1 / len(own.masses)] * 2, color="black", linewidth=1)
    every = -(-len(shown) // 36)  # names that fit side by side
    names = [plain(short(own.name, most=14)) for own in shown[::every]]
    axes.set_xticks(range(0, len(shown), every), names, rotation=90)
    axes.set_ylim(0, 1.1 * max(own.masses[0] for own in shown))
    axes.set_ylabel("mass (share of the class)")
    axes.set_xlabel("class" if every == 1 else f"class (1 in {every} is named)")
    return figure


def accuracy(history: History) -> Picture:
    """Test accuracy with its 95 % interval: the run's own set, its controls beside it, protocol by protocol."""
    results = results_of(history)
    groups = protocols(results)
    widest = max((len(group) for group in groups.values()), default=0)
    with paper():
        figure = picture(max(4.6, 1.2 + 1.25 * widest), 0.6 + 3.5 * max(1, len(groups)))
        draw_accuracy(figure, results)
    figure.alt = accuracy_alt(results)
    return figure


def draw_accuracy(figure: Part, results: Sequence[Result], *, most: int = 100) -> None:
    """Bars in a figure or a part of one, an axes for each protocol; at most so many protocols."""
    groups = protocols(results)
    if not groups:
        nothing(figure.add_subplot(title="Accuracy beside its controls"), NO_RESULTS)
    shown = list(groups.items())[:most]
    for row, (protocol, group) in enumerate(shown):
        axes = figure.add_subplot(len(shown), 1, row + 1)
        said = f": {short(protocol, most=30)}" if len(groups) > 1 else ""
        if len(shown) < len(groups):
            said += f"\n(1 of {len(groups)} protocols)"
        axes.set_title(plain(f"Accuracy beside its controls{said}"))
        width, height = inches(figure)
        _draw_bars(axes, group, width=width - 0.7, height=height / len(shown) - 1)


def _draw_bars(axes: Axes, results: Sequence[Result], *, width: float, height: float) -> None:
    """Bars in axes of about this size in inches."""
    for x, result in enumerate(results):
        axes.bar(x, result.accuracy, color="0.75" if result.control else BLUE, width=0.7)
        said, top = f"{result.accuracy:.1f}", result.accuracy
        if result.low is not None and result.high is not None:
            half, top = (result.high - result.low) / 2, result.high
            axes.errorbar(x, result.accuracy, yerr=half, color="black", capsize=5)
            said += f"\n±{half:.1f}"
        axes.annotate(said, (x, top), (0, 3), textcoords="offset points", ha="center")
    letters = max(7, int(LETTERS * width / len(results)) - 2)
    names = [plain(wrapped(set_name(result), width=letters)) for result in results]
    axes.set_xticks(range(len(results)), names)
    axes.set_ylim(0, 100 * (1 + 0.5 / height))  # room for the numbers over the bars
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel("test accuracy, %")
    said = f"{labels_said(results)}; bars: 95 % interval over students"
    axes.set_xlabel(plain(wrapped(said, width=int(12 * width))))
