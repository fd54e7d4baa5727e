"""The way of one run through its stages: from a config, a task and an open folder to a complete run."""

import importlib.metadata
import json
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
from wddkit.data import DistilledSet, Split
from wddkit.evaluation import missing_sets, results
from wddkit.history import History, RecordingPlan, Writer, real_each, recording_plan
from wddkit.history.begin import check_edits
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
        with _timed(writer, "squeeze"):
            teacher = task.teacher()
        if len(split.val):
            writer.event("teacher", val_accuracy=accuracy(teacher, split.val.images, split.val.labels))
        with _timed(writer, "embed"):
            _record_real(task, writer)
            writer.event("layers", names=list(task.statistics()))
        with _timed(writer, "distil"):
            distilled = _distil(config, task, context, writer, kept)
        writer.distilled(with_soft_labels(distilled, teacher))
    distilled = DistilledSet.load(writer.path / "distilled")
    for protocol in protocols_of(config):
        name = protocol_key(described(protocol))
        file = writer.path / "results" / f"{name}.json"
        known = json.loads(file.read_bytes()) if writer.has(f"results/{name}.json") else None
        if missing_sets(known, config):
            with _timed(writer, "evaluate"):
                writer.results(name, results(config, split, task, distilled, protocol, known=known, tick=context.tick))
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
