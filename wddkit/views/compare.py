"""Runs side by side under one slider."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from PIL import Image

from wddkit.history import History
from wddkit.views import assets
from wddkit.views.explorer import KEPT, LOOK, checked_look, summary
from wddkit.views.payload import BYTES, payload

MOST = 4  # more columns would be too narrow to see anything


class CompareExplorer(anywidget.AnyWidget):
    """Two to four runs side by side, under one slider: each at the same share of its own phases.

    `step` is a position on the time line that they share; `classes`, `projection`, `look`, `selected` and `picked` are
    those of `Explorer`, for all runs at once: an image, named by its position in the distilled set of the largest run
    (the first of them), is the j-th of its class in every run. `names` stand over the columns; without them, what
    differs in the settings does. Together the runs have as much room as one has in an Explorer.
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
        sent = [payload(history, limit=BYTES // len(histories)) for history in histories]
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

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget, and a picture of each run for where no widget can live."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return bundle
        from wddkit.views.figures import overview

        drawn = [overview(history)._repr_png_() for history in self._histories]
        alt = " ".join(f"{name}: {about['alt']}" for name, (_, about) in zip(self.names, drawn, strict=True))
        png = {**drawn[0][1], "alt": alt}
        return {**bundle[0], "image/png": _stacked([data for data, _ in drawn])}, {**bundle[1], "image/png": png}

    @traitlets.validate("step")
    def _valid_step(self, proposal: dict[str, Any]) -> int:
        early = max(meta["barycenter_steps"] for meta in self.metas)
        count: int = early + max(len(meta["timeline"]) - meta["barycenter_steps"] for meta in self.metas)
        if not -count <= proposal["value"] < count:
            raise traitlets.TraitError(
                f"step {proposal['value']} of a shared time line of {count}; expected 0 to {count - 1}"
            )
        return int(proposal["value"]) % count

    @traitlets.validate("classes")
    def _valid_classes(self, proposal: dict[str, Any]) -> list[int]:
        known = len(self.metas[0]["classes"])
        if wrong := [label for label in proposal["value"] if not 0 <= label < known]:
            raise traitlets.TraitError(
                f"classes: no label {wrong[0]}; expected labels from 0 to {known - 1}, or [] for all"
            )
        return sorted(set(proposal["value"]))

    @traitlets.validate("projection")
    def _valid_projection(self, proposal: dict[str, Any]) -> str:
        known = list(dict.fromkeys(each["key"] for meta in self.metas for each in meta["projections"]))
        if proposal["value"] not in [*known, ""]:
            raise traitlets.TraitError(
                f"projection {proposal['value']!r}: these runs have {', '.join(map(repr, known)) or 'none'}"
            )
        return str(proposal["value"])

    @traitlets.validate("look")
    def _valid_look(self, proposal: dict[str, Any]) -> dict[str, Any]:
        return checked_look(proposal["value"])


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
    numbered = [", ".join(filter(None, (name, f"run {r + 1}"))) for r, name in enumerate(named)]
    return [name if name and named.count(name) == 1 else numbered[r] for r, name in enumerate(named)]


def _stacked(pictures: Sequence[bytes]) -> str:
    """PNG pictures below each other, as one in base64."""
    opened = [Image.open(io.BytesIO(data)).convert("RGB") for data in pictures]
    whole = Image.new("RGB", (max(each.width for each in opened), sum(each.height for each in opened)), "white")
    y = 0
    for each in opened:
        whole.paste(each, (0, y))
        y += each.height
    buffer = io.BytesIO()
    whole.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
