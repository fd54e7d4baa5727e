import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from ot_features import features
from sklearn.cluster import KMeans as SklearnKMeans

from wddkit.ot import KMeans, LinearMap, Measure, barycenter, barycenter_steps
from wddkit.ot.costs import COSTS
from wddkit.ot.geometry import squared_distances
from wddkit.ot.problem import Question, check_problem
from wddkit.ot.solvers.pairs import MOST, pairs_of
from wddkit.ot.solvers.start import draw

seeds = st.integers(0, 2**32 - 1)


def weighted(seed, n=40, d=3):
    generator = np.random.default_rng(seed)
    return Measure(generator.normal(size=(n, d)), generator.dirichlet(np.ones(n)))


def problem_of(points, **question):
    return check_problem(Question(points, **question))[0]


def value_of(cells, measure):
    """The mean squared distance to the means of the cells, from its definition."""
    total = 0.0
    for i in np.unique(cells):
        x, b = measure.points[cells == i], measure.masses[cells == i]
        total += b @ ((x - b @ x / b.sum()) ** 2).sum(axis=1)
    return total


# Hartigan's moves


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 9), st.integers(10, 30))
def test_at_the_end_no_move_of_a_single_point_lowers_the_value(seed, m, n):
    measure = weighted(seed, n=n)
    result = barycenter(measure, m=m, seed=seed, solver=KMeans(hartigan=True))
    cells = result.plan.argmax(axis=0)
    assert result.value == pytest.approx(value_of(cells, measure), rel=1e-11)
    for j in range(n):
        for i in range(m):
            moved = cells.copy()
            moved[j] = i
            assert len(np.unique(moved)) < m or value_of(moved, measure) >= result.value * (1 - 1e-10)


def test_a_point_leaves_the_mean_it_is_nearest_to_where_that_pays():
    # Cells {0, 2} and {3.5}: 2 is nearer to its mean 1 than to 3.5, but {0} and {2, 3.5} cost 1.125 instead of 2.
    points, start = np.array([[0.0], [2.0], [3.5]]), [[1.0], [3.5]]
    lloyd = barycenter(points, m=2, start=start)
    moved = barycenter(points, m=2, start=start, solver=KMeans(hartigan=True))
    np.testing.assert_array_equal(lloyd.support, start)
    assert lloyd.value == pytest.approx(2 / 3)
    np.testing.assert_allclose(moved.support, [[0], [2.75]], atol=1e-15)
    assert moved.value == pytest.approx(1.125 / 3)


def test_a_move_counts_the_masses_of_the_points():
    # The heavier 3.5 is, the less its mean follows: 2 joins it where 2 (1/2)(w/(w + 1)) 1.5² < 2, w < 8.
    points, start = np.array([[0.0], [2.0], [3.5]]), [[1.0], [3.5]]
    for w, mean in ((7.9, (2 + 7.9 * 3.5) / 8.9), (8.1, 3.5)):
        measure = Measure(points, np.array([1, 1, w]) / (2 + w))
        support = barycenter(measure, m=2, start=start, solver=KMeans(hartigan=True)).support
        np.testing.assert_allclose(support.max(), mean, rtol=1e-14)


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 15), st.booleans())
def test_steps_never_rise_and_end_where_lloyd_stays(seed, m, hartigan):
    measure = weighted(seed, n=60)
    steps = list(barycenter_steps(measure, m=m, seed=seed, solver=KMeans(hartigan=hartigan, restarts=2)))
    assert (np.diff([step.value for step in steps]) <= 0).all()
    last = steps[-1]
    np.testing.assert_allclose(last.plan @ measure.points / last.masses[:, None], last.support, atol=1e-13)
    C = ((last.support[:, None] - measure.points) ** 2).sum(axis=2)
    assert last.value == pytest.approx(measure.masses @ C.min(axis=0), rel=1e-11)
    again = list(barycenter_steps(measure, m=m, start=last.support))
    np.testing.assert_allclose(again[-1].support, last.support, atol=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_from_the_same_start_moves_of_single_points_only_gain(seed):
    measure = weighted(seed, n=80)
    start = measure.points[:20]
    plain, moved = (
        barycenter(measure, m=20, start=start, solver=KMeans(hartigan=hartigan)) for hartigan in (False, True)
    )
    assert moved.value < plain.value
    assert barycenter(measure, m=20, start=start).value == plain.value  # the default: Lloyd's answer to this start


def test_large_cells_are_left_to_lloyd():
    points = np.random.default_rng(0).normal(size=(501, 2))
    plain, moved, usual = (
        barycenter(points, m=5, solver=KMeans(hartigan=hartigan)).value for hartigan in (False, True, None)
    )
    assert moved < plain
    assert usual == plain
    assert barycenter(points[:500], m=5).value == barycenter(points[:500], m=5, solver=KMeans(hartigan=True)).value


def test_moves_are_made_under_a_linear_map_and_match_those_of_mapped_points():
    measure, L = weighted(3), np.random.default_rng(3).normal(size=(4, 3))
    mapped = Measure(measure.points @ L.T, measure.masses)
    plain = barycenter(measure, m=8, cost=LinearMap(L), solver=KMeans(hartigan=False))
    result = barycenter(measure, m=8, cost=LinearMap(L), solver=KMeans())
    expected = barycenter(mapped, m=8)
    np.testing.assert_allclose(result.support @ L.T, expected.support, rtol=1e-10)
    assert result.value == pytest.approx(expected.value, rel=1e-10)
    assert result.value < plain.value


# With all distances at hand


@pytest.fixture
def without_pairs(monkeypatch):
    def forget():
        for module in ("kmeans", "lloyd"):
            monkeypatch.setattr(f"wddkit.ot.solvers.{module}.pairs_of", lambda problem, restarts: None)

    return forget


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 6))
def test_the_distances_of_the_data_give_the_costs_of_its_means(seed, k):
    generator = np.random.default_rng(seed)
    x, P = generator.normal(size=(20, 30)), generator.dirichlet(np.full(20, 0.1), size=k)
    costs = pairs_of(problem_of(x, m=4), 1).of_means(sparse.csr_array(P))
    np.testing.assert_allclose(costs, squared_distances(P @ x, x), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("cost", ["sqeuclidean", "whitened"])
@pytest.mark.parametrize(("solver", "masses"), [("kmeans", "free"), ("lloyd", "free"), ("lloyd", "uniform")])
@pytest.mark.parametrize("trim", [0.0, 0.1])
def test_with_the_distances_of_the_data_the_answer_is_the_same(without_pairs, cost, solver, masses, trim):
    x = features(1, 150, 64)
    assert pairs_of(problem_of(x, m=12, cost=cost), 1) is not None
    options = {"m": 12, "masses": masses, "cost": cost, "solver": solver, "trim": trim}
    steps = list(barycenter_steps(x, **options))
    without_pairs()
    others = list(barycenter_steps(x, **options))
    assert len(steps) == len(others)
    np.testing.assert_allclose([s.value for s in steps], [s.value for s in others], rtol=1e-10)
    np.testing.assert_allclose(steps[-1].support, others[-1].support, rtol=1e-10, atol=1e-12)


def test_duplicates_are_found_again_through_their_distances():
    atoms = np.random.default_rng(0).normal(size=(8, 64))
    x = np.repeat(atoms, np.arange(1, 9), axis=0)
    assert pairs_of(problem_of(x, m=8), 10) is not None
    result = barycenter(x, m=8)
    assert result.value == pytest.approx(0, abs=1e-28)
    order = np.argsort(result.masses)
    np.testing.assert_allclose(result.support[order], atoms, rtol=1e-13)
    np.testing.assert_allclose(result.masses[order], np.arange(1, 9) / 36, rtol=1e-13)


@pytest.mark.parametrize(
    ("shape", "question"),
    [
        ((400, 512), {"m": 10}),  # too few rounds to pay for all distances
        ((300, 8), {"m": 20}),  # of a low dimension, costs are cheap without them
        ((150, 64), {"m": 12, "cost": "l2"}),
    ],
)
def test_distances_of_the_data_are_left_out_where_they_do_not_pay(shape, question):
    assert pairs_of(problem_of(features(0, *shape), **question), 1) is None


def test_distances_of_too_many_points_for_the_memory_are_left_out(monkeypatch):
    monkeypatch.setattr("wddkit.ot.solvers.pairs.LITTLE", 0)
    most = MOST * (64 + 20)
    assert pairs_of(problem_of(features(0, most, 64), m=20), 10) is not None
    assert pairs_of(problem_of(features(0, most + 1, 64), m=20), 10) is None


@pytest.mark.parametrize("options", [{}, {"masses": "uniform"}, {"masses": "uniform", "solver": "newton"}])
@pytest.mark.parametrize("shape", [(3000, 16), (2500, 128)])  # of few points, distances of all are kept
def test_memory_grows_with_the_points_and_the_costs_alone(shape, options):
    n, d, m = *shape, 60
    points = features(0, n, d)
    barycenter(points[:100], m=5, **options)  # what is imported at first use is not counted
    tracemalloc.start()
    barycenter(points, m=m, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 10 * 8 * (n * d + n * m)


# k-means++


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(["sqeuclidean", "l1"]))
def test_each_of_some_separated_clusters_is_drawn_once(seed, cost):
    generator = np.random.default_rng(seed)
    clusters = np.repeat(100.0 * np.eye(6), 10, axis=0)
    points = clusters + 0.1 * generator.normal(size=clusters.shape)
    at = draw(problem_of(points, m=6, cost=cost, seed=seed))
    np.testing.assert_array_equal(np.sort(at // 10), np.arange(6))


def test_an_outlier_is_drawn_unless_it_may_be_trimmed():
    points = np.vstack([np.random.default_rng(0).normal(size=(49, 2)), [[500.0, 0]]])
    for seed in range(10):
        assert 49 in draw(problem_of(points, m=3, seed=seed))
        trimmed = draw(problem_of(points, m=3, seed=seed, trim=0.02))
        assert 49 not in trimmed[1:]  # the first is drawn from all the mass


def test_the_first_draw_follows_the_masses():
    measure = Measure([[0.0], [1.0], [2.0]], [0.1, 0.3, 0.6])
    first = [draw(problem_of(measure, m=1, seed=seed))[0] for seed in range(3000)]
    np.testing.assert_allclose(np.bincount(first) / 3000, measure.masses, atol=0.03)  # three standard errors


# Any cost, trimming, quality, options


@pytest.mark.parametrize("cost", COSTS)
def test_restarts_help_under_any_cost(cost):
    points = features(0, 120, 6) + 0.01
    values = [barycenter(points, m=6, cost=cost, solver=KMeans(restarts=restarts)).value for restarts in (1, 5)]
    assert values[1] <= values[0]
    if cost in ("l1", "l2", "cosine", "kl"):  # where there are no single moves, Lloyd's answer
        alone = barycenter(points, m=6, cost=cost, solver="lloyd").value
        assert barycenter(points, m=6, cost=cost, solver=KMeans(restarts=1)).value == alone


@pytest.mark.parametrize("cost", ["sqeuclidean", "l2", "l1"])
def test_a_far_outlier_is_as_if_it_were_not_there_where_it_may_be_trimmed(cost):
    points = features(2, 40, 5)
    spoilt, start = np.vstack([points, np.full((1, 5), 1e3)]), points[:4]
    clean = barycenter(points, m=4, cost=cost, start=start, solver="kmeans")
    trimmed = barycenter(spoilt, m=4, cost=cost, start=start, solver="kmeans", trim=1 / 41)
    np.testing.assert_allclose(trimmed.support, clean.support, rtol=1e-9, atol=1e-9)
    assert trimmed.value == pytest.approx(clean.value, rel=1e-9)
    assert not trimmed.plan[:, 40].any()
    # Half of it is left, and has to be paid for, if only with a support point of its own.
    assert barycenter(spoilt, m=4, cost=cost, start=start, solver="kmeans", trim=0.5 / 41).value > 1.1 * clean.value


@pytest.mark.parametrize(("m", "share"), [(10, 1.005), (60, 1.01)])
def test_the_answer_is_near_the_best_of_many_restarts(m, share):
    x = features(5, 600, 256)
    assert barycenter(x, m=m).value <= share * barycenter(x, m=m, seed=1, solver=KMeans(restarts=50)).value


def test_many_cells_are_better_than_those_of_scikit_learn():
    # Its Lloyd alone ends 4 to 5 % higher where a cell has ten points.
    x = features(0, 600, 256)
    other = SklearnKMeans(60, n_init=3, random_state=0).fit(x).inertia_ / len(x)
    assert barycenter(x, m=60).value <= 0.975 * other


def test_one_step_is_the_start():
    x = features(0, 50, 5)
    (only,) = barycenter_steps(x, m=3, start=x[:3], solver=KMeans(steps=1))
    np.testing.assert_allclose(only.support, x[:3], rtol=1e-14)


@pytest.mark.parametrize(
    ("solver", "options", "message"),
    [
        (KMeans(restarts=0), {}, "restarts of kmeans: expected a whole number of at least 1, got 0"),
        (KMeans(steps=0), {}, "steps of kmeans: expected a whole number of at least 1, got 0"),
        (KMeans(restarts=2), {"start": np.eye(2)}, "restarts = 2 from one given start would all be alike"),
        (KMeans(hartigan=True), {"cost": "l1"}, "hartigan = True needs squared distances .* leave it out"),
        (KMeans(hartigan=True), {"trim": 0.1}, "hartigan = True needs squared distances .* trim = 0"),
        (KMeans(), {"masses": "uniform"}, "solver 'kmeans' is for one measure with masses='free'"),
    ],
)
def test_options_that_do_not_fit_are_refused(solver, options, message):
    with pytest.raises(ValueError, match=message):
        barycenter(np.eye(2).repeat(3, axis=0), m=2, solver=solver, **options)
