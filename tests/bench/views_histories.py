"""Histories as large as real ones, for `make bench-views`: digits, a thousand of them or as many as MNIST has."""

import numpy as np
from sklearn.datasets import load_digits

from wddkit.history import History, RealSample
from wddkit.ot import barycenter_steps

FRAMES, STEPS, IPC, CLASSES = 24, 12, 10, 10


def digits(*, real: int = 1000, size: int = 8, features: int = 128, barycenter: int = 600) -> History:
    """Ten images a class of handwritten digits over 24 snapshots, `real` real ones beside them.

    More than there are, or larger ones, are made of them: shifted, enlarged, with grain. A fixed random layer stands
    for the teacher, straight lines from the nearest real images to the support points for the recovery.
    """
    rng = np.random.default_rng(0)
    images, labels = _images(rng, real, size)
    z = _embed(rng, images, features)
    distilled = np.repeat(np.arange(CLASSES), IPC)
    ways, start, end, pixels = {}, [], [], []
    for label in range(CLASSES):
        own = np.flatnonzero(labels == label)
        whole = list(barycenter_steps(z[own[:barycenter]], m=IPC, seed=label))
        steps = whole[:: -(-len(whole) // STEPS)]
        ways[label] = {
            "support": np.stack([step.support for step in steps]),
            "masses": np.stack([step.masses for step in steps]),
            "value": np.array([step.value for step in steps]),
            **_assigned([step.support for step in steps], z[own]),
        }
        near = own[((z[own][:, None] - steps[-1].support) ** 2).sum(axis=2).argmin(axis=0)]
        start.append(z[near])
        end.append(steps[-1].support)
        pixels.append(images[near])
    a, b, first = np.concatenate(start), np.concatenate(end), np.concatenate(pixels).astype(float)
    shares = np.linspace(0, 1, FRAMES)
    grain = rng.normal(size=first.shape) * 30
    return History.from_arrays(
        np.stack([np.clip(first + share * grain, 0, 255).astype(np.uint8) for share in shares]),
        distilled,
        classes=[str(label) for label in range(CLASSES)],
        features=np.stack([a + share * (b - a) for share in shares]).astype(np.float32),
        scalars={"loss": np.exp(-3 * shares), "feature_gap": 1 - shares, "statistics_error": 0.5 - 0.4 * shares},
        real=RealSample(images, z.astype(np.float32), labels, np.arange(real)),
        barycenters=ways,
    )


def _images(rng: np.random.Generator, n: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Real images [n, 1, size, size] and their labels."""
    bunch = load_digits()
    at = np.arange(n) % len(bunch.target)
    small = (bunch.images[at] * 255 / 16).round()
    if size > small.shape[1]:
        grid = np.arange(size) * small.shape[1] // size
        small = small[:, grid][:, :, grid]
        shifts = rng.integers(-2, 3, (n, 2))
        small = np.stack([np.roll(image, shift, (0, 1)) for image, shift in zip(small, shifts, strict=True)])
        small = small + rng.normal(size=small.shape) * 12
    return np.clip(small, 0, 255).astype(np.uint8)[:, None], bunch.target[at].astype(np.int64)


def _embed(rng: np.random.Generator, images: np.ndarray, features: int) -> np.ndarray:
    """Features [n, features] of a fixed random layer."""
    flat = images.reshape(len(images), -1) / 255
    z: np.ndarray = np.maximum(0, flat @ rng.normal(size=(flat.shape[1], features)) / np.sqrt(flat.shape[1] / 8))
    return z


def _assigned(supports: list[np.ndarray], z: np.ndarray) -> dict[str, np.ndarray]:
    """The support point nearest to every real image, at each step."""
    squares = (z**2).sum(axis=1)[:, None]
    near = np.stack([(squares - 2 * z @ y.T + (y**2).sum(axis=1)).argmin(axis=1) for y in supports])
    return {"assignment": near.astype(np.int32), "assignment_share": np.ones(near.shape, np.float32)}
