"""Evaluate: train fresh students on a distilled set under a protocol and test them once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from wddkit.augment import Augment
from wddkit.data import DistilledSet, ImageSet
from wddkit.data.pixels import square
from wddkit.data.sets import LabelRegime, Normalisation
from wddkit.nets import Net, Network, build
from wddkit.seeds import derive
from wddkit.stages.relabel import with_soft_labels, with_views
from wddkit.stages.training import Loss, Tick, Training, accuracy, pixels, silent, train


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
        if self.temperature <= 0 or self.views < 1 or self.students < 1:
            raise ValueError(f"protocol: expected temperature > 0, views and students of at least 1; got {self}")

    @property
    def title(self) -> str:
        """The name, or else the label regime."""
        return self.name or self.labels


@dataclass(frozen=True)
class Trained:
    """What the students of one set reached."""

    accuracies: tuple[float, ...]  # percent, on the test set after the last step
    per_class: tuple[tuple[float, ...], ...]  # percent, by student


def evaluate_students(
    distilled: DistilledSet,
    test: ImageSet,
    protocol: Protocol,
    *,
    normalisation: Normalisation,
    teacher: Net,
    seed: int,
    device: torch.device,
    tick: Tick = silent,
) -> Trained:
    """Accuracies of `protocol.students` fresh students trained on the set, after their last step.

    Student i of every set starts from the same weights and sees the same order and views (seeds are paired), so
    that differences between sets are differences between their images and labels.
    """
    distilled = labelled(distilled, protocol, teacher, seed=seed)
    training_set, test = resized(distilled.training, protocol.resize), resized(test, protocol.resize)
    found, per_class = [], []
    for i in range(protocol.students):
        net = build(
            protocol.network,
            classes=len(distilled.classes),
            channels=training_set.images.shape[1],
            size=training_set.images.shape[2],
            normalisation=normalisation,
            seed=derive(seed, "student", i, "weights"),
        ).to(device)
        images = pixels(training_set.images, like=next(net.parameters()))
        train(
            net,
            images,
            label_loss(distilled, protocol, teacher),
            protocol.training,
            seed=derive(seed, "student", i),
            weights=_weights(distilled, device) if protocol.masses else None,
            views=_stored(distilled) if protocol.labels == "views" else None,
            tick=tick,
            stage=f"student {i + 1}/{protocol.students}",
        )
        found.append(accuracy(net, test.images, test.labels))
        each = [accuracy(net, test.images[at], test.labels[at]) for c in range(len(distilled.classes)) if len(at := test.of_class(c))]
        per_class.append(tuple(each))
    return Trained(tuple(found), tuple(per_class))


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
        labels = table(distilled.training.labels)
        return lambda s, x, at, number: F.cross_entropy(s, labels[at], reduction="none")
    if protocol.labels == "online":

        def online(s: Tensor, x: Tensor, at: np.ndarray, number: np.ndarray) -> Tensor:
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
