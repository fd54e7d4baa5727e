"""One field of a sweep with its levels, and one measured number of every row."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64

Level: TypeAlias = bool | int | float | str | None
Fixed: TypeAlias = Mapping[str, Level]

FIRST = ("accuracy", "gain", "gain_nearest", "w2_squared_heldout", "w2_squared")  # values, in this order before others
PERCENT = ("accuracy", "random", "nearest", "whole", "gain", "gain_nearest")
SIGNED = ("gain", "gain_nearest")
TITLES = {
    "accuracy": "accuracy on test images (%)",
    "gain": "accuracy minus that of random real images (% points)",
    "gain_nearest": "accuracy minus that of the nearest real images (% points)",
    "random": "accuracy of random real images (%)",
    "nearest": "accuracy of the nearest real images (%)",
    "whole": "accuracy of the whole real set (%)",
    "w2_squared": "squared W2 to training features",
    "w2_squared_heldout": "squared W2 to held-out features",
    "sliced_w2_squared": "squared sliced W2 to training features",
    "sliced_w2_squared_heldout": "squared sliced W2 to held-out features",
    "mmd_squared": "squared MMD to training features",
    "mmd_squared_heldout": "squared MMD to held-out features",
    "otdd": "squared OTDD to training images",
    "otdd_heldout": "squared OTDD to held-out images",
    "coverage": "share of training images that are covered",
    "nearest_real": "distance to the nearest training image (1: as real ones)",
    "loss": "loss at the end",
    "feature": "feature term of the loss at the end",
    "statistics": "statistics term of the loss at the end",
    "cross_entropy": "cross-entropy term of the loss at the end",
    "feature_gap": "squared distance to support points at the end",
    "statistics_error": "statistics error at the end, mean over layers",
    "bytes": "bytes of the set",
    "seconds": "seconds of the distillation",
    "students": "students of a run",
    "ipc": "images per class",
}


@dataclass(frozen=True, eq=False)
class Field:
    """One field of a sweep: its levels in order (numbers rising, words as they first come), and each row's."""

    name: str  # dotted, as in the config
    short: str  # its last part, where no other field has the same
    levels: tuple[Level, ...]
    texts: tuple[str, ...]
    at: Int64[np.ndarray, " rows"]  # position of each row's level
    numeric: bool

    @classmethod
    def of(cls, name: str, short: str, values: Sequence[Any]) -> "Field":
        """A field by the values that the rows have."""
        plain = [_plain(value) for value in values]
        levels = list(dict.fromkeys(plain))
        if all(value is None or isinstance(value, (bool, int, float)) for value in levels):
            levels.sort(key=lambda value: (value is None, value or 0))
        places = {level: i for i, level in enumerate(levels)}
        numeric = all(isinstance(level, (int, float)) and not isinstance(level, bool) for level in levels)
        texts = tuple(map(_text, levels))
        if len(set(texts)) < len(texts):  # numbers that few digits do not tell apart
            texts = tuple(map(repr, levels))
        return cls(name, short, tuple(levels), texts, np.array([places[value] for value in plain], np.int64), numeric)

    def position(self, level: Level) -> int:
        """The place of a level; ValueError naming all of them for one that no row has."""
        if level not in self.levels:
            raise ValueError(f"{self.name}: no run has {level!r}; expected one of {', '.join(map(repr, self.levels))}")
        return self.levels.index(level)


@dataclass(frozen=True, eq=False)
class Column:
    """One number of every row; NaN where it was not measured."""

    name: str
    title: str  # what it is, in words
    values: Float64[np.ndarray, " rows"]

    @property
    def signed(self) -> bool:
        """Whether zero is what to compare with."""
        return self.name in SIGNED

    @property
    def percent(self) -> bool:
        """Whether it is in percent, or in points of it."""
        return self.name in PERCENT

    def half_said(self, half: float) -> str:
        """Half an interval in few characters."""
        return f"{half:.1f}" if self.percent else f"{float(f'{half:.2g}'):g}"

    def said(self, value: float) -> str:
        """A value in few characters: percent with one decimal, gains with their sign, the rest in three digits."""
        if not math.isfinite(value):
            return "–"
        size = abs(value)
        if self.percent:
            text = f"{value:+.1f}" if self.signed and abs(value) >= 0.05 else f"{abs(value):.1f}"
        elif value == int(value) or size >= 99.95:
            text = f"{value:.0f}"
        else:
            text = f"{value:.1e}" if size < 0.001 else f"{value:#.3g}"
        return text.replace("-", "−")


def _plain(value: Any) -> Level:
    """A cell of a table as Python has it; None for what is missing."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)  # JSON knows no infinity
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _text(level: Level) -> str:
    if level is None:
        return "none"
    return f"{level:g}" if isinstance(level, float) else str(level)
