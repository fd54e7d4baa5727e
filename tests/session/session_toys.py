"""A run of a second in two blocks, what must be equal of two runs, and sessions that do something at a given step."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wddkit as wdd
from wddkit.methods import WMDD
from wddkit.session.work import Work

NETWORK = wdd.Network(width=4, depth=2)
TRAINING = wdd.Training(steps=12, batch=16, lr=0.03)
HARD = wdd.Protocol("hard", network=NETWORK, training=TRAINING, students=1)
CONFIG = wdd.Config(
    dataset="toy",
    method=WMDD(ipc=2, steps=24, block=4),
    teacher=wdd.Teacher(NETWORK, replace(TRAINING, steps=25)),
    protocols=(HARD,),
    controls=("random",),
    snapshots=6,
)
LEAN = replace(CONFIG, protocols=(), controls=())
KNOBS = {"lr": 0.03, "statistics_weight": 1.0}  # where the config has them
SPLITS: dict[str, wdd.Split] = {}

Act = Callable[[Work], object]


def toy_split(n: int = 96) -> wdd.Split:
    """Four patterns under noise, 8 px."""
    labels = np.arange(n) % 4
    patterns = np.random.default_rng(7).integers(0, 200, (4, 1, 8, 8))
    noise = np.random.default_rng(n).integers(0, 120, (n, 1, 8, 8))
    images = (patterns[labels] * 0.67 + noise).astype(np.uint8)
    return wdd.Split.from_arrays(images, labels, images[: n // 2], labels[: n // 2], name="toy", val=0.15)


SPLIT = toy_split()


def run(out: Path, config: wdd.Config = CONFIG) -> wdd.History:
    return wdd.run(config, out=out, split=SPLIT, progress=False)


def session(out: Path, config: wdd.Config = CONFIG, **options: Any) -> wdd.LiveSession:
    return wdd.LiveSession(config, out=out, split=SPLIT, **options)


def outcome(history: wdd.History) -> dict[str, Any]:
    """What must be equal bit for bit: images, labels, masses, soft labels, accuracies, and all that was recorded."""
    distilled, path = history.distilled, history.path
    assert distilled.soft is not None
    assert path is not None
    parts = {name: getattr(distilled, name).tobytes() for name in ("images", "labels", "masses", "soft")}
    taken = {"seconds": 0, "distil_seconds": 0, "memory_mb": 0}
    rows = [{**row, **taken} for value in history.source.results() for row in value["rows"]]
    scalars = [{**row, "seconds": 0} for row in history.source.scalars()]
    recorded = {file.relative_to(path).as_posix(): file.read_bytes() for file in sorted(path.rglob("*.npz"))}
    return {**parts, "rows": rows, "scalars": scalars, **recorded}


def knob_events(history: wdd.History) -> list[tuple[int, int, str, float, float]]:
    """(block, step, name, before, after) of each turn that the log tells of."""
    events = [event for event in history.events if event["event"] == "knob"]
    return [tuple(event[key] for key in ("block", "step", "name", "before", "after")) for event in events]


def act_at(monkeypatch: pytest.MonkeyPatch, acts: Mapping[tuple[str, int], Act]) -> None:
    """From now on something happens, once, in a session's thread when a stage has come so far."""
    left, tick = dict(acts), Work.tick

    def watched(work: Work, stage: str, done: int, total: int, scalars: Any) -> None:
        if act := left.pop((stage, done), None):
            act(work)
        tick(work, stage, done, total, scalars)

    monkeypatch.setattr(Work, "tick", watched)


def wait_for(what: Callable[[], bool]) -> None:
    """Looks again and again; only where it hangs does this take so long that it fails."""
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.002)


def elsewhere(call: Callable[[], object]) -> None:
    """Calls it in another thread and waits for that."""
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
