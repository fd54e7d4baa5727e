"""Forgetting, EL2N and CCS: scores and draws worked out by hand, and what a training says of its images."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from method_toys import TEACHER, answer, coloured, rows_of, run, task_of

from wddkit.augment import Augment, stream
from wddkit.data import ImageSet
from wddkit.methods import Context
from wddkit.methods.difficulty import (
    CCS,
    EL2N,
    Forgetting,
    budgets,
    error_norm,
    forgetting_events,
    hardest,
    margin,
    observe,
    stratified,
)
from wddkit.nets import build
from wddkit.seeds import derive
from wddkit.stages.training import pixels, predict, train

EPOCHS = 3
QUICK = dataclasses.replace(TEACHER, training=dataclasses.replace(TEACHER.training, lr=0.02))
PLAIN = dataclasses.replace(TEACHER, training=dataclasses.replace(TEACHER.training, augment=Augment()))


def positions(distilled, task):
    where = rows_of(task.train)
    return np.array([where[image.tobytes()] for image in distilled.images])


def logits(*probabilities):
    return torch.tensor(probabilities, dtype=torch.float64).log() + 3.0  # what is added to all changes nothing


def test_margins_are_the_labels_probability_less_the_largest_other_one():
    p = logits((0.5, 0.3, 0.2), (0.5, 0.3, 0.2), (0.5, 0.3, 0.2))
    np.testing.assert_allclose(margin(p, torch.tensor([0, 1, 2])), [0.2, -0.2, -0.3], atol=1e-15)


def test_error_norms_are_euclidean_distances_to_the_label():
    p = logits((0.5, 0.3, 0.2), (0.5, 0.3, 0.2), (0.98, 0.01, 0.01))
    # (-.5, .3, .2); (.5, .3, -.8); (-.02, .01, .01)
    expected = [math.sqrt(0.38), math.sqrt(0.98), math.sqrt(0.0006)]
    np.testing.assert_allclose(error_norm(p, torch.tensor([0, 2, 0])), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("right", "events"),
    [("11111", 0), ("00111", 0), ("10111", 1), ("10101", 2), ("11110", 1), ("01010", 2), ("00000", 5), ("00001", 0)],
)
def test_forgetting_is_a_step_from_right_to_wrong_and_what_was_never_right_counts_most(right, events):
    seen = np.array([[flag == "1"] for flag in right])
    assert forgetting_events(seen).tolist() == [events]
    assert forgetting_events(np.stack([seen, ~seen & False])).tolist() == [[events], [5]]


@pytest.mark.parametrize(
    ("counts", "budget", "parts"),
    [
        ((0, 1, 5, 10), 8, (0, 1, 3, 4)),  # 0; 1 of 8 // 3; 7 // 2 = 3; 4
        ((10, 5, 1, 0), 8, (4, 3, 1, 0)),
        ((3, 3, 3), 9, (3, 3, 3)),
        ((4, 4, 4), 2, (0, 1, 1)),  # 2 // 3, 2 // 2, 1
        ((2, 9, 4), 1, (0, 1, 0)),  # the fullest
        ((0, 0, 7), 5, (0, 0, 5)),
    ],
)
def test_a_budget_is_shared_evenly_from_the_emptiest_stratum_on(counts, budget, parts):
    assert budgets(np.array(counts), budget).tolist() == list(parts)


def test_a_budget_is_always_spent_whole_and_never_beyond_a_stratum():
    rng = np.random.default_rng(0)
    for _ in range(300):
        counts = rng.integers(0, 6, size=rng.integers(1, 8))
        budget = int(rng.integers(0, counts.sum() + 1))
        parts = budgets(counts, budget)
        assert parts.sum() == budget
        assert (parts <= counts).all()
        # as even as can be, up to rounding: a stratum that is not empty has no less than any other but for one
        open_ones = parts[parts < counts]
        assert not len(open_ones) or parts.max() <= open_ones.min() + 1


AUM = np.array([-5.0, 9.0, 0.0, 1.0, -4.0, 2.0, 3.0, 10.0])  # without the two lowest 0 to 10: [0, 5) and [5, 10]


def drawn(budget, beta, strata=2, aum=AUM, seeds=60):
    draws = [
        stratified(aum, budget, beta=beta, strata=strata, generator=np.random.default_rng(seed))
        for seed in range(seeds)
    ]
    assert all(len(set(draw)) == budget for draw in draws)
    return np.bincount(np.concatenate(draws), minlength=len(aum))


def test_the_hardest_share_is_never_drawn_and_each_range_of_scores_has_an_equal_part():
    times = drawn(4, beta=0.25)
    assert times[[0, 4]].tolist() == [0, 0]
    assert times[[1, 7]].tolist() == [60, 60]  # both of the small range
    # two of the four others: 30 +- 3.9 each
    assert abs(times[[2, 3, 5, 6]] - 30).max() < 4.5 * 3.9


def test_without_pruning_the_hardest_are_drawn_too():
    # -5 to 10 in three ranges of length 5: two, four and two images, of which 4 // 3, 3 // 2 and 2 are taken
    times = drawn(4, beta=0.0, strata=3)
    assert times[[0, 4]].sum() == times[[1, 7]].sum() == 60
    assert times[[2, 3, 5, 6]].sum() == 120


def test_no_more_is_pruned_than_the_budget_leaves():
    assert drawn(7, beta=0.9).tolist() == [0, 60, 60, 60, 60, 60, 60, 60]
    assert drawn(8, beta=0.9).tolist() == [60] * 8


def test_equal_scores_are_one_range():
    times = drawn(2, beta=0.5, strata=5, aum=np.ones(6))
    assert (times[3:] > 0).all()
    assert times.sum() == 120


def test_the_hardest_of_each_class_are_taken_and_among_equal_ones_any(task):
    score = np.zeros(len(task.train))
    best = [task.train.of_class(c)[5 + c] for c in range(3)]
    score[best] = 1
    times = np.zeros(len(task.train))
    for seed in range(200):
        taken = hardest(score, task, Context(seed=seed), 3).reshape(3, 3)
        assert taken[:, 0].tolist() == best
        np.testing.assert_array_equal(task.train.labels[taken], [[c] * 3 for c in range(3)])
        np.add.at(times, taken, 1)
    others = np.delete(times, best)
    # two of 23 in each of 200 draws: 17.4 +- 4.0
    assert abs(others - 400 / 23).max() < 4.5 * 4


def scorer(task, number):
    """The scoring network before its training, and the seed of that."""
    _, channels, size, _ = task.train.images.shape
    seed = derive(task.teacher_seed, "difficulty", number)
    net = build(
        task.teacher_config.network,
        classes=3,
        channels=channels,
        size=size,
        normalisation=task.normalisation,
        seed=derive(seed, "weights"),
    )
    return net, seed


@pytest.mark.parametrize("number", [0, 1])
def test_margins_of_the_first_batch_are_those_of_the_untrained_network(number, tmp_path):
    task = task_of(coloured(), tmp_path, teacher_config=PLAIN)
    seen = observe(task, nets=2, epochs=1)["margins"][number, 0]
    net, seed = scorer(task, number)
    at = stream(72, 0, 16, key=derive(seed, "order"))
    p = torch.softmax(net.train()(torch.from_numpy(task.train.images[at]) / 255), dim=1).detach().numpy()
    own = p[np.arange(16), task.train.labels[at]]
    p[np.arange(16), task.train.labels[at]] = -1
    np.testing.assert_allclose(seen[at], own - p.max(axis=1), atol=1e-6)


@pytest.mark.parametrize("epochs", [1, 3])
def test_every_image_is_seen_once_an_epoch_and_being_watched_changes_no_training(epochs, task):
    seen = observe(task, nets=1, epochs=epochs)
    assert seen["margins"].shape == (1, epochs, 72)
    assert (seen["margins"] != 0).all()
    assert (abs(seen["margins"]) <= 1).all()
    net, seed = scorer(task, 0)
    labels = torch.from_numpy(task.train.labels)

    def loss(s, x, at, number):
        return torch.nn.functional.cross_entropy(s, labels[at], reduction="none")

    steps = {1: 5, 3: 14}[epochs]  # 72 images an epoch in batches of 16
    training = dataclasses.replace(TEACHER.training, steps=steps)
    train(net, pixels(task.train.images, like=next(net.parameters())), loss, training, seed=seed)
    p = torch.softmax(predict(net, task.train.images), dim=1).numpy()
    expected = np.sqrt(((p - np.eye(3)[task.train.labels]) ** 2).sum(axis=1))
    np.testing.assert_allclose(seen["errors"][0], expected, atol=1e-6)


def test_a_set_smaller_than_a_batch_is_seen_once_an_epoch_too(tmp_path):
    few = task_of(coloured(train=3), tmp_path)
    seen = observe(few, nets=1, epochs=4)["margins"]
    assert seen.shape == (1, 4, 9)
    assert (seen != 0).all()
    assert len(answer(EL2N(ipc=3, epochs=1, nets=1), few).images) == 9


def test_the_schedule_of_the_rate_can_be_another(task):
    usual, constant = (observe(task, nets=1, epochs=3, schedule=s)["errors"] for s in ("cosine", "constant"))
    assert (usual != constant).any()
    np.testing.assert_array_equal(observe(task, nets=1, epochs=3)["errors"], usual)


def test_networks_are_trained_once_for_all_methods_and_seeds_and_told_step_by_step(tmp_path):
    told = []
    task = task_of(coloured(), tmp_path, tick=lambda *what: told.append(what[:3]))
    task.teacher()
    told.clear()
    run(Forgetting(ipc=2, epochs=EPOCHS, nets=2), task)
    assert told == [("score", step, 28) for step in range(1, 29)]  # 14 steps a network
    told.clear()
    run(Forgetting(ipc=5, epochs=EPOCHS, nets=1), task, seed=4)
    run(CCS(ipc=3, epochs=EPOCHS, nets=2), task, seed=1)
    assert told == []
    run(CCS(ipc=3, epochs=EPOCHS, nets=3), task)
    assert told == [("score", step, 42) for step in range(29, 43)]


def test_networks_differ_from_each_other_and_with_the_teachers_seed(tmp_path, task):
    first, second = observe(task, nets=2, epochs=1)["errors"]
    other = observe(task_of(coloured(), tmp_path, teacher_seed=1), nets=1, epochs=1)["errors"][0]
    assert (first != second).any()
    assert (first != other).any()


METHODS = {
    "forgetting": (Forgetting(ipc=4, epochs=EPOCHS, nets=2), lambda s: forgetting_events(s["margins"] > 0).sum(axis=0)),
    "el2n": (EL2N(ipc=4, epochs=EPOCHS, nets=2), lambda s: s["errors"].mean(axis=0)),
    "ccs": (CCS(ipc=4, epochs=EPOCHS, nets=2), lambda s: s["margins"].sum(axis=1).mean(axis=0)),
}


@pytest.mark.parametrize("name", METHODS)
def test_images_are_distinct_ones_of_their_class_and_the_scalar_is_their_mean_score(name, task):
    method, score_of = METHODS[name]
    score = score_of(observe(task, nets=2, epochs=EPOCHS, schedule="constant" if name == "el2n" else "cosine"))
    (snapshot,) = run(method, task)
    at = positions(snapshot.distilled, task)
    assert len(set(at)) == 12
    np.testing.assert_array_equal(task.train.labels[at], snapshot.distilled.labels)
    np.testing.assert_array_equal(snapshot.distilled.masses, np.full(12, 1 / 4))
    assert snapshot.scalars == {"score": pytest.approx(score[at].mean())}
    for c in range(3):
        rest = np.setdiff1d(task.train.of_class(c), at)
        mine = at[4 * c : 4 * c + 4]
        if name == "ccs":  # the hardest 7 of 24 are pruned
            assert score[mine].min() >= np.sort(score[task.train.of_class(c)])[7]
        else:
            assert score[mine].min() >= score[rest].max()


def mislabelled():
    """Noise on red, green and blue, three images of it under the name of the next colour."""
    split = coloured()
    images = np.random.default_rng(0).integers(0, 120, size=split.train.images.shape)
    images[np.arange(72), split.train.labels] += 100
    labels = split.train.labels.copy()
    wrong = np.array([split.train.of_class(c)[3] for c in range(3)])
    labels[wrong] = (labels[wrong] + 1) % 3
    return dataclasses.replace(split, train=ImageSet(images.astype(np.uint8), labels)), wrong


@pytest.mark.slow
def test_images_with_wrong_labels_are_what_forgetting_and_el2n_take_and_ccs_leaves(tmp_path):
    split, wrong = mislabelled()
    task = task_of(split, tmp_path, teacher_config=QUICK)
    for method in (Forgetting(ipc=3, epochs=6), EL2N(ipc=3, epochs=4, nets=2)):
        assert set(wrong) <= set(positions(answer(method, task), task))
    for seed in range(5):
        assert not set(wrong) & set(positions(answer(CCS(ipc=12, epochs=6), task, seed=seed), task))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("ipc", [1, 24])
def test_one_image_a_class_and_all_of_them_can_be_taken(name, ipc, task):
    distilled = answer(dataclasses.replace(METHODS[name][0], ipc=ipc), task)
    assert len(set(positions(distilled, task))) == 3 * ipc


@pytest.mark.parametrize("method", [Forgetting, EL2N, CCS])
@pytest.mark.parametrize("field", ["epochs", "nets"])
def test_less_than_one_epoch_or_network_is_refused(method, field):
    with pytest.raises(ValueError, match=rf"{field}: expected at least 1, got 0"):
        method(**{field: 0})


def test_strata_and_shares_without_sense_are_refused():
    with pytest.raises(ValueError, match="strata: expected at least 1, got 0"):
        CCS(strata=0)
    for beta in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match=r"beta: expected a share in \[0, 1\) of the hardest images to prune, got"):
            CCS(beta=beta)
