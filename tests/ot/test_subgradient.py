import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bundle import several

from wddkit.ot import Measure, barycenter, barycenter_steps, w2_squared
from wddkit.ot.costs import cost_matrix
from wddkit.ot.plan import solve
from wddkit.ot.solvers.bundle import Bundle
from wddkit.ot.solvers.subgradient import Subgradient

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=10, deadline=None)
@given(seeds, st.integers(1, 4))
def test_one_support_point_is_the_weighted_grand_mean(seed, N):
    measures, weights = several(seed, N)
    result = barycenter(measures, weights=weights, m=1, solver=Subgradient(inner=1))
    grand = weights @ [each.masses @ each.points for each in measures]
    np.testing.assert_allclose(result.support[0], grand, rtol=1e-12, atol=1e-13)
    assert result.gap == pytest.approx(0, abs=1e-10 * result.value)


@settings(max_examples=10, deadline=None)
@given(seeds, st.integers(1, 3), st.integers(1, 6))
def test_every_round_is_exact_and_lower_and_its_gap_is_a_proof(seed, N, m):
    measures, weights = several(seed, N, n=25)
    options = {"weights": weights, "m": m, "seed": seed}
    steps = list(barycenter_steps(measures, solver=Subgradient(rounds=4, inner=20), **options))
    assert len(steps) <= 5
    assert (np.diff([step.value for step in steps]) < 0).all()
    for step in steps:
        own = Measure(step.support, step.masses)
        assert step.value == pytest.approx(weights @ [w2_squared(own, each) for each in measures], rel=1e-10)
        learned = next(barycenter_steps(measures, start=step.support, solver=Bundle(gap=1e-6), **options))
        assert step.lower_bound <= learned.value * (1 + 1e-9)
        assert learned.lower_bound <= step.value * (1 + 1e-9)


def test_one_mirror_step_is_the_formula():
    measures, weights = several(0)
    start = measures[0].points[:4]
    first = next(barycenter_steps(measures, weights=weights, m=4, start=start, solver=Subgradient(eta=0.5, inner=1)))
    a = np.full(4, 0.25)
    found = [solve(cost_matrix(start, each.points, "sqeuclidean"), a, each.masses) for each in measures]
    g, value = (weights @ np.array(part) for part in ([x.potentials[0] for x in found], [x.value for x in found]))
    a = a * np.exp(-0.5 / value * g)
    np.testing.assert_allclose(first.masses, a / a.sum(), rtol=1e-8)
    assert first.value < value


def test_the_newton_step_is_damped_by_theta():
    measures, weights = several(0)
    steps = list(barycenter_steps(measures, weights=weights, m=4, solver=Subgradient(theta=0.3, rounds=2)))
    plans = [plan @ each.points for plan, each in zip(steps[0].plans, measures, strict=True)]
    means = np.tensordot(weights, plans, axes=1) / steps[0].masses[:, None]
    np.testing.assert_allclose(steps[1].support, 0.7 * steps[0].support + 0.3 * means, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("seed", range(3))
def test_more_steps_prove_more_and_come_near_the_bundle(seed):
    measures, weights = several(seed, apart=False)
    start = measures[0].points[:5]
    gaps = []
    for inner in (1, 20, 400):
        first = next(barycenter_steps(measures, weights=weights, m=5, start=start, solver=Subgradient(inner=inner)))
        gaps.append(first.gap / first.value)
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.1  # and no better: the price of a step that falls as 1/√t
    exact = next(barycenter_steps(measures, weights=weights, m=5, start=start, solver=Bundle()))
    assert exact.lower_bound <= first.value <= 1.02 * exact.value


def test_masses_that_the_measures_agree_on_are_learned():
    generator = np.random.default_rng(0)
    places = np.repeat([[0, 0], [30, 0]], [140, 60], axis=0)
    measures = [places + generator.normal(size=(200, 2)) + shift for shift in (0, 1)]
    result = barycenter(measures, m=2, solver=Subgradient(inner=100))
    np.testing.assert_allclose(np.sort(result.masses), [0.3, 0.7], atol=1e-3)


def test_a_value_of_zero_ends_it():
    points = np.random.default_rng(0).normal(size=(5, 2))
    steps = list(barycenter_steps(points, m=5, solver=Subgradient()))
    assert len(steps) == 1
    assert steps[0].value == pytest.approx(0, abs=1e-28)
    assert steps[0].gap <= 1e-28


def test_the_same_seed_gives_the_same_bits():
    measures, weights = several(0)
    one, two = (barycenter(measures, weights=weights, m=4, seed=5, solver=Subgradient(rounds=3)) for _ in range(2))
    np.testing.assert_array_equal(one.support, two.support)
    np.testing.assert_array_equal(one.masses, two.masses)


@pytest.mark.parametrize(
    ("solver", "options", "message"),
    [
        (Subgradient(), {"masses": "uniform"}, "'subgradient' learns masses, and they are given; use solver='lloyd'"),
        (Subgradient(), {"cost": "l1"}, "'subgradient' is for cost='sqeuclidean' and trim=0; use solver='bundle' or"),
        (Subgradient(), {"trim": 0.1}, "'subgradient' is for cost='sqeuclidean' and trim=0"),
        (Subgradient(eta=0), {}, "eta of subgradient: expected a positive finite number, got 0"),
        (Subgradient(inner=0), {}, "inner of subgradient: expected a whole number of at least 1, got 0"),
        (Subgradient(rounds=0), {}, "rounds of subgradient: expected a whole number of at least 1, got 0"),
        (Subgradient(theta=2), {}, r"theta of subgradient: expected a number in \(0, 1\], got 2"),
    ],
)
def test_what_it_cannot_do_is_refused(solver, options, message):
    with pytest.raises(ValueError, match=message):
        barycenter(several(0)[0], m=2, solver=solver, **options)
