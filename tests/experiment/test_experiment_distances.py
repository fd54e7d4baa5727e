"""Distances of a set to the real one: by other formulas, by laws, and where they are to be found."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import ot
import pytest
from experiment_toys import CLASSES, HARD, LIGHT, NETWORK, SOFT, TEACHER, arrays, run, toy_split

import wddkit as wdd
from wddkit import closeness
from wddkit.closeness import Embedded, measured
from wddkit.experiment import task_of
from wddkit.history import Cache
from wddkit.history.tables import DISTANCES
from wddkit.methods import Random, Task
from wddkit.methods.base import Context
from wddkit.stages.statistics import class_statistics
from wddkit.stages.teacher import features

HELDOUT = [name for name in DISTANCES if name.endswith("_heldout")]
NEAR = [name for name in DISTANCES if name not in (*HELDOUT, "coverage")]


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    return Task.of(toy_split(), teacher_config=TEACHER, cache=Cache(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def made() -> wdd.DistilledSet:
    """Twelve images of another draw, with masses from 1/6 to 1/2."""
    images, labels = arrays(12, seed=4)
    masses = 1.0 + np.arange(12) // CLASSES
    return wdd.DistilledSet(images, labels, tuple("0123"), masses / np.bincount(labels, masses)[labels])


def whole(task: Task, order: np.ndarray | None = None) -> wdd.DistilledSet:
    real = task.train if order is None else task.train.take(order)
    masses = 1 / np.bincount(real.labels)[real.labels]
    return wdd.DistilledSet(real.images, real.labels, tuple("0123"), masses)


def by_class(task: Task, made: wdd.DistilledSet) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each class: features of the distilled images, their masses, features of the real ones."""
    z, real = features(task.teacher(), made.images), features(task.teacher(), task.train.images)
    found = [(made.labels == c, task.train.labels == c) for c in range(CLASSES)]
    return [(z[own], made.masses[own], real[other]) for own, other in found]


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_real_set_itself_is_at_no_distance_and_covers_everything(shuffled: bool, task: Task) -> None:
    order = np.random.default_rng(0).permutation(len(task.train)) if shuffled else None
    found = measured(whole(task, order), task)
    scale = measured(whole(task, np.arange(CLASSES)), task)  # an image a class
    for name in NEAR:
        assert found[name] <= 1e-6 * (scale[name] or 1), name  # features are single precision
    assert found["coverage"] == 1
    assert all(found[name] > 0 for name in HELDOUT)


def test_transport_distances_are_those_of_another_solver(task: Task, made: wdd.DistilledSet) -> None:
    found = measured(made, task)
    classes = by_class(task, made)
    w2 = [ot.emd2(w, ot.unif(len(x)), ot.dist(z, x)) for z, w, x in classes]
    assert found["w2_squared"] == pytest.approx(np.mean(w2), rel=1e-6)
    sliced = [ot.sliced_wasserstein_distance(z, x, w, None, n_projections=20_000, seed=0) ** 2 for z, w, x in classes]
    assert found["sliced_w2_squared"] == pytest.approx(np.mean(sliced), rel=0.05)  # 128 directions
    # OTDD: the costs of points and of classes as Gaussians; tr (A^1/2 B A^1/2)^1/2 by the eigenvalues of A B.
    z, x = (np.concatenate([each[i] for each in classes]) for i in (0, 2))
    r, s = (np.repeat(np.arange(CLASSES), [len(each[i]) for each in classes]) for i in (0, 2))
    W = np.empty((CLASSES, CLASSES))
    for i, j in np.ndindex(W.shape):
        (a, w, _), b = classes[i], classes[j][2]
        A, B = np.cov(a.T, aweights=w, ddof=0), np.cov(b.T, ddof=0)
        roots = np.sqrt(np.linalg.eigvals(A @ B).real.clip(0))
        W[i, j] = np.sum((w @ a - b.mean(axis=0)) ** 2) + np.trace(A + B) - 2 * roots.sum()
    masses = np.concatenate([w for _, w, _ in classes]) / CLASSES
    real = np.concatenate([ot.unif(len(each[2])) for each in classes]) / CLASSES
    assert found["otdd"] == pytest.approx(ot.emd2(masses, real, ot.dist(z, x) + W[np.ix_(r, s)]), rel=1e-4)


def test_mmd_has_the_kernels_of_the_real_features_alone(task: Task, made: wdd.DistilledSet) -> None:
    values = []
    for z, w, x in by_class(task, made):
        length = np.sqrt(ot.dist(x, x).mean())

        def k(a: np.ndarray, b: np.ndarray, length: float = length) -> np.ndarray:
            return np.mean([np.exp(-ot.dist(a, b) / (2 * (s * length) ** 2)) for s in (0.25, 0.5, 1, 2, 4)], axis=0)

        values.append(w @ k(z, z) @ w + k(x, x).mean() - 2 * (w @ k(z, x)).mean())
    assert measured(made, task)["mmd_squared"] == pytest.approx(np.mean(values), rel=1e-6)


def test_coverage_and_nearness_are_counted_image_by_image(task: Task, made: wdd.DistilledSet) -> None:
    covered, median = [], []
    for z, w, x in by_class(task, made):
        within, across = np.sqrt(ot.dist(x, x)), np.sqrt(ot.dist(x, z))
        np.fill_diagonal(within, np.inf)
        fifth, first = np.sort(within, axis=1)[:, 4], within.min(axis=1)
        covered.append(np.mean([across[i].min() <= fifth[i] for i in range(len(x))]))
        ratio = sorted(zip(across.min(axis=0) / first[across.argmin(axis=0)], w, strict=True))
        total = np.cumsum([mass for _, mass in ratio])
        median.append(ratio[int(np.argmax(total >= 0.5 - 1e-9))][0])
    found = measured(made, task)
    assert found["coverage"] == pytest.approx(np.mean(covered), rel=1e-12)
    assert found["nearest_real"] == pytest.approx(np.mean(median), rel=1e-6)


def test_the_statistics_error_is_that_of_each_class_of_the_final_set(task: Task) -> None:
    images, labels = arrays(12, seed=4)
    own = class_statistics(task.teacher(), images, labels, classes=CLASSES)
    errors = []
    for name, real in task.statistics().items():
        floor = 1e-3 * real.variance.mean(axis=1, keepdims=True)  # as in wddkit.stages.objective
        off = (own[name].mean - real.mean) ** 2
        off += (np.sqrt(own[name].variance + floor) - np.sqrt(real.variance + floor)) ** 2
        errors.append(np.mean(off / (real.variance + floor)))
    found = measured(wdd.DistilledSet.from_arrays(images, labels), task)
    assert found["statistics_error"] == pytest.approx(np.mean(errors), rel=1e-5)


def test_neither_order_nor_splitting_an_image_in_two_changes_a_distance(task: Task, made: wdd.DistilledSet) -> None:
    expected = measured(made, task)
    order = np.random.default_rng(1).permutation(12)
    turned = wdd.DistilledSet(made.images[order], made.labels[order], made.classes, made.masses[order])
    twice = np.repeat(np.arange(12), 2)
    split = wdd.DistilledSet(made.images[twice], made.labels[twice], made.classes, made.masses[twice] / 2)
    for each in (turned, split):
        assert measured(each, task) == pytest.approx(expected, rel=1e-5)


def test_a_copy_of_training_images_is_told_from_fresh_ones_and_noise(task: Task, made: wdd.DistilledSet) -> None:
    *_, last = Random(3).distill(task, Context())
    assert last.distilled is not None
    noise = np.random.default_rng(0).integers(0, 256, made.images.shape).astype(np.uint8)
    scrambled = wdd.DistilledSet(noise, made.labels, made.classes, made.masses)
    copied, fresh, far = (measured(each, task)["nearest_real"] for each in (last.distilled, made, scrambled))
    assert copied == 0
    assert 0.3 < fresh < far


def test_a_sample_is_the_same_for_any_order_and_the_whole_set_still_at_no_distance(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closeness, "SAMPLE", 9)
    monkeypatch.setattr(closeness, "LABELLED", 20)
    order = np.random.default_rng(0).permutation(len(task.train))
    found = measured(whole(task, order), task)
    assert (found["mmd_squared"], found["otdd"], found["nearest_real"]) == pytest.approx((0, 0, 0), abs=1e-6)
    assert found["coverage"] == 1
    real = Embedded(task.train, task.features, np.ones(len(task.train)), CLASSES)
    other = Embedded(task.train.take(order), task.features[order], np.ones(len(task.train)), CLASSES)
    assert [len(each) for each in real.sample if each] == [9] * CLASSES
    assert np.bincount(real.labelled[1]).tolist() == [5] * CLASSES
    for one, turned in zip(real.sample, other.sample, strict=True):
        assert one is not None
        assert turned is not None
        assert {row.tobytes() for row in one.points} == {row.tobytes() for row in turned.points}


def test_what_would_take_too_long_or_is_not_there_is_nan(
    task: Task, made: wdd.DistilledSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = measured(made, task)
    monkeypatch.setattr(closeness, "LARGEST_PLAN", 10)
    monkeypatch.setattr(closeness, "CLASSES", 3)
    found = measured(made, task)
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {"w2_squared", "w2_squared_heldout", "otdd", "otdd_heldout"}
    assert {name: found[name] for name in found if name not in missing} == {
        name: expected[name] for name in expected if name not in missing
    }


def test_without_validation_images_and_normalisation_the_rest_is_measured(made: wdd.DistilledSet) -> None:
    split = wdd.Split.from_arrays(*arrays(), *arrays(40, seed=1), val=0)
    bare = Task.of(split, teacher_config=replace(TEACHER, network=replace(NETWORK, norm="none")))
    found = closeness.closeness(made, bare)
    assert {name for name, value in found.items() if np.isnan(value)} == {*HELDOUT, "statistics_error"}


def test_a_set_without_a_class_is_measured_on_the_others(task: Task, made: wdd.DistilledSet) -> None:
    kept = made.labels > 0
    less = wdd.DistilledSet(made.images[kept], made.labels[kept], made.classes, made.masses[kept])
    w2 = [ot.emd2(w, ot.unif(len(x)), ot.dist(z, x)) for z, w, x in by_class(task, made)[1:]]
    found = measured(less, task)
    assert found["w2_squared"] == pytest.approx(np.mean(w2), rel=1e-6)
    assert np.isfinite([*found.values()]).all()
    assert found["otdd"] > measured(made, task)["otdd"]  # which has no class to go to


def test_a_set_is_measured_once_whatever_its_labels_and_protocols(
    tmp_path: Path, made: wdd.DistilledSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = wdd.evaluate(made, toy_split(), HARD, teacher=TEACHER, progress=False)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(closeness, "measured", refuse)
    soft = replace(made, soft=np.eye(CLASSES, dtype=np.float32)[made.labels])
    again = wdd.evaluate(soft, toy_split(), SOFT, teacher=TEACHER, progress=False)
    assert again.distances == first.distances
    assert (first.w2_squared, first.w2_squared_heldout) == (
        first.distances["w2_squared"],
        first.distances["w2_squared_heldout"],
    )
    with pytest.raises(AssertionError, match="measured again"):
        wdd.evaluate(replace(made, masses=made.masses[::-1].copy()), toy_split(), HARD, teacher=TEACHER, progress=False)


def test_every_row_of_a_run_has_its_distances_and_results_without_them_are_read(tmp_path: Path) -> None:
    history = run(tmp_path, replace(LIGHT, controls=("random", "whole")))
    rows = history.results.set_index("set")
    expected = measured(history.distilled, task_of(LIGHT, toy_split()))
    assert dict(rows.loc["wmdd", list(DISTANCES)]) == pytest.approx(expected, rel=1e-6)
    assert rows.loc["whole real set", NEAR].max() < 1e-9
    assert rows["coverage"].between(0, 1).all()
    assert history.path is not None
    (file,) = (history.path / "results").glob("*.json")
    value = json.loads(file.read_bytes())
    for row in value["rows"]:
        for name in DISTANCES:
            del row[name]
    file.write_text(json.dumps(value))
    (history.path / "complete.json").unlink()  # its checksum is of the newer file
    older = wdd.History.load(history.path, partial=True).results
    assert older[list(DISTANCES)].isna().all(axis=None)
    assert older["accuracy"].tolist() == history.results["accuracy"].tolist()
