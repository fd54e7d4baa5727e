"""What is drawn of a run, and what travels to the browser."""

import dataclasses
import json

import numpy as np
import pytest
from views_toys import CLASSES, MASSES, STEPS, toy, with_results

from wddkit.history import History
from wddkit.history.tables import interval
from wddkit.views import Projection, Scene
from wddkit.views.payload import payload
from wddkit.views.scene import chosen


def floats(data: bytes, *shape: int) -> np.ndarray:
    return np.frombuffer(data, "<f4").reshape(shape)


def test_everything_is_drawn_in_one_projection() -> None:
    history = toy()
    plane = Projection.of(history)
    drawn = Scene.of(history)
    assert plane is not None
    assert drawn.xy is not None
    assert drawn.real_xy is not None
    assert history.real is not None
    assert history.real.features is not None
    np.testing.assert_allclose(drawn.real_xy, plane(history.real.features))
    for t in range(5):
        z = history.features(t)
        assert z is not None
        np.testing.assert_allclose(drawn.xy[t], plane(z))
    for way in drawn.ways:
        np.testing.assert_allclose(way.xy, plane(history.barycenters[way.label]["support"]))
        np.testing.assert_allclose(way.masses[-1], MASSES)


def test_results_have_the_interval_of_the_students_and_say_which_are_controls() -> None:
    first, one, whole = Scene.of(with_results(toy())).results
    assert (first.set, first.control, one.control, whole.control) == ("wmdd", False, True, True)
    assert (first.accuracy, first.low, first.high) == (91.0, *interval([90.0, 91.0, 92.0]))
    assert (one.low, one.high, one.students) == (None, None, 1)
    assert (first.w2_squared, first.w2_squared_heldout, one.w2_squared) == (1.5, None, None)


def test_scalars_are_means_over_blocks_at_each_frame_and_gaps_stay_gaps() -> None:
    history = toy()
    rows = [
        {
            "phase": "recorded",
            "step": step,
            "block": block,
            "seconds": 1.0,
            "loss": float(step + block),
            "once": 1.0 * (step == 0),
        }
        for step in STEPS
        for block in (0, 2)
        if step != 4
    ]
    rows = [{name: value for name, value in row.items() if name != "once" or row["step"] == 0} for row in rows]
    rows += [{"phase": "elsewhere", "step": 0, "block": 0, "seconds": 0.0, "loss": 99.0}]
    source = dataclasses.replace(history.source, scalars=lambda: rows)
    drawn = Scene.of(dataclasses.replace(history, source=source))
    assert drawn.scalars == {"loss": (1.0, 2.0, None, 10.0, 17.0)}


def test_seconds_of_a_stage_that_was_resumed_are_added() -> None:
    stages = (("squeeze", 1.0), ("distil", 2.0), ("distil", 3.0))
    assert Scene.of(with_results(toy(), stages=stages)).seconds == {"squeeze": 1.0, "distil": 5.0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"real": None}, "No real features were recorded"),
        ({"barycenters": None}, "No barycenter was recorded"),
        ({"features": None}, "No features of the distilled images"),
        ({"scalars": None}, "No losses were recorded"),
    ],
)
def test_what_was_not_recorded_is_said(changes: dict[str, None], said: str) -> None:
    history = toy(**changes)
    if "scalars" in changes:
        history = dataclasses.replace(history, source=dataclasses.replace(history.source, scalars=list))
    assert any(said in sentence for sentence in Scene.of(history).missing)
    assert payload(Scene.of(history)).meta["missing"]


def test_a_bare_history_of_images_can_be_drawn() -> None:
    bare = Scene.of(History.from_arrays(np.zeros((1, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1]))
    assert (bare.projection, bare.xy, bare.real_xy, bare.ways, bare.results) == (None, None, None, (), ())
    sent = payload(bare)
    assert sent.buffers["xy"] == sent.buffers["real_xy"] == sent.buffers["support_xy"] == b""


def test_a_run_without_any_snapshot_shows_its_distilled_set() -> None:
    history = toy()
    empty = dataclasses.replace(history, source=dataclasses.replace(history.source, moments=()))
    drawn = Scene.of(empty)
    assert [frame.phase for frame in drawn.frames] == ["distilled"]
    np.testing.assert_array_equal(drawn.image(0), history.distilled.images)
    assert any("No snapshots" in sentence for sentence in drawn.missing)


def test_classes_are_chosen_by_label_or_name() -> None:
    drawn = Scene.of(toy())
    assert chosen(drawn, None) == (0, 1, 2)
    assert chosen(drawn, ["plain", 0]) == (1, 0)
    with pytest.raises(ValueError, match="no class 'plane'; expected a label from 0 or one of"):
        chosen(drawn, ["plane"])
    with pytest.raises(ValueError, match="no class 3"):
        chosen(drawn, [3])


def test_the_buffers_hold_what_the_scene_holds() -> None:
    history = toy()
    drawn = Scene.of(history)
    sent = payload(drawn)
    assert drawn.xy is not None
    assert drawn.real_xy is not None
    images = np.frombuffer(sent.buffers["images"], np.uint8).reshape(5, 6, 8, 8, 3)
    np.testing.assert_array_equal(images[2], history.images(2).transpose(0, 2, 3, 1))
    np.testing.assert_allclose(floats(sent.buffers["xy"], 5, 6, 2), drawn.xy, rtol=1e-6)
    np.testing.assert_allclose(floats(sent.buffers["real_xy"], 60, 2), drawn.real_xy, rtol=1e-6)
    assert np.frombuffer(sent.buffers["labels"], "<i4").tolist() == [0, 0, 1, 1, 2, 2]
    at = 0
    for way, told in zip(drawn.ways, sent.meta["ways"], strict=True):
        count = told["steps"] * told["points"]
        xy = floats(sent.buffers["support_xy"], -1, 2)[at : at + count].reshape(way.xy.shape)
        masses = floats(sent.buffers["support_masses"], -1)[at : at + count].reshape(way.masses.shape)
        np.testing.assert_allclose(xy, way.xy, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(masses, way.masses, rtol=1e-6)
        at += count
    assert sum(map(len, sent.buffers.values())) < 10_000


def test_the_meta_is_strict_json_with_nothing_for_nan() -> None:
    meta = payload(Scene.of(with_results(toy()))).meta
    assert json.loads(json.dumps(meta, allow_nan=False))["scalars"]["loss"] == [5.0, 3.0, None, 1.5, 1.0]
    assert meta["ways"][0]["heldout"] == [None, 1.25]
    assert meta["classes"] == list(CLASSES)


def test_images_shrink_to_fit_a_browser_and_then_classes_are_left_out() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 3, 32, 32)).astype(np.uint8)
    drawn = Scene.of(History.from_arrays(images, np.arange(40) // 4))
    whole, small, few = (payload(drawn, image_bytes=limit) for limit in (250_000, 80_000, 20_000))
    assert whole.meta["image"]["size"] == 32
    assert not any("Images are shown" in sentence for sentence in whole.meta["missing"])
    assert 16 < small.meta["image"]["size"] < 32
    assert len(small.buffers["images"]) <= 80_000
    assert any("of their 32 x 32 pixels" in sentence for sentence in small.meta["missing"])
    assert few.meta["image"]["size"] == 16
    assert len(few.buffers["images"]) <= 20_000
    labels = np.frombuffer(few.buffers["labels"], "<i4")
    assert labels.tolist() == sorted(labels)
    assert (np.bincount(labels) == 4).all()
    assert any(f"Only {len(labels)} of 40 distilled images" in sentence for sentence in few.meta["missing"])


def test_indices_say_which_images_a_budget_kept() -> None:
    history = toy()

    def first_two(names: frozenset[str] | None) -> dict[str, np.ndarray]:
        return {"images": np.zeros((2, 3, 8, 8), np.uint8), "indices": np.array([4, 5])}

    moment = dataclasses.replace(history.source.moments[0], names=frozenset(["images", "indices"]), read=first_two)
    kept = dataclasses.replace(history, source=dataclasses.replace(history.source, moments=(moment,)))
    sent = payload(Scene.of(kept))
    assert np.frombuffer(sent.buffers["indices"], "<i4").tolist() == [4, 5]
    assert np.frombuffer(sent.buffers["labels"], "<i4").tolist() == [2, 2]
    assert any("left out 4 of 6 images" in sentence for sentence in sent.meta["missing"])
