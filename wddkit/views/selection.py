"""What is selected in a view, as rows of a table."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

COLUMNS = ("kind", "index", "label", "class", "mass", "x", "y", "gap")


@dataclass(frozen=True, eq=False)
class Seen:
    """A run as a view shows it: its payload, the moment, and what is selected or circled."""

    meta: Mapping[str, Any]
    buffers: Mapping[str, bytes]
    step: int  # on its own time line
    projection: str
    images: tuple[int, ...]  # positions in the distilled set
    real: tuple[int, ...]  # positions in `history.real`


def named(meta: Mapping[str, Any], buffers: Mapping[str, bytes]) -> dict[int, tuple[int, int]]:
    """Position in the distilled set -> (class, j), for its j-th image or, where there is none, its support point."""
    labels, indices = (np.frombuffer(buffers.get(name, b""), "<i4").tolist() for name in ("labels", "indices"))
    found: dict[int, tuple[int, int]] = {}
    count: dict[int, int] = {}
    for label, index in zip(labels, indices, strict=True):
        found[index] = (label, count.get(label, 0))
        count[label] = count.get(label, 0) + 1
    if indices and not meta["paired"]:
        return found
    before = 0
    for way in meta["ways"]:
        for j in range(count.get(way["label"], 0), way["points"]):
            found.setdefault(before + j, (way["label"], j))
        before += way["points"]
    return found


def rows(view: Seen) -> list[tuple[str, int, int, str, float, float, float, float]]:
    """(kind, index, label, class, mass, x, y, gap) of what is selected, then of what was circled."""
    found = [row for index in view.images for row in (_image(view, index), _support(view, index)) if row is not None]
    return [*found, *_reals(view)]


def _image(view: Seen, index: int) -> Any:
    at = np.flatnonzero(_ints(view, "indices") == index)
    frame = view.step - int(view.meta["barycenter_steps"])
    if not len(at) or frame < 0:
        return None
    row, label = int(at[0]), int(_ints(view, "labels")[at[0]])
    mass = float(np.frombuffer(view.buffers["masses"], "<f4")[row])
    x, y = _framed(view, f"xy/{view.projection}", frame, 2)[row] if view.projection else (math.nan, math.nan)
    gap = float(_framed(view, "gap", frame, 1)[row, 0])
    return ("distilled image", index, label, view.meta["classes"][label], mass, float(x), float(y), gap)


def _framed(view: Seen, name: str, frame: int, width: int) -> np.ndarray:
    """A frame's part [k, width] of an array that is recorded by segments; NaN where there is none."""
    k = len(_ints(view, "labels"))
    for s, segment in enumerate(view.meta["segments"]):
        at = frame - segment["start"]
        if 0 <= at < segment["count"] and (data := view.buffers.get(f"{name}/{s}")):
            whole: np.ndarray = np.frombuffer(data, "<f4").reshape(segment["count"], k, width)
            return np.asarray(whole[at])
    return np.full((k, width), np.nan)


def _support(view: Seen, index: int) -> Any:
    """The support point that belongs to the image at a position of the distilled set."""
    label, j = named(view.meta, view.buffers).get(index, (-1, -1))
    way = next((each for each in view.meta["ways"] if each["label"] == label and j < each["points"]), None)
    if way is None or (not view.meta["paired"] and len(_ints(view, "indices"))):
        return None
    moment = view.meta["timeline"][view.step]
    t = min(moment["step"], way["steps"] - 1) if moment["phase"] == "barycenter" else way["steps"] - 1
    mass = np.frombuffer(view.buffers[f"support/{label}/masses"], "<f4").reshape(way["steps"], -1)[t, j]
    xy = view.buffers.get(f"support/{label}/xy/{view.projection}")
    at = np.frombuffer(xy, "<f4").reshape(way["steps"], -1, 2)[t, j] if xy else (math.nan, math.nan)
    name = view.meta["classes"][label]
    return ("support point", index, label, name, float(mass), float(at[0]), float(at[1]), math.nan)


def _reals(view: Seen) -> Iterator[Any]:
    """Real images that were circled; there may be sixty thousand."""
    known, labels, classes = _ints(view, "real/indices"), _ints(view, "real/labels"), view.meta["classes"]
    xy = view.buffers.get(f"real/xy/{view.projection}")
    places = np.frombuffer(xy, "<f4").reshape(-1, 2) if xy else np.full((len(known), 2), np.nan)
    rows = {int(position): row for row, position in enumerate(known)}
    for index in view.real:
        row = rows[index]
        label, (x, y) = int(labels[row]), places[row]
        yield ("real image", index, label, classes[label], math.nan, float(x), float(y), math.nan)


def _ints(view: Seen, name: str) -> np.ndarray:
    return np.frombuffer(view.buffers.get(name, b""), "<i4")
