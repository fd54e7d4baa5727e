"""What recovery minimises: a feature term and a statistics term, in three forms.

With z_j the features (or s_j the logits) of synthetic image j, b_j its target, w_j its mass, and for each group g of
images and each layer l the synthetic and real moments (mu, v) and (mu*, v*):

- `paper` (Liu et al. 2025, as printed): sum_j |z_j - b_j|^2 + lambda sum_g sum_l (|mu - mu*|^2 + |v - v*|^2).
- `official` (the authors' code): |Z - B|_F over the whole batch + lambda sum_l mean_g (|mu - mu*| + |v - v*|),
  norms not squared, so the balance of the terms depends on the batch.
- `normalised`: sum_g [ sum_j w_j |z_j - b_j|^2 / tv_g + lambda mean_l mean_k W(l, k) / v*_k ], where tv_g is the total
  variance of the group's real features and W = (mu - mu*)^2 + (sqrt v - sqrt v*)^2 the squared Wasserstein distance
  between the channel's two Gaussians: every term is a share of the real data's own spread.

Without targets (SRe2L) the feature term is the cross-entropy of the labels, in the same places.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from wddkit.stages.statistics import Moments, synthetic_moments

Form: TypeAlias = Literal["paper", "official", "normalised"]


@dataclass(frozen=True, eq=False)
class Block:
    """The images that are optimised together, and what they are drawn to; tensors on the network's device."""

    indices: np.ndarray  # [b] positions in the distilled set
    labels: Tensor  # [b]
    share: Tensor  # [g, b] mass of each image within its group, rows sum to 1
    targets: Tensor | None  # [b, d] support points, or None: the labels are the target
    spread: Tensor  # [b] total variance of the real features of the image's group
    real: Mapping[str, tuple[Tensor, Tensor]]  # layer -> mean [g, k], variance [g, k]


@dataclass(frozen=True)
class Weights:
    """How the terms are added up."""

    form: Form = "normalised"
    statistics: float = 1.0
    cross_entropy: float = 0.0  # added to the feature term, as the authors' code can


def objective(
    block: Block,
    features: Tensor,
    logits: Tensor | None,
    moments: Mapping[str, tuple[Tensor, Tensor]],
    weights: Weights,
) -> dict[str, Tensor]:
    """The loss and its terms: {"loss", "feature", "statistics"} and "cross_entropy" where it counts."""
    terms = {"feature": _feature(block, features, logits, weights.form)}
    if block.targets is not None and weights.cross_entropy and logits is not None:
        terms["cross_entropy"] = F.cross_entropy(logits, block.labels)
    terms["statistics"] = _statistics(block, moments, weights.form)
    loss = terms["feature"] + weights.statistics * terms["statistics"]
    if "cross_entropy" in terms:
        loss = loss + weights.cross_entropy * terms["cross_entropy"]
    return {"loss": loss, **terms}


def _feature(block: Block, features: Tensor, logits: Tensor | None, form: Form) -> Tensor:
    mass = block.share.sum(dim=0)
    if block.targets is None:
        assert logits is not None
        each = F.cross_entropy(logits, block.labels, reduction="none")
        return each.mean() if form == "official" else each.sum() if form == "paper" else (mass * each).sum()
    squared = (features - block.targets).square().sum(dim=1)
    if form == "official":
        # The norm's gradient at 0 is not defined; half precision's smallest number keeps it finite.
        return squared.sum().clamp_min(1e-12).sqrt()
    return squared.sum() if form == "paper" else (mass * squared / block.spread).sum()


def _statistics(block: Block, moments: Mapping[str, tuple[Tensor, Tensor]], form: Form) -> Tensor:
    total = block.share.new_zeros(())
    for name, (mean, square) in moments.items():
        total = total + layer_error(*synthetic_moments(mean, square, block.share), *block.real[name], form)
    return total / max(len(moments), 1) if form == "normalised" else total


def layer_error(mean: Tensor, variance: Tensor, real_mean: Tensor, real_variance: Tensor, form: Form) -> Tensor:
    """One layer's part of the statistics term, over groups [g, k]."""
    d_mean = (mean - real_mean).square()
    if form == "normalised":
        # A floor of a thousandth of the layer's mean variance: channels that are dead on real data must not dominate.
        floor = 1e-3 * real_variance.mean(dim=1, keepdim=True) + 1e-12
        spread = real_variance + floor
        d_std = ((variance.clamp_min(0) + floor).sqrt() - spread.sqrt()).square()
        return ((d_mean + d_std) / spread).mean(dim=1).sum()
    d_variance = (variance - real_variance).square()
    if form == "paper":
        return d_mean.sum() + d_variance.sum()
    return (d_mean.sum(1).clamp_min(1e-12).sqrt() + d_variance.sum(1).clamp_min(1e-12).sqrt()).mean()


def real_moments(
    statistics: Mapping[str, Moments], groups: np.ndarray | None, *, like: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """Real moments of these classes, or of all together for None, as tensors with the type and device of `like`."""
    out = {}
    for name, moments in statistics.items():
        chosen = moments.overall() if groups is None else moments
        rows = np.arange(1) if groups is None else groups
        out[name] = (
            torch.from_numpy(chosen.mean[rows]).to(like.device, like.dtype),
            torch.from_numpy(chosen.variance[rows]).to(like.device, like.dtype),
        )
    return out
