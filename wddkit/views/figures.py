"""Figures of a recorded run for print. Each returns its figure and touches nothing that is shared."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.patheffects import withStroke

from wddkit.history import History
from wddkit.views.scene import Result, Scene, chosen

# Okabe and Ito's colours, told apart with any colour vision, beside shapes: 72 classes before a pair comes again.
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#F0E442", "#8A8A8A")
MARKERS = (".", "x", "^", "+", "D", "v", "*", "|", "_")
DISC = 260.0  # area in points^2 of the heaviest support point
NAMES = {
    "random": "random\nreal images",
    "nearest": "nearest\nreal images",
    "whole real set": "the whole\nreal set",
}  # of the controls
_NAMES = 30  # classes; more names would hide the marks


class Picture(Figure):
    """A figure that a notebook shows without pyplot, with a text alternative."""

    alt = "figure"

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue(), {"alt": self.alt}


def features(history: History, frame: int = -1) -> Picture:
    """Real features, support points (area in proportion to mass) and distilled images at a frame, in the projection."""
    drawn = Scene.of(history)
    figure = Picture(figsize=(7.6, 6.6), layout="constrained")
    _draw_features(figure, drawn, _checked(drawn, frame))
    figure.alt = _features_alt(drawn, frame)
    return figure


def film_strip(
    history: History, classes: Sequence[int | str] | None = None, *, image: int = 0, snapshots: int = 8
) -> Picture:
    """One image of each class (by label or name; all if None) through the snapshots, a row for each class."""
    drawn = Scene.of(history)
    labels = chosen(drawn, classes)
    columns = min(snapshots, len(drawn.frames))
    figure = Picture(figsize=(1.2 + 0.85 * columns, 0.9 + 0.8 * len(labels)), layout="constrained")
    _draw_strip(figure.add_subplot(), drawn, labels, image=image, snapshots=snapshots)
    figure.alt = f"Image {image + 1} of {len(labels)} classes at {columns} snapshots of the distillation."
    return figure


def accuracy(history: History) -> Picture:
    """Test accuracy with its 95 % interval: the run's own set, its controls beside it, protocol by protocol."""
    drawn = Scene.of(history)
    figure = Picture(figsize=(max(4.5, 1.2 + 1.25 * len(drawn.results)), 4.2), layout="constrained")
    _draw_accuracy(figure.add_subplot(), drawn.results)
    figure.alt = _accuracy_alt(drawn.results)
    return figure


def overview(history: History) -> Picture:
    """The whole run in one picture: features, images through time, accuracy beside its controls."""
    drawn = Scene.of(history)
    labels = chosen(drawn, None)[:10]
    figure = Picture(figsize=(14, 6.2), layout="constrained")
    parts: np.ndarray = np.asarray(figure.subfigures(1, 3, width_ratios=(1.1, 1, 0.85)))
    _draw_features(parts[0], drawn, len(drawn.frames) - 1)
    _draw_strip(parts[1].add_subplot(), drawn, labels, image=0, snapshots=8)
    _draw_accuracy(parts[2].add_subplot(), drawn.results)
    figure.alt = f"{drawn.title}. {_features_alt(drawn, -1)} {_accuracy_alt(drawn.results)}"
    return figure


def _draw_features(figure: FigureBase, drawn: Scene, frame: int) -> None:
    axes = figure.add_subplot()
    moment = drawn.frames[frame]
    axes.set_title(f"Real images, support points, distilled images: step {moment.step}")
    plane = drawn.projection
    if plane is None:
        _nothing(axes, "No features were recorded.")
        return
    for label in sorted({*drawn.labels.tolist(), *(drawn.real_labels if drawn.real_labels is not None else ())}):
        colour, marker = COLOURS[label % len(COLOURS)], MARKERS[label % len(MARKERS)]
        if drawn.real_xy is not None:
            own = drawn.real_xy[drawn.real_labels == label]
            axes.scatter(own[:, 0], own[:, 1], s=14, c=colour, marker=marker, linewidths=1, alpha=0.75)
        if drawn.xy is not None:
            own = drawn.xy[frame][drawn.labels == label]
            axes.scatter(own[:, 0], own[:, 1], s=26, c=colour, marker="s", edgecolors="black", linewidths=1, zorder=4)
    heaviest = max((way.masses[-1].max() for way in drawn.ways), default=1.0)
    for way in drawn.ways:
        area = DISC * way.masses[-1] / heaviest
        colour = COLOURS[way.label % len(COLOURS)]
        axes.scatter(
            way.xy[-1, :, 0],
            way.xy[-1, :, 1],
            s=area,
            c=colour,
            alpha=0.5,
            edgecolors="black",
            linewidths=0.8,
            zorder=3,
        )
    axes.set_aspect("equal")
    for name, text, share in zip("xy", ("first", "second"), plane.explained, strict=True):
        axes.set(**{f"{name}label": f"{text} direction, {100 * share:.0f} % of the variance"})
    _draw_names(axes, drawn)
    _draw_key(axes, drawn, float(heaviest))
    figure.supxlabel(plane.caption, fontsize=8, wrap=True)


def _draw_names(axes: Axes, drawn: Scene) -> None:
    """Names where the classes are, so that nobody has to tell colours apart."""
    if drawn.real_xy is None or drawn.real_labels is None or len(labels := np.unique(drawn.real_labels)) > _NAMES:
        return
    for label in labels:
        x, y = drawn.real_xy[drawn.real_labels == label].mean(axis=0)
        halo = [withStroke(linewidth=3, foreground="white")]
        axes.text(
            x, y, _short(drawn.classes[label]), ha="center", va="center", weight="bold", zorder=5, path_effects=halo
        )


def _draw_key(axes: Axes, drawn: Scene, heaviest: float) -> None:
    kinds: list[Any] = []
    if drawn.real_xy is not None:
        kinds.append(axes.scatter([], [], s=14, c="0.4", label="real image"))
    if drawn.ways:
        kinds += [
            axes.scatter(
                [], [], s=DISC * part, c="0.7", edgecolors="black", label=f"support point, mass {part * heaviest:.2g}"
            )
            for part in (0.1, 1.0)
        ]
    if drawn.xy is not None:
        kinds.append(axes.scatter([], [], s=26, c="0.7", marker="s", edgecolors="black", label="distilled image"))
    if kinds:
        axes.legend(handles=kinds, loc="upper center", bbox_to_anchor=(0.5, -0.11), ncols=2, fontsize=8, frameon=False)


def _draw_strip(axes: Axes, drawn: Scene, labels: Sequence[int], *, image: int, snapshots: int) -> None:
    axes.set_title(f"Image {image + 1} of each class, by step")
    rows = [_row(drawn, label, image) for label in labels]
    shown = np.unique(np.linspace(0, len(drawn.frames) - 1, snapshots).round().astype(int))
    # One mosaic with gaps: an axes for each image takes a second to draw.
    tiles = np.stack([drawn.image(int(t))[rows] for t in shown])
    size = tiles.shape[-1]
    gap = max(1, size // 12)
    padded = np.pad(tiles, ((0, 0), (0, 0), (0, 0), (0, gap), (0, gap)), constant_values=255)
    mosaic = padded.transpose(1, 3, 0, 4, 2).reshape(len(rows) * (size + gap), len(shown) * (size + gap), -1)
    axes.imshow(mosaic.repeat(3, axis=2) if mosaic.shape[2] == 1 else mosaic, interpolation="nearest")
    middle = (size - 1) / 2
    axes.set_xticks(np.arange(len(shown)) * (size + gap) + middle, [str(drawn.frames[t].step) for t in shown])
    axes.set_yticks(np.arange(len(rows)) * (size + gap) + middle, [_short(drawn.classes[label]) for label in labels])
    axes.tick_params(length=0, labelsize=9)
    axes.set(xlabel="optimisation step", ylabel="class")
    axes.spines[:].set_visible(False)


def _row(drawn: Scene, label: int, image: int) -> int:
    own = np.flatnonzero(drawn.labels == label)
    if not 0 <= image < len(own):
        raise ValueError(
            f"no image {image} in class {drawn.classes[label]!r}, which has {len(own)} recorded images; count from 0"
        )
    return int(own[image])


def _draw_accuracy(axes: Axes, results: Sequence[Result]) -> None:
    axes.set_title("Accuracy beside its controls")
    if not results:
        _nothing(axes, "No results were recorded.")
        return
    several = len({result.protocol for result in results}) > 1
    for x, result in enumerate(results):
        axes.bar(x, result.accuracy, color="0.75" if result.control else "#0072B2", width=0.7)
        if result.low is not None and result.high is not None:
            half = (result.high - result.low) / 2
            axes.errorbar(x, result.accuracy, yerr=half, color="black", capsize=5)
        half_text = "" if result.low is None or result.high is None else f"\n±{(result.high - result.low) / 2:.1f}"
        top = result.high if result.high is not None else result.accuracy
        axes.annotate(
            f"{result.accuracy:.1f}{half_text}", (x, top), (0, 3), textcoords="offset points", ha="center", fontsize=9
        )
    names = [
        (NAMES.get(result.set, result.set) if result.control else f"{result.set}\n(this run)")
        + (f"\n{result.protocol}" if several else "")
        for result in results
    ]
    axes.set_xticks(range(len(results)), names, fontsize=8.5)
    axes.set_ylim(0, 118)
    axes.set_yticks(range(0, 101, 20))
    regimes = ", ".join(dict.fromkeys(result.labels for result in results if result.labels))
    axes.set_ylabel("accuracy on test images, %, with 95 % interval over students", fontsize=9)
    axes.set_xlabel(f"labels: {regimes}" if regimes else "set")
    axes.spines[["top", "right"]].set_visible(False)


def _nothing(axes: Axes, why: str) -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")


def _checked(drawn: Scene, frame: int) -> int:
    if not -len(drawn.frames) <= frame < len(drawn.frames):
        raise ValueError(
            f"frame {frame} of a run of {len(drawn.frames)} snapshots; expected 0 to {len(drawn.frames) - 1}"
        )
    return frame % len(drawn.frames)


def _features_alt(drawn: Scene, frame: int) -> str:
    if drawn.projection is None:
        return "No features were recorded."
    real = 0 if drawn.real_labels is None else len(drawn.real_labels)
    points = sum(way.masses.shape[1] for way in drawn.ways)
    return (
        f"Features in two dimensions at step {drawn.frames[frame].step}: {real} real images, {points} support points "
        f"as discs by mass, {len(drawn.labels) if drawn.xy is not None else 0} distilled images as squares."
    )


def _accuracy_alt(results: Sequence[Result]) -> str:
    said = "; ".join(f"{result.set} {result.accuracy:.1f} %" for result in results)
    return f"Accuracy on test images: {said}." if said else "No results were recorded."


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"
