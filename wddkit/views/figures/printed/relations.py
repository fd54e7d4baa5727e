"""A distance against what students reach, for print."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from wddkit.history.relation import By, Given
from wddkit.views.figures.printed.picture import Picture, caption, paper, picture, plain
from wddkit.views.figures.relations import Group, Panel, Relation, relation_of, title_of
from wddkit.views.figures.words import COLOURS, short, wrapped

_MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")  # nine beside ten colours: 90 groups before a pair comes again
_KEY = 24  # letters across; groups in a column before a second one
_ROWS = 14


def relation(
    given: Given,
    *,
    x: str = "w2_squared_heldout",
    y: str = "accuracy",
    by: By = "method",
    protocol: str | None = None,
    controls: Sequence[str] = (),
    seed: int = 0,
) -> Picture:
    """A distance of every run's set against the accuracy of its students, in groups, with Spearman's rho.

    `given`, `by`, `protocol`, `controls` and the three rhos, within groups, across them and overall, are those of
    `wddkit.relate`. A panel for each data set, teacher, protocol and number of images.
    """
    shown = relation_of(given, x=x, y=y, by=by, protocol=protocol, controls=controls, seed=seed)
    with paper():
        figure = picture(7.2, 1.5 + 3.6 * len(shown.panels))
        for row, panel in enumerate(shown.panels):
            axes = figure.add_subplot(len(shown.panels), 1, row + 1)
            axes.set_title(plain(panel.title))
            _draw(axes, panel, shown)
        figure.suptitle(plain("\n".join(shown.said)), x=0.01, ha="left", fontsize=10.5)
        caption(figure, shown.caption)
    figure.alt = shown.alt
    return figure


def _draw(axes: Axes, panel: Panel, shown: Relation) -> None:
    handles = [_draw_group(axes, group, means=bool(shown.by)) for group in panel.groups]
    if panel.log:
        axes.set_xscale("log")
    axes.set(xlabel=plain(title_of(shown.x) + " (log)" * panel.log), ylabel=plain(title_of(shown.y)))
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    if shown.by:
        # A name that begins with _ would be left out of the key.
        names = [plain("\u200b" + wrapped(_called(group), width=_KEY)) for group in panel.groups]
        columns = -(-len(names) // _ROWS)
        said = plain(f"{shown.by} (runs)")
        key = axes.legend(handles, names, loc="upper left", bbox_to_anchor=(1.01, 1), ncols=columns, title=said)
        key.set_alignment("left")


def _draw_group(axes: Axes, group: Group, *, means: bool) -> Any:
    colour = "0.45" if group.control else COLOURS[(4 - group.rank) % len(COLOURS)]
    mark = _MARKS[group.rank % len(_MARKS)]
    drawn = axes.scatter(group.x, group.y, s=26, c=colour, marker=mark, alpha=0.75, edgecolors="0.25", linewidths=0.3)
    if means:
        # Hollow: the mean often stands just where the runs are.
        style: dict[str, Any] = {"facecolors": "none", "edgecolors": colour, "linewidths": 1.8, "zorder": 4}
        outline = [withStroke(linewidth=3.4, foreground="black")]
        axes.scatter(group.x.mean(), group.y.mean(), s=150, marker=mark, path_effects=outline, **style)
    return drawn


def _called(group: Group) -> str:
    return f"{short(group.name, most=60)} ({len(group.x)})"
