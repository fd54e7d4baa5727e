"""Accuracies of several runs or tables, in order to draw them against the number of images per class."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from wddkit.history import History
from wddkit.history.tables import interval
from wddkit.views.figures.words import CONTROLS, counted, short

if TYPE_CHECKING:
    import pandas

Source: TypeAlias = "History | pandas.DataFrame"
Given: TypeAlias = "Source | Sequence[Source] | Mapping[str, Source | Sequence[Source]]"


@dataclass(frozen=True)
class Point:
    """Accuracy in percent of one set at one ipc, with its 95 % interval and what that is over; NaN: no interval."""

    name: str  # of the line: the given name, else that of the set
    panel: tuple[str, str]  # data set, protocol
    control: bool
    beside: str  # name of the line that a control was recorded beside
    ipc: float  # NaN: does not depend on it
    accuracy: float
    low: float
    high: float
    over: str  # "3 syntheses", "3 students"


@dataclass(frozen=True)
class Line:
    """Points of one set, by ipc; `rank` is its place among all lines, the same in every panel."""

    rank: int
    name: str
    control: bool
    points: tuple[Point, ...]

    @property
    def level(self) -> bool:
        """Whether it does not depend on ipc: the whole real set."""
        return all(math.isnan(point.ipc) for point in self.points)


def lines_of(results: Given) -> dict[tuple[str, str], tuple[Line, ...]]:
    """Lines by (data set, protocol), methods before controls.

    Histories that differ in the seed alone are syntheses of one point. Controls of one name are one line as long as
    they agree; where not, each stands beside its own run. Raises ValueError for nothing given, for what is no table of
    results, and where two results would stand on one place.
    """
    points = [point for name, sources in _named(results).items() for point in _points(name, sources)]
    if not points:
        raise ValueError("accuracy_by_ipc: the given runs hold no results; evaluate them first")
    panels: dict[tuple[str, str], list[Point]] = {}
    for point in dict.fromkeys(points):
        panels.setdefault(point.panel, []).append(point)
    return _ranked({panel: _lines(found) for panel, found in panels.items()})


def panel_said(panel: tuple[str, str]) -> str:
    """Data set and protocol of a panel."""
    return ", ".join(short(part, most=30) for part in panel if part)


def aside(i: int, n: int) -> float:
    """What the i-th of n lines multiplies ipc by: bars at one ipc would hide each other."""
    return float(1.025 ** (i - (n - 1) / 2))


def intervals_said(points: Iterable[Point]) -> str:
    """What the intervals of some points are over, in a sentence."""
    found = list(points)
    over = dict.fromkeys(point.over for point in found if not math.isnan(point.low))
    said = f"Bars and bands: 95 % t-intervals of the mean over {' or '.join(over)}." if over else ""
    if any(math.isnan(point.low) for point in found):
        said += " No bar: a single value."
    if any("student" in each for each in over):
        said += " Over students alone, they do not tell how another seed of the distillation would do."
    return said.strip()


def _named(results: Given) -> dict[str, list[Source]]:
    """Sources by the name that the caller gave, "" if none."""
    groups: Mapping[str, Any] = results if isinstance(results, Mapping) else {"": results}
    named = {
        str(name): list(group) if isinstance(group, Sequence) and not isinstance(group, str) else [group]
        for name, group in groups.items()
    }
    if not any(named.values()):
        raise ValueError("accuracy_by_ipc: no results were given; expected histories or tables of results")
    return named


def _points(name: str, sources: Sequence[Source]) -> list[Point]:
    found = []
    runs: dict[str, list[History]] = {}
    for source in sources:
        if isinstance(source, History):
            config = {key: value for key, value in source.config.as_dict().items() if key != "seed"}
            # Without a config nobody knows whether two runs are syntheses of one thing.
            runs.setdefault(json.dumps(config, sort_keys=True) if config else str(id(source)), []).append(source)
        else:
            found += _table_points(name, source)
    for group in runs.values():
        found += _run_points(name, group)
    return found


def _run_points(name: str, histories: Sequence[History]) -> list[Point]:
    """Points of runs of one config: of each protocol and set, one."""
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    owners: dict[str, str] = {}
    # The same seed again is no second synthesis.
    for history in {history.config.get("seed", id(history)): history for history in histories}.values():
        for value in history.source.results():
            protocol = str(value["protocol"]["name"])
            for row in value["rows"]:
                owners.setdefault(protocol, str(row["set"]))  # a run records its own set before its controls
                rows.setdefault((protocol, str(row["set"])), []).append(row)
    dataset = str(histories[0].config.get("dataset", ""))
    return [
        _run_point(name, (dataset, protocol), own, each, owner=owners[protocol])
        for (protocol, own), each in rows.items()
    ]


def _run_point(name: str, panel: tuple[str, str], own: str, rows: Sequence[Mapping[str, Any]], *, owner: str) -> Point:
    """One set's point: over syntheses where there are several, else over the students of the one."""
    means = [float(np.mean(row["accuracies"])) for row in rows]
    several = len(means) > 1
    low, high = interval(means if several else rows[0]["accuracies"])
    students = len(rows[0]["accuracies"])
    control = own != owner
    return Point(
        name=own if control or not name else name,
        panel=panel,
        control=control,
        beside=(name or owner) if control else "",
        ipc=_number(rows[0].get("ipc")),
        accuracy=float(np.mean(means)),
        low=low,
        high=high,
        over=counted(len(means), "synthesis", "syntheses") if several else counted(students, "student"),
    )


def _table_points(name: str, table: Any) -> list[Point]:
    """Points of a table as `history.results` or `wddkit.compare` give it."""
    columns = set(getattr(table, "columns", ()))
    mean = "mean" if "mean" in columns else "accuracy"
    if missing := {"set", "ipc", "low", "high", "protocol", mean} - columns:
        raise ValueError(
            f"accuracy_by_ipc: expected histories, or tables as history.results or wdd.compare give them; got "
            f"{type(table).__name__} without {', '.join(sorted(missing))}"
        )
    found, owner = [], ""
    for row in table.to_dict("records"):
        control = row["set"] in CONTROLS
        owner = owner if control else str(row["set"])
        over = row.get("interval") or counted(int(row.get("n", 1)), "student")
        if over == "students only":
            over = counted(int(row["students"]), "student")
        found.append(
            Point(
                name=str(row["set"]) if control or not name else name,
                panel=(str(row.get("dataset", "")), str(row["protocol"])),
                control=control,
                beside=(name or owner) if control else "",
                ipc=_number(row["ipc"]),
                accuracy=float(row[mean]),
                low=_number(row["low"]),
                high=_number(row["high"]),
                over=over,
            )
        )
    return found


def _lines(points: Sequence[Point]) -> tuple[Line, ...]:
    """Lines of one panel. Controls that do not agree are told apart by the line that they stand beside."""
    points = _merged(points)
    split = {point.name for point in points if point.control and sum(_same_place(point, other) for other in points) > 1}
    lines: dict[tuple[str, bool], list[Point]] = {}
    for point in points:
        name = point.name
        if point.control:
            name = CONTROLS.get(name, name) + (f" beside {short(point.beside)}" if point.name in split else "")
        lines.setdefault((name, point.control), []).append(point)
    for (name, _), found in lines.items():
        # What does not depend on ipc may have been measured beside each of several runs.
        places = [point.ipc for point in found if not math.isnan(point.ipc)]
        if twice := [ipc for i, ipc in enumerate(places) if ipc in places[:i]]:
            raise ValueError(
                f"accuracy_by_ipc: two results for {name!r} at {twice[0]:g} image{'s' * (twice[0] != 1)} per class "
                f"under protocol {found[0].panel[1]!r}; give them names: "
                f"{{'one': [...], 'other': [...]}}"
            )
    return tuple(
        Line(0, name, control, tuple(sorted(found, key=lambda point: point.ipc)))
        for (name, control), found in lines.items()
    )


def _ranked(panels: Mapping[tuple[str, str], Sequence[Line]]) -> dict[tuple[str, str], tuple[Line, ...]]:
    """The lines with one rank for each name, methods first, and in that order."""
    lines = [line for found in panels.values() for line in found]
    order = sorted(dict.fromkeys((line.control, line.level, line.name) for line in lines), key=lambda key: key[:2])
    ranks = {key: rank for rank, key in enumerate(order)}
    return {
        panel: tuple(
            sorted(
                (replace(line, rank=ranks[line.control, line.level, line.name]) for line in found),
                key=lambda line: line.rank,
            )
        )
        for panel, found in panels.items()
    }


def _merged(points: Sequence[Point]) -> list[Point]:
    """Without controls that equal another's in all but the line that they stand beside."""
    seen: dict[Point, Point] = {}
    for point in points:
        seen.setdefault(
            replace(point, beside="", ipc=_key(point.ipc), low=_key(point.low), high=_key(point.high)), point
        )
    return list(seen.values())


def _same_place(one: Point, other: Point) -> bool:
    return one.control and other.control and one.name == other.name and one.ipc == other.ipc


def _key(number: float) -> float:
    """The number, or -1 for NaN, which is not even equal to itself."""
    return -1.0 if math.isnan(number) else number


def _number(value: Any) -> float:
    """The value as a float; NaN for what is missing, be it None, NaN or pandas' NA."""
    try:
        return float("nan") if value is None else float(value)
    except TypeError:
        return float("nan")
