"""What is selected in a view, as rows of a table."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from wddkit.views.explorer import Explorer


def rows(view: "Explorer") -> list[tuple[str, int, int, str, float, float, float, float]]:
    """(kind, index, label, class, mass, x, y, gap) of what is selected, then of what was circled."""
    chosen = [view.selected] if view.selected >= 0 else []
    images = list(dict.fromkeys([*chosen, *view.picked]))
    found = [row for index in images for row in (_image(view, index), _support(view, index)) if row is not None]
    return [*found, *_reals(view)]


def _image(view: "Explorer", index: int) -> Any:
    at = np.flatnonzero(_ints(view, "indices") == index)
    frame = view.step - int(view.meta["barycenter_steps"])
    if not len(at) or frame < 0:
        return None
    row, label = int(at[0]), int(_ints(view, "labels")[at[0]])
    mass = float(np.frombuffer(view.buffers["masses"], "<f4")[row])
    x, y = _framed(view, f"xy/{view.projection}", frame, 2)[row] if view.projection else (math.nan, math.nan)
    gap = float(_framed(view, "gap", frame, 1)[row, 0])
    return ("distilled image", index, label, view.meta["classes"][label], mass, float(x), float(y), gap)


def _framed(view: "Explorer", name: str, frame: int, width: int) -> np.ndarray:
    """A frame's part [k, width] of an array that is recorded by segments; NaN where there is none."""
    k = len(_ints(view, "labels"))
    for s, segment in enumerate(view.meta["segments"]):
        at = frame - segment["start"]
        if 0 <= at < segment["count"] and (data := view.buffers.get(f"{name}/{s}")):
            whole: np.ndarray = np.frombuffer(data, "<f4").reshape(segment["count"], k, width)
            return np.asarray(whole[at])
    return np.full((k, width), np.nan)


def _support(view: "Explorer", index: int) -> Any:
    """The support point that belongs to the image at a position of the distilled set."""
    if not view.meta["paired"] and len(_ints(view, "indices")):
        return None
    before = 0
    for way in view.meta["ways"]:
        if index < before + way["points"]:
            j, label = index - before, way["label"]
            phase, step = view.timeline[view.step]
            t = min(step, way["steps"] - 1) if phase == "barycenter" else way["steps"] - 1
            mass = np.frombuffer(view.buffers[f"support/{label}/masses"], "<f4").reshape(way["steps"], -1)[t, j]
            xy = view.buffers.get(f"support/{label}/xy/{view.projection}")
            at = np.frombuffer(xy, "<f4").reshape(way["steps"], -1, 2)[t, j] if xy else (math.nan, math.nan)
            name = view.meta["classes"][label]
            return ("support point", index, label, name, float(mass), float(at[0]), float(at[1]), math.nan)
        before += way["points"]
    return None


def _reals(view: "Explorer") -> Iterator[Any]:
    """Real images that were circled; there may be sixty thousand."""
    known, labels, classes = _ints(view, "real/indices"), _ints(view, "real/labels"), view.meta["classes"]
    xy = view.buffers.get(f"real/xy/{view.projection}")
    places = np.frombuffer(xy, "<f4").reshape(-1, 2) if xy else np.full((len(known), 2), np.nan)
    rows = {int(position): row for row, position in enumerate(known)}
    for index in view.real:
        row = rows[index]
        label, (x, y) = int(labels[row]), places[row]
        yield ("real image", index, label, classes[label], math.nan, float(x), float(y), math.nan)


def _ints(view: "Explorer", name: str) -> np.ndarray:
    return np.frombuffer(view.buffers.get(name, b""), "<i4")
