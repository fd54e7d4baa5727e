import dataclasses

import numpy as np
import pytest
from data_helpers import noise, plain_distilled

from wddkit.data import DistilledSet, ImageSet, Split, Views


def images(n: int = 6, size: int = 4, *, channels: int = 3, classes: int = 2, seed: int = 0) -> ImageSet:
    return ImageSet(noise(n, channels, size, size, seed=seed), np.arange(n) % classes)


def test_the_normalisation_is_the_mean_and_std_of_each_channel():
    train = images(50, 7, seed=3)
    split = Split(train, train, train, ("a", "b"), "x")
    pixels = train.images.astype(np.float64) / 255
    np.testing.assert_allclose(split.normalisation, [pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))], rtol=1e-12)


def test_a_constant_channel_gets_the_smallest_std_that_can_be_divided_by():
    train = ImageSet(np.full((2, 1, 3, 3), 7, np.uint8), np.array([0, 1]))
    assert Split(train, train, train, ("a", "b"), "x").normalisation == ((7 / 255,), (1 / 255,))


def test_the_fingerprint_is_of_the_content_alone():
    one = images()
    other = ImageSet(np.asfortranarray(one.images), one.labels.copy())
    assert one.fingerprint == other.fingerprint
    changed = one.images.copy()
    changed[0, 0, 0, 0] ^= 1
    assert one.fingerprint != ImageSet(changed, one.labels).fingerprint
    assert one.fingerprint != ImageSet(one.images, one.labels[::-1].copy()).fingerprint
    named = [Split(one, one, one, classes, "x").fingerprint for classes in (("a", "b"), ("b", "a"))]
    assert named[0] != named[1]


def test_of_class_and_take_are_inverse_to_concatenation():
    whole = images(7)
    order = np.concatenate([whole.of_class(0), whole.of_class(1)])
    assert sorted(order) == list(range(7))
    np.testing.assert_array_equal(whole.take(order).labels, [0] * 4 + [1] * 3)


def test_tiles_of_a_stored_image_are_cut_in_reading_order_and_enlarged():
    corners = np.array([[10, 20], [30, 40]], np.uint8)
    stored = np.kron(corners, np.ones((2, 2), np.uint8))[None, None]  # 4 x 4 of 2 x 2 tiles, each of one value
    distilled = DistilledSet(stored, np.array([0]), ("a",), np.array([1.0]), formation=2)
    np.testing.assert_array_equal(
        distilled.training.images, np.array([10, 20, 30, 40])[:, None, None, None] + np.zeros((1, 4, 4))
    )
    np.testing.assert_array_equal(distilled.training.labels, [0, 0, 0, 0])
    np.testing.assert_array_equal(distilled.training_masses, [0.25] * 4)


def test_bytes_count_pixels_labels_and_masses_that_are_not_even():
    distilled = plain_distilled(6, formation=2)
    pixels, n, classes = 6 * 3 * 8 * 8, 24, 3
    assert distilled.size_bytes("hard") == pixels + 6
    assert distilled.size_bytes("soft") == pixels + 2 * n * classes
    assert distilled.size_bytes("views") == pixels + n * 2 * (2 * classes + 4 * 8)
    assert distilled.size_bytes("online", teacher_bytes=1000) == pixels + 1000
    uneven = dataclasses.replace(distilled, masses=np.array([0.9, 0.5, 0.5, 0.1, 0.5, 0.5]))
    assert uneven.size_bytes("hard") == pixels + 6 + 4 * 6


@pytest.mark.parametrize(
    ("pixels", "text"),
    [
        (np.zeros((2, 3, 4, 4)), r"images: expected uint8 .* got float64 of shape \(2, 3, 4, 4\)"),
        (np.zeros((2, 4, 4), np.uint8), r"got uint8 of shape \(2, 4, 4\)"),
        ([[1]], r"got <class 'list'> of shape None"),
        (np.zeros((2, 4, 4, 4), np.uint8), r"4 channels; .* drop the alpha channel"),
        (np.zeros((2, 2, 4, 4), np.uint8), r"2 channels; expected 1 \(grey\) or 3 \(RGB\)"),
        (np.zeros((2, 3, 4, 5), np.uint8), r"4 x 5 pixels are not square; size=4 crops"),
        (np.zeros((2, 3, 0, 0), np.uint8), r"images without pixels"),
    ],
)
def test_images_of_another_kind_are_refused(pixels, text):
    with pytest.raises(ValueError, match=text):
        ImageSet(pixels, np.array([0, 1]))


def test_a_set_whose_parts_do_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"labels: expected int64 of shape \(2,\).* got int64 of shape \(3,\)"):
        ImageSet(noise(2, 1, 4, 4), np.zeros(3, np.int64))
    own = images()
    with pytest.raises(ValueError, match=r"x: class names must be distinct and at least one; got \['a', 'a'\]"):
        Split(own, own, own, ("a", "a"), "x")
    with pytest.raises(ValueError, match=r"x \(train\): labels must be 0..0 for 1 classes, found \[1\]; renumber"):
        Split(own, own, own, ("a",), "x")
    with pytest.raises(ValueError, match=r"x \(train\): class 2 \('c'\) has no images; add images, or leave it out"):
        Split(own, own, own, ("a", "b", "c"), "x")
    with pytest.raises(ValueError, match=r"test images are \(3, 5, 5\) .* but train images are \(3, 4, 4\).* size="):
        Split(own, own, images(size=5), ("a", "b"), "x")
    with pytest.raises(ValueError, match=r"val images are \(1, 4, 4\) .* grey images to RGB"):
        Split(own, images(channels=1), own, ("a", "b"), "x")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"classes": ("a", "b", "b")}, r"distilled set: class names must be distinct"),
        ({"classes": ("a", "b")}, r"distilled set: labels must be 0..1 for 2 classes, found \[2\]"),
        ({"masses": np.ones(5)}, r"masses: expected float64 of shape \(6,\), got float64 of \(5,\)"),
        ({"masses": np.full(6, np.nan)}, r"masses must be finite and not negative"),
        ({"masses": np.ones(6)}, r"masses must sum to 1 within each class, found sums \[2.0, 2.0, 2.0\]"),
        ({"formation": 3}, r"formation 3 must be at least 1 and divide the image size 8 x 8"),
        ({"soft": np.zeros((6, 3))}, r"soft labels: expected float32 of shape \(6, 3\).* got float64"),
        ({"soft": np.zeros((5, 3), np.float32)}, r"soft labels: .* got float32 of shape \(5, 3\)"),
        ({"soft": np.full((6, 3), np.inf, np.float32)}, r"soft labels: found NaN or infinite values"),
        ({"soft_kind": "hot"}, r"unknown soft_kind 'hot'. Known: logits, values"),
        ({"views": Views(np.zeros((6, 2, 8), np.float32), np.zeros((6, 3), np.float16))}, r"views: logits: expected"),
        ({"views": Views(np.zeros((6, 1, 8), np.float32), np.zeros((6, 2, 3), np.float16))}, r"views: parameters: exp"),
        ({"views": Views(np.zeros((6, 0, 8), np.float32), np.zeros((6, 0, 3), np.float16))}, r"\(6, any, 3\)"),
        ({"normalisation": ((0.5,), (0.5,))}, r"normalisation: expected 3 means and stds"),
        ({"normalisation": ((0.5,) * 3, (0.5, 0.5, 0.0))}, r"normalisation: expected finite means and positive stds"),
        ({"normalisation": ((0.5, 0.5, np.inf), (0.5,) * 3)}, r"normalisation: expected finite means"),
    ],
)
def test_a_distilled_set_that_contradicts_itself_is_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        dataclasses.replace(plain_distilled(), **changes)


def test_ipc_is_the_largest_number_of_stored_images_of_a_class():
    assert plain_distilled(7).ipc == 3
    assert len(plain_distilled(7)) == 7


def test_the_fingerprint_of_a_split_without_validation_tells_class_names_apart():
    own = images()
    none = own.take(np.arange(0))
    splits = [Split(own, none, own, classes, "x") for classes in (("a\nb", "c"), ("a", "b\nc"), ("a", "b"))]
    assert len({split.fingerprint for split in splits}) == 3
