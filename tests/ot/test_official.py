import numpy as np
import ot
import pytest

from wddkit.ot import KMeans, Measure, barycenter, barycenter_steps, w2_squared
from wddkit.ot.solvers.official import Official

both = pytest.mark.parametrize("masses", ["free", "uniform"])


def features(seed, n=120, d=6, k=4):
    """What a network's last pooling gives: clusters, not negative, away from the origin."""
    generator = np.random.default_rng(seed)
    centres = generator.uniform(0, 4, size=(k, d))
    return np.maximum(centres[generator.integers(k, size=n)] + generator.normal(size=(n, d)), 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("m", [1, 5, 20])
def test_given_masses_follow_pot_step_by_step_from_the_same_start(seed, m):
    points = features(seed)
    steps = list(barycenter_steps(points, m=m, masses="uniform", seed=seed, solver=Official()))
    start, b = steps[0].support, np.full(120, 1 / 120)
    for count in (1, 3, 100):
        expected = ot.lp.free_support_barycenter([points], [b], start, numItermax=count)
        np.testing.assert_allclose(steps[min(count, len(steps) - 1)].support, expected, rtol=1e-9, atol=1e-11)


@both
@pytest.mark.parametrize("offset", [0.0, 50.0])
@pytest.mark.parametrize("scale", [1e-2, 1.0])
def test_the_start_is_standard_normal_whatever_the_features(masses, offset, scale):
    points = scale * features(0) + offset
    start = next(barycenter_steps(points, m=100, masses=masses, seed=1, solver=Official())).support
    assert abs(start.mean()) < 0.1
    assert start.std() == pytest.approx(1, abs=0.1)
    other = next(barycenter_steps(features(1), m=100, masses=masses, seed=1, solver=Official())).support
    np.testing.assert_allclose(start, other, atol=1e-12 * (1 + offset))
    assert not np.allclose(start, next(barycenter_steps(points, m=100, seed=2, solver=Official())).support)


@pytest.mark.parametrize("seed", range(3))
def test_one_support_point_is_four_fifths_noise(seed):
    points = features(seed) + 10
    steps = list(barycenter_steps(points, m=1, seed=seed, solver=Official()))
    assert len(steps) == 2  # the start and one round
    np.testing.assert_allclose(steps[1].support, 0.8 * steps[0].support + 0.2 * points.mean(axis=0), rtol=1e-12)
    spread = ((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert steps[1].value > 3 * spread
    full = barycenter(points, m=1, seed=seed, solver=Official(theta=1))
    assert full.value == pytest.approx(spread)


def test_ten_rounds_leave_a_tenth_of_the_noise():
    # m = 1 without the stop test: the alternation ends at the mean at once, and each round goes a fifth of the way.
    points = np.repeat(np.arange(3.0)[:, None], 40, axis=0) @ np.ones((1, 4))
    result = barycenter(points, m=1, solver=Official(still=0))
    start = next(barycenter_steps(points, m=1, solver=Official(still=0))).support
    np.testing.assert_allclose(result.support, 0.8**10 * start + (1 - 0.8**10) * points.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_free_masses_end_far_above_k_means_and_above_the_uniform_path(seed):
    points = features(seed)
    free, uniform = (
        barycenter(points, m=8, masses=masses, seed=seed, solver=Official()) for masses in ("free", "uniform")
    )
    best = barycenter(points, m=8, solver=KMeans(restarts=10)).value
    assert best < uniform.value < free.value
    assert free.value > 1.2 * best  # reference section 2: 1.28 to 1.59 times on other features


@both
def test_every_iterate_has_the_value_of_its_best_plan(masses):
    points = Measure(features(0), np.random.default_rng(0).dirichlet(np.ones(120)))
    steps = list(barycenter_steps(points, m=6, masses=masses, solver=Official(rounds=4)))
    assert len(steps) == 5 or masses == "uniform"
    for step in steps:
        assert step.value == pytest.approx(w2_squared(Measure(step.support, step.masses), points), rel=1e-10)
        np.testing.assert_allclose(step.plan.sum(axis=1), step.masses, atol=1e-12)


def test_a_round_is_mirror_descent_then_pot_then_mixing():
    points, m = np.random.default_rng(0).normal(size=(120, 2)), 4
    start, first, second = list(barycenter_steps(points, m=m, solver=Official(rounds=2)))
    y, b = start.support, np.full(120, 1 / 120)
    for step in (first, second):
        assert (step.masses > 0).all()
        moved = ot.lp.free_support_barycenter([points], [b], y, b=step.masses)
        y = 0.8 * y + 0.2 * moved
        np.testing.assert_allclose(step.support, y, rtol=1e-6, atol=1e-8)
    # The masses: of the support before, better than uniform ones, though not the best.
    before = w2_squared(Measure(start.support, np.full(m, 1 / m)), points)
    assert w2_squared(Measure(start.support, first.masses), points) < before


def test_a_given_start_is_taken_and_the_same_seed_gives_the_same_bits():
    points = features(0)
    step = next(barycenter_steps(points, m=3, start=points[:3], solver=Official()))
    np.testing.assert_allclose(step.support, points[:3], rtol=1e-14)
    one, two = (barycenter(points, m=4, seed=5, solver=Official(rounds=3)) for _ in range(2))
    np.testing.assert_array_equal(one.support, two.support)
    np.testing.assert_array_equal(one.masses, two.masses)


@pytest.mark.parametrize(
    ("solver", "points", "options", "message"),
    [
        (
            Official(),
            [np.eye(4), np.eye(4)],
            {},
            "solver 'official' is for one measure; use solver='lloyd' or 'bundle'",
        ),
        (Official(), np.eye(4), {"cost": "l1"}, "'official' is for cost='sqeuclidean' and trim=0; use solver='lloyd'"),
        (Official(), np.eye(4), {"trim": 0.1}, "'official' is for cost='sqeuclidean' and trim=0"),
        (
            Official(rounds=0),
            np.eye(4),
            {},
            "rounds of official: expected a whole number of at least 1, got 0",
        ),
        (Official(theta=0), np.eye(4), {}, r"theta of official: expected a number in \(0, 1\], got 0"),
        (Official(still=-1), np.eye(4), {}, r"still of official: expected a number in \[0, inf\), got -1"),
    ],
)
def test_what_it_cannot_do_is_refused(solver, points, options, message):
    with pytest.raises(ValueError, match=message):
        barycenter(points, m=2, solver=solver, **options)
