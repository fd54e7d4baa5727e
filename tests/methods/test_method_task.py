"""Task and Context: what a method is given, and when kept results are used again."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from method_toys import TEACHER, coloured, run, small, task_of

from wddkit.data import ImageSet
from wddkit.history import Cache
from wddkit.methods import WMDD, Context, Task
from wddkit.methods.base import recorded
from wddkit.methods.targets import targets
from wddkit.nets import Network, to_arrays
from wddkit.seeds import derive
from wddkit.stages.statistics import class_statistics
from wddkit.stages.teacher import features
from wddkit.stages.training import accuracy


def built(task, name="thing", settings=None):
    """Whether asking for an artifact makes it."""
    made = []

    def build():
        made.append(1)
        return {"x": np.arange(3)}

    np.testing.assert_array_equal(task.artifact(name, settings or {}, build)["x"], np.arange(3))
    return bool(made)


def changed_pixel(images):
    pixels = images.images.copy()
    pixels[0, 0, 0, 0] ^= 1
    return ImageSet(pixels, images.labels)


def swapped_labels(images):
    labels = images.labels.copy()
    labels[[0, -1]] = labels[[-1, 0]]
    return ImageSet(images.images, labels)


CHANGES = {
    "teacher's network": lambda t: {"teacher_config": dataclasses.replace(TEACHER, network=Network(width=5, depth=2))},
    "teacher's training": lambda t: {
        "teacher_config": dataclasses.replace(TEACHER, training=dataclasses.replace(TEACHER.training, lr=1e-3))
    },
    "teacher's seed": lambda t: {"teacher_seed": 1},
    "a training pixel": lambda t: {"train": changed_pixel(t.train)},
    "training labels": lambda t: {"train": swapped_labels(t.train)},
    "order of images": lambda t: {"train": t.train.take(np.arange(len(t.train))[::-1])},
    "class names": lambda t: {"classes": ("a", "b", "c")},
    "normalisation": lambda t: {"normalisation": ((0.5,) * 3, (0.2,) * 3)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_an_artifact_depends_on_gives_it_another_entry(change, tmp_path):
    task = task_of(coloured(), tmp_path)
    other = dataclasses.replace(task, **CHANGES[change](task))
    assert [built(each) for each in (task, task, other, other, task)] == [True, False, True, False, False]


def test_equal_content_gives_the_same_entry_in_another_task(tmp_path):
    task = task_of(coloured(), tmp_path)
    assert built(task)
    again = ImageSet(task.train.images.copy(), task.train.labels.copy())
    assert not built(dataclasses.replace(task, train=again, cache=Cache(tmp_path)))
    assert not built(dataclasses.replace(task, val=changed_pixel(task.val)))
    assert built(task_of(coloured(), tmp_path / "elsewhere"))


def test_names_and_settings_give_entries_of_their_own(tmp_path):
    task = task_of(coloured(), tmp_path)
    asked = [("thing", {}), ("thing", {"m": 1}), ("thing", {"m": 2}), ("other thing", {"m": 2}), ("thing", {"m": 1})]
    assert [built(task, *each) for each in asked] == [True, True, True, True, False]


def test_another_number_of_threads_gives_another_entry_because_bits_differ(tmp_path):
    task, threads = task_of(coloured(), tmp_path), torch.get_num_threads()
    assert built(task)
    try:
        torch.set_num_threads(threads + 1)
        assert built(task)
    finally:
        torch.set_num_threads(threads)
    assert not built(task)


def test_teacher_features_statistics_and_barycenters_are_made_once_for_all_tasks_of_a_cache(tmp_path):
    stages = []
    for _ in range(2):
        task = task_of(coloured(), tmp_path, tick=lambda stage, done, total, scalars: stages.append(stage))
        run(WMDD(ipc=2, steps=1), task, Context(tick=task.tick))
    assert stages.count("squeeze") == TEACHER.training.steps
    assert stages.count("barycenter") == 3
    kinds = {folder.name: len(list(folder.glob("*.safetensors"))) for folder in tmp_path.iterdir()}
    assert kinds == {"teacher": 1, "features": 1, "held-out features": 1, "statistics": 1, "barycenters": 1}


def test_the_teacher_is_one_frozen_network_in_evaluation_mode(tmp_path):
    task = task_of(coloured(), tmp_path)
    net = task.teacher()
    assert net is task.teacher() is task.teacher("float32") is task.teacher("bf16")
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())
    assert accuracy(net, task.train.images, task.train.labels) > 100 / 3 - 1


def test_the_teacher_in_float64_has_the_same_weights(task):
    single, double = to_arrays(task.teacher()), to_arrays(task.teacher("float64"))
    for name, array in double.items():
        if array.dtype.kind == "f":
            assert array.dtype == np.float64
            np.testing.assert_array_equal(array.astype(np.float32), single[name])


def test_measures_are_the_features_of_each_class_with_equal_masses(task):
    z = features(task.teacher(), task.train.images)
    np.testing.assert_array_equal(task.features, z.astype(np.float32).astype(np.float64))
    assert task.features.dtype == np.float64
    for c, measure in enumerate(task.measures()):
        np.testing.assert_array_equal(measure.points, task.features[task.train.labels == c])
        np.testing.assert_allclose(measure.masses, 1 / 24)
    held = features(task.teacher(), task.val.images)
    for c, measure in enumerate(task.heldout_measures()):
        np.testing.assert_array_equal(measure.points, held[task.val.labels == c])


def test_statistics_are_the_same_read_from_the_cache_as_computed(tmp_path):
    fresh, cached = task_of(coloured(), tmp_path), task_of(coloured(), tmp_path)
    expected = class_statistics(fresh.teacher(), fresh.train.images, fresh.train.labels, classes=3)
    for statistics in (fresh.statistics(), cached.statistics()):
        assert list(statistics) == list(expected) == ["backbone.norm1", "backbone.norm2"]
        for name, moments in statistics.items():
            for field in ("mean", "variance", "count"):
                np.testing.assert_array_equal(getattr(moments, field), getattr(expected[name], field))


def test_barycenters_are_read_from_the_cache_as_they_were_made(tmp_path):
    task = task_of(coloured(), tmp_path)
    made, read = (targets(task, Context(), ipc=3, masses="free") for _ in range(2))
    for field in ("support", "masses", "values", "heldout"):
        np.testing.assert_array_equal(getattr(made, field), getattr(read, field))
    for one, other in zip(made.steps, read.steps, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_barycenters_of_other_seeds_masses_sizes_and_validation_images_are_kept_apart(tmp_path):
    task = task_of(coloured(), tmp_path)
    for seed, ipc, masses, which in [
        (0, 3, "free", task),
        (1, 3, "free", task),
        (0, 4, "free", task),
        (0, 3, "uniform", task),
        (0, 3, "free", dataclasses.replace(task, val=changed_pixel(task.val))),
        (0, 3, "free", task),
    ]:
        targets(which, Context(seed=seed), ipc=ipc, masses=masses)
    assert len(list((tmp_path / "barycenters").glob("*.safetensors"))) == 5


def test_features_are_recorded_in_half_precision_and_stay_finite():
    found = recorded(np.array([[1.5, 1e9, -1e9, 1 / 3]]))
    assert found.dtype == np.float16
    assert found.tolist() == [[1.5, 65504, -65504, float(np.float16(1 / 3))]]


def test_a_task_has_no_field_for_test_images():
    assert {field.name for field in dataclasses.fields(Task)} & {"test", "split"} == set()


@given(st.integers(0, 2000), st.integers(2, 40))
def test_stops_begin_at_zero_end_at_the_total_and_are_denser_at_first(total, snapshots):
    stops = sorted(Context(snapshots=snapshots).stops(total))
    assert (stops[0], stops[-1]) == (0, total)
    assert len(stops) <= snapshots
    gaps = np.diff(stops)
    assert (np.diff(gaps) >= -1).all()  # rounding may take one step from a gap


def test_streams_depend_on_the_seed_and_the_purpose_alone():
    assert Context(seed=3).stream("views", 2) == derive(3, "views", 2)
    assert Context(seed=3).stream("views", 2) != Context(seed=4).stream("views", 2)
    first, second = (Context(seed=3).generator("start", 1).random(4) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_every_context_has_knobs_of_its_own():
    one, other = Context(), Context()
    one.knobs["lr"] = 1.0
    assert other.knobs == {}


def test_ticks_tell_what_is_done_of_how_much(task):
    told = []
    run(small("wmdd", block=2), task, Context(tick=lambda *each: told.append(each)))
    recovery = [each[:3] for each in told if each[0].startswith("recover")]
    assert recovery == [(f"recover {block}/3", step, 6) for block in (1, 2, 3) for step in range(1, 7)]
