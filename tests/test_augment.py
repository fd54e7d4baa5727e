"""Views: parameters as pure functions, crops against `grid_sample`, colours, the curriculum, and the stream."""

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wddkit.augment import Augment, apply, colour, draw, geometry, stream, uniform

SHARES = st.floats(0, 1)
AUGMENTS = st.builds(
    lambda a, b, ratio, shift, flip, jitter, shared: Augment(
        (min(a, b), max(a, b)), ratio, shift, flip, jitter, shared
    ),
    st.floats(0.01, 1),
    st.floats(0.01, 1),
    st.floats(1, 4),
    SHARES,
    SHARES,
    st.floats(0, 0.99),
    st.booleans(),
)
KEYS = st.integers(0, 2**63 - 1)
RICH = Augment(crop=(0.2, 0.9), ratio=1.7, shift=0.3, flip=0.5, jitter=0.4)
IDENTITY = (0.5, 0.5, 0.5, 0.5, 0.0, 1.0, 1.0, 1.0)


def noise(*shape, seed=0, dtype=torch.float32):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@given(AUGMENTS, KEYS, st.permutations(range(12)), st.integers(1, 11))
def test_a_view_depends_on_the_key_and_its_position_alone(augment, key, order, cut):
    whole = draw(augment, np.arange(12), key=key)
    parts = [draw(augment, np.array(part), key=key) for part in (order[:cut], order[cut:])]
    assert np.array_equal(np.concatenate(parts), whole[order])


def test_other_keys_and_positions_give_other_views():
    a, b = draw(RICH, np.arange(50), key=1), draw(RICH, np.arange(50), key=2)
    assert len(np.unique(np.concatenate([a, b]), axis=0)) == 100


@given(AUGMENTS, KEYS)
def test_parameters_are_finite_and_in_range(augment, key):
    p = draw(augment, np.arange(40), key=key).astype(np.float64)
    assert p.shape == (40, 8)
    assert np.isfinite(p).all()
    assert (p[:, 2:4] > 0).all()
    assert set(p[:, 4]) <= {0.0, 1.0}
    assert np.abs(p[:, 5:] - 1).max() <= augment.jitter + 1e-6
    area = 4 * p[:, 2] * p[:, 3]
    assert area.max() <= augment.crop[1] + 1e-6
    # Beyond the image by no more than the shift.
    outside = np.maximum(p[:, 2:4] - p[:, :2], p[:, :2] + p[:, 2:4] - 1)
    assert outside.max() <= augment.shift + 1e-6


def test_without_a_shift_crops_lie_inside_the_image():
    p = draw(Augment(crop=(0.05, 1.0), ratio=3.0), np.arange(2000), key=3).astype(np.float64)
    assert (p[:, :2] - p[:, 2:4]).min() > -1e-7
    assert (p[:, :2] + p[:, 2:4]).max() < 1 + 1e-7


def even(values, low, high):
    """Whether values look drawn evenly from an interval (Kolmogorov-Smirnov, 1 in 1000)."""
    return stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-3


def test_areas_ratios_places_flips_and_colours_are_spread_evenly():
    augment = Augment(crop=(0.1, 0.5), ratio=4 / 3, flip=0.3, jitter=0.4)  # no side reaches the whole image
    y, x, half_height, half_width, flip, *colours = draw(augment, np.arange(4000), key=5).astype(np.float64).T
    assert even(4 * half_height * half_width, 0.1, 0.5)
    assert even(np.log(half_width / half_height), -math.log(4 / 3), math.log(4 / 3))
    assert even((y - half_height) / (1 - 2 * half_height), 0, 1)
    assert even((x - half_width) / (1 - 2 * half_width), 0, 1)
    assert stats.binomtest(int(flip.sum()), 4000, 0.3).pvalue > 1e-3
    assert all(even(factor, 0.6, 1.4) for factor in colours)


def test_columns_are_drawn_independently():
    p = draw(Augment(crop=(0.1, 0.5), shift=0.3, flip=0.5, jitter=0.4), np.arange(8000), key=5)
    found = np.corrcoef(p[:, [0, 1, 2, 4, 5, 6, 7]], rowvar=False)
    assert np.abs(found - np.eye(7)).max() < 0.05


def test_a_shift_moves_evenly_and_keeps_the_size():
    p = draw(Augment(shift=0.2), np.arange(4000), key=1).astype(np.float64)
    assert (p[:, 2:4] == 0.5).all()
    assert even(p[:, 0], 0.3, 0.7)
    assert even(p[:, 1], 0.3, 0.7)


@given(AUGMENTS, KEYS)
def test_a_shared_draw_is_one_for_all_images(augment, key):
    shared = Augment(augment.crop, augment.ratio, augment.shift, augment.flip, augment.jitter, shared=True)
    p = draw(shared, np.array([4, 0, 9]), key=key)
    assert (p == p[0]).all()
    assert np.array_equal(p[:1], draw(shared, np.array([77]), key=key))


def by_grid_sample(images, parameters):
    """The crop and flip by torch's own sampler."""
    p = parameters.to(images.dtype)
    theta = torch.zeros(len(p), 2, 3, dtype=images.dtype)
    theta[:, 0, 0], theta[:, 0, 2] = 2 * p[:, 3] * (1 - 2 * p[:, 4]), 2 * p[:, 1] - 1
    theta[:, 1, 1], theta[:, 1, 2] = 2 * p[:, 2], 2 * p[:, 0] - 1
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


@settings(max_examples=40)
@given(AUGMENTS, KEYS, st.integers(1, 9), st.integers(1, 9))
def test_crops_and_flips_are_those_of_grid_sample(augment, key, height, width):
    images = noise(6, 2, height, width, dtype=torch.float64)
    parameters = torch.from_numpy(draw(augment, np.arange(6), key=key))
    torch.testing.assert_close(
        geometry(images, parameters), by_grid_sample(images, parameters), rtol=0, atol=1e-9, check_dtype=True
    )


def test_crops_and_flips_are_those_of_grid_sample_in_single_precision():
    images, parameters = noise(64, 3, 28, 28), torch.from_numpy(draw(RICH, np.arange(64), key=9))
    torch.testing.assert_close(geometry(images, parameters), by_grid_sample(images, parameters), rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [1, 7, 28, 32])
def test_identity_parameters_give_the_image_back(size):
    images, parameters = noise(3, 3, size, size), torch.tensor([IDENTITY] * 3)
    torch.testing.assert_close(apply(images, parameters), images, rtol=0, atol=1e-5)
    assert np.array_equal(draw(Augment(), np.arange(3), key=1), np.array([IDENTITY] * 3, np.float32))


def test_a_flip_mirrors_the_columns():
    images, parameters = noise(2, 3, 8, 8), torch.tensor([IDENTITY, IDENTITY])
    parameters[:, 4] = 1
    torch.testing.assert_close(apply(images, parameters), images.flip(3))


def test_a_whole_pixel_shift_moves_columns_and_repeats_the_edge():
    images, parameters = noise(1, 1, 4, 4), torch.tensor([IDENTITY])
    parameters[:, 1] += 0.25  # one of four columns
    torch.testing.assert_close(apply(images, parameters), images[..., [1, 2, 3, 3]])


@given(KEYS)
@settings(max_examples=10)
def test_gradients_are_those_of_finite_differences(key):
    images = noise(2, 3, 4, 4, dtype=torch.float64).requires_grad_()
    parameters = torch.from_numpy(draw(RICH, np.arange(2), key=key))
    assert torch.autograd.gradcheck(lambda x: apply(x, parameters), images)


def test_views_come_in_the_type_of_the_images():
    parameters = torch.from_numpy(draw(RICH, np.arange(2), key=0))
    assert apply(noise(2, 3, 4, 4), parameters.double()).dtype == torch.float32
    assert apply(noise(2, 3, 4, 4, dtype=torch.float64), parameters).dtype == torch.float64


def colours(brightness, contrast, saturation, n=4):
    return torch.tensor([[0.5, 0.5, 0.5, 0.5, 0, brightness, contrast, saturation]] * n, dtype=torch.float64)


@given(st.tuples(*[st.floats(0.01, 2)] * 3))
def test_colours_are_those_of_the_formula(factors):
    images = noise(4, 3, 5, 5, dtype=torch.float64)
    brightness, contrast, saturation = factors
    bright = images.numpy() * brightness
    mean = bright.mean(axis=(1, 2, 3), keepdims=True)
    contrasted = mean + (bright - mean) * contrast
    grey = contrasted.mean(axis=1, keepdims=True)
    expected = grey + (contrasted - grey) * saturation
    np.testing.assert_allclose(colour(images, colours(*factors)).numpy(), expected, atol=1e-12)


@given(st.tuples(*[st.floats(0.01, 2)] * 3))
def test_grey_stays_grey(factors):
    images = noise(4, 1, 5, 5, dtype=torch.float64).expand(-1, 3, -1, -1)
    found = colour(images, colours(*factors))
    torch.testing.assert_close(found, found[:, :1].expand(-1, 3, -1, -1), rtol=0, atol=1e-12)
    torch.testing.assert_close(found[:, :1], colour(images[:, :1], colours(*factors)), rtol=0, atol=1e-12)


def test_factors_of_one_change_no_colour_and_of_zero_take_it_away():
    images = noise(4, 3, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(colour(images, colours(1, 1, 1)), images, rtol=0, atol=1e-12)
    assert colour(images, colours(0, 1, 1)).abs().max() == 0
    torch.testing.assert_close(colour(images, colours(1, 1, 0)).std(dim=1), torch.zeros(4, 5, 5, dtype=torch.float64))
    flat = colour(images, colours(1, 0, 0))
    torch.testing.assert_close(flat, images.mean(dim=(1, 2, 3), keepdim=True).expand_as(images))


@given(AUGMENTS, st.floats(-1, 2), st.floats(-1, 2))
def test_the_curriculum_lets_the_smallest_crop_fall_from_the_whole_image(augment, a, b):
    early, late = augment.at(min(a, b)), augment.at(max(a, b))
    assert early.crop[0] >= late.crop[0] >= augment.crop[0] - 1e-12
    assert augment.at(0).crop == (1.0, 1.0)
    assert augment.at(1).crop == pytest.approx(augment.crop)
    assert augment.at(0.5).crop[0] == pytest.approx((1 + augment.crop[0]) / 2)
    assert (late.shift, late.flip, late.jitter) == (augment.shift, augment.flip, augment.jitter)


@pytest.mark.parametrize(
    ("augment", "identity"),
    [
        (Augment(), True),
        (Augment(shared=True, ratio=2), True),
        (Augment(crop=(0.9, 1.0)), False),
        (Augment(shift=0.1), False),
        (Augment(flip=0.1), False),
        (Augment(jitter=0.1), False),
    ],
)
def test_it_knows_whether_it_changes_anything(augment, identity):
    assert augment.is_identity == identity
    assert bool((draw(augment, np.arange(50), key=0) == np.array(IDENTITY, np.float32)).all()) == identity


@pytest.mark.parametrize("crop", [(0, 1), (0.5, 0.4), (0.5, 1.1), (-0.1, 1), (math.nan, 1)])
def test_crops_that_are_no_shares_are_refused(crop):
    with pytest.raises(ValueError, match=re.escape("crop: expected 0 < smallest <= largest <= 1 as shares of the are")):
        Augment(crop=crop)


@pytest.mark.parametrize(
    "bad",
    [{"ratio": 0.9}, {"ratio": math.inf}, {"shift": -0.1}, {"shift": 1.1}, {"flip": 2}, {"jitter": 1}, {"jitter": -1}]
    + [{name: math.nan} for name in ("ratio", "shift", "flip", "jitter")],
)
def test_values_out_of_range_are_refused(bad):
    expected = "expected ratio >= 1, shift and flip in [0, 1], jitter in [0, 1); got Augment("
    with pytest.raises(ValueError, match=re.escape(expected)):
        Augment(**bad)


def test_numbers_are_those_of_splitmix64():
    # Of seed 1234567, as Rosetta Code lists them ("Pseudo-random numbers/Splitmix64").
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert (uniform(1234567, np.array([0]), 5)[0] * 2.0**53).astype(np.uint64).tolist() == [z >> 11 for z in known]


@pytest.mark.parametrize("key", [0, 1, 2**63 - 1])
@pytest.mark.parametrize("columns", [1, 8])
def test_numbers_are_even_and_in_the_unit_interval(key, columns):
    u = uniform(key, np.arange(20_000 // columns), columns).ravel()
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.chisquare(np.bincount((u * 64).astype(int), minlength=64)).pvalue > 1e-3
    assert abs(u.mean() - 0.5) < 4 * math.sqrt(1 / 12 / len(u))
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 4 / math.sqrt(len(u))


@given(st.integers(1, 9), KEYS, st.lists(st.integers(1, 7), min_size=1, max_size=12))
def test_the_stream_is_the_same_for_any_cut_and_every_epoch_a_permutation(n, key, counts):
    starts = np.cumsum([0, *counts])
    parts = [stream(n, int(start), count, key=key) for start, count in zip(starts, counts, strict=False)]
    joined = np.concatenate(parts)
    assert np.array_equal(joined, stream(n, 0, int(starts[-1]), key=key))
    for epoch in range(len(joined) // n):
        assert sorted(joined[epoch * n : (epoch + 1) * n]) == list(range(n))


def test_epochs_and_keys_are_shuffled_differently():
    orders = [tuple(stream(20, epoch * 20, 20, key=key)) for epoch in range(5) for key in (1, 1000)]
    assert len(set(orders)) == 10


def test_every_image_is_as_often_first_as_any_other():
    first = [stream(5, 5 * epoch, 1, key=11)[0] for epoch in range(2000)]
    assert stats.chisquare(np.bincount(first, minlength=5)).pvalue > 1e-3
