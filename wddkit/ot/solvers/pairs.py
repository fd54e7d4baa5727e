"""All squared distances of the data from each other: with them, k-means costs the same in any dimension."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from wddkit.ot.costs import LinearMap, SqEuclidean
from wddkit.ot.geometry import SparsePlan
from wddkit.ot.problem import Problem

# n <= MOST (d + m) points keep the n² distances within a few times the points and costs themselves, n d + n m numbers;
# those of LITTLE points take 32 MiB, whatever d.
MOST, LITTLE = 3, 2048
# Distances of n points take about as long as a start and a descent with n / 32 support points without them.
WORTH = 32
# Costs of m means take n² operations of a sparse product with the distances, or m n d of a matrix product without them,
# which is about so many times as fast for each.
FASTER = 4


@dataclass(frozen=True, eq=False)
class Pairs:
    """D_kl = |x_k - x_l|² of the pooled points; for a `LinearMap`, after the map."""

    D: Float64[np.ndarray, "n n"]

    def of_means(self, P: SparsePlan) -> Float64[np.ndarray, "k n"]:
        """C_ij = |y_i - x_j|² of the means y_i = Σ_k P_ik x_k, for a CSR array P of row sums 1.

        By the parallel axis theorem C_ij = (P D)_ij - (P D P^T)_ii / 2: no y, and no d.
        """
        C: Float64[np.ndarray, "k n"] = P @ self.D
        row = np.repeat(np.arange(len(C)), np.diff(P.indptr))
        within = np.bincount(row, weights=P.data * C[row, P.indices], minlength=len(C))
        C -= within[:, None] / 2
        np.maximum(C, 0, out=C)  # rounding
        return C


def is_squared(problem: Problem) -> bool:
    """Whether costs are squared distances, perhaps after a linear map."""
    return isinstance(problem.cost, (SqEuclidean, LinearMap))


def fits(problem: Problem) -> bool:
    """Whether the distances of all points take no more than some times the memory that the problem takes anyway."""
    n, d = problem.pooled.points.shape
    return bool(n <= max(LITTLE, MOST * (d + problem.m)))


def pairs_of(problem: Problem, restarts: int) -> Pairs | None:
    """The distances, where costs are squared ones and so many restarts are faster with them; else None."""
    n, d = problem.pooled.points.shape
    worth = n <= min(WORTH * problem.m * restarts, problem.m * d / FASTER)
    if not worth or not fits(problem) or not is_squared(problem):
        return None
    return Pairs(problem.against(problem.pooled.points))
