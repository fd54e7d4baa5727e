import itertools

import numpy as np
import ot
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from wddkit.ot import Measure, w2_squared
from wddkit.ot.distances import gaussian_w2_squared, max_sliced_w2_squared, mmd_squared, sliced_w2_squared

seeds = st.integers(0, 2**32 - 1)
P = np.random.default_rng(0).normal(size=(20, 3))


def energy(a, b):
    return mmd_squared(a, b, kernel="energy")


def sliced(a, b):
    return sliced_w2_squared(a, b, directions=64).value


def max_sliced(a, b):
    return max_sliced_w2_squared(a, b, directions=64).value


# Each distance, and the power of a length that it is.
DISTANCES = [(sliced, 2), (max_sliced, 2), (gaussian_w2_squared, 2), (mmd_squared, 0), (energy, 1)]
each = pytest.mark.parametrize(("distance", "power"), DISTANCES, ids=[f.__name__ for f, _ in DISTANCES])


def random_measure(generator, n, d, *, zeros=False):
    masses = generator.dirichlet(np.ones(n))
    if zeros and n > 1:
        masses[generator.integers(n)] = 0
    return Measure(generator.normal(size=(n, d)) * generator.uniform(0.3, 2, d), masses / masses.sum())


def moved(measure, *, scale=1.0, Q=None, shift=0.0):
    points = measure.points if Q is None else measure.points @ Q
    return Measure(scale * points + shift, measure.masses)


def projected(measure, direction):
    return Measure(measure.points @ direction[:, None], measure.masses)


def moments(measure):
    mean = measure.masses @ measure.points
    centred = measure.points - mean
    return mean, (measure.masses[:, None] * centred).T @ centred


def rotation(generator, d):
    return np.linalg.qr(generator.normal(size=(d, d)))[0]


# On a line


@settings(max_examples=40)
@given(seeds, st.integers(1, 60))
def test_on_a_line_equal_sets_pair_their_sorted_points(seed, n):
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=n), generator.exponential(size=n)
    expected = np.mean((np.sort(x) - np.sort(y)) ** 2)
    estimate = sliced_w2_squared(x[:, None], y[:, None])
    assert estimate.value == pytest.approx(expected, rel=1e-12)
    assert estimate.error == 0
    found = max_sliced_w2_squared(x[:, None], y[:, None])
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.direction == pytest.approx([np.sign(y.mean() - x.mean())])


@settings(max_examples=60)
@given(seeds, st.integers(1, 12), st.integers(1, 12), st.booleans())
def test_on_a_line_all_masses_give_what_the_linear_program_gives(seed, n, m, uniform):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, n, 1, zeros=True), random_measure(generator, m, 1)
    if uniform:
        a, b = a.points, b.points
    assert sliced(a, b) == pytest.approx(w2_squared(a, b), rel=1e-10, abs=1e-15)
    assert max_sliced(a, b) == pytest.approx(w2_squared(a, b), rel=1e-10, abs=1e-15)


@settings(max_examples=40)
@given(seeds, st.integers(1, 12), st.integers(1, 12))
def test_on_a_line_energy_is_that_of_scipy(seed, n, m):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, n, 1), random_measure(generator, m, 1)
    expected = scipy.stats.energy_distance(a.points[:, 0], b.points[:, 0], a.masses, b.masses) ** 2
    assert energy(a, b) == pytest.approx(expected, rel=1e-9, abs=1e-14)


@settings(max_examples=40)
@given(seeds, st.integers(1, 12), st.integers(1, 12))
def test_on_a_line_the_squared_distance_is_at_least_that_of_the_first_power(seed, n, m):
    # Jensen: (mean |x - y|)² <= mean |x - y|² for the same plan, which on a line is best for both.
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, n, 1), random_measure(generator, m, 1)
    first = scipy.stats.wasserstein_distance(a.points[:, 0], b.points[:, 0], a.masses, b.masses)
    assert sliced(a, b) >= first**2 * (1 - 1e-12)
    shift = 10 + np.ptp(a.points) + np.ptp(b.points)
    apart = moved(b, shift=shift)  # no overlap: the first power is the distance of the means
    first = scipy.stats.wasserstein_distance(a.points[:, 0], apart.points[:, 0], a.masses, b.masses)
    spread = sliced(moved(a, shift=-a.masses @ a.points), moved(b, shift=-b.masses @ b.points))
    assert sliced(a, apart) == pytest.approx(first**2 + spread, rel=1e-10)


@settings(max_examples=30)
@given(seeds, st.integers(1, 12), st.integers(1, 12))
def test_on_a_line_gaussians_differ_by_means_and_deviations(seed, n, m):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, n, 1), random_measure(generator, m, 1)
    (mean_a, var_a), (mean_b, var_b) = moments(a), moments(b)
    expected = (mean_a - mean_b) ** 2 + (np.sqrt(var_a) - np.sqrt(var_b)) ** 2
    assert gaussian_w2_squared(a, b) == pytest.approx(expected.item(), rel=1e-10, abs=1e-20)


# Laws of all


@each
@settings(max_examples=15)
@given(seed=seeds, n=st.integers(1, 10), m=st.integers(1, 10), d=st.integers(1, 5))
def test_distance_is_symmetric_and_blind_to_order_split_atoms_and_empty_points(distance, power, seed, n, m, d):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, n, d), random_measure(generator, m, d)
    order, tolerance = generator.permutation(n), {"rel": 1e-8, "abs": 1e-13}
    split = np.append(a.masses, [a.masses[0] / 3, 0])
    split[0] *= 2 / 3
    more = Measure(np.vstack([a.points, a.points[:1], np.full((1, d), 50.0)]), split)
    value = distance(a, b)
    assert distance(b, a) == pytest.approx(value, **tolerance)
    assert distance(Measure(a.points[order], a.masses[order]), b) == pytest.approx(value, **tolerance)
    assert distance(more, b) == pytest.approx(value, **tolerance)


@each
def test_a_point_given_twice_is_a_point_of_double_mass(distance, power):
    twice = np.vstack([P[:5], P[:2]])
    assert distance(twice, P[5:]) == pytest.approx(distance(Measure(P[:5], np.array([2, 2, 1, 1, 1]) / 7), P[5:]))


@each
@settings(max_examples=10)
@given(seed=seeds, exponent=st.sampled_from([-9, -5, 2, 6]), d=st.integers(1, 5))
def test_distance_follows_scale_and_no_common_shift(distance, power, seed, exponent, d):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, 8, d), random_measure(generator, 11, d)
    s = 10.0**exponent
    shift = s * generator.normal(size=d)
    changed = distance(moved(a, scale=s, shift=shift), moved(b, scale=s, shift=shift))
    assert changed / s**power == pytest.approx(distance(a, b), rel=1e-9)


@each
def test_a_common_offset_costs_no_digits_but_those_of_the_points(distance, power):
    a, b = P[:8], P[8:]
    assert distance(a + 1e4, b + 1e4) == pytest.approx(distance(a, b), rel=1e-9)


@each
@settings(max_examples=10)
@given(seed=seeds, d=st.integers(2, 6))
def test_distance_is_blind_to_rotation(distance, power, seed, d):
    generator = np.random.default_rng(seed)
    a, b, Q = random_measure(generator, 8, d), random_measure(generator, 11, d), rotation(generator, d)
    value, turned = distance(a, b), distance(moved(a, Q=Q), moved(b, Q=Q))
    # The first two draw directions, and turn none of them: the first is right up to its error.
    errors = (
        sliced_w2_squared(a, b, directions=64).error
        + sliced_w2_squared(moved(a, Q=Q), moved(b, Q=Q), directions=64).error
    )
    tolerance = {sliced: 4 * errors, max_sliced: 0.05 * value}.get(distance, 1e-12)
    assert turned == pytest.approx(value, rel=1e-9, abs=tolerance)


@each
@pytest.mark.parametrize("offset", [0, 1e4])
def test_a_set_is_at_distance_zero_from_itself_and_its_copies(distance, power, offset):
    points = P + offset
    for copies in (points, points[::-1], np.vstack([points, points]), np.repeat(points, 7, axis=0)):
        assert 0 <= distance(copies, points) <= 2e-15
        assert 0 <= distance(points, copies) <= 2e-15
    assert distance(np.full((4, 3), 7.0), np.full((2, 3), 7.0)) == 0
    assert distance(points, points + 1e-3) > 1e-10


@each
def test_points_without_mass_cannot_be_felt_however_far(distance, power):
    a = Measure(np.vstack([P, [[1e9, 0, 0]]]), np.append(np.full(20, 1 / 20), 0))
    assert distance(a, P[:5]) == distance(P, P[:5])


@each
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (P, P[:, :2], "b: expected points of dimension 3, as the data's, got 2"),
        (P[0], P, r"a: expected shape \[n, d\], got \(3,\)"),
        (P, np.full((2, 3), np.nan), "b: NaN or infinite values in 2 of 2 rows"),
        (P, np.zeros((0, 3)), r"b: expected shape \[n, d\] with n >= 1"),
        (P, 1e200 * P, "its square leaves the range of float64"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(distance, power, a, b, message):
    with pytest.raises(ValueError, match=message):
        distance(a, b)


def test_inputs_stay_unchanged():
    a, b = P[:8].copy(), P[8:].copy()
    for distance, _ in DISTANCES:
        distance(a, b)
    np.testing.assert_array_equal(np.vstack([a, b]), P)


# Slices


@pytest.mark.parametrize("copies", [3, 7, 49])
def test_a_set_given_several_times_ends_its_steps_at_the_same_masses(copies):
    x = np.arange(11.0)[:, None]
    # Only the means round: one step that ended 1e-16 later would cost 1e-16.
    assert sliced_w2_squared(np.repeat(x, copies, axis=0), x).value < 1e-28
    assert sliced_w2_squared(np.repeat(x, copies, axis=0), np.repeat(x, 5, axis=0)).value < 1e-28


@settings(max_examples=20)
@given(seeds, st.integers(2, 40))
def test_sets_that_differ_by_a_shift_are_sliced_without_error(seed, d):
    generator = np.random.default_rng(seed)
    a, shift = random_measure(generator, 10, d), generator.normal(size=d)
    estimate = sliced_w2_squared(a, moved(a, shift=shift))
    assert estimate.value == pytest.approx(shift @ shift / d, rel=1e-12)
    assert estimate.error == pytest.approx(0, abs=1e-12)
    found = max_sliced_w2_squared(a, moved(a, shift=shift))
    assert found.value == pytest.approx(shift @ shift, rel=1e-12)
    np.testing.assert_allclose(found.direction, shift / np.linalg.norm(shift), atol=1e-6)


def test_two_diracs_are_sliced_to_their_distance_over_d():
    assert sliced_w2_squared([[0, 0, 0]], [[3, 4, 0]]).value == pytest.approx(25 / 3)
    found = max_sliced_w2_squared([[0, 0, 0]], [[3, 4, 0]])
    assert found.value == pytest.approx(25)
    np.testing.assert_allclose(found.direction, [0.6, 0.8, 0], atol=1e-8)


def test_the_error_of_a_slice_is_what_it_says():
    # y = s x: along every direction W2² = (1 - s)² var(θ·x), so that the mean is (1 - s)² tr(cov) / d.
    x = np.random.default_rng(0).normal(size=(30, 4)) * [3, 2, 1, 0.5]
    truth = 0.25 * np.trace(np.cov(x.T, ddof=0)) / 4
    centred = x - x.mean(axis=0)
    estimates = [sliced_w2_squared(centred, 1.5 * centred, directions=50, seed=seed) for seed in range(300)]
    scores = np.array([(each.value - truth) / each.error for each in estimates])
    assert abs(scores.mean()) < 0.25
    assert 0.85 < scores.std() < 1.2
    assert sliced_w2_squared(centred, 1.5 * centred, directions=20_000).value == pytest.approx(truth, rel=0.01)


def test_slices_in_the_plane_are_the_integral_over_the_angle():
    generator = np.random.default_rng(1)
    a, b = random_measure(generator, 5, 2), random_measure(generator, 7, 2)
    angles = np.pi * (np.arange(2000) + 0.5) / 2000
    lines = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    values = [w2_squared(projected(a, t), projected(b, t)) for t in lines]
    estimate, found = sliced_w2_squared(a, b, directions=1000), max_sliced_w2_squared(a, b)
    assert estimate.value == pytest.approx(np.mean(values), abs=4 * estimate.error)
    assert estimate.error < 0.05 * estimate.value
    assert found.value == pytest.approx(max(values), rel=1e-5)
    assert abs(found.direction @ lines[np.argmax(values)]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("n", "m", "d"), [(30, 30, 5), (20, 31, 3), (6, 9, 40)])
def test_slices_agree_with_pot(n, m, d):
    generator = np.random.default_rng(2)
    a, b = random_measure(generator, n, d), random_measure(generator, m, d)
    draws = {"n_projections": 4000, "seed": 0}
    other = ot.sliced_wasserstein_distance(a.points, b.points, a.masses, b.masses, **draws) ** 2
    assert sliced_w2_squared(a, b, directions=4000).value == pytest.approx(other, rel=0.1)
    most = ot.max_sliced_wasserstein_distance(a.points, b.points, a.masses, b.masses, **draws) ** 2
    assert max_sliced_w2_squared(a, b).value >= most


@settings(max_examples=25)
@given(seeds, st.integers(1, 12), st.integers(1, 12), st.integers(1, 8))
def test_slices_and_gaussians_stay_below_transport(seed, n, m, d):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, n, d), random_measure(generator, m, d)
    exact, estimate = w2_squared(a, b), sliced_w2_squared(a, b)
    assert d * (estimate.value - 4 * estimate.error) <= exact * (1 + 1e-9)
    assert estimate.value - 4 * estimate.error <= max_sliced(a, b) * (1 + 1e-9)
    assert max_sliced(a, b) <= exact * (1 + 1e-9)
    assert gaussian_w2_squared(a, b) <= exact * (1 + 1e-9)


@settings(max_examples=25)
@given(seeds, st.integers(2, 12), st.integers(2, 12), st.integers(2, 8))
def test_the_value_of_the_steepest_slice_is_that_along_its_direction(seed, n, m, d):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, n, d), random_measure(generator, m, d)
    found = max_sliced_w2_squared(a, b, directions=16)
    t = found.direction
    assert np.linalg.norm(t) == pytest.approx(1, rel=1e-14)
    assert found.value == pytest.approx(w2_squared(projected(a, t), projected(b, t)), rel=1e-10)
    assert t @ (b.masses @ b.points - a.masses @ a.points) >= 0
    # No small turn of it is better, also where the sorted order changes.
    for turn in generator.normal(size=(20, d)) * np.geomspace(0.1, 1e-3, 20)[:, None]:
        near = (t + turn) / np.linalg.norm(t + turn)
        assert w2_squared(projected(a, near), projected(b, near)) <= found.value * (1 + 1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_a_difference_hidden_among_wider_directions_is_found(seed):
    # Equal means; eight directions ten times as wide in both sets; one direction five times as wide in the second.
    generator = np.random.default_rng(seed)
    Q, widths = rotation(generator, 60), np.append([1.0] + 8 * [10.0], np.ones(51))
    x, y = generator.normal(size=(400, 60)) * widths, generator.normal(size=(400, 60)) * widths
    y[:, 0] *= 5
    found = max_sliced_w2_squared(x @ Q, y @ Q, directions=2)
    assert found.value == pytest.approx(16, rel=0.1)
    assert abs(found.direction @ Q[0]) > 0.98
    assert sliced_w2_squared(x @ Q, y @ Q).value < 2


@pytest.mark.parametrize("seed", range(3))
def test_few_starts_are_nearly_as_good_as_many(seed):
    x, y = np.random.default_rng(seed).normal(size=(2, 60, 12))
    many = max_sliced_w2_squared(x, y, directions=1000, starts=40).value
    assert max_sliced_w2_squared(x, y).value == pytest.approx(many, rel=0.01)


def test_more_starts_are_never_worse_and_a_seed_gives_the_same_bits():
    values = [max_sliced_w2_squared(P[:8], P[8:], starts=starts).value for starts in (1, 4, 16)]
    assert values == sorted(values)
    first, again = (max_sliced_w2_squared(P[:8], P[8:], seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.direction, again.direction)
    assert sliced_w2_squared(P[:8], P[8:], seed=5) == sliced_w2_squared(P[:8], P[8:], seed=5)
    assert sliced_w2_squared(P[:8], P[8:], seed=5) != sliced_w2_squared(P[:8], P[8:], seed=6)


@pytest.mark.parametrize("distance", [sliced_w2_squared, max_sliced_w2_squared])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"directions": 1}, "directions: expected a whole number of at least 2, got 1"),
        ({"directions": 2.5}, "directions: expected a whole number"),
        ({"seed": -1}, "seed: expected a whole number of at least 0, got -1"),
    ],
)
def test_directions_that_cannot_be_drawn_are_refused(distance, options, message):
    with pytest.raises(ValueError, match=message):
        distance(P, P, **options)
    with pytest.raises(ValueError, match=message):
        distance(P[:, :1], P[:, :1], **options)


def test_a_climb_without_starts_is_refused():
    with pytest.raises(ValueError, match="starts: expected a whole number of at least 1, got 0"):
        max_sliced_w2_squared(P, P, starts=0)


# Gaussians


@settings(max_examples=30)
@given(seeds, st.integers(1, 5), st.integers(6, 20), st.integers(6, 20))
def test_gaussians_are_apart_by_the_formula_with_matrix_roots(seed, d, n, m):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, n, d), random_measure(generator, m, d)
    (mean_a, A), (mean_b, B) = moments(a), moments(b)
    root = sqrtm(A)
    bures = np.trace(A + B - 2 * np.real(sqrtm(root @ B @ root)))
    assert gaussian_w2_squared(a, b) == pytest.approx(np.sum((mean_a - mean_b) ** 2) + bures, rel=1e-6)
    other = ot.gaussian.bures_wasserstein_distance(mean_a, mean_b, A, B) ** 2
    assert gaussian_w2_squared(a, b) == pytest.approx(other, rel=1e-6)


@settings(max_examples=20)
@given(seeds, st.integers(1, 10), st.integers(1, 12))
def test_a_symmetric_positive_image_is_as_far_as_its_gaussian(seed, d, n):
    # Brenier: such a map is optimal transport, between the sets and between their Gaussians; d may exceed n.
    generator = np.random.default_rng(seed)
    Q = rotation(generator, d)
    a = random_measure(generator, n, d)
    image = Measure(a.points @ (Q * generator.uniform(0.2, 3, d) @ Q.T) + generator.normal(size=d), a.masses)
    paid = a.masses @ ((a.points - image.points) ** 2).sum(axis=1)
    assert gaussian_w2_squared(a, image) == pytest.approx(paid, rel=1e-10)
    assert w2_squared(a, image) == pytest.approx(paid, rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(7, 5), (5, 7), (1, 6), (300, 4)])
def test_gaussians_in_a_subspace_are_as_far_apart_as_without_the_rest(n, m):
    generator = np.random.default_rng(4)
    a, b = random_measure(generator, n, 4), random_measure(generator, m, 4)
    frame = rotation(generator, 250)[:4]
    assert gaussian_w2_squared(moved(a, Q=frame), moved(b, Q=frame)) == pytest.approx(
        gaussian_w2_squared(a, b), rel=1e-11
    )


def test_gaussians_that_nearly_coincide_keep_their_digits():
    # y = (1 + t) x: the distance is t² tr(cov), 20 digits below the traces that the textbook formula subtracts.
    x = P - P.mean(axis=0)
    expected = 1e-20 * np.trace(np.cov(x.T, ddof=0))
    assert gaussian_w2_squared(x, (1 + 1e-10) * x) == pytest.approx(expected, rel=1e-4, abs=0)


# Kernels


@settings(max_examples=30)
@given(seeds, st.integers(1, 6), st.integers(1, 6), st.integers(1, 3))
def test_discrepancies_are_the_double_sums_of_their_definition(seed, n, m, d):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, n, d), random_measure(generator, m, d)

    def by_hand(k):
        pairs = [(a, a, 1), (b, b, 1), (a, b, -2)]
        return sum(sign * p.masses @ k(cdist(p.points, q.points)) @ q.masses for p, q, sign in pairs)

    gaussian = mmd_squared(a, b, bandwidths=[0.5, 2.0])
    both = by_hand(lambda D: (np.exp(-(D**2) / 0.5) + np.exp(-(D**2) / 8)) / 2)
    assert gaussian == pytest.approx(both, rel=1e-9, abs=1e-14)
    assert mmd_squared(a, b, bandwidths=2) == pytest.approx(by_hand(lambda D: np.exp(-(D**2) / 8)), abs=1e-14)
    assert energy(a, b) == pytest.approx(by_hand(lambda D: -D), abs=1e-13)
    pooled = Measure(np.vstack([a.points, b.points]), np.concatenate([a.masses, b.masses]) / 2)
    mean = pooled.masses @ cdist(pooled.points, pooled.points, "sqeuclidean") @ pooled.masses
    scales = np.sqrt(mean) * np.array([0.25, 0.5, 1, 2, 4])
    assert mmd_squared(a, b) == pytest.approx(mmd_squared(a, b, bandwidths=scales), rel=1e-9, abs=1e-15)


def test_two_diracs_differ_by_twice_one_minus_the_kernel():
    assert mmd_squared([[0.0, 0.0]], [[3.0, 4.0]], bandwidths=5) == pytest.approx(2 - 2 * np.exp(-0.5))
    assert energy([[0, 0]], [[3, 4]]) == pytest.approx(10)
    assert mmd_squared([[0.0]], [[1.0]], bandwidths=1e-200) == pytest.approx(2)  # nothing is near anything


def test_a_wide_kernel_sees_the_means_with_all_digits():
    # k = 1 - |x - y|² / 2s² + ...: MMD² = |mean x - mean y|² / s², 20 digits below the kernel's 1.
    a, b = P[:8], P[8:]
    expected = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) / 1e20
    assert mmd_squared(a, b, bandwidths=1e10) == pytest.approx(expected, rel=1e-9, abs=0)


def test_two_samples_of_one_source_are_as_far_apart_as_the_formula_says():
    generator, values = np.random.default_rng(5), []
    for _ in range(400):
        x, y = generator.normal(size=(12, 1)), generator.normal(size=(30, 1))
        values.append((energy(x, y), mmd_squared(x, y, bandwidths=1.0)))
    apart = np.array([2 / np.sqrt(np.pi), 1 - 1 / np.sqrt(3)])  # E|x - x'| and 1 - E exp(-(x - x')² / 2)
    expected = (1 / 12 + 1 / 30) * apart
    np.testing.assert_allclose(np.mean(values, axis=0), expected, atol=4 * np.std(values, axis=0).max() / 20)


@pytest.mark.parametrize("kernel", ["gaussian", "energy"])
def test_blocks_of_the_kernel_matrix_add_up(monkeypatch, kernel):
    whole = mmd_squared(P[:8], P[8:], kernel=kernel)
    for block in (1, 41, 100):
        monkeypatch.setattr("wddkit.ot.distances.BLOCK", block)
        assert mmd_squared(P[:8], P[8:], kernel=kernel) == pytest.approx(whole, rel=1e-12)


def test_blocks_of_directions_add_up(monkeypatch):
    whole, found = sliced_w2_squared(P[:8], P[8:]), max_sliced_w2_squared(P[:8], P[8:])
    monkeypatch.setattr("wddkit.ot.distances.BLOCK", 100)
    assert sliced_w2_squared(P[:8], P[8:]).value == pytest.approx(whole.value, rel=1e-12)
    assert max_sliced_w2_squared(P[:8], P[8:]).value == pytest.approx(found.value, rel=1e-9)


def test_discrepancies_keep_the_triangle_inequality():
    sets = [P[:5], P[5:12], P[12:]]
    for kernel, (x, y, z) in itertools.product(["gaussian", "energy"], itertools.permutations(sets)):
        options = {"kernel": kernel} | ({"bandwidths": 1.0} if kernel == "gaussian" else {})
        xz, xy, yz = (mmd_squared(p, q, **options) ** 0.5 for p, q in ((x, z), (x, y), (y, z)))
        assert xz <= xy + yz


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": "gausian"}, "unknown kernel 'gausian'. Did you mean 'gaussian'"),
        ({"kernel": "energy", "bandwidths": 1.0}, "bandwidths: the energy distance has none; leave them out"),
        ({"bandwidths": [1.0, 0.0]}, "bandwidths: expected lengths above 0, got 0"),
        ({"bandwidths": [1.0, -2.0]}, "bandwidths: expected lengths above 0, got -2"),
        ({"bandwidths": np.nan}, "bandwidths: NaN or infinite values"),
        ({"bandwidths": []}, "bandwidths: expected shape"),
        ({"bandwidths": "median"}, "bandwidths: expected real numbers"),
        ({"bandwidths": [[1.0]]}, "bandwidths: expected shape"),
    ],
)
def test_kernels_that_are_none_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        mmd_squared(P, P, **options)
