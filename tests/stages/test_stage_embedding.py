"""Features of images under any module: ours, foreign ones, and layers by name."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_toys import Mixed, noise, tiny_net
from torch import nn

from wddkit.data import ImageSet
from wddkit.stages.embedding import embed

IMAGES = noise(7)
PIXELS = torch.from_numpy(IMAGES).float() / 255


def foreign():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 6))
        return nn.Sequential(body, nn.Dropout(0.5), nn.Linear(6, 2), nn.Softmax(dim=1))


def test_a_network_of_ours_gives_its_penultimate_vectors():
    net = tiny_net()
    np.testing.assert_allclose(embed(net, IMAGES), net.embed(PIXELS), rtol=1e-5, atol=1e-6)
    assert np.array_equal(embed(net, ImageSet(IMAGES, np.zeros(7, np.int64))), embed(net, IMAGES))


def test_a_foreign_module_gives_the_input_of_its_last_linear_layer():
    net = foreign()
    expected = net.eval()[0](PIXELS).detach()
    net.train()
    np.testing.assert_allclose(embed(net, IMAGES), expected, rtol=1e-5, atol=1e-6)


def test_a_module_without_linear_layers_gives_its_output():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d(2))
    np.testing.assert_allclose(embed(net, IMAGES), net(PIXELS).flatten(1).detach(), rtol=1e-5, atol=1e-6)
    assert np.array_equal(embed(nn.Flatten(), PIXELS), PIXELS.flatten(1).numpy())  # and none has to have parameters


def test_a_named_layer_gives_its_output_flattened():
    net = foreign()
    expected = net.eval()[0][0](PIXELS).flatten(1).detach()
    np.testing.assert_allclose(embed(net, IMAGES, "0.0"), expected, rtol=1e-5, atol=1e-6)
    ours = tiny_net()
    np.testing.assert_allclose(embed(ours, IMAGES, "head"), ours(PIXELS), rtol=1e-5, atol=1e-5)


@settings(max_examples=8)
@given(st.integers(1, 8))
def test_features_do_not_depend_on_the_batching(batch):
    for module in (tiny_net(), foreign()):
        np.testing.assert_allclose(embed(module, IMAGES, batch=batch), embed(module, IMAGES), rtol=1e-4, atol=1e-5)


def test_bytes_are_scaled_and_floats_taken_as_they_are():
    module = foreign()
    for floats in (PIXELS, PIXELS.numpy(), PIXELS.double(), PIXELS.numpy().astype(np.float64)):
        np.testing.assert_allclose(embed(module, floats), embed(module, IMAGES), rtol=1e-5, atol=1e-6)
    assert embed(module, torch.from_numpy(IMAGES)).dtype == np.float32


def test_no_images_have_no_features():
    assert embed(tiny_net(), noise(0)).shape == (0, 8)


def test_every_part_stays_in_the_mode_it_was_in():
    module = foreign().train()
    module[0][1].eval()  # frozen batch norm in a network that trains
    before = [part.training for part in module.modules()]
    averages = module[0][1].running_mean.clone()
    embed(module, IMAGES)
    with pytest.raises(ValueError, match="unknown layer"):
        embed(module, IMAGES, "nothing")
    assert [part.training for part in module.modules()] == before
    assert torch.equal(module[0][1].running_mean, averages)
    assert not any(part._forward_hooks for part in module.modules())


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("heda", "unknown layer 'heda'. Did you mean 'head'? Known: backbone, backbone.conv1"),
        ("backbone.pol2", "unknown layer 'backbone.pol2'. Did you mean 'backbone.pool2'?"),
    ],
)
def test_a_layer_that_is_not_there_is_refused_with_the_nearest(layer, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        embed(tiny_net(), IMAGES, layer)


class Unused(nn.Module):
    """A module that never calls its linear layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.spare = nn.Conv2d(3, 2, 3), nn.Linear(2, 2)

    def forward(self, x):
        return self.conv(x)


@pytest.mark.parametrize("layer", [None, "spare"])
def test_a_layer_that_is_not_called_is_refused_by_name(layer):
    with pytest.raises(ValueError, match="layer 'spare' was not called by the module's forward pass; choose another"):
        embed(Unused(), IMAGES, layer)
    assert embed(Unused(), IMAGES, "conv").shape == (7, 72)


def test_modules_with_channels_last_inside_work_as_well():
    module = Mixed()
    found = []
    handle = module.head.register_forward_hook(lambda _, inputs, __: found.append(inputs[0].detach()))
    module.eval()(PIXELS)
    handle.remove()
    np.testing.assert_allclose(embed(module, IMAGES), found[0], rtol=1e-5, atol=1e-6)
