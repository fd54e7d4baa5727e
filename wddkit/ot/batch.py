"""Barycenters of many classes at once in torch, on the device that holds the points: no linear programs.

For free masses it is Lloyd's k-means; for uniform masses it is the annealing of `wddkit.ot.solvers.anneal`, which
`Newton(polish=False)` runs on one class in NumPy. Each class is what it would be alone.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from wddkit.codec import unknown
from wddkit.ot.blocks import Block, check_sizes, check_values, rows, scaled
from wddkit.ot.measure import whole_number
from wddkit.ot.problem import MASSES
from wddkit.ot.rounding import rounded
from wddkit.ot.solvers.anneal import COLDEST, anneal, cell_means, schedule
from wddkit.ot.solvers.start import TIE, TRIALS
from wddkit.seeds import derive

LLOYD = 300  # most steps of k-means
# Roundings of the points' type: sums that differ by the first share, and distances of points below the second share of
# |x|² + |y|², may as well be equal.
STILL, ALIKE = 8, 32


@dataclass(frozen=True, eq=False)
class Batch:
    """A support y with masses w for each class, and what they cost.

    `value` = Σ_ij T_ij |y_i - x_j|² of a plan T with row sums w and column sums b: no less than the squared
    2-Wasserstein distance, and for free masses equal to it, but for the rounding of the support to its type.
    `marginal_error` = Σ_i |w_i - r_i|, with the row sums r of the plan that the annealing ended with, before its rows
    were made exact to give T; for free masses it is 0.
    """

    support: Float[Tensor, "c m d"]
    masses: Float[Tensor, "c m"]
    value: Float64[Tensor, " c"]
    marginal_error: Float64[Tensor, " c"]


@torch.no_grad()
def barycenters(
    x: Float[Tensor, "c n d"],
    *,
    m: int,
    counts: Any = None,
    masses: str = "free",
    seed: int | Sequence[int] = 0,
    restarts: int = 1,
    block: int = 64,
    temperatures: Sequence[float] | None = None,
) -> Batch:
    """The barycenter of each class's points, with m support points each.

    `counts` `[c]`: points of each class, where they differ; rows of x beyond them are padding, whatever they hold.
    `masses`: `"free"`, the shares of k-means cells: a class with fewer than m distinct points then has support points
    of mass 0; or `"uniform"`, 1/m each. `seed`: one for all classes, or one for each; in any company, class k begins
    where restart 0 of `barycenter(x[k], m=m, seed=...)` does. `restarts`: starts, of which the best is kept. `block`:
    classes at a time, so that memory is O(block (n d + n m)). `temperatures`: see `wddkit.ot.solvers.anneal.schedule`.

    Free masses end with Lloyd's steps, without the moves of single points of `KMeans`: where a cell has ten points, 4 %
    above its value, of which fresh points feel next to nothing.

    Device and dtype are those of x; points of 16 bits are computed, and answered, in float32.
    Raises ValueError for bad input, and names the class whose points are not finite.
    """
    sizes = check_sizes(x, counts)
    m, restarts, block = (
        whole_number(value, name, least=1) for value, name in ((m, "m"), (restarts, "restarts"), (block, "block"))
    )
    if masses not in MASSES:
        raise unknown("masses", masses, MASSES)
    seeds, falling = _seeds(seed, len(x)), _falling(temperatures)
    blocks = [slice(at, at + block) for at in range(0, len(x), block)]
    for part in blocks:
        check_values(x[part], sizes[part], part.start)
    parts = []
    for part in blocks:
        points = scaled(x[part], sizes[part])
        ways = (_solved(points, starts(points, m, seeds[part], each), masses, falling) for each in range(restarts))
        parts.append(functools.reduce(_lower, ways))
    return Batch(**{name: torch.cat([vars(part)[name] for part in parts]) for name in vars(parts[0])})


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
        paid = after @ b[:, :, None]
        best = (paid <= (1 + TIE) * paid.amin(dim=1, keepdim=True)).long().argmax(dim=1)
        chosen = torch.cat([chosen, tried.gather(1, best)], dim=1)
        left = after.gather(1, best[:, :, None].expand(-1, -1, x.shape[1]))[:, 0]
    for k in torch.nonzero(distinct < m).flatten().tolist():
        chosen[k, distinct[k] :] = _repeats(block, k, chosen[k, : distinct[k]], m)
    return rows(x, chosen)


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
        better = value < (1 - STILL * torch.finfo(x.dtype).eps) * last
        if not better.any():
            break
        last = torch.where(better, value, last)
        T = torch.where(better[:, None, None], torch.zeros_like(T).scatter_(1, cells[:, None], b[:, None]), T)
        w = T.sum(dim=2)
        empty = w == 0
        order = costs.argsort(dim=1, descending=True, stable=True)
        worst = order.gather(1, (empty.cumsum(dim=1) - 1).clamp(0, x.shape[1] - 1))
        y = torch.where(empty[:, :, None], rows(x, worst), cell_means(torch, T, x, w, y))
    return T


def _solved(block: Block, y: Float[Tensor, "c m d"], masses: str, temperatures: Sequence[float]) -> Batch:
    """The support that is best for the plans from this start, as points of the classes, and its value.

    With z_j = Σ_i T_ij y_i / b_j, where point j is sent in the mean, Σ_ij T_ij |y_i - x_j|² is
    Σ_j b_j |x_j - z_j|² + Σ_ij T_ij |y_i|² - Σ_j b_j |z_j|²: no digits cancel where each point is sent to one place,
    as with free masses all are, and the last two are equal.
    """
    x, b, free = block.x, block.b, masses == "free"
    T, off = (kmeans(block, y), torch.zeros_like(block.s)) if free else annealed(block, y, temperatures)
    w = T.sum(dim=2)
    y = cell_means(torch, T, x, w, y)
    z = (T / torch.where(b > 0, b, 1)[:, None]).mT @ y
    value = (b * ((x - z) ** 2).sum(dim=2)).sum(dim=1)
    if not free:
        value += ((w * (y * y).sum(dim=2)).sum(dim=1) - (b * (z * z).sum(dim=2)).sum(dim=1)).clamp(min=0)
        w = torch.full_like(w, 1 / w.shape[1])
    support = (block.offset + block.s[:, None, None] * y.double()).to(x.dtype)
    return Batch(support, w, block.s**2 * value, off)


def _lower(a: Batch, b: Batch) -> Batch:
    """For each class the one of lower value, the first if they tie."""
    first = a.value <= b.value
    pairs = {name: (one, vars(b)[name]) for name, one in vars(a).items()}
    shapes = {name: [-1] + [1] * (one.ndim - 1) for name, (one, _) in pairs.items()}
    return Batch(**{name: torch.where(first.view(shapes[name]), one, two) for name, (one, two) in pairs.items()})


def _distances(x: Float[Tensor, "c n d"], at: Int64[Tensor, "c k"]) -> Float[Tensor, "c k n"]:
    """Squared distances of these points to all; 0 for those that cannot be told apart."""
    own = (x * x).sum(dim=2)
    both = own.gather(1, at)[:, :, None] + own[:, None]
    C = both - 2 * (rows(x, at) @ x.mT)
    alike = ALIKE * torch.finfo(x.dtype).eps * both >= C
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
    if not falling or not all(COLDEST <= each < math.inf for each in falling):
        raise ValueError(
            f"temperatures: expected numbers from {COLDEST:.0e} on, as schedule() gives, got {temperatures!r}"
        )
    return tuple(falling)
