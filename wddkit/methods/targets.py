"""Barycenters of all classes, memoised, with the steps that led to them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.methods.base import Arrays, Context, Task
from wddkit.ot import Step, barycenter_steps, nearest, top_plan

Masses: TypeAlias = Literal["free", "uniform"]

TOP = 8  # recorded plan entries of a support point
RECORDED_BYTES = 64e6  # above this only a barycenter's first and last step are kept


@dataclass(frozen=True, eq=False)
class Targets:
    """Support points and masses of every class, in the order of a distilled set."""

    support: Float64[np.ndarray, "k d"]
    masses: Float64[np.ndarray, " k"]
    values: Float64[np.ndarray, " classes"]  # squared W2 to the training features
    heldout: Float64[np.ndarray, " classes"]  # squared W2 to the validation features, NaN without any
    steps: tuple[Arrays, ...]  # for each class, arrays stacked over its steps

    def nearest(self, task: Task) -> Int64[np.ndarray, " k"]:
        """Positions of the training images nearest to the support points, distinct within a class."""
        ipc = len(self.support) // len(task.classes)
        chosen = []
        for c in range(len(task.classes)):
            positions = task.train.of_class(c)
            chosen.append(positions[nearest(self.support[c * ipc : (c + 1) * ipc], task.features[positions])])
        return np.concatenate(chosen)


def targets(task: Task, context: Context, *, ipc: int, masses: Masses) -> Targets:
    """Barycenters of all classes' features, from the cache where they are."""
    seed = context.stream("barycenter")
    settings = {"m": ipc, "masses": masses, "seed": seed, "val": task.val.fingerprint}

    def build() -> Arrays:
        out: Arrays = {}
        for c, (real, heldout) in enumerate(zip(task.measures(), task.heldout_measures(), strict=True)):
            way = tuple(barycenter_steps(real, m=ipc, masses=masses, seed=seed + c, heldout=heldout))
            out |= {f"{c:04d}|{name}": value for name, value in _recorded(way, len(task.classes)).items()}
            context.tick("barycenter", c + 1, len(task.classes), {"squared W2": way[-1].value})
        return out

    arrays = task.artifact("barycenters", settings, build)
    steps = tuple(
        {key.partition("|")[2]: value for key, value in arrays.items() if key.startswith(f"{c:04d}|")}
        for c in range(len(task.classes))
    )
    return Targets(
        support=np.concatenate([s["final"] for s in steps]),
        masses=np.concatenate([s["masses"][-1] for s in steps]),
        values=np.array([s["value"][-1] for s in steps]),
        heldout=np.array([s["heldout"][-1] for s in steps]),
        steps=tuple({k: v for k, v in s.items() if k != "final"} for s in steps),
    )


def _recorded(steps: tuple[Step, ...], classes: int) -> Arrays:
    """Arrays stacked over the steps; the last support also in full precision."""
    final = steps[-1].support
    if len(steps) * classes * final.size * 4 > RECORDED_BYTES:
        steps = (steps[0], steps[-1])
    plans = [top_plan(step.plan, min(TOP, step.plan.shape[1])) for step in steps]
    return {
        "final": final,
        "support": np.stack([step.support for step in steps]).astype(np.float32),
        "masses": np.stack([step.masses for step in steps]),
        "value": np.array([step.value for step in steps]),
        "heldout": np.array([np.nan if step.heldout is None else step.heldout for step in steps]),
        "plan_indices": np.stack([indices for indices, _, _ in plans]).astype(np.int32),
        "plan_masses": np.stack([masses for _, masses, _ in plans]).astype(np.float32),
        "plan_kept": np.array([kept for _, _, kept in plans]),
    }
