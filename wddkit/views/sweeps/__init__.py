"""A sweep's table as views and figures need it: fields and their levels, means over seeds, rank correlation."""

from wddkit.views.sweeps.fields import Column, Field, Fixed, Level
from wddkit.views.sweeps.means import Mean, groups, mean_of
from wddkit.views.sweeps.ranks import Association, spearman
from wddkit.views.sweeps.table import Table, swept

__all__ = [
    "Association",
    "Column",
    "Field",
    "Fixed",
    "Level",
    "Mean",
    "Table",
    "groups",
    "mean_of",
    "spearman",
    "swept",
]
