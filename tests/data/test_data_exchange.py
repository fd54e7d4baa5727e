import dataclasses
import json
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from data_helpers import assert_same, distilled_sets, noise, plain_distilled, write_picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors import numpy as safetensors

from wddkit.data import DistilledSet
from wddkit.data.card import class_folder, digest, read_card, sha256

FEW = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(distilled_sets())
def test_a_saved_set_is_read_back_bit_for_bit(distilled):
    with tempfile.TemporaryDirectory() as folder:
        distilled.save(Path(folder) / "out")
        assert_same(DistilledSet.load(Path(folder) / "out"), distilled)


@FEW
@given(st.data())
def test_damage_anywhere_is_an_error_that_names_the_file_or_changes_nothing(data):
    distilled = plain_distilled(3, size=4)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "out"
        distilled.save(root)
        file = data.draw(st.sampled_from(sorted(path for path in root.rglob("*") if path.is_file())))
        content = bytearray(file.read_bytes())
        if data.draw(st.booleans()):
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        else:
            content = content[: data.draw(st.integers(0, len(content) - 1))]
        file.write_bytes(content)
        if file.name == "card.json" and is_sealed(content):
            assert_same(DistilledSet.load(root), distilled)  # a changed blank between two fields
            return
        with pytest.raises(ValueError, match=re.escape(file.name)):
            DistilledSet.load(root)


def is_sealed(content: bytes) -> bool:
    try:
        read_card(content)
    except ValueError:
        return False
    return True


@pytest.fixture
def saved(tmp_path):
    plain_distilled().save(tmp_path / "out")
    return tmp_path / "out"


def change_card(root: Path, **changes: object) -> None:
    """Changes the card and seals it again, as a hostile or careless writer would."""
    card = json.loads((root / "card.json").read_text()) | changes
    card.pop("card_sha256")
    (root / "card.json").write_text(json.dumps({**card, "card_sha256": digest(card)}))


def test_the_folder_holds_one_png_an_image_and_a_card(saved):
    files = sorted(path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file())
    pngs = ["0000_a/000000.png", "0000_a/000003.png", "0001_b/000001.png"]
    pngs += ["0001_b/000004.png", "0002_c/000002.png", "0002_c/000005.png"]
    assert files == [*pngs, "card.json", "labels.safetensors"]
    with Image.open(saved / "0001_b/000004.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture).transpose(2, 0, 1), plain_distilled().images[4])
    card = json.loads((saved / "card.json").read_text())
    assert (card["schema"], card["channels"], card["classes"]) == ("wddkit.distilled/0", "RGB", ["a", "b", "c"])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"schema": "wddkit.distilled/9"}, r"card.json: schema 'wddkit.distilled/9'; this version reads"),
        ({"classes": ["b", "a", "c"]}, r"label 0 is class 'b', so '0000_b/000000.png': the class order does not fit"),
        ({"classes": ["a", "b", "b"]}, r"the class order does not fit"),
        ({"classes": ["a"]}, r"labels.safetensors: labels: expected 6 of int64 in 0..0"),
        ({"channels": "BGR"}, r"card.json: unknown value of card.channels 'BGR'"),
        ({"channels": "grey"}, r"000000.png: expected grey of 8 x 8 pixels, got mode RGB of 8 x 8"),
        ({"size": 9}, r"000000.png: expected RGB of 9 x 9 pixels, got mode RGB of 8 x 8"),
        ({"count": 5}, r"card.json: count 5, but 6 images are listed"),
        ({"pixel_range": [0, 1]}, r"card.json: expected pixels 0..255"),
        ({"formation": 3}, r"do not fit the images: formation 3 must"),
        ({"formation": 2}, r"do not fit the images: soft labels: expected float32 of shape \(24, 3\)"),
        ({"normalisation": {"mean": [0.5], "std": [0.5]}}, r"do not fit the images: normalisation: expected 3 means"),
        ({"about": []}, r"card.json: about: expected a table of texts"),
        ({"layout": 3}, r"card.json: card.layout: expected str, got 3"),
        ({"surprise": 3}, r"card.json: unknown field of card 'surprise'"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(saved, changes, text):
    change_card(saved, **changes)
    with pytest.raises(ValueError, match=text):
        DistilledSet.load(saved)


def test_a_card_changed_by_hand_is_refused(saved):
    text = (saved / "card.json").read_text()
    (saved / "card.json").write_text(text.replace('"formation": 1', '"formation": 2'))
    with pytest.raises(ValueError, match=r"card.json: its content does not fit its card_sha256"):
        DistilledSet.load(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "null", '{"schema": []}'])
def test_what_is_no_card_is_refused(saved, text):
    (saved / "card.json").write_text(text)
    with pytest.raises(ValueError, match=r"card.json: (not readable as JSON|schema)"):
        DistilledSet.load(saved)


def test_a_card_cannot_name_files_outside_its_folder(saved):
    card = json.loads((saved / "card.json").read_text())
    change_card(saved, images=[{"file": "../../secret.png", "sha256": "0"}, *card["images"][1:]])
    with pytest.raises(ValueError, match=r"image 0 is listed as '../../secret.png'"):
        DistilledSet.load(saved)


def test_missing_and_extra_files_are_named(saved):
    write_picture(saved / "0001_b/extra.png", noise(8, 8, 3))
    with pytest.raises(ValueError, match=r"extra.png is not listed in card.json"):
        DistilledSet.load(saved)
    (saved / "0001_b/extra.png").unlink()
    (saved / "0001_b").rename(saved / "0001_dog")
    with pytest.raises(ValueError, match=r"is not listed|000001.png is missing"):
        DistilledSet.load(saved)
    shutil.rmtree(saved / "0001_dog")
    with pytest.raises(FileNotFoundError, match=r"0001_b/000001.png is missing; save the set again"):
        DistilledSet.load(saved)
    with pytest.raises(ValueError, match=r"holds no distilled set: no card.json; .* DistilledSet.from_folder"):
        DistilledSet.load(saved.parent)


def test_swapped_pictures_are_found_by_their_hashes(saved):
    (saved / "0000_a/000000.png").rename(saved / "spare")
    (saved / "0001_b/000001.png").rename(saved / "0000_a/000000.png")
    (saved / "spare").rename(saved / "0001_b/000001.png")
    with pytest.raises(ValueError, match=r"000000.png: damaged: its content does not fit the hash in card.json"):
        DistilledSet.load(saved)


def test_saving_replaces_a_saved_set_and_leaves_nothing_else(saved):
    (saved / ".DS_Store").write_text("clutter of a file manager")
    smaller = plain_distilled(2, classes=("x", "y"))
    smaller.save(saved)
    assert_same(DistilledSet.load(saved), smaller)
    assert [path.name for path in saved.parent.iterdir()] == ["out"]
    assert sorted(path.name for path in saved.iterdir()) == ["0000_x", "0001_y", "card.json", "labels.safetensors"]


def test_an_empty_folder_and_new_parents_may_be_saved_into(tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "new/deep/out", str(tmp_path / "text") + "/"):
        plain_distilled().save(path)
        assert_same(DistilledSet.load(path), plain_distilled())


def test_saving_never_destroys_what_is_not_ours(tmp_path, saved):
    foreign = tmp_path / "photos"
    write_picture(foreign / "0000_cat/000000.png", noise(8, 8, 3))
    with pytest.raises(ValueError, match=r"photos is not empty and holds no saved distilled set; choose another path"):
        plain_distilled().save(foreign)
    for text in ('{"schema": "another"}', "{"):
        (foreign / "card.json").write_text(text)
        with pytest.raises(ValueError, match=r"holds no saved distilled set"):
            plain_distilled().save(foreign)
    (saved / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"out holds notes.txt, which would be lost"):
        plain_distilled().save(saved)
    with pytest.raises(ValueError, match=r"notes.txt is a file, not a saved distilled set"):
        plain_distilled().save(saved / "notes.txt")
    assert (saved / "notes.txt").read_text() == "mine"
    assert_same(DistilledSet.load(saved), plain_distilled())


def test_a_save_that_fails_leaves_the_old_set_and_no_rest(saved):
    bad = dataclasses.replace(plain_distilled(), about={"epochs": 3})
    with pytest.raises(ValueError, match=r"about: expected texts, got 'epochs': 3"):
        bad.save(saved)
    assert_same(DistilledSet.load(saved), plain_distilled())
    assert [path.name for path in saved.parent.iterdir()] == ["out"]


def test_a_replacement_that_fails_at_the_last_moment_puts_the_old_set_back(saved, monkeypatch):
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if Path(target).name == "out" and not path.name.endswith(".old"):
            raise PermissionError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(PermissionError, match="no"):
        plain_distilled(2, classes=("x", "y")).save(saved)
    assert_same(DistilledSet.load(saved), plain_distilled())
    assert [path.name for path in saved.parent.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("tensors", "text"),
    [
        (None, r"labels.safetensors: not readable"),
        ({"labels": np.zeros(6, np.int64)}, r"expected masses and labels, perhaps soft or views; found \['labels'\]"),
        (
            {"labels": np.zeros(6, np.int64), "masses": np.ones(6), "more": np.ones(1)},
            r"found \['labels', 'masses', 'm",
        ),
        (
            {"labels": np.zeros(6, np.int64), "masses": np.ones(6), "views.logits": np.ones(1)},
            r"expected masses and labels, perhaps soft or views",
        ),
        (
            {"labels": np.zeros(6), "masses": np.ones(6)},
            r"labels: expected 6 of int64 in 0..2, got float64 of shape \(6",
        ),
        ({"labels": np.arange(6) % 3, "masses": np.ones(6)}, r"do not fit the images: masses must sum to 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused_even_when_sealed(saved, tensors, text):
    data = b"no tensors" if tensors is None else safetensors.save(tensors)
    (saved / "labels.safetensors").write_bytes(data)
    change_card(saved, labels={"file": "labels.safetensors", "sha256": sha256(data)})
    with pytest.raises(ValueError, match=text):
        DistilledSet.load(saved)


def test_torchvision_reads_the_folder_in_our_class_order(saved):
    folder = pytest.importorskip("torchvision.datasets").ImageFolder(str(saved))
    assert folder.classes == ["0000_a", "0001_b", "0002_c"]
    for path, label in folder.samples:
        assert label == plain_distilled().labels[int(Path(path).stem)]


def test_an_empty_set_cannot_be_saved(tmp_path):
    empty = DistilledSet(np.empty((0, 1, 4, 4), np.uint8), np.empty(0, np.int64), ("a",), np.empty(0))
    with pytest.raises(ValueError, match="without images cannot be saved"):
        empty.save(tmp_path / "out")


@pytest.mark.parametrize(
    ("label", "name", "folder"),
    [
        (7, "golf ball", "0007_golf-ball"),
        (0, "<script>", "0000_script"),
        (1, "a/b", "0001_a-b"),
        (2, "..", "0002_class"),
        (3, "猫", "0003_class"),
        (4, "café", "0004_cafe"),
        (5, "x" * 300, "0005_" + "x" * 40),
        (6, "train", "0006_trainclass"),
        (12345, "Bullet TRAIN 2", "12345_Bullet-TRAINclass-2"),
        (8, "trainer", "0008_trainer"),
    ],
)
def test_folder_names_are_safe_everywhere(label, name, folder):
    assert class_folder(label, name) == folder


def test_transposed_labels_are_stored_as_they_read(tmp_path):
    soft = np.arange(6, dtype=np.float32).reshape(2, 3).T  # not contiguous
    images, labels = noise(3, 1, 4, 4), np.array([0, 1, 1])
    distilled = DistilledSet(images, labels, ("a", "b"), np.array([1, 0.5, 0.5]), soft=soft)
    distilled.save(tmp_path / "out")
    np.testing.assert_array_equal(DistilledSet.load(tmp_path / "out").soft, soft)


def test_the_card_reader_is_the_inverse_of_the_writer(saved):
    card = read_card((saved / "card.json").read_bytes())
    assert card.count == 6
    assert [file.file for file in card.images][:2] == ["0000_a/000000.png", "0001_b/000001.png"]


def test_hugging_face_reads_the_folder_in_our_class_order(tmp_path, monkeypatch):
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_DATASETS_DISABLE_PROGRESS_BARS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    datasets = pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")
    # Twelve classes: the tenth sorts before the second without the zeros. Names that the reader takes for parts.
    classes = ("train", "<script>", "a/b", "猫", "test tube", "val", "dev", "z", "y", "bullet train", "eval 2", "aa")
    distilled = plain_distilled(24, classes=classes)
    distilled.save(tmp_path / "out")
    read = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(read) == ["train"]
    assert read["train"].num_rows == 24
    assert set(read["train"].column_names) == {"image", "label"}
    for item in read["train"]:
        position = int(Path(item["image"].filename).stem)
        assert item["label"] == distilled.labels[position]
        np.testing.assert_array_equal(np.asarray(item["image"]).transpose(2, 0, 1), distilled.images[position])
