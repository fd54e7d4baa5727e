"""Figures as HTML with words for those who do not see them: JupyterLab shows no alt text of an image alone."""

import base64
import html
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 4  # panels whose titles are read out; a wall of images is told as a whole


def image(png: bytes, words: str) -> str:
    """A PNG as an HTML image that needs no file, with these words as its alt text."""
    return f'<img alt="{html.escape(words)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def embedded(figure: "Figure", words: str, *, dpi: float = 80) -> str:
    """A figure as `image` gives it; its alt text is these words and the titles of up to 4 panels."""
    titles = [title for axes in figure.axes if (title := axes.get_title())]
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=dpi, bbox_inches="tight")
    return image(held.getvalue(), ". ".join([words.rstrip(". "), *(titles if len(titles) <= FEW else ())]) + ".")


def show(figure: "Figure", words: str) -> None:
    """Shows a figure as `embedded` does, and closes it, so that it is not shown a second time."""
    import matplotlib.pyplot as plt
    from IPython.display import display

    data = {"text/html": embedded(figure, words, dpi=figure.dpi), "text/plain": words}
    display(data, raw=True)  # type: ignore[no-untyped-call]  # IPython's
    plt.close(figure)
