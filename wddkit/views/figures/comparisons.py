"""A table of `wddkit.compare` as figures and written tables take it: groups of rows that may be compared."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

from wddkit.views.figures.words import CONTROLS, counted, short

if TYPE_CHECKING:
    import pandas

Frame: TypeAlias = "pandas.DataFrame"

WHOLE = "whole real set"
LEVEL = 0.05
_NEEDED = (
    *("dataset", "protocol", "ipc", "set", "labels", "network", "mean", "low", "high", "interval"),
    *("gain", "gain_low", "gain_high", "p_holm", "label_bits", "best"),
)


@dataclass(frozen=True)
class Gain:
    """A gain in percentage points over some set, with its 95 % interval and corrected p; NaN: none."""

    over: str
    mean: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Dot:
    """One row: accuracy and gain over random images in percentage points, with 95 % intervals; NaN: none."""

    name: str
    control: bool
    mean: float
    low: float
    high: float
    over: str  # what the interval is over
    gain: float
    gain_low: float
    gain_high: float
    p: float  # corrected
    bits: float  # of labels, an image
    best: bool
    detectable: float  # gain over random images
    chosen: Gain  # over the best real images that were chosen by a rule

    @property
    def sure(self) -> bool:
        """Whether the gain stands after correction for the number of tests."""
        return self.p < LEVEL


@dataclass(frozen=True)
class Panel:
    """Rows that were measured under one protocol at one number of images: best first, the whole real set above all."""

    dataset: str
    protocol: str
    network: str
    ipc: int | None
    dots: tuple[Dot, ...]

    @property
    def size(self) -> str:
        """The number of images, to be added to a name."""
        return "" if self.ipc is None else f", {counted(self.ipc, 'image')} a class"

    @property
    def title(self) -> str:
        """What the rows share."""
        on = "" if "@" in self.protocol else f", students: {short(self.network, most=40)}"
        return f"{short(self.dataset, most=30)}{self.size}: protocol {short(self.protocol, most=40)}{on}"


@dataclass(frozen=True)
class Way:
    """One set under several protocols, by label bits."""

    name: str
    control: bool
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Trade:
    """What the same sets reach with more and more label bits, and the protocols by their bits."""

    title: str
    ways: tuple[Way, ...]
    marks: tuple[tuple[float, str], ...]


def panels_of(frame: Frame, *, what: str) -> tuple[Panel, ...]:
    """The groups of a table. Raises ValueError, in the name of `what`, for one that `wddkit.compare` does not give."""
    missing = [name for name in _NEEDED if name not in getattr(frame, "columns", ())]
    if missing:
        raise ValueError(
            f"{what}: expected the table of wddkit.compare, got {type(frame).__name__} without {', '.join(missing)}"
        )
    if not len(frame):
        raise ValueError(f"{what}: the table has no rows")
    records = frame.to_dict("records")
    groups: dict[tuple[str, str, int | None], list[dict[Any, Any]]] = {}
    for row in records:
        if row["set"] != WHOLE:
            groups.setdefault((row["dataset"], row["protocol"], _whole_number(row["ipc"])), []).append(row)
    for row in records:  # it has no ipc: beside all of its data set and protocol, alone if there are none
        if row["set"] == WHOLE:
            place = (row["dataset"], row["protocol"])
            for own in [own for own in groups if own[:2] == place] or [(*place, None)]:
                groups.setdefault(own, []).append(row)
    return tuple(
        Panel(dataset, protocol, str(rows[0]["network"]), ipc, _dots(rows))
        for (dataset, protocol, ipc), rows in groups.items()
    )


def trades_of(frame: Frame, *, what: str) -> tuple[Trade, ...]:
    """The groups of a table that differ in the labels alone.

    Without the whole real set, whose teacher is shared among more images. Raises ValueError as `panels_of` does, and
    where no group has two protocols.
    """
    groups: dict[tuple[str, int | None, str], list[Panel]] = {}
    for panel in panels_of(frame, what=what):
        groups.setdefault((panel.dataset, panel.ipc, panel.network), []).append(panel)
    found = tuple(_trade(panels) for panels in groups.values() if len(panels) > 1)
    if not found:
        raise ValueError(
            f"{what}: expected sets under several protocols; compare(..., protocols=['hard', 'soft']) gives them"
        )
    return found


def _trade(panels: Sequence[Panel]) -> Trade:
    shown = [[dot for dot in panel.dots if dot.name != CONTROLS[WHOLE]] for panel in panels]
    ways: dict[str, list[Dot]] = {}
    for dots in shown:
        for dot in dots:
            ways.setdefault(dot.name, []).append(dot)
    order = sorted(ways.items(), key=lambda way: (way[1][0].control, -way[1][0].mean))
    first = panels[0]
    return Trade(
        f"{short(first.dataset, most=30)}{first.size}: students on {short(first.network, most=40)}",
        tuple(Way(name, dots[0].control, tuple(sorted(dots, key=lambda dot: dot.bits))) for name, dots in order),
        tuple((dots[0].bits, panel.protocol) for panel, dots in zip(panels, shown, strict=True) if dots),
    )


def said_below(dots: Sequence[Dot], *, gains: bool) -> str:
    """What bars and marks are, in sentences."""
    over = dict.fromkeys(dot.over for dot in dots if not math.isnan(dot.low))
    said = [f"Bars: 95 % t-intervals over {' or '.join(over).replace('students only', 'students')}." if over else ""]
    if "students only" in over:
        said.append("Over students alone, they do not tell how another seed of the distillation would do.")
    if gains and any(not math.isnan(dot.gain) for dot in dots):
        said.append(
            "Gain: difference to random real images under the same seeds, in percentage points; filled where p < 0.05 "
            "after Holm's correction for all tests of the panel's data set and protocol."
        )
    if gains and any(dot.best for dot in dots):
        said.append("Bold: above all others of the panel by paired intervals.")
    return " ".join(filter(None, said))


def alt_of(panels: Iterable[Panel]) -> str:
    """A text alternative."""
    return " ".join(
        f"{panel.title}: " + "; ".join(f"{dot.name} {_numbers(dot)}" for dot in panel.dots) + "." for panel in panels
    )


def trades_alt(trades: Iterable[Trade]) -> str:
    """A text alternative."""
    return " ".join(
        f"{trade.title}: "
        + "; ".join(
            f"{way.name} " + ", ".join(f"{dot.mean:.1f} % at {bits_said(dot.bits)} bits" for dot in way.dots)
            for way in trade.ways
        )
        + "."
        for trade in trades
    )


def bits_said(bits: float) -> str:
    """A number of bits, in as many digits as are needed."""
    return f"{bits:,.0f}" if bits >= 10 or bits == round(bits) else f"{bits:.1f}"


def signed(value: float) -> str:
    """A difference with its sign."""
    return f"{value:+.1f}".replace("-", "−")


def _numbers(dot: Dot) -> str:
    return f"{dot.mean:.1f} %" + ("" if math.isnan(dot.gain) else f", {signed(dot.gain)} over random")


def _dots(rows: Sequence[dict[Any, Any]]) -> tuple[Dot, ...]:
    names = [str(row["set"]) for row in rows]
    dots = [_dot(row, alone=names.count(str(row["set"])) == 1) for row in rows]
    return tuple(sorted(dots, key=lambda dot: (dot.name != CONTROLS[WHOLE], -dot.mean)))


def _dot(row: dict[Any, Any], *, alone: bool) -> Dot:
    name, control = str(row["set"]), row["set"] in CONTROLS
    tested = name != WHOLE  # nobody claims that all images are better than some
    told = CONTROLS.get(name, name)
    if not alone:
        settings = row["settings"] if isinstance(row.get("settings"), str) else ""  # an empty one is read as NaN
        told = f"{told} ({settings or PurePath(str(row.get('run', ''))).name or 'as given'})"
    return Dot(
        name=told,
        control=control,
        over=str(row["interval"]),
        mean=float(row["mean"]),
        low=float(row["low"]),
        high=float(row["high"]),
        gain=float(row["gain"]) if tested else math.nan,
        gain_low=float(row["gain_low"]) if tested else math.nan,
        gain_high=float(row["gain_high"]) if tested else math.nan,
        p=float(row["p_holm"]),
        bits=float(row["label_bits"]),
        best=bool(row["best"]),
        detectable=_number(row, "detectable"),
        chosen=_chosen(row),
    )


def _chosen(row: dict[Any, Any]) -> Gain:
    name = row["selection"] if isinstance(row.get("selection"), str) else ""  # an empty one is read as NaN
    columns = ("gain_selection", "gain_selection_low", "gain_selection_high", "p_selection_holm")
    return Gain(CONTROLS.get(name, name), *(_number(row, each) for each in columns))


def _number(row: dict[Any, Any], name: str) -> float:
    """The value of a column that not every table has."""
    return float(row.get(name, math.nan))


def _whole_number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):  # pandas' NA, NaN
        return None
