"""What a comparison may conclude: intervals, spreads, detectable differences and corrected p-values.

Accuracies are nested: students of one synthesis, syntheses under one teacher, teachers. Values are [k, n, s]: of k
teachers, n syntheses each, s students each.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from scipy.special import nctdtrinc, stdtr, stdtrit

from wddkit.history.tables import interval

POWER = 0.8
_NOTHING = 1e-9  # percentage points: equal accuracies whose means differ in the last bits


@dataclass(frozen=True)
class Spreads:
    """Standard deviations that each level adds, in percentage points; NaN where it cannot be told from another's."""

    students: float
    syntheses: float
    teachers: float


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences with its 95 % t-interval, the two-sided p-value, and what would be detected.

    NaN but for the mean where all differences are equal: their spread is then not 0, but was not seen in so few.
    """

    mean: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    detectable: float = math.nan


def units(values: Float[np.ndarray, "k n s"]) -> Float64[np.ndarray, " units"]:
    """Means of the highest level that has several members: teachers, else syntheses, else students.

    Only these are independent of each other: students of one synthesis share its images, syntheses their teacher.
    """
    k, n, _ = values.shape
    found: np.ndarray = values.mean(axis=(1, 2)) if k > 1 else values[0].mean(axis=1) if n > 1 else values[0, 0]
    return found


def spreads(values: Float[np.ndarray, "k n s"]) -> Spreads:
    """Components of variance of the nested design by the mean squares of its levels, as standard deviations.

    With T, Y and S the mean squares of teachers, of syntheses within teachers and of students within syntheses,
    E[S] = v_S, E[Y] = v_S + s v_Y, E[T] = v_S + s v_Y + n s v_T (Searle, Casella and McCulloch 1992, section 3.6).
    Estimates below 0 are 0. A single student hides in its synthesis, a single synthesis in its teacher.
    """
    k, n, s = values.shape
    by_synthesis, by_teacher = values.mean(axis=2), values.mean(axis=(1, 2))  # [k, n], [k]
    S = _mean_square(values - by_synthesis[:, :, None], k * n * (s - 1))
    Y = s * _mean_square(by_synthesis - by_teacher[:, None], k * (n - 1))
    T = n * s * _mean_square(by_teacher - values.mean(), k - 1)
    return Spreads(_root(S), _root((Y - S) / s), _root((T - Y) / (n * s)))


def paired(values: Float[np.ndarray, "k n s"], others: Float[np.ndarray, "k n s"]) -> Difference:
    """The difference of two rows of equal seeds, over teachers, else syntheses; without interval if there is one each.

    Student i of a seed starts from the same weights and sees the same order in both rows, teacher and seed of the
    synthesis are the same: pairs differ in the images alone. Of rows that are equal throughout, p is 1.
    """
    mean = float(values.mean() - others.mean())
    if values.shape[:2] == (1, 1):
        return Difference(mean)
    differences = units(values.mean(axis=2, keepdims=True) - others.mean(axis=2, keepdims=True))
    if math.isnan(spread := _spread(differences)):
        return Difference(mean, p=1.0 if abs(mean) < _NOTHING else math.nan)
    p = 2 * stdtr(len(differences) - 1, -abs(mean) / spread * math.sqrt(len(differences)))
    return Difference(mean, *interval(differences.tolist()), float(p), detectable(differences))


def detectable(differences: Float64[np.ndarray, " n"]) -> float:
    """The smallest true difference that the paired t-test at 5 % finds in 80 of 100 repetitions of the design.

    delta = lambda spread / sqrt(n), lambda the noncentrality at which t with n - 1 degrees of freedom is above its
    97.5 % point with probability 0.8: 5.65 for n = 3, 3.76 for 5, 3.15 for 10. The spread is the observed one, which is
    uncertain itself; NaN where all are equal.
    """
    n = len(differences)
    return _noncentrality(n - 1) * _spread(differences) / math.sqrt(n) if n > 1 else math.nan


def detectable_unpaired(means: Float64[np.ndarray, " n"]) -> float:
    """The same of two rows that are not paired, n units of this spread each: lambda spread sqrt(2 / n), 2 n - 2 df."""
    n = len(means)
    return _noncentrality(2 * n - 2) * _spread(means) * math.sqrt(2 / n) if n > 1 else math.nan


def holm(values: Sequence[float]) -> list[float]:
    """P-values corrected for their number by Holm's step-down method (1979); NaN stays, and is not counted.

    The i-th smallest of m becomes the largest of (m - j + 1) p_j over j <= i, at most 1. Whoever calls all below 5 %
    real errs in one of them in at most 5 % of all tables, however the tests depend on each other.
    """
    known = [i for i, p in enumerate(values) if not math.isnan(p)]
    found, largest = list(values), 0.0
    for rank, i in enumerate(sorted(known, key=lambda i: values[i])):
        largest = max(largest, (len(known) - rank) * values[i])
        found[i] = min(1.0, largest)
    return found


def _mean_square(deviations: np.ndarray, df: int) -> float:
    return float((deviations**2).sum() / df) if df > 0 else math.nan


def _root(variance: float) -> float:
    return math.nan if math.isnan(variance) else math.sqrt(max(variance, 0.0))


def _spread(values: Float64[np.ndarray, " n"]) -> float:
    """The standard deviation; NaN where all are equal, of which no test can say anything."""
    spread = float(np.std(values, ddof=1))
    return spread if spread > _NOTHING else math.nan


def _noncentrality(df: int) -> float:
    return float(nctdtrinc(df, 1 - POWER, stdtrit(df, 0.975)))
