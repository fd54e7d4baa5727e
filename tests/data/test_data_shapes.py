import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from wddkit.data import ShapesConfig, load
from wddkit.data.drawing import HUES, Figures, colour, paint
from wddkit.data.shapes import MOST_CLASSES, class_name, shapes

SMALL = ShapesConfig(classes=4, train=12, val=3, test=5)


def test_load_gives_the_default_set():
    split = load("shapes")
    assert (split.name, len(split.classes), split.train.images.shape[1:]) == ("shapes", 10, (3, 32, 32))
    for part, each in ((split.train, 100), (split.val, 20), (split.test, 50)):
        np.testing.assert_array_equal(np.bincount(part.labels), [each] * 10)
    assert split.fingerprint == shapes().split.fingerprint == load("shapes", split_seed=5).fingerprint
    assert load("shapes", classes=["blue disc"], size=16).test.images.shape == (50, 3, 16, 16)


def test_the_default_set_is_made_well_within_a_second():
    seconds = []
    for _ in range(3):
        start = time.process_time()
        shapes()
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1


@settings(max_examples=15)
@given(
    seed=st.integers(0, 5),
    classes=st.integers(2, 6),
    train=st.integers(1, 30),
    noise=st.integers(0, 20),
    outlier_kind=st.sampled_from(["class", "noise"]),
)
def test_an_image_depends_on_its_seed_part_class_and_index_alone(seed, classes, train, noise, outlier_kind):
    config = ShapesConfig(classes=6, train=30, val=2, test=4, seed=seed, noise=noise, outliers=0.3)
    config = replace(config, outlier_kind="noise") if outlier_kind == "noise" else replace(config, outliers=0)
    many, few = shapes(config), shapes(replace(config, classes=classes, train=train))
    for label in range(classes):
        own, other = many.split.train.of_class(label)[:train], few.split.train.of_class(label)
        np.testing.assert_array_equal(many.split.train.images[own], few.split.train.images[other])
        np.testing.assert_array_equal(many.modes["train"][own], few.modes["train"][other])
        np.testing.assert_array_equal(many.outliers["train"][own], few.outliers["train"][other])


def test_another_seed_or_part_gives_other_images():
    base = shapes(SMALL).split
    assert base.train.fingerprint != shapes(replace(SMALL, seed=1)).split.train.fingerprint
    taken = {image.tobytes() for image in base.train.images}
    assert not taken & {image.tobytes() for image in [*base.val.images, *base.test.images]}


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.integers(1, 200),
    st.floats(0, 0.5),
    st.integers(0, 3),
)
@settings(max_examples=25)
def test_modes_and_outliers_meet_their_shares(parts, n, share, seed):
    modes = tuple(part / sum(parts) for part in parts)
    config = ShapesConfig(
        classes=2, train=n, val=0, test=1, modes=modes, outliers=share, outlier_kind="noise", size=8, seed=seed
    )
    made = shapes(config)
    for label in range(2):
        own = made.split.train.labels == label
        counts = np.bincount(made.modes["train"][own], minlength=len(modes))
        # A run of multiples of the golden ratio meets every interval to within a few points (three-distance theorem).
        np.testing.assert_allclose(counts, np.array(modes) * n, atol=4)
        assert abs(made.outliers["train"][own].sum() - share * n) <= 4
    assert not made.outliers["test"].any()


def test_imbalance_is_geometric_and_leaves_val_and_test_even():
    made = shapes(ShapesConfig(classes=3, train=100, val=4, test=5, imbalance=25)).split
    np.testing.assert_array_equal(np.bincount(made.train.labels), [100, 20, 4])
    np.testing.assert_array_equal(np.bincount(made.val.labels), [4, 4, 4])
    np.testing.assert_array_equal(np.bincount(made.test.labels), [5, 5, 5])


def test_outliers_show_another_class_and_are_flagged():
    config = replace(SMALL, classes=2, train=60, noise=0, spread=0.0, modes=(1.0,), outliers=0.2)
    made = shapes(config)
    clean = shapes(replace(config, outliers=0.0)).split.train
    typical = [clean.images[clean.of_class(label)[0]] for label in (0, 1)]
    images, labels, odd = made.split.train.images, made.split.train.labels, made.outliers["train"]
    for image, label, flag in zip(images, labels, odd, strict=True):
        np.testing.assert_array_equal(image, typical[1 - label if flag else label])
    assert abs(odd.sum() - 24) <= 4


def test_noise_outliers_use_all_levels_evenly():
    made = shapes(replace(SMALL, outliers=0.5, outlier_kind="noise"))
    levels = np.bincount(made.split.train.images[made.outliers["train"]].ravel(), minlength=256)
    assert levels.min() > 0.6 * levels.mean()


@pytest.mark.parametrize("trait", ["position", "size", "hue"])
def test_modes_differ_in_the_traits_asked_for_and_in_nothing_else(trait):
    config = replace(SMALL, modes=(0.5, 0.5), traits=(trait,), spread=0.0, noise=0)
    made = shapes(config)
    train, modes = made.split.train, made.modes["train"]
    inked = train.images.max(axis=1) > 100
    for label in range(config.classes):
        kinds = [np.flatnonzero((train.labels == label) & (modes == mode)) for mode in (0, 1)]
        for own in kinds:  # without scatter and noise a mode is one image
            assert (train.images[own] == train.images[own[0]]).all()
        one, other = kinds[0][0], kinds[1][0]
        columns = np.arange(32)
        centres = [
            (inked[i].sum(axis=0) @ columns / inked[i].sum(), inked[i].sum(axis=1) @ columns / inked[i].sum())
            for i in (one, other)
        ]
        moved = np.hypot(*np.subtract(*centres)) > 3
        areas = sorted([inked[one].sum(), inked[other].sum()])
        assert moved == (trait == "position")
        assert (areas[1] > 2 * areas[0]) == (trait == "size")
        colours = [train.images[i][:, inked[i]].mean(axis=1) for i in (one, other)]
        assert (np.abs(np.subtract(*colours)).max() > 20) == (trait == "hue")


def test_every_class_has_its_own_name_and_look():
    names = [class_name(label) for label in range(MOST_CLASSES)]
    assert len(set(names)) == MOST_CLASSES == 1024
    assert names[:3] == ["red disc", "blue disc", "red square"]
    assert all(name == " ".join(name.split()) for name in names)
    config = ShapesConfig(classes=MOST_CLASSES, train=1, val=0, test=0, modes=(1.0,), spread=0.0, noise=0, size=24)
    images = shapes(config).split.train.images
    flat = images.reshape(len(images), -1).astype(np.float32)
    squares = (flat**2).sum(axis=1)
    apart = squares[:, None] + squares - 2 * flat @ flat.T + 1e9 * np.eye(len(flat))
    assert np.sqrt(apart.min() / flat.shape[1]) > 5  # levels, root mean square over all pixels


def test_classes_can_be_learnt_and_are_not_told_by_colour_alone():
    split = shapes(replace(SMALL, classes=6, train=100, test=30)).split
    by_pixels = LogisticRegression(max_iter=200)
    by_colour = LogisticRegression(max_iter=200)
    x, y = split.train.images / 255, split.train.labels
    u, v = split.test.images / 255, split.test.labels
    by_pixels.fit(x.reshape(len(x), -1), y)
    by_colour.fit(x.reshape(*x.shape[:2], -1).max(axis=2), y)
    assert by_pixels.score(u.reshape(len(u), -1), v) > 0.8
    assert by_colour.score(u.reshape(*u.shape[:2], -1).max(axis=2), v) < 0.6


def test_a_disc_covers_its_area_in_its_colour():
    half = np.array([0.5])
    figures = Figures(
        kind=np.array([0]), pattern=np.array([0]), x=half, y=half, radius=np.array([0.3]), turn=np.array([0.0]),
        hue=np.array([0.0]), bright=np.array([1.0]), ground=np.array([0.0]),
    )  # fmt: skip
    image = paint(figures, 64)[0]
    np.testing.assert_allclose(image[0].mean() / 255, np.pi * 0.3**2, rtol=0.01)
    np.testing.assert_array_equal(image[:, 32, 32], [255, 38, 38])  # red of saturation 0.85


def test_colours_are_those_of_the_hsv_model():
    import colorsys

    degrees = np.array([degrees for _, degrees in HUES] + [359.0, -12.0])
    theirs = [colorsys.hsv_to_rgb(hue % 360 / 360, 0.85, 0.7) for hue in degrees]
    np.testing.assert_allclose(colour(degrees, np.full(len(degrees), 0.7)), theirs, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"classes": 0}, r"classes: expected 1 to 1024 that can be told apart, got 0"),
        ({"classes": 1025}, r"classes: expected 1 to 1024"),
        ({"train": 0}, r"images a class: expected train >= 1"),
        ({"modes": (0.5, 0.4)}, r"modes: expected positive shares that sum to 1, got \(0.5, 0.4\)"),
        ({"modes": ()}, r"modes: expected positive shares"),
        ({"traits": ("colour",)}, r"unknown trait 'colour'. Known: hue, position, size"),
        ({"outlier_kind": "other"}, r"unknown outlier_kind 'other'"),
        ({"outliers": 1.0}, r"expected outliers in \[0, 1\), imbalance >= 1 and spread in \[0, 2\]"),
        ({"imbalance": 0.5}, r"imbalance >= 1"),
        ({"classes": 1, "outliers": 0.1}, r"outliers of another class need two classes; or outlier_kind='noise'"),
        ({"noise": 200}, r"expected noise in 0..127 levels and size of at least 8 pixels"),
        ({"size": 4}, r"size of at least 8 pixels"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        replace(SMALL, **changes)
