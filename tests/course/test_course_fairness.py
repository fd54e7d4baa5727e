"""What notebook 06 leans on: accuracies by seed, invented comparisons."""

import json

import pytest
from cases import NOTEBOOKS

from wddkit.course.fairness import CONDITIONS, FAIR, by_seed, comparisons, differing
from wddkit.history import History


@pytest.mark.parametrize("seed", range(20))
def test_each_condition_is_broken_once_and_one_comparison_is_fair(seed: int) -> None:
    assert sorted(differing(comparisons(seed)).values()) == sorted([FAIR, *CONDITIONS])


@pytest.mark.parametrize("seed", range(20))
def test_no_comparison_differs_in_two_conditions(seed: int) -> None:
    for _, pair in comparisons(seed).groupby("comparison"):
        assert (pair.nunique() > 1).sum() <= 1


def test_learners_have_comparisons_in_an_order_of_their_own() -> None:
    assert len({json.dumps(differing(comparisons(seed))) for seed in range(20)}) > 10
    assert comparisons(3).equals(comparisons(3))


def test_accuracies_by_seed_are_those_of_the_results() -> None:
    history = History.load(NOTEBOOKS / "recorded" / "digits-wmdd-10")
    table = by_seed([history])
    assert table.index.tolist() == [history.config["seed"]]
    expected = history.results.set_index(["labels", "set"]).accuracy
    assert table.iloc[0].to_dict() == expected.to_dict()
