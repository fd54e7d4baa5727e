"""Exact per-class statistics of the inputs of every normalisation layer, and their match on the synthetic side."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

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


def image_moments(layer: nn.Module, x: Tensor) -> Float[Tensor, "2 n channels"]:
    """Mean and mean square of each image's channels over positions, whatever the layer's axis of channels."""
    if type(layer) is nn.LayerNorm and x.ndim > 2:
        x = x.movedim(-1, 1)
    if not torch.is_grad_enabled():
        x = x.double()  # real statistics are taken once: E[x^2] - E[x]^2 loses digits in single precision
    moments: Tensor = torch.stack([x, x.square()]) if x.ndim == 2 else _Moments.apply(x.flatten(2).unsqueeze(3))
    return moments


class _Moments(torch.autograd.Function):
    """Mean and mean square of maps [n, k, h, w] over positions, [2, n, k], with a backward of one walk over x.

    Autograd through `x.mean()` and `(x * x).mean()` would write two gradients of x's size and a copy of x^2.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _mean_and_square(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, moments: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        constant, slope = _line(x, moments)
        gradient: Tensor = (x * slope).add_(constant)
        return gradient


class _FrozenNorm(torch.autograd.Function):
    """A batch norm in evaluation mode of maps [n, k, h, w], and the maps' mean and mean square over positions.

    Its backward, gain * dy + 2/p x dsquare + dmean/p with gain the factor of each channel, is one walk over x more
    than the layer's own; autograd's of the three apart takes five.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: nn.BatchNorm2d, gain: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x, gain)
        y = F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias, eps=layer.eps)
        return y, _mean_and_square(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, y: Tensor, moments: Tensor) -> tuple[Tensor, None, None]:
        x, gain = ctx.saved_tensors
        constant, slope = _line(x, moments)
        if x.is_contiguous():  # a call with two operands that are spread over positions would be several times slower
            return (y * gain).addcmul_(x, slope).add_(constant), None, None
        return torch.addcmul(constant, x, slope).addcmul_(y, gain), None, None


def _mean_and_square(x: Tensor) -> Float[Tensor, "2 n k"]:
    x = x.to(torch.promote_types(x.dtype, torch.float32))  # half precision is squared and added up in single
    out = x.new_empty(2, *x.shape[:2])
    torch.sum(x, (2, 3), out=out[0])
    if x.is_contiguous():  # without writing the squares; of channels last that would be many times slower
        torch.linalg.vector_norm(x, dim=(2, 3), out=out[1]).square_()
    else:
        torch.sum(x * x, (2, 3), out=out[1])
    return out.div_(x.shape[2] * x.shape[3])


def _line(x: Tensor, moments: Float[Tensor, "2 n k"]) -> tuple[Tensor, Tensor]:
    """The gradient in x of its moments, constant + slope x, from the gradient in them."""
    constant, slope = (moments / (x.shape[2] * x.shape[3])).view(2, *x.shape[:2], 1, 1)
    return constant, slope.mul_(2)


class Capture:
    """Takes the image moments of each normalisation layer's input while the network is called.

    `with Capture(net) as found: net(x)` fills found[layer], as `image_moments` gives it, in the order of calls. One
    object can be entered again and again, as long as the network's numbers do not change.
    """

    def __init__(self, net: nn.Module):
        self._layers = normalisation_layers(net)
        self._gains = {name: _gain(layer) for name, layer in self._layers.items() if _is_frozen(layer)}
        self._undo: list[Callable[[], object]] = []

    def __enter__(self) -> dict[str, Tensor]:
        """A dict that is filled, layer by layer."""
        found: dict[str, Tensor] = {}
        self._undo = [self._watch(name, layer, found) for name, layer in self._layers.items()]
        return found

    def __exit__(self, *error: object) -> None:
        """Leaves the network as it was."""
        for each in self._undo:
            each()

    def _watch(self, name: str, layer: nn.Module, found: dict[str, Tensor]) -> Callable[[], object]:
        if name in self._gains and torch.is_grad_enabled():

            def forward(x: Tensor) -> Tensor:
                y: Tensor
                y, found[name] = _FrozenNorm.apply(x, layer, self._gains[name])
                return y

            vars(layer)["forward"] = forward  # on this object alone, until the context ends
            return functools.partial(vars(layer).pop, "forward")

        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            found[name] = image_moments(layer, inputs[0])

        return layer.register_forward_pre_hook(hook).remove


def _is_frozen(layer: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Whether the layer is an affine map with fixed numbers."""
    return (
        type(layer) is nn.BatchNorm2d
        and not layer.training
        and layer.running_var is not None
        and not any(parameter.requires_grad for parameter in layer.parameters())
    )


def _gain(layer: nn.BatchNorm2d) -> Float[Tensor, "channels 1 1"]:
    """By what a batch norm in evaluation mode multiplies its input."""
    assert layer.running_var is not None
    gain = torch.rsqrt(layer.running_var + layer.eps)
    return (gain * layer.weight if layer.affine else gain).view(-1, 1, 1)


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
    with Capture(net) as found:
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
    moments: Float[Tensor, "2 n channels"], share: Float[Tensor, "groups n"]
) -> tuple[Float[Tensor, "groups channels"], Float[Tensor, "groups channels"]]:
    """Mean and variance of each group from image moments; `share` [g, i] is image i's mass in group g, rows sum to 1.

    mean_g = sum_i w_gi mean_i; variance_g = sum_i w_gi square_i - mean_g^2.
    """
    mean, square = share @ moments
    return mean, square - mean.square()


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
