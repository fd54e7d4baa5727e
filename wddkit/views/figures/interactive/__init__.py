"""Figures to hover and zoom, with plotly: each function returns a `plotly.graph_objects.Figure`.

`figure.show()` or a notebook's last line shows it; `figure.write_html(path, include_plotlyjs=True)` makes a page that
needs no network. Its text alternative is `figure.layout.meta["alt"]`.
"""

from wddkit.views.figures.interactive.bars import accuracy, masses
from wddkit.views.figures.interactive.comparisons import accuracy_by_bits, comparison
from wddkit.views.figures.interactive.lines import accuracy_by_ipc, curves
from wddkit.views.figures.interactive.matrix import plan, plan_matrix
from wddkit.views.figures.interactive.places import features
from wddkit.views.figures.interactive.strips import film_strip
from wddkit.views.figures.interactive.sweeps import heat_map, main_effects, scatter

__all__ = [
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
    "plan",
    "plan_matrix",
    "scatter",
]
