import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wddkit.ot import nearest

seeds = st.integers(0, 2**32 - 1)
P = np.random.default_rng(0).normal(size=(20, 2))


def test_each_support_point_gets_its_own_nearest_point():
    points = np.array([[0.0], [1.0], [5.0], [9.0]])
    np.testing.assert_array_equal(nearest([[4.0], [0.2]], points), [2, 0])
    np.testing.assert_array_equal(nearest([[0.4], [0.1]], points), [1, 0])  # both nearest to 0
    np.testing.assert_array_equal(nearest(points[::-1], points), [3, 2, 1, 0])


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(1, 4), st.integers(0, 2))
def test_nearest_points_are_the_best_of_all_choices(seed, m, more):
    generator = np.random.default_rng(seed)
    support, points = generator.normal(size=(m, 2)), generator.normal(size=(m + more, 2))
    C = ((support[:, None] - points) ** 2).sum(axis=2)
    best = min(itertools.permutations(range(m + more), m), key=lambda choice: C[range(m), choice].sum())
    np.testing.assert_array_equal(nearest(support, points), best)


@pytest.mark.parametrize(
    ("support", "points", "message"),
    [
        (P, P[:3], "20 support points cannot have 20 distinct points: only 3"),
        (P[:2, :1], P, "support: expected points of dimension 2, as the data's, got 1"),
        (P[0], P, r"support: expected shape \[n, d\]"),
    ],
)
def test_support_points_without_nearest_points_are_refused(support, points, message):
    with pytest.raises(ValueError, match=message):
        nearest(support, points)
