"""Images through the snapshots as one mosaic: an axes for each image would take a second to draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from wddkit.views.figures.words import ROWS, picked
from wddkit.views.scene import Scene


@dataclass(frozen=True, eq=False)
class Film:
    """One image of each class (a row) at some snapshots (columns), gaps between them white.

    `frames` are positions in the run's frames, `indices` the images' in the distilled set.
    """

    mosaic: UInt8[np.ndarray, "height width 3"]
    labels: tuple[int, ...]
    indices: Int64[np.ndarray, " rows"]
    frames: Int64[np.ndarray, " columns"]
    steps: tuple[int, ...]
    size: int  # pixels a side of an image
    pitch: int  # pixels from one image to the next
    left_out: int  # classes that nobody named and for which there was no room

    @property
    def middles(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the rows and the columns have their middle, in pixels of the mosaic."""
        rows, columns = np.arange(len(self.labels)), np.arange(len(self.steps))
        return rows * self.pitch + (self.size - 1) / 2, columns * self.pitch + (self.size - 1) / 2


def film(drawn: Scene, classes: Sequence[int | str] | None, *, image: int, snapshots: int, rows: int = ROWS) -> Film:
    """The film of some classes (the first `rows` if None) at as many snapshots, evenly spread from first to last.

    Raises ValueError for a class or an image that the run does not have.
    """
    if not isinstance(snapshots, (int, np.integer)) or snapshots < 1:
        raise ValueError(f"snapshots: expected a whole number of at least 1, got {snapshots!r}")
    present = np.unique(drawn.labels)
    labels = picked(drawn.classes, classes, present[:rows].tolist())
    places = np.array([_place(drawn, label, image) for label in labels], np.int64)
    frames = np.unique(np.linspace(0, len(drawn.frames) - 1, snapshots).round().astype(np.int64))
    if snapshots == 1:
        frames = np.array([len(drawn.frames) - 1])  # of one snapshot, the last says most
    tiles = np.stack([drawn.image(int(t))[places] for t in frames])
    size = tiles.shape[-1]
    gap = max(1, size // 12)
    padded = np.pad(tiles, ((0, 0), (0, 0), (0, 0), (0, gap), (0, gap)), constant_values=255)
    mosaic = padded.transpose(1, 3, 0, 4, 2).reshape(len(labels) * (size + gap), len(frames) * (size + gap), -1)
    return Film(
        mosaic=mosaic.repeat(3, axis=2) if mosaic.shape[2] == 1 else mosaic,
        labels=labels,
        indices=drawn.indices[places].astype(np.int64),
        frames=frames,
        steps=tuple(drawn.frames[t].step for t in frames),
        size=size,
        pitch=size + gap,
        left_out=len(present) - len(labels) if classes is None else 0,
    )


def _place(drawn: Scene, label: int, image: int) -> int:
    own = np.flatnonzero(drawn.labels == label)
    if not isinstance(image, (int, np.integer)) or not 0 <= image < len(own):
        raise ValueError(
            f"no image {image!r} in class {drawn.classes[label]!r}, which has {len(own)} recorded images; count from 0"
        )
    return int(own[image])
