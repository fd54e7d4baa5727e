"""What an ablation came to: runs that differ in a few fields, and their table, read without torch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wddkit.codec import Json
from wddkit.history.folder import damaged, read_json, write_file, write_json
from wddkit.history.reader import History

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
    real features, `w2_squared` (training) and `w2_squared_heldout`; the last value of every scalar that was recorded;
    `bytes`; `seconds` of the distillation; and `run`, the name of its folder.
    """

    path: Path
    config: Json  # what the runs share
    fields: tuple[str, ...]
    frame: "pandas.DataFrame"

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

    def history(self, row: int) -> History:
        """The run of the row at this position of `frame`. Raises IndexError where there is none."""
        if not -len(self.frame) <= row < len(self.frame):
            raise IndexError(f"row {row} of a sweep of {len(self.frame)} rows")
        name = Path(str(self.frame["run"].iloc[row])).name  # no way out of the folder
        return History.load(self.path / _RUNS / name)

    def save(self) -> None:
        """Writes the table and what it is about; each file is whole at every moment. Raises StorageError."""
        write_json(self.path / _ABOUT, {"schema": SCHEMA, "config": self.config, "fields": list(self.fields)})
        write_file(self.path / _TABLE, self.frame.to_parquet(index=False))

    def __repr__(self) -> str:
        runs = self.frame["run"].nunique() if len(self.frame) else 0
        return f"Sweep({self.path}: {runs} runs, over {', '.join(self.fields) or 'seeds alone'})"


def runs_of(path: Path) -> Path:
    """The folder of a sweep's runs."""
    return path / _RUNS


def rows_of(history: History, *, method: str, protocols: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What a table of runs says of one run, under each of these protocols."""
    results, scalars = history.results, history.scalars
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
            "w2_squared": _number(own["w2_squared"]),
            "w2_squared_heldout": _number(own["w2_squared_heldout"]),
            "bytes": own["bytes"],
            "seconds": round(distilling, 3),
            "run": history.path.name if history.path else "",
        }


def _number(value: float | None) -> float:
    return math.nan if value is None else value
