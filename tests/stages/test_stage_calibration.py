"""Calibration: hand-worked numbers, and what must hold of any logits."""

import numpy as np
import pytest

from wddkit.stages.calibration import BINS, calibration


def logits_of(*probabilities: tuple[float, ...]) -> np.ndarray:
    return np.log(np.array(probabilities))


def test_errors_are_those_that_one_works_out_by_hand() -> None:
    # confidences 0.9 (right), 0.6 (wrong), 0.6 (right): bins 13 (0.867, 0.933] and 8 (0.533, 0.6]
    found = calibration(logits_of((0.9, 0.1), (0.6, 0.4), (0.4, 0.6)), np.array([0, 1, 1]))
    gaps = 1 / 3 * abs(1 - 0.9) + 2 / 3 * abs(1 / 2 - 0.6)
    assert found.ece == pytest.approx(100 * gaps)
    brier = (2 * 0.1**2 + 2 * 0.6**2 + 2 * 0.4**2) / 3
    assert found.brier == pytest.approx(brier)


def test_gaps_of_one_bin_make_up_for_each_other_and_those_of_two_do_not() -> None:
    # 0.95 and 0.99 lie in (14/15, 1]; of the two one is right: |1/2 - 0.97|
    inside = calibration(logits_of((0.95, 0.05), (0.99, 0.01)), np.array([0, 1]))
    assert inside.ece == pytest.approx(100 * (0.97 - 0.5))
    # 0.90 is in the bin below: 1/2 |1 - 0.90| + 1/2 |0 - 0.99|
    apart = calibration(logits_of((0.90, 0.10), (0.99, 0.01)), np.array([0, 1]))
    assert apart.ece == pytest.approx(100 * (0.5 * 0.10 + 0.5 * 0.99))


def test_sure_and_right_is_zero_sure_and_wrong_the_worst() -> None:
    logits = np.array([[1000.0, 0, 0], [0, 1000.0, 0]])
    assert vars(calibration(logits, np.array([0, 1]))) == {"ece": 0, "brier": 0}
    assert vars(calibration(logits, np.array([1, 2]))) == {"ece": 100, "brier": 2}


def test_chance_that_says_so_is_calibrated() -> None:
    labels = np.arange(300) % 3
    found = calibration(np.zeros((300, 3)), labels)  # all ties are answered "class 0", which a third is
    assert found.ece == pytest.approx(0, abs=1e-9)
    assert found.brier == pytest.approx(2 / 3)


def test_a_shift_of_all_logits_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    logits, labels = 3 * rng.standard_normal((200, 5)), rng.integers(0, 5, 200)
    first, second = calibration(logits, labels), calibration(logits + rng.standard_normal((200, 1)), labels)
    assert first.ece == pytest.approx(second.ece)
    assert first.brier == pytest.approx(second.brier)


def test_the_brier_score_is_what_its_definition_says_of_any_logits() -> None:
    rng = np.random.default_rng(1)
    logits, labels = rng.standard_normal((50, 4)), rng.integers(0, 4, 50)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert calibration(logits, labels).brier == pytest.approx(((p - np.eye(4)[labels]) ** 2).sum(axis=1).mean())
    bins = [(p.max(axis=1) > b / BINS) & (p.max(axis=1) <= (b + 1) / BINS) for b in range(BINS)]
    right = p.argmax(axis=1) == labels
    gaps = [at.mean() * abs(right[at].mean() - p.max(axis=1)[at].mean()) for at in bins if at.any()]
    assert calibration(logits, labels).ece == pytest.approx(100 * sum(gaps))


def test_logits_that_are_not_finite_have_no_calibration() -> None:
    found = calibration(np.array([[np.nan, 1.0]]), np.array([0]))
    assert np.isnan([found.ece, found.brier]).all()
