"""The scores of DD-Ranking in fractions: hand-worked numbers, and the sets that they are computed for."""

import math
from dataclasses import replace

import numpy as np
import pytest
from experiment_toys import ONLINE, TEACHER, arrays, toy_split

import wddkit as wdd
from wddkit.augment import Augment
from wddkit.ranking import augmentation_robust_score, dd_ranking, label_robust_score


def test_the_scores_of_numbers_that_are_worked_by_hand() -> None:
    # a = 0.5 * 0.1 - 0.5 * 0.3 = -0.1; (0.904837 - 0.367879) / (2.718282 - 0.367879)
    assert label_robust_score(0.3, 0.1) == pytest.approx(0.536958 / 2.350402, abs=1e-6)
    # b = 0.5 * 0.2 + 0.5 * 0.4 = 0.3; (1.349859 - 0.367879) / 2.350402
    assert augmentation_robust_score(0.2, 0.4) == pytest.approx(0.981980 / 2.350402, abs=1e-6)
    # a = 0.8 * 0.5 - 0.2 * 0.5 = 0.3
    assert label_robust_score(0.5, 0.5, weight=0.8) == pytest.approx(0.981980 / 2.350402, abs=1e-6)
    assert augmentation_robust_score(0.3, -0.9, weight=1) == pytest.approx(0.981980 / 2.350402, abs=1e-6)


def test_the_ends_of_the_scale_and_a_set_like_any_other() -> None:
    assert label_robust_score(-1, 1) == pytest.approx(1)
    assert label_robust_score(1, -1) == pytest.approx(0)
    assert augmentation_robust_score(1, 1) == pytest.approx(1)
    assert label_robust_score(0, 0) == augmentation_robust_score(0, 0) == pytest.approx(1 / (1 + math.e))


def test_better_is_higher() -> None:
    scores = [label_robust_score(0.3, gain) for gain in np.linspace(-1, 1, 9)]
    assert scores == sorted(scores)
    losses = [label_robust_score(loss, 0.1) for loss in np.linspace(-1, 1, 9)]
    assert losses == sorted(losses, reverse=True)


def test_percent_are_refused_and_not_taken_for_fractions() -> None:
    with pytest.raises(
        ValueError, match=r"ior: expected a difference of fractions, -1 to 1, got 10; divide percent by"
    ):
        label_robust_score(0.3, 10)
    with pytest.raises(ValueError, match="plain: expected a difference of fractions, -1 to 1, got nan"):
        augmentation_robust_score(0.3, math.nan)
    with pytest.raises(ValueError, match="weight: expected a share, 0 to 1, got 2"):
        label_robust_score(0.3, 0.1, weight=2)


def test_a_set_is_scored_by_the_evaluations_that_the_formulas_name() -> None:
    split, distilled = toy_split(), wdd.DistilledSet.from_arrays(*arrays(8, seed=4))
    own = replace(ONLINE, training=replace(ONLINE.training, augment=Augment(crop=(0.5, 1.0), shift=0.2)))
    found = dd_ranking(distilled, split, own, seeds=2, students=1, teacher=TEACHER, progress=False)
    seen = found.accuracies
    assert found.hlr == pytest.approx(seen["real, hard"] - seen["distilled, hard"])
    assert found.ior == pytest.approx(seen["distilled, own"] - seen["random, own"])
    assert found.lrs == label_robust_score(found.hlr, found.ior)
    assert found.ars == augmentation_robust_score(found.ior, seen["distilled, plain"] - seen["random, plain"])
    hard = [
        wdd.evaluate(
            distilled, split, replace(own, labels="hard"), students=1, seed=seed, teacher=TEACHER, progress=False
        ).accuracy
        for seed in range(2)
    ]
    assert seen["distilled, hard"] == pytest.approx(np.mean(hard) / 100)
    assert seen["random, own"] != seen["random, plain"] or seen["distilled, own"] != seen["distilled, plain"]
