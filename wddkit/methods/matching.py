"""Distribution matching in the feature spaces of random networks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor

from wddkit.augment import Augment, stream
from wddkit.methods.base import Context, Snapshot, State, Task, check_ipc, distilled_set, image_labels, recorded
from wddkit.methods.wmdd import random_positions
from wddkit.nets import Net, Network, build
from wddkit.stages.descent import Descent, descend
from wddkit.stages.recover import bounds, to_normalised, to_pixels, view
from wddkit.stages.teacher import features, freeze


@dataclass(frozen=True)
class DM:
    """Dataset condensation with distribution matching (Zhao and Bilen, WACV 2023, arXiv 2110.04181).

    min_S E_theta sum_c | mean_i psi_theta(A(x_ci)) - mean_j psi_theta(A(s_cj)) |^2 over untrained networks psi_theta, a
    fresh one each step, with one augmentation A shared by both sides. Starts from random real images. The paper runs
    20 000 steps with lr 1 and 256 real images a class and step.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"

    ipc: int = 10
    steps: int = 300
    lr: float = 1.0
    batch: int = 128  # real images a class and step
    network: Network = Network(width=64, growth=1, norm="instance", pooling="flatten")
    augment: Augment = Augment(crop=(0.8, 1.0), shift=0.1, shared=True)

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation over all classes."""
        check_ipc(task, self.ipc)
        net = task.teacher(context.precision)
        start = to_normalised(net, task.train.images[random_positions(task, context, self.ipc)])
        labels = image_labels(task, self.ipc)
        descent = Descent(steps=self.steps, lr=self.lr, optimiser="sgd", schedule="constant", augment=self.augment)

        def terms(u: Tensor, step: int) -> dict[str, Tensor]:
            psi = self._random_network(task, context, step, like=u)
            loss = u.new_zeros(())
            key = context.stream("views", step)
            for c in range(len(task.classes)):
                real = to_normalised(net, task.train.images[self._real(task, context, c, step)])
                # shared views: positions play no part in the draw, so one key serves both sides
                x = view(net, real, self.augment, np.arange(len(real)), key=key)
                s = view(net, u[labels == c], self.augment, np.arange(self.ipc), key=key)
                loss = loss + (psi.backbone(x).mean(dim=0) - psi.backbone(s).mean(dim=0)).square().sum()
            return {"loss": loss}

        for moment in descend(
            start,
            terms,
            descent,
            bounds=bounds(net),
            stops=context.stops(self.steps),
            knobs=context.knobs,
            state=resume,
            tick=context.tick,
            stage="match",
        ):
            images = to_pixels(net, moment.images)
            yield Snapshot(
                "match",
                moment.step,
                distilled_set(task, images, method="dm"),
                scalars=moment.scalars,
                arrays={
                    "images": images,
                    "indices": np.arange(len(images)),
                    "features": recorded(features(net, images)),
                },
                state=None if moment.step == self.steps else moment.state,
            )

    def _random_network(self, task: Task, context: Context, step: int, *, like: Tensor) -> Net:
        _, channels, size, _ = task.train.images.shape
        psi = build(
            self.network,
            classes=len(task.classes),
            channels=channels,
            size=size,
            normalisation=task.normalisation,
            seed=context.stream("network", step),
        )
        return freeze(psi.to(like.device, like.dtype)).train()  # untrained: batch norm has no running averages yet

    def _real(self, task: Task, context: Context, c: int, step: int) -> np.ndarray:
        positions = task.train.of_class(c)
        count = min(self.batch, len(positions))
        chosen: np.ndarray = positions[stream(len(positions), step * count, count, key=context.stream("real", c))]
        return chosen
