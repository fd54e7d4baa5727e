"""WMDD: targets, starts, forms, statistics, knobs, and the numbers that are recorded."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from method_toys import EveryStep, answer, coloured, cut, plain, rows_of, run, task_of
from scipy.optimize import linear_sum_assignment

from wddkit.methods import WMDD, Context
from wddkit.methods.targets import targets
from wddkit.nets import Network
from wddkit.ot import barycenter
from wddkit.stages.recover import to_normalised, to_pixels
from wddkit.stages.teacher import Teacher, features
from wddkit.stages.training import Training


def images(snapshots):
    """Snapshots of the recovery."""
    return [s for s in snapshots if s.phase == "recover"]


@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_targets_and_masses_are_the_barycenters_of_each_class(masses, task):
    context = Context(seed=3)
    found = targets(task, context, ipc=4, masses=masses)
    distilled = answer(plain(ipc=4, steps=1, masses=masses), task, seed=3)
    np.testing.assert_array_equal(distilled.masses, found.masses)
    for c in range(3):
        own = slice(4 * c, 4 * c + 4)
        real, heldout = task.measures()[c], task.heldout_measures()[c]
        expected = barycenter(real, m=4, masses=masses, seed=context.stream("barycenter") + c, heldout=heldout)
        np.testing.assert_array_equal(found.support[own], expected.support)
        np.testing.assert_array_equal(found.masses[own], expected.masses)
        assert (found.values[c], found.heldout[c]) == (expected.value, expected.heldout)
    assert (masses == "uniform") == bool((found.masses == 1 / 4).all())


def test_a_single_image_is_drawn_to_the_mean_of_its_classs_features(task):
    found = targets(task, Context(), ipc=1, masses="free")
    means = [task.features[task.train.of_class(c)].mean(axis=0) for c in range(3)]
    np.testing.assert_allclose(found.support, means, atol=1e-12)
    np.testing.assert_allclose(answer(plain(ipc=1, steps=3), task).masses, 1)


def test_the_nearest_start_is_the_real_image_nearest_to_each_support_point(task):
    first, where = images(run(plain(ipc=4, steps=1), task))[0].distilled.images, rows_of(task.train)
    support = targets(task, Context(), ipc=4, masses="free").support
    chosen = np.array([where[image.tobytes()] for image in first])
    assert len(set(chosen)) == 12
    paid = ((support - task.features[chosen]) ** 2).sum(axis=1)
    for c in range(3):
        real = task.train.of_class(c)
        assert set(chosen[4 * c : 4 * c + 4]) <= set(real)
        C = ((support[4 * c : 4 * c + 4, None] - task.features[real]) ** 2).sum(axis=2)
        # By cost: a support point in the middle between two images is as near to one as to the other.
        assert paid[4 * c : 4 * c + 4].sum() == pytest.approx(C[linear_sum_assignment(C)].sum(), rel=1e-9)


def test_the_real_start_is_real_images_and_the_noise_start_is_none(task):
    real = images(run(plain(ipc=4, steps=1, start="real"), task))[0].distilled
    for image, label in zip(real.images, real.labels, strict=True):
        assert (task.train.images[task.train.of_class(label)] == image).all(axis=(1, 2, 3)).any()
    noise = images(run(plain(ipc=4, steps=1, start="noise"), task))[0].distilled.images
    net = task.teacher()
    again = Context().generator("start", 1).standard_normal((4, 3, 8, 8))
    low, high = (net.normalise(net.mean * 0 + value) for value in (0, 1))
    clamped = np.clip(again, low.numpy(), high.numpy())
    np.testing.assert_array_equal(noise[4:8], to_pixels(net, low.new_tensor(clamped)))


@pytest.mark.parametrize("start", ["noise", "real", "nearest"])
@pytest.mark.parametrize("form", ["normalised", "paper", "official"])
@pytest.mark.parametrize("target", ["support", "logits"])
def test_the_loss_falls_in_every_form_from_every_start(target, form, start, task):
    snapshots = images(run(plain(ipc=2, steps=40, form=form, start=start, target=target), task))
    loss = [s.scalars["loss"] for s in snapshots[1:]]
    assert np.isfinite(loss).all()
    assert np.mean(loss[-3:]) < loss[0]
    assert snapshots[-1].scalars["statistics_error"] < snapshots[0].scalars["statistics_error"] or start != "noise"


def test_images_come_closer_to_their_support_points_than_where_they_start(task):
    snapshots = images(run(plain(ipc=2, steps=60), task))
    assert snapshots[-1].scalars["feature_gap"] < 0.2 * snapshots[0].scalars["feature_gap"]


@pytest.mark.parametrize("form", ["paper", "normalised", "official"])
def test_the_first_feature_term_is_the_formula_at_the_start(form, task):
    snapshots = images(run(plain(ipc=3, steps=1, form=form), task))
    found = targets(task, Context(), ipc=3, masses="free")
    squared = ((features(task.teacher(), snapshots[0].distilled.images) - found.support) ** 2).sum(axis=1)
    own = [task.features[task.train.of_class(c)] for c in range(3)]
    variance = np.repeat([z.var(axis=0).sum() for z in own], 3)
    expected = {
        "paper": squared.sum(),
        "official": np.sqrt(squared.sum()),
        "normalised": (found.masses * squared / variance).sum(),
    }
    assert snapshots[1].scalars["feature"] == pytest.approx(expected[form], rel=1e-4)
    loss = snapshots[1].scalars["feature"] + snapshots[1].scalars["statistics"]
    assert snapshots[1].scalars["loss"] == pytest.approx(loss, rel=1e-5)


def test_the_recorded_gap_is_of_the_saved_images_and_their_support_points(task):
    support = targets(task, Context(), ipc=3, masses="free").support
    for s in images(run(plain(ipc=3, steps=3, block=3), task)):
        at = s.arrays["indices"]
        gap = ((features(task.teacher(), s.distilled.images[at]) - support[at]) ** 2).sum(axis=1)
        np.testing.assert_allclose(s.arrays["gap"], gap, rtol=1e-6)
        assert s.scalars["feature_gap"] == pytest.approx(gap.mean(), rel=1e-6)


def test_the_recorded_statistics_error_is_that_of_the_mass_weighted_saved_images(task):
    last = run(plain(ipc=3, steps=3), task)[-1]
    net, masses = task.teacher(), last.distilled.masses
    inputs = {}
    for name in ("norm1", "norm2"):
        layer = getattr(net.backbone, name)
        handle = layer.register_forward_pre_hook(lambda _, x, name=name: inputs.update({name: x[0]}))
        net.backbone(to_normalised(net, last.distilled.images))
        handle.remove()
    for error, (name, x) in zip(last.arrays["statistics_error"], inputs.items(), strict=True):
        real, by_class, x = task.statistics()[f"backbone.{name}"], [], x.double().numpy()
        for c in range(3):
            own, w = x[3 * c : 3 * c + 3], masses[3 * c : 3 * c + 3, None, None, None]
            mean = (w * own).mean(axis=(2, 3)).sum(axis=0)
            variance = (w * (own - mean[:, None, None]) ** 2).mean(axis=(2, 3)).sum(axis=0)
            floor = 1e-3 * real.variance[c].mean()
            std = (np.sqrt(variance + floor) - np.sqrt(real.variance[c] + floor)) ** 2
            by_class.append((((mean - real.mean[c]) ** 2 + std) / (real.variance[c] + floor)).mean())
        assert error == pytest.approx(np.mean(by_class), rel=1e-3)


def test_matching_class_statistics_brings_them_closer_than_not_matching_them(task):
    error = {
        kind: run(plain(ipc=2, steps=40, start="noise", statistics=kind), task)[-1].scalars["statistics_error"]
        for kind in ("class", "none")
    }
    assert error["class"] < 0.8 * error["none"]


def test_global_statistics_weigh_the_images_of_all_classes_together(task):
    by_class, together = (
        run(plain(ipc=2, steps=40, start="noise", statistics=kind, statistics_weight=10.0), task)[-1].scalars
        for kind in ("class", "global")
    )
    assert together["statistics_error"] < by_class["statistics_error"]  # one group is matched more easily than three


def test_without_statistics_only_the_feature_term_is_minimised_and_no_knob_changes_that(task):
    method = plain(ipc=2, steps=5, statistics="none")
    for context in (EveryStep(), EveryStep(knobs={"statistics_weight": 7.0})):
        for s in images(run(method, task, context))[1:]:
            assert s.scalars["loss"] == s.scalars["feature"]
            assert s.scalars["statistics"] > 0  # measured all the same
    weightless = answer(plain(ipc=2, steps=5, statistics_weight=0.0), task)
    np.testing.assert_array_equal(answer(method, task).images, weightless.images)


def test_cross_entropy_can_be_added_and_is_recorded(task):
    last = run(plain(ipc=2, steps=3, cross_entropy=0.5), task)[-1].scalars
    parts = last["feature"] + last["statistics"] + 0.5 * last["cross_entropy"]
    assert last["loss"] == pytest.approx(parts, rel=1e-5)


@pytest.mark.parametrize(("knob", "value"), [("lr", 0.1), ("statistics_weight", 5.0)])
def test_a_knob_set_from_the_start_is_the_configs_value(knob, value, task):
    turned = run(plain(ipc=2, steps=5), task, knobs={knob: value})[-1].distilled.images
    configured = answer(plain(ipc=2, steps=5, **{knob: value}), task).images
    np.testing.assert_array_equal(turned, configured)
    assert (turned != answer(plain(ipc=2, steps=5), task).images).any()


def test_a_knob_turned_on_the_way_counts_from_the_next_step_on(task):
    context = EveryStep()
    states = []
    for s in plain(ipc=2, steps=6).distill(task, context):
        if s.state is not None:
            states.append(s.state["u"])
        if s.phase == "recover" and s.step == 3:
            context.knobs["lr"] = 1e-30
    moved = [bool((a != b).any()) for a, b in pairwise(states)]
    assert moved == [True, True, True, False, False]


@pytest.mark.parametrize("norm", ["batch", "group", "layer", "instance", "none"])
def test_teachers_of_every_normalisation_can_be_inverted(norm, kept):
    teacher = Teacher(Network(width=4, depth=2, norm=norm), Training(steps=20, batch=16))
    last = run(plain(ipc=2, steps=5), task_of(coloured(), kept, teacher_config=teacher))[-1]
    layers = 0 if norm == "none" else 2
    assert last.arrays.get("statistics_error", np.zeros(0)).shape == (layers,)
    assert last.scalars.get("statistics_error", 1.0) > 0
    assert last.scalars["loss"] < 10


def test_a_class_with_just_enough_images_is_distilled_from_all_of_them(kept):
    few = task_of(cut(coloured(), (24, 3, 24)), kept)
    snapshots = images(run(plain(ipc=3, steps=2), few))
    of_class = snapshots[0].distilled.images[3:6]
    real = few.train.images[few.train.of_class(1)]
    assert sorted(image.tobytes() for image in of_class) == sorted(image.tobytes() for image in real)
    np.testing.assert_allclose(snapshots[-1].distilled.masses[3:6], 1 / 3)


def test_a_class_without_validation_images_has_no_heldout_value(kept):
    split = coloured()
    without = dataclasses.replace(split, val=split.val.take(np.flatnonzero(split.val.labels != 1)))
    found = [s for s in run(plain(ipc=2, steps=1), task_of(without, kept)) if s.phase == "barycenter"]
    assert ["w2_squared_heldout" in s.scalars for s in found] == [True, False, True]
    assert np.isnan(found[1].arrays["heldout"]).all()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("start", "nearst", "unknown start 'nearst'. Did you mean 'nearest'"),
        ("form", "Paper", "unknown form 'Paper'. Did you mean 'paper'"),
        ("statistics", "classes", "unknown statistics 'classes'. Did you mean 'class'"),
        ("target", "features", "unknown target 'features'.* Known: logits, support"),
        ("blocks", "class", "unknown blocks 'class'"),
        ("masses", "fre", "unknown masses 'fre'. Did you mean 'free'"),
        ("block", 0, "block is 0 images; expected at least 1"),
        ("steps", 0, "expected steps of at least 1 and lr above 0, got 0"),
        ("lr", 0.0, "expected steps of at least 1 and lr above 0, got 300 and 0.0"),
    ],
)
def test_values_that_mean_nothing_are_refused_at_once(field, value, message):
    with pytest.raises(ValueError, match=message):
        WMDD(**{field: value})
