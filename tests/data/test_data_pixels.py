import numpy as np
import pytest
from data_helpers import noise
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from wddkit.data.pixels import resize, square

SIDES = st.integers(1, 40)


@given(old=st.tuples(SIDES, SIDES), new=st.tuples(SIDES, SIDES))
def test_resizing_agrees_with_pillow_in_floats(old, new):
    images = noise(2, 3, *old)
    ours = resize(images, *new)
    assert ours.dtype == np.uint8
    for plane, resized in zip(images.reshape(-1, *old), ours.reshape(-1, *new), strict=True):
        floats = Image.fromarray(plane.astype(np.float32)).resize(new[::-1], Image.Resampling.BILINEAR)
        np.testing.assert_allclose(resized, np.asarray(floats), atol=0.501)  # rounded to whole levels


def test_resizing_does_not_depend_on_the_batching():
    images = noise(1030, 1, 9, 7)  # more than one block
    whole = resize(images, 5, 12)
    parts = np.concatenate([resize(images[start : start + 100], 5, 12) for start in range(0, 1030, 100)])
    np.testing.assert_array_equal(whole, parts)


def test_the_same_size_returns_the_same_pixels():
    images = noise(3, 3, 6, 6)
    np.testing.assert_array_equal(resize(images, 6, 6), images)
    np.testing.assert_array_equal(square(images, 6), images)


@pytest.mark.parametrize(("height", "width"), [(4, 8), (8, 4), (4, 7), (5, 4)])
def test_the_square_is_the_central_one(height, width):
    images = noise(2, 1, height, width)
    top, left = (height - 4) // 2, (width - 4) // 2
    np.testing.assert_array_equal(square(images, 4), images[:, :, top : top + 4, left : left + 4])


def test_no_images_are_resized_to_no_images():
    assert square(np.empty((0, 3, 5, 6), np.uint8), 4).shape == (0, 3, 4, 4)
