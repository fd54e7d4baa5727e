"""Flow matching in the plane: a velocity field that carries one cloud to another (Lipman et al. 2023)."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float64
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from wddkit.course.elsewhere.gan import network

Velocity: TypeAlias = Callable[[Any, float], Float64[np.ndarray, "n 2"]]
RATE = 3e-3  # of Adam; falls to 0 along a cosine


def flow_matching(
    source: Float64[np.ndarray, "n 2"],
    target: Float64[np.ndarray, "n 2"],
    *,
    pairs: Literal["chance", "transport"],
    steps: int,
    seed: int,
    batch: int = 64,
) -> Velocity:
    """The field v(x, t) `[n, 2]`, t from 0 to 1, of least mean squared error on the ways of pairs.

        mean |v((1 - t) x + t y, t) - (y - x)|²  over drawn pairs (x, y) and times t

    `chance` pairs the points of a batch as they were drawn, `transport` by the batch's best plan for squared distances
    (Tong et al. 2024, Pooladian et al. 2023). Raises ValueError for other pairs.
    """
    if pairs not in ("chance", "transport"):
        raise ValueError(f"flow_matching: pairs are 'chance' or 'transport', got {pairs!r}")
    rng = np.random.default_rng(seed)
    field = network((3, 96, 96, 2), seed=seed)
    optimiser = torch.optim.Adam(field.parameters(), lr=RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        x, y = (cloud[rng.integers(len(cloud), size=batch)] for cloud in (source, target))
        if pairs == "transport":
            y = y[linear_sum_assignment(cdist(x, y, "sqeuclidean"))[1]]
        t = rng.random((batch, 1))
        at, way = (torch.from_numpy(each).float() for each in (np.hstack([(1 - t) * x + t * y, t]), y - x))
        loss = (field(at) - way).square().sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()

    def velocity(places: Any, t: float) -> Float64[np.ndarray, "n 2"]:
        at = np.hstack([np.asarray(places, float), np.full((len(places), 1), t)])
        with torch.no_grad():
            return np.asarray(field(torch.from_numpy(at).float()).double().numpy())

    return velocity


def followed(velocity: Velocity, start: Float64[np.ndarray, "n 2"], *, steps: int) -> Float64[np.ndarray, "k n 2"]:
    """The ways `[steps + 1, n, 2]` of points that follow the field, by Euler steps of length 1 / steps."""
    ways = [np.asarray(start, float)]
    for k in range(steps):
        ways.append(ways[-1] + velocity(ways[-1], k / steps) / steps)
    return np.stack(ways)


def detour(ways: Float64[np.ndarray, "k n 2"]) -> float:
    """How many times longer than the straight way points travel, in the mean over points; 1 is straight."""
    lengths = np.linalg.norm(np.diff(ways, axis=0), axis=2).sum(axis=0)
    return float((lengths / np.linalg.norm(ways[-1] - ways[0], axis=1)).mean())
