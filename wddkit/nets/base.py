"""What every network is made of: its description, its common shell, and its arrays for storage."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from wddkit.codec import unknown

Norm = Literal["batch", "instance", "group", "layer", "none"]
Pooling = Literal["mean", "flatten"]


@dataclass(frozen=True)
class Network:
    """A description of a network, as it stands in a config: the name of a family and its choices.

    Layer i (from 0) of `convnet` and stage i of `resnet-small` has width * growth^i channels; where None, depth is
    3 and width 32 or 16. Features are the mean over all positions, or all positions side by side (`flatten`).
    torchvision's networks are fixed: beside the name they take only `weights`, the name of stored ones.
    """

    name: str = "convnet"
    depth: int | None = None
    width: int | None = None
    growth: int = 2
    norm: Norm = "batch"
    pooling: Pooling = "mean"
    weights: str | None = None

    def __post_init__(self) -> None:
        for field, value in (("depth", self.depth), ("width", self.width), ("growth", self.growth)):
            if value is not None and value < 1:
                raise ValueError(f"{field} of network {self.name!r} must be at least 1, got {value}")
        if self.norm not in get_args(Norm):
            raise unknown(f"norm of network {self.name!r}", self.norm, get_args(Norm))
        if self.pooling not in get_args(Pooling):
            raise unknown(f"pooling of network {self.name!r}", self.pooling, get_args(Pooling))


class Net(nn.Module):
    """A network of any family: pixels in [0, 1] -> normalised pixels -> features -> logits."""

    mean: Float[Tensor, "1 c 1 1"]
    std: Float[Tensor, "1 c 1 1"]

    def __init__(self, backbone: nn.Module, head: nn.Linear, *, mean: tuple[float, ...], std: tuple[float, ...]):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))
        self.backbone = backbone
        self.head = head

    @property
    def features(self) -> int:
        """The length d of a feature vector."""
        return self.head.in_features

    def normalise(self, x: Shaped[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """(x - mean) / std for pixels in [0, 1]; ValueError for 8-bit pixels or another number of channels."""
        if not x.is_floating_point():
            raise ValueError(f"networks take floating-point pixels in [0, 1], got {x.dtype}; divide 8-bit ones by 255")
        if x.ndim != 4 or x.shape[1] != self.mean.shape[1]:
            raise ValueError(
                f"this network takes images of shape [n, {self.mean.shape[1]}, height, width], got {list(x.shape)}; "
                f"convert the images or build it for their number of channels"
            )
        return (x - self.mean) / self.std

    def embed(self, x: Shaped[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The features of pixels in [0, 1]: the input of the last linear layer."""
        z: Tensor = self.backbone(self.normalise(x))
        return z

    def forward(self, x: Shaped[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """The logits of pixels in [0, 1]: head(embed(x))."""
        logits: Tensor = self.head(self.embed(x))
        return logits


class _SideBySide(nn.Module):
    """The features of several backbones, one after the other."""

    def __init__(self, backbones: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(backbones)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The vector (z_1, ..., z_k)."""
        return torch.cat([member(x) for member in self.members], dim=1)


def committee(nets: Sequence[Net]) -> Net:
    """Several networks as one: their features side by side, the mean of their logits, the first one's normalisation."""
    first, k = nets[0], len(nets)
    head = nn.Linear(sum(net.features for net in nets), first.head.out_features)
    with torch.no_grad():
        head.weight.copy_(torch.cat([net.head.weight for net in nets], dim=1) / k)
        head.bias.copy_(torch.stack([net.head.bias for net in nets]).mean(dim=0))
    mean, std = (tuple(each.flatten().tolist()) for each in (first.mean, first.std))
    return Net(_SideBySide([net.backbone for net in nets]), head, mean=mean, std=std)


def norm_layer(norm: Norm, channels: int, *, size: int) -> nn.Module:
    """The affine normalisation layer for maps [n, channels, size, size]; the identity for `none`.

    batch: over images and positions; instance: over positions; group: over positions and the channels of one of
    4 groups (fewer where 4 does not divide them); layer: over positions and channels. ValueError where a group
    would be one value: value minus mean is 0 there, so nothing of the image would pass.
    """
    if norm == "none":
        return nn.Identity()
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    groups = {"instance": channels, "group": math.gcd(4, channels), "layer": 1}[norm]
    if channels // groups * size * size == 1:
        raise ValueError(
            f"{norm} norm of {channels} channels on maps of 1 px erases every feature (each value is its own mean); "
            f"use a smaller depth, or norm='batch' or 'layer'"
        )
    return nn.GroupNorm(groups, channels)


class PositionMean(nn.Module):
    """The mean of each channel over all positions."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c"]:
        """One vector an image."""
        return x.mean(dim=(2, 3))  # not AdaptiveAvgPool2d: vmap has no rule for it with channels last


def pooling_layer(pooling: Pooling, channels: int, *, size: int) -> tuple[nn.Module, int]:
    """The layer that makes one vector of the last maps [n, channels, size, size], and its length."""
    if pooling == "flatten":
        return nn.Flatten(1), channels * size * size
    return PositionMean(), channels


def normalisation_layers(net: nn.Module) -> dict[str, nn.Module]:
    """Name -> batch, instance, group or layer norm of any module, in the order of registration.

    Statistics are taken of the inputs of these layers.
    """
    kinds = (nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm, nn.LayerNorm)
    return {name: module for name, module in net.named_modules() if isinstance(module, kinds)}


def to_arrays(net: nn.Module) -> dict[str, np.ndarray]:
    """A copy of all parameters and buffers by name, ready for safetensors."""
    return {name: value.detach().cpu().numpy().copy() for name, value in net.state_dict().items()}


def from_arrays(net: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Sets all parameters and buffers of `net` to what `to_arrays` gave.

    Raises ValueError naming every array (up to 5) that is missing, unknown, or of another shape or type; then `net`
    stays as it was.
    """
    state = net.state_dict()
    problems = [f"{name!r} is missing" for name in state if name not in arrays]
    problems += [f"{name!r} is unknown" for name in arrays if name not in state]
    for name, value in state.items():
        wanted = (str(value.dtype).removeprefix("torch."), tuple(value.shape))
        if name in arrays and wanted != (got := (str(arrays[name].dtype), arrays[name].shape)):
            problems.append(f"{name!r} should be {wanted[0]} of shape {wanted[1]}, is {got[0]} of {got[1]}")
    if problems:
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise ValueError(
            f"these arrays do not fit the network: {'; '.join(problems[:5])}{more}. "
            f"Build it with the Network, classes, channels and size that they were written with"
        )
    with torch.no_grad():
        for name, value in state.items():
            value.copy_(torch.from_numpy(np.array(arrays[name])))


def size_bytes(net: nn.Module) -> int:
    """Bytes of all parameters and buffers."""
    return sum(value.numel() * value.element_size() for value in (*net.parameters(), *net.buffers()))
