"""wddkit: see, change and fairly compare dataset distillation via the Wasserstein metric.

Names are loaded when they are first used: importing wddkit, and reading recorded runs, loads no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wddkit import course, data, history, methods, ot, views
    from wddkit.ablation import ablate
    from wddkit.comparison import compare
    from wddkit.config import Config
    from wddkit.data import DistilledSet, ImageSet, Split, datasets, load
    from wddkit.evaluation import Evaluation
    from wddkit.experiment import evaluate, run
    from wddkit.history import History, Recorder, Sweep, gather, relate
    from wddkit.nets import Network
    from wddkit.ranking import dd_ranking
    from wddkit.session import LiveSession, fork, replay
    from wddkit.stages.embedding import embed
    from wddkit.stages.students import Protocol
    from wddkit.stages.teacher import Teacher
    from wddkit.stages.training import Training
    from wddkit.views import AblationBrowser, BarycenterLab, CompareExplorer, Explorer, TransportLab
    from wddkit.views.figures.written import to_latex, to_markdown

__version__ = "0.1.0"

_HOME = {
    "AblationBrowser": "views",
    "BarycenterLab": "views",
    "CompareExplorer": "views",
    "Config": "config",
    "DistilledSet": "data",
    "Evaluation": "evaluation",
    "Explorer": "views",
    "History": "history",
    "ImageSet": "data",
    "LiveSession": "session",
    "Network": "nets",
    "Protocol": "stages.students",
    "Recorder": "history",
    "Split": "data",
    "Sweep": "history",
    "Teacher": "stages.teacher",
    "Training": "stages.training",
    "TransportLab": "views",
    "ablate": "ablation",
    "compare": "comparison",
    "datasets": "data",
    "dd_ranking": "ranking",
    "embed": "stages.embedding",
    "evaluate": "experiment",
    "fork": "session",
    "gather": "history",
    "load": "data",
    "relate": "history",
    "replay": "session",
    "run": "experiment",
    "to_latex": "views.figures.written",
    "to_markdown": "views.figures.written",
}
_ROOMS = ("course", "data", "history", "methods", "ot", "views")

__all__ = [
    "AblationBrowser",
    "BarycenterLab",
    "CompareExplorer",
    "Config",
    "DistilledSet",
    "Evaluation",
    "Explorer",
    "History",
    "ImageSet",
    "LiveSession",
    "Network",
    "Protocol",
    "Recorder",
    "Split",
    "Sweep",
    "Teacher",
    "Training",
    "TransportLab",
    "ablate",
    "compare",
    "course",
    "data",
    "datasets",
    "dd_ranking",
    "embed",
    "evaluate",
    "fork",
    "gather",
    "history",
    "load",
    "methods",
    "ot",
    "relate",
    "replay",
    "run",
    "to_latex",
    "to_markdown",
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
