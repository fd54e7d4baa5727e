"""Small measures that several tests of optimal transport are about."""

import numpy as np
from scipy.spatial.distance import cdist

from wddkit.ot import Measure


def blobs(seed, n=300, d=6, k=8):
    """Points of k clusters, stretched along the axes."""
    generator = np.random.default_rng(seed)
    centres = 3 * generator.normal(size=(k, d))
    return centres[generator.integers(k, size=n)] + generator.normal(size=(n, d)) * generator.uniform(0.2, 2, d)


def weighted(seed, n=60, d=3):
    """Normal points with uneven masses."""
    generator = np.random.default_rng(seed)
    return Measure(generator.normal(size=(n, d)), generator.dirichlet(np.ones(n)))


def random_measure(generator, n, d, *, zeros=False):
    """Normal points with uneven masses, one of them 0 if asked for."""
    masses = generator.dirichlet(np.ones(n))
    if zeros and n > 1:
        masses[generator.integers(n)] = 0
    return Measure(generator.normal(size=(n, d)), masses / masses.sum())


def random_problem(seed, m, n, *, d=3, scale=1.0, zeros=False):
    """Two measures and their squared distances."""
    generator = np.random.default_rng(seed)
    a, b = (random_measure(generator, k, d, zeros=zeros) for k in (m, n))
    a, b = Measure(scale * a.points, a.masses), Measure(scale * b.points, b.masses)
    return a, b, cdist(a.points, b.points, "sqeuclidean")
