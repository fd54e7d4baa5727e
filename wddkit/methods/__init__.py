"""Methods of dataset distillation: WMDD, its relatives and its controls."""

from wddkit.methods.base import Context, Family, Method, Snapshot, Task
from wddkit.methods.matching import DM
from wddkit.methods.regression import KIP
from wddkit.methods.selection import Nearest, Random, Tiled
from wddkit.methods.wmdd import WMDD, SRe2L

METHODS: dict[str, type[Method]] = {
    "random": Random,
    "nearest": Nearest,
    "tiled": Tiled,
    "kip": KIP,
    "dm": DM,
    "sre2l": SRe2L,
    "wmdd": WMDD,
}
FAMILIES: dict[Family, str] = {
    "selection": "real images are chosen and not changed",
    "performance": "a learner fitted to the images is to predict the real set",
    "parameter": "training on the images is to move a network as the real set does",
    "distribution": "the images' features are to be distributed as the real ones",
    "decoupled": "a teacher is trained once, then inverted, and labels the images",
}

__all__ = [
    "DM",
    "FAMILIES",
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
