"""The laboratories: optimal transport and barycenters of a few points that one moves by hand."""

from wddkit.views.lab_barycenter import BarycenterLab
from wddkit.views.lab_transport import TransportLab

__all__ = ["BarycenterLab", "TransportLab"]
