import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial.distance import cdist

from wddkit.ot import Measure, top_plan, transport, w2_squared
from wddkit.ot.costs import sqeuclidean
from wddkit.ot.plan import solve

seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1e-9, 1e-5, 1.0, 1e6])


def random_measure(generator, n, d, *, zeros=False):
    masses = generator.dirichlet(np.ones(n))
    if zeros and n > 1:
        masses[generator.integers(n)] = 0
    return Measure(generator.normal(size=(n, d)), masses / masses.sum())


def assert_certified(t, C, a, b):
    size = np.abs(C).max()
    u, v = t.potentials
    np.testing.assert_allclose(t.plan.sum(axis=1), a, atol=1e-12)
    np.testing.assert_allclose(t.plan.sum(axis=0), b, atol=1e-12)
    assert (t.plan >= 0).all()
    assert (C - u[:, None] - v).min() >= -1e-12 * size
    assert -1e-12 * size <= t.gap <= 1e-9 * abs(t.value) + 1e-13 * size
    assert t.value - (a @ u + b @ v) == pytest.approx(t.gap, abs=1e-12 * size)
    assert a @ u == pytest.approx(b @ v, abs=1e-12 * size)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), scales)
def test_every_plan_comes_with_its_proof(seed, m, n, d, scale):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, m, d, zeros=True), random_measure(generator, n, d, zeros=True)
    a, b = Measure(scale * a.points, a.masses), Measure(scale * b.points, b.masses)
    t = transport(a, b)
    assert_certified(t, cdist(a.points, b.points, "sqeuclidean"), a.masses, b.masses)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 8), st.integers(1, 8))
def test_a_problem_built_from_its_answer_gives_the_answer(seed, m, n):
    # Potentials and a plan are drawn first; costs are u + v on the plan's entries, and above it elsewhere.
    generator = np.random.default_rng(seed)
    plan = generator.random((m, n)) * (generator.random((m, n)) < 0.4)
    plan[generator.integers(m), generator.integers(n)] += 1
    plan /= plan.sum()
    u, v = generator.normal(size=m), generator.normal(size=n)
    C = u[:, None] + v + generator.random((m, n)) * (plan == 0)
    t = solve(C, plan.sum(axis=1), plan.sum(axis=0))
    assert t.value == pytest.approx(np.sum(plan * C), abs=1e-13)
    assert_certified(t, C, plan.sum(axis=1), plan.sum(axis=0))


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 6), st.integers(1, 3))
def test_equal_masses_are_matched_as_the_best_of_all_permutations(seed, n, d):
    generator = np.random.default_rng(seed)
    x, y = generator.integers(-3, 4, (n, d)), generator.integers(-3, 4, (n, d))  # integers: many ties
    C = cdist(x, y, "sqeuclidean")
    best = min(C[range(n), order].mean() for order in itertools.permutations(range(n)))
    assert w2_squared(x, y) == pytest.approx(best, abs=1e-13)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 200))
def test_on_a_line_the_sorted_points_are_matched(seed, n):
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=n), generator.exponential(size=n)
    expected = np.mean((np.sort(x) - np.sort(y)) ** 2)
    assert w2_squared(x[:, None], y[:, None]) == pytest.approx(expected, rel=1e-12)


def test_a_plan_costs_what_another_solver_finds():
    generator = np.random.default_rng(3)
    a, b = random_measure(generator, 7, 3), random_measure(generator, 11, 3)
    C = cdist(a.points, b.points, "sqeuclidean")
    sums = np.vstack([np.kron(np.eye(7), np.ones(11)), np.kron(np.ones(7), np.eye(11))])
    other = linprog(C.ravel(), A_eq=sums, b_eq=np.concatenate([a.masses, b.masses]))
    assert transport(a, b).value == pytest.approx(other.fun, rel=1e-9)


def test_two_diracs_are_their_squared_distance_apart():
    assert w2_squared([[0, 0]], [[3, 4]]) == 25


def test_to_a_dirac_the_cost_is_the_mean_squared_distance():
    points = np.random.default_rng(0).normal(size=(50, 3))
    assert w2_squared(points, [[1, 2, 3]]) == pytest.approx(np.mean(((points - [1, 2, 3]) ** 2).sum(axis=1)))


def test_a_measure_is_at_distance_zero_from_itself():
    points = 1e4 + np.random.default_rng(0).normal(size=(40, 5))
    t = transport(points, points[::-1])
    assert t.value == 0
    assert t.gap == 0


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(-9, 6), st.integers(1, 4))
def test_distance_follows_scale_rotation_and_shift(seed, exponent, d):
    generator = np.random.default_rng(seed)
    a, b = random_measure(generator, 6, d), random_measure(generator, 9, d)
    s, Q = 10.0**exponent, np.linalg.qr(generator.normal(size=(d, d)))[0]
    shift = s * generator.normal(size=d)
    moved = transport(Measure(s * a.points @ Q + shift, a.masses), Measure(s * b.points @ Q + shift, b.masses))
    t = transport(a, b)
    assert moved.value / s**2 == pytest.approx(t.value, rel=1e-11)
    np.testing.assert_allclose(moved.plan, t.plan, atol=1e-12)


def test_shifting_one_measure_adds_the_difference_of_means():
    generator = np.random.default_rng(1)
    a, b = random_measure(generator, 6, 3), random_measure(generator, 9, 3)
    means, shift = a.masses @ a.points - b.masses @ b.points, np.array([5.0, -2, 1])
    moved = w2_squared(Measure(a.points + shift, a.masses), b)
    assert moved == pytest.approx(w2_squared(a, b) + shift @ shift + 2 * shift @ means, rel=1e-12)


def test_distance_is_symmetric_and_blind_to_order_and_to_split_atoms():
    generator = np.random.default_rng(2)
    a, b = random_measure(generator, 6, 3), random_measure(generator, 9, 3)
    value, order = w2_squared(a, b), generator.permutation(6)
    split_masses = np.append(a.masses, a.masses[0] / 3)
    split_masses[0] *= 2 / 3
    split = Measure(np.vstack([a.points, a.points[:1]]), split_masses)
    assert w2_squared(b, a) == pytest.approx(value, rel=1e-13)
    assert w2_squared(Measure(a.points[order], a.masses[order]), b) == pytest.approx(value, rel=1e-13)
    assert w2_squared(split, b) == pytest.approx(value, rel=1e-13)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_distances_keep_the_triangle_inequality(seed):
    generator = np.random.default_rng(seed)
    a, b, c = (random_measure(generator, n, 2) for n in (4, 5, 6))
    assert w2_squared(a, c) ** 0.5 <= w2_squared(a, b) ** 0.5 + w2_squared(b, c) ** 0.5 + 1e-12


@pytest.mark.parametrize("scale", [1e-9, 1e-5, 1, 1e6])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_squared_distances_keep_their_digits_at_any_scale_and_offset(scale, offset):
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(20, 30)) + offset, generator.normal(size=(40, 30)) + offset
    y[:20] = x + 1e-6 * y[:20]  # near coincidences, which cancel
    x, y = scale * x, scale * y
    np.testing.assert_allclose(sqeuclidean(x, y), cdist(x, y, "sqeuclidean"), rtol=1e-9)


# Reference section 7: each row of POT's degenerate inputs, in terms of costs.

C = np.random.default_rng(5).random((5, 40))
SPOT = C[2, 3] == C
A, B = np.full(5, 1 / 5), np.full(40, 1 / 40)


@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e-14, 1e-12, 1e-11, 1e-10, 1e12, 1e300])
def test_the_scale_of_costs_does_not_matter(scale):
    expected, t = solve(C, A, B), solve(scale * C, A, B)
    assert t.value / scale == pytest.approx(expected.value, rel=1e-13)
    np.testing.assert_array_equal(t.plan, expected.plan)


@pytest.mark.parametrize("offset", [-1e8, -10, 1e8])
def test_an_offset_of_costs_does_not_matter(offset):
    t, expected = solve(C + offset, A, B), solve(C, A, B)
    assert np.sum(t.plan * C) == pytest.approx(expected.value, abs=1e-7)
    assert t.value == pytest.approx(expected.value + offset, rel=1e-15)
    assert_certified(t, C + offset, A, B)


def test_costs_that_are_inner_products_are_solved():
    generator = np.random.default_rng(6)
    x, y = generator.normal(size=(5, 3)) + 2, generator.normal(size=(40, 3)) + 2
    np.testing.assert_allclose(solve(-2 * x @ y.T, A, B).plan, transport(x, y).plan, atol=1e-15)


@pytest.mark.parametrize("constant", [0.0, 3.5, -2.0])
def test_constant_costs_give_a_plan_with_few_entries(constant):
    a, b = np.random.default_rng(0).dirichlet(np.ones(5)), np.random.default_rng(1).dirichlet(np.ones(8))
    t = solve(np.full((5, 8), constant), a, b)
    assert t.value == pytest.approx(constant)
    assert np.count_nonzero(t.plan) <= 12
    assert_certified(t, np.full((5, 8), constant), a, b)


@pytest.mark.parametrize("huge", [1e9, 1e20, 1e32])
def test_one_huge_masked_cost_does_not_spoil_the_plan(huge):
    # POT issue 229. The expected value is that of a mask which float64 can resolve.
    masked, capped = C.copy(), C.copy()
    masked[0, :20], capped[0, :20] = huge, 1e4
    assert solve(masked, A, B).value == pytest.approx(solve(capped, A, B).value, rel=1e-9)


def test_a_tiny_mass_that_must_travel_far_is_solved():
    x = np.random.default_rng(0).normal(size=(20, 2))
    masses = np.full(20, 1 / 20)
    moved = np.append(masses, 1e-12)
    moved[0] -= 1e-12
    t = transport(Measure(x, masses), Measure(np.vstack([x, [[1e3, 0]]]), moved))
    far = ((x[0] - [1e3, 0]) ** 2).sum()
    assert t.value == pytest.approx(1e-12 * far, rel=1e-2)  # the mass 1/20 - 1e-12 is known to four digits of 1e-12


def test_zero_masses_get_empty_rows_and_feasible_potentials():
    a, b = np.array([0.5, 0, 0.25, 0.25, 0]), np.append(np.zeros(20), np.full(20, 1 / 20))
    t = solve(C, a, b)
    assert not t.plan[[1, 4]].any()
    assert not t.plan[:, :20].any()
    assert_certified(t, C, a, b)


@pytest.mark.parametrize(
    ("costs", "a", "message"),
    [
        (np.where(SPOT, np.nan, C), A, "costs: NaN or infinite values in 1 of 5 rows, first in row 2"),
        (np.where(SPOT, np.inf, C), A, "costs: NaN or infinite values"),
        (np.where(SPOT, 1.7e308, C - 1.7e308), A, "leave the range of float64; divide the costs"),
        (C, A[:4], "masses of a: expected 5 masses"),
        (C, A + 1e-5, "masses of a: must sum to 1, found 1.00005"),
        (C, np.array([1.2, -0.2, 0, 0, 0]), "masses of a: must not be negative, found -0.2 at 1"),
        (C, np.ones(5, int), "masses of a: must sum to 1, found 5"),
        (np.zeros((0, 40)), np.zeros(0), "costs: expected shape"),
    ],
)
def test_costs_and_masses_without_a_plan_are_refused(costs, a, message):
    with pytest.raises(ValueError, match=message):
        solve(costs, a, B)


@pytest.mark.filterwarnings("ignore:numItermax")
def test_a_plan_that_was_not_finished_is_refused(monkeypatch):
    monkeypatch.setattr("wddkit.ot.plan.PIVOTS", 1)
    with pytest.raises(ValueError, match=r"was not solved \(POT's code 3\): numItermax"):
        solve(C, A, B)


def test_a_plan_that_misses_its_masses_is_refused(monkeypatch):
    monkeypatch.setattr("wddkit.ot.plan.MARGINAL_TOLERANCE", -1)
    with pytest.raises(ValueError, match="the transport plan misses its masses by"):
        solve(C, A, B)


def test_a_plan_that_float64_cannot_prove_is_refused():
    # A mass of 1e-13 must pay 1e15: both that and what the rest pays make up the value, 28 digits apart.
    costs, a = C.copy(), np.array([1e-13, 0.2, 0.2, 0.2, 0.4 - 1e-13])
    costs[0] = 1e15 * np.where(np.arange(40) < 7, 1, 2)
    with pytest.raises(ValueError, match=r"no plan can be proved optimal \(duality gap .*; remove points that are far"):
        solve(costs, a, B)


@pytest.mark.parametrize(
    ("a", "b", "cost", "message"),
    [
        ([[0.0]], [[0.0, 1.0]], "sqeuclidean", "points of dimension 1 and 2 cannot be compared"),
        ([[0.0]], [[1.0]], "sqeuclid", "unknown ground cost 'sqeuclid'. Did you mean 'sqeuclidean'"),
        ([0.0, 1.0], [[1.0]], "sqeuclidean", r"a: expected shape \[n, d\], got \(2,\); .* points\[:, None\]"),
        ([[0.0]], [[np.nan]], "sqeuclidean", "b: NaN or infinite values"),
        ([[0.0]], [], "sqeuclidean", "b: expected shape"),
        ([[0.0]], [[1e200]], "sqeuclidean", "the largest coordinate is 1.0e.200: its square leaves the range"),
        ([[0.0]], [[1e-200]], "sqeuclidean", "the largest coordinate is 1.0e-200"),
    ],
)
def test_measures_that_cannot_be_compared_are_refused(a, b, cost, message):
    with pytest.raises(ValueError, match=message):
        transport(a, b, cost=cost)


def test_the_largest_entries_of_a_plan_are_kept_with_their_share():
    plan = np.array([[0.1, 0.3, 0.0, 0.1], [0.0, 0.05, 0.45, 0.0]])
    indices, masses, kept = top_plan(plan, 2)
    assert indices.dtype == np.int32
    assert masses.dtype == np.float32
    np.testing.assert_array_equal(indices, [[1, 0], [2, 1]])  # of equal entries the first
    np.testing.assert_allclose(masses, [[0.3, 0.1], [0.45, 0.05]], rtol=1e-7)
    assert kept == pytest.approx(0.9)
    assert top_plan(plan, 9)[0].shape == (2, 4)
    assert top_plan(plan, 9)[2] == 1


@pytest.mark.parametrize(
    ("plan", "k", "message"),
    [
        (np.eye(2), 0, "k: expected a whole number of at least 1, got 0"),
        (np.eye(2), 1.5, "k: expected a whole number"),
        (-np.eye(2), 1, "plan: expected masses that are not negative"),
        (np.zeros((2, 2)), 1, "plan: expected masses .* not all 0"),
    ],
)
def test_a_plan_that_cannot_be_shortened_is_refused(plan, k, message):
    with pytest.raises(ValueError, match=message):
        top_plan(plan, k)


@pytest.mark.slow
def test_transport_loads_no_torch_and_leaves_the_environment_alone():
    code = (
        "import os, sys, wddkit.ot as w\n"
        "assert not {'torch', 'ot'} & set(sys.modules)\n"
        "assert w.w2_squared([[0.0], [1.0]], [[2.0], [3.0]]) == 4\n"
        "assert w.barycenter([[0.0], [2.0]], m=1, masses='uniform').value == 1\n"
        "assert 'torch' not in sys.modules and 'ot' in sys.modules\n"
        "assert not [key for key in os.environ if key.startswith('POT_')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
