"""The same budget for every method: a few configurations of each, and the one that is best on validation images."""

import itertools
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from wddkit.comparison.rows import Choice
from wddkit.config import Config, method_name
from wddkit.data import Split
from wddkit.experiment import run, task_of
from wddkit.methods import Method, Task
from wddkit.methods.base import check
from wddkit.pipeline import protocols_of
from wddkit.seeds import derive

STUDENTS = 2  # of each trial and protocol, at most
TRIALS = ".tuning"  # their folder, hidden: they are tested on other images than the runs that `gather` finds
SEED = 999  # of the trials' synthesis, above the config's: no set that is tested was chosen by its luck


@dataclass(frozen=True)
class Times:
    """Values of a field as multiples of what the config has."""

    factors: tuple[float, ...]


Space: TypeAlias = Mapping[str, "Times | tuple[Any, ...]"]

_RATE: Space = {"lr": Times((0.3, 1.0, 3.0))}
_INVERSION: Space = {**_RATE, "statistics_weight": Times((0.1, 1.0, 10.0)), "start": ("noise", "real", "nearest")}
_MATCHING: Space = {"lr": Times((0.1, 0.3, 1.0, 3.0, 10.0)), "batch": (64, 128, 256)}
# Nothing that changes what a method costs by much: steps, pools and networks stay as the config has them.
SPACES: dict[str, Space] = {
    "nearest": {"masses": ("free", "uniform")},
    "forgetting": {"epochs": (10, 20, 40)},
    "el2n": {"epochs": (1, 3, 10)},
    "ccs": {"beta": (0.0, 0.1, 0.3, 0.5, 0.7, 0.9), "strata": (10, 50)},
    "kip": {"lr": Times((0.25, 1.0, 4.0)), "reg": (1e-6, 1e-4, 1e-2), "depth": (1, 2, 3)},
    "frepo": {**_RATE, "reg": (1e-6, 1e-4, 1e-2), "learn_labels": (True, False)},
    "dc": {"lr": Times((0.1, 0.3, 1.0, 3.0, 10.0)), "net_lr": Times((0.3, 1.0, 3.0))},
    "dsa": {"lr": Times((0.1, 0.3, 1.0, 3.0, 10.0)), "net_lr": Times((0.3, 1.0, 3.0))},
    "lcmat": {"lr": Times((0.1, 0.3, 1.0, 3.0, 10.0)), "rho": (0.1, 1.0, 10.0)},
    "mtt": {"lr": Times((0.1, 0.3, 1.0, 3.0)), "student_lr": Times((0.3, 1.0, 3.0)), "latest": (4, 8, 12)},
    "dm": _MATCHING,
    "m3d": _MATCHING,
    "sliced-w": {**_MATCHING, "directions": (32, 64, 128)},
    "ncfm": {**_RATE, "amplitude": (0.2, 0.5, 0.8), "calibration": (0.3, 1.0, 3.0)},
    "idm": {**_RATE, "cross_entropy": (0.1, 0.3, 1.0, 3.0)},
    "rded": {"factor": (None, 1, 2), "crops": (1, 5, 20)},
    "sre2l": _INVERSION,
    "cda": _INVERSION,
    "edc": {**_INVERSION, "start": ("noise", "real", "crops"), "balance": (0.1, 0.5, 0.9)},
    "wmdd": {**_INVERSION, "masses": ("free", "uniform")},
}
"""What is varied of each method; those that are not here have nothing to choose."""


def trials(method: Method, name: str, count: int, task: Task) -> list[Method]:
    """Up to `count` different configurations: the method as it is, then others of its space in a fixed random order.

    More trials begin with the fewer ones. Left out are those that do not go for these images; a method with a smaller
    space has as many as there are.
    """
    space = SPACES.get(name, {})
    values = [_values(method, field, each) for field, each in space.items()]
    points = list(itertools.product(*values))
    order = np.random.default_rng(derive(0, "tuning", name)).permutation(len(points))
    found = [method]
    for i in order:
        changed = replace(method, **dict(zip(space, points[i], strict=True)))  # type: ignore[type-var]  # a dataclass
        if len(found) < count and changed not in found and _goes(changed, task):
            found.append(changed)
    return found


def tuned(config: Config, split: Split, *, count: int, out: Path, progress: bool) -> tuple[Config, Choice]:
    """The config with the best of its method's trials on validation images, and how it was chosen.

    Best is the highest mean accuracy over the config's protocols, of students that are trained on one synthesis and
    tested on the validation images, which stand in the place of the test images: those are not even handed on. Trials
    are runs in `out`, so that they are reused; `compare` has them in its folder's `.tuning`, which `gather` passes by.
    Raises ValueError for a split without validation images.
    """
    if not len(split.val):
        raise ValueError(
            f"{split.name} has no validation images, which configurations are chosen by; make the split with val=0.15, "
            f"or leave tune at 1"
        )
    unseen, name = replace(split, test=split.val), method_name(config.method)
    methods = trials(config.method, name, count, task_of(config, unseen))
    if len(methods) == 1:
        return config, Choice()
    best, best_value = config.method, -math.inf
    for method in methods:
        value = _validated(replace(config, method=method), unseen, name, out=out, progress=progress)
        if value > best_value:  # of equal ones the first, and so the config itself
            best, best_value = method, value
    return replace(config, method=best), Choice(len(methods), _said(config.method, best), best_value)


def _validated(config: Config, unseen: Split, name: str, *, out: Path, progress: bool) -> float:
    """Accuracy in percent of one trial, mean over protocols."""
    protocols = tuple(replace(each, students=min(each.students, STUDENTS)) for each in protocols_of(config))
    trial = replace(config, seed=config.seed + SEED, protocols=protocols, controls=())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*diverged")  # a rate that is too high is told by its accuracy
        found = run(trial, out=out, split=unseen, progress=progress).results
    return float(found[found["set"] == name]["accuracy"].mean())


def _goes(method: Method, task: Task) -> bool:
    try:
        check(method, task)
    except ValueError:
        return False
    return True


def _values(method: Method, field: str, values: Times | tuple[Any, ...]) -> list[Any]:
    """The values of one field, without repeats, the method's own among them."""
    own = getattr(method, field)
    if isinstance(values, Times):
        return [float(f"{factor * own:.3g}") for factor in values.factors]
    return list(dict.fromkeys([own, *values]))


def _said(given: Method, chosen: Method) -> str:
    values = {field.name: getattr(chosen, field.name) for field in fields(chosen)}  # type: ignore[arg-type]  # as above
    changed = [f"{name}={value}" for name, value in values.items() if value != getattr(given, name)]
    return ", ".join(changed) or "as given"
