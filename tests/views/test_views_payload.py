"""What travels to the browser of a recorded run."""

import base64
import dataclasses
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from views_toys import CLASSES, STEPS, large, natural, toy, with_results

from wddkit.history import History, RealSample
from wddkit.views.payload import Payload, payload, sending
from wddkit.views.payload.points import thinned
from wddkit.views.scene import facts
from wddkit.views.scene.facts import shown
from wddkit.views.scene.projection import projections

KEYS = ["pca", "lda", "plan"]


def floats(sent: Payload, name: str, *shape: int) -> np.ndarray:
    return np.frombuffer(sent.buffers[name], "<f4").reshape(shape or (-1,))


def ints(sent: Payload, name: str, *shape: int) -> np.ndarray:
    return np.frombuffer(sent.buffers[name], "<i4").reshape(shape or (-1,))


def grid(sent: Payload, name: str, size: int) -> np.ndarray:
    """The pictures of a sheet [rows, columns, size, size, channels]."""
    array = np.atleast_3d(np.asarray(Image.open(io.BytesIO(sent.buffers[name]))))
    rows, columns = array.shape[0] // size, array.shape[1] // size
    return array.reshape(rows, size, columns, size, -1).swapaxes(1, 2)


def page_bytes(sent: Payload) -> int:
    """Characters of a page that hold the payload."""
    return sum(len(base64.b64encode(data)) for data in sent.buffers.values()) + len(json.dumps(sent.meta))


def test_a_whole_run_has_the_names_of_the_contract_and_no_others() -> None:
    sent = payload(with_results(toy()))
    each = [f"xy/{key}" for key in KEYS]
    expected = {"labels", "indices", "masses", "real/labels", "real/indices", "real/far", "real/sheet/0", "nearest/0"}
    expected |= {f"real/{name}" for name in each} | {f"{name}/0" for name in each}
    for label in range(3):
        names = (f"support/{label}/{name}" for name in (*each, "masses", "nearest"))
        expected |= {*names, f"assign/{label}", f"share/{label}", f"images/{label}/0"}
    assert set(sent.buffers) == expected
    assert set(sent.meta) == {
        *("title", "classes", "missing", "results", "seconds", "paired", "timeline", "barycenter_steps", "image"),
        *("real", "projections", "ways", "segments", "scalars", "layers", "turns", "edited", "finished", "unasked"),
    }


def test_the_time_line_is_first_the_barycenter_and_then_the_frames() -> None:
    meta: Any = payload(toy()).meta
    assert meta["barycenter_steps"] == 4  # of the class with most
    assert [moment["step"] for moment in meta["timeline"]] == [0, 1, 2, 3, *STEPS]
    assert [moment["phase"] for moment in meta["timeline"]] == ["barycenter"] * 4 + ["recorded"] * 5
    assert [(way["label"], way["steps"], way["points"]) for way in meta["ways"]] == [(0, 2, 2), (1, 3, 2), (2, 4, 2)]
    assert meta["ways"][0]["value"] == [3.0, 1.0]
    assert meta["ways"][0]["heldout"] == [None, 1.25]
    assert meta["ways"][0]["kept"] == [1.0, 1.0]


def test_everything_is_placed_in_every_projection() -> None:
    history = toy()
    sent = payload(history)
    assert history.real is not None
    assert history.real.features is not None
    for plane in projections(history):
        places = floats(sent, f"real/xy/{plane.key}", 60, 2)
        np.testing.assert_allclose(places, plane(history.real.features), rtol=1e-5, atol=1e-5)
        for label, arrays in history.barycenters.items():
            support = floats(sent, f"support/{label}/xy/{plane.key}", *arrays["support"].shape[:2], 2)
            np.testing.assert_allclose(support, plane(arrays["support"]), rtol=1e-5, atol=1e-5)
        for t in range(5):
            z = history.features(t)
            assert z is not None
            images = floats(sent, f"xy/{plane.key}/0", 5, 6, 2)[t]
            np.testing.assert_allclose(images, plane(z), rtol=1e-5, atol=1e-5)
    told: Any = sent.meta["projections"]
    assert [each["key"] for each in told] == KEYS
    assert all(len(each["axes"]) == 2 and each["name"] and each["caption"] for each in told)


def test_pictures_are_the_images_bit_for_bit() -> None:
    history = toy()
    sent = payload(history)
    assert sent.meta["image"] == {"size": 8, "channels": 3}
    assert sent.meta["segments"] == [{"start": 0, "count": 5, "type": "image/png"}]
    for label in range(3):
        sheet = grid(sent, f"images/{label}/0", 8)
        assert sheet.shape == (2, 5, 8, 8, 3)
        for t in range(5):
            own = history.images(t)[2 * label : 2 * label + 2]
            np.testing.assert_array_equal(sheet[:, t].transpose(0, 3, 1, 2), own)
    real = grid(sent, "real/sheet/0", 8)
    assert history.real is not None
    columns = sent.meta["real"]["columns"]
    for i in range(60):
        np.testing.assert_array_equal(real[i // columns, i % columns].transpose(2, 0, 1), history.real.images[i])


def test_neighbours_are_the_nearest_in_feature_space() -> None:
    history = toy()
    sent = payload(history)
    assert history.real is not None
    z = history.real.features
    assert z is not None
    for label, arrays in history.barycenters.items():
        near = ints(sent, f"support/{label}/nearest", *arrays["support"].shape[:2])
        own = np.flatnonzero(history.real.labels == label)
        for t, support in enumerate(arrays["support"]):
            np.testing.assert_array_equal(near[t], own[((support[:, None] - z[own]) ** 2).sum(axis=2).argmin(axis=1)])
    near = ints(sent, "nearest/0", 5, 6, 5)
    for t in range(5):
        images = history.features(t)
        assert images is not None
        apart = ((images[:, None] - z) ** 2).sum(axis=2)
        np.testing.assert_array_equal(near[t], apart.argsort(axis=1, kind="stable")[:, :5])
    far = np.frombuffer(sent.buffers["real/far"], np.uint8)
    assert [int(far[history.real.labels == c].sum()) for c in range(3)] == [2, 2, 2]  # a tenth of 20 each


def test_who_goes_where_is_told_for_the_drawn_images_of_each_class() -> None:
    history = toy()
    sent = payload(history)
    for label, arrays in history.barycenters.items():
        np.testing.assert_array_equal(ints(sent, f"assign/{label}", -1, 20), arrays["assignment"])
        np.testing.assert_allclose(floats(sent, f"share/{label}", -1, 20), arrays["assignment_share"])
    older = {
        c: {name: value for name, value in arrays.items() if "assignment" not in name}
        for c, arrays in history.barycenters.items()
    }
    derived = payload(toy(barycenters=older))
    for label in older:
        assert derived.buffers[f"assign/{label}"] == sent.buffers[f"assign/{label}"]
    few = payload(history, real=30)
    drawn = ints(few, "real/indices")
    labels = ints(few, "real/labels")
    for label, arrays in history.barycenters.items():
        own = drawn[labels == label]  # image i of the toy is the i // 3-th of its class
        np.testing.assert_array_equal(ints(few, f"assign/{label}", -1, len(own)), arrays["assignment"][:, own // 3])


def test_masses_and_soft_labels_are_those_of_the_distilled_set() -> None:
    history = toy()
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(6, 3)).astype(np.float32)
    masses = np.array([0.25, 0.75, 0.5, 0.5, 0.1, 0.9])

    def sent(**changes: Any) -> Payload:
        changed = dataclasses.replace(history.distilled, masses=masses, **changes)
        source = dataclasses.replace(history.source, distilled=lambda: changed)
        return payload(dataclasses.replace(history, source=source))

    np.testing.assert_allclose(floats(sent(soft=logits), "masses"), masses, rtol=1e-6)
    soft = floats(sent(soft=logits), "soft", 6, 3)
    np.testing.assert_allclose(soft, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rtol=1e-5)
    values = floats(sent(soft=logits, soft_kind="values"), "soft", 6, 3)
    np.testing.assert_array_equal(values, logits)
    tiles = np.repeat(logits, 4, axis=0)
    np.testing.assert_allclose(floats(sent(soft=tiles, formation=2), "soft", 6, 3), soft, rtol=1e-5)


def test_layers_are_means_over_the_classes_of_all_blocks() -> None:
    history = toy()
    moments = []
    for t, moment in enumerate(history.source.moments):
        for block, rows in enumerate(([0, 1, 2, 3], [4, 5])):  # two classes, and one
            arrays = {name: array[rows] for name, array in moment.read(None).items()}
            arrays["statistics_error"] = np.array([1.0, 10.0 * t]) * (block + 1)
            names = frozenset(arrays)
            moments.append(dataclasses.replace(moment, block=block, names=names, read=lambda _, arrays=arrays: arrays))
    events = [{"event": "layers", "names": ["backbone.norm1", "backbone.norm2"]}]
    source = dataclasses.replace(history.source, moments=tuple(moments), events=lambda: events)
    split = payload(dataclasses.replace(history, source=source))
    assert split.meta["layers"] == ["norm1", "norm2"]
    expected = [[4 / 3, 10 * t * 4 / 3] for t in range(5)]
    np.testing.assert_allclose(floats(split, "layers/0", 5, 2), expected, rtol=1e-6)
    np.testing.assert_array_equal(floats(split, "xy/pca/0"), floats(payload(history), "xy/pca/0"))
    assert facts.layers(toy(), 2) == ["layer 1", "layer 2"]


def test_knobs_that_were_turned_are_told_and_mark_the_run() -> None:
    events = [
        {"event": "stage", "name": "distil", "seconds": 1.0},
        {"event": "knob", "step": 30, "name": "statistics_weight", "before": None, "after": 0.5},
        {"event": "knob", "step": 60, "name": "lr", "before": 0.02, "after": 0.01},
    ]
    source = dataclasses.replace(toy().source, events=lambda: events)
    meta = payload(dataclasses.replace(toy(), source=source)).meta
    assert meta["edited"] is True
    assert meta["turns"] == [
        {"step": 30, "text": "statistics weight: as configured → 0.5"},
        {"step": 60, "text": "learning rate: 0.02 → 0.01"},
    ]
    assert payload(toy()).meta["edited"] is False
    twice = dataclasses.replace(source, events=lambda: [{**event, "block": b} for b in (0, 1) for event in events])
    assert payload(dataclasses.replace(toy(), source=twice)).meta["turns"] == meta["turns"]  # in every block


def test_the_meta_is_strict_json_with_nothing_for_nan_and_names_stay_text() -> None:
    meta = payload(with_results(toy())).meta
    assert json.loads(json.dumps(meta, allow_nan=False)) == meta
    assert meta["scalars"]["loss"] == [5.0, 3.0, None, 1.5, 1.0]
    assert meta["classes"] == list(CLASSES)
    assert [result["accuracy"] for result in meta["results"]] == [91.0, 89.0, 95.0]


@pytest.mark.parametrize(
    ("changes", "said", "absent"),
    [
        ({"real": None}, "No real features were recorded", ("real/", "nearest/", "assign/", "xy/lda", "xy/plan")),
        ({"barycenters": None}, "No barycenter was recorded", ("support/", "real/far", "assign/", "xy/plan")),
        ({"features": None}, "No features of the distilled images", ("xy/", "nearest/")),
    ],
)
def test_what_was_not_recorded_has_no_name_and_is_said(changes: dict[str, None], said: str, absent: tuple[str]) -> None:
    sent = payload(toy(**changes))
    assert any(said in sentence for sentence in sent.meta["missing"])
    assert not [name for name in sent.buffers if name.startswith(absent)]
    assert "images/0/0" in sent.buffers


def test_a_bare_history_of_images_can_be_sent() -> None:
    sent = payload(History.from_arrays(np.zeros((1, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1]))
    assert set(sent.buffers) == {"labels", "indices", "masses", "images/0/0", "images/1/0"}
    assert sent.meta["projections"] == sent.meta["ways"] == sent.meta["layers"] == []
    assert sent.meta["real"] == {"count": 0, "of": 0, "size": 0, "columns": 1, "per_sheet": 1, "type": "image/png"}


def test_a_run_without_any_snapshot_shows_its_distilled_set() -> None:
    history = toy()
    sent = payload(dataclasses.replace(history, source=dataclasses.replace(history.source, moments=())))
    assert sent.meta["timeline"][-1] == {"phase": "distilled", "step": 0}
    shown = grid(sent, "images/1/0", 8)[:, 0].transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(shown, history.distilled.images[2:4])


def test_positions_say_which_images_a_budget_kept() -> None:
    history = toy()

    def last_two(names: frozenset[str] | None) -> dict[str, np.ndarray]:
        return {"images": np.zeros((2, 3, 8, 8), np.uint8), "indices": np.array([4, 5])}

    moment = dataclasses.replace(history.source.moments[0], names=frozenset(["images", "indices"]), read=last_two)
    sent = payload(dataclasses.replace(history, source=dataclasses.replace(history.source, moments=(moment,))))
    assert ints(sent, "indices").tolist() == [4, 5]
    assert ints(sent, "labels").tolist() == [2, 2]
    assert any("left out 4 of 6 images" in sentence for sentence in sent.meta["missing"])


def test_features_of_two_teachers_are_an_error() -> None:
    with pytest.raises(ValueError, match="fitted to features of 4 numbers, got 5; all features of a history must come"):
        payload(toy(features=np.zeros((5, 6, 5))))


# Sizes


def test_images_are_first_compressed_then_smaller_and_then_classes_are_left_out() -> None:
    images = natural(80, 32).clip(0, 255).astype(np.uint8).reshape(2, 40, 3, 32, 32)
    history = History.from_arrays(images, np.arange(40) // 4)
    limits = (300_000, 60_000, 25_000, 5_000)
    exact, compressed, small, few = (payload(history, limit=limit) for limit in limits)
    assert [sent.meta["image"]["size"] for sent in (exact, compressed)] == [32, 32]
    assert [sent.meta["segments"][0]["type"] for sent in (exact, compressed)] == ["image/png", "image/webp"]
    assert exact.meta["missing"] == payload(toy(real=None, barycenters=None, features=None)).meta["missing"][:4]
    assert "Images are compressed (WebP, quality 80)." in compressed.meta["missing"]
    assert 16 < small.meta["image"]["size"] < 32
    size = small.meta["image"]["size"]
    assert f"Images are shown at {size} x {size} of 32 x 32 pixels." in small.meta["missing"]
    for sent, limit in zip((exact, compressed, small), limits, strict=False):
        assert sum(map(len, sent.buffers.values())) <= limit
        assert len(ints(sent, "labels")) == 40
    labels = ints(few, "labels")
    assert few.meta["image"]["size"] == 16
    assert len(labels) < 40
    assert (np.bincount(labels) == 4).all()  # whole classes
    said = f"Only {len(labels)} of 40 distilled images are shown: more would be too much for a page."
    assert said in few.meta["missing"]
    assert set(few.buffers) == {"labels", "indices", "masses", *(f"images/{c}/0" for c in np.unique(labels))}


def test_one_class_is_always_shown() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 3, 32, 32)).astype(np.uint8)
    sent = payload(History.from_arrays(images, np.arange(40) // 4), limit=10)
    assert ints(sent, "labels").tolist() == [0, 0, 0, 0]


def test_long_runs_have_several_segments_that_a_browser_can_decode() -> None:
    images = np.zeros((1100, 2, 1, 16, 16), np.uint8)
    images[:, 0, 0, 0, 0] = np.arange(1100) % 251
    sent = payload(History.from_arrays(images, [0, 1]))
    segments = sent.meta["segments"]
    assert [segment["start"] for segment in segments] == [0, 1023]
    assert sum(segment["count"] for segment in segments) == 1100
    assert grid(sent, "images/0/1", 16)[0, 0, 0, 0, 0] == 1023 % 251


def test_of_a_class_with_very_many_images_the_first_are_shown() -> None:
    sent = payload(History.from_arrays(np.zeros((1, 1100, 1, 16, 16), np.uint8), np.zeros(1100, int), classes=["a"]))
    assert ints(sent, "indices").tolist() == list(range(1023))
    said = "Only 1023 of 1100 distilled images are shown: more would be too much for a page."
    assert said in sent.meta["missing"]


def test_what_is_too_much_beside_the_pictures_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    history = toy()
    changed = dataclasses.replace(history.distilled, soft=np.zeros((6, 3), np.float32))
    source = dataclasses.replace(history.source, distilled=lambda: changed)
    monkeypatch.setattr(sending, "ASSIGNMENT_BYTES", 3 * 8 * 60)  # of two and three steps, but not of four
    monkeypatch.setattr(sending, "SOFT_BYTES", 71)
    sent = payload(dataclasses.replace(history, source=source))
    assert "soft" not in sent.buffers
    assert [f"assign/{label}" in sent.buffers for label in range(3)] == [True, True, False]
    for what in ("Soft labels are left out", "Which support point each real image goes to is left out"):
        assert len([sentence for sentence in sent.meta["missing"] if sentence.startswith(what)]) == 1


def test_real_images_are_thinned_evenly_and_that_is_said() -> None:
    sent = payload(toy(), real=31)
    assert sent.meta["real"]["count"] == 31
    assert sent.meta["real"]["of"] == 60
    assert "31 of 60 real images are drawn, evenly from every class." in sent.meta["missing"]
    assert np.bincount(ints(sent, "real/labels")).min() >= 10
    assert max(ints(sent, "nearest/0")) < 31
    with pytest.raises(ValueError, match="real is 0; expected to draw at least 1 real image"):
        payload(toy(), real=0)


def test_thinning_keeps_each_classs_share() -> None:
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [500, 50, 5]))
    kept = thinned(labels, 111)
    assert (np.diff(kept) > 0).all()
    assert np.bincount(labels[kept]).tolist() == [100, 10, 1]


def test_a_page_of_ten_digits_a_class_stays_small() -> None:
    sent = payload(large(ipc=10, frames=24, size=8))
    assert sent.meta["segments"][0]["type"] == "image/png"
    assert page_bytes(sent) < 2_500_000  # 3 MB with the code


@pytest.mark.slow
def test_a_run_as_large_as_cifar_with_fifty_images_a_class_fits_a_page() -> None:
    for grain in (10.0, 60.0):
        sent = payload(large(grain=grain))
        assert sent.meta["image"] == {"size": 32, "channels": 3}
        assert page_bytes(sent) < 24_500_000  # 25 MB with the code
        assert "Images are compressed (WebP, quality 80)." in sent.meta["missing"]


@pytest.mark.slow
def test_sixty_thousand_real_images_are_drawn_with_smaller_pictures() -> None:
    rng = np.random.default_rng(0)
    n = 60_000
    labels = rng.integers(0, 10, n)
    images = natural(1000, 28, channels=1).clip(0, 255).astype(np.uint8)[rng.integers(0, 1000, n)]
    z = (rng.normal(size=(10, 32))[labels] * 3 + rng.normal(size=(n, 32))).astype(np.float16)
    few = [np.flatnonzero(labels == c)[:10] for c in range(10)]
    own = np.concatenate(few)
    ways = {
        c: {"support": z[few[c]][None].astype(np.float32), "masses": np.full((1, 10), 0.1), "value": np.ones(1)}
        for c in range(10)
    }
    history = History.from_arrays(
        images[own][None],
        np.repeat(np.arange(10), 10),
        features=z[own][None],
        real=RealSample(images, z, labels, np.arange(n)),
        barycenters=ways,
    )
    sent = payload(history)
    assert sent.meta["real"]["count"] == n
    assert sum(len(data) for name, data in sent.buffers.items() if name.startswith("real/sheet/")) <= 4_000_000
    assert len([name for name in sent.buffers if name.startswith("real/sheet/")]) == 60
    size = sent.meta["real"]["size"]
    assert 8 <= size < 28
    assert f"Real images are shown at {size} x {size} of 28 x 28 pixels." in sent.meta["missing"]
    assert ints(sent, "nearest/0", 1, 100, 5)[0, :, 0].tolist() == own.tolist()  # each is a real image itself
    assert page_bytes(sent) < 12_000_000


def test_of_many_barycenter_steps_both_ends_are_on_the_time_line_and_the_first_ones_densest() -> None:
    assert shown(16) == list(range(16))
    assert shown(0) == []
    for steps in (17, 38, 400):
        kept = shown(steps)
        gaps = np.diff(kept)
        assert (kept[0], kept[-1]) == (0, steps - 1)
        assert 12 <= len(kept) <= 16
        assert gaps.min() >= 1
        assert gaps[0] <= gaps[-1]
