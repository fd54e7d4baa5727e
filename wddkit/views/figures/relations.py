"""Runs as points, a distance against what their students reach, in groups; and how the two go together, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from wddkit.history.correlation import Correlation
from wddkit.history.relation import By, Given, columns, correlations, numbers, points, selected, strata
from wddkit.views.figures.words import counted, meaning, short

MOST = 6  # panels that a figure shows
_WIDE = 30.0  # ratio of largest to smallest above which only a logarithmic axis shows both
_TITLES = {"accuracy": "accuracy on test images, %", "gain": "accuracy minus that of random real images, % points"}


@dataclass(frozen=True, eq=False)
class Group:
    """Points of one group; `rank` is its place among all groups, the same in every panel."""

    name: str
    rank: int
    control: bool
    x: Float64[np.ndarray, " n"]
    y: Float64[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Panel:
    """The groups under the same terms: one data set, teacher, protocol and number of images."""

    title: str
    groups: tuple[Group, ...]

    @property
    def log(self) -> bool:
        """Whether a logarithmic axis shows the distances better."""
        x = np.concatenate([group.x for group in self.groups])
        return bool(x.min() > 0 and x.max() > _WIDE * x.min())


@dataclass(frozen=True, eq=False)
class Relation:
    """What is drawn: the panels with most points, how many there are, and the correlations by level."""

    x: str
    y: str
    by: str
    panels: tuple[Panel, ...]
    of: int
    levels: Mapping[str, Correlation]

    @property
    def said(self) -> tuple[str, ...]:
        """A line for each correlation."""
        names = {"within": f"within {self.by}", "across": f"across {self.by}"} if self.by else {}
        return tuple(
            f"{name}: {_said(self.levels[level], level)}" for level, name in {**names, "overall": "overall"}.items()
        )

    @property
    def caption(self) -> str:
        """What the marks are, and what is not shown."""
        less = f" The {len(self.panels)} of {self.of} terms with most runs are shown; ρ is over all." * (
            len(self.panels) < self.of
        )
        means = f" Large open marks: means over a {self.by}." if self.by else ""
        rho = " ρ: Spearman's, with its 95 % bootstrap interval; -1: the smaller the distance, the better."
        return f"{'Small marks' if self.by else 'Marks'}: runs.{means}{rho}{less}"

    @property
    def alt(self) -> str:
        """A text alternative."""
        return f"Runs: {title_of(self.y)} against {title_of(self.x)}. {'; '.join(self.said)}."


def relation_of(
    given: Given, *, x: str, y: str, by: By, protocol: str | None, controls: Sequence[str], seed: int
) -> Relation:
    """The points and their correlations; ValueError for columns that are not there, and where no run has both."""
    frame = selected(given, by=by, protocol=protocol, controls=controls)
    for name in (x, y):
        if name not in numbers(frame):
            raise ValueError(f"relation: no column of numbers {name!r}; expected one of {', '.join(numbers(frame))}")
    known = points(frame, x, y)
    if not len(known):
        raise ValueError(f"relation: no run has both {x!r} and {y!r}; evaluate runs with this version of wddkit")
    names = [_name(row) for row in known[columns(by)].itertuples(index=False, name=None)] if by else [""] * len(known)
    known = known.assign(_group=names)
    ranks = {name: i for i, name in enumerate(dict.fromkeys(_in_order(known)))}
    split = known.groupby(strata(known), sort=False, dropna=False) if strata(known) else [((), known)]
    panels = sorted((_panel(rows, x, y, ranks) for _, rows in split), key=_size, reverse=True)
    found = correlations(frame, x, y, by=by, seed=seed)
    return Relation(x, y, " and ".join(map(short, columns(by))), tuple(panels[:MOST]), len(panels), found)


def title_of(column: str) -> str:
    """What a column is, in words."""
    return _TITLES.get(column, meaning(column))


def _said(found: Correlation, level: str) -> str:
    if np.isnan(found.rho):
        return "ρ not defined (fewer than three points, or all alike)"
    interval = "no interval" if np.isnan(found.low) else f"{found.low:.2f} to {found.high:.2f}"
    return f"ρ = {found.rho:.2f} ({interval}), n = {found.n}{' groups' * (level == 'across')}"


def _in_order(frame: Any) -> list[str]:
    """Names of groups: methods before controls, each by name."""
    control = frame["control"].astype(bool) if "control" in frame else [False] * len(frame)
    pairs = {(bool(own), str(name)) for own, name in zip(control, frame["_group"], strict=True)}
    return [name for _, name in sorted(pairs)]


def _panel(frame: Any, x: str, y: str, ranks: Mapping[str, int]) -> Panel:
    said = [str(frame[name].iloc[0]) for name in ("dataset", "protocol") if name in frame]
    if "ipc" in frame and np.isfinite(ipc := float(frame["ipc"].iloc[0])):  # the whole real set has none
        said.append(f"{counted(round(ipc), 'image')} a class")
    groups = []
    for name, rank in ranks.items():
        own = frame[frame["_group"] == name]
        if len(own):
            control = bool("control" in own and own["control"].astype(bool).all())
            groups.append(Group(name, rank, control, own[x].to_numpy(float), own[y].to_numpy(float)))
    return Panel(", ".join(said), tuple(groups))


def _size(panel: Panel) -> int:
    return sum(len(group.x) for group in panel.groups)


def _name(values: Sequence[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
