"""Herding and k-center: choices worked out by hand, by brute force, and in the teacher's features."""

import itertools

import numpy as np
import pytest
from method_toys import answer, coloured, cut, rows_of, run, task_of

from wddkit.methods import Random
from wddkit.methods.coresets import Herding, KCenter, herd, k_center, mean_gap, radius

GREEDY = pytest.mark.parametrize(("method", "choose"), [(Herding, herd), (KCenter, k_center)])


def column(*values):
    return np.array(values, dtype=float)[:, None]


def positions(distilled, task):
    where = rows_of(task.train)
    return np.array([where[image.tobytes()] for image in distilled.images])


def test_herding_of_four_numbers_is_as_worked_out_by_hand():
    # Mean 3. One: 2 is nearest to 3. Two: sums wanted near 6, so 6 - 2 = 4: of 0, 1 and 9 the 1 is nearest.
    # Three: 9 - 3 = 6: of 0 and 9 the 9 is nearest. Four: what is left.
    assert herd(column(0, 1, 2, 9), 4).tolist() == [2, 1, 3, 0]


@pytest.mark.parametrize("seed", range(5))
def test_each_image_that_herding_adds_brings_the_mean_nearest_of_all_that_are_left(seed):
    z = np.random.default_rng(seed).normal(size=(12, 3))
    taken = herd(z, 12).tolist()
    assert sorted(taken) == list(range(12))
    for k in range(12):
        gaps = {i: np.linalg.norm(z.mean(axis=0) - z[[*taken[:k], i]].sum(axis=0) / (k + 1)) for i in set(taken[k:])}
        assert min(gaps, key=gaps.get) == taken[k]


def test_k_center_of_five_numbers_is_as_worked_out_by_hand():
    # Mean 5.2: 4 is nearest. From 4 the 11 is farthest (7); then 0 (4 from 4); then 1 and 10 are 1 away: the first.
    z = column(0, 1, 4, 10, 11)
    assert k_center(z, 5).tolist() == [2, 4, 0, 1, 3]
    assert [radius(z, k_center(z, k)) for k in range(1, 6)] == [7, 4, 1, 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_each_image_that_k_center_adds_is_the_farthest_and_its_radius_at_most_twice_the_best(seed):
    z = np.random.default_rng(seed).normal(size=(9, 2))
    distances = np.sqrt(((z[:, None] - z[None]) ** 2).sum(axis=2))
    taken = k_center(z, 9)
    assert taken[0] == np.linalg.norm(z - z.mean(axis=0), axis=1).argmin()
    for k in range(1, 9):
        assert distances[:, taken[:k]].min(axis=1).argmax() == taken[k]
        best = min(distances[:, list(s)].min(axis=1).max() for s in itertools.combinations(range(9), k))
        found = radius(z, taken[:k])
        assert found == pytest.approx(distances[:, taken[:k]].min(axis=1).max())
        assert best - 1e-12 <= found <= 2 * best + 1e-12


@pytest.mark.parametrize("choose", [herd, k_center])
def test_images_that_are_all_the_same_are_taken_once_each(choose):
    assert sorted(choose(np.ones((5, 3)), 5)) == list(range(5))


@pytest.mark.parametrize("choose", [herd, k_center])
def test_copies_of_an_image_are_taken_after_all_that_differ(choose):
    z = column(0, 0, 0, 4, 8, 8)
    assert sorted(choose(z, 6)) == list(range(6))
    assert set(z[k_center(z, 3), 0]) == {0, 4, 8}


@GREEDY
@pytest.mark.parametrize("ipc", [1, 7, 24])
def test_images_are_those_of_each_class_by_the_teachers_features(method, choose, ipc, task):
    distilled = answer(method(ipc=ipc), task)
    expected = []
    for c in range(3):
        at = task.train.of_class(c)
        expected.append(at[choose(task.features[at], ipc)])
    np.testing.assert_array_equal(positions(distilled, task), np.concatenate(expected))
    np.testing.assert_array_equal(task.train.labels[np.concatenate(expected)], distilled.labels)
    np.testing.assert_array_equal(distilled.masses, np.full(3 * ipc, 1 / ipc))


@GREEDY
def test_a_smaller_set_is_part_of_a_larger_and_the_seed_changes_nothing(method, choose, task):
    del choose
    few, many = (positions(answer(method(ipc=ipc), task), task).reshape(3, ipc) for ipc in (3, 8))
    np.testing.assert_array_equal(few, many[:, :3])
    np.testing.assert_array_equal(positions(answer(method(ipc=8), task, seed=3), task).reshape(3, 8), many)


def test_one_image_a_class_is_the_same_by_both(task):
    np.testing.assert_array_equal(answer(Herding(ipc=1), task).images, answer(KCenter(ipc=1), task).images)


@GREEDY
def test_a_class_of_just_as_many_images_is_taken_whole(method, choose, kept):
    del choose
    few = task_of(cut(coloured(), (24, 5, 9)), kept)
    distilled = answer(method(ipc=5), few)
    assert sorted(positions(distilled, few)[5:10]) == few.train.of_class(1).tolist()


@pytest.mark.parametrize(
    ("method", "scalar", "objective"), [(Herding, "mean_gap", mean_gap), (KCenter, "radius", radius)]
)
def test_the_scalar_is_the_objective_falls_with_more_images_and_beats_random_ones(method, scalar, objective, task):
    def mean(distilled):
        at = positions(distilled, task).reshape(3, -1)
        classes = [task.train.of_class(c) for c in range(3)]
        return np.mean(
            [objective(task.features[of], np.searchsorted(of, mine)) for of, mine in zip(classes, at, strict=True)]
        )

    values = []
    for ipc in (1, 4, 12):
        (snapshot,) = run(method(ipc=ipc), task)
        assert snapshot.scalars == {scalar: pytest.approx(mean(snapshot.distilled))}
        values.append(snapshot.scalars[scalar])
    assert values[0] > values[1] > values[2] > 0
    assert values[1] < 0.8 * np.mean([mean(answer(Random(ipc=4), task, seed=seed)) for seed in range(5)])
