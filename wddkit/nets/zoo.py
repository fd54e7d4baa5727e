"""Networks by name: our own families and torchvision's, all built alike."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import nn

from wddkit.codec import unknown
from wddkit.nets.base import Net, Network
from wddkit.nets.convnet import convnet
from wddkit.nets.resnet import resnet_small

Normalisation: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]  # mean, std a channel, pixels in [0, 1]
Backbone: TypeAlias = tuple[nn.Module, int]  # normalised pixels -> features, and their length

SMALL = 64  # px: up to here torchvision's ResNets get the small stem
PATCHES = (7, 37)  # a side: from vit_b_32 at 224 px to vit_h_14 at 518 px, the range torchvision has itself


def networks() -> tuple[str, ...]:
    """The names that `build` takes."""
    return tuple(FAMILIES)


def build(network: Network, *, classes: int, channels: int, size: int, normalisation: Normalisation, seed: int) -> Net:
    """A network with fresh weights (or stored ones, if `network.weights` names them), on the CPU, in train mode.

    Weights depend on `seed` alone; the global generators of torch stay as they were. Under `torch.device("meta")`
    only shapes are made, which tells sizes at no cost. With stored weights, `normalisation` should be the one they
    were trained with. Raises ValueError for unknown names, options and sizes that the family does not take, and
    OSError when stored weights cannot be loaded.
    """
    family = _family(network, channels=channels, size=size)
    mean, std = normalisation
    if len(mean) != channels or len(std) != channels or min(std) <= 0:
        raise ValueError(f"normalisation: expected {channels} means and {channels} stds above 0, got {normalisation}")
    if classes < 1:
        raise ValueError(f"classes must be at least 1, got {classes}")
    device = "meta" if torch.get_default_device().type == "meta" else "cpu"
    with torch.device(device), torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed: that would seed the accelerators' generators as well.
        torch.default_generator.manual_seed(seed)
        backbone, features = family.backbone(network, channels=channels, size=size)
        net = Net(backbone, nn.Linear(features, classes), mean=mean, std=std)
    # Channels last makes a training step a fifth to a third shorter on a CPU, but a quarter longer with instance norm.
    return net if network.norm == "instance" else net.to(memory_format=torch.channels_last)


def _resnet(network: Network, *, channels: int, size: int) -> Backbone:
    """A ResNet of torchvision; up to 64 px with a stem of one 3x3 convolution of stride 1 and without max-pooling.

    The usual change for small images (CIFAR): else 32 px would be 8 px wide before the first block. Stored
    weights belong to the 7x7 stem and keep it.
    """
    model = _model(network, size=size)
    if size <= SMALL and network.weights is None:
        model.conv1 = nn.Conv2d(3, model.conv1.out_channels, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
        model.maxpool = nn.Identity()
    _set_channels(model.conv1, channels)
    features: int = model.fc.in_features
    model.fc = nn.Identity()
    return model, features


def _vgg(network: Network, *, channels: int, size: int) -> Backbone:
    """A VGG of torchvision; features are the 4096 values before its last linear layer."""
    model = _model(network, size=size)
    _set_channels(model.features[0], channels)
    features: int = model.classifier[-1].in_features
    model.classifier[-1] = nn.Identity()
    return model, features


def _convnext(network: Network, *, channels: int, size: int) -> Backbone:
    """A ConvNeXt of torchvision; features are the normalised mean over positions."""
    model = _model(network, size=size)
    _set_channels(model.features[0][0], channels)
    features: int = model.classifier[-1].in_features
    model.classifier[-1] = nn.Identity()
    return model, features


def _vit(network: Network, *, channels: int, size: int) -> Backbone:
    """A vision transformer of torchvision; features are the class token after the last layer.

    At 224 px and more the name's patch size where it divides; for smaller images patches that keep at least 7 x 7
    of them: 12 px at 96, 4 px at 32 or 28, 1 px at 8.
    """
    patch = int(network.name.rsplit("_", 1)[1])
    fitting = patch_size(size, at_most=patch) if network.weights is None else patch
    if fitting is None:
        near = sorted((n for n in range(7, 2 * size) if patch_size(n, at_most=patch)), key=lambda n: abs(n - size))
        raise ValueError(
            f"network {network.name!r} cuts images into {PATCHES[0]} to {PATCHES[1]} patches a side of at most "
            f"{patch} px, which does not go for {size} px; the nearest sizes are {sorted(near[:4])}"
        )
    model = _model(network, size=size, image_size=size // fitting * patch)
    if fitting != patch:
        model.image_size, model.patch_size = size, fitting
        model.conv_proj = nn.Conv2d(3, model.hidden_dim, fitting, stride=fitting)
        nn.init.trunc_normal_(model.conv_proj.weight, std=math.sqrt(1 / (3 * fitting**2)))  # as torchvision
        nn.init.zeros_(model.conv_proj.bias)
    _set_channels(model.conv_proj, channels)
    model.heads = nn.Identity()
    return model, int(model.hidden_dim)


def patch_size(size: int, *, at_most: int) -> int | None:
    """The largest patch that divides the image into 7 to 37 patches a side, or None."""
    fitting = (p for p in range(at_most, 0, -1) if size % p == 0 and PATCHES[0] <= size // p <= PATCHES[1])
    return next(fitting, None)


def _model(network: Network, *, size: int, **options: int) -> Any:
    """The network of this name from torchvision: fresh, or with the stored weights that were asked for."""
    from torchvision import models  # here, because it takes a second and our own families do without

    if network.weights is None:
        return models.get_model(network.name, weights=None, **options)
    # Weights without categories lack the layers before the classifier too.
    enum = models.get_model_weights(network.name).__members__
    stored = {name: weights for name, weights in enum.items() if weights.meta["categories"]}
    if network.weights not in stored:
        raise unknown(f"weights of network {network.name!r}", network.weights, stored)
    weights = stored[network.weights]
    if "image_size" in options:
        options = {"image_size": weights.meta["min_size"][0]}
        if size != options["image_size"]:
            raise ValueError(
                f"the weights {network.weights!r} of network {network.name!r} are for images of "
                f"{options['image_size']} px, got {size}; resize the images or build it with weights=None"
            )
    model = models.get_model(network.name, weights=None, **options)
    try:
        # weights_only: reads tensors and executes nothing.
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        model.load_state_dict(state)
    except Exception as error:  # network, disk, hash, reader and mismatch fail with an exception of their own each
        raise OSError(
            f"cannot load the weights {network.weights!r} of network {network.name!r}: "
            f"{type(error).__name__}: {str(error).partition('. ')[0]}. They are looked for in "
            f"{torch.hub.get_dir()}/checkpoints, else at {weights.url}; put them there or build it with weights=None"
        ) from error
    return model


def _set_channels(conv: nn.Conv2d, channels: int) -> None:
    """Makes a first convolution for RGB fit grey images: its kernels are summed over the three channels.

    So the grey network gives what the RGB one gives for three equal channels, with fresh and with stored weights.
    """
    if channels == 1:
        conv.weight = nn.Parameter(conv.weight.detach().sum(dim=1, keepdim=True))
        conv.in_channels = 1


@dataclass(frozen=True)
class Family:
    """Networks that are built in one way: the function, the smallest image in px, and the options they take."""

    backbone: Callable[..., Backbone]  # (network, *, channels, size)
    smallest: int
    options: tuple[str, ...]


OWN = ("depth", "width", "growth", "norm", "pooling")
RESNETS = """resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d resnext101_32x8d resnext101_64x4d
    wide_resnet50_2 wide_resnet101_2"""
VGGS = "vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn"
CONVNEXTS = "convnext_tiny convnext_small convnext_base convnext_large"
VITS = "vit_b_16 vit_b_32 vit_l_16 vit_l_32 vit_h_14"
FAMILIES = {
    "convnet": Family(convnet, 1, OWN),
    "resnet-small": Family(resnet_small, 1, OWN),
    **dict.fromkeys(RESNETS.split(), Family(_resnet, 1, ("weights",))),
    **dict.fromkeys(VGGS.split(), Family(_vgg, 32, ("weights",))),
    **dict.fromkeys(CONVNEXTS.split(), Family(_convnext, 32, ("weights",))),
    **dict.fromkeys(VITS.split(), Family(_vit, PATCHES[0], ("weights",))),
}


def _family(network: Network, *, channels: int, size: int) -> Family:
    """The family of a network, once its options, the channels and the size are known to fit."""
    if network.name not in FAMILIES:
        raise unknown("network", network.name, FAMILIES)
    family = FAMILIES[network.name]
    for field in dataclasses.fields(network):
        value = getattr(network, field.name)
        if field.name not in ("name", *family.options) and value != field.default:
            raise ValueError(
                f"network {network.name!r} takes no {field.name}, got {value!r}; leave it at {field.default!r}"
                + ("" if field.name == "weights" else " or use convnet or resnet-small")
            )
    if channels not in (1, 3):
        raise ValueError(f"networks take 1 channel (grey) or 3 (RGB), got {channels}")
    if size < family.smallest:
        way_out = "" if family.smallest == 1 else "; use convnet or resnet-small"
        raise ValueError(f"network {network.name!r} takes images of at least {family.smallest} px, got {size}{way_out}")
    return family
