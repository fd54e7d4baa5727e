"""Barycenters of all classes under a ground cost, memoised, with the steps that led to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from wddkit.codec import unknown
from wddkit.history import real_each
from wddkit.methods.base import Arrays, Context, Snapshot, Task
from wddkit.ot import Measure, Step, barycenter_steps, nearest, top_plan, w2_squared
from wddkit.ot.costs import COSTS, Cost, LinearMap

Masses: TypeAlias = Literal["free", "uniform"]

FITTED = ("mahalanobis", "logits")  # ground costs that take something from the task, beside those of `wddkit.ot`

TOP = 8  # recorded plan entries of a support point
RECORDED_BYTES = 64e6  # above this only a barycenter's first and last step are kept


@dataclass(frozen=True, eq=False)
class Targets:
    """Support points and masses of every class, in the order of a distilled set."""

    support: Float64[np.ndarray, "k d"]
    masses: Float64[np.ndarray, " k"]
    values: Float64[np.ndarray, " classes"]  # squared W2 to the training features, whatever the cost
    heldout: Float64[np.ndarray, " classes"]  # squared W2 to the validation features, NaN without any
    steps: tuple[Arrays, ...]  # for each class, arrays stacked over its steps; under another cost also its values

    def nearest(self, task: Task) -> Int64[np.ndarray, " k"]:
        """Positions of the training images nearest to the support points, distinct within a class."""
        ipc = len(self.support) // len(task.classes)
        chosen = []
        for c in range(len(task.classes)):
            positions = task.train.of_class(c)
            chosen.append(positions[nearest(self.support[c * ipc : (c + 1) * ipc], task.features[positions])])
        return np.concatenate(chosen)


def check_cost(name: str) -> None:
    """Raises ValueError for a name that is no ground cost."""
    if name not in COSTS and name not in FITTED:
        raise unknown("ground cost", name, (*COSTS, *FITTED))


def ground_cost(task: Task, name: str) -> str | Cost:
    """The ground cost of this name for the task's features.

    `mahalanobis`: |L (x - y)|^2 with L = S^-1/2 of the covariance S of the features around their class means, one L for
    all classes (`whitened` takes each class's own). `logits`: |L (x - y)|^2 with L the weight of the teacher's last
    layer, the squared distance of the logits: a distance that was learned. Else a cost of `wddkit.ot.costs`.
    """
    check_cost(name)
    if name == "mahalanobis":
        own = [task.features[task.train.of_class(c)] for c in range(len(task.classes))]
        return LinearMap.whitening(np.concatenate([z - z.mean(axis=0) for z in own]))
    if name == "logits":
        return LinearMap(task.teacher().head.weight.detach().double().cpu().numpy())
    return name


def targets(task: Task, context: Context, *, ipc: int, masses: Masses, cost: str = "sqeuclidean") -> Targets:
    """Barycenters of all classes' features under the ground cost, from the cache where they are."""
    seed = context.stream("barycenter")
    each = real_each(len(task.classes))
    settings = {"m": ipc, "masses": masses, "cost": cost, "seed": seed, "val": task.val.fingerprint, "assigned": each}

    def build() -> Arrays:
        out: Arrays = {}
        chosen = ground_cost(task, cost)
        for c, (real, heldout) in enumerate(zip(task.measures(), task.heldout_measures(), strict=True)):
            way = barycenter_steps(real, m=ipc, masses=masses, cost=chosen, seed=seed + c, heldout=heldout)
            arrays = _recorded(tuple(way), len(task.classes))
            if cost != "sqeuclidean" or task.committee:
                arrays = _compared(arrays, real, heldout, task.own_features)
            out |= {f"{c:04d}|{name}": value for name, value in arrays.items()}
            context.tick("barycenter", c + 1, len(task.classes), {"squared W2": arrays["value"][-1]})
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


def barycenter_snapshots(found: Targets) -> Iterator[Snapshot]:
    """One snapshot a class, its arrays stacked over the steps of the barycenter."""
    for c, arrays in enumerate(found.steps):
        scalars = {"w2_squared": float(found.values[c])}
        if np.isfinite(found.heldout[c]):
            scalars["w2_squared_heldout"] = float(found.heldout[c])
        scalars |= {name: float(values[-1]) for name, values in arrays.items() if name.startswith("transport_cost")}
        yield Snapshot("barycenter", len(arrays["value"]) - 1, None, block=c, scalars=scalars, arrays=arrays)


def _recorded(steps: tuple[Step, ...], classes: int) -> Arrays:
    """Arrays stacked over the steps; the last support also in full precision.

    `assignment` [T, r] and `assignment_share` are of the class's first r training images, those that a run records.
    """
    final = steps[-1].support
    if len(steps) * classes * final.size * 4 > RECORDED_BYTES:
        steps = (steps[0], steps[-1])
    plans = [top_plan(step.plan, min(TOP, step.plan.shape[1])) for step in steps]
    given = [_assignment(step.plan[:, : real_each(classes)]) for step in steps]
    return {
        "final": final,
        "support": np.stack([step.support for step in steps]).astype(np.float32),
        "masses": np.stack([step.masses for step in steps]),
        "value": np.array([step.value for step in steps]),
        "heldout": np.array([np.nan if step.heldout is None else step.heldout for step in steps]),
        "plan_indices": np.stack([indices for indices, _, _ in plans]).astype(np.int32),
        "plan_masses": np.stack([masses for _, masses, _ in plans]).astype(np.float32),
        "plan_kept": np.array([kept for _, _, kept in plans]),
        "assignment": np.stack([points for points, _ in given]),
        "assignment_share": np.stack([shares for _, shares in given]),
    }


def _assignment(plan: Float64[np.ndarray, "m r"]) -> tuple[Int32[np.ndarray, " r"], Float32[np.ndarray, " r"]]:
    """Of each column, the row with most of its mass and the share that row has; -1 and 0 where there is no mass."""
    total = plan.sum(axis=0)
    held = total > 0
    share = plan.max(axis=0) / np.where(held, total, 1)
    return np.where(held, plan.argmax(axis=0), -1).astype(np.int32), np.minimum(share, 1).astype(np.float32)


def _compared(arrays: Arrays, real: Measure, heldout: Measure | None, d: int) -> Arrays:
    """The same with the cost's own values under names of their own, and squared W2 in their place.

    Of features and support points only the first d coordinates, the teacher's own where there is a committee.
    Barycenters under different costs can then be compared, and what is recorded as `value` means one thing.
    """
    support = arrays["support"][..., :d]
    measures = [Measure(y, w / w.sum()) for y, w in zip(support, arrays["masses"], strict=True)]
    measures[-1] = Measure(arrays["final"][:, :d], arrays["masses"][-1])
    own = {"support": support, "transport_cost": arrays["value"]}

    def distances(real: Measure) -> Float64[np.ndarray, " steps"]:
        shown = Measure(real.points[:, :d], real.masses)
        return np.array([w2_squared(measure, shown) for measure in measures])

    values = {"value": distances(real)}
    if heldout is not None:
        own["transport_cost_heldout"] = arrays["heldout"]
        values["heldout"] = distances(heldout)
    return {**arrays, **own, **values}
