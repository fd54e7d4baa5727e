import numpy as np
import pytest
import torch
from ot_features import features
from ot_toys import blobs
from torch.utils._python_dispatch import TorchDispatchMode

from wddkit.ot import KMeans, Measure, barycenter, w2_squared
from wddkit.ot.batch import barycenters, scaled, starts
from wddkit.ot.problem import Question, check_problem
from wddkit.ot.solvers.anneal import schedule
from wddkit.ot.solvers.newton import Newton
from wddkit.ot.solvers.start import start_of

both = pytest.mark.parametrize("masses", ["uniform", "free"])
ALONE = {"uniform": Newton(polish=False, dtype="float64"), "free": KMeans(restarts=1, hartigan=False)}


def classes(count=4, n=120, d=6):
    return torch.from_numpy(np.stack([blobs(seed, n=n, d=d) for seed in range(count)]))


def same(a, b, *, rtol=1e-6, at=slice(None)):
    torch.testing.assert_close(a.support, b.support[at], rtol=rtol, atol=rtol)
    torch.testing.assert_close(a.masses, b.masses[at], rtol=rtol, atol=1e-12)
    torch.testing.assert_close(a.value, b.value[at], rtol=rtol, atol=1e-12)


def exact(batch, x):
    """The squared W2 of each support with its masses."""
    pairs = zip(batch.support, batch.masses, x, strict=True)
    return np.array(
        [w2_squared(Measure(y.double().numpy(), w.double().numpy()), p.double().numpy()) for y, w, p in pairs]
    )


# Beside one class at a time in NumPy


@both
@pytest.mark.parametrize(("n", "m"), [(120, 1), (120, 8), (119, 8), (120, 30)])
def test_each_class_is_what_numpy_finds_for_it_alone(masses, n, m):
    x = classes(n=n)
    found = barycenters(x, m=m, masses=masses, seed=5)
    for k in range(len(x)):
        expected = barycenter(x[k].numpy(), m=m, masses=masses, seed=5, solver=ALONE[masses])
        np.testing.assert_allclose(found.support[k], expected.support, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(found.masses[k], expected.masses, atol=1e-12)
        assert float(found.value[k]) == pytest.approx(expected.value, rel=1e-6)


def test_starts_are_those_of_one_class_alone_in_any_precision():
    x = classes()
    for dtype in (torch.float32, torch.float64):
        block = scaled(x.to(dtype), torch.full((4,), 120))
        found = block.offset + block.s.to(dtype)[:, None, None] * starts(block, 20, [3, 4, 5, 6], 2)
        for k, seed in enumerate((3, 4, 5, 6)):
            problem, frame = check_problem(Question(x[k].numpy(), m=20, masses="uniform", seed=seed))
            np.testing.assert_allclose(found[k], start_of(problem, 2) + frame.centre, rtol=1e-5, atol=1e-5)


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_value_is_never_below_the_distance_and_near_it(masses, dtype):
    x = torch.from_numpy(np.stack([features(seed, 300, 32) for seed in range(3)])).to(dtype)
    found = barycenters(x, m=20, masses=masses)
    ratio = found.value.numpy() / exact(found, x)
    rounding = 1e-6 if dtype == torch.float32 else 1e-12
    assert (ratio >= 1 - rounding).all()
    assert (ratio <= (1 + rounding if masses == "free" else 1.01)).all()
    assert (found.marginal_error <= (1e-2 if masses == "uniform" else 0)).all()


def test_of_a_plan_that_is_blurred_the_value_is_that_plans_and_the_error_says_so():
    x = classes()
    hot = barycenters(x, m=30, masses="uniform", temperatures=[0.2])
    assert (hot.value.numpy() > 1.1 * exact(hot, x)).all()
    torch.testing.assert_close(hot.masses, torch.full((4, 30), 1 / 30, dtype=torch.float64))
    cold = barycenters(x, m=30, masses="uniform", temperatures=[1e-4])  # with no way there
    assert (cold.value.numpy() >= exact(cold, x) * (1 - 1e-12)).all()
    assert cold.marginal_error.max() > 0.01 > barycenters(x, m=30, masses="uniform").marginal_error.max()


@both
def test_the_answer_is_centred_and_spread_as_a_fixed_point_is(masses):
    x = classes()
    found = barycenters(x, m=9, masses=masses)
    means = (found.masses[:, None] @ found.support)[:, 0]
    torch.testing.assert_close(means, x.mean(dim=1), rtol=1e-9, atol=1e-9)
    if masses == "free":  # the plan is a fixed point's: value = E|x|² - E|y|²
        squares = (x**2).sum(dim=2).mean(dim=1) - (found.masses * (found.support**2).sum(dim=2)).sum(dim=1)
        torch.testing.assert_close(found.value, squares, rtol=1e-9, atol=1e-9)


# No class feels its company


@both
def test_company_order_block_and_padding_do_not_matter(masses):
    x = classes(5)
    found = barycenters(x, m=7, masses=masses, seed=[1, 2, 3, 4, 5])
    same(barycenters(x[2:3], m=7, masses=masses, seed=3), found, at=slice(2, 3))
    order = torch.tensor([4, 2, 0, 1, 3])
    same(barycenters(x[order], m=7, masses=masses, seed=[5, 3, 1, 2, 4]), found, at=order)
    for block in (1, 2, 5, 100):
        same(barycenters(x, m=7, masses=masses, seed=np.arange(1, 6), block=block), found)
    padded = torch.cat([x, torch.full((5, 30, 6), torch.nan, dtype=x.dtype)], dim=1)
    same(barycenters(padded, m=7, masses=masses, seed=[1, 2, 3, 4, 5], counts=[120] * 5), found)


@both
def test_classes_of_different_size_are_each_what_they_are_alone(masses):
    x, counts = classes(3), [40, 120, 77]
    found = barycenters(x, m=6, masses=masses, counts=counts, block=2)
    for k, n in enumerate(counts):
        same(barycenters(x[k : k + 1, :n], m=6, masses=masses), found, at=slice(k, k + 1))
        expected = barycenter(x[k, :n].numpy(), m=6, masses=masses, solver=ALONE[masses])
        np.testing.assert_allclose(found.support[k], expected.support, rtol=1e-6, atol=1e-6)
    tensor = barycenters(x, m=6, masses=masses, counts=torch.tensor(counts, dtype=torch.int32), block=2)
    torch.testing.assert_close(tensor.support, found.support)


@both
def test_a_class_that_is_degenerate_does_not_harm_the_others(masses):
    x = classes(4)
    found = barycenters(x, m=7, masses=masses)
    for bad in (torch.full((120, 6), 0.1), torch.zeros(120, 6), x[1].clone().index_fill(0, torch.tensor([3]), 1e9)):
        mixed = torch.cat([x[:1], bad[None].to(x.dtype), x[2:]])
        answer = barycenters(mixed, m=7, masses=masses)
        others = torch.tensor([0, 2, 3])
        torch.testing.assert_close(answer.support[others], found.support[others], rtol=1e-6, atol=1e-6)
        assert torch.isfinite(answer.support).all()
        assert torch.isfinite(answer.value).all()


@both
def test_more_restarts_are_never_worse_and_the_first_is_the_default(masses):
    x = classes()
    one, five = (barycenters(x, m=9, masses=masses, restarts=restarts) for restarts in (1, 5))
    assert (five.value <= one.value).all()
    assert (five.value < one.value).any()
    assert (exact(five, x) <= five.value.numpy() * (1 + 1e-9)).all()
    torch.testing.assert_close(one.support, barycenters(x, m=9, masses=masses).support)


# Degenerate classes


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_identical_points_are_all_the_support(masses, dtype):
    found = barycenters(torch.full((2, 20, 4), 0.1, dtype=dtype), m=3, masses=masses)
    torch.testing.assert_close(found.support, torch.full((2, 3, 4), 0.1, dtype=dtype), rtol=1e-7, atol=0)
    assert (found.value == 0).all()
    np.testing.assert_allclose(found.masses.sum(dim=1), 1, rtol=1e-6)


@both
@pytest.mark.parametrize("offset", [1e4, 3e6, 1e8])
def test_a_class_far_from_zero_keeps_the_spread_that_its_type_can_hold(masses, offset):
    x = (classes(3, d=3) + torch.tensor([offset, 0, -offset])).float()  # in float32 rounded to a quarter at 3e6
    found = barycenters(x, m=5, masses=masses)
    for k in range(3):
        alone = barycenter(x[k].double().numpy(), m=5, masses=masses, solver=ALONE[masses])
        # At 1e8 two coordinates are multiples of 8: points tie, and a machine's last bits choose the local minimum.
        assert float(found.value[k]) == pytest.approx(alone.value, rel=1e-4 if offset < 1e8 else 5e-3)


def test_a_class_that_spreads_in_the_last_bits_alone_has_its_spread():
    one, steps = np.float32(1), np.arange(8, dtype=np.float32)[:, None]
    x = torch.from_numpy(one + steps * np.spacing(one))[None]  # 1, and the next numbers of float32
    whole = barycenters(x, m=1)
    assert float(whole.value) == pytest.approx(np.var(steps) * float(np.spacing(one)) ** 2, rel=1e-5)
    assert float(barycenters(x, m=2).value) == pytest.approx(np.var(steps[:4]) * float(np.spacing(one)) ** 2, rel=1e-5)
    small = torch.from_numpy(1e-30 * steps)[None]  # whose squares float32 does not know
    beside = torch.cat([torch.ones_like(small), small], dim=2)
    assert float(barycenters(beside, m=2).value) == pytest.approx(np.var(steps[:4]) * 1e-60, rel=1e-5)


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_with_fewer_points_than_support_points_some_repeat(masses, dtype):
    x = classes(2, n=5).to(dtype)
    for counts in ([5, 5], [5, 2], [1, 3]):
        found = barycenters(x, m=10, masses=masses, counts=counts)
        assert torch.isfinite(found.support).all()
        np.testing.assert_allclose(found.masses.sum(dim=1), 1, rtol=1e-6)
        if masses == "free":
            assert ((found.masses > 0).sum(dim=1) == torch.tensor(counts)).all()
            np.testing.assert_allclose(found.value, 0, atol=1e-9)
    same_points = barycenters(x[:, :1].expand(-1, 4, -1), m=2, masses=masses)
    torch.testing.assert_close(same_points.support, x[:, :1].expand(-1, 2, -1))


def test_support_points_in_plenty_lie_on_the_points():
    x = classes(2, n=5)
    found = barycenters(x, m=10, masses="uniform")
    assert (found.value.numpy() <= 1e-3 * x.var(dim=1, correction=0).sum(dim=1).numpy()).all()


@both
@pytest.mark.parametrize("scale", [1e-9, 1e-5, 1e6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_support_follows_the_scale(masses, scale, dtype):
    x = torch.from_numpy(np.stack([features(seed, 90, 16) for seed in range(2)])).to(dtype)
    found, moved = barycenters(x, m=6, masses=masses), barycenters(scale * x, m=6, masses=masses)
    tolerance = 1e-4 if dtype == torch.float32 else 1e-9
    torch.testing.assert_close(moved.support / scale, found.support, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(moved.value / scale**2, found.value, rtol=tolerance, atol=0)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_in_float32_points_whose_squares_it_cannot_hold_are_solved(scale):
    x = classes(2).float()
    found, moved = barycenters(x, m=6), barycenters(scale * x, m=6)
    torch.testing.assert_close(moved.support / scale, found.support, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(moved.value / scale**2, found.value, rtol=1e-3, atol=0)


def test_a_far_origin_costs_only_the_digits_that_the_points_have_lost():
    x = classes(2)
    found, moved = barycenters(x, m=6), barycenters(x + 1e6, m=6)
    torch.testing.assert_close(moved.support - 1e6, found.support, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_float32_at_a_hundred_support_points_is_never_nan(seed):
    n, d = ((150, 1), (300, 3), (101, 20))[seed % 3]
    x = torch.from_numpy(np.stack([blobs(6 * seed + k, n=n, d=d) for k in range(6)])).float()
    for masses in ("uniform", "free"):
        found = barycenters(x, m=100, masses=masses, seed=seed)
        assert torch.isfinite(found.support).all()
        assert torch.isfinite(found.value).all()
        assert (found.marginal_error < 0.3).all()


# Tensors


@both
def test_dtype_follows_the_points_and_short_ones_are_computed_in_float32(masses):
    x = classes(2).half().float()
    long = barycenters(x, m=5, masses=masses)
    assert (long.support.dtype, long.masses.dtype, long.value.dtype) == (torch.float32, torch.float32, torch.float64)
    assert barycenters(x.double(), m=5, masses=masses).support.dtype == torch.float64
    same(barycenters(x.half(), m=5, masses=masses), long)


@both
def test_points_are_not_changed_and_need_be_neither_contiguous_nor_free_of_gradients(masses):
    x = classes(2)
    copy, found = x.clone(), barycenters(x, m=5, masses=masses)
    torch.testing.assert_close(x, copy, rtol=0, atol=0)
    turned = x.permute(2, 1, 0).contiguous().permute(2, 1, 0).requires_grad_()
    again = barycenters(turned, m=5, masses=masses)
    same(again, found)
    assert not again.support.requires_grad


@both
def test_the_same_call_gives_the_same_bits_whatever_was_drawn_before(masses):
    x = classes(2).float()
    first = barycenters(x, m=20, masses=masses, seed=3)
    torch.manual_seed(7)
    again = barycenters(x, m=20, masses=masses, seed=3)
    assert torch.equal(first.support, again.support)
    assert torch.equal(first.value, again.value)
    assert not torch.equal(first.support, barycenters(x, m=20, masses=masses, seed=4).support)


class Largest(TorchDispatchMode):
    """Notes the most numbers that any operation has returned in one tensor."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for each in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(each, torch.Tensor) and not each._is_view():
                self.numbers = max(self.numbers, each.numel())
        return out


@both
def test_memory_is_that_of_a_block(masses):
    x = classes(12, n=90, d=40)
    for block in (1, 3):
        with Largest() as largest:
            barycenters(x, m=5, masses=masses, block=block)
        assert largest.numbers == block * 90 * 40


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@both
def test_on_cuda_it_is_the_same(masses):
    x = classes()
    found = barycenters(x.cuda(), m=8, masses=masses)
    assert found.support.is_cuda
    expected = barycenters(x, m=8, masses=masses)
    torch.testing.assert_close(found.support.cpu(), expected.support, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found.value.cpu(), expected.value, rtol=1e-6, atol=1e-9)


# Bad input

X = classes(3, n=20, d=2)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (
            X.numpy(),
            {},
            r"x: expected a tensor of floats, \[classes, points, dimension\] .* got ndarray; for one class",
        ),
        (X[0], {}, r"x: expected a tensor of floats, .* got \(20, 2\) of torch.float64; for one class write x\[None\]"),
        (X.long(), {}, r"got \(3, 20, 2\) of torch.int64"),
        (X[:0], {}, r"with at least one of each, got \(0, 20, 2\)"),
        (X[:, :0], {}, r"with at least one of each, got \(3, 0, 2\)"),
        (X, {"m": 0}, "m: expected a whole number of at least 1, got 0"),
        (X, {"m": 2.0}, "m: expected a whole number of at least 1, got 2.0"),
        (X, {"block": 0}, "block: expected a whole number of at least 1, got 0"),
        (X, {"restarts": 0}, "restarts: expected a whole number of at least 1, got 0"),
        (X, {"masses": "unifrom"}, "unknown masses 'unifrom'. Did you mean 'uniform'"),
        (X, {"seed": -1}, "seed: expected a whole number of at least 0, got -1"),
        (X, {"seed": [1, 2]}, "seed: expected one, or 3, one for each class, got 2"),
        (X, {"seed": [1, 2, 0.5]}, "seed: expected a whole number of at least 0, got 0.5"),
        (X, {"counts": [20, 20]}, r"counts: expected 3 whole numbers, one for each class, got \[20, 20\]"),
        (X, {"counts": [20, 20, 1.5]}, "counts: expected 3 whole numbers"),
        (X, {"counts": "abc"}, "counts: expected 3 whole numbers"),
        (X, {"counts": [20, 0, 20]}, "counts: class 1 has 0 points; expected 1 to 20; leave out empty classes"),
        (X, {"counts": [20, 20, 21]}, "counts: class 2 has 21 points; expected 1 to 20"),
        (X, {"temperatures": []}, r"temperatures: expected numbers from 1e-06 on, as schedule\(\) gives, got \[\]"),
        (X, {"temperatures": [0.1, 0]}, r"expected numbers from 1e-06 on, as schedule\(\) gives, got \[0.1, 0\]"),
        (X, {"temperatures": 0.1}, r"expected numbers from 1e-06 on, as schedule\(\) gives, got 0.1"),
        (
            1e200 * X,
            {},
            r"class 0: the largest coordinate is .*e\+200: its square leaves the range of float64; rescale",
        ),
        (1e-200 * X, {}, r"class 0: the largest coordinate is .*e-200: its square leaves the range"),
    ],
)
def test_bad_input_is_refused(x, options, message):
    with pytest.raises(ValueError, match=message):
        barycenters(x, **({"m": 2} | options))


@both
@pytest.mark.parametrize("block", [1, 2, 64])
def test_a_class_with_nan_is_named_and_poisons_no_other(masses, block):
    x = classes(5)
    x[3, 7, 2], x[3, 9, 0] = torch.nan, torch.inf
    with pytest.raises(
        ValueError, match="class 3: NaN or infinite values in 2 of 120 points, first in point 7; remove"
    ):
        barycenters(x, m=4, masses=masses, block=block)
    others = torch.tensor([0, 1, 2, 4])
    assert torch.isfinite(barycenters(x[others], m=4, masses=masses).support).all()
    # Points from its count on are not looked at.
    found = barycenters(x, m=4, masses=masses, counts=[120, 120, 120, 7, 120])
    same(barycenters(x[3:4, :7], m=4, masses=masses), found, at=slice(3, 4))


def test_the_schedule_can_be_another():
    x = classes()
    usual, slow, quick = (
        barycenters(x, m=20, masses="uniform", temperatures=each)
        for each in (None, schedule(steps=60), schedule(steps=2))
    )
    assert not torch.equal(slow.support, usual.support)
    assert slow.value.sum() <= quick.value.sum()
