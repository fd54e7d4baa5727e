import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ot_toys import random_measure, random_problem
from scipy.spatial.distance import cdist
from scipy.special import rel_entr

from wddkit.ot import Measure, transport
from wddkit.ot.costs import COSTS, LinearMap, cost_matrix
from wddkit.ot.divergence import self_potential, sinkhorn_divergence
from wddkit.ot.entropic import sinkhorn, solve_entropic
from wddkit.ot.plan import solve

seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1e-9, 1e-5, 1.0, 1e6])
every_cost = pytest.mark.parametrize("cost", [*COSTS, LinearMap(np.diag([1.0, 2.0, 0.5]))], ids=str)


class Table:
    """Costs looked up: the points are row numbers."""

    shifts = False

    def __init__(self, table):
        self.table = np.asarray(table, float)

    def fitted(self, points):
        return self

    def against(self, points):
        return lambda y: self.table[np.ix_(y[:, 0].astype(int), points[:, 0].astype(int))]

    def update(self, plan, points, support):
        raise NotImplementedError  # plans alone are looked at: no support moves


def entropy(T, a, b):
    """KL(T | a b^T) of a plan of mass 1."""
    return rel_entr(T, np.outer(a, b)).sum()


def gibbs(t, C, a, b, reg):
    u, v = t.potentials
    with np.errstate(divide="ignore"):
        return np.exp(np.log(a)[:, None] + np.log(b) + (u[:, None] + v - C) / reg)


def assert_entropic(t, C, a, b, reg):
    """Exact marginals, the form of the optimum, and objective - dual = gap, all computed anew."""
    size = np.abs(C).max() + reg
    u, v = t.potentials
    np.testing.assert_allclose(t.plan.sum(axis=1), a, atol=1e-14)
    np.testing.assert_allclose(t.plan.sum(axis=0), b, atol=1e-14)
    assert (t.plan >= 0).all()
    assert np.abs(t.plan - gibbs(t, C, a, b, reg)).sum() <= 1e-9 + 1e-14 * size / reg  # rounding of exponents
    assert t.value == pytest.approx(np.sum(t.plan * C), rel=1e-11)
    objective, dual = t.value + reg * entropy(t.plan, a, b), a @ u + b @ v
    assert objective - dual == pytest.approx(t.gap, abs=1e-12 * size)
    assert 0 <= t.gap <= (1e-9 + 1e-15 * size / reg) * size  # as above
    assert a @ u == pytest.approx(b @ v, abs=1e-13 * size)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), scales, st.floats(-4, 3))
def test_every_plan_comes_with_its_proof(seed, m, n, d, scale, exponent):
    a, b, C = random_problem(seed, m, n, d=d, scale=scale, zeros=True)
    reg = 10.0**exponent * C.mean()
    assert_entropic(sinkhorn(a, b, reg=reg), C, a.masses, b.masses, reg)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 8), st.integers(1, 8), st.floats(-2, 2))
def test_a_problem_built_from_its_answer_gives_the_answer(seed, m, n, exponent):
    # A plan and potentials are drawn first; the costs are those for which that plan has the form of the optimum.
    generator, reg = np.random.default_rng(seed), 10.0**exponent
    plan = generator.dirichlet(np.ones(m * n)).reshape(m, n) + 1e-9
    plan /= plan.sum()
    a, b, u, v = plan.sum(axis=1), plan.sum(axis=0), generator.normal(size=m), generator.normal(size=n)
    C = u[:, None] + v - reg * np.log(plan / np.outer(a, b))
    t = solve_entropic(C, a, b, reg=reg)
    np.testing.assert_allclose(t.plan, plan, rtol=1e-8, atol=1e-10)
    half = (b @ v - a @ u) / 2
    np.testing.assert_allclose(t.potentials[0], u + half, atol=1e-8 * (1 + reg))
    np.testing.assert_allclose(t.potentials[1], v - half, atol=1e-8 * (1 + reg))


# Closed forms


@pytest.mark.parametrize("reg", [1e-6, 1.0, 1e6])
def test_two_diracs_are_their_cost_apart_whatever_reg(reg):
    t = sinkhorn([[0, 0]], [[3, 4]], reg=reg)
    assert (t.value, t.gap) == (25, 0)
    assert t.potentials == (12.5, 12.5)


@pytest.mark.parametrize("reg", [1e-3, 1.0, 1e3])
def test_to_a_dirac_there_is_one_plan(reg):
    points = np.random.default_rng(0).normal(size=(50, 3))
    t = sinkhorn(points, [[1, 2, 3]], reg=reg)
    np.testing.assert_allclose(t.plan[:, 0], 1 / 50, rtol=1e-14)
    assert t.value == pytest.approx(np.mean(((points - [1, 2, 3]) ** 2).sum(axis=1)))


@pytest.mark.parametrize("reg", [0.01, 0.3, 1.0, 50.0])
def test_between_two_equal_pairs_the_mass_that_stays_is_a_logistic_function(reg):
    t = sinkhorn([[0.0], [1.0]], [[0.0], [1.0]], reg=reg)
    stays = 0.5 / (1 + np.exp(-1 / reg))
    np.testing.assert_allclose(t.plan, [[stays, 0.5 - stays], [0.5 - stays, stays]], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("s", "r", "shift", "reg"), [(1, 1, 0, 1.0), (1, 0.6, 2, 0.5), (0.5, 1.3, -1, 3.0)])
def test_gaussians_on_a_line_have_the_gaussian_plan(s, r, shift, reg):
    # Of Gaussian plans with covariance c, (s - r)² + shift² + 2 (s r - c) - reg/2 log(1 - c²/(s r)²) is least where
    # c² + reg/2 c = (s r)² (Janati et al. 2020, theorem 1). Sums over a fine grid are as exact as float64.
    grid = np.linspace(-12, 12, 241)
    a, b = np.exp(-((grid / s) ** 2) / 2), np.exp(-(((grid - shift) / r) ** 2) / 2)
    t = sinkhorn(Measure(grid[:, None], a / a.sum()), Measure(grid[:, None], b / b.sum()), reg=reg)
    c = -reg / 4 + np.sqrt(reg**2 / 16 + (s * r) ** 2)
    value = s**2 + r**2 + shift**2 - 2 * c
    assert t.value == pytest.approx(value, rel=1e-7)
    assert grid @ t.plan @ (grid - shift) == pytest.approx(c, rel=1e-7)
    least = float(t.plan.sum(axis=1) @ t.potentials[0] + t.plan.sum(axis=0) @ t.potentials[1])
    assert least == pytest.approx(value - reg / 2 * np.log(1 - (c / (s * r)) ** 2), rel=1e-7)


# Limits


@pytest.mark.parametrize("seed", range(3))
def test_plans_lead_from_the_optimal_one_to_the_independent_one(seed):
    a, b, C = random_problem(seed, 20, 30)
    best = solve(C, a.masses, b.masses)
    regs = C.mean() * np.geomspace(1e-6, 1e6, 13)
    plans = [sinkhorn(a, b, reg=reg) for reg in regs]
    values, bits = [t.value for t in plans], [entropy(t.plan, a.masses, b.masses) for t in plans]
    assert (np.diff(values) >= -1e-8).all()
    assert (np.diff(bits) <= 1e-7).all()
    for reg, t in zip(regs, plans, strict=True):
        # reg (KL of any plan - KL of this one) is the most that the other can be cheaper.
        assert 0 <= t.value - best.value + 1e-13 <= reg * entropy(best.plan, a.masses, b.masses) + t.gap + 1e-12
    assert values[0] == pytest.approx(best.value, rel=1e-5)
    np.testing.assert_allclose(plans[-1].plan, np.outer(a.masses, b.masses), rtol=1e-4)
    far = sinkhorn(a, b, reg=1e300)
    np.testing.assert_allclose(far.plan, np.outer(a.masses, b.masses), rtol=1e-14)
    assert a.masses @ far.potentials[0] + b.masses @ far.potentials[1] == pytest.approx(far.value, rel=1e-13)


@pytest.mark.parametrize("reg", [0.02, 0.2, 2.0])
def test_plans_are_those_of_another_library(reg):
    a, b, C = random_problem(4, 20, 30)
    other = ot.sinkhorn(a.masses, b.masses, C, reg, method="sinkhorn_log", numItermax=100_000, stopThr=1e-12)
    np.testing.assert_allclose(sinkhorn(a, b, reg=reg).plan, other, atol=1e-10)


# Laws


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 9), st.integers(1, 9))
def test_exchanging_and_reordering_the_measures_exchanges_and_reorders_the_plan(seed, m, n):
    a, b, C = random_problem(seed, m, n)
    reg, order = 0.05 * C.mean(), np.random.default_rng(seed).permutation(m)
    t, back = sinkhorn(a, b, reg=reg), sinkhorn(b, a, reg=reg)
    mixed = sinkhorn(Measure(a.points[order], a.masses[order]), b, reg=reg)
    np.testing.assert_allclose(back.plan.T, t.plan, atol=1e-9)
    np.testing.assert_allclose(mixed.plan, t.plan[order], atol=1e-9)
    assert back.plan.flags["C_CONTIGUOUS"]
    for mine, theirs in zip(t.potentials, back.potentials[::-1], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(-9, 6), st.integers(1, 4), st.floats(-3, 1))
def test_plans_follow_scale_rotation_and_shift_when_reg_does(seed, exponent, d, log_reg):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, 6, d), random_measure(generator, 9, d)
    s, Q, reg = 10.0**exponent, np.linalg.qr(generator.normal(size=(d, d)))[0], 10.0**log_reg
    shift = s * generator.normal(size=d)
    moved = [Measure(s * each.points @ Q + shift, each.masses) for each in (a, b)]
    t, other = sinkhorn(a, b, reg=reg), sinkhorn(*moved, reg=s**2 * reg)
    assert other.value == pytest.approx(s**2 * t.value, rel=1e-8)
    np.testing.assert_allclose(other.plan, t.plan, atol=1e-9)


@pytest.mark.parametrize("offset", [-1e8, -10, 1e8])
def test_constants_of_rows_and_columns_do_not_matter(offset):
    a, b, C = random_problem(0, 7, 9)
    rows, columns = np.arange(7.0), np.arange(9.0)
    t = solve_entropic(C, a.masses, b.masses, reg=0.1)
    moved = solve_entropic(C + offset + rows[:, None] + columns, a.masses, b.masses, reg=0.1)
    np.testing.assert_allclose(moved.plan, t.plan, atol=1e-6 if abs(offset) > 10 else 1e-10)
    assert_entropic(moved, C + offset + rows[:, None] + columns, a.masses, b.masses, 0.1)


@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e-14, 1e12, 1e300])
def test_the_scale_of_costs_does_not_matter(scale):
    a, b, C = random_problem(0, 7, 9)
    t, scaled = (solve_entropic(k * C, a.masses, b.masses, reg=0.1 * k) for k in (1, scale))
    np.testing.assert_allclose(scaled.plan, t.plan, atol=1e-13)
    assert scaled.value / scale == pytest.approx(t.value, rel=1e-9)


def test_an_atom_split_in_two_shares_its_plan():
    a, b, _ = random_problem(1, 5, 8)
    points, masses = np.vstack([a.points, a.points[:1]]), np.append(a.masses, a.masses[0] / 3)
    masses[0] *= 2 / 3
    t, split = sinkhorn(a, b, reg=0.2), sinkhorn(Measure(points, masses), b, reg=0.2)
    np.testing.assert_allclose(split.plan[[0, 5]], np.outer([2 / 3, 1 / 3], t.plan[0]), atol=1e-10)
    assert split.value == pytest.approx(t.value, rel=1e-9)


@every_cost
def test_every_ground_cost_has_its_plans(cost):
    generator = np.random.default_rng(0)
    a, b = (Measure(generator.exponential(size=(k, 3)), generator.dirichlet(np.ones(k))) for k in (12, 9))
    C = cost_matrix(a, b, cost)
    reg = 0.03 * C.mean()
    assert_entropic(sinkhorn(a, b, reg=reg, cost=cost), C, a.masses, b.masses, reg)
    near = sinkhorn(a, b, reg=1e-5 * C.mean(), cost=cost)
    assert near.value == pytest.approx(transport(a, b, cost=cost).value, rel=1e-3)


def test_transport_with_reg_is_this_plan():
    a, b, _ = random_problem(2, 6, 7)
    t, other = sinkhorn(a, b, reg=0.3, cost="l1"), transport(a, b, cost="l1", reg=0.3)
    np.testing.assert_array_equal(other.plan, t.plan)
    assert (other.value, other.gap) == (t.value, t.gap)
    assert transport(a, b, cost="l1").value < t.value


# Hard and degenerate problems


@pytest.mark.parametrize("rel", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("case", ["clusters", "line", "itself", "grid", "masses"])
def test_small_reg_is_solved_in_few_iterations(case, rel):
    # Sinkhorn's updates alone take 1 / rel and more.
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(60, 2)), generator.normal(size=(40, 2))
    a, b = np.full(60, 1 / 60), np.full(40, 1 / 40)
    if case == "clusters":
        x[30:] += 20
        y[20:] += 20
    elif case == "line":
        x, y = np.sort(x[:, :1], axis=0), y[:, :1]
    elif case == "itself":
        y, b = x[::-1], a
    elif case == "grid":
        x, y = np.round(x), np.round(y)  # duplicates and ties
    else:
        a, b = generator.dirichlet(np.full(60, 0.1)), generator.dirichlet(np.full(40, 0.1))  # from 1 down to 1e-15
    C = cdist(x, y, "sqeuclidean")
    t = sinkhorn(Measure(x, a), Measure(y, b), reg=rel * C.mean(), iterations=200)
    assert_entropic(t, C, a, b, rel * C.mean())


def test_one_point_far_from_all_others_leaves_the_others_their_digits():
    a, b, _ = random_problem(0, 8, 9)
    points = a.points.copy()
    points[0, 0] += 1e6  # costs 1e12: all alike but for 1e6
    C = cost_matrix(points, b.points, "sqeuclidean")
    t = sinkhorn(Measure(points, a.masses), b, reg=0.05)
    assert_entropic(t, C, a.masses, b.masses, 0.05)
    # The far point takes what is farthest in its direction.
    taken = t.plan[0] @ b.points[:, 0] / a.masses[0]
    assert taken > b.masses @ b.points[:, 0] + 0.5


def test_masses_of_zero_get_empty_rows_and_the_potentials_of_their_place():
    a, b, C = random_problem(3, 6, 8)
    masses = np.append(np.delete(a.masses, 2) / (1 - a.masses[2]), 0)
    points = np.vstack([np.delete(a.points, 2, axis=0), a.points[2]])
    t, rest = sinkhorn(Measure(points, masses), b, reg=0.1), sinkhorn(Measure(points[:5], masses[:5]), b, reg=0.1)
    np.testing.assert_allclose(t.plan[:5], rest.plan, atol=1e-10)
    assert not t.plan[5].any()
    # What a little mass there would get: the smoothed least of C - v.
    u, v = t.potentials
    expected = -0.1 * np.log(b.masses @ np.exp((v - C[2]) / 0.1))
    assert u[5] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("constant", [0.0, 3.5, -2.0])
@pytest.mark.parametrize("reg", [1e-9, 1.0, 1e9])
def test_constant_costs_give_the_independent_plan(constant, reg):
    a, b = np.random.default_rng(0).dirichlet(np.ones(5)), np.random.default_rng(1).dirichlet(np.ones(8))
    t = solve_entropic(np.full((5, 8), constant), a, b, reg=reg)
    np.testing.assert_allclose(t.plan, np.outer(a, b), rtol=1e-14)
    assert t.value == pytest.approx(constant)
    assert t.gap <= 1e-15 * reg


def test_inputs_stay_unchanged_and_the_answer_is_the_same_bits():
    a, b, C = random_problem(0, 7, 9)
    copy = C.copy()
    first, again = (solve_entropic(C, a.masses, b.masses, reg=0.1) for _ in range(2))
    np.testing.assert_array_equal(C, copy)
    np.testing.assert_array_equal(first.plan, again.plan)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reg": 0}, "reg: expected a positive finite number, got 0"),
        ({"reg": -1.0}, "reg: expected a positive finite number, got -1.0"),
        ({"reg": np.nan}, "reg: expected a positive finite number, got nan"),
        ({"reg": np.inf}, "reg: expected a positive finite number, got inf"),
        ({"reg": True}, "reg: expected a positive finite number, got True"),
        ({"reg": "small"}, "reg: expected a positive finite number, got 'small'"),
        ({"reg": None}, "reg: expected a positive finite number, got None"),
        ({"reg": 1, "tol": 0}, "tol: expected a positive finite number, got 0"),
        ({"reg": 1, "iterations": 0}, "iterations: expected a whole number of at least 1, got 0"),
        ({"reg": 1, "cost": "sqeuclid"}, "unknown ground cost 'sqeuclid'. Did you mean 'sqeuclidean'"),
        ({"reg": 1e-12}, r"reg: the costs differ by .*e\+1. times reg, and float64 resolves 1e\+09; .* do without reg"),
        ({"reg": 1e-320}, "reg: the costs differ by inf times reg"),
        (
            {"reg": 1e-3, "iterations": 1},
            r"after 1 iterations the plan misses its marginals by .*, and tol is 1e-10; take a larger reg .*, more it",
        ),
    ],
)
def test_options_that_make_no_plan_are_refused(options, message):
    a, b, _ = random_problem(0, 20, 30)
    with pytest.raises(ValueError, match=message):
        sinkhorn(a, b, **options)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([[0.0]], [[0.0, 1.0]], "points of dimension 1 and 2"),
        ([0.0, 1.0], [[1.0]], r"a: expected shape \[n, d\], got \(2,\)"),
        ([[0.0]], [[np.nan]], "b: NaN or infinite values"),
        ([[0.0]], [], "b: expected shape"),
        ([[0.0]], [[1e200]], "the largest coordinate is 1.0e.200: its square leaves the range"),
    ],
)
@pytest.mark.parametrize("function", [sinkhorn, sinkhorn_divergence])
def test_measures_that_cannot_be_compared_are_refused(function, a, b, message):
    with pytest.raises(ValueError, match=message):
        function(a, b, reg=1.0)


@pytest.mark.parametrize(
    ("C", "a", "message"),
    [
        ([[0, np.nan]], [1], "costs: NaN or infinite values in 1 of 1 rows"),
        ([[0, 1]], [0.5], "masses of a: must sum to 1, found 0.5"),
        ([[0, 1]], [0.5, 0.5], "masses of a: expected 1 masses"),
    ],
)
def test_costs_and_masses_without_a_plan_are_refused(C, a, message):
    with pytest.raises(ValueError, match=message):
        solve_entropic(np.array(C), np.array(a), np.array([0.5, 0.5]), reg=1.0)


# Divergence


def least(C, a, b, reg):
    """The least objective, from the plan."""
    T = solve_entropic(C, a, b, reg=reg).plan
    return np.sum(T * C) + reg * entropy(T, a, b)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 10), st.integers(1, 10), st.floats(-3, 2))
def test_the_divergence_is_what_its_formula_says_symmetric_and_positive(seed, m, n, exponent):
    a, b, C = random_problem(seed, m, n, zeros=True)
    reg, (x, p), (y, q) = 10.0**exponent, (a.points, a.masses), (b.points, b.masses)
    own = [least(cdist(z, z, "sqeuclidean"), w, w, reg) for z, w in ((x, p), (y, q))]
    S = sinkhorn_divergence(a, b, reg=reg)
    assert pytest.approx(least(C, p, q, reg) - sum(own) / 2, abs=1e-8) == S
    assert sinkhorn_divergence(b, a, reg=reg) == pytest.approx(S, abs=1e-12)
    assert S > 0


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 30), scales, st.floats(-4, 2))
def test_a_measure_is_at_divergence_zero_from_itself_and_t_squared_from_itself_moved_by_t(seed, n, scale, exponent):
    # Under squared distances, moving by t adds |t|² to the cost of every plan, and 2 t·(x - y), which sums to 0.
    generator = np.random.default_rng(seed)
    a, t, order = random_measure(generator, n, 2), scale * generator.normal(size=2), generator.permutation(n)
    x, reg = scale * a.points, 10.0**exponent * scale**2
    mixed = sinkhorn_divergence(Measure(x, a.masses), Measure(x[order], a.masses[order]), reg=reg)
    assert 0 <= mixed <= 1e-12 * scale**2
    moved = sinkhorn_divergence(Measure(x, a.masses), Measure(x + t, a.masses), reg=reg)
    assert moved == pytest.approx(t @ t, rel=1e-7, abs=1e-11 * scale**2)


@pytest.mark.parametrize("reg", [1e-6, 1.0, 1e12])
def test_the_divergence_of_two_diracs_is_their_cost(reg):
    assert sinkhorn_divergence([[0.0, 0.0]], [[3.0, 4.0]], reg=reg) == pytest.approx(25, rel=1e-14)
    assert sinkhorn_divergence([[0.0, 0.0]], [[3.0, 4.0]], reg=reg, cost="l2") == pytest.approx(5, rel=1e-14)


def test_the_divergence_leads_from_transport_to_half_the_kernel_distance():
    a, b, _ = random_problem(5, 30, 20)
    assert sinkhorn_divergence(a, b, reg=1e-5) == pytest.approx(transport(a, b).value, rel=1e-4)
    means = a.masses @ a.points - b.masses @ b.points
    for reg in (1e6, 1e10, 1e14):
        assert sinkhorn_divergence(a, b, reg=reg) == pytest.approx(means @ means, rel=1e-4)
    between = a.masses @ cdist(a.points, b.points) @ b.masses
    own = [each.masses @ cdist(each.points, each.points) @ each.masses for each in (a, b)]
    energy = between - sum(own) / 2
    assert sinkhorn_divergence(a, b, reg=1e10, cost="l2") == pytest.approx(energy, rel=1e-8)


@pytest.mark.parametrize("cost", [name for name in COSTS if name != "kl"])
@pytest.mark.parametrize("rel", [1e-3, 0.1, 10.0])
def test_every_symmetric_cost_has_a_positive_divergence(cost, rel):
    generator = np.random.default_rng(0)
    x, y = generator.exponential(size=(15, 3)), generator.exponential(size=(20, 3))
    reg = rel * cost_matrix(x, y, cost).mean()
    close = sinkhorn_divergence(x, x * (1 + 1e-2 * generator.normal(size=x.shape)), reg=reg, cost=cost)
    assert 0 < close < sinkhorn_divergence(x, y, reg=reg, cost=cost)
    assert sinkhorn_divergence(x, x, reg=reg, cost=cost) <= 1e-12


def test_a_cost_that_is_not_symmetric_has_no_divergence():
    for a, b, cost in ([[1.0, 2.0]], [[2.0, 1.5]], "kl"), ([[0]], [[1]], Table([[0, 1], [2, 0]])):
        with pytest.raises(
            ValueError, match=r"cost .* is not symmetric, .* take transport\(a, b, reg=.*\).value, or a symmetr"
        ):
            sinkhorn_divergence(a, b, reg=1.0, cost=cost)


def test_a_cost_without_a_positive_kernel_may_be_negative_and_is_not_hidden():
    # Distant points are cheap: exp(-C / reg) = [[1, e], [e, 1]] has the eigenvalue 1 - e.
    assert sinkhorn_divergence([[0]], [[1]], reg=1.0, cost=Table([[0, -1], [-1, 0]])) == -1


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 30), st.integers(1, 4), scales, st.floats(-8, 4))
def test_a_measure_has_one_potential_to_itself_with_its_marginals_and_its_least_objective(seed, n, d, scale, exponent):
    a, _, _ = random_problem(seed, n, 1, d=d, scale=scale, zeros=True)
    C = cdist(a.points, a.points, "sqeuclidean")
    reg = 10.0**exponent * (C.mean() or 1.0)
    u = self_potential(C, a.masses, reg)
    with np.errstate(divide="ignore"):
        T = np.exp(np.log(a.masses)[:, None] + np.log(a.masses) + (u[:, None] + u - C) / reg)
    assert np.abs(T.sum(axis=1) - a.masses).sum() <= 1e-10
    # Any plan is above 2 Σ_i a_i u_i, and the one found otherwise is above the least by its gap alone.
    found = solve_entropic(C, a.masses, a.masses, reg=reg)
    objective = found.value + reg * entropy(found.plan, a.masses, a.masses)
    assert -1e-12 <= (objective - 2 * a.masses @ u) / (C.max() + reg) <= 1e-9 + 1e-15 * C.max() / reg


@pytest.mark.parametrize("cost", ["sqeuclidean", "l2", "l1"])
def test_the_plan_to_itself_takes_few_steps_at_any_reg(cost, monkeypatch):
    # Two steps leave an eighth of the error: 2 log(1e10) / log(8) = 22.1, and the start may be above 1.
    monkeypatch.setattr("wddkit.ot.divergence.ITERATIONS", 26)
    a, _, _ = random_problem(0, 60, 1)
    C = cost_matrix(a.points, a.points, cost)
    for rel in np.geomspace(1e-8, 1e8, 33):
        self_potential(C, a.masses, rel * C.mean())


def test_costs_without_a_positive_kernel_have_their_plan_too():
    half = np.random.default_rng(0).uniform(size=(20, 20))
    C, a = half + half.T, np.full(20, 1 / 20)
    assert np.linalg.eigvalsh(np.exp(-C / 0.1)).min() < 0
    u = self_potential(C, a, 0.1)
    np.testing.assert_allclose(np.exp((u[:, None] + u - C) / 0.1).sum(axis=1) / 400, a, rtol=1e-9)
    assert 2 * a @ u == pytest.approx(least(C, a, a, 0.1), abs=1e-9)


def test_a_plan_to_itself_that_was_not_finished_is_refused(monkeypatch):
    monkeypatch.setattr("wddkit.ot.divergence.ITERATIONS", 1)
    with pytest.raises(ValueError, match=r"a measure's plan to itself misses its marginals by .* after 1 iterations"):
        sinkhorn_divergence([[0.0], [1.0]], [[0.0], [2.0]], reg=1.0)
