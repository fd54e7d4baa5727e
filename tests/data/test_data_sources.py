import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_helpers import noise
from sklearn.datasets import load_digits

from wddkit.data import MissingDataError, datasets, load
from wddkit.data.npz import read_npz
from wddkit.data.sources import FASHION, data_folder

GREY = {
    "x_train": noise(30, 28, 28),
    "y_train": np.arange(30) % 10,
    "x_test": noise(10, 28, 28),
    "y_test": np.arange(10),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WDDKIT_DATA", str(tmp_path))
    return tmp_path


def test_the_names_are_those_of_the_design():
    assert set(datasets()) >= {"digits", "shapes", "mnist", "fashion-mnist", "kmnist"}
    assert set(datasets()) >= {"cifar10", "cifar10-jpeg", "imagenette96"}


def test_digits_are_those_of_scikit_learn_in_900_180_717():
    split = load("digits")
    parts = [split.train, split.val, split.test]
    assert [len(part) for part in parts] == [900, 180, 717]
    assert split.classes == tuple("0123456789")
    x, y = load_digits(return_X_y=True)
    theirs = [(label, np.rint(image * 255 / 16).astype(np.uint8).tobytes()) for image, label in zip(x, y, strict=True)]
    ours = [(label, image.tobytes()) for part in parts for image, label in zip(part.images, part.labels, strict=True)]
    assert sorted(ours) == sorted(theirs)
    for part in parts:  # every class has its share
        np.testing.assert_allclose(np.bincount(part.labels), len(part) * np.bincount(y) / 1797, atol=1)


def test_digits_are_cut_by_the_split_seed_alone():
    assert load("digits").fingerprint == load("digits", split_seed=0).fingerprint
    assert load("digits").test.fingerprint != load("digits", split_seed=1).test.fingerprint


def test_digits_are_cut_the_same_in_every_process():
    code = "import wddkit.data as d; print(d.load('digits').fingerprint)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == load("digits").fingerprint


def test_classes_and_size_apply_to_every_part():
    split = load("digits", classes=["7", "3"], size=16)
    assert split.classes == ("7", "3")
    whole = load("digits", size=16)
    for part in ("train", "val", "test"):
        own, all_of_it = getattr(split, part), getattr(whole, part)
        assert own.images.shape[1:] == (1, 16, 16)
        np.testing.assert_array_equal(own.images[own.of_class(0)], all_of_it.images[all_of_it.of_class(7)])
        np.testing.assert_array_equal(own.images[own.of_class(1)], all_of_it.images[all_of_it.of_class(3)])
    with pytest.raises(ValueError, match=r"unknown class of digits '10'"):
        load("digits", classes=["10"])


def test_unknown_names_are_told_what_is_known():
    with pytest.raises(
        ValueError, match=r"unknown data set 'minst'. Did you mean 'mnist'\? Known: .*folder:PATH.*npz:P"
    ):
        load("minst")
    for name in ("folder:", "zip:x", ""):
        with pytest.raises(ValueError, match=r"unknown data set"):
            load(name)


def test_npz_files_are_found_in_the_folder_that_wddkit_data_names(folder):
    np.savez(folder / "mnist.npz", **GREY)
    np.savez(folder / "fashion_mnist.npz", **GREY)
    mnist, fashion = load("mnist"), load("fashion-mnist")
    assert (mnist.name, mnist.classes) == ("mnist", tuple("0123456789"))
    assert (fashion.name, fashion.classes) == ("fashion-mnist", FASHION)
    np.testing.assert_array_equal(mnist.test.images[:, 0], GREY["x_test"])
    assert mnist.train.fingerprint == load(f"npz:{folder / 'mnist.npz'}").train.fingerprint
    assert load("fashion-mnist", classes=["Bag", "Coat"]).classes == ("Bag", "Coat")


def test_without_wddkit_data_files_are_looked_for_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("WDDKIT_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder() == tmp_path / ".cache/wddkit"
    with pytest.raises(
        FileNotFoundError, match=r"mnist: found no mnist.npz or MNIST/raw/ in .*/.cache/wddkit; set WDDK"
    ):
        load("mnist")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist", "cifar10"])
def test_missing_files_say_where_they_were_looked_for_and_how_to_get_them(folder, name):
    with pytest.raises(MissingDataError, match=rf"{name}: found no .* in {folder}; .* load\('{name}', download=True\)"):
        load(name)


@pytest.mark.parametrize("name", ["cifar10-jpeg", "imagenette96"])
def test_sets_that_cannot_be_fetched_do_not_offer_it(folder, name):
    with pytest.raises(ValueError, match=rf"{name}: found no .*_full_jpeg.npz in {folder}; set WDDKIT_DATA") as caught:
        load(name, download=True)
    assert "download" not in str(caught.value)


def write_idx(path: Path, array: np.ndarray) -> None:
    """The format of MNIST's files: type 8 (bytes), number of axes, lengths, values."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.mark.parametrize(
    ("name", "place"), [("kmnist", "KMNIST"), ("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")]
)
def test_files_in_the_layout_of_torchvision_are_read(folder, name, place):
    for part, x, y in (("train", "x_train", "y_train"), ("t10k", "x_test", "y_test")):
        write_idx(folder / place / f"raw/{part}-images-idx3-ubyte", GREY[x])
        write_idx(folder / place / f"raw/{part}-labels-idx1-ubyte", GREY[y])
    split = load(name)
    np.testing.assert_array_equal(split.test.images[:, 0], GREY["x_test"])
    assert (split.name, len(split.train), len(split.val), len(split.classes)) == (name, 20, 10, 10)
    assert load(name, size=14, classes=split.classes[:2]).train.images.shape == (4, 1, 14, 14)


def test_half_of_torchvisions_files_are_reported_in_its_words(folder):
    (folder / "KMNIST/raw").mkdir(parents=True)
    with pytest.raises(MissingDataError, match=r"kmnist: found no .* torchvision says: Dataset not found"):
        load("kmnist")


@pytest.mark.slow
def test_no_name_but_torchvisions_own_loads_torch():
    code = "import sys, wddkit.data as d; d.load('digits'); d.load('shapes'); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.data
@pytest.mark.parametrize(("name", "file"), [("mnist", "mnist.npz"), ("fashion-mnist", "fashion_mnist.npz")])
def test_the_official_test_sets_stay(name, file):
    split = load(name)
    assert (len(split.train), len(split.val), len(split.test)) == (55_000, 5000, 10_000)
    theirs = read_npz(Path(os.environ["WDDKIT_DATA"]) / file)
    np.testing.assert_array_equal(split.test.images[:, 0], theirs["x_test"])
    np.testing.assert_array_equal(split.test.labels, theirs["y_test"])


@pytest.mark.data
def test_one_class_of_packed_pictures_is_decoded_alone():
    split = load("imagenette96", classes=["church"], size=24)
    assert split.classes == ("church",)
    assert split.test.images.shape[1:] == (3, 24, 24)
    assert 300 < len(split.test) < 500
