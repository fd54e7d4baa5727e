"""Spearman's rank correlation over parts of a table, with a bootstrap interval.

The mean over the parts is Σ_p (n_p - 1) rho_p / Σ_p (n_p - 1): 1/(n - 1) is the variance of rho where there is no
relation, so these weights are the best for seeing one. Parts of less than three points, or in which all values are
equal, say nothing and do not count.

The interval is the 2.5 to 97.5 % points of a bootstrap. Units are drawn with replacement, as many as there are; one
that is drawn twice stands twice in every part that holds it, so that a run does not become several by being measured
under several protocols. Parts that share no unit, even through others, are drawn from each for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.seeds import derive

DRAWS = 2000
LEAST = 3  # points of a part: two are always in perfect order
UNITS = 5  # that an interval needs at least: fewer can be drawn in too few ways
_BLOCK = 2**21  # numbers in one temporary array


@dataclass(frozen=True)
class Correlation:
    """A rank correlation with its 95 % interval, of n points in so many parts; NaN: not defined."""

    rho: float
    low: float
    high: float
    n: int
    parts: int


@dataclass(frozen=True, eq=False)
class Part:
    """Points that are ranked among themselves, and the unit that each is drawn with, the same in all parts."""

    x: Float64[np.ndarray, " n"]
    y: Float64[np.ndarray, " n"]
    unit: Int64[np.ndarray, " n"]


def pooled(parts: Sequence[Part], *, seed: int) -> Correlation:
    """The weighted mean of the parts' correlations, with its bootstrap interval."""
    found = [(part, float(_rhos(part, np.ones((1, len(part.x))))[0])) for part in parts if len(part.x) >= LEAST]
    counted = [(part, rho) for part, rho in found if not np.isnan(rho)]
    if not counted:
        return Correlation(np.nan, np.nan, np.nan, 0, 0)
    weights = np.array([len(part.x) - 1 for part, _ in counted], float)
    rho = float(weights @ [each for _, each in counted] / weights.sum())
    low = high = np.nan
    pools = _pools([part for part, _ in counted])
    if sum(map(len, pools)) >= UNITS:
        low, high = _interval(_drawn([part for part, _ in counted], pools, seed), weights)
    return Correlation(rho, low, high, sum(len(part.x) for part, _ in counted), len(counted))


def means(part: Part, groups: Int64[np.ndarray, " n"]) -> Part:
    """A point a group, which is its unit: the means of its points' ranks."""
    units, at = np.unique(groups, return_inverse=True)
    ones = np.ones((1, len(part.x)))
    x, y = (np.bincount(at, _ranks(each, ones)[0]) / np.bincount(at) for each in (part.x, part.y))
    # Means of half ranks: sums in another order must not tell equal ones apart.
    return Part(x.round(9), y.round(9), units)


def _pools(parts: Sequence[Part]) -> list[Int64[np.ndarray, " units"]]:
    """The units of parts that share some, also through others: each pool is drawn from for itself."""
    pools: list[set[int]] = []
    for part in parts:
        own = set(part.unit.tolist())
        joined = [pool for pool in pools if pool & own]
        pools = [pool for pool in pools if not pool & own] + [own.union(*joined)]
    return [np.array(sorted(pool)) for pool in sorted(pools, key=min)]


def _drawn(
    parts: Sequence[Part], pools: Sequence[Int64[np.ndarray, " _"]], seed: int
) -> Float64[np.ndarray, "parts draws"]:
    """The correlation of each part in each draw of the units."""
    rngs = [np.random.default_rng(derive(seed, i)) for i in range(len(pools))]
    widest = max(sum(map(len, pools)), *(len(part.x) for part in parts))
    step, found = max(1, _BLOCK // widest), []
    for at in range(0, DRAWS, step):
        times = _times(pools, rngs, count=min(step, DRAWS - at))
        found.append(np.stack([_rhos(part, times[:, part.unit]) for part in parts]))
    return np.concatenate(found, axis=1)


def _times(
    pools: Sequence[Int64[np.ndarray, " _"]], rngs: Sequence[np.random.Generator], *, count: int
) -> Float64[np.ndarray, "draws units"]:
    """How often each unit is drawn."""
    times = np.zeros((count, 1 + max(int(pool[-1]) for pool in pools)))
    for pool, rng in zip(pools, rngs, strict=True):
        n = len(pool)
        drawn = rng.integers(n, size=(count, n)) + n * np.arange(count)[:, None]
        times[:, pool] = np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n)
    return times


def _rhos(part: Part, times: Float64[np.ndarray, "draws n"]) -> Float64[np.ndarray, " draws"]:
    """Spearman's rho where each point stands so many times; NaN where a side does not differ."""
    r, s = (_ranks(each, times) for each in (part.x, part.y))
    n = times.sum(axis=1, keepdims=True)
    r, s = (each - (times * each).sum(axis=1, keepdims=True) / np.maximum(n, 1) for each in (r, s))
    spread = (times * r**2).sum(axis=1) * (times * s**2).sum(axis=1)
    together = (times * r * s).sum(axis=1)
    # Ranks that differ at all differ by a half: what is less is rounding.
    rhos = np.where(spread > 1e-6, together / np.sqrt(np.maximum(spread, 1e-6)), np.nan)
    return np.clip(rhos, -1, 1)


def _ranks(values: Float64[np.ndarray, " n"], times: Float64[np.ndarray, "draws n"]) -> Float64[np.ndarray, "draws n"]:
    """Ranks where each value stands so many times; equal ones have the mean of their ranks."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf) > 0) if len(values) else np.array([], int)
    counts = np.add.reduceat(times[:, order], starts, axis=1)
    middle = np.cumsum(counts, axis=1) - (counts - 1) / 2
    ranks: Float64[np.ndarray, "draws n"] = middle[:, np.searchsorted(values[order][starts], values)]
    return ranks


def _interval(rhos: Float64[np.ndarray, "parts draws"], weights: Float64[np.ndarray, " parts"]) -> tuple[float, float]:
    """The 2.5 and 97.5 % points of the weighted mean over the parts that are defined in a draw."""
    counts = weights[:, None] * ~np.isnan(rhos)
    total = counts.sum(axis=0)
    drawn = (counts * np.nan_to_num(rhos)).sum(axis=0)[total > 0] / total[total > 0]
    if len(drawn) < DRAWS / 2:
        return np.nan, np.nan
    low, high = np.quantile(drawn, [0.025, 0.975])
    return (float(low), float(high)) if low < high else (np.nan, np.nan)
