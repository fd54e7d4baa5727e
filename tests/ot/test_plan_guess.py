"""Linear programs that start from a guess, and the exactness of their plans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ot_features import features

from wddkit.ot import Measure, barycenter_steps, plan, transport
from wddkit.ot.costs import cost_matrix
from wddkit.ot.plan import solve

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 8), st.integers(1, 20), st.sampled_from([0.0, 1e-3, 1.0, 1e3]), st.booleans())
def test_a_guess_of_the_potentials_changes_no_plan_and_no_proof(seed, m, n, error, zeros):
    generator = np.random.default_rng(seed)
    C, a, b = generator.random((m, n)), generator.dirichlet(np.ones(m)), generator.dirichlet(np.ones(n))
    if zeros and m > 1:
        a[0] = 0
        a /= a.sum()
    plain = solve(C, a, b)
    guess = plain.potentials[0] + error * generator.normal(size=m)
    t = solve(C, a, b, near=guess)
    assert t.value == pytest.approx(plain.value, rel=1e-11)
    np.testing.assert_allclose(t.plan, plain.plan, atol=1e-11)
    u, v = t.potentials
    assert (C - u[:, None] - v).min() >= -1e-12 * (1 + error)
    assert a @ u + b @ v == pytest.approx(t.value, abs=1e-11 * (1 + error))
    assert abs(t.gap) <= 1e-11 * (1 + error)
    assert a @ u == pytest.approx(b @ v, abs=1e-11 * (1 + error))


@pytest.fixture
def programs(monkeypatch):
    """A list that grows by one with each linear program."""
    calls, emd = [], plan._emd()
    monkeypatch.setattr(plan, "_emd", lambda: lambda *args, **options: calls.append(1) or emd(*args, **options))
    return calls


def test_a_guess_that_is_exact_needs_one_program(programs):
    # It leaves nothing to pay, and a gap of 1e-17 is no share of that: it is held against what all the costs pay.
    x, a, b = features(0, 200, 16), np.full(5, 0.2), np.full(200, 1 / 200)
    C = cost_matrix(x[:5], x, "sqeuclidean")
    plain = solve(C, a, b)
    assert solve(C, a, b, near=plain.potentials[0]).value == pytest.approx(plain.value, rel=1e-13)
    assert len(programs) == 2


def test_a_guess_that_proves_too_little_is_dropped(programs):
    # Each point goes to its nearest support point: beyond that the plan pays exactly 0, of which rounding is no share.
    generator = np.random.default_rng(0)
    x = generator.normal(size=(20, 2)) + np.repeat([[0.0, 0], [50, 0]], 10, axis=0)
    C = cost_matrix(np.array([[0.0, 0], [50, 0]]), x, "sqeuclidean")
    for _ in range(20):
        t = solve(C, np.full(2, 0.5), np.full(20, 1 / 20), near=1e3 * generator.normal(size=2))
        assert t.value == pytest.approx(C.min(axis=0).mean(), rel=1e-13)
        assert t.gap <= 1e-12 * t.value
    assert len(programs) > 20


@pytest.mark.parametrize("m", [5, 10, 40])
def test_where_masses_divide_a_plan_splits_no_point(m):
    x = features(1, 200, 16)
    for step in barycenter_steps(x, m=m, masses="uniform"):
        assert np.count_nonzero(step.plan) == 200
        assert len(np.unique(step.plan)) == 2  # 0, and 1/200 to the last bit


def test_a_flow_far_below_the_others_is_no_rounding_error():
    b = np.array([0.5, 0.5 - 1e-20, 1e-20])
    t = transport(Measure([[0.0], [1.0]], [0.5, 0.5]), Measure([[0.0], [1.0], [2.0]], b))
    assert t.plan[1, 2] == pytest.approx(1e-20)
