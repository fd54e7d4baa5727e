"""Writing a run folder: every file whole or absent, and a killed run goes on from its last checkpoint."""

import contextlib
import datetime
import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import Float, Int64, UInt8

from wddkit.codec import Json, encode
from wddkit.data.pixels import resize
from wddkit.data.sets import DistilledSet
from wddkit.history import folder
from wddkit.history.arrays import npz_bytes
from wddkit.history.begin import begin, branch, refuse_foreign
from wddkit.history.budget import THUMBNAIL, RecordingPlan
from wddkit.history.checkpoint import (
    NOT_PLANNED,
    OVER_BUDGET,
    READY,
    WRITTEN,
    completed,
    load_checkpoint,
    roll_back,
    save_checkpoint,
)
from wddkit.history.checks import SCHEMA, read_complete, scalar, shape_problem, value_problem
from wddkit.history.logs import open_logs, read_log
from wddkit.history.tables import results_problem
from wddkit.history.turns import Edits, write_edits

REAL_SAMPLES = 1000


def real_each(classes: int) -> int:
    """How many real images of each class are recorded, the first ones: as many as 1000 allow, at least one."""
    return max(1, REAL_SAMPLES // classes)


class Writer:
    """The one process that writes a run; `open` it, and close it or use it in a `with` block.

    Whatever the moment at which it is killed, opening it again and repeating what came after `state` ends with the
    same files, but for times. All writing raises StorageError when the disk is full or gone.
    """

    state: dict[str, np.ndarray] | None  # of the last checkpoint, to go on from; None: from the start
    is_complete: bool  # results can still be added to a complete run, nothing else

    def __init__(
        self, path: Path, *, config: Json, environment: Json, budget_mb: float = 200.0, edits: Edits | None = None
    ) -> None:
        self.path = path
        self.budget_mb = budget_mb
        self._held = contextlib.ExitStack()
        self._plan: RecordingPlan | None = None
        self._labels = np.zeros(0, np.int64)
        folder.make_folder(path)
        refuse_foreign(path)
        with contextlib.ExitStack() as stack:  # lets go of the lock if anything below fails
            stack.enter_context(folder.lock(path))
            begin(path, config, environment, edits)
            self.is_complete = (path / "complete.json").is_file()
            self._mark, self.state = (completed(path), None) if self.is_complete else roll_back(path)
            sizes = (self._mark.events_bytes, self._mark.metrics_bytes)
            self._events, self._metrics = open_logs(path, sizes, stack)
            used = [*self._mark.written, "real.npz"]
            self._sizes = {name: (path / name).stat().st_size for name in used if (path / name).exists()}
            self._started = time.monotonic() - self._mark.seconds
            self._held = stack.pop_all()

    @classmethod
    def open(
        cls, path: Path | str, *, config: Json, environment: Json, budget_mb: float = 200.0, edits: Edits | None = None
    ) -> "Writer":
        """Creates a run folder, or opens one for going on. `config` and `environment` are plain JSON objects.

        `edits`: all turns of knobs of an edited run, made and to come. Raises ValueError for a folder that holds
        another config, something else than a run, or an edited run where none is meant; StorageError if it cannot be
        written or somebody else is writing it.
        """
        return cls(Path(path), config=config, environment=environment, budget_mb=budget_mb, edits=edits)

    @property
    def seconds(self) -> float:
        """Since the run began, without the time between its sessions and what was skipped."""
        return time.monotonic() - self._started

    def skip(self, seconds: float) -> None:
        """Leaves these last seconds out of the run's time: it was paused."""
        self._started += seconds

    def has(self, name: str) -> bool:
        """Whether `"distilled"` or `"results/<hash>.json"` was there at the last checkpoint: no need to redo it."""
        return name in self._mark.finished

    def follow(self, plan: RecordingPlan, labels: Int64[np.ndarray, " k"]) -> None:
        """From now on records what the plan keeps of a distilled set with these labels, and notes what it says."""
        self._plan, self._labels = plan, labels
        events = read_log(self.path / "events.jsonl", size=self._events.size)
        if all(event["event"] != "recording" for event in events):  # else noted before the run was killed
            self.event("recording", said=plan.said)

    def event(self, name: str, /, **values: Json) -> None:
        """Notes that something happened, and when."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self._events.append({"time": now, "event": name, **encode(values)})

    def metrics(self, phase: str, step: int, block: int, scalars: Mapping[str, float]) -> None:
        """Records scalars of one moment; one that is not finite is recorded as missing."""
        numbers = {name: scalar(value, name) for name, value in scalars.items()}
        values = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        seconds = round(self.seconds, 3)
        self._metrics.append({"phase": phase, "step": int(step), "block": int(block), "seconds": seconds, **values})

    def real(
        self,
        images: UInt8[np.ndarray, "n c h w"],
        features: Float[np.ndarray, "n d"] | None,
        labels: Int64[np.ndarray, " n"],
        indices: Int64[np.ndarray, " n"],
    ) -> None:
        """Records up to 1000 real samples, their images as thumbnails; `indices` are positions in the training set."""
        self._unfinished("real samples")
        if len(images) > REAL_SAMPLES:
            raise ValueError(f"{len(images)} real samples; expected at most {REAL_SAMPLES}: choose some of each class")
        side = min(images.shape[2], THUMBNAIL)
        arrays = {"images": resize(images, side, side), "labels": labels, "indices": indices}
        self._write("real.npz", npz_bytes(arrays if features is None else {**arrays, "features": features}))

    def snapshot(
        self,
        *,
        phase: str,
        step: int,
        block: int,
        arrays: Mapping[str, np.ndarray],
        state: Mapping[str, np.ndarray] | None,
        scalars: Mapping[str, float] | None,
    ) -> None:
        """Records one moment and, if it has a state, makes it the moment from which a killed run goes on.

        Phase "barycenter": all steps of a class at once (`support` [T, m, d], `masses` [T, m], `value` [T], more), the
        block is the class. Every other phase: `images` uint8 [k, c, h, w], `indices` [k], perhaps `features` [k, d],
        more. Scalars None: they are recorded already. A moment that is recorded already is left as it is.
        Raises ValueError for arrays of other shapes, and for NaN.
        """
        self._unfinished("snapshots")
        barycenter = phase == "barycenter"
        if min(step, block) < 0:
            raise ValueError(f"phase {phase!r}: step {step}, block {block}; expected numbers from 0 on")
        name = f"barycenter/{block:04d}.npz" if barycenter else f"recover/{step:06d}-{block:04d}.npz"
        if name in self._mark.snapshots:
            known = self._mark.snapshots[name][:2]
            if known != [phase, step]:
                raise ValueError(
                    f"{name}: phase {phase!r}, step {step} would overwrite phase {known[0]!r}, step {known[1]}; "
                    f"a barycenter is recorded with all its steps at once, other phases go on counting steps"
                )
            return
        headers = {key: (array.shape, array.dtype) for key, array in arrays.items()}
        if problem := shape_problem(headers, barycenter=barycenter) or value_problem(arrays, barycenter=barycenter):
            raise ValueError(f"phase {phase!r}, step {step}, block {block}: {problem}; nothing of it was recorded")
        fate = self._record(name, phase, arrays, block if barycenter else None)
        if scalars is not None:
            self.metrics(phase, step, block, scalars)
        self._mark.snapshots[name] = [phase, step, fate]
        if state is not None:
            self._checkpoint(state)

    def forget(self, step: int, block: int = 0) -> None:
        """Deletes a snapshot again, for a loop whose length is not known beforehand."""
        name = f"recover/{step:06d}-{block:04d}.npz"
        if self._mark.snapshots.pop(name, None):
            folder.remove(self.path / name)
            self._sizes.pop(name, None)

    def edit(self, edits: Edits) -> None:
        """Records the turns of an edited run anew, with those that were added."""
        self._unfinished("turns of knobs")
        write_edits(self.path, edits)

    def branch(self, path: Path, edits: Edits) -> None:
        """Goes on in a new folder as an edited run that begins with all of this one, which stays as it is."""
        self._unfinished("turns of knobs")
        folder.make_folder(path)
        refuse_foreign(path)
        with contextlib.ExitStack() as stack:
            stack.enter_context(folder.lock(path))
            branch(self.path, path, edits)
            logs = open_logs(path, (self._events.size, self._metrics.size), stack)
            left, self._held = self._held, stack.pop_all()
        self.path, (self._events, self._metrics) = path, logs
        left.close()

    def distilled(self, distilled: DistilledSet) -> None:
        """Records the answer, in place of an earlier one."""
        self._unfinished("the distilled set")
        part = self.path / f".distilled.saving{folder.PART}"
        with folder.storing(self.path / "distilled"):
            folder.remove(part)
            distilled.save(part)
            folder.sync_files(part)
            part.rename(self.path / READY)  # from here on, opening the run finishes the move
            folder.remove(self.path / "distilled")
            (self.path / READY).rename(self.path / "distilled")
            folder.sync_folder(self.path)
        self._finish("distilled")

    def results(self, name_hash: str, value: Json) -> None:
        """Records the results of one protocol; see `tables.results_problem` for what is expected."""
        value = {"schema": SCHEMA, **encode(value)}
        if problem := results_problem(value):
            raise ValueError(f"results {name_hash}: {problem}")
        name = f"results/{name_hash}.json"
        if self.is_complete and name in read_complete(self.path):
            # Killed between the next two writes, the run is still complete, only without these results.
            self._write_complete(without=name)
        folder.write_json(self.path / name, value)
        self._finish(name)

    def complete(self) -> None:
        """Declares the run complete: writes size and sha256 of every file, then deletes the checkpoint."""
        if not (self.path / "distilled" / "card.json").is_file():
            raise ValueError(f"{self.path}: a run without a distilled set is not complete")
        self._events.sync()
        self._metrics.sync()
        self._write_complete()
        # In this order there is no moment at which a killed run would have to begin again.
        folder.remove(self.path / "checkpoint")
        self.is_complete = True

    def close(self) -> None:
        """Lets go of the run; what is not complete can be opened again."""
        self._held.close()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _record(self, name: str, phase: str, arrays: Mapping[str, np.ndarray], label: int | None) -> str:
        """Writes a snapshot file, unless the plan or the budget leaves it out; its fate."""
        if self._plan is not None:
            if label is None:
                arrays = self._plan.fit(arrays, self._labels)
            if not arrays or (label is not None and label >= self._plan.classes):
                return NOT_PLANNED
        data = npz_bytes(arrays if label is not None else {**arrays, "phase": np.array(phase)})
        if sum(self._sizes.values()) + len(data) > self.budget_mb * 1e6:
            if all(fate != OVER_BUDGET for _, _, fate in self._mark.snapshots.values()):
                self.event("recording stopped", said=f"the budget of {self.budget_mb:g} MB is used up at {name}")
            return OVER_BUDGET
        self._write(name, data)
        return WRITTEN

    def _write(self, name: str, data: bytes) -> None:
        folder.write_file(self.path / name, data)
        self._sizes[name] = len(data)

    def _checkpoint(self, state: Mapping[str, np.ndarray] | None) -> None:
        self._events.sync()
        self._metrics.sync()
        self._mark.events_bytes, self._mark.metrics_bytes = self._events.size, self._metrics.size
        self._mark.seconds = self.seconds
        save_checkpoint(self.path, self._mark, state)

    def _finish(self, name: str) -> None:
        if name not in self._mark.finished:
            self._mark.finished.append(name)
        if not self.is_complete:
            saved = load_checkpoint(self.path)
            self._checkpoint(saved[1] if saved else None)

    def _write_complete(self, without: str = "") -> None:
        files = {
            name: {"sha256": folder.sha256(self.path / name), "bytes": (self.path / name).stat().st_size}
            for name in folder.files_of(self.path)
            if name != without
        }
        folder.write_json(self.path / "complete.json", {"schema": SCHEMA, "files": files})

    def _unfinished(self, what: str) -> None:
        if self.is_complete:
            raise ValueError(f"{self.path}: this run is complete, {what} cannot be added; write into another folder")
