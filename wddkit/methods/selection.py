"""Real images, chosen but not changed: the controls of every comparison, and one formation of small images."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import UInt8

from wddkit.data.pixels import resize
from wddkit.methods.base import Context, Family, Fidelity, Snapshot, State, Task, check_ipc, distilled_set, recorded
from wddkit.methods.pixels import random_positions
from wddkit.methods.targets import Masses, barycenter_snapshots, targets
from wddkit.stages.teacher import features


@dataclass(frozen=True)
class Random:
    """Real images drawn at random, without repeats: the control that every method has to beat.

    x_j = X_i(j), with i(1), ..., i(ipc) the first of a random order of the class's images X; each has mass 1 / ipc.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "selection"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "a control"
    step_cost: ClassVar[str] = "nothing"

    ipc: int = 10

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot."""
        check_ipc(task, self.ipc)
        yield chosen(task, task.train.images[random_positions(task, context, self.ipc)], method="random")


@dataclass(frozen=True)
class Nearest:
    """The real image nearest to each support point of its class's barycenter, with that point's mass.

    x_j = X_i(j), i = argmin sum_j |phi(X_i(j)) - b_j|^2 over distinct i(j), phi the teacher's features, b_j the points.

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
        yield chosen(task, task.train.images[found.nearest(task)], method="nearest", masses=found.masses)


@dataclass(frozen=True)
class Tiled:
    """A formation: every stored image holds `factor` x `factor` real images at a smaller size.

    More views for the same bytes, as multi-formation (Kim et al., ICML 2022, IDC) and RDED's tiles do; here the tiles
    are the real images nearest to ipc * factor^2 support points b_m, with equal masses, by the teacher's features phi,

    X_i(m), i = argmin sum_m |phi(X_i(m)) - b_m|^2 over distinct i(m),

    factor^2 of them in an image, in order, and are enlarged again to train on.
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
        check_formation(task, self.ipc, self.factor)

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot."""
        self.check(task)
        size, f = task.train.images.shape[2], self.factor
        found = targets(task, context, ipc=self.ipc * f * f, masses="uniform")
        tiles = resize(task.train.images[found.nearest(task)], size // f, size // f)
        yield chosen(task, formed(tiles, f), method="tiled", formation=f)


def check_formation(task: Task, ipc: int, factor: int) -> None:
    """Raises ValueError where the factor does not divide the images or a class has too few of them."""
    check_factor(task, factor)
    check_ipc(task, ipc)
    check_ipc(task, ipc * factor**2, what=f"ipc x factor^2 = {ipc} x {factor}^2 =")


def check_factor(task: Task, factor: int) -> None:
    """Raises ValueError where the factor does not divide the side of the images."""
    size = task.train.images.shape[2]
    if factor < 1 or size % factor:
        raise ValueError(f"factor {factor} does not divide the image size {size}; expected one of its divisors")


def formed(tiles: UInt8[np.ndarray, "tiles c small small"], factor: int) -> UInt8[np.ndarray, "images c size size"]:
    """Images of factor x factor tiles each, row by row, in the order of the tiles."""
    n, channels, small, _ = tiles.shape
    grid = tiles.reshape(-1, factor, factor, *tiles.shape[1:]).transpose(0, 3, 1, 4, 2, 5)
    return np.ascontiguousarray(grid.reshape(n // factor**2, channels, factor * small, factor * small))


def chosen(
    task: Task, images: np.ndarray, *, scalars: Mapping[str, float] | None = None, **options: object
) -> Snapshot:
    """The one snapshot of a method that chooses real images; options are fields of the distilled set by name."""
    distilled = distilled_set(task, images, **options)  # type: ignore[arg-type]  # fields of DistilledSet by name
    z = recorded(features(task.teacher(), images))
    arrays = {"images": images, "indices": np.arange(len(images)), "features": z}
    return Snapshot("select", 0, distilled, scalars=scalars or {}, arrays=arrays)
