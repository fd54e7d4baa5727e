"""Figures for print, with matplotlib."""

from wddkit.views.figures.printed.bars import accuracy, masses
from wddkit.views.figures.printed.comparisons import accuracy_by_bits, comparison
from wddkit.views.figures.printed.lines import accuracy_by_ipc, curves
from wddkit.views.figures.printed.matrix import plan, plan_matrix
from wddkit.views.figures.printed.picture import Picture
from wddkit.views.figures.printed.places import DISC, MARKERS, features
from wddkit.views.figures.printed.relations import relation
from wddkit.views.figures.printed.strips import film_strip, overview
from wddkit.views.figures.printed.sweeps import heat_map, main_effects, scatter

__all__ = [
    "DISC",
    "MARKERS",
    "Picture",
    "accuracy",
    "accuracy_by_bits",
    "accuracy_by_ipc",
    "comparison",
    "curves",
    "features",
    "film_strip",
    "heat_map",
    "main_effects",
    "masses",
    "overview",
    "plan",
    "plan_matrix",
    "relation",
    "scatter",
]
