import numpy as np
import pytest
from ot_toys import blobs

from wddkit.ot import KMeans, Lloyd, Measure, barycenter, barycenter_steps, transport, w2_squared

both = pytest.mark.parametrize("masses", ["free", "uniform"])


def spread(measure):
    centred = measure.points - measure.masses @ measure.points
    return measure.masses @ (centred**2).sum(axis=1)


# Degenerate inputs: reference section 7


@both
@pytest.mark.parametrize("m", [1, 3])
def test_identical_points_are_all_the_support(masses, m):
    points = np.full((20, 4), 0.1)
    if masses == "free" and m > 1:
        with pytest.raises(ValueError, match=r"m = 3 .* there are 1; lower m \(ipc\) to at most 1, or use masses="):
            barycenter(points, m=m, masses=masses)
        return
    result = barycenter(points, m=m, masses=masses)
    np.testing.assert_allclose(result.support, 0.1, rtol=1e-15)
    assert result.value == 0


def test_free_masses_say_how_many_distinct_points_there_are():
    points = np.repeat(blobs(0, n=4), 5, axis=0)
    with pytest.raises(
        ValueError, match=r"need as many distinct points, and there are 4; lower m \(ipc\) to at most 4"
    ):
        barycenter(points, m=5)
    with pytest.raises(ValueError, match="there are 3; lower m"):  # without the one that has no mass
        barycenter(Measure(points[::5], [0.5, 0.25, 0.25, 0]), m=4)
    assert barycenter(points, m=4).value == pytest.approx(0, abs=1e-28)


def test_distinct_points_that_share_all_leading_coordinates_are_counted():
    points = np.zeros((6, 8))
    points[:, 7] = [0, 1, 2, 3, 4, 4]
    assert (barycenter(points, m=5).masses > 0).all()
    with pytest.raises(ValueError, match="there are 5; lower m"):
        barycenter(points, m=6)


@pytest.mark.parametrize("copies", [1, 4])
def test_more_uniform_support_points_than_points_share_them(copies):
    points = blobs(0, n=5)
    result = barycenter(points, m=5 * copies, masses="uniform")
    assert result.value == pytest.approx(0, abs=1e-28)
    np.testing.assert_array_equal(
        np.bincount(((result.support[:, None] - points) ** 2).sum(axis=2).argmin(axis=1)), copies
    )


def test_more_uniform_support_points_than_points_that_do_not_divide_are_solved():
    points = blobs(0, n=5)
    result = barycenter(points, m=7, masses="uniform")
    assert np.isfinite(result.support).all()
    assert 0 < result.value < barycenter(points, m=4, masses="uniform").value
    assert transport(Measure(result.support, result.masses), points).value == pytest.approx(result.value)


@both
def test_duplicate_points_count_as_often_as_they_come(masses):
    points = blobs(0, n=30)
    doubled = barycenter(np.vstack([points, points]), m=4, masses=masses, start=points[:4])
    np.testing.assert_allclose(
        doubled.support, barycenter(points, m=4, masses=masses, start=points[:4]).support, rtol=1e-9
    )


@pytest.mark.parametrize("noise", [1e-3, 1e-7, 1e-12, 1e-15])
@both
def test_near_duplicates_leave_only_their_noise(masses, noise):
    generator = np.random.default_rng(0)
    points = np.repeat(generator.normal(size=(10, 3)), 6, axis=0) + noise * generator.normal(size=(60, 3))
    assert barycenter(points, m=20, masses=masses).value < 10 * noise**2


@both
def test_a_start_with_all_points_equal_still_splits(masses):
    points = blobs(0)
    result = barycenter(points, m=4, masses=masses, start=np.repeat(points[:1], 4, axis=0))
    assert np.isfinite(result.support).all()
    assert (result.masses > 0).all()
    assert result.value < 0.8 * spread(Measure.of(points))


def test_a_cell_that_is_empty_starts_anew_where_it_costs_most():
    points = np.array([[0.0], [1.0], [10.0], [11.0], [500.0]])
    steps = list(barycenter_steps(points, m=3, start=[[0.0], [10.0], [-900.0]]))
    assert steps[0].masses[2] == 0
    np.testing.assert_array_equal(steps[0].support, [[0.0], [10.0], [-900.0]])
    np.testing.assert_allclose(np.sort(steps[-1].support[:, 0]), [0.5, 10.5, 500])


def test_a_support_point_of_mass_zero_stays_where_it_started():
    points = blobs(0)
    start = np.vstack([points[:3], np.full((1, 6), 77.0)])
    result = barycenter(points, m=4, masses=[0.5, 0.25, 0.25, 0], start=start)
    np.testing.assert_allclose(result.support[3], 77, rtol=1e-14)
    assert not result.plan[3].any()
    drawn = barycenter(points, m=4, masses=[0.5, 0.25, 0.25, 0])
    assert np.isfinite(drawn.support).all()
    assert (np.abs(points - drawn.support[3]).max(axis=1) < 1e-12).any()  # one of the points


def test_one_far_point_is_solved():
    points = np.vstack([blobs(0), np.full((1, 6), 1e9)])
    result = barycenter(points, m=5)
    assert result.masses.min() == pytest.approx(1 / 301)
    uniform = barycenter(points, m=5, masses="uniform")
    assert uniform.value == pytest.approx(w2_squared(uniform.support, points), rel=1e-9)


P = blobs(0, n=20, d=2)
SPOT = P[7, 0] == P


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (np.where(SPOT, np.nan, P), {}, "points: NaN or infinite values in 1 of 20 rows, first in row 7"),
        (np.where(SPOT, np.inf, P), {}, "points: NaN or infinite values"),
        (P[:, 0], {}, r"points: expected shape \[n, d\], got \(20,\); .* write points\[:, None\]"),
        (P[:0], {}, r"got \(0, 2\) \(empty\)"),
        ([], {}, "points: expected shape"),
        ([P, P], {"solver": "lloyd"}, "cannot learn the masses of 2 measures at once; use solver='bundle', or"),
        ([P, P], {"solver": "kmeans"}, "solver 'kmeans' is for one measure with masses='free'"),
        ([P, P[:, :1]], {"masses": "uniform"}, r"points: measures of different dimension, \[1, 2\]; embed all"),
        ([P, P], {"weights": [1.0, 0.0], "masses": "uniform"}, "weights: measure 1 has weight 0; leave it out"),
        ([P, P], {"weights": [1.0], "masses": "uniform"}, "weights: expected 2 weights, one for each measure, got"),
        ([P, P], {"heldout": P, "masses": "uniform"}, "heldout: expected a list of 2 measures, as many as there are"),
        (P, {"solver": "loyd"}, "unknown solver 'loyd'. Did you mean 'lloyd'"),
        (P, {"solver": 7}, "solver: expected auto, .*, or a solver's object, got 7"),
        (P, {"cost": "sqeuclidian"}, "unknown ground cost 'sqeuclidian'. Did you mean 'sqeuclidean'"),
        (P, {"cost": 7}, r"cost: expected one of .*, or a Cost such as LinearMap\(L\), got 7"),
        (P, {"trim": 1.0}, r"trim: expected the share of the data's mass to leave out, in \[0, 1\), got 1.0"),
        (1e200 * P, {}, r"the largest coordinate is .*e\+20\d: its square leaves the range of float64; rescale"),
        (1e-200 * P, {}, r"the largest coordinate is .*e-\d+: its square leaves the range"),
        (P, {"m": 0}, "m: expected a whole number of at least 1, got 0"),
        (P, {"m": 2.0}, "m: expected a whole number of at least 1, got 2.0"),
        (P, {"m": True}, "m: expected a whole number of at least 1, got True"),
        (P, {"m": 21}, "m = 21 support points .* there are 20; lower m"),
        (P, {"masses": "unifrom"}, "unknown masses .*'unifrom'. Did you mean 'uniform'. Known: free, uniform"),
        (P, {"masses": [0.5, 0.25, 0.25]}, r"masses: expected 2 masses, one for each point, got shape \(3,\)"),
        (P, {"masses": [1.5, -0.5]}, "masses: must not be negative"),
        (P, {"masses": [0.5, 0.5 + 1e-5]}, "masses: must sum to 1, found 1.00001"),
        (P, {"masses": [1, 1]}, "masses: must sum to 1, found 2"),
        (P, {"masses": [0.5, np.nan]}, "masses: NaN or infinite values, first at 1"),
        (P, {"masses": None}, "masses: expected real numbers, got NoneType"),
        (P, {"start": [[0.0, np.nan], [1, 1]]}, "start: NaN or infinite values"),
        (P, {"start": P[:3]}, "start: expected m = 2 support points, got 3"),
        (P, {"start": [[0.0], [1.0]]}, "start: expected points of dimension 2, as the data's, got 1"),
        (P, {"start": 1e200 * P[:2]}, "its square leaves the range of float64"),
        (P, {"heldout": P[:, :1]}, "heldout: expected points of dimension 2, as the data's, got 1"),
        (P, {"heldout": np.nan * P}, "heldout: NaN or infinite values"),
        (P, {"solver": Lloyd(restarts=0)}, "restarts of lloyd: expected a whole number of at least 1, got 0"),
        (P, {"solver": KMeans(restarts=2), "start": P[:2]}, "restarts = 2 from one given start would all be alike"),
        (P, {"seed": 0.5}, "seed: expected a whole number of at least 0, got 0.5"),
    ],
)
@pytest.mark.parametrize("ask", [barycenter, barycenter_steps])
def test_bad_input_is_refused_at_the_call(ask, points, options, message):
    with pytest.raises(ValueError, match=message):
        ask(points, **({"m": 2} | options))
