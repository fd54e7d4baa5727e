"""The field's ConvNet (Gidaris & Komodakis 2018; Zhao et al. 2021, "Dataset Condensation with Gradient Matching")."""

from collections import OrderedDict

from torch import nn

from wddkit.nets.base import Network, norm_layer, pooling_layer


def convnet(network: Network, *, channels: int, size: int) -> tuple[nn.Module, int]:
    """Layers of [conv 3x3, norm, ReLU, average pool 2x2], then one vector an image; and the length of that vector.

    Pooling stops once the maps are 1 px. width=128, growth=1, norm="instance", pooling="flatten" is the ConvNet of
    the published tables; the defaults (32, 64, 128 channels, batch norm, mean) are for small images on a CPU.
    """
    depth, width = network.depth or 3, network.width or 32
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i in range(1, depth + 1):
        layers[f"conv{i}"] = nn.Conv2d(channels, width, 3, padding=1)
        layers[f"norm{i}"] = norm_layer(network.norm, width, size=size)
        layers[f"relu{i}"] = nn.ReLU()
        if size >= 2:
            layers[f"pool{i}"] = nn.AvgPool2d(2)
            size //= 2
        channels, width = width, width * network.growth
    layers["features"], features = pooling_layer(network.pooling, channels, size=size)
    return nn.Sequential(layers), features
