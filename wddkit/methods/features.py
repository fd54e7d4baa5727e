"""FRePo: images and labels that make ridge regression on networks' features predict the real set."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from wddkit.methods.base import Context, Family, Fidelity, Snapshot, State, Task, check_ipc, image_labels
from wddkit.methods.learner import Learner
from wddkit.methods.pixels import Report, fresh_network, move_pixels, random_positions
from wddkit.methods.regression import centred, real_batch
from wddkit.nets import Net, Network
from wddkit.stages.descent import Descent


@dataclass(frozen=True)
class FRePo:
    """Dataset distillation using neural feature regression (Zhou et al., NeurIPS 2022, arXiv 2206.00719).

    min over X_s, y_s of 1/2 | y_t - K_ts (K_ss + lambda I)^-1 y_s |^2 / n_t, K = f(X) f(X')^T, f the features of a
    network from a pool; lambda = `reg` x the mean diagonal of K_ss. After each step the network that was used is
    trained by one step of Adam on the images and labels as they then are; after `updates` of these a fresh one takes
    its place. Networks of a new pool are taken to be of different ages, so that they are not all replaced at once.
    Learned labels also pay -mean min(first - second largest, 1 / classes), which keeps their class the largest.

    The paper takes 10 networks, 100 updates, batches of 1024, reg 1e-6, LAMB with lr 3e-4 for images and labels down to
    a tenth of it, Adam with 3e-4 for the networks, and up to 500 000 steps; RGB images count mirrored as well. Here:
    Adam down to 0 (the one loop for pixels), a larger lr for fewer steps, no mirroring. `network` left at None is like
    theirs a ConvNet without normalisation, whose width doubles from layer to layer, with as many layers as leave maps
    of about 4 px, two to four, but narrower.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "joint"
    family: ClassVar[Family] = "performance"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Zhou et al., NeurIPS 2022, arXiv 2206.00719"
    step_cost: ClassVar[str] = "a small network over a batch of real images, and a training step of it on the images"

    ipc: int = 10
    steps: int = 300
    lr: float = 0.05
    reg: float = 1e-6
    batch: int = 250  # real images a step
    pool: int = 4  # networks
    updates: int = 100  # training steps of a network before a fresh one takes its place
    network: Network | None = None
    network_lr: float = 1e-3
    learn_labels: bool = True

    def __post_init__(self) -> None:
        if self.pool < 1 or self.updates < 1 or self.batch < 1:
            raise ValueError(
                f"expected pool, updates and batch of at least 1, got {self.pool}, {self.updates} and {self.batch}"
            )
        if not self.reg > 0 or not self.network_lr > 0:
            raise ValueError(f"expected reg and network_lr above 0, got {self.reg} and {self.network_lr}")
        _ = self._descent  # which checks its own values

    def network_at(self, size: int) -> Network:
        """The networks for images of this side in pixels."""
        depth = min(max(2, round(math.log2(size / 4))), 4)
        return self.network or Network(depth=depth, norm="none", pooling="flatten")

    @property
    def _descent(self) -> Descent:
        return Descent(steps=self.steps, lr=self.lr, betas=(0.9, 0.999))

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation; each carries the labels that were learned with its images."""
        check_ipc(task, self.ipc)
        pool = _Pool(self, task, context)

        def terms(u: Tensor, step: int) -> dict[str, Tensor]:
            net = pool.at(u, step)
            x, y = real_batch(task, context, step, batch=self.batch, like=u)
            with torch.no_grad():
                f_t = net.backbone(x)
            y_s = pool.labels.detach().clone().requires_grad_(self.learn_labels)
            loss = regression(f_t, net.backbone(u), y_s, y, reg=self.reg)
            if not self.learn_labels:
                return {"loss": loss}
            margin = label_margin(y_s)
            (gradient,) = torch.autograd.grad(loss + margin, y_s, retain_graph=True)
            pool.learn(gradient, self._descent.lr_at(step, context.knobs.get("lr", self.lr)))
            return {"loss": loss, "margin": margin.detach()}

        def report(_: np.ndarray, __: int) -> Report:
            labels = pool.labels.detach().float().cpu().numpy()
            return Report({}, {"labels": labels}, {"soft": labels, "soft_kind": "values"})

        return move_pixels(
            task,
            context,
            task.train.images[random_positions(task, context, self.ipc)],
            terms,
            self._descent,
            method="frepo",
            phase="regress",
            resume=resume,
            memory=pool,
            report=report if self.learn_labels else None,
        )


def regression(
    f_t: Float[Tensor, "t d"], f_s: Float[Tensor, "s d"], y_s: Tensor, y_t: Tensor, *, reg: float
) -> Float[Tensor, ""]:
    """1/2 | y_t - K_ts (K_ss + lambda I)^-1 y_s |^2, summed over classes, a mean over real images; in float64."""
    f_t, f_s = f_t.double(), f_s.double()
    k_ss = f_s @ f_s.T
    eye = torch.eye(len(f_s), dtype=f_s.dtype, device=f_s.device)
    # The floor: features of untrained networks may all be 0.
    ridge = reg * k_ss.diagonal().mean() + 1e-12
    prediction = f_t @ (f_s.T @ torch.linalg.solve(k_ss + ridge * eye, y_s.double()))
    loss: Tensor = 0.5 * (y_t - prediction).square().sum(dim=1).mean()
    return loss


def label_margin(labels: Float[Tensor, "s classes"]) -> Float[Tensor, ""]:
    """-mean_i min(first - second largest of label i, 1 / classes)."""
    top = labels.topk(2, dim=1).values
    return -(top[:, 0] - top[:, 1]).clamp_max(1 / labels.shape[1]).mean()


class _Pool:
    """What FRePo remembers beside its images: networks of different ages, and labels."""

    def __init__(self, method: FRePo, task: Task, context: Context):
        self._method, self._task, self._context = method, task, context
        classes, like = len(task.classes), next(task.teacher(context.precision).parameters())
        start = centred(image_labels(task, method.ipc), classes) / np.sqrt(classes / 10)
        labels = nn.ParameterDict({"y": nn.Parameter(torch.from_numpy(start).to(like.device))})
        self._like, self._labels = like, Learner(labels, lr=method.lr)
        self._births = np.zeros(method.pool, np.int64)  # how often each place was taken anew
        self._ages = np.arange(method.pool) * (method.updates // method.pool)
        self._learners = [self._born(i) for i in range(method.pool)]

    @property
    def labels(self) -> Tensor:
        """The labels of all images, in float64."""
        return self._labels.module.get_parameter("y")

    def learn(self, gradient: Tensor, lr: float) -> None:
        """One step of the labels."""
        self._labels.apply([gradient], lr=lr)

    def at(self, u: Tensor, step: int) -> Net:
        """The network of a step, frozen, after that of the step before was trained on the images of this one."""
        if step > 0:
            self._train(self._place(step - 1), u.detach())
        return self._learners[self._place(step)].module.eval()

    def _place(self, step: int) -> int:
        return int(self._context.generator("pool", step).integers(self._method.pool))

    def _born(self, i: int) -> Learner[Net]:
        number = int(self._births[i]) * self._method.pool + i
        network = self._method.network_at(self._task.train.images.shape[2])
        net = fresh_network(self._task, self._context, network, number, like=self._like)
        return Learner(net, lr=self._method.network_lr)

    def _train(self, i: int, u: Tensor) -> None:
        net = self._learners[i].module.train().requires_grad_(requires_grad=True)
        out = net.head(net.backbone(u))
        self._learners[i].step((out - self.labels.detach().to(out.dtype)).square().mean())
        net.requires_grad_(requires_grad=False)
        self._ages[i] += 1
        if self._ages[i] >= self._method.updates:
            self._ages[i], self._births[i] = 0, self._births[i] + 1
            self._learners[i] = self._born(i)

    def save(self) -> State:
        """Copies of all networks and labels, and of what their optimisers remember."""
        out = {"births": self._births.copy(), "ages": self._ages.copy(), **self._labels.save("labels")}
        for i, learner in enumerate(self._learners):
            out |= learner.save(f"pool {i}")
        return out

    def restore(self, state: State) -> None:
        """Goes back to where `save` was called."""
        self._births, self._ages = state["births"].copy(), state["ages"].copy()
        self._labels.restore("labels", state)
        self._learners = [self._born(i) for i in range(self._method.pool)]
        for i, learner in enumerate(self._learners):
            learner.restore(f"pool {i}", state)
