"""RDED: crops of real images that the teacher is surest of, several in each stored image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float64, Int64, UInt8

from wddkit.augment import Augment, apply, draw
from wddkit.data.pixels import resize
from wddkit.methods.base import Context, Family, Fidelity, Snapshot, State, Task
from wddkit.methods.selection import check_formation, chosen, formed
from wddkit.stages.training import pixels, predict

_SMALL = 64  # px: up to here the authors store one crop an image
_TINY = 16  # px: up to here a crop loses too much of what there is


@dataclass(frozen=True)
class RDED:
    """On the diversity and realism of distilled dataset (Sun et al., CVPR 2024, arXiv 2312.03526).

    A crop xi of a real image of class y is as realistic as the teacher phi finds it easy: s(xi) = -CE(phi(xi), y). Of
    `candidates` images a class, `crops` crops each, one image's best crop stands for it; the best ipc * factor^2 of
    these are stored, factor x factor of them in an image, the first ipc in the first places and so on. Nothing is
    optimised; students are meant to take the teacher's labels of every view.

    `factor` left at None is 1 up to 64 px and 2 above where that divides, as the authors set it; they take 300
    candidates with 5 crops each. `crop`, the smallest and largest share of the area, left at None is theirs, 8 to
    100 %, but the whole image up to 16 px, where a crop loses much of a digit. Ours differs twice. A crop is scored as
    it is stored and enlarged again, where theirs is padded with grey around it, for a teacher that knows images of one
    size. The tiles of an image are trained on one by one, where theirs are cropped from the whole.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "decoupled"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Sun et al., CVPR 2024, arXiv 2312.03526"
    step_cost: ClassVar[str] = "the teacher over a few crops of every candidate, once"

    ipc: int = 10
    factor: int | None = None
    candidates: int = 300  # real images a class that are looked at, at most
    crops: int = 5  # of each candidate
    crop: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.candidates < 1 or self.crops < 1:
            raise ValueError(f"expected candidates and crops of at least 1, got {self.candidates} and {self.crops}")
        _ = self.views_at(1)  # which checks the areas

    def views_at(self, size: int) -> Augment:
        """How crops of images of this side in pixels are drawn."""
        return Augment(crop=self.crop or ((1.0, 1.0) if size <= _TINY else (0.08, 1.0)), ratio=1.0)

    def factor_at(self, size: int) -> int:
        """Tiles a side for images of this side in pixels."""
        if self.factor is not None:
            return self.factor
        return 2 if size > _SMALL and size % 2 == 0 else 1

    def check(self, task: Task) -> None:
        """Raises ValueError where the factor does not divide the images or there are too few of them."""
        factor = self.factor_at(task.train.images.shape[2])
        check_formation(task, self.ipc, factor)
        if self.candidates < self.ipc * factor**2:
            raise ValueError(
                f"candidates is {self.candidates}; expected at least ipc x factor^2 = {self.ipc * factor**2}"
            )

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot; its scalar is the mean cross-entropy of the stored crops."""
        self.check(task)
        factor = self.factor_at(task.train.images.shape[2])
        images, cost = [], []
        for c in range(len(task.classes)):
            crops, values = self._of_class(task, context, c, factor)
            order = np.arange(len(crops)).reshape(factor**2, self.ipc).T.ravel()  # an image's tiles: i, i + ipc, ...
            images.append(formed(crops[order], factor))
            cost.append(values)
            context.tick("select", c + 1, len(task.classes), {"cross_entropy": float(values.mean())})
        scalars = {"cross_entropy": float(np.mean(cost))}
        yield chosen(task, np.concatenate(images), method="rded", formation=factor, scalars=scalars)

    def _of_class(
        self, task: Task, context: Context, c: int, factor: int
    ) -> tuple[UInt8[np.ndarray, "k c h w"], Float64[np.ndarray, " k"]]:
        """The best crops of a class at the size of a tile, best first, and their cross-entropies."""
        at = context.generator("candidates", c).permutation(task.train.of_class(c))[: self.candidates]
        net, size = task.teacher(), task.train.images.shape[2]
        views = self.views_at(size)
        real = pixels(task.train.images[at], like=next(net.parameters()))
        label = torch.full((len(at),), c, device=real.device)
        tiles, scores = [], []
        for i in range(1 if views.is_identity else self.crops):
            drawn = torch.from_numpy(draw(views, at, key=context.stream("crops", i))).to(real.device)
            whole = (apply(real, drawn) * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
            tiles.append(resize(whole, size // factor, size // factor))
            # In double: in single precision all that the teacher is sure of would be equal, at 0.
            logits = predict(net, resize(tiles[-1], size, size)).double()
            scores.append(F.cross_entropy(logits, label, reduction="none").cpu().numpy())
        score = np.stack(scores, axis=1)
        image, crop = best_crops(score, self.ipc * factor**2)
        return np.stack(tiles, axis=1)[image, crop], score[image, crop]


def best_crops(
    score: Float64[np.ndarray, "images crops"], count: int
) -> tuple[Int64[np.ndarray, " k"], Int64[np.ndarray, " k"]]:
    """Image and crop of the `count` lowest scores, of each image its lowest alone, lowest first."""
    crop = score.argmin(axis=1)
    image = np.argsort(score.min(axis=1), kind="stable")[:count]
    return image, crop[image]
