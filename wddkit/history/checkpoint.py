"""The one file from which a killed run goes on, and the way back to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from wddkit.codec import Json
from wddkit.history.arrays import Arrays, read_tensors, write_tensors
from wddkit.history.checks import LOGS, read_complete
from wddkit.history.folder import PART, damaged, files_of, remove

WRITTEN, NOT_PLANNED, OVER_BUDGET = "written", "not planned", "over budget"  # a snapshot's fate
FILE = "checkpoint/state.safetensors"
READY = ".distilled.ready"  # a distilled set that is whole, on its way to its place


@dataclass
class Mark:
    """How far a run was when its checkpoint was written: what came later does not count."""

    metrics_bytes: int = 0
    events_bytes: int = 0
    seconds: float = 0.0
    # file -> [phase, step, fate]: a snapshot that comes again after resuming is known by it
    snapshots: dict[str, list[Json]] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)  # "distilled", "results/<hash>.json"

    @property
    def written(self) -> list[str]:
        """Names of the snapshot files that are on disk."""
        return [name for name, (_, _, fate) in self.snapshots.items() if fate == WRITTEN]


def save_checkpoint(path: Path, mark: Mark, state: Mapping[str, np.ndarray] | None) -> None:
    """Writes mark and state into one file, atomically, so that they always belong together."""
    write_tensors(_file(path), state or {}, {**asdict(mark), "has_state": state is not None})


def load_checkpoint(path: Path) -> tuple[Mark, Arrays | None] | None:
    """The last checkpoint of a run, or None if there is none. Raises ValueError if it is damaged."""
    try:
        state, metadata = read_tensors(_file(path))
        has_state = metadata.pop("has_state")
        return Mark(**metadata), state if has_state else None
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{_file(path)}: this checkpoint cannot be read; delete the folder {path / 'checkpoint'} and run the same "
            f"config again to start this run anew ({error})"
        ) from error


def roll_back(path: Path) -> tuple[Mark, Arrays | None]:
    """Brings an unfinished run back to its last checkpoint, or to its beginning: deletes every file that is newer.

    The logs are left as they are; they are cut to the mark when they are opened.
    """
    mark, state = load_checkpoint(path) or (Mark(), None)
    _tidy(path)
    mark.finished = [name for name in mark.finished if (path / name).exists()]
    for name in mark.written:
        if not (path / name).is_file():
            raise damaged(path / name, "the file is missing, though the checkpoint was written after it")
    for name, size in zip(LOGS, (mark.events_bytes, mark.metrics_bytes), strict=True):
        if size and (not (path / name).is_file() or (path / name).stat().st_size < size):
            raise damaged(path / name, f"the file is shorter than the {size} bytes at the checkpoint")
    kept = {*mark.written, *mark.finished}
    if "distilled" not in mark.finished:
        remove(path / "distilled")
    for name in files_of(path):
        if name.startswith(("barycenter/", "recover/", "results/")) and name not in kept:
            remove(path / name)
    return mark, state


def completed(path: Path) -> Mark:
    """The mark of a complete run; what was added after complete.json was last written is deleted."""
    listed = read_complete(path)
    _tidy(path)
    remove(path / "checkpoint")
    results = [name for name in listed if name.startswith("results/")]
    for name in files_of(path):
        if name.startswith("results/") and name not in results:
            remove(path / name)
    sizes = {name: listed[name]["bytes"] if name in listed else 0 for name in LOGS}
    return Mark(sizes["metrics.jsonl"], sizes["events.jsonl"], finished=["distilled", *results])


def _tidy(path: Path) -> None:
    """Finishes a move of the distilled set that was cut short, and deletes half-written files."""
    for part in [*path.rglob(f".*{PART}*")]:
        remove(part)
    if (path / READY).is_dir():
        remove(path / "distilled")
        (path / READY).rename(path / "distilled")


def _file(path: Path) -> Path:
    return path / FILE
