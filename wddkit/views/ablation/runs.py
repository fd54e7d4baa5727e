"""The runs behind a sweep's table for the browser: pictures of their images, and what an Explorer needs."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from wddkit.codec import Json
from wddkit.data.pixels import resize
from wddkit.data.sets import DistilledSet
from wddkit.history import History
from wddkit.views.payload import BYTES, Payload, payload, sheets
from wddkit.views.sweeps import Table

STRIP = 10  # images of a run in the list
STRIP_SIZE = 32  # pixels a side, at most
STRIP_RUNS = 400  # of a page: reading so many takes some ten seconds
RUN_BYTES = BYTES // 2  # of one run: two stand side by side
PAGE_BYTES = 45_000_000  # of all runs in a page: 60 MB of it
PART_BYTES = 4_000_000  # of all runs in a page that has other things in it as well


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of a table, each once: one run has a row under every protocol."""

    table: Table
    names: tuple[str, ...]
    at: tuple[int, ...]  # of each row
    first: tuple[int, ...]  # a row of each run
    there: tuple[bool, ...]  # whether its folder is

    @classmethod
    def of(cls, table: Table) -> "Runs":
        """Those of a table; which of them are still there is looked up now."""
        named = [str(name) for name in table.sweep.frame["run"]]
        names = tuple(dict.fromkeys(named))
        places = {name: i for i, name in enumerate(names)}
        at = tuple(places[name] for name in named)
        first = tuple(named.index(name) for name in names)
        there = tuple((table.folder(row) / "complete.json").is_file() for row in first)
        return cls(table, names, at, first, there)

    def history(self, run: int) -> History:
        """A run; ValueError that says so where its folder is not there, or damaged."""
        if not self.there[run]:
            raise ValueError(
                f"This run is not here: there is no {self.table.folder(self.first[run])}. "
                "Its numbers stand in the table; wdd.ablate with the same config and changes makes it again."
            )
        return self.table.sweep.history(self.first[run])

    def payload(self, run: int, *, limit: int = RUN_BYTES) -> Payload:
        """What an Explorer of a run needs, in at most about `limit` bytes; ValueError as `history`."""
        return payload(self.history(run), limit=limit)

    def strip(self, run: int) -> bytes:
        """A picture of a run's first images, one a class, side by side; empty where the run cannot be read."""
        try:
            tiles = strip_of(self.history(run).distilled)
        except (OSError, ValueError):
            return b""  # opening the run says what is wrong with it
        return sheets.encode(tiles, "image/png" if tiles.shape[-1] <= STRIP_SIZE // 2 else sheets.lossy())

    def spread(self) -> list[int]:
        """The runs that are there, first one seed of every setting, then the second of each, and so on."""
        settings = [int(self.table.settings[row]) for row in self.first]
        seen: dict[int, int] = {}
        ranks = []
        for run, setting in enumerate(settings):
            ranks.append((seen.get(setting, 0), run))
            seen[setting] = seen.get(setting, 0) + 1
        return [run for _, run in sorted(ranks) if self.there[run]]


def strip_of(distilled: DistilledSet) -> UInt8[np.ndarray, "1 k c s s"]:
    """The first image of each of the first classes, at most STRIP of them."""
    _, first = np.unique(distilled.labels, return_index=True)
    images = distilled.images[first[:STRIP]]
    size = min(STRIP_SIZE, images.shape[-1])
    small: np.ndarray = resize(images, size, size)
    return small[None]


@dataclass
class Parts:
    """Script elements of a page, by their ids: runs as JSON, and the bytes they name as base64, each content once."""

    texts: dict[str, str] = field(default_factory=dict)
    size: int = 0  # bytes of all buffers
    _known: dict[bytes, int] = field(default_factory=dict)

    def add(self, run: int, sent: Payload) -> None:
        """Puts one run into the page."""
        names = {name: self._buffer(data) for name, data in sent.buffers.items()}
        self.texts[f"wdd-run-{run}"] = text_of({"meta": dict(sent.meta), "names": names})

    def _buffer(self, data: bytes) -> int:
        key = hashlib.sha256(data).digest()  # the real images are the same in all runs of one data set
        if key not in self._known:
            self._known[key] = len(self._known)
            self.texts[f"wdd-part-{self._known[key]}"] = f'"{base64.b64encode(data).decode("ascii")}"'
            self.size += len(data)
        return self._known[key]


def text_of(value: Mapping[str, Json]) -> str:
    """JSON that can stand in a script element: no class name can end it."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def packed(runs: Runs, wanted: Sequence[int], *, limit: int | None = None) -> tuple[Parts, list[int]]:
    """These runs for a page, and which of them are in it: all that fit in about `limit` bytes, else PAGE_BYTES."""
    parts, kept = Parts(), []
    limit = PAGE_BYTES if limit is None else limit
    each = min(RUN_BYTES, limit // max(1, len(wanted)))
    for run in wanted:
        if parts.size >= limit:
            break
        try:
            sent = runs.payload(run, limit=each)
        except (OSError, ValueError):
            continue  # as in the view, the table still says what it was
        parts.add(run, sent)
        kept.append(run)
    return parts, kept


def strips(runs: Runs, wanted: Iterable[int]) -> dict[str, bytes]:
    """Pictures of runs by name of their buffer."""
    made = {f"strip/{run}": runs.strip(run) for run in wanted}
    return {name: data for name, data in made.items() if data}
