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

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from wddkit.codec import unknown
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
    real: Mapping[str, tuple[Tensor, Tensor]]  # layer -> mean [g, k], variance [g, k]; layers left out do not count

    @functools.cached_property
    def flat(self) -> "Flat":
        """The real moments with all layers' channels side by side."""
        means, variances = zip(*self.real.values(), strict=True)
        # A floor of a thousandth of the layer's mean variance: channels that are dead on real data must not dominate.
        floors = [(1e-3 * v.mean(dim=1, keepdim=True) + 1e-12).expand_as(v) for v in variances]
        sizes = torch.tensor([v.shape[1] for v in variances], device=self.share.device)
        layer = torch.repeat_interleave(torch.arange(len(sizes), device=sizes.device), sizes)
        member = F.one_hot(layer, len(sizes)).to(self.share.dtype)
        variance, floor = torch.cat(variances, dim=1), torch.cat(floors, dim=1)
        return Flat(torch.cat(means, dim=1), variance, floor, variance + floor, member)


@dataclass(frozen=True, eq=False)
class Flat:
    """Real moments [groups, channels of all layers], and which channel is whose."""

    mean: Tensor
    variance: Tensor
    floor: Tensor
    spread: Tensor  # variance + floor
    member: Tensor  # [channels, layers], 1 where the channel is the layer's


@dataclass(frozen=True)
class Weights:
    """How the terms are added up."""

    form: Form = "normalised"
    statistics: float = 1.0
    cross_entropy: float = 0.0  # added to the feature term, as the authors' code can

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise unknown("form of the loss", self.form, get_args(Form))


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
        terms["cross_entropy"] = _cross_entropy(block, logits, weights.form)
    terms["statistics"] = _statistics(block, moments, weights.form)
    loss = terms["feature"] + weights.statistics * terms["statistics"]
    if "cross_entropy" in terms:
        loss = loss + weights.cross_entropy * terms["cross_entropy"]
    return {"loss": loss, **terms}


def _feature(block: Block, features: Tensor, logits: Tensor | None, form: Form) -> Tensor:
    if block.targets is None:
        assert logits is not None
        return _cross_entropy(block, logits, form)
    squared = (features - block.targets).square().sum(dim=1)
    if form == "official":
        # The norm's gradient at 0 is not defined; below the clamp it is 0.
        return squared.sum().clamp_min(1e-12).sqrt()
    return squared.sum() if form == "paper" else (block.share.sum(dim=0) * squared / block.spread).sum()


def _cross_entropy(block: Block, logits: Tensor, form: Form) -> Tensor:
    """Of the labels, over images as the form's feature term is: only the official mean depends on the block."""
    each = F.cross_entropy(logits, block.labels, reduction="none")
    if form == "official":
        return each.mean()
    return each.sum() if form == "paper" else (block.share.sum(dim=0) * each).sum()


def _statistics(block: Block, moments: Mapping[str, tuple[Tensor, Tensor]], form: Form) -> Tensor:
    if not block.real:
        return block.share.new_zeros(())
    errors = statistics_errors(block, moments, form)
    if form == "normalised":
        return errors.mean(dim=1).sum()
    return errors.sum() if form == "paper" else errors.mean(dim=0).sum()


def statistics_errors(
    block: Block, moments: Mapping[str, tuple[Tensor, Tensor]], form: Form
) -> Float[Tensor, "groups layers"]:
    """Each group's error in each of the block's layers; what the form adds up.

    All layers' channels stand side by side, so that the cost is one layer's, not the number of layers times that.
    """
    names = list(block.real)
    mean, square = (torch.cat([moments[name][part] for name in names], dim=1) for part in (0, 1))
    mean, variance = synthetic_moments(mean, square, block.share)
    real = block.flat
    d_mean = (mean - real.mean).square()
    if form == "normalised":
        d_std = ((variance.clamp_min(0) + real.floor).sqrt() - real.spread.sqrt()).square()
        return ((d_mean + d_std) / real.spread) @ (real.member / real.member.sum(dim=0))
    d_variance = (variance - real.variance).square()
    if form == "paper":
        return (d_mean + d_variance) @ real.member
    # The norm's gradient at 0 is not defined; below the clamp it is 0.
    roots = [(d @ real.member).clamp_min(1e-12).sqrt() for d in (d_mean, d_variance)]
    return roots[0] + roots[1]


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
