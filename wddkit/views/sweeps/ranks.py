"""Rank correlation of two numbers over the runs of a sweep."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NORMAL = 1.959963984540054  # of a 95 % interval


@dataclass(frozen=True)
class Association:
    """Spearman's rho of n pairs with its 95 % interval; NaN where it is not defined."""

    rho: float
    low: float
    high: float
    n: int

    @property
    def said(self) -> str:
        """The number in a sentence."""
        if not math.isfinite(self.rho):
            return f"Spearman's ρ is not defined for these {self.n} points: it needs three, and values that differ."
        interval = "" if math.isnan(self.low) else f", 95 % interval {self.low:.2f} to {self.high:.2f}"
        return f"Spearman's ρ = {self.rho:.2f}{interval}, n = {self.n}"


def spearman(x: Sequence[float], y: Sequence[float]) -> Association:
    """Spearman's rho of the pairs in which both numbers are known: the correlation of their ranks, ties at their mean.

    The interval is Fisher's: tanh(atanh(rho) -+ 1.96 se), with se^2 = (1 + rho^2 / 2) / (n - 3) (Bonett and Wright
    2000, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations"); from four pairs on.
    """
    from scipy.stats import rankdata  # takes a third of a second, which only a figure of ranks pays

    pairs = np.array([pair for pair in zip(x, y, strict=True) if np.isfinite(pair).all()], np.float64).reshape(-1, 2)
    n = len(pairs)
    ranks = rankdata(pairs, axis=0)
    if n < 3 or (np.ptp(ranks, axis=0) == 0).any():
        return Association(math.nan, math.nan, math.nan, n)
    rho = float(np.clip(np.corrcoef(ranks.T)[0, 1], -1, 1))
    if n < 4 or abs(rho) > 1 - 1e-12:
        return Association(rho, math.nan, math.nan, n)
    half = NORMAL * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return Association(rho, math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half), n)
