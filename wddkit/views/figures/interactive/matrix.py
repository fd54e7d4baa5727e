"""Transport plans as matrices, to hover and zoom."""

from typing import TYPE_CHECKING

import numpy as np

from wddkit.history import History
from wddkit.views.figures.barycenters import Matrix, checked_plan, matrix_of
from wddkit.views.figures.interactive.chart import (
    FAINT,
    SHOWN,
    SMALL,
    Chart,
    caption,
    chart,
    lines,
    nothing,
    ticks,
)
from wddkit.views.figures.words import (
    BLUE,
    matrix_alt,
    name_of,
    no_plan,
    plan_alt,
    plan_said,
    plan_title,
    short,
)

if TYPE_CHECKING:
    from wddkit.ot import Transport


def plan(history: History, label: int | str, *, step: int = -1) -> Chart:
    """What was recorded of one class's transport plan at a barycenter step, as a matrix.

    Rows are support points with their masses beside them, columns real images, sorted by the support point that takes
    most of each. Below stands which share of the plan's mass is shown.
    """
    shown = matrix_of(history, label, step=step)
    name = name_of(history, label)
    if shown is None:
        return nothing(f"Transport plan of class {short(name)}", no_plan(name))
    rows = len(shown.masses)
    height = min(1100, max(380, 220 + 26 * rows))
    figure = chart(plan_title(shown), alt=plan_alt(shown), height=height, bottom=130)
    figure.set_subplots(1, 2, column_widths=[0.8, 0.2], horizontal_spacing=0.02, shared_yaxes=True)
    _add_matrix(figure, shown)
    _add_masses(figure, shown)
    across = max(1, -(-len(shown.images) // 14))
    many = "" if across == 1 else f" (1 in {across} is numbered)"
    places = range(0, len(shown.images), across)
    numbers = ticks(places, [str(image) for image in shown.images[::across]])
    figure.update_xaxes(title_text=f"real image of the class{many}", **numbers, tickangle=0, row=1, col=1)
    every = -(-rows // 30)
    figure.update_yaxes(
        autorange="reversed", **ticks(range(1, rows + 1, every), [str(j) for j in range(1, rows + 1, every)])
    )
    figure.update_yaxes(title_text="support point", row=1, col=1)
    frame = {"showgrid": False, "zeroline": False, "showline": True, "mirror": True, "linecolor": FAINT}
    figure.update_xaxes(**frame)
    figure.update_yaxes(**frame)
    caption(figure, plan_said(shown), below=75)
    return figure


def _add_matrix(figure: Chart, shown: Matrix) -> None:
    # Numbers alone: a text for each of 50 000 entries would be megabytes.
    figure.add_heatmap(
        y=list(range(1, len(shown.masses) + 1)),
        z=shown.mass.astype(np.float32),
        customdata=np.broadcast_to(shown.images.astype(np.int32), shown.mass.shape).copy(),
        hovertemplate="support point %{y}<br>real image %{customdata} of the class<br>mass %{z:.4g}<extra></extra>",
        hoverongaps=False,
        zmin=0,
        zmax=float(np.nanmax(shown.mass)),
        colorscale="Blues",
        colorbar={"title": {"text": "mass that<br>the point<br>takes", "font": {"size": SMALL}}, "thickness": 14},
        row=1,
        col=1,
    )


def _add_masses(figure: Chart, shown: Matrix) -> None:
    sums = np.nansum(shown.mass, axis=1)
    rows = list(range(1, len(sums) + 1))
    texts = [
        lines(f"support point {j + 1}", f"mass {own:.4g}", f"of which shown {part:.4g}")
        for j, (own, part) in enumerate(zip(shown.masses, sums, strict=True))
    ]
    style = {"orientation": "h", "text": texts, "textposition": "none", "hovertemplate": SHOWN, "showlegend": False}
    outline = {"color": "rgba(255,255,255,0)", "line": {"color": "black", "width": 1}}
    figure.add_bar(y=rows, x=sums, marker={"color": BLUE}, **style, row=1, col=2)
    figure.add_bar(y=rows, x=shown.masses, marker=outline, **style, row=1, col=2)
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title_text="mass of the point<br>(filled: shown)", row=1, col=2)


def plan_matrix(transport: "Transport") -> Chart:
    """The whole plan of a result of `wdd.ot.transport` as a matrix, with its marginals as bars above and beside it."""
    mass = checked_plan(transport)
    title = f"Transport plan: value {transport.value:.4g}"
    figure = chart(title, alt=matrix_alt(mass, transport.value), height=640, width=820)
    shape = {"column_widths": [0.84, 0.16], "row_heights": [0.16, 0.84], "shared_xaxes": True, "shared_yaxes": True}
    figure.set_subplots(2, 2, horizontal_spacing=0.02, vertical_spacing=0.03, specs=[[{}, None], [{}, {}]], **shape)
    columns, rows = mass.sum(axis=0), mass.sum(axis=1)
    style = {"marker": {"color": BLUE}, "textposition": "none", "hovertemplate": SHOWN, "showlegend": False}
    above = [lines(f"point {j} of b", f"mass {entry:.4g}") for j, entry in enumerate(columns)]
    beside = [lines(f"point {i} of a", f"mass {entry:.4g}") for i, entry in enumerate(rows)]
    figure.add_bar(y=columns, text=above, **style, row=1, col=1)
    figure.add_bar(x=rows, y=list(range(len(rows))), orientation="h", text=beside, **style, row=2, col=2)
    figure.add_heatmap(
        z=mass,
        hovertemplate="point %{y} of a to point %{x} of b<br>mass %{z:.4g}<extra></extra>",
        zmin=0,
        zmax=float(mass.max()),
        colorscale="Blues",
        colorbar={"title": {"text": "mass moved<br>from a to b", "font": {"size": SMALL}}, "thickness": 14, "len": 0.8},
        row=2,
        col=1,
    )
    figure.update_yaxes(title_text="mass in b", row=1, col=1)
    figure.update_xaxes(title_text="mass in a", nticks=3, tickangle=0, row=2, col=2)
    figure.update_xaxes(title_text="point of b", row=2, col=1)
    figure.update_yaxes(title_text="point of a", autorange="reversed", row=2, col=1)
    figure.update_yaxes(autorange="reversed", row=2, col=2)
    return figure
