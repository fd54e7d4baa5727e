"""The paper that figures for print are drawn on: always dark on light, without pyplot."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any, TypeAlias

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from wddkit.views.figures.words import wrapped
from wddkit.views.showing import Bundle, Drawn, bundle

SMALL = 8.5  # points; nothing in a figure is smaller
LETTERS = 13.5  # of that size in an inch
Part: TypeAlias = "Figure | SubFigure"
_STYLE: dict[str, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 110,
    "pdf.fonttype": 42,  # text stays text in a printed paper
}


class Picture(Figure):
    """A figure that a notebook shows without pyplot, with a text alternative."""

    alt = "figure"

    def _repr_png_(self) -> Drawn:
        buffer = io.BytesIO()
        with paper():
            self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue(), {"alt": self.alt}

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return bundle(self._repr_png_())


@contextlib.contextmanager
def paper() -> Iterator[None]:
    """Our style while a figure is drawn, whatever the notebook has set; what it has set is there again afterwards."""
    with matplotlib.style.context(["default", _STYLE]):
        yield


def picture(width: float, height: float) -> Picture:
    """An empty figure of this size in inches."""
    return Picture(figsize=(width, height), layout="constrained")


def plain(text: str) -> str:
    """The text as it stands: matplotlib would set what is between two dollars as a formula."""
    return text.replace("$", r"\$")


def nothing(axes: Axes, why: str) -> None:
    """Says in an axes why it is empty."""
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes, wrap=True)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")


def inches(figure: Part) -> tuple[float, float]:
    """Width and height of a figure or a part of one."""
    dpi = figure.dpi
    return figure.bbox.width / dpi, figure.bbox.height / dpi


def caption(figure: Part, text: str) -> None:
    """A sentence or two below a figure or a part of one, in lines that fit its width."""
    figure.supxlabel(plain(wrapped(text, width=int(LETTERS * inches(figure)[0]))), fontsize=SMALL)
