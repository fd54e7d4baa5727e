"""Classes of points for `wddkit.ot.batch`: checked, and brought to coordinates of their own."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from wddkit.ot.geometry import GOLDEN, LARGEST, SAMPLE, SMALLEST

PRECISIONS = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.float32: torch.float32,
    torch.float64: torch.float64,
}


@dataclass(frozen=True, eq=False)
class Block:
    """Some classes with points offset + s x, where x has mean 0 and total variance 1; padding is 0 and has mass 0."""

    x: Float[Tensor, "c n d"]
    b: Float[Tensor, "c n"]
    offset: Float64[Tensor, "c 1 d"]
    s: Float64[Tensor, " c"]


def scaled(x: Float[Tensor, "c n d"], sizes: Int64[Tensor, " c"]) -> Block:
    """The classes in their own coordinates, however far from 0 they lie and however little they spread.

    What is subtracted is a number of the points' own type near them, and what is divided by a power of two: the
    differences keep their digits. Only then are they brought to mean 0 and variance 1.
    """
    real = (torch.arange(x.shape[1], device=x.device) < sizes[:, None])[:, :, None]
    b = real[:, :, 0].to(PRECISIONS[x.dtype]) / sizes[:, None]
    x = torch.where(real, x, 0).to(b.dtype)
    unit = _power_of_two(x)
    x = x / unit
    some = min(SAMPLE, x.shape[1])
    steps = torch.arange(some, device=x.device, dtype=torch.float64) * GOLDEN % 1  # see `geometry.centre_of`
    middle = rows(x, (sizes[:, None] * steps).long()).sort(dim=1).values[:, some // 2, None]
    x = torch.where(real, x - middle, 0)
    small = _power_of_two(x)
    x = x / small
    mean = (x.sum(dim=1, dtype=torch.float64) / sizes[:, None]).to(x.dtype)[:, None]
    x = torch.where(real, x - mean, 0)
    # In float64: of a class with one far point the others' squares are small shares of the sum.
    deviation = ((x * x).sum(dim=2, dtype=torch.float64) * b).sum(dim=1).sqrt()
    x = x / torch.where(deviation > 0, deviation, 1).to(x.dtype)[:, None, None]
    offset = unit.double() * (middle.double() + small.double() * mean.double())
    return Block(x, b, offset, deviation * (small.double() * unit.double())[:, 0, 0])


def _power_of_two(x: Float[Tensor, "c n d"]) -> Float[Tensor, "c 1 1"]:
    """The power of two next below the largest coordinate of each class: to divide by it costs no digit."""
    exponents = torch.frexp(x.abs().amax(dim=(1, 2), keepdim=True)).exponent
    return torch.exp2((exponents - 1).to(x.dtype))


def rows(x: Float[Tensor, "c n d"], at: Int64[Tensor, "c k"]) -> Float[Tensor, "c k d"]:
    """The points of each class at these places."""
    return x.gather(1, at[:, :, None].expand(-1, -1, x.shape[2]))


def check_sizes(x: Any, counts: Any) -> Int64[Tensor, " c"]:
    """Points of each class; ValueError unless x is a tensor of classes and the counts are theirs."""
    if not isinstance(x, Tensor) or x.dtype not in PRECISIONS or x.ndim != 3 or not x.numel():
        got = f"{tuple(x.shape)} of {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(
            f"x: expected a tensor of floats, [classes, points, dimension] with at least one of each, got {got}; "
            f"for one class write x[None]"
        )
    c, n = x.shape[:2]
    if counts is None:
        return torch.full((c,), n, device=x.device)
    try:
        sizes = torch.as_tensor(counts, device=x.device)
    except (TypeError, ValueError, RuntimeError):
        sizes = torch.zeros(0)
    if sizes.shape != (c,) or sizes.is_floating_point() or sizes.is_complex() or sizes.dtype == torch.bool:
        raise ValueError(f"counts: expected {c} whole numbers, one for each class, got {counts!r}")
    wrong = (sizes < 1) | (sizes > n)
    if wrong.any():
        k = int(wrong.long().argmax())
        raise ValueError(f"counts: class {k} has {int(sizes[k])} points; expected 1 to {n}; leave out empty classes")
    return sizes.long()


def check_values(x: Float[Tensor, "c n d"], sizes: Int64[Tensor, " c"], first: int) -> None:
    """Raises ValueError for points that are not finite, or whose squares are not; `first` is the number of x[0]."""
    real = torch.arange(x.shape[1], device=x.device) < sizes[:, None]
    finite = torch.isfinite(x).all(dim=2) | ~real
    if not finite.all():
        k = int((~finite).any(dim=1).long().argmax())
        raise ValueError(
            f"class {first + k}: NaN or infinite values in {int((~finite[k]).sum())} of {int(sizes[k])} points, first "
            f"in point {int((~finite[k]).long().argmax())}; remove those points, or the class"
        )
    largest = torch.where(real, x.abs().amax(dim=2), 0).amax(dim=1).double()
    out = (largest > LARGEST) | ((largest > 0) & (largest < SMALLEST))
    if out.any():
        k = int(out.long().argmax())
        raise ValueError(
            f"class {first + k}: the largest coordinate is {float(largest[k]):.1e}: its square leaves the range of "
            f"float64; rescale the points to between {SMALLEST:.0e} and {LARGEST:.0e}"
        )
