"""The buffers of all frames of a run: what each depends on, and how it is made where nobody has made it yet."""

import functools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Int64, UInt8

from wddkit.data.pixels import resize
from wddkit.history.reader import Moment
from wddkit.views.payload import sheets
from wddkit.views.payload.moments import DrawnMoment, Key, Shown, Table, key_of, placed
from wddkit.views.payload.points import Buffers
from wddkit.views.payload.sheets import Form

SAMPLED = 3  # frames of a sample

Recipes: TypeAlias = dict[str, Hashable]
"""Name of a buffer -> all that its content depends on, within a run."""


@dataclass(frozen=True, eq=False)
class Album:
    """Frames in segments, `parts`, with the numbers `drawn` of their snapshots; `rows` are the images that are drawn.

    Two recipes that are equal are of the same bytes: what is known from before, or from another segment, is used again.
    """

    parts: tuple[Shown, ...]
    drawn: Mapping[Key, DrawnMoment]
    rows: Int64[np.ndarray, " k"]  # positions in the distilled set, rising
    labels: Int64[np.ndarray, " k"]

    def table(self) -> Table:
        """The snapshots of all frames."""
        return Table(tuple(frame for part in self.parts for frame in part), self.drawn, self.rows, self.labels)

    def arrays(self, made: Mapping[Hashable, bytes]) -> tuple[Recipes, Buffers]:
        """`xy/<projection>`, `gap`, `nearest` and `layers` of each segment, as far as all snapshots have them."""
        recipes: Recipes = {}
        found = dict(made)
        for name in self.table().names:
            for s, part in enumerate(self.parts):
                recipe = (name, self.rows.tobytes(), tuple(tuple(map(key_of, frame)) for frame in part))
                recipes[f"{name}/{s}"] = recipe
                if recipe not in found:
                    array = Table(part, self.drawn, self.rows, self.labels).array(name)
                    found[recipe] = array.astype(array.dtype.newbyteorder("<")).tobytes()
        return recipes, {name: found[recipe] for name, recipe in recipes.items()}

    @functools.cached_property
    def picture_recipes(self) -> Recipes:
        """The names of all pictures, one a class and segment."""
        recipes: Recipes = {}
        concerned = {
            key: set(self.labels[placed(self.rows, moment.indices)[0]].tolist()) for key, moment in self.drawn.items()
        }
        for label in np.unique(self.labels).tolist():
            own = self.rows[self.labels == label].tobytes()
            for s, part in enumerate(self.parts):
                keys = tuple(tuple(key for key in map(key_of, frame) if label in concerned[key]) for frame in part)
                recipes[f"images/{label}/{s}"] = ("images", label, own, keys)
        return recipes

    def pictures(self, form: Form, made: Mapping[Hashable, bytes]) -> Buffers:
        """A grid for each class and segment: a row an image, a column a frame."""
        recipes, found = self.picture_recipes, dict(made)
        for s, part in enumerate(self.parts):
            wanted = [label for label in np.unique(self.labels).tolist() if recipes[f"images/{label}/{s}"] not in found]
            rows = np.isin(self.labels, wanted)
            if rows.any():
                tiles = _tiles(part, self.drawn, self.rows[rows], form.size)
                for label in wanted:
                    own = tiles[:, self.labels[rows] == label].swapaxes(0, 1)
                    found[recipes[f"images/{label}/{s}"]] = sheets.encode(own, form.type)
        return {name: found[recipe] for name, recipe in recipes.items()}


def sample(
    frames: Sequence[tuple[Moment, ...]], drawn: Mapping[Key, DrawnMoment], rows: Int64[np.ndarray, " k"]
) -> UInt8[np.ndarray, "r t c h w"]:
    """Some images, evenly from all, at the first, middle and last frame, as they were recorded."""
    few = rows[np.linspace(0, len(rows) - 1, min(len(rows), sheets.SAMPLE // SAMPLED)).astype(np.int64)]
    times = np.unique(np.linspace(0, len(frames) - 1, SAMPLED).astype(np.int64))
    return _tiles([frames[t] for t in times], drawn, few, None).swapaxes(0, 1)


def _tiles(
    frames: Sequence[tuple[Moment, ...]],
    drawn: Mapping[Key, DrawnMoment],
    rows: Int64[np.ndarray, " r"],
    size: int | None,
) -> UInt8[np.ndarray, "t r c s s"]:
    """These images at all of the frames, of this size, or as recorded; each snapshot is read once."""
    out: np.ndarray | None = None
    before: dict[Key, np.ndarray] = {}
    for t, moments in enumerate(frames):
        now: dict[Key, np.ndarray] = {}
        for moment in moments:
            key = key_of(moment)
            place, own = placed(rows, drawn[key].indices)
            if not len(own):
                continue
            if key not in before:
                images = moment.read(frozenset(["images"]))["images"][own]
                before[key] = images if size is None else resize(images, size, size)
            now[key] = before[key]
            if out is None:
                out = np.zeros((len(frames), len(rows), *now[key].shape[1:]), np.uint8)
            out[t, place] = now[key]
        before = now
    assert out is not None  # every row is in some snapshot
    return out
