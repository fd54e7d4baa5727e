"""The numbers that the cases of notebook 01 rest on."""

import numpy as np
import pytest
from cases_01 import PLAN, A, B, C, X, Y

from wddkit.ot import Measure, transport


def test_the_costs_worked_by_hand_are_those_of_the_library() -> None:
    lowest = transport(Measure(X, A), Measure(Y, B))
    assert lowest.value == pytest.approx((PLAN * C).sum(), abs=1e-12)
    np.testing.assert_allclose(lowest.plan, PLAN, atol=1e-12)
