"""Transport between labelled sets, where a class is known by its points and not by its name (OTDD)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from wddkit.codec import unknown
from wddkit.ot.distances import bures_squared, gaussian_factor, pair
from wddkit.ot.geometry import squared_distances
from wddkit.ot.measure import Measure
from wddkit.ot.plan import solve

CLASSES = ("gaussian", "exact")


@dataclass(frozen=True, eq=False)
class LabelledTransport:
    """The optimal plan T between two labelled sets, and what it pays.

    `value` = `points_value` + `labels_value` = Σ_ij T_ij |x_i - y_j|² + Σ_ij T_ij W_{r_i, s_j}, all of them squared.
    `class_distances` W are the squared 2-Wasserstein distances between the classes `classes_a` and `classes_b`: the
    labels in sorted order, without those whose points have no mass. `gap` bounds how far value is above the least.
    """

    value: float
    points_value: float
    labels_value: float
    plan: Float64[np.ndarray, "n_a n_b"]
    class_distances: Float64[np.ndarray, "k_a k_b"]
    classes_a: Shaped[np.ndarray, " k_a"]
    classes_b: Shaped[np.ndarray, " k_b"]
    gap: float


def otdd(a: Any, labels_a: Any, b: Any, labels_b: Any, *, classes: str = "gaussian") -> LabelledTransport:
    """The *squared* optimal transport dataset distance, with its plan and the distances between classes.

        min over plans T of Σ_ij T_ij C_ij,   C_ij = |x_i - y_j|² + W_{r_i, s_j}
        W_{r, s} = W2²(points of a with label r, points of b with label s)

    a and b are arrays `[n, d]` (mass 1/n on each row) or a `Measure`; labels are one number or string for each point.
    `classes`: `"gaussian"` - W between the Gaussians with the classes' means and covariances, a lower bound that needs
    no transport; `"exact"` - W by the network simplex, one linear program for each pair of classes.

    It sees labels that do not fit their points where `w2_squared` of the points alone is 0. But a class is its
    distribution here: renaming classes, or exchanging two names throughout, changes nothing, and the two sets may have
    different classes. It lies between W2² of the points and, for sets with the same classes in the same shares that are
    compared class by class, twice the mean of the classes' exact W2².
    Alvarez-Melis and Fusi 2020, with p = 2. Raises ValueError for bad input.
    """
    if classes not in CLASSES:
        raise unknown("distance between classes", classes, CLASSES)
    whole_a, whole_b = Measure.of(a, "a"), Measure.of(b, "b")
    labels_a = _labels(labels_a, len(whole_a), "labels_a")[whole_a.masses > 0]
    labels_b = _labels(labels_b, len(whole_b), "labels_b")[whole_b.masses > 0]
    a, b = pair(whole_a, whole_b)
    (names_a, r), (names_b, s) = (np.unique(labels, return_inverse=True) for labels in (labels_a, labels_b))

    C = squared_distances(a.points, b.points)
    W = _gaussian(_by_class(a, r), _by_class(b, s)) if classes == "gaussian" else _exact(C, a, r, b, s)
    label_costs = W[np.ix_(r, s)]
    t = solve(C + label_costs, a.masses, b.masses)
    plan = np.zeros((len(whole_a), len(whole_b)))
    plan[np.ix_(whole_a.masses > 0, whole_b.masses > 0)] = t.plan
    parts = float(np.sum(t.plan * C)), float(np.sum(t.plan * label_costs))
    return LabelledTransport(t.value, *parts, plan, W, names_a, names_b, t.gap)


def _labels(labels: Any, count: int, name: str) -> Shaped[np.ndarray, " n"]:
    try:
        array = np.asarray(labels)
    except (TypeError, ValueError, RuntimeError) as error:  # tensors elsewhere, of bfloat16, or that need a gradient
        raise ValueError(f"{name}: expected one number or string for each point; {error}") from None
    if array.dtype == object and all(isinstance(each, str) for each in array.ravel()):
        array = array.astype(str)  # as pandas keeps them
    if array.shape != (count,):
        soft = "; of soft labels take the likeliest class: labels.argmax(axis=1)" if array.ndim == 2 else ""
        raise ValueError(f"{name}: expected one class for each of {count} points, got shape {array.shape}{soft}")
    if array.dtype.kind not in "biufUS":
        raise ValueError(f"{name}: expected numbers or strings, got dtype {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name}: NaN or infinite values, first at {np.argmin(np.isfinite(array))}; remove the point")
    return array


def _by_class(a: Measure, r: Int64[np.ndarray, " n"]) -> list[Measure]:
    """The distribution of each class: its points with their shares of its mass."""
    shares = a.masses / np.bincount(r, a.masses)[r]
    return [Measure(a.points[r == each], shares[r == each]) for each in range(r.max() + 1)]


def _gaussian(a: list[Measure], b: list[Measure]) -> Float64[np.ndarray, "k_a k_b"]:
    """W2² of each pair of classes, as Gaussians."""
    (means_a, R), (means_b, S) = (zip(*map(gaussian_factor, classes), strict=True) for classes in (a, b))
    W: Float64[np.ndarray, "k_a k_b"] = squared_distances(np.stack(means_a), np.stack(means_b))
    W += [[bures_squared(each, other) for other in S] for each in R]
    return W


def _exact(
    C: Float64[np.ndarray, "n_a n_b"],
    a: Measure,
    r: Int64[np.ndarray, " n_a"],
    b: Measure,
    s: Int64[np.ndarray, " n_b"],
) -> Float64[np.ndarray, "k_a k_b"]:
    """W2² of each pair of classes, from the costs of all points."""
    masses_a, masses_b = ([each.masses for each in _by_class(*of)] for of in ((a, r), (b, s)))
    W = np.empty((len(masses_a), len(masses_b)))
    for i, j in np.ndindex(W.shape):
        W[i, j] = solve(C[np.ix_(r == i, s == j)], masses_a[i], masses_b[j]).value
    return W
