"""Real images and support points as they travel to the browser."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Float64, Int64

from wddkit.codec import Json
from wddkit.data.pixels import resize
from wddkit.history import History, RealSample
from wddkit.views.payload import sheets
from wddkit.views.payload.neighbours import Neighbours
from wddkit.views.payload.sheets import Form
from wddkit.views.scene.assignment import assignment
from wddkit.views.scene.projection import Projection

DRAWN = 60_000  # real images
SHEET_BYTES = 4_000_000  # of the pictures of all of them
PER_SHEET = 1000
COLUMNS = 40
LARGEST, SMALLEST = 64, 8  # pixels a side of their pictures
NO_REAL = {"size": 0, "columns": 1, "per_sheet": 1, "type": "image/png"}

NONE = np.zeros(0, np.int64)

Buffers: TypeAlias = dict[str, bytes]


@dataclass(frozen=True, eq=False)
class DrawnReal:
    """The real images that are drawn, n of those that were recorded."""

    of: int  # recorded
    pixels: int  # a side, as recorded
    form: Form
    positions: Int64[np.ndarray, " n"]  # in `history.real`
    labels: Int64[np.ndarray, " n"]
    ranks: Int64[np.ndarray, " n"]  # the i-th recorded one of its class
    features: Float[np.ndarray, "n d"]
    buffers: Buffers

    @classmethod
    def of_history(cls, history: History, *, limit: int) -> "DrawnReal | None":
        """At most `limit` of a history's real images, evenly from every class; None without features."""
        real = history.real
        if real is None or real.features is None or not len(real.features):
            return None
        positions = thinned(real.labels, limit)
        form, pictures = _pictures(real, positions)
        labels = real.labels[positions]
        return cls(
            of=len(real.labels),
            pixels=real.images.shape[2],
            form=form,
            positions=positions,
            labels=labels,
            ranks=ranks_of(real.labels)[positions],
            features=real.features[positions],
            buffers={"real/labels": ints(labels), "real/indices": ints(positions), **pictures},
        )

    def placed(self, planes: tuple[Projection, ...]) -> "DrawnReal":
        """The same with a place in every projection; those that it has stay as they are."""
        new = {name: plane for plane in planes if (name := f"real/xy/{plane.key}") not in self.buffers}
        more = {name: floats(plane(self.features)) for name, plane in new.items()}
        return replace(self, buffers={**self.buffers, **more}) if new else self

    @functools.cached_property
    def search(self) -> Neighbours:
        """The drawn features, to be searched."""
        return Neighbours(self.features)

    @property
    def meta(self) -> dict[str, Json]:
        """What the browser must know to draw their pictures."""
        about = {"size": self.form.size, "columns": COLUMNS, "per_sheet": PER_SHEET, "type": self.form.type}
        return {"count": len(self.labels), "of": self.of, **about}

    @property
    def missing(self) -> list[str]:
        """What was done to them, in sentences."""
        n = len(self.labels)
        few = [f"{n} of {self.of} real images are drawn, evenly from every class."] if n < self.of else []
        return few + sheets.said(self.form, self.pixels, what="Real images")


def thinned(labels: Int64[np.ndarray, " n"], limit: int) -> Int64[np.ndarray, " k"]:
    """Positions of at most `limit` images, of each class its share, evenly spread; of all if they fit."""
    if limit < 1:
        raise ValueError(f"real is {limit}; expected to draw at least 1 real image")
    if len(labels) <= limit:
        return np.arange(len(labels))
    by_class = np.argsort(labels, kind="stable")
    kept: Int64[np.ndarray, " k"] = np.sort(by_class[np.linspace(0, len(labels) - 1, limit).round().astype(np.int64)])
    return kept


def ranks_of(labels: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """How many images of the same class come before each."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order], side="left")
    ranks = np.empty(len(labels), np.int64)
    ranks[order] = np.arange(len(labels)) - starts
    return ranks


def _pictures(real: RealSample, positions: Int64[np.ndarray, " n"]) -> tuple[Form, Buffers]:
    """Their pictures in sheets, in the best form that fits."""
    n = len(positions)
    few = positions[np.linspace(0, n - 1, min(n, sheets.SAMPLE)).astype(np.int64)]
    columns = min(len(few), 15)
    sample = real.images[few[: len(few) // columns * columns]].reshape(-1, columns, *real.images.shape[1:])

    def whole(form: Form) -> Buffers:
        made = {}
        for number, at in enumerate(range(0, n, PER_SHEET)):
            some = resize(real.images[positions[at : at + PER_SHEET]], form.size, form.size)
            rows = -(-len(some) // COLUMNS)
            grid = np.zeros((rows * COLUMNS, *some.shape[1:]), np.uint8)
            grid[: len(some)] = some
            made[f"real/sheet/{number}"] = sheets.encode(grid.reshape(rows, COLUMNS, *some.shape[1:]), form.type)
        return made

    return sheets.best(sample, n, whole, limit=SHEET_BYTES, largest=LARGEST, smallest=SMALLEST)


@dataclass(frozen=True, eq=False)
class DrawnWay:
    """One class's barycenter over its T steps; `unassigned`: who goes where was recorded, but is too much to send."""

    label: int
    unassigned: bool
    meta: Mapping[str, Json]
    masses: Float64[np.ndarray, " m"]  # at the last step
    last: Float[np.ndarray, "k d"]  # support points that have mass at the last step
    buffers: Buffers

    @classmethod
    def of(cls, label: int, arrays: Mapping[str, np.ndarray], real: DrawnReal | None, *, room: int) -> "DrawnWay":
        """The barycenter of a class beside the real images that are drawn; `room`: bytes for who goes where."""
        support, masses = arrays["support"], arrays["masses"].astype(np.float64)
        steps, points, d = support.shape
        buffers, unassigned = {f"support/{label}/masses": floats(masses)}, False
        own = np.flatnonzero(real.labels == label) if real is not None else NONE
        if real is not None and len(own):
            near = Neighbours(real.features[own]).nearest(support.reshape(-1, d))[:, 0]
            buffers[f"support/{label}/nearest"] = ints(own[near])
            # A plan's i-th column is the class's i-th training image, and so is its i-th recorded one.
            ranks = real.ranks[own]
            given = assignment(arrays, int(ranks.max()) + 1)
            unassigned = given is not None and 8 * steps * len(own) > room
            if given is not None and not unassigned:
                buffers[f"assign/{label}"] = ints(given[0][:, ranks])
                buffers[f"share/{label}"] = floats(given[1][:, ranks])
        unknown = np.full(steps, np.nan)
        columns = {"value": "value", "heldout": "heldout", "kept": "plan_kept"}
        values = {name: numbers(arrays.get(column, unknown)) for name, column in columns.items()}
        meta = {"label": label, "steps": steps, "points": points, **values}
        return cls(label, unassigned, meta, masses[-1], support[-1][masses[-1] > 0], buffers)

    @property
    def steps(self) -> int:
        """T."""
        return len(self.meta["value"])

    def placed(self, planes: tuple[Projection, ...], history: History) -> "DrawnWay":
        """The same with a place in every projection; those that it has stay as they are."""
        new = {name: plane for plane in planes if (name := f"support/{self.label}/xy/{plane.key}") not in self.buffers}
        if not new:
            return self
        support = history.barycenters[self.label]["support"]
        return replace(self, buffers={**self.buffers, **{name: floats(plane(support)) for name, plane in new.items()}})


def floats(values: np.ndarray) -> bytes:
    """As little-endian float32, row by row."""
    return values.astype("<f4").tobytes()


def ints(values: np.ndarray) -> bytes:
    """As little-endian int32, row by row."""
    return values.astype("<i4").tobytes()


def numbers(values: np.ndarray) -> list[float | None]:
    """As plain JSON: None for what is not finite."""
    return [float(value) if np.isfinite(value) else None for value in values]
