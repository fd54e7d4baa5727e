"""Recovery whose pairing of images and support points is a transport plan, and barycenters under other ground costs."""

from dataclasses import replace

import numpy as np
import pytest
from method_toys import (
    TEACHER,
    Context,
    EveryStep,
    answer,
    bits,
    coloured,
    plain,
    recovered,
    run,
    small,
    task_of,
)

import wddkit as wdd
from wddkit.cli import main
from wddkit.history.arrays import read_tensors, write_tensors
from wddkit.methods import METHODS, WMDD, SRe2L
from wddkit.methods.targets import FITTED, ground_cost, targets
from wddkit.ot import Measure, barycenter, w2_squared
from wddkit.ot.costs import COSTS, LinearMap
from wddkit.stages.teacher import features

NAMES = (*COSTS, *FITTED)
OTHERS = tuple(name for name in NAMES if name != "sqeuclidean")


def recovery(snapshots):
    return [s for s in snapshots if s.phase == "recover"]


def own(c, ipc):
    return slice(c * ipc, (c + 1) * ipc)


# Pairing


@pytest.mark.parametrize("form", ["normalised", "paper", "official"])
def test_the_first_feature_term_is_that_of_the_best_plans_at_the_start(form, task):
    method = plain(ipc=4, steps=1, form=form, start="real", pairing="transport")
    start, after = recovery(run(method, task))
    found, z = targets(task, Context(), ipc=4, masses="free"), features(task.teacher(), start.distilled.images)
    equal = np.full(4, 1 / 4)
    values = []
    for c in range(3):
        w = found.masses[own(c, 4)] if form == "normalised" else equal
        values.append(w2_squared(Measure(z[own(c, 4)], w), Measure(found.support[own(c, 4)], w)))
    spread = [task.features[task.train.of_class(c)].var(axis=0).sum() for c in range(3)]
    expected = {
        "normalised": sum(value / tv for value, tv in zip(values, spread, strict=True)),
        "paper": 4 * sum(values),
        "official": np.sqrt(4 * sum(values)),
    }
    assert after.scalars["feature"] == pytest.approx(expected[form], rel=1e-4)
    tied = recovery(run(replace(method, pairing="fixed"), task))[1]
    assert after.scalars["feature"] < tied.scalars["feature"]
    assert after.scalars["statistics"] == tied.scalars["statistics"]


def test_the_recorded_gap_is_each_images_share_of_the_best_plan(task):
    found = targets(task, Context(), ipc=4, masses="free")
    for s in recovery(run(plain(ipc=4, steps=3, block=4, start="real", pairing="transport"), task)):
        at = s.arrays["indices"]
        w, z = found.masses[at], features(task.teacher(), s.distilled.images[at])
        expected = w2_squared(Measure(z, w), Measure(found.support[at], w))
        assert w @ s.arrays["gap"] == pytest.approx(expected, rel=1e-5)
        assert s.scalars["feature_gap"] == pytest.approx(s.arrays["gap"].mean(), rel=1e-6)


def test_with_one_image_a_class_there_is_nothing_to_pair(task):
    one, other = (answer(plain(ipc=1, steps=5, pairing=pairing), task) for pairing in ("fixed", "transport"))
    np.testing.assert_array_equal(one.images, other.images)


def test_a_block_of_one_image_of_each_class_leaves_nothing_to_pair(task):
    options = {"ipc": 3, "steps": 4, "blocks": "by_index", "block": 3}
    one, other = (answer(plain(**options, pairing=pairing), task) for pairing in ("fixed", "transport"))
    np.testing.assert_array_equal(one.images, other.images)


def test_with_equal_masses_the_images_come_nearer_to_the_support_points_as_a_set(task):
    options = {"ipc": 4, "steps": 20, "start": "noise", "statistics": "none", "masses": "uniform"}
    free, tied = (recovery(run(plain(**options, pairing=pairing), task))[-1] for pairing in ("transport", "fixed"))
    assert free.scalars["feature"] < tied.scalars["feature"]


def test_the_classes_of_a_block_are_paired_each_for_itself(task):
    # In double precision: float32 sums in another order with another number of images.
    options = {"ipc": 4, "steps": 5, "start": "noise", "pairing": "transport"}
    whole, alone = (recovered(run(plain(**options, block=block), task, precision="float64"), 4) for block in (100, 4))
    np.testing.assert_allclose(whole, alone, atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"block": 4}, {"masses": "uniform", "form": "official"}])
def test_a_run_resumed_from_any_stored_state_ends_as_the_uninterrupted_one(options, task, kept, tmp_path):
    method, fresh = plain(ipc=4, steps=4, start="noise", pairing="transport", **options), task_of(coloured(), kept)
    whole = run(method, task)
    digests = [bits(s) for s in whole]
    for i, s in enumerate(whole):
        if s.state is not None:
            write_tensors(tmp_path / "state", s.state, {})
            state, _ = read_tensors(tmp_path / "state")
            assert [bits(r) for r in method.distill(fresh, EveryStep(), state)] == digests[i + 1 :]


def test_images_that_are_drawn_to_logits_are_not_paired(task):
    one, other = (answer(small("sre2l", pairing=pairing), task) for pairing in ("fixed", "transport"))
    np.testing.assert_array_equal(one.images, other.images)


# Ground costs


@pytest.mark.parametrize("cost", NAMES)
def test_targets_are_the_barycenters_of_each_class_under_the_cost(cost, task):
    context = Context(seed=3)
    found = targets(task, context, ipc=3, masses="free", cost=cost)
    chosen = ground_cost(task, cost)
    for c, (real, heldout) in enumerate(zip(task.measures(), task.heldout_measures(), strict=True)):
        seed = context.stream("barycenter") + c
        expected = barycenter(real, m=3, masses="free", cost=chosen, seed=seed, heldout=heldout)
        np.testing.assert_array_equal(found.support[own(c, 3)], expected.support)
        np.testing.assert_array_equal(found.masses[own(c, 3)], expected.masses)
        measure = Measure(expected.support, expected.masses)
        assert found.values[c] == pytest.approx(w2_squared(measure, real), rel=1e-9)
        assert found.heldout[c] == pytest.approx(w2_squared(measure, heldout), rel=1e-9)
        if cost != "sqeuclidean":
            assert found.steps[c]["transport_cost"][-1] == expected.value
            assert found.steps[c]["transport_cost_heldout"][-1] == expected.heldout


def test_barycenters_of_other_costs_are_kept_apart_and_found_again(tmp_path):
    task = task_of(coloured(), tmp_path)
    supports = [targets(task, Context(), ipc=3, masses="free", cost=cost).support.tobytes() for cost in NAMES]
    assert len(list((tmp_path / "barycenters").glob("*.safetensors"))) == len(NAMES)
    assert len(set(supports)) > 4
    again = [targets(task, Context(), ipc=3, masses="free", cost=cost).support.tobytes() for cost in NAMES]
    assert again == supports
    assert len(list((tmp_path / "barycenters").glob("*.safetensors"))) == len(NAMES)


def test_a_single_image_is_drawn_to_the_mean_or_the_median_of_its_class(task):
    for cost, centre in (("logits", np.mean), ("mahalanobis", np.mean), ("kl", np.mean), ("l1", np.median)):
        found = targets(task, Context(), ipc=1, masses="free", cost=cost).support
        expected = [centre(task.features[task.train.of_class(c)], axis=0) for c in range(3)]
        if cost == "l1":  # of an even number of values every point between the middle two is as good
            paid = [
                [np.abs(task.features[task.train.of_class(c)] - y).sum() for y in (found[c], expected[c])]
                for c in range(3)
            ]
            np.testing.assert_allclose(*np.transpose(paid), rtol=1e-12)
        else:
            np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_cost_of_logits_is_their_squared_distance(task):
    cost, z = ground_cost(task, "logits"), task.features[:5]
    assert isinstance(cost, LinearMap)
    head = task.teacher().head
    logits = z @ head.weight.double().numpy().T + head.bias.double().numpy()
    np.testing.assert_allclose(cost.against(z)(z), ((logits[:, None] - logits) ** 2).sum(axis=2), atol=1e-9)


def test_under_the_mahalanobis_cost_features_spread_alike_around_their_class_means(task):
    L = ground_cost(task, "mahalanobis").L
    centred = np.concatenate([z.points - z.points.mean(axis=0) for z in task.measures()])
    covariance = L @ (centred.T @ centred / len(centred)) @ L.T
    np.testing.assert_allclose(np.linalg.eigvalsh(covariance)[-3:], 1, atol=0.05)  # but for the ridge
    np.testing.assert_allclose(L, L.T, atol=1e-9 * np.abs(L).max())


@pytest.mark.parametrize("cost", NAMES)
def test_snapshots_name_what_they_measure(cost, task):
    for s in run(plain(ipc=2, steps=1, cost=cost), task)[:3]:
        assert s.phase == "barycenter"
        assert s.scalars["w2_squared"] == s.arrays["value"][-1]
        assert s.scalars["w2_squared_heldout"] == s.arrays["heldout"][-1]
        if cost == "sqeuclidean":
            assert not [name for name in (*s.scalars, *s.arrays) if name.startswith("transport_cost")]
        else:
            assert s.scalars["transport_cost"] == s.arrays["transport_cost"][-1]
            assert s.scalars["transport_cost_heldout"] == s.arrays["transport_cost_heldout"][-1]
            assert (np.diff(s.arrays["transport_cost"]) <= 1e-12 * s.arrays["transport_cost"][0]).all()
            assert len(s.arrays["transport_cost"]) == len(s.arrays["value"])


def test_without_validation_images_nothing_is_measured_on_them(tmp_path):
    split = coloured()
    task = task_of(replace(split, val=split.val.take(np.arange(0))), tmp_path)
    for s in run(plain(ipc=2, steps=1, cost="l2"), task)[:3]:
        assert set(s.scalars) == {"w2_squared", "transport_cost"}
        assert np.isnan(s.arrays["heldout"]).all()
        assert "transport_cost_heldout" not in s.arrays


@pytest.mark.parametrize("name", ["nearest", "tiled"])
def test_the_controls_know_squared_distances_alone(name):
    assert not hasattr(METHODS[name](), "cost")


# From a config to a run


@pytest.mark.parametrize(
    "fields",
    [{"method__cost": cost} for cost in NAMES] + [{"method__pairing": "transport", "method__masses": "uniform"}],
    ids=lambda fields: "-".join(map(str, fields.values())),
)
def test_a_run_goes_from_config_to_results(fields, tmp_path):
    training = wdd.Training(steps=10, batch=16)
    protocol = wdd.Protocol("hard", network=TEACHER.network, training=training, students=1)
    config = wdd.Config(
        dataset="toy", method=WMDD(ipc=2, steps=4), teacher=TEACHER, protocols=(protocol,), controls=(), snapshots=2
    ).change(**fields)
    assert wdd.Config.from_json(config.to_json()) == config
    history = wdd.run(config, split=replace(coloured(), name="toy"), out=tmp_path, progress=False)
    assert history.config.method.as_dict() == {"kind": "wmdd", **config.to_json()["method"]}
    assert history.distilled.images.shape == (6, 3, 8, 8)
    assert np.isfinite(history.distilled.masses).all()
    assert np.isfinite(history.results["w2_squared"]).all()
    recorded = history.scalars
    assert recorded["w2_squared"].notna().sum() == 3
    assert ("transport_cost" in recorded) == (config.method.cost != "sqeuclidean")
    assert np.isfinite(recorded["loss"].dropna()).all()
    assert len(recorded["loss"].dropna()) > 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cost": "whitenned"}, r"unknown ground cost 'whitenned'\. Did you mean 'whitened'\? Known: cosine, kl, l1"),
        ({"cost": "euclid"}, "unknown ground cost 'euclid'.*sqeuclidean"),
        ({"pairing": "transports"}, r"unknown pairing 'transports'\. Did you mean 'transport'\? Known: fixed, mean"),
    ],
)
@pytest.mark.parametrize("kind", [WMDD, SRe2L])
def test_unknown_costs_and_pairings_are_refused_at_once(kind, fields, message):
    with pytest.raises(ValueError, match=message):
        kind(**fields)


def test_a_cost_that_features_are_not_made_for_is_refused_in_its_own_words(task, monkeypatch):
    monkeypatch.setitem(task.__dict__, "features", task.features - 1)
    with pytest.raises(ValueError, match=r"cost 'kl' is for points that are not negative, found -0.9"):
        targets(task, Context(seed=99), ipc=2, masses="free", cost="kl")


def test_the_command_line_takes_both_and_names_what_it_does_not_know(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["run", "--dry-run", "--set", "method.pairing=transport"]
    assert main([*command, "method.cost=mahalanobis"]) == 0
    capsys.readouterr()
    assert main([*command, "method.cost=mahalanobi"]) == 2
    assert "unknown ground cost 'mahalanobi'. Did you mean 'mahalanobis'?" in capsys.readouterr().err
    assert main([*command[:-1], "method.pairing=transprt"]) == 2
    assert "'transprt'. Did you mean 'transport'? Known: fixed, mean, transport" in capsys.readouterr().err
    assert main(["methods"]) == 0
    assert capsys.readouterr().out.count("pairing='fixed', committee=(), cost='sqeuclidean'") == 4
