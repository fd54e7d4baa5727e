"""A residual network for images of 8 to 96 px (He et al. 2016, section 4.2, with one block a stage)."""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from wddkit.nets.base import Network, Norm, norm_layer, pooling_layer


class BasicBlock(nn.Module):
    """ReLU(conv-norm-ReLU-conv-norm(x) + shortcut(x)); the first convolution and the shortcut have the stride."""

    def __init__(self, channels: int, width: int, *, stride: int, size: int, norm: Norm):
        super().__init__()
        bias = norm == "none"
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=bias)
        self.norm1 = norm_layer(norm, width, size=size)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.norm2 = norm_layer(norm, width, size=size)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            conv = nn.Conv2d(channels, width, 1, stride=stride, bias=bias)
            self.shortcut = nn.Sequential(conv, norm_layer(norm, width, size=size))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n width h2 w2"]:
        """The block's maps."""
        y = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
        out: Tensor = self.relu(y + self.shortcut(x))
        return out


def resnet_small(network: Network, *, channels: int, size: int) -> tuple[nn.Module, int]:
    """A 3x3 stem without pooling, stages of one basic block, then one vector an image; and that vector's length.

    Every stage but the first halves the maps, rounding up, until they are 1 px. It has 2 depth + 2 layers with
    weights: ResNet-8 by default (16, 32, 64 channels), ResNet-10 for depth=4. Convolutions start as in torchvision's
    ResNets: normal of variance 2 / (k^2 x channels out).
    """
    depth, width = network.depth or 3, network.width or 16
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    stages["conv"] = nn.Conv2d(channels, width, 3, padding=1, bias=network.norm == "none")
    stages["norm"] = norm_layer(network.norm, width, size=size)
    stages["relu"] = nn.ReLU()
    channels = width
    for i in range(1, depth + 1):
        stride = 2 if i > 1 and size > 1 else 1
        size = -(-size // stride)
        stages[f"stage{i}"] = BasicBlock(channels, width, stride=stride, size=size, norm=network.norm)
        channels, width = width, width * network.growth
    stages["features"], features = pooling_layer(network.pooling, channels, size=size)
    backbone = nn.Sequential(stages)
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return backbone, features
