"""Losses: values against the solvers and closed forms, gradients against finite differences and known maps."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import grad, gradcheck

from wddkit.ot import Measure, transport
from wddkit.ot import sinkhorn_divergence as smoothed
from wddkit.ot import sliced_w2_squared as sliced
from wddkit.ot import w2_squared as exact
from wddkit.ot.losses import sinkhorn_divergence, sliced_w2_squared, transport_plan, w2_squared

AXES = torch.eye(3, dtype=torch.float64)

seeds = st.integers(0, 2**32 - 1)
LOSSES = {
    "exact": w2_squared,
    "sliced": lambda x, y, directions=20, **masses: sliced_w2_squared(x, y, directions=directions, **masses),
    "sinkhorn": lambda x, y, **masses: sinkhorn_divergence(x, y, reg=0.5, **masses),
}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def tensor(values):
    return torch.as_tensor(np.asarray(values, dtype=np.float64))


def drawn(seed, m=6, n=9, d=3):
    """Points and masses of two measures, m and n of them."""
    generator = np.random.default_rng(seed)
    points = (generator.normal(size=(k, d)) for k in (m, n))
    masses = (generator.dirichlet(np.ones(k)) for k in (m, n))
    return (*map(tensor, points), *map(tensor, masses))


def measures(x, y, a, b):
    return Measure(x.numpy(), a.numpy()), Measure(y.numpy(), b.numpy())


def pull(loss, x, *others, **options):
    """The gradient of a loss in the first points."""
    x = x.clone().requires_grad_()
    return grad(loss(x, *others, **options), x)[0]


# Values: the solvers of this room and plain formulas are the oracle


@settings(max_examples=25)
@given(seeds, st.integers(1, 8), st.integers(1, 8))
def test_the_exact_loss_is_the_solvers_value_and_its_plan_the_solvers_plan(seed, m, n):
    x, y, a, b = drawn(seed, m, n)
    assert w2_squared(x, y, a=a, b=b).item() == pytest.approx(exact(*measures(x, y, a, b)), rel=1e-12)
    best = transport(*measures(x, y, a, b))
    plan = transport_plan(x.requires_grad_(), y, a=a, b=b)
    np.testing.assert_allclose(plan.numpy(), best.plan, atol=1e-15)
    assert not plan.requires_grad


@settings(max_examples=25)
@given(seeds, st.integers(1, 8), st.integers(1, 8))
def test_the_sliced_loss_is_the_mean_of_the_exact_values_of_the_projections(seed, m, n):
    x, y, a, b = drawn(seed, m, n)
    theta = np.random.default_rng(seed).normal(size=(4, 3))
    p, q = (np.asarray(points) @ (theta / np.linalg.norm(theta, axis=1)[:, None]).T for points in (x, y))
    expected = [exact(Measure(p[:, [k]], a.numpy()), Measure(q[:, [k]], b.numpy())) for k in range(4)]
    found = sliced_w2_squared(x, y, a=a, b=b, directions=tensor(theta))
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-10, abs=1e-12)


def entropic(C, a, b, reg):
    """min over T of Σ_ij T_ij C_ij + reg Σ_ij T_ij log(T_ij / (a_i b_j)), by many plain iterations of Sinkhorn."""
    K, v = np.exp(-C / reg), np.ones(len(b))
    for _ in range(20_000):
        u = 1 / (K @ (b * v))
        v = 1 / (K.T @ (a * u))
    T = np.outer(a * u, b * v) * K
    return np.sum(T * C) + reg * np.sum(T * np.log(T / np.outer(a, b)))


@pytest.mark.parametrize("reg", [1.0, 3.0, 30.0])
@pytest.mark.parametrize(("m", "n"), [(5, 8), (8, 5), (1, 4)])
def test_the_sinkhorn_divergence_is_its_formula(m, n, reg):
    x, y, a, b = drawn(m, m, n)

    def cost(p, q, s, t):
        return entropic(((p[:, None] - q) ** 2).sum(dim=2).numpy(), s.numpy(), t.numpy(), reg)

    expected = cost(x, y, a, b) - cost(x, x, a, a) / 2 - cost(y, y, b, b) / 2
    assert sinkhorn_divergence(x, y, reg=reg, a=a, b=b).item() == pytest.approx(expected, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 12), st.integers(1, 12), st.floats(-3, 2))
def test_the_sinkhorn_loss_is_the_solvers_value(seed, m, n, exponent):
    x, y, a, b = drawn(seed, m, n)
    expected = smoothed(*measures(x, y, a, b), reg=10.0**exponent)
    assert sinkhorn_divergence(x, y, reg=10.0**exponent, a=a, b=b).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("m", [12, 40])
def test_the_sinkhorn_divergence_goes_from_the_exact_distance_to_that_of_the_means(m):
    x, y, a, b = drawn(0, m, 30)
    spread = ((x[:, None] - y) ** 2).sum(dim=2).mean().item()
    small, large = (sinkhorn_divergence(x, y, reg=k * spread, a=a, b=b).item() for k in (1e-6, 1e6))
    assert small == pytest.approx(exact(*measures(x, y, a, b)), rel=1e-4)
    assert large == pytest.approx((a @ x - b @ y).square().sum().item(), rel=1e-5)


# Closed forms: maps that are known to be optimal


@settings(max_examples=20)
@given(seeds, st.floats(-3, 3))
def test_a_shift_costs_its_squared_length_and_pulls_each_point_back_by_its_mass(seed, size):
    x, _, a, _ = drawn(seed)
    t = size * tensor(np.random.default_rng(seed).normal(size=3))
    y, both = x - t, {"a": a, "b": a}
    # Also with entropy: the shift adds to the costs what potentials take up.
    for loss in (w2_squared, LOSSES["sinkhorn"]):
        assert loss(x, y, **both).item() == pytest.approx((t @ t).item(), rel=1e-8, abs=1e-8)
        np.testing.assert_allclose(pull(loss, x, y, **both), 2 * torch.outer(a, t), atol=1e-7)
    theta = tensor(np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0])
    # Three directions at right angles see a third of the square each.
    assert sliced_w2_squared(x, y, **both, directions=theta).item() == pytest.approx((t @ t).item() / 3, abs=1e-12)
    np.testing.assert_allclose(
        pull(sliced_w2_squared, x, y, **both, directions=theta), 2 * torch.outer(a, t) / 3, atol=1e-12
    )


@settings(max_examples=20)
@given(seeds, st.floats(0.1, 3))
def test_a_stretch_is_optimal_in_any_order_of_the_points(seed, factor):
    x, _, a, _ = drawn(seed)
    order = np.random.default_rng(seed).permutation(6)
    y, b = (factor * x)[order], a[order]
    expected = (factor - 1) ** 2 * (a @ x.square().sum(dim=1))
    for loss in (w2_squared, lambda *points, **masses: 3 * sliced_w2_squared(*points, **masses, directions=AXES)):
        assert loss(x, y, a=a, b=b).item() == pytest.approx(expected.item(), rel=1e-9, abs=1e-12)
        np.testing.assert_allclose(pull(loss, x, y, a=a, b=b), 2 * (1 - factor) * a[:, None] * x, atol=1e-9)


@each_loss
def test_two_single_points_are_their_squared_distance_apart(loss):
    x, y = tensor([[1.0, 2.0, 0.0]]), tensor([[4.0, 6.0, 0.0]])
    options, share = ({"directions": AXES}, 3) if loss is LOSSES["sliced"] else ({}, 1)
    assert loss(x, y, **options).item() == pytest.approx(25 / share)
    np.testing.assert_allclose(pull(loss, x, y, **options), [[-6 / share, -8 / share, 0]])


@each_loss
@settings(max_examples=15)
@given(seed=seeds)
def test_a_loss_is_symmetric_not_negative_and_0_between_a_measure_and_itself(loss, seed):
    x, y, a, b = drawn(seed)
    assert loss(x, y, a=a, b=b).item() == pytest.approx(loss(y, x, a=b, b=a).item(), rel=1e-7, abs=1e-9)
    assert loss(x, y, a=a, b=b).item() > 0
    assert loss(x, x, a=a, b=a).item() == pytest.approx(0, abs=1e-8)
    assert pull(loss, x, x.clone(), a=a, b=a).abs().max() < 1e-7


@settings(max_examples=15)
@given(seeds)
def test_projections_and_smoothing_only_bring_measures_nearer(seed):
    x, y, a, b = drawn(seed)
    whole = w2_squared(x, y, a=a, b=b).item()
    assert sliced_w2_squared(x, y, a=a, b=b).item() <= whole
    assert sinkhorn_divergence(x, y, reg=1.0, a=a, b=b).item() <= whole


@settings(max_examples=20)
@given(seeds, st.integers(1, 8), st.integers(1, 8), st.integers(1, 5))
def test_the_sliced_loss_is_the_sliced_distance_along_the_same_directions(seed, m, n, d):
    x, y, a, b = drawn(seed, m, n, d)
    estimate = sliced(*measures(x, y, a, b), directions=17, seed=seed)
    assert sliced_w2_squared(x, y, a=a, b=b, directions=17, seed=seed).item() == pytest.approx(estimate.value, rel=1e-9)
    assert sliced_w2_squared(x, y).item() == pytest.approx(sliced(x, y).value, rel=1e-9)


def test_drawn_directions_are_decided_by_the_seed_alone_and_see_a_shift_exactly():
    x, y, _, _ = drawn(0, d=5)
    t = tensor([1.0, -2.0, 0.5, 0.0, 3.0])
    assert sliced_w2_squared(x, x + t, directions=3).item() == pytest.approx((t @ t).item() / 5, rel=1e-12)
    first, again, other = (sliced_w2_squared(x, y, seed=seed).item() for seed in (1, 1, 2))
    assert first == again != other
    assert sliced_w2_squared(x.float(), y.float(), seed=1).item() == pytest.approx(first, rel=1e-5)
    before = torch.get_rng_state()
    sliced_w2_squared(x, y)
    assert torch.equal(before, torch.get_rng_state())


# Gradients


@each_loss
@pytest.mark.parametrize(("m", "n"), [(4, 6), (5, 3)])
def test_gradients_in_points_and_masses_are_those_of_finite_differences(loss, m, n):
    x, y, a, b = (each.requires_grad_() for each in drawn(m, m, n))

    def value(x, y, a, b):
        return loss(x, y, a=a.softmax(dim=0), b=b.softmax(dim=0))  # which keeps the masses on the simplex

    assert gradcheck(value, (x, y, a, b))
    assert gradcheck(lambda x, y: loss(x, y), (x, y))


@each_loss
def test_points_are_pulled_alike_whether_or_not_the_others_move(loss):
    x, y, a, b = drawn(2)
    alone, together = pull(loss, x, y, a=a, b=b), pull(loss, x, y.clone().requires_grad_(), a=a, b=b)
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-14)


def test_masses_are_priced_by_the_potentials():
    x, y, a, b = drawn(3)
    a.requires_grad_()
    found = grad(w2_squared(x, y, a=a, b=b), a)[0]
    u, _ = transport(*measures(x, y, a.detach(), b)).potentials
    np.testing.assert_allclose(found, u - a.detach().numpy() @ u, atol=1e-12)  # masses count by their share


@each_loss
def test_points_without_mass_change_nothing_and_are_not_pulled(loss):
    x, y, a, b = drawn(4)
    far = torch.cat([x, x[:2] + 50])
    masses = torch.cat([a, torch.zeros(2, dtype=a.dtype)])
    assert loss(far, y, a=masses, b=b).item() == pytest.approx(loss(x, y, a=a, b=b).item(), rel=1e-9)
    found = pull(loss, far, y, a=masses, b=b)
    np.testing.assert_allclose(found[:6], pull(loss, x, y, a=a, b=b), atol=1e-8)
    assert not found[6:].any()


@each_loss
def test_going_downhill_lays_the_points_on_those_of_the_other_measure(loss):
    x, y, _, _ = drawn(5, 8, 8, 2)
    for _ in range(150):
        x = x - 2 * pull(loss, x, y)
    np.testing.assert_allclose(w2_squared(x, y), 0, atol=0.02)


@each_loss
def test_gradients_repeat_their_bits(loss):
    x, y, a, b = (each.float() for each in drawn(6, 40, 50, 8))
    a, b = a.double() / a.double().sum(), b.double() / b.double().sum()
    assert torch.equal(pull(loss, x, y, a=a, b=b), pull(loss, x, y, a=a, b=b))


# Types and bad input


@each_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_gradients_have_the_type_of_the_points_and_values_too_from_32_bits_on(loss, dtype):
    x, y, a, b = drawn(7)
    x, y = x.to(dtype).requires_grad_(), y.to(dtype)
    found = loss(x, y, a=a, b=b)
    assert grad(found, x)[0].dtype == dtype
    assert found.dtype == transport_plan(x, y).dtype == (dtype if dtype.itemsize > 2 else torch.float32)
    assert found.item() == pytest.approx(loss(x.double(), y.double(), a=a, b=b).item(), rel=1e-5)


@each_loss
def test_points_of_16_bits_have_squares_that_16_bits_could_not_hold(loss):
    x, y, a, b = drawn(7)
    x, y = (1e3 * x).half().requires_grad_(), (1e3 * y).half()
    found = loss(x, y, a=a, b=b)
    assert found.item() == pytest.approx(loss(x.double(), y.double(), a=a, b=b).item(), rel=1e-4)
    assert torch.isfinite(grad(found, x)[0]).all()


@each_loss
@pytest.mark.parametrize("scale", [1e20, 1e-25])
def test_points_whose_squares_leave_the_range_of_their_type_are_refused(loss, scale):
    x, y, _, _ = drawn(7)
    with pytest.raises(
        ValueError, match=r"x and y: points differ by up to .* of torch.float32; .* or write x.double\(\)"
    ):
        loss((scale * x).float(), (scale * y).float())


@each_loss
def test_a_common_offset_costs_no_digits_but_those_of_the_points(loss):
    x, y, a, b = ((each + 1e6 if k < 2 else each) for k, each in enumerate(drawn(7)))
    x, y = x.float(), y.float()
    expected = loss(x.double() - 1e6, y.double() - 1e6, a=a, b=b).item()
    assert loss(x, y, a=a, b=b).item() == pytest.approx(expected, rel=1e-5)


@each_loss
@pytest.mark.parametrize("count", [97, 300])
def test_equal_masses_sum_to_1_in_every_type(loss, count):
    x = torch.linspace(0, 1, count)[:, None]
    for dtype, digits in ((torch.float32, 1e-5), (torch.float16, 1e-3)):
        assert loss(x.to(dtype), (x + 2).to(dtype)).item() == pytest.approx(4, rel=digits)


GOOD = torch.zeros(2, 3)


@each_loss
@pytest.mark.parametrize(
    ("x", "y", "masses", "message"),
    [
        (torch.zeros(4), GOOD, None, r"x: expected shape \[n, d\], got \(4,\)"),
        (torch.zeros(0, 3), GOOD, None, r"x: expected shape \[n, d\] with n >= 1"),
        (GOOD, torch.full((2, 3), math.nan), None, "y: NaN or infinite values in 2 of 2 rows, first in row 0"),
        (GOOD, torch.full((2, 3), math.inf), None, "y: NaN or infinite values"),
        (GOOD, torch.zeros(2, 4), None, "x and y: points of dimension 3 and 4; embed both alike"),
        (GOOD, GOOD.double(), None, r"x and y: expected one type and one device, got torch.float32 on cpu and .*64"),
        (GOOD.int(), GOOD, None, "x: expected a tensor of floating-point numbers, got torch.int32"),
        (np.zeros((2, 3)), GOOD, None, "x: expected a tensor of floating-point numbers, got ndarray"),
        (GOOD.double() + 1e200, GOOD.double(), None, r"x and y: points differ by up to 1.0e\+200, whose square leaves"),
        (GOOD, GOOD, torch.ones(3) / 3, "masses of x: expected 2 masses, one for each point, got shape"),
        (GOOD, GOOD, torch.ones(2), "masses of x: must sum to 1, found 2; divide by the sum"),
        (GOOD, GOOD, torch.tensor([1.5, -0.5]), "masses of x: must not be negative, found -0.5 at 1"),
        (GOOD, GOOD, [0.5, 0.5], "masses of x: expected a tensor of floating-point numbers, got list"),
    ],
)
def test_points_and_masses_that_are_no_measures_are_refused(loss, x, y, masses, message):
    with pytest.raises(ValueError, match=message):
        loss(x, y, a=masses)


@pytest.mark.parametrize(
    ("directions", "message"),
    [
        (0, "directions: expected a whole number of at least 1, got 0"),
        (torch.ones(2, 4), "directions: expected rows of dimension 3, as the points', got 4"),
        (torch.zeros(2, 3), "directions: row 0 is 0 and has no direction; leave it out"),
        (torch.full((2, 3), math.nan), "directions: NaN or infinite values"),
        (torch.ones(3), r"directions: expected shape \[n, d\]"),
    ],
)
def test_directions_that_are_none_are_refused(directions, message):
    with pytest.raises(ValueError, match=message):
        sliced_w2_squared(GOOD, GOOD, directions=directions)


def test_a_seed_that_is_none_is_refused():
    with pytest.raises(ValueError, match="seed: expected a whole number of at least 0, got -1"):
        sliced_w2_squared(GOOD, GOOD, seed=-1)


@pytest.mark.parametrize("reg", [0, -1.0, math.nan, math.inf, "small", None])
def test_a_regularisation_that_is_none_is_refused(reg):
    with pytest.raises(ValueError, match="reg: expected a positive finite number, got"):
        sinkhorn_divergence(GOOD, GOOD, reg=reg)


def test_a_regularisation_too_small_for_float64_is_refused():
    x, y, a, b = drawn(8)
    with pytest.raises(ValueError, match=r"reg: .*differ by"):
        sinkhorn_divergence(x, y, reg=1e-13, a=a, b=b)
