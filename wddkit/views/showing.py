"""Figures as HTML with words for those who do not see them: JupyterLab shows no alt text of an image alone.

In a notebook the image itself lies beside the HTML, for exports that know no HTML.
"""

import base64
import html
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 4  # panels whose titles are read out; a wall of images is told as a whole


def image(png: bytes, words: str) -> str:
    """A PNG as an HTML image that needs no file, with these words as its alt text."""
    return f'<img alt="{html.escape(words)}" class="picture" src="data:image/png;base64,{_text(png)}">'


def embedded(figure: "Figure", words: str, *, dpi: float = 80) -> str:
    """A figure as `image` gives it; its alt text is these words, and the titles of its panels if they are at most 4."""
    return image(_drawn(figure, dpi), _told(figure, words))


def show(figure: "Figure", words: str) -> None:
    """Shows a figure with words as `embedded` does, and closes it, so that it is not shown a second time."""
    import matplotlib.pyplot as plt
    from IPython.display import display

    png = _drawn(figure, figure.dpi)
    data = {"text/html": image(png, _told(figure, words)), "image/png": _text(png), "text/plain": words}
    display(data, raw=True)  # type: ignore[no-untyped-call]  # IPython's
    plt.close(figure)


def _told(figure: "Figure", words: str) -> str:
    titles = [title for axes in figure.axes if (title := axes.get_title())]
    return ". ".join([words.rstrip(". "), *(titles if len(titles) <= FEW else ())]) + "."


def _drawn(figure: "Figure", dpi: float) -> bytes:
    """A figure as a PNG without empty margins."""
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=dpi, bbox_inches="tight")
    return held.getvalue()


def _text(png: bytes) -> str:
    return base64.b64encode(png).decode()
