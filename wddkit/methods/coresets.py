"""Coresets of the teacher's feature space: real images whose mean, or whose neighbourhoods, stand for their class."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.methods.base import Context, Family, Fidelity, Snapshot, State, Task, check_ipc
from wddkit.methods.selection import chosen


@dataclass(frozen=True)
class Herding:
    """Herding (Welling, ICML 2009), as iCaRL picks exemplars (Rebuffi et al., CVPR 2017, arXiv 1611.07725).

    p_k = argmin_x | mu - (phi(x) + sum_{j<k} phi(p_j)) / k |, the mean mu and the candidates x those of one class: each
    image that is added brings the mean of the chosen ones nearest to the class mean (iCaRL, algorithm 4). phi are the
    teacher's features as they are, as in DC's baselines; iCaRL scales each to length 1, Welling may choose an image
    twice. Nothing is drawn: every seed has the same images, and a smaller set is part of a larger.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "selection"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Welling, ICML 2009; Rebuffi et al., CVPR 2017, arXiv 1611.07725"
    step_cost: ClassVar[str] = "distances of a class's features to one point an image chosen"

    ipc: int = 10

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot; its scalar is the distance of the chosen images' mean to the class mean."""
        check_ipc(task, self.ipc)
        yield _greedy(task, self.ipc, herd, mean_gap, method="herding", scalar="mean_gap")


@dataclass(frozen=True)
class KCenter:
    """Active learning by core-sets, k-center (Sener and Savarese, ICLR 2018, arXiv 1708.00489).

    min_S max_x min_{s in S} | phi(x) - phi(s) | over subsets S of a class, by their greedy algorithm 1: the image
    farthest from all chosen ones is added, which ends at most twice as far as the best S would. phi are the teacher's
    features. Starts from the image nearest to the class mean, so that one image a class is herding's; the paper
    starts from images that have labels already, and may refine the radius with an integer program, left out here.
    Nothing is drawn: every seed has the same images, and a smaller set is part of a larger.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "selection"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Sener and Savarese, ICLR 2018, arXiv 1708.00489"
    step_cost: ClassVar[str] = "distances of a class's features to one point an image chosen"

    ipc: int = 10

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot; its scalar is the largest distance of a class's image to the nearest chosen one."""
        check_ipc(task, self.ipc)
        yield _greedy(task, self.ipc, k_center, radius, method="k-center", scalar="radius")


def herd(z: Float64[np.ndarray, "n d"], k: int) -> Int64[np.ndarray, " k"]:
    """Rows of z in the order in which herding takes them; of equally good ones the first."""
    mean, total = z.mean(axis=0), np.zeros(z.shape[1])
    free = np.ones(len(z), dtype=bool)
    taken: list[int] = []
    for count in range(1, k + 1):
        # k times the gap: the same order, without a division
        gap = np.where(free, _squared(z, count * mean - total), np.inf)
        taken.append(int(gap.argmin()))
        free[taken[-1]] = False
        total += z[taken[-1]]
    return np.array(taken)


def k_center(z: Float64[np.ndarray, "n d"], k: int) -> Int64[np.ndarray, " k"]:
    """Rows of z: the one nearest to the mean, then always the one farthest from all taken; of equal ones the first."""
    taken = [int(_squared(z, z.mean(axis=0)).argmin())]
    distance = _squared(z, z[taken[0]])
    while len(taken) < k:
        distance[taken[-1]] = -1  # below those of its copies: none is taken twice
        taken.append(int(distance.argmax()))
        distance = np.minimum(distance, _squared(z, z[taken[-1]]))
    return np.array(taken)


def mean_gap(z: Float64[np.ndarray, "n d"], taken: Int64[np.ndarray, " k"]) -> float:
    """Distance of the mean of the rows taken to the mean of all."""
    return float(np.linalg.norm(z.mean(axis=0) - z[taken].mean(axis=0)))


def radius(z: Float64[np.ndarray, "n d"], taken: Int64[np.ndarray, " k"]) -> float:
    """Largest distance of a row to the nearest of those taken."""
    return float(np.sqrt(np.min([_squared(z, z[i]) for i in taken], axis=0).max()))


def _greedy(
    task: Task,
    ipc: int,
    choose: Callable[[np.ndarray, int], np.ndarray],
    objective: Callable[[np.ndarray, np.ndarray], float],
    *,
    method: str,
    scalar: str,
) -> Snapshot:
    """The images that `choose` takes of each class by its features; the objective is a mean over classes."""
    positions, values = [], []
    for c in range(len(task.classes)):
        at = task.train.of_class(c)
        z = task.features[at]
        taken = choose(z, ipc)
        positions.append(at[taken])
        values.append(objective(z, taken))
    images = task.train.images[np.concatenate(positions)]
    return chosen(task, images, method=method, scalars={scalar: float(np.mean(values))})


def _squared(z: Float64[np.ndarray, "n d"], point: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " n"]:
    """Squared distances to a point, from differences: the expanded product would lose close ones to rounding."""
    distances: Float64[np.ndarray, " n"] = np.square(z - point).sum(axis=1)
    return distances
