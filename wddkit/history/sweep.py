"""What an ablation came to: runs that differ in a few fields, and their table, read without torch."""

import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wddkit.codec import Json
from wddkit.history.folder import damaged, read_json, write_file, write_json
from wddkit.history.gather import Paths, method_of, read_runs, terms_of
from wddkit.history.reader import History
from wddkit.history.tables import DISTANCES

if TYPE_CHECKING:  # pandas takes half a second, and a replay needs none
    import pandas

SCHEMA = 0
WHOLE = "whole real set"
CONTROLS = {"random": "random", "nearest": "nearest", "whole": WHOLE}  # column -> name of the set in results

_ABOUT, _TABLE, _RUNS = "sweep.json", "sweep.parquet", "runs"
_PLACES = ("phase", "step", "block", "seconds")


@dataclass(frozen=True, eq=False)
class Sweep:
    """Runs that differ in `fields` and seeds; see `wddkit.ablate`.

    `frame` has one row a run and protocol: the `fields` as numbers or words, `seed`, `protocol`, `labels`, `ipc`;
    `accuracy` in percent, mean over `students`; `random`, `nearest` and `whole`, the same of the run's controls (NaN
    without them); `gain` = accuracy - random, `gain_nearest` = accuracy - nearest; squared W2 of the distilled to the
    real features, `w2_squared` (training) and `w2_squared_heldout`, and the other distances of `wddkit.closeness`; the
    last value of every scalar that was recorded (a `statistics_error` is that of the final set, if measured); `bytes`;
    `seconds` of the distillation, without what is trained before it; `terms`, as in `wddkit.gather`; and `run`, the
    name of its folder.
    """

    path: Path
    config: Json  # what the runs share
    fields: tuple[str, ...]
    frame: "pandas.DataFrame"
    folders: "Mapping[str, Path] | None" = None  # of runs that were gathered, by name; None: all are in the sweep's own

    @classmethod
    def load(cls, path: Path | str) -> "Sweep":
        """The sweep in a folder, as far as it has come.

        Raises ValueError naming the file for one that is missing, damaged or of another sweep.
        """
        import pandas

        about, table = Path(path) / _ABOUT, Path(path) / _TABLE
        if not about.is_file() or not table.is_file():
            raise ValueError(f"{path}: no sweep here: expected {_ABOUT} and {_TABLE}, as wddkit.ablate writes them")
        known = read_json(about)
        if not isinstance(known, dict) or known.get("schema") != SCHEMA or not isinstance(known.get("fields"), list):
            raise damaged(about, f"expected a sweep of schema {SCHEMA}")
        try:
            frame = pandas.read_parquet(table)
        except (OSError, ValueError) as error:  # what is wrong with Parquet is a ValueError of pyarrow
            raise damaged(table, f"not a table in Parquet ({error})") from error
        for name in (*known["fields"], "seed", "protocol", "accuracy", "run"):
            if name not in frame:
                raise damaged(table, f"no column {name!r}")
        return cls(Path(path), known.get("config"), tuple(known["fields"]), frame)

    @classmethod
    def of_runs(cls, paths: Paths) -> "Sweep":
        """All complete runs in one or several folders as a sweep, to be browsed like one; see `wddkit.gather`.

        `fields` are those of their configs that all have and in which some differ, `method` among them where it does.
        Raises ValueError where there is no run with results.
        """
        histories = read_runs(paths)
        if not histories:
            raise ValueError(f"no complete run with results in {paths}")
        configs = [history.config.as_dict() for history in histories]
        fields = {_named(name): values for name, values in varied(configs).items() if name != "seed"}
        rows = []
        for i, history in enumerate(histories):
            own = method_of(history)
            results = history.results[history.results["set"] == own]
            told = {name: _word(values[i]) for name, values in fields.items()}
            found = rows_of(history, method=own, protocols=results["protocol"].tolist())
            rows += [{**told, "seed": configs[i].get("seed", 0), **row} for row in found]
        folders = {path.name: path for path in (history.path for history in histories) if path}
        common = Path(os.path.commonpath([path.parent.absolute() for path in folders.values()]))
        return cls(common, shared(configs), tuple(fields), frame_of(rows, tuple(fields)), folders)

    def folder(self, row: int) -> Path:
        """Where the run of the row at this position of `frame` is. Raises IndexError where there is no row."""
        if not -len(self.frame) <= row < len(self.frame):
            raise IndexError(f"row {row} of a sweep of {len(self.frame)} rows")
        name = Path(str(self.frame["run"].iloc[row])).name  # no way out of the folder
        return self.path / _RUNS / name if self.folders is None else self.folders[name]

    def history(self, row: int) -> History:
        """The run of the row at this position of `frame`. Raises IndexError where there is none."""
        return History.load(self.folder(row))

    def save(self) -> None:
        """Writes the table and what it is about; each file is whole at every moment.

        Raises StorageError, and ValueError for runs that were gathered, which have no folder in common.
        """
        if self.folders is not None:
            raise ValueError("gathered runs are no sweep of one folder; keep their table: frame.to_parquet(FILE)")
        write_file(self.path / _TABLE, self.frame.to_parquet(index=False))
        # Second: it names no field that the table lacks, also where a larger sweep's is interrupted in between.
        write_json(self.path / _ABOUT, {"schema": SCHEMA, "config": self.config, "fields": list(self.fields)})

    def __repr__(self) -> str:
        runs = self.frame["run"].nunique() if len(self.frame) else 0
        return f"Sweep({self.path}: {runs} runs, over {', '.join(self.fields) or 'seeds alone'})"


def runs_of(path: Path) -> Path:
    """The folder of a sweep's runs."""
    return path / _RUNS


def check_place(sweep: Sweep, runs: Collection[str]) -> None:
    """Raises ValueError where a sweep of these runs would overwrite another one's table."""
    if not all((sweep.path / name).is_file() for name in (_ABOUT, _TABLE)):
        return
    held = Sweep.load(sweep.path)
    lost = {*held.frame["run"]} - {*runs}
    is_same = held.config == sweep.config and {*held.fields} == {*sweep.fields}
    if lost and not is_same:
        raise ValueError(
            f"{sweep.path}: holds another sweep (over {', '.join(held.fields) or 'seeds alone'}), whose table would be "
            f"overwritten: {len(lost)} of its runs are not asked for; choose another out, or ask for these too"
        )


def rows_of(history: History, *, method: str, protocols: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What a table of runs says of one run, under each of these protocols."""
    results, scalars, terms = history.results, history.scalars, terms_of(history)
    last = scalars.drop(columns=list(_PLACES)).ffill().tail(1)
    measured = {str(name): float(values.iloc[0]) for name, values in last.items() if len(values)}
    distilling = sum(e["seconds"] for e in history.events if e["event"] == "stage" and e["name"] == "distil")
    for protocol in protocols:
        found = results[results["protocol"] == protocol].to_dict("records")
        sets: dict[str, Any] = {str(row["set"]): row for row in found}
        own, accuracy = sets[method], sets[method]["accuracy"]
        controls = {column: sets[name]["accuracy"] if name in sets else math.nan for column, name in CONTROLS.items()}
        yield {
            "protocol": protocol,
            "labels": own["labels"],
            "ipc": int(own["ipc"]),
            "accuracy": accuracy,
            "students": own["n"],
            **controls,
            "gain": accuracy - controls["random"],
            "gain_nearest": accuracy - controls["nearest"],
            **measured,
            **{name: own[name] for name in DISTANCES},
            # Runs of older versions know only that of the last block, as it was recovered.
            "statistics_error": _first_known(own["statistics_error"], measured.get("statistics_error", math.nan)),
            "bytes": own["bytes"],
            "seconds": round(distilling, 3),
            "terms": terms[protocol],
            "run": history.path.name if history.path else "",
        }


def frame_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> "pandas.DataFrame":
    """The rows; a field whose values are of several types is told in words, because a column has one type.

    None stays apart from all of them: it is a missing value, not a word.
    """
    import pandas

    frame = pandas.DataFrame(list(rows))
    for name in names if len(frame) else ():
        kinds = {type(value) for value in frame[name].dropna()}
        if len(kinds) > 1 and not kinds <= {int, float}:
            frame[name] = frame[name].map(str, na_action="ignore")
    return frame


def _first_known(value: float, other: float) -> float:
    return other if math.isnan(value) else value


def shared(configs: Sequence[Json]) -> Json:
    """What some configs have in common, part by part."""
    first = configs[0]
    if not all(isinstance(config, Mapping) for config in configs):
        return first
    common = [name for name in first if all(name in config for config in configs)]
    found = {name: shared([config[name] for config in configs]) for name in common}
    return {name: value for name, value in found.items() if _agree([config[name] for config in configs])}


def varied(configs: Sequence[Json], prefix: str = "") -> dict[str, list[Json]]:
    """Dotted names of the fields that all configs have and in which some differ, with each config's value."""
    found: dict[str, list[Json]] = {}
    for name in configs[0]:
        if not all(name in config for config in configs):
            continue
        values, dotted = [config[name] for config in configs], f"{prefix}{name}"
        if all(isinstance(value, Mapping) for value in values):
            found |= varied(values, f"{dotted}.")
        elif not _agree(values):
            found[dotted] = values
    return found


def _agree(values: Sequence[Json]) -> bool:
    return all(isinstance(value, Mapping) for value in values) or all(value == values[0] for value in values)


def _named(field: str) -> str:
    """A field under the name that it has in sweeps."""
    return field.removesuffix(".kind")


def _word(value: Json) -> Json:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
