"""Ground costs: their definitions to the last digits, what they are fitted to, and where they end."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ot_toys import random_measure
from scipy.spatial.distance import cdist

from wddkit.ot import LinearMap, Measure, Whitened, barycenter, transport
from wddkit.ot.costs import COSTS, cost_matrix
from wddkit.ot.geometry import SAMPLE, centre_of
from wddkit.ot.measure import mixture

seeds = st.integers(0, 2**32 - 1)
P = np.random.default_rng(0).normal(size=(50, 3))


# What is fitted


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_an_atom_split_in_two_changes_no_barycenter_under_any_cost(cost, masses):
    generator = np.random.default_rng(0)
    points, masses_ = generator.exponential(size=(30, 3)), generator.dirichlet(np.ones(30))
    points[20:, 0] = 0  # `kl` then needs its floor
    whole = Measure(points, masses_)
    shares = np.append(np.where(np.arange(30) < 9, masses_ / 2, masses_), masses_[:9] / 2)
    halves = Measure(np.vstack([points, points[:9]]), shares)
    options = {"m": 4, "masses": masses, "cost": cost, "start": whole.points[10:14]}
    split, expected = barycenter(halves, **options), barycenter(whole, **options)
    np.testing.assert_allclose(split.support, expected.support, rtol=1e-7, atol=1e-9)
    assert split.value == pytest.approx(expected.value, rel=1e-9)


def test_whitening_two_halves_of_an_atom_is_whitening_the_atom():
    value = barycenter([[0, 0], [1, 0], [0, 2]], m=1, cost="whitened").value
    halves = Measure([[0, 0], [0, 0], [1, 0], [0, 2]], [1 / 6, 1 / 6, 1 / 3, 1 / 3])
    assert barycenter(halves, m=1, cost="whitened").value == pytest.approx(value, rel=1e-12)


def test_under_its_whitening_a_measure_has_the_covariance_of_the_sphere():
    measure = random_measure(np.random.default_rng(1), 30, 4)
    L = LinearMap.whitening(measure, ridge=0).L
    z = (measure.points - measure.masses @ measure.points) @ L.T
    np.testing.assert_allclose((measure.masses[:, None] * z).T @ z, np.eye(4), atol=1e-12)
    equal = LinearMap.whitening(P)
    np.testing.assert_allclose(equal.L, LinearMap.whitening(Measure.of(P)).L, rtol=1e-14)


def test_between_two_measures_each_counts_for_half_of_the_whitening():
    generator = np.random.default_rng(2)
    a, b = random_measure(generator, 6, 2), random_measure(generator, 9, 2)
    L = LinearMap.whitening(mixture([a, b], [0.5, 0.5]))
    assert transport(a, b, cost="whitened").value == pytest.approx(transport(a, b, cost=L).value, rel=1e-12)
    wide = Whitened(ridge=1e6)  # whose ridge leaves nothing but a factor
    assert transport(a, b, cost=wide).value == pytest.approx(
        transport(a, b, cost=LinearMap.whitening(mixture([a, b], [0.5, 0.5]), ridge=1e6)).value, rel=1e-12
    )


@pytest.mark.parametrize(
    ("points", "ridge", "message"),
    [
        (P, "a", r"ridge: expected a number in \[0, inf\), got 'a'"),
        (P, -2, r"ridge: expected a number in \[0, inf\), got -2"),
        (P, np.nan, "ridge: expected a number"),
        (P * [1, 1, 0], 0, "whitening: some direction has no spread, so that Σ has no inverse; take a ridge above 0"),
        (np.ones((4, 2)), 1e-3, "whitening: the points are all alike and have no spread"),
    ],
)
def test_what_cannot_be_whitened_is_refused(points, ridge, message):
    with pytest.raises(ValueError, match=message):
        LinearMap.whitening(points, ridge=ridge)


@pytest.mark.parametrize("cost", [LinearMap, Whitened, 3, None])
def test_what_is_no_cost_is_refused(cost):
    with pytest.raises(ValueError, match=r"cost: expected one of sqeuclidean, .*, or a Cost such as LinearMap\(L\)"):
        transport(P, P, cost=cost)


# Digits


@pytest.mark.parametrize("scale", [1e-161, 1e-162, 1e151])
def test_a_map_to_where_squares_are_out_of_range_is_refused(scale):
    for call in (lambda cost: transport(P[:3], P, cost=cost), lambda cost: barycenter(P, m=2, cost=cost)):
        with pytest.raises(ValueError, match=r"the largest coordinate after the linear map is .*: its square leaves"):
            call(LinearMap(scale * np.eye(3)))
    near = LinearMap(1e-139 * np.eye(3))
    assert transport(P[:3], P, cost=near).value / 1e-278 == pytest.approx(transport(P[:3], P).value)


@pytest.mark.parametrize("size", [1e-170, 1e-139, 1.0, 1e149])
def test_the_cosine_does_not_feel_lengths(size):
    assert transport([[size, 0.0]], [[1.0, 0.0]], cost="cosine").value == 0
    assert transport([[0.0, size]], [[1.0, 0.0]], cost="cosine").value == 1
    if size > 1e-140:  # below, squared distances of all points are out of range
        found = barycenter(size * (P + 3), m=2, cost="cosine", start=size * (P[:2] + 3))
        expected = barycenter(P + 3, m=2, cost="cosine", start=P[:2] + 3)
        np.testing.assert_allclose(found.support / size, expected.support, rtol=1e-9)


def kl_exactly(y, x):
    """Σ_k x log(x / y) - x + y with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        terms = [
            (p * (p / q).ln() if p else Decimal(0)) - p + q
            for p, q in zip(map(Decimal, x.tolist()), map(Decimal, y.tolist()), strict=True)
        ]
        return float(sum(terms))


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e3, 1e6, 1e8, 1e12])
def test_kl_keeps_its_digits_however_far_from_zero(offset):
    generator = np.random.default_rng(0)
    x, y = generator.exponential(size=(12, 5)) + offset, generator.exponential(size=(7, 5)) + offset
    x[:, 0] *= offset > 0
    y[:3] = x[:3] + 1e-6 * y[:3]  # near coincidences
    expected = [[kl_exactly(q, p) for p in x] for q in y]
    np.testing.assert_allclose(cost_matrix(y, x, "kl"), expected, rtol=1e-9)
    assert transport(x, x, cost="kl").value == 0


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_kl_keeps_its_digits_over_sixteen_orders_of_magnitude(seed):
    x, y = 10 ** np.random.default_rng(seed).uniform(-4, 4, size=(2, 6, 3))
    expected = [[kl_exactly(q, p) for p in x] for q in y]
    np.testing.assert_allclose(cost_matrix(y, x, "kl"), expected, rtol=1e-9)


def test_kl_takes_a_support_of_zeros_at_its_floor():
    x = np.array([[1.0, 3.0]])
    (found,) = cost_matrix(np.array([[0.0, 3.0]]), x, "kl")[0]
    floor = 1e-9 * (x.mean() + 1.5) / 2  # of both measures together
    assert found == pytest.approx(np.log(1 / floor) - 1, rel=1e-12)


# The centre


def test_the_centre_is_among_the_points_and_outliers_do_not_move_it():
    generator = np.random.default_rng(0)
    for n in (1, 2, 5, SAMPLE, SAMPLE + 1, 1000):
        x = generator.normal(size=(n, 3))
        spoilt = np.vstack([x, np.full((n // 5, 3), 1e17)])
        assert (np.abs(centre_of(spoilt)) < 3).all()
        assert np.isin(centre_of(x), x).all()  # a coordinate of a point: differences from it lose nothing
    both = centre_of(np.zeros((3, 1)), np.full((900, 1), 1e17))
    assert both in (0, 1e17)


@pytest.mark.parametrize("far", [1e6, 1e17, 1e20])
def test_costs_among_the_points_do_not_feel_one_far_away(far):
    spoilt = np.vstack([P, [[far, 0, 0]]])
    np.testing.assert_allclose(
        cost_matrix(spoilt, P[:5], "sqeuclidean")[:-1], cdist(P, P[:5], "sqeuclidean"), rtol=1e-9
    )
