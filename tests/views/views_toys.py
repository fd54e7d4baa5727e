"""Small histories with known content."""

import dataclasses
from collections.abc import Iterator
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
        "barycenters": {
            c: assigned(barycenter(centres[c], steps=2 + c), real.features[real_labels == c]) for c in range(3)
        },
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


def assigned(arrays: dict[str, np.ndarray], features: np.ndarray) -> dict[str, np.ndarray]:
    """The same with the plan that gives every real image to the nearest support point, at each step."""
    r, (steps, m, _) = len(features), arrays["support"].shape
    near = np.stack([((features[:, None] - y) ** 2).sum(axis=2).argmin(axis=1) for y in arrays["support"]])
    plans = (near[:, None] == np.arange(m)[:, None]) / r  # [T, m, r]
    indices = np.argsort(-plans, axis=2, kind="stable")
    return arrays | {
        "plan_indices": indices.astype(np.int32),
        "plan_masses": np.take_along_axis(plans, indices, axis=2).astype(np.float32),
        "plan_kept": np.ones(steps),
        "assignment": near.astype(np.int32),
        "assignment_share": np.ones((steps, r), np.float32),
    }


def natural(n: int, size: int, *, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Images [n, channels, size, size] in [0, 255] with the 1/f spectrum of photographs, channels much alike."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    frequency[0, 0] = 1 / size
    noise = rng.normal(size=(n, 1 + channels, size, size))
    z = np.fft.ifft2(np.fft.fft2(noise) / frequency).real
    z /= z.std(axis=(2, 3), keepdims=True)
    images: np.ndarray = 128 + 45 * z[:, :1] + 20 * z[:, 1:]
    return images


def large(*, ipc: int = 50, frames: int = 40, size: int = 32, grain: float = 20.0) -> History:
    """Ten classes of images as large as CIFAR's that gain grain, as distilled images do; a thousand real ones."""
    rng = np.random.default_rng(1)
    labels, d, steps = np.repeat(np.arange(10), ipc), 128, 20
    first = natural(10 * ipc, size)
    noise = rng.normal(size=first.shape) * grain
    images = [
        np.clip(first + noise * t / frames + 2 * rng.normal(size=first.shape), 0, 255).astype(np.uint8)
        for t in range(frames)
    ]
    centres, real_labels = rng.normal(size=(10, d)) * 3, np.arange(1000) % 10
    z = (centres[real_labels] + rng.normal(size=(1000, d))).astype(np.float16)
    ways = {
        c: {
            "support": (centres[c] + rng.normal(size=(steps, ipc, d))).astype(np.float32),
            "masses": np.full((steps, ipc), 1 / ipc),
            "value": np.linspace(3, 1, steps),
        }
        for c in range(10)
    }
    return History.from_arrays(
        np.stack(images),
        labels,
        features=(centres[labels] + rng.normal(size=(frames, len(labels), d))).astype(np.float16),
        scalars={"loss": np.linspace(5, 1, frames)},
        real=RealSample(np.clip(natural(1000, size, seed=2), 0, 255).astype(np.uint8), z, real_labels, np.arange(1000)),
        barycenters={c: assigned(way, z[real_labels == c].astype(np.float64)) for c, way in ways.items()},
    )


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
            way = assigned(way, real[real_labels == label])
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


def growing(path: Path, *, blocks: int = 2, steps: tuple[int, ...] = (0, 3, 10)) -> Iterator[str]:
    """A run of four classes of three 8 x 8 images that is recorded bit by bit: yields what it has just recorded.

    Its blocks, of whole classes, are recovered one after the other.
    """
    rng = np.random.default_rng(0)
    centres, labels, real_labels = rng.normal(size=(4, 6)) * 5, np.repeat(np.arange(4), 3), np.repeat(np.arange(4), 20)
    z = centres[real_labels] + rng.normal(size=(80, 6))
    config = {"dataset": "toy", "method": {"kind": "wmdd", "ipc": 3}, "snapshots": len(steps)}
    with Writer.open(path, config=config, environment={}) as writer:
        yield "nothing"
        writer.event("asked", classes=["a", "b", "<c>", "d"])
        writer.event("layers", names=["backbone.norm1", "backbone.norm2"])
        pixels = rng.integers(0, 256, (80, 1, 8, 8)).astype(np.uint8)
        writer.real(pixels, z.astype(np.float16), real_labels, np.arange(80))
        yield "real"
        for c in range(4):
            way = {
                "support": (centres[c] + rng.normal(size=(3, 3, 6)) / 2).astype(np.float32),
                "masses": np.tile([0.2, 0.3, 0.5], (3, 1)),
                "value": np.array([3.0, 2.0, 1.0]),
                "heldout": np.array([np.nan, np.nan, 2.0]),
            }
            arrays = assigned(way, z[real_labels == c])
            writer.snapshot(phase="barycenter", step=2, block=c, arrays=arrays, state=None, scalars={"w2_squared": 1.0})
            yield f"barycenter {c}"
        for block, rows in enumerate(np.array_split(np.arange(12), blocks)):
            for step in steps:
                arrays = {
                    "images": rng.integers(0, 256, (len(rows), 1, 8, 8)).astype(np.uint8),
                    "indices": rows,
                    "features": (centres[labels[rows]] + rng.normal(size=(len(rows), 6))).astype(np.float16),
                    "gap": rng.random(len(rows)).astype(np.float32),
                    "statistics_error": rng.random(2).astype(np.float32),
                }
                scalars = {"loss": 1 / (1 + step)}
                writer.snapshot(phase="recover", step=step, block=block, arrays=arrays, state=None, scalars=scalars)
                yield f"frame {step} of block {block}"
        images = rng.integers(0, 256, (12, 1, 8, 8)).astype(np.uint8)
        soft = rng.normal(size=(12, 4)).astype(np.float32)
        masses = np.tile([0.2, 0.3, 0.5], 4)
        writer.distilled(DistilledSet(images, labels, ("a", "b", "<c>", "d"), masses, soft=soft))
        yield "distilled"
        results = [{"set": "wmdd", "accuracies": [90.0, 91.0], "bytes": 7000, "seconds": 1.0}]
        writer.results("aa", {"protocol": {"name": "online", "labels": "online"}, "rows": results})
        writer.complete()
        yield "complete"
