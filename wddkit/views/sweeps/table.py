"""The table of a sweep: which level of each field a row has, and every number that was measured."""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from wddkit.codec import unknown
from wddkit.history import Sweep
from wddkit.history.folder import read_json
from wddkit.history.tables import interval, results_problem
from wddkit.views.sweeps.fields import FIRST, TITLES, Column, Field, Fixed

if TYPE_CHECKING:
    import pandas

_RUN = ("seed", "protocol", "accuracy", "run")  # columns that say which run a row is of, and how it did


@dataclass(frozen=True, eq=False)
class Table:
    """A sweep as views have it. Rows are those of `sweep.frame`, by position; fields leave out the synthesis seed."""

    sweep: Sweep
    fields: tuple[Field, ...]
    protocols: tuple[str, ...]
    protocol_at: Int64[np.ndarray, " rows"]
    seeds: Int64[np.ndarray, " rows"]
    settings: Int64[np.ndarray, " rows"]  # equal where all fields are
    columns: Mapping[str, Column]

    @classmethod
    def of(cls, sweep: Any, what: str) -> "Table":
        """The table of a sweep, given to `what`.

        Raises ValueError for anything else, for a sweep without rows, and for one without the columns of a run.
        """
        frame = swept(sweep, what).frame
        fields = _fields(frame, [name for name in sweep.fields if name != "seed"])
        protocols = Field.of("protocol", "protocol", [str(name) for name in frame["protocol"]])
        places = [tuple(int(field.at[row]) for field in fields) for row in range(len(frame))]
        number = {place: i for i, place in enumerate(dict.fromkeys(places))}
        return cls(
            sweep=sweep,
            fields=fields,
            protocols=tuple(map(str, protocols.levels)),
            protocol_at=protocols.at,
            seeds=frame["seed"].to_numpy(np.int64),
            settings=np.array([number[place] for place in places], np.int64),
            columns=_columns(frame, sweep.fields),
        )

    def __len__(self) -> int:
        return len(self.seeds)

    def field(self, name: str) -> Field:
        """A field by its name, or the last part of it; ValueError naming all fields for another."""
        found = next((field for field in self.fields if name in (field.name, field.short)), None)
        if found is None:
            raise unknown("field", name, [field.name for field in self.fields])
        return found

    def column(self, name: str) -> Column:
        """A measured column by its name; ValueError naming all of them for another."""
        if name not in self.columns:
            raise unknown("value", name, self.columns)
        return self.columns[name]

    def number(self, name: str) -> Column:
        """A measured column, or a field whose levels are numbers, as a column; ValueError naming both for another."""
        if name in self.columns:
            return self.columns[name]
        numeric = {field.name: field for field in self.fields if field.numeric}
        if name not in numeric:
            raise unknown("column of numbers", name, [*self.columns, *numeric])
        field = numeric[name]
        return Column(name, field.short, np.array(field.levels, np.float64)[field.at])

    def protocol(self, name: str) -> int:
        """The place of a protocol; ValueError naming all of them for another."""
        if name not in self.protocols:
            raise unknown("protocol", name, self.protocols)
        return self.protocols.index(name)

    def rows(self, *, protocol: str, fixed: Fixed) -> Int64[np.ndarray, " shown"]:
        """Positions of the rows under a protocol whose fields have these levels."""
        kept = self.protocol_at == self.protocol(protocol)
        for name, level in fixed.items():
            field = self.field(name)
            kept &= field.at == field.position(level)
        rows: Int64[np.ndarray, " shown"] = np.flatnonzero(kept)
        return rows

    @property
    def varying(self) -> tuple[Field, ...]:
        """Fields with two levels or more; all fields where there is none."""
        return tuple(field for field in self.fields if len(field.levels) > 1) or self.fields

    def pair(
        self, rows: str | None, columns: str | None, *, fixed: Iterable[str] = ()
    ) -> "tuple[Field | None, Field | None]":
        """The two fields of a heat map: those named, "" for none, and for None the first that vary and are not fixed.

        One field alone lies along the columns. Raises ValueError for unknown fields, and for twice the same.
        """
        named = [None if name is None else self.field(name) if name else name for name in (rows, columns)]
        if isinstance(named[0], Field) and named[0] is named[1]:
            raise ValueError(f"rows and columns are both {named[0].name!r}; expected two fields, or '' for none")
        taken = [*named, *map(self.field, fixed)]
        free = [field for field in self.varying if field not in taken]
        if rows is None and columns is None and len(free) == 1:
            return None, free[0]
        found = [free.pop(0) if name is None and free else name for name in named]
        return found[0] or None, found[1] or None

    @property
    def title(self) -> str:
        """Of what this is an ablation."""
        config: Any = self.sweep.config if isinstance(self.sweep.config, Mapping) else {}
        method = config.get("method")
        kind = method.get("kind") if isinstance(method, Mapping) else None
        swept = {field.name for field in self.fields}
        parts = [each for name, each in (("dataset", config.get("dataset")), ("method", kind)) if name not in swept]
        return ", ".join(str(part) for part in parts if part) or "a sweep"

    def said(self, row: int) -> str:
        """The setting of a row in words."""
        parts = [f"{field.short} {field.texts[field.at[row]]}" for field in self.fields]
        return ", ".join(parts) or "the config itself"

    def folder(self, row: int) -> Path:
        """Where the run of a row is, or was."""
        return self.sweep.folder(row)

    @functools.cached_property
    def over_students(self) -> Mapping[int, tuple[float, float]]:
        """Row -> 95 % interval of its accuracy over its students, for rows whose setting has no second seed.

        Empty for runs that are not there. One synthesis has no interval of its own; this one says less.
        """
        seeds: dict[int, set[int]] = {}
        for setting, seed in zip(self.settings.tolist(), self.seeds.tolist(), strict=True):
            seeds.setdefault(setting, set()).add(seed)
        alone = [row for row in range(len(self)) if len(seeds[int(self.settings[row])]) == 1]
        known = {folder: _students(folder) for folder in {self.folder(row) for row in alone}}
        pairs = {row: known[self.folder(row)].get(self.protocols[self.protocol_at[row]]) for row in alone}
        return {row: pair for row, pair in pairs.items() if pair is not None and math.isfinite(pair[0])}


def swept(sweep: Any, what: str) -> Sweep:
    """The sweep, given to `what`; ValueError for anything else, such as the path of one, and for one without rows."""
    if not isinstance(sweep, Sweep):
        given = f"{str(sweep)!r}" if isinstance(sweep, (str, Path)) else type(sweep).__name__
        way = f"wdd.Sweep.load({given if isinstance(sweep, (str, Path)) else 'path'})"
        raise ValueError(f"{what}: expected a sweep as wdd.ablate returns it, got {given}; a folder is read by {way}")
    if missing := [name for name in (*_RUN, *sweep.fields) if len(sweep.frame) and name not in sweep.frame]:
        raise ValueError(
            f"{what}: the table of this sweep has no column {missing[0]!r}; expected one as wdd.ablate makes"
        )
    if not len(sweep.frame):
        raise ValueError(
            f"{what}: this sweep has no runs yet; run wdd.ablate(config, changes, out=...), whose table grows with "
            "every run, and load it again"
        )
    return sweep


def _fields(frame: "pandas.DataFrame", names: Sequence[str]) -> tuple[Field, ...]:
    last = [name.rpartition(".")[2] for name in names]
    short = [own if last.count(own) == 1 else name for name, own in zip(names, last, strict=True)]
    return tuple(Field.of(name, own, frame[name].tolist()) for name, own in zip(names, short, strict=True))


def _columns(frame: "pandas.DataFrame", fields: Iterable[str]) -> dict[str, Column]:
    """Every column of numbers that was measured at least once."""
    numeric = frame.select_dtypes("number").columns
    found = {str(name): frame[name].to_numpy(np.float64, na_value=np.nan) for name in numeric}
    order = [*(name for name in FIRST if name in found), *(name for name in found if name not in FIRST)]
    left_out = {*fields, "seed"}
    kept = [name for name in order if name not in left_out and np.isfinite(found[name]).any()]
    return {name: Column(name, TITLES.get(name, name.replace("_", " ")), found[name]) for name in kept}


def _students(folder: Path) -> dict[str, tuple[float, float]]:
    """Protocol -> interval of a run's own accuracy over its students; what is not there, or damaged, is left out."""
    found = {}
    for file in sorted((folder / "results").glob("*.json")) if folder.is_dir() else ():
        try:
            value: Any = read_json(file)
        except (OSError, ValueError):
            continue  # the table stands by itself; opening the run says what is wrong with it
        if results_problem(value) is None and value["rows"]:
            # A run records its own set before its controls.
            found[str(value["protocol"]["name"])] = interval(value["rows"][0]["accuracies"])
    return found
