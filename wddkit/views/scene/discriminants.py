"""Linear discriminants of class means, with a spread within classes that few points suffice for."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.linalg import cho_factor, cho_solve, eigh

from wddkit.views.scene import principal

ROUNDING = 1e-12
SMALL = 1e-9  # share of the first discriminant's separation below which there is no second one


@dataclass(frozen=True, eq=False)
class Discriminants:
    """Two directions, and what share of the separation each holds; of one that is no discriminant, of the variance."""

    basis: Float64[np.ndarray, "d 2"]
    explained: Float64[np.ndarray, "2"]
    beside: float  # share of the variance that the second holds where its share of the separation is 0


def plane(z: Float64[np.ndarray, "n d"], labels: Int64[np.ndarray, " n"]) -> Discriminants | None:
    """The two directions in which class means differ most for the spread within classes; None where there is none.

    With n_c, μ_c the size and mean of class c, and μ that of all:

        B = Σ_c n_c/n (μ_c - μ)(μ_c - μ)^T,    W = 1/n Σ_i (z_i - μ_c(i))(z_i - μ_c(i))^T,
        S = (1 - α) W + α (tr W / d) I,    B u = λ S u,    u^T S u = 1.

    α in [0, 1] is the shrinkage of Ledoit and Wolf (2004), which makes S invertible, and the directions steady, for
    fewer images than features: α = min(1, (Σ_i |r_i r_i^T - W|² / n²) / |W - (tr W / d) I|²) with r_i = z_i - μ_c(i).
    A direction's share is λ over the sum of all. B has a rank below the number of classes: of two, or where all means
    lie on a line, the second direction is the principal component of what is orthogonal to the first one.
    """
    largest = float(np.abs(z).max()) or 1.0
    z = (z - z.mean(axis=0)) / largest  # fourth powers must stay within float64
    classes, member = np.unique(labels, return_inverse=True)
    counts = np.bincount(member)
    means = np.stack([z[member == c].mean(axis=0) for c in range(len(classes))])
    apart = means * np.sqrt(counts / len(z))[:, None]  # B = apart^T apart
    S = shrunk(z - means[member])
    if S is None:
        return None
    # B u = λ S u with u = S^-1 apart^T v: a problem as small as the number of classes.
    solved = cho_solve(cho_factor(S), apart.T)
    values, vectors = eigh(apart @ solved)
    if values[-1] <= ROUNDING:
        return None
    count = 2 if values[-2] > SMALL * values[-1] else 1
    basis, explained = np.zeros((z.shape[1], 2)), np.zeros(2)
    for i in range(count):
        basis[:, i] = _unit(solved @ vectors[:, -1 - i], S)
        explained[i] = values[-1 - i] / values[values > 0].sum()
    beside = 0.0
    if count == 1:
        second, beside = _beside(z, basis[:, 0])
        basis[:, 1] = _unit(second, S) if beside else 0
    return Discriminants(basis / largest, explained, beside)


def shrunk(r: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "d d"] | None:
    """S of `plane` for residuals r of points no larger than 1; None if they are 0 but for rounding."""
    n, d = r.shape
    W = r.T @ r / n
    scale = float(np.trace(W)) / d
    if scale <= ROUNDING**2:
        return None
    squares = np.einsum("ij,ij->i", r, r)
    noise = float(np.sum(squares**2) / n - np.sum(W**2)) / n
    off = float(np.sum(W**2) - d * scale**2)  # |W - scale I|²
    alpha = 1.0 if off <= noise else max(noise / off, np.sqrt(np.finfo(np.float64).eps))
    S: Float64[np.ndarray, "d d"] = (1 - alpha) * W
    S[np.diag_indices(d)] += alpha * scale
    return S


def _beside(z: Float64[np.ndarray, "n d"], u: Float64[np.ndarray, " d"]) -> tuple[Float64[np.ndarray, " d"], float]:
    """The direction of most variance orthogonal to u, and its share of all variance; 0 where none is left."""
    u = u / np.linalg.norm(u)
    left = z - np.outer(z @ u, u)
    found, shares = principal.plane(left)
    share = float((left**2).sum() / (z**2).sum())
    return found[:, 0], float(shares[0]) * share if share > ROUNDING else 0.0


def _unit(u: Float64[np.ndarray, " d"], S: Float64[np.ndarray, "d d"]) -> Float64[np.ndarray, " d"]:
    """The direction with u^T S u = 1."""
    return principal.signed(u / np.sqrt(u @ S @ u))
