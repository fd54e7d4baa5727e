"""Snapshots of the images: which stands for which frame, and the numbers that are drawn of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from wddkit.history import Frame, History
from wddkit.history.reader import Moment
from wddkit.views.payload.points import DrawnReal
from wddkit.views.scene.projection import Projection

NEAREST = 5  # real images nearest to each image

Key: TypeAlias = tuple[str, int, int]
"""Phase, step and block of a snapshot."""
Shown: TypeAlias = tuple[tuple[Moment, ...], ...]
"""For each frame the snapshots that stand for it, one of each block."""


@dataclass(frozen=True, eq=False)
class DrawnMoment:
    """One block's snapshot: what is drawn of its b images but the pictures."""

    indices: Int64[np.ndarray, " b"]
    places: Mapping[str, Float32[np.ndarray, "b 2"]]  # projection -> places; empty without features
    nearest: Int32[np.ndarray, "b 5"] | None
    gap: Float32[np.ndarray, " b"] | None
    errors: Float64[np.ndarray, " layers"] | None

    @classmethod
    def of(cls, moment: Moment, planes: Sequence[Projection], real: DrawnReal | None) -> "DrawnMoment":
        """A snapshot's features in every projection and beside the drawn real images, and its other numbers."""
        arrays = moment.read(frozenset(["indices", "features", "gap", "statistics_error"]))
        z, gap, errors = (arrays.get(name) for name in ("features", "gap", "statistics_error"))
        return cls(
            indices=arrays["indices"].astype(np.int64),
            places={} if z is None else {plane.key: plane(z).astype(np.float32) for plane in planes},
            nearest=None if z is None or real is None else real.search.nearest(z, NEAREST),
            gap=None if gap is None else gap.astype(np.float32),
            errors=None if errors is None or not errors.size else errors.astype(np.float64),
        )

    def is_up_to_date(self, moment: Moment, planes: Sequence[Projection], real: DrawnReal | None) -> bool:
        """Whether there is nothing to add, though there may be more projections, or real images, than before."""
        if "features" not in moment.names:
            return True
        return {plane.key for plane in planes} <= set(self.places) and (real is None or self.nearest is not None)


def key_of(moment: Moment) -> Key:
    """What a snapshot is known by in its run."""
    return moment.frame.phase, moment.frame.step, moment.block


def shown(history: History) -> Shown:
    """For each frame and block the snapshot that stands for it, as in `History.images`.

    Without any snapshot, the distilled set is the one frame.
    """
    if not history.frames:
        images = history.distilled.images
        alone = {"images": images, "indices": np.arange(len(images))}
        return ((Moment(Frame("distilled", 0), 0, frozenset(alone), lambda names: alone),),)
    order = {frame: t for t, frame in enumerate(history.frames)}
    blocks: dict[int, list[Moment]] = {}
    for moment in sorted(history.source.moments, key=lambda m: (m.block, order[m.frame])):
        blocks.setdefault(moment.block, []).append(moment)

    def latest(moments: list[Moment], t: int) -> Moment:
        return next((moment for moment in reversed(moments) if order[moment.frame] <= t), moments[0])

    return tuple(tuple(latest(moments, t) for moments in blocks.values()) for t in range(len(history.frames)))


class Table:
    """The drawn snapshots of some frames, to be read as arrays over frames and images.

    `rows` are the positions in the distilled set of the images that are drawn, rising; `labels` theirs.
    """

    def __init__(
        self, frames: Shown, drawn: Mapping[Key, DrawnMoment], rows: Int64[np.ndarray, " k"], labels: np.ndarray
    ) -> None:
        self._frames = [[drawn[key_of(moment)] for moment in each] for each in frames]
        self._every = list({id(moment): moment for each in self._frames for moment in each}.values())
        self._rows, self._labels = rows, labels

    @property
    def names(self) -> tuple[str, ...]:
        """The arrays that all of the snapshots have: `xy/<projection>`, `gap`, `nearest`, `layers`."""
        first, every = self._every[0], self._every
        keys = [f"xy/{key}" for key in first.places if all(key in moment.places for moment in every)]
        gap = ["gap"] if all(moment.gap is not None for moment in every) else []
        nearest = ["nearest"] if all(moment.nearest is not None for moment in every) else []
        return (*keys, *gap, *nearest, *(["layers"] if self.layers else []))

    @property
    def layers(self) -> int:
        """How many layers have errors; 0 where snapshots differ in it."""
        counts = {0 if moment.errors is None else len(moment.errors) for moment in self._every}
        return counts.pop() if len(counts) == 1 else 0

    def array(self, name: str) -> Float32[np.ndarray, "T ..."] | Int32[np.ndarray, "T k 5"]:
        """The array of this name: `xy/<projection>` [T, k, 2], `gap` [T, k], `nearest` [T, k, 5], `layers` [T, L]."""
        if name == "gap":
            return self._filled(np.float32, (), lambda moment: moment.gap)
        if name == "nearest":
            return self._filled(np.int32, (NEAREST,), lambda moment: moment.nearest)
        if name == "layers":
            return self._errors()
        return self._filled(np.float32, (2,), lambda moment: moment.places[name.removeprefix("xy/")])

    def _errors(self) -> Float32[np.ndarray, "T layers"]:
        """Each layer's statistics error, a mean over the classes of all blocks."""
        out = np.zeros((len(self._frames), self.layers), np.float32)
        for t, moments in enumerate(self._frames):
            shares = [len(np.unique(self._labels[placed(self._rows, each.indices)[0]])) for each in moments]
            known = [each.errors for each in moments if each.errors is not None]
            out[t] = np.average(known, axis=0, weights=np.maximum(shares, 1e-9))
        return out

    def _filled(
        self, dtype: type, shape: tuple[int, ...], of: Callable[[DrawnMoment], np.ndarray | None]
    ) -> np.ndarray:
        out: np.ndarray = np.zeros((len(self._frames), len(self._rows), *shape), dtype)
        for t, moments in enumerate(self._frames):
            for moment in moments:
                place, own = placed(self._rows, moment.indices)
                values = of(moment)
                assert values is not None  # the name is one of `names`
                out[t, place] = values[own]
        return out


def placed(
    rows: Int64[np.ndarray, " k"], indices: Int64[np.ndarray, " b"]
) -> tuple[Int64[np.ndarray, " c"], Int64[np.ndarray, " c"]]:
    """Where a snapshot's images stand among the rows that are drawn, and which of its images these are."""
    place = np.searchsorted(rows, indices)
    own = np.flatnonzero((place < len(rows)) & (rows[np.minimum(place, len(rows) - 1)] == indices))
    return place[own], own
