"""Figures as a notebook keeps them, with words for those who do not see them.

JupyterLab shows no alt text of an image, so a figure is HTML; the image itself lies beside it, for exports that know no
HTML. A widget has words of its own in the browser, and a picture for where no widget can live.
"""

import base64
import html
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bundle: TypeAlias = tuple[dict[str, Any], dict[str, Any]]  # data and metadata by MIME type
Drawn: TypeAlias = tuple[bytes, dict[str, str]]  # a PNG and its metadata, {"alt": words}
FEW = 4  # panels whose titles are read out; a wall of images is told as a whole


def embedded(figure: "Figure", words: str, *, dpi: float = 80) -> str:
    """A figure as an HTML image that needs no file; its alt text is these words, and the titles of at most 4 panels."""
    return _image(_png(figure, dpi), _told(figure, words))


def show(figure: "Figure", words: str) -> None:
    """Shows a figure with words as `embedded` does, and closes it, so that it is not shown a second time."""
    import matplotlib.pyplot as plt
    from IPython.display import display

    data, metadata = bundle((_png(figure, figure.dpi), {"alt": _told(figure, words)}))
    display({**data, "text/plain": words}, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]  # IPython's
    plt.close(figure)


def bundle(drawn: Drawn) -> Bundle:
    """A figure as HTML with its alt text, and as an image."""
    png, about = drawn
    return {"text/html": _image(png, about["alt"]), "image/png": _text(png)}, {"image/png": about}


def with_picture(widget: Bundle | None, draw: Callable[[], Drawn]) -> Bundle | None:
    """A widget's bundle with a picture beside it."""
    if widget is None:
        return None
    png, about = draw()
    return {**widget[0], "image/png": _text(png)}, {**widget[1], "image/png": about}


def _image(png: bytes, alt: str) -> str:
    return f'<img alt="{html.escape(alt)}" class="picture" src="data:image/png;base64,{_text(png)}">'


def _told(figure: "Figure", words: str) -> str:
    titles = [title for axes in figure.axes if (title := axes.get_title())]
    return ". ".join([words.rstrip(". "), *(titles if len(titles) <= FEW else ())]) + "."


def _png(figure: "Figure", dpi: float) -> bytes:
    """Without empty margins."""
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=dpi, bbox_inches="tight")
    return held.getvalue()


def _text(png: bytes) -> str:
    return base64.b64encode(png).decode()
