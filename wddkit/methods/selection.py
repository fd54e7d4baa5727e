"""Real images, chosen but not changed: the controls of every comparison, and one formation of small images."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from wddkit.data.pixels import resize
from wddkit.methods.base import Context, Family, Fidelity, Snapshot, State, Task, check_ipc, distilled_set, recorded
from wddkit.methods.pixels import random_positions
from wddkit.methods.targets import Masses, targets
from wddkit.methods.wmdd import barycenter_snapshots
from wddkit.stages.teacher import features


@dataclass(frozen=True)
class Random:
    """Real images drawn at random, without repeats: the control that every method has to beat."""

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "selection"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "a control"
    step_cost: ClassVar[str] = "nothing"

    ipc: int = 10

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot."""
        check_ipc(task, self.ipc)
        yield _chosen(task, task.train.images[random_positions(task, context, self.ipc)], method="random")


@dataclass(frozen=True)
class Nearest:
    """The real image nearest to each support point of its class's barycenter, with that point's mass.

    What the barycenter alone is worth: WMDD starts here and then moves the pixels.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "selection"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "a control of WMDD"
    step_cost: ClassVar[str] = "one barycenter a class"

    ipc: int = 10
    masses: Masses = "free"

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """One snapshot a class for the barycenters, then one of the images."""
        check_ipc(task, self.ipc)
        found = targets(task, context, ipc=self.ipc, masses=self.masses)
        yield from barycenter_snapshots(found)
        yield _chosen(task, task.train.images[found.nearest(task)], method="nearest", masses=found.masses)


@dataclass(frozen=True)
class Tiled:
    """A formation: every stored image holds `factor` x `factor` real images at a smaller size.

    More views for the same bytes, as multi-formation (Kim et al., ICML 2022, IDC) and RDED's tiles do; here the tiles
    are the real images nearest to ipc * factor^2 support points, with equal masses, and are enlarged again to train on.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "selection"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "after IDC (ICML 2022, arXiv 2205.14959)"
    step_cost: ClassVar[str] = "one barycenter a class"

    ipc: int = 10
    factor: int = 2

    def check(self, task: Task) -> None:
        """Raises ValueError where the factor does not divide the images or a class has too few of them."""
        size, f = task.train.images.shape[2], self.factor
        if f < 1 or size % f:
            raise ValueError(f"factor {f} does not divide the image size {size}; expected one of its divisors")
        check_ipc(task, self.ipc)
        check_ipc(task, self.ipc * f * f, what=f"ipc x factor^2 = {self.ipc} x {f}^2 =")

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot."""
        self.check(task)
        size, f = task.train.images.shape[2], self.factor
        found = targets(task, context, ipc=self.ipc * f * f, masses="uniform")
        tiles = resize(task.train.images[found.nearest(task)], size // f, size // f)
        grid = tiles.reshape(-1, f, f, *tiles.shape[1:]).transpose(0, 3, 1, 4, 2, 5)
        images = np.ascontiguousarray(grid.reshape(len(grid), tiles.shape[1], size, size))
        yield _chosen(task, images, method="tiled", formation=f)


def _chosen(task: Task, images: np.ndarray, **options: object) -> Snapshot:
    distilled = distilled_set(task, images, **options)  # type: ignore[arg-type]  # fields of DistilledSet by name
    z = recorded(features(task.teacher(), images))
    return Snapshot("select", 0, distilled, arrays={"images": images, "indices": np.arange(len(images)), "features": z})
