"""Optimal transport in float64 on NumPy: measures, ground costs, plans, barycenters. Bad input is a ValueError.

transport(a, b)             optimal plan, its value, potentials and duality gap
w2_squared(a, b)            squared 2-Wasserstein distance
barycenter(points, m=10)    m support points with masses; of one measure, this is k-means
barycenter_steps(...)       the same, step by step
"""

from wddkit.ot.barycenter import Barycenter, Step, barycenter, barycenter_steps, nearest
from wddkit.ot.measure import Measure
from wddkit.ot.plan import Transport, top_plan, transport, w2_squared
from wddkit.ot.solvers import KMeans, Lloyd

__all__ = [
    "Barycenter",
    "KMeans",
    "Lloyd",
    "Measure",
    "Step",
    "Transport",
    "barycenter",
    "barycenter_steps",
    "nearest",
    "top_plan",
    "transport",
    "w2_squared",
]
