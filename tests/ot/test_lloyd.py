"""Lloyd's alternation under every ground cost, with trimming, and of several measures."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ot_features import features
from scipy.optimize import linprog

from wddkit.ot import Lloyd, Measure, barycenter, barycenter_steps, w2_squared
from wddkit.ot.costs import COSTS, LinearMap, cost_matrix
from wddkit.ot.measure import mixture

seeds = st.integers(0, 2**32 - 1)
every_cost = pytest.mark.parametrize("cost", COSTS)
WEIGHTS = {1: [1.0], 2: [0.3, 0.7], 3: [0.2, 0.3, 0.5]}


def weighted(seed, n=40, d=3):
    generator = np.random.default_rng(seed)
    return Measure(generator.exponential(size=(n, d)), generator.dirichlet(np.ones(n)))


def measures_of(seed, N, n=25, d=4):
    return [weighted(seed + k, n=n + k, d=d) for k in range(N)]


def fitted(cost, measures, weights=(1.0,)):
    """The cost as it is fitted to the measures, from its definition."""
    return LinearMap.whitening(mixture(measures, weights)) if cost == "whitened" else cost


def paid(step, support, cost, measures, weights):
    """What the plans of a step pay for another support."""
    plans = zip(step.plans, measures, weights, strict=True)
    return sum(share * np.sum(T * cost_matrix(support, each.points, cost)) for T, each, share in plans)


# Laws of the alternation


@every_cost
@pytest.mark.parametrize("trim", [0.0, 0.15])
@pytest.mark.parametrize(("N", "masses"), [(1, "free"), (1, "uniform"), (2, "uniform"), (3, "uniform")])
def test_values_fall_to_a_support_that_no_change_improves(cost, trim, N, masses):
    measures, weights, generator = measures_of(7, N), WEIGHTS[N], np.random.default_rng(0)
    steps = list(
        barycenter_steps(measures, m=4, masses=masses, weights=weights, cost=cost, trim=trim, solver="lloyd", seed=1)
    )
    values = [step.value for step in steps]
    assert values[-1] < values[0]
    assert (np.diff(values) <= 0).all()
    c = fitted(cost, measures, weights)
    for step in steps:
        assert paid(step, step.support, c, measures, weights) == pytest.approx(step.value, rel=1e-9)
        for T, each in zip(step.plans, measures, strict=True):
            np.testing.assert_allclose(T.sum(axis=1), step.masses, atol=1e-12)
            assert (T.sum(axis=0) <= each.masses / (1 - trim) * (1 + 1e-9)).all()

    last = steps[-1]
    for scale in (1e-4, 1e-2, 1.0):
        for _ in range(20):
            changed = last.support * np.exp(scale * generator.normal(size=last.support.shape))  # stays positive
            assert paid(last, changed, c, measures, weights) >= last.value * (1 - 1e-8)


@every_cost
@pytest.mark.parametrize("trim", [0.0, 0.2])
def test_each_plan_is_the_best_for_its_support(cost, trim):
    measure, m = weighted(3, n=12), 3
    n, c = 12, fitted(cost, [measure])
    for step in barycenter_steps(measure, m=m, masses="uniform", cost=cost, trim=trim, solver="lloyd"):
        C = cost_matrix(step.support, measure.points, c).ravel()
        rows, columns = np.kron(np.eye(m), np.ones(n)), np.kron(np.ones(m), np.eye(n))
        other = linprog(C, A_eq=rows, b_eq=np.full(m, 1 / m), A_ub=columns, b_ub=measure.masses / (1 - trim))
        assert step.value == pytest.approx(other.fun, rel=1e-8)


# Not uniform masses under l1: points beyond two support points in all coordinates prefer neither, and plans tie.
@pytest.mark.parametrize(
    ("cost", "masses"), sorted({*itertools.product(COSTS, ["free", "uniform"])} - {("l1", "uniform")})
)
def test_the_answer_does_not_depend_on_the_order_or_the_split_of_points(cost, masses):
    measure, order = weighted(5), np.random.default_rng(0).permutation(40)
    points = np.concatenate([measure.points[order], measure.points[:1]])
    split = np.append(np.where(order == 0, 0.4, 1.0) * measure.masses[order], 0.6 * measure.masses[0])
    options = {"m": 3, "masses": masses, "cost": cost, "start": measure.points[:3], "solver": "lloyd"}
    if cost == "whitened":  # the covariance counts points
        options["cost"] = fitted(cost, [measure])
    result, again = barycenter(measure, **options), barycenter(Measure(points, split), **options)
    np.testing.assert_allclose(again.support, result.support, rtol=1e-6)
    assert again.value == pytest.approx(result.value, rel=1e-9)


@pytest.mark.parametrize("cost", ["sqeuclidean", "l2", "l1", "whitened"])
def test_costs_of_differences_follow_a_shift(cost):
    measure, shift = weighted(1), np.array([30.0, -2, 5])
    options = {"m": 4, "masses": "uniform", "cost": cost, "solver": "lloyd"}
    result, moved = (
        barycenter(measure, **options),
        barycenter(Measure(measure.points + shift, measure.masses), **options),
    )
    np.testing.assert_allclose(moved.support, result.support + shift, rtol=1e-9)
    assert moved.value == pytest.approx(result.value, rel=1e-9)


# Closed forms: one support point


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 30), st.integers(1, 4))
def test_under_l1_it_is_the_weighted_median_of_each_coordinate(seed, n, d):
    measure = weighted(seed, n=n, d=d)
    (y,) = barycenter(measure, m=1, cost="l1").support
    for k in range(d):
        below = measure.masses[measure.points[:, k] < y[k] - 1e-12].sum()
        above = measure.masses[measure.points[:, k] > y[k] + 1e-12].sum()
        assert max(below, above) <= 0.5 * (1 + 1e-9)
        assert np.abs(measure.points[:, k] - y[k]).min() <= 1e-12  # a value that occurs


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 6), st.integers(1, 7))
def test_under_l1_on_a_line_uniform_masses_give_the_medians_of_sorted_blocks(seed, m, size):
    x = np.random.default_rng(seed).exponential(size=m * size)
    blocks = np.sort(x).reshape(m, size)
    medians = blocks[:, (size - 1) // 2]
    result = barycenter(x[:, None], m=m, masses="uniform", cost="l1", seed=seed)
    np.testing.assert_allclose(np.sort(result.support[:, 0]), medians, rtol=1e-10)
    assert result.value == pytest.approx(np.abs(blocks - medians[:, None]).mean(), rel=1e-9, abs=1e-14)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_under_l2_it_is_the_fermat_point_of_a_triangle(seed):
    A = np.random.default_rng(seed).normal(size=(3, 2))
    sides = np.array([np.linalg.norm(A[i - 1] - A[i - 2]) for i in range(3)])  # opposite to each corner
    others = np.roll(sides, 1), np.roll(sides, 2)
    angles = np.arccos(np.clip((others[0] ** 2 + others[1] ** 2 - sides**2) / (2 * others[0] * others[1]), -1, 1))
    # From it all sides are seen under 120°; a corner of at least 120° is it. Trilinear coordinates csc(angle + 60°).
    weights = sides / np.sin(angles + np.pi / 3) if angles.max() < 2 * np.pi / 3 else angles == angles.max()
    fermat = weights @ A / weights.sum()
    result = barycenter(A, m=1, cost="l2")
    assert result.value == pytest.approx(np.linalg.norm(A - fermat, axis=1).mean(), rel=1e-9)
    np.testing.assert_allclose(result.support[0], fermat, atol=1e-4)


def test_under_l2_a_point_of_more_than_half_the_mass_holds_it():
    measure = Measure([[0.0, 0], [1, 0], [0, 1], [3, 3]], [0.1, 0.2, 0.19, 0.51])
    np.testing.assert_allclose(barycenter(measure, m=1, cost="l2").support, [[3, 3]], atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_under_cosine_it_is_the_direction_of_the_summed_directions_at_the_mean_length(seed):
    measure = weighted(seed)
    lengths = np.linalg.norm(measure.points, axis=1)
    total = measure.masses @ (measure.points / lengths[:, None])
    result = barycenter(measure, m=1, cost="cosine")
    length = np.linalg.norm(result.support[0])
    np.testing.assert_allclose(result.support[0] / length, total / np.linalg.norm(total), rtol=1e-10)
    assert length == pytest.approx(measure.masses @ lengths, rel=1e-10)
    assert result.value == pytest.approx(1 - np.linalg.norm(total), rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_under_kl_it_is_the_mean_and_pays_what_jensens_inequality_leaves(seed):
    measure = weighted(seed)
    mean = measure.masses @ measure.points
    result = barycenter(measure, m=1, cost="kl")
    np.testing.assert_allclose(result.support[0], mean, rtol=1e-12)
    entropies = (measure.points * np.log(measure.points)).sum(axis=1)
    assert result.value == pytest.approx(measure.masses @ entropies - mean @ np.log(mean), rel=1e-9)


@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_whitened_is_sqeuclidean_on_whitened_points(masses):
    measure = weighted(9, n=60)
    L = LinearMap.whitening(measure).L
    options = {"m": 5, "masses": masses, "solver": "lloyd"}
    result = barycenter(measure, cost="whitened", start=measure.points[:5], **options)
    mapped = Measure(measure.points @ L.T, measure.masses)
    expected = barycenter(mapped, start=mapped.points[:5], **options)
    np.testing.assert_allclose(result.support @ L.T, expected.support, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(result.masses, expected.masses, rtol=1e-9)
    assert result.value == pytest.approx(expected.value, rel=1e-10)


# Trimming


@pytest.mark.parametrize("masses", ["free", "uniform"])
@every_cost
def test_a_far_outlier_is_as_if_it_were_not_there_where_it_may_be_trimmed(cost, masses):
    points = np.random.default_rng(4).exponential(size=(32, 3))
    outlier = [[0.0, 0, -1e3]] if cost == "cosine" else [[0.0, 0, 1e3]]  # which is far by its direction
    spoilt = np.concatenate([points, outlier])
    options = {"m": 4, "masses": masses, "cost": cost, "start": points[:4], "solver": "lloyd"}
    if cost == "whitened":  # the outlier counts for the covariance
        options["cost"] = LinearMap.whitening(points)
    clean = barycenter(points, **options)
    trimmed = barycenter(spoilt, trim=1 / 33, **options)
    np.testing.assert_allclose(trimmed.support, clean.support, rtol=1e-6, atol=1e-9)
    assert trimmed.value == pytest.approx(clean.value, rel=1e-9)
    assert not trimmed.plan[:, 32].any()
    half = barycenter(spoilt, trim=0.5 / 33, **options)
    if masses == "free":  # it may pay to trim others, and give this one a support point of its own
        assert half.plan[:, 32].any()
    else:
        assert half.plan[:, 32].sum() == pytest.approx(0.5 / 33 / (1 - 0.5 / 33))
        assert half.value > 1.05 * clean.value


# Against POT, and options


@pytest.mark.parametrize("m", [8, 40])
def test_from_the_same_start_the_support_is_no_worse_than_pots(m):
    x = features(2, 240, 64)
    start = x[np.random.default_rng(0).choice(240, m, replace=False)]
    result = barycenter(x, m=m, masses="uniform", solver="lloyd", start=start)
    import ot  # after wddkit, which keeps it from importing torch

    other = ot.lp.free_support_barycenter([x], [np.full(240, 1 / 240)], start, b=np.full(m, 1 / m))
    assert result.value <= w2_squared(other, x) * (1 + 1e-12)


@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_the_best_restart_is_kept(masses):
    x = features(3, 120, 48)
    values = [barycenter(x, m=8, masses=masses, solver=Lloyd(restarts=restarts)).value for restarts in (1, 2, 6)]
    assert values == sorted(values, reverse=True)
    assert values[2] < values[0]


@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_so_many_steps_are_made_as_are_asked_for(masses):
    x = features(0, 300, 8)
    steps = list(barycenter_steps(x, m=6, masses=masses, solver="lloyd"))
    fewer = list(barycenter_steps(x, m=6, masses=masses, solver=Lloyd(steps=3)))
    assert len(fewer) == 3 < len(steps)
    np.testing.assert_array_equal(fewer[-1].support, steps[2].support)
