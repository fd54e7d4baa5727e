"""What recovery minimises: a feature term and a statistics term, in three forms.

With z_j the features (or s_j the logits) of synthetic image j, b_j its target, w_j its mass, and for each group g of
images and each layer l the synthetic and real moments (mu, v) and (mu*, v*):

- `paper` (Liu et al. 2025, as printed): sum_j |z_j - b_j|^2 + lambda sum_g sum_l (|mu - mu*|^2 + |v - v*|^2).
- `official` (the authors' code): |Z - B|_F over the whole batch + lambda sum_l mean_g (|mu - mu*| + |v - v*|),
  norms not squared, so the balance of the terms depends on the batch.
- `normalised`: sum_g [ sum_j w_j |z_j - b_j|^2 / tv_g + lambda mean_l mean_k W(l, k) / v*_k ], where tv_g is the total
  variance of the group's real features and W = (mu - mu*)^2 + (sqrt v - sqrt v*)^2 the squared Wasserstein distance
  between the channel's two Gaussians: every term is a share of the real data's own spread.

Without targets (SRe2L) the feature term is the cross-entropy of the labels, in the same places. With `overall` (EDC's
soft category-aware matching) the statistics term is balance x that of all images as one group + (1 - balance) x that of
the groups.

With the pairing `transport` an image is not tied to one target: instead of |z_j - b_j|^2 stands its share in the best
plan T of this step between the images of its class and their targets,

    sum_i T_ji |z_j - b_i|^2 / w_j = |z_j - c_j|^2 + sum_i T_ji |b_i - c_j|^2 / w_j,    c_j = sum_i T_ji b_i / w_j,

so that sum_j w_j (...) is the squared 2-Wasserstein distance of the two. Both sides have the masses that the form gives
the images: w where it is `normalised`, equal ones where it counts each image once. The fixed pairing is one of the
plans, so no term is larger than with it. The gradient is that of the plan held, 2 (z_j - c_j).

With the pairing `mean` it is |sum_i w_i (z_i - b_i)|^2 for every image j of a class, with the same masses: the squared
maximum mean discrepancy of the two under a linear kernel, for which all images of one mean feature are alike.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64
from torch import Tensor
from torch.autograd.function import once_differentiable

from wddkit.codec import unknown
from wddkit.ot.costs import sqeuclidean
from wddkit.ot.plan import solve
from wddkit.stages.statistics import Moments, synthetic_moments

Form: TypeAlias = Literal["paper", "official", "normalised"]
Pairing: TypeAlias = Literal["fixed", "transport", "mean"]


@dataclass(frozen=True, eq=False)
class Block:
    """The images that are optimised together, and what they are drawn to; tensors on the network's device."""

    indices: np.ndarray  # [b] positions in the distilled set
    labels: Tensor  # [b]
    share: Tensor  # [g, b] mass of each image within its group, rows sum to 1
    targets: Tensor | None  # [b, d] support points, or None: the labels are the target
    spread: Tensor  # [b] total variance of the real features of the image's group
    real: Mapping[str, tuple[Tensor, Tensor]]  # layer -> mean [g, k], variance [g, k]; layers left out do not count
    pairing: Pairing = "fixed"  # image j to target j, to those that the best plan of the step gives it, or their means
    overall: "Block | None" = None  # the same images as one group, whose statistics count beside those of the groups
    balance: float = 0.5  # how much they count

    @functools.cached_property
    def weight(self) -> Tensor:
        """What each image's squared distance counts in the normalised form [b]: its mass over the spread."""
        return self.share.sum(dim=0) / self.spread

    @functools.cached_property
    def classes(self) -> tuple[np.ndarray, ...]:
        """Positions in the block of each class's images."""
        labels = self.labels.cpu().numpy()
        return tuple(np.flatnonzero(labels == c) for c in np.unique(labels))

    @functools.cached_property
    def support(self) -> Float64[np.ndarray, "b d"]:
        """The targets where plans are found: on the CPU."""
        assert self.targets is not None
        return _host(self.targets)

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
        spread = variance + floor
        return Flat(torch.cat(means, dim=1), variance, floor, spread.sqrt(), 1 / (spread * sizes[layer]), member)


@dataclass(frozen=True, eq=False)
class Flat:
    """Real moments [groups, channels of all layers], and which channel is whose."""

    mean: Tensor
    variance: Tensor
    floor: Tensor
    std: Tensor  # sqrt(variance + floor)
    weight: Tensor  # 1 / ((variance + floor) * channels of the layer)
    member: Tensor  # [channels, layers], 1 where the channel is the layer's


@dataclass(frozen=True)
class Weights:
    """How the terms are added up."""

    form: Form = "normalised"
    statistics: float = 1.0
    cross_entropy: float = 0.0  # added to the feature term, as the authors' code can
    flatness: float = 0.0  # of `wddkit.stages.flatness`, added by `recover`

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise unknown("form of the loss", self.form, get_args(Form))


def objective(
    block: Block,
    features: Tensor,
    logits: Tensor | None,
    moments: Mapping[str, Tensor],
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
    squared = target_distances(block, features, form)
    if form == "official":
        # The norm's gradient at 0 is not defined; below the clamp it is 0.
        return squared.sum().clamp_min(1e-12).sqrt()
    return squared.sum() if form == "paper" else (block.weight * squared).sum()


def target_distances(block: Block, features: Float[Tensor, "b d"], form: Form) -> Float[Tensor, " b"]:
    """Each image's squared distance to its target; with the pairing `transport`, a mean over its share of the plan.

    With the pairing `mean`, that of its class's mean feature to the mean of the targets.
    """
    assert block.targets is not None
    if block.pairing == "fixed":
        return (features - block.targets).square().sum(dim=1)
    if block.pairing == "mean":
        same = (block.labels[:, None] == block.labels).to(features)
        share = same * (block.share.sum(dim=0) if form == "normalised" else 1)
        share = share / share.sum(dim=1, keepdim=True)  # [b, b], rows sum to 1
        return (share @ (features - block.targets)).square().sum(dim=1)
    c, apart = (torch.from_numpy(each).to(features) for each in _transported(block, _host(features), form))
    return (features - c).square().sum(dim=1) + apart


def _transported(
    block: Block, z: Float64[np.ndarray, "b d"], form: Form
) -> tuple[Float64[np.ndarray, "b d"], Float64[np.ndarray, " b"]]:
    """The c_j of the best plans, and sum_i T_ji |b_i - c_j|^2 / w_j."""
    b, w = block.support, _host(block.share.sum(dim=0)) if form == "normalised" else np.ones(len(z))
    c, apart = b.copy(), np.zeros(len(z))
    for own in block.classes:
        at = own[w[own] > 0]  # an image without mass keeps its target, and counts nothing
        C = sqeuclidean(z[at], b[at])
        if (C.argmin(axis=1) == np.arange(len(at))).all():
            continue  # all are nearest to their own target: no plan is better
        masses = w[at] / w[at].sum()
        T = solve(C, masses, masses).plan
        c[at] = T @ b[at] / masses[:, None]
        apart[at] = (T * sqeuclidean(c[at], b[at])).sum(axis=1) / masses
    return c, apart


def _host(tensor: Tensor) -> Float64[np.ndarray, "..."]:
    array: Float64[np.ndarray, "..."] = tensor.detach().double().cpu().numpy()
    return array


def _cross_entropy(block: Block, logits: Tensor, form: Form) -> Tensor:
    """Of the labels, over images as the form's feature term is: only the official mean depends on the block."""
    each = F.cross_entropy(logits, block.labels, reduction="none")
    if form == "official":
        return each.mean()
    return each.sum() if form == "paper" else (block.share.sum(dim=0) * each).sum()


def _statistics(block: Block, moments: Mapping[str, Tensor], form: Form) -> Tensor:
    if not block.real:
        return block.share.new_zeros(())
    term: Tensor = _Statistics.apply(_side_by_side(block, moments), block.share, block.flat, _FORMS[form])
    if block.overall is None:
        return term
    return block.balance * _statistics(block.overall, moments, form) + (1 - block.balance) * term


@torch.no_grad()
def statistics_errors(block: Block, moments: Mapping[str, Tensor]) -> Float[Tensor, "groups layers"]:
    """Each group's error in each of the block's layers; the normalised form adds up their means over layers."""
    real = block.flat
    mean_off, std_off, _ = _offsets(*synthetic_moments(_side_by_side(block, moments), block.share), real)
    return ((mean_off.square() + std_off.square()) * real.weight) @ real.member


def _side_by_side(block: Block, moments: Mapping[str, Tensor]) -> Float[Tensor, "2 n channels"]:
    """All layers' channels in one: the cost is one layer's, not the number of layers times that."""
    return torch.cat([moments[name] for name in block.real], dim=2)


Pull: TypeAlias = Callable[[], tuple[Tensor, Tensor]]
"""-> gradients of a value in the groups' means and variances [groups, channels]."""


class _Statistics(torch.autograd.Function):
    """Image moments -> the statistics term, with a gradient derived by hand.

    On small images a step takes as long as its number of calls, and autograd would double these. With m = W mean and
    v = W square - m^2: dmean = W^T (dm - 2 m dv), dsquare = W^T dv.
    """

    @staticmethod
    def forward(
        ctx: Any, moments: Tensor, share: Tensor, real: Flat, form: Callable[..., tuple[Tensor, Pull]]
    ) -> Tensor:
        mean, variance = synthetic_moments(moments, share)
        value, ctx.pull = form(mean, variance, real)
        ctx.mean, ctx.share = mean, share
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, value: Tensor) -> tuple[Tensor, None, None, None]:
        d_mean, d_variance = ctx.pull()
        both = torch.stack([d_mean - 2 * ctx.mean * d_variance, d_variance])
        return ctx.share.T @ (value * both), None, None, None


def _normalised(mean: Tensor, variance: Tensor, real: Flat) -> tuple[Tensor, Pull]:
    mean_off, std_off, std = _offsets(mean, variance, real)
    weight = real.weight / real.member.shape[1]

    def pull() -> tuple[Tensor, Tensor]:
        return 2 * weight * mean_off, weight * std_off / std

    return ((mean_off.square() + std_off.square()) * weight).sum(), pull


def _offsets(mean: Tensor, variance: Tensor, real: Flat) -> tuple[Tensor, Tensor, Tensor]:
    """How far means and standard deviations are off, and the standard deviations themselves."""
    # Only rounding makes a variance negative; its gradient is that of zero, which leads back.
    std = (variance.clamp_min(0) + real.floor).sqrt()
    return mean - real.mean, std - real.std, std


def _paper(mean: Tensor, variance: Tensor, real: Flat) -> tuple[Tensor, Pull]:
    off = mean - real.mean, variance - real.variance
    return off[0].square().sum() + off[1].square().sum(), lambda: (2 * off[0], 2 * off[1])


def _official(mean: Tensor, variance: Tensor, real: Flat) -> tuple[Tensor, Pull]:
    off, groups = (mean - real.mean, variance - real.variance), len(mean)
    norms = [(d.square() @ real.member).clamp_min(1e-12).sqrt() for d in off]

    def pull() -> tuple[Tensor, Tensor]:
        # A norm's gradient at 0 is not defined; at the clamp it is 0.
        d_mean, d_variance = (
            d * (((norm > 1e-6) / norm / groups) @ real.member.T) for d, norm in zip(off, norms, strict=True)
        )
        return d_mean, d_variance

    return (norms[0] + norms[1]).sum() / groups, pull


_FORMS: dict[Form, Callable[[Tensor, Tensor, Flat], tuple[Tensor, Pull]]] = {
    "paper": _paper,
    "official": _official,
    "normalised": _normalised,
}


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
