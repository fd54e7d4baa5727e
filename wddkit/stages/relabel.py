"""Relabel: what the teacher says of distilled images, kept in one of four label regimes.

`hard`: the class; `soft`: one label an image; `views`: k stored augmented views an image, each with its label
(Shen and Xing 2022, as SRe2L and WMDD use it); `online`: the teacher is at hand and labels each view as it comes.
"""

from dataclasses import replace

import numpy as np
import torch

from wddkit.augment import Augment, apply, draw
from wddkit.data import DistilledSet, Views
from wddkit.nets import Net
from wddkit.seeds import derive
from wddkit.stages.training import pixels, predict


def with_soft_labels(distilled: DistilledSet, teacher: Net) -> DistilledSet:
    """The set with the teacher's logits of each training image; labels that a method learned are kept."""
    if distilled.soft is not None:
        return distilled
    logits = predict(teacher, distilled.training.images).float().cpu().numpy()
    return replace(distilled, soft=logits, soft_kind="logits")


@torch.no_grad()
def with_views(distilled: DistilledSet, teacher: Net, augment: Augment, *, count: int, seed: int) -> DistilledSet:
    """The set with `count` stored views of each training image and the teacher's logits (half precision).

    With a shared augmentation, all images share their first view, their second, and so on.
    """
    images = distilled.training.images
    n = len(images)
    positions = np.arange(n * count) % count if augment.shared else np.arange(n * count)
    parameters = draw(replace(augment, shared=False), positions, key=derive(seed, "stored views"))
    reference = next(teacher.parameters())
    logits = []
    for start in range(0, n * count, 500):
        rows = np.arange(start, min(start + 500, n * count))
        views = apply(
            pixels(images[rows // count], like=reference), torch.from_numpy(parameters[rows]).to(reference.device)
        )
        logits.append(teacher(views).half().cpu().numpy())
    table = np.concatenate(logits).reshape(n, count, -1)
    return replace(distilled, views=Views(parameters.reshape(n, count, -1), table))
