"""How many images, frames and pixels a page has room for, decided once for a run."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from wddkit.history import History
from wddkit.views.payload import sheets
from wddkit.views.payload.points import ranks_of
from wddkit.views.payload.sheets import Form
from wddkit.views.scene.facts import Answer

SMALLEST = 16  # pixels a side; below, images say nothing, so classes are left out instead
LARGEST = 256
AREA = 2**24  # pixels of a picture: 64 MiB once it is decoded
PER_ROW = 48  # bytes of an image in a frame beside its picture: places, gap, neighbours


@dataclass(frozen=True)
class Room:
    """What is drawn of the images."""

    pixels: int  # a side, as recorded
    channels: int
    smallest: int  # pixels a side that are sent
    largest: int
    classes: int  # labels below are drawn
    ranks: int  # and of each class only so many images
    per_segment: int  # frames
    expected: int  # images over all frames, once the run is finished

    @classmethod
    def of(
        cls,
        history: History,
        answer: Answer,
        positions: Int64[np.ndarray, " k"],
        frames: int,
        *,
        sample: UInt8[np.ndarray, "r t c h w"],
        limit: int,
    ) -> "Room":
        """As many classes as fit `limit` bytes with the smallest pictures, but one at least; frames by now."""
        channels, pixels = sample.shape[2:4]
        smallest = min(pixels, SMALLEST)
        ranks = sheets.WIDEST // smallest
        counts = np.bincount(answer.labels(positions), minlength=len(answer.classes))
        if answer.distilled is None:  # more will come
            counts = np.maximum(counts, answer.ipc or 0)
            frames = max(frames, int(history.config.get("snapshots", 0)))
        counts = np.minimum(counts, ranks)
        each = PER_ROW + sheets.estimate(sample, Form(smallest, sheets.lossy()))
        fitting = int((np.cumsum(counts) * frames * each <= limit).sum())
        classes = max(fitting, int(np.flatnonzero(counts)[0]) + 1)
        highest = int(counts[:classes].max())
        largest = min(pixels, LARGEST, sheets.WIDEST // highest)
        per_segment = max(1, min(sheets.WIDEST // largest, AREA // (largest**2 * highest)))
        expected = int(counts[:classes].sum()) * frames
        return cls(pixels, channels, smallest, largest, classes, ranks, per_segment, expected)

    def kept(self, positions: Int64[np.ndarray, " k"], labels: Int64[np.ndarray, " k"]) -> Int64[np.ndarray, " c"]:
        """Those of the positions in the distilled set that are drawn."""
        rows: Int64[np.ndarray, " c"] = positions[(labels < self.classes) & (ranks_of(labels) < self.ranks)]
        return rows
