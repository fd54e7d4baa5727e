import numpy as np
import pytest
import torch
from data_helpers import noise
from hypothesis import assume, given
from hypothesis import strategies as st

from wddkit.data import Split, split_from_arrays
from wddkit.data.arrays import to_images, to_labels
from wddkit.data.pixels import square

X, Y = noise(20, 6, 6, 3), np.arange(20) % 2
T, U = noise(6, 6, 6, 3, seed=1), np.arange(6) % 2
NCHW = X.transpose(0, 3, 1, 2)


def split(x=X, y=Y, x_test=T, y_test=U, **options) -> Split:
    return Split.from_arrays(x, y, x_test, y_test, **options)


@pytest.mark.parametrize(
    "x",
    [
        X,
        NCHW,
        X.astype(np.int64),
        X / 255,
        (X / 255).astype(np.float32),
        X.tolist(),
        list(X),
        torch.from_numpy(X),
        torch.from_numpy(NCHW.copy()) / 255,
        (torch.from_numpy(X) / 255).requires_grad_(),
        [torch.from_numpy(image) for image in X],
        X[:, ::1, ::1].astype(">i4"),
    ],
    ids=lambda x: type(x).__name__,
)
def test_every_usual_kind_of_array_gives_the_same_pixels(x):
    images = to_images(x)
    assert images.flags.c_contiguous
    np.testing.assert_array_equal(images, NCHW)


@given(st.lists(st.integers(0, 255), min_size=9, max_size=9), st.sampled_from([np.float16, np.float32, np.float64]))
def test_eight_bit_values_survive_every_float_type(values, kind):
    pixels = np.array(values, np.uint8).reshape(1, 3, 3)
    np.testing.assert_array_equal(to_images((pixels / 255).astype(kind)), pixels[:, None])


def test_bfloat16_tensors_are_read_to_their_precision():
    pixels = to_images((torch.from_numpy(X) / 255).bfloat16())
    np.testing.assert_allclose(pixels.astype(int), NCHW.astype(int), atol=1)


def test_grey_images_without_a_channel_axis_get_one():
    grey = noise(5, 6, 6)
    for x in (grey, grey[..., None], grey[:, None]):
        np.testing.assert_array_equal(to_images(x), grey[:, None])


@given(n=st.integers(1, 4), h=st.integers(1, 6), c=st.sampled_from([1, 3]), first=st.booleans())
def test_a_layout_is_found_or_asked_for_and_never_guessed_wrong(n, h, c, first):
    assume(h != 4)  # its own error: an alpha channel
    pixels = noise(n, c, h, h)
    given_layout = pixels if first else pixels.transpose(0, 2, 3, 1)
    layout = "NCHW" if first else "NHWC"
    np.testing.assert_array_equal(to_images(given_layout, layout=layout), pixels)
    if h in (1, 3):
        with pytest.raises(ValueError, match=r"reads two ways; say layout='NHWC' or layout='NCHW'"):
            to_images(given_layout)
    else:
        np.testing.assert_array_equal(to_images(given_layout), pixels)


def spoilt(value: float, at: int = 13) -> np.ndarray:
    x = X / 255
    x[at, 2, 3, 1] = value
    return x


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (spoilt(np.nan), r"train images: NaN or infinite values, first in item 13 \(1 of 20\)"),
        (spoilt(np.inf, 4), r"NaN or infinite values, first in item 4"),
        (
            (X / 255 - 0.5) / 0.25,
            r"floats in \[0, 1\], found -2 to 2; undo the normalisation first: images \* std \+ mean",
        ),
        (X.astype(np.float32), r"found 0 to 255; divide by 255, or convert 8-bit values with .astype\(np.uint8\)"),
        (spoilt(300.0), r"expected floats in \[0, 1\], found 0 to 300"),
        (X.astype(np.int16) - 1, r"expected integers 0..255, found -1 to 254; scale them to 8 bits"),
        (X.astype(np.uint16) * 257, r"expected integers 0..255, found 0 to 65535"),
        (X > 9, r"expected 8-bit integers or floats in \[0, 1\], got bool"),
        (X.astype(complex), r"got complex128"),
        (noise(20, 6, 6, 4), r"4 channels: drop the alpha channel with images\[..., :3\]"),
        (noise(20, 4, 6, 6), r"4 channels: drop the alpha channel with images\[:, :3\]"),
        (noise(20, 6, 6, 2), r"no channels found in shape \(20, 6, 6, 2\); expected 1 \(grey\) or 3 \(RGB\)"),
        (noise(20, 5, 6, 3), r"5 x 6 pixels are not square; size=5 crops and resizes"),
        (noise(20, 36), r"got shape \(20, 36\); reshape flat rows to \[n, height, width\]"),
        (noise(20), r"expected \[n, h, w\], \[n, h, w, c\] or \[n, c, h, w\], got shape \(20,\)"),
        ([noise(5, 5), noise(6, 6)], r"the items differ in shape, \(5, 5\) and \(6, 6\); give them one size"),
        (np.full(20, None), r"expected numbers, got an array of Python objects"),
        (np.full((20, 6, 6), 7, np.uint8), r"arrays: constant images: every training pixel is 7"),
        (np.where(Y[:, None, None, None] == 1, 0, X), r"constant images: every pixel of class 1 \('1'\) is 0"),
        (X[:0], r"arrays: x_train has no images"),
    ],
)
def test_images_that_cannot_be_meant_are_refused(x, text):
    with pytest.raises(ValueError, match=text):
        split(x, Y[: len(x)])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"layout": "NWHC"}, r"unknown layout 'NWHC'. Did you mean 'NHWC'\?"),
        ({"layout": "NHW"}, r"layout NHW has 3 axes, but the shape is \(20, 6, 6, 3\)"),
        ({"layout": "NCHW"}, r"train images: 6 channels; expected 1 \(grey\) or 3 \(RGB\)"),
        ({"size": 0}, r"size: expected a whole number of pixels, at least 1, got 0"),
        ({"size": 2.5}, r"size: expected a whole number of pixels, at least 1, got 2.5"),
        ({"classes": "ab"}, r"classes: expected a list of names, one string a class, got 'ab'"),
        ({"classes": [0, 1]}, r"classes: expected a list of names, one string a class, got \[0, 1\]"),
        ({"classes": ["a", "a"]}, r"arrays: class names must be distinct"),
        ({"classes": ["a"]}, r"arrays \(train\): labels must be 0..0 for 1 classes, found \[1\]"),
        ({"classes": ["a", "b", "c"]}, r"class 2 \('c'\) has no images"),
        ({"val": 1.0}, r"val: expected the share of train to cut off, in \[0, 1\), or \(images, labels\); got 1.0"),
        ({"x_test": T[:0], "y_test": U[:0]}, r"arrays: the test set has no images"),
        ({"x_test": noise(6, 8, 8, 3)}, r"test images are \(3, 8, 8\)"),
        ({"y_test": U + 1}, r"arrays \(test\): labels must be 0..1"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        split(**options)


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (Y[:19], r"train labels: expected one for each of 20 images, got shape \(19,\)"),
        (Y.astype(float), r"train labels: expected integers 0..k-1, got float64; number them with np.unique"),
        (Y.astype(bool), r"expected integers 0..k-1, got bool"),
        (["cat", "dog"] * 10, r"expected integers 0..k-1, got <U3; number them with np.unique"),
        (Y[:, None], r"got \(20, 1\); flatten them: labels.ravel\(\)"),
        (np.eye(2, dtype=int)[Y], r"expected one integer an image, got \(20, 2\); from one-hot: labels.argmax\(1\)"),
        (Y + 1, r"train labels must be 0..k-1 without gaps, found \[1, 2\]; give classes=.*renumber: np.unique"),
        (Y * 2, r"train labels must be 0..k-1 without gaps, found \[0, 2\]"),
        (Y - 1, r"train labels must be 0..k-1 without gaps, found \[-1, 0\]"),
        (Y * 10**12, r"train labels must be 0..k-1 without gaps"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(y, text):
    with pytest.raises(ValueError, match=text):
        split(y=y)


@pytest.mark.parametrize("kind", ["u1", "i2", ">i4", "u8"])
def test_labels_of_any_integer_type_become_int64(kind):
    labels = to_labels(Y.astype(kind), 20)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, Y)
    np.testing.assert_array_equal(to_labels(torch.from_numpy(Y), 20), Y)
    np.testing.assert_array_equal(to_labels(list(torch.from_numpy(Y)), 20), Y)


def test_no_image_is_lost_or_changed_and_the_test_set_stays():
    own = split(classes=("a", "b"), name="mine")
    assert (own.classes, own.name) == (("a", "b"), "mine")
    assert (len(own.train), len(own.val)) == (18, 2)
    both = np.concatenate([own.train.images, own.val.images])
    assert sorted(image.tobytes() for image in both) == sorted(image.tobytes() for image in NCHW)
    np.testing.assert_array_equal(own.test.images, T.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(own.test.labels, U)


def test_validation_may_be_given_or_left_out():
    assert len(split(val=0).val) == 0
    assert len(split(val=0.5).val) == 10
    own = split(val=(T, U))
    assert len(own.train) == 20
    np.testing.assert_array_equal(own.val.images, own.test.images)


def test_size_crops_central_squares_and_resizes_every_part():
    wide = noise(20, 6, 10, 3)
    own = split(wide, size=4, val=0)
    np.testing.assert_array_equal(own.train.images, square(wide.transpose(0, 3, 1, 2), 4))
    assert own.test.images.shape == (6, 3, 4, 4)


def test_the_arguments_are_left_unchanged():
    x, y = X / 255, Y.copy()
    split_from_arrays(x, y, T, U)
    np.testing.assert_array_equal(x, X / 255)
    np.testing.assert_array_equal(y, Y)
