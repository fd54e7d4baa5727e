"""Optimal transport in float64 on NumPy: measures, ground costs, plans, barycenters, distances. Bad input: ValueError.

transport(a, b)             optimal plan, its value, potentials and duality gap; reg=... for the entropic one
unbalanced, partial         plans that may create, destroy or leave mass
w2_squared(a, b)            squared 2-Wasserstein distance; sliced_w2, max_sliced_w2, gaussian_w2, mmd_squared,
                            sinkhorn_divergence beside it; otdd between labelled sets
barycenter(points, m=10)    m support points with masses; of one measure, this is k-means; of several, see `weights`
barycenter_steps(...)       the same, step by step; solvers are values: Lloyd(), KMeans(), Newton(), Bundle(), ...
coverage, nearest_real      how well a set stands for another, and whether it copies it
batch, losses               for torch: all classes at once, and differentiable losses (loaded when asked for)

To read it from the beginning: measure, costs, plan, entropic, relaxed, problem, barycenter, solvers, distances.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from wddkit.ot.barycenter import Barycenter, Step, barycenter, barycenter_steps, nearest
from wddkit.ot.bounds import lower_bound
from wddkit.ot.costs import COSTS, Cost, LinearMap
from wddkit.ot.coverage import Coverage, NearestReal, coverage, nearest_real
from wddkit.ot.distances import Estimate, Slice, gaussian_w2, max_sliced_w2, mmd_squared, sliced_w2
from wddkit.ot.entropic import sinkhorn_divergence
from wddkit.ot.labelled import LabelledTransport, otdd
from wddkit.ot.measure import Measure
from wddkit.ot.plan import Transport, top_plan, transport, w2_squared
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
    "LinearMap",
    "Lloyd",
    "Measure",
    "NearestReal",
    "Newton",
    "Official",
    "Sinkhorn",
    "Slice",
    "Step",
    "Subgradient",
    "Transport",
    "barycenter",
    "barycenter_steps",
    "batch",
    "coverage",
    "gaussian_w2",
    "losses",
    "lower_bound",
    "max_sliced_w2",
    "mmd_squared",
    "nearest",
    "nearest_real",
    "otdd",
    "partial",
    "sinkhorn_divergence",
    "sliced_w2",
    "top_plan",
    "transport",
    "unbalanced",
    "w2_squared",
]


def __getattr__(name: str) -> ModuleType:
    if name in ("batch", "losses"):
        return importlib.import_module(f"wddkit.ot.{name}")
    raise AttributeError(f"module 'wddkit.ot' has no attribute {name!r}")
