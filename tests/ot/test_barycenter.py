import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ot_toys import blobs, weighted
from sklearn.cluster import KMeans

from wddkit.ot import KMeans as Restarted
from wddkit.ot import Lloyd, Measure, barycenter, barycenter_steps, nearest, w2_squared

seeds = st.integers(0, 2**32 - 1)
both = pytest.mark.parametrize("masses", ["free", "uniform"])


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
    assert result.step == last.step


@both
def test_the_held_out_value_is_the_distance_to_the_held_out_points(masses):
    points, fresh = blobs(0), blobs(0, n=500)[300:]
    for step in barycenter_steps(points, m=5, masses=masses, heldout=fresh):
        expected = w2_squared(Measure(step.support, step.masses), fresh)
        assert step.heldout == pytest.approx(expected, rel=1e-12)  # centred on other points: equal up to rounding
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
    assert moved.value / scale**2 == pytest.approx(result.value, rel=1e-9)


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
        free = barycenter(points, m=m, solver=Restarted(restarts=10)).value
        uniform = barycenter(points, m=m, masses="uniform", solver=Lloyd(restarts=10)).value
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
    best, value = fisher(x, m), barycenter(x[:, None], m=m, solver=Restarted(restarts=20)).value
    assert best * (1 - 1e-12) <= value <= 1.1 * best


def test_more_restarts_are_never_worse():
    points = blobs(0)
    values = [barycenter(points, m=12, solver=Restarted(restarts=restarts)).value for restarts in (1, 3, 10)]
    assert values == sorted(values, reverse=True)
    assert barycenter(points, m=12).value == values[-1]
