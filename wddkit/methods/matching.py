"""Distribution matching in the feature spaces of random networks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor

from wddkit.augment import Augment
from wddkit.methods.base import Context, Family, Fidelity, Snapshot, State, Task, check_ipc
from wddkit.methods.pixels import fresh_network, move_pixels, own, random_positions, real_images
from wddkit.nets import Network
from wddkit.stages.descent import Descent
from wddkit.stages.recover import view


@dataclass(frozen=True)
class DM:
    """Dataset condensation with distribution matching (Zhao and Bilen, WACV 2023, arXiv 2110.04181).

    min_S E_theta sum_c | mean_i psi_theta(A(x_ci)) - mean_j psi_theta(A(s_cj)) |^2 over untrained networks psi_theta, a
    fresh one each step, with one augmentation A shared by both sides. Starts from random real images. The paper runs
    20 000 steps with lr 1 and 256 real images a class and step.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "distribution"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Zhao and Bilen, WACV 2023, arXiv 2110.04181"
    step_cost: ClassVar[str] = "a random network over the images and a batch of real ones a class"

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

        def terms(u: Tensor, step: int) -> dict[str, Tensor]:
            psi = fresh_network(task, context, self.network, step, like=u)
            key = context.stream("views", step)
            loss = u.new_zeros(())
            for c in range(len(task.classes)):
                real = real_images(task, context, c, step, batch=self.batch)
                # shared views: positions play no part in the draw, so one key serves both sides
                x = view(net, real, self.augment, np.arange(len(real)), key=key)
                s = view(net, own(u, task, c), self.augment, np.arange(self.ipc), key=key)
                loss = loss + (psi.backbone(x).mean(dim=0) - psi.backbone(s).mean(dim=0)).square().sum()
            return {"loss": loss}

        return move_pixels(
            task,
            context,
            task.train.images[random_positions(task, context, self.ipc)],
            terms,
            Descent(steps=self.steps, lr=self.lr, optimiser="sgd", schedule="constant"),
            method="dm",
            phase="match",
            resume=resume,
        )
