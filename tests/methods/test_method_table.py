"""The contract that every method keeps: one table, every entry of METHODS."""

import dataclasses
import gc
import random
import re
import types
from typing import get_args

import numpy as np
import pytest
import torch
from method_toys import SMALL, EveryStep, answer, bits, coloured, cut, run, small, task_of

from wddkit import codec
from wddkit.history.arrays import read_tensors, write_tensors
from wddkit.methods import FAMILIES, METHODS, Context, Method
from wddkit.methods.base import Family, Fidelity
from wddkit.stages.recover import bounds
from wddkit.stages.teacher import features

QUICK = ("random", "kip", "dm", "sre2l", "wmdd")  # the others keep the laws too, in the long run of all tests
METHOD = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in METHODS]
)
PHASES = {
    "wmdd": ("barycenter", "recover"),
    "sre2l": ("recover",),
    "cda": ("recover",),
    "rded": ("select",),
    "edc": ("recover",),
    "dc": ("match",),
    "dsa": ("match",),
    "mtt": ("match",),
    "lcmat": ("match",),
    "dm": ("match",),
    "m3d": ("match",),
    "sliced-w": ("match",),
    "ncfm": ("match",),
    "idm": ("match",),
    "kip": ("regress",),
    "frepo": ("regress",),
    "random": ("select",),
    "herding": ("select",),
    "k-center": ("select",),
    "forgetting": ("select",),
    "el2n": ("select",),
    "ccs": ("select",),
    "nearest": ("barycenter", "select"),
    "tiled": ("select",),
}
DETERMINISTIC = {  # methods without a draw of their own, and what decides their images instead of the seed
    "herding": "the teacher's features, greedily",
    "k-center": "the teacher's features, greedily, from the image nearest to the mean",
    "el2n": "networks of the teacher's seed; only equal scores are drawn among, and here there are none",
}
STEPS = {"recover", "match", "regress"}  # phases of one optimisation a block


@pytest.fixture(scope="module")
def history(task):
    """Snapshots of each method with small settings, distilled once."""
    done = {}
    return lambda name: done.setdefault(name, run(small(name), task))


def test_every_method_stands_in_the_tables_of_this_test():
    assert SMALL.keys() == PHASES.keys() == METHODS.keys()


@METHOD
def test_every_method_says_its_family_fidelity_paper_and_cost(name):
    kind = METHODS[name]
    assert kind.family in get_args(Family) == tuple(FAMILIES)
    assert kind.fidelity in get_args(Fidelity)
    assert kind.fidelity != "illustrative"
    assert kind.paper
    assert kind.step_cost
    assert (kind.__doc__ or "").strip().splitlines()[0].endswith((".", ":"))


@METHOD
def test_every_method_tells_in_a_formula_what_it_looks_for(name):
    about = METHODS[name].__doc__ or ""
    assert re.search(r"sum_|argm|\bmin\b|min_|CE\(|L\(| = ", about.partition("\n")[2]), about


@METHOD
def test_phases_and_blocks_follow_each_other_with_rising_steps(name, history):
    snapshots = history(name)
    assert tuple(dict.fromkeys(s.phase for s in snapshots)) == PHASES[name]
    order = [(PHASES[name].index(s.phase), s.block, s.step) for s in snapshots]
    assert order == sorted(set(order))
    for phase in STEPS & set(PHASES[name]):
        assert [s.step for s in snapshots if s.phase == phase] == list(range(7))


@METHOD
def test_images_indices_and_features_are_those_of_the_distilled_set(name, history, task):
    for s in history(name):
        if s.phase == "barycenter":
            assert s.distilled is None
            continue
        np.testing.assert_array_equal(s.arrays["images"], s.distilled.images[s.arrays["indices"]])
        assert s.arrays["images"].dtype == np.uint8
        np.testing.assert_array_equal(
            s.arrays["features"], features(task.teacher(), s.arrays["images"]).astype(np.float16)
        )


@METHOD
def test_barycenters_are_recorded_class_by_class_with_every_step(name, history, task):
    found = [s for s in history(name) if s.phase == "barycenter"]
    assert [s.block for s in found] == (list(range(3)) if "barycenter" in PHASES[name] else [])
    d = task.features.shape[1]
    for s in found:
        steps = s.step + 1
        shapes = {key: value.shape for key, value in s.arrays.items()}
        assert shapes == {
            "support": (steps, 2, d),
            "masses": (steps, 2),
            "value": (steps,),
            "heldout": (steps,),
            "plan_indices": (steps, 2, 8),
            "plan_masses": (steps, 2, 8),
            "plan_kept": (steps,),
            "assignment": (steps, 24),
            "assignment_share": (steps, 24),
        }
        np.testing.assert_allclose(s.arrays["masses"].sum(axis=1), 1)
        assert (np.diff(s.arrays["value"]) <= 0).all()
        assert s.scalars["w2_squared"] == s.arrays["value"][-1]
        assert s.scalars["w2_squared_heldout"] == s.arrays["heldout"][-1]
        assert 0 < s.arrays["plan_kept"].min() <= s.arrays["plan_kept"].max() <= 1 + 1e-12


@METHOD
def test_every_distilled_set_is_whole_and_of_the_tasks_classes(name, history, task):
    snapshots = history(name)
    assert snapshots[-1].distilled is not None
    for distilled in (s.distilled for s in snapshots if s.distilled is not None):
        assert distilled.images.shape == (6, *task.train.images.shape[1:])
        assert distilled.labels.tolist() == [0, 0, 1, 1, 2, 2]
        assert (distilled.classes, distilled.normalisation) == (task.classes, task.normalisation)
        np.testing.assert_allclose(distilled.masses.reshape(3, 2).sum(axis=1), 1)
        assert (distilled.masses > 0).all()
        assert distilled.about == {"method": name}


@METHOD
def test_scalars_and_arrays_are_finite_numbers(name, history):
    for s in history(name):
        assert all(type(value) is float for value in s.scalars.values())
        assert np.isfinite(list(s.scalars.values())).all()
        for key, array in s.arrays.items():
            assert array.dtype.kind in "uif", key
            assert np.isfinite(array).all(), key


@METHOD
def test_pixels_stay_between_black_and_white_at_every_step(name, history, task):
    black, white = (bound.numpy() for bound in bounds(task.teacher()))
    for state in (s.state for s in history(name) if s.state is not None):
        assert (state["u"] >= black).all()
        assert (state["u"] <= white).all()


@METHOD
def test_a_yielded_set_is_not_changed_by_later_steps(name, task):
    seen = []
    for s in small(name).distill(task, Context()):
        seen.append((s, bits(s), {key: value.copy() for key, value in (s.state or {}).items()}))
    for s, then, state in seen:
        assert bits(s) == then
        for key, value in state.items():
            np.testing.assert_array_equal(s.state[key], value)


@METHOD
def test_the_same_seed_gives_the_same_bits_in_another_task_and_another_seed_others_if_there_are_draws(
    name, history, tmp_path
):
    again = run(small(name), task_of(coloured(), tmp_path))
    assert [bits(s) for s in again] == [bits(s) for s in history(name)]
    other = run(small(name), task_of(coloured(), tmp_path), seed=1)
    assert ([bits(s) for s in other] == [bits(s) for s in history(name)]) is (name in DETERMINISTIC)


@METHOD
@pytest.mark.parametrize("precision", ["float64", "bf16"])
def test_methods_run_in_other_precisions_and_repeat_their_bits(name, precision, task, tmp_path):
    first = run(small(name), task, precision=precision)
    assert [bits(s) for s in run(small(name), task_of(coloured(), tmp_path), precision=precision)] == [
        bits(s) for s in first
    ]
    assert np.isfinite([value for s in first for value in s.scalars.values()]).all()


VARIANTS = {
    **{name: (name, {}) for name in METHODS},
    "wmdd, a block a class": ("wmdd", {"block": 2}),
    "wmdd, a block an index": ("wmdd", {"block": 3, "blocks": "by_index"}),
    "sre2l, a block an index": ("sre2l", {"block": 3}),
}


@pytest.mark.parametrize(
    "variant",
    [pytest.param(name, marks=() if VARIANTS[name][0] in QUICK else pytest.mark.slow) for name in VARIANTS],
)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_run_resumed_from_any_stored_state_ends_as_the_uninterrupted_one(variant, precision, task, kept, tmp_path):
    name, options = VARIANTS[variant]
    method, fresh = small(name, **options), task_of(coloured(), kept)
    whole = run(method, task, precision=precision)
    digests = [bits(s) for s in whole]
    for i, s in enumerate(whole):
        if s.state is not None:
            write_tensors(tmp_path / "state", s.state, {})  # as the writer of a run keeps it
            state, _ = read_tensors(tmp_path / "state")
            rest = list(method.distill(fresh, EveryStep(precision=precision), state))
            assert [bits(r) for r in rest] == digests[i + 1 :]


@METHOD
def test_there_is_a_state_from_the_first_image_on_but_none_at_the_end(name, history):
    snapshots = history(name)
    assert snapshots[-1].state is None
    assert all((s.state is None) == (s.distilled is None) for s in snapshots[:-1])


@METHOD
def test_the_first_and_the_last_step_are_yielded_however_few_snapshots_are_wanted(name, task):
    found = list(small(name).distill(task, Context(snapshots=2)))
    steps = [s.step for s in found if s.phase in STEPS]
    assert steps in ([0, 6], [])
    assert bits(found[-1]) == bits(run(small(name), task)[-1])


@METHOD
def test_images_of_the_task_are_only_read(name, tmp_path):
    fresh = task_of(coloured(train=20), tmp_path)
    before = [part.images.tobytes() + part.labels.tobytes() for part in (fresh.train, fresh.val)]
    run(small(name), fresh)
    assert [part.images.tobytes() + part.labels.tobytes() for part in (fresh.train, fresh.val)] == before


def global_generators():
    old_numpy = np.random.get_state()  # noqa: NPY002  # the global state is what is looked at
    return torch.get_rng_state().tolist(), repr(old_numpy), random.getstate()


@METHOD
def test_the_global_generators_are_left_alone(name, tmp_path):
    fresh = task_of(coloured(), tmp_path)  # so that a teacher is trained too
    before = global_generators()
    run(small(name), fresh)
    assert global_generators() == before


@METHOD
@pytest.mark.parametrize("ipc", [0, -1])
def test_less_than_one_image_a_class_is_refused(name, ipc, task):
    with pytest.raises(ValueError, match=rf"ipc is {ipc}; expected at least 1"):
        answer(small(name, ipc=ipc), task)


@METHOD
def test_more_images_than_the_smallest_class_has_are_refused_and_the_class_is_named(name, kept):
    few = task_of(cut(coloured(), (24, 5, 24)), kept)
    with pytest.raises(ValueError, match=r"ipc.* 25 is above the size of class 1 \(.*\), which has 5 training images"):
        answer(small(name, ipc=25, **({"factor": 1} if name == "tiled" else {})), few)


@METHOD
def test_the_test_split_cannot_be_reached_and_changes_nothing(name, task, history, kept):
    split = coloured()
    hidden = {id(split), id(split.test), id(split.test.images), id(split.test.labels)}
    assert id(task.train.images) in reachable(task)
    assert not hidden & reachable(task)
    spoilt = dataclasses.replace(split, test=split.test.take(np.arange(2)))
    assert [bits(s) for s in run(small(name), task_of(spoilt, kept))] == [bits(s) for s in history(name)]


def reachable(start: object) -> set[int]:
    """Ids of all objects that an object leads to; not through code, which leads everywhere."""
    code = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType)
    found, ahead = {id(start)}, [start]
    while ahead:
        for each in gc.get_referents(ahead.pop()):
            if id(each) not in found and not isinstance(each, code):
                found.add(id(each))
                ahead.append(each)
    return found


@METHOD
def test_a_method_is_a_frozen_value_that_configs_can_hold(name):
    for method in (METHODS[name](), small(name)):
        copy = codec.decode(Method, codec.encode(method, METHODS), METHODS)
        assert copy == method
        assert hash(copy) == hash(method)
        assert type(copy) is METHODS[name]
        assert method.grouping in ("class", "joint")
        with pytest.raises(dataclasses.FrozenInstanceError, match="ipc"):
            method.ipc = 3


@METHOD
def test_methods_distil_grey_digits_too(name, digits):
    distilled = answer(small(name, ipc=1), digits)
    assert distilled.images.shape == (10, 1, 8, 8)
    assert distilled.labels.tolist() == list(range(10))
