import itertools

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ot_toys import random_problem
from scipy.optimize import linprog
from scipy.spatial.distance import cdist
from scipy.special import kl_div

from wddkit.ot import Measure, transport, w2_squared
from wddkit.ot.costs import COSTS, LinearMap, cost_matrix
from wddkit.ot.entropic import sinkhorn, solve_entropic
from wddkit.ot.relaxed import partial, unbalanced

seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1e-9, 1e-5, 1.0, 1e6])
prices = st.sampled_from([1e-3, 0.1, 1.0, 30.0, 1e4, np.inf])  # of the mean cost
every_cost = pytest.mark.parametrize("cost", [*COSTS, LinearMap(np.diag([1.0, 2.0, 0.5]))], ids=str)


def objective(T, C, a, b, reg, relax):
    total = np.sum(T * C) + reg * kl_div(T, np.outer(a, b)).sum()
    for rho, sums, masses in ((relax[0], T.sum(axis=1), a), (relax[1], T.sum(axis=0), b)):
        if rho < np.inf:
            total += rho * kl_div(sums, masses).sum()
        else:
            np.testing.assert_allclose(sums, masses, atol=1e-14)
    return total


def dual(u, v, C, a, b, reg, relax):
    with np.errstate(divide="ignore"):
        total = reg * (1 - np.exp(np.log(a)[:, None] + np.log(b) + (u[:, None] + v - C) / reg).sum())
    for rho, h, masses in ((relax[0], u, a), (relax[1], v, b)):
        total += masses @ h if rho == np.inf else -rho * masses @ np.expm1(-h / rho)
    return total


# Unbalanced


@settings(max_examples=80, deadline=None)
@given(seeds, st.integers(1, 10), st.integers(1, 10), scales, st.floats(-3, 2), prices, prices)
def test_every_relaxed_plan_comes_with_its_proof(seed, m, n, scale, exponent, rho_a, rho_b):
    a, b, C = random_problem(seed, m, n, scale=scale, zeros=True)
    reg, relax = 10.0**exponent * C.mean(), (rho_a * C.mean(), rho_b * C.mean())
    t = unbalanced(a, b, relax=relax, reg=reg)
    size = C.max() + reg + sum(rho for rho in relax if rho < np.inf)
    problem = (C, a.masses, b.masses, reg, relax)
    assert objective(t.plan, *problem) - dual(*t.potentials, *problem) == pytest.approx(t.gap, abs=1e-12 * size)
    assert 0 <= t.gap <= 1e-9 * C.max() + 1e-15 * size
    assert t.value == pytest.approx(np.sum(t.plan * C), rel=1e-11)
    assert (t.plan >= 0).all()


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 7), st.integers(1, 7), st.floats(-1, 1), prices, prices)
def test_a_problem_built_from_its_answer_gives_the_answer(seed, m, n, exponent, rho_a, rho_b):
    # A plan and potentials are drawn first; masses are those that the potentials ask for, and costs follow.
    generator, reg = np.random.default_rng(seed), 10.0**exponent
    plan = generator.dirichlet(np.ones(m * n)).reshape(m, n) + 1e-9
    plan /= plan.sum()
    masses, potentials = [], []
    for rho, sums in ((rho_a, plan.sum(axis=1)), (rho_b, plan.sum(axis=0))):
        h = min(1, rho) * generator.normal(size=len(sums))
        if rho < np.inf:
            h -= rho * np.log(sums @ np.exp(h / rho))
        masses.append(sums * np.exp(h / rho))
        potentials.append(h)
    (a, b), (u, v) = masses, potentials
    C = u[:, None] + v - reg * np.log(plan / np.outer(a, b))
    t = solve_entropic(C, a, b, reg=reg, relax=(rho_a, rho_b))
    np.testing.assert_allclose(t.plan, plan, atol=1e-9)
    if min(rho_a, rho_b) < np.inf:
        np.testing.assert_allclose(t.potentials[0], u, atol=1e-6)
        np.testing.assert_allclose(t.potentials[1], v, atol=1e-6)


@pytest.mark.parametrize(("rho_a", "rho_b"), [(1.0, 1.0), (0.1, 3.0), (1e-3, 1e5), (np.inf, 2.0), (0.5, np.inf)])
@pytest.mark.parametrize("reg", [0.01, 2.0])
def test_between_two_diracs_the_mass_falls_exponentially_with_the_cost(rho_a, rho_b, reg):
    # Derivative of t C + (reg + ρ_a + ρ_b) (t log t - t + 1).
    t = unbalanced([[0.0, 0.0]], [[0.6, 0.8]], relax=(rho_a, rho_b), reg=reg)
    assert t.plan[0, 0] == pytest.approx(np.exp(-1 / (reg + rho_a + rho_b)), rel=1e-9)
    assert t.value == pytest.approx(t.plan[0, 0], rel=1e-13)


def test_mass_that_float64_cannot_hold_is_not_carried():
    far = unbalanced([[0.0]], [[1e3], [2e3]], relax=1.0, reg=0.1)
    assert not far.plan.any()
    assert far.gap == 0
    assert (far.potentials[0] > 400_000).all()


def test_exact_marginals_on_both_sides_are_sinkhorn_and_large_prices_come_near():
    a, b, C = random_problem(0, 8, 6)
    t, exact = sinkhorn(a, b, reg=0.1), unbalanced(a, b, relax=np.inf, reg=0.1)
    np.testing.assert_array_equal(exact.plan, t.plan)
    np.testing.assert_array_equal(exact.potentials[0], t.potentials[0])
    for rho in (1e4, 1e8):
        np.testing.assert_allclose(unbalanced(a, b, relax=rho, reg=0.1).plan, t.plan, atol=10 * C.max() / rho)


def test_low_prices_leave_the_kernel_itself():
    a, b, C = random_problem(1, 8, 6)
    t = unbalanced(a, b, relax=1e-9, reg=0.5)
    np.testing.assert_allclose(t.plan, np.outer(a.masses, b.masses) * np.exp(-C / 0.5), rtol=1e-7)


def test_a_plan_with_one_free_side_goes_to_the_nearest_points():
    a, b, C = random_problem(2, 30, 10)
    t = unbalanced(a, b, relax=(np.inf, 1e-6), reg=1e-4)
    np.testing.assert_allclose(t.plan.sum(axis=1), a.masses, rtol=1e-13)
    assert t.value == pytest.approx(a.masses @ C.min(axis=1), rel=1e-4)


@pytest.mark.parametrize(("relax", "reg"), [(1.0, 0.1), ((0.3, 5.0), 0.5), ((np.inf, 1.0), 0.2)])
def test_relaxed_plans_are_those_of_another_library(relax, reg):
    a, b, C = random_problem(4, 12, 9)
    other = ot.unbalanced.sinkhorn_unbalanced(
        a.masses, b.masses, C, reg, relax, reg_type="kl", numItermax=100_000, stopThr=1e-14
    )
    np.testing.assert_allclose(unbalanced(a, b, relax=relax, reg=reg).plan, other, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 8), st.integers(1, 8), st.floats(-9, 6))
def test_relaxed_plans_follow_exchange_order_shift_and_scale(seed, m, n, exponent):
    a, b, _ = random_problem(seed, m, n)
    generator, s = np.random.default_rng(seed), 10.0**exponent
    order, shift = generator.permutation(m), s * generator.normal(size=3)
    t, back = unbalanced(a, b, relax=(0.4, 2.0), reg=0.1), unbalanced(b, a, relax=(2.0, 0.4), reg=0.1)
    moved = [Measure(s * each.points + shift, each.masses) for each in (a, b)]
    scaled = unbalanced(*moved, relax=(0.4 * s**2, 2 * s**2), reg=0.1 * s**2)
    mixed = unbalanced(Measure(a.points[order], a.masses[order]), b, relax=(0.4, 2.0), reg=0.1)
    for plan in (back.plan.T, scaled.plan, mixed.plan[np.argsort(order)]):
        np.testing.assert_allclose(plan, t.plan, atol=1e-9)
    assert scaled.value == pytest.approx(s**2 * t.value, rel=1e-8)


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(-1, 1), st.floats(-1, 1), st.floats(-2, 1))
def test_the_mass_that_is_carried_tells_the_objective(seed, log_a, log_b, log_reg):
    # In the dual at its maximum, Σ_i a_i exp(-u_i / ρ_a), Σ_j b_j exp(-v_j / ρ_b) and Σ_ij T_ij are one mass.
    a, b, C = random_problem(seed, 6, 8)
    relax, reg = (10.0**log_a, 10.0**log_b), 10.0**log_reg
    T = unbalanced(a, b, relax=relax, reg=reg).plan
    assert objective(T, C, a.masses, b.masses, reg, relax) == pytest.approx(
        (1 - T.sum()) * (sum(relax) + reg), rel=1e-8
    )
    assert T.sum() < 1


def test_outliers_are_left_where_they_are():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(40, 2)), generator.normal(size=(40, 2))
    y[:4] += 100
    t = unbalanced(x, y, relax=2.0, reg=0.05)
    assert t.plan[:, :4].sum() < 1e-100
    assert t.plan.sum() > 0.5
    one_sided = unbalanced(x, y, relax=(np.inf, 2.0), reg=0.05)
    assert one_sided.plan[:, :4].sum() < 1e-100
    assert one_sided.plan.sum() == pytest.approx(1, rel=1e-14)
    assert one_sided.value < 0.01 * w2_squared(x, y)


@every_cost
def test_every_ground_cost_has_relaxed_and_partial_plans(cost):
    generator = np.random.default_rng(0)
    a, b = (Measure(generator.exponential(size=(k, 3)), generator.dirichlet(np.ones(k))) for k in (12, 9))
    C = cost_matrix(a, b, cost)
    reg, relax = 0.03 * C.mean(), (0.5 * C.mean(), 2 * C.mean())
    problem, t = (C, a.masses, b.masses, reg, relax), unbalanced(a, b, relax=relax, reg=reg, cost=cost)
    assert objective(t.plan, *problem) - dual(*t.potentials, *problem) == pytest.approx(0, abs=1e-9 * C.mean())
    assert_partial(partial(a, b, mass=0.6, cost=cost), C, a.masses, b.masses, 0.6)


@pytest.mark.parametrize("relax", [0, -1.0, np.nan, "much", None, (1.0,), (1.0, 2.0, 3.0), (1.0, 0), [1.0, "much"]])
def test_prices_that_are_not_positive_are_refused(relax):
    with pytest.raises(ValueError, match=r"relax: expected a positive number .*, or a pair of them, got"):
        unbalanced([[0.0]], [[1.0]], relax=relax, reg=1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reg": 0}, "reg: expected a positive finite number, got 0"),
        ({"reg": 1e-12}, "reg: the costs differ by .* times reg"),
        ({"reg": 1e-3, "iterations": 1}, "after 1 iterations the plan misses its marginals"),
        ({"reg": 1.0, "tol": -1}, "tol: expected a positive finite number, got -1"),
        ({"reg": 1.0, "cost": "earth"}, "unknown ground cost 'earth'"),
    ],
)
def test_options_that_make_no_relaxed_plan_are_refused(options, message):
    a, b, _ = random_problem(0, 20, 30)
    with pytest.raises(ValueError, match=message):
        unbalanced(a, b, relax=1.0, **options)


def test_negative_costs_that_make_infinite_mass_are_refused():
    with pytest.raises(ValueError, match="costs: negative ones make so much mass that it overflows; add a constant"):
        solve_entropic(np.array([[-1e4]]), np.ones(1), np.ones(1), reg=1.0, relax=(1.0, 1.0))


@pytest.mark.parametrize(("rho", "reg"), [(1e300, 1.0), (1.0, 1e12), (1e-12, 1.0), (1e-100, 1e-90), (1e300, 1e300)])
def test_extreme_prices_and_reg_give_the_plan_in_the_limit(rho, reg):
    a, b, C = random_problem(0, 3, 4)
    s = min(1.0, 1e6 * reg) ** 0.5  # keeps the costs within what reg resolves
    t = unbalanced(Measure(s * a.points, a.masses), Measure(s * b.points, b.masses), relax=rho, reg=reg)
    kernel = np.outer(a.masses, b.masses) * np.exp(-(s**2) * C / reg)
    expected = kernel if rho < reg else sinkhorn(a, b, reg=reg).plan
    np.testing.assert_allclose(t.plan, expected, atol=1e-9)


@pytest.mark.parametrize("relax", [1e-13, (1e-13, np.inf), 1e-310])
def test_prices_of_nothing_are_refused(relax):
    with pytest.raises(ValueError, match=r"relax: .* is nothing next to reg, 1.0e\+00; take at least 1e-12 of reg"):
        unbalanced([[0.0]], [[1.0]], relax=relax, reg=1.0)


# Partial


def assert_partial(t, C, a, b, mass):
    """A plan of that mass below the masses, feasible potentials, and the dual value that they prove."""
    size, (u, v) = np.abs(C).max(), t.potentials
    assert t.plan.sum() == pytest.approx(mass, rel=1e-6 if mass < 1e-6 else 1e-12)
    assert (t.plan.sum(axis=1) <= a + 1e-14).all()
    assert (t.plan.sum(axis=0) <= b + 1e-14).all()
    assert (t.plan >= 0).all()
    assert (C - u[:, None] - v).min() >= -1e-12 * size
    assert t.value == pytest.approx(np.sum(t.plan * C), rel=1e-11)
    proved = a @ u + b @ v - (1 - mass) * (u.max() + v.max())
    assert t.value - proved == pytest.approx(t.gap, abs=1e-12 * size)
    assert -1e-12 * size <= t.gap <= 1e-9 * abs(t.value) + 1e-12 * size
    if mass < 1:
        assert u.max() == pytest.approx(v.max(), abs=1e-12 * size)


masses = st.sampled_from([1e-9, 1e-5, 0.1, 0.3, 0.5, 0.9, 0.999, 1 - 1e-12, 1])


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 7), st.integers(1, 7), scales, masses, st.booleans())
def test_every_partial_plan_is_proved_and_costs_what_another_solver_finds(seed, m, n, scale, mass, ties):
    a, b, C = random_problem(seed, m, n, d=2, scale=scale, zeros=True)
    if ties:
        a, b = (Measure(scale * np.round(each.points / scale), each.masses) for each in (a, b))
        C = cdist(a.points, b.points, "sqeuclidean")
    t, unit = partial(a, b, mass=mass), C.max() or 1.0
    assert_partial(t, C, a.masses, b.masses, mass)
    sums = np.vstack([np.kron(np.eye(m), np.ones(n)), np.kron(np.ones(m), np.eye(n))])
    bounds = np.concatenate([a.masses, b.masses])
    other = linprog(C.ravel() / unit, A_ub=sums, b_ub=bounds, A_eq=np.ones((1, m * n)), b_eq=[mass])
    assert t.value == pytest.approx(other.fun * unit, abs=1e-8 * unit)


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 5), st.integers(0, 4))
def test_k_of_n_equal_masses_are_the_best_k_pairs(seed, n, left):
    k, generator = max(1, n - left), np.random.default_rng(seed)
    x, y = generator.integers(-3, 4, (n, 2)), generator.integers(-3, 4, (n, 2))
    C = cdist(x, y, "sqeuclidean")
    choices = itertools.product(itertools.combinations(range(n), k), itertools.permutations(range(n), k))
    best = min(C[rows, columns].sum() for rows, columns in choices)
    assert partial(x, y, mass=k / n).value == pytest.approx(best / n, abs=1e-12)


@pytest.mark.parametrize("mass", [0.2, 0.75, 0.99])
def test_partial_plans_cost_what_those_of_another_library_do(mass):
    a, b, C = random_problem(5, 15, 25)
    other = ot.partial.partial_wasserstein(a.masses, b.masses, C, m=mass)
    assert partial(a, b, mass=mass).value == pytest.approx(np.sum(other * C), rel=1e-9)


def test_all_of_the_mass_is_transport():
    a, b, _ = random_problem(6, 9, 7)
    whole, t, most = partial(a, b, mass=1), transport(a, b), partial(a, b, mass=1 - 1e-9)
    np.testing.assert_array_equal(whole.plan, t.plan)
    np.testing.assert_array_equal(whole.potentials[0], t.potentials[0])
    assert (whole.value, whole.gap) == (t.value, t.gap)
    assert most.value == pytest.approx(t.value, rel=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_the_value_is_convex_in_the_mass_and_its_slope_is_the_price(seed):
    a, b, _ = random_problem(seed, 9, 7)
    shares = np.linspace(0.05, 0.95, 19)
    plans = [partial(a, b, mass=share) for share in shares]
    values, prices = np.array([t.value for t in plans]), np.array([2 * t.potentials[0].max() for t in plans])
    slopes = np.diff(values) / np.diff(shares)
    assert (slopes > 0).all()
    assert (np.diff(slopes) >= -1e-9).all()
    assert (prices[:-1] <= slopes + 1e-9).all()
    assert (slopes <= prices[1:] + 1e-9).all()


def test_the_cheapest_mass_goes_first_and_outliers_stay():
    a, b = Measure([[0.0], [10.0]], [0.5, 0.5]), Measure([[1.0], [13.0]], [0.5, 0.5])
    for mass, value in ((0.2, 0.2), (0.5, 0.5), (0.7, 0.5 + 0.2 * 9), (1.0, 5.0)):
        assert partial(a, b, mass=mass).value == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(partial(a, b, mass=0.7).plan, [[0.5, 0], [0, 0.2]], atol=1e-15)
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(40, 2)), generator.normal(size=(40, 2))
    y[:4] += 1e4
    assert not partial(x, y, mass=0.9).plan[:, :4].any()


def test_measures_that_overlap_by_the_mass_are_at_distance_zero():
    x = np.random.default_rng(0).normal(size=(10, 2))
    y = np.vstack([x[:6], 50 + x[6:]])
    assert partial(x, y, mass=0.6).value == 0
    assert partial(x, y, mass=0.7).value > 100


@pytest.mark.parametrize("mass", [0.3, 1.0])
def test_partial_plans_of_points_that_are_all_alike_cost_nothing(mass):
    t = partial(np.ones((4, 2)), np.ones((3, 2)), mass=mass)
    assert (t.value, t.gap) == (0, 0)
    assert t.plan.sum() == pytest.approx(mass, rel=1e-14)


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(-9, 6), st.floats(0.1, 1))
def test_partial_values_follow_exchange_shift_and_scale(seed, exponent, mass):
    a, b, _ = random_problem(seed, 6, 9)
    s, shift = 10.0**exponent, np.random.default_rng(seed).normal(size=3)
    moved = [Measure(s * (each.points + shift), each.masses) for each in (a, b)]
    value = partial(a, b, mass=mass).value
    assert partial(*moved, mass=mass).value == pytest.approx(s**2 * value, rel=1e-9)
    assert partial(b, a, mass=mass).value == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize("mass", [0, -0.5, 1.01, np.nan, np.inf, 1e-10, "half", None])
def test_masses_that_cannot_be_carried_are_refused(mass):
    with pytest.raises(ValueError, match="mass: expected the share of the mass to carry, from 1e-09 to 1, got"):
        partial([[0.0]], [[1.0]], mass=mass)


@pytest.mark.parametrize(
    "function", [lambda a, b: partial(a, b, mass=0.5), lambda a, b: unbalanced(a, b, relax=1, reg=1)]
)
def test_measures_that_cannot_be_compared_are_refused(function):
    with pytest.raises(ValueError, match="points of dimension 1 and 2 cannot be compared"):
        function([[0.0]], [[0.0, 1.0]])
    with pytest.raises(ValueError, match=r"a: expected shape \[n, d\]"):
        function([0.0, 1.0], [[0.0]])
    with pytest.raises(ValueError, match="b: NaN or infinite values"):
        function([[0.0]], [[np.nan]])
