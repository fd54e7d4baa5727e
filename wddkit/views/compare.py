"""Runs side by side under one slider."""

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from PIL import Image

from wddkit.history import History
from wddkit.views import assets
from wddkit.views.explorer import summary
from wddkit.views.linked import KEPT, Known, LinkedView
from wddkit.views.payload import BYTES, payload
from wddkit.views.scene.facts import recorded, turned
from wddkit.views.selection import COLUMNS, Seen, named, rows
from wddkit.views.showing import Bundle, Drawn, with_picture

if TYPE_CHECKING:
    import pandas

MOST = 4  # more columns would be too narrow to see anything


class CompareExplorer(LinkedView):
    """Two to four runs side by side, under one slider: each at the same share of its own phases.

    `step` is a position on the time line that they share; `classes`, `projection`, `look`, `selected` and `picked` are
    those of `Explorer`, for all runs at once: an image, named by its position in the distilled set of the largest run
    (the first of them), is the j-th of its class in every run. `names` stand over the columns; without them, what
    differs in the settings, or was turned by hand, does. Together the runs have as much room as one has in an Explorer.
    Raises ValueError for another number of runs, and for runs of different classes.
    """

    _esm = assets.module("compare")
    _css = assets.style()

    metas = traitlets.List(traitlets.Dict()).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    differences = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)

    def __init__(self, histories: Sequence[History], *, names: Sequence[str] | None = None) -> None:
        if isinstance(histories, (str, Path, History)) or not isinstance(histories, Iterable):
            histories = (recorded(histories, "CompareExplorer"),)
        histories = tuple(recorded(history, "CompareExplorer") for history in histories)
        if not 2 <= len(histories) <= MOST:
            raise ValueError(f"CompareExplorer: expected 2 to {MOST} runs as a list, got {len(histories)}")
        classes = {history.distilled.classes for history in histories}
        if len(classes) > 1:
            raise ValueError(
                "CompareExplorer: the runs have different classes, so that their images cannot stand side by side: "
                + "; ".join(", ".join(own[:5]) for own in sorted(classes))
            )
        if isinstance(names, str):
            raise ValueError(f"CompareExplorer: names are {names!r}; expected a list of texts, one for each run")
        if names is not None and len(names) != len(histories):
            raise ValueError(f"CompareExplorer: {len(names)} names for {len(histories)} runs; expected one each")
        self._histories = histories
        sent = [payload(history, limit=BYTES // len(histories)) for history in histories]
        differing = [*differences([dict(history.config) for history in histories]), *_turned(histories)]
        super().__init__(
            metas=[dict(each.meta) for each in sent],
            buffers={f"{r}/{name}": data for r, each in enumerate(sent) for name, data in each.buffers.items()},
            names=list(names) if names is not None else _names(histories, differing),
            differences=differing,
        )

    @property
    def timeline(self) -> list[tuple[str, int]]:
        """The moments that the runs share, with the phases and steps of the run that has most of them."""
        early = max((meta["timeline"][: meta["barycenter_steps"]] for meta in self.metas), key=len)
        late = max((meta["timeline"][meta["barycenter_steps"] :] for meta in self.metas), key=len)
        return [(moment["phase"], moment["step"]) for moment in [*early, *late]]

    def selection(self) -> "pandas.DataFrame":
        """What is selected or circled in each run, as `Explorer.selection` with the run's name in `run` before it."""
        import pandas as pd

        chosen = [self.selected] if self.selected >= 0 else []
        found = []
        for r, name in enumerate(self.names):
            seen = self._seen(r, list(dict.fromkeys([*chosen, *self.picked])))
            found += [(name, *row) for row in rows(seen)]
        return pd.DataFrame(found, columns=("run", *COLUMNS))

    @property
    def histories(self) -> tuple[History, ...]:
        """The runs that are shown."""
        return self._histories

    def to_html(self, path: Path | str) -> Path:
        """Writes the comparison as one file that needs neither kernel nor network; returns its path."""
        return assets.write(path, assets.page(self.form()))

    def form(self) -> assets.Form:
        """What a page needs of the comparison as it stands now."""
        traits = (*KEPT, "metas", "names", "differences", "bookmarks", "stops", "presenter")
        state = {name: getattr(self, name) for name in traits}
        about = " ".join(f"{name}: {summary(meta)}" for name, meta in zip(self.names, self.metas, strict=True))
        return assets.Form("compare", state, self.buffers, f"Comparison: {', '.join(self.names)}", about)

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle | None:
        """The widget, and a picture of each run for where no widget can live."""
        from wddkit.views.figures import overview

        def drawn() -> Drawn:
            each = [overview(history)._repr_png_() for history in self._histories]
            alt = " ".join(f"{name}: {about['alt']}" for name, (_, about) in zip(self.names, each, strict=True))
            return _stacked([png for png, _ in each]), {"alt": alt}

        return with_picture(super()._repr_mimebundle_(**kwargs), drawn)

    @traitlets.validate("names")
    def _valid_names(self, proposal: dict[str, Any]) -> list[str]:
        if len(proposal["value"]) != len(self.metas):
            raise traitlets.TraitError(
                f"names: {len(proposal['value'])} names for {len(self.metas)} runs; expected one each"
            )
        return list(proposal["value"])

    @property
    def _largest(self) -> int:
        """The run that names the images: the first of those with most of them."""
        sizes = [len(self.buffers.get(f"{r}/labels", b"")) for r in range(len(self.metas))]
        return sizes.index(max(sizes))

    def _own(self, r: int) -> dict[str, bytes]:
        before = f"{r}/"
        return {name.removeprefix(before): data for name, data in self.buffers.items() if name.startswith(before)}

    def _known(self) -> Known:
        r, early, late = self._largest, *_shared(self.metas)
        return Known(
            of=f"a shared time line of {early + late}",
            have="these runs have",
            steps=early + late,
            images=named(self.metas[r], self._own(r)),
            real=np.frombuffer(self.buffers.get(f"{r}/real/indices", b""), "<i4"),
            classes=len(self.metas[0]["classes"]),
            projections=tuple(dict.fromkeys(each["key"] for meta in self.metas for each in meta["projections"])),
        )

    def _seen(self, r: int, positions: Sequence[int]) -> Seen:
        """A run as its column shows it, `positions` being those of the largest run."""
        meta, own, large = self.metas[r], self._own(r), self._own(self._largest)
        names = named(self.metas[self._largest], large)
        places = {name: position for position, name in named(meta, own).items()}
        images = tuple(places[names[each]] for each in positions if names[each] in places)
        # As in the browser: real images are the same ones where their labels are.
        same = own.get("real/labels") == large.get("real/labels")
        keys = [each["key"] for each in meta["projections"]]
        plane = self.projection if self.projection in keys else next(iter(keys), "")
        return Seen(meta, own, _step_of(self.metas, r, self.step), plane, images, tuple(self.real * same))


def _shared(metas: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many barycenter steps and how many snapshots are on the time line that the runs share."""
    early = max(meta["barycenter_steps"] for meta in metas)
    return early, max(len(meta["timeline"]) - meta["barycenter_steps"] for meta in metas)


def _step_of(metas: Sequence[Mapping[str, Any]], r: int, step: int) -> int:
    """A run's own step at a step of the shared time line, as `stepOf` in compare.js."""
    early, late = _shared(metas)
    first, own = metas[r]["barycenter_steps"], len(metas[r]["timeline"]) - metas[r]["barycenter_steps"]

    def share(i: int, of: int, to: int) -> int:
        return math.floor(i * (to - 1) / (of - 1) + 0.5) if of > 1 else 0

    if step < early and first:
        return share(step, early, first)
    return int(first + (0 if step < early else share(step - early, late, own)))


def differences(configs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row [dotted field, value in each config as text] for every field in which the configs differ."""
    flat = [_flat(config) for config in configs]
    fields = list(dict.fromkeys(field for own in flat for field in own))
    rows = [[field, *(str(own.get(field, "–")) for own in flat)] for field in fields]
    return [row for row in rows if len(set(row[1:])) > 1]


def _turned(histories: Sequence[History]) -> list[list[str]]:
    """A row of what was turned by hand in each run, such as in a fork, if it is not the same in all of them."""
    said = [turned(history) or "nothing" for history in histories]
    return [["turned by hand", *said]] if len(set(said)) > 1 else []


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


def _stacked(pictures: Sequence[bytes]) -> bytes:
    """PNG pictures below each other, as one."""
    opened = [Image.open(io.BytesIO(data)).convert("RGB") for data in pictures]
    whole = Image.new("RGB", (max(each.width for each in opened), sum(each.height for each in opened)), "white")
    y = 0
    for each in opened:
        whole.paste(each, (0, y))
        y += each.height
    buffer = io.BytesIO()
    whole.save(buffer, "PNG")
    return buffer.getvalue()
