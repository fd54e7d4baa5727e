"""Recovery: blocks that do not matter, views by position, precision, and numbers of the images as they are saved."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_toys import NORMALISATION, block_of, noise, tiny_net

from wddkit.augment import Augment, apply, draw
from wddkit.nets import Network, build, normalisation_layers
from wddkit.stages.descent import Descent
from wddkit.stages.objective import Weights
from wddkit.stages.recover import bounds, recover, statistics_error, to_normalised, to_pixels, view
from wddkit.stages.statistics import class_statistics

REAL, LABELS = noise(18, seed=5), np.repeat(np.arange(3), 6)
REAL[6:12] //= 2
MASSES = np.array([0.2, 0.8, 0.6, 0.4, 0.5, 0.5])
RICH = Augment(crop=(0.4, 1.0), shift=0.1, flip=0.5, jitter=0.2)


def recovered(net, block, start, *, weights=None, descent=None, stops=None, knobs=None, **options):
    descent = descent or Descent(steps=8, lr=0.05)
    return list(
        recover(
            net,
            start[torch.from_numpy(block.indices)],
            block,
            weights or Weights(),
            descent,
            seed=4,
            stops=frozenset({descent.steps}) if stops is None else stops,
            knobs={} if knobs is None else knobs,
            **options,
        )
    )


def starts(net, n=6, seed=8):
    return to_normalised(net, noise(n, seed=seed))


@pytest.mark.parametrize("form", ["normalised", "paper"])
@pytest.mark.parametrize("target", ["support", "logits"])
@pytest.mark.parametrize("augment", [Augment(), RICH])
def test_classes_in_one_block_or_in_several_give_the_same_pixels(form, target, augment):
    net = tiny_net(dtype=torch.float64)
    descent = Descent(steps=12, lr=0.05, augment=augment, curriculum=True)
    weights = Weights(form, statistics=0.5, cross_entropy=0.1)
    pixels = []
    for layout in ([[0, 1, 2]], [[0, 1], [2]], [[2], [1], [0]]):
        out = torch.empty(6, 3, 8, 8, dtype=torch.float64)
        for classes in layout:
            block = block_of(net, REAL, LABELS, ipc=2, classes=classes, masses=MASSES, target=target)
            (last,) = recovered(net, block, starts(net), weights=weights, descent=descent)
            out[torch.from_numpy(block.indices)] = last.images
        pixels.append(out)
    assert (pixels[0] - starts(net)).abs().max() > 0.05
    for other in pixels[1:]:
        torch.testing.assert_close(other, pixels[0], rtol=0, atol=1e-6)


def test_the_official_form_depends_on_the_block():
    net = tiny_net(dtype=torch.float64)
    weights = Weights("official")
    whole = recovered(net, block_of(net, REAL, LABELS, ipc=2), starts(net), weights=weights)[0].images
    alone = recovered(net, block_of(net, REAL, LABELS, ipc=2, classes=[0]), starts(net), weights=weights)[0].images
    assert (whole[:2] - alone).abs().max() > 1e-3


@pytest.mark.parametrize("norm", ["batch", "group", "instance", "layer", "none"])
@pytest.mark.parametrize("form", ["normalised", "paper", "official"])
def test_every_form_falls_under_every_kind_of_normalisation(norm, form):
    net = tiny_net(norm)
    block = block_of(net, REAL, LABELS, ipc=2, masses=MASSES)
    found = recovered(
        net, block, starts(net), weights=Weights(form), descent=Descent(steps=15), stops=frozenset({1, 15})
    )
    assert found[1].scalars["loss"] < 0.8 * found[0].scalars["loss"]
    assert torch.isfinite(found[1].images).all()


def test_all_classes_may_share_one_group():
    net = tiny_net()
    block = block_of(net, REAL, LABELS, ipc=2, target="logits", groups="all")
    assert block.share.shape == (1, 6)
    # An untrained head has next to no entropy to lose: the statistics are weighted up to be seen.
    options = {"weights": Weights(statistics=100.0), "descent": Descent(steps=40), "stops": frozenset({1, 40})}
    found = recovered(net, block, starts(net), **options)
    assert found[1].scalars["loss"] < 0.8 * found[0].scalars["loss"]
    assert statistics_error(net, noise(6), block).shape == (2,)


def test_real_images_recovered_to_themselves_stay():
    net = tiny_net(dtype=torch.float64)
    start = to_normalised(net, REAL)
    block = block_of(net, REAL, LABELS, ipc=6)  # the support points are the real features, the moments their own
    descent = Descent(steps=3, lr=1e-3, optimiser="sgd")
    (last,) = recovered(net, block, start, descent=descent)
    torch.testing.assert_close(last.images, start, rtol=0, atol=1e-9)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_going_on_from_a_moment_gives_the_same_bits(precision):
    net = tiny_net()
    block = block_of(net, REAL, LABELS, ipc=2)
    options = {"descent": Descent(steps=6, augment=RICH, curriculum=True), "precision": precision}
    whole = recovered(net, block, starts(net), stops=frozenset(range(7)), **options)
    for moment in whole[:-1]:
        rest = recovered(net, block, starts(net), state=moment.state, **options)
        assert torch.equal(rest[-1].images, whole[-1].images)


def test_half_precision_runs_near_single_and_keeps_its_numbers_in_single():
    net = tiny_net()
    block = block_of(net, REAL, LABELS, ipc=2)
    options = {"descent": Descent(steps=4), "stops": frozenset({1, 4})}
    single = recovered(net, block, starts(net), **options)
    half = recovered(net, block, starts(net), precision="bf16", **options)
    assert all(moment.images.dtype == torch.float32 for moment in half)
    assert {value.dtype for name, value in half[-1].state.items() if name != "step"} == {np.dtype(np.float32)}
    assert {"u", "exp_avg", "exp_avg_sq"} <= half[-1].state.keys()
    for name, value in single[0].scalars.items():
        assert half[0].scalars[name] == pytest.approx(value, rel=0.03)
        assert half[0].scalars[name] != value  # or it would not be half precision


def test_pixels_stay_valid():
    net = tiny_net()
    block = block_of(net, REAL, LABELS, ipc=2)
    low, high = bounds(net)
    for moment in recovered(net, block, starts(net), descent=Descent(steps=5, lr=2.0), stops=frozenset(range(6))):
        assert (moment.images >= low).all()
        assert (moment.images <= high).all()
    torch.testing.assert_close(low * net.std + net.mean, torch.zeros_like(net.mean), rtol=0, atol=1e-7)
    torch.testing.assert_close(high * net.std + net.mean, torch.ones_like(net.mean), rtol=0, atol=1e-7)


def test_the_weight_of_statistics_can_be_turned_while_it_runs():
    net = tiny_net()
    block = block_of(net, REAL, LABELS, ipc=2)
    knobs = {"statistics_weight": 0.0}
    (last,) = recovered(net, block, starts(net), knobs=knobs)
    (plain,) = recovered(net, block, starts(net), weights=Weights(statistics=0.0))
    assert torch.equal(last.images, plain.images)
    assert last.scalars["loss"] == pytest.approx(last.scalars["feature"])
    assert not torch.equal(last.images, recovered(net, block, starts(net))[0].images)


def test_views_of_a_step_depend_on_the_position_alone_and_change_from_step_to_step():
    net = tiny_net()
    u, positions = starts(net), np.array([3, 0, 5, 1, 2, 4])
    whole = view(net, u, RICH, np.arange(6), key=7)
    some = view(net, u[torch.from_numpy(positions)], RICH, positions, key=7)
    torch.testing.assert_close(some, whole[torch.from_numpy(positions)])
    assert not torch.equal(whole, view(net, u, RICH, np.arange(6), key=8))
    assert view(net, u, Augment(), np.arange(6), key=7) is u


@pytest.mark.parametrize("augment", [RICH, replace(RICH, jitter=0.0)])
def test_a_view_in_normalised_space_is_the_view_of_the_pixels(augment):
    net = tiny_net(dtype=torch.float64)
    pixels = torch.from_numpy(noise(6)).double() / 255
    parameters = torch.from_numpy(draw(augment, np.arange(6), key=7))
    expected = net.normalise(apply(pixels, parameters))
    found = view(net, net.normalise(pixels), augment, np.arange(6), key=7)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


def test_the_statistics_error_is_the_formula_on_the_saved_images():
    net = tiny_net(dtype=torch.float64)
    saved, own = noise(9, seed=2), np.repeat(np.arange(3), 3)
    block = block_of(net, REAL, LABELS, ipc=3)
    real = class_statistics(net, REAL, LABELS, classes=3)
    synthetic = class_statistics(net, saved, own, classes=3)
    expected = []
    for name in normalisation_layers(net):
        floor = 1e-3 * real[name].variance.mean(axis=1, keepdims=True)
        spread = real[name].variance + floor
        w2 = (synthetic[name].mean - real[name].mean) ** 2
        w2 = w2 + (np.sqrt(synthetic[name].variance + floor) - np.sqrt(spread)) ** 2
        expected.append((w2 / spread).mean())
    np.testing.assert_allclose(statistics_error(net, saved, block), expected, rtol=1e-6)
    np.testing.assert_allclose(statistics_error(net, REAL, block_of(net, REAL, LABELS, ipc=6)), 0, atol=1e-12)


def test_without_layers_there_is_no_error_to_state():
    net = tiny_net()
    block = replace(block_of(net, REAL, LABELS, ipc=2), real={})
    assert statistics_error(net, noise(6), block).shape == (0,)
    assert recovered(net, block, starts(net))[0].scalars["statistics"] == 0


@settings(max_examples=30)
@given(st.tuples(*[st.floats(0, 1)] * 3), st.tuples(*[st.floats(1 / 255, 1)] * 3))
def test_every_saved_value_comes_back_from_normalised_space(mean, std):
    net = build(Network(width=1, depth=1), classes=2, channels=3, size=16, normalisation=(mean, std), seed=0)
    values = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16), (1, 3, 16, 16))
    assert np.array_equal(to_pixels(net, to_normalised(net, values)), values)


def test_numbers_between_two_values_are_rounded_to_the_nearest():
    net = build(Network(width=1, depth=1), classes=2, channels=3, size=2, normalisation=NORMALISATION, seed=0)
    pixels = torch.tensor([-3.0, 0.4, 99.6, 300.0]).view(1, 1, 2, 2).expand(1, 3, 2, 2) / 255
    assert to_pixels(net, net.normalise(pixels))[0, 1].ravel().tolist() == [0, 0, 100, 255]
