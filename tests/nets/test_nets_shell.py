"""The shell that all networks share: pixels -> normalised -> features -> logits, and arrays for storage."""

import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from wddkit.nets import Network, from_arrays, size_bytes, to_arrays


def pixels(n, channels, size, seed=0):
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["convnet", "resnet-small", "resnet18"])
def test_logits_are_the_head_of_the_features_of_the_normalised_pixels(make, name):
    net, x = make(name).eval(), pixels(3, 3, 8)
    mean, std = torch.tensor([0.2, 0.3, 0.4]).view(1, 3, 1, 1), torch.tensor([0.5, 0.6, 0.7]).view(1, 3, 1, 1)
    torch.testing.assert_close(net.normalise(x), (x - mean) / std, rtol=0, atol=0)
    torch.testing.assert_close(net.embed(x), net.backbone((x - mean) / std), rtol=0, atol=0)
    torch.testing.assert_close(net(x), net.head(net.embed(x)), rtol=0, atol=0)
    assert net.embed(x).shape == (3, net.features)


def test_the_normalisation_travels_with_the_network_and_is_not_trained(make):
    net = make()
    assert {"mean", "std"} <= set(net.state_dict())
    assert not {"mean", "std"} & {name for name, _ in net.named_parameters()}


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), "pixels in [0, 1], got torch.uint8; divide 8-bit ones by 255"),
        (torch.zeros(2, 1, 8, 8), "takes images of shape [n, 3, height, width], got [2, 1, 8, 8]; convert"),
        (torch.zeros(3, 8, 8), "takes images of shape [n, 3, height, width], got [3, 8, 8]"),
    ],
)
def test_pixels_that_are_no_batch_of_the_right_kind_are_refused(make, x, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()(x)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_arrays_carry_a_network_through_safetensors(make, norm):
    trained, fresh, x = make(seed=1, norm=norm), make(seed=2, norm=norm), pixels(4, 3, 8)
    trained(x)  # in train mode: the running statistics of batch norm change
    from_arrays(fresh, load(save(to_arrays(trained))))
    for (name, a), b in zip(trained.state_dict().items(), fresh.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert torch.equal(trained.eval()(x), fresh.eval()(x))


def test_arrays_are_a_copy_that_training_does_not_touch(make):
    net = make()
    arrays = to_arrays(net)
    before = arrays["head.weight"].copy()
    with torch.no_grad():
        net.head.weight.add_(1)
    assert np.array_equal(arrays["head.weight"], before)
    from_arrays(net, arrays)
    with torch.no_grad():
        net.head.weight.add_(1)
    assert np.array_equal(arrays["head.weight"], before)


def without(arrays):
    del arrays["head.bias"]


def with_another(arrays):
    arrays["tail"] = np.zeros(1, np.float32)


def of_another_shape(arrays):
    arrays["head.bias"] = np.zeros(7, np.float32)


def of_another_type(arrays):
    arrays["head.bias"] = np.zeros(10)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without, "do not fit the network: 'head.bias' is missing. Build it with the Network, classes, channels"),
        (with_another, "'tail' is unknown"),
        (of_another_shape, "'head.bias' should be float32 of shape (10,), is float32 of (7,)"),
        (of_another_type, "'head.bias' should be float32 of shape (10,), is float64 of (10,)"),
    ],
)
def test_arrays_that_do_not_fit_are_named_and_change_nothing(make, damage, message):
    arrays, net = to_arrays(make(seed=1)), make(seed=2)
    damage(arrays)
    before = to_arrays(net)
    with pytest.raises(ValueError, match=re.escape(message)):
        from_arrays(net, arrays)
    assert all(np.array_equal(before[name], value) for name, value in to_arrays(net).items())


def test_of_many_arrays_that_do_not_fit_five_are_named(make):
    with pytest.raises(ValueError, match=r"'mean' is missing; 'std' is missing; .*; and 20 more\. Build"):
        from_arrays(make(), {})  # 25: mean and std, 3 x (convolution 2, batch norm 5), head 2


def test_size_counts_parameters_and_buffers(make):
    net = make(norm="batch", depth=1, width=4, channels=1, pooling="mean")
    floats = 2 + (4 * 9 + 4) + (4 + 4 + 4 + 4) + (4 * 10 + 10)  # mean, std; conv; batch norm; head
    assert size_bytes(net) == 4 * floats + 8  # and its counter of batches, one int64


def hand_worked(channels, size, width, depth, classes):
    convolutions = [9 * (channels if i == 0 else width) * width + width for i in range(depth)]
    positions = Fraction(size, 2**depth) ** 2
    return sum(convolutions) + 2 * width * depth + int(positions * width) * classes + classes


@pytest.mark.parametrize(("channels", "expected"), [(1, 317_706), (3, 320_010)])
def test_the_convnet_of_the_published_tables_has_their_number_of_parameters(make, channels, expected):
    options = {"width": 128, "growth": 1, "norm": "instance", "pooling": "flatten"}
    net = make(channels=channels, size=32, **options)
    assert hand_worked(channels, 32, 128, 3, 10) == expected
    assert sum(p.numel() for p in net.parameters()) == expected
    assert net.features == 128 * 4 * 4


@pytest.mark.parametrize("name", ["convnet", "resnet-small"])
def test_depth_width_and_growth_set_the_channels(make, name):
    assert make(name, size=16, depth=2, width=6, growth=3).features == 18
    assert make(name, size=16).features == {"convnet": 128, "resnet-small": 64}[name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 0}, "depth of network 'convnet' must be at least 1, got 0"),
        ({"width": -2}, "width of network 'convnet' must be at least 1, got -2"),
        ({"growth": 0}, "growth of network 'convnet' must be at least 1, got 0"),
        ({"norm": "btach"}, "unknown norm of network 'convnet' 'btach'. Did you mean 'batch'?"),
        ({"pooling": "max"}, "unknown pooling of network 'convnet' 'max'. Known: flatten, mean"),
    ],
)
def test_descriptions_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Network(**options)
