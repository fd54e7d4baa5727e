"""Statistics of normalisation layers' inputs: exact for any batching, for every kind of layer."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_toys import Mixed, noise, tiny_net
from torch import nn

from wddkit.nets import normalisation_layers
from wddkit.stages.statistics import (
    Capture,
    Moments,
    as_arrays,
    class_statistics,
    from_arrays,
    image_moments,
    synthetic_moments,
)

IMAGES = noise(13, seed=3)
IMAGES[4:9] //= 3  # classes that differ
LABELS = np.array([2, 0, 2, 0, 1, 1, 1, 1, 1, 2, 0, 2, 2])
CHANNELS_LAST = ("last", "tokens", "vector")
MAKERS = {
    **{norm: lambda norm=norm: tiny_net(norm, dtype=torch.float64) for norm in ("batch", "group", "layer", "instance")},
    "mixed": lambda: Mixed().double(),
    "resnet": lambda: tiny_net("group", dtype=torch.float64, name="resnet-small"),
}


def inputs(net, images=IMAGES):
    """The input of each normalisation layer as NumPy [channels, n, positions], by hooks of our own."""
    found = {}

    def keep(name):
        def hook(layer, args):
            x = args[0].detach().double()
            x = x.movedim(-1, 1) if name in CHANNELS_LAST else x
            found[name] = x.reshape(*x.shape[:2], -1).transpose(0, 1).numpy()

        return hook

    handles = [m.register_forward_pre_hook(keep(name)) for name, m in normalisation_layers(net).items()]
    net.eval()(torch.from_numpy(images).to(next(net.parameters()).dtype) / 255)
    for handle in handles:
        handle.remove()
    return found


def at_once(net, labels=LABELS, classes=3):
    """Mean and variance of each class by NumPy over everything at once."""
    return {
        name: (
            np.stack([x[:, labels == c].mean(axis=(1, 2)) for c in range(classes)]),
            np.stack([x[:, labels == c].var(axis=(1, 2)) for c in range(classes)]),
        )
        for name, x in inputs(net).items()
    }


def assert_same(found, expected, rtol=1e-9):
    assert list(found) == list(expected)
    for name, (mean, variance) in expected.items():
        np.testing.assert_allclose(found[name].mean, mean, rtol=rtol, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(found[name].variance, variance, rtol=rtol, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", MAKERS)
def test_statistics_are_the_moments_of_each_layers_inputs(kind):
    net = MAKERS[kind]()
    found = class_statistics(net, IMAGES, LABELS, classes=3)
    assert_same(found, at_once(net))
    assert all(moments.count.tolist() == [3, 5, 5] for moments in found.values())
    assert len(found) == len(normalisation_layers(net)) > 1


@pytest.mark.parametrize("kind", MAKERS)
def test_statistics_do_not_depend_on_the_batching(kind):
    net = MAKERS[kind]()
    expected = at_once(net)

    @settings(max_examples=8)
    @given(st.integers(1, 14))
    def law(batch):
        assert_same(class_statistics(net, IMAGES, LABELS, classes=3, batch=batch), expected)

    law()


@settings(max_examples=20)
@given(st.permutations(range(13)), st.integers(1, 14))
def test_statistics_do_not_depend_on_the_order_of_images(order, batch):
    net = tiny_net(dtype=torch.float64)
    found = class_statistics(net, IMAGES[order], LABELS[order], classes=3, batch=batch)
    assert_same(found, at_once(net))


def test_statistics_of_a_single_precision_network_are_taken_in_double():
    net = tiny_net()
    assert_same(class_statistics(net, IMAGES, LABELS, classes=3, batch=4), at_once(net), rtol=1e-5)


def test_a_small_spread_about_a_large_mean_is_not_lost_in_single_precision():
    x = 1000 + 0.01 * torch.randn(4, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        mean, square = image_moments(nn.BatchNorm2d(2), x)
    expected = x.double().numpy().var(axis=(2, 3))
    np.testing.assert_allclose((square - mean**2).numpy(), expected, rtol=1e-4)


def test_a_class_without_images_counts_nothing():
    found = class_statistics(tiny_net(), IMAGES, LABELS, classes=5)
    for moments in found.values():
        assert moments.count.tolist() == [3, 5, 5, 0, 0]
        assert (moments.mean[3:] == 0).all()
        assert (moments.variance[3:] == 0).all()


@pytest.mark.parametrize("kind", ["batch", "mixed"])
def test_all_classes_together_obey_the_law_of_total_variance(kind):
    net = MAKERS[kind]()
    by_class = class_statistics(net, IMAGES, LABELS, classes=4, batch=5)
    whole = at_once(net, np.zeros_like(LABELS), 1)
    assert_same({name: moments.overall() for name, moments in by_class.items()}, whole)
    assert all(moments.overall().count.tolist() == [13] for moments in by_class.values())


class Bare(nn.Module):
    """A normalisation layer that sees the pixels themselves."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x):
        return self.norm(x)


def test_an_ordered_sample_keeps_the_variance_between_batches():
    # The average of the variances within batches, as WMDD's code takes it, misses it.
    grey = np.repeat(np.arange(0, 240, 20, dtype=np.uint8), 4).reshape(12, 1, 2, 2)  # every image is even
    net = Bare().double()
    truth = (np.arange(0, 240, 20) / 255).var()
    within = np.mean([(grey[i : i + 3] / 255).var() for i in range(0, 12, 3)])
    ours = class_statistics(net, grey, np.zeros(12, np.int64), classes=1, batch=3)["norm"].variance[0, 0]
    assert ours == pytest.approx(truth, rel=1e-12)
    assert within < 0.06 * truth  # (3^2 - 1) / (12^2 - 1)


@pytest.mark.parametrize("kind", MAKERS)
def test_looking_at_inputs_changes_no_output_and_leaves_nothing_behind(kind):
    net, x = MAKERS[kind]().eval(), torch.from_numpy(IMAGES).double() / 255
    expected = net(x)
    before = {name: dict(vars(layer)) for name, layer in normalisation_layers(net).items()}
    for looking in (torch.no_grad, torch.enable_grad):  # with a gradient, frozen batch norm is measured on its way
        with looking(), Capture(net) as found:
            torch.testing.assert_close(net(x), expected, rtol=1e-12, atol=1e-12)
        assert list(found) == list(normalisation_layers(net))
        found.clear()
        assert torch.equal(net(x), expected)
        with pytest.raises(RuntimeError, match="stop"), looking(), Capture(net) as found:
            raise RuntimeError("stop")
        assert torch.equal(net(x), expected)
        assert not found
    assert {name: vars(layer).keys() for name, layer in normalisation_layers(net).items()} == {
        name: own.keys() for name, own in before.items()
    }


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_measured_batch_norm_has_the_gradient_of_finite_differences(affine, frozen):
    layer = nn.BatchNorm2d(3, affine=affine).double()
    generator = torch.Generator().manual_seed(0)
    layer(3 + 2 * torch.randn(8, 3, 2, 2, dtype=torch.float64, generator=generator))  # running statistics
    for parameter in layer.parameters():
        nn.init.normal_(parameter, generator=generator)
    layer.eval().requires_grad_(not frozen)
    x = torch.randn(2, 3, 2, 2, dtype=torch.float64, generator=generator).requires_grad_()

    def measured(x):
        with Capture(layer) as found:
            y = layer(x)
        return y, *found[""]

    y, mean, square = measured(x)
    torch.testing.assert_close(y, layer(x))
    torch.testing.assert_close(mean, x.mean(dim=(2, 3)))
    torch.testing.assert_close(square, x.square().mean(dim=(2, 3)))
    assert torch.autograd.gradcheck(measured, x)
    if affine and not frozen:
        y.sum().backward()
        assert layer.bias.grad.tolist() == [8, 8, 8]


LAYERS = {
    "maps": (nn.BatchNorm2d(3), (2, 3, 4, 5)),
    "channels last": (nn.LayerNorm(3), (2, 4, 5, 3)),
    "tokens": (nn.LayerNorm(3), (2, 6, 3)),
    "vectors": (nn.LayerNorm(3), (2, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_image_moments_have_the_gradient_of_finite_differences(name):
    layer, shape = LAYERS[name]
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    axis = -1 if isinstance(layer, nn.LayerNorm) else 1
    mean, square = image_moments(layer, x)
    others = [i for i in range(x.ndim) if i not in (0, axis % x.ndim)]
    torch.testing.assert_close(mean, x.mean(dim=others) if others else x)
    torch.testing.assert_close(square, x.square().mean(dim=others) if others else x.square())
    assert torch.autograd.gradcheck(lambda x: image_moments(layer, x), x)
    assert torch.autograd.gradcheck(lambda x: image_moments(layer, x)[1], x)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_moments_of_half_precision_inputs_are_added_up_in_single(dtype):
    x = torch.randn(3, 4, 16, 16, generator=torch.Generator().manual_seed(0)).add(2).to(dtype).requires_grad_()
    mean, square = image_moments(nn.BatchNorm2d(4), x)
    assert (mean.dtype, square.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(mean, x.float().mean(dim=(2, 3)), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(square, x.float().square().mean(dim=(2, 3)), rtol=1e-5, atol=1e-6)
    (mean.sum() + square.sum()).backward()
    assert x.grad.dtype == dtype
    torch.testing.assert_close(x.grad.float(), (1 + 2 * x.detach().float()) / 256, rtol=1e-2, atol=1e-3)


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_synthetic_moments_are_those_of_weighted_images(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5, 3, 4))  # image, channel, position
    share = rng.dirichlet(np.ones(5), size=2)
    share[0, :2] = 0
    share /= share.sum(axis=1, keepdims=True)
    moments = torch.from_numpy(np.stack([x.mean(axis=2), (x**2).mean(axis=2)]))
    mean, variance = synthetic_moments(moments, torch.from_numpy(share))
    for g in range(2):
        weights = np.repeat(share[g], 4)
        for k in range(3):
            values = x[:, k].ravel()
            expected = np.average(values, weights=weights)
            assert float(mean[g, k]) == pytest.approx(expected)
            assert float(variance[g, k]) == pytest.approx(np.average((values - expected) ** 2, weights=weights))


def test_equal_masses_give_the_plain_moments_of_the_images():
    net = tiny_net(dtype=torch.float64)
    with Capture(net) as found, torch.no_grad():
        net(torch.from_numpy(IMAGES).double() / 255)
    share = np.stack([(c == LABELS) / (c == LABELS).sum() for c in range(3)])
    for name, (mean, variance) in at_once(net).items():
        ours = synthetic_moments(found[name], torch.from_numpy(share))
        np.testing.assert_allclose(ours[0], mean, rtol=1e-9)
        np.testing.assert_allclose(ours[1], variance, rtol=1e-9)


def test_arrays_carry_the_statistics_and_the_order_of_layers():
    rng = np.random.default_rng(0)
    names = [f"backbone.{letter}|{i}" for i, letter in enumerate("zyxwvutsrqpo")]  # twelve, against the alphabet
    given_ = {name: Moments(rng.normal(size=(2, 3)), rng.random((2, 3)), np.array([4.0, 5.0])) for name in names}
    arrays = as_arrays(given_)
    found = from_arrays(dict(sorted(arrays.items(), reverse=True)))
    assert list(found) == names
    for name in names:
        for field in ("mean", "variance", "count"):
            assert np.array_equal(getattr(found[name], field), getattr(given_[name], field))
