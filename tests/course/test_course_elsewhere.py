"""What notebook 10 leans on: displacement, colours, particles, a small Wasserstein GAN, flow matching."""

import itertools

import numpy as np
import pytest
import torch

from wddkit.course.elsewhere import clouds, gan, matching, pictures
from wddkit.ot import Measure, barycenter_steps, transport, w2_squared


def test_displacement_is_the_straight_line_of_w2() -> None:
    rng = np.random.default_rng(0)
    a, b = Measure(rng.normal(size=(5, 2)), np.full(5, 0.2)), Measure(rng.normal(size=(4, 2)), [0.1, 0.2, 0.3, 0.4])
    best = transport(a, b)
    for t in (0.0, 0.3, 1.0):
        on_way = pictures.displaced(a, b, best, t)
        assert w2_squared(a, on_way) == pytest.approx(t**2 * best.value, abs=1e-12)
        assert w2_squared(on_way, b) == pytest.approx((1 - t) ** 2 * best.value, abs=1e-12)


def test_the_ink_of_an_image_stands_at_its_columns_and_rows() -> None:
    found = pictures.ink([[0, 0, 3], [1, 0, 0]])
    assert found.points.tolist() == [[2, 0], [0, 1]]
    assert found.masses.tolist() == [0.75, 0.25]
    for wrong, message in (
        (np.zeros((2, 2)), "not all of them 0"),
        (np.ones((1, 2, 2)), r"one grey image \[h, w\], got shape \(1, 2, 2\)"),
        ([[-1.0, 2.0]], "greys of 0 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            pictures.ink(wrong)


def test_a_painted_point_is_brightest_where_it_stands_and_ink_is_kept() -> None:
    image = pictures.painted(Measure([[2.0, 1.0]], [1.0]), (4, 5), fine=3)
    assert image.shape == (12, 15)
    assert image.sum() == pytest.approx(1)
    assert np.unravel_index(image.argmax(), image.shape) == (1 * 3 + 1, 2 * 3 + 1)  # the middle of pixel (1, 2)


def test_pixels_follow_the_sampled_colours_near_them() -> None:
    photograph = np.array([[[0, 0, 0], [10, 0, 0]], [[255, 255, 255], [250, 255, 255]]], np.uint8)
    before = np.array([[0.0, 0, 0], [1.0, 1, 1]])
    after = np.array([[0.2, 0, 0], [0.0, 1, 1]])
    found = pictures.recoloured(photograph, before, after, near=1)
    assert found.tolist() == [[[51, 0, 0], [61, 0, 0]], [[0, 255, 255], [0, 255, 255]]]
    np.testing.assert_array_equal(pictures.recoloured(photograph, before, after, t=0), photograph)
    with pytest.raises(ValueError, match="palette: 9 colours of 4 pixels; ask for fewer"):
        pictures.palette(photograph, 9, seed=0)


def test_a_step_of_length_1_is_the_position_step_of_a_barycenter_and_small_steps_only_go_down() -> None:
    y, x = clouds.moons(60, seed=0), np.random.default_rng(0).normal(size=(6, 2))
    (_, first), (jumped, _) = itertools.islice(clouds.gradient_flow(x, y, h=1), 2)
    _, step = itertools.islice(barycenter_steps(y, m=6, masses="uniform", solver="lloyd", start=x), 2)
    np.testing.assert_allclose(jumped, step.support, atol=1e-12)
    values = [value for _, value in itertools.islice(clouds.gradient_flow(x, y, h=0.3), 8)]
    assert values[0] == first
    assert all(after < before for before, after in itertools.pairwise(values))


def test_points_are_where_their_names_say() -> None:
    radii = np.linalg.norm(clouds.ring(500, seed=0), axis=1)
    assert radii.mean() == pytest.approx(2, abs=0.05)
    assert np.abs(clouds.moons(4000, seed=0).mean(axis=0)).max() < 0.05


@pytest.mark.slow
def test_generated_points_come_nearer_to_the_real_ones_and_every_moment_keeps_its_own_critic() -> None:
    real = clouds.ring(400, seed=0)
    state = torch.get_rng_state()
    moments = list(gan.wgan(real, steps=60, every=20, seed=0))
    assert torch.equal(torch.get_rng_state(), state)  # nothing drew from what is everybody's
    assert [moment.step for moment in moments] == [0, 20, 40, 60]
    assert moments[-1].w1 < 0.8 * moments[0].w1
    for moment in moments:
        gap = moment.critic(real[:200]).mean() - moment.critic(moment.points).mean()
        assert gap == pytest.approx(moment.gap, abs=1e-4)  # float32 in another order
    again = list(gan.wgan(real, steps=20, every=20, seed=0))
    np.testing.assert_array_equal(again[-1].points, moments[1].points)


@pytest.mark.slow
def test_pairs_by_transport_make_straighter_ways_than_pairs_by_chance() -> None:
    source, target = np.random.default_rng(1).normal(size=(400, 2)), clouds.moons(400, seed=1)
    found = {}
    for pairs in ("chance", "transport"):
        field = matching.flow_matching(source, target, pairs=pairs, steps=150, seed=0)  # type: ignore[arg-type]  # one of two words
        ways = matching.followed(field, source[:100], steps=20)
        assert w2_squared(ways[-1], target) < w2_squared(source[:100], target) / 2
        found[pairs] = matching.detour(ways)
    assert 1 <= found["transport"] < found["chance"]


def test_a_detour_is_worked_by_hand_and_other_pairs_are_an_error() -> None:
    corner = np.array([[[0.0, 0.0]], [[3.0, 0.0]], [[3.0, 4.0]]])
    assert matching.detour(corner) == pytest.approx(7 / 5)
    with pytest.raises(ValueError, match="pairs are 'chance' or 'transport', got 'luck'"):
        matching.flow_matching(corner[0], corner[0], pairs="luck", steps=1, seed=0)  # type: ignore[arg-type]  # that is the point
