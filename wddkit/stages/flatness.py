"""Flatness: images are held to what the teacher said of their own moving average (EDC, eq. 7; after MESA)."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

BETA = 0.99  # share of the average that a step keeps
TAU = 4.0  # temperature of both sides


class Average:
    """The exponential moving average of images over the steps: x_ema <- beta x_ema + (1 - beta) x."""

    def __init__(self, start: Float[Tensor, "b c h w"], state: Mapping[str, np.ndarray] | None = None):
        self.images = start.detach().clone()
        if state is not None:
            self.images.copy_(torch.from_numpy(state["average"].copy()))

    def update(self, u: Float[Tensor, "b c h w"]) -> None:
        """Takes the images of one more step in."""
        self.images = BETA * self.images + (1 - BETA) * u.detach()

    def save(self) -> dict[str, np.ndarray]:
        """A copy, as it travels in the state of a snapshot."""
        return {"average": self.images.cpu().numpy().copy()}


def flatness(logits: Float[Tensor, "b classes"], average: Float[Tensor, "b classes"]) -> Float[Tensor, ""]:
    """KL(softmax(average / tau) || softmax(logits / tau)), a mean over images; `average` is constant in its gradient.

    Paper (eq. 7): the two the other way round. Here: as the authors' code has it, where the average is the teacher.
    """
    t = F.log_softmax(average.detach() / TAU, dim=1)
    return (t.exp() * (t - F.log_softmax(logits / TAU, dim=1))).sum(dim=1).mean()
