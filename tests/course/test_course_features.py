"""What notebooks 04 and 05 take from the library: clouds, their pictures and neighbours, recoveries."""

from types import SimpleNamespace

import numpy as np
import pytest

from wddkit.config import Config
from wddkit.course.features import as_history, class_means, neighbours, neighbours_kept, pictures, shifted, w2_between
from wddkit.course.recovery import first_below, reach, recover
from wddkit.data import ImageSet, Split
from wddkit.methods import WMDD, Random
from wddkit.nets import Network
from wddkit.stages.teacher import Teacher
from wddkit.stages.training import Training

LINE = np.array([[0.0, 0], [1, 0], [3, 0], [7, 0]])
TWO = np.array([0, 0, 1, 1])


def some_images(count: int, *, classes: int = 2) -> ImageSet:
    rng = np.random.default_rng(0)
    return ImageSet(rng.integers(0, 256, size=(count, 1, 8, 8)).astype(np.uint8), np.arange(count) % classes)


def test_neighbours_are_the_nearest_others_in_their_order() -> None:
    assert neighbours(LINE, k=2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_a_picture_keeps_all_neighbours_if_it_is_similar_and_some_if_it_is_folded() -> None:
    assert neighbours_kept(3 * LINE + 1, LINE, k=2) == 1
    folded = np.abs(LINE - [2, 0])  # 2, 1, 1, 5: of (1), (0), (1), (2) the nearest are (1), (2), (1), (0)
    assert neighbours_kept(folded, LINE, k=1) == 0.5


def test_w2_between_classes_is_that_of_sorted_points_on_a_line() -> None:
    expected = np.sqrt((3**2 + 6**2) / 2)
    assert w2_between(LINE, TWO) == pytest.approx(np.array([[0, expected], [expected, 0]]))


def test_an_orthogonal_plane_never_makes_w2_larger() -> None:
    points, labels = np.random.default_rng(1).normal(size=(30, 6)), np.arange(30) % 3
    assert (w2_between(points[:, :2], labels) <= w2_between(points, labels) + 1e-12).all()


def test_images_move_to_the_right_and_black_comes_in() -> None:
    images = np.arange(1, 5, dtype=np.uint8).reshape(1, 1, 1, 4)
    assert shifted(images, by=1).tolist() == [[[[0, 1, 2, 3]]]]
    assert shifted(images, by=3).tolist() == [[[[0, 0, 0, 1]]]]


def test_a_cloud_has_a_disc_at_each_mean_and_the_nearest_image_beside_it() -> None:
    images, points = some_images(9, classes=3), np.random.default_rng(2).normal(size=(9, 4))
    history = as_history(images, points, classes=("a", "b", "c"), name="a cloud")
    means = class_means(points, images.labels)
    assert history.config.dataset == "a cloud"
    for c, mean in enumerate(means):
        own = points[images.labels == c]
        assert history.barycenters[c]["support"][0, 0] == pytest.approx(mean)
        assert history.barycenters[c]["value"][0] == pytest.approx(((own - mean) ** 2).sum(axis=1).mean())
        nearest = images.of_class(c)[((own - mean) ** 2).sum(axis=1).argmin()]
        assert np.array_equal(history.images(0)[c], images.images[nearest])


def test_the_pictures_of_a_cloud_have_a_place_for_every_image() -> None:
    images, points = some_images(40), np.random.default_rng(3).normal(size=(40, 5))
    found = pictures(as_history(images, points, classes=("a", "b"), name="a cloud"), steps=250)
    assert {name: places.shape for name, places in found.items()} == dict.fromkeys(["PCA", "LDA", "t-SNE"], (40, 2))
    assert all(np.isfinite(places).all() for places in found.values())
    centred = points - points.mean(axis=0)
    shares = np.linalg.svd(centred, compute_uv=False)[:2] ** 2  # what PCA's coordinates add up to
    assert (found["PCA"] ** 2).sum(axis=0) == pytest.approx(shares)


def test_the_first_step_below_a_level_is_told_or_that_there_is_none() -> None:
    assert first_below([0, 5, 9], [3.0, 1.0, 0.5], 1.0) == 5
    assert first_below([0, 5, 9], [3.0, 1.0, 0.5], 0.1) is None


def a_config(**options: object) -> Config:
    teacher = Teacher(Network(width=4, depth=2), Training(steps=5, batch=8))
    return Config(method=WMDD(ipc=1, steps=6, **options), teacher=teacher, snapshots=4)  # type: ignore[arg-type]  # by name


def a_split() -> Split:
    images = some_images(24)
    return Split.from_arrays(images.images, images.labels, images.images[:4], images.labels[:4])


def test_a_recovery_is_the_library_s_and_a_knob_turned_half_way_changes_what_comes_later() -> None:
    split, config = a_split(), a_config()
    runs = [recover(config, split, start="noise", weight=1.0, turned=turned) for turned in (None, None, 0.0)]
    assert np.array_equal(runs[0].images, runs[1].images)
    half = int(np.flatnonzero(2 * runs[0].steps >= 6)[0])
    assert np.array_equal(runs[0].images[: half + 1], runs[2].images[: half + 1])
    assert not np.array_equal(runs[0].images[-1], runs[2].images[-1])
    assert runs[0].steps[[0, -1]].tolist() == [0, 6]
    assert len(runs[0].steps) == len(runs[0].gap) == len(runs[0].error) == len(runs[0].images)


def test_a_recovery_of_another_method_is_an_error() -> None:
    with pytest.raises(ValueError, match="recover: expected a config of WMDD, got one of Random"):
        recover(Config(method=Random(ipc=1)), a_split(), start="noise", weight=1.0)


def test_waiting_for_a_step_ends_at_the_step_with_the_work_and_with_patience() -> None:
    def session(**state: object) -> object:
        return SimpleNamespace(state={"state": "running", "stage": "recover", "done": 5, **state})

    reach(session(), 5)  # type: ignore[arg-type]  # all that is read of a session
    reach(session(state="stopped", done=0), 5)  # type: ignore[arg-type]  # as above
    with pytest.raises(TimeoutError, match=r"did not come to step 5 within 0 s: .*'stage': 'barycenter'"):
        reach(session(stage="barycenter", done=9), 5, seconds=0)  # type: ignore[arg-type]  # as above
