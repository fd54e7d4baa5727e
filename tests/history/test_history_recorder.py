"""Loops that are not ours are recorded and replayed like runs."""

from pathlib import Path

import numpy as np
import pytest
from history_toys import barycenter_snapshot

from wddkit.data import ImageSet
from wddkit.history import Frame, History, RealSample, Recorder

CLASSES = ["cat", "dog"]
LABELS = np.array([0, 0, 1])


def frames(count: int, size: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 3, 3, size, size)).astype(np.uint8)


def test_a_recorded_loop_is_a_complete_run(tmp_path: Path) -> None:
    images = frames(4)
    real = ImageSet(frames(2)[0], np.array([0, 1, 1]))
    with Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS, real=real, config={"lr": 0.1}) as recorder:
        for step in range(4):
            recorder.snapshot(10 * step, images[step] / 255, images[step].mean(axis=(2, 3)), loss=1 / (step + 1))
    history = recorder.history
    assert history.path == tmp_path / "mine"
    assert history.frames == tuple(Frame("recorded", 10 * step) for step in range(4))
    for step in range(4):
        np.testing.assert_array_equal(history.images(step), images[step])
        np.testing.assert_allclose(history.features(step), images[step].mean(axis=(2, 3)), rtol=1e-6)
    np.testing.assert_array_equal(history.distilled.images, images[3])
    assert history.distilled.classes == ("cat", "dog")
    np.testing.assert_array_equal(history.distilled.masses, [0.5, 0.5, 1])
    np.testing.assert_allclose(history.scalars.loss, [1, 1 / 2, 1 / 3, 1 / 4])
    np.testing.assert_array_equal(history.real.labels, [0, 1, 1])
    assert history.config.lr == 0.1
    assert history.config.method.kind == "recorded"
    assert history.results.empty
    History.load(history.path, verify="all")


def test_torch_tensors_with_gradients_and_half_precision_are_taken(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    images = torch.linspace(0, 1, 3 * 3 * 64).reshape(3, 3, 8, 8)
    with Recorder(tmp_path / "mine", classes=CLASSES, labels=torch.tensor(LABELS)) as recorder:
        recorder.snapshot(0, images.clone().requires_grad_(), images.mean((2, 3)).bfloat16())
        recorder.snapshot(1, (images * 255).round().to(torch.uint8))
    history = recorder.history
    np.testing.assert_array_equal(history.images(0), np.rint(images.numpy() * 255))
    np.testing.assert_array_equal(history.images(0), history.images(1))
    assert history.arrays(0)[0]["features"].dtype == np.float32
    assert history.features(0).shape == (3, 3)
    assert history.features(1) is None


def test_a_long_loop_is_thinned_evenly_within_its_budget_and_keeps_both_ends(tmp_path: Path) -> None:
    images = frames(3, size=32)
    with Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS, budget_mb=1.0) as recorder:
        for step in range(333):
            recorder.snapshot(step, images[step % 3], loss=float(step))
    history = recorder.history
    steps = [frame.step for frame in history.frames]
    assert steps[0] == 0
    assert steps[-1] == 332
    assert len(set(np.diff(steps[:-1]))) == 1
    assert len(steps) > 20
    assert len(history.scalars) == 333
    assert sum(file.stat().st_size for file in (tmp_path / "mine").rglob("*.npz")) <= 1_000_000
    np.testing.assert_array_equal(history.images(-1), images[332 % 3])
    for frame, step in enumerate(steps):
        np.testing.assert_array_equal(history.images(frame), images[step % 3])


def test_a_budget_too_small_for_any_image_still_gives_the_answer_and_says_so(tmp_path: Path) -> None:
    with Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS, budget_mb=0.001) as recorder:
        for step in range(3):
            recorder.snapshot(step, frames(3)[step], loss=float(step))
    history = recorder.history
    assert history.frames == ()
    assert "nothing of the images fits the 0.001 MB" in history.events[0]["said"]
    np.testing.assert_array_equal(history.distilled.images, frames(3)[2])
    assert len(history.scalars) == 3


def test_a_loop_that_works_in_one_array_does_not_change_what_was_recorded(tmp_path: Path) -> None:
    images = np.zeros((3, 1, 4, 4), np.uint8)
    with Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS) as recorder:
        for step in range(3):
            images += 1
            recorder.snapshot(step, images)
        images += 100
    assert [int(recorder.history.images(frame).max()) for frame in range(3)] == [1, 2, 3]
    assert recorder.history.distilled.images.max() == 3


def test_large_images_are_recorded_small_but_distilled_whole(tmp_path: Path) -> None:
    images = frames(2, size=96)
    with Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS, budget_mb=2.5) as recorder:
        for step in range(2):
            recorder.snapshot(step, images[step])
    history = recorder.history
    assert history.images(0).shape == (3, 3, 64, 64)
    assert history.distilled.images.shape == (3, 3, 96, 96)


def test_an_interrupted_loop_leaves_what_it_recorded_and_can_be_recorded_anew(tmp_path: Path) -> None:
    def interrupted() -> None:
        with Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS) as recorder:
            recorder.snapshot(0, frames(1)[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(History.load(tmp_path / "mine", partial=True).frames) == 1
    with Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS) as recorder:
        recorder.snapshot(5, frames(1)[0])
    assert recorder.history.frames == (Frame("recorded", 5),)
    with (
        pytest.raises(ValueError, match="holds a complete run; record into another folder"),
        Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS),
    ):
        pass


def test_what_cannot_be_recorded_is_told(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "empty", classes=CLASSES, labels=LABELS)
    with pytest.raises(ValueError, match=r"nothing was recorded; call recorder\.snapshot"), recorder:
        pass
    recorder = Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS)
    with pytest.raises(ValueError, match="this recorder is not open; record within"):
        recorder.snapshot(0, frames(1)[0])
    with recorder:
        recorder.snapshot(3, frames(1)[0])
        with pytest.raises(ValueError, match="step 3 comes after step 3; steps must rise"):
            recorder.snapshot(3, frames(1)[0])
        with pytest.raises(ValueError, match="step 4: 2 images for 3 labels"):
            recorder.snapshot(4, frames(1)[0][:2])
        with pytest.raises(ValueError, match=r"images at step 4: expected floats in \[0, 1\], .* undo the norm"):
            recorder.snapshot(4, frames(1)[0] / 255 - 0.5)
        with pytest.raises(ValueError, match="step 4: features holds NaN or infinite values"):
            recorder.snapshot(4, frames(1)[0], np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match=r"real: expected an ImageSet, \(images, labels\)"):
        Recorder(tmp_path / "other", classes=CLASSES, labels=LABELS, real=(frames(1)[0],))


ODD: list[tuple[dict[str, object], str]] = [
    ({"step": 1.5}, r"step: expected a whole number, got 1\.5"),
    ({"step": "a"}, r"step: expected a whole number, got 'a'"),
    ({"step": True}, r"step: expected a whole number, got True"),
    ({"loss": "x"}, r"scalar 'loss': expected one number, got 'x'"),
    ({"loss": None}, r"scalar 'loss': expected one number, got None"),
    ({"loss": 1j}, r"scalar 'loss': expected one number, got a complex"),
    ({"loss": 10**400}, r"scalar 'loss': expected one number, got 1000"),
    (
        {"loss": np.array([1, 2])},
        r"'loss': expected one number, got a ndarray of shape \(2,\); record its mean, or one",
    ),
    ({"block": 1}, r"a scalar cannot be called 'block': that column tells the moment; rename it"),
    (
        {"images": frames(1, size=9)[0]},
        r"step 5: images have shape \(3, 3, 9, 9\), but at step 2 they had \(3, 3, 8, 8\)",
    ),
    (
        {"images": frames(1)[0][:, :1]},
        r"step 5: images have shape \(3, 1, 8, 8\), .*; give all snapshots one shape, or",
    ),
    ({"features": np.zeros((3, 4))}, r"step 5: features have shape \(3, 4\), but at step 3 they had \(3, 2\)"),
]


@pytest.mark.parametrize(("change", "text"), ODD, ids=[text for _, text in ODD])
def test_a_snapshot_that_is_refused_leaves_the_recording_as_it_was(
    change: dict[str, object], text: str, tmp_path: Path
) -> None:
    images, features = frames(1)[0], np.zeros((3, 2))
    with Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS) as recorder:
        with pytest.raises(ValueError, match="'loss'"):
            recorder.snapshot(0, frames(1, size=4)[0], loss="none")  # its size is not that of the run
        recorder.snapshot(np.int64(2), images)
        recorder.snapshot(3, images, features, loss=np.float32(3))
        with pytest.raises(ValueError, match=text):
            recorder.snapshot(**{"step": 5, "images": images, "features": features, **change})
        recorder.snapshot(5, images, features, loss=np.array([2.0]))
    assert recorder.history.frames == tuple(Frame("recorded", step) for step in (2, 3, 5))
    assert recorder.history.scalars["loss"].tolist()[1:] == [3, 2]


def test_a_scalar_that_is_not_finite_is_missing(tmp_path: Path) -> None:
    with Recorder(tmp_path / "mine", classes=CLASSES, labels=LABELS) as recorder:
        for step, loss in enumerate((1.0, np.inf, -np.inf, np.nan)):
            recorder.snapshot(step, frames(1)[0], loss=loss)
    np.testing.assert_array_equal(recorder.history.scalars["loss"], [1, np.nan, np.nan, np.nan])


def test_a_frame_is_a_whole_number() -> None:
    history = History.from_arrays(frames(2), LABELS)
    np.testing.assert_array_equal(history.images(np.int64(-1)), history.images(1))
    for read in (history.images, history.features, history.arrays):
        for frame in ("a", 1.0, None, True):
            with pytest.raises(ValueError, match=f"frame: expected a whole number, got {frame!r}"):
                read(frame)  # type: ignore[arg-type]  # on purpose
        with pytest.raises(IndexError, match="frame 2 of a history of 2 frames"):
            read(2)


def test_up_to_a_thousand_real_images_are_taken_from_all_classes_alike(tmp_path: Path) -> None:
    labels = np.array([0] * 1500 + [1] * 700)
    images = np.zeros((2200, 1, 4, 4), np.uint8)
    features = np.arange(2200.0)[:, None]
    with Recorder(tmp_path / "x", classes=CLASSES, labels=LABELS, real=(images, labels, features)) as recorder:
        recorder.snapshot(0, frames(1)[0])
    real = recorder.history.real
    assert np.bincount(real.labels).tolist() == [500, 500]
    np.testing.assert_array_equal(real.features[:, 0], real.indices)


def test_arrays_make_a_history_in_memory() -> None:
    images = frames(3)
    real = RealSample(images[0], None, LABELS, np.arange(3))
    arrays = barycenter_snapshot(1)["arrays"]
    history = History.from_arrays(
        list(images / 255),
        LABELS,
        classes=CLASSES,
        steps=[0, 5, 9],
        features=np.zeros((3, 3, 2)),
        scalars={"loss": [3, 2, 1]},
        real=real,
        barycenters={1: arrays},
    )
    assert history.path is None
    assert history.frames == tuple(Frame("recorded", step) for step in (0, 5, 9))
    np.testing.assert_array_equal(history.images(1), images[1])
    assert history.features(2).shape == (3, 2)
    np.testing.assert_array_equal(history.distilled.images, images[2])
    assert list(history.scalars.loss) == [3, 2, 1]
    assert history.barycenters[1]["masses"].shape == (3, 2)
    assert history.real is real
    assert history.results.empty
    assert history.events == []
    assert "in memory" in history._repr_html_()
    assert History.from_arrays(images, LABELS).distilled.classes == ("0", "1")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"images": []}, "images: expected at least one frame"),
        ({"images": [frames(1)[0], frames(1)[0][:2]]}, r"images: frame 1 has shape \(2, 3, 8, 8\), frame 0"),
        ({"steps": [0, 0, 1]}, r"steps: expected 3 rising numbers"),
        ({"features": np.zeros((3, 2, 2))}, r"features: expected shape \[3, 3, d\], got \(3, 2, 2\)"),
        ({"features": np.full((3, 3, 2), np.nan)}, "frame 0: features holds NaN"),
        ({"scalars": {"loss": [1]}}, "scalars: 'loss' has 1 values for 3 frames"),
        ({"barycenters": {0: {"support": np.zeros((1, 2, 3))}}}, "barycenter of class 0: barycenter without"),
        ({"labels": [0, 1]}, r"labels: expected one for each of 3 images"),
        ({"images": 3}, r"images: expected an array \[T, k, c, h, w\] or a list of T arrays, got 3"),
        ({"classes": 3}, r"classes: expected a list of names, one string a class, got 3"),
        ({"steps": 3}, r"steps: expected a number for each frame, got 3"),
        ({"steps": [0, 0.5, 1]}, r"steps: expected a whole number, got 0\.5"),
        ({"real": 3}, r"real: expected a RealSample, got 3; write wddkit\.history\.RealSample\(images, features"),
        ({"barycenters": 3}, r"barycenters: expected arrays by class, such as \{0: \{\.\.\.\}\}, got 3"),
        ({"barycenters": {"a": {}}}, r"barycenters: expected a whole number, got 'a'"),
        ({"barycenters": {2: {}}}, r"barycenters: there is no class 2; expected 0 to 1"),
        ({"barycenters": {1: 3}}, r"barycenter of class 1: expected support, masses and value by name, got 3"),
        ({"scalars": 3}, r"scalars: expected numbers by name, such as \{\"loss\": \[\.\.\.\]\}, got 3"),
        ({"scalars": {"loss": 3}}, r"scalars: 'loss': expected a number a frame, got 3"),
        ({"scalars": {"loss": ["a", 1, 2]}}, r"scalar 'loss': expected one number, got 'a'"),
        ({"scalars": {"step": [1, 2, 3]}}, r"a scalar cannot be called 'step': that column tells the moment"),
    ],
)
def test_arrays_that_do_not_fit_are_named(change: dict[str, object], text: str) -> None:
    given = {"images": frames(3), "labels": LABELS, **change}
    with pytest.raises(ValueError, match=text):
        History.from_arrays(given.pop("images"), given.pop("labels"), **given)
