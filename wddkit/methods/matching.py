"""Distribution matching in the feature spaces of random networks: one frame, and the distances that are minimised."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wddkit.augment import Augment
from wddkit.methods.base import Context, Family, Fidelity, Snapshot, State, Task
from wddkit.methods.formation import expand, factor_for, move_formation
from wddkit.methods.pixels import fresh_network, own, real_images
from wddkit.nets import Network
from wddkit.ot.losses import sliced_w2_squared
from wddkit.stages.descent import Descent
from wddkit.stages.recover import view

Distance: TypeAlias = Callable[[Tensor, Tensor, int], Tensor]
"""distance(features of real images [b, d], of the class's own [m, d], step) -> what is minimised, for one class"""


@dataclass(frozen=True)
class FeatureMatching:
    """The frame that DM, M3D and sliced Wasserstein matching share; they differ by a distance of features.

    min_S E_theta sum_c distance(psi_theta(A(x_c)), psi_theta(A(s_c))) over untrained networks psi_theta, with one
    augmentation A a step, shared by both sides. Starts from random real images.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "distribution"
    fidelity: ClassVar[Fidelity] = "checked"
    step_cost: ClassVar[str] = "a random network over the images and a batch of real ones a class"

    ipc: int = 10
    steps: int = 300
    lr: float = 1.0
    batch: int = 128  # real images a class and step
    network: Network = Network(width=64, growth=1, norm="instance", pooling="flatten")
    augment: Augment = Augment(crop=(0.8, 1.0), shift=0.1, shared=True)

    def _match(
        self,
        task: Task,
        context: Context,
        resume: State | None,
        distance: Distance,
        *,
        method: str,
        descent: Descent,
        iterations: int = 1,  # steps that a network serves
        factor: int | None = 1,
    ) -> Iterator[Snapshot]:
        """Snapshots of one optimisation over all classes."""
        formation = factor_for(task, self.ipc, factor)

        def terms(u: Tensor, step: int) -> dict[str, Tensor]:
            psi = fresh_network(task, context, self.network, step // iterations, like=u)
            loss = u.new_zeros(())
            tiles = expand(u, formation)
            for x, s in class_views(task, context, tiles, step, batch=self.batch, augment=self.augment):
                loss = loss + distance(psi.backbone(x), psi.backbone(s), step)
            return {"loss": loss}

        return move_formation(task, context, self.ipc, formation, terms, descent, method=method, resume=resume)


@dataclass(frozen=True)
class DM(FeatureMatching):
    """Dataset condensation with distribution matching (Zhao and Bilen, WACV 2023, arXiv 2110.04181).

    min_S E_theta sum_c | mean_i psi_theta(A(x_ci)) - mean_j psi_theta(A(s_cj)) |^2 over untrained networks psi_theta, a
    fresh one each step, with one augmentation A shared by both sides. Starts from random real images. The paper runs
    20 000 steps with lr 1 and 256 real images a class and step.
    """

    paper: ClassVar[str] = "Zhao and Bilen, WACV 2023, arXiv 2110.04181"

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation over all classes."""
        descent = Descent(steps=self.steps, lr=self.lr, optimiser="sgd", schedule="constant")
        return self._match(task, context, resume, lambda x, s, _: mean_distance(x, s), method="dm", descent=descent)


@dataclass(frozen=True)
class M3D(FeatureMatching):
    """Condensation by minimising the maximum mean discrepancy (Zhang et al., AAAI 2024, arXiv 2312.15927).

    min_S E_theta sum_c mean k(x, x') + mean k(s, s') - 2 mean k(x, s) of the features x = psi_theta(A(x_c)),
    s = psi_theta(A(s_c)), which are zero for equal distributions alone: not the mean is matched but all moments. The
    kernel is Gaussian, k(a, b) = sum_h exp(-|a - b|^2 / h), h the mean of |a - b|^2 over all pairs of both sides, times
    each of `bandwidths`: what public code of the method runs. A network serves `iterations` steps, as in the paper.
    The paper stores formations of `factor` 2, "factor and up-sampling"; where it is None, ours does so for images above
    16 px. Its steps are plain gradients; ours are Adam's, because a kernel's slopes fall with the features' scale, and
    with it with the size of images, by orders of magnitude. The paper runs 20 000 steps.
    """

    paper: ClassVar[str] = "Zhang et al., AAAI 2024, arXiv 2312.15927"

    lr: float = 0.01
    bandwidths: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)
    iterations: int = 1
    factor: int | None = None

    def check(self, task: Task) -> None:
        """Raises ValueError where the factor does not divide the images."""
        factor_for(task, self.ipc, self.factor)

    def __post_init__(self) -> None:
        if not self.bandwidths or not all(0 < h < float("inf") for h in self.bandwidths):
            raise ValueError(f"bandwidths of m3d: expected at least one, all above 0, got {self.bandwidths}")
        if self.iterations < 1:
            raise ValueError(f"iterations of m3d: expected at least 1 step a network, got {self.iterations}")

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation over all classes."""

        def distance(x: Tensor, s: Tensor, _: int) -> Tensor:
            return mmd_squared(x, s, self.bandwidths)

        return self._match(
            task,
            context,
            resume,
            distance,
            method="m3d",
            descent=Descent(steps=self.steps, lr=self.lr),
            iterations=self.iterations,
            factor=self.factor,
        )


@dataclass(frozen=True)
class SlicedW(FeatureMatching):
    """Sliced Wasserstein matching (after Bonneel et al., JMIV 2015): DM with a transport distance of features.

    min_S E_theta sum_c d SW^2(psi_theta(A(x_c)), psi_theta(A(s_c))), SW^2 the mean over directions of the squared
    2-Wasserstein distance of the projections, which sorting finds; directions are drawn anew each step. It is
    d SW^2 = |mean x - mean s|^2 + d E_theta W2^2 of both sides less their means: DM's distance and one of shapes. No
    paper is known that distils by exactly this; it is the control between DM and WMDD.
    """

    paper: ClassVar[str] = "after Bonneel et al., JMIV 2015"
    step_cost: ClassVar[str] = "as DM, and sorting along the directions"

    lr: float = 0.01  # of Adam: the part of shapes grows with the size of images, which DM's plain steps would follow
    directions: int = 64

    def __post_init__(self) -> None:
        if self.directions < 1:
            raise ValueError(f"directions of sliced-w: expected at least 1, got {self.directions}")

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation over all classes."""

        def distance(x: Tensor, s: Tensor, step: int) -> Tensor:
            return sliced_distance(x, s, self.directions, context.stream("directions", step))

        descent = Descent(steps=self.steps, lr=self.lr)
        return self._match(task, context, resume, distance, method="sliced-w", descent=descent)


def class_views(
    task: Task, context: Context, u: Tensor, step: int, *, batch: int, augment: Augment
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each class in turn, views of a batch of its real images and of its part of the images u.

    Shared views: positions play no part in the draw, so one key serves both sides.
    """
    net, key = task.teacher(context.precision), context.stream("views", step)
    for c in range(len(task.classes)):
        real, mine = real_images(task, context, c, step, batch=batch), own(u, task, c)
        x = view(net, real, augment, np.arange(len(real)), key=key)
        s = view(net, mine, augment, np.arange(len(mine)), key=key)
        yield x, s


def mean_distance(x: Float[Tensor, "b d"], s: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
    """Squared distance of the means."""
    return (x.mean(dim=0) - s.mean(dim=0)).square().sum()


def sliced_distance(x: Float[Tensor, "b d"], s: Float[Tensor, "m d"], directions: int, seed: int) -> Float[Tensor, ""]:
    """The dimension d times the squared sliced distance, so that its part of the means is `mean_distance`."""
    return x.shape[1] * sliced_w2_squared(x, s, directions=directions, seed=seed)


def mmd_squared(x: Float[Tensor, "b d"], s: Float[Tensor, "m d"], bandwidths: tuple[float, ...]) -> Float[Tensor, ""]:
    """The squared maximum mean discrepancy of a sum of Gaussian kernels; see M3D.

    The bandwidth is a scale and not a lever: no gradient goes through it.
    """
    points = torch.cat([x, s])
    points = points - points.detach().mean(dim=0)  # distances are as they were, but lose less to rounding
    norms = points.square().sum(dim=1)
    D = (norms[:, None] + norms - 2 * points @ points.T).clamp_min(0)
    n = len(points)
    h = (D.detach().sum() / (n * n - n)).clamp_min(torch.finfo(D.dtype).tiny)  # all points may be one
    k = torch.stack([torch.exp(-D / (h * factor)) for factor in bandwidths]).sum(dim=0)
    b = len(x)
    return k[:b, :b].mean() + k[b:, b:].mean() - 2 * k[:b, b:].mean()
