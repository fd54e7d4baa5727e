"""The nearest real images, against all distances."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wddkit.views.payload import neighbours
from wddkit.views.payload.neighbours import Neighbours, far, squared_to_nearest


def brute(y: np.ndarray, x: np.ndarray, k: int) -> np.ndarray:
    apart = ((y[:, None].astype(np.float64) - x.astype(np.float64)) ** 2).sum(axis=2)
    return apart.argsort(axis=1, kind="stable")[:, :k]


@given(st.integers(0, 100), st.integers(1, 40), st.integers(1, 7), st.integers(1, 6))
def test_the_nearest_are_those_of_all_distances(seed: int, n: int, d: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(9, d))
    found = Neighbours(x).nearest(y, k)
    np.testing.assert_array_equal(found[:, : min(k, n)], brute(y, x, k))
    assert (found[:, n:] == -1).all()


@pytest.mark.parametrize("n", [3000, 5001])
def test_among_many_points_in_many_blocks_too(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BLOCK", 7 * n)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 16)), rng.normal(size=(60, 16))
    np.testing.assert_array_equal(Neighbours(x).nearest(y, 5), brute(y, x, 5))


def test_a_common_offset_costs_no_digits() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(500, 8)), rng.normal(size=(20, 8))
    np.testing.assert_array_equal(Neighbours(x + 1e6).nearest(y + 1e6, 5), brute(y, x, 5))


def test_half_precision_features_and_points_that_coincide() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 8)).astype(np.float16)
    np.testing.assert_array_equal(Neighbours(x).nearest(x, 1)[:, 0], np.arange(300))
    same = np.ones((4, 2))
    assert Neighbours(same).nearest(same[:1], 5).tolist() == [[0, 1, 2, 3, -1]]


def test_memory_stays_at_the_points_and_a_block() -> None:
    x = np.random.default_rng(0).normal(size=(20_000, 16)).astype(np.float32)
    tracemalloc.start()
    Neighbours(x).nearest(x[:5000], 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 4 * neighbours.BLOCK + 4 * x.nbytes  # all distances would be 400 MB


def test_the_distance_to_the_nearest_is_that_of_all_distances() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(12, 4))
    np.testing.assert_allclose(squared_to_nearest(x, y), ((x[:, None] - y) ** 2).sum(axis=2).min(axis=1), rtol=1e-12)


def test_far_is_a_tenth_of_each_class_and_the_farthest() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1, 2], [40, 25, 9])
    x = rng.normal(size=(74, 3))
    supports = {0: rng.normal(size=(3, 3)), 1: rng.normal(size=(2, 3)), 2: rng.normal(size=(1, 3))}
    flags = far(x, labels, supports)
    assert [int(flags[labels == c].sum()) for c in range(3)] == [4, 2, 0]
    for c, y in supports.items():
        squared = ((x[labels == c][:, None] - y) ** 2).sum(axis=2).min(axis=1)
        own = flags[labels == c]
        assert not own.any() or squared[own].min() >= squared[~own].max()


def test_a_class_without_support_points_has_no_holes() -> None:
    flags = far(np.arange(20.0)[:, None], np.repeat([0, 1], 10), {0: np.zeros((1, 1)), 1: np.zeros((0, 1))})
    assert np.flatnonzero(flags).tolist() == [9]


def test_points_that_cannot_be_compared_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"expected points \[n, d\] with n >= 1, got shape \(0, 3\)"):
        Neighbours(np.zeros((0, 3)))
    with pytest.raises(ValueError, match=r"points of 3 numbers were given, and these have shape \(2, 4\)"):
        Neighbours(np.zeros((2, 3))).nearest(np.zeros((2, 4)))
