"""Means over synthesis seeds with their 95 % intervals, for any group of rows."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wddkit.history.tables import interval
from wddkit.views.sweeps.table import Table


@dataclass(frozen=True)
class Mean:
    """The mean of a value over some rows, with its 95 % interval; NaN: nothing measured, or no interval.

    `n` synthesis seeds stand behind it; 0 where no seed was run with all of the settings that were measured.
    `over` says what the interval is over: "seeds", "students" (of a single run) or "" (there is none).
    """

    value: float
    low: float
    high: float
    n: int
    over: str
    rows: tuple[int, ...]  # all of the group, measured or not

    @property
    def half(self) -> float:
        """Half the interval."""
        return (self.high - self.low) / 2

    @property
    def measured(self) -> bool:
        """Whether there is a mean at all."""
        return math.isfinite(self.value)

    @property
    def said(self) -> str:
        """How many seeds there are, in words."""
        if not self.rows:
            return "no run"
        if not self.measured:
            return "not measured"
        return {0: "no seed in all", 1: "n = 1, students only"}.get(self.n, f"n = {self.n}")


def mean_of(table: Table, value: str, rows: Iterable[int]) -> Mean:
    """The mean of a value over rows of one or several settings, in which every setting counts alike.

    Seeds are paired between settings: of each seed that has all of the settings the mean over them is taken, and the
    interval is Student's t over these R means (df = R - 1). For one run alone it is that over its students.
    """
    rows, values = tuple(int(row) for row in rows), table.column(value).values
    found: dict[int, dict[int, list[float]]] = {}  # seed -> setting -> values
    for row in rows:
        if math.isfinite(values[row]):
            own = found.setdefault(int(table.seeds[row]), {})
            own.setdefault(int(table.settings[row]), []).append(float(values[row]))
    settings = {setting for own in found.values() for setting in own}
    paired = [_mean([_mean(each) for each in own.values()]) for own in found.values() if len(own) == len(settings)]
    if not paired:
        by_setting = [[_mean(own[setting]) for own in found.values() if setting in own] for setting in settings]
        alone = _mean([_mean(each) for each in by_setting]) if by_setting else math.nan
        return Mean(alone, math.nan, math.nan, 0, "", rows)
    low, high = interval(paired)
    over = "seeds" if len(paired) > 1 else ""
    measured = [row for row in rows if math.isfinite(values[row])]
    if value == "accuracy" and len(measured) == 1 and measured[0] in table.over_students:
        (low, high), over = table.over_students[measured[0]], "students"
    return Mean(_mean(paired), low, high, len(paired), over, rows)


def groups(table: Table, value: str, rows: Iterable[int], by: Sequence[str]) -> dict[tuple[int, ...], Mean]:
    """Positions of levels of the fields `by` -> the mean over the rows that have them; only groups with rows."""
    fields = [table.field(name) for name in by]
    found: dict[tuple[int, ...], list[int]] = {}
    for row in rows:
        found.setdefault(tuple(int(field.at[row]) for field in fields), []).append(int(row))
    return {place: mean_of(table, value, own) for place, own in sorted(found.items())}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
