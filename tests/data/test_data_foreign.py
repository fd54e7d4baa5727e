import dataclasses

import numpy as np
import pytest
import torch
from data_helpers import assert_same, distilled_sets, noise, plain_distilled, write_picture
from hypothesis import given, settings
from hypothesis import strategies as st

from wddkit.data import DistilledSet, ImageSet, Split, check_matches, reorder

X, Y = noise(6, 8, 8, 3), np.arange(6) % 3
NCHW = X.transpose(0, 3, 1, 2)
SCALE = ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))


def normalise(x: np.ndarray) -> np.ndarray:
    mean, std = (np.array(part)[:, None, None] for part in SCALE)
    return (x / 255 - mean) / std


def test_arrays_become_a_distilled_set_of_even_masses():
    distilled = DistilledSet.from_arrays(X, [0, 0, 1, 1, 1, 2], about={"method": "DM"})
    np.testing.assert_array_equal(distilled.images, NCHW)
    np.testing.assert_allclose(distilled.masses, [1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3, 1])
    assert (distilled.classes, distilled.about) == (("0", "1", "2"), {"method": "DM"})
    assert distilled.normalisation is None


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_everything_that_can_be_given_is_kept(kind):
    soft = np.random.default_rng(0).normal(size=(24, 4))
    distilled = DistilledSet.from_arrays(
        kind(NCHW.copy()),
        kind(Y),
        classes=["a", "b", "c", "d"],
        masses=kind([0.25, 0.5, 1.0, 0.75, 0.5, 0.0]),
        soft=kind(soft),
        soft_kind="values",
        formation=2,
        normalisation=SCALE,
        layout="NCHW",
    )
    np.testing.assert_array_equal(distilled.soft, soft.astype(np.float32))
    np.testing.assert_array_equal(distilled.masses, [0.25, 0.5, 1.0, 0.75, 0.5, 0.0])
    assert (distilled.classes, distilled.soft_kind) == (("a", "b", "c", "d"), "values")
    assert (distilled.formation, distilled.normalisation) == (2, SCALE)


def test_the_columns_of_soft_labels_count_the_classes():
    assert DistilledSet.from_arrays(X, Y, soft=np.zeros((6, 5))).classes == tuple("01234")


def test_normalised_images_are_undone_when_that_is_said():
    distilled = DistilledSet.from_arrays(normalise(NCHW), Y, normalisation=SCALE, normalised=True)
    np.testing.assert_array_equal(distilled.images, NCHW)
    assert distilled.normalisation == SCALE
    tensors = tuple(torch.tensor(part).view(3, 1, 1) for part in SCALE)
    again = DistilledSet.from_arrays(torch.tensor(normalise(NCHW)), Y, normalisation=tensors, normalised=True)
    np.testing.assert_array_equal(again.images, NCHW)


def test_values_that_leave_the_range_are_clipped_with_a_warning():
    x = normalise(NCHW)
    x[0, 0, 0, 0] = 99
    with pytest.warns(UserWarning, match=r"0.09% of the pixel values lay outside \[0, 1\] and were clipped"):
        distilled = DistilledSet.from_arrays(x, Y, normalisation=SCALE, normalised=True)
    assert distilled.images[0, 0, 0, 0] == 255
    np.testing.assert_array_equal(distilled.images[1:], NCHW[1:])


@pytest.mark.parametrize(
    ("x", "options", "text"),
    [
        (normalise(NCHW), {}, r"normalised images are undone with normalisation=\(means, stds\), normalised=True"),
        (normalise(NCHW), {"normalisation": SCALE}, r"floats in \[0, 1\], found -2.* normalised=True"),
        (normalise(NCHW), {"normalised": True}, r"normalised=True needs normalisation=\(means, stds\)"),
        (
            X,
            {"normalised": True, "normalisation": SCALE},
            r"expects floats, got uint8: 8-bit pixels are not normalised",
        ),
        (X / 255, {"normalised": True, "normalisation": ((0.5,), (0.5,))}, r"normalisation: expected 3 means and stds"),
        (X / 255, {"normalised": True, "normalisation": ((0, 0, 0), (1, 1, 0))}, r"finite means and positive stds"),
        (X * np.nan, {"normalised": True, "normalisation": SCALE}, r"images: NaN or infinite values, first in item 0"),
        (X, {"masses": np.ones(6)}, r"masses must sum to 1 within each class, found sums \[2.0, 2.0, 2.0\]"),
        (X, {"masses": ["a"] * 6}, r"masses: expected numbers, got <U1"),
        (X, {"soft": np.zeros((5, 3))}, r"soft labels: expected float32 of shape \(6, 3\)"),
        (X, {"soft": np.full((6, 3), np.nan)}, r"soft labels: found NaN or infinite values"),
        (X, {"formation": 2, "size": 4}, r"size=4 would blend the tiles of formation 2; resize before forming tiles"),
        (X[:, :6], {}, r"6 x 8 pixels are not square; size=6 crops"),
        (noise(6, 8, 8, 4), {}, r"4 channels: drop the alpha channel"),
        (X[:5], {}, r"labels: expected one for each of 5 images"),
        (X, {"classes": ["a", "b"]}, r"distilled set: labels must be 0..1 for 2 classes, found \[2\]"),
    ],
)
def test_arrays_that_cannot_be_meant_are_refused(x, options, text):
    with pytest.raises(ValueError, match=text):
        DistilledSet.from_arrays(x, Y, **options)


def test_labels_with_gaps_need_the_class_names():
    with pytest.raises(ValueError, match=r"labels must be 0..k-1 without gaps, found \[0, 2\]; give classes="):
        DistilledSet.from_arrays(X, Y // 2 * 2)
    with pytest.raises(ValueError, match=r"labels must be 0..2 for 3 classes, found \[-1\]"):
        DistilledSet.from_arrays(X, Y - 1, classes=["a", "b", "c"])
    assert DistilledSet.from_arrays(X, Y // 2 * 2, classes=["a", "b", "c"]).ipc == 4


def test_size_crops_and_resizes():
    assert DistilledSet.from_arrays(X[:, :6], Y, size=4).images.shape == (6, 3, 4, 4)


@pytest.fixture
def folder(tmp_path):
    for label, name in enumerate(("cat", "ant", "dog")):
        for i in range(2):
            write_picture(tmp_path / "made" / name / f"{i}.png", X[2 * label + i])
    (tmp_path / "made/.cache").mkdir()
    return tmp_path / "made"


def test_a_foreign_folder_is_read_in_the_order_of_the_class_names(folder):
    by_name = DistilledSet.from_folder(folder, about={"source": "there"})
    assert (by_name.classes, by_name.about) == (("ant", "cat", "dog"), {"source": "there"})
    np.testing.assert_array_equal(by_name.images, NCHW[[2, 3, 0, 1, 4, 5]])
    np.testing.assert_array_equal(by_name.labels, [0, 0, 1, 1, 2, 2])
    given_order = DistilledSet.from_folder(folder, classes=["dog", "eel", "cat", "ant"])
    np.testing.assert_array_equal(given_order.images, NCHW[[4, 5, 0, 1, 2, 3]])
    np.testing.assert_array_equal(given_order.labels, [0, 0, 2, 2, 3, 3])


def test_foreign_folders_that_do_not_fit_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match=r"unknown class folder 'ant'. .*Known: cat, dog"):
        DistilledSet.from_folder(folder, classes=["cat", "dog"])
    with pytest.raises(FileNotFoundError, match=r"there is no folder"):
        DistilledSet.from_folder(folder / "nowhere")
    (folder / "cat/1.png").write_bytes(b"damage")
    with pytest.raises(ValueError, match=r"folder made: cat/1.png cannot be read as an image"):
        DistilledSet.from_folder(folder)
    with pytest.warns(UserWarning, match="folder made: skipped 1 corrupt of 6 images"):
        assert len(DistilledSet.from_folder(folder, skip_corrupt=True)) == 5
    write_picture(folder / "cat/1.png", noise(8, 9, 3))
    with pytest.raises(ValueError, match=r"cat/1.png is 8 x 9 pixels"):
        DistilledSet.from_folder(folder)
    assert DistilledSet.from_folder(folder, size=4).images.shape == (6, 3, 4, 4)
    plain_distilled().save(tmp_path / "ours")
    with pytest.raises(ValueError, match=r"ours was saved by wddkit: DistilledSet.load reads it"):
        DistilledSet.from_folder(tmp_path / "ours")


@settings(max_examples=30)
@given(distilled_sets(), st.randoms(use_true_random=False))
def test_reordering_classes_and_back_changes_nothing(distilled, random):
    order = list(distilled.classes)
    random.shuffle(order)
    moved = reorder(distilled, order)
    assert [moved.classes[label] for label in moved.labels] == [distilled.classes[label] for label in distilled.labels]
    if distilled.soft is not None and moved.soft is not None:
        for name in order:
            old, new = distilled.classes.index(name), moved.classes.index(name)
            np.testing.assert_array_equal(moved.soft[:, new], distilled.soft[:, old])
    assert_same(reorder(moved, distilled.classes), distilled)


def test_reordering_needs_the_same_names():
    with pytest.raises(ValueError, match=r"reorder: expected the classes \['a', 'b', 'c'\] in any order, got \['a'\]"):
        reorder(plain_distilled(), ["a"])


def real(classes=("a", "b", "c"), channels=3, size=8) -> Split:
    train = ImageSet(noise(9, channels, size, size), np.arange(9) % len(classes))
    return Split(train, train, train, tuple(classes), "real")


def test_a_set_fits_the_real_set_that_it_came_from():
    split = real()
    check_matches(plain_distilled(), split)
    check_matches(dataclasses.replace(plain_distilled(), normalisation=split.normalisation), split)
    near = tuple(tuple(value + 9e-4 for value in part) for part in split.normalisation)
    check_matches(dataclasses.replace(plain_distilled(), normalisation=near), split)


def test_a_reordered_set_fits_again():
    split = real(("c", "a", "b"))
    with pytest.raises(
        ValueError, match=r"class 0 is 'a' in the distilled set but 'c' in real; .* wddkit.data.reorder"
    ):
        check_matches(plain_distilled(), split)
    check_matches(reorder(plain_distilled(), split.classes), split)


@pytest.mark.parametrize(
    ("split", "text"),
    [
        (real(("a", "b", "d")), r"class 2 is 'c' in the distilled set but 'd' in real; .* rename: dataclasses.replace"),
        (real(("a", "b")), r"classes: the distilled set has 3, but real has 2"),
        (real(channels=1), r"channels: the distilled set is RGB but real is grey"),
        (
            real(size=16),
            r"size: distilled images are 8 x 8 but those of real are 16 x 16; load the real set with size=8",
        ),
    ],
)
def test_a_set_of_another_kind_does_not_fit(split, text):
    with pytest.raises(ValueError, match=text):
        check_matches(plain_distilled(), split)


def test_another_normalisation_does_not_fit():
    split = real()
    mean, std = split.normalisation
    for scale, what in (((mean, (std[0], std[1], std[2] + 0.002)), "std"), (((0.0, *mean[1:]), std), "mean")):
        with pytest.raises(
            ValueError, match=rf"normalisation: the distilled set declares {what} \(.*that of real is \(0"
        ):
            check_matches(dataclasses.replace(plain_distilled(), normalisation=scale), split)
