"""The scores of DD-Ranking (arXiv 2505.13300): what a distilled set is worth beyond its labels and its views.

All accuracies here are fractions, 0 to 1, so that the scores are in [0, 1]; 1 / (1 + e) = 0.269 is the score of a set
that gains nothing over random images and loses nothing to the real ones. This is the paper's definition; the authors'
code (b8b0966) differs from it: it feeds accuracies in percent into the same exponential, which leaves [0, 1]; it takes
the best test accuracy over the epochs of a student; and it chooses the learning rate on the test images. Here a student
is tested once, after its last step, under the recipe of the data set.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wddkit.augment import Augment
from wddkit.comparison.foreign import ipc_of
from wddkit.config import Config
from wddkit.data import DistilledSet, Split
from wddkit.data.arrays import shown
from wddkit.evaluation import whole_set
from wddkit.experiment import check_evaluated, config_under, context_of, evaluate, task_of
from wddkit.methods import Random
from wddkit.pipeline import protocols_of
from wddkit.stages.students import Protocol
from wddkit.stages.teacher import Teacher

_NEEDED = ("real, hard", "distilled, hard", "distilled, own", "random, own", "distilled, plain", "random, plain")


@dataclass(frozen=True)
class Ranking:
    """Scores of one distilled set; `accuracies` are the fractions that they come from, by name."""

    hlr: float
    ior: float
    lrs: float
    ars: float
    accuracies: Mapping[str, float] = field(default_factory=dict)


def label_robust_score(hlr: float, ior: float, *, weight: float = 0.5) -> float:
    """LRS = (e^a - e^-1) / (e - e^-1), a = w IOR - (1 - w) HLR: 1 is best, and 0 worst.

    `hlr`, hard label recovery: accuracy of the whole real set minus that of the distilled one, both with hard labels.
    `ior`, improvement over random: accuracy of the distilled set minus that of random real images, both under the
    method's own labels. Both as fractions. Raises ValueError for what cannot be a difference of fractions, as percent.
    """
    _check(weight, hlr=hlr, ior=ior)
    return _score(weight * ior - (1 - weight) * hlr)


def augmentation_robust_score(augmented: float, plain: float, *, weight: float = 0.5) -> float:
    """ARS = (e^b - e^-1) / (e - e^-1), b = g augmented + (1 - g) plain, g the weight.

    Both are the improvement over random real images, as fractions: of students that are trained on augmented views, and
    on the images as they are. Raises ValueError for what cannot be a difference of fractions, as percent.
    """
    _check(weight, augmented=augmented, plain=plain)
    return _score(weight * augmented + (1 - weight) * plain)


def dd_ranking(
    distilled: DistilledSet,
    split: Split,
    protocol: Protocol | str = "online",
    *,
    seeds: int = 3,
    students: int | None = None,
    teacher: Teacher | None = None,
    teacher_seed: int = 0,
    progress: bool = True,
) -> Ranking:
    """HLR, IOR, LRS and ARS of a distilled set, also one made elsewhere, from students of this library.

    `protocol` is the method's own recipe; its hard version and the one without augmented views differ from it in this
    alone. Random images and students are drawn anew for each of `seeds` seeds, of which means are taken. Raises
    ValueError before anything is trained for a set that is not one of the split's.
    """
    check_evaluated(distilled, split, protocol)
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1:
        raise ValueError(f"seeds: expected a whole number, at least 1, got {shown(seeds)}")
    config = Config(dataset=split.name, teacher=teacher, teacher_seed=teacher_seed)
    config = config_under(config, protocol, split, students=students)
    (own,) = protocols_of(config)
    told: dict[str, Any] = {"teacher": config.teacher, "teacher_seed": teacher_seed, "progress": progress}
    recipes, found = _recipes(own), {name: [0.0] * seeds for name in _NEEDED}
    for seed in range(seeds):
        sets = _sets(distilled, split, replace(config, seed=seed))
        for name, values in found.items():
            whose, under = name.split(", ")
            values[seed] = evaluate(sets[whose], split, recipes[under], seed=seed, name=whose, **told).accuracy / 100
    return ranked({name: float(np.mean(values)) for name, values in found.items()})


def ranked(accuracies: Mapping[str, float]) -> Ranking:
    """The scores from accuracies as fractions: of "real", "distilled" and "random" under "hard", "own" and "plain"."""
    hlr = accuracies["real, hard"] - accuracies["distilled, hard"]
    ior = accuracies["distilled, own"] - accuracies["random, own"]
    plain = accuracies["distilled, plain"] - accuracies["random, plain"]
    return Ranking(hlr, ior, label_robust_score(hlr, ior), augmentation_robust_score(ior, plain), accuracies)


def _recipes(own: Protocol) -> dict[str, Protocol]:
    """The method's own recipe, its hard version, and the one on images as they are."""
    plain = replace(own.training, augment=Augment())
    return {
        "hard": replace(own, labels="hard", name=""),
        "own": own,
        "plain": replace(own, training=plain, name=f"{own.title}, images as they are"),
    }


def _sets(distilled: DistilledSet, split: Split, config: Config) -> dict[str, DistilledSet]:
    """The set, as many random images drawn by the config's seed, and the whole real set."""
    task = task_of(config, split)
    *_, last = Random(ipc_of(distilled)).distill(task, context_of(config, task))
    assert last.distilled is not None
    return {"distilled": distilled, "random": last.distilled, "real": whole_set(split, task)}


def _score(a: float) -> float:
    return (math.exp(a) - math.exp(-1)) / (math.e - math.exp(-1))


def _check(weight: float, **differences: float) -> None:
    if not 0 <= weight <= 1:
        raise ValueError(f"weight: expected a share, 0 to 1, got {weight}")
    for name, value in differences.items():
        if not -1 <= value <= 1:
            raise ValueError(f"{name}: expected a difference of fractions, -1 to 1, got {value}; divide percent by 100")
