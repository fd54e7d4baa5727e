"""wddkit: see, change and fairly compare dataset distillation via the Wasserstein metric.

Names are loaded when they are first used: importing wddkit, and reading recorded runs, loads no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wddkit import data, history, methods, ot, views
    from wddkit.config import Config
    from wddkit.data import DistilledSet, ImageSet, Split, datasets, load
    from wddkit.evaluation import Evaluation
    from wddkit.experiment import compare, evaluate, run
    from wddkit.history import History, Recorder
    from wddkit.nets import Network
    from wddkit.stages.embedding import embed
    from wddkit.stages.students import Protocol
    from wddkit.stages.teacher import Teacher
    from wddkit.stages.training import Training
    from wddkit.views import RunView

__version__ = "0.1.0"

_HOME = {
    "Config": "config",
    "DistilledSet": "data",
    "Evaluation": "evaluation",
    "History": "history",
    "ImageSet": "data",
    "Network": "nets",
    "Protocol": "stages.students",
    "Recorder": "history",
    "RunView": "views",
    "Split": "data",
    "Teacher": "stages.teacher",
    "Training": "stages.training",
    "compare": "experiment",
    "datasets": "data",
    "embed": "stages.embedding",
    "evaluate": "experiment",
    "load": "data",
    "run": "experiment",
}
_ROOMS = ("data", "history", "methods", "ot", "views")

__all__ = [
    "Config",
    "DistilledSet",
    "Evaluation",
    "History",
    "ImageSet",
    "Network",
    "Protocol",
    "Recorder",
    "RunView",
    "Split",
    "Teacher",
    "Training",
    "compare",
    "data",
    "datasets",
    "embed",
    "evaluate",
    "history",
    "load",
    "methods",
    "ot",
    "run",
    "views",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"wddkit.{_HOME[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"wddkit.{name}")
    raise AttributeError(f"module 'wddkit' has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
