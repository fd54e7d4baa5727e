import numpy as np
import pytest

from wddkit.ot import Measure
from wddkit.ot.measure import mixture, number


def test_rows_of_an_array_get_equal_masses():
    measure = Measure.of([[0, 1], [2, 3], [4, 5]])
    assert measure.points.dtype == np.float64
    assert measure.points.shape == (3, 2)
    np.testing.assert_array_equal(measure.masses, np.full(3, 1 / 3))
    assert len(measure) == 3


def test_a_measure_is_given_back_as_it_is():
    measure = Measure(np.zeros((2, 1)), np.array([0.25, 0.75]))
    assert Measure.of(measure) is measure


def test_masses_a_rounding_away_from_one_are_renormalised():
    measure = Measure(np.zeros((3, 1)), np.float32([0.1, 0.2, 0.7]) * (1 + 5e-7))
    assert measure.masses.dtype == np.float64
    assert measure.masses.sum() == pytest.approx(1, abs=1e-15)


def test_integer_masses_and_points_are_taken():
    measure = Measure(np.array([[3], [4]], np.int8), np.array([0, 1]))
    np.testing.assert_array_equal(measure.masses, [0.0, 1.0])


def test_a_measure_keeps_its_numbers_whatever_becomes_of_the_arrays():
    points, masses = np.zeros((2, 3)), np.array([0.5, 0.5])
    measure, uniform = Measure(points, masses), Measure.of(points)
    view = points[:1]
    view.flags.writeable = False
    seen = Measure(view, np.ones(1))
    points += 1
    masses += 1
    for each in (measure, uniform, seen):
        assert not each.points.any()
        assert each.masses.sum() == 1
        with pytest.raises(ValueError, match="read-only"):
            each.points[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            each.masses[0] = 1


def test_parts_of_a_measure_are_measures():
    measure = Measure([[1.0], [2.0], [4.0]], [0.25, 0, 0.75])
    np.testing.assert_array_equal(measure.held().points, [[1], [4]])
    np.testing.assert_array_equal(measure.held().masses, [0.25, 0.75])
    held = measure.held()
    assert held.held() is held
    np.testing.assert_array_equal(measure.about(np.array([1.0])).points, [[0], [1], [3]])
    both = mixture([measure, Measure([[5.0]], [1.0])], [0.5, 0.5])
    np.testing.assert_array_equal(both.points[:, 0], [1, 2, 4, 5])
    np.testing.assert_allclose(both.masses, [0.125, 0, 0.375, 0.5])
    assert mixture([measure], [1.0]) is measure


def test_masked_values_are_refused_and_masks_of_nothing_are_not():
    masked = np.ma.masked_greater(np.arange(6.0).reshape(3, 2), 4)
    with pytest.raises(ValueError, match="points: masked values, whose masks would be lost; fill them or remove"):
        Measure.of(masked)
    with pytest.raises(ValueError, match="masses: masked values"):
        Measure(np.zeros((2, 1)), np.ma.masked_array([0.5, 0.5], [False, True]))
    assert len(Measure.of(np.ma.masked_greater(masked.data, 9))) == 3


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [("[0, 1)", (0, 0.5, np.float32(0)), (1, -1, np.nan, "0", None, True, [0])), ("(0, inf)", (1e300,), (0, np.inf))],
)
def test_a_number_is_in_its_interval_or_refused(interval, inside, outside):
    for value in inside:
        assert number(value, "it", interval) == value
    for value in outside:
        with pytest.raises(ValueError, match="it: expected a number in ") as error:
            number(value, "it", interval)
        assert interval in str(error.value)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros(5), r"points: expected shape \[n, d\], got \(5,\); for n points on a line write points\[:, None\]"),
        (np.zeros((2, 3, 4)), r"expected shape \[n, d\] with n >= 1 and d >= 1, got \(2, 3, 4\)"),
        (3.0, r"got \(\)"),
        ([], r"got \(0,\) \(empty\)"),
        (np.zeros((0, 3)), r"got \(0, 3\) \(empty\)"),
        (np.zeros((3, 0)), r"got \(3, 0\) \(empty\)"),
        ([[0.0], [np.nan], [np.inf]], "NaN or infinite values in 2 of 3 rows, first in row 1; remove"),
        ([[0.0], [1.0, 2.0]], "points: expected an array of numbers"),
        ([["a"]], "expected real numbers, got list of dtype <U1"),
        (np.zeros((2, 2), complex), "expected real numbers, got ndarray of dtype complex128"),
        (None, "expected real numbers, got NoneType"),
    ],
)
def test_points_that_are_no_cloud_are_refused(points, message):
    with pytest.raises(ValueError, match=message):
        Measure.of(points)


@pytest.mark.parametrize(
    ("masses", "message"),
    [
        ([0.5, 0.5], r"masses: expected 3 masses, one for each point, got shape \(2,\)"),
        ([[0.2, 0.3, 0.5]], r"got shape \(1, 3\)"),
        ([0.5, np.nan, 0.5], "NaN or infinite values, first at 1"),
        ([0.7, 0.5, -0.2], "must not be negative, found -0.2 at 2"),
        ([0.5, 0.25, 0.25 + 1e-5], "must sum to 1, found 1.00001; divide by the sum"),
        ([1, 1, 1], "must sum to 1, found 3"),
        ([0, 0, 0], "must sum to 1, found 0"),
        (["a", "b", "c"], "expected real numbers"),
    ],
)
def test_masses_off_the_simplex_are_refused(masses, message):
    with pytest.raises(ValueError, match=message):
        Measure(np.zeros((3, 2)), masses)
