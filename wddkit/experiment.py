"""Where stages, methods and history meet: `run` a distillation, `evaluate` a set, `compare` several."""

import importlib.metadata
import json
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from wddkit import codec
from wddkit.config import Config, described, protocol_key
from wddkit.data import DistilledSet, Split, check_matches, load
from wddkit.evaluation import Evaluation, evaluate_set, missing_sets, results
from wddkit.history import Cache, History, RecordingPlan, Writer, recording_plan
from wddkit.methods import Context, Snapshot, Task
from wddkit.methods.base import check, image_labels, recorded
from wddkit.progress import Bars
from wddkit.stages.relabel import with_soft_labels
from wddkit.stages.students import Protocol
from wddkit.stages.teacher import Teacher
from wddkit.stages.training import Tick, accuracy, silent

if TYPE_CHECKING:
    import pandas

REAL_SAMPLES = 1000  # recorded for the views
DEVICES = ("cpu", "cuda", "mps", "xpu")


def run(
    config: Config | None = None, *, out: Path | str = "runs", split: Split | None = None, progress: bool = True
) -> History:
    """Distils, relabels, evaluates and records; returns the finished run.

    The folder is <out>/<dataset>-<method>-<ipc>-<hash8>; the hash covers everything that decides the distilled set. A
    run that was killed or interrupted goes on from its last snapshot; a complete one is only read, or given the results
    of protocols and controls that it has not. `split` takes the place of the data set that the config names. Raises
    ValueError before anything is trained or written for a config that does not fit the data, StorageError for a disk
    that is full or a folder that another process writes.
    """
    config, split = _prepared(config or Config(), split)
    path = Path(out) / config.run_name(split)
    if (found := _finished(path, config)) is not None:
        return found
    with Bars(shown=progress) as bars:
        task = task_of(config, split, tick=bars)
        with Writer.open(
            path, config=_recorded(config), environment=_environment(task), budget_mb=config.recording_mb
        ) as writer:
            try:
                _run(config, split, task, writer, bars)
            except KeyboardInterrupt as error:
                error.add_note(
                    f"Interrupted. What was done is kept in {path}; the same call or command goes on from there."
                )
                raise
    return History.load(path)


def evaluate(
    distilled: DistilledSet,
    split: Split,
    protocol: Protocol | str = "online",
    *,
    students: int | None = None,
    seed: int = 0,
    teacher: Teacher | None = None,
    teacher_seed: int = 0,
    device: str = "auto",
    name: str = "distilled",
    progress: bool = True,
) -> Evaluation:
    """Accuracy on the split's test set of students trained on any distilled set, also one made elsewhere.

    `protocol`: a Protocol, or the name of a label regime under the data set's recipe. The teacher, needed for every
    regime but `hard`, is trained on the split unless it is in the cache. Raises ValueError where the set and the split
    differ in class order, channels, size or normalisation.
    """
    check_matches(distilled, split)
    config = Config(dataset=split.name, teacher=teacher, teacher_seed=teacher_seed, device=device).resolved(split)
    if isinstance(protocol, str):
        protocol = codec.change(_protocols(config)[0], "labels", protocol)
    if students is not None:
        protocol = replace(protocol, students=students)
    config = replace(config, protocols=(protocol,)).checked(split)
    with Bars(shown=progress) as bars:
        task = task_of(config, split, tick=bars)
        return evaluate_set(name, distilled, split.test, task, *_protocols(config), seed=seed, tick=bars)


def compare(
    configs: Sequence[Config],
    *,
    seeds: int = 3,
    out: Path | str = "runs",
    split: Split | None = None,
    progress: bool = True,
) -> "pandas.DataFrame":
    """Runs every config with `seeds` synthesis seeds; one row a set and protocol, controls once.

    `mean` is the mean over syntheses of the mean over students, in percent, `low` and `high` its 95 % t-interval with
    seeds - 1 degrees of freedom; with one seed it is over students, and `interval` says so. `gain` is the paired
    difference to the random control of the same seed, with `gain_low` and `gain_high` (NaN for one seed). All configs
    are checked before the first is run; runs that are complete are reused.
    """
    from wddkit.comparison import table

    if not configs or seeds < 1:
        raise ValueError(f"expected at least one config and one seed, got {len(configs)} configs and {seeds} seeds")
    splits: dict[tuple[object, ...], Split] = {}
    prepared = []
    for config in configs:
        key = (config.dataset, config.split_seed, config.size, config.skip_corrupt)
        splits[key] = split or splits.get(key) or load_split(config)
        prepared.append(_prepared(config, splits[key]))
    by_config = [
        [run(replace(config, seed=config.seed + r), out=out, split=own, progress=progress) for r in range(seeds)]
        for config, own in prepared
    ]
    return table([(config, histories) for (config, _), histories in zip(prepared, by_config, strict=True)])


def load_split(config: Config) -> Split:
    """The data set that the config names."""
    return load(config.dataset, split_seed=config.split_seed, size=config.size, skip_corrupt=config.skip_corrupt)


def task_of(config: Config, split: Split, *, tick: Tick = silent, cache: Cache | None = None) -> Task:
    """The task of a config on a split: no test images in it."""
    config = config.resolved(split)
    assert config.teacher is not None  # resolved
    return Task.of(
        split,
        teacher_config=config.teacher,
        teacher_seed=config.teacher_seed,
        device=choose_device(config.device),
        cache=cache or Cache(),
        tick=tick,
    )


def choose_device(name: str) -> torch.device:
    """The device of this name; "auto" is a GPU where there is one. Raises ValueError for one that is not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.partition(":")[0] not in DEVICES:
        raise codec.unknown("device", name, ("auto", *DEVICES))
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f'device {name!r} cannot be used here ({str(error).splitlines()[0]}); try "auto" or "cpu"'
        ) from None
    return device


def _prepared(config: Config, split: Split | None) -> tuple[Config, Split]:
    """The config with nothing left open, and its data set, once it is known that they fit."""
    if split is not None and config.dataset == Config().dataset:
        config = replace(config, dataset=split.name)  # a default must not name somebody's own data
    split = split or load_split(config)
    config = config.checked(split)
    check(config.method, task_of(config, split))
    return config, split


def _finished(path: Path, config: Config) -> History | None:
    """The run, if it is complete and has all that is asked of it."""
    if not (path / "complete.json").is_file():
        return None
    history = History.load(path)
    known = {protocol_key(value["protocol"]): value for value in history.source.results()}
    asked = [known.get(protocol_key(described(protocol))) for protocol in _protocols(config)]
    is_same = history.config == _recorded(config)
    return history if is_same and not any(missing_sets(value, config) for value in asked) else None


def _run(config: Config, split: Split, task: Task, writer: Writer, bars: Bars) -> None:
    asked = {"protocols": codec.encode(_protocols(config)), "controls": codec.encode(config.controls)}
    writer.event("asked", **asked)
    if not writer.is_complete and not writer.has("distilled"):
        with _timed(writer, "squeeze"):
            teacher = task.teacher()
        if len(split.val):
            writer.event("teacher", val_accuracy=accuracy(teacher, split.val.images, split.val.labels))
        with _timed(writer, "embed"):
            _record_real(task, writer)
            task.statistics()
        with _timed(writer, "distil"):
            distilled = _distil(config, task, writer, bars)
        writer.distilled(with_soft_labels(distilled, teacher))
    distilled = DistilledSet.load(writer.path / "distilled")
    for protocol in _protocols(config):
        name = protocol_key(described(protocol))
        file = writer.path / "results" / f"{name}.json"
        known = json.loads(file.read_bytes()) if writer.has(f"results/{name}.json") else None
        if missing_sets(known, config):
            with _timed(writer, "evaluate"):
                writer.results(name, results(config, split, task, distilled, protocol, known=known, tick=bars))
    writer.complete()


def _distil(config: Config, task: Task, writer: Writer, tick: Tick) -> DistilledSet:
    """The method's last distilled set; every snapshot is recorded on the way."""
    context = context_of(config, task, tick=tick)
    if writer.state is None:
        for snapshot in config.method.distill(task, context):
            if snapshot.distilled is not None:
                break
            _record(snapshot, writer)
    # Barycenters come first and are on disk now: what is left of the budget tells how many snapshots there can be.
    plan = _plan(config, task, writer)
    writer.follow(plan, image_labels(task, config.method.ipc))
    if plan.snapshots:
        context = replace(context, snapshots=plan.snapshots)
    last: Snapshot | None = None
    for last in config.method.distill(task, context, writer.state):
        _record(last, writer)
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


def context_of(config: Config, task: Task, *, tick: Tick = silent) -> Context:
    """How the config's method is to run."""
    return Context(
        seed=config.seed, device=task.device, precision=config.precision, snapshots=config.snapshots, tick=tick
    )


def _record_real(task: Task, writer: Writer) -> None:
    """Some real images of every class, evenly, for the views."""
    each = max(1, REAL_SAMPLES // len(task.classes))
    chosen = np.concatenate([task.train.of_class(c)[:each] for c in range(len(task.classes))])[:REAL_SAMPLES]
    real = task.train.take(chosen)
    writer.real(real.images, recorded(task.features[chosen]), real.labels, chosen)


@contextmanager
def _timed(writer: Writer, stage: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    writer.event("stage", name=stage, seconds=round(time.monotonic() - started, 3))


def _protocols(config: Config) -> tuple[Protocol, ...]:
    assert config.protocols is not None  # resolved
    return config.protocols


def _recorded(config: Config) -> codec.Json:
    """What decides the distilled set; protocols stand with their results, and the device in the environment."""
    plain = Config()
    return replace(config, protocols=None, controls=plain.controls, device=plain.device).to_json()


def _environment(task: Task) -> dict[str, Any]:
    packages = ("wddkit", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "POT")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {
        "versions": {"python": platform.python_version(), **versions, "torch": torch.__version__},
        "device": task.device.type,
        "threads": torch.get_num_threads(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
