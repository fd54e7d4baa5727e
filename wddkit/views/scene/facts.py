"""What a history says of itself, at whatever stage its run is: names, labels, numbers by frame, and what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.codec import Json
from wddkit.data.sets import DistilledSet
from wddkit.history import Frame, History

UNFINISHED = "This run is not finished: what is shown is what there is so far."
BARYCENTER_STEPS = 16  # on the time line
KNOBS = {"lr": "learning rate", "statistics_weight": "statistics weight"}


def recorded(history: Any, what: str = "a view of a run") -> History:
    """The history, given to `what`; ValueError for anything else, such as the path of one."""
    if isinstance(history, History):
        return history
    given = f"{str(history)!r}" if isinstance(history, (str, Path)) else type(history).__name__
    way = f"wdd.History.load({given})" if isinstance(history, (str, Path)) else "wdd.History.load(path)"
    raise ValueError(f"{what}: expected a recorded run, got {given}; a run's folder is read by {way}")


@dataclass(frozen=True, eq=False)
class Answer:
    """What the images are, told by the distilled set, or of an unfinished run by what is known so far."""

    distilled: DistilledSet | None  # None: not there yet
    classes: tuple[str, ...]
    ipc: int | None  # images of each class that there will be; None: not known

    @classmethod
    def of(cls, history: History) -> "Answer":
        """The distilled set of a history, or else the classes and the ipc that its config and events tell."""
        history = recorded(history)
        unfinished = history.path is not None and not (history.path / "distilled").is_dir()
        if not unfinished:
            return cls(history.distilled, history.distilled.classes, None)
        method = history.config.get("method", {})
        return cls(None, _classes(history), int(method["ipc"]) if "ipc" in method else None)

    def labels(self, indices: Int64[np.ndarray, " k"]) -> Int64[np.ndarray, " k"]:
        """Labels of images at these positions in the distilled set."""
        if self.distilled is not None:
            found: Int64[np.ndarray, " k"] = self.distilled.labels[indices]
            return found
        return indices // self.ipc if self.ipc else np.zeros_like(indices)

    def masses(
        self, indices: Int64[np.ndarray, " k"], last: Mapping[int, Float64[np.ndarray, " m"]]
    ) -> Float64[np.ndarray, " k"]:
        """Their masses; of an unfinished run those of the support points, `last`, where each image has one."""
        if self.distilled is not None:
            found: Float64[np.ndarray, " k"] = self.distilled.masses[indices]
            return found
        labels, ipc = self.labels(indices), self.ipc or max(1, len(indices))
        masses = np.full(len(indices), 1 / ipc)
        for label, own in last.items():
            if len(own) == ipc:
                masses[labels == label] = own[indices[labels == label] % ipc]
        return masses

    def soft(self, indices: Int64[np.ndarray, " k"]) -> Float64[np.ndarray, "k classes"] | None:
        """Their soft labels: softmax of stored logits, or stored values; a mean over the tiles of a stored image."""
        found = self.distilled
        if found is None or found.soft is None:
            return None
        soft = found.soft.astype(np.float64)
        if found.soft_kind == "logits":
            soft = np.exp(soft - soft.max(axis=1, keepdims=True))
            soft /= soft.sum(axis=1, keepdims=True)
        of_tiles = soft.reshape(len(found.images), -1, len(self.classes))
        means: Float64[np.ndarray, "k classes"] = of_tiles.mean(axis=1)[indices]
        return means


def _classes(history: History) -> tuple[str, ...]:
    told = [history.config.get("classes"), *(event.get("classes") for event in reversed(history.events))]
    if names := next((each for each in told if each), None):
        return tuple(map(str, names))
    real = history.real
    return tuple(map(str, range(int(real.labels.max()) + 1 if real is not None and len(real.labels) else 1)))


def title(history: History) -> str:
    """Data set, method, ipc and seed, as far as the config tells."""
    method = history.config.get("method", {})
    parts = [
        history.config.get("dataset"),
        method.get("kind"),
        f"{method['ipc']} image{'s' * (method['ipc'] != 1)} per class" if "ipc" in method else None,
        f"seed {history.config['seed']}" if "seed" in history.config else None,
    ]
    return ", ".join(str(part) for part in parts if part is not None) or "a recorded run"


def is_paired(history: History) -> bool:
    """Whether a class's j-th image is drawn to its j-th support point."""
    return any("gap" in moment.names for moment in history.source.moments)


def scalars(history: History) -> dict[str, tuple[float | None, ...]]:
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


def seconds(history: History) -> dict[str, float]:
    """Stage -> the time it took; a stage that was resumed, all of its times."""
    spent: dict[str, float] = {}
    for event in history.events:
        if event.get("event") == "stage":
            name = str(event["name"])
            spent[name] = spent.get(name, 0.0) + float(event["seconds"])
    return spent


def layers(history: History, count: int) -> list[str]:
    """Names of the layers that statistics are taken of, as recorded; else their numbers."""
    told = [event.get("names") or [] for event in history.events if event.get("event") == "layers"]
    names = [str(name).removeprefix("backbone.") for name in told[-1]] if told else []
    return names if len(names) == count else [f"layer {i + 1}" for i in range(count)]


def turns(history: History) -> list[dict[str, Json]]:
    """Step and text of every turn of a knob while the run went on; one that was made in several blocks, once."""
    turned = [(int(e.get("step") or 0), _turn(e)) for e in history.events if e.get("event") == "knob"]
    return [{"step": step, "text": text} for step, text in dict.fromkeys(turned)]


def turned(history: History) -> str:
    """Which knobs were turned by hand, to what and from when on; "" where none was."""
    if history.edits is None:
        return "; ".join(f"{turn['text']} at step {turn['step']}" for turn in turns(history))
    said = [f"{KNOBS.get(t.name, t.name)} {t.value:g} from step {t.step} on" for t in history.edits.turns]
    return "; ".join(dict.fromkeys(said))


def _turn(event: Mapping[str, Any]) -> str:
    name = str(event.get("name", "a knob"))
    before, after = (_number(event.get(key)) for key in ("before", "after"))
    return f"{KNOBS.get(name, name)}: {before} → {after}"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else "as configured" if value is None else str(value)


def missing(history: History, answer: Answer, *, real: bool, synthetic: bool) -> tuple[str, ...]:
    """What was not recorded, in sentences; of an unfinished run only that it is one."""
    if answer.distilled is None:
        return (UNFINISHED,)
    said = []
    if not real:
        said.append("No real features were recorded, so no real images are drawn.")
    if not history.barycenters:
        said.append("No barycenter was recorded, so there are no support points.")
    if history.frames and not synthetic:
        said.append("No features of the distilled images were recorded, so they have no place among the features.")
    if not history.frames:
        said.append("No snapshots of the images were recorded; what is shown is the distilled set at the end.")
    if not history.source.results() and not unasked(history):
        said.append("No results were recorded, so there is no accuracy to show.")
    if history.frames and not history.source.scalars():
        said.append("No losses were recorded.")
    count = len(answer.distilled.images)
    left_out = count - len(history.indices)
    if history.frames and left_out:
        said.append(f"The recording budget left out {left_out} of {count} images.")
    return tuple(said)


def unasked(history: History) -> bool:
    """Whether a run was asked for no results at all: protocols=()."""
    return history.config.get("protocols", None) in ((), [])


def shown(steps: int, *, most: int = BARYCENTER_STEPS) -> list[int]:
    """Which of a barycenter's steps are on the time line: all, or `most` with both ends, denser at first.

    Its last steps move single points; with all of them, the images would have little room on the slider.
    """
    if steps <= most:
        return list(range(steps))
    return sorted({round((steps - 1) * (i / (most - 1)) ** 1.7) for i in range(most)})
