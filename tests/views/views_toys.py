"""Small histories with known content."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from wddkit.data import DistilledSet
from wddkit.history import History, RealSample, Writer

CLASSES = ("<script>alert(1)</script>", "plain", 'a "quoted" & <b>name</b>')
MASSES = np.array([0.2, 0.8])
STEPS = (0, 1, 4, 9, 16)


def toy(**changes: Any) -> History:
    """Three classes of two 8 x 8 images at five snapshots, all that can be recorded beside them."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 2)
    centres = np.array([[6.0, 0, 0, 0], [0, 5.0, 0, 0], [0, 0, 1.0, 0]])
    real_labels = np.arange(60) % 3
    real = RealSample(
        images=rng.integers(0, 256, (60, 3, 8, 8)).astype(np.uint8),
        features=centres[real_labels] + rng.normal(size=(60, 4)) * 0.5,
        labels=real_labels,
        indices=np.arange(60),
    )
    start, end = centres[labels] + rng.normal(size=(2, 6, 4))
    options: dict[str, Any] = {
        "classes": CLASSES,
        "steps": STEPS,
        "features": np.stack([start + (end - start) * t / 4 for t in range(5)]),
        "scalars": {"loss": [5.0, 3.0, np.nan, 1.5, 1.0], "feature_gap": [2.0, 1.0, 0.5, 0.4, 0.3]},
        "real": real,
        "barycenters": {c: barycenter(centres[c], steps=2 + c) for c in range(3)},
    }
    images = rng.integers(0, 256, (5, 6, 3, 8, 8)).astype(np.uint8)
    return History.from_arrays(images, labels, **{**options, **changes})


def barycenter(centre: np.ndarray, *, steps: int) -> dict[str, np.ndarray]:
    """Two support points of masses 0.2 and 0.8 that move apart."""
    apart = np.linspace(0.2, 1.5, steps)[:, None, None] * np.array([[1.0, 0, 0, 0], [-1.0, 0, 0, 0]])
    return {
        "support": centre + apart,
        "masses": np.tile(MASSES, (steps, 1)),
        "value": np.linspace(3.0, 1.0, steps),
        "heldout": np.array([np.nan] * (steps - 1) + [1.25]),
    }


def with_results(history: History, *, stages: tuple[tuple[str, float], ...] = (("distil", 3.5),)) -> History:
    """The same as if it had been evaluated: a set, two controls, and the time that stages took."""
    rows = [
        {"set": "wmdd", "accuracies": [90.0, 91.0, 92.0], "bytes": 1500, "seconds": 2.0, "ipc": 2, "w2_squared": 1.5},
        {"set": "random", "accuracies": [89.0], "bytes": 1500, "seconds": 2.0, "ipc": 2, "w2_squared": None},
        {"set": "whole real set", "accuracies": [95.0, 95.0], "bytes": 2_500_000, "seconds": 9.0, "ipc": None},
    ]
    value = {"schema": "wddkit.run/0", "protocol": {"name": "quick", "labels": "hard"}, "rows": rows}
    events: list[dict[str, Any]] = [{"event": "stage", "name": name, "seconds": seconds} for name, seconds in stages]
    source = dataclasses.replace(history.source, results=lambda: [value], events=lambda: events)
    return dataclasses.replace(history, source=source)


def write_run(path: Path) -> None:
    """A run folder like that of ten images a class of the digits, made up in a moment."""
    rng = np.random.default_rng(0)
    centres, labels = rng.normal(size=(10, 16)) * 5, np.repeat(np.arange(10), 10)
    real_labels = np.arange(300) % 10
    real = centres[real_labels] + rng.normal(size=(300, 16))
    images = rng.integers(0, 256, (100, 1, 8, 8)).astype(np.uint8)
    support = centres[:, None] + rng.normal(size=(10, 10, 16)) / 2
    masses = rng.dirichlet(np.full(10, 4.0), size=10)
    with Writer.open(
        path, config={"dataset": "digits", "method": {"kind": "wmdd", "ipc": 10}}, environment={}
    ) as writer:
        pixels = rng.integers(0, 256, (300, 1, 8, 8)).astype(np.uint8)
        writer.real(pixels, real.astype(np.float32), real_labels, np.arange(300))
        for label in range(10):
            way = {
                "support": np.stack([support[label] + 1 / t for t in range(1, 4)]).astype(np.float32),
                "masses": np.tile(masses[label], (3, 1)),
                "value": np.array([4.0, 2.0, 1.0]),
                "heldout": np.array([np.nan, np.nan, 2.0]),
            }
            writer.snapshot(phase="barycenter", step=2, block=label, arrays=way, state=None, scalars=None)
        for step in range(0, 50, 10):
            arrays = {
                "images": (images.astype(int) * (50 - step) // 50).astype(np.uint8),
                "indices": np.arange(100),
                "features": (support.reshape(100, 16) + rng.normal(size=(100, 16)) / (1 + step)).astype(np.float32),
                "gap": np.ones(100, np.float32),
            }
            scalars = {"loss": 1 / (1 + step)}
            writer.snapshot(phase="recover", step=step, block=0, arrays=arrays, state=None, scalars=scalars)
        names = tuple(map(str, range(10)))
        writer.distilled(DistilledSet(arrays["images"], labels, names, masses.reshape(-1)))
        sets = ("wmdd", "random", "nearest", "whole real set")
        rows = [{"set": name, "accuracies": [90.0, 91.0], "bytes": 7000, "seconds": 1.0} for name in sets]
        writer.results("aa", {"protocol": {"name": "online", "labels": "online"}, "rows": rows})
        writer.complete()
