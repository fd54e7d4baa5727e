"""Everything that was measured along a run, as lines and as a strip."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.history import History
from wddkit.views.figures.words import MEANINGS

_KEYS = ("phase", "step", "block", "seconds")  # of a record, which are no measurements
_WIDE = 30.0  # ratio of largest to smallest above which only a logarithmic axis shows both


@dataclass(frozen=True, eq=False)
class Line:
    """One scalar in one phase: means over the blocks that recorded it at each step."""

    phase: str
    steps: Int64[np.ndarray, " n"]
    values: Float64[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Series:
    """One recorded scalar, a line for each phase in which it was measured."""

    name: str
    lines: tuple[Line, ...]

    @property
    def log(self) -> bool:
        """Whether a logarithmic axis shows it better."""
        values = np.concatenate([line.values for line in self.lines])
        return bool(values.min() > 0 and values.max() > _WIDE * values.min())


@dataclass(frozen=True, eq=False)
class Strip:
    """Each layer's statistics error at each step where it was recorded, a mean over blocks."""

    steps: Int64[np.ndarray, " n"]
    errors: Float64[np.ndarray, "layers n"]
    layers: tuple[str, ...]

    @property
    def log(self) -> bool:
        """Whether a logarithmic scale of colours shows it better."""
        return bool(self.errors.min() > 0 and self.errors.max() > _WIDE / 3 * self.errors.min())

    @property
    def edges(self) -> Float64[np.ndarray, " edges"]:
        """Where each of the n columns begins and ends [n + 1]: halfway to its neighbours."""
        steps = self.steps.astype(np.float64)
        if len(steps) == 1:
            return np.array([steps[0] - 0.5, steps[0] + 0.5])
        return np.array([steps[0], *(steps[1:] + steps[:-1]) / 2, steps[-1]])


def series_of(history: History) -> tuple[Series, ...]:
    """All recorded scalars; the final values of the barycenters, whose whole way is known, are left out."""
    found: dict[str, dict[str, dict[int, list[float]]]] = {}
    for record in history.source.scalars():
        if record["phase"] == "barycenter" and history.barycenters:
            continue
        for name, value in measured(record).items():
            found.setdefault(name, {}).setdefault(record["phase"], {}).setdefault(record["step"], []).append(value)
    order = [name for name in MEANINGS if name in found] + [name for name in found if name not in MEANINGS]
    return tuple(Series(name, tuple(_line(phase, steps) for phase, steps in found[name].items())) for name in order)


def measured(record: Mapping[str, Any]) -> dict[str, float]:
    """The finite measurements of a record."""
    numbers = {name: value for name, value in record.items() if name not in _KEYS and isinstance(value, (int, float))}
    return {name: float(value) for name, value in numbers.items() if np.isfinite(value)}


def strip_of(history: History) -> Strip | None:
    """Statistics errors by layer; None if they were not recorded."""
    found: dict[int, list[np.ndarray]] = {}
    for moment in history.source.moments:
        if "statistics_error" in moment.names:
            errors = moment.read(frozenset(["statistics_error"]))["statistics_error"]
            if errors.ndim == 1 and errors.size:
                found.setdefault(moment.frame.step, []).append(errors.astype(np.float64))
    if not found or len({errors.shape for blocks in found.values() for errors in blocks}) > 1:
        return None
    steps = sorted(found)
    errors = np.stack([np.mean(found[step], axis=0) for step in steps], axis=1)
    return Strip(np.array(steps, np.int64), errors, tuple(str(layer + 1) for layer in range(len(errors))))


def _line(phase: str, steps: Mapping[int, list[float]]) -> Line:
    order = sorted(steps)
    return Line(phase, np.array(order, np.int64), np.array([np.mean(steps[step]) for step in order]))
