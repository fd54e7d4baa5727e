"""Ground costs: what it costs to carry one unit of mass, and where a support point stands best under it.

A cost is a matrix, C_ij = c(y_i, x_j), and a support update, argmin over y of Σ_j T_ij c(y, x_j). For three of the six
that is the mean of what a support point is given, so that one alternation serves them all:

cost              c(y, x)                        support update
sqeuclidean       |x - y|²                       mean
LinearMap(L)      |L (x - y)|²                   mean ("whitened": L = Σ^-1/2 of the points' covariance)
kl                Σ_k x log(x / y) - x + y       mean (x, y >= 0; a Bregman divergence, Banerjee et al. 2005)
l1                Σ_k |x_k - y_k|                median of each coordinate
l2                |x - y|                        geometric median (Weiszfeld 1937; Vardi and Zhang 2000)
cosine            1 - x·y / (|x| |y|)            mean of the directions, at the mean length
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float64

from wddkit.codec import unknown
from wddkit.ot.measure import check_points

# A scipy.sparse array [m, n]: an optimal plan has at most m + n - 1 entries, so it is applied in d (m + n), not d m n.
SparsePlan: TypeAlias = Any
Against: TypeAlias = Callable[[Float64[np.ndarray, "m d"]], Float64[np.ndarray, "m n"]]
"""Support points y [m, d] -> their costs [m, n] against points that were given before."""

# Beyond these, squares leave the range of float64 and every plan would be as good as any other.
SMALLEST, LARGEST = 1e-140, 1e150
# |x|² + |y|² - 2 x·y has lost six digits where it falls below this share of |x|² + |y|².
CANCELLED = 1e-6
WEISZFELD = 30  # iterations of the geometric median in one update
KL_FLOOR = 1e-9  # of the mean coordinate: a support point that is 0 where the data is not costs much, not infinitely
RIDGE = 1e-3  # share of the mean variance that whitening adds to every direction


class Cost(Protocol):
    """A ground cost c(y, x) of a support point and a data point, with its support update.

    `shifts`: c(y + t, x + t) = c(y, x); the points are then centred before anything else, which keeps digits.
    """

    shifts: ClassVar[bool]

    def fitted(self, points: Float64[np.ndarray, "n d"]) -> "Cost":
        """The cost with what it takes from the data, if anything; ValueError for points that it is not defined for."""

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """The costs of any support against these points; what depends on the points alone is computed once."""

    def update(
        self, plan: SparsePlan, points: Float64[np.ndarray, "n d"], support: Float64[np.ndarray, "m d"]
    ) -> Float64[np.ndarray, "m d"]:
        """Argmin over y of Σ_j T_ij c(y_i, x_j), no worse than `support`; a support point without mass stays."""


@dataclass(frozen=True)
class SqEuclidean:
    """c(y, x) = |x - y|²; transport under it is the squared 2-Wasserstein distance."""

    shifts: ClassVar[bool] = True

    def fitted(self, points: Float64[np.ndarray, "n d"]) -> "SqEuclidean":
        """Itself; ValueError if squares would leave the range of float64."""
        check_spread(points)
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """One matrix product for each support."""
        norms = squared_norms(points)
        return lambda y: squared_distances(y, points, norms=norms)

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The mean."""
        return means(plan, points, support)


@dataclass(frozen=True, eq=False)
class LinearMap:
    """c(y, x) = |L (x - y)|² for a matrix L [k, d]: Mahalanobis, whitened and learned distances.

    Directions that L maps to 0 cost nothing; the support is then best, not uniquely, at the mean.
    """

    L: Float64[np.ndarray, "k d"]
    shifts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "L", check_points(self.L, "L"))

    @classmethod
    def whitening(cls, points: Any, *, ridge: float = RIDGE) -> "LinearMap":
        """L = (Σ + ridge tr(Σ)/d I)^-1/2 of the points' covariance Σ: every direction spreads alike.

        Under it |L (x - y)| is the Mahalanobis distance. ValueError for points that are all alike.
        """
        x = check_points(points, "points")
        check_spread(x)
        x = x - x.mean(axis=0)
        scale = float(np.sqrt(np.mean(x**2)))
        if scale == 0:
            raise ValueError("whitening: the points are all alike and have no spread; use cost='sqeuclidean'")
        values, vectors = np.linalg.eigh((x / scale).T @ (x / scale) / len(x))
        return cls(vectors / np.sqrt(np.maximum(values, 0) + ridge) @ vectors.T / scale)

    def fitted(self, points: Float64[np.ndarray, "n d"]) -> "LinearMap":
        """Itself; ValueError for points of another dimension than L takes."""
        if points.shape[1] != self.L.shape[1]:
            raise ValueError(f"L takes points of dimension {self.L.shape[1]}, and these have {points.shape[1]}")
        check_spread(points, points @ self.L.T)
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """Squared distances after the map."""
        mapped = SqEuclidean().against(points @ self.L.T)
        return lambda y: mapped(y @ self.L.T)

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The mean, whatever L."""
        return means(plan, points, support)


@dataclass(frozen=True)
class Whitened:
    """`LinearMap.whitening` of the points that the cost is used on."""

    ridge: float = RIDGE
    shifts: ClassVar[bool] = True

    def fitted(self, points: Float64[np.ndarray, "n d"]) -> LinearMap:
        """The map of these points."""
        return LinearMap.whitening(points, ridge=self.ridge)

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """Fitted to these points."""
        return self.fitted(points).against(points)

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The mean."""
        return means(plan, points, support)


@dataclass(frozen=True)
class KL:
    """c(y, x) = Σ_k x_k log(x_k / y_k) - x_k + y_k, for features that are not negative, as after a ReLU.

    Where y is 0 and x is not, y is taken as a billionth of the mean coordinate.
    """

    shifts: ClassVar[bool] = False

    def fitted(self, points: Float64[np.ndarray, "n d"]) -> "KL":
        """Itself; ValueError for negative coordinates."""
        if points.min() < 0:
            row = int(points.min(axis=1).argmin())
            raise ValueError(
                f"cost 'kl' is for points that are not negative, found {points.min():.4g} in row {row}; take features "
                f"after a ReLU, or another cost"
            )
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """One matrix product with log y for each support."""
        floor = max(KL_FLOOR * float(points.mean()), np.finfo(float).tiny)
        own = np.sum(points * np.log(np.maximum(points, floor)) - points, axis=1)

        def costs(y: Float64[np.ndarray, "m d"]) -> Float64[np.ndarray, "m n"]:
            C: Float64[np.ndarray, "m n"] = own - np.log(np.maximum(y, floor)) @ points.T + y.sum(axis=1)[:, None]
            np.maximum(C, 0, out=C)
            return C

        return costs

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The mean, as for every Bregman divergence."""
        return means(plan, points, support)


@dataclass(frozen=True)
class L1:
    """c(y, x) = Σ_k |x_k - y_k|: far points pull no harder than near ones."""

    shifts: ClassVar[bool] = True

    def fitted(self, points: Float64[np.ndarray, "n d"]) -> "L1":
        """Itself."""
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """Row by row: no [m, n, d] array."""
        return lambda y: np.stack([np.abs(points - each).sum(axis=1) for each in y])

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The weighted median of each coordinate: the least value with half of the mass at or below it."""
        plan, result = plan.tocsr(), support.copy()
        for i, (start, end) in enumerate(zip(plan.indptr[:-1], plan.indptr[1:], strict=True)):
            masses, held = plan.data[start:end], points[plan.indices[start:end]]
            if masses.sum() > 0:
                order = np.argsort(held, axis=0, kind="stable")
                half = np.cumsum(masses[order], axis=0) >= masses.sum() / 2 * (1 - 1e-12)
                result[i] = np.take_along_axis(held, order, axis=0)[half.argmax(axis=0), np.arange(held.shape[1])]
        return result


@dataclass(frozen=True)
class L2:
    """c(y, x) = |x - y|, not squared; transport under it is the 1-Wasserstein distance."""

    shifts: ClassVar[bool] = True

    def fitted(self, points: Float64[np.ndarray, "n d"]) -> "L2":
        """Itself; ValueError if squares would leave the range of float64."""
        check_spread(points)
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """The root of the squared distances."""
        squared = SqEuclidean().against(points)
        return lambda y: np.sqrt(squared(y))

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """Geometric medians, by iterations of which none raises the cost."""
        entries, y = plan.tocoo(), support.copy()
        scale = float(np.abs(points).max()) or 1.0
        for _ in range(WEISZFELD):
            apart = points[entries.col] - y[entries.row]
            length = np.sqrt(squared_norms(apart))
            away = length > 1e-14 * scale
            pull = np.where(away, entries.data / np.where(away, length, 1), 0)
            force = sparse.csr_array((pull, (entries.row, np.arange(len(pull)))), shape=(len(y), len(pull)))
            total, strength = np.asarray(force.sum(axis=1)).ravel(), force @ apart
            # Mass that lies on the support point itself holds it there (Vardi and Zhang 2000).
            held = np.bincount(entries.row, weights=entries.data * ~away, minlength=len(y))
            norm = np.sqrt(squared_norms(strength))
            free = np.maximum(0, 1 - held / np.where(norm > 0, norm, np.inf)) * (norm > held)
            step = strength * (free / np.where(total > 0, total, 1))[:, None]
            y += step
            if np.abs(step).max() <= 1e-12 * scale:
                break
        return y


@dataclass(frozen=True)
class Cosine:
    """c(y, x) = 1 - x·y / (|x| |y|), half the squared distance of the directions; lengths cost nothing.

    A support point is given the mean length of what it holds, so that features of the usual size can meet it.
    """

    shifts: ClassVar[bool] = False

    def fitted(self, points: Float64[np.ndarray, "n d"]) -> "Cosine":
        """Itself; ValueError for points at the origin, which have no direction."""
        check_spread(points)
        zero = np.flatnonzero(~points.any(axis=1))
        if len(zero):
            raise ValueError(
                f"cost 'cosine' needs a direction, and {len(zero)} of {len(points)} points are 0, first in row "
                f"{zero[0]}; remove them, or use another cost"
            )
        return self

    def against(self, points: Float64[np.ndarray, "n d"]) -> Against:
        """Half the squared distances of the directions."""
        squared = SqEuclidean().against(_directions(points))
        return lambda y: squared(_directions(y)) / 2

    def update(self, plan: SparsePlan, points: np.ndarray, support: np.ndarray) -> Float64[np.ndarray, "m d"]:
        """The direction of the summed directions, times the mean length; where they cancel, the support as it was."""
        masses = np.asarray(plan.sum(axis=1)).ravel()
        total = plan @ _directions(points)
        norm = np.sqrt(squared_norms(total))
        length = (plan @ np.sqrt(squared_norms(points))) / np.where(masses > 0, masses, 1)
        kept = norm > 1e-14 * masses
        return np.where(kept[:, None], total * (length / np.where(kept, norm, 1))[:, None], support)


COSTS: dict[str, Cost] = {
    "sqeuclidean": SqEuclidean(),
    "whitened": Whitened(),
    "kl": KL(),
    "l1": L1(),
    "l2": L2(),
    "cosine": Cosine(),
}


def as_cost(cost: str | Cost) -> Cost:
    """The cost of this name, or the cost itself; ValueError for an unknown name."""
    if isinstance(cost, str):
        if cost not in COSTS:
            raise unknown("ground cost", cost, COSTS)
        return COSTS[cost]
    if not all(hasattr(cost, name) for name in ("shifts", "fitted", "against", "update")):
        raise ValueError(f"cost: expected one of {', '.join(COSTS)}, or a Cost such as LinearMap(L), got {cost!r}")
    return cost


def cost_matrix(
    y: Float64[np.ndarray, "m d"], x: Float64[np.ndarray, "n d"], cost: str | Cost
) -> Float64[np.ndarray, "m n"]:
    """C_ij = c(y_i, x_j) of any two sets of points, with the digits of their differences kept under a common offset.

    ValueError for an unknown cost, points that it is not defined for, or points of different dimension.
    """
    chosen = as_cost(cost)
    if y.shape[1] != x.shape[1]:
        raise ValueError(f"points of dimension {y.shape[1]} and {x.shape[1]} cannot be compared; embed both alike")
    check_spread(y, x)
    centre = x.mean(axis=0) if chosen.shifts else np.zeros(x.shape[1])
    y, x = y - centre, x - centre
    return chosen.fitted(np.concatenate([x, y])).against(x)(y)


def sqeuclidean(y: Float64[np.ndarray, "m d"], x: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "m n"]:
    """C_ij = |y_i - x_j|²; ValueError if the points spread over more than 1e150 or less than 1e-140."""
    return cost_matrix(y, x, "sqeuclidean")


def means(
    plan: SparsePlan, points: Float64[np.ndarray, "n d"], support: Float64[np.ndarray, "m d"]
) -> Float64[np.ndarray, "m d"]:
    """y_i = Σ_j T_ij x_j / w_i; where w_i = 0, the support point as it was."""
    masses = np.asarray(plan.sum(axis=1)).reshape(-1, 1)
    held = masses > 0
    result: Float64[np.ndarray, "m d"] = np.where(held, (plan @ points) / np.where(held, masses, 1), support)
    return result


def squared_distances(
    x: Float64[np.ndarray, "m d"],
    y: Float64[np.ndarray, "n d"],
    *,
    norms: Float64[np.ndarray, " n"] | None = None,
) -> Float64[np.ndarray, "m n"]:
    """C_ij = |x_i|² + |y_j|² - 2 x_i·y_j of points already centred; `norms` are the |y_j|² where they are known.

    One matrix product, m n d operations and no [m, n, d] array. Rounding can make it negative: it is clipped at 0.
    Pairs that nearly coincide are computed again from their difference, so that equal points cost exactly 0.
    """
    scale = squared_norms(x)[:, None] + (squared_norms(y) if norms is None else norms)
    C: Float64[np.ndarray, "m n"] = x @ y.T
    C *= -2
    C += scale
    scale *= CANCELLED
    rows, columns = np.nonzero(scale >= C)
    chunk = max(1, 2**20 // x.shape[1])  # pairs at a time: 8 MiB
    for at in range(0, len(rows), chunk):
        i, j = rows[at : at + chunk], columns[at : at + chunk]
        C[i, j] = squared_norms(x[i] - y[j])
    np.maximum(C, 0, out=C)
    return C


def squared_norms(x: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, " n"]:
    """|x_i|² of each row."""
    norms: Float64[np.ndarray, " n"] = np.einsum("ij,ij->i", x, x)
    return norms


def check_spread(*arrays: Float64[np.ndarray, "n d"]) -> None:
    """Raises ValueError if the largest coordinate has a square that float64 cannot hold."""
    largest = max(max(float(array.max()), -float(array.min())) for array in arrays)
    if largest > LARGEST or 0 < largest < SMALLEST:
        raise ValueError(
            f"the largest coordinate is {largest:.1e}: its square leaves the range of float64; "
            f"rescale the points to between {SMALLEST:.0e} and {LARGEST:.0e}"
        )


def _directions(x: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n d"]:
    norms = np.sqrt(squared_norms(x))[:, None]
    return x / np.where(norms > 0, norms, 1)
