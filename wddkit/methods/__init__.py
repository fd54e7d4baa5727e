"""Methods of dataset distillation: WMDD, its relatives and its controls."""

from wddkit.methods.base import Context, Family, Method, Snapshot, Task
from wddkit.methods.characteristic import NCFM
from wddkit.methods.coresets import Herding, KCenter
from wddkit.methods.difficulty import CCS, EL2N, Forgetting
from wddkit.methods.features import FRePo
from wddkit.methods.gradients import DC, DSA, LCMat
from wddkit.methods.matching import DM, M3D, SlicedW
from wddkit.methods.queues import IDM
from wddkit.methods.realism import RDED
from wddkit.methods.regression import KIP
from wddkit.methods.selection import Nearest, Random, Tiled
from wddkit.methods.trajectories import MTT
from wddkit.methods.wmdd import CDA, EDC, WMDD, SRe2L

METHODS: dict[str, type[Method]] = {
    "random": Random,
    "herding": Herding,
    "k-center": KCenter,
    "nearest": Nearest,
    "forgetting": Forgetting,
    "el2n": EL2N,
    "ccs": CCS,
    "tiled": Tiled,
    "kip": KIP,
    "frepo": FRePo,
    "dc": DC,
    "dsa": DSA,
    "mtt": MTT,
    "lcmat": LCMat,
    "dm": DM,
    "m3d": M3D,
    "sliced-w": SlicedW,
    "ncfm": NCFM,
    "idm": IDM,
    "sre2l": SRe2L,
    "cda": CDA,
    "rded": RDED,
    "edc": EDC,
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
    "CCS",
    "CDA",
    "DC",
    "DM",
    "DSA",
    "EDC",
    "EL2N",
    "FAMILIES",
    "IDM",
    "KIP",
    "M3D",
    "METHODS",
    "MTT",
    "NCFM",
    "RDED",
    "WMDD",
    "Context",
    "FRePo",
    "Forgetting",
    "Herding",
    "KCenter",
    "LCMat",
    "Method",
    "Nearest",
    "Random",
    "SRe2L",
    "SlicedW",
    "Snapshot",
    "Task",
    "Tiled",
]
