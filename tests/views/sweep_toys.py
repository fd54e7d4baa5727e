"""Small sweeps with known content, and run folders for them; nothing is trained."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from views_toys import assigned

from wddkit.data import DistilledSet
from wddkit.history import Sweep, Writer

CLASSES = ("<script>alert(1)</script>", "plain", "third")
FIELDS: Mapping[str, Sequence[Any]] = {"method.statistics_weight": [0.1, 1.0, 10.0], "method.start": ["noise", "real"]}
STEPS = (0, 10, 20)


def sweep_of(
    path: Path,
    *,
    fields: Mapping[str, Sequence[Any]] = FIELDS,
    seeds: int = 2,
    protocols: Sequence[str] = ("hard",),
    runs: bool = True,
    drop: Sequence[int] = (),
) -> Sweep:
    """A sweep over all combinations, saved in a folder, its `runs` as folders beside it; without the rows in `drop`.

    Every number is drawn once, with effects of the levels: the k-th level of each field adds 5 k to the accuracy, and
    squared W2 falls as it rises.
    """
    rows = [
        {**dict(zip(fields, levels, strict=True)), **about}
        for levels, about in _rows(fields, seeds=seeds, protocols=protocols)
    ]
    frame = pd.DataFrame([row for i, row in enumerate(rows) if i not in drop])
    config = {"dataset": "digits", "method": {"kind": "wmdd", "ipc": 1}, "seed": 0}
    sweep = Sweep(path, config, tuple(fields), frame)
    (path / "runs").mkdir(parents=True, exist_ok=True)
    sweep.save()
    for i, name in enumerate(dict.fromkeys(frame["run"]) if runs else ()):
        own = frame[frame["run"] == name]
        accuracies = dict(zip(own["protocol"], own["accuracy"], strict=True))
        write_run(path / "runs" / name, number=i, accuracies=accuracies)
    return sweep


def _rows(
    fields: Mapping[str, Sequence[Any]], *, seeds: int, protocols: Sequence[str]
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Levels of every row, and what else it holds."""
    rng = np.random.default_rng(0)
    for r, levels in enumerate(itertools.product(*fields.values())):
        places = [list(values).index(level) for values, level in zip(fields.values(), levels, strict=True)]
        for seed, protocol in itertools.product(range(seeds), protocols):
            accuracy = 50 + 5 * sum(places) + rng.normal()
            about = {"seed": seed, "protocol": protocol, "labels": "hard", "run": f"toy-{r}-{seed}"}
            numbers = {"ipc": 1, "accuracy": accuracy, "students": 3, "random": 48.0, "gain": accuracy - 48.0}
            w2_squared = 60 - 0.5 * accuracy + rng.normal()
            more = {"w2_squared": w2_squared, "loss": float(rng.exponential()), "bytes": 7000}
            yield levels, {**about, **numbers, **more}


def write_run(path: Path, *, number: int, accuracies: Mapping[str, float], classes: tuple[str, ...] = CLASSES) -> None:
    """A run of three classes of one grey 8 x 8 image at three snapshots; `number` makes its pixels its own.

    Under each protocol its three students have the mean accuracy, and one more and one less.
    """
    rng = np.random.default_rng(number)
    centres, real_labels = np.eye(3, 4) * 5, np.arange(30) % 3
    real = centres[real_labels] + np.random.default_rng(99).normal(size=(30, 4)) / 2  # the same in all runs
    pixels = np.random.default_rng(98).integers(0, 256, (30, 1, 8, 8)).astype(np.uint8)
    config = {"dataset": "digits", "method": {"kind": "wmdd", "ipc": 1}, "seed": number}
    with Writer.open(path, config=config, environment={}) as writer:
        writer.real(pixels, real.astype(np.float32), real_labels, np.arange(30))
        for label in range(3):
            way = {
                "support": np.stack([centres[label : label + 1] + 1 / t for t in (1, 2)]).astype(np.float32),
                "masses": np.ones((2, 1)),
                "value": np.array([2.0, 1.0]),
            }
            arrays = assigned(way, real[real_labels == label])
            writer.snapshot(phase="barycenter", step=1, block=label, arrays=arrays, state=None, scalars=None)
        for step in STEPS:
            images = rng.integers(0, 256, (3, 1, 8, 8)).astype(np.uint8)
            arrays = {
                "images": images,
                "indices": np.arange(3),
                "features": (centres + rng.normal(size=(3, 4))).astype(np.float32),
                "gap": rng.random(3).astype(np.float32),
            }
            writer.snapshot(
                phase="recover", step=step, block=0, arrays=arrays, state=None, scalars={"loss": 1 / (1 + step)}
            )
        writer.distilled(DistilledSet(images, np.arange(3), classes, np.ones(3)))
        for i, (name, mean) in enumerate(accuracies.items()):
            own = {"set": "wmdd", "accuracies": [mean - 1, mean, mean + 1], "bytes": 7000, "seconds": 1.0, "ipc": 1}
            writer.results(f"{i:02x}", {"protocol": {"name": name, "labels": "hard"}, "rows": [own]})
        writer.complete()
