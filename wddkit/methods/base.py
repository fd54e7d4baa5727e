"""The contracts of a method: what it is given (`Task`, `Context`), what it yields (`Snapshot`), what it is."""

import functools
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal, Protocol, TypeAlias

import numpy as np
import torch
from jaxtyping import Float16, Float64

from wddkit import codec
from wddkit.data import DistilledSet, ImageSet, Split
from wddkit.data.sets import Normalisation
from wddkit.history import Cache
from wddkit.nets import Net, Network, build, committee, from_arrays, to_arrays
from wddkit.ot import Measure
from wddkit.seeds import derive
from wddkit.stages import statistics
from wddkit.stages.statistics import Moments, class_statistics
from wddkit.stages.teacher import Teacher, features, freeze, squeeze
from wddkit.stages.training import Tick, silent

State: TypeAlias = Mapping[str, np.ndarray]
Arrays: TypeAlias = dict[str, np.ndarray]
Precision: TypeAlias = Literal["float32", "float64", "bf16"]
Family: TypeAlias = Literal["selection", "performance", "parameter", "distribution", "decoupled"]
Fidelity: TypeAlias = Literal["reproduced", "checked", "illustrative"]

_MANY = 2000  # images whose one pass through the teacher takes long enough to be told


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be distilled: training and validation images, and what the teacher makes of them.

    There is no test split here: a method cannot see it. Whatever is expensive is memoised on disk under a key of
    everything upstream: the content of the images, the teacher and its seed, the versions and the kind of device.

    `committee`: networks beside the teacher, by the share of its training steps that each has had; all together are
    then one network whose features stand side by side. See `with_committee`.
    """

    train: ImageSet
    val: ImageSet
    classes: tuple[str, ...]
    normalisation: Normalisation
    teacher_config: Teacher = Teacher()
    teacher_seed: int = 0
    device: torch.device = torch.device("cpu")
    cache: Cache = field(default_factory=Cache)
    tick: Tick = silent
    committee: tuple[float, ...] = ()

    @classmethod
    def of(cls, split: Split, **options: object) -> "Task":
        """The task of a split, without its test images."""
        return cls(split.train, split.val, split.classes, split.normalisation, **options)  # type: ignore[arg-type]  # by name

    def with_committee(self, shares: Sequence[float]) -> "Task":
        """The same task for the teacher and networks like it, trained from other seeds for these shares of its steps.

        Features that hold for networks of several ages hold for students too, which are no older when they learn most.
        What is recorded stays the teacher's own: the first `own_features` of each feature vector.
        """
        return self if tuple(shares) == self.committee else replace(self, committee=tuple(shares))

    @property
    def own_features(self) -> int:
        """The length of the teacher's own feature vector."""
        return self.teacher().features // (1 + len(self.committee))

    def teacher(self, precision: Precision = "float32") -> Net:
        """The squeezed teacher, frozen; in float64 a copy of the same weights. With a committee, all as one network."""
        return self._double_teacher if precision == "float64" else self._single_teacher

    @functools.cached_property
    def _single_teacher(self) -> Net:
        return self._teacher(torch.float32)

    @functools.cached_property
    def _double_teacher(self) -> Net:
        return self._teacher(torch.float64)

    def _teacher(self, dtype: torch.dtype) -> Net:
        if self.committee:
            members = [replace(self, committee=()), *map(self._member, range(len(self.committee)))]
            return freeze(committee([member.teacher() for member in members]).to(self.device, dtype))
        net = self.network(self.teacher_config.network, seed=0)
        from_arrays(net, self.artifact("teacher", {}, self._squeeze))
        return freeze(net.to(self.device, dtype))

    def _member(self, i: int) -> "Task":
        """The task whose teacher is this member of the committee."""
        training = self.teacher_config.training
        steps = max(1, round(self.committee[i] * training.steps))
        config = replace(self.teacher_config, training=replace(training, steps=steps))
        seed = derive(self.teacher_seed, "committee", i)
        return replace(self, committee=(), teacher_config=config, teacher_seed=seed)

    def network(self, network: Network, *, seed: int) -> Net:
        """An untrained network for this task's images and classes."""
        _, channels, size, _ = self.train.images.shape
        return build(
            network,
            classes=len(self.classes),
            channels=channels,
            size=size,
            normalisation=self.normalisation,
            seed=seed,
        )

    def _squeeze(self) -> Arrays:
        return to_arrays(
            squeeze(
                self.train,
                self.teacher_config,
                classes=len(self.classes),
                normalisation=self.normalisation,
                seed=self.teacher_seed,
                device=self.device,
                tick=self.tick,
            )
        )

    @functools.cached_property
    def features(self) -> Float64[np.ndarray, "n d"]:
        """The teacher's features of the training images."""
        return self._embedded(self.train, "features")

    @functools.cached_property
    def heldout_features(self) -> Float64[np.ndarray, "n d"]:
        """The teacher's features of the validation images, which no barycenter is fitted to."""
        return self._embedded(self.val, "held-out features")

    def _embedded(self, images: ImageSet, name: str) -> Float64[np.ndarray, "n d"]:
        def embed() -> Arrays:
            net = self.teacher()
            with _told(net, len(images), name, self.tick):
                return {"features": features(net, images.images).astype(np.float32)}  # single precision loses nothing

        return self.artifact(name, {"images": images.fingerprint}, embed)["features"].astype(np.float64)

    def measures(self) -> tuple[Measure, ...]:
        """Each class's measure: its real features with mass 1/n each."""
        return tuple(Measure.of(self.features[self.train.of_class(c)]) for c in range(len(self.classes)))

    def heldout_measures(self) -> tuple[Measure | None, ...]:
        """The same of the validation images; None where a class has none."""
        positions = [self.val.of_class(c) for c in range(len(self.classes))]
        return tuple(Measure.of(self.heldout_features[at]) if len(at) else None for at in positions)

    def statistics(self) -> dict[str, Moments]:
        """Mean and variance by class of every normalisation layer's input over the training images."""

        def build_statistics() -> Arrays:
            net, train = self.teacher(), self.train
            with _told(net, len(train), "statistics", self.tick):
                found = class_statistics(net, train.images, train.labels, classes=len(self.classes))
            return statistics.as_arrays(found)

        return statistics.from_arrays(self.artifact("statistics", {}, build_statistics))

    def artifact(self, name: str, settings: Mapping[str, codec.Json], build: Callable[[], Arrays]) -> Arrays:
        """What `build` returns, memoised on disk by name, settings and everything upstream."""
        return self.cache.get(name, self._key(settings), build)

    def entry(self, name: str, settings: Mapping[str, codec.Json]) -> Path:
        """Where the cache keeps an artifact."""
        return self.cache.path(name, self._key(settings))

    def _key(self, settings: Mapping[str, codec.Json]) -> dict[str, codec.Json]:
        upstream: dict[str, codec.Json] = {
            "train": self.train.fingerprint,
            "classes": list(self.classes),
            "normalisation": codec.encode(self.normalisation),
            "teacher": codec.encode(self.teacher_config),
            "teacher_seed": self.teacher_seed,
            "versions": {"torch": torch.__version__, "numpy": np.__version__},
            "device": self.device.type,
            "threads": torch.get_num_threads(),
        }
        if self.committee:
            upstream["committee"] = list(self.committee)
        return {**upstream, "settings": dict(settings)}


@contextmanager
def _told(net: Net, total: int, stage: str, tick: Tick) -> Iterator[None]:
    """Within it, `tick` is told of each batch that the network has seen, where there are many images."""
    done = 0

    def count(_: object, images: tuple[torch.Tensor, ...], __: object) -> None:
        nonlocal done
        done += len(images[0])
        tick(stage, done, total, {})

    handle = net.backbone.register_forward_hook(count) if total > _MANY else None
    try:
        yield
    finally:
        if handle is not None:
            handle.remove()


@dataclass(frozen=True, eq=False)
class Context:
    """How a method is to run: seeds, device, precision, what to yield, and the knobs of a live session.

    A method reads `knobs` ("lr", "statistics_weight"; absent: as the config has it) at the beginning of each step. They
    change only while it waits: within `tick`, which it calls after each step under a stage whose name begins with the
    phase of its snapshots, and between snapshots.
    """

    seed: int = 0
    device: torch.device = torch.device("cpu")
    precision: Precision = "float32"
    snapshots: int = 24
    knobs: MutableMapping[str, float] = field(default_factory=dict)
    tick: Tick = silent

    def stream(self, *names: str | int) -> int:
        """The seed of one purpose."""
        return derive(self.seed, *names)

    def generator(self, *names: str | int) -> np.random.Generator:
        """A generator of its own for one purpose."""
        return np.random.default_rng(self.stream(*names))

    def stops(self, total: int) -> frozenset[int]:
        """Steps to yield at: 0, `total` and between them denser at first, where images change most."""
        count = min(self.snapshots, total + 1)
        return frozenset(round(total * (i / max(count - 1, 1)) ** 1.7) for i in range(count)) | {0, total}


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One recorded moment. The last snapshot's distilled set is the answer; only `experiment` writes it down.

    `arrays` holds what can be drawn (barycenter: support, masses, value by step; else images, indices, features);
    `state` is what `distill(..., resume=state)` goes on from with equal bits; None before there is anything to go on
    from, and in the last snapshot.
    """

    phase: str
    step: int
    distilled: DistilledSet | None  # None while there are no images yet
    block: int = 0
    scalars: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    state: State | None = None


class Method(Protocol):
    """A frozen dataclass of a method's own hyper-parameters.

    `family`: what is compared: nothing but real images ("selection"), a learner's error ("performance"), its weights
    or gradients ("parameter"), features ("distribution"), or what a teacher keeps of the images ("decoupled").
    `fidelity`: a published number met under the published recipe ("reproduced"), loss and gradient equal to hand-worked
    numbers on fixed tensors ("checked"), or neither ("illustrative": never ranked). `paper`: where it comes from.
    `step_cost`: what one step takes.

    A method may have a `check(task)` that raises ValueError where it cannot work on these images; see `check`.
    """

    grouping: ClassVar[Literal["class", "joint"]]  # may classes be done in separate blocks?
    family: ClassVar[Family]
    fidelity: ClassVar[Fidelity]
    paper: ClassVar[str]
    step_cost: ClassVar[str]

    @property
    def ipc(self) -> int:
        """Stored images a class."""

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of the distillation, from the start or from a snapshot's state."""
        ...


def check(method: Method, task: Task) -> None:
    """Raises ValueError where the method cannot work on these images, before a teacher is trained for nothing."""
    check_ipc(task, method.ipc)
    getattr(method, "check", lambda task: None)(task)


def check_ipc(task: Task, ipc: int, *, what: str = "ipc") -> None:
    """Raises ValueError for an ipc that a class has not enough images for."""
    if ipc < 1:
        raise ValueError(f"{what} is {ipc}; expected at least 1")
    counts = np.bincount(task.train.labels, minlength=len(task.classes))
    smallest = int(counts.argmin())
    if ipc > counts[smallest]:
        raise ValueError(
            f"{what} {ipc} is above the size of class {smallest} ({task.classes[smallest]!r}), which has "
            f"{counts[smallest]} training images; lower it to at most {counts[smallest]}"
        )


def recorded(features: Float64[np.ndarray, "n d"]) -> Float16[np.ndarray, "n d"]:
    """Features as they are recorded: in half precision, for pictures; whoever needs more embeds the images again."""
    return features.clip(-65504, 65504).astype(np.float16)


def image_labels(task: Task, ipc: int) -> np.ndarray:
    """Labels of a distilled set: all of class 0, then all of class 1, and so on."""
    return np.repeat(np.arange(len(task.classes)), ipc)


def distilled_set(
    task: Task, images: np.ndarray, *, masses: np.ndarray | None = None, method: str, **options: object
) -> DistilledSet:
    """A distilled set of equal class sizes in the task's classes; uniform masses unless given."""
    ipc = len(images) // len(task.classes)
    return DistilledSet(
        images=images,
        labels=image_labels(task, ipc),
        classes=task.classes,
        masses=np.full(len(images), 1 / ipc) if masses is None else masses,
        normalisation=task.normalisation,
        about={"method": method},
        **options,  # type: ignore[arg-type]  # fields of DistilledSet by name
    )
