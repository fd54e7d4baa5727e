"""Points in the plane: drawn from a seed, and moved down the slope of squared W2."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from wddkit.ot import transport


def ring(
    count: int, *, seed: int, spots: int = 8, radius: float = 2.0, spread: float = 0.1
) -> Float64[np.ndarray, "n 2"]:
    """Points `[count, 2]` around `spots` places that stand evenly on a circle, each with this standard deviation."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * rng.integers(spots, size=count) / spots
    places = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.asarray(places + spread * rng.normal(size=(count, 2)))


def moons(count: int, *, seed: int, spread: float = 0.08) -> Float64[np.ndarray, "n 2"]:
    """Points `[count, 2]` on two half circles that reach into each other, about (0, 0)."""
    rng = np.random.default_rng(seed)
    angles, side = np.pi * rng.random(count), rng.integers(2, size=count)
    sign = 1 - 2 * side
    places = np.stack([sign * np.cos(angles) + side - 0.5, sign * np.sin(angles) + 0.5 * side - 0.25], axis=1)
    return np.asarray(1.5 * places + spread * rng.normal(size=(count, 2)))


def gradient_flow(
    x: Float64[np.ndarray, "m d"], y: Float64[np.ndarray, "n d"], *, h: float
) -> Iterator[tuple[Float64[np.ndarray, "m d"], float]]:
    """Particles and their squared W2 to y, at the start and after each explicit Euler step of length h, without end.

    The Wasserstein gradient of F = W2²(x, y) / 2 at x_i is x_i - m Σ_j T_ij y_j: the way from where the plan takes the
    particle, its barycentric projection, back to it. A step goes down it:  x_i <- x_i + h (m Σ_j T_ij y_j - x_i).
    """
    while True:
        best = transport(x, y)
        yield x, best.value
        x = x + h * (len(x) * best.plan @ y - x)
