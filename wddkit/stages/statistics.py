"""Exact per-class statistics of the inputs of every normalisation layer, and their match on the synthetic side."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

from wddkit.nets import normalisation_layers
from wddkit.stages.training import pixels


@dataclass(frozen=True)
class Moments:
    """Mean and biased variance of each channel, by class: of one layer's input over images and positions."""

    mean: Float64[np.ndarray, "classes channels"]
    variance: Float64[np.ndarray, "classes channels"]
    count: Float64[np.ndarray, " classes"]

    def overall(self) -> "Moments":
        """Statistics of all classes together, by the law of total variance."""
        share = (self.count / self.count.sum())[:, None]
        mean = (share * self.mean).sum(axis=0, keepdims=True)
        variance = (share * (self.variance + (self.mean - mean) ** 2)).sum(axis=0, keepdims=True)
        return Moments(mean, variance, self.count.sum(keepdims=True))


class _Square(torch.autograd.Function):
    """Mean and mean square over the last axis, with a backward of one pass.

    Autograd through `x.mean()` and `(x * x).mean()` would write two gradients of x's size and a copy of x^2.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x)
        return _mean_and_square(x)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, mean: Tensor, square: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]  # untyped in torch
        n = x.shape[-1]
        return torch.addcmul((mean / n).unsqueeze(-1), x, (2 / n * square).unsqueeze(-1))


class _FrozenNorm(torch.autograd.Function):
    """scale x + shift over channels [n, k, p], and x's mean and mean square: batch norm in evaluation mode, measured.

    One backward serves both, in two passes over x; apart they take five.
    """

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, x: Tensor, scale: Tensor, shift: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(x, scale)
        return torch.addcmul(shift, x, scale), *_mean_and_square(x)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, y: Tensor, mean: Tensor, square: Tensor
    ) -> tuple[Tensor, None, None]:
        x, scale = ctx.saved_tensors  # type: ignore[attr-defined]  # untyped in torch
        n = x.shape[-1]
        gradient = torch.addcmul((mean / n).unsqueeze(-1), x, (2 / n * square).unsqueeze(-1))
        return gradient.addcmul_(y, scale), None, None


def _mean_and_square(x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.to(torch.promote_types(x.dtype, torch.float32))  # half precision is squared and added up in single
    return x.mean(dim=-1), x.square().mean(dim=-1)


def image_moments(layer: nn.Module, x: Tensor) -> tuple[Float[Tensor, "n channels"], Float[Tensor, "n channels"]]:
    """Mean and mean square of each image's channels over positions, whatever the layer's axis of channels."""
    if type(layer) is nn.LayerNorm and x.ndim > 2:
        x = x.movedim(-1, 1)
    if not torch.is_grad_enabled():
        x = x.double()  # real statistics are taken once: E[x^2] - E[x]^2 loses digits in single precision
    if x.ndim == 2:
        return x, x.square()
    mean, square = _Square.apply(x.flatten(2))
    return mean, square


@contextmanager
def captured(net: nn.Module) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """Fills a dict, layer by layer, with the image moments of each normalisation layer's input as the net is called."""
    found: dict[str, tuple[Tensor, Tensor]] = {}

    def hook_for(name: str) -> object:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            found[name] = image_moments(layer, inputs[0])

        return hook

    def forward_for(name: str, layer: nn.BatchNorm2d) -> object:
        def forward(x: Tensor) -> Tensor:
            y, mean, square = _FrozenNorm.apply(x.flatten(2), *_scale_and_shift(layer, x))
            found[name] = mean, square
            normalised: Tensor = y.view_as(x)
            return normalised

        return forward

    undo: list[Callable[[], object]] = []
    for name, layer in normalisation_layers(net).items():
        if torch.is_grad_enabled() and _is_frozen(layer):
            vars(layer)["forward"] = forward_for(name, layer)  # on this object alone, until the context ends
            undo.append(functools.partial(vars(layer).pop, "forward"))
        else:
            hook = layer.register_forward_pre_hook(hook_for(name))  # type: ignore[arg-type]  # torch's type is a union
            undo.append(hook.remove)
    try:
        yield found
    finally:
        for each in undo:
            each()


def _is_frozen(layer: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Whether the layer is an affine map with fixed numbers."""
    return (
        type(layer) is nn.BatchNorm2d
        and not layer.training
        and layer.running_var is not None
        and not any(parameter.requires_grad for parameter in layer.parameters())
    )


def _scale_and_shift(layer: nn.BatchNorm2d, like: Tensor) -> tuple[Tensor, Tensor]:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    scale = torch.rsqrt(layer.running_var + layer.eps)
    scale = scale * layer.weight if layer.affine else scale
    shift = -layer.running_mean * scale
    shift = shift + layer.bias if layer.affine else shift
    return scale.to(like.dtype).view(-1, 1), shift.to(like.dtype).view(-1, 1)


@torch.no_grad()
def class_statistics(
    net: nn.Module, images: np.ndarray, labels: Int64[np.ndarray, " n"], *, classes: int, batch: int = 500
) -> dict[str, Moments]:
    """Statistics of every normalisation layer by class, exact for any batching.

    Sums over positions and images are float64; count, mean and M2 of batches are merged (Chan et al. 1979):
    d = m_b - mean, n' = n + n_b, mean' = mean + d n_b / n', M2' = M2 + n_b v_b + d^2 n n_b / n'.
    """
    net.eval()
    reference = next(net.parameters())
    merged: dict[str, list[np.ndarray]] = {}
    with captured(net) as found:
        for start in range(0, len(images), batch):
            net(pixels(images[start : start + batch], like=reference))
            one_hot = np.eye(classes)[labels[start : start + batch]]
            for name, (mean, square) in found.items():
                block = _grouped(mean.double().cpu().numpy(), square.double().cpu().numpy(), one_hot)
                merged[name] = _merge(merged[name], block) if name in merged else block
    return {
        name: Moments(mean, squares / np.maximum(count, 1)[:, None], count)
        for name, (count, mean, squares) in merged.items()
    }


def _grouped(mean: np.ndarray, square: np.ndarray, one_hot: np.ndarray) -> list[np.ndarray]:
    """Count, mean and M2 of each class, in units of images: every image has the same number of positions."""
    count = one_hot.sum(axis=0)
    total = one_hot.T @ mean
    class_mean = total / np.maximum(count, 1)[:, None]
    within = np.maximum(square - mean**2, 0)  # each image's own variance
    squares = one_hot.T @ (within + (mean - one_hot @ class_mean) ** 2)
    return [count, class_mean, squares]


def _merge(a: list[np.ndarray], b: list[np.ndarray]) -> list[np.ndarray]:
    n = np.maximum(a[0] + b[0], 1)[:, None]
    delta = b[1] - a[1]
    mean = a[1] + delta * b[0][:, None] / n
    return [a[0] + b[0], mean, a[2] + b[2] + delta**2 * a[0][:, None] * b[0][:, None] / n]


def synthetic_moments(
    mean: Float[Tensor, "n channels"], square: Float[Tensor, "n channels"], share: Float[Tensor, "groups n"]
) -> tuple[Float[Tensor, "groups channels"], Float[Tensor, "groups channels"]]:
    """Mean and variance of each group from image moments; `share` [g, i] is image i's mass in group g, rows sum to 1.

    mean_g = sum_i w_gi mean_i; variance_g = sum_i w_gi square_i - mean_g^2.
    """
    group_mean = share @ mean
    return group_mean, share @ square - group_mean.square()


def as_arrays(statistics: Mapping[str, Moments]) -> dict[str, np.ndarray]:
    """The statistics as named arrays, for storing; numbered, because files may sort by name."""
    return {
        f"{i:04d}|{name}|{field}": np.asarray(getattr(moments, field))
        for i, (name, moments) in enumerate(statistics.items())
        for field in ("mean", "variance", "count")
    }


def from_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, Moments]:
    """The inverse of `as_arrays`, layers in their order."""
    names = sorted({key.rpartition("|")[0] for key in arrays})
    return {
        name.partition("|")[2]: Moments(*(arrays[f"{name}|{field}"] for field in ("mean", "variance", "count")))
        for name in names
    }
