"""Which support point a real image goes to, against the plan itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wddkit.history import History
from wddkit.ot import transport
from wddkit.ot.plan import top_plan
from wddkit.views.scene.assignment import assignment


def plan_of(seed: int, m: int, n: int, *, uniform: bool) -> np.ndarray:
    """An exact plan from m support points to n images of mass 1/n."""
    rng = np.random.default_rng(seed)
    y, x = rng.normal(size=(m, 3)), rng.normal(size=(n, 3))
    if uniform:
        return np.asarray(transport(y, x).plan)
    near = ((x[:, None] - y) ** 2).sum(axis=2).argmin(axis=1)  # free masses: every image wholly to the nearest
    return (near == np.arange(m)[:, None]) / n


def recorded(plan: np.ndarray, k: int) -> dict[str, np.ndarray]:
    indices, masses, _ = top_plan(plan, k)
    return {"plan_indices": indices[None], "plan_masses": masses[None]}


@given(st.integers(0, 50), st.integers(2, 6), st.integers(3, 40), st.booleans())
def test_from_the_whole_plan_every_assignment_is_known(seed: int, m: int, n: int, uniform: bool) -> None:
    plan = plan_of(seed, m, n, uniform=uniform)
    found = assignment(recorded(plan, n), n)
    assert found is not None
    points, shares = found
    largest = plan.max(axis=0) * n
    np.testing.assert_allclose(shares[0], largest, rtol=1e-5)
    np.testing.assert_allclose(plan[points[0], np.arange(n)] * n, largest, rtol=1e-5)  # ties: one of the largest


@given(st.integers(0, 50), st.integers(2, 6), st.integers(3, 40), st.booleans(), st.integers(1, 8))
def test_from_a_part_of_the_plan_nothing_wrong_is_claimed(seed: int, m: int, n: int, uniform: bool, k: int) -> None:
    plan = plan_of(seed, m, n, uniform=uniform)
    part = recorded(plan, min(k, n))
    found = assignment(part, n)
    assert found is not None
    points, shares = found[0][0], found[1][0]
    known = np.flatnonzero(points >= 0)
    assert (shares[points < 0] == 0).all()
    told = np.bincount(part["plan_indices"].ravel(), part["plan_masses"].ravel(), n)
    if told.max() > (1 - 1e-6) / n:  # an image that is known wholly tells what an image weighs
        np.testing.assert_allclose(plan[points[known], known], plan.max(axis=0)[known], rtol=1e-4)
        np.testing.assert_allclose(shares[known], plan.max(axis=0)[known] * n, rtol=1e-4)


def test_what_was_recorded_is_taken_as_it_is_and_the_rest_is_not_known() -> None:
    arrays = {
        "assignment": np.array([[0, 1, 1], [1, 1, -1]], np.int64),
        "assignment_share": np.array([[1, 0.5, 0.75], [1, 1, 0]]),
        "plan_indices": np.zeros((2, 2, 1), np.int32),
        "plan_masses": np.ones((2, 2, 1), np.float32),
    }
    found = assignment(arrays, 5)
    assert found is not None
    assert found[0].tolist() == [[0, 1, 1, -1, -1], [1, 1, -1, -1, -1]]
    assert found[1].tolist() == [[1, 0.5, 0.75, 0, 0], [1, 1, 0, 0, 0]]
    assert (found[0].dtype, found[1].dtype) == (np.int32, np.float32)
    fewer = assignment(arrays, 2)
    assert fewer is not None
    assert fewer[0].tolist() == [[0, 1], [1, 1]]


def test_without_a_plan_there_is_no_assignment() -> None:
    assert assignment({"value": np.ones(2)}, 4) is None
    nothing = assignment({"plan_indices": np.zeros((1, 2, 3), int), "plan_masses": np.zeros((1, 2, 3))}, 4)
    assert nothing is not None
    assert nothing[0].tolist() == [[-1] * 4]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"assignment": np.zeros((2, 3), int)}, "assignment comes alone; expected both"),
        (
            {"assignment": np.zeros((3, 3), int), "assignment_share": np.zeros((3, 3))},
            r"assignment is int64 of shape \(3, 3\); expected whole numbers \[2, r\]",
        ),
        (
            {"assignment": np.zeros((2, 3)), "assignment_share": np.zeros((2, 3))},
            "assignment is float64 of shape",
        ),
        (
            {"assignment": np.zeros((2, 3), int), "assignment_share": np.zeros((2, 4))},
            r"assignment_share is float64 of shape \(2, 4\); expected floats of shape \(2, 3\)",
        ),
        (
            {"assignment": np.full((2, 3), 2), "assignment_share": np.zeros((2, 3))},
            r"assignment holds 2 to 2; expected -1 \(none\) to 1, a support point",
        ),
        (
            {"assignment": np.zeros((2, 3), int), "assignment_share": np.full((2, 3), 1.5)},
            "assignment_share holds 1.5 to 1.5; expected shares from 0 to 1",
        ),
    ],
)
def test_an_assignment_that_does_not_fit_is_refused(arrays: dict[str, np.ndarray], message: str) -> None:
    way = {"support": np.zeros((2, 2, 3)), "masses": np.full((2, 2), 0.5), "value": np.ones(2)}
    images = np.zeros((1, 2, 1, 8, 8), np.uint8)
    with pytest.raises(ValueError, match=message):
        History.from_arrays(images, [0, 1], barycenters={0: {**way, **arrays}})
