"""Recording a loop that is not ours, so that it can be replayed like any run."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from wddkit.codec import Json
from wddkit.data.arrays import class_names, to_images, to_labels, to_numpy
from wddkit.data.sets import ImageSet
from wddkit.history.budget import RecordingPlan, recording_plan
from wddkit.history.checks import scalar, shape_problem, value_problem, whole_number
from wddkit.history.reader import History
from wddkit.history.sources import load, uniform_set
from wddkit.history.writer import REAL_SAMPLES, Writer, real_each

_EXPECTED = 50  # snapshots for which image size and classes are planned; the loop's length is not known


class Recorder:
    """Records a distillation loop into a run folder.

        with Recorder("runs/mine", classes=names, labels=y) as recorder:
            for step in range(1000):
                ...
                recorder.snapshot(step, images, features, loss=loss.item())
        recorder.history

    Images are arrays or torch tensors, 8-bit or floats in [0, 1]; the last ones are the distilled set. When the budget
    is used up, every second snapshot is dropped and from then on only every second one is recorded.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        classes: Sequence[str],
        labels: Any,
        real: ImageSet | tuple[Any, ...] | None = None,
        config: Mapping[str, Json] | None = None,
        budget_mb: float = 200.0,
    ) -> None:
        """`labels` [k] are those of the distilled images, `real` an ImageSet, (images, labels) or (..., features).

        `config` says how the loop was set, for the reader. Raises ValueError for a folder with a complete run.
        """
        self.path = Path(path)
        self._classes = class_names(classes)
        given = to_numpy(labels, "labels")
        self._labels = to_labels(given, len(given))
        self._budget_mb = budget_mb
        self._real = _real_sample(real, len(self._classes))
        self._config = {"method": {"kind": "recorded"}, "classes": list(self._classes), **(config or {})}
        self._writer: Writer | None = None
        self._plan: RecordingPlan | None = None
        self._recorded: list[int] = []
        self._count = 0
        self._stride = 1
        self._capacity = 0
        self._last: tuple[int, dict[str, np.ndarray]] | None = None
        self._shapes: dict[str, tuple[int, tuple[int, ...]]] = {}  # of each array, and the step that gave it

    def __enter__(self) -> "Recorder":
        writer = Writer.open(self.path, config=self._config, environment=_environment(), budget_mb=self._budget_mb)
        if writer.is_complete:
            writer.close()
            raise ValueError(f"{self.path}: holds a complete run; record into another folder, or delete this one")
        self._writer = writer
        try:
            if self._real is not None:
                writer.real(**self._real)
        except BaseException:
            writer.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._writer is not None
        try:
            if kind is None:
                self._end(self._writer)
        finally:
            self._writer.close()

    def snapshot(self, step: int, images: Any, features: Any = None, **scalars: float) -> None:
        """Records the distilled images [k, c, h, w] (any usual layout) at a step, their features, and scalars.

        A scalar that is not finite, such as the loss of a loop that diverged, is recorded as missing: NaN in
        `history.scalars`. Raises ValueError for a step that is no whole number or does not rise, for what is no number,
        and for images or features of another shape than before; nothing of that snapshot is recorded.
        """
        if self._writer is None:
            raise ValueError("this recorder is not open; record within `with Recorder(...) as recorder:`")
        step = whole_number(step, "step")
        if self._last is not None and step <= self._last[0]:
            raise ValueError(f"step {step} comes after step {self._last[0]}; steps must rise")
        pixels = to_images(images, what=f"images at step {step}").copy()  # the loop may go on in the same array
        arrays = {"images": pixels, "indices": np.arange(len(self._labels))}
        if len(arrays["images"]) != len(self._labels):
            raise ValueError(f"step {step}: {len(arrays['images'])} images for {len(self._labels)} labels")
        if features is not None:
            arrays["features"] = to_numpy(features, f"features at step {step}").astype(np.float32)
        headers = {name: (array.shape, array.dtype) for name, array in arrays.items()}
        if problem := shape_problem(headers, barycenter=False) or value_problem(arrays, barycenter=False):
            raise ValueError(f"step {step}: {problem}")
        values = {name: scalar(value, name) for name, value in scalars.items()}
        self._check_shapes(step, arrays)
        if self._plan is None:
            self._plan = self._planned(self._writer, arrays)
        if self._is_kept(self._writer):
            self._writer.snapshot(phase="recorded", step=step, block=0, arrays=arrays, state=None, scalars=values)
            self._recorded.append(step)
        else:
            self._writer.metrics("recorded", step, 0, values)
        self._last = (step, arrays)
        self._count += 1

    @property
    def history(self) -> History:
        """What was recorded, once the `with` block has ended."""
        return load(self.path)

    def _check_shapes(self, step: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Raises ValueError for arrays that are not like the first of their kind: such a run could not be read."""
        for name, array in arrays.items():
            at, known = self._shapes.get(name, (step, array.shape))
            if array.shape != known:
                raise ValueError(
                    f"step {step}: {name} have shape {array.shape}, but at step {at} they had {known}; give all "
                    f"snapshots one shape, or record what follows into another folder"
                )
        for name, array in arrays.items():
            self._shapes.setdefault(name, (step, array.shape))

    def _planned(self, writer: Writer, arrays: Mapping[str, np.ndarray]) -> RecordingPlan:
        used = (self.path / "real.npz").stat().st_size if self._real is not None else 0
        k, c, h, w = arrays["images"].shape
        plan = recording_plan(
            (k, c, h, w),
            classes=len(self._classes),
            features=arrays["features"].shape[1] if "features" in arrays else 0,
            snapshots=_EXPECTED,
            other_bytes=used,
            budget_mb=self._budget_mb,
        )
        writer.follow(plan, self._labels)
        if plan.snapshots:
            self._capacity = int((self._budget_mb * 1e6 - used) / (plan.bytes / plan.snapshots))
        return plan

    def _is_kept(self, writer: Writer) -> bool:
        """Whether this snapshot is recorded; drops every second earlier one if there is no room for it."""
        room = self._capacity - 1  # one place is for the last snapshot, wherever the loop ends
        if self._count % self._stride == 0 and len(self._recorded) >= room:
            for dropped in self._recorded[1::2]:
                writer.forget(dropped)
            self._recorded = self._recorded[::2]
            self._stride *= 2
        return self._count % self._stride == 0 and len(self._recorded) < room

    def _end(self, writer: Writer) -> None:
        if self._last is None:
            raise ValueError(f"{self.path}: nothing was recorded; call recorder.snapshot(step, images) in the loop")
        step, arrays = self._last
        if step not in self._recorded:
            writer.snapshot(phase="recorded", step=step, block=0, arrays=arrays, state=None, scalars=None)
        writer.distilled(uniform_set(arrays["images"], self._labels, self._classes))
        writer.complete()


def _real_sample(real: ImageSet | tuple[Any, ...] | None, classes: int) -> dict[str, Any] | None:
    """Arguments of `Writer.real`: the first images of each class, up to 1000 in all."""
    if real is None:
        return None
    parts = (real.images, real.labels) if isinstance(real, ImageSet) else real
    if len(parts) not in (2, 3):
        raise ValueError(
            f"real: expected an ImageSet, (images, labels) or (images, labels, features); got {len(parts)}"
        )
    images = to_images(parts[0], what="real images")
    labels = to_labels(parts[1], len(images), what="real labels")
    features = to_numpy(parts[2], "real features").astype(np.float32) if len(parts) == 3 else None
    each = real_each(classes)
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == c)[:each] for c in range(classes)]))[:REAL_SAMPLES]
    return {
        "images": images[chosen],
        "features": None if features is None else features[chosen],
        "labels": labels[chosen],
        "indices": chosen,
    }


def _environment() -> dict[str, Json]:
    versions = {name: importlib.metadata.version(name) for name in ("wddkit", "numpy")}
    return {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}", **versions}
