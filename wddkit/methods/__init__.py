"""Methods of dataset distillation: WMDD, its relatives and its controls."""

from wddkit.methods.base import Context, Method, Snapshot, Task
from wddkit.methods.matching import DM
from wddkit.methods.regression import KIP
from wddkit.methods.selection import Nearest, Random, Tiled
from wddkit.methods.wmdd import WMDD, SRe2L

METHODS: dict[str, type[Method]] = {
    "wmdd": WMDD,
    "sre2l": SRe2L,
    "dm": DM,
    "kip": KIP,
    "random": Random,
    "nearest": Nearest,
    "tiled": Tiled,
}

__all__ = [
    "DM",
    "KIP",
    "METHODS",
    "WMDD",
    "Context",
    "Method",
    "Nearest",
    "Random",
    "SRe2L",
    "Snapshot",
    "Task",
    "Tiled",
]
