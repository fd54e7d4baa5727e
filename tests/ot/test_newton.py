import subprocess
import sys

import numpy as np
import ot as pot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ot_features import features
from ot_toys import blobs, weighted

from wddkit.ot import Lloyd, Measure, barycenter, barycenter_steps, w2_squared
from wddkit.ot.costs import LinearMap, sqeuclidean
from wddkit.ot.rounding import rounded
from wddkit.ot.solvers.anneal import Cells, anneal, balanced, blurred, cell_means, newton, schedule, sinkhorn
from wddkit.ot.solvers.newton import Newton

seeds = st.integers(0, 2**32 - 1)
SOFT = Newton(polish=False)


def problem(seed, c=1, m=5, n=40, dtype=np.float64):
    """Costs, masses and potentials to begin with, for c classes."""
    generator = np.random.default_rng(seed)
    S = generator.uniform(-1, 1, size=(c, m, n))
    b, w = generator.dirichlet(np.ones(n), size=c), generator.dirichlet(3 * np.ones(m), size=c)
    return Cells(S.astype(dtype), b.astype(dtype), w.astype(dtype)), np.zeros((c, m), dtype)


# The kernel beside closed forms and POT


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from([0.03, 0.1, 1.0]))
def test_newton_steps_end_at_the_entropic_plan_of_pot(seed, eps):
    cells, u = problem(seed)
    at = blurred(np, cells, u, eps)
    for _ in range(30):
        at = newton(np, cells, at, eps)
    np.testing.assert_allclose(at.r, cells.w, atol=1e-12)
    # POT's plan does not feel |x_j|², or any other constant of a column.
    expected = pot.bregman.sinkhorn_log(
        cells.w[0], cells.b[0], cells.S[0], eps, numItermax=20000, stopThr=1e-12, warn=False
    )
    np.testing.assert_allclose(at.P[0] * cells.b[0], expected, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_dual_has_the_gradient_and_the_columns_that_it_is_said_to_have(seed):
    cells, u = problem(seed, m=4)
    u += np.random.default_rng(seed).normal(size=u.shape) / 10
    at, eps, h = blurred(np, cells, u, 0.1), 0.1, 1e-5
    np.testing.assert_allclose(at.P.sum(axis=1), 1, rtol=1e-13)
    for i in range(4):
        step = h * np.eye(4)[[i]]
        up, down = blurred(np, cells, u + step, eps).F, blurred(np, cells, u - step, eps).F
        assert (up - down)[0] / (2 * h) == pytest.approx(cells.w[0, i] - at.r[0, i], abs=1e-8)


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from([0.002, 0.05, 0.5]))
def test_no_step_of_newton_or_sinkhorn_lowers_the_dual(seed, eps):
    cells, u = problem(seed, c=3, m=8)
    u += np.random.default_rng(seed).normal(size=u.shape)
    at = blurred(np, cells, u, eps)
    for _ in range(5):
        after = newton(np, cells, at, eps)
        assert (after.F >= at.F - 1e-13).all()
        again = blurred(np, cells, sinkhorn(np, cells, after, eps), eps)
        assert (again.F >= after.F - 1e-13).all()
        at = again


def test_newton_needs_a_few_passes_where_sinkhorn_needs_hundreds():
    cells, u = problem(0, m=30, n=600)
    eps, at, passes = 0.02, blurred(np, *problem(0, m=30, n=600), 0.02), 0
    while np.abs(at.r - cells.w).sum() > 1e-6:
        at, passes = newton(np, cells, at, eps), passes + 1
    assert passes < 20
    for _ in range(10 * passes):
        u = sinkhorn(np, cells, blurred(np, cells, u, eps), eps)
    assert np.abs(blurred(np, cells, u, eps).r - cells.w).sum() > 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_cell_so_far_away_that_its_mass_underflows_is_repaired(dtype):
    cells, u = problem(0, dtype=dtype)
    cells.S[0, 2] += 500
    assert blurred(np, cells, u, 0.01).r[0, 2] == 0
    at = blurred(np, cells, sinkhorn(np, cells, blurred(np, cells, u, 0.01), 0.01), 0.01)
    assert at.r[0, 2] > 0
    np.testing.assert_allclose(balanced(np, cells, u, 0.01).r, cells.w, atol=2e-3)


def test_one_class_does_not_feel_the_others():
    cells, u = problem(0, c=6, m=12, n=60)
    cells.S[::2] *= 30  # these need their steps halved, and others do not
    cells.w[1] = 1 / 12
    for eps in (0.3, 0.01, 0.002):
        together = balanced(np, cells, u, eps)
        for k in range(6):
            own = slice(k, k + 1)
            alone = balanced(np, Cells(cells.S[own], cells.b[own], cells.w[own]), u[own], eps)
            np.testing.assert_allclose(together.u[own], alone.u, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(together.P[own], alone.P, atol=1e-9)


def test_cells_have_their_means_and_empty_ones_stay():
    T, x = np.array([[[0.1, 0.3, 0.0], [0, 0, 1e-9], [0, 0, 0.6]]]), np.array([[[0.0], [4], [7]]])
    y = cell_means(np, T, x, np.full((1, 3), 1 / 3), np.array([[[-1.0], [-2], [-3]]]))
    np.testing.assert_allclose(y, [[[3], [-2], [7]]], rtol=1e-14)


@settings(max_examples=30, deadline=None)
@given(seeds, st.floats(0, 1))
def test_rounding_gives_a_plan_with_exact_masses_near_the_one_it_began_with(seed, noise):
    generator = np.random.default_rng(seed)
    w, b = generator.dirichlet(np.ones(4), size=2), generator.dirichlet(np.ones(9), size=2)
    w[0, 1] = b[1, 2] = 0
    w, b = w / w.sum(axis=1, keepdims=True), b / b.sum(axis=1, keepdims=True)
    T = w[:, :, None] * b[:, None] * generator.uniform(1 - noise, 1 + noise, size=(2, 4, 9))
    off = np.abs(T.sum(axis=2) - w).sum(axis=1) + np.abs(T.sum(axis=1) - b).sum(axis=1)
    plan = rounded(np, T, w, b)
    assert (plan >= 0).all()
    np.testing.assert_allclose(plan.sum(axis=2), w, atol=1e-15)
    np.testing.assert_allclose(plan.sum(axis=1), b, atol=1e-15)
    # Altschuler, Weed and Rigollet 2017, lemma 7.
    assert (np.abs(plan - T).sum(axis=(1, 2)) <= 2 * off + 1e-14).all()


def test_the_schedule_falls_geometrically_and_stays():
    given_schedule = schedule(0.2, 0.002, steps=3, last=2)
    np.testing.assert_allclose(given_schedule, [0.2, 0.02, 0.002, 0.002, 0.002])
    assert schedule(0.1, 0.1, steps=1, last=0) == (0.1,)


def test_cold_annealing_of_separated_blobs_finds_their_means():
    generator = np.random.default_rng(0)
    atoms = 10 * np.eye(5)
    x = np.repeat(atoms, 8, axis=0) + 0.1 * generator.normal(size=(40, 5))
    x = (x - x.mean(axis=0)) / np.sqrt(((x - x.mean(axis=0)) ** 2).sum(axis=1).mean())
    b, w = np.full((1, 40), 1 / 40), np.full((1, 5), 1 / 5)
    *_, (y, T) = anneal(np, x[None], b, w, x[None, [0, 1, 8, 16, 24]], schedule(steps=48))
    means = x.reshape(5, 8, 5).mean(axis=1)
    order = np.argmin(sqeuclidean(means, y[0]), axis=1)
    np.testing.assert_allclose(y[0][order], means, atol=1e-6)
    np.testing.assert_allclose(T.sum(axis=2), w, atol=1e-3)


# The solver: closed forms


@pytest.mark.parametrize("d", [1, 4])
def test_one_support_point_is_the_weighted_mean(d):
    measure = weighted(0, d=d)
    for solver in (Newton(), SOFT):
        result = barycenter(measure, m=1, masses="uniform", solver=solver)
        np.testing.assert_allclose(result.support[0], measure.masses @ measure.points, rtol=1e-13, atol=1e-14)


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 8), st.integers(1, 8))
def test_on_a_line_uniform_masses_give_the_means_of_sorted_blocks(seed, m, size):
    x = np.random.default_rng(seed).exponential(size=m * size)
    blocks = np.sort(x).reshape(m, size)
    result = barycenter(x[:, None], m=m, masses="uniform", seed=seed, solver=Newton())
    np.testing.assert_allclose(np.sort(result.support[:, 0]), blocks.mean(axis=1), rtol=1e-12)
    assert result.value == pytest.approx(blocks.var(axis=1).mean(), rel=1e-10, abs=1e-25)


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(2, 6))
def test_atoms_with_their_masses_are_found_again(seed, m):
    # The answer is drawn first; distances between atoms are far above the spread of their copies.
    generator = np.random.default_rng(seed)
    atoms = 10 * np.arange(m)[:, None] + generator.uniform(-1, 1, size=(m, 3))
    w = generator.dirichlet(5 * np.ones(m))
    data = Measure(np.repeat(atoms, 4, axis=0), np.repeat(w / 4, 4))
    result = barycenter(data, m=m, masses=w, start=atoms + generator.uniform(-1, 1, size=(m, 3)), solver=Newton())
    np.testing.assert_allclose(result.support, atoms, rtol=1e-10)
    assert result.value == pytest.approx(0, abs=1e-20)


# Laws


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(1, 12), st.sampled_from(["uniform", "given"]), st.sampled_from(["float32", "float64"]))
def test_every_step_is_honest_and_the_last_is_a_fixed_point(seed, m, masses, dtype):
    measure = weighted(seed)
    w = np.random.default_rng(seed).dirichlet(np.ones(m)) if masses == "given" else np.full(m, 1 / m)
    steps = list(barycenter_steps(measure, m=m, masses=w, seed=seed, solver=Newton(dtype=dtype)))
    for step in steps:
        C = sqeuclidean(step.support, measure.points)
        assert step.value == pytest.approx(np.sum(step.plan * C), rel=1e-11)
        assert step.value >= w2_squared(Measure(step.support, w), measure) * (1 - 1e-12)
        np.testing.assert_allclose(step.plan.sum(axis=1), w, atol=1e-14)
        np.testing.assert_allclose(step.plan.sum(axis=0), measure.masses, atol=1e-14)
    for exact in (steps[0], steps[-1]):
        assert exact.value == pytest.approx(w2_squared(Measure(exact.support, w), measure), rel=1e-11)
    assert steps[-1].value <= steps[0].value

    y, x, b = steps[-1].support, measure.points, measure.masses
    np.testing.assert_allclose(steps[-1].plan @ x / w[:, None], y, rtol=1e-12, atol=1e-13)
    assert b @ (x**2).sum(axis=1) - w @ (y**2).sum(axis=1) == pytest.approx(steps[-1].value, rel=1e-11)


def test_the_annealing_is_shown_from_blurred_to_sharp_before_it_is_polished():
    steps = list(barycenter_steps(blobs(0), m=10, masses="uniform", solver=Newton()))
    soft = list(barycenter_steps(blobs(0), m=10, masses="uniform", solver=SOFT))
    for a, b in zip(soft, steps, strict=False):
        np.testing.assert_array_equal(a.support, b.support)
    assert len(soft) == 5 < len(steps)
    split = [np.mean((step.plan > 1e-6).sum(axis=0)) for step in soft[1:]]  # cells that a point belongs to
    assert split[0] > 5
    assert split[-1] < 1.5
    assert split == sorted(split, reverse=True)
    values = [step.value for step in steps[len(soft) :]]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("scale", [1e-9, 1e-5, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("solver", [Newton(), SOFT])
def test_the_support_follows_scale_rotation_and_shift(scale, offset, solver):
    points = blobs(0, n=120)
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    solver = Newton(polish=solver.polish, dtype="float64")
    moved = barycenter(scale * (points @ Q + offset), m=6, masses="uniform", seed=1, solver=solver)
    result = barycenter(points, m=6, masses="uniform", seed=1, solver=solver)
    np.testing.assert_allclose(moved.support / scale, result.support @ Q + offset, rtol=1e-7, atol=1e-6)
    assert moved.value / scale**2 == pytest.approx(result.value, rel=1e-7)


def test_a_linear_map_is_the_same_as_mapped_points():
    points, L = blobs(0, n=120), np.random.default_rng(0).normal(size=(6, 6))
    start = points[:7]
    for solver in (Newton(dtype="float64"), Newton(polish=False, dtype="float64")):
        mapped = barycenter(points @ L.T, m=7, masses="uniform", start=start @ L.T, solver=solver)
        result = barycenter(points, m=7, masses="uniform", start=start, cost=LinearMap(L), solver=solver)
        np.testing.assert_allclose(result.support @ L.T, mapped.support, atol=1e-8)
        assert result.value == pytest.approx(mapped.value, rel=1e-9)
    whitened = barycenter(points, m=7, masses="uniform", cost="whitened", solver=Newton())
    lloyd = barycenter(points, m=7, masses="uniform", cost="whitened", solver="lloyd")
    assert whitened.value <= 1.02 * lloyd.value


def test_the_same_seed_gives_the_same_bits_and_inputs_stay_unchanged():
    points = blobs(0)
    copy = points.copy()
    first, again = (barycenter(points, m=20, masses="uniform", seed=3, solver=Newton()) for _ in range(2))
    np.testing.assert_array_equal(first.support, again.support)
    np.testing.assert_array_equal(first.plan, again.plan)
    np.testing.assert_array_equal(points, copy)
    other = barycenter(points, m=20, masses="uniform", seed=4, solver=Newton())
    assert not np.array_equal(first.support, other.support)


def test_however_it_is_annealed_the_answer_is_not_above_the_start():
    for seed in range(4):
        points = blobs(seed, n=30)
        for solver in (Newton(eps_start=50, eps_end=50, steps=9), Newton(eps_start=1e-5, eps_end=1e-5, swaps=False)):
            for m in (3, 20, 30):
                steps = list(barycenter_steps(points, m=m, masses="uniform", seed=seed, solver=solver))
                assert steps[-1].value <= steps[0].value * (1 + 1e-12) + 1e-20


@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_arithmetic_in_float32_stays_in_float32(number):
    cells, u = problem(0, c=2, dtype=np.float32)
    cells.S[0, 2] += 500
    eps = schedule(number(0.02), number(0.02), steps=1, last=0)[0]
    at = balanced(np, cells, u, eps)
    assert {at.u.dtype, at.P.dtype, at.r.dtype, at.logs.dtype} == {np.dtype(np.float32)}
    assert rounded(np, at.P * cells.b[:, None], cells.w, cells.b).dtype == np.float32


# Guards


@pytest.mark.parametrize("seed", range(25))
def test_float32_at_a_hundred_support_points_is_never_nan(seed):
    # With the first versions of this kind of annealing it was, at many a seed.
    generator = np.random.default_rng(seed)
    n, d = ((150, 1), (300, 3), (101, 20), (400, 64), (250, 6))[seed % 5]
    points = 10.0 ** generator.integers(-9, 7) * (features(seed, n, d) if d == 64 else blobs(seed, n=n, d=d))
    if seed % 3 == 0:
        points[: n // 3] = points[0]
    for step in barycenter_steps(points, m=100, masses="uniform", seed=seed, solver=SOFT):
        assert np.isfinite(step.support).all()
        assert np.isfinite(step.value)
        np.testing.assert_allclose(step.plan.sum(axis=1), 1 / 100, atol=1e-12)


@pytest.mark.parametrize("solver", [Newton(), SOFT, Newton(dtype="float64")])
def test_degenerate_measures_are_solved(solver):
    same = barycenter(np.full((20, 4), 0.1), m=3, masses="uniform", solver=solver)
    np.testing.assert_allclose(same.support, 0.1, rtol=1e-15)
    assert same.value == pytest.approx(0, abs=1e-30)
    far = barycenter(np.vstack([blobs(0), np.full((1, 6), 1e9)]), m=5, masses="uniform", solver=solver)
    assert np.isfinite(far.support).all()
    few = barycenter(blobs(0, n=5), m=7, masses="uniform", solver=solver)
    assert np.isfinite(few.support).all()
    one = barycenter(blobs(0, n=1), m=2, masses="uniform", solver=solver)
    np.testing.assert_allclose(one.support, np.repeat(blobs(0, n=1), 2, axis=0), rtol=1e-14)
    collapsed = barycenter(blobs(0), m=4, masses="uniform", start=np.zeros((4, 6)), solver=solver)
    assert np.isfinite(collapsed.support).all()


def test_as_many_support_points_as_points_are_the_points():
    points = blobs(0, n=20)
    result = barycenter(points, m=20, masses="uniform", solver=Newton())
    assert result.value == pytest.approx(0, abs=1e-25)
    np.testing.assert_allclose(np.sort(result.support[:, 0]), np.sort(points[:, 0]), rtol=1e-12)


@pytest.mark.parametrize("solver", [Newton(), SOFT])
def test_masses_of_zero_or_nearly_zero_are_no_obstacle(solver):
    points = blobs(0)
    start = np.vstack([np.full((1, 6), 77.0), points[:3]])
    result = barycenter(points, m=4, masses=[0, 0.5, 0.25, 0.25], start=start, solver=solver)
    np.testing.assert_allclose(result.support[0], 77, rtol=1e-13)
    assert not result.plan[0].any()
    tiny = barycenter(points, m=4, masses=[1e-50, 0.5, 0.5 - 1e-12, 1e-12], solver=solver)
    assert np.isfinite(tiny.support).all()
    np.testing.assert_allclose(tiny.plan.sum(axis=1), [1e-50, 0.5, 0.5, 1e-12], atol=1e-11)
    light = Measure(points, np.random.default_rng(0).dirichlet(np.full(300, 0.05)))  # down to 1e-70
    assert np.isfinite(barycenter(light, m=10, masses="uniform", solver=solver).support).all()


@pytest.mark.slow
def test_numpy_alone_is_enough():
    code = (
        "import sys, numpy as np; from wddkit.ot import barycenter; from wddkit.ot.solvers.newton import Newton;"
        "barycenter(np.random.default_rng(0).normal(size=(30, 2)), m=3, masses='uniform', solver=Newton());"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Quality


# Over twelve seeds the means are .955 and .979: where n is no multiple of m, points are split, with less to gain.
@pytest.mark.parametrize(("n", "m", "below"), [(1000, 10, 1.0), (500, 50, 0.97), (477, 50, 0.985)])
def test_it_ends_below_lloyd_from_the_same_starts(n, m, below):
    ratios = []
    for seed in range(5):
        points = features(seed, n, 128)
        annealed = barycenter(points, m=m, masses="uniform", seed=seed, solver=Newton()).value
        ratios.append(annealed / barycenter(points, m=m, masses="uniform", seed=seed, solver=Lloyd()).value)
    assert np.mean(ratios) < below


@pytest.mark.parametrize(("n", "m"), [(500, 50), (477, 50), (130, 30)])
def test_the_annealing_alone_is_balanced_and_near_its_polish(n, m):
    points = features(0, n, 64)
    soft = barycenter(points, m=m, masses="uniform", solver=SOFT)
    exact = barycenter(points, m=m, masses="uniform", start=soft.support, solver=Lloyd())
    assert exact.value <= soft.value <= 1.01 * exact.value
    wide = barycenter(points, m=m, masses="uniform", solver=Newton(polish=False, dtype="float64"))
    assert soft.value == pytest.approx(wide.value, rel=0.03)


def test_more_steps_are_better_in_the_mean():
    values = [
        np.mean(
            [barycenter(features(s, 300, 64), m=30, masses="uniform", solver=Newton(steps=k)).value for s in range(4)]
        )
        for k in (3, 24)
    ]
    assert values[1] < values[0]


# Bad input

P = blobs(0, n=20, d=2)


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (
            P,
            {"masses": "free"},
            "solver 'newton' is for one measure with given masses; use masses='uniform', or solver=",
        ),
        ([P, P], {}, "solver 'newton' is for one measure with given masses"),
        (P, {"trim": 0.1}, "solver 'newton' cannot trim, and trim = 0.1; use solver='lloyd'"),
        (
            P,
            {"cost": "l1"},
            "solver 'newton' is for squared distances, not for L1; use cost='sqeuclidean', 'whitened' or",
        ),
        (P, {"cost": "kl", "points": np.abs(P)}, "not for KL"),
        (P, {"solver": Newton(dtype="float16")}, "unknown dtype of newton 'float16'.* Known: float32, float64"),
        (
            P,
            {"solver": Newton(eps_end=0)},
            "newton: temperatures: expected numbers with start >= end >= 1e-06, got 0.2 and 0",
        ),
        (P, {"solver": Newton(eps_start=0.001)}, "start >= end >= 1e-06, got 0.001 and 0.002"),
        (P, {"solver": Newton(eps_start=np.nan)}, "start >= end >= 1e-06, got nan"),
        (P, {"solver": Newton(eps_start=np.inf)}, "start >= end >= 1e-06, got inf"),
        (P, {"solver": Newton(eps_end="cold")}, "expected numbers with start >= end >= 1e-06, got 0.2 and 'cold'"),
        (P, {"solver": Newton(steps=2.5)}, "newton: steps: expected a whole number of at least 1, got 2.5"),
        (P, {"solver": Newton(steps=0)}, "newton: steps: expected a whole number of at least 1, got 0"),
        (P, {"solver": Newton(last=-1)}, "newton: last: expected a whole number of at least 0, got -1"),
    ],
)
@pytest.mark.parametrize("ask", [barycenter, barycenter_steps])
def test_bad_input_is_refused_at_the_call(ask, points, options, message):
    asked = {"points": points, "m": 2, "masses": "uniform", "solver": Newton()} | options
    with pytest.raises(ValueError, match=message):
        ask(asked.pop("points"), **asked)
