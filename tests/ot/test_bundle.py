import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from wddkit.ot import Lloyd, Measure, barycenter, barycenter_steps, w2_squared
from wddkit.ot.costs import cost_matrix
from wddkit.ot.solvers.bundle import Bundle
from wddkit.ot.solvers.masses import MassObjective, ascend

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=12, deadline=None)


def several(seed, N=3, n=40, d=3, k=4, *, apart=True):
    """N measures on the same clusters, each with its own masses and, if they are to lie apart, its own offset."""
    generator = np.random.default_rng(seed)
    centres = 3 * generator.normal(size=(k, d))
    measures = []
    for _ in range(N):
        at = generator.choice(k, size=n, p=generator.dirichlet(2 * np.ones(k)))
        points = centres[at] + generator.normal(size=(n, d)) + (generator.normal(size=d) if apart else 0)
        measures.append(Measure(points, generator.dirichlet(np.ones(n))))
    return measures, generator.dirichlet(5 * np.ones(N))


def standing(seed, m=5, **options):
    measures, weights = several(seed, **options)
    support = 3 * np.random.default_rng(seed + 1).normal(size=(m, 3))
    costs = tuple(cost_matrix(support, each.points, "sqeuclidean") for each in measures)
    return MassObjective(costs, tuple(each.masses for each in measures), weights)


def least(costs, masses, weights):
    """The exact minimum over the masses: one linear program over all plans and a, by HiGHS."""
    N, m = len(costs), len(costs[0])
    blocks, wanted = [], []
    for k, (C, b) in enumerate(zip(costs, masses, strict=True)):
        n = C.shape[1]
        rows = sparse.kron(sparse.eye_array(m), np.ones((1, n)))
        columns = sparse.kron(np.ones((1, m)), sparse.eye_array(n))
        own = [[None] * N, [None] * N]
        for other in range(N):
            size = m * costs[other].shape[1]
            own[0][other] = rows if other == k else sparse.csr_array((m, size))
            own[1][other] = columns if other == k else sparse.csr_array((n, size))
        blocks += [[*own[0], -sparse.eye_array(m)], [*own[1], sparse.csr_array((n, m))]]
        wanted += [np.zeros(m), b]
    paid = np.concatenate([w * C.ravel() for w, C in zip(weights, costs, strict=True)] + [np.zeros(m)])
    found = linprog(paid, A_eq=sparse.block_array(blocks, format="csc"), b_eq=np.concatenate(wanted))
    assert found.status == 0
    return found.fun


# The masses of a support that stands still


@few
@given(seeds, st.integers(1, 4), st.integers(1, 12), st.sampled_from(["sqeuclidean", "l1", "l2"]))
def test_the_masses_are_as_good_as_the_whole_linear_program_says_and_the_bound_is_below_it(seed, N, m, cost):
    measures, weights = several(seed, N)
    start = 3 * np.random.default_rng(seed + 1).normal(size=(m, 3))
    exact = least([cost_matrix(start, x.points, cost) for x in measures], [x.masses for x in measures], weights)
    for solver in (Bundle(), Bundle(smoothings=0), Bundle(gap=1e-6)):
        first = next(barycenter_steps(measures, weights=weights, m=m, cost=cost, start=start, solver=solver))
        np.testing.assert_allclose(first.support, start, rtol=1e-12, atol=1e-13)
        assert exact * (1 - 1e-7) <= first.value <= exact * (1 + solver.gap)
        assert first.lower_bound <= exact * (1 + 1e-7)
        assert first.gap <= solver.gap * first.value


@few
@given(seeds, st.integers(1, 6))
def test_on_two_shared_places_the_best_mass_is_the_weighted_median(seed, N):
    # The measures have masses p_k and 1 - p_k on the support itself, so f(a) = 100 Σ_k λ_k |a - p_k|.
    generator = np.random.default_rng(seed)
    places = np.array([[0.0], [10.0]])
    p, weights = generator.uniform(0.05, 0.95, N), generator.dirichlet(np.ones(N))
    measures = [Measure(places, [each, 1 - each]) for each in p]
    value = min(100 * weights @ np.abs(each - p) for each in p)
    for solver in (Bundle(), Bundle(smoothings=0)):
        first = next(barycenter_steps(measures, weights=weights, m=2, start=places, solver=solver))
        assert value * (1 - 1e-12) - 1e-12 <= first.value <= value * (1 + 1e-4) + 1e-12
        assert first.lower_bound <= value * (1 + 1e-12)


@few
@given(seeds)
def test_any_potentials_give_a_cut_and_a_bound(seed):
    f = standing(seed)
    generator = np.random.default_rng(seed)
    for scale in (0.0, 1.0, 30.0):
        u, a = scale * generator.normal(size=f.flat.shape), generator.dirichlet(np.ones(5))
        value = f.at(a).value
        cut = f.weights @ (u @ a + f.intercepts(u))
        assert f.bound(u) <= cut + 1e-12 * abs(cut)
        assert cut <= value * (1 + 1e-12)
    optimal = f.at(a).potentials
    assert f.weights @ (optimal @ a + f.intercepts(optimal)) == pytest.approx(value, rel=1e-11)


@few
@given(seeds, st.integers(1, 4))
def test_the_smoothed_dual_is_climbed_to_masses_that_all_measures_agree_on(seed, N):
    f = standing(seed, N=N)
    u = f.flat
    exact = least(f.costs, f.masses, f.weights)
    for epsilon in exact * np.array([0.3, 0.08, 0.02]):
        u, a = ascend(f, u, epsilon=epsilon, steps=30)
        np.testing.assert_allclose(f.weights @ u, 0, atol=1e-9)
        assert a.sum() == pytest.approx(1)
        for C, b, u_k in zip(f.costs, f.masses, u, strict=True):
            z = (u_k[:, None] - C) / epsilon
            assert np.abs(np.exp(z - np.logaddexp.reduce(z, axis=0)) @ b - a).sum() <= 2e-3
        # A soft minimum is at most ε log m below the minimum; the rest is what the masses do not agree on.
        assert exact * (1 + 1e-9) >= f.bound(u) >= exact - epsilon * np.log(5) - 2e-3 * np.abs(u).max()


def test_masses_need_no_search_where_there_is_one_measure():
    f = standing(0, N=1)
    best = f.at(f.cells())
    assert best.value == pytest.approx(f.bound(f.flat), rel=1e-12)
    np.testing.assert_allclose(f.cells(), np.bincount(f.costs[0].argmin(axis=0), f.masses[0], minlength=5))


# The whole alternation


@few
@given(seeds, st.integers(1, 5))
def test_on_a_line_measures_of_as_many_atoms_with_the_same_masses_meet_halfway(seed, m):
    # The answer is drawn first: masses p, and a place of each atom in each of two measures.
    generator = np.random.default_rng(seed)
    p = generator.dirichlet(3 * np.ones(m))
    x = 10 * np.arange(m) + generator.uniform(-2, 2, size=(2, m))
    t = generator.uniform(0.2, 0.8)
    measures = [Measure(each[:, None], p) for each in x]
    result = barycenter(measures, weights=[1 - t, t], m=m, solver=Bundle(gap=1e-6), seed=seed)
    order = np.argsort(result.support[:, 0])
    np.testing.assert_allclose(result.support[order, 0], (1 - t) * x[0] + t * x[1], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(result.masses[order], p, atol=1e-4)
    value = t * (1 - t) * p @ (x[0] - x[1]) ** 2
    assert value * (1 - 1e-9) <= result.value <= value * (1 + 1e-3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("m", [1, 3, 8])
def test_of_one_measure_it_is_k_means_from_the_same_start(seed, m):
    (measure,), _ = several(seed, 1, n=150)
    start = measure.points[:m]
    lloyd = barycenter(measure, m=m, start=start, solver=Lloyd())
    for each in (measure, [measure]):
        result = barycenter(each, m=m, start=start, solver=Bundle(rest=0))
        np.testing.assert_allclose(result.support, lloyd.support, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(result.masses, lloyd.masses, rtol=1e-9)
        assert result.value == pytest.approx(lloyd.value, rel=1e-11)
        assert result.gap <= 1e-11 * result.value


@pytest.mark.parametrize("share", [0.7, 0.95])
def test_masses_that_the_measures_agree_on_are_learned(share):
    generator = np.random.default_rng(0)
    measures = []
    for offset in (0.0, 1.0):
        many, some = round(200 * share), 200 - round(200 * share)
        places = np.repeat([[offset, offset], [30, offset]], [many, some], axis=0)
        measures.append(places + generator.normal(size=(200, 2)))
    result = barycenter(measures, m=2, solver=Bundle())
    order = np.argsort(result.support[:, 0])
    np.testing.assert_allclose(result.masses[order], [share, 1 - share], atol=1e-6)
    np.testing.assert_allclose(result.support[order], [[0.5, 0.5], [30, 0.5]], atol=0.6)
    assert result.value < 0.1 * barycenter(measures, m=2, masses="uniform", solver="lloyd").value


@pytest.mark.slow
@few
@given(seeds, st.integers(2, 4), st.integers(1, 6), st.booleans())
def test_every_step_is_exact_proved_and_lower(seed, N, m, smooth):
    measures, weights = several(seed, N, n=25)
    solver = Bundle() if smooth else Bundle(smoothings=0)
    steps = list(barycenter_steps(measures, weights=weights, m=m, seed=seed, solver=solver))
    assert (np.diff([step.value for step in steps]) < 0).all()
    for step in steps:
        own = Measure(step.support, step.masses)
        assert step.value == pytest.approx(weights @ [w2_squared(own, each) for each in measures], rel=1e-10)
        assert 0 <= step.gap <= solver.gap * step.value
        for plan, each in zip(step.plans, measures, strict=True):
            np.testing.assert_allclose(plan.sum(axis=1), step.masses, atol=1e-12)
            np.testing.assert_allclose(plan.sum(axis=0), each.masses, atol=1e-12)
    # No masses at all do better on the last support than the gap says.
    for _ in range(5):
        a = np.random.default_rng(seed).dirichlet(np.ones(m))
        own = Measure(steps[-1].support, a)
        assert weights @ [w2_squared(own, each) for each in measures] >= steps[-1].lower_bound * (1 - 1e-12)


@pytest.mark.parametrize("cost", ["sqeuclidean", "l1", "l2", "cosine", "kl", "whitened"])
def test_every_ground_cost_falls_to_proved_masses(cost):
    measures, weights = several(0)
    positive = [Measure(np.abs(each.points) + 0.1, each.masses) for each in measures]
    steps = list(barycenter_steps(positive, weights=weights, m=6, cost=cost, solver=Bundle()))
    assert len(steps) > 1
    assert (np.diff([step.value for step in steps]) < 0).all()
    assert max(step.gap / step.value for step in steps) <= 1e-4
    uniform = barycenter(positive, weights=weights, m=6, cost=cost, masses="uniform", solver="lloyd")
    better = barycenter(positive, weights=weights, m=6, cost=cost, start=uniform.support, solver=Bundle())
    assert better.value <= uniform.value * (1 + 1e-4)


def test_a_support_point_without_mass_starts_anew_where_most_is_paid():
    measures = [np.array([[0.0], [1.0], [10.0], [11.0], [500.0]]) + shift for shift in (-0.1, 0.1)]
    steps = list(barycenter_steps(measures, m=3, start=[[0.0], [10.0], [-900.0]], solver=Bundle()))
    assert steps[0].masses[2] == 0
    np.testing.assert_allclose(np.sort(steps[-1].support[:, 0]), [0.5, 10.5, 500], atol=1e-6)
    np.testing.assert_allclose(np.sort(steps[-1].masses), [0.2, 0.4, 0.4], atol=1e-6)


@pytest.mark.parametrize("far", [1e4, 1e6, 1e9])
def test_one_far_point_is_solved(far):
    measures, weights = several(1, n=60)
    points = measures[0].points.copy()
    points[0] = far
    result = barycenter([points, *measures[1:]], weights=weights, m=4, solver=Bundle())
    assert np.isfinite(result.support).all()
    assert 0 <= result.gap <= 1e-2 * result.value


@pytest.mark.parametrize("noise", [0, 1e-12])
def test_measures_that_are_the_same_points_are_found_again(noise):
    points = np.random.default_rng(0).normal(size=(12, 3))
    near = points[::-1] + noise * np.random.default_rng(1).normal(size=points.shape)
    result = barycenter([points, near], m=12, solver=Bundle())
    assert result.value <= 10 * noise**2
    np.testing.assert_allclose(result.masses, 1 / 12, rtol=1e-9)


def test_the_same_seed_gives_the_same_bits_and_inputs_stay_unchanged():
    measures, weights = several(0)
    copies = [each.points.copy() for each in measures]
    first, again = (barycenter(measures, weights=weights, m=6, seed=3, solver=Bundle()) for _ in range(2))
    np.testing.assert_array_equal(first.support, again.support)
    np.testing.assert_array_equal(first.masses, again.masses)
    assert first.gap == again.gap
    for copy, each in zip(copies, measures, strict=True):
        np.testing.assert_array_equal(copy, each.points)


def test_steps_and_cuts_are_limits_and_the_gap_tells():
    measures, weights = several(2)
    steps = list(barycenter_steps(measures, weights=weights, m=8, solver=Bundle(steps=2, smoothings=0, cuts=1)))
    assert len(steps) == 2
    assert steps[1].gap > 1e-4 * steps[1].value
    costs = [cost_matrix(steps[1].support, each.points, "sqeuclidean") for each in measures]
    exact = least(costs, [each.masses for each in measures], weights)
    assert steps[1].lower_bound <= exact <= steps[1].value


@pytest.mark.parametrize(
    ("solver", "options", "message"),
    [
        (
            Bundle(),
            {"masses": "uniform"},
            "'bundle' learns the masses, and they are given; use solver='lloyd' or 'auto'",
        ),
        (Bundle(), {"trim": 0.1}, "'bundle' cannot trim; use trim=0, or masses='uniform' with solver='lloyd'"),
        (Bundle(steps=0), {}, "steps of bundle: expected a whole number of at least 1, got 0"),
        (Bundle(smoothings=-1), {}, "smoothings of bundle: expected a whole number of at least 0, got -1"),
        (Bundle(rest=1.0), {}, r"rest of bundle: expected a number in \[0, 1\), got 1.0"),
        (Bundle(gap=1e-9), {}, r"gap of bundle, a share of the value: expected a number in \[1e-06, 1\), got 1e-09"),
    ],
)
def test_what_it_cannot_do_is_refused(solver, options, message):
    measures, _ = several(0)
    with pytest.raises(ValueError, match=message):
        barycenter(measures, m=3, solver=solver, **options)
