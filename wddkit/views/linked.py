"""What the views of recorded runs share: what is shown, whether there is such a thing, bookmarks and tours."""

import difflib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anywidget
import numpy as np
import traitlets
from jaxtyping import Int32

KEPT = ("step", "selected", "classes", "projection", "look", "picked", "real")  # of a bookmark
LOOK = {"plan": True, "trails": False, "holes": False, "gap": False, "direction": False, "angle": 0.0, "zoom": None}
CLOSEST = 40  # times the first zoom


@dataclass(frozen=True)
class Known:
    """What a view's state may name; `of` and `have` say whose it is."""

    of: str  # "a run of 9 snapshots"
    have: str  # "this run has"
    steps: int
    images: Collection[int]  # positions in the distilled set
    real: Int32[np.ndarray, " n"]  # positions in `history.real`
    classes: int
    projections: tuple[str, ...]


class LinkedView(anywidget.AnyWidget):
    """A view with one slider over time, things to select, bookmarks and tours; abstract: see `_known`."""

    buffers = traitlets.Dict().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    classes = traitlets.List(traitlets.Int()).tag(sync=True)
    projection = traitlets.Unicode("").tag(sync=True)
    look = traitlets.Dict(dict(LOOK)).tag(sync=True)
    picked = traitlets.List(traitlets.Int()).tag(sync=True)
    real = traitlets.List(traitlets.Int()).tag(sync=True)
    bookmarks = traitlets.List(traitlets.Dict()).tag(sync=True)
    stops = traitlets.List(traitlets.Dict()).tag(sync=True)  # of a tour
    presenter = traitlets.Bool(default_value=False).tag(sync=True)

    def _known(self) -> Known:
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            near = difflib.get_close_matches(name, self.trait_names(sync=True), n=3)
            offered = near or [*KEPT, "bookmarks", "stops", "presenter"]
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}; did you mean {', '.join(offered)}?")
        super().__setattr__(name, value)

    def bookmark(self, name: str, *, caption: str = "") -> dict[str, Any]:
        """Keeps this moment under a name: a button in the view, in pages too; returns it, for `tour`."""
        if not isinstance(name, str) or not name.strip():
            raise ValueError(
                f"bookmark: expected a name that says what is seen, such as 'class 3 splits', got {name!r}"
            )
        if not isinstance(caption, str):
            raise ValueError(f"bookmark: expected a caption as text, got {caption!r}")
        kept = {key: getattr(self, key) for key in KEPT} | {"name": name, "caption": caption or name}
        self.bookmarks = [*(each for each in self.bookmarks if each["name"] != name), kept]
        return kept

    def tour(self, stops: Sequence[str | Mapping[str, Any]]) -> None:
        """Leads through moments with captions, with buttons back and next; [] ends it.

        A stop is the name of a bookmark, or a mapping with `caption` and what to show: `step`, `selected`, `classes`,
        `projection`, `look`, `picked`, `real`; what it leaves out stays as it is.
        """
        if isinstance(stops, (str, Mapping)) or not isinstance(stops, Iterable):
            raise ValueError(
                f"tour: expected a list of stops, each the name of a bookmark or a mapping such as "
                f"{{'caption': 'look here', 'step': 3}}; [] ends a tour; got {stops!r}"
            )
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
        return self._moment(stop, what="tour: a stop")

    def _moment(self, moment: Any, *, what: str) -> dict[str, Any]:
        """A stop or a bookmark, as the traits would take what it names; ValueError or TraitError for any other."""
        if not isinstance(moment, Mapping):
            raise ValueError(f"{what} is {moment!r}; expected a bookmark's name, or a mapping with caption and step")
        if unknown := set(moment) - {*KEPT, "name", "caption"}:
            raise ValueError(f"{what} has {', '.join(sorted(map(repr, unknown)))}; expected caption, {', '.join(KEPT)}")
        for word in ("name", "caption"):
            if not isinstance(moment.get(word, ""), str):
                raise ValueError(f"{what} has the {word} {moment[word]!r}; expected text")
        checked = dict(moment)
        for name in KEPT:
            if name in moment:
                checked[name] = self.traits()[name]._validate(self, moment[name])
        return checked

    @traitlets.validate("bookmarks", "stops")
    def _valid_moments(self, proposal: dict[str, Any]) -> list[dict[str, Any]]:
        name = proposal["trait"].name
        try:
            found = [self._moment(each, what=f"{name}[{i}]") for i, each in enumerate(proposal["value"])]
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None
        nameless = [i for i, each in enumerate(found) if not each.get("name", "").strip()]
        if name == "bookmarks" and nameless:
            raise traitlets.TraitError(f"bookmarks[{nameless[0]}] has no name; expected one, as `bookmark` gives it")
        return found

    @traitlets.validate("step")
    def _valid_step(self, proposal: dict[str, Any]) -> int:
        known = self._known()
        count = max(1, known.steps)
        if not -count <= proposal["value"] < count:
            raise traitlets.TraitError(f"step {proposal['value']} of {known.of}; expected 0 to {count - 1}")
        return int(proposal["value"]) % count

    @traitlets.validate("selected", "picked")
    def _valid_images(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        allowed = {*self._known().images, *([-1] if name == "selected" else [])}
        given = value if isinstance(value, list) else [value]
        if wrong := [each for each in given if each not in allowed]:
            raise traitlets.TraitError(
                f"{name} is {wrong[0]}; expected the position of a recorded image of the distilled set"
                + (", or -1 for none" if name == "selected" else "")
            )
        return value

    @traitlets.validate("real")
    def _valid_real(self, proposal: dict[str, Any]) -> list[int]:
        known = set(self._known().real.tolist())
        if wrong := [each for each in proposal["value"] if each not in known]:
            raise traitlets.TraitError(f"real: {wrong[0]} is no position of a real image that is drawn")
        return list(proposal["value"])

    @traitlets.validate("classes")
    def _valid_classes(self, proposal: dict[str, Any]) -> list[int]:
        known = self._known().classes
        if wrong := [label for label in proposal["value"] if not 0 <= label < known]:
            raise traitlets.TraitError(
                f"classes: no label {wrong[0]}; expected labels from 0 to {known - 1}, or [] for all"
            )
        return sorted(set(proposal["value"]))

    @traitlets.validate("projection")
    def _valid_projection(self, proposal: dict[str, Any]) -> str:
        known = self._known()
        if proposal["value"] not in [*known.projections, ""]:
            have = ", ".join(map(repr, known.projections)) or "none"
            raise traitlets.TraitError(f"projection {proposal['value']!r}: {known.have} {have}")
        return str(proposal["value"])

    @traitlets.validate("look")
    def _valid_look(self, proposal: dict[str, Any]) -> dict[str, Any]:
        return checked_look(proposal["value"])


def checked_look(value: Mapping[str, Any]) -> dict[str, Any]:
    """All switches, those that are not named as they are at first; TraitError for one that cannot be."""
    if unknown := set(value) - set(LOOK):
        raise traitlets.TraitError(
            f"look: no switch {', '.join(sorted(map(repr, unknown)))}; expected {', '.join(LOOK)}"
        )
    look = {**LOOK, **value}
    for name, given in look.items():
        if isinstance(LOOK[name], bool) and not isinstance(given, bool):
            raise traitlets.TraitError(f"look: {name} is {given!r}; expected True or False")
    if not _is_finite(look["angle"]):
        raise traitlets.TraitError(f"look: angle is {look['angle']!r}; expected a number, in radians")
    zoom: Any = look["zoom"]
    if zoom is not None and not (
        isinstance(zoom, Mapping)
        and set(zoom) == {"k", "x", "y"}
        and all(map(_is_finite, zoom.values()))
        and 1 <= zoom["k"] <= CLOSEST
    ):
        raise traitlets.TraitError(
            f"look: zoom is {zoom!r}; expected None for all, or {{'k': 1 to {CLOSEST} times, 'x': 0, 'y': 0}} with the "
            "centre's distance from the middle, in widths and heights of the whole"
        )
    return look


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
