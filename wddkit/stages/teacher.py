"""Squeeze: train the teacher on the real set; embed: its features of any images."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from wddkit.augment import Augment
from wddkit.data import ImageSet
from wddkit.data.sets import Normalisation
from wddkit.nets import Net, Network, build
from wddkit.seeds import derive
from wddkit.stages.training import Tick, Training, accuracy, hard_loss, pixels, predict, silent, train


@dataclass(frozen=True)
class Teacher:
    """The network that is squeezed and how it is trained."""

    network: Network = Network()
    training: Training = Training(steps=900, batch=64, lr=4e-3, augment=Augment(crop=(0.6, 1.0), shift=0.1))


def squeeze(
    real: ImageSet,
    teacher: Teacher,
    *,
    classes: int,
    normalisation: Normalisation,
    seed: int,
    device: torch.device,
    tick: Tick = silent,
) -> Net:
    """A teacher trained on the real set with hard labels, in evaluation mode and frozen."""
    _, channels, size, _ = real.images.shape
    net = build(
        teacher.network,
        classes=classes,
        channels=channels,
        size=size,
        normalisation=normalisation,
        seed=derive(seed, "teacher", "weights"),
    ).to(device)
    loss = hard_loss(torch.from_numpy(real.labels).to(device))
    images = pixels(real.images, like=next(net.parameters()))
    train(net, images, loss, teacher.training, seed=derive(seed, "teacher"), tick=tick, stage="squeeze")
    return freeze(net)


def freeze(net: Net) -> Net:
    """The same network in evaluation mode, without gradients of its parameters."""
    return net.eval().requires_grad_(requires_grad=False)


def features(net: Net, images: np.ndarray) -> Float64[np.ndarray, "n d"]:
    """Penultimate vectors of 8-bit images, float64 as the transport layer takes them."""
    return predict(net, images, part="embed").double().cpu().numpy()


__all__ = ["Teacher", "accuracy", "features", "freeze", "squeeze"]
