"""One point far away, one mass far below the others, one start far off: where digits go, and where they must not."""

import numpy as np
import pytest
from ot_toys import random_problem
from scipy.optimize import linprog

from wddkit.ot import (
    Lloyd,
    Measure,
    Newton,
    Subgradient,
    barycenter,
    max_sliced_w2_squared,
    nearest_real,
    partial,
    plan,
    sinkhorn_divergence,
    transport,
    unbalanced,
)

X = np.random.default_rng(0).normal(size=(50, 3))
Y = np.random.default_rng(1).normal(size=(40, 3))
FAR = [1e3, 1e6, 1e17, 1e20]


def spoilt(points, far):
    """The points and one more."""
    return np.vstack([points, [[far, 0, 0]]])


# What may leave the far point out does not feel how far it is


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_a_trimmed_barycenter_does_not_feel_how_far_an_outlier_is(far, masses):
    options = {"m": 3, "masses": masses, "trim": 1 / 51, "start": X[:3]}
    found, clean = barycenter(spoilt(X, far), **options), barycenter(X, **(options | {"trim": 0.0}))
    assert found.value == pytest.approx(clean.value, rel=1e-9)
    np.testing.assert_allclose(found.support, clean.support, rtol=1e-9)


@pytest.mark.parametrize("far", FAR)
def test_partial_plans_and_nearest_points_do_not_feel_how_far_an_outlier_is(far):
    assert partial(Y, spoilt(X, far), mass=0.9).value == pytest.approx(partial(Y, spoilt(X, 1e2), mass=0.9).value)
    found, clean = nearest_real(spoilt(X, far), Y), nearest_real(X, Y)
    np.testing.assert_allclose(found.distance, clean.distance, rtol=1e-9)
    assert found.authenticity == clean.authenticity


@pytest.mark.parametrize("far", FAR[:-2])
@pytest.mark.parametrize("relax", [1.0, (0.5, 3.0), (np.inf, 1.0)])
def test_unbalanced_plans_leave_an_outlier_where_it_is(far, relax):
    t, near = (unbalanced(Y, spoilt(X, each), relax=relax, reg=0.1) for each in (far, 60.0))
    np.testing.assert_allclose(t.plan, near.plan, atol=1e-9)
    assert not t.plan[:, -1].any()
    assert t.value == pytest.approx(near.value, rel=1e-8)
    assert 0 <= t.gap <= 1e-8
    back = unbalanced(spoilt(X, far), Y, relax=relax[::-1] if isinstance(relax, tuple) else relax, reg=0.1)
    np.testing.assert_allclose(back.plan.T, t.plan, atol=1e-9)


def test_the_plan_of_an_outlier_whose_mass_must_be_carried_is_that_of_the_rest_besides():
    # Its 1/51 goes by the entropic rule; all of its costs are huge, and alike but for what its place says.
    t = unbalanced(spoilt(X, 1e5), Y, relax=(np.inf, 1.0), reg=0.1)
    np.testing.assert_allclose(t.plan.sum(axis=1), 1 / 51, rtol=1e-12)
    assert t.gap <= 1e-6 * t.value


# The held-out value is trimmed as the value is


@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_the_held_out_value_of_the_points_themselves_is_the_value_trimmed_or_not(masses):
    Z = spoilt(X, 1e3)
    for trim in (0.0, 0.05):
        found = barycenter(Z, m=3, masses=masses, trim=trim, heldout=Z)
        assert found.heldout == pytest.approx(found.value, rel=1e-12)


def test_the_held_out_value_is_the_least_of_the_plans_that_leave_the_share():
    found = barycenter(X, m=3, masses="uniform", trim=0.2, heldout=Y[:10])
    C = ((found.support[:, None] - Y[:10]) ** 2).sum(axis=2)
    rows, columns = np.kron(np.eye(3), np.ones(10)), np.kron(np.ones(3), np.eye(10))
    least = linprog(C.ravel(), A_eq=rows, b_eq=found.masses, A_ub=columns, b_ub=np.full(10, 0.1 / 0.8))
    assert found.heldout == pytest.approx(least.fun, rel=1e-9)


# Masses far below the others


@pytest.mark.parametrize("crumb", [1e-9, 1e-12, 1e-15, 1e-17, 1e-20])
@pytest.mark.parametrize("exchanged", [False, True])
def test_a_crumb_of_mass_is_carried_to_the_last_digit(crumb, exchanged):
    a = Measure([[0.0], [1.0], [1e9]], [0.5, 0.5 - crumb, crumb])
    b = Measure([[0.0], [1.0]], [0.5, 0.5])
    t = transport(b, a) if exchanged else transport(a, b)
    T = t.plan.T if exchanged else t.plan
    assert T.sum(axis=1)[2] == pytest.approx(crumb, rel=1e-12)
    assert t.value == pytest.approx(crumb * (1e9 - 1) ** 2 * 1.0, rel=1e-6)
    assert abs(t.gap) <= 1e-9 * t.value


def test_to_a_single_point_everything_goes():
    far = Measure([[0.0], [1e10]], [1 - 1e-12, 1e-12])
    for t in (transport(far, [[0.0]]), transport([[0.0]], far)):
        np.testing.assert_allclose(t.plan.sum(axis=t.plan.shape.index(1)), far.masses, rtol=1e-15)
        assert t.value == pytest.approx(1e8, rel=1e-12)
        assert t.gap == pytest.approx(0, abs=1e-6)


def test_a_plan_that_pays_less_than_any_may_has_lost_a_mass_and_is_refused(monkeypatch):
    def losing(R, a, b, solved=plan._simplex):
        T, v = solved(R, a, b)
        T[(T * R).sum(axis=1).argmax()] = 0
        return T, v

    monkeypatch.setattr(plan, "_simplex", losing)
    a, b, C = random_problem(0, 5, 7)
    with pytest.raises(ValueError, match=r"no plan can be proved optimal \(duality gap -"):
        plan.solve(C, a.masses, b.masses)


# Starts and sizes


@pytest.mark.parametrize("far", [1e2, 1e20, 1e100])
@pytest.mark.parametrize("solver", [Newton(), Newton(polish=False), Lloyd()])
def test_from_a_start_far_away_the_answer_is_about_as_good(far, solver):
    found = barycenter(X, m=3, masses="uniform", start=far * (X[:3] + 1), solver=solver)
    best = barycenter(X, m=3, masses="uniform", solver=Lloyd(restarts=10)).value
    assert best * (1 - 1e-9) <= found.value <= 1.6 * best


@pytest.mark.parametrize("scale", [1e-138, 1e-82, 1e80, 1e148])
def test_the_steepest_slice_follows_any_scale(scale):
    found, expected = max_sliced_w2_squared(scale * X, scale * Y), max_sliced_w2_squared(X, Y)
    assert found.value / scale / scale == pytest.approx(expected.value, rel=1e-6)
    np.testing.assert_allclose(found.direction, expected.direction, atol=1e-3)


@pytest.mark.parametrize("eta", [1e2, 1e4, 1e8])
def test_steps_of_any_size_leave_masses(eta):
    found = barycenter(X, m=3, solver=Subgradient(eta=eta, rounds=3))
    assert found.masses.sum() == pytest.approx(1, rel=1e-12)
    assert (found.masses >= 0).all()
    assert found.gap >= 0


@pytest.mark.parametrize("reg", [np.float16(0.1), np.float32(0.1), 1])
def test_the_divergence_is_a_float_of_64_bits_whatever_its_reg_is(reg):
    found = sinkhorn_divergence(X, Y, reg=reg)
    assert type(found) is float
    assert found == pytest.approx(sinkhorn_divergence(X, Y, reg=float(reg)), rel=1e-14)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heldout": 1e200 * X}, "the largest coordinate of heldout is .*: its square leaves the range"),
        ({"heldout": np.full((4, 3), 1e200)}, "the largest coordinate of heldout"),
        ({"solver": Newton(eps_end=1e-300)}, "newton: temperatures: expected numbers with start >= end >= 1e-06, got"),
        ({"start": 1e200 * X[:3]}, "the largest coordinate is .*: its square leaves the range"),
    ],
)
def test_what_leaves_the_range_of_numbers_is_refused_by_its_name(options, message):
    with pytest.raises(ValueError, match=message):
        barycenter(X, m=3, masses="uniform", **options)
