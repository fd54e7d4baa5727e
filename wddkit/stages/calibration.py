"""How far a network's confidence is to be trusted: expected calibration error and Brier score."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """Both are 0 for a network that is always right and sure of it.

    `ece`: the expected calibration error in percentage points, sum_b n_b/n |accuracy_b - confidence_b| over 15 bins of
    equal width of the confidence, which is the largest probability (Guo et al., ICML 2017, eq. 3). `brier`: the mean of
    sum_k (p_k - y_k)^2, y the label as a unit vector; 0 to 2.
    """

    ece: float
    brier: float


def calibration(logits: Float[np.ndarray, "n classes"], labels: Int64[np.ndarray, " n"]) -> Calibration:
    """The calibration of softmax(logits), at temperature 1; NaN without images, or where logits are not finite."""
    if not len(labels) or not np.isfinite(logits).all():
        return Calibration(np.nan, np.nan)
    p = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))  # [n, classes]
    p /= p.sum(axis=1, keepdims=True)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    bins = np.ceil(confidence * BINS).astype(np.int64) - 1  # bin b holds (b/15, (b+1)/15]
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)  # [15], n_b (accuracy_b - confidence_b)
    brier = 1 - 2 * p[np.arange(len(labels)), labels] + (p**2).sum(axis=1)  # |p - y|^2 of a unit vector y
    return Calibration(100 * float(np.abs(gaps).sum() / len(labels)), float(brier.mean()))
