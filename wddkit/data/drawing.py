"""Anti-aliased coloured shapes on a plain ground, many at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

KINDS = ("disc", "square", "triangle", "cross", "ring", "diamond", "bar", "moon")
PATTERNS = ("", "striped", "barred", "chequered")
# Names and hues in degrees; each pair far apart, all of them 45 degrees from the next.
HUES = (
    *(("red", 0), ("blue", 225), ("green", 135), ("amber", 45)),
    *(("violet", 270), ("cyan", 180), ("pink", 315), ("lime", 90)),
)
GROUNDS = (("", 0.15), ("on slate", 0.4), ("on ash", 0.62), ("on white", 0.9))


@dataclass(frozen=True, eq=False)
class Figures:
    """One shape an image; lengths are shares of the side, angles radians, hues degrees, levels in [0, 1]."""

    kind: Int64[np.ndarray, " n"]  # index into KINDS
    pattern: Int64[np.ndarray, " n"]  # index into PATTERNS
    x: Float64[np.ndarray, " n"]
    y: Float64[np.ndarray, " n"]
    radius: Float64[np.ndarray, " n"]
    turn: Float64[np.ndarray, " n"]
    hue: Float64[np.ndarray, " n"]
    bright: Float64[np.ndarray, " n"]
    ground: Float64[np.ndarray, " n"]


def paint(figures: Figures, size: int) -> Float64[np.ndarray, "n 3 size size"]:
    """The images, whole levels 0..255 as float64, so that the same figures give the same bytes on any machine."""
    centres = (np.arange(size) + 0.5) / size
    dx = centres[None, None, :] - figures.x[:, None, None]
    dy = centres[None, :, None] - figures.y[:, None, None]
    radius = figures.radius[:, None, None]
    cos, sin = np.cos(figures.turn)[:, None, None], np.sin(figures.turn)[:, None, None]
    u, v = (cos * dx + sin * dy) / radius, (cos * dy - sin * dx) / radius  # [n, size, size] in radii
    cover = np.zeros(u.shape)
    for kind, name in enumerate(KINDS):
        own = figures.kind == kind
        if own.any():
            cover[own] = (0.5 - outside(name, u[own], v[own]) * radius[own] * size).clip(0, 1)
    level = np.where(_dark(figures.pattern[:, None, None], u, v), 0.45, 1.0)[:, None]
    ink = colour(figures.hue, figures.bright)[:, :, None, None] * level
    cover, ground = cover[:, None], figures.ground[:, None, None, None]
    images: np.ndarray = np.rint(255 * (cover * ink + (1 - cover) * ground))
    return images


def outside(kind: str, u: Float64[np.ndarray, "..."], v: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    """About the distance from (u, v) to the shape of radius 1, negative within; v points down."""
    across, down, far = np.abs(u), np.abs(v), np.hypot(u, v)
    distance: np.ndarray
    if kind == "disc":
        distance = far - 1
    elif kind == "square":
        distance = np.maximum(across, down) - 0.85
    elif kind == "triangle":
        distance = np.maximum(v - 0.6, 0.866 * across - 0.5 * (v + 1))
    elif kind == "cross":
        distance = np.minimum(np.maximum(across - 1, down - 0.33), np.maximum(across - 0.33, down - 1))
    elif kind == "ring":
        distance = np.abs(far - 0.75) - 0.25
    elif kind == "diamond":
        distance = (across + down - 1.15) / np.sqrt(2)
    elif kind == "bar":
        distance = np.maximum(across - 1, down - 0.33)
    else:
        distance = np.maximum(far - 1, 0.85 - np.hypot(u - 0.55, v))
    return distance


def colour(hue: Float64[np.ndarray, " n"], value: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, "n 3"]:
    """RGB in [0, 1] of HSV colours with saturation 0.85."""
    offset = (np.array([5, 3, 1]) + hue[:, None] / 60) % 6
    rgb: np.ndarray = value[:, None] * (1 - 0.85 * np.minimum(offset, 4 - offset).clip(0, 1))
    return rgb


def _dark(pattern: Int64[np.ndarray, "n 1 1"], u: np.ndarray, v: np.ndarray) -> Bool[np.ndarray, "n h w"]:
    """Where a pattern darkens the ink, in bands of 0.4 radii."""
    row, column = np.floor(v / 0.4) % 2 == 1, np.floor(u / 0.4) % 2 == 1
    dark: np.ndarray = np.select([pattern == 1, pattern == 2, pattern == 3], [row, column, row ^ column], default=False)
    return dark
