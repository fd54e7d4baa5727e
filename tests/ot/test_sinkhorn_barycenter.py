import itertools

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import rel_entr
from test_bundle import several

from wddkit.ot import Measure, barycenter, barycenter_steps, w2_squared
from wddkit.ot.solvers.sinkhorn import Sinkhorn

seeds = st.integers(0, 2**32 - 1)


def spread(measures, weights, power=2):
    """What one support point pays where it stands best, by another minimiser."""
    x = np.concatenate([each.points for each in measures])
    b = np.concatenate([share * each.masses for share, each in zip(weights, measures, strict=True)])
    return minimize(lambda y: b @ np.linalg.norm(x - y, axis=1) ** power, b @ x, tol=1e-12).fun


@settings(max_examples=10, deadline=None)
@given(seeds, st.integers(1, 4), st.sampled_from([0.01, 1.0]))
def test_one_support_point_is_the_weighted_grand_mean(seed, N, epsilon):
    measures, weights = several(seed, N)
    result = barycenter(measures, weights=weights, m=1, masses="uniform", solver=Sinkhorn(epsilon=epsilon))
    grand = weights @ [each.masses @ each.points for each in measures]
    np.testing.assert_allclose(result.support[0], grand, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("cost", ["sqeuclidean", "l2"])
@pytest.mark.parametrize("epsilon", [0.3, 0.03])
def test_a_step_has_the_plans_of_pots_sinkhorn(epsilon, cost):
    measures, weights = several(0)
    w = np.random.default_rng(0).dirichlet(np.ones(5))
    solver = Sinkhorn(epsilon=epsilon)
    first = next(barycenter_steps(measures, weights=weights, m=5, masses=w, cost=cost, solver=solver))
    costs = [
        ot.dist(first.support, x.points, "sqeuclidean" if cost == "sqeuclidean" else "euclidean") for x in measures
    ]
    reg = epsilon * spread(measures, weights, power=2 if cost == "sqeuclidean" else 1)
    expected = 0.0
    for share, C, plan, x in zip(weights, costs, first.plans, measures, strict=True):
        T = ot.sinkhorn(w, x.masses, C, reg, method="sinkhorn_log", numItermax=20000, stopThr=1e-12)
        np.testing.assert_allclose(plan, T, atol=1e-8)
        expected += share * np.sum(T * C)
    assert first.value == pytest.approx(expected, rel=1e-6)


@settings(max_examples=10, deadline=None)
@given(seeds, st.integers(1, 3), st.integers(1, 6), st.sampled_from([0.2, 0.02]))
def test_plans_have_exact_marginals_and_pay_no_less_than_the_best(seed, N, m, epsilon):
    measures, weights = several(seed, N)
    options = {"weights": weights, "m": m, "masses": "uniform", "seed": seed}
    steps = list(barycenter_steps(measures, solver=Sinkhorn(epsilon=epsilon, steps=20), **options))
    for step in steps:
        own = Measure(step.support, step.masses)
        assert step.value >= (weights @ [w2_squared(own, each) for each in measures]) * (1 - 1e-12)
        for plan, each in zip(step.plans, measures, strict=True):
            assert (plan >= 0).all()
            np.testing.assert_allclose(plan.sum(axis=1), 1 / m, atol=1e-12)
            np.testing.assert_allclose(plan.sum(axis=0), each.masses, atol=1e-12)
    for before, after in itertools.pairwise(steps):
        images = [T @ x.points for T, x in zip(before.plans, measures, strict=True)]
        np.testing.assert_allclose(after.support, m * np.tensordot(weights, images, axes=1), rtol=1e-9, atol=1e-11)


@settings(max_examples=10, deadline=None)
@given(seeds, st.integers(1, 3), st.sampled_from([0.2, 0.02]))
def test_the_blurred_objective_never_rises(seed, N, epsilon):
    measures, weights = several(seed, N)
    steps = list(barycenter_steps(measures, weights=weights, m=5, masses="uniform", solver=Sinkhorn(epsilon=epsilon)))
    reg = epsilon * spread(measures, weights)
    # Σ_k λ_k KL(T_k | w b_k^T)
    blur = [weights @ [rel_entr(T, x.masses / 5).sum() for T, x in zip(s.plans, measures, strict=True)] for s in steps]
    objective = np.array([step.value for step in steps]) + reg * np.array(blur)
    assert len(objective) > 2
    assert (np.diff(objective) <= 1e-9 * objective[0]).all()


def test_little_blur_is_lloyd_and_much_blur_is_the_mean():
    measures, weights = several(1)
    options = {"weights": weights, "m": 4, "masses": "uniform"}
    exact = barycenter(measures, solver="lloyd", **options)
    near = barycenter(measures, solver=Sinkhorn(epsilon=1e-3), start=exact.support, **options)
    assert near.value == pytest.approx(exact.value, rel=0.02)
    far = barycenter(measures, solver=Sinkhorn(epsilon=10.0), **options)
    grand = weights @ [each.masses @ each.points for each in measures]
    np.testing.assert_allclose(far.support, np.tile(grand, (4, 1)), atol=0.1)
    values = [barycenter(measures, solver=Sinkhorn(epsilon=e), **options).value for e in (0.01, 0.1, 1.0)]
    assert values == sorted(values)


@pytest.mark.parametrize("far", [10.0, 1e4])
def test_a_start_far_off_blurs_no_more_than_one_among_the_points(far):
    # The blur is measured by the points: taken from the costs of the start, it once drew all onto the mean.
    points = np.random.default_rng(0).normal(size=(50, 3))
    options = {"m": 3, "masses": "uniform", "solver": Sinkhorn()}
    near, moved = (barycenter(points, start=points[:3] + shift, **options) for shift in (0, far))
    np.testing.assert_allclose(moved.support, near.support, rtol=1e-4)
    assert moved.value == pytest.approx(barycenter(points, m=3, masses="uniform").value, rel=1e-2)


def test_a_support_point_of_mass_zero_stays_where_it_started():
    measures, weights = several(0)
    start = np.vstack([measures[0].points[:2], np.full((1, 3), 7.0)])
    result = barycenter(measures, weights=weights, m=3, masses=[0.5, 0.5, 0], start=start, solver=Sinkhorn())
    np.testing.assert_allclose(result.support[2], 7, rtol=1e-14)
    assert np.isfinite(result.value)
    two = barycenter(measures, weights=weights, m=2, masses="uniform", start=start[:2], solver=Sinkhorn(rest=0))
    assert result.value == pytest.approx(two.value, rel=0.05)


@pytest.mark.parametrize("scale", [1e-9, 1e6])
def test_scale_carries_over(scale):
    measures, weights = several(0)
    moved = [Measure(scale * each.points, each.masses) for each in measures]
    options = {"weights": weights, "m": 3, "masses": "uniform", "solver": Sinkhorn()}
    result, after = barycenter(measures, **options), barycenter(moved, **options)
    np.testing.assert_allclose(after.support / scale, result.support, rtol=1e-6, atol=1e-8)
    assert after.value == pytest.approx(scale**2 * result.value, rel=1e-6)


def test_identical_points_leave_nothing():
    result = barycenter(np.full((9, 2), 0.3), m=3, masses="uniform", solver=Sinkhorn())
    np.testing.assert_allclose(result.support, 0.3, rtol=1e-14)
    assert result.value == 0


@pytest.mark.parametrize(
    ("solver", "options", "message"),
    [
        (Sinkhorn(), {"masses": "free"}, "'sinkhorn' is for given masses; use masses='uniform', or solver='auto'"),
        (Sinkhorn(), {"trim": 0.1}, "'sinkhorn' cannot trim; use trim=0 or solver='lloyd'"),
        (Sinkhorn(epsilon=0), {}, "epsilon of sinkhorn: expected a positive finite number, got 0"),
        (Sinkhorn(rest=1.0), {}, r"rest of sinkhorn: expected a number in \[0, 1\), got 1.0"),
        (Sinkhorn(steps=0), {}, "steps of sinkhorn: expected a whole number of at least 1, got 0"),
    ],
)
def test_what_it_cannot_do_is_refused(solver, options, message):
    with pytest.raises(ValueError, match=message):
        barycenter(several(0)[0], m=2, solver=solver, **({"masses": "uniform"} | options))
