import contextlib
from pathlib import Path

import numpy as np
import pytest
from data_helpers import jpeg, noise, packed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wddkit.data import load
from wddkit.data.npz import read_npz
from wddkit.data.pictures import decode
from wddkit.data.pixels import square

PLAIN = {"x_train": noise(20, 6, 6), "y_train": np.arange(20) % 2, "x_test": noise(4, 6, 6), "y_test": np.arange(4) % 2}
SMOOTH = [np.full((8, 8, 3), 10 * i, np.uint8) for i in range(24)]
PICTURES = [jpeg(pixels) for pixels in SMOOTH]


def packed_file(pictures=PICTURES) -> dict[str, np.ndarray]:
    train, test = packed(pictures[:20]), packed(pictures[20:])
    return {
        **{"train_bytes": train[0], "train_offsets": train[1], "y_train": np.arange(20, dtype=np.uint8) % 2},
        **{"test_bytes": test[0], "test_offsets": test[1], "y_test": np.arange(4) % 2},
        "classes": np.array(["cat", "dog"]),
    }


@pytest.fixture
def write(tmp_path):
    def write(arrays: dict[str, np.ndarray]) -> str:
        np.savez(tmp_path / "toy.npz", **arrays)
        return f"npz:{tmp_path / 'toy.npz'}"

    return write


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_plain_arrays_are_read(write, channels):
    train, test = noise(20, 6, 6, *channels), noise(4, 6, 6, *channels, seed=1)
    split = load(write({**PLAIN, "x_train": train, "x_test": test}))
    assert (split.name, split.classes, len(split.train), len(split.val)) == ("npz:toy.npz", ("0", "1"), 18, 2)
    expected = test.reshape(4, 6, 6, -1).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(split.test.images, expected)


def test_packed_pictures_are_read_with_their_class_names(write):
    split = load(write(packed_file()))
    assert split.classes == ("cat", "dog")
    np.testing.assert_array_equal(split.test.images, [decode(data) for data in PICTURES[20:]])
    both = np.concatenate([split.train.images, split.val.images])
    assert sorted(both[:, 0, 0, 0]) == sorted(decode(data)[0, 0, 0] for data in PICTURES[:20])


def test_wanted_classes_are_kept_and_renumbered_in_both_layouts(write):
    split = load(write(packed_file()), classes=["dog"])
    np.testing.assert_array_equal(split.test.images, [decode(data) for data in PICTURES[21::2]])
    split = load(write(PLAIN), classes=["1", "0"])
    np.testing.assert_array_equal(split.test.labels, [1, 0, 1, 0])
    np.testing.assert_array_equal(split.test.images[:, 0], PLAIN["x_test"])
    with pytest.raises(ValueError, match=r"unknown class of npz:toy.npz '2'. Known: 0, 1"):
        load(write(PLAIN), classes=["2"])


def test_a_file_without_names_can_be_given_them(write):
    split = load(write(PLAIN), classes=["cat", "dog"])
    assert split.classes == ("cat", "dog")
    np.testing.assert_array_equal(split.test.labels, PLAIN["y_test"])
    with pytest.raises(ValueError, match=r"unknown class of npz:toy.npz 'cow'. Known: 0, 1"):
        load(write(PLAIN), classes=["cow", "cat", "dog"])


def test_size_resizes_both_layouts(write):
    split = load(write(PLAIN), size=3)
    np.testing.assert_array_equal(split.test.images, square(PLAIN["x_test"][:, None], 3))
    assert load(write(packed_file()), size=4).train.images.shape == (18, 3, 4, 4)


@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: data[::-1]])
def test_a_corrupt_picture_is_named_by_its_index_or_skipped_and_counted(write, spoil):
    name = write(packed_file([*PICTURES[:7], spoil(PICTURES[7]), *PICTURES[8:]]))
    with pytest.raises(ValueError, match=r"toy.npz: train image 7 cannot be read as an image .* skip_corrupt=True"):
        load(name)
    with pytest.warns(UserWarning, match=r"toy.npz: skipped 1 corrupt of 24 images: train image 7"):
        split = load(name, skip_corrupt=True)
    assert (len(split.train) + len(split.val), len(split.test)) == (19, 4)
    np.testing.assert_array_equal(split.test.images, [decode(data) for data in PICTURES[20:]])


def test_a_corrupt_test_picture_is_named_as_one(write):
    with pytest.raises(ValueError, match="test image 1 cannot be read"):
        load(write(packed_file([*PICTURES[:21], b"", *PICTURES[22:]])))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"x_train": noise(20, 6, 6) / 255}, r"x_train: expected uint8 of shape \[n, h, w\] .* got float64"),
        ({"x_test": noise(4, 36)}, r"x_test: expected uint8 .* got uint8 of \(4, 36\)"),
        ({"x_test": noise(4, 6, 7)}, r"x_test: 6 x 7 pixels are not square; size=6"),
        ({"x_train": noise(20, 3, 6, 6)}, r"x_train: 6 channels; expected 1 \(grey\) or 3 \(RGB\)"),
        ({"y_train": np.arange(19) % 2}, r"y_train: expected one for each of 20 images, got shape \(19,\)"),
        ({"y_train": np.arange(20) / 2}, r"y_train: expected integers 0..k-1, got float64"),
        ({"y_train": 2 * (np.arange(20) % 2)}, r"y_train must be 0..k-1 without gaps, found \[0, 2\]"),
        ({"y_test": np.arange(4)}, r"toy.npz: y_test: labels must be 0..1 for 2 classes, found \[2, 3\]"),
        ({"classes": np.array(["a"])}, r"y_train: labels must be 0..0 for 1 classes, found \[1\]"),
        ({"classes": np.array(["a", "b", "c"])}, r"y_train: class 2 \('c'\) has no images"),
        ({"classes": np.arange(2)}, r"toy.npz: classes: expected a list of texts, got int64 of shape \(2,\)"),
    ],
)
def test_plain_files_that_do_not_fit_are_refused(write, changes, text):
    with pytest.raises(ValueError, match=text):
        load(write(PLAIN | changes))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"train_bytes": np.zeros(9)}, r"train_bytes: expected a row of uint8, got float64 of shape \(9,\)"),
        (
            {"train_offsets": np.zeros((21, 1), int)},
            r"train_offsets: expected a row of integers, got int64 of \(21, 1\)",
        ),
        ({"test_offsets": np.array([], int)}, r"test_offsets: expected a row of integers"),
        ({"test_offsets": np.arange(5)}, r"test_offsets must ascend from 0 to \d+, the number of bytes"),
        ({"test_offsets": packed(PICTURES[20:])[1][[0, 2, 1, 3, 4]]}, r"test_offsets must ascend from 0"),
        ({"y_test": np.arange(3)}, r"y_test: expected one for each of 4 images"),
    ],
)
def test_packed_files_that_do_not_fit_are_refused(write, changes, text):
    with pytest.raises(ValueError, match=text):
        load(write(packed_file() | changes))


def test_files_of_another_kind_are_refused(tmp_path, write):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*/nowhere.npz"):
        load(f"npz:{tmp_path / 'nowhere.npz'}")
    with pytest.raises(ValueError, match=r"expected x_train, .*, or train_bytes, .*; found x_train"):
        load(write({"x_train": PLAIN["x_train"]}))
    with pytest.raises(ValueError, match=r"toy.npz: not a readable npz file of plain arrays .*allow_pickle=False"):
        load(write({**PLAIN, "x_train": np.array([None, {}], dtype=object)}))
    path = tmp_path / "single.npy"
    np.save(path, np.zeros(3))
    with pytest.raises(ValueError, match=r"single.npy: not a readable npz file .*one array"):
        load(f"npz:{path}")


@given(seed=st.integers(0, 2**32))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changed_bytes_never_end_in_another_kind_of_error(tmp_path, write, seed):
    path = Path(write({key: value[:4] for key, value in PLAIN.items()})[4:])
    rng, data = np.random.default_rng(seed), bytearray(path.read_bytes())
    for place in rng.integers(len(data), size=3):
        data[place] = rng.integers(256)
    path.write_bytes(data)
    with contextlib.suppress(ValueError):  # any other kind of error fails the test
        read_npz(path)


@pytest.mark.parametrize("keep", [0, 10, 200, 1500])
def test_a_cut_file_is_refused(tmp_path, write, keep):
    write(PLAIN)
    data = (tmp_path / "toy.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(data[:keep])
    with pytest.raises(ValueError, match=r"cut.npz: not a readable npz file"):
        load(f"npz:{tmp_path / 'cut.npz'}")


def test_a_changed_byte_in_the_pixels_is_found_by_the_archive_itself(tmp_path, write):
    write(PLAIN)
    data = bytearray((tmp_path / "toy.npz").read_bytes())
    data[data.index(PLAIN["x_train"].tobytes()) + 5] ^= 1
    (tmp_path / "bad.npz").write_bytes(data)
    with pytest.raises(ValueError, match=r"bad.npz: not a readable npz file .*CRC"):
        load(f"npz:{tmp_path / 'bad.npz'}")
