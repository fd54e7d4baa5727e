"""The way of one run through its stages: from a config, a task and an open folder to a complete run."""

import importlib.metadata
import json
import math
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wddkit import codec
from wddkit.config import Config, described, protocol_key
from wddkit.costs import Spent, spending
from wddkit.data import DistilledSet, Split
from wddkit.evaluation import missing_sets, results
from wddkit.history import History, RecordingPlan, Writer, real_each, recording_plan
from wddkit.history.begin import check_edits
from wddkit.history.logs import read_log
from wddkit.history.turns import Edits
from wddkit.history.writer import REAL_SAMPLES
from wddkit.methods import Context, Snapshot, Task
from wddkit.methods.base import image_labels, recorded
from wddkit.stages.relabel import with_soft_labels
from wddkit.stages.students import Protocol
from wddkit.stages.training import accuracy


def finished(path: Path, config: Config, *, edits: Edits | None = None) -> History | None:
    """The run, if it is complete and has all that is asked of it.

    Raises ValueError for a run whose knobs were turned otherwise than in `edits`.
    """
    if not (path / "complete.json").is_file():
        return None
    check_edits(path, edits)
    history = History.load(path)
    known = {protocol_key(value["protocol"]): value for value in history.source.results()}
    asked = [known.get(protocol_key(described(protocol))) for protocol in protocols_of(config)]
    is_same = history.config == recorded_config(config)
    return history if is_same and not any(missing_sets(value, config) for value in asked) else None


def ignore(snapshot: Snapshot) -> None:
    """What those do with a snapshot who do not look."""


def carry_out(
    config: Config,
    split: Split,
    task: Task,
    context: Context,
    writer: Writer,
    *,
    kept: Callable[[Snapshot], None] = ignore,
) -> None:
    """Distils, relabels and evaluates, from wherever the writer's run had come to, until the run is complete.

    `kept` is told of every snapshot once it is recorded.
    """
    asked = {"protocols": codec.encode(protocols_of(config)), "controls": codec.encode(config.controls)}
    writer.event("asked", **asked, classes=list(task.classes))
    if not writer.is_complete and not writer.has("distilled"):
        own = task.with_committee(getattr(config.method, "committee", ()))
        with _timed(writer, "squeeze"):
            teacher = task.teacher()
            own.teacher()
        if len(split.val):
            writer.event("teacher", val_accuracy=accuracy(teacher, split.val.images, split.val.labels))
        with _timed(writer, "embed"):
            _record_real(task, writer)
            writer.event("layers", names=list(task.statistics()))
            _embed(own)
        with _measured(writer, task):
            distilled = _distil(config, task, context, writer, kept)
        writer.distilled(with_soft_labels(distilled, teacher))
    distilled, spent = DistilledSet.load(writer.path / "distilled"), _spent(writer)
    for protocol in protocols_of(config):
        name = protocol_key(described(protocol))
        file = writer.path / "results" / f"{name}.json"
        known = json.loads(file.read_bytes()) if writer.has(f"results/{name}.json") else None
        if missing_sets(known, config):
            with _timed(writer, "evaluate"):
                found = results(config, split, task, distilled, protocol, spent=spent, known=known, tick=context.tick)
                writer.results(name, found)
    writer.complete()


def _distil(
    config: Config, task: Task, context: Context, writer: Writer, kept: Callable[[Snapshot], None]
) -> DistilledSet:
    """The method's last distilled set; every snapshot is recorded on the way."""
    if writer.state is None:
        for snapshot in config.method.distill(task, context):
            if snapshot.distilled is not None:
                break
            _record(snapshot, writer)
            kept(snapshot)
    # Barycenters come first and are on disk now: what is left of the budget tells how many snapshots there can be.
    plan = _plan(config, task, writer)
    writer.follow(plan, image_labels(task, config.method.ipc))
    if plan.snapshots:
        context = replace(context, snapshots=plan.snapshots)
    last: Snapshot | None = None
    for last in config.method.distill(task, context, writer.state):
        _record(last, writer)
        kept(last)
    assert last is not None
    assert last.distilled is not None  # the contract of a method
    return last.distilled


def _record(snapshot: Snapshot, writer: Writer) -> None:
    writer.snapshot(
        phase=snapshot.phase,
        step=snapshot.step,
        block=snapshot.block,
        arrays=snapshot.arrays,
        state=snapshot.state,
        scalars=snapshot.scalars,
    )


def _plan(config: Config, task: Task, writer: Writer) -> RecordingPlan:
    """What of the images is recorded: the same for a run that goes on, because only older files count."""
    older = [writer.path / "real.npz", *(writer.path / "barycenter").glob("*.npz")]
    return recording_plan(
        (config.method.ipc * len(task.classes), *task.train.images.shape[1:]),
        classes=len(task.classes),
        features=(task.features.shape[1] + 1) // 2,  # the plan counts four bytes a value, `recorded` takes two
        snapshots=config.snapshots,
        other_bytes=sum(file.stat().st_size for file in older),
        budget_mb=config.recording_mb,
    )


def _embed(task: Task) -> None:
    """Has in the cache what the distillation reads: whether it was there before must not show in what that takes."""
    _ = task.features, task.statistics()
    if len(task.val):
        _ = task.heldout_features


def _record_real(task: Task, writer: Writer) -> None:
    """Some real images of every class, evenly, for the views."""
    each = real_each(len(task.classes))
    chosen = np.concatenate([task.train.of_class(c)[:each] for c in range(len(task.classes))])[:REAL_SAMPLES]
    real = task.train.take(chosen)
    writer.real(real.images, recorded(task.features[chosen]), real.labels, chosen)


@contextmanager
def _timed(writer: Writer, stage: str) -> Iterator[None]:
    started = writer.seconds
    yield
    writer.event("stage", name=stage, seconds=round(writer.seconds - started, 3))


@contextmanager
def _measured(writer: Writer, task: Task) -> Iterator[None]:
    """Notes what the distillation took: seconds in all sessions of the run, memory in the last one."""
    log = read_log(writer.path / "events.jsonl")
    begun = [event["seconds"] for event in log if event["event"] == "begun"]
    if not begun:
        writer.event("begun", name="distil", seconds=round(writer.seconds, 3))
    started = writer.seconds
    with spending(task) as spent:
        yield
    # Of a run that goes on, what is read from the cache was mostly made in its own time; a committee before it.
    seconds = spent.seconds if not begun else writer.seconds - begun[0] + spent.before
    memory = None if math.isnan(spent.memory_mb) else round(spent.memory_mb, 1)
    passed = {"seconds": round(writer.seconds - started, 3)}
    writer.event("stage", name="distil", **passed, seconds_uncached=round(seconds, 3), memory_mb=memory)


def _spent(writer: Writer) -> Spent:
    """What the run's distillation took, as far as its log tells."""
    found = Spent()
    for event in read_log(writer.path / "events.jsonl"):
        if event["event"] == "stage" and event["name"] == "distil":
            found.seconds = float(event["seconds_uncached"] if "seconds_uncached" in event else event["seconds"])
            memory = event.get("memory_mb")
            found.memory_mb = math.nan if memory is None else float(memory)
    return found


def protocols_of(config: Config) -> tuple[Protocol, ...]:
    """The protocols of a config with nothing left open."""
    assert config.protocols is not None  # resolved
    return config.protocols


def recorded_config(config: Config) -> codec.Json:
    """What decides the distilled set; protocols stand with their results, and the device in the environment."""
    plain = Config()
    return replace(config, protocols=None, controls=plain.controls, device=plain.device).to_json()


def environment_of(task: Task) -> dict[str, Any]:
    """What beside the config may decide single bits: versions, kind of device, threads."""
    packages = ("wddkit", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "POT")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {
        "versions": {"python": platform.python_version(), **versions, "torch": torch.__version__},
        "device": task.device.type,
        "threads": torch.get_num_threads(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
