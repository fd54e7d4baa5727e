"""What travels to the browser: a small JSON object and a few arrays as bytes, once for a whole history."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import UInt8

from wddkit.codec import Json
from wddkit.data.pixels import resize
from wddkit.views.scene import Scene, Way

IMAGE_BYTES = 8_000_000  # of all images of all frames in the browser
SMALLEST = 16  # pixels a side; below, images say nothing, so classes are left out instead
MARKS = 1000  # real features that are drawn


@dataclass(frozen=True, eq=False)
class Payload:
    """`meta` is plain JSON without NaN; `buffers` hold little-endian float32, int32 or uint8, row by row.

    Buffers: `images` uint8 [T, k, h, w, c], `labels` and `indices` int32 [k], `xy` float32 [T, k, 2], `real_xy` float32
    [n, 2], `real_labels` int32 [n], and for each barycenter, in the order of `meta["ways"]`, `support_xy` float32
    [T, m, 2] and `support_masses` float32 [T, m], one after the other. What a run did not record is empty.
    """

    meta: Mapping[str, Json]
    buffers: Mapping[str, bytes]


def payload(scene: Scene, *, image_bytes: int = IMAGE_BYTES) -> Payload:
    """A scene for the browser. Its images are made smaller, down to 16 pixels, until they fit `image_bytes`.

    If that is not enough, the last classes' images are left out; `meta["missing"]` says what was done.
    """
    first = scene.image(0)
    size, kept = _fitting(scene, first.shape, image_bytes)
    images = np.stack([_sized(scene.image(t)[kept], size) for t in range(len(scene.frames))])
    missing = list(scene.missing)
    if size < first.shape[2]:
        missing.append(f"Images are shown at {size} x {size} of their {first.shape[2]} x {first.shape[3]} pixels.")
    if len(kept) < len(scene.labels):
        missing.append(
            f"Only {len(kept)} of {len(scene.labels)} distilled images are shown: more would be too much for a browser."
        )
    few = _few(len(scene.real_labels) if scene.real_labels is not None else 0)
    meta = {
        "title": scene.title,
        "classes": list(scene.classes),
        "frames": [{"phase": frame.phase, "step": frame.step} for frame in scene.frames],
        "image": {"size": size, "channels": images.shape[-1]},
        "caption": scene.projection.caption if scene.projection is not None else "",
        "explained": [float(share) for share in scene.projection.explained] if scene.projection is not None else [],
        "ways": [_way(way) for way in scene.ways],
        "paired": scene.paired,
        "results": [asdict(result) for result in scene.results],
        "scalars": {name: list(values) for name, values in scene.scalars.items()},
        "seconds": dict(scene.seconds),
        "missing": missing,
    }
    buffers = {
        "images": images.tobytes(),
        "labels": scene.labels[kept].astype("<i4").tobytes(),
        "indices": scene.indices[kept].astype("<i4").tobytes(),
        "xy": _floats(scene.xy[:, kept] if scene.xy is not None else None),
        "real_xy": _floats(scene.real_xy[few] if scene.real_xy is not None else None),
        "real_labels": b"" if scene.real_labels is None else scene.real_labels[few].astype("<i4").tobytes(),
        "support_xy": b"".join(_floats(way.xy) for way in scene.ways),
        "support_masses": b"".join(_floats(way.masses) for way in scene.ways),
    }
    return Payload(meta, buffers)


def _fitting(scene: Scene, shape: tuple[int, ...], limit: int) -> tuple[int, np.ndarray]:
    """Side in pixels and rows of the images that fit."""
    _, channels, height, _ = shape
    each = len(scene.frames) * channels  # bytes for a pixel of one image over all frames
    size = int(np.sqrt(limit / (each * len(scene.labels))))
    if size >= height:
        return height, np.arange(len(scene.labels))
    size = min(height, max(size, SMALLEST))
    labels, counts = np.unique(scene.labels, return_counts=True)
    fitting = np.cumsum(counts) * each * size**2 <= limit
    last = labels[max(int(fitting.sum()), 1) - 1]
    return size, np.flatnonzero(scene.labels <= last)


def _sized(images: UInt8[np.ndarray, "k c h w"], size: int) -> UInt8[np.ndarray, "k size size c"]:
    return resize(images, size, size).transpose(0, 2, 3, 1)


def _few(n: int) -> np.ndarray:
    """Positions of at most 1000 of n, evenly spread."""
    return np.linspace(0, n - 1, min(n, MARKS)).round().astype(int)


def _way(way: Way) -> dict[str, Json]:
    return {
        "label": way.label,
        "steps": way.masses.shape[0],
        "points": way.masses.shape[1],
        "value": [float(value) for value in way.value],
        "heldout": [None if np.isnan(value) else float(value) for value in way.heldout],
    }


def _floats(values: np.ndarray | None) -> bytes:
    return b"" if values is None else values.astype("<f4").tobytes()
