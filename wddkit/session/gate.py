"""A thread that works: what it takes with it, and how it is stopped, at its next boundary or by an interrupt."""

import contextlib
import ctypes
import functools
import importlib
import sys
import threading
from collections.abc import Callable

import torch

_LATE = ("torch._dynamo", "ot")  # imported when torch and wddkit.ot first need them, and slowly


class Stopped(BaseException):
    """Ends a distillation from within; no Exception, so that nothing on its way takes it for an error."""


class Gate:
    """Whether the thread that works may be interrupted at this moment: between boundaries, and never while it imports.

    A run loses nothing wherever it is killed, see `wddkit.history.Writer`, so it may also be interrupted anywhere. Not
    so what is done at a boundary: locks that other threads wait for, and whatever a view does.
    """

    def __init__(self) -> None:
        # A plain lock, which is taken in one go: no interrupt falls between taking it and knowing that it is held.
        self._lock = threading.Lock()
        self._is_open = False

    def open(self) -> None:
        """From here on an interrupt may come."""
        with self._lock:
            self._is_open = True

    def close(self) -> None:
        """From here on none comes; one that was on its way is raised here."""
        with self._lock:
            self._is_open = False
        _take_interrupts()

    def interrupt(self, thread: threading.Thread) -> bool:
        """Raises Stopped in the thread, if the gate is open; whether it did."""
        with self._lock:
            if not self._is_open or thread.ident is None or _is_importing(thread.ident):
                return False
            self._is_open = False
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Stopped))
            return True


def same_device() -> Callable[[], None]:
    """Called in another thread, the answer makes the GPU that is current here current there too."""
    device = torch.cuda.current_device() if torch.cuda.is_initialized() else None
    return lambda: None if device is None else torch.cuda.set_device(device)


def load_late(rest: Callable[[], None]) -> None:
    """Imports in a thread of its own what else would be imported in the midst of the work, which could not stop then.

    `rest`, called again and again, may raise Stopped: the import goes on to its end nevertheless.
    """
    thread = _loader()
    while thread.is_alive():
        rest()
        thread.join(0.02)


@functools.cache
def _loader() -> threading.Thread:
    """The thread that imports, started once in this process; a module is known long before its import has ended."""
    thread = threading.Thread(target=_load, daemon=True, name="wddkit load")
    thread.start()
    return thread


def _load() -> None:
    for name in _LATE:
        with contextlib.suppress(ImportError):  # whoever needs it will say so
            importlib.import_module(name)


def _take_interrupts() -> None:
    """Python raises what another thread has sent when a function begins, such as this one."""


def _is_importing(ident: int) -> bool:
    """Whether a thread is in the midst of an import, which would be left half done for the whole process."""
    frame = sys._current_frames().get(ident)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
