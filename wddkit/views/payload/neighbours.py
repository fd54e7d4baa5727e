"""The real images nearest to points of feature space, and those that no support point is near to."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int32, Int64

BLOCK = 2**22  # distances at a time: 16 MiB in single precision
CHUNK = 64  # points whose least distance stands for all of them
SPARE = 8  # more candidates than are asked for, because single precision may order near ones wrongly


class Neighbours:
    """Points [n, d] that can be searched; memory stays at n d numbers and a block of distances."""

    def __init__(self, points: Float[np.ndarray, "n d"]) -> None:
        if points.ndim != 2 or not len(points):
            raise ValueError(f"neighbours: expected points [n, d] with n >= 1, got shape {points.shape}")
        self._points = points
        self._centre = points.mean(axis=0, dtype=np.float64)
        self._centred: Float32[np.ndarray, "n d"] = _centred(points, self._centre)
        self._norms = np.einsum("ij,ij->i", self._centred, self._centred)

    def nearest(self, y: Float[np.ndarray, "m d"], k: int = 1) -> Int32[np.ndarray, "m k"]:
        """Rows of the k points nearest to each y, the nearest first, of equally near ones the first; -1 beyond n."""
        if y.ndim != 2 or y.shape[1] != self._points.shape[1]:
            raise ValueError(
                f"neighbours: points of {self._points.shape[1]} numbers were given, and these have shape {y.shape}; "
                f"all features of a history must come from one teacher"
            )
        found = np.full((len(y), k), -1, np.int32)
        step = max(1, BLOCK // len(self._points))
        for at in range(0, len(y), step):
            rows = y[at : at + step]
            near = self._candidates(_centred(rows, self._centre), k + SPARE)
            found[at : at + step, : near.shape[1]] = self._ordered(rows.astype(np.float64), near)[:, :k]
        return found

    def _candidates(self, y: Float32[np.ndarray, "b d"], k: int) -> Int64[np.ndarray, "b c"]:
        """Rows among which the k nearest are, but for rounding, ascending."""
        C = self._norms - 2 * (y @ self._centred.T)  # without |y|^2, which orders nothing
        n = C.shape[1]
        if n <= k:
            return np.tile(np.arange(n), (len(y), 1))
        if n > 2 * k * CHUNK:
            # The k nearest lie in the k chunks with the least minima: the minima themselves are k points as near.
            whole = n // CHUNK * CHUNK
            least = C[:, :whole].reshape(len(y), -1, CHUNK).min(axis=2)
            chunks = np.argpartition(least, k, axis=1)[:, :k]
            inside = (chunks[:, :, None] * CHUNK + np.arange(CHUNK)).reshape(len(y), -1)
            rows = np.concatenate([inside, np.tile(np.arange(whole, n), (len(y), 1))], axis=1)
        else:
            rows = np.tile(np.arange(n), (len(y), 1))
        best = np.argpartition(np.take_along_axis(C, rows, axis=1), k, axis=1)[:, :k]
        chosen: Int64[np.ndarray, "b c"] = np.sort(np.take_along_axis(rows, best, axis=1), axis=1)
        return chosen

    def _ordered(self, y: Float64[np.ndarray, "b d"], near: Int64[np.ndarray, "b c"]) -> Int64[np.ndarray, "b c"]:
        """The candidates by their distance, in double precision."""
        squared = np.empty(near.shape)
        for j in range(near.shape[1]):  # one candidate of each row at a time: no [b, c, d] array
            apart = y - self._points[near[:, j]]
            squared[:, j] = np.einsum("ij,ij->i", apart, apart)
        ordered: Int64[np.ndarray, "b c"] = np.take_along_axis(near, np.argsort(squared, axis=1, kind="stable"), axis=1)
        return ordered


def squared_to_nearest(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float64[np.ndarray, " n"]:
    """Each x's squared distance to the nearest y."""
    apart = x.astype(np.float64) - y[Neighbours(y).nearest(x)[:, 0]]
    squared: Float64[np.ndarray, " n"] = np.einsum("ij,ij->i", apart, apart)
    return squared


def far(
    features: Float[np.ndarray, "n d"],
    labels: Int64[np.ndarray, " n"],
    supports: Mapping[int, Float[np.ndarray, "m d"]],
    *,
    tenth: int = 10,
) -> Bool[np.ndarray, " n"]:
    """True for the tenth of each class's images that are farthest from every support point of their class.

    n_c // tenth images of a class with n_c, none of one without support points; of equally far ones the first.
    """
    flags = np.zeros(len(labels), np.bool_)
    for label, support in supports.items():
        own = np.flatnonzero(labels == label)
        if len(own) and len(support):
            order = np.argsort(-squared_to_nearest(features[own], support), kind="stable")
            flags[own[order[: len(own) // tenth]]] = True
    return flags


def _centred(points: np.ndarray, centre: np.ndarray) -> Float32[np.ndarray, "n d"]:
    # Block by block: half precision must be widened before anything is subtracted.
    out = np.empty(points.shape, np.float32)
    for at in range(0, len(points), 4096):
        out[at : at + 4096] = points[at : at + 4096].astype(np.float64) - centre
    return out
