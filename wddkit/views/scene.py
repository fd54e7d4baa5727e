"""What there is to draw of a run: every view and figure starts from here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from wddkit.history import Frame, History
from wddkit.history.tables import interval
from wddkit.views.projection import Projection


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
        """Everything that can be drawn of a history, and sentences that say what cannot."""
        plane = Projection.of(history)
        real = history.real
        features = [history.features(t) for t in range(len(history.frames))]
        xy = None
        if plane is not None and features and all(z is not None for z in features):
            xy = np.stack([plane(z) for z in features if z is not None])
        real_xy = plane(real.features) if plane and real is not None and real.features is not None else None
        distilled = history.distilled
        # A run whose images found no room in the recording still has its last ones.
        indices = history.indices if history.frames else np.arange(len(distilled.images))
        return cls(
            title=_title(history),
            classes=distilled.classes,
            frames=history.frames or (Frame("distilled", 0),),
            indices=indices,
            labels=distilled.labels[indices],
            image=history.images if history.frames else lambda _: distilled.images,
            projection=plane,
            real_xy=real_xy,
            real_labels=real.labels if real is not None and real_xy is not None else None,
            xy=xy,
            ways=_ways(history, plane),
            paired=any("gap" in moment.names for moment in history.source.moments),
            results=_results(history),
            scalars=_scalars(history),
            seconds=_seconds(history),
            missing=_missing(history, real=real_xy is not None, synthetic=xy is not None),
        )


def chosen(scene: Scene, classes: Sequence[int | str] | None) -> tuple[int, ...]:
    """Labels of classes given by label or name; all that have images if None.

    Raises ValueError for a class that the run does not have.
    """
    if classes is None:
        return tuple(int(label) for label in np.unique(scene.labels))
    labels = []
    for name in classes:
        label = scene.classes.index(name) if isinstance(name, str) and name in scene.classes else name
        if not isinstance(label, (int, np.integer)) or not 0 <= label < len(scene.classes):
            raise ValueError(f"no class {name!r}; expected a label from 0 or one of {', '.join(scene.classes[:20])}")
        labels.append(int(label))
    return tuple(labels)


def _title(history: History) -> str:
    method = history.config.get("method", {})
    parts = [
        history.config.get("dataset"),
        method.get("kind"),
        f"{method['ipc']} images per class" if "ipc" in method else None,
        f"seed {history.config['seed']}" if "seed" in history.config else None,
    ]
    return ", ".join(str(part) for part in parts if part is not None) or "a recorded run"


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


def _results(history: History) -> tuple[Result, ...]:
    # Not through the data frame: pandas takes half a second, which a replay need not pay.
    return tuple(
        _result(value["protocol"], row, first=i == 0)
        for value in history.source.results()
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


def _scalars(history: History) -> dict[str, tuple[float | None, ...]]:
    """Scalar -> its mean over the blocks that recorded it at each frame; only those measured at two frames or more."""
    measured: dict[str, dict[Frame, list[float]]] = {}
    frames = set(history.frames)
    for record in history.source.scalars():
        frame = Frame(record["phase"], record["step"])
        if frame in frames:
            for name, value in record.items():
                if name not in ("phase", "step", "block", "seconds") and value is not None and np.isfinite(value):
                    measured.setdefault(name, {}).setdefault(frame, []).append(float(value))
    return {
        name: tuple(float(np.mean(values[frame])) if frame in values else None for frame in history.frames)
        for name, values in measured.items()
        if len(values) > 1
    }


def _seconds(history: History) -> dict[str, float]:
    spent: dict[str, float] = {}
    for event in history.events:
        if event.get("event") == "stage":
            name = str(event["name"])
            spent[name] = spent.get(name, 0.0) + float(event["seconds"])
    return spent


def _missing(history: History, *, real: bool, synthetic: bool) -> tuple[str, ...]:
    said = []
    if not real:
        said.append("No real features were recorded, so no real images are drawn.")
    if not history.barycenters:
        said.append("No barycenter was recorded, so there are no support points.")
    if history.frames and not synthetic:
        said.append("No features of the distilled images were recorded, so they have no place among the features.")
    if not history.frames:
        said.append("No snapshots of the images were recorded; what is shown is the distilled set at the end.")
    if not history.source.results():
        said.append("No results were recorded, so there is no accuracy to show.")
    if history.frames and not history.source.scalars():
        said.append("No losses were recorded.")
    left_out = len(history.distilled.images) - len(history.indices)
    if history.frames and left_out:
        said.append(f"The recording budget left out {left_out} of {len(history.distilled.images)} images.")
    return tuple(said)


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
