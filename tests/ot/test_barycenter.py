import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from wddkit.ot import Measure, barycenter, barycenter_steps, nearest, transport, w2_squared

seeds = st.integers(0, 2**32 - 1)
both = pytest.mark.parametrize("masses", ["free", "uniform"])


def blobs(seed, n=300, d=6, k=8):
    generator = np.random.default_rng(seed)
    centres = 3 * generator.normal(size=(k, d))
    return centres[generator.integers(k, size=n)] + generator.normal(size=(n, d)) * generator.uniform(0.2, 2, d)


def weighted(seed, n=60, d=3):
    generator = np.random.default_rng(seed)
    return Measure(generator.normal(size=(n, d)), generator.dirichlet(np.ones(n)))


def spread(measure):
    centred = measure.points - measure.masses @ measure.points
    return measure.masses @ (centred**2).sum(axis=1)


def fisher(values, m):
    """The exact optimum of k-means on a line: dynamic programme over the sorted sample (Fisher 1958)."""
    x, n = np.sort(values), len(values)
    sums, squares = np.append(0, np.cumsum(x)), np.append(0, np.cumsum(x**2))
    cost = np.full((n + 1, n + 1), np.inf)
    for i, j in itertools.combinations(range(n + 1), 2):
        cost[i, j] = squares[j] - squares[i] - (sums[j] - sums[i]) ** 2 / (j - i)
    best = cost[0]
    for _ in range(m - 1):
        best = (best[:, None] + cost).min(axis=0)
    return best[n] / n


# Closed forms


@both
@pytest.mark.parametrize("d", [1, 4])
def test_one_support_point_is_the_weighted_mean(masses, d):
    measure = weighted(0, d=d)
    result = barycenter(measure, m=1, masses=masses)
    np.testing.assert_allclose(result.support[0], measure.masses @ measure.points, rtol=1e-14, atol=1e-15)
    assert result.value == pytest.approx(spread(measure), rel=1e-13)
    np.testing.assert_allclose(result.plan[0], measure.masses, rtol=1e-13)
    assert result.masses == pytest.approx([1])


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 8), st.integers(1, 8))
def test_on_a_line_uniform_masses_give_the_means_of_sorted_blocks(seed, m, size):
    x = np.random.default_rng(seed).exponential(size=m * size)
    blocks = np.sort(x).reshape(m, size)
    result = barycenter(x[:, None], m=m, masses="uniform", seed=seed)
    np.testing.assert_allclose(np.sort(result.support[:, 0]), blocks.mean(axis=1), rtol=1e-12)
    assert result.value == pytest.approx(blocks.var(axis=1).mean(), rel=1e-10, abs=1e-25)


@both
def test_two_diracs_have_their_midpoint_or_themselves(masses):
    points = np.array([[0.0, 2.0], [4.0, 0.0]])
    np.testing.assert_allclose(barycenter(points, m=1, masses=masses).support, [[2, 1]], rtol=1e-15)
    two = barycenter(points, m=2, masses=masses)
    np.testing.assert_array_equal(two.support[np.argsort(two.support[:, 0])], points)
    np.testing.assert_array_equal(two.masses, [0.5, 0.5])
    assert two.value == 0


@both
@settings(max_examples=15, deadline=None)
@given(seed=seeds, n=st.integers(1, 30))
def test_as_many_support_points_as_points_are_the_points(masses, seed, n):
    points = np.random.default_rng(seed).normal(size=(n, 3))
    result = barycenter(points, m=n, masses=masses, seed=seed)
    assert result.value == pytest.approx(0, abs=1e-28)
    order = nearest(result.support, points)
    np.testing.assert_allclose(result.support, points[order], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(result.masses, 1 / n, rtol=1e-12)


@both
def test_separated_equal_clusters_are_found(masses):
    generator = np.random.default_rng(0)
    centres = 100 * generator.normal(size=(5, 4))
    clusters = centres[:, None] + generator.normal(size=(5, 20, 4))
    result = barycenter(clusters.reshape(100, 4), m=5, masses=masses)
    order = np.argsort(result.support[:, 0])
    means = clusters.mean(axis=1)
    np.testing.assert_allclose(result.support[order], means[np.argsort(means[:, 0])], rtol=1e-12)
    np.testing.assert_allclose(result.masses, 0.2, rtol=1e-12)


def test_free_masses_recover_unequal_blobs_and_uniform_masses_cannot():
    generator = np.random.default_rng(1)
    points = 0.1 * generator.normal(size=(200, 2))
    points[180:, 0] += 10  # one tenth of the mass
    free, uniform = barycenter(points, m=2), barycenter(points, m=2, masses="uniform")
    np.testing.assert_allclose(np.sort(free.masses), [0.1, 0.9], rtol=1e-12)
    np.testing.assert_allclose(np.sort(free.support[:, 0]), [0, 10], atol=0.1)
    # Equal masses must take 4/5 of the second point from the large blob at 0.
    np.testing.assert_allclose(np.sort(uniform.support[:, 0]), [0, 2], atol=0.1)
    assert uniform.value > 50 * free.value


def test_given_masses_are_kept_and_recover_the_blobs():
    generator = np.random.default_rng(1)
    points = 0.1 * generator.normal(size=(200, 2))
    points[180:, 0] += 10
    result = barycenter(points, m=2, masses=[0.1, 0.9])
    np.testing.assert_array_equal(result.masses, [0.1, 0.9])
    np.testing.assert_allclose(result.support[:, 0], [10, 0], atol=0.1)
    assert result.value == pytest.approx(barycenter(points, m=2).value, rel=1e-10)


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 5))
def test_a_measure_of_few_atoms_is_found_again_with_its_masses(seed, m):
    # The answer is drawn first: m distinct atoms; the data are copies of them.
    generator = np.random.default_rng(seed)
    atoms = np.arange(m)[:, None] + generator.uniform(-0.3, 0.3, size=(m, 2))
    copies = generator.integers(1, 6, m)
    result = barycenter(np.repeat(atoms, copies, axis=0), m=m, seed=seed)
    order = np.argsort(result.support[:, 0])
    np.testing.assert_allclose(result.support[order], atoms[np.argsort(atoms[:, 0])], rtol=1e-13)
    np.testing.assert_allclose(result.masses[order], copies[np.argsort(atoms[:, 0])] / copies.sum(), rtol=1e-13)
    assert result.value == pytest.approx(0, abs=1e-29)


# Laws


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 12), st.sampled_from(["free", "uniform", "given"]))
def test_every_step_is_exact_and_lower_and_the_last_is_a_fixed_point(seed, m, masses):
    measure = weighted(seed)
    given_masses = np.random.default_rng(seed).dirichlet(np.ones(m)) if masses == "given" else masses
    steps = list(barycenter_steps(measure, m=m, masses=given_masses, seed=seed))
    assert [step.step for step in steps] == list(range(len(steps)))
    for step in steps:
        assert step.value == pytest.approx(w2_squared(Measure(step.support, step.masses), measure), rel=1e-11)
        np.testing.assert_allclose(step.plan.sum(axis=1), step.masses, atol=1e-14)
        np.testing.assert_allclose(step.plan.sum(axis=0), measure.masses, atol=1e-14)
    assert (np.diff([step.value for step in steps]) <= 0).all()

    y, w, x, b = steps[-1].support, steps[-1].masses, measure.points, measure.masses
    np.testing.assert_allclose(steps[-1].plan @ x / w[:, None], y, rtol=1e-12, atol=1e-13)
    assert b @ (x**2).sum(axis=1) - w @ (y**2).sum(axis=1) == pytest.approx(steps[-1].value, rel=1e-11)
    np.testing.assert_allclose(w @ y, b @ x, atol=1e-13)
    difference = np.cov(x.T, aweights=b, ddof=0) - np.cov(y.T, aweights=w, ddof=0)
    assert np.linalg.eigvalsh(difference).min() >= -1e-12


@both
@pytest.mark.parametrize("seed", range(3))
def test_the_answer_is_the_last_of_the_steps(masses, seed):
    points = blobs(seed)
    *_, last = barycenter_steps(points, m=7, masses=masses, seed=seed, heldout=blobs(seed + 1))
    result = barycenter(points, m=7, masses=masses, seed=seed, heldout=blobs(seed + 1))
    for name in ("support", "masses", "plan", "value", "heldout"):
        np.testing.assert_array_equal(getattr(result, name), getattr(last, name))
    assert result.steps == last.step


@both
def test_the_held_out_value_is_the_distance_to_the_held_out_points(masses):
    points, fresh = blobs(0), blobs(0, n=500)[300:]
    for step in barycenter_steps(points, m=5, masses=masses, heldout=fresh):
        assert step.heldout == w2_squared(Measure(step.support, step.masses), fresh)
    same = barycenter(points, m=5, masses=masses, heldout=points)
    assert same.heldout == pytest.approx(same.value, rel=1e-12)
    assert barycenter(points, m=5, masses=masses).heldout is None


@both
def test_the_same_seed_gives_the_same_bits_and_inputs_stay_unchanged(masses):
    points = blobs(0)
    copy = points.copy()
    first, again = (barycenter(points, m=20, masses=masses, seed=3) for _ in range(2))
    other = barycenter(points, m=20, masses=masses, seed=4)
    np.testing.assert_array_equal(first.support, again.support)
    np.testing.assert_array_equal(first.masses, again.masses)
    assert not np.array_equal(first.support, other.support)
    np.testing.assert_array_equal(points, copy)


@both
@pytest.mark.parametrize("scale", [1e-9, 1e-5, 1.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_the_support_follows_scale_rotation_and_shift(masses, scale, offset):
    points = blobs(0)
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    moved = barycenter(scale * (points @ Q + offset), m=6, masses=masses, seed=1)
    result = barycenter(points, m=6, masses=masses, seed=1)
    np.testing.assert_allclose(moved.support / scale, result.support @ Q + offset, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(moved.masses, result.masses, rtol=1e-12)
    assert moved.value == pytest.approx(scale**2 * result.value, rel=1e-9)


@both
def test_the_order_of_the_points_does_not_matter(masses):
    points = blobs(0)
    start, order = points[:9], np.random.default_rng(0).permutation(len(points))
    result = barycenter(points, m=9, masses=masses, start=start)
    mixed = barycenter(points[order], m=9, masses=masses, start=start)
    np.testing.assert_allclose(mixed.support, result.support, rtol=1e-12)
    np.testing.assert_allclose(mixed.plan, result.plan[:, order], atol=1e-15)


@both
def test_an_atom_split_in_two_and_points_without_mass_do_not_matter(masses):
    measure = weighted(0)
    points = np.vstack([measure.points, measure.points[:1], [[50, 50, 50]]])
    split = np.append(measure.masses, [measure.masses[0] / 2, 0])
    split[0] /= 2
    start = measure.points[:4]
    result = barycenter(measure, m=4, masses=masses, start=start)
    again = barycenter(Measure(points, split), m=4, masses=masses, start=start)
    np.testing.assert_allclose(again.support, result.support, rtol=1e-10)
    assert again.value == pytest.approx(result.value, rel=1e-12)
    assert again.plan.shape == (4, 62)
    assert not again.plan[:, -1].any()


def test_a_list_of_one_measure_is_that_measure():
    points = blobs(0)
    expected = barycenter(points, m=3)
    for one in ([points], (Measure.of(points),), Measure.of(points), points.tolist(), points.astype(np.float32)):
        np.testing.assert_allclose(barycenter(one, m=3).support, expected.support, rtol=1e-5)


# Quality


@pytest.mark.parametrize("seed", range(3))
def test_bounds_free_and_uniform_values_are_in_order_and_fall_with_m(seed):
    points, values = blobs(seed), []
    eigenvalues = np.linalg.eigvalsh(np.cov(points.T, ddof=0))[::-1]
    for m in (1, 2, 4, 7):
        free = barycenter(points, m=m, restarts=10).value
        uniform = barycenter(points, m=m, masses="uniform", restarts=10).value
        # m points span m - 1 dimensions about their mean.
        assert eigenvalues[m - 1 :].sum() <= free * (1 + 1e-12)
        assert free <= uniform * (1 + 1e-12)
        values.append((free, uniform))
    assert (np.diff(values, axis=0) < 0).all()


@pytest.mark.parametrize("m", [2, 10, 40])
def test_free_masses_are_as_good_as_scikit_learn(m):
    points = blobs(0, n=500, d=20)
    other = KMeans(m, n_init=10, random_state=0).fit(points).inertia_ / len(points)
    assert barycenter(points, m=m).value <= 1.02 * other
    # scikit-learn's answer is a fixed point of ours
    sk = KMeans(m, n_init=1, random_state=0, tol=0).fit(points)
    result = barycenter(points, m=m, start=sk.cluster_centers_)
    assert result.value == pytest.approx(sk.inertia_ / len(points), rel=1e-9)
    np.testing.assert_allclose(np.sort(result.masses), np.sort(np.bincount(sk.labels_) / len(points)), rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("m", [2, 5, 9])
def test_on_a_line_free_masses_come_near_the_exact_optimum(seed, m):
    x = np.random.default_rng(seed).exponential(size=60)
    best, value = fisher(x, m), barycenter(x[:, None], m=m, restarts=20).value
    assert best * (1 - 1e-12) <= value <= 1.1 * best


def test_more_restarts_are_never_worse():
    points = blobs(0)
    values = [barycenter(points, m=12, restarts=restarts).value for restarts in (1, 3, 10)]
    assert values == sorted(values, reverse=True)
    assert barycenter(points, m=12).value == values[-1]


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
        ([P, P, P], {}, "got a list of 3 measures; one measure at a time is supported: call it for each"),
        ([Measure.of(P), P], {}, "got a list of 2 measures"),
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
        (P, {"restarts": 0}, "restarts: expected a whole number of at least 1, got 0"),
        (P, {"restarts": 2, "start": P[:2]}, "restarts = 2 from one given start would all be alike"),
        (P, {"seed": 0.5}, "seed: expected a whole number of at least 0, got 0.5"),
    ],
)
@pytest.mark.parametrize("ask", [barycenter, barycenter_steps])
def test_bad_input_is_refused_at_the_call(ask, points, options, message):
    with pytest.raises(ValueError, match=message):
        ask(points, **({"m": 2} | options))


# Real points for support points


def test_each_support_point_gets_its_own_nearest_point():
    points = np.array([[0.0], [1.0], [5.0], [9.0]])
    np.testing.assert_array_equal(nearest([[4.0], [0.2]], points), [2, 0])
    np.testing.assert_array_equal(nearest([[0.4], [0.1]], points), [1, 0])  # both nearest to 0
    np.testing.assert_array_equal(nearest(points[::-1], points), [3, 2, 1, 0])


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 4), st.integers(0, 2))
def test_nearest_points_are_the_best_of_all_choices(seed, m, more):
    generator = np.random.default_rng(seed)
    support, points = generator.normal(size=(m, 2)), generator.normal(size=(m + more, 2))
    C = ((support[:, None] - points) ** 2).sum(axis=2)
    best = min(itertools.permutations(range(m + more), m), key=lambda choice: C[range(m), choice].sum())
    np.testing.assert_array_equal(nearest(support, points), best)


@pytest.mark.parametrize(
    ("support", "points", "message"),
    [
        (P, P[:3], "20 support points cannot have 20 distinct points: only 3"),
        (P[:2, :1], P, "support: expected points of dimension 2, as the data's, got 1"),
        (P[0], P, r"support: expected shape \[n, d\]"),
    ],
)
def test_support_points_without_nearest_points_are_refused(support, points, message):
    with pytest.raises(ValueError, match=message):
        nearest(support, points)
