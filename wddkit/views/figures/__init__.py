"""Figures of recorded runs and sweeps. Each returns its figure, shows nothing and leaves no state of pyplot.

The functions here draw with matplotlib, for print; those of the same name in `figures.interactive` draw with plotly, to
hover and zoom. Each loads its own library when it is used, so neither pays for the other.

features(history, frame)          real images, support points and distilled images in two dimensions
film_strip(history)               images through the snapshots
masses(history)                   masses of the support points by class
curves(history)                   everything that was measured along the run
accuracy(history)                 accuracy beside its controls
accuracy_by_ipc(results)          accuracy of several runs against the number of images per class
comparison(table)                 accuracies and gains of `wdd.compare`, a dot with its interval for each set
accuracy_by_bits(table)           accuracy against the bits of labels that students are told, a line for each set
plan(history, label)              a class's transport plan as a matrix; plan_matrix(transport): one of `wdd.ot`
overview(history)                 a run in one picture (print only)
heat_map(sweep, value)            a value over two fields of a sweep
main_effects(sweep, value)        a value by the levels of every field of a sweep
scatter(sweep, x, y)              two numbers of a sweep's runs, with Spearman's rho
relation(table)                   distances against accuracy over many runs, in groups (print only)

What was not recorded gives a figure that says so; what a run or a sweep does not have (a class, a frame, a field) is a
ValueError.
"""

import importlib
from typing import TYPE_CHECKING, Any

from wddkit.views.figures.words import COLOURS

if TYPE_CHECKING:
    from wddkit.views.figures import interactive
    from wddkit.views.figures.printed import (
        DISC,
        MARKERS,
        Picture,
        accuracy,
        accuracy_by_bits,
        accuracy_by_ipc,
        comparison,
        curves,
        features,
        film_strip,
        heat_map,
        main_effects,
        masses,
        overview,
        plan,
        plan_matrix,
        relation,
        scatter,
    )

__all__ = [
    "COLOURS",
    "DISC",
    "MARKERS",
    "Picture",
    "accuracy",
    "accuracy_by_bits",
    "accuracy_by_ipc",
    "comparison",
    "curves",
    "features",
    "film_strip",
    "heat_map",
    "interactive",
    "main_effects",
    "masses",
    "overview",
    "plan",
    "plan_matrix",
    "relation",
    "scatter",
]


def __getattr__(name: str) -> Any:
    if name == "interactive":
        return importlib.import_module("wddkit.views.figures.interactive")
    if name in __all__:
        return getattr(importlib.import_module("wddkit.views.figures.printed"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
