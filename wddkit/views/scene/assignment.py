"""Which support point each real image goes to: what the transport plan says of the images that are drawn."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Float64, Int32

SLACK = 1e-5  # share of an image's mass: plans are recorded in single precision


def assignment(
    arrays: Mapping[str, np.ndarray], r: int
) -> tuple[Int32[np.ndarray, "T r"], Float32[np.ndarray, "T r"]] | None:
    """For each of a class's first r recorded real images the support point that takes most of its mass, and its share.

    Recorded runs hold both. Of older ones they are found as far as the largest entries of the plan tell; -1 and 0
    where they do not. None where nothing of the plan was recorded.
    """
    if "assignment" in arrays:
        return _padded(arrays["assignment"].astype(np.int32), arrays["assignment_share"].astype(np.float32), r)
    if "plan_indices" in arrays and "plan_masses" in arrays:
        found = [_derived(*each, r) for each in zip(arrays["plan_indices"], arrays["plan_masses"], strict=True)]
        return np.stack([points for points, _ in found]), np.stack([shares for _, shares in found])
    return None


def _padded(
    points: Int32[np.ndarray, "T k"], shares: Float32[np.ndarray, "T k"], r: int
) -> tuple[Int32[np.ndarray, "T r"], Float32[np.ndarray, "T r"]]:
    more = ((0, 0), (0, max(0, r - points.shape[1])))
    return np.pad(points[:, :r], more, constant_values=-1), np.pad(shares[:, :r], more)


def _derived(
    indices: np.ndarray, masses: np.ndarray, r: int
) -> tuple[Int32[np.ndarray, " r"], Float32[np.ndarray, " r"]]:
    """The same of one step, from the K largest plan entries of each support point [m, K].

    All images of a class weigh the same, so the largest sum over an image's entries is an image's mass b. An entry is
    the largest of its image for certain if it is at least what its image has left, b minus the entries that are known.
    """
    support = np.repeat(np.arange(len(indices)), indices.shape[1])
    columns, flows = indices.ravel().astype(np.int64), masses.ravel().astype(np.float64)
    known = (flows > 0) & (columns >= 0)
    support, columns, flows = support[known], columns[known], flows[known]
    points, shares = np.full(r, -1, np.int32), np.zeros(r, np.float32)
    if not len(flows):
        return points, shares
    order = np.lexsort((-support, flows))  # the largest last, of equal ones the first support point
    largest: Float64[np.ndarray, " columns"] = np.zeros(columns.max() + 1)
    owner = np.full(len(largest), -1, np.int32)
    largest[columns[order]], owner[columns[order]] = flows[order], support[order]
    total = np.bincount(columns, flows, len(largest))
    b = total.max()
    certain = largest >= b - total - SLACK * b
    count = min(r, len(largest))
    points[:count] = np.where(certain & (largest > 0), owner, -1)[:count]
    shares[:count] = np.where(points[:count] >= 0, np.minimum(largest[:count] / b, 1), 0)
    return points, shares
