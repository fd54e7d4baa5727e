"""Normalisation layers: what they compute, how they are found, and that networks can be stacked."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional
from torchvision.models.convnext import LayerNorm2d

from wddkit.nets import normalisation_layers
from wddkit.nets.base import norm_layer


def maps(n, channels, size, seed=0):
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(seed)) * 3 + 1


def by_definition(x, norm):
    n, c, h, w = x.shape
    if norm == "batch":
        return (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    if norm == "group":
        groups = x.view(n, 2, c // 2, h, w)  # 6 channels: gcd(4, 6) = 2 groups
        mean, var = groups.mean((2, 3, 4), keepdim=True), groups.var((2, 3, 4), correction=0, keepdim=True)
        return ((groups - mean) / (var + 1e-5).sqrt()).view(n, c, h, w)
    return {
        "instance": lambda: functional.instance_norm(x),
        "layer": lambda: functional.layer_norm(x, (c, h, w)),
        "none": lambda: x,
    }[norm]()


@pytest.mark.parametrize("norm", ["batch", "instance", "group", "layer", "none"])
def test_each_norm_is_what_its_name_says(norm):
    x, layer = maps(4, 6, 5), norm_layer(norm, 6, size=5)
    torch.testing.assert_close(layer(x), by_definition(x, norm), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("norm", ["batch", "instance", "group", "layer"])
def test_each_norm_has_a_gain_and_an_offset_a_channel(norm):
    layer = norm_layer(norm, 6, size=5)
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == {"weight": (6,), "bias": (6,)}


def test_group_norm_has_four_groups_where_they_divide_the_channels():
    assert [norm_layer("group", c, size=5).num_groups for c in (8, 6, 3)] == [4, 2, 1]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("convnet", {"norm": "instance", "depth": 4}),
        ("resnet-small", {"norm": "group", "width": 4, "growth": 1, "depth": 4}),
    ],
)
def test_a_norm_that_would_erase_every_feature_is_refused(make, name, options):
    kind = options["norm"]
    with pytest.raises(ValueError, match=rf"{kind} norm of \d+ channels on maps of 1 px erases every feature.*depth"):
        make(name, size=8, **options)


def test_a_deep_convnet_stops_pooling_at_one_pixel(make):
    net = make(depth=5, width=4, growth=1, size=8)
    assert sum(isinstance(m, nn.AvgPool2d) for m in net.modules()) == 3
    assert net(torch.rand(2, 3, 8, 8)).shape == (2, 10)


def test_layers_of_every_kind_are_found_in_the_order_of_registration():
    kinds = {
        "batch": nn.BatchNorm2d(4),
        "block": nn.Sequential(nn.Conv2d(4, 4, 1), nn.GroupNorm(2, 4)),
        "instance": nn.InstanceNorm2d(4),
        "layer2d": LayerNorm2d(4),
        "layer": nn.LayerNorm(4),
        "linear": nn.Linear(4, 2),
    }
    assert list(normalisation_layers(nn.ModuleDict(kinds))) == ["batch", "block.1", "instance", "layer2d", "layer"]


def test_networks_of_both_families_name_their_layers_readably(make):
    assert list(normalisation_layers(make())) == ["backbone.norm1", "backbone.norm2", "backbone.norm3"]
    found = normalisation_layers(make("resnet-small", norm="group", depth=2))
    assert list(found) == [
        "backbone.norm",
        *("backbone.stage1.norm1", "backbone.stage1.norm2"),
        *("backbone.stage2.norm1", "backbone.stage2.norm2", "backbone.stage2.shortcut.1"),
    ]
    assert normalisation_layers(make(norm="none")) == {}
    assert len(normalisation_layers(make("resnet18"))) == 20


@pytest.mark.filterwarnings("error")  # vmap warns where it falls back to a loop
@pytest.mark.parametrize("name", ["convnet", "resnet-small"])
@pytest.mark.parametrize(("norm", "train"), [("batch", False), ("group", True), ("instance", True), ("layer", True)])
def test_stacked_networks_give_what_each_gives_alone(make, name, norm, train):
    nets = [make(name, norm=norm, channels=1, seed=seed).train(train) for seed in (1, 2)]
    x = torch.rand(2, 5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    parameters, buffers = stack_module_state(nets)
    stacked = vmap(lambda p, b, images: functional_call(nets[0], (p, b), (images,)))(parameters, buffers, x)
    alone = torch.stack([net(images) for net, images in zip(nets, x, strict=True)])
    torch.testing.assert_close(stacked, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["convnet", "resnet-small"])
def test_gradients_of_stacked_networks_are_those_of_each_alone(make, name):
    nets = [make(name, norm="group", channels=1, seed=seed) for seed in (1, 2)]
    x = torch.rand(2, 5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(5)
    parameters, buffers = stack_module_state(nets)

    def loss(p, b, images):
        return functional.cross_entropy(functional_call(nets[0], (p, b), (images,)), labels)

    vmap(loss)(parameters, buffers, x).sum().backward()
    for i, net in enumerate(nets):
        functional.cross_entropy(net(x[i]), labels).backward()
        for key, parameter in net.named_parameters():
            torch.testing.assert_close(parameters[key].grad[i], parameter.grad, rtol=1e-3, atol=1e-5)
