"""What a distilled set costs: seconds and memory while it is made, label bits when it is used."""

import contextlib
import ctypes
import gc
import math
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from wddkit.augment import PARAMETERS
from wddkit.data import DistilledSet
from wddkit.methods import Task
from wddkit.stages.students import Protocol

_OF_TEACHERS = ("teacher", "features", "held-out features", "statistics")  # kinds of cache entries
_PERIOD = 0.01  # seconds between looks at the process
_STATUS = Path("/proc/self/statm")


class Spent:
    """What a `with` block of `spending` took, known once it has ended."""

    seconds: float = math.nan
    before: float = 0.0  # of these, those of a committee that was trained before the block
    memory_mb: float = math.nan  # NaN: this system does not tell


@contextlib.contextmanager
def spending(task: Task) -> Iterator[Spent]:
    """Measures the seconds of the block and the most memory that is held within it.

    Seconds are what the method alone needs, once, as if the cache had been empty: of what was only read from it, as
    experts that were trained for another seed, or a committee with its features and statistics, those that it took to
    make are added. What all methods share, the teacher with its features and statistics, is not counted, also where it
    is made within the block.

    Memory is in MB beyond what was held when the block began (the program, the images, the teacher). On a GPU it is
    what torch has allocated there, exactly. Elsewhere it is the resident set of the process, looked at every hundredth
    of a second (where there is no /proc: by how much its largest so far was raised), so whatever other threads take
    within the block is counted too. What was only read from the cache counts as it is held, not as it was made; a run
    makes a committee before its block, so that this is read in every run.
    """
    found, first = Spent(), len(task.cache.asked)
    with _on_gpu(task.device, found) if task.device.type == "cuda" else _resident_set(found):
        started = time.monotonic()
        yield found
        passed = time.monotonic() - started
    asked, shared = task.cache.asked[first:], _shared(task)
    built = {each.path: each for each in asked if each.built}
    read = {each.path: each for each in asked if each.path not in built and each.path not in shared}
    made_for_all = sum(each.seconds for each in built.values() if each.path in shared)
    found.seconds = passed - made_for_all + sum(each.seconds for each in read.values())
    found.before = sum(each.seconds for each in read.values() if each.kind in _OF_TEACHERS)


def _shared(task: Task) -> set[Path]:
    """Where the cache keeps the teacher with its features and statistics, which are no committee's."""
    own = task.with_committee(())
    images = {"features": task.train, "held-out features": task.val}
    return {own.entry(kind, {"images": images[kind].fingerprint} if kind in images else {}) for kind in _OF_TEACHERS}


@contextlib.contextmanager
def _on_gpu(device: torch.device, found: Spent) -> Iterator[None]:
    torch.cuda.reset_peak_memory_stats(device)
    held = torch.cuda.memory_allocated(device)
    yield
    found.memory_mb = (torch.cuda.max_memory_allocated(device) - held) / 1e6


@contextlib.contextmanager
def _resident_set(found: Spent) -> Iterator[None]:
    _release()
    held, ended, peak = _resident(), threading.Event(), [0.0]

    def look() -> None:
        while not ended.wait(_PERIOD):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=look, daemon=True, name="wddkit memory")
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    found.memory_mb = max(peak[0], _resident(), held) - held


def label_bits(distilled: DistilledSet, protocol: Protocol, teacher_bytes: int) -> float:
    """Bits of labels that a student is told for each stored image.

    `hard`: log2(classes). `soft`: 16 a class, and so for each tile of a formation. `views`: for each stored view 16 a
    class and 32 a parameter of the view. `online`: the whole teacher, 8 bits a byte, shared among the images: no label
    is stored, but none could be given without it.
    """
    stored, seen, classes = len(distilled), len(distilled.training), len(distilled.classes)
    bits = {
        "hard": math.log2(classes),
        "soft": 16.0 * classes * seen / stored,
        "views": protocol.views * (16.0 * classes + 32 * PARAMETERS) * seen / stored,
        "online": 8.0 * teacher_bytes / stored,
    }
    return bits[protocol.labels]


def _resident() -> float:
    """MB of the process that are in memory; without /proc the most that ever were; NaN if nothing tells."""
    if sys.platform == "win32":
        return math.nan
    import resource

    if _STATUS.exists():
        return int(_STATUS.read_text().split()[1]) * resource.getpagesize() / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most / 1e3  # bytes there, kilobytes elsewhere


def _release() -> None:
    """Gives back what an earlier run has freed, so that a later one of the same process does not look smaller."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # not glibc
            ctypes.CDLL(None).malloc_trim(0)
