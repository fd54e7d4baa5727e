"""Progress for people who wait: one bar a stage in a terminal or a notebook, one line a stage in a log."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tqdm.auto import tqdm

_PERIOD = 0.1  # seconds between redraws: reading a loss from a GPU waits for it
_LOG_PERIOD = 30.0  # seconds between lines where nothing can be redrawn
_IN_NOTEBOOK = any("notebook" in kind.__module__ for kind in tqdm.__mro__)


class Bars:
    """A tick that draws: a new bar whenever the stage changes, with losses and time left.

    Where standard error is neither a terminal nor a notebook's, a stage is one line at its end, and one every half
    minute until then, so that logs stay short.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown
        self._draws = _IN_NOTEBOOK or bool(sys.stderr and sys.stderr.isatty())
        self._stage: str | None = None
        self._bar: Any = None
        self._done = 0
        self._drawn = 0.0

    def __call__(self, stage: str, done: int, total: int, scalars: Mapping[str, Any]) -> None:
        """Shows that `done` of `total` steps of a stage are done."""
        if not self._shown:
            return
        if stage != self._stage or done <= self._done:  # also the same stage once more
            self.close()
            kind = tqdm if self._draws else _Lines
            self._stage, self._bar = stage, kind(total=total, desc=stage, dynamic_ncols=True, initial=done - 1)
        self._done = done
        now = time.monotonic()
        if now - self._drawn > _PERIOD or done == total:
            self._drawn = now
            self._bar.set_postfix({name: f"{float(value):.3g}" for name, value in scalars.items()}, refresh=False)
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Ends the bar that is drawn."""
        if self._bar is not None:
            self._bar.close()
        self._stage = self._bar = None
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Lines:
    """What stands for a bar in a log."""

    def __init__(self, *, total: int, desc: str, initial: int, dynamic_ncols: bool) -> None:
        self.n = initial
        self._initial, self._total, self._stage = initial, total, desc
        self._started = self._said = time.monotonic()
        self._scalars: Mapping[str, str] = {}

    def set_postfix(self, scalars: Mapping[str, str], *, refresh: bool) -> None:
        self._scalars = scalars

    def update(self, steps: int) -> None:
        self.n += steps
        if self.n < self._total and time.monotonic() - self._said > _LOG_PERIOD:
            seconds = time.monotonic() - self._started
            left = seconds / (self.n - self._initial) * (self._total - self.n)
            self._say(f", about {left:.0f} s left")

    def close(self) -> None:
        self._say("")

    def _say(self, more: str) -> None:
        self._said = time.monotonic()
        values = "".join(f", {name} {value}" for name, value in self._scalars.items())
        text = f"{self._stage}: {self.n} of {self._total}{values}, {self._said - self._started:.0f} s{more}"
        tqdm.write(text, file=sys.stderr)
