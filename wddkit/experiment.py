"""Where stages, methods and history meet: `run` a distillation, `evaluate` a set, `compare` several."""

import importlib.metadata
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
from wddkit.config import Config, method_name
from wddkit.data import DistilledSet, Split, check_matches, load
from wddkit.evaluation import Evaluation, evaluate_set, whole_set
from wddkit.history import Cache, History, Writer, recording_plan
from wddkit.methods import Context, Method, Nearest, Random, Snapshot, Task
from wddkit.methods.base import check_ipc
from wddkit.methods.targets import Masses
from wddkit.progress import Bars
from wddkit.stages.relabel import with_soft_labels
from wddkit.stages.students import Protocol
from wddkit.stages.teacher import Teacher
from wddkit.stages.training import Tick, accuracy, silent

if TYPE_CHECKING:
    import pandas

REAL_SAMPLES = 1000  # recorded for the views


def run(
    config: Config | None = None, *, out: Path | str = "runs", split: Split | None = None, progress: bool = True
) -> History:
    """Distils, relabels, evaluates and records; returns the finished run.

    The folder is <out>/<dataset>-<method>-<ipc>-<hash8>; the hash covers everything that decides the distilled set. A
    run that was killed or interrupted goes on from its last snapshot; a complete one is only read, or given the results
    of protocols that it has not. `split` takes the place of the data set that the config names.
    """
    config = config or Config()
    split = split or load_split(config)
    config = config.resolved(split)
    path = Path(out) / config.run_name(split)
    with Bars(shown=progress) as bars:
        task = task_of(config, split, tick=bars)
        check_ipc(task, config.method.ipc)
        with Writer.open(
            path, config=_recorded(config), environment=_environment(task), budget_mb=config.recording_mb
        ) as writer:
            if writer.is_complete and all(writer.has(f"results/{_key(config, p)}.json") for p in _protocols(config)):
                return History.load(path)
            try:
                _run(config, split, task, writer, bars)
            except KeyboardInterrupt as error:
                note = f"Interrupted. What was done is kept in {path}; the same call or command goes on from there."
                bars.say(note)
                error.add_note(note)
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
    with Bars(shown=progress) as bars:
        task = task_of(config, split, tick=bars)
        return evaluate_set(name, distilled, split.test, task, protocol, seed=seed, tick=bars)


def compare(
    configs: Sequence[Config],
    *,
    seeds: int = 3,
    out: Path | str = "runs",
    split: Split | None = None,
    progress: bool = True,
) -> "pandas.DataFrame":
    """Runs every config with `seeds` synthesis seeds; one row a set and protocol, controls once.

    `accuracy` is the mean over syntheses of the mean over students, `low` and `high` its 95 % t-interval with
    seeds - 1 degrees of freedom (NaN for one seed). `gain` is the paired difference to the random control of the same
    seed, with `gain_low` and `gain_high`. Runs that are complete are reused.
    """
    from wddkit.comparison import table

    by_config = [
        [run(config.change(seed=config.seed + r), out=out, split=split, progress=progress) for r in range(seeds)]
        for config in configs
    ]
    return table(by_config)


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
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f'device {name!r} cannot be used here ({str(error).splitlines()[0]}); try "auto" or "cpu"'
        ) from None
    return device


def _run(config: Config, split: Split, task: Task, writer: Writer, bars: Bars) -> None:
    if not writer.is_complete and not writer.has("distilled"):
        with _timed(writer, "squeeze"):
            teacher = task.teacher()
        writer.event("teacher", val_accuracy=accuracy(teacher, split.val.images, split.val.labels))
        with _timed(writer, "embed"):
            _record_real(task, writer)
            task.statistics()
        with _timed(writer, "distil"):
            distilled = _distil(config, task, writer, bars)
        writer.distilled(with_soft_labels(distilled, teacher))
    distilled = DistilledSet.load(writer.path / "distilled")
    for protocol in _protocols(config):
        if not writer.has(f"results/{_key(config, protocol)}.json"):
            writer.results(_key(config, protocol), _results(config, split, task, distilled, protocol, bars))
    writer.complete()


def _distil(config: Config, task: Task, writer: Writer, tick: Tick) -> DistilledSet:
    """The method's last distilled set; every snapshot is recorded on the way."""
    context = context_of(config, task, tick=tick)
    planned = False
    last: Snapshot | None = None
    for last in config.method.distill(task, context, writer.state):
        if last.distilled is not None and not planned:
            planned = True
            plan = recording_plan(
                last.distilled.images.shape,
                classes=len(task.classes),
                features=task.features.shape[1],
                snapshots=config.snapshots,
                other_bytes=sum(file.stat().st_size for file in writer.path.rglob("*.npz")),
                budget_mb=config.recording_mb,
            )
            writer.follow(plan, last.distilled.labels)
        writer.snapshot(
            phase=last.phase,
            step=last.step,
            block=last.block,
            arrays=last.arrays,
            state=last.state,
            scalars=last.scalars,
        )
    assert last is not None
    assert last.distilled is not None  # the contract of a method
    return last.distilled


def context_of(config: Config, task: Task, *, tick: Tick = silent) -> Context:
    """How the config's method is to run."""
    return Context(
        seed=config.seed, device=task.device, precision=config.precision, snapshots=config.snapshots, tick=tick
    )


def _results(
    config: Config, split: Split, task: Task, distilled: DistilledSet, protocol: Protocol, tick: Tick
) -> codec.Json:
    rows = []
    for name, each in _sets(config, split, task, distilled):
        row = evaluate_set(name, each, split.test, task, protocol, seed=config.seed, tick=tick)
        rows.append({**row.to_json(), "ipc": None if name == "whole real set" else config.method.ipc})
    return {
        "protocol": {**codec.encode(protocol), "name": protocol.title},
        "teacher_accuracy": accuracy(task.teacher(), split.test.images, split.test.labels),
        "rows": rows,
    }


def _sets(config: Config, split: Split, task: Task, distilled: DistilledSet) -> Iterator[tuple[str, DistilledSet]]:
    """The method's set and its controls, drawn anew by the synthesis seed."""
    name = method_name(config.method)
    yield name, distilled
    masses: Masses = getattr(config.method, "masses", "uniform")
    methods: dict[str, Method] = {
        "random": Random(config.method.ipc),
        "nearest": Nearest(config.method.ipc, masses=masses),
    }
    for control in config.controls:
        if control == "whole":
            yield "whole real set", whole_set(split, task)
        elif control != name:
            *_, last = methods[control].distill(task, context_of(config, task))
            assert last.distilled is not None
            yield control, last.distilled


def _record_real(task: Task, writer: Writer) -> None:
    """Some real images of every class, evenly, for the views."""
    each = max(1, REAL_SAMPLES // len(task.classes))
    chosen = np.concatenate([task.train.of_class(c)[:each] for c in range(len(task.classes))])[:REAL_SAMPLES]
    real = task.train.take(chosen)
    writer.real(real.images, task.features[chosen].astype(np.float32), real.labels, chosen)


@contextmanager
def _timed(writer: Writer, stage: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    writer.event("stage", name=stage, seconds=round(time.monotonic() - started, 3))


def _protocols(config: Config) -> tuple[Protocol, ...]:
    assert config.protocols is not None  # resolved
    return config.protocols


def _key(config: Config, protocol: Protocol) -> str:
    """Name of a results file: the protocol and the controls beside it."""
    return codec.digest({"protocol": protocol, "controls": config.controls})[:16]


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
        "platform": platform.platform(),
    }
