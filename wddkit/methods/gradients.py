"""Gradient matching: images whose training gradients are those of the real images, at networks trained on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from wddkit.augment import Augment, stream
from wddkit.methods.base import Context, Family, Fidelity, Snapshot, State, Task, check_ipc, image_labels
from wddkit.methods.learner import restore_weights, save_weights
from wddkit.methods.pixels import class_entropy, fresh_network, move_pixels, own, random_positions, real_images
from wddkit.nets import Net, Network
from wddkit.stages.descent import Descent
from wddkit.stages.recover import view


@dataclass(frozen=True)
class GradientMatching:
    """The matching that DC, DSA and LCMat share; each is this with values of its own, of which DSA's stand here.

    A network is drawn anew every `outer` steps; from one of its steps to the next it is trained on the images, by
    `inner` batches of plain cross-entropy (SGD with `net_lr` and momentum 0.5). Where None, both follow `ipc`, see
    `loops`. `batch`: real images a class and step; `rho`: the weight of the curvature term, see LCMat. Under bf16 it
    runs in float32, which second derivatives need.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "joint"  # the networks are trained on the images of all classes
    family: ClassVar[Family] = "parameter"
    fidelity: ClassVar[Fidelity] = "checked"

    ipc: int = 10
    steps: int = 100
    lr: float = 0.1
    batch: int = 64
    network: Network = Network(depth=2, width=32, growth=1, norm="instance", pooling="flatten")
    augment: Augment = Augment(crop=(0.8, 1.0), shift=0.1, shared=True)
    outer: int | None = None
    inner: int | None = None
    net_lr: float = 0.01
    rho: float = 0.0

    def __post_init__(self) -> None:
        for name, least in (("batch", 1), ("outer", 1), ("inner", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} is {value}; expected at least {least}")
        if not self.net_lr > 0 or not 0 <= self.rho < float("inf"):
            raise ValueError(f"expected net_lr above 0 and rho of at least 0, got {self.net_lr} and {self.rho}")
        _ = self.descent  # which checks its own values

    @property
    def descent(self) -> Descent:
        """The optimiser's part of the values."""
        return Descent(steps=self.steps, lr=self.lr, optimiser="sgd", schedule="constant")

    @property
    def loops(self) -> tuple[int, int]:
        """Steps that a network lives, and batches that it is trained by from one of them to the next.

        Paper: 1, 1 for ipc 1; 10, 50 for ipc 10; 50, 10 for ipc 50: a network lives `ipc` steps. Here: a fifth of the
        batches in between, because they are what most of the time would go to.
        """
        outer = self.ipc if self.outer is None else self.outer
        inner = max(1, 100 // self.ipc) if self.inner is None else self.inner
        return outer, inner

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation over all classes."""
        check_ipc(task, self.ipc)
        learner = _Learner(self, task, context)

        def terms(u: Tensor, step: int) -> dict[str, Tensor]:
            learner.advance(u.detach(), step)
            return self._terms(task, context, learner.net, u, step)

        return move_pixels(
            task,
            context,
            task.train.images[random_positions(task, context, self.ipc)],
            terms,
            self.descent,
            method=type(self).__name__.lower(),
            phase="match",
            resume=resume,
            memory=learner,
        )

    def _terms(self, task: Task, context: Context, net: Net, u: Tensor, step: int) -> dict[str, Tensor]:
        gradient, curvature = u.new_zeros(()), u.new_zeros(())
        for c in range(len(task.classes)):
            x, s = real_images(task, context, c, step, batch=self.batch), own(u, task, c)
            key = context.stream("views", step, c)  # positions 0, 1, ... and one key: both sides see the same views
            x, s = (view(net, side, self.augment, np.arange(len(side)), key=key) for side in (x, s))
            g_x, h_x = derivatives(net, x, c)
            g_s, h_s = derivatives(net, s, c, differentiable=True)
            gradient = gradient + gradient_distance(g_x, g_s)
            curvature = curvature + (h_x - h_s).abs().sum()
        terms = {"loss": gradient + 0.5 * self.rho * curvature}
        return {**terms, "gradients": gradient, "curvature": curvature} if self.rho else terms


@dataclass(frozen=True)
class DC(GradientMatching):
    """Dataset condensation with gradient matching (Zhao et al., ICLR 2021, arXiv 2006.05929).

    min_S E_theta0 sum_t sum_c D(grad_theta L(T_c; theta_t), grad_theta L(S_c; theta_t)), theta_t trained on S, with
    D(A, B) = sum over layers and their output rows i of 1 - A_i . B_i / (|A_i| |B_i|); biases and the scales of
    normalisation layers are left out, as in the authors' code. The paper starts from noise and takes 1000 networks of
    `ipc` steps each, lr 0.1 and 256 real images a class and step; here images start from random real ones.
    """

    paper: ClassVar[str] = "Zhao et al., ICLR 2021, arXiv 2006.05929"
    step_cost: ClassVar[str] = "two gradients of a network a class, one differentiated again; then it is trained on"

    augment: Augment = Augment()


@dataclass(frozen=True)
class DSA(GradientMatching):
    """Dataset condensation with differentiable Siamese augmentation (Zhao and Bilen, ICML 2021, arXiv 2102.08259).

    DC on augmented views: D(grad L(A(T_c, w); theta), grad L(A(S_c, w); theta)), one view w a class and step for all
    real and all synthetic images; networks are trained on views as well, each image with its own. The paper draws one
    of colour, crop, cutout, flip, scale and rotation; here w is a crop and a shift, because a flip is wrong for digits.
    """

    paper: ClassVar[str] = "Zhao and Bilen, ICML 2021, arXiv 2102.08259"
    step_cost: ClassVar[str] = DC.step_cost


@dataclass(frozen=True)
class LCMat(GradientMatching):
    """Loss-curvature matching (Shin et al., AISTATS 2023, arXiv 2303.04449), its condensation.

    min_S E_theta sum_c D(grad L(T_c), grad L(S_c)) + rho / 2 | diag H(T_c) - diag H(S_c) |_1: the paper's bound of how
    far the two losses part within rho of theta. The code of the paper's condensation is not published. Here: D and the
    networks are DSA's; H is the exact Hessian of the last layer, as in the code of the paper's selection, but with all
    entries of its diagonal instead of the K that vary most: in closed form they cost nothing. The sum grows with the
    features, so that larger images ask for a smaller rho; its default is for 8 px.
    """

    paper: ClassVar[str] = "Shin et al., AISTATS 2023, arXiv 2303.04449"
    step_cost: ClassVar[str] = DC.step_cost

    rho: float = 1.0


def derivatives(
    net: Net, x: Float[Tensor, "n c h w"], label: int, *, differentiable: bool = False
) -> tuple[tuple[Tensor, ...], Float[Tensor, "classes d1"]]:
    """Gradients by all weights of the mean cross-entropy of images of one class, and the last layer's curvature."""
    z = net.backbone(x)
    logits = net.head(z)
    loss = class_entropy(logits, label)
    weights = tuple(net.parameters())
    gradients = torch.autograd.grad(loss, weights, create_graph=differentiable, retain_graph=differentiable)
    curvature = last_layer_curvature(z, logits)
    return (gradients, curvature) if differentiable else (gradients, curvature.detach())


def gradient_distance(real: Sequence[Tensor], synthetic: Sequence[Tensor]) -> Float[Tensor, ""]:
    """DC's distance (its equation 10): 1 - cosine, summed over layers and their output rows; vectors are left out."""
    total = synthetic[0].new_zeros(())
    for a, b in zip(real, synthetic, strict=True):
        if a.ndim > 1:
            a, b = a.flatten(1), b.flatten(1)
            lengths = a.norm(dim=1) * b.norm(dim=1)
            # Added as in the authors' code: a row without a gradient on either side counts 1 and is not divided by 0.
            total = total + (1 - (a * b).sum(dim=1) / (lengths + 1e-6)).sum()
    return total


def last_layer_curvature(z: Float[Tensor, "n d"], logits: Float[Tensor, "n classes"]) -> Float[Tensor, "classes d1"]:
    """Diagonal of the Hessian of the mean cross-entropy by the last layer's weights [classes, d] and biases [classes].

    By the weight from feature j to class k it is mean_i p_ik (1 - p_ik) z_ij^2, whatever the labels; a bias is the
    weight of a feature that is 1.
    """
    p = logits.softmax(dim=1)
    inputs = torch.cat([z.square(), torch.ones_like(z[:, :1])], dim=1)
    return (p * (1 - p)).T @ inputs / len(z)


class _Learner:
    """The network of the moment and its optimiser's speed: all that a step depends on beside the images."""

    def __init__(self, method: GradientMatching, task: Task, context: Context) -> None:
        self.method, self.task, self.context = method, task, context
        self.outer, self.inner = method.loops
        self._start(0)

    def advance(self, u: Tensor, step: int) -> None:
        """Brings the network to where gradients of this step are matched: drawn anew, or trained on the images."""
        if step % self.outer == 0:
            self._start(step // self.outer)
        else:
            for i in range(step * self.inner, (step + 1) * self.inner):
                self._train(u, i)

    def save(self) -> State:
        """Weights and speeds by name."""
        speeds = {f"speed|{name}": v.cpu().numpy().copy() for name, v in self.speeds.items()}
        return {**save_weights("net", self.net), **speeds}

    def restore(self, state: State) -> None:
        """Goes back to saved weights and speeds."""
        restore_weights("net", self.net, state)
        for name, v in self.speeds.items():
            v.copy_(torch.from_numpy(state[f"speed|{name}"].copy()))

    def _start(self, number: int) -> None:
        like = next(self.task.teacher(self.context.precision).parameters())
        self.net = fresh_network(self.task, self.context, self.method.network, number, like=like).requires_grad_()
        self.speeds = {name: torch.zeros_like(p) for name, p in self.net.named_parameters()}

    def _train(self, u: Tensor, i: int) -> None:
        labels = image_labels(self.task, self.method.ipc)
        count = min(len(u), 256)
        at = stream(len(u), i * count, count, key=self.context.stream("inner"))
        each = replace(self.method.augment, shared=False)
        x = view(self.net, u[at], each, at, key=self.context.stream("inner views", i))
        loss = F.cross_entropy(self.net.head(self.net.backbone(x)), torch.from_numpy(labels[at]).to(u.device))
        parameters = dict(self.net.named_parameters())
        with torch.no_grad():
            for name, g in zip(parameters, torch.autograd.grad(loss, tuple(parameters.values())), strict=True):
                self.speeds[name].mul_(0.5).add_(g)
                parameters[name].sub_(self.method.net_lr * self.speeds[name])
