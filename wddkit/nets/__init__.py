"""Networks by name, all with `embed`, `head`, their pixel mean and std, and their normalisation layers."""

from wddkit.nets.base import (
    Net,
    Network,
    committee,
    from_arrays,
    normalisation_layers,
    size_bytes,
    to_arrays,
)
from wddkit.nets.zoo import build, networks

__all__ = [
    "Net",
    "Network",
    "build",
    "committee",
    "from_arrays",
    "networks",
    "normalisation_layers",
    "size_bytes",
    "to_arrays",
]
