"""The Explorer: one linked view over a whole recorded run, a widget in a notebook and the same thing as a page."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from wddkit.history import History
from wddkit.views import assets
from wddkit.views.payload import Payload, payload

if TYPE_CHECKING:
    import pandas

KEPT = ("step", "selected", "classes", "projection", "look", "picked", "real")  # of a bookmark
LOOK = {"plan": True, "trails": False, "holes": False, "gap": False, "direction": False, "angle": 0.0, "zoom": None}


class Explorer(anywidget.AnyWidget):
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
    buffers = traitlets.Dict().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    classes = traitlets.List(traitlets.Int()).tag(sync=True)
    projection = traitlets.Unicode("").tag(sync=True)
    look = traitlets.Dict().tag(sync=True)
    picked = traitlets.List(traitlets.Int()).tag(sync=True)
    real = traitlets.List(traitlets.Int()).tag(sync=True)
    bookmarks = traitlets.List(traitlets.Dict()).tag(sync=True)
    stops = traitlets.List(traitlets.Dict()).tag(sync=True)  # of a tour
    presenter = traitlets.Bool(default_value=False).tag(sync=True)
    live = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)  # of a run under way

    def __init__(self, history: History, *, step: int = 0, selected: int = -1, classes: Sequence[int] = ()) -> None:
        self._begin(history, payload(history))
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

        from wddkit.views.selection import rows

        columns = ["kind", "index", "label", "class", "mass", "x", "y", "gap"]
        return pd.DataFrame(rows(self), columns=columns)

    def bookmark(self, name: str, *, caption: str = "") -> dict[str, Any]:
        """Keeps this moment under a name: a button in the view, in pages too; returns it, for `tour`."""
        if not name.strip():
            raise ValueError("bookmark: expected a name that says what is seen, such as 'class 3 splits'")
        kept = {key: getattr(self, key) for key in KEPT} | {"name": name, "caption": caption or name}
        self.bookmarks = [*(each for each in self.bookmarks if each["name"] != name), kept]
        return kept

    def tour(self, stops: Sequence[str | Mapping[str, Any]]) -> None:
        """Leads through moments with captions, with buttons back and next; [] ends it.

        A stop is the name of a bookmark, or a mapping with `caption` and what to show: `step`, `selected`, `classes`,
        `projection`, `look`, `picked`, `real`; what it leaves out stays as it is.
        """
        self.stops = [self._stop(stop) for stop in stops]
        for name in KEPT if self.stops else ():
            if name in self.stops[0]:
                setattr(self, name, self.stops[0][name])

    def _stop(self, stop: str | Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(stop, str):
            known = {each["name"]: each for each in self.bookmarks}
            if stop not in known:
                raise ValueError(f"tour: no bookmark {stop!r}; there are {', '.join(map(repr, known)) or 'none yet'}")
            return known[stop]
        if unknown := set(stop) - {*KEPT, "name", "caption"}:
            raise ValueError(
                f"tour: a stop has {', '.join(sorted(map(repr, unknown)))}; expected caption, {', '.join(KEPT)}"
            )
        checked = dict(stop)
        for name in KEPT:
            if name in stop:
                checked[name] = self._validated(name, stop[name])
        return checked

    def _validated(self, name: str, value: Any) -> Any:
        """The value as the trait would take it."""
        trait = self.traits()[name]
        return trait._validate(self, value)

    def to_html(self, path: Path | str) -> Path:
        """Writes the view as one file that needs neither kernel nor network, as it stands now; returns its path."""
        path = Path(path)
        names = (*KEPT, "meta", "bookmarks", "stops", "presenter")
        state = {name: getattr(self, name) for name in names}
        title = f"Distillation: {self.meta['title']}"
        text = assets.page("explorer", state, self.buffers, title=title, summary=summary(self.meta))
        path.write_text(text, encoding="utf-8")
        return path

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget, and a picture of it for where no widget can live."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None or self._history is None:
            return bundle
        from wddkit.views.figures import overview

        png, about = overview(self._history)._repr_png_()
        return {**bundle[0], "image/png": base64.b64encode(png).decode()}, {**bundle[1], "image/png": about}

    @traitlets.validate("step")
    def _valid_step(self, proposal: dict[str, Any]) -> int:
        count = max(1, len(self.meta.get("timeline", ())))
        if not -count <= proposal["value"] < count:
            raise traitlets.TraitError(
                f"step {proposal['value']} of a run of {count} snapshots; expected 0 to {count - 1}"
            )
        return int(proposal["value"]) % count

    @traitlets.validate("selected", "picked")
    def _valid_images(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        known = np.frombuffer(self.buffers.get("indices", b""), "<i4")
        count = max([sum(way["points"] for way in self.meta.get("ways", ())), *(known + 1)], default=0)
        allowed = set(known.tolist()) or set(range(count))
        if wrong := [each for each in np.atleast_1d(value).tolist() if each not in allowed | {-1}]:
            raise traitlets.TraitError(
                f"{name} is {wrong[0]}; expected the position of a recorded image of the distilled set"
                + (", or -1 for none" if name == "selected" else "")
            )
        return value

    @traitlets.validate("real")
    def _valid_real(self, proposal: dict[str, Any]) -> list[int]:
        known = set(np.frombuffer(self.buffers.get("real/indices", b""), "<i4").tolist())
        if wrong := [each for each in proposal["value"] if each not in known]:
            raise traitlets.TraitError(f"real: {wrong[0]} is no position of a real image that is drawn")
        return list(proposal["value"])

    @traitlets.validate("classes")
    def _valid_classes(self, proposal: dict[str, Any]) -> list[int]:
        known = len(self.meta.get("classes", ()))
        if wrong := [label for label in proposal["value"] if not 0 <= label < known]:
            raise traitlets.TraitError(
                f"classes: no label {wrong[0]}; expected labels from 0 to {known - 1}, or [] for all"
            )
        return sorted(set(proposal["value"]))

    @traitlets.validate("projection")
    def _valid_projection(self, proposal: dict[str, Any]) -> str:
        known = [each["key"] for each in self.meta.get("projections", ())]
        if proposal["value"] not in [*known, ""]:
            raise traitlets.TraitError(
                f"projection {proposal['value']!r}: this run has {', '.join(map(repr, known)) or 'none'}"
            )
        return str(proposal["value"])

    @traitlets.validate("look")
    def _valid_look(self, proposal: dict[str, Any]) -> dict[str, Any]:
        return checked_look(proposal["value"])


def checked_look(value: Mapping[str, Any]) -> dict[str, Any]:
    """All switches, those that are not named as they are at first; raises TraitError for one that is not there."""
    if unknown := set(value) - set(LOOK):
        raise traitlets.TraitError(
            f"look: no switch {', '.join(sorted(map(repr, unknown)))}; expected {', '.join(LOOK)}"
        )
    return {**LOOK, **value}


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
