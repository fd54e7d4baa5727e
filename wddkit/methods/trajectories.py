"""Trajectory matching: images on which a network's weights go where training on the real images leads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from wddkit import codec
from wddkit.augment import Augment, stream
from wddkit.methods.base import Arrays, Context, Family, Fidelity, Snapshot, State, Task, check_ipc, image_labels
from wddkit.methods.pixels import fresh_network, move_pixels, random_positions
from wddkit.nets import Net, Network, to_arrays
from wddkit.seeds import derive
from wddkit.stages.descent import Descent
from wddkit.stages.recover import view
from wddkit.stages.training import Training, hard_loss, pixels, train

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class MTT:
    """Dataset distillation by matching training trajectories (Cazenavette et al., CVPR 2022, arXiv 2203.11932).

    min over S and alpha of |theta^_{t+N} - theta*_{t+M}|^2 / |theta*_t - theta*_{t+M}|^2: from a point t of an expert's
    way theta* through training on the real images, N (`student_steps`) steps of SGD on views of S with the learned rate
    alpha are to lead where M (`expert_steps`) expert checkpoints led. One expert and one t up to `latest` are drawn a
    step. Checkpoints are `interval` batches apart (paper: an epoch). The paper trains 100 experts of 50 epochs and
    takes 5000 steps with lr 1000 on the pixels, N 20 to 80, M 2 or 3, on views as DSA's for experts and students; alpha
    it moves by SGD, here log alpha, so that alpha stays above 0. `augment` is for both experts and students, none by
    default: with views, students of digits did worse on validation images after so few steps.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "joint"
    family: ClassVar[Family] = "parameter"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Cazenavette et al., CVPR 2022, arXiv 2203.11932"
    step_cost: ClassVar[str] = "N steps of a network on the images, differentiated again; experts are trained before"

    ipc: int = 10
    steps: int = 100
    lr: float = 3.0
    student_steps: int = 10
    expert_steps: int = 2
    latest: int = 8
    experts: int = 5
    interval: int = 15
    expert_lr: float = 0.1
    student_lr: float = 0.2  # alpha at the start
    lr_lr: float = 0.02  # by which log alpha is moved
    batch: int = 64  # real images a step of an expert
    batch_syn: int = 256  # images a step of the student, at most
    network: Network = Network(depth=2, width=32, growth=1, norm="instance", pooling="flatten")
    augment: Augment = Augment()

    def __post_init__(self) -> None:
        for name in ("student_steps", "expert_steps", "experts", "interval", "batch", "batch_syn"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
        if self.latest < 0:
            raise ValueError(f"latest is {self.latest}; expected at least 0, the start of an expert")
        if not (self.expert_lr > 0 and self.student_lr > 0 and self.lr_lr >= 0):
            raise ValueError(
                f"expected expert_lr and student_lr above 0 and lr_lr of at least 0, got {self.expert_lr}, "
                f"{self.student_lr} and {self.lr_lr}"
            )
        _ = self.descent  # which checks its own values

    @property
    def descent(self) -> Descent:
        """The optimiser's part of the values."""
        return Descent(steps=self.steps, lr=self.lr, optimiser="sgd", schedule="constant")

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation over all classes, after the experts."""
        check_ipc(task, self.ipc)
        ways = task.artifact("experts", self._settings(), lambda: self._train_experts(task))
        like = next(task.teacher(context.precision).parameters())
        net, rate = fresh_network(task, context, self.network, 0, like=like), _Rate(self.student_lr)
        # In the network's order, which the cache does not keep: sums over weights are to have equal bits.
        ways = {name: ways[name] for name, _ in net.named_parameters()}

        def terms(u: Tensor, step: int) -> dict[str, Tensor]:
            draw = context.generator("trajectory", step)
            expert, t = int(draw.integers(self.experts)), int(draw.integers(self.latest + 1))
            start, target = (
                {name: torch.from_numpy(way[expert, at]).to(u.device, u.dtype) for name, way in ways.items()}
                for at in (t, t + self.expert_steps)
            )
            log_alpha = rate.log.clone().to(u.device, u.dtype).requires_grad_()
            end = self._student(task, context, net, start, u, log_alpha.exp(), step)
            loss = trajectory_distance(end, start, target)
            gradient, slope = torch.autograd.grad(loss, (u, log_alpha))
            # At most halved or doubled: where a student diverges the slope has no scale.
            rate.log = rate.log - (self.lr_lr * slope.double().cpu()).clamp(-np.log(2), np.log(2))
            # The gradient is known here, and with it that of alpha: what is returned has this value and this gradient.
            known = loss.detach() + ((u - u.detach()) * gradient).sum()
            return {"loss": known, "student_lr": log_alpha.exp()}

        return move_pixels(
            task,
            context,
            task.train.images[random_positions(task, context, self.ipc)],
            terms,
            self.descent,
            method="mtt",
            phase="match",
            resume=resume,
            memory=rate,
        )

    def _student(
        self, task: Task, context: Context, net: Net, start: Weights, u: Tensor, alpha: Tensor, step: int
    ) -> Weights:
        """The weights after the student's steps on views of the images, differentiable in the images and in alpha."""
        labels = torch.from_numpy(image_labels(task, self.ipc)).to(u.device)
        count = min(self.batch_syn, len(u))
        order, views = context.stream("student", step), context.stream("student views", step)
        weights: Weights = {name: value.requires_grad_() for name, value in start.items()}
        for n in range(self.student_steps):
            at = stream(len(u), n * count, count, key=order)
            x = view(net, u[at], self.augment, at, key=derive(views, n))
            weights = sgd_step(net, weights, x, labels[at], alpha)
        return weights

    def _settings(self) -> dict[str, codec.Json]:
        """What decides the experts: not what is done with them."""
        return {
            "network": codec.encode(self.network),
            "training": codec.encode(self._expert_training()),
            "experts": self.experts,
            "interval": self.interval,
        }

    def _expert_training(self) -> Training:
        """Plain SGD at a constant rate, as the students': else no student could follow."""
        return Training(
            steps=self.interval * (self.latest + self.expert_steps),
            batch=self.batch,
            optimiser="sgd",
            lr=self.expert_lr,
            weight_decay=0.0,
            momentum=0.0,
            warmup=0.0,
            schedule="constant",
            augment=self.augment,
        )

    def _train_experts(self, task: Task) -> Arrays:
        """Weights by name, [experts, checkpoints, ...]; they belong to the task and not to a seed of the synthesis."""
        ways = [self._train_expert(task, number) for number in range(self.experts)]
        return {name: np.stack([[each[name] for each in way] for way in ways]) for name in ways[0][0]}

    def _train_expert(self, task: Task, number: int) -> list[Arrays]:
        """The checkpoints of one expert, from its untrained weights on."""
        seeds, like = Context(seed=task.teacher_seed), next(task.teacher().parameters())
        net = fresh_network(task, seeds, self.network, number, like=like).requires_grad_()
        loss = hard_loss(torch.from_numpy(task.train.labels).to(like.device))
        way = [to_arrays(net)]

        def note(stage: str, done: int, total: int, scalars: Mapping[str, object]) -> None:
            if done % self.interval == 0:
                way.append(to_arrays(net))
            task.tick(stage, number * total + done, self.experts * total, scalars)

        images, seed = pixels(task.train.images, like=like), seeds.stream("expert", number)
        train(net, images, loss, self._expert_training(), seed=seed, tick=note, stage="experts")
        return way


def sgd_step(net: Net, weights: Weights, x: Float[Tensor, "n c h w"], labels: Tensor, alpha: Tensor) -> Weights:
    """Weights after one step of SGD with rate alpha on the mean cross-entropy of normalised images; differentiable."""
    loss = F.cross_entropy(functional_call(_Logits(net), {f"net.{k}": v for k, v in weights.items()}, (x,)), labels)
    gradients = torch.autograd.grad(loss, tuple(weights.values()), create_graph=True)
    return {name: w - alpha * g for (name, w), g in zip(weights.items(), gradients, strict=True)}


def trajectory_distance(end: Weights, start: Weights, target: Weights) -> Float[Tensor, ""]:
    """|end - target|^2 / |start - target|^2 over all weights (equation 2 of MTT)."""

    def squared(a: Weights, b: Weights) -> Tensor:
        return torch.stack([(a[name] - b[name]).square().sum() for name in target]).sum()

    # An expert that stood still (its images all alike) asks the student to do so too.
    return squared(end, target) / squared(start, target).detach().clamp_min(1e-12)


class _Logits(torch.nn.Module):
    """A network behind its normalisation: images are optimised in normalised space."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net.head(self.net.backbone(x))
        return logits


class _Rate:
    """The learned rate of the student, as its logarithm."""

    def __init__(self, start: float) -> None:
        self.log = torch.tensor(start, dtype=torch.float64).log()

    def save(self) -> State:
        """A copy."""
        return {"log student_lr": self.log.numpy().copy()}

    def restore(self, state: State) -> None:
        """Goes back to it."""
        self.log = torch.from_numpy(np.array(state["log student_lr"]))
