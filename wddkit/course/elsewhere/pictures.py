"""Images as measures: ink that is moved along a plan, and colours that are exchanged."""

from typing import Any

import numpy as np
from jaxtyping import Float64, UInt8
from scipy.spatial import cKDTree

from wddkit.ot import Measure, Transport


def ink(image: Any) -> Measure:
    """The measure of a grey image `[h, w]`: a point (column, row) for each pixel that is not black, mass as its grey.

    Raises ValueError for an image of another shape, with negative greys, or all black.
    """
    greys = np.asarray(image, float)
    if greys.ndim != 2:
        raise ValueError(f"ink: expected one grey image [h, w], got shape {greys.shape}; take one channel")
    if (greys < 0).any() or not greys.any():
        raise ValueError("ink: expected greys of 0 or more, not all of them 0; masses cannot be negative")
    rows, columns = np.nonzero(greys)
    held = greys[rows, columns]
    return Measure(np.stack([columns, rows], axis=1), held / held.sum())


def displaced(a: Measure, b: Measure, best: Transport, t: float) -> Measure:
    """McCann's displacement interpolation: mass T_ij at (1 - t) x_i + t y_j.

    For t from 0 to 1, with a best plan T of squared distances, W2(a, at t) = t W2(a, b).
    """
    i, j = np.nonzero(best.plan)
    masses = best.plan[i, j]
    return Measure((1 - t) * a.points[i] + t * b.points[j], masses / masses.sum())


def painted(
    measure: Measure, shape: tuple[int, int], *, fine: int = 2, width: float = 0.4
) -> Float64[np.ndarray, "h w"]:
    """The measure as a grey image of `fine` pixels for each of `shape` (rows, columns): every point a blurred dot.

    A dot is Gaussian with standard deviation `width`, in pixels of `shape`; the image sums to 1.
    """
    rows, columns = ((np.arange(size * fine) + 0.5) / fine - 0.5 for size in shape)
    across = np.exp(-((columns[:, None] - measure.points[:, 0]) ** 2) / (2 * width**2))
    down = np.exp(-((rows[:, None] - measure.points[:, 1]) ** 2) / (2 * width**2))
    image = (down * measure.masses) @ across.T
    return np.asarray(image / image.sum())


def photographs(*, every: int = 4) -> tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w 3"]]:
    """The two photographs that scikit-learn brings, a temple and a flower: every fourth row and column of pixels."""
    from sklearn.datasets import load_sample_image

    temple, flower = (load_sample_image(f"{name}.jpg")[::every, ::every].copy() for name in ("china", "flower"))
    return temple, flower


def palette(photograph: UInt8[np.ndarray, "h w 3"], count: int, *, seed: int) -> Float64[np.ndarray, "n 3"]:
    """The colours `[count, 3]`, 0 to 1, of pixels drawn without repetition.

    Raises ValueError if the photograph has fewer pixels.
    """
    pixels = photograph.reshape(-1, 3)
    if count > len(pixels):
        raise ValueError(f"palette: {count} colours of {len(pixels)} pixels; ask for fewer")
    drawn = np.random.default_rng(seed).choice(len(pixels), count, replace=False)
    return np.asarray(pixels[drawn] / 255.0)


def recoloured(
    photograph: UInt8[np.ndarray, "h w 3"],
    before: Float64[np.ndarray, "n 3"],
    after: Float64[np.ndarray, "n 3"],
    *,
    t: float = 1.0,
    near: int = 5,
) -> UInt8[np.ndarray, "h w 3"]:
    """The photograph, each pixel's colour moved as its nearest sampled ones are: by t times the mean of after - before.

    A plan moves only the colours that were sampled; the mean over a few (`near`) carries it to the others.
    """
    colours = photograph.reshape(-1, 3) / 255.0
    _, at = cKDTree(before).query(colours, k=range(1, min(near, len(before)) + 1))
    moved = colours + t * (after - before)[at].mean(axis=1)
    return np.asarray(np.rint(255 * moved.clip(0, 1)).astype(np.uint8).reshape(photograph.shape))
