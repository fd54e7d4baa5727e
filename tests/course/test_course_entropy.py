"""Sinkhorn's rounds, one by one."""

import itertools
import re

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from wddkit.course.entropy import sinkhorn_rounds
from wddkit.ot import Measure, sinkhorn

RNG = np.random.default_rng(0)
A = Measure(RNG.normal(size=(7, 2)), RNG.dirichlet(np.ones(7)))
B = Measure(RNG.normal(size=(5, 2)) + 1, RNG.dirichlet(np.ones(5)))
C = cdist(A.points, B.points, "sqeuclidean")


@pytest.mark.parametrize("reg", [0.05, 1.0, 50.0])
def test_rounds_end_at_the_plan_of_the_library(reg: float) -> None:
    *_, last = itertools.islice(sinkhorn_rounds(C, A.masses, B.masses, reg=reg), 3000)
    expected = sinkhorn(A, B, reg=reg)
    u, v = expected.potentials
    np.testing.assert_allclose(last.plan, expected.plan, atol=1e-8)
    assert last.bound == pytest.approx(A.masses @ u + B.masses @ v, rel=1e-8)
    assert last.error < 1e-6


def test_the_bound_never_falls_and_columns_are_met_in_every_round() -> None:
    rounds = list(itertools.islice(sinkhorn_rounds(C, A.masses, B.masses, reg=0.2), 40))
    assert (np.diff([each.bound for each in rounds]) >= -1e-12).all()
    assert rounds[0].error > 100 * rounds[-1].error > 0
    for each in rounds:
        np.testing.assert_allclose(each.plan.sum(axis=0), B.masses, atol=1e-12)
        outer = np.outer(A.masses, B.masses)
        np.testing.assert_allclose(each.plan, outer * np.exp((each.u[:, None] + each.v - C) / 0.2), atol=1e-12)


def test_a_two_by_two_plan_is_the_one_worked_by_hand() -> None:
    """Of equal masses and costs 0, 1 / 1, 0 the first round has the answer: T_11 / T_12 = exp(1 / reg)."""
    first = next(sinkhorn_rounds(np.array([[0.0, 1.0], [1.0, 0.0]]), np.full(2, 0.5), np.full(2, 0.5), reg=1.0))
    near = 0.5 * np.e / (1 + np.e)
    np.testing.assert_allclose(first.plan, [[near, 0.5 - near], [0.5 - near, near]], rtol=1e-12)
    assert first.error < 1e-12


@pytest.mark.parametrize(
    ("costs", "masses", "reg", "said"),
    [
        (C, np.r_[A.masses[:5] / A.masses[:5].sum(), 0, 0], 1.0, "masses: some are 0, whose logarithm there is not"),
        (C, np.ones(7), 1.0, "masses of a: must sum to 1"),
        (C[0], A.masses, 1.0, "costs: expected shape [n, d]"),
        (C, A.masses, 0.0, "reg: expected a positive finite number, got 0.0"),
    ],
)
def test_what_is_no_problem_is_refused_at_once(costs: np.ndarray, masses: np.ndarray, reg: float, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        sinkhorn_rounds(costs, masses, B.masses, reg=reg)
