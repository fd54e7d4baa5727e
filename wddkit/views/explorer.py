"""The Explorer: one linked view over a whole recorded run, a widget in a notebook and the same thing as a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from wddkit.history import History
from wddkit.views import assets
from wddkit.views.linked import KEPT, LOOK, Known, LinkedView
from wddkit.views.payload import Payload, payload
from wddkit.views.scene.facts import recorded
from wddkit.views.selection import COLUMNS, Seen, named, rows
from wddkit.views.showing import Bundle, with_picture

if TYPE_CHECKING:
    import pandas


class Explorer(LinkedView):
    """A recorded run to explore: features, support points, images and curves, linked, with one slider over its time.

    `step` is the moment shown, a position in `timeline`; `selected` the image that is followed, a position in
    `history.distilled` (-1: none); `classes` the labels shown ([]: all); `projection` the key of the plane that
    features are drawn in; `picked` and `real` what was circled: positions in `history.distilled` and in `history.real`;
    `look` what else is switched on. All can be read and set in the next cell. Everything is sent to the browser once:
    moving the slider asks nothing of the kernel, which hears of it when the hand rests.

        view = wdd.Explorer(history)
        view                              # shows it
        view.step, view.selected, view.selection()
        view.to_html("explorer.html")     # the same as one file, without kernel or network
    """

    # As text: a path would be watched for changes by something that never lets go of the widget.
    _esm = assets.module("explorer")
    _css = assets.style()

    meta = traitlets.Dict().tag(sync=True)
    live = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)  # of a run under way

    def __init__(self, history: History, *, step: int = 0, selected: int = -1, classes: Sequence[int] = ()) -> None:
        self._begin(history, payload(recorded(history, "Explorer")))
        self.step, self.selected, self.classes = step, selected, list(classes)

    def _begin(self, history: History | None, sent: Payload) -> None:
        self._history, self._payload = history, sent
        super().__init__(meta=dict(sent.meta), buffers=dict(sent.buffers), projection=_first(sent), look=dict(LOOK))

    @property
    def history(self) -> History | None:
        """The run that is shown; None before a run under way has recorded anything."""
        return self._history

    @property
    def timeline(self) -> list[tuple[str, int]]:
        """All moments in order: phase and step; first those of the barycenter, then those of the images."""
        return [(moment["phase"], moment["step"]) for moment in self.meta["timeline"]]

    def selection(self) -> "pandas.DataFrame":
        """What is selected or circled, one row each.

        `kind` is "distilled image", "support point" or "real image"; `index` its position in `history.distilled` (for
        a support point that of its image), or in `history.real`; `x`, `y` its place in the projection at this step;
        `mass` its share of its class; `gap` an image's squared distance to its support point, NaN where not recorded.
        """
        import pandas as pd

        chosen = [self.selected] if self.selected >= 0 else []
        images = tuple(dict.fromkeys([*chosen, *self.picked]))
        seen = Seen(self.meta, self.buffers, self.step, self.projection, images, tuple(self.real))
        return pd.DataFrame(rows(seen), columns=COLUMNS)

    def to_html(self, path: Path | str) -> Path:
        """Writes the view as one file that needs neither kernel nor network, as it stands now; returns its path."""
        return assets.write(path, assets.page(self.form()))

    def form(self) -> assets.Form:
        """What a page needs of the view as it stands now."""
        names = (*KEPT, "meta", "bookmarks", "stops", "presenter")
        state = {name: getattr(self, name) for name in names}
        title = f"Distillation: {self.meta['title']}"
        return assets.Form("explorer", state, self.buffers, title, summary(self.meta))

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle | None:
        """The widget, and a picture of it for where no widget can live."""
        widget: Bundle | None = super()._repr_mimebundle_(**kwargs)
        if (history := self._history) is None:
            return widget
        from wddkit.views.figures import overview

        return with_picture(widget, lambda: overview(history)._repr_png_())

    def _known(self) -> Known:
        meta: Any = self.meta
        return Known(
            of=f"a run of {max(1, len(meta['timeline']))} snapshots",
            have="this run has",
            steps=len(meta["timeline"]),
            images=named(meta, self.buffers),
            real=np.frombuffer(self.buffers.get("real/indices", b""), "<i4"),
            classes=len(meta["classes"]),
            projections=tuple(each["key"] for each in meta["projections"]),
        )


def _first(sent: Payload) -> str:
    projections: Any = sent.meta["projections"]
    return str(projections[0]["key"]) if projections else ""


def summary(meta: Mapping[str, Any]) -> str:
    """A run in a few sentences."""
    results = [
        f"{result['set']}, labels {result['labels'] or 'not named'}: accuracy {result['accuracy']:.1f} %."
        for result in meta["results"]
    ]
    first = f"{meta['title']}: {len(meta['classes'])} classes, {len(meta['timeline'])} snapshots."
    return " ".join([first, *results, *meta["missing"]])
