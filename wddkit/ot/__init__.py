"""Optimal transport in float64 on NumPy: measures, ground costs, plans, barycenters, distances. Bad input: ValueError.

transport(a, b)             optimal plan, its value, potentials and duality gap; reg=...: the entropic one (`sinkhorn`)
unbalanced, partial         plans that may create, destroy or leave mass
w2_squared(a, b)            squared 2-Wasserstein distance; beside it sliced_w2_squared, max_sliced_w2_squared,
                            gaussian_w2_squared, mmd_squared, sinkhorn_divergence; otdd between labelled sets
barycenter(points, m=10)    m support points with masses; of one measure, this is k-means; of several, see `weights`
barycenter_steps(...)       the same, step by step; solvers are values: Lloyd(), KMeans(), Newton(), Bundle(), ...
lower_bound(points, m=10)   what no barycenter gets below; nearest: the real points that stand for its support
coverage, nearest_real      how well a set stands for another, and whether it copies it
batch, losses               for torch: all classes at once, and differentiable losses (loaded when asked for)

What `value` is:
    transport, barycenter   the least Σ_ij T_ij C_ij, proved to be it or, for a barycenter, a local minimum
    reg, unbalanced         Σ_ij T_ij C_ij of the plan, without the entropic term and without prices
    partial                 the sum over what is carried: at mass s about s times a mean cost
    trim                    the mean over the mass that is kept

To read it from the beginning: measure, geometry, costs; plan, rounding, entropic, divergence, relaxed; problem,
barycenter; of the solvers couple, start, lloyd, hartigan, pairs, kmeans, masses, bundle, subgradient, anneal, swaps,
newton, sinkhorn, official; then bounds, distances, labelled, coverage; blocks, batch and losses in torch.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from wddkit.ot.barycenter import Barycenter, Step, barycenter, barycenter_steps, nearest
from wddkit.ot.bounds import lower_bound
from wddkit.ot.costs import COSTS, Cost, LinearMap, Whitened
from wddkit.ot.coverage import Coverage, Leakage, NearestReal, coverage, nearest_real
from wddkit.ot.distances import (
    Estimate,
    Slice,
    gaussian_w2_squared,
    max_sliced_w2_squared,
    mmd_squared,
    sliced_w2_squared,
)
from wddkit.ot.divergence import sinkhorn_divergence
from wddkit.ot.entropic import sinkhorn
from wddkit.ot.labelled import LabelledTransport, otdd
from wddkit.ot.measure import Measure
from wddkit.ot.plan import Transport, top_plan, transport, w2_squared
from wddkit.ot.problem import Solver
from wddkit.ot.relaxed import partial, unbalanced
from wddkit.ot.solvers import SOLVERS, Bundle, KMeans, Lloyd, Newton, Official, Sinkhorn, Subgradient

if TYPE_CHECKING:  # these import torch, which the rest does without
    from wddkit.ot import batch, losses

__all__ = [
    "COSTS",
    "SOLVERS",
    "Barycenter",
    "Bundle",
    "Cost",
    "Coverage",
    "Estimate",
    "KMeans",
    "LabelledTransport",
    "Leakage",
    "LinearMap",
    "Lloyd",
    "Measure",
    "NearestReal",
    "Newton",
    "Official",
    "Sinkhorn",
    "Slice",
    "Solver",
    "Step",
    "Subgradient",
    "Transport",
    "Whitened",
    "barycenter",
    "barycenter_steps",
    "batch",
    "coverage",
    "gaussian_w2_squared",
    "losses",
    "lower_bound",
    "max_sliced_w2_squared",
    "mmd_squared",
    "nearest",
    "nearest_real",
    "otdd",
    "partial",
    "sinkhorn",
    "sinkhorn_divergence",
    "sliced_w2_squared",
    "top_plan",
    "transport",
    "unbalanced",
    "w2_squared",
]


def __getattr__(name: str) -> ModuleType:
    if name in ("batch", "losses"):
        return importlib.import_module(f"wddkit.ot.{name}")
    raise AttributeError(f"module 'wddkit.ot' has no attribute {name!r}; it offers {', '.join(__all__)}")
