"""Transport distances as losses in PyTorch: values to minimise, with gradients in the points and in the masses.

w2_squared(x, y)                  exact, by one linear program
sliced_w2_squared(x, y)           mean over directions of the exact distance on a line, by sorting
sinkhorn_divergence(x, y, reg=)   smoothed, without the bias of smoothing

No gradient runs through a solver. Each distance is a minimum over plans, or equally a maximum over potentials, and
where that is unique its gradient is that of the formula with plan and potentials held (the envelope theorem): a point
is pulled along its plan, ∂/∂x_i Σ_ij T_ij |x_i - y_j|² = 2 Σ_j T_ij (x_i - y_j), and a potential is the price of mass.

Values have the points' type, and those of points of 16 bits, which could not hold them, float32. Points are centred
first. Those that spread so far, or so little, that the type cannot hold their squares are refused.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from wddkit.ot.blocks import PRECISIONS
from wddkit.ot.costs import sqeuclidean
from wddkit.ot.distances import unit_vectors
from wddkit.ot.divergence import self_potential
from wddkit.ot.entropic import solve_entropic
from wddkit.ot.geometry import LARGEST, SMALLEST, centre_of
from wddkit.ot.measure import check_masses, check_points, whole_number
from wddkit.ot.plan import Transport, solve


def w2_squared(
    x: Float[Tensor, "m d"],
    y: Float[Tensor, "n d"],
    *,
    a: Float[Tensor, " m"] | None = None,
    b: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, ""]:
    """The squared 2-Wasserstein distance of Σ_i a_i δ(x_i) and Σ_j b_j δ(y_j), exact; masses are equal unless given.

    W2² = min over T with T 1 = a, T^T 1 = b of Σ_ij T_ij |x_i - y_j|² = max over u_i + v_j <= |x_i - y_j|² of a·u + b·v

    The plan is found on the CPU in float64. Where two plans tie, the gradient is that of one of them.
    Raises ValueError for bad input; see `wddkit.ot.transport`.
    """
    x, y, a, b = _checked(x, y, a, b)
    best = _solved(x, y, a, b)
    u, v = (torch.from_numpy(each).to(x.device) for each in best.potentials)
    # An optimal plan has at most m + n - 1 entries.
    i, j = (torch.from_numpy(each).to(x.device) for each in np.nonzero(best.plan))
    T = torch.from_numpy(best.plan[best.plan != 0]).to(x)
    value = T @ (_rows(x, i) - _rows(y, j)).square().sum(dim=1)
    prices = (a - a.detach()) @ u + (b - b.detach()) @ v  # 0, with the gradient in the masses
    return value + prices.to(x.dtype)


def transport_plan(
    x: Float[Tensor, "m d"],
    y: Float[Tensor, "n d"],
    *,
    a: Float[Tensor, " m"] | None = None,
    b: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, "m n"]:
    """The plan T of `w2_squared`, on x's device and without a gradient. Raises ValueError for bad input."""
    x, y, a, b = _checked(x, y, a, b)
    return torch.from_numpy(_solved(x, y, a, b).plan).to(x)


def sliced_w2_squared(
    x: Float[Tensor, "m d"],
    y: Float[Tensor, "n d"],
    *,
    a: Float[Tensor, " m"] | None = None,
    b: Float[Tensor, " n"] | None = None,
    directions: int | Float[Tensor, "k d"] = 256,
    seed: int = 0,
) -> Float[Tensor, ""]:
    """The *squared* sliced 2-Wasserstein distance, that of `wddkit.ot.sliced_w2_squared` with the same directions.

        SW² = E_θ W2²(θ·x, θ·y) = |mean x - mean y|² / d + E_θ W2²(θ·(x - mean x), θ·(y - mean y))
        W2² on a line = ∫_0^1 |P^-1(t) - Q^-1(t)|² dt

    P^-1 and Q^-1, the quantile functions of the projections, are step functions: the integral is a finite sum, for any
    numbers and masses of points. Of a number of directions, drawn evenly on the sphere by `seed`, only the second mean
    is taken. Rows that are given are brought to length 1 and are all there is: SW² is the mean along them.
    Source: Bonneel, Rabin, Peyré and Pfister 2015. Raises ValueError for bad input.
    """
    x, y, a, b = _checked(x, y, a, b)
    mean_x, mean_y = a.to(x.dtype) @ x, b.to(y.dtype) @ y
    shift, p, q = mean_x - mean_y, x - mean_x, y - mean_y
    if isinstance(directions, Tensor):
        theta = _given(directions, like=x)
        apart = (theta @ shift).square().mean()
    else:
        theta = torch.from_numpy(unit_vectors(x.shape[1], whole_number(directions, "directions", least=1), seed)).to(x)
        apart = shift.square().sum() / len(shift)
    return apart + _along(theta @ p.T, a, theta @ q.T, b)


def sinkhorn_divergence(
    x: Float[Tensor, "m d"],
    y: Float[Tensor, "n d"],
    *,
    reg: float,
    a: Float[Tensor, " m"] | None = None,
    b: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, ""]:
    """The debiased entropic transport cost: S = OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2, 0 for x = y.

        OT(x, y) = min over plans T of Σ_ij T_ij |x_i - y_j|² + reg Σ_ij T_ij log(T_ij / (a_i b_j))

    S is not negative, up to rounding, and goes from W2² (reg to 0) to the squared distance of the means (reg to ∞);
    `reg` is in the units of squared distances. Its gradient is smooth in the points, where that of W2² jumps from plan
    to plan.
    The plans are found on the CPU in float64; see `wddkit.ot.entropic`. Source: Feydy et al. 2019.
    Raises ValueError for bad input, and for a `reg` too small to be solved.
    """
    x, y, a, b = _checked(x, y, a, b)
    best = solve_entropic(sqeuclidean(_host(x), _host(y)), _host(a), _host(b), reg=reg)
    u, v = (torch.from_numpy(each).to(x.device) for each in best.potentials)
    (f, pull_x), (g, pull_y) = _to_itself(x, a, reg), _to_itself(y, b, reg)
    # OT(x, y) = a·u + b·v and OT(x, x) = 2 a·f; the other terms are 0, with the gradients in the points.
    return (a @ (u - f) + b @ (v - g) + _pull(x, y, best.plan) - (pull_x + pull_y) / 2).to(x.dtype)


def _to_itself(x: Tensor, a: Tensor, reg: float) -> tuple[Float64[Tensor, " n"], Float[Tensor, ""]]:
    """The potential of the entropic plan of x to itself, and the pull of that plan."""
    C, masses = sqeuclidean(_host(x), _host(x)), _host(a)
    f = self_potential(C, masses, reg)
    pull = x.new_zeros(())
    if x.requires_grad:  # data is mostly fixed: its plan and the products with it are then left out
        with np.errstate(divide="ignore", over="ignore"):  # as in `self_potential`
            log_T = np.log(masses)[:, None] + np.log(masses) + (f[:, None] + f - C) / reg
        pull = _pull(x, x, np.exp(log_T))
    return torch.from_numpy(f).to(x.device), pull


def _pull(x: Tensor, y: Tensor, plan: Float64[np.ndarray, "m n"]) -> Float[Tensor, ""]:
    """0, with the gradient in the points of Σ_ij T_ij |x_i - y_j|² for the plan held."""
    C = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1) - 2 * x @ y.T
    return torch.sum(torch.from_numpy(plan).to(x) * (C - C.detach()))


def _along(
    p: Float[Tensor, "k m"], a: Float64[Tensor, " m"], q: Float[Tensor, "k n"], b: Float64[Tensor, " n"]
) -> Float[Tensor, ""]:
    """The mean over k lines of W2² of the projections on them."""
    (rank_p, P), (rank_q, Q) = _quantiles(p, a), _quantiles(q, b)
    t = torch.cat([P, Q], dim=1).sort(dim=1).values  # [k, m + n]: between two of these both functions stand still
    lengths = torch.diff(t, dim=1, prepend=t.new_zeros(len(t), 1)).to(p.dtype)
    return (lengths * (_at(p, rank_p, P, t) - _at(q, rank_q, Q, t)).square()).sum() / len(p)


def _quantiles(
    p: Float[Tensor, "k m"], a: Float64[Tensor, " m"]
) -> tuple[Int64[Tensor, "k m"], Float64[Tensor, "k m"]]:
    """The ranking of projections in each direction, and in that order the mass up to each: where the quantile jumps."""
    rank = p.detach().argsort(dim=1, stable=True)
    mass = a[rank].cumsum(dim=1)
    return rank, torch.cat([mass[:, :-1], torch.ones_like(mass[:, :1])], dim=1)


def _at(p: Tensor, rank: Tensor, mass: Tensor, t: Tensor) -> Float[Tensor, "k steps"]:
    """The quantile function of each direction on the interval that ends at t."""
    k, m = p.shape
    own = torch.searchsorted(mass.detach(), t.detach()).clamp(max=m - 1)
    index = rank.gather(1, own) + m * torch.arange(k, device=p.device)[:, None]
    return _rows(p.reshape(-1, 1), index).squeeze(-1)


def _given(directions: Tensor, *, like: Tensor) -> Float[Tensor, "k d"]:
    theta = directions.detach().to(like)
    check_points(_host(theta), "directions")
    if theta.shape[1] != like.shape[1]:
        raise ValueError(
            f"directions: expected rows of dimension {like.shape[1]}, as the points', got {theta.shape[1]}"
        )
    norms = theta.norm(dim=1, keepdim=True)
    if not norms.all():
        raise ValueError(f"directions: row {int(norms.argmin())} is 0 and has no direction; leave it out")
    unit: Tensor = theta / norms
    return unit


def _solved(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Transport:
    return solve(sqeuclidean(_host(x), _host(y)), _host(a), _host(b))


def _checked(x: Any, y: Any, a: Any, b: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points of one type on one device about a common centre, and masses in float64; ValueError for anything else."""
    for points, name in ((x, "x"), (y, "y")):
        _check_tensor(points, name)
        check_points(_host(points), name)
        if points.dtype != x.dtype or points.device != x.device:
            raise ValueError(
                f"x and y: expected one type and one device, got {x.dtype} on {x.device} and {points.dtype} on "
                f"{points.device}; write y.to(x)"
            )
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x and y: points of dimension {x.shape[1]} and {y.shape[1]}; embed both alike")
    x, y = (points.to(PRECISIONS[points.dtype]) for points in (x, y))
    centre = torch.from_numpy(centre_of(_host(x), _host(y))).to(x)  # coordinates of points: no rounding
    x, y = x - centre, y - centre
    _check_range(x, y)
    return x, y, _masses(a, "x", like=x), _masses(b, "y", like=y)


def _check_range(x: Tensor, y: Tensor) -> None:
    type_ = torch.finfo(x.dtype)
    low, high = max(SMALLEST, type_.tiny**0.5), min(LARGEST, (type_.max / (8 * x.shape[1])) ** 0.5)
    largest = max(float(points.detach().abs().max()) for points in (x, y))
    if largest > high or 0 < largest < low:
        raise ValueError(
            f"x and y: points differ by up to {largest:.1e}, whose square leaves the range of {x.dtype}; rescale them "
            f"to between {low:.0e} and {high:.0e}" + (", or write x.double()" if x.dtype == torch.float32 else "")
        )


def _masses(masses: Any, of: str, *, like: Tensor) -> Float64[Tensor, " n"]:
    if masses is None:
        return torch.full((len(like),), 1 / len(like), dtype=torch.float64, device=like.device)
    _check_tensor(masses, f"masses of {of}")
    check_masses(_host(masses), f"masses of {of}", count=len(like))
    moved: Tensor = masses.to(like.device, torch.float64)
    return moved / moved.sum()


def _check_tensor(value: Any, name: str) -> None:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        got = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"{name}: expected a tensor of floating-point numbers, got {got}")


def _host(tensor: Tensor) -> Float64[np.ndarray, "..."]:
    array: Float64[np.ndarray, "..."] = tensor.detach().double().cpu().numpy()
    return array


def _rows(x: Float[Tensor, "n d"], index: Int64[Tensor, "..."]) -> Float[Tensor, "... d"]:
    """x[index]; unlike that of x[index], this gradient is added up in the same order each time, on every device."""
    return F.embedding(index, x)
