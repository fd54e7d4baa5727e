"""Where stages, methods and history meet: `run` a distillation, `evaluate` a set."""

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from wddkit import codec
from wddkit.config import Config, config_given
from wddkit.data import DistilledSet, Split, check_matches, load
from wddkit.data.arrays import shown
from wddkit.evaluation import Evaluation, evaluate_set
from wddkit.history import Cache, History, Writer
from wddkit.methods import Context, Task
from wddkit.methods.base import check
from wddkit.pipeline import carry_out, environment_of, finished, protocols_of, recorded_config
from wddkit.progress import Bars
from wddkit.protocols import protocol_given, protocol_named
from wddkit.stages.students import Protocol
from wddkit.stages.teacher import Teacher
from wddkit.stages.training import Tick, silent

DEVICES = ("cpu", "cuda", "mps", "xpu")
STRAYED = 10.0  # times the loss of a stage's first step


class Losses:
    """What is told of stages whose loss went astray: at the last step it is not finite, or ten times the first one.

    The first step is the first that was told of here: of a stage that goes on, the one after where it was left.
    """

    def __init__(self) -> None:
        self.strayed: dict[str, str] = {}  # stage -> what is to be said of it
        self._stage = ""
        self._first: Any = 0.0  # numbers, or tensors that are read seldom: a GPU is waited for
        self._last: Any = 0.0

    @property
    def said(self) -> str:
        """What is to be said of all stages; "" if all is well."""
        first, *more = [*self.strayed.copy().values()] or [""]
        return f"{first} (so it is in {len(more)} more stages)" if more else first

    def note(self, stage: str, done: int, total: int, scalars: Mapping[str, Any]) -> str:
        """Takes notice of a step, as a tick does; at the end of a stage that went astray, what is to be said of it."""
        if "loss" not in scalars:
            return ""
        self._last = scalars["loss"]
        if stage != self._stage:
            self._stage, self._first = stage, self._last
        if done < total:
            return ""
        self.look()
        return self.strayed.get(stage, "")

    def look(self) -> None:
        """Looks how the stage is that is being done."""
        first, last = float(self._first), float(self._last)
        self.strayed.pop(self._stage, None)
        if not math.isfinite(last) or last > STRAYED * first > 0:
            self.strayed[self._stage] = (
                f"{self._stage} diverged: its loss is {last:.3g}, but was {first:.3g} at first; "
                f"lower lr, or a weight in the loss"
            )

    def recall(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Takes what the events of a run say of its stages."""
        self.strayed = {event["stage"]: event["said"] for event in events if event["event"] == "diverged"}


def run(
    config: Config | None = None, *, out: Path | str = "runs", split: Split | None = None, progress: bool = True
) -> History:
    """Distils, relabels, evaluates and records; returns the finished run.

    The folder is <out>/<dataset>-<method>-<ipc>-<hash8>; the hash covers everything that decides the distilled set. A
    run that was killed or interrupted goes on from its last snapshot; a complete one is only read, or given the results
    of protocols and controls that it has not. `split` takes the place of the data set that the config names. Raises
    ValueError before anything is trained or written for a config that does not fit the data, StorageError for a disk
    that is full or a folder that another process writes. Warns of a stage whose loss ended ten times as large as at its
    first step, or not finite; it is an event "diverged" in the run, too.
    """
    config, split = prepared(config, split)
    path = Path(out) / config.run_name(split)
    if (found := finished(path, config)) is not None:
        _warn(found)
        return found
    losses = Losses()
    with Bars(shown=progress) as bars:

        def tick(stage: str, done: int, total: int, scalars: Mapping[str, Any]) -> None:
            bars(stage, done, total, scalars)
            if said := losses.note(stage, done, total, scalars):
                writer.event("diverged", stage=stage, said=said)

        task = task_of(config, split, tick=tick)
        with Writer.open(
            path, config=recorded_config(config), environment=environment_of(task), budget_mb=config.recording_mb
        ) as writer:
            try:
                carry_out(config, split, task, context_of(config, task, tick=tick), writer)
            except KeyboardInterrupt as error:
                error.add_note(
                    f"Interrupted. What was done is kept in {path}; the same call or command goes on from there."
                )
                raise
    history = History.load(path)
    _warn(history)
    return history


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

    `protocol`: a Protocol, or a name: a label regime under the data set's recipe, "hard@resnet-small" for students of
    another network, "dsa" (see `wddkit.protocols.protocol_named`). The teacher, needed for every regime but `hard`, is
    trained on the split unless it is in the cache. Raises ValueError where the set and the split differ in class order,
    channels, size or normalisation.
    """
    check_evaluated(distilled, split, protocol)
    config = Config(dataset=split.name, teacher=teacher, teacher_seed=teacher_seed, device=device)
    config = config_under(config, protocol, split, students=students)
    with Bars(shown=progress) as bars:
        task = task_of(config, split, tick=bars)
        return evaluate_set(name, distilled, split.test, task, *protocols_of(config), seed=seed, tick=bars)


def check_evaluated(distilled: object, split: object, protocol: object) -> None:
    """Raises ValueError for what is no distilled set of this split, or no protocol."""
    if not isinstance(distilled, DistilledSet):
        raise ValueError(f"expected a DistilledSet, got {shown(distilled)}; write {_distilled_written(distilled)}")
    split = split_given(split)
    protocol_given(protocol)
    check_matches(distilled, split)


def config_under(config: Config, protocol: Protocol | str, split: Split, *, students: int | None) -> Config:
    """The config, checked, with this one protocol, also by name, and another number of students if it is given."""
    config = config.resolved(split)
    own = protocol_named(protocol, protocols_of(config)[0]) if isinstance(protocol, str) else protocol
    own = own if students is None else replace(own, students=students)
    return replace(config, protocols=(own,)).checked(split)


def _warn(history: History) -> None:
    losses = Losses()
    losses.recall(history.events)
    if losses.said:
        warnings.warn(f"{history.path}: {losses.said}", UserWarning, stacklevel=3)


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


def prepared(config: Config | None, split: Split | None) -> tuple[Config, Split]:
    """The config with nothing left open, and its data set, once it is known that they fit; raises ValueError."""
    config = Config() if config is None else config_given(config)
    split = None if split is None else split_given(split)
    if split is not None and config.dataset == Config().dataset:
        config = replace(config, dataset=split.name)  # a default must not name somebody's own data
    split = split or load_split(config)
    config = config.checked(split)
    check(config.method, task_of(config, split))
    return config, split


def split_given(value: object) -> Split:
    """The value, if it is a split. Raises ValueError that says what to write in its place."""
    if isinstance(value, Split):
        return value
    mend = f"wddkit.load({str(value)!r})" if isinstance(value, (str, Path)) else "wddkit.Split.from_arrays(...)"
    raise ValueError(f"split: expected a Split, got {shown(value)}; write {mend}")


def _distilled_written(value: object) -> str:
    if isinstance(value, History):
        return "history.distilled"
    if isinstance(value, Split):
        return "the distilled set first, the split second"
    if not isinstance(value, (str, Path)):
        return "wddkit.DistilledSet.from_arrays(images, labels)"
    is_run = (Path(value) / "config.json").is_file()
    return f"wddkit.History.load({str(value)!r}).distilled" if is_run else f"wddkit.DistilledSet.load({str(value)!r})"


def context_of(config: Config, task: Task, *, tick: Tick = silent) -> Context:
    """How the config's method is to run."""
    return Context(
        seed=config.seed, device=task.device, precision=config.precision, snapshots=config.snapshots, tick=tick
    )
