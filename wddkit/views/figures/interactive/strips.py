"""Images through the snapshots, to hover and zoom."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from wddkit.history import History
from wddkit.views.figures.film import Film, film
from wddkit.views.figures.interactive.chart import SHOWN, Chart, chart, lines, name, ticks
from wddkit.views.figures.words import film_alt, film_title, short
from wddkit.views.scene import Scene

_CELL = 64  # pixels on the screen, at most


def film_strip(
    history: History, classes: Sequence[int | str] | None = None, *, image: int = 0, snapshots: int = 8
) -> Chart:
    """One image of each class through the snapshots, a row for each class (by label or name; the first 20 if None)."""
    drawn = Scene.of(history)
    shown = film(drawn, classes, image=image, snapshots=snapshots)
    rows, columns = len(shown.labels), len(shown.steps)
    cell = min(_CELL, max(32, 1000 // rows))
    width = max(420, 190 + cell * columns)
    title = film_title(shown, image).replace("\n", ": ")
    figure = chart(title, alt=film_alt(shown, image), height=140 + cell * rows, width=width)
    figure.add_image(source=_png(shown.mosaic), hoverinfo="skip")
    y, x = shown.middles
    figure.add_scatter(
        x=np.tile(x, rows),
        y=np.repeat(y, columns),
        mode="markers",
        marker={"size": cell * 0.8, "symbol": "square", "opacity": 0},  # seen by the pointer alone
        text=_texts(drawn, shown, image),
        hovertemplate=SHOWN,
        showlegend=False,
    )
    height_px, width_px = shown.mosaic.shape[:2]
    names = [name(drawn.classes[label]) for label in shown.labels]
    figure.update_xaxes(title_text="optimisation step", **ticks(x.tolist(), [str(step) for step in shown.steps]))
    figure.update_yaxes(
        title_text="class",
        automargin=True,
        scaleanchor="x",
        constrain="domain",
        ticks="outside",
        tickcolor="white",
        **ticks(y.tolist(), names),
    )
    figure.update_xaxes(range=[-0.5, width_px - 0.5], constrain="domain", showgrid=False, zeroline=False)
    figure.update_yaxes(range=[height_px - 0.5, -0.5], showgrid=False, zeroline=False)
    return figure


def _texts(drawn: Scene, shown: Film, image: int) -> list[str]:
    return [
        lines(f"distilled image {image + 1} of class {short(drawn.classes[label])}", f"step {step}")
        for label in shown.labels
        for step in shown.steps
    ]


def _png(mosaic: np.ndarray) -> str:
    """The mosaic as the address of a picture that carries it."""
    buffer = io.BytesIO()
    Image.fromarray(mosaic).save(buffer, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
