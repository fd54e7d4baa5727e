"""Random, Nearest and Tiled: real images, chosen but not changed."""

import numpy as np
import pytest
from method_toys import answer, coloured, rows_of, run, small, task_of

from wddkit.data.pixels import resize
from wddkit.methods import Context, Nearest, Random, Tiled
from wddkit.methods.targets import targets


def positions(distilled, task):
    """Where in the training set each image of a distilled set stands."""
    where = rows_of(task.train)
    return np.array([where[image.tobytes()] for image in distilled.images])


@pytest.mark.parametrize("ipc", [1, 5, 24])
def test_random_images_are_of_their_class_without_repeats_and_of_equal_mass(ipc, task):
    distilled = answer(Random(ipc=ipc), task)
    at = positions(distilled, task)
    assert len(set(at)) == 3 * ipc
    np.testing.assert_array_equal(task.train.labels[at], distilled.labels)
    np.testing.assert_array_equal(distilled.masses, np.full(3 * ipc, 1 / ipc))


def test_random_images_differ_by_seed_and_class_and_a_smaller_set_is_part_of_a_larger(task):
    first, other = (positions(answer(Random(ipc=5), task, seed=seed), task) for seed in (0, 1))
    assert set(first) != set(other)
    within = first.reshape(3, 5) - np.array([task.train.of_class(c)[0] for c in range(3)])[:, None]
    assert len({tuple(row) for row in within}) == 3
    few = positions(answer(Random(ipc=2), task), task)
    np.testing.assert_array_equal(few.reshape(3, 2), first.reshape(3, 5)[:, :2])


def test_every_image_of_a_class_is_drawn_equally_often(task):
    counts = np.zeros(len(task.train))
    for seed in range(300):
        np.add.at(counts, positions(answer(Random(ipc=8), task, seed=seed), task), 1)
    # 300 draws of a third of the images: 100 +- 8.2 each
    assert abs(counts - 100).max() < 4.5 * 8.2


@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_nearest_images_are_distinct_and_have_the_masses_of_the_barycenter(masses, task):
    distilled = answer(Nearest(ipc=6, masses=masses), task)
    found = targets(task, Context(), ipc=6, masses=masses)
    at = positions(distilled, task)
    assert len(set(at)) == 18
    np.testing.assert_array_equal(task.train.labels[at], distilled.labels)
    np.testing.assert_array_equal(distilled.masses, found.masses)
    np.testing.assert_array_equal(at, found.nearest(task))


def test_nearest_images_lie_nearer_to_the_support_points_than_random_ones(task):
    support = targets(task, Context(), ipc=6, masses="free").support

    def gap(method):
        return ((run(method, task)[-1].arrays["features"] - support) ** 2).sum(axis=1).mean()

    assert gap(Nearest(ipc=6)) < 0.5 * gap(Random(ipc=6))


@pytest.mark.parametrize(("factor", "ipc"), [(2, 2), (4, 1), (2, 1)])
def test_tiles_are_the_real_images_nearest_to_the_support_points_at_a_smaller_size(factor, ipc, task):
    distilled = answer(Tiled(ipc=ipc, factor=factor), task)
    k = factor**2 * ipc
    chosen = targets(task, Context(), ipc=k, masses="uniform").nearest(task)
    assert distilled.images.shape == (3 * ipc, 3, 8, 8)
    assert distilled.formation == factor
    side = 8 // factor
    expected = resize(resize(task.train.images[chosen], side, side), 8, 8)
    np.testing.assert_array_equal(distilled.training.images, expected)
    np.testing.assert_array_equal(distilled.training.labels, task.train.labels[chosen])
    np.testing.assert_allclose(distilled.training_masses, 1 / k)


def test_a_stored_image_shows_its_tiles_in_reading_order(task):
    image = answer(Tiled(ipc=1), task).images[0]
    chosen = targets(task, Context(), ipc=4, masses="uniform").nearest(task)[:4]
    tiles = resize(task.train.images[chosen], 4, 4)
    for i, corner in enumerate([image[:, :4, :4], image[:, :4, 4:], image[:, 4:, :4], image[:, 4:, 4:]]):
        np.testing.assert_array_equal(corner, tiles[i])


def test_one_tile_an_image_is_nearest_with_uniform_masses(task):
    tiled, nearest = answer(Tiled(ipc=5, factor=1), task), answer(Nearest(ipc=5, masses="uniform"), task)
    np.testing.assert_array_equal(tiled.images, nearest.images)
    np.testing.assert_array_equal(tiled.masses, nearest.masses)


def test_tiles_come_from_more_images_at_the_same_bytes(task):
    tiled, nearest = answer(Tiled(ipc=2), task), answer(Nearest(ipc=2, masses="uniform"), task)
    assert len(tiled.training) == 4 * len(nearest.training)
    assert tiled.size_bytes("hard") == nearest.size_bytes("hard")


@pytest.mark.parametrize("factor", [3, 0, -1, 16])
def test_a_factor_that_does_not_divide_the_size_is_refused(factor, task):
    with pytest.raises(ValueError, match=rf"factor {factor} does not divide the image size 8; .* divisors"):
        answer(Tiled(ipc=1, factor=factor), task)


def test_more_tiles_than_the_smallest_class_has_images_are_refused(kept):
    with pytest.raises(ValueError, match=r"ipc x factor\^2 = 2 x 4\^2 = 32 is above the size of class 0 .* at most 24"):
        answer(Tiled(ipc=2, factor=4), task_of(coloured(), kept))


def test_selection_has_no_state_and_one_snapshot_of_images(task):
    for name in ("random", "nearest", "tiled"):
        found = [s for s in run(small(name), task) if s.distilled is not None]
        assert [(s.phase, s.step, s.state) for s in found] == [("select", 0, None)]
