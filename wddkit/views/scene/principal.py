"""Principal directions of points about the origin, and the one choice of sign that all pictures share."""

import numpy as np
from jaxtyping import Float64
from scipy.linalg import eigh


def plane(z: Float64[np.ndarray, "n d"]) -> tuple[Float64[np.ndarray, "d 2"], Float64[np.ndarray, "2"]]:
    """The two orthonormal directions with the largest mean square, and the share of Σ|z|² that each holds.

    The eigenvectors of z^T z, found from z z^T where that is smaller: u = z^T v / |z^T v|. Directions that hold nothing
    but rounding are zero.
    """
    n, d = z.shape
    scale = float(np.abs(z).max()) or 1.0
    z = z / scale  # squares must stay within float64
    gram = z @ z.T if n < d else z.T @ z
    count = min(2, len(gram))
    values, vectors = eigh(gram, subset_by_index=(len(gram) - count, len(gram) - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    total = float(np.einsum("ij,ij->", z, z))
    # Below this, rounding alone chose the direction.
    kept = int((values > total * max(n, d) * np.finfo(np.float64).eps).sum())
    basis, explained = np.zeros((d, 2)), np.zeros(2)
    for i in range(kept):
        u = z.T @ vectors[:, i] if n < d else vectors[:, i]
        basis[:, i] = signed(u / np.linalg.norm(u))
        explained[i] = values[i] / total
    return basis, explained


def signed(u: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " d"]:
    """The direction or its opposite: whichever has its largest coordinate positive."""
    return u if u[np.abs(u).argmax()] >= 0 else -u
