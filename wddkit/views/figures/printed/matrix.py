"""Transport plans as matrices, for print."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from wddkit.history import History
from wddkit.views.figures.barycenters import Matrix, checked_plan, matrix_of
from wddkit.views.figures.printed.picture import Picture, caption, nothing, paper, picture, plain
from wddkit.views.figures.words import BLUE, matrix_alt, name_of, no_plan, plan_alt, plan_said, plan_title, short

if TYPE_CHECKING:
    from wddkit.ot import Transport


def plan(history: History, label: int | str, *, step: int = -1) -> Picture:
    """What was recorded of one class's transport plan at a barycenter step, as a matrix.

    Rows are support points with their masses beside them, columns real images, sorted by the support point that takes
    most of each. Below stands which share of the plan's mass is shown.
    """
    shown = matrix_of(history, label, step=step)
    name = name_of(history, label)
    with paper():
        if shown is None:
            figure = picture(5, 3)
            nothing(figure.add_subplot(title=plain(f"Transport plan of class {short(name)}")), plain(no_plan(name)))
        else:
            figure = _drawn(shown)
            caption(figure, plan_said(shown))
    figure.alt = no_plan(name) if shown is None else plan_alt(shown)
    return figure


def plan_matrix(transport: "Transport") -> Picture:
    """The whole plan of a result of `wdd.ot.transport` as a matrix, with its marginals as bars above and beside it."""
    mass = checked_plan(transport)
    with paper():
        figure = picture(6, 5)
        grid = figure.subplots(2, 2, width_ratios=(5, 1), height_ratios=(1, 5), sharex="col", sharey="row")
        top, empty, axes, side = grid.flat
        empty.set_visible(False)
        drawn = axes.imshow(mass, cmap="Blues", aspect="auto", interpolation="nearest", vmin=0)
        top.bar(range(mass.shape[1]), mass.sum(axis=0), width=0.8, color=BLUE)
        side.barh(range(mass.shape[0]), mass.sum(axis=1), height=0.8, color=BLUE)
        top.set_title(f"Transport plan: value {transport.value:.4g}")
        top.set(xlabel="", ylabel="mass in b")
        side.set(xlabel="mass in a", ylabel="")
        axes.set(xlabel="point of b", ylabel="point of a")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))  # there is no point 0.5
        figure.colorbar(drawn, ax=grid[:, 1], label="mass moved from a to b")
    figure.alt = matrix_alt(mass, transport.value)
    return figure


def _drawn(shown: Matrix) -> Picture:
    rows = len(shown.masses)
    figure = picture(7.2, min(8.5, max(3.0, 1.6 + 0.24 * rows)))
    axes, side = figure.subplots(1, 2, width_ratios=(5, 1), sharey=True)
    axes.set_title(plain(plan_title(shown)))
    drawn = axes.imshow(shown.mass, cmap="Blues", aspect="auto", interpolation="nearest", vmin=0)
    axes.set_facecolor("white")
    axes.spines[:].set_visible(True)
    _ticks(axes, shown)
    side.barh(range(rows), shown.masses, height=0.8, facecolor="white", edgecolor="black", linewidth=0.8, label="all")
    side.barh(range(rows), np.nansum(shown.mass, axis=1), height=0.8, color=BLUE, label="shown")
    side.set(xlabel="mass of the point\n(filled: shown)", ylabel="")
    side.tick_params(left=False)
    _bar(figure, drawn, side)
    return figure


def _ticks(axes: Axes, shown: Matrix) -> None:
    rows, columns = shown.mass.shape
    every = -(-rows // 30)
    axes.set_yticks(range(0, rows, every), [str(j + 1) for j in range(0, rows, every)])
    across = max(1, -(-columns // 12))
    axes.set_xticks(range(0, columns, across), [str(image) for image in shown.images[::across]])
    many = "" if across == 1 else f" (1 in {across} is numbered)"
    axes.set(xlabel=f"real image of the class{many}", ylabel="support point")


def _bar(figure: Picture, drawn: AxesImage, axes: Axes) -> None:
    figure.colorbar(drawn, ax=axes, label="mass of the image that\nthe support point takes")
