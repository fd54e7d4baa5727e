"""Sets of images: real ones by name or from arrays, and distilled ones, read and written. No torch is imported."""

from typing import TYPE_CHECKING, Any

from wddkit.data.arrays import split_from_arrays
from wddkit.data.exchange import load_distilled, save_distilled
from wddkit.data.foreign import check_matches, distilled_from_arrays, distilled_from_folder, reorder
from wddkit.data.sets import DistilledSet, ImageSet, LabelRegime, MissingDataError, Normalisation, Split, Views
from wddkit.data.shapes import Shapes, ShapesConfig
from wddkit.data.sources import datasets, load

if TYPE_CHECKING:
    from wddkit.data.torchset import torch_dataset

__all__ = [
    "DistilledSet",
    "ImageSet",
    "LabelRegime",
    "MissingDataError",
    "Normalisation",
    "Shapes",
    "ShapesConfig",
    "Split",
    "Views",
    "check_matches",
    "datasets",
    "distilled_from_arrays",
    "distilled_from_folder",
    "load",
    "load_distilled",
    "reorder",
    "save_distilled",
    "split_from_arrays",
    "torch_dataset",
]


def __getattr__(name: str) -> Any:
    if name == "torch_dataset":  # the one part that needs torch
        from wddkit.data.torchset import torch_dataset

        return torch_dataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
