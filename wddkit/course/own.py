"""What notebook 11 leans on: pictures to begin with, and arrays with the usual faults."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image, ImageDraw

SHAPES = ("circle", "cross", "square", "triangle")
SIZE = 16
FINE = 4  # shapes are drawn this many times larger, so that their edges are smooth
_CORNERS = {"square": 4, "triangle": 3}


def shape_image(shape: str, rng: np.random.Generator) -> UInt8[np.ndarray, "h w"]:
    """A grey picture of one of SHAPES, at a drawn place, size, angle and brightness, with noise."""
    side = SIZE * FINE
    centre = side / 2 + rng.uniform(-0.1, 0.1, 2) * side
    radius, angle = rng.uniform(0.25, 0.4) * side, rng.uniform(0, 2 * np.pi)
    picture = Image.new("L", (side, side))
    draw, grey = ImageDraw.Draw(picture), int(rng.integers(130, 230))
    if shape == "circle":
        draw.ellipse([*(centre - radius), *(centre + radius)], fill=grey)
    elif shape == "cross":
        for turn in (angle, angle + np.pi / 2):
            arm = radius * np.array([np.cos(turn), np.sin(turn)])
            draw.line([*(centre - arm), *(centre + arm)], fill=grey, width=int(radius / 2))
    else:
        turns = angle + 2 * np.pi * np.arange(_CORNERS[shape]) / _CORNERS[shape]
        draw.polygon([tuple(centre + radius * np.array([np.cos(t), np.sin(t)])) for t in turns], fill=grey)
    small = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX), float)
    return np.asarray((small + rng.normal(0, 25, small.shape)).clip(0, 255).round().astype(np.uint8))


def draw_pictures(folder: Path, *, each: int, seed: int) -> Path:
    """Writes `each` PNGs of every shape into `folder/<shape>/`, and returns the folder."""
    rng = np.random.default_rng(seed)
    for shape in SHAPES:
        (folder / shape).mkdir(parents=True, exist_ok=True)
        for k in range(each):
            Image.fromarray(shape_image(shape, rng)).save(folder / shape / f"{k:03}.png")
    return folder


def untidy_arrays(*, each: int, copies: int, seed: int) -> tuple[Float64[np.ndarray, "n h w"], np.ndarray]:
    """Images `[n, 16, 16]`, floats from 0 to 255, and their classes' names, sorted; `copies` are there twice."""
    rng = np.random.default_rng(seed)
    images = np.stack([shape_image(shape, rng) for shape in SHAPES for _ in range(each)]).astype(float)
    twice = rng.choice(len(images), copies, replace=False)
    order = np.sort(np.concatenate([np.arange(len(images)), twice]))
    return images[order], np.repeat(SHAPES, each)[order]
