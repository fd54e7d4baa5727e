"""Runs side by side under one slider."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from wddkit.history import History
from wddkit.views import assets
from wddkit.views.explorer import KEPT, LOOK, summary
from wddkit.views.payload import payload

MOST = 4  # more columns would be too narrow to see anything


class CompareExplorer(anywidget.AnyWidget):
    """Two to four runs side by side, under one slider: each at the same share of its own phases.

    `step` is a position on the time line that they share; `selected`, `classes`, `projection` and `look` are those of
    `Explorer`, for all runs at once. `names` stand over the columns; without them, what differs in the settings does.
    Raises ValueError for another number of runs, and for runs of different classes.
    """

    _esm = assets.module("compare")
    _css = assets.style()

    metas = traitlets.List(traitlets.Dict()).tag(sync=True)
    buffers = traitlets.Dict().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    differences = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    classes = traitlets.List(traitlets.Int()).tag(sync=True)
    projection = traitlets.Unicode("").tag(sync=True)
    look = traitlets.Dict(dict(LOOK)).tag(sync=True)
    picked = traitlets.List(traitlets.Int()).tag(sync=True)
    real = traitlets.List(traitlets.Int()).tag(sync=True)
    bookmarks = traitlets.List(traitlets.Dict()).tag(sync=True)
    presenter = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, histories: Sequence[History], *, names: Sequence[str] | None = None) -> None:
        histories = tuple(histories)
        if not 2 <= len(histories) <= MOST:
            raise ValueError(f"CompareExplorer: expected 2 to {MOST} runs, got {len(histories)}")
        classes = {history.distilled.classes for history in histories}
        if len(classes) > 1:
            raise ValueError(
                "CompareExplorer: the runs have different classes, so that their images cannot stand side by side: "
                + "; ".join(", ".join(own[:5]) for own in sorted(classes))
            )
        if names is not None and len(names) != len(histories):
            raise ValueError(f"CompareExplorer: {len(names)} names for {len(histories)} runs; expected one each")
        self._histories = histories
        sent = [payload(history) for history in histories]
        rows = differences([dict(history.config) for history in histories])
        super().__init__(
            metas=[dict(each.meta) for each in sent],
            buffers={f"{r}/{name}": data for r, each in enumerate(sent) for name, data in each.buffers.items()},
            names=list(names) if names is not None else _names(histories, rows),
            differences=rows,
        )

    @property
    def histories(self) -> tuple[History, ...]:
        """The runs that are shown."""
        return self._histories

    def to_html(self, path: Path | str) -> Path:
        """Writes the comparison as one file that needs neither kernel nor network; returns its path."""
        path = Path(path)
        traits = (*KEPT, "metas", "names", "differences", "bookmarks", "presenter")
        state = {name: getattr(self, name) for name in traits}
        about = " ".join(f"{name}: {summary(meta)}" for name, meta in zip(self.names, self.metas, strict=True))
        title = f"Comparison: {', '.join(self.names)}"
        path.write_text(assets.page("compare", state, self.buffers, title=title, summary=about), encoding="utf-8")
        return path

    @traitlets.validate("step")
    def _valid_step(self, proposal: dict[str, Any]) -> int:
        early = max(meta["barycenter_steps"] for meta in self.metas)
        count = early + max(len(meta["timeline"]) - meta["barycenter_steps"] for meta in self.metas)
        if not -count <= proposal["value"] < count:
            raise traitlets.TraitError(
                f"step {proposal['value']} of a shared time line of {count}; expected 0 to {count - 1}"
            )
        return int(proposal["value"]) % count


def differences(configs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row [dotted field, value in each config as text] for every field in which the configs differ."""
    flat = [_flat(config) for config in configs]
    fields = list(dict.fromkeys(field for own in flat for field in own))
    rows = [[field, *(str(own.get(field, "–")) for own in flat)] for field in fields]
    return [row for row in rows if len(set(row[1:])) > 1]


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, each in value.items():
        dotted = f"{before}{name}"
        found |= _flat(each, f"{dotted}.") if isinstance(each, Mapping) else {dotted: each}
    return found


def _names(histories: Sequence[History], rows: Sequence[Sequence[str]]) -> list[str]:
    """What is special of each run, in a few words; a number where nothing is."""
    few = rows[:2]
    named = [", ".join(f"{row[0].split('.')[-1]} {row[r + 1]}" for row in few) for r in range(len(histories))]
    return [name or f"run {r + 1}" for r, name in enumerate(named)]
