"""What a sweep came to, for print: a heat map, main effects, two numbers against each other."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from wddkit.history import Sweep
from wddkit.views.figures.grids import Effects, Grid, Pairs, effects_of, grid_of, pairs_of
from wddkit.views.figures.printed.picture import SMALL, Picture, caption, nothing, paper, picture, plain
from wddkit.views.figures.printed.places import MARKERS
from wddkit.views.figures.words import COLOURS, short, wrapped
from wddkit.views.sweeps import Fixed, Mean

_FEW = 8  # columns of a heat map whose cells have room for intervals


def heat_map(
    sweep: Sweep,
    value: str = "accuracy",
    *,
    rows: str | None = None,
    columns: str | None = None,
    fixed: Fixed | None = None,
    protocol: str | None = None,
) -> Picture:
    """The mean of a value over two fields of a sweep, with its 95 % interval over synthesis seeds in every cell.

    `rows` and `columns` are fields, "" for none; without them the first that vary. Over fields that are neither these
    nor `fixed`, {"method.ipc": 10}, the mean is taken. `protocol`: without it the first of the sweep. Gains have a
    scale of colours around zero. Raises ValueError for what the sweep does not have.
    """
    grid = grid_of(sweep, value, rows=rows, columns=columns, fixed=fixed, protocol=protocol)
    down, across = grid.texts
    with paper():
        few = len(across) <= _FEW
        figure = picture(
            min(11.0, 2.6 + (1.15 if few else 0.6) * len(across)), 1.5 + (0.68 if few else 0.4) * len(down)
        )
        _draw_grid(figure, figure.add_subplot(), grid, few=few)
        caption(figure, grid.said)
    figure.alt = grid.alt
    return figure


def _draw_grid(figure: Picture, axes: Axes, grid: Grid, *, few: bool) -> None:
    down, across = grid.texts
    axes.set_title(plain(wrapped(grid.title, width=max(28, 12 * len(across)))))
    low, high = grid.limits
    style: dict[str, Any] = {"cmap": "PuOr" if grid.signed else "cividis", "vmin": low, "vmax": high}
    drawn = axes.imshow(np.ma.masked_invalid(grid.values), aspect="auto", interpolation="nearest", **style)
    colours = np.asarray(drawn.to_rgba(np.nan_to_num(grid.values)))
    for i, line in enumerate(grid.means):
        for j, mean in enumerate(line):
            dark = mean.measured and _light(colours[i, j]) <= 0.179  # as contrasts with black and white are equal there
            _draw_cell(axes, grid, mean, (j, i), "white" if dark else "black", few=few)
    axes.set_xticks(range(len(across)), [plain(short(text)) for text in across])
    axes.set_yticks(range(len(down)), [plain(short(text)) for text in down])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(plain(short(grid.columns.name, most=40)) if grid.columns else "all settings")
    axes.set_ylabel(plain(short(grid.rows.name, most=40)) if grid.rows else "")
    figure.colorbar(drawn, ax=axes, label=plain(wrapped(grid.column.title, width=24)))


def _draw_cell(axes: Axes, grid: Grid, mean: Mean, at: tuple[int, int], ink: str, *, few: bool) -> None:
    x, y = at
    if not mean.measured:
        axes.add_patch(
            Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor="white", edgecolor="0.75", hatch="//", linewidth=0)
        )
    lines = grid.lines(mean)
    shown = [wrapped(line, width=13) for line in (lines if few else lines[:1])]
    box: dict[str, Any] = {} if mean.measured else {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}}
    axes.text(x, y, "\n".join(shown), ha="center", va="center", color=ink, fontsize=SMALL, **box)


def _light(colour: np.ndarray) -> float:
    """Relative luminance of a colour (WCAG)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3].tolist()]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])


def main_effects(
    sweep: Sweep, value: str = "accuracy", *, fixed: Fixed | None = None, protocol: str | None = None
) -> Picture:
    """The mean of a value by the levels of every field of a sweep, with 95 % intervals over seeds, on one scale.

    An interval that goes on beyond the axes ends in an arrow. Raises ValueError for what the sweep does not have.
    """
    effects = effects_of(sweep, value, fixed=fixed, protocol=protocol)
    widths = [max(2, len(field.levels)) for field in effects.means]
    with paper():
        figure = picture(min(11.0, max(4.4, 1.2 + 0.75 * sum(widths))), 3.6)
        if not effects.whole.measured or not widths:
            nothing(figure.add_subplot(title="Main effects"), "Not measured in these runs.")
        else:
            _draw_effects(figure, effects, widths)
            caption(figure, f"{effects.said} Dashed: the mean of all.")
    figure.alt = effects.alt
    return figure


def _draw_effects(figure: Picture, effects: Effects, widths: list[int]) -> None:
    grid = np.atleast_1d(figure.subplots(1, len(widths), width_ratios=widths, sharey=True))
    low, high = effects.limits
    for axes, (field, means) in zip(grid, effects.means.items(), strict=True):
        known = [i for i, mean in enumerate(means) if mean.measured]
        axes.plot(known, [means[i].value for i in known], "o-", color=COLOURS[4], linewidth=1.2)
        for i in known:
            _draw_interval(axes, i, means[i], low, high)
            said = effects.column.said(means[i].value)
            axes.annotate(said, (i, means[i].value), (5, 5), textcoords="offset points", fontsize=SMALL)
        axes.axhline(effects.whole.value, color="0.4", linestyle="--", linewidth=1)
        axes.set_xticks(range(len(means)), [plain(short(text, most=12)) for text in field.texts])
        axes.set(xlim=(-0.5, len(means) - 0.3), ylim=(low, high), xlabel=plain(short(field.short, most=26)))
    figure.suptitle(plain(f"Main effects: {effects.column.title}"), x=0.01, ha="left", fontsize=10.5)
    grid[0].set_ylabel(plain(wrapped(effects.column.title, width=30)))


def _draw_interval(axes: Axes, x: int, mean: Mean, low: float, high: float) -> None:
    if not mean.over:
        return
    ends = (max(low, mean.low), min(high, mean.high))
    axes.vlines(x, *ends, color="black", linewidth=1)
    for end, cut, arrow in ((ends[0], mean.low < low, "v"), (ends[1], mean.high > high, "^")):
        axes.plot([x], [end], arrow if cut else "_", color="black", markersize=6, clip_on=False)


def scatter(
    sweep: Sweep,
    x: str = "w2_squared_heldout",
    y: str = "accuracy",
    *,
    colour: str | None = None,
    fixed: Fixed | None = None,
    protocol: str | None = None,
) -> Picture:
    """Two numbers of every run of a sweep against each other, with Spearman's rho and its 95 % interval.

    `x` and `y` are measured columns, or fields whose levels are numbers; `colour` a field, "" for none, without it the
    first that varies. Raises ValueError for what the sweep does not have.
    """
    pairs = pairs_of(sweep, x, y, colour=colour, fixed=fixed, protocol=protocol)
    with paper():
        figure = picture(6.4, 4.4)
        axes = figure.add_subplot(title=plain(pairs.association.said))
        if len(pairs.rows):
            _draw_pairs(axes, pairs)
        else:
            nothing(axes, "No run has both numbers.")
        caption(figure, "A mark is a run. The interval takes runs as independent, which seeds of one setting are not.")
    figure.alt = pairs.alt
    return figure


def _draw_pairs(axes: Axes, pairs: Pairs) -> None:
    for text, rows, place in pairs.levels:
        marker = MARKERS[place % len(MARKERS)]
        style: dict[str, Any] = {"s": 70 if marker == "." else 34, "marker": marker}
        colour = COLOURS[place % len(COLOURS)] if pairs.colour else "black"
        # A name that begins with _ would be left out of the key.
        label = plain("\u200b" + short(text))
        axes.scatter(pairs.x.values[rows], pairs.y.values[rows], c=colour, label=label, **style)
    axes.set(xlabel=plain(pairs.x.title), ylabel=plain(wrapped(pairs.y.title, width=44)))
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    if pairs.colour:
        title = plain(short(pairs.colour.short, most=24))
        axes.legend(title=title, loc="upper left", bbox_to_anchor=(1.01, 1))
