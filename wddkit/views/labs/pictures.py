"""Pictures of the laboratories, for notebooks that are read where no widget lives."""

import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wddkit.ot import Measure, Step, Transport
from wddkit.views.assets import COLOURS

A, B, PLAN = "#0072B2", "#D55E00", "#009E73"  # as in the browser
DISC = 1500.0  # area in points^2 of a mark that holds all mass
SMALLEST = 12.0
FAINT = 0.004  # share of the heaviest entry below which no line is drawn


def transport_png(a: Measure, b: Measure, t: Transport) -> bytes:
    """The plan as lines between the points, and as a matrix."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    board, matrix = figure.subplots(1, 2, width_ratios=(1.5, 1))
    x, y = _plane(a.points, 1.0), _plane(b.points, 0.0)
    _lines(board, x, y, t.plan)
    board.scatter(*x.T, s=np.maximum(SMALLEST, DISC * a.masses), c=A, marker="o", zorder=3, label="a")
    board.scatter(*y.T, s=np.maximum(SMALLEST, DISC * b.masses), c=B, marker="s", zorder=3, label="b")
    _frame(board, flat=a.points.shape[1] == 1)
    board.set_title(f"value {t.value:.4g}: blue discs a go to orange squares b")
    matrix.imshow(t.plan, cmap="Greens", vmin=0, aspect="auto")
    matrix.set(xlabel="b", ylabel="a", title="the plan: how much goes from which a to which b")
    for axis, count in ((matrix.yaxis, len(a)), (matrix.xaxis, len(b))):
        axis.set_major_locator(MaxNLocator(min(count, 12), integer=True))
        axis.set_major_formatter(lambda place, _: f"{place + 1:.0f}")  # as in the browser, the first point is 1
    return _png(figure)


def barycenter_png(measures: Sequence[Measure], step: Step, values: Sequence[float]) -> bytes:
    """The points in the colours of their support points, and the value over the steps."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    board, curve = figure.subplots(1, 2, width_ratios=(1.5, 1))
    flat = step.support.shape[1] == 1
    y = _plane(step.support, 1.0)
    for k, (measure, plan) in enumerate(zip(measures, step.plans, strict=True)):
        x = _plane(measure.points, -k)
        _lines(board, y, x, plan)
        owner = plan.argmax(axis=0)
        colours = [COLOURS[i % len(COLOURS)] if plan[i, j] else "#999999" for j, i in enumerate(owner)]
        sizes, shape = np.maximum(SMALLEST, DISC / 2 * measure.masses), "os^D"[k % 4]
        board.scatter(*x.T, s=sizes, c=colours, marker=shape, zorder=3)
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(y))]
    board.scatter(*y.T, s=np.maximum(60, DISC * step.masses), c=colours, edgecolors="black", linewidths=2, zorder=4)
    _frame(board, flat=flat)
    board.set_title(f"value {step.value:.4g} after step {step.step}: rimmed discs are the support points")
    curve.plot(values, "o-", color="#555555")
    curve.set(xlabel="step", ylabel="value", ylim=(0, None))
    curve.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    return _png(figure)


def _plane(points: Float64[np.ndarray, "n d"], row: float) -> Float64[np.ndarray, "n 2"]:
    """The points in the plane; those of a line at a height of their own."""
    return points if points.shape[1] == 2 else np.column_stack([points[:, 0], np.full(len(points), row)])


def _lines(
    axes: Axes, x: Float64[np.ndarray, "m 2"], y: Float64[np.ndarray, "n 2"], plan: Float64[np.ndarray, "m n"]
) -> None:
    for i, j in zip(*np.nonzero(plan > FAINT * plan.max()), strict=True):
        ends = np.stack([x[i], y[j]])
        axes.plot(*ends.T, color=PLAN, alpha=0.6, linewidth=max(0.6, min(8.0, 25 * plan[i, j])), zorder=2)


def _frame(axes: Axes, *, flat: bool) -> None:
    axes.margins(0.1, 0.3 if flat else 0.1)  # room for the marks
    if flat:
        axes.set_yticks([])
    else:
        axes.set_aspect("equal", adjustable="datalim")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
