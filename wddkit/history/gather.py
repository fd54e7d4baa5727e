"""Many recorded runs as one table: where they lie, and what each of them says."""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from wddkit.codec import Json, digest
from wddkit.history.reader import History

if TYPE_CHECKING:
    import pandas

Paths: TypeAlias = "Path | str | Iterable[Path | str]"

_DATA = ("dataset", "size", "split_seed", "skip_corrupt", "teacher", "teacher_seed")
_NO_TERMS = ("name", "students")  # of a protocol: more students measure the same more exactly
_TOLD_APART = ("protocol", "set", "n", "unit", "low", "high", "accuracies", "per_class")


def gather(paths: Paths = "runs") -> "pandas.DataFrame":
    """One row a run, protocol and set, controls included, of all complete runs in one or several folders.

    `paths`: runs, or folders that hold them at any depth (also sweeps), but for hidden ones below them, such as that of
    the trials of `compare`, which are tested on validation images. Columns: `run`, the folder; `dataset`; `method`, by
    which the set was made (of a control its own name, and `control` is true); `ipc`, `seed`; `protocol`, `labels`;
    `terms`, 8 hex digits of what must be equal for two rows to be comparable at all: data, teacher, and protocol but
    for its name and its number of students; `accuracy` in percent over `students`; the distances of `wddkit.closeness`
    (NaN in runs of versions that did not measure them); and what else `History.results` has.

    Left out, and listed in a warning: runs that are unfinished, damaged, edited or without results, and of several with
    one name, as copies have it, all but the first. Raises ValueError where there is no folder, and no run in them.
    """
    return table(read_runs(paths))


def table(histories: Iterable[History]) -> "pandas.DataFrame":
    """The same of histories that are at hand."""
    import pandas

    return pandas.DataFrame([row for history in histories for row in _rows(history)])


def read_runs(paths: Paths) -> list[History]:
    """The complete runs in these folders, each once, in the order of their folders; the others are in a warning."""
    found, names, left_out = [], set[str](), []
    folders = find_runs(paths)
    for folder in folders:
        try:
            history = History.load(folder)
            problem = _problem(history, names)
        except ValueError as error:
            problem = str(error)
        if problem:
            left_out.append(problem if str(folder) in problem else f"{folder}: {problem}")
        else:
            names.add(folder.name)
            found.append(history)
    if left_out:
        warnings.warn(
            f"{len(left_out)} of {len(folders)} runs are left out. " + " ".join(f"{each}." for each in left_out),
            UserWarning,
            stacklevel=3,
        )
    return found


def find_runs(paths: Paths) -> list[Path]:
    """The run folders among these folders and below them. Raises ValueError where there is none."""
    given = [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]
    for path in given:
        if not path.is_dir():
            raise ValueError(f"there is no folder {path}; expected runs, or folders that hold them, such as 'runs'")
    found = list(dict.fromkeys(run for path in given for run in _below(path)))
    if not given:
        raise ValueError("expected at least one folder, of runs or that holds them, such as 'runs'; got an empty list")
    if not found:
        raise ValueError(f"no runs in {', '.join(map(str, given))}; `wddkit run --out PATH` makes them")
    return found


def method_of(history: History) -> str:
    """The name of the set that a run made itself: its method's, or that of its first result where none is of it."""
    names = [str(row["set"]) for value in history.source.results() for row in value["rows"]]
    method = history.config.get("method")
    kind = str(method.get("kind")) if isinstance(method, Mapping) else ""
    return kind if kind in names or not names else names[0]


def terms_of(history: History) -> dict[str, str]:
    """Protocol -> hex digits of data, teacher and protocol: rows under other ones are not comparable."""
    config = history.config.as_dict()
    data = {name: config.get(name) for name in _DATA}
    return {str(value["protocol"]["name"]): _terms(data, value["protocol"]) for value in history.source.results()}


def _terms(data: Mapping[str, Json], protocol: Mapping[str, Json]) -> str:
    parts = {name: value for name, value in protocol.items() if name not in _NO_TERMS}
    return digest({"data": data, "protocol": parts})[:8]


def _rows(history: History) -> Iterator[dict[str, Any]]:
    own, terms = method_of(history), terms_of(history)
    for row in history.results.to_dict("records"):
        yield {
            "run": "" if history.path is None else str(history.path),
            "dataset": history.config.get("dataset"),
            "method": row["set"],
            "control": row["set"] != own,
            "ipc": float("nan") if row["ipc"] is None else row["ipc"],
            "seed": history.config.get("seed"),
            "protocol": row["protocol"],
            "labels": row["labels"],
            "terms": terms[row["protocol"]],
            "accuracy": row["accuracy"],
            "students": row["n"],
            **{str(name): value for name, value in row.items() if name not in (*_TOLD_APART, "ipc", "labels")},
        }


def _below(path: Path) -> Iterator[Path]:
    for folder, within, files in os.walk(path):
        if "config.json" in files:
            yield Path(folder)
            within.clear()
        within[:] = sorted(name for name in within if not name.startswith("."))


def _problem(history: History, names: "set[str]") -> str:
    """Why a run stands in no table, or ""."""
    assert history.path is not None  # loaded
    if history.path.name in names:
        return "a run of this name is counted already; it is a copy, or rename it"
    if history.edited:
        return "its knobs were turned while it ran, so no config tells how it came about"
    return "" if history.source.results() else "no results"
