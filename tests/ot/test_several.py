"""Barycenters of several measures: reference section 5, row by row (of one measure: test_barycenter.py)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wddkit.ot import Lloyd, Measure, barycenter, barycenter_steps, transport, w2_squared
from wddkit.ot.bounds import lower_bound
from wddkit.ot.solvers.bundle import Bundle

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=12, deadline=None)


def several(seed, N=3, d=3, least=6, most=25):
    """N measures of different sizes, masses, places and shapes, with weights."""
    generator = np.random.default_rng(seed)
    measures = []
    for n in generator.integers(least, most + 1, N):
        points = generator.normal(size=(n, d)) @ generator.normal(size=(d, d)) + generator.normal(size=d)
        measures.append(Measure(points, generator.dirichlet(np.ones(n))))
    return measures, generator.dirichlet(5 * np.ones(N))


def uniform(measures, weights, m, **options):
    return barycenter(measures, weights=weights, m=m, masses="uniform", solver="lloyd", **options)


def mean(measure):
    return measure.masses @ measure.points


def spread(measure, about):
    return measure.masses @ ((measure.points - about) ** 2).sum(axis=1)


def means_apart(measures, weights):
    means = np.array([mean(each) for each in measures])
    return weights @ ((means - weights @ means) ** 2).sum(axis=1)


def quantiles(measure, at):
    """The quantile function of a measure on a line, at levels that are no jumps of it."""
    order = np.argsort(measure.points[:, 0])
    return measure.points[order, 0][np.searchsorted(np.cumsum(measure.masses[order])[:-1], at)]


@few
@given(seeds, st.integers(1, 4), st.sampled_from(["uniform", "free"]))
def test_row_1_one_support_point_is_the_weighted_grand_mean(seed, N, masses):
    measures, weights = several(seed, N)
    result = barycenter(measures, weights=weights, m=1, masses=masses, solver=Bundle() if masses == "free" else "lloyd")
    grand = weights @ [mean(each) for each in measures]
    np.testing.assert_allclose(result.support[0], grand, rtol=1e-12, atol=1e-14)
    expected = weights @ [spread(each, grand) for each in measures]
    assert result.value == pytest.approx(expected, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 4), st.integers(1, 7))
def test_rows_2_and_3_on_a_line_it_is_the_block_means_of_the_averaged_quantile_function(seed, N, m):
    measures, weights = several(seed, N, d=1)
    jumps = [np.cumsum(x.masses[np.argsort(x.points[:, 0])]) for x in measures]
    levels = np.unique(np.clip(np.concatenate([[0], *jumps, np.arange(1, m + 1) / m]), 0, 1))
    widths, middle = np.diff(levels), (levels[1:] + levels[:-1]) / 2
    Q = np.array([quantiles(each, middle) for each in measures])
    block = np.minimum((middle * m).astype(int), m - 1)
    blocks = m * np.bincount(block, weights=widths * (weights @ Q), minlength=m)
    value = weights @ ((Q - blocks[block]) ** 2 @ widths)
    result = uniform(measures, weights, m, seed=seed)
    np.testing.assert_allclose(np.sort(result.support[:, 0]), blocks, rtol=1e-9, atol=1e-11)
    assert result.value == pytest.approx(value, rel=1e-9, abs=1e-25)


@few
@given(seeds, st.integers(2, 4))
def test_row_4_commuting_linear_images_of_one_cloud_have_the_mean_image(seed, N):
    generator = np.random.default_rng(seed)
    n, d = 25, 3
    z = generator.normal(size=(n, d))
    z = np.linalg.qr(z - z.mean(axis=0))[0] * np.sqrt(n)  # mean 0 up to rounding, covariance I
    axes = np.linalg.qr(generator.normal(size=(d, d)))[0]
    A = [axes * generator.uniform(0.3, 3, d) @ axes.T for _ in range(N)]
    shifts, weights = generator.normal(size=(N, d)), generator.dirichlet(5 * np.ones(N))
    images = [z @ each + shift for each, shift in zip(A, shifts, strict=True)]
    result = uniform(images, weights, n, start=images[0])
    middle = np.tensordot(weights, A, axes=1)
    np.testing.assert_allclose(result.support, z @ middle + weights @ shifts, rtol=1e-10, atol=1e-12)
    # As for Gaussians: the root of the covariance is the mean of the roots (Agueh and Carlier 2011, section 6).
    covariance = np.cov(result.support.T, ddof=0)
    np.testing.assert_allclose(covariance, middle @ middle, rtol=1e-9, atol=1e-11)
    gaussian = sum(w * (np.trace((each - middle) @ (each - middle))) for w, each in zip(weights, A, strict=True))
    shifted = weights @ ((shifts - weights @ shifts) ** 2).sum(axis=1)
    assert result.value == pytest.approx(gaussian + shifted, rel=1e-10)


@few
@given(seeds, st.integers(2, 4), st.sampled_from(["uniform", "free"]))
def test_row_5_shifts_of_the_measures_move_the_support_by_their_mean(seed, N, masses):
    measures, weights = several(seed, N)
    shifts = 10 * np.random.default_rng(seed).normal(size=(N, 3))
    moved = [Measure(each.points + shift, each.masses) for each, shift in zip(measures, shifts, strict=True)]
    options = {"m": 4, "weights": weights, "masses": masses}
    options["solver"] = "lloyd" if masses == "uniform" else Bundle()
    start = np.concatenate([each.points for each in measures])[:4]
    result = barycenter(measures, start=start, **options)
    if masses == "uniform":
        after = barycenter(moved, start=start + weights @ shifts, **options)
        np.testing.assert_allclose(after.support, result.support + weights @ shifts, rtol=1e-9, atol=1e-9)
        change = means_apart(moved, weights) - means_apart(measures, weights)
        assert after.value == pytest.approx(result.value + change, rel=1e-9)
        return
    # Free masses start from cells, which move; the best masses for a support do not.
    again = barycenter(moved, start=result.support + weights @ shifts, **options)
    change = means_apart(moved, weights) - means_apart(measures, weights)
    assert again.value <= (result.value + change) * (1 + 1e-4)


@pytest.mark.parametrize("masses", ["uniform", "free"])
@pytest.mark.parametrize("scale", [1e-9, 1e-4, 1.0, 1e6])
@pytest.mark.parametrize("seed", range(2))
def test_row_6_scale_and_rotation_carry_over(seed, scale, masses):
    measures, weights = several(seed, d=4)
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))[0]
    moved = [Measure(scale * each.points @ Q, each.masses) for each in measures]
    options = {"m": 5, "weights": weights, "masses": masses, "solver": "lloyd" if masses == "uniform" else Bundle()}
    result, after = barycenter(measures, **options), barycenter(moved, **options)
    np.testing.assert_allclose(after.support / scale, result.support @ Q, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(after.masses, result.masses, rtol=1e-6, atol=1e-7)
    assert after.value / scale**2 == pytest.approx(result.value, rel=1e-8)


@few
@given(seeds, st.integers(2, 4), st.integers(1, 8))
def test_rows_7_and_8_the_answer_is_a_proved_fixed_point_and_no_step_rises(seed, N, m):
    measures, weights = several(seed, N)
    w = np.random.default_rng(seed).dirichlet(np.ones(m))
    steps = list(barycenter_steps(measures, weights=weights, m=m, masses=w, solver="lloyd"))
    assert (np.diff([step.value for step in steps]) <= 0).all()
    for step in (steps[0], steps[-1]):
        own = Measure(step.support, step.masses)
        proofs = [transport(own, each) for each in measures]
        assert max(abs(each.gap) for each in proofs) <= 1e-11 * step.value
        assert step.value == pytest.approx(weights @ [each.value for each in proofs], rel=1e-11)
        for plan, each in zip(step.plans, measures, strict=True):
            np.testing.assert_allclose(plan.sum(axis=1), w, atol=1e-14)
            np.testing.assert_allclose(plan.sum(axis=0), each.masses, atol=1e-14)

    y, plans = steps[-1].support, steps[-1].plans
    images = [plan @ each.points / w[:, None] for plan, each in zip(plans, measures, strict=True)]
    np.testing.assert_allclose(np.tensordot(weights, images, axes=1), y, rtol=1e-10, atol=1e-12)
    x = np.concatenate([each.points for each in measures])
    b = np.concatenate([share * each.masses for share, each in zip(weights, measures, strict=True)])
    np.testing.assert_allclose(w @ y, b @ x, atol=1e-12)
    assert b @ (x**2).sum(axis=1) - w @ (y**2).sum(axis=1) == pytest.approx(steps[-1].value, rel=1e-10)
    if m > 1:
        difference = np.cov(x.T, aweights=b, ddof=0) - np.cov(y.T, aweights=w, ddof=0)
        assert np.linalg.eigvalsh(difference).min() >= -1e-11


@few
@given(seeds, st.floats(0.05, 0.95), st.integers(2, 30))
def test_row_9_two_clouds_have_the_geodesic_between_them(seed, t, n):
    a, b = np.random.default_rng(seed).normal(size=(2, n, 3))
    b += [1, 2, 3]
    apart_squared = w2_squared(a, b)
    partner = transport(a, b).plan.argmax(axis=1)
    result = uniform([a, b], [1 - t, t], n, start=a)
    np.testing.assert_allclose(result.support, (1 - t) * a + t * b[partner], rtol=1e-9, atol=1e-11)
    assert result.value == pytest.approx(t * (1 - t) * apart_squared, rel=1e-9)
    assert w2_squared(result.support, a) == pytest.approx(t**2 * apart_squared, rel=1e-9)


@few
@given(seeds, st.integers(1, 4), st.integers(1, 10))
def test_row_10_nothing_is_below_the_lower_bound(seed, N, m):
    measures, weights = several(seed, N, least=10)
    bound = lower_bound(measures, weights=weights, m=m)
    assert 0 <= bound <= uniform(measures, weights, m).value * (1 + 1e-12)
    assert bound <= barycenter(measures, weights=weights, m=m, solver=Bundle()).value * (1 + 1e-12)


@pytest.mark.parametrize("N", [1, 3])
def test_row_10_the_bound_is_reached_by_points_on_a_plane_and_by_a_geodesic(N):
    generator = np.random.default_rng(N)
    square = np.repeat([[-1.0, -2, 0], [1, -2, 0], [-1, 2, 0], [1, 2, 0]], 2, axis=0)
    ends = square + np.tile([[0, 0, 0.5], [0, 0, -0.5]], (4, 1))  # two points at each corner: variances 4, 1, 1/4
    assert lower_bound([ends] * N, m=4) == pytest.approx(0, abs=1e-20)
    assert lower_bound([ends] * N, m=3) == pytest.approx(0.25)
    a = generator.normal(size=(20, 3))
    b = a @ np.diag([1, 2, 3]) + 1
    assert lower_bound([a, b], weights=[0.3, 0.7], m=20) == pytest.approx(0.21 * w2_squared(a, b))


def test_row_10_the_bound_of_one_point_is_the_spread_and_of_all_points_is_nothing():
    measures, weights = several(0)
    grand = weights @ [mean(each) for each in measures]
    assert lower_bound(measures, weights=weights, m=1) == pytest.approx(
        weights @ [spread(each, grand) for each in measures]
    )
    assert lower_bound(np.zeros((5, 2)), m=2) == 0
    assert lower_bound(measures[0], m=4) == 0  # three dimensions


def test_the_bound_refuses_what_a_barycenter_refuses():
    with pytest.raises(ValueError, match="m: expected a whole number of at least 1, got 0"):
        lower_bound(np.eye(3), m=0)
    with pytest.raises(ValueError, match="weights: must sum to 1"):
        lower_bound([np.eye(3), np.eye(3)], weights=[1, 1], m=2)


@few
@given(seeds, st.integers(1, 4), st.integers(1, 8))
def test_row_11_copies_of_a_measure_are_that_measure(seed, N, m):
    (measure,), _ = several(seed, 1)
    weights = np.random.default_rng(seed).dirichlet(5 * np.ones(N))
    start = measure.points[np.arange(m) % len(measure)]
    one = uniform([measure], None, m, start=start)
    many = uniform([measure] * N, weights, m, start=start)
    np.testing.assert_allclose(many.support, one.support, rtol=1e-9, atol=1e-11)
    assert many.value == pytest.approx(one.value, rel=1e-9)


@few
@given(seeds)
def test_row_11_split_atoms_and_the_order_of_points_and_measures_do_not_matter(seed):
    measures, weights = several(seed)
    generator = np.random.default_rng(seed)
    start = measures[0].points[:5]
    result = uniform(measures, weights, 5, start=start)
    split = []
    for each in measures:
        points, masses = np.vstack([each.points, each.points[:1]]), np.append(each.masses, 0.3 * each.masses[0])
        masses[0] *= 0.7
        order = generator.permutation(len(points))
        split.append(Measure(points[order], masses[order]))
    turned = generator.permutation(3)
    again = uniform([split[k] for k in turned], weights[turned], 5, start=start)
    np.testing.assert_allclose(again.support, result.support, rtol=1e-9, atol=1e-10)
    assert again.value == pytest.approx(result.value, rel=1e-10)


@few
@given(seeds, st.integers(1, 3), st.integers(1, 20))
def test_row_11_as_many_support_points_as_equal_points_leave_nothing(seed, N, n):
    points = np.random.default_rng(seed).normal(size=(n, 3))
    orders = [np.random.default_rng(seed + k).permutation(n) for k in range(N)]
    result = uniform([points[order] for order in orders], None, n, start=points)
    np.testing.assert_allclose(result.support, points, rtol=1e-12)
    assert result.value == pytest.approx(0, abs=1e-28)


@few
@given(seeds, st.integers(1, 4), st.sampled_from(["uniform", "free"]))
def test_row_12_separated_clusters_are_found_with_their_mean_means(seed, N, masses):
    # The answer is drawn first: places of clusters, and of their copies in each measure.
    generator = np.random.default_rng(seed)
    k, size = 4, 6
    centres = 100 * np.eye(k) + generator.normal(size=(N, k, k))
    clouds = centres[:, :, None] + 0.5 * generator.normal(size=(N, k, size, k))
    weights = generator.dirichlet(5 * np.ones(N))
    solver = "lloyd" if masses == "uniform" else Bundle()
    result = barycenter(
        [each.reshape(-1, k) for each in clouds], weights=weights, m=k, masses=masses, solver=solver, seed=seed
    )
    expected = np.tensordot(weights, clouds.mean(axis=2), axes=1)
    order = np.argsort(result.support.argmax(axis=1))
    np.testing.assert_allclose(result.support[order], expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(result.masses, 1 / k, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_row_14_bound_free_and_uniform_are_in_order_and_fall_with_m(seed):
    measures, weights = several(seed, least=40, most=60)
    values = []
    for m in (1, 2, 4, 8):
        best = (
            uniform(measures, weights, m)
            if m == 1
            else barycenter(measures, weights=weights, m=m, masses="uniform", solver=Lloyd(restarts=5))
        )
        free = barycenter(measures, weights=weights, m=m, solver=Bundle(), start=best.support)
        assert lower_bound(measures, weights=weights, m=m) <= free.value * (1 + 1e-12)
        assert free.value <= best.value * (1 + 1e-4)
        values.append((free.value, best.value))
    assert (np.diff(values, axis=0) < 0).all()
