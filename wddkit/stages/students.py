"""Evaluate: train fresh students on a distilled set under a protocol and test them once."""

import math
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from wddkit.augment import Augment
from wddkit.codec import unknown
from wddkit.data import DistilledSet, ImageSet
from wddkit.data.pixels import square
from wddkit.data.sets import LabelRegime, Normalisation
from wddkit.nets import Net, Network, build
from wddkit.seeds import derive
from wddkit.stages.calibration import Calibration, calibration
from wddkit.stages.relabel import with_soft_labels, with_views
from wddkit.stages.training import Loss, Tick, Training, hard_loss, pixels, predict, silent, train


@dataclass(frozen=True)
class Protocol:
    """Everything that turns a distilled set into an accuracy, so that two sets differ in their images alone.

    `temperature` T softens both sides of the soft-label loss T^2 KL(softmax(t/T) || softmax(s/T)) (Hinton et al. 2015;
    SRe2L and WMDD leave out the factor T^2, which only rescales the step). `views`: stored views an image under the
    regime of that name. `masses`: whether an image's loss is weighted by its mass. `resize`: side in pixels that
    images are brought to first.
    """

    labels: LabelRegime = "online"
    name: str = ""
    network: Network = Network()
    training: Training = Training(augment=Augment(crop=(0.6, 1.0), shift=0.1))
    temperature: float = 4.0
    views: int = 4
    masses: bool = True
    students: int = 3
    resize: int | None = None

    def __post_init__(self) -> None:
        if self.labels not in get_args(LabelRegime):
            raise unknown("label regime", self.labels, get_args(LabelRegime))
        counts = all(isinstance(each, int) and each >= 1 for each in (self.views, self.students))
        if not isinstance(self.temperature, (int, float)) or not self.temperature > 0 or not counts:
            raise ValueError(f"protocol: expected temperature > 0, views and students of at least 1; got {self}")

    @property
    def title(self) -> str:
        """The name, or else the label regime."""
        return self.name or self.labels


@dataclass(frozen=True)
class Trained:
    """What one student reached on the test set after its last step."""

    accuracy: float  # percent
    per_class: tuple[float, ...]  # percent; NaN for a class without test images
    calibration: Calibration


def train_student(
    distilled: DistilledSet,
    test: ImageSet,
    protocol: Protocol,
    *,
    student: int,
    normalisation: Normalisation,
    teacher: Net,
    seed: int,
    tick: Tick = silent,
) -> Trained:
    """Trains student number `student` on the set, on the teacher's device, and tests it once.

    The same student of every set starts from the same weights and sees the same order and views (seeds are paired), so
    that differences between sets are differences between their images and labels.
    """
    distilled = labelled(distilled, protocol, teacher, seed=seed)
    images, test = resized(distilled.training, protocol.resize), resized(test, protocol.resize)
    device = next(teacher.parameters()).device
    net = build(
        protocol.network,
        classes=len(distilled.classes),
        channels=images.images.shape[1],
        size=images.images.shape[2],
        normalisation=normalisation,
        seed=derive(seed, "student", student, "weights"),
    ).to(device)
    train(
        net,
        pixels(images.images, like=next(net.parameters())),
        label_loss(distilled, protocol, teacher),
        protocol.training,
        seed=derive(seed, "student", student),
        weights=_weights(distilled, device) if protocol.masses else None,
        views=_stored(distilled) if protocol.labels == "views" else None,
        tick=tick,
        stage="student",
    )
    return tested(net, test, classes=len(distilled.classes))


def tested(net: Net, test: ImageSet, *, classes: int) -> Trained:
    """Accuracies and calibration of a network from one pass over the test images."""
    logits = predict(net, test.images).cpu()
    right = logits.argmax(dim=1).numpy() == test.labels
    per_class = [100 * float(right[at].mean()) if len(at := test.of_class(c)) else math.nan for c in range(classes)]
    found = calibration(logits.double().numpy(), test.labels)
    return Trained(100 * float(right.mean()), tuple(per_class), found)


def labelled(distilled: DistilledSet, protocol: Protocol, teacher: Net, *, seed: int) -> DistilledSet:
    """The set with the labels that the regime stores; what it already has is kept."""
    if protocol.labels == "soft":
        return with_soft_labels(distilled, teacher)
    if protocol.labels == "views" and (distilled.views is None or distilled.views.logits.shape[1] != protocol.views):
        return with_views(distilled, teacher, protocol.training.augment, count=protocol.views, seed=seed)
    return distilled


def label_loss(distilled: DistilledSet, protocol: Protocol, teacher: Net) -> Loss:
    """The loss of one image under the label regime."""
    device = next(teacher.parameters()).device
    T = protocol.temperature

    def table(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(device)

    if protocol.labels == "hard":
        return hard_loss(table(distilled.training.labels))
    if protocol.labels == "online":

        def online(s: Tensor, x: Tensor, _: np.ndarray, __: np.ndarray) -> Tensor:
            with torch.no_grad():
                t = teacher(x)
            return soft_loss(s, t, T)

        return online
    if protocol.labels == "soft":
        assert distilled.soft is not None  # `labelled` has filled it
        soft = table(distilled.soft)
        if distilled.soft_kind == "values":  # regression targets: the loss they were learned for
            return lambda s, x, at, number: (s - soft[at]).square().sum(dim=1)
        return lambda s, x, at, number: soft_loss(s, soft[at], T)
    assert distilled.views is not None
    logits = table(distilled.views.logits).float()
    return lambda s, x, at, number: soft_loss(s, logits[at, number % logits.shape[1]], T)


def soft_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(t/T) || softmax(s/T)) of each image."""
    s = F.log_softmax(student / temperature, dim=1)
    t = F.log_softmax(teacher / temperature, dim=1)
    return temperature**2 * (t.exp() * (t - s)).sum(dim=1)


def resized(images: ImageSet, size: int | None) -> ImageSet:
    """The set at another size, or as it is."""
    return images if size is None else ImageSet(square(images.images, size), images.labels)


def _weights(distilled: DistilledSet, device: torch.device) -> Tensor | None:
    counts = np.bincount(distilled.training.labels, minlength=len(distilled.classes))
    weights = distilled.training_masses * counts[distilled.training.labels]
    if np.allclose(weights, 1):
        return None
    return torch.from_numpy(weights).float().to(device)


def _stored(distilled: DistilledSet) -> Any:
    assert distilled.views is not None
    parameters = distilled.views.parameters
    return lambda at, number: parameters[at, number % parameters.shape[1]]
