"""Who watches a session, and what they are told, five times a second at most."""

import threading
import time
import weakref
from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias, TypedDict

from wddkit.history import History
from wddkit.session.pools import one_blas_thread

PERIOD = 0.2  # seconds between what is told

Name: TypeAlias = Literal["starting", "running", "paused", "stopped", "finished", "failed"]


class State(TypedDict):
    """Where a session is: its state, the stage with its steps, seconds of work, where its knobs stand, and a word."""

    state: Name
    stage: str
    done: int
    total: int
    seconds: float
    knobs: dict[str, float]
    message: str


class Listener(Protocol):
    """Who watches a session, such as its view; called from the session's thread while that is at work."""

    def tell(self, state: State) -> None:
        """Called when the session has come further, and at once when its state changes."""

    def grow(self, history: History) -> None:
        """Called when more has been recorded."""


class Audience:
    """The listeners of a session. They are held weakly: it is not they who keep a session going."""

    def __init__(self) -> None:
        self._members: tuple[weakref.ref[Listener], ...] = ()
        self._next = 0.0
        self._telling = threading.RLock()  # whoever comes when the work ends is told by two threads
        self._has_news = True

    def add(self, listener: Listener) -> None:
        """From now on tells this listener too, first of all that was recorded so far."""
        if all(known() is not listener for known in self._members):
            self._members = (*self._members, weakref.ref(listener))
        self._has_news = True

    def note(self) -> None:
        """More has been recorded."""
        self._has_news = True

    @property
    def is_due(self) -> bool:
        """Whether there is somebody, and it is time to tell."""
        return bool(self._members) and time.monotonic() >= self._next

    def tell(self, state: Callable[[], State], history: Callable[[], History] | None) -> str:
        """Tells everybody now, and with a history what was recorded since; returns what went wrong, or "".

        A listener that fails is told nothing more.
        """
        with self._telling, one_blas_thread():
            return self._tell(state, history)

    def _tell(self, state: Callable[[], State], history: Callable[[], History] | None) -> str:
        problem, grown = "", None
        alive = [listener for known in self._members if (listener := known()) is not None]
        if history is not None and self._has_news and alive:
            self._has_news = False
            try:
                grown = history()
            except (ValueError, OSError) as error:  # somebody deleted it
                problem = f"what is recorded cannot be read: {error}"
        for listener in alive:
            try:
                if grown is not None:
                    listener.grow(grown)
                listener.tell(state())
            except Exception as error:  # a view that fails must not end a distillation
                problem = f"a view failed and is told nothing more: {type(error).__name__}: {error}"
                self._members = tuple(known for known in self._members if known() is not listener)
        if history is not None:
            self._next = time.monotonic() + PERIOD
        return problem
