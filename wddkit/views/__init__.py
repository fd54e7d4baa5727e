"""Pictures of recorded runs: an interactive view that is also a page, and figures for print. Trains nothing."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wddkit.views import figures
    from wddkit.views.ablation import AblationBrowser
    from wddkit.views.compare import CompareExplorer
    from wddkit.views.explorer import Explorer
    from wddkit.views.gains import GainView
    from wddkit.views.labs import BarycenterLab, TransportLab
    from wddkit.views.scene import Projection, Scene

__all__ = [
    "AblationBrowser",
    "BarycenterLab",
    "CompareExplorer",
    "Explorer",
    "GainView",
    "Projection",
    "Scene",
    "TransportLab",
    "figures",
]

_HOME = {
    "AblationBrowser": "ablation",
    "BarycenterLab": "labs",
    "CompareExplorer": "compare",
    "Explorer": "explorer",
    "GainView": "gains",
    "Projection": "scene",
    "Scene": "scene",
    "TransportLab": "labs",
}


def __getattr__(name: str) -> Any:
    # A name is loaded when it is used: a figure need not pay for widgets, nor a page for matplotlib.
    if name == "figures":
        return importlib.import_module("wddkit.views.figures")
    if name in _HOME:
        return getattr(importlib.import_module(f"wddkit.views.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
