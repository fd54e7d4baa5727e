import io
import os

import numpy as np
import pytest
from data_helpers import noise, write_picture
from PIL import Image

from wddkit.data import load
from wddkit.data.pictures import decode, read_pictures
from wddkit.data.pixels import square


def fill(root, parts=("train", "test"), classes=("cat", "dog"), n=10, size=6, channels=(3,), suffix=".png"):
    """A folder of noise, every picture another."""
    for part in parts:
        for label, name in enumerate(classes):
            for i in range(n):
                pixels = noise(size, size, *channels, seed=i + 100 * label)
                write_picture(root / part / name / f"{i:03d}{suffix}", pixels ^ np.uint8(part == "test"))
    return root


def names(root, part):
    return sorted((root / part).glob("*/*.png"))


def pixels_of(path):
    return np.asarray(Image.open(path)).transpose(2, 0, 1)


def as_bag(images):
    return sorted(image.tobytes() for image in images)


def test_train_and_test_folders_are_read_as_they_are(tmp_path):
    root = fill(tmp_path)
    split = load(f"folder:{root}")
    assert (split.classes, split.name) == (("cat", "dog"), f"folder:{root.name}")
    np.testing.assert_array_equal(split.test.images, [pixels_of(path) for path in names(root, "test")])
    np.testing.assert_array_equal(split.test.labels, [0] * 10 + [1] * 10)
    both = np.concatenate([split.train.images, split.val.images])
    assert as_bag(both) == as_bag([pixels_of(path) for path in names(root, "train")])
    np.testing.assert_array_equal(np.bincount(split.val.labels), [1, 1])


def test_val_is_the_test_set_where_there_is_no_other_and_itself_where_there_is(tmp_path):
    split = load(f"folder:{fill(tmp_path / 'two', ('train', 'val'))}")
    assert (len(split.train), len(split.val), len(split.test)) == (18, 2, 20)
    split = load(f"folder:{fill(tmp_path / 'three', ('train', 'val', 'test'), n=3)}")
    assert (len(split.train), len(split.val), len(split.test)) == (6, 6, 6)


def test_class_folders_alone_give_a_fifth_of_each_class_to_test(tmp_path):
    root = fill(tmp_path, ("",), n=25)
    split = load(f"folder:{root}")
    np.testing.assert_array_equal(
        [np.bincount(part.labels) for part in (split.train, split.val, split.test)], [[18, 18], [2, 2], [5, 5]]
    )
    whole = np.concatenate([split.train.images, split.val.images, split.test.images])
    assert as_bag(whole) == as_bag([pixels_of(path) for path in names(root, "")])
    assert load(f"folder:{root}").fingerprint == split.fingerprint
    assert load(f"folder:{root}", split_seed=1).fingerprint != split.fingerprint


def test_the_place_of_the_folder_does_not_enter_the_fingerprint(tmp_path, monkeypatch):
    here, there = fill(tmp_path / "here"), fill(tmp_path / "there/deep")
    assert load(f"folder:{here}").fingerprint == load(f"folder:{there}").fingerprint
    monkeypatch.chdir(here)
    assert load("folder:.").name == "folder:here"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load("folder:~/here").fingerprint == load(f"folder:{here}").fingerprint


def test_a_class_called_train_is_a_class(tmp_path):
    assert load(f"folder:{fill(tmp_path, ('',), ('bus', 'train'))}").classes == ("bus", "train")


def test_hidden_files_and_other_files_are_passed_over(tmp_path):
    root = fill(tmp_path)
    before = load(f"folder:{root}").fingerprint
    for name in (
        "train/cat/.hidden.png",
        "train/cat/._000.png",
        "train/cat/notes.txt",
        "train/.git/a.png",
        "readme.png",
    ):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("not a picture")
    (root / "unlabelled").mkdir()
    assert load(f"folder:{root}").fingerprint == before


def test_pictures_in_folders_within_a_class_folder_belong_to_the_class(tmp_path):
    root = fill(tmp_path)
    write_picture(root / "test/cat/more/deep.png", noise(6, 6, 3))
    np.testing.assert_array_equal(np.bincount(load(f"folder:{root}").test.labels), [11, 10])


def test_classes_are_chosen_and_ordered_by_name(tmp_path):
    root = fill(tmp_path, classes=("ant", "bee", "cat"))
    split = load(f"folder:{root}", classes=["cat", "ant"])
    assert split.classes == ("cat", "ant")
    whole = load(f"folder:{root}")
    for label, name in enumerate(split.classes):
        own = whole.test.of_class(whole.classes.index(name))
        np.testing.assert_array_equal(split.test.images[split.test.of_class(label)], whole.test.images[own])
    with pytest.raises(
        ValueError, match=r"unknown class of folder:.* 'cot'. Did you mean 'cat'\? Known: ant, bee, cat"
    ):
        load(f"folder:{root}", classes=["cot", "ant"])


def test_grey_and_rgb_mixed_become_rgb(tmp_path):
    root = fill(tmp_path)
    grey = noise(6, 6)
    write_picture(root / "test/cat/000.png", grey)
    split = load(f"folder:{root}")
    np.testing.assert_array_equal(split.test.images[0], np.stack([grey] * 3))
    np.testing.assert_array_equal(split.test.images[1], pixels_of(root / "test/cat/001.png"))


def test_grey_first_and_rgb_later_become_rgb(tmp_path):
    root = fill(tmp_path, channels=())
    assert load(f"folder:{root}").train.images.shape == (18, 1, 6, 6)
    write_picture(root / "test/dog/005.png", noise(6, 6, 3))
    split = load(f"folder:{root}")
    assert split.train.images.shape == (18, 3, 6, 6)
    assert (split.train.images == split.train.images[:, :1]).all()


def test_sizes_that_differ_name_a_file_and_offer_a_size(tmp_path):
    root = fill(tmp_path)
    wide = noise(8, 12, 3)
    write_picture(root / "train/dog/003.png", wide)
    with pytest.raises(ValueError, match=r"train/dog/003.png is 8 x 12 pixels .* not square; size=8 crops"):
        load(f"folder:{root}")
    write_picture(root / "train/dog/003.png", wide[:, :8])
    with pytest.raises(ValueError, match=r"dog/003.png is 8 x 8 pixels but train/cat/000.png is 6 x 6; size=6 crops"):
        load(f"folder:{root}")
    write_picture(root / "train/dog/003.png", wide)
    split = load(f"folder:{root}", size=4)
    images = np.concatenate([split.train.images, split.val.images])
    assert square(wide.transpose(2, 0, 1)[None], 4)[0].tobytes() in as_bag(images)


@pytest.mark.parametrize("damage", [b"", b"not a picture", None])
def test_a_corrupt_file_is_named_or_skipped_and_counted(tmp_path, damage):
    root = fill(tmp_path)
    bad = root / "train/dog/004.png"
    bad.write_bytes(bad.read_bytes()[:80] if damage is None else damage)
    with pytest.raises(ValueError, match=r"train/dog/004.png cannot be read as an image .* skip_corrupt=True"):
        load(f"folder:{root}")
    with pytest.warns(UserWarning, match=r"skipped 1 corrupt of 40 images: train/dog/004.png"):
        split = load(f"folder:{root}", skip_corrupt=True)
    assert len(split.train) + len(split.val) == 19


def test_a_class_that_is_corrupt_throughout_is_an_error(tmp_path):
    root = fill(tmp_path, n=2)
    for path in names(root, "train")[:2]:
        path.write_bytes(b"")
    with (
        pytest.warns(UserWarning, match=r"skipped 2 corrupt of 8 images: train/cat/000.png, train/cat/001.png"),
        pytest.raises(ValueError, match=r"\(train\): class 0 \('cat'\) has no images"),
    ):
        load(f"folder:{root}", skip_corrupt=True)


def test_folders_that_cannot_be_meant_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*/nowhere"):
        load(f"folder:{tmp_path / 'nowhere'}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no class folders in .*/empty; expected <class>/\*.png, or train/<class>"):
        load(f"folder:{tmp_path / 'empty'}")
    write_picture(tmp_path / "loose/a.png", noise(4, 4))
    with pytest.raises(ValueError, match=r"put the pictures into one folder a class"):
        load(f"folder:{tmp_path / 'loose'}")
    with pytest.raises(ValueError, match=r"found .*/train but neither test nor val beside it; folder:.*/train cuts"):
        load(f"folder:{fill(tmp_path / 'half', ('train',))}")
    root = fill(tmp_path / "strange")
    write_picture(root / "test/cow/0.png", noise(6, 6, 3))
    with pytest.raises(ValueError, match=r"folder:strange: test has a class 'cow' that train has not"):
        load(f"folder:{root}")
    (root / "train/cow").mkdir()
    with pytest.raises(ValueError, match=r"class folder .*/train/cow has no pictures \(.bmp, .gif"):
        load(f"folder:{root}")


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def test_transparency_is_laid_over_white():
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = 10, 20, 30, 255
    pixels[0, 1] = 10, 20, 30, 0
    pixels[1, 0] = 0, 0, 0, 51  # a fifth
    decoded = decode(encoded(Image.fromarray(pixels)))
    np.testing.assert_array_equal(decoded[:, 0, 0], [10, 20, 30])
    np.testing.assert_array_equal(decoded[:, 0, 1], [255, 255, 255])
    np.testing.assert_array_equal(decoded[:, 1, 0], [204, 204, 204])
    grey = Image.fromarray(np.array([[[7, 255], [7, 0]]], np.uint8))
    np.testing.assert_array_equal(decode(encoded(grey)), [[[7, 255]]])


def test_palettes_cmyk_and_single_bits_are_converted():
    palette = Image.new("P", (2, 1))
    palette.putpalette([1, 2, 3, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    np.testing.assert_array_equal(decode(encoded(palette)), [[[1, 200]], [[2, 100]], [[3, 50]]])
    clear = decode(encoded(palette, transparency=1))
    np.testing.assert_array_equal(clear[:, 0], [[1, 255], [2, 255], [3, 255]])
    cmyk = decode(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
    np.testing.assert_allclose(cmyk.mean((1, 2)), [255, 0, 0], atol=3)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(np.array([[True, False]])))), [[[255, 0]]])


def test_sixteen_bit_grey_is_rounded_to_eight_and_wider_pixels_are_refused():
    wide = np.array([[0, 128, 129, 257 * 77, 65535]], np.uint16)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(wide))), [[[0, 0, 1, 77, 255]]])
    for pixels in (np.zeros((2, 2), np.float32), np.zeros((2, 2), np.int32)):
        with pytest.raises(ValueError, match=r"pixels of type '[IF]' have no certain 8-bit meaning; save it as 8-bit"):
            decode(encoded(Image.fromarray(pixels), "TIFF"))


def test_an_unreadable_pixel_type_is_no_corruption_to_be_skipped():
    data = encoded(Image.fromarray(np.zeros((2, 2), np.float32)), "TIFF")
    with pytest.raises(ValueError, match=r"x: a.tif: pixels of type 'F'"):
        read_pictures(["a.tif"], lambda i: data, what="x", skip_corrupt=True)


def test_postscript_is_never_handed_to_another_program():
    with pytest.raises(OSError, match="cannot identify image file"):
        decode(encoded(Image.new("RGB", (4, 4)), "EPS"))


def test_nothing_left_to_read_is_an_error():
    with pytest.raises(ValueError, match="x: there are no images"):
        read_pictures([], lambda i: b"", what="x")
    with (
        pytest.warns(UserWarning, match=r"skipped 5 corrupt of 5 images: 0, 1, 2, \.\.\."),
        pytest.raises(ValueError, match="x: no image could be read"),
    ):
        read_pictures(list("01234"), lambda i: b"", what="x", skip_corrupt=True)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_not_called_corrupt(tmp_path):
    root = fill(tmp_path)
    (root / "train/cat/000.png").chmod(0)
    with pytest.raises(PermissionError):
        load(f"folder:{root}", skip_corrupt=True)
