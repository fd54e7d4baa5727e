"""Formations that are optimised: stored images that hold several smaller ones, which are enlarged to be looked at."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from wddkit.data.pixels import filters, resize
from wddkit.methods.base import Context, Snapshot, State, Task, check_ipc
from wddkit.methods.pixels import Memory, Report, move_pixels
from wddkit.methods.selection import check_factor, formed
from wddkit.stages.descent import Descent, Objective


def factor_for(task: Task, ipc: int, factor: int | None) -> int:
    """The factor of a formation; None: the 2 of the papers where images are larger than 16 px, for smaller ones 1.

    A digit of 8 px that is made 4 px small is no digit any more. Raises ValueError where there are too few images or
    the factor does not divide their side.
    """
    check_ipc(task, ipc)
    size = task.train.images.shape[2]
    if factor is None:
        factor = 2 if size > 16 and size % 2 == 0 else 1
    check_factor(task, factor)
    return factor


def move_formation(
    task: Task,
    context: Context,
    ipc: int,
    factor: int,
    terms: Objective,
    descent: Descent,
    *,
    method: str,
    resume: State | None,
    memory: Memory | None = None,
) -> Iterator[Snapshot]:
    """`move_pixels` of formations, from random real images; the objective enlarges their tiles by `expand`."""
    return move_pixels(
        task,
        context,
        random_formation(task, context, ipc, factor),
        terms,
        descent,
        method=method,
        phase="match",
        resume=resume,
        memory=memory,
        report=lambda _, __: Report(options={"formation": factor}),
    )


def random_formation(task: Task, context: Context, ipc: int, factor: int) -> UInt8[np.ndarray, "k c h w"]:
    """`ipc` images of each class, of factor x factor random training images of it each.

    Drawn without repeats for as long as the class has images; with factor 1 those of `random_positions`.
    """
    count, size = ipc * factor**2, task.train.images.shape[2] // factor
    drawn = [
        context.generator("random images", c).permutation(task.train.of_class(c)) for c in range(len(task.classes))
    ]
    positions = np.concatenate([np.resize(each, count) for each in drawn])  # which begins again at the end
    return formed(resize(task.train.images[positions], size, size), factor)


def expand(u: Float[Tensor, "k c h w"], factor: int) -> Float[Tensor, "n c h w"]:
    """The n = k factor^2 images that students see, `DistilledSet.training` before it rounds; differentiable."""
    if factor == 1:
        return u
    k, c, h, w = u.shape
    tiles = u.reshape(k, c, factor, h // factor, factor, w // factor).permute(0, 2, 4, 1, 3, 5)
    rows, columns = (torch.from_numpy(filters(side // factor, side)).to(u) for side in (h, w))
    enlarged: Tensor = rows @ tiles.reshape(-1, c, h // factor, w // factor) @ columns.T
    return enlarged
