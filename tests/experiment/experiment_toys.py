"""A run of a second, what must be equal of two runs, and processes that run it."""

import functools
import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np

import wddkit as wdd
from wddkit.methods import WMDD
from wddkit.progress import Bars

CLASSES, SIZE = 4, 8
NETWORK = wdd.Network(width=4, depth=2)
TRAINING = wdd.Training(steps=25, batch=16, lr=0.03)
TEACHER = wdd.Teacher(NETWORK, replace(TRAINING, steps=60))
HARD = wdd.Protocol("hard", network=NETWORK, training=TRAINING, students=2)
SOFT = replace(HARD, labels="soft")
ONLINE = replace(HARD, labels="online")
CONFIG = wdd.Config(
    dataset="toy", method=WMDD(ipc=3, steps=24, block=6), teacher=TEACHER, protocols=(HARD, SOFT), snapshots=8
)
LIGHT = replace(CONFIG, method=WMDD(ipc=2, steps=4), protocols=(HARD,), snapshots=3)
SLOW_IMPORTS = ["wddkit.experiment", "torch._dynamo", "sklearn.cluster", "ot", "pandas", "scipy.special", "tqdm.auto"]


def arrays(n: int = 160, *, seed: int = 0, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Four patterns under noise, [n, channels, 8, 8], and their labels."""
    labels = np.arange(n) % CLASSES
    patterns = np.random.default_rng(7).integers(0, 200, (CLASSES, channels, SIZE, SIZE))
    noise = np.random.default_rng(seed).integers(0, 120, (n, channels, SIZE, SIZE))
    return (patterns[labels] * 0.67 + noise).astype(np.uint8), labels


def toy_split(**options: Any) -> wdd.Split:
    return wdd.Split.from_arrays(*arrays(), *arrays(60, seed=1), name="toy", val=0.15, **options)


def run(out: Path, config: wdd.Config = CONFIG, **options: Any) -> wdd.History:
    """Without bars, on the toy's split unless another is given."""
    return wdd.run(config, **{"split": toy_split(), "progress": False, "out": out, **options})


def outcome(history: wdd.History) -> dict[str, Any]:
    """What must be equal bit for bit: images, labels, masses, soft labels, accuracies, and all that was recorded."""
    distilled = history.distilled
    assert distilled.soft is not None
    parts = {name: getattr(distilled, name).tobytes() for name in ("images", "labels", "masses", "soft")}
    accuracies = {
        (row.protocol, row.set): (row.accuracies, row.w2_squared, row.w2_squared_heldout, row.bytes)
        for row in history.results.itertuples()
    }
    scalars = history.scalars.drop(columns="seconds").to_csv()
    recorded = {
        file.relative_to(history.path).as_posix(): file.read_bytes() for file in sorted(history.path.rglob("*.npz"))
    }
    return {**parts, "accuracies": accuracies, "scalars": scalars, **recorded}


def bytes_of(path: Path) -> dict[str, bytes]:
    """Every visible file below a folder."""
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def results_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_bytes()) for file in sorted((path / "results").glob("*.json"))]


def clean_processes() -> ForkServerContext:
    """Processes forked from one that has imported torch and used nothing of it: they start at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(SLOW_IMPORTS)
    return context


def start(cache: Path, work: Callable[..., object], *arguments: Any) -> "Child":
    """A clean process that works with its own cache folder."""
    context = clean_processes()
    answers = context.SimpleQueue()
    process = context.Process(target=_work, args=(cache, work, arguments, answers))
    process.start()
    return Child(process, answers)


@dataclass(frozen=True, eq=False)
class Child:
    process: Any
    answers: Any

    def end(self) -> tuple[str, Any]:
        """("done", what the work returned), the name and text of what it raised, or ("killed", the signal)."""
        self.process.join()
        if self.process.exitcode < 0:
            return "killed", -self.process.exitcode
        found: tuple[str, Any] = self.answers.get()
        return found


def _work(cache: Path, work: Callable[..., object], arguments: tuple[Any, ...], answers: Any) -> None:
    os.environ["WDDKIT_CACHE"] = str(cache)
    try:
        answers.put(("done", work(*arguments)))
    except BaseException as error:  # the parent tells
        answers.put((type(error).__name__, " ".join([str(error), *getattr(error, "__notes__", [])])))


KILL = functools.partial(signal.raise_signal, signal.SIGKILL)
INTERRUPT = functools.partial(signal.raise_signal, signal.SIGINT)


def run_silently(out: Path, config: wdd.Config = CONFIG) -> Path:
    path = run(out, config).path
    assert path is not None
    return path


def run_until(out: Path, stage: str, done: int, action: Callable[[], object], config: wdd.Config = CONFIG) -> Path:
    """A run in which something happens when a stage has come so far."""
    call = Bars.__call__

    def tick(bars: Bars, now: str, steps: int, total: int, scalars: Any) -> None:
        if (now, steps) == (stage, done):
            action()
        call(bars, now, steps, total, scalars)

    Bars.__call__ = tick  # type: ignore[method-assign]  # in a process of its own
    return run_silently(out, config)
