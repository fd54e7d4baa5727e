"""What figures of a sweep draw: cells of a heat map, main effects, pairs of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.history import Sweep
from wddkit.views.figures.words import counted, short
from wddkit.views.sweeps import Association, Column, Field, Fixed, Level, Mean, Table, groups, mean_of, spearman

NOTHING = Mean(float("nan"), float("nan"), float("nan"), 0, "", ())


@dataclass(frozen=True, eq=False)
class Grid:
    """Means of a value over two fields; None: no field there."""

    column: Column
    rows: Field | None
    columns: Field | None
    means: tuple[tuple[Mean, ...], ...]
    said: str  # below it

    @property
    def values(self) -> Float64[np.ndarray, "rows columns"]:
        """The means alone, NaN where there is none."""
        return np.array([[mean.value for mean in line] for line in self.means])

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the scale of colours: around zero for a gain."""
        known = self.values[np.isfinite(self.values)]
        if not len(known):
            return 0.0, 1.0
        far = float(np.abs(known).max()) or 1.0
        low, high = (-far, far) if self.signed else (float(known.min()), float(known.max()))
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    @property
    def signed(self) -> bool:
        """Whether zero is the middle of the scale."""
        return self.column.signed

    @property
    def texts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Levels of rows and of columns."""
        return self.rows.texts if self.rows else ("",), self.columns.texts if self.columns else ("",)

    @property
    def title(self) -> str:
        """Over it."""
        by = " and ".join(short(field.short, most=30) for field in (self.rows, self.columns) if field)
        name = self.column.title[:1].upper() + self.column.title[1:]
        return f"{name} by {by}" if by else name

    def lines(self, mean: Mean) -> list[str]:
        """What is written in a cell."""
        if not mean.measured:
            return [mean.said]
        half = [f"± {self.column.half_said(mean.half)}"] if mean.over else []
        return [self.column.said(mean.value), *half, mean.said]

    @property
    def alt(self) -> str:
        """A text alternative."""
        rows, columns = self.texts
        said = [
            f"{' '.join(filter(None, (rows[i], columns[j])))}: {' '.join(self.lines(mean))}"
            for i, line in enumerate(self.means)
            for j, mean in enumerate(line)
        ]
        return f"{self.title}. {'; '.join(said)}."


def grid_of(
    sweep: Sweep,
    value: str,
    *,
    rows: str | None,
    columns: str | None,
    fixed: Mapping[str, Level] | None,
    protocol: str | None,
) -> Grid:
    """The means of a value by two fields of a sweep. Raises ValueError for what it does not have."""
    table = Table.of(sweep, "heat_map")
    down, across = table.pair(rows, columns, fixed=fixed or ())
    shown = _shown(table, fixed, protocol)
    fields = [field for field in (down, across) if field]
    found = groups(table, value, shown, [field.name for field in fields])
    lines = tuple(
        tuple(found.get(tuple(at for at in (i, j) if at is not None), NOTHING) for j in _places(across))
        for i in _places(down)
    )
    left = [field for field in table.varying if field not in fields and field.name not in _names(table, fixed)]
    return Grid(table.column(value), down, across, lines, _said(lines, left, table, fixed, protocol))


@dataclass(frozen=True, eq=False)
class Effects:
    """The mean of a value by the levels of every field that varies, and over all."""

    column: Column
    means: Mapping[Field, tuple[Mean, ...]]
    whole: Mean
    said: str

    @property
    def limits(self) -> tuple[float, float]:
        """What to draw: all means, and of their intervals what is not far outside."""
        known = [mean for own in self.means.values() for mean in own if mean.measured]
        values = [mean.value for mean in known] or [0.0]
        low, high = min(values), max(values)
        room = 0.75 * ((high - low) or abs(high) * 0.1 or 1.0)
        ends = [end for mean in known if mean.over for end in (mean.low, mean.high)]
        least, most = max(min([low, *ends]), low - room), min(max([high, *ends]), high + room)
        pad = 0.06 * (most - least) or room / 4
        return least - pad, most + pad

    @property
    def alt(self) -> str:
        """A text alternative."""
        said = [
            f"{short(field.short, most=30)}: "
            + ", ".join(
                f"{text} {self.column.said(mean.value)}"
                for text, mean in zip(field.texts, own, strict=True)
                if mean.rows
            )
            for field, own in self.means.items()
        ]
        return f"Main effects: mean of {self.column.title} by level. {'; '.join(said)}."


def effects_of(sweep: Sweep, value: str, *, fixed: Fixed | None, protocol: str | None) -> Effects:
    """The main effects in a sweep. Raises ValueError for what it does not have."""
    table = Table.of(sweep, "main_effects")
    shown = _shown(table, fixed, protocol)
    means = {}
    for field in table.varying:
        found = groups(table, value, shown, [field.name])
        means[field] = tuple(found.get((i,), NOTHING) for i in range(len(field.levels)))
    lines = tuple(means.values())
    return Effects(table.column(value), means, mean_of(table, value, shown), _said(lines, [], table, fixed, protocol))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Two numbers of every run that has both, and how they go together."""

    x: Column
    y: Column
    rows: Int64[np.ndarray, " n"]
    colour: Field | None
    association: Association
    names: tuple[str, ...]  # of the runs

    @property
    def levels(self) -> list[tuple[str, Int64[np.ndarray, " k"], int]]:
        """(text, rows, position) of each level that has points; all in one without a field."""
        if self.colour is None:
            return [("", self.rows, 0)]
        at = self.colour.at[self.rows]
        return [(text, self.rows[at == i], i) for i, text in enumerate(self.colour.texts) if (at == i).any()]

    @property
    def alt(self) -> str:
        """A text alternative."""
        return f"{self.y.title} over {self.x.title} of {counted(len(self.rows), 'run')}. {self.association.said}."


def pairs_of(sweep: Sweep, x: str, y: str, *, colour: str | None, fixed: Fixed | None, protocol: str | None) -> Pairs:
    """Two numbers of the runs of a sweep. Raises ValueError for what it does not have."""
    table = Table.of(sweep, "scatter")
    across, up = table.number(x), table.number(y)
    shown = np.array(_shown(table, fixed, protocol), np.int64)
    rows = shown[np.isfinite(across.values[shown]) & np.isfinite(up.values[shown])]
    named = None if colour == "" else table.field(colour) if colour else next(iter(table.varying), None)
    found = spearman(across.values[rows].tolist(), up.values[rows].tolist())
    return Pairs(across, up, rows, named, found, tuple(f"{table.said(row)}, seed {table.seeds[row]}" for row in rows))


def _shown(table: Table, fixed: Fixed | None, protocol: str | None) -> list[int]:
    chosen = table.protocols[0] if protocol is None else protocol
    return [int(row) for row in table.rows(protocol=chosen, fixed=fixed or {})]


def _places(field: Field | None) -> Sequence[int | None]:
    return [None] if field is None else range(len(field.levels))


def _names(table: Table, fixed: Fixed | None) -> set[str]:
    return {table.field(name).name for name in fixed or {}}


def _said(
    lines: Sequence[Sequence[Mean]], left: Sequence[Field], table: Table, fixed: Fixed | None, protocol: str | None
) -> str:
    """Over what means are taken, and what their intervals are."""
    means = [mean for line in lines for mean in line]
    over = f", and over {', '.join(field.short for field in left)}" if left else ""
    said = [f"Mean over synthesis seeds{over}."]
    if any(mean.over == "seeds" for mean in means):
        said.append("Intervals: 95 %, Student's t over n seeds.")
    if any(mean.over == "students" for mean in means):
        said.append("With one seed they are over the students of the one synthesis, and say nothing of another.")
    elif any(mean.n == 1 for mean in means):
        said.append("With one seed there is no interval.")
    settings = {len({int(table.settings[row]) for row in mean.rows}) for mean in means if mean.rows}
    if left and len(settings) > 1:
        said.append("Some cells hold fewer settings than others.")
    if fixed:
        said.append(f"Only {', '.join(f'{table.field(name).short} = {level}' for name, level in fixed.items())}.")
    if len(table.protocols) > 1:
        said.append(f"Protocol {protocol or table.protocols[0]}.")
    return " ".join(said)
