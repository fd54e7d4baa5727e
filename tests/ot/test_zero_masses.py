"""Points of mass 0 are as if they were not there: wherever they are, whatever the cost is there."""

import numpy as np
import pytest
from ot_toys import random_measure

from wddkit.ot import (
    Measure,
    barycenter,
    coverage,
    nearest,
    nearest_real,
    otdd,
    partial,
    sinkhorn_divergence,
    transport,
    unbalanced,
    w2_squared,
)
from wddkit.ot.costs import COSTS

PLANS = {
    "exact": transport,
    "entropic": lambda a, b, cost: transport(a, b, cost=cost, reg=0.5),
    "unbalanced": lambda a, b, cost: unbalanced(a, b, cost=cost, relax=1.0, reg=0.5),
    "half": lambda a, b, cost: unbalanced(a, b, cost=cost, relax=(np.inf, 1.0), reg=0.5),
    "partial": lambda a, b, cost: partial(a, b, cost=cost, mass=0.7),
}
PLACES = [0.0, -3.0, 1e9, 1e17, -1e200]
each_place = pytest.mark.parametrize("place", PLACES)


def drawn(seed=0, m=6, n=8):
    generator = np.random.default_rng(seed)
    return [Measure(each.points**2 + 0.1, each.masses) for each in (random_measure(generator, k, 3) for k in (m, n))]


def with_empty(measure, place):
    """The measure with a point of mass 0 before its first one."""
    return Measure(np.vstack([np.full((1, 3), place), measure.points]), np.append(0, measure.masses))


@each_place
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_plans_do_not_feel_them_and_their_potentials_are_finite(plan, cost, place):
    a, b = drawn()
    expected, t = plan(a, b, cost=cost), plan(with_empty(a, place), with_empty(b, place), cost=cost)
    assert t.value == pytest.approx(expected.value, rel=1e-9)
    np.testing.assert_allclose(t.plan[1:, 1:], expected.plan, atol=1e-9)
    assert not t.plan[0].any()
    assert not t.plan[:, 0].any()
    for found, known in zip(t.potentials, expected.potentials, strict=True):
        np.testing.assert_allclose(found[1:] - known, 0, atol=1e-7)
        assert np.isfinite(found).all()


@pytest.mark.parametrize("place", [-3.0, 1e9])
def test_their_potentials_are_the_largest_that_the_costs_allow(place):
    a, b = (with_empty(each, place) for each in drawn())
    u, v = transport(a, b).potentials
    C = ((a.points[:, None] - b.points) ** 2).sum(axis=2)
    assert (C - u[:, None] - v).min() >= -1e-12 * C.max()
    assert (C[0] - v)[1:].min() == pytest.approx(u[0], rel=1e-9)


def test_a_point_of_mass_zero_takes_no_digits():
    far = Measure([[0.0], [1.0], [1e17]], [0.5, 0.5, 0])
    assert w2_squared([[0.3], [1.4]], far) == pytest.approx(0.125, rel=1e-14)
    assert w2_squared(far, [[0.3], [1.4]]) == pytest.approx(0.125, rel=1e-14)


def test_whitening_does_not_see_them():
    a, b = Measure([[0, 0], [1, 0], [0, 1], [10, 0]], [0.3, 0.3, 0.4, 0]), [[0, 0], [1, 1]]
    without = Measure(a.points[:3], a.masses[:3])
    assert transport(a, b, cost="whitened").value == pytest.approx(transport(without, b, cost="whitened").value)


@each_place
@pytest.mark.parametrize("cost", [cost for cost in COSTS if cost != "kl"])
def test_the_divergence_does_not_feel_them(cost, place):
    a, b = drawn(1)
    found = sinkhorn_divergence(with_empty(a, place), with_empty(b, place), reg=0.5, cost=cost)
    assert found == pytest.approx(sinkhorn_divergence(a, b, reg=0.5, cost=cost), rel=1e-9)


@each_place
def test_labels_and_coverage_do_not_feel_them(place):
    a, b = drawn(2)
    labels = np.arange(6) % 2, np.arange(8) % 2
    expected = otdd(a, labels[0], b, labels[1]).value
    found = otdd(with_empty(a, place), np.append(7, labels[0]), with_empty(b, place), np.append(8, labels[1]))
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert coverage(with_empty(a, place), b, k=2).coverage == coverage(a, b, k=2).coverage
    near = nearest_real(with_empty(a, place), b, heldout=with_empty(a, place))
    np.testing.assert_array_equal(near.index, nearest_real(a, b).index + 1)
    np.testing.assert_allclose(near.leakage.distance, nearest_real(a, b, heldout=a).leakage.distance, rtol=1e-12)


@each_place
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_barycenters_and_their_held_out_values_do_not_feel_them(masses, cost, place):
    a, b = drawn(3, 20, 15)
    options = {"m": 3, "masses": masses, "cost": cost, "start": a.points[:3]}
    expected = barycenter(a, heldout=b, **options)
    found = barycenter(with_empty(a, place), heldout=with_empty(b, place), **options)
    np.testing.assert_allclose(found.support, expected.support, rtol=1e-9)
    assert found.heldout == pytest.approx(expected.heldout, rel=1e-9)
    assert not found.plan[:, 0].any()


def test_none_of_them_is_the_nearest_real_point():
    real = Measure([[0.0], [1.0], [5.0]], [0, 0.5, 0.5])
    np.testing.assert_array_equal(nearest([[0.1]], real), [1])
    np.testing.assert_array_equal(nearest([[0.1], [0.9]], real), [1, 2])
    with pytest.raises(ValueError, match="3 support points cannot have 3 distinct points: only 2"):
        nearest([[0.1], [0.2], [0.3]], real)
