"""The recovery that WMDD, SRe2L, CDA and EDC share: a teacher inverted under many values."""

from collections import ChainMap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np
import torch
from torch import Tensor

from wddkit.augment import Augment
from wddkit.codec import unknown
from wddkit.data import DistilledSet
from wddkit.methods.base import (
    Context,
    Snapshot,
    State,
    Task,
    check_ipc,
    distilled_set,
    image_labels,
    recorded,
)
from wddkit.methods.pixels import random_positions
from wddkit.methods.realism import RDED
from wddkit.methods.targets import Masses, Targets, barycenter_snapshots, check_cost, targets
from wddkit.nets import Net
from wddkit.stages.descent import Descent, Moment
from wddkit.stages.objective import Block, Form, Pairing, Weights, real_moments, target_distances
from wddkit.stages.recover import bounds, recover, statistics_error, to_normalised, to_pixels
from wddkit.stages.teacher import features

Start: TypeAlias = Literal["noise", "real", "nearest", "crops"]
Statistics: TypeAlias = Literal["class", "global", "soft", "none"]


@dataclass(frozen=True)
class Inversion:
    """The recovery that WMDD, SRe2L, CDA and EDC share; each is this with values of its own. The defaults are SRe2L's.

    `target`: what an image's features are drawn to, its support point or its class's logits; `statistics`: whether
    moments are matched class by class, over all images together, in both ways ("soft": the latter count `balance`, the
    former the rest), or only measured ("none"); `start`: noise, real images drawn at random, those nearest to the
    support points, or RDED's crops, one an image; `flatness`: the weight of `wddkit.stages.flatness`; `blocks`: whether
    the images that are optimised together are whole classes or one index of every class; `block`: how many images that
    is at most. `pairing`: whether an image keeps the support point it began with, or is drawn to those that the best
    plan of each step gives it, among its class's in the block; for uniform masses, where plans are assignments (unequal
    ones are split, and an image is drawn in between); or whether of a class only the mean feature is drawn to that of
    its support points, which is the class's own ("mean": the maximum mean discrepancy under a linear kernel). Where
    images are drawn to logits it does nothing. `committee`: networks beside the teacher whose features and statistics
    count as much as its own, by the share of its training that each has had. `cost`: the ground cost of the
    barycenters, see `wddkit.methods.targets.ground_cost`; whatever it is, real images to start from are chosen, and
    features drawn to support points, by squared distance.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"

    ipc: int = 10
    target: Literal["support", "logits"] = "logits"
    statistics: Statistics = "global"
    blocks: Literal["by_class", "by_index"] = "by_index"
    form: Form = "official"
    statistics_weight: float = 0.01
    cross_entropy: float = 0.0
    start: Start = "noise"
    steps: int = 300
    lr: float = 0.1
    augment: Augment | None = Augment()
    curriculum: bool = False
    masses: Masses = "uniform"
    block: int = 100
    pairing: Pairing = "fixed"
    committee: tuple[float, ...] = ()
    cost: str = "sqeuclidean"
    balance: float = 0.5
    flatness: float = 0.0

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self)).items():
            if get_origin(hint) is Literal and getattr(self, name) not in get_args(hint):
                raise unknown(name, getattr(self, name), get_args(hint))
        if self.block < 1:
            raise ValueError(f"block is {self.block} images; expected at least 1")
        if not 0 <= self.balance <= 1 or not self.flatness >= 0:
            raise ValueError(
                f"expected balance in [0, 1] and flatness of at least 0, got {self.balance} and {self.flatness}"
            )
        if not all(0 < share <= 1 for share in self.committee):
            raise ValueError(f"committee: expected shares of the teacher's training in (0, 1], got {self.committee}")
        check_cost(self.cost)
        _ = self.descent  # which checks its own values

    @property
    def descent(self) -> Descent:
        """The optimiser's part of the values."""
        return Descent(steps=self.steps, lr=self.lr, augment=self.augment or Augment(), curriculum=self.curriculum)

    def descent_at(self, size: int) -> Descent:
        """The same for images of this side in pixels, which decides the views where `augment` is left at None.

        Up to 16 px an image is optimised as it is: half a pixel of a crop is a large part of a digit. Above, features
        have to hold under small crops and shifts, else students of larger images learn from patterns of single pixels.
        """
        views = self.augment or (Augment() if size <= 16 else Augment(crop=(0.9, 1.0), shift=0.03))
        return replace(self.descent, augment=views)

    @property
    def weights(self) -> Weights:
        """The objective's part of the values."""
        return Weights(self.form, self.statistics_weight, self.cross_entropy, self.flatness)

    @property
    def needs_barycenter(self) -> bool:
        """Whether support points are looked at at all."""
        return self.target == "support" or self.start == "nearest"

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Barycenters (one snapshot a class), then the blocks of the recovery one after the other."""
        check_ipc(task, self.ipc)
        task = task.with_committee(self.committee)
        found = None
        if self.needs_barycenter:
            found = targets(task, context, ipc=self.ipc, masses=self.masses, cost=self.cost)
        if resume is None and found is not None:
            yield from barycenter_snapshots(found)
        yield from self._recover(task, context, found, resume)

    def _recover(self, task: Task, context: Context, found: Targets | None, resume: State | None) -> Iterator[Snapshot]:
        net = task.teacher(context.precision)
        images = _start(self, task, context, found, net)
        saved = to_pixels(net, images) if resume is None else resume["finished"].copy()
        blocks = _blocks(self, len(task.classes))
        # With "none" the error is still measured and drawn, and no knob may turn its weight up.
        knobs = ChainMap({"statistics_weight": 0.0}, context.knobs) if self.statistics == "none" else context.knobs
        at = 0 if resume is None else int(resume["block"])
        for number in range(at, len(blocks)):
            indices = blocks[number]
            block = _block(self, task, found, net, indices)
            state = resume if resume is not None and number == at else None
            for moment in recover(
                net,
                images[torch.from_numpy(indices).to(images.device)],
                block,
                self.weights,
                self.descent_at(task.train.images.shape[2]),
                seed=context.stream("recover"),
                stops=context.stops(self.steps),
                knobs=knobs,
                precision=context.precision,
                state=state,
                tick=context.tick,
                stage=f"recover {number + 1}/{len(blocks)}" if len(blocks) > 1 else "recover",
            ):
                saved[indices] = to_pixels(net, moment.images)
                snapshot = _snapshot(self, task, found, net, block, number, moment, saved)
                last = number == len(blocks) - 1 and moment.step == self.steps
                yield replace(snapshot, state=None) if last else snapshot


def _start(method: Inversion, task: Task, context: Context, found: Targets | None, net: Net) -> Tensor:
    """Normalised start images [k, c, h, w]; a class's draws depend on the seed and the class alone."""
    _, *shape = task.train.images.shape
    reference = next(net.parameters())
    if method.start == "noise":
        drawn = [context.generator("start", c).standard_normal((method.ipc, *shape)) for c in range(len(task.classes))]
        noise = torch.from_numpy(np.concatenate(drawn)).to(reference.device, reference.dtype)
        return noise.clamp(*bounds(net))
    if method.start == "crops":
        *_, last = RDED(method.ipc, factor=1).distill(task, context)
        assert last.distilled is not None  # it chooses, and has nothing else to show
        return to_normalised(net, last.distilled.images)
    if method.start == "nearest":
        assert found is not None  # `needs_barycenter` holds
        chosen = found.nearest(task)
    else:
        chosen = random_positions(task, context, method.ipc)
    return to_normalised(net, task.train.images[chosen])


def _blocks(method: Inversion, classes: int) -> list[np.ndarray]:
    """Positions of the images that are optimised together."""
    table = np.arange(classes * method.ipc).reshape(classes, method.ipc)
    if method.blocks == "by_class":
        count = max(1, method.block // method.ipc)  # whole classes
        return [table[c : c + count].ravel() for c in range(0, classes, count)]
    count = max(1, method.block // classes)  # indices of every class
    return [table[:, i : i + count].ravel() for i in range(0, method.ipc, count)]


def _block(method: Inversion, task: Task, found: Targets | None, net: Net, indices: np.ndarray) -> Block:
    """What one block is drawn to."""
    reference = next(net.parameters())
    labels = image_labels(task, method.ipc)[indices]
    masses = np.full(len(labels), 1.0) if found is None or method.target == "logits" else found.masses[indices]

    def tensor(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(reference.device, reference.dtype)

    def grouped(groups: np.ndarray | None) -> dict[str, Any]:
        member = np.ones((1, len(labels))) if groups is None else (labels == groups[:, None]).astype(float)
        share = member * masses
        share = share / share.sum(axis=1, keepdims=True)
        return {"share": tensor(share), "real": real_moments(task.statistics(), groups, like=reference)}

    spread = np.array([task.features[task.train.of_class(c)].var(axis=0).sum() for c in np.unique(labels)])
    block = Block(
        indices=indices,
        labels=torch.from_numpy(labels).to(reference.device),
        targets=tensor(found.support[indices]) if found is not None and method.target == "support" else None,
        spread=tensor(np.maximum(spread, 1e-12)[np.searchsorted(np.unique(labels), labels)]),
        pairing=method.pairing,
        **grouped(None if method.statistics == "global" else np.unique(labels)),
    )
    if method.statistics != "soft":
        return block
    return replace(block, overall=replace(block, **grouped(None)), balance=method.balance)


def _snapshot(
    method: Inversion,
    task: Task,
    found: Targets | None,
    net: Net,
    block: Block,
    number: int,
    moment: Moment,
    saved: np.ndarray,
) -> Snapshot:
    """A snapshot of the whole set while one block moves; every number is of the images as they are saved."""
    images = saved[block.indices]
    z = features(net, images)
    scalars: dict[str, float] = dict(moment.scalars)
    arrays = {"images": images, "indices": block.indices, "features": recorded(z[:, : task.own_features])}
    if block.targets is not None and found is not None:
        if method.pairing != "transport":
            gap = ((z - found.support[block.indices]) ** 2).sum(axis=1)
        else:
            gap = target_distances(block, torch.from_numpy(z), method.form).numpy()
        arrays["gap"] = gap.astype(np.float32)  # squared distance from image to support point, or to its share of them
        scalars["feature_gap"] = float(gap.mean())
    if block.real:
        arrays["statistics_error"] = statistics_error(net, images, block)
        scalars["statistics_error"] = float(arrays["statistics_error"].mean())
    state = {**moment.state, "block": np.array(number), "finished": saved.copy()}
    return Snapshot("recover", moment.step, _set(method, task, found, saved), number, scalars, arrays, state)


def _set(method: Inversion, task: Task, found: Targets | None, saved: np.ndarray) -> DistilledSet:
    masses = found.masses if found is not None and method.target == "support" else None
    return distilled_set(task, saved.copy(), masses=masses, method=type(method).__name__.lower())
