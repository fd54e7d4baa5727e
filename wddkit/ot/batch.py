"""Barycenters of many classes at once in torch, on the device that holds the points: no linear programs.

For uniform masses it is the annealing of `wddkit.ot.solvers.anneal`, which `Newton(polish=False)` runs on one class in
NumPy; for free masses it is Lloyd's k-means. Each class is what it would be alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from wddkit.codec import unknown
from wddkit.ot.costs import LARGEST, SMALLEST
from wddkit.ot.measure import whole_number
from wddkit.ot.problem import MASSES
from wddkit.ot.solvers.anneal import anneal, cell_means, rounded, schedule
from wddkit.ot.solvers.start import TRIALS
from wddkit.seeds import derive

PRECISIONS = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.float32: torch.float32,
    torch.float64: torch.float64,
}
LLOYD = 300  # most steps of k-means


@dataclass(frozen=True, eq=False)
class Batch:
    """A support y with masses w for each class, and what they cost.

    `value` = Σ_ij T_ij |y_i - x_j|² of a plan T with row sums w and column sums b: no less than the squared
    2-Wasserstein distance, and for free masses equal to it. `marginal_error` = Σ_i |w_i - r_i|, with the row sums r of
    the plan that the annealing ended with, before its rows were made exact to give T; for free masses it is 0.
    """

    support: Float[Tensor, "c m d"]
    masses: Float[Tensor, "c m"]
    value: Float64[Tensor, " c"]
    marginal_error: Float64[Tensor, " c"]


@dataclass(frozen=True, eq=False)
class Block:
    """Some classes with points offset + s x, where x has mean 0 and total variance 1; padding is 0 and has mass 0."""

    x: Float[Tensor, "c n d"]
    b: Float[Tensor, "c n"]
    offset: Float[Tensor, "c 1 d"]
    s: Float64[Tensor, " c"]


@torch.no_grad()
def barycenters(
    x: Float[Tensor, "c n d"],
    *,
    m: int,
    counts: Any = None,
    masses: str = "uniform",
    seed: int | Sequence[int] = 0,
    restarts: int = 1,
    block: int = 64,
    temperatures: Sequence[float] | None = None,
) -> Batch:
    """The barycenter of each class's points, with m support points each.

    `counts` `[c]`: points of each class, where they differ; rows of x beyond them are padding, whatever they hold.
    `masses`: `"uniform"`, 1/m each; or `"free"`, the shares of k-means cells: a class with fewer than m distinct points
    then has support points of mass 0. `seed`: one for all classes, or one for each; in any company, class k begins
    where `barycenter(x[k], m=m, seed=...)` does. `restarts`: starts, of which the best is kept. `block`: classes at a
    time, so that memory is O(block (n d + n m)). `temperatures`: see `wddkit.ot.solvers.anneal.schedule`.

    Device and dtype are those of x; points of 16 bits are computed, and answered, in float32.
    Raises ValueError for bad input, and names the class whose points are not finite.
    """
    sizes = _sizes(x, counts)
    m, restarts, block = (
        whole_number(value, name, least=1) for value, name in ((m, "m"), (restarts, "restarts"), (block, "block"))
    )
    if masses not in MASSES:
        raise unknown("masses", masses, MASSES)
    seeds, falling = _seeds(seed, len(x)), _falling(temperatures)
    blocks = [slice(at, at + block) for at in range(0, len(x), block)]
    for part in blocks:
        _check_values(x[part], sizes[part], part.start)
    parts = []
    for part in blocks:
        points = scaled(x[part], sizes[part])
        found = _solved(points, starts(points, m, seeds[part], 0), masses, falling)
        for restart in range(1, restarts):
            again = _solved(points, starts(points, m, seeds[part], restart), masses, falling)
            found = _lower(again, found)
        parts.append(found)
    return Batch(**{name: torch.cat([vars(part)[name] for part in parts]) for name in vars(parts[0])})


def scaled(x: Float[Tensor, "c n d"], sizes: Int64[Tensor, " c"]) -> Block:
    """The classes in their own coordinates; points that differ by no more than rounding are taken as identical."""
    real = torch.arange(x.shape[1], device=x.device) < sizes[:, None]
    x = torch.where(real[:, :, None], x, 0).to(PRECISIONS[x.dtype])
    largest = x.abs().amax(dim=(1, 2))
    unit = torch.where(largest > 0, largest, 1)[:, None, None]
    b = real.to(x.dtype) / sizes[:, None]
    x = x / unit
    centre = (x.sum(dim=1, dtype=torch.float64) / sizes[:, None]).to(x.dtype)[:, None]
    x = torch.where(real[:, :, None], x - centre, 0)
    # In float64: of a class with one far point the others' squares are small shares of the sum.
    deviation = ((x * x).sum(dim=2, dtype=torch.float64) * b).sum(dim=1).sqrt()
    deviation = torch.where(deviation > 8 * torch.finfo(x.dtype).eps, deviation, 0)
    spread = deviation.to(x.dtype)[:, None, None]
    x = torch.where(spread > 0, x / spread, 0)
    return Block(x, b, unit * centre, deviation * unit[:, 0, 0])


def starts(block: Block, m: int, seeds: Sequence[int], restart: int) -> Float[Tensor, "c m d"]:
    """k-means++ as in `wddkit.ot.solvers.start`, with the same draws."""
    x, b = block.x, block.b
    generators = [np.random.default_rng(derive(seed, "kmeans++", restart)) for seed in seeds]
    uniform = torch.from_numpy(np.stack([each.random(1 + TRIALS * (m - 1)) for each in generators])).to(x.device)
    chosen = _draw(b, uniform[:, :1])
    left = _distances(x, chosen)[:, 0]
    distinct = torch.ones(len(x), dtype=torch.int64, device=x.device)
    for at in range(1, 1 + TRIALS * (m - 1), TRIALS):
        chances = b * left
        distinct += (chances > 0).any(dim=1)
        tried = _draw(chances, uniform[:, at : at + TRIALS])
        after = torch.minimum(left[:, None], _distances(x, tried))
        best = (after @ b[:, :, None]).argmin(dim=1)
        chosen = torch.cat([chosen, tried.gather(1, best)], dim=1)
        left = after.gather(1, best[:, :, None].expand(-1, -1, x.shape[1]))[:, 0]
    for k in torch.nonzero(distinct < m).flatten().tolist():
        chosen[k, distinct[k] :] = _repeats(block, k, chosen[k, : distinct[k]], m)
    return _rows(x, chosen)


def annealed(
    block: Block, y: Float[Tensor, "c m d"], temperatures: Sequence[float]
) -> tuple[Float[Tensor, "c m n"], Float64[Tensor, " c"]]:
    """Plans with row sums 1/m, from a start, and how far off they were before they were rounded."""
    w = torch.full_like(y[:, :, 0], 1 / y.shape[1])
    for _, plan in anneal(torch, block.x, block.b, w, y, temperatures):
        T = plan
    return rounded(torch, T, w, block.b), (T.sum(dim=2) - w).abs().sum(dim=1, dtype=torch.float64)


def kmeans(block: Block, y: Float[Tensor, "c m d"]) -> Float[Tensor, "c m n"]:
    """Plans to the nearest support point after Lloyd's steps; an empty cell is put on the point that costs most."""
    x, b = block.x, block.b
    own = (x * x).sum(dim=2)[:, None]
    last = torch.full(b.shape[:1], math.inf, dtype=torch.float64, device=x.device)
    T = x.new_zeros(len(x), y.shape[1], x.shape[1])
    for _ in range(LLOYD):
        costs, cells = ((y * y).sum(dim=2)[:, :, None] - 2 * (y @ x.mT) + own).clamp(min=0).min(dim=1)
        costs = b * costs
        value = costs.sum(dim=1, dtype=torch.float64)
        # A class that gains no more than rounding rests, whatever the others do.
        better = value < (1 - 8 * torch.finfo(x.dtype).eps) * last
        if not better.any():
            break
        last = torch.where(better, value, last)
        T = torch.where(better[:, None, None], torch.zeros_like(T).scatter_(1, cells[:, None], b[:, None]), T)
        w = T.sum(dim=2)
        empty = w == 0
        order = costs.argsort(dim=1, descending=True, stable=True)
        worst = order.gather(1, (empty.cumsum(dim=1) - 1).clamp(0, x.shape[1] - 1))
        y = torch.where(empty[:, :, None], _rows(x, worst), cell_means(torch, T, x, w, y))
    return T


def _solved(block: Block, y: Float[Tensor, "c m d"], masses: str, temperatures: Sequence[float]) -> Batch:
    """The support that is best for the plans from this start, as points of the classes, and its value.

    With z_j = Σ_i T_ij y_i / b_j, where point j is sent in the mean, Σ_ij T_ij |y_i - x_j|² is
    Σ_j b_j |x_j - z_j|² + Σ_ij T_ij |y_i|² - Σ_j b_j |z_j|²: no digits cancel where each point is sent to one place.
    """
    x, b = block.x, block.b
    T, off = annealed(block, y, temperatures) if masses == "uniform" else (kmeans(block, y), torch.zeros_like(block.s))
    w = T.sum(dim=2)
    y = cell_means(torch, T, x, w, y)
    z = (T / torch.where(b > 0, b, 1)[:, None]).mT @ y
    blur = (w * (y * y).sum(dim=2)).sum(dim=1) - (b * (z * z).sum(dim=2)).sum(dim=1)
    value = (b * ((x - z) ** 2).sum(dim=2)).sum(dim=1) + blur.clamp(min=0)
    if masses == "uniform":
        w = torch.full_like(w, 1 / w.shape[1])
    support = block.offset + block.s.to(x.dtype)[:, None, None] * y
    return Batch(support, w, block.s**2 * value, off)


def _lower(a: Batch, b: Batch) -> Batch:
    """For each class the one of lower value."""
    first = a.value < b.value
    pairs = {name: (one, vars(b)[name]) for name, one in vars(a).items()}
    shapes = {name: [-1] + [1] * (one.ndim - 1) for name, (one, _) in pairs.items()}
    return Batch(**{name: torch.where(first.view(shapes[name]), one, two) for name, (one, two) in pairs.items()})


def _rows(x: Float[Tensor, "c n d"], at: Int64[Tensor, "c k"]) -> Float[Tensor, "c k d"]:
    return x.gather(1, at[:, :, None].expand(-1, -1, x.shape[2]))


def _distances(x: Float[Tensor, "c n d"], at: Int64[Tensor, "c k"]) -> Float[Tensor, "c k n"]:
    """Squared distances of these points to all; 0 for those that cannot be told apart."""
    own = (x * x).sum(dim=2)
    both = own.gather(1, at)[:, :, None] + own[:, None]
    C = both - 2 * (_rows(x, at) @ x.mT)
    alike = 32 * torch.finfo(x.dtype).eps * both >= C
    return C.masked_fill(alike, 0)


def _draw(chances: Float[Tensor, "c n"], uniform: Float64[Tensor, "c k"]) -> Int64[Tensor, "c k"]:
    sums = chances.double().cumsum(dim=1)
    found = torch.searchsorted(sums, (uniform * sums[:, -1:]).contiguous(), right=True)
    last = (torch.arange(chances.shape[1], device=chances.device) * (chances > 0)).amax(dim=1, keepdim=True)
    return torch.minimum(found, last)


def _repeats(block: Block, k: int, chosen: Int64[Tensor, " q"], m: int) -> Int64[Tensor, " m-q"]:
    """Further copies of all of a class's distinct points, each time of the one with most mass for each copy it has."""
    cells = _distances(block.x[k : k + 1], chosen[None])[0].argmin(dim=0)
    masses = torch.zeros_like(block.b[k, : len(chosen)]).index_add(0, cells, block.b[k]).double()
    copies, picked = torch.ones_like(masses), []
    for _ in range(m - len(chosen)):
        picked.append(int((masses / copies).argmax()))
        copies[picked[-1]] += 1
    return chosen[picked]


def _sizes(x: Any, counts: Any) -> Int64[Tensor, " c"]:
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


def _check_values(x: Float[Tensor, "c n d"], sizes: Int64[Tensor, " c"], first: int) -> None:
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


def _seeds(seed: Any, c: int) -> list[int]:
    if isinstance(seed, Sequence | np.ndarray) and not isinstance(seed, str):
        if len(seed) != c:
            raise ValueError(f"seed: expected one, or {c}, one for each class, got {len(seed)}")
        return [whole_number(each, "seed", least=0) for each in seed]
    return [whole_number(seed, "seed", least=0)] * c


def _falling(temperatures: Sequence[float] | None) -> tuple[float, ...]:
    if temperatures is None:
        return schedule()
    try:
        falling = [float(each) for each in temperatures]
    except (TypeError, ValueError):
        falling = []
    if not falling or not all(0 < each < math.inf for each in falling):
        raise ValueError(f"temperatures: expected positive numbers, as schedule() gives, got {temperatures!r}")
    return tuple(falling)
