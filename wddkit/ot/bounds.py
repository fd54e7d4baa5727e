"""What no barycenter gets below: proofs of quality that need no solver, for squared distances."""

import itertools
from typing import Any

import numpy as np

from wddkit.ot.plan import transport
from wddkit.ot.problem import Problem, Question, check_problem


def lower_bound(points: Any, *, m: int, weights: Any = None) -> float:
    """A number that the value of `barycenter(points, m=m, weights=weights)` is not below, whatever the masses.

    The larger of two bounds on  V = min over ν with m points of Σ_k λ_k W2²(ν, μ_k), for squared distances.

    **Spectrum.** With e_1 >= e_2 >= ... the eigenvalues of the covariance of the pooled measure Σ_k λ_k μ_k,

        V >= Σ_{r >= m} e_r

    m points span an affine space S of dimension at most m - 1. Each unit of mass of μ_k is carried to a point of S, so
    W2²(ν, μ_k) is at least the mean of dist(x, S)² over μ_k, and Σ_k λ_k of that is the mean over the pooled measure.
    No space of this dimension is nearer to it than that of the first m - 1 principal components through the mean
    (Pearson 1901), and what that leaves are the eigenvalues from the m-th on.

    **Pairs.** (Agueh and Carlier 2011, section 4)

        V >= 1/2 Σ_k Σ_l λ_k λ_l W2²(μ_k, μ_l)

    Glue plans of ν with each μ_k into one law of (y, x_1, ..., x_N). Under it, always,
    Σ_k λ_k |x_k - y|² >= Σ_k λ_k |x_k - Σ_l λ_l x_l|² = 1/2 Σ_k Σ_l λ_k λ_l |x_k - x_l|², and the mean of |x_k - x_l|²
    is at least W2²(μ_k, μ_l). One linear program a pair, of which the dual value is taken; of one measure it is 0.

    The spectrum is near the value for few support points, the pairs where many points stand for different measures.
    Raises ValueError as `barycenter` does.
    """
    problem, _ = check_problem(Question(points, m=m, masses="uniform", weights=weights))
    return max(_spectrum(problem), _pairs(problem))


def _spectrum(problem: Problem) -> float:
    x, b = problem.pooled.points, problem.pooled.masses
    spread = np.linalg.svd(np.sqrt(b)[:, None] * (x - b @ x), compute_uv=False)
    # Less the error of the singular values, so that where there is nothing to leave, nothing is claimed.
    e = np.maximum(spread - max(x.shape) * np.finfo(float).eps * spread[0], 0) ** 2
    return float(e[problem.m - 1 :].sum())


def _pairs(problem: Problem) -> float:
    pairs = itertools.combinations(zip(problem.weights, problem.measures, strict=True), 2)
    found = [(one * other, transport(mu, nu)) for (one, mu), (other, nu) in pairs]
    return float(sum(share * (each.value - each.gap) for share, each in found))
