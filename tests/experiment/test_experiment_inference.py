"""What a comparison concludes: against scipy, hand-worked numbers, and repetitions of the experiment."""

import math

import numpy as np
import pytest
from scipy import stats

from wddkit.comparison.inference import detectable, detectable_unpaired, holm, paired, spreads, units


def drawn(
    teachers: float, syntheses: float, students: float, *, shape: tuple[int, int, int], seed: int = 0
) -> np.ndarray:
    """Accuracies around 50 with these standard deviations."""
    rng, (k, n, s) = np.random.default_rng(seed), shape
    parts = ((teachers, (k, 1, 1)), (syntheses, (k, n, 1)), (students, (k, n, s)))
    return 50 + sum(spread * rng.standard_normal(size) for spread, size in parts)


def test_units_are_the_highest_level_with_several_members() -> None:
    values = np.arange(12.0).reshape(2, 3, 2)
    np.testing.assert_array_equal(units(values), [2.5, 8.5])
    np.testing.assert_array_equal(units(values[:1]), [0.5, 2.5, 4.5])
    np.testing.assert_array_equal(units(values[:1, :1]), [0, 1])


def test_spreads_of_a_table_that_is_worked_by_hand() -> None:
    # one teacher; students 1 apart from their mean: S = 2; synthesis means 10, 14: Y = 2 * 8 / 1; v_Y = (16 - 2) / 2
    found = spreads(np.array([[[9.0, 11.0], [13.0, 15.0]]]))
    assert found.students == pytest.approx(math.sqrt(2))
    assert found.syntheses == pytest.approx(math.sqrt(7))
    assert math.isnan(found.teachers)


def test_spreads_are_those_that_were_drawn() -> None:
    found = spreads(drawn(3, 2, 1, shape=(2000, 5, 3)))
    assert [found.teachers, found.syntheses, found.students] == pytest.approx([3, 2, 1], rel=0.05)


def test_students_that_differ_do_not_pass_for_syntheses_that_do() -> None:
    found = spreads(drawn(0, 0, 4, shape=(1, 4000, 3)))
    assert found.students == pytest.approx(4, rel=0.03)
    assert found.syntheses < 0.6  # 0 but for chance: a standard error of v_S / s * sqrt(2 / n) in the variance is 0.12


def test_equal_syntheses_have_a_spread_of_zero_and_not_the_root_of_less() -> None:
    assert spreads(np.array([[[1.0, 3.0], [3.0, 1.0]]])).syntheses == 0


def test_what_cannot_be_told_apart_is_missing() -> None:
    alone = spreads(drawn(0, 1, 1, shape=(1, 3, 1)))
    assert math.isnan(alone.students)
    assert math.isnan(alone.syntheses)
    single = spreads(drawn(1, 1, 1, shape=(3, 1, 2)))
    assert single.students > 0
    assert math.isnan(single.syntheses)
    assert math.isnan(single.teachers)


@pytest.mark.parametrize("shape", [(1, 5, 2), (4, 3, 2)])
def test_a_paired_difference_is_scipys_over_the_highest_level(shape: tuple[int, int, int]) -> None:
    a, b = drawn(2, 1, 1, shape=shape, seed=1), drawn(2, 1, 1, shape=shape, seed=2)
    axes = (1, 2) if shape[0] > 1 else (0, 2)
    expected = stats.ttest_rel(a.mean(axis=axes), b.mean(axis=axes))
    found = paired(a, b)
    assert found.mean == pytest.approx(float(a.mean() - b.mean()))
    np.testing.assert_allclose([found.low, found.high], expected.confidence_interval(0.95), rtol=1e-9)
    assert found.p == pytest.approx(expected.pvalue)


def test_one_synthesis_has_a_difference_and_nothing_to_conclude_from_it() -> None:
    found = paired(np.array([[[3.0, 5.0]]]), np.array([[[1.0, 2.0]]]))
    assert found.mean == 2.5
    assert np.isnan([found.low, found.high, found.p, found.detectable]).all()


def test_equal_differences_have_an_unknown_spread_and_not_none() -> None:
    values = np.array([[[70.1], [80.3], [90.7]]])
    same, above = paired(values, values.copy()), paired(values + 1.1, values)
    assert (same.mean, same.p) == (0, 1)
    assert above.mean == pytest.approx(1.1)
    assert np.isnan([same.low, same.high, same.detectable]).all()
    assert np.isnan([above.low, above.high, above.p, above.detectable]).all()
    assert math.isnan(detectable_unpaired(np.full(3, 100.0)))


@pytest.mark.parametrize("n", [3, 5, 20])
def test_the_detectable_difference_is_found_in_four_of_five_repetitions(n: int) -> None:
    rng, spread = np.random.default_rng(n), 2.0
    values = rng.standard_normal(n)
    true = detectable(spread * values / values.std(ddof=1))
    tries = true + spread * rng.standard_normal((20_000, n))
    found = stats.ttest_1samp(tries, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.012)  # four standard errors


def test_so_it_is_between_two_rows_that_are_not_paired() -> None:
    rng, n, spread = np.random.default_rng(0), 4, 3.0
    values = rng.standard_normal(n)
    true = detectable_unpaired(spread * values / values.std(ddof=1))
    a, b = true + spread * rng.standard_normal((20_000, n)), spread * rng.standard_normal((20_000, n))
    assert (stats.ttest_ind(a, b, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.012)


def test_holm_of_numbers_that_are_worked_by_hand() -> None:
    # sorted .01 .02 .03 .04: 4 * .01 = .04, 3 * .02 = .06, 2 * .03 = .06, then .04 is raised to .06
    assert holm([0.02, 0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.06, 0.04, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


def test_what_was_not_tested_is_not_counted() -> None:
    found = holm([0.02, math.nan, 0.04])
    assert found[0] == pytest.approx(0.04)
    assert math.isnan(found[1])
    assert found[2] == pytest.approx(0.04)
    assert holm([]) == []


def test_holm_errs_in_one_table_of_twenty_at_most_where_nothing_is_real() -> None:
    rng = np.random.default_rng(3)
    tables = rng.random((4000, 6))
    assert np.mean([min(holm(list(row))) < 0.05 for row in tables]) == pytest.approx(0.05, abs=0.012)
    assert np.mean([min(row) < 0.05 for row in tables]) > 0.2  # uncorrected
