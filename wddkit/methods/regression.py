"""Kernel inducing points: images and labels that make kernel ridge regression predict the real set."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from wddkit.augment import stream
from wddkit.methods.base import Context, Family, Fidelity, Snapshot, State, Task, check_ipc
from wddkit.methods.pixels import Report, move_pixels, random_positions
from wddkit.stages.descent import Descent
from wddkit.stages.recover import to_normalised


@dataclass(frozen=True)
class KIP:
    """Dataset meta-learning from kernel ridge regression (Nguyen et al., ICLR 2021, arXiv 2011.00050).

    min over X_s, y_s of 1/2 | y_t - K_ts (K_ss + lambda I)^-1 y_s |^2 / n_t, K the tangent kernel of an infinitely wide
    ReLU network. For fixed images the best labels are a least-squares solution in closed form; they are solved anew at
    every step and held fixed in its gradient, which is exact at their optimum (the envelope theorem). All classes are
    one problem. `reg` is lambda as a share of the mean diagonal of K_ss.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "joint"
    family: ClassVar[Family] = "performance"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Nguyen et al., ICLR 2021, arXiv 2011.00050"
    step_cost: ClassVar[str] = "a kernel matrix of the images and a batch of real ones"

    ipc: int = 10
    steps: int = 200
    lr: float = 0.04
    depth: int = 2  # hidden layers of the network behind the kernel
    reg: float = 1e-4
    batch: int = 1000  # real images a step

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation; each carries the labels that fit its images."""
        check_ipc(task, self.ipc)

        def terms(u: Tensor, step: int) -> dict[str, Tensor]:
            x, y = self._real(task, context, step, like=u)
            weights, prediction = self._fit(u, x, y)
            return {"loss": 0.5 * (y - prediction).square().sum(dim=1).mean(), "label norm": weights.norm()}

        return move_pixels(
            task,
            context,
            task.train.images[random_positions(task, context, self.ipc)],
            terms,
            Descent(steps=self.steps, lr=self.lr),
            method="kip",
            phase="regress",
            resume=resume,
            report=lambda images, step: self._report(task, context, images, step),
        )

    def _fit(self, u: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The best labels of images u for real images x with labels y, and the predictions of x."""
        s = u.flatten(1).double()
        k_ss = tangent_kernel(s, s, depth=self.depth)
        k_ts = tangent_kernel(x.flatten(1).double(), s, depth=self.depth)
        eye = torch.eye(len(s), dtype=s.dtype, device=s.device)
        # Constant in the gradient: as long as the labels are solved for, lambda decides them but not the predictions.
        ridge = self.reg * k_ss.diagonal().mean().detach()
        A = torch.linalg.solve(k_ss + ridge * eye, k_ts.T).T  # [t, s]
        with torch.no_grad():
            gram = A.T @ A
            # A tiny ridge: two equal images leave the labels undetermined.
            labels = torch.linalg.solve(gram + 1e-8 * gram.diagonal().mean() * eye, A.T @ y)
        return labels, A @ labels

    def _real(self, task: Task, context: Context, step: int, *, like: Tensor) -> tuple[Tensor, Tensor]:
        return real_batch(task, context, step, batch=self.batch, like=like)

    def _report(self, task: Task, context: Context, images: np.ndarray, step: int) -> Report:
        """The labels that fit the images as they are saved, and how well."""
        saved = to_normalised(task.teacher(context.precision), images)
        x, y = self._real(task, context, step, like=saved)
        with torch.no_grad():
            fitted, prediction = self._fit(saved, x, y)
        labels = fitted.float().cpu().numpy()
        error = float((prediction.argmax(1) != y.argmax(1)).double().mean())
        return Report({"kernel_error": error}, {"labels": labels}, {"soft": labels, "soft_kind": "values"})


def real_batch(task: Task, context: Context, step: int, *, batch: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Normalised training images that a step is to see, all of them in turn, and their centred labels in float64."""
    n = len(task.train)
    count = min(batch, n)
    at = stream(n, step * count, count, key=context.stream("real"))
    x = to_normalised(task.teacher(context.precision), task.train.images[at])
    y = torch.from_numpy(centred(task.train.labels[at], len(task.classes))).to(like.device)
    return x, y


def tangent_kernel(a: Tensor, b: Tensor, *, depth: int) -> Tensor:
    """Neural tangent kernel [a, b] of a fully connected ReLU network with `depth` hidden layers (Jacot et al. 2018).

    With Sigma_0 = Theta_0 = a b^T / d and the arc-cosine kernels of Cho and Saul (2009) for a layer of He's weights:
    Sigma_l = |a||b| (sin t + (pi - t) cos t) / pi, Theta_l = Theta_{l-1} (pi - t) / pi + Sigma_l, t the angle between
    a and b in layer l - 1. The norms |a|, |b| stay as they are from layer to layer.
    """
    d = a.shape[1]
    # Clamped before the root, whose gradient at an image that is 0 throughout is not finite.
    norm_a, norm_b = ((x.square().sum(1) / d).clamp_min(1e-24).sqrt() for x in (a, b))
    norms = norm_a.unsqueeze(1) * norm_b.unsqueeze(0)
    sigma = theta = a @ b.T / d
    for _ in range(depth):
        # The margin keeps the gradient of acos finite where an image meets itself. It takes a 1e-7th off the diagonal;
        # a margin of 1e-9 would take a 1e-5th, no longer small beside `reg`.
        cosine = (sigma / norms).clamp(-1 + 1e-14, 1 - 1e-14)
        angle = torch.acos(cosine)
        sigma = norms * (torch.sin(angle) + (torch.pi - angle) * cosine) / torch.pi
        theta = theta * (torch.pi - angle) / torch.pi + sigma
    return theta


def centred(labels: np.ndarray, classes: int) -> Float64[np.ndarray, "n classes"]:
    """One-hot labels less their mean 1/classes, as KIP regresses on."""
    centred: Float64[np.ndarray, "n classes"] = np.eye(classes)[labels] - 1 / classes
    return centred
