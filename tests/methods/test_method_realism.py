"""RDED: the crops that the teacher is surest of, one an image, laid out as the authors do."""

from dataclasses import replace

import numpy as np
import pytest
from method_toys import answer, coloured, rows_of, run, task_of

from wddkit.augment import Augment
from wddkit.data import ImageSet
from wddkit.data.pixels import resize
from wddkit.methods import RDED, Context
from wddkit.methods.realism import best_crops
from wddkit.stages.training import predict

WHOLE = {"crop": (1.0, 1.0)}  # crops that are the images themselves
HALF = {"crop": (0.3, 1.0)}


def cross_entropies(task, images, labels):
    """In NumPy, from the teacher's logits."""
    logits = predict(task.teacher(), images).double().numpy()
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]


def ranked(task, c):
    """Training images of a class, that which the teacher is surest of first."""
    at = task.train.of_class(c)
    return at[np.argsort(cross_entropies(task, task.train.images[at], task.train.labels[at]))]


def test_of_each_image_the_best_crop_stands_and_the_best_of_these_are_kept():
    score = np.array([[3.0, 2.0], [0.5, 0.1], [9.0, 8.0], [0.2, 7.0]])
    image, crop = best_crops(score, 3)
    assert image.tolist() == [1, 3, 0]
    assert crop.tolist() == [1, 0, 1]


def test_whole_images_are_kept_in_the_order_of_their_cross_entropy(task):
    distilled = answer(RDED(ipc=4, **WHOLE), task)
    for c in range(3):
        np.testing.assert_array_equal(distilled.images[4 * c : 4 * c + 4], task.train.images[ranked(task, c)[:4]])
    assert (distilled.formation, distilled.masses.tolist()) == (1, [0.25] * 12)


def test_tiles_of_an_image_are_those_of_ranks_i_and_i_plus_ipc_and_so_on_row_by_row(task):
    distilled = answer(RDED(ipc=2, factor=2, **WHOLE), task)
    assert distilled.formation == 2
    # At half the size another image may be surer, so the scores are of what students will see.
    for c in range(3):
        at = task.train.of_class(c)
        tiles = resize(task.train.images[at], 4, 4)
        best = tiles[np.argsort(cross_entropies(task, resize(tiles, 8, 8), task.train.labels[at]), kind="stable")]
        for i in range(2):
            rows = [np.concatenate([best[i], best[i + 2]], axis=2), np.concatenate([best[i + 4], best[i + 6]], axis=2)]
            np.testing.assert_array_equal(distilled.images[2 * c + i], np.concatenate(rows, axis=1))


@pytest.mark.parametrize("factor", [1, 2])
def test_the_recorded_cross_entropy_is_that_of_the_images_that_students_see(factor, task):
    last = run(RDED(ipc=3, factor=factor, candidates=20, **HALF), task)[-1]
    seen = last.distilled.training
    expected = cross_entropies(task, seen.images, seen.labels).mean()
    assert last.scalars["cross_entropy"] == pytest.approx(expected, rel=1e-5)


def test_more_crops_and_more_candidates_are_never_less_realistic(task):
    def cost(**options):
        return run(RDED(ipc=3, **HALF, **options), task)[-1].scalars["cross_entropy"]

    by_crops = [cost(crops=n) for n in (1, 2, 5)]
    by_candidates = [cost(candidates=n) for n in (3, 10, 24, 300)]
    for costs in (by_crops, by_candidates[:3]):
        assert costs == sorted(costs, reverse=True)
        assert costs[-1] < costs[0]
    assert by_candidates[3] == by_candidates[2]  # there are 24


def test_crops_are_of_the_areas_that_are_asked_for(task):
    real = rows_of(task.train)
    cropped = answer(RDED(ipc=6, crop=(0.3, 0.6)), task).images
    assert not any(image.tobytes() in real for image in cropped)
    assert not np.array_equal(cropped, answer(RDED(ipc=6, crop=(0.3, 0.6)), task, seed=1).images)


def test_candidates_are_drawn_by_the_seed(task):
    where = rows_of(task.train)
    sets = [
        {where[image.tobytes()] for image in answer(RDED(ipc=5, candidates=5, **WHOLE), task, seed=seed).images}
        for seed in (0, 0, 1)
    ]
    assert sets[0] == sets[1] != sets[2]
    drawn = Context(seed=0).generator("candidates", 1).permutation(task.train.of_class(1))[:5]
    assert set(drawn) <= sets[0]


@pytest.mark.parametrize(
    ("size", "factor", "smallest"), [(8, 1, 1), (16, 1, 1), (17, 1, 0.08), (64, 1, 0.08), (65, 1, 0.08), (96, 2, 0.08)]
)
def test_tiny_images_are_not_cropped_small_ones_hold_one_crop_and_large_ones_four(size, factor, smallest):
    assert RDED().factor_at(size) == factor
    assert RDED().views_at(size) == Augment(crop=(smallest, 1.0), ratio=1.0)
    assert RDED(factor=4).factor_at(size) == 4
    assert RDED(crop=(0.5, 0.6)).views_at(size) == Augment(crop=(0.5, 0.6), ratio=1.0)


def test_a_class_of_one_repeated_image_is_kept_as_it_is(kept):
    fresh = task_of(coloured(), kept)
    pixels = fresh.train.images.copy()
    pixels[fresh.train.of_class(0)] = 200
    flat = replace(fresh, train=ImageSet(pixels, fresh.train.labels))
    last = run(RDED(ipc=2), flat)[-1]
    assert (last.distilled.images[:2] == 200).all()
    assert np.isfinite(last.scalars["cross_entropy"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 3}, "factor 3 does not divide the image size 8; expected one of its divisors"),
        ({"factor": 0}, "factor 0 does not divide the image size 8"),
        ({"ipc": 7, "factor": 2}, r"ipc x factor\^2 = 7 x 2\^2 = 28 is above the size of class 0 .* 24 training"),
        ({"ipc": 2, "factor": 2, "candidates": 7}, r"candidates is 7; expected at least ipc x factor\^2 = 8"),
    ],
)
def test_formations_that_the_images_do_not_allow_are_refused(options, message, task):
    with pytest.raises(ValueError, match=message):
        answer(RDED(**options), task)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": 0}, "expected candidates and crops of at least 1, got 0 and 5"),
        ({"crops": 0}, "expected candidates and crops of at least 1, got 300 and 0"),
        ({"crop": (0.0, 1.0)}, "crop: expected 0 < smallest <= largest <= 1"),
    ],
)
def test_values_that_mean_nothing_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        RDED(**options)
