"""The knobs of a run: what they stand at, what was asked of them, and the list of their turns."""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from wddkit.codec import unknown
from wddkit.config import method_name
from wddkit.history.turns import Edits, Turn
from wddkit.methods import Method

NAMES = ("lr", "statistics_weight")


@dataclass(frozen=True)
class Move:
    """A knob that stands elsewhere from this step on."""

    name: str
    before: float
    after: float


class Knobs:
    """The knobs of one run. Turns are asked for by any thread, and made by the thread that works, between two steps."""

    def __init__(self, method: Method, edits: Edits) -> None:
        self.own = knobs_of(method)  # where the config has them
        self.edits = edits
        self.values: dict[str, float] = {}  # what the method reads; absent: the config's own
        self._method = method
        self._asked: dict[str, float] = {}
        self._lock = threading.Lock()

    def ask(self, values: Mapping[str, object]) -> None:
        """Asks for turns at the next boundary. Raises ValueError, before any is asked for, as `checked` does."""
        asked = checked(self._method, values)
        with self._lock:
            self._asked |= asked

    def drop(self) -> list[str]:
        """Forgets what was asked for and not done; the names."""
        with self._lock:
            asked, self._asked = self._asked, {}
        return [*asked]

    def standing(self) -> dict[str, float]:
        """Where all knobs stand."""
        return {**self.own, **self.values}

    def taken(self, block: int, step: int) -> bool:
        """Whether what was asked for becomes turns at this moment, which are then the last of `edits`."""
        if not self._asked:
            return False
        with self._lock:
            asked, self._asked = self._asked, {}
        new = [Turn(k, v, step, block) for k, v in asked.items() if v != self._due(k, block, step)]
        self.edits = replace(self.edits, turns=(*self.edits.turns, *new))
        return bool(new)

    def moved(self, block: int, step: int) -> list[Move]:
        """Sets all knobs as the turns have them at this moment; those that this moves."""
        if not self.edits.turns:
            return []
        standing = self.standing()
        due = {name: self._due(name, block, step) for name in self.own}
        self.values |= {name: value for name, value in due.items() if value != standing[name]}
        return [Move(name, standing[name], value) for name, value in due.items() if value != standing[name]]

    def _due(self, name: str, block: int, step: int) -> float:
        value = self.edits.value(name, block, step)
        return self.own[name] if value is None else value


def knobs_of(method: Method) -> dict[str, float]:
    """The knobs that a method has, where its config has them."""
    fixed = {"statistics_weight"} if getattr(method, "statistics", "") == "none" else set()  # measured, not minimised
    return {name: float(getattr(method, name)) for name in NAMES if hasattr(method, name) and name not in fixed}


def checked(method: Method, values: Mapping[str, object]) -> dict[str, float]:
    """The values as numbers. Raises ValueError for a knob that the method has not, and for a value out of range."""
    known, name = knobs_of(method), method_name(method)
    if not known:
        raise ValueError(f"{name} has no knobs: its images are chosen, not optimised")
    if not values:
        raise ValueError(f"expected at least one knob with its value; {name} has {', '.join(sorted(known))}")
    for knob in values:
        if knob not in known:
            raise unknown(f"knob of {name}", knob, known)
    return {knob: _number(knob, value) for knob, value in values.items()}


def _number(knob: str, value: object) -> float:
    least = "a finite number above 0" if knob == "lr" else "a finite number of at least 0"
    try:
        number = math.nan if isinstance(value, (bool, str, bytes)) else float(value)  # type: ignore[arg-type]  # tried
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < 0 or (knob == "lr" and number == 0):
        raise ValueError(f"{knob} is {value!r}; expected {least}")
    return number
