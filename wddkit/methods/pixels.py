"""What methods that move pixels by an objective of their own share: the start, the real batches, the snapshots."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from wddkit.augment import stream
from wddkit.methods.base import Arrays, Context, Snapshot, State, Task, distilled_set, image_labels, recorded
from wddkit.nets import Net, Network
from wddkit.stages.descent import Descent, Objective, descend
from wddkit.stages.recover import bounds, to_normalised, to_pixels
from wddkit.stages.teacher import features, freeze


class Memory(Protocol):
    """What an objective remembers from step to step beside the images: networks that it trains, for instance."""

    def save(self) -> State:
        """Copies of everything that later steps depend on."""
        ...

    def restore(self, state: State) -> None:
        """Goes back to where a snapshot's state was saved; keys that are not its own are to be left alone."""
        ...


@dataclass(frozen=True, eq=False)
class Report:
    """What a method says of its images at a snapshot, beside their features."""

    scalars: Mapping[str, float] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)  # further fields of the distilled set


def move_pixels(
    task: Task,
    context: Context,
    start: UInt8[np.ndarray, "k c h w"] | Tensor,
    terms: Objective,
    descent: Descent,
    *,
    method: str,
    phase: str,
    resume: State | None,
    memory: Memory | None = None,
    report: Callable[[UInt8[np.ndarray, "k c h w"], int], Report] | None = None,
) -> Iterator[Snapshot]:
    """Snapshots of one optimisation over all images, in the order of `image_labels`, under the key `method`.

    `terms(u, step)` is the objective, see `wddkit.stages.descent`. It may remember things only in `memory`, whose state
    travels in the snapshots' under names of its own, so that a resumed run ends with equal bits.
    """
    net = task.teacher(context.precision)
    if resume is not None and memory is not None:
        memory.restore(resume)
    for moment in descend(
        to_normalised(net, start) if isinstance(start, np.ndarray) else start,
        terms,
        descent,
        bounds=bounds(net),
        stops=context.stops(descent.steps),
        knobs=context.knobs,
        state=resume,
        tick=context.tick,
        stage=phase,
    ):
        images = to_pixels(net, moment.images)
        said = Report() if report is None else report(images, moment.step)
        kept = {**moment.state, **(memory.save() if memory is not None else {})}
        yield Snapshot(
            phase,
            moment.step,
            distilled_set(task, images, method=method, **said.options),  # type: ignore[arg-type]  # fields by name
            scalars={**moment.scalars, **said.scalars},
            arrays={
                "images": images,
                "indices": np.arange(len(images)),
                "features": recorded(features(net, images)),
                **said.arrays,
            },
            state=None if moment.step == descent.steps else kept,
        )


def random_positions(task: Task, context: Context, ipc: int) -> Int64[np.ndarray, " k"]:
    """`ipc` training images of each class, drawn without repeats."""
    return np.concatenate(
        [
            context.generator("random images", c).permutation(task.train.of_class(c))[:ipc]
            for c in range(len(task.classes))
        ]
    )


def own(u: Tensor, task: Task, c: int) -> Tensor:
    """A class's part of all images."""
    return u[image_labels(task, len(u) // len(task.classes)) == c]


def class_entropy(logits: Float[Tensor, "n classes"], c: int) -> Float[Tensor, ""]:
    """Mean cross-entropy of images that are all of class c."""
    return F.cross_entropy(logits, torch.full((len(logits),), c, device=logits.device))


def real_positions(task: Task, context: Context, c: int, step: int, *, batch: int) -> Int64[np.ndarray, " b"]:
    """Training images of class c that a step is to see: all of the class in turn, at most `batch` at once."""
    positions = task.train.of_class(c)
    count = min(batch, len(positions))
    chosen: Int64[np.ndarray, " b"] = positions[
        stream(len(positions), step * count, count, key=context.stream("real", c))
    ]
    return chosen


def real_images(task: Task, context: Context, c: int, step: int, *, batch: int) -> Tensor:
    """The same images in the teacher's normalised space, on its device and in its precision."""
    chosen = real_positions(task, context, c, step, batch=batch)
    return to_normalised(task.teacher(context.precision), task.train.images[chosen])


def fresh_network(task: Task, context: Context, network: Network, number: int, *, like: Tensor) -> Net:
    """An untrained network with weights of its own for each number, frozen, for normalised images.

    In training mode: batch normalisation of a network that saw no images has no running averages yet.
    """
    net = task.network(network, seed=context.stream("network", number))
    return freeze(net.to(like.device, like.dtype)).train()
