"""Tiny networks and sets for the tests of this room."""

import numpy as np
import torch
from torch import nn

from wddkit.data import DistilledSet, Split
from wddkit.data.shapes import ShapesConfig, shapes
from wddkit.nets import Net, Network, build
from wddkit.stages.objective import Block, real_moments
from wddkit.stages.statistics import class_statistics
from wddkit.stages.teacher import features, freeze

NORMALISATION = ((0.3, 0.4, 0.5), (0.25, 0.3, 0.2))
CPU = torch.device("cpu")


def network(norm="batch", **options) -> Network:
    return Network(width=4, depth=2, norm=norm, **options)


def tiny_net(norm="batch", *, classes=3, channels=3, size=8, seed=0, dtype=torch.float32, **options) -> Net:
    """A frozen network; batch norm has running statistics of noise, not zero and one."""
    normalisation = (NORMALISATION[0][:channels], NORMALISATION[1][:channels])
    description = network(norm, **options)
    net = build(description, classes=classes, channels=channels, size=size, normalisation=normalisation, seed=seed)
    net.train()(torch.rand(16, channels, size, size, generator=torch.Generator().manual_seed(1)))
    return freeze(net.to(dtype))


def noise(n, channels=3, size=8, *, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, channels, size, size), np.uint8)


def easy(*, classes=4, train=20, test=10, size=12) -> Split:
    """Shapes that a tiny network tells apart in a few steps."""
    config = ShapesConfig(classes=classes, train=train, val=2, test=test, size=size, spread=0.3, modes=(1.0,))
    return shapes(config).split


def distilled_of(split: Split, ipc: int, **options) -> DistilledSet:
    """The first images of each class as a distilled set."""
    rows = np.concatenate([split.train.of_class(c)[:ipc] for c in range(len(split.classes))])
    masses = options.pop("masses", np.full(len(rows), 1 / ipc))
    return DistilledSet(split.train.images[rows], split.train.labels[rows], split.classes, masses, **options)


class Mixed(nn.Module):
    """Layers whose channels stand first, last, or alone."""

    def __init__(self, seed: int = 0):
        super().__init__()
        from torchvision.models.convnext import LayerNorm2d

        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.conv = nn.Conv2d(3, 6, 3)
            self.last = nn.LayerNorm(6)
            self.first = LayerNorm2d(6)
            self.own = nn.InstanceNorm2d(6)
            self.tokens = nn.LayerNorm(6)
            self.vector = nn.LayerNorm(6)
            self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.conv(x)
        x = self.last(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = self.own(self.first(x * 3 + 1).tanh())
        x = self.tokens(x.flatten(2).transpose(1, 2) + 0.5)
        return self.head(self.vector(x.square().mean(dim=1)))


def block_of(net, real, labels, *, ipc, classes=None, masses=None, target="support", groups="class") -> Block:
    """The block of some classes of a set with `ipc` images a class, drawn to features of the first real images."""
    count = int(labels.max()) + 1
    chosen = np.arange(count) if classes is None else np.array(classes)
    indices = np.concatenate([np.arange(c * ipc, (c + 1) * ipc) for c in chosen])
    own, z = np.repeat(chosen, ipc), features(net, real)
    share = (own == chosen[:, None]) * (np.ones(count * ipc) if masses is None else masses)[indices]
    share = share if groups == "class" else share.sum(axis=0, keepdims=True)
    support = np.concatenate([z[np.flatnonzero(labels == c)[:ipc]] for c in range(count)])
    spread = np.array([z[labels == c].var(axis=0).sum() for c in own])

    def tensor(values):
        return torch.from_numpy(values).to(net.mean.dtype)

    return Block(
        indices=indices,
        labels=torch.from_numpy(own),
        share=tensor(share / share.sum(axis=1, keepdims=True)),
        targets=tensor(support[indices]) if target == "support" else None,
        spread=tensor(spread),
        real=real_moments(
            class_statistics(net, real, labels, classes=count), chosen if groups == "class" else None, like=net.mean
        ),
    )
