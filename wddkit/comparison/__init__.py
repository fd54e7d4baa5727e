"""Comparisons: equal conditions for several configs, and tables that say what may be concluded from them."""

from wddkit.comparison.comparing import compare
from wddkit.comparison.rows import rows_of
from wddkit.comparison.table import table

__all__ = ["compare", "rows_of", "table"]
