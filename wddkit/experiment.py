"""Where stages, methods and history meet: `run` a distillation, `evaluate` a set, `compare` several."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from wddkit import codec
from wddkit.config import Config
from wddkit.data import DistilledSet, Split, check_matches, load
from wddkit.evaluation import Evaluation, evaluate_set
from wddkit.history import Cache, History, Writer
from wddkit.methods import Context, Task
from wddkit.methods.base import check
from wddkit.pipeline import carry_out, environment_of, finished, protocols_of, recorded_config
from wddkit.progress import Bars
from wddkit.stages.students import Protocol
from wddkit.stages.teacher import Teacher
from wddkit.stages.training import Tick, silent

if TYPE_CHECKING:
    import pandas

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
    config, split = prepared(config or Config(), split)
    path = Path(out) / config.run_name(split)
    if (found := finished(path, config)) is not None:
        return found
    with Bars(shown=progress) as bars:
        task = task_of(config, split, tick=bars)
        with Writer.open(
            path, config=recorded_config(config), environment=environment_of(task), budget_mb=config.recording_mb
        ) as writer:
            try:
                carry_out(config, split, task, context_of(config, task, tick=bars), writer)
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
        protocol = codec.change(protocols_of(config)[0], "labels", protocol)
    if students is not None:
        protocol = replace(protocol, students=students)
    config = replace(config, protocols=(protocol,)).checked(split)
    with Bars(shown=progress) as bars:
        task = task_of(config, split, tick=bars)
        return evaluate_set(name, distilled, split.test, task, *protocols_of(config), seed=seed, tick=bars)


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
    are checked before the first is run; runs that are complete are reused. An edited run, one whose knobs were turned,
    is never a row: its folder has a name of its own, and where one lies in the place of a run, ValueError says so.
    """
    from wddkit.comparison import table

    if not configs or seeds < 1:
        raise ValueError(f"expected at least one config and one seed, got {len(configs)} configs and {seeds} seeds")
    splits: dict[tuple[object, ...], Split] = {}
    jobs = []
    for config in configs:
        key = (config.dataset, config.split_seed, config.size, config.skip_corrupt)
        splits[key] = split or splits.get(key) or load_split(config)
        jobs.append(prepared(config, splits[key]))
    by_config = [
        [run(replace(config, seed=config.seed + r), out=out, split=own, progress=progress) for r in range(seeds)]
        for config, own in jobs
    ]
    return table([(config, histories) for (config, _), histories in zip(jobs, by_config, strict=True)])


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


def prepared(config: Config, split: Split | None) -> tuple[Config, Split]:
    """The config with nothing left open, and its data set, once it is known that they fit; raises ValueError."""
    if split is not None and config.dataset == Config().dataset:
        config = replace(config, dataset=split.name)  # a default must not name somebody's own data
    split = split or load_split(config)
    config = config.checked(split)
    check(config.method, task_of(config, split))
    return config, split


def context_of(config: Config, task: Task, *, tick: Tick = silent) -> Context:
    """How the config's method is to run."""
    return Context(
        seed=config.seed, device=task.device, precision=config.precision, snapshots=config.snapshots, tick=tick
    )
