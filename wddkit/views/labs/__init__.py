"""The laboratories: optimal transport and barycenters of a few points that one moves by hand."""

from wddkit.views.labs.barycenter import BarycenterLab
from wddkit.views.labs.transport import TransportLab

__all__ = ["BarycenterLab", "TransportLab"]
