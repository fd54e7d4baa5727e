"""Pictures of recorded runs: an interactive view that is also a page, and figures for print. Trains nothing."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wddkit.views import figures
    from wddkit.views.projection import Projection, projection
    from wddkit.views.scene import Scene, scene
    from wddkit.views.widget import RunView

__all__ = ["Projection", "RunView", "Scene", "figures", "projection", "scene"]

_ROOMS = {
    "Projection": "projection",
    "RunView": "widget",
    "Scene": "scene",
    "scene": "scene",
    "projection": "projection",
}


def __getattr__(name: str) -> Any:
    # A name is loaded when it is used: widgets and matplotlib take a second that a figure or a page need not pay.
    import importlib

    if name == "figures":
        return importlib.import_module("wddkit.views.figures")
    if name in _ROOMS:
        return getattr(importlib.import_module(f"wddkit.views.{_ROOMS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
