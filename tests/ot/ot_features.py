"""Synthetic features with the spread of a small network's, for what is measured and not proved."""

import numpy as np

COMPONENTS, RANK, POSITIONS = 8, 48, 9


def features(seed: int, n: int, d: int) -> np.ndarray:
    """Mean over 9 positions of relu(h + noise) `[n, d]`, with h from a mixture of 8 anisotropic Gaussians of rank 48.

    At n = 1000, d = 512: mean 0.56, exact zeros 21 %, norm 20, total variance 217, of which 52 % lie beyond the first
    9 principal components, 24 % beyond 49 and 14 % beyond 99.
    """
    generator = np.random.default_rng(seed)
    spectrum = np.arange(1, min(RANK, d) + 1) ** -0.55
    component = generator.integers(COMPONENTS, size=n)
    h = (0.2 + 0.75 * generator.normal(size=(COMPONENTS, d)))[component]
    for k in range(COMPONENTS):
        directions = 0.38 * spectrum[:, None] * generator.normal(size=(len(spectrum), d))
        h[component == k] += generator.normal(size=(np.sum(component == k), len(spectrum))) @ directions
    x = np.zeros((n, d))
    for _ in range(POSITIONS):
        x += np.maximum(h + 0.45 * generator.normal(size=h.shape), 0) / POSITIONS
    return x
