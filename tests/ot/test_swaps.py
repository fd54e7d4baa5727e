import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ot_features import features

from wddkit.ot import Measure, barycenter
from wddkit.ot.costs import LinearMap, sqeuclidean
from wddkit.ot.problem import Question, check_problem
from wddkit.ot.solvers.lloyd import alternate
from wddkit.ot.solvers.newton import Newton
from wddkit.ot.solvers.start import start_of
from wddkit.ot.solvers.swaps import gains, swap, swapped

seeds = st.integers(0, 2**32 - 1)


def asked(points, m, *, masses="uniform", cost="sqeuclidean", seed=0):
    problem, _ = check_problem(Question(points, m=m, masses=masses, cost=cost, seed=seed))
    *_, rested = alternate(problem, start_of(problem))
    return problem, rested


def value(x, cells, m):
    """Σ_j |x_j - mean of its cell|², by the definition."""
    return sum(((x[cells == i] - x[cells == i].mean(axis=0)) ** 2).sum() for i in range(m))


def drawn(seed, m=4, size=5):
    generator = np.random.default_rng(seed)
    x, cells = generator.normal(size=(m * size, 3)), generator.permutation(np.repeat(np.arange(m), size))
    y = np.stack([x[cells == i].mean(axis=0) for i in range(m)])
    return x, cells, sqeuclidean(y, x), sqeuclidean(x, x), np.full(m, 1 / size)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_the_gain_of_each_pair_is_what_the_value_falls_by(seed):
    x, cells, C, D, rho = drawn(seed)
    g, before = gains(C, D, rho, cells, np.arange(20)), value(x, cells, 4)
    for j in range(20):
        for k in range(20):
            exchanged = cells.copy()
            exchanged[[j, k]] = cells[[k, j]]
            assert g[j, k] == pytest.approx(before - value(x, exchanged, 4), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_swaps_keep_the_sizes_of_cells_and_end_where_no_pair_gains(seed):
    x, cells, C, D, rho = drawn(seed)
    found = swap(C.astype(np.float32), D.astype(np.float32), rho.astype(np.float32), cells)
    np.testing.assert_array_equal(np.bincount(found), 5)
    assert value(x, found, 4) <= value(x, cells, 4)
    y = np.stack([x[found == i].mean(axis=0) for i in range(4)])
    assert gains(sqeuclidean(y, x), D, rho, found, np.arange(20)).max() < 1e-5


@pytest.mark.parametrize(("n", "m"), [(300, 30), (277, 30)])
@pytest.mark.parametrize("cost", ["sqeuclidean", LinearMap(np.diag(np.linspace(0.5, 2, 16)))])
def test_where_lloyd_rests_swaps_lower_the_value_and_the_masses_stay(n, m, cost):
    gained = []
    for seed in range(4):
        problem, rested = asked(features(seed, n, 16), m, cost=cost, seed=seed)
        plan = rested.plan.toarray()
        better = swapped(problem, rested, None)
        np.testing.assert_array_equal(rested.plan.toarray(), plan)
        first = rested if better is None else next(alternate(problem, better))
        np.testing.assert_allclose(first.masses, 1 / m, atol=1e-12)
        gained.append(1 - first.value / rested.value)
    assert min(gained) >= 0
    assert np.mean(gained) > 0.002


def test_masses_of_any_size_are_swapped_at_their_own_price():
    generator = np.random.default_rng(0)
    w, b = generator.dirichlet(5 * np.ones(20)), np.full(200, 1 / 200)
    b[:20] = 2 / 220
    b[20:] = 1 / 220
    problem, rested = asked(Measure(features(0, 200, 16), b), 20, masses=w)
    better = swapped(problem, rested, None)
    assert next(alternate(problem, better)).value < rested.value


def test_swaps_are_not_tried_where_they_find_next_to_nothing():
    problem, rested = asked(features(0, 300, 4), 5)
    assert swapped(problem, rested, None) is None
    split, at = asked(Measure(np.arange(3.0)[:, None], [0.2, 0.3, 0.5]), 2)
    assert swapped(split, at, None) is None
    same, rest = asked(np.zeros((6, 2)), 2)
    assert swapped(same, rest, None) is None


@pytest.mark.parametrize("cost", ["sqeuclidean", "whitened"])
def test_newton_with_swaps_is_never_above_newton_without(cost):
    pairs = [
        [
            barycenter(features(s, 200, 32), m=20, masses="uniform", cost=cost, solver=Newton(swaps=swaps)).value
            for swaps in (True, False)
        ]
        for s in range(6)
    ]
    assert all(a <= b * (1 + 1e-12) for a, b in pairs)
    assert np.mean([a / b for a, b in pairs]) < 0.999
