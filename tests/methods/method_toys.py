"""Small sets, a small teacher and small settings of each method for the tests of this room."""

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from wddkit.augment import Augment
from wddkit.data import DistilledSet, ImageSet, ShapesConfig, Split, load
from wddkit.data.shapes import shapes
from wddkit.history import Cache
from wddkit.methods import METHODS, WMDD, Context, Method, Snapshot, Task
from wddkit.nets import Network
from wddkit.stages.teacher import Teacher
from wddkit.stages.training import Training

TEACHER = Teacher(Network(width=4, depth=2), Training(steps=20, batch=16))
TINY_NETWORK = Network(width=8, depth=1, growth=1, norm="instance", pooling="flatten")
RANDOM_NETWORK = Network(width=8, depth=2, growth=1, norm="instance", pooling="flatten")
POOLED_NETWORK = Network(width=8, depth=2, growth=1, norm="none", pooling="flatten")

SMALL = {
    "wmdd": {"ipc": 2, "steps": 6},
    "sre2l": {"ipc": 2, "steps": 6},
    "cda": {"ipc": 2, "steps": 6},
    "rded": {"ipc": 2, "crop": (0.5, 1.0)},
    "edc": {"ipc": 2, "steps": 6},
    "dc": {"ipc": 2, "steps": 6, "batch": 8, "network": TINY_NETWORK, "outer": 4, "inner": 2},
    "dsa": {"ipc": 2, "steps": 6, "batch": 8, "network": TINY_NETWORK, "outer": 4, "inner": 2},
    "mtt": {
        "ipc": 2,
        "steps": 6,
        "student_steps": 2,
        "latest": 2,
        "experts": 2,
        "interval": 3,
        "network": TINY_NETWORK,
    },
    "lcmat": {"ipc": 2, "steps": 6, "batch": 8, "network": TINY_NETWORK, "outer": 4, "inner": 2},
    "dm": {"ipc": 2, "steps": 6, "batch": 16, "network": RANDOM_NETWORK},
    "m3d": {"ipc": 2, "steps": 6, "batch": 16, "network": RANDOM_NETWORK},
    "sliced-w": {"ipc": 2, "steps": 6, "batch": 16, "network": RANDOM_NETWORK, "directions": 8},
    "ncfm": {"ipc": 2, "steps": 6, "batch": 16, "network": RANDOM_NETWORK, "pool": 2, "training": Training(steps=5)},
    "idm": {"ipc": 2, "steps": 6, "batch": 16, "network": RANDOM_NETWORK, "queue": 2, "interval": 2, "factor": 2},
    "kip": {"ipc": 2, "steps": 6, "batch": 40},
    "frepo": {"ipc": 2, "steps": 6, "batch": 40, "pool": 2, "updates": 3, "network": POOLED_NETWORK},
    "random": {"ipc": 2},
    "herding": {"ipc": 2},
    "k-center": {"ipc": 2},
    "forgetting": {"ipc": 2, "epochs": 3},
    "el2n": {"ipc": 2, "epochs": 2, "nets": 2},
    "ccs": {"ipc": 2, "epochs": 3},
    "nearest": {"ipc": 2},
    "tiled": {"ipc": 2},
}


class EveryStep(Context):
    """A context that yields after every step."""

    def stops(self, total: int) -> frozenset[int]:
        return frozenset(range(total + 1))


def plain(**options: object) -> WMDD:
    """WMDD with values that do not change as its defaults do, and without augmentation."""
    values = {"ipc": 2, "form": "normalised", "start": "nearest", "masses": "free", "lr": 0.02, "augment": Augment()}
    return WMDD(**{**values, **options})


@functools.cache
def coloured(**options: object) -> Split:
    """A small generated RGB set of 8 px."""
    config = {"classes": 3, "train": 24, "val": 6, "test": 6, "size": 8, **options}
    return shapes(ShapesConfig(**config)).split


@functools.cache
def grey(n: int = 200) -> Split:
    """The first n training digits and a few others."""
    digits = load("digits")
    few = np.arange(60)
    return Split(
        digits.train.take(np.arange(n)), digits.val.take(few), digits.test.take(few), digits.classes, digits.name
    )


def cut(split: Split, counts: Iterable[int]) -> Split:
    """The split with only so many training images of each class."""
    kept = np.concatenate([split.train.of_class(c)[:count] for c, count in enumerate(counts)])
    return replace(split, train=split.train.take(kept))


def task_of(split: Split, root: Path, **options: object) -> Task:
    return Task.of(split, **{"teacher_config": TEACHER, "cache": Cache(root), **options})


def small(name: str, **options: object) -> Method:
    return METHODS[name](**{**SMALL[name], **options})


def run(method: Method, task: Task, context: Context | None = None, **options: object) -> list[Snapshot]:
    return list(method.distill(task, context or EveryStep(**options)))


def answer(method: Method, task: Task, **options: object) -> DistilledSet:
    """The distilled set that a method ends with."""
    return run(method, task, Context(**options))[-1].distilled


def bits(snapshot: Snapshot) -> str:
    """A digest of all that a snapshot holds but its state."""
    digest = hashlib.sha256(repr((snapshot.phase, snapshot.step, snapshot.block, sorted(snapshot.scalars))).encode())
    arrays = {**snapshot.arrays, **{f"scalar {k}": np.float64(v) for k, v in snapshot.scalars.items()}}
    if snapshot.distilled is not None:
        arrays |= {f"set {k}": v for k, v in vars(snapshot.distilled).items() if isinstance(v, np.ndarray)}
        digest.update(repr((snapshot.distilled.soft_kind, snapshot.distilled.formation)).encode())
    for name, array in sorted(arrays.items()):
        digest.update(repr((name, array.dtype, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def recovered(snapshots: Iterable[Snapshot], step: int, name: str = "u") -> np.ndarray:
    """A tensor of the states after `step` steps, of all blocks, in the order of the distilled set."""
    chosen = [s for s in snapshots if s.state is not None and s.step == step]
    indices = np.concatenate([s.arrays["indices"] for s in chosen])
    return np.concatenate([s.state[name] for s in chosen])[np.argsort(indices)]


def rows_of(real: ImageSet) -> dict[bytes, int]:
    """Position of each image by its pixels."""
    return {image.tobytes(): i for i, image in enumerate(real.images)}
