"""Where things are in a projection: the scene of a history, brought into another one if asked for."""

from dataclasses import dataclass, replace

import numpy as np

from wddkit.history import History
from wddkit.views.figures.words import NO_FEATURES
from wddkit.views.scene import Scene
from wddkit.views.scene.projection import NAMES, projections

_ROOM = 200  # discs or squares that have room at their full size


@dataclass(frozen=True, eq=False)
class Places:
    """A scene in the projection asked for, or without any and the reason `why`."""

    drawn: Scene
    why: str

    @property
    def heaviest(self) -> float:
        """The largest mass of a support point."""
        return float(max((way.masses[-1].max() for way in self.drawn.ways), default=1.0))

    @property
    def scale(self) -> float:
        """What marks are made smaller by in area: many would hide each other at the size of few."""
        points = sum(way.xy.shape[1] for way in self.drawn.ways)
        return float(min(1.0, (_ROOM / max(1, len(self.drawn.labels), points)) ** 0.5))


def places_of(history: History, projection: str) -> Places:
    """The places of a history's features in one of its projections: "pca", "lda" or "plan".

    Raises ValueError for another name. Where too little was recorded for a projection, the scene has none.
    """
    if projection not in NAMES:
        raise ValueError(f"no projection {projection!r}; expected one of {', '.join(NAMES)}")
    drawn = Scene.of(history)
    if projection == "pca" or drawn.projection is None:
        return Places(drawn, NO_FEATURES)
    found = {plane.key: plane for plane in projections(history, known=(drawn.projection,))}
    if projection not in found:
        why = f"Too little was recorded for the projection {NAMES[projection]!r}."
        return Places(replace(drawn, projection=None), why)
    plane, real = found[projection], history.real
    xy = None
    if drawn.xy is not None:
        features = [history.features(t) for t in range(len(history.frames))]
        xy = np.stack([plane(z) for z in features if z is not None])
    moved = replace(
        drawn,
        projection=plane,
        real_xy=plane(real.features) if real is not None and real.features is not None else None,
        xy=xy,
        ways=tuple(replace(way, xy=plane(history.barycenters[way.label]["support"])) for way in drawn.ways),
    )
    return Places(moved, NO_FEATURES)
