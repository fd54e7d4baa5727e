"""One supervised loop: teachers and students are trained by it alike."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from wddkit.augment import Augment, apply, draw, stream
from wddkit.codec import unknown
from wddkit.seeds import derive

Optimiser: TypeAlias = Literal["adamw", "sgd"]
Schedule: TypeAlias = Literal["cosine", "constant", "step"]
Tick: TypeAlias = Callable[[str, int, int, Mapping[str, Any]], None]  # stage, steps done, steps in all, scalars


def silent(stage: str, done: int, total: int, scalars: Mapping[str, Any]) -> None:
    """The tick of those who do not look."""


@dataclass(frozen=True)
class Training:
    """How a network is trained: steps of one batch, a warm-up, then a cosine to zero."""

    steps: int = 500
    batch: int = 100
    optimiser: Optimiser = "adamw"
    lr: float = 2e-3
    weight_decay: float = 0.01
    momentum: float = 0.9  # of sgd; adamw keeps its (0.9, 0.999)
    warmup: float = 0.05  # share of the steps
    schedule: Schedule = "cosine"  # step: a tenth from half way on, as DC and DM train
    augment: Augment = Augment()

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or not self.lr > 0 or not 0 <= self.warmup <= 1:
            raise ValueError(
                f"training: expected steps and batch of at least 1, lr above 0 and warmup in [0, 1]; got {self}"
            )
        if self.optimiser not in get_args(Optimiser):
            raise unknown("optimiser of training", self.optimiser, get_args(Optimiser))
        if self.schedule not in get_args(Schedule):
            raise unknown("schedule of training", self.schedule, get_args(Schedule))


Loss: TypeAlias = Callable[[Tensor, Tensor, np.ndarray, np.ndarray], Tensor]
"""loss(outputs of the net, views, positions of the batch's images, number of each view) -> one value an image."""


def hard_loss(labels: Int64[Tensor, " n"]) -> Loss:
    """The cross-entropy of each image's own label."""
    return lambda logits, _, positions, __: F.cross_entropy(logits, labels[positions], reduction="none")


def train(
    net: nn.Module,
    images: Float[Tensor, "n c h w"],
    loss: Loss,
    training: Training,
    *,
    seed: int,
    weights: Float[Tensor, " n"] | None = None,
    views: "Callable[[np.ndarray, np.ndarray], np.ndarray] | None" = None,
    tick: Tick = silent,
    stage: str = "train",
) -> None:
    """Trains the network in place on views of `images` (pixels in [0, 1], on the network's device).

    The batch of a step and the views in it are pure functions of (seed, step, position), so that a run needs no
    sampler state. `views(positions, numbers)` gives stored view parameters instead of fresh ones.
    """
    optimiser = _optimiser(net, training)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, training))
    n = len(images)
    batch = min(training.batch, n)
    order, view = derive(seed, "order"), derive(seed, "views")
    net.train()
    with _layers_seeded(images.device, derive(seed, "layers")):
        for step in range(training.steps):
            positions = stream(n, step * batch, batch, key=order)
            numbers = (step * batch + np.arange(batch)) // n  # how often the stream had shown all images before
            if views:
                parameters = views(positions, numbers)
            else:  # one view for all images of a step must still differ from step to step
                key = derive(view, step) if training.augment.shared else view
                parameters = draw(training.augment, positions + n * numbers, key=key)
            x = images[torch.from_numpy(positions).to(images.device)]
            if views or not training.augment.is_identity:
                x = apply(x, torch.from_numpy(parameters).to(images.device))
            value = _mean(loss(net(x), x, positions, numbers), None if weights is None else weights[positions])
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            scheduler.step()
            tick(stage, step + 1, training.steps, {"loss": value.detach()})
    net.eval()


@torch.no_grad()
def predict(net: nn.Module, images: np.ndarray | Tensor, *, part: str = "forward", batch: int = 500) -> Tensor:
    """Outputs of the network in evaluation mode for uint8 images [n, c, h, w], on the network's device.

    `part`: "forward" for logits, "embed" for features.
    """
    net.eval()
    reference = next(net.parameters())
    call = getattr(net, part)
    out = [
        call(pixels(images[start : start + batch], like=reference)) for start in range(0, max(len(images), 1), batch)
    ]
    return torch.cat(out)


def accuracy(net: nn.Module, images: np.ndarray | Tensor, labels: Int64[np.ndarray, " n"]) -> float:
    """Share of images whose largest logit is their label's, in percent."""
    found = predict(net, images).argmax(dim=1).cpu().numpy()
    return float(100 * np.mean(found == labels))


def pixels(images: np.ndarray | Tensor, *, like: Tensor) -> Tensor:
    """8-bit images as numbers in [0, 1], with the type and device of `like`."""
    tensor = torch.from_numpy(np.ascontiguousarray(images)) if isinstance(images, np.ndarray) else images
    return tensor.to(like.device).to(like.dtype) / 255


@contextmanager
def _layers_seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Own draws for layers that take torch's global generators (dropout, stochastic depth); those stay as they were."""
    cuda = [torch.cuda.default_generators[device.index]] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=[device.index] if cuda else []):
        # Not torch.manual_seed: that would seed other accelerators' generators as well.
        for generator in (torch.default_generator, *cuda):
            generator.manual_seed(seed)
        yield


def _mean(each: Tensor, weights: Tensor | None) -> Tensor:
    """The mean over a batch; 0 if all its weights are."""
    if weights is None:
        return each.mean()
    return (each * weights).sum() / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)


def _optimiser(net: nn.Module, training: Training) -> torch.optim.Optimizer:
    parameters = [p for p in net.parameters() if p.requires_grad]
    if training.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, lr=training.lr, momentum=training.momentum, weight_decay=training.weight_decay
        )
    return torch.optim.AdamW(parameters, lr=training.lr, weight_decay=training.weight_decay, fused=True)


def _rate(step: int, training: Training) -> float:
    warm = round(training.warmup * training.steps)
    if step < warm:
        return (step + 1) / warm
    if training.schedule == "constant":
        return 1.0
    if training.schedule == "step":
        return 1.0 if step < training.steps // 2 else 0.1
    return 0.5 * (1 + float(np.cos(np.pi * (step - warm) / max(1, training.steps - warm))))
