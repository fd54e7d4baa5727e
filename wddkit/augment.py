"""Augmented views: parameters that are drawn once and can be stored, and their differentiable application.

A view is a crop resized to the full image, a flip and a colour jitter. `draw` is a pure function of its key and of
each image's own number, so views do not depend on batches, workers or the order of work. Because a crop and a flip
act on rows and columns apart, `apply` is two small matrix products an image, `R @ image @ C^T`, with bilinear weights:
the values of `grid_sample`, but with a gradient that is cheap and deterministic on every device (`grid_sample`'s is
not on a GPU).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64, UInt64

if TYPE_CHECKING:  # parameters can be drawn and stored without torch
    from torch import Tensor

PARAMETERS = 8  # centre y, centre x, half height, half width (shares of the image), flip, brightness, contrast, colour


@dataclass(frozen=True)
class Augment:
    """How views are drawn.

    `crop`: smallest and largest share of the area that a crop keeps; `ratio`: largest aspect ratio, width to height or
    height to width; `shift`: largest translation as a share of the side (edges repeat); `flip`: probability of
    mirroring; `jitter`: brightness, contrast and saturation factors are drawn from [1 - jitter, 1 + jitter];
    `shared`: one draw for all images of a step, as SRe2L's and WMDD's code does.
    """

    crop: tuple[float, float] = (1.0, 1.0)
    ratio: float = 4 / 3
    shift: float = 0.0
    flip: float = 0.0
    jitter: float = 0.0
    shared: bool = False

    def __post_init__(self) -> None:
        low, high = self.crop
        if not 0 < low <= high <= 1:
            raise ValueError(f"crop: expected 0 < smallest <= largest <= 1 as shares of the area, got {self.crop}")
        shares = 0 <= self.shift <= 1 and 0 <= self.flip <= 1 and 0 <= self.jitter < 1  # none of them for NaN
        if not (1 <= self.ratio < math.inf and shares):
            raise ValueError(f"expected ratio >= 1, shift and flip in [0, 1], jitter in [0, 1); got {self}")

    @property
    def is_identity(self) -> bool:
        """Whether every view is the image itself."""
        return self.crop[0] == 1 and self.shift == 0 and self.flip == 0 and self.jitter == 0

    def at(self, progress: float) -> "Augment":
        """The curriculum of CDA (Yin and Shen 2023): the smallest crop falls from 1 to `crop[0]` by a cosine."""
        low = 1 + (self.crop[0] - 1) * (1 - np.cos(np.pi * min(max(progress, 0), 1))) / 2
        return replace(self, crop=(float(low), max(float(low), self.crop[1])))


def draw(augment: Augment, positions: Int64[np.ndarray, " n"], *, key: int) -> Float32[np.ndarray, "n 8"]:
    """Parameters of one view for each position; row i depends on the key and `positions[i]` alone."""
    u = uniform(key, np.zeros_like(positions) if augment.shared else positions, PARAMETERS)
    low, high = augment.crop
    area = low + (high - low) * u[:, 0]
    aspect = np.exp(np.log(augment.ratio) * (2 * u[:, 1] - 1)) if low < 1 else np.ones(len(u))
    height = np.minimum(1, np.sqrt(area / aspect))
    width = np.minimum(1, np.sqrt(area * aspect))
    out = np.empty((len(u), PARAMETERS), np.float32)
    out[:, 0] = height / 2 + (1 - height) * u[:, 2] + augment.shift * (2 * _again(u[:, 2]) - 1)
    out[:, 1] = width / 2 + (1 - width) * u[:, 3] + augment.shift * (2 * _again(u[:, 3]) - 1)
    out[:, 2], out[:, 3] = height / 2, width / 2
    out[:, 4] = u[:, 4] < augment.flip
    out[:, 5:] = 1 + augment.jitter * (2 * u[:, 5:] - 1)
    return out


def apply(images: "Float[Tensor, 'n c h w']", parameters: "Float[Tensor, 'n 8']") -> "Float[Tensor, 'n c h w']":
    """Views of the images (pixels in [0, 1]) that these parameters describe; differentiable in the images.

    Colours are jittered in pixel space and not clamped: a clamp would cut the gradient where it matters.
    """
    return colour(geometry(images, parameters), parameters)


def geometry(images: "Float[Tensor, 'n c h w']", parameters: "Float[Tensor, 'n 8']") -> "Float[Tensor, 'n c h w']":
    """The crop and flip alone, valid for pixels in any affine scale."""
    n, _, height, width = images.shape
    numbers = parameters[:, :5].to(images.dtype)
    centre, half = numbers[:, :2].T, numbers[:, 2:4].T * (1 - 2 * numbers[:, 4] * numbers.new_tensor([[0.0], [1.0]]))
    if height == width:  # rows and columns in one go: on small images the number of calls is what costs
        rows, columns = _axis(centre.reshape(-1), half.reshape(-1), height).view(2, n, 1, height, width)
    else:
        rows, columns = (
            _axis(c, h, size).unsqueeze(1) for c, h, size in zip(centre, half, (height, width), strict=True)
        )
    views: Tensor = rows @ images @ columns.transpose(2, 3)
    return views


def colour(images: "Float[Tensor, 'n c h w']", parameters: "Float[Tensor, 'n 8']") -> "Float[Tensor, 'n c h w']":
    """Brightness, then contrast about the mean grey, then saturation about each pixel's grey."""
    brightness, contrast, saturation = parameters[:, 5:8].to(images.dtype).view(-1, 3, 1, 1, 1).unbind(1)
    images = images * brightness
    grey = images.mean(dim=1, keepdim=True)  # an even mean of channels: a grey image is its own grey
    mean = grey.mean(dim=(2, 3), keepdim=True)
    images = mean + (images - mean) * contrast
    grey = mean + (grey - mean) * contrast
    return grey + (images - grey) * saturation


def uniform(key: int, positions: Int64[np.ndarray, " n"], columns: int) -> Float64[np.ndarray, "n columns"]:
    """Numbers in [0, 1) that depend on (key, position, column) alone: splitmix64 (Steele et al. 2014) of a counter."""
    with np.errstate(over="ignore"):  # arithmetic is meant modulo 2^64
        counter = positions.astype(np.uint64)[:, None] * np.uint64(columns) + np.arange(columns, dtype=np.uint64)
        z: UInt64[np.ndarray, "n columns"] = np.uint64(key) + (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    bits: UInt64[np.ndarray, "n columns"] = z >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53


def stream(n: int, start: int, count: int, *, key: int) -> Int64[np.ndarray, " count"]:
    """Positions start..start+count of an endless stream of shuffles of 0..n-1; epoch e is shuffled by (key, e)."""
    epochs: Sequence[int] = range(start // n, (start + count - 1) // n + 1)
    shuffled = [np.argsort(uniform(key + epoch, np.arange(n), 1)[:, 0], kind="stable") for epoch in epochs]
    first = start - epochs[0] * n
    positions: Int64[np.ndarray, " count"] = np.concatenate(shuffled)[first : first + count]
    return positions


def _again(u: np.ndarray) -> np.ndarray:
    """A second number in [0, 1) from the low bits of the first."""
    return (u * 2.0**24) % 1.0


def _axis(centre: "Float[Tensor, ' n']", half: "Float[Tensor, ' n']", size: int) -> "Float[Tensor, 'n size size']":
    """Bilinear weights [n, out, in] whose output i looks at the coordinate centre + half (2i + 1 - size) / size."""
    import torch

    index = torch.arange(size, dtype=centre.dtype, device=centre.device)
    steps = (2 * index + 1 - size) / size
    look = (centre.unsqueeze(1) + half.unsqueeze(1) * steps) * size - 0.5
    look = look.clamp(0, size - 1)  # beyond the edge the edge repeats
    return (1 - (index - look.unsqueeze(2)).abs()).clamp_min(0)
