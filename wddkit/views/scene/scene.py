"""What there is to draw of a run: every view and figure starts from here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from wddkit.history import Frame, History
from wddkit.history.tables import interval
from wddkit.views.scene import facts
from wddkit.views.scene.facts import Answer
from wddkit.views.scene.projection import Projection


@dataclass(frozen=True, eq=False)
class Way:
    """How one class's barycenter was found: its support points, in the projection, and masses over T steps."""

    label: int
    xy: Float64[np.ndarray, "T m 2"]
    masses: Float64[np.ndarray, "T m"]
    value: Float64[np.ndarray, " T"]  # squared W2 to the training features
    heldout: Float64[np.ndarray, " T"]  # squared W2 to held-out features, NaN: not measured


@dataclass(frozen=True)
class Result:
    """Accuracy of one set under one protocol, in percent, and what the set costs; None: not known."""

    protocol: str
    labels: str | None
    set: str
    control: bool
    ipc: int | None
    accuracy: float
    low: float | None  # 95 % interval; None for one student
    high: float | None
    students: int
    bytes: int | None
    seconds: float | None
    w2_squared: float | None
    w2_squared_heldout: float | None


@dataclass(frozen=True, eq=False)
class Scene:
    """A run as arrays, its features already in the projection; None or empty where nothing was recorded."""

    title: str
    classes: tuple[str, ...]
    frames: tuple[Frame, ...]
    indices: Int64[np.ndarray, " k"]  # positions in the distilled set
    labels: Int64[np.ndarray, " k"]
    image: Callable[[int], UInt8[np.ndarray, "k c h w"]]  # frame -> images, read when asked for
    projection: Projection | None
    real_xy: Float64[np.ndarray, "n 2"] | None
    real_labels: Int64[np.ndarray, " n"] | None
    xy: Float64[np.ndarray, "T k 2"] | None  # features of the images, frame by frame
    ways: tuple[Way, ...]
    paired: bool  # whether a class's j-th image is drawn to its j-th support point
    results: tuple[Result, ...]
    scalars: Mapping[str, tuple[float | None, ...]]  # one number a frame, mean over blocks; None: not measured
    seconds: Mapping[str, float]  # of each stage
    missing: tuple[str, ...]  # what was not recorded, in sentences

    @classmethod
    def of(cls, history: History) -> "Scene":
        """Everything that can be drawn of a history, and sentences that say what cannot.

        Raises ValueError for an unfinished run that has no images yet.
        """
        answer = Answer.of(history)
        if answer.distilled is None and not history.frames:
            raise ValueError("this run has no images yet; draw it once it has recorded its first snapshot")
        plane = Projection.of(history)
        real = history.real
        features = [history.features(t) for t in range(len(history.frames))]
        xy = None
        if plane is not None and features and all(z is not None for z in features):
            xy = np.stack([plane(z) for z in features if z is not None])
        real_xy = plane(real.features) if plane and real is not None and real.features is not None else None
        # A run whose images found no room in the recording still has its last ones.
        indices = history.indices if history.frames else np.arange(len(history.distilled.images))
        return cls(
            title=facts.title(history),
            classes=answer.classes,
            frames=history.frames or (Frame("distilled", 0),),
            indices=indices,
            labels=answer.labels(indices),
            image=history.images if history.frames else lambda _: history.distilled.images,
            projection=plane,
            real_xy=real_xy,
            real_labels=real.labels if real is not None and real_xy is not None else None,
            xy=xy,
            ways=_ways(history, plane),
            paired=facts.is_paired(history),
            results=results(history),
            scalars=facts.scalars(history),
            seconds=facts.seconds(history),
            missing=facts.missing(history, answer, real=real_xy is not None, synthetic=xy is not None),
        )


def _ways(history: History, plane: Projection | None) -> tuple[Way, ...]:
    if plane is None:
        return ()
    return tuple(
        Way(
            label=label,
            xy=plane(arrays["support"]),
            masses=arrays["masses"].astype(np.float64),
            value=arrays["value"].astype(np.float64),
            heldout=arrays.get("heldout", np.full(len(arrays["value"]), np.nan)).astype(np.float64),
        )
        for label, arrays in sorted(history.barycenters.items())
    )


def results(history: History) -> tuple[Result, ...]:
    """Accuracies of a run's own set and of its controls, protocol by protocol."""
    # Not through the data frame: pandas takes half a second, which a replay need not pay.
    return tuple(
        _result(value["protocol"], row, first=i == 0)
        for value in facts.recorded(history).source.results()
        for i, row in enumerate(value["rows"])
    )


def _result(protocol: Mapping[str, Any], row: Mapping[str, Any], *, first: bool) -> Result:
    accuracies = [float(value) for value in row["accuracies"]]
    low, high = interval(accuracies)
    return Result(
        protocol=str(protocol["name"]),
        labels=protocol.get("labels"),
        set=str(row["set"]),
        control=not first,  # a run records its own set before its controls
        ipc=row.get("ipc"),
        accuracy=float(np.mean(accuracies)),
        low=_finite(low),
        high=_finite(high),
        students=len(accuracies),
        bytes=row.get("bytes"),
        seconds=row.get("seconds"),
        w2_squared=_finite(row.get("w2_squared")),
        w2_squared_heldout=_finite(row.get("w2_squared_heldout")),
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
