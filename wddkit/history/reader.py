"""A recorded run, checked when it is loaded and read as it is asked for."""

import functools
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int64, UInt8

from wddkit.codec import Json
from wddkit.data.sets import DistilledSet
from wddkit.history.arrays import Arrays
from wddkit.history.checks import whole_number
from wddkit.history.fields import Fields
from wddkit.history.tables import results_frame, scalars_frame
from wddkit.history.turns import Edits

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Frame:
    """One moment of the images: the phase it belongs to and its step."""

    phase: str
    step: int


@dataclass(frozen=True, eq=False)
class RealSample:
    """Some real images (thumbnails), their features if recorded, labels, and positions in the training set."""

    images: UInt8[np.ndarray, "n c h w"]
    features: Float[np.ndarray, "n d"] | None
    labels: Int64[np.ndarray, " n"]
    indices: Int64[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Moment:
    """One block's snapshot: when it was, and how to read its arrays (all, or those of these names)."""

    frame: Frame
    block: int
    names: frozenset[str]
    read: Callable[[frozenset[str] | None], Arrays]


@dataclass(frozen=True, eq=False)
class Source:
    """Where a history reads from: a folder or arrays in memory."""

    moments: tuple[Moment, ...]
    distilled: Callable[[], DistilledSet]
    real: Callable[[], RealSample | None]
    barycenters: Callable[[], dict[int, Arrays]]
    results: Callable[[], list[Json]]
    scalars: Callable[[], list[dict[str, Json]]]
    events: Callable[[], list[dict[str, Json]]]
    edits: Edits | None = None


@dataclass(frozen=True, eq=False)
class History:
    """What a run recorded; everything but the list of frames is read when it is first asked for."""

    path: Path | None  # None: in memory
    config: Fields
    environment: Fields
    source: Source

    @classmethod
    def load(cls, path: Path | str, *, verify: str = "small", partial: bool = False) -> "History":
        """A run folder, checked; see `wddkit.history.sources.load`."""
        from wddkit.history.sources import load

        return load(Path(path), verify=verify, partial=partial)

    @classmethod
    def from_arrays(cls, images: Any, labels: Any, **options: Any) -> "History":
        """The history of a loop that is not ours, in memory; see `wddkit.history.sources.from_arrays`."""
        from wddkit.history.sources import from_arrays

        return from_arrays(images, labels, **options)

    @functools.cached_property
    def distilled(self) -> DistilledSet:
        """The answer of the run."""
        return self.source.distilled()

    @functools.cached_property
    def real(self) -> RealSample | None:
        """Up to 1000 real samples, if recorded."""
        return self.source.real()

    @functools.cached_property
    def barycenters(self) -> dict[int, Arrays]:
        """Class -> arrays over the T steps of its barycenter.

        `support` [T, m, d], `masses` [T, m], `value` [T]; perhaps `heldout` [T] (NaN: not measured), the largest
        entries of the plan as `plan_indices` and `plan_masses` [T, m, K], and the share of mass in them, `plan_kept`;
        perhaps `assignment` [T, r], the support point that takes most of the mass of each of the class's first r real
        images (-1: none), and `assignment_share` [T, r], the share of its mass that this is.
        """
        return self.source.barycenters()

    @functools.cached_property
    def results(self) -> "pandas.DataFrame":
        """One row for each (protocol, set), controls included.

        `accuracy` is the mean over students in percent, `low` and `high` its 95 % t-interval (NaN for one student);
        `accuracies` are the students'.
        """
        return results_frame(self.source.results())

    @functools.cached_property
    def scalars(self) -> "pandas.DataFrame":
        """One row for each recorded moment: phase, step, block, seconds since the start, and what was measured."""
        return scalars_frame(self.source.scalars())

    @functools.cached_property
    def events(self) -> list[dict[str, Json]]:
        """What happened and when, in order."""
        return self.source.events()

    @property
    def edits(self) -> Edits | None:
        """The turns of its knobs, if any were turned."""
        return self.source.edits

    @property
    def edited(self) -> bool:
        """Whether knobs were turned while it ran: then it is not the run of its config, and stands in no comparison."""
        return self.source.edits is not None

    @functools.cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The moments of the images, by step."""
        first: dict[str, int] = {}
        for moment in self.source.moments:
            first[moment.frame.phase] = min(moment.frame.step, first.get(moment.frame.phase, moment.frame.step))
        return tuple(sorted({m.frame for m in self.source.moments}, key=lambda f: (f.step, first[f.phase], f.phase)))

    @functools.cached_property
    def indices(self) -> Int64[np.ndarray, " k"]:
        """Positions in the distilled set of the images that were recorded: all, unless the budget left classes out."""
        return np.sort(np.concatenate([[], *self._positions.values()]).astype(np.int64))

    def images(self, frame: int) -> UInt8[np.ndarray, "k c h w"]:
        """The images of a frame, in the order of `indices`.

        Blocks are shown together, though they may have run one after another: each as it was at its own latest
        recorded step up to the frame's, or, if it has none yet, at its first. `frame` is a position in `frames`, from
        the end if negative; raises IndexError where there is none, ValueError for what is no whole number.
        """
        return self._assembled(frame, "images")

    def features(self, frame: int) -> Float[np.ndarray, "k d"] | None:
        """Features of `images(frame)`; None if they were not recorded."""
        if not all("features" in moment.names for moment in self._shown(frame)):
            return None
        return self._assembled(frame, "features")

    def arrays(self, frame: int) -> dict[int, Arrays]:
        """Everything recorded of a frame, block by block."""
        return {moment.block: moment.read(None) for moment in self._shown(frame)}

    @functools.cached_property
    def _order(self) -> dict[Frame, int]:
        return {frame: i for i, frame in enumerate(self.frames)}

    @functools.cached_property
    def _blocks(self) -> dict[int, list[Moment]]:
        blocks: dict[int, list[Moment]] = {}
        for moment in sorted(self.source.moments, key=lambda m: (m.block, self._order[m.frame])):
            blocks.setdefault(moment.block, []).append(moment)
        return blocks

    @functools.cached_property
    def _positions(self) -> dict[int, np.ndarray]:
        return {b: ms[0].read(frozenset(["indices"]))["indices"] for b, ms in self._blocks.items()}

    def _shown(self, frame: int) -> list[Moment]:
        """For each block, the moment that stands for this frame."""
        frame = whole_number(frame, "frame")
        if not -len(self.frames) <= frame < len(self.frames):
            raise IndexError(f"frame {frame} of a history of {len(self.frames)} frames")
        until = frame % len(self.frames)
        return [
            next((m for m in reversed(moments) if self._order[m.frame] <= until), moments[0])
            for moments in self._blocks.values()
        ]

    def _assembled(self, frame: int, name: str) -> np.ndarray:
        parts = {moment.block: moment.read(frozenset([name]))[name] for moment in self._shown(frame)}
        where = np.concatenate([self._positions[block] for block in parts])
        return np.concatenate(list(parts.values()))[np.argsort(where, kind="stable")]

    def __repr__(self) -> str:
        return f"History({str(self.path) if self.path else 'in memory'!r}, {len(self.frames)} frames)"

    def _repr_html_(self) -> str:
        phases = ", ".join(dict.fromkeys(frame.phase for frame in self.frames)) or "none"
        rows = {
            "run": str(self.path or "in memory"),
            "frames": f"{len(self.frames)} ({phases})",
            "images": str(len(self.indices)),
            "results": ", ".join(_result(value, row) for value in self.source.results() for row in value["rows"]),
        }
        cells = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows.items() if text)
        return f"<table>{cells}</table>"


def _result(value: Mapping[str, Json], row: Mapping[str, Json]) -> str:
    accuracies: Sequence[float] = row["accuracies"]
    return f"{value['protocol']['name']}, {row['set']}: {sum(accuracies) / len(accuracies):.1f} %"
