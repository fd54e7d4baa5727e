"""What there is to draw of a run, for figures and browser alike: arrays, sentences, and the planes of its features."""

from wddkit.views.scene.projection import Projection
from wddkit.views.scene.scene import Result, Scene, Way, results

__all__ = ["Projection", "Result", "Scene", "Way", "results"]
