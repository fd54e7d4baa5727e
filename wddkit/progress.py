"""Progress for people who wait: one bar a stage, in a terminal and in a notebook alike."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tqdm.auto import tqdm

_PERIOD = 0.1  # seconds between redraws: reading a loss from a GPU waits for it


class Bars:
    """A tick that draws: a new bar whenever the stage changes, with losses and time left."""

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown
        self._stage: str | None = None
        self._bar: Any = None
        self._drawn = 0.0

    def __call__(self, stage: str, done: int, total: int, scalars: Mapping[str, Any]) -> None:
        """Shows that `done` of `total` steps of a stage are done."""
        if not self._shown:
            return
        if stage != self._stage:
            self.close()
            self._stage, self._bar = stage, tqdm(total=total, desc=stage, dynamic_ncols=True, initial=done - 1)
        now = time.monotonic()
        if now - self._drawn > _PERIOD or done == total:
            self._drawn = now
            self._bar.set_postfix({name: f"{float(value):.3g}" for name, value in scalars.items()}, refresh=False)
            self._bar.update(done - self._bar.n)

    def say(self, text: str) -> None:
        """A line of text between the bars."""
        if self._shown:
            tqdm.write(text)

    def close(self) -> None:
        """Ends the bar that is drawn."""
        if self._bar is not None:
            self._bar.close()
        self._stage = self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
