"""What a sweep came to, to hover and zoom: a heat map, main effects, two numbers against each other."""

import math
from typing import Any

from wddkit.history import Sweep
from wddkit.views.figures.grids import Effects, Grid, effects_of, grid_of, pairs_of
from wddkit.views.figures.interactive.chart import (
    FAINT,
    INK,
    SHOWN,
    SMALL,
    SYMBOLS,
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
from wddkit.views.figures.words import BLUE, COLOURS, short, wrapped
from wddkit.views.sweeps import Field, Fixed, Mean

APART = "A mark is a run. The interval takes runs as independent, which seeds of one setting are not."
_FEW = 8  # columns of a heat map whose cells have room for intervals


def heat_map(
    sweep: Sweep,
    value: str = "accuracy",
    *,
    rows: str | None = None,
    columns: str | None = None,
    fixed: Fixed | None = None,
    protocol: str | None = None,
) -> Chart:
    """The mean of a value over two fields of a sweep, with its 95 % interval over synthesis seeds in every cell.

    `rows` and `columns` are fields, "" for none; without them the first that vary. Over fields that are neither these
    nor `fixed`, {"method.ipc": 10}, the mean is taken. `protocol`: without it the first of the sweep. Gains have a
    scale of colours around zero. Raises ValueError for what the sweep does not have.
    """
    grid = grid_of(sweep, value, rows=rows, columns=columns, fixed=fixed, protocol=protocol)
    down, across = grid.texts
    few = len(across) <= _FEW
    width = min(1200, max(560, 240 + (115 if few else 60) * len(across)))
    title = wrapped(grid.title, width=width // 10)
    height = 190 + (70 if few else 40) * len(down)
    figure = chart(title, alt=grid.alt, height=height, width=width, top=85 if "\n" in title else 60, bottom=115)
    figure.add_heatmap(**_cells(grid, few=few))
    figure.update_xaxes(
        title_text=name(grid.columns.name, most=40) if grid.columns else "all settings",
        showgrid=False,
        **ticks(range(len(across)), [name(text) for text in across]),
    )
    figure.update_yaxes(
        title_text=name(grid.rows.name, most=40) if grid.rows else "",
        autorange="reversed",
        showgrid=False,
        automargin=True,
        **ticks(range(len(down)), [name(text) for text in down]),
    )
    caption(figure, grid.said, below=55)
    return figure


def _cells(grid: Grid, *, few: bool) -> dict[str, Any]:
    low, high = grid.limits
    title = safe(wrapped(grid.column.title, width=18))
    kept = 3 if few else 1
    written = [["<br>".join(map(safe, grid.lines(mean)[:kept])) for mean in line] for line in grid.means]
    down, across = grid.texts
    hover = [
        [_hover(grid, mean, (grid.rows, down[i]), (grid.columns, across[j])) for j, mean in enumerate(line)]
        for i, line in enumerate(grid.means)
    ]
    return {
        "z": [[None if math.isnan(value) else float(value) for value in line] for line in grid.values],
        "text": written,
        "texttemplate": "%{text}",
        "customdata": hover,
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "zmin": low,
        "zmax": high,
        "colorscale": "PuOr" if grid.signed else "Cividis",
        "xgap": 3,
        "ygap": 3,
        "colorbar": {"title": {"text": title, "font": {"size": SMALL}}, "thickness": 14},
    }


def _hover(grid: Grid, mean: Mean, *levels: tuple[Field | None, str]) -> str:
    where = [f"{short(field.short, most=30)}: {short(text, most=30)}" for field, text in levels if field]
    return lines(*where, grid.column.title, *grid.lines(mean), f"{len(mean.rows)} runs")


def main_effects(
    sweep: Sweep, value: str = "accuracy", *, fixed: Fixed | None = None, protocol: str | None = None
) -> Chart:
    """The mean of a value by the levels of every field of a sweep, with 95 % intervals over seeds, on one scale.

    Intervals may go on beyond the axes. Raises ValueError for what the sweep does not have.
    """
    effects = effects_of(sweep, value, fixed=fixed, protocol=protocol)
    title = f"Main effects: {effects.column.title}"
    if not effects.whole.measured or not effects.means:
        return nothing("Main effects", "Not measured in these runs.")
    widths = [max(2, len(field.levels)) for field in effects.means]
    figure = chart(title, alt=effects.alt, height=440, width=min(1200, max(560, 140 + 90 * sum(widths))), bottom=115)
    figure.set_subplots(1, len(widths), column_widths=widths, shared_yaxes=True, horizontal_spacing=0.02)
    for col, (field, means) in enumerate(effects.means.items(), start=1):
        _add_effect(figure, effects, field, means, col=col)
    figure.add_hline(y=effects.whole.value, line={"color": INK, "dash": "dash", "width": 1})
    figure.update_yaxes(range=list(effects.limits), gridcolor=FAINT)
    figure.update_yaxes(title_text=safe(wrapped(effects.column.title, width=36)), row=1, col=1)
    caption(figure, f"{effects.said} Dashed: the mean of all.", below=60)
    return figure


def _add_effect(figure: Chart, effects: Effects, field: Field, means: tuple[Mean, ...], *, col: int) -> None:
    known = [i for i, mean in enumerate(means) if mean.measured]
    values = [means[i].value for i in known]
    figure.add_scatter(
        x=known,
        y=values,
        mode="lines+markers",
        line={"color": BLUE},
        marker={"size": 9},
        text=[
            lines(
                f"{short(field.short, most=30)}: {short(field.texts[i], most=30)}",
                f"{effects.column.title}: {effects.column.said(means[i].value)}",
                f"± {effects.column.half_said(means[i].half)}" if means[i].over else "",
                f"{means[i].said}, {len(means[i].rows)} runs",
            )
            for i in known
        ],
        hovertemplate=SHOWN,
        showlegend=False,
        row=1,
        col=col,
    )
    low, high = [means[i].low for i in known], [means[i].high for i in known]
    add_intervals(figure, known, values, low, high, row=1, col=col)
    names = [name(text, most=12) for text in field.texts]
    ends = [-0.5, len(means) - 0.5]
    figure.update_xaxes(
        title_text=name(field.short, most=26), range=ends, **ticks(range(len(means)), names), row=1, col=col
    )


def scatter(
    sweep: Sweep,
    x: str = "w2_squared_heldout",
    y: str = "accuracy",
    *,
    colour: str | None = None,
    fixed: Fixed | None = None,
    protocol: str | None = None,
) -> Chart:
    """Two numbers of every run of a sweep against each other, with Spearman's rho and its 95 % interval.

    `x` and `y` are measured columns, or fields whose levels are numbers; `colour` a field, "" for none, without it the
    first that varies. Raises ValueError for what the sweep does not have.
    """
    pairs = pairs_of(sweep, x, y, colour=colour, fixed=fixed, protocol=protocol)
    if not len(pairs.rows):
        return nothing(pairs.association.said, "No run has both numbers.")
    figure = chart(pairs.association.said, alt=pairs.alt, height=520, width=820, bottom=110)
    said = dict(zip(pairs.rows.tolist(), pairs.names, strict=True))
    for text, rows, place in pairs.levels:
        figure.add_scatter(
            x=pairs.x.values[rows],
            y=pairs.y.values[rows],
            mode="markers",
            marker={
                "size": 10,
                "symbol": SYMBOLS[place % len(SYMBOLS)],
                "color": COLOURS[place % len(COLOURS)] if pairs.colour else INK,
                "line": {"width": 2, "color": COLOURS[place % len(COLOURS)] if pairs.colour else INK},
            },
            name=name(text),
            text=[_run(said[row], pairs.x, pairs.y, row) for row in rows.tolist()],
            hovertemplate=SHOWN,
            showlegend=pairs.colour is not None,
        )
    figure.update_layout(legend_title_text=name(pairs.colour.short, most=24) if pairs.colour else "")
    figure.update_xaxes(title_text=safe(pairs.x.title), gridcolor=FAINT)
    figure.update_yaxes(title_text=safe(wrapped(pairs.y.title, width=44)), gridcolor=FAINT)
    caption(figure, APART, below=60)
    return figure


def _run(said: str, x: Any, y: Any, row: int) -> str:
    values = [f"{column.name}: {column.said(column.values[row])}" for column in (x, y)]
    return lines(wrapped(said, width=60), *values)
