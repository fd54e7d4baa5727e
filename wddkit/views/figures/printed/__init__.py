"""Figures for print, with matplotlib."""

from wddkit.views.figures.printed.bars import accuracy, masses
from wddkit.views.figures.printed.lines import accuracy_by_ipc, curves
from wddkit.views.figures.printed.matrix import plan, plan_matrix
from wddkit.views.figures.printed.picture import Picture
from wddkit.views.figures.printed.places import DISC, MARKERS, features
from wddkit.views.figures.printed.strips import film_strip, overview

__all__ = [
    "DISC",
    "MARKERS",
    "Picture",
    "accuracy",
    "accuracy_by_ipc",
    "curves",
    "features",
    "film_strip",
    "masses",
    "overview",
    "plan",
    "plan_matrix",
]
