"""The AblationBrowser: one linked view over a sweep, a widget in a notebook and the same thing as a page."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from wddkit.history import Sweep
from wddkit.views import assets
from wddkit.views.ablation import checks
from wddkit.views.ablation.pages import form_of
from wddkit.views.ablation.runs import PART_BYTES, Runs
from wddkit.views.ablation.sending import sent
from wddkit.views.showing import Bundle, Drawn, with_picture
from wddkit.views.sweeps import Table, groups

if TYPE_CHECKING:
    import pandas

KEPT = (
    *("value", "rows", "columns", "fixed", "protocol", "x", "y", "colour", "axes", "brush"),
    *("selected", "opened", "presenter"),
)  # all that can be set, and that a page begins with


class AblationBrowser(anywidget.AnyWidget):
    """A sweep to explore: a heat map, main effects, scatter, parallel coordinates and a list of runs, all linked.

    `value` is the measured column shown (accuracy, gain, w2_squared_heldout, ...); `rows` and `columns` the fields of
    the heat map ("" for none); `fixed` the levels of other fields, {"method.ipc": 10}; over fields that it leaves out
    the mean is taken; `protocol` one of the sweep's. `selected` are positions of rows of `sweep.frame`, which every
    part shows, and `opened` those whose runs are open: one in an Explorer, two to four side by side. `brush` keeps,
    on axes of the parallel coordinates, levels of a field or [lowest, highest] of a value, and selects what is within;
    `axes` are the values that have an axis; `x`, `y` and `colour` are those of the scatter. All can be read and set in
    the next cell. A run is asked of the kernel when it is opened.

        view = wdd.AblationBrowser(sweep)
        view                              # shows it
        view.value, view.selected, view.selection(), view.cells()
        view.to_html("ablation.html")     # the same as one file with all runs in it, without kernel or network

    Raises ValueError for a sweep without runs.
    """

    _esm = assets.module("ablation")
    _css = assets.style()

    table = traitlets.Dict().tag(sync=True)
    value = traitlets.Unicode("").tag(sync=True)
    rows = traitlets.Unicode("").tag(sync=True)
    columns = traitlets.Unicode("").tag(sync=True)
    fixed = traitlets.Dict().tag(sync=True)
    protocol = traitlets.Unicode("").tag(sync=True)
    x = traitlets.Unicode("").tag(sync=True)
    y = traitlets.Unicode("").tag(sync=True)
    colour = traitlets.Unicode("").tag(sync=True)
    axes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    brush = traitlets.Dict().tag(sync=True)
    selected = traitlets.List(traitlets.Int()).tag(sync=True)
    opened = traitlets.List(traitlets.Int()).tag(sync=True)
    presenter = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(
        self,
        sweep: Sweep,
        *,
        value: str | None = None,
        rows: str | None = None,
        columns: str | None = None,
        fixed: Mapping[str, Any] | None = None,
        protocol: str | None = None,
    ) -> None:
        self._table = Table.of(sweep, "AblationBrowser")
        self._runs = Runs.of(self._table)
        asked = {"value": value, "rows": rows, "columns": columns, "fixed": fixed, "protocol": protocol}
        given = {name: each for name, each in asked.items() if each is not None}
        try:
            state = checks.first_state(self._table, given)
        except ValueError as error:
            raise ValueError(f"AblationBrowser: {error}") from None
        super().__init__(table=sent(self._table, self._runs), **state)
        self.on_msg(self._asked)

    @property
    def sweep(self) -> Sweep:
        """The sweep that is shown."""
        return self._table.sweep

    def selection(self) -> "pandas.DataFrame":
        """The selected rows of `sweep.frame`."""
        return self.sweep.frame.iloc[self.selected]

    def cells(self) -> "pandas.DataFrame":
        """What the heat map shows, one row a cell.

        The levels of its fields, the `mean`, its 95 % interval `low` to `high` (NaN: none), the number `n` of synthesis
        seeds (0: no seed was run with all that the mean is over), what the interval is `over` ("seeds", or "students"
        of a single run), and `rows`, the positions in `sweep.frame`.
        """
        import pandas as pd

        fields = [self._table.field(name) for name in (self.rows, self.columns) if name]
        found = groups(self._table, self.value, self._shown(), [field.name for field in fields])
        told = [
            {
                **{field.name: field.levels[place] for field, place in zip(fields, places, strict=True)},
                **{"mean": mean.value, "low": mean.low, "high": mean.high, "n": mean.n, "over": mean.over},
                "rows": list(mean.rows),
            }
            for places, mean in found.items()
        ]
        return pd.DataFrame(told, columns=[*(f.name for f in fields), "mean", "low", "high", "n", "over", "rows"])

    def to_html(self, path: Path | str, *, runs: str | int = "all") -> Path:
        """Writes the view as one file that needs neither kernel nor network, as it stands now; returns its path.

        `runs`: "all" of them can be opened in it, "none", or so many, first one seed of every setting. They take at
        most 60 MB of the file; it says how much they take, and how many were left out. Each run is read, which takes
        half a second or more.
        """
        return assets.write(path, assets.page(form_of(self._runs, self._state(), runs_in=runs)))

    def form(self) -> assets.Form:
        """What a page with more than this view in it needs of the view as it stands now; runs that fit in 4 MB."""
        return form_of(self._runs, self._state(), runs_in="all", limit=PART_BYTES)

    def _state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("table", *KEPT)}

    def _shown(self) -> list[int]:
        """The rows that every part shows: under the protocol, with the fixed levels."""
        free = {name: level for name, level in self.fixed.items() if name not in (self.rows, self.columns)}
        return [int(row) for row in self._table.rows(protocol=self.protocol, fixed=free)]

    def _asked(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Answers the browser, which asks for a run that is opened, or for pictures of those in its list."""
        for run in self._known(content.get("runs")):
            try:
                sent_run = self._runs.payload(run)
            except (OSError, ValueError) as error:
                self.send({"run": run, "problem": str(error)})
                continue
            names = list(sent_run.buffers)
            self.send({"run": run, "meta": dict(sent_run.meta), "names": names}, [*sent_run.buffers.values()])
        if wanted := self._known(content.get("strips")):
            pictures = [self._runs.strip(run) for run in wanted]
            self.send({"strips": wanted}, pictures)

    def _known(self, asked: Any) -> list[int]:
        given = asked if isinstance(asked, list) else []
        return [run for run in given if isinstance(run, int) and 0 <= run < len(self._runs.names)]

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle | None:
        """The widget, and a picture of its heat map for where no widget can live."""
        from wddkit.views.figures import heat_map

        def drawn() -> Drawn:
            own = {name: level for name, level in self.fixed.items() if name not in (self.rows, self.columns)}
            figure = heat_map(
                self.sweep, self.value, rows=self.rows, columns=self.columns, fixed=own, protocol=self.protocol
            )
            return figure._repr_png_()

        return with_picture(super()._repr_mimebundle_(**kwargs), drawn)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            near = difflib.get_close_matches(name, KEPT, n=3) or KEPT
            raise AttributeError(f"AblationBrowser has no attribute {name!r}; did you mean {', '.join(near)}?")
        super().__setattr__(name, value)

    @traitlets.validate("value", "rows", "columns", "fixed", "protocol", "x", "y", "colour", "axes", "brush")
    def _valid_name(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        try:
            return checks.checked(self._table, name, value)
        except ValueError as error:
            raise traitlets.TraitError(f"{name}: {error}") from None

    @traitlets.validate("selected", "opened")
    def _valid_rows(self, proposal: dict[str, Any]) -> list[int]:
        name = proposal["trait"].name
        try:
            found = checks.positions(self._table, proposal["value"], what=name)
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None
        if name == "opened" and len(found) > checks.MOST:
            raise traitlets.TraitError(f"opened: {len(found)} runs; expected at most {checks.MOST} side by side")
        return found

    @traitlets.observe("rows", "columns")
    def _two_fields(self, change: dict[str, Any]) -> None:
        """One field cannot be both: who chooses the other one swaps them."""
        other = "columns" if change["name"] == "rows" else "rows"
        if change["new"] and change["new"] == getattr(self, other):
            setattr(self, other, change["old"] or "")

    @traitlets.observe("protocol")
    def _same_runs(self, change: dict[str, Any]) -> None:
        """The same runs stay selected and open under another protocol."""
        for name in ("selected", "opened") if change["old"] else ():
            setattr(self, name, checks.under(self._table, self._runs, getattr(self, name), change["new"]))

    @traitlets.observe("brush")
    def _brushed(self, change: dict[str, Any]) -> None:
        """What is within the brushes is selected."""
        if change["new"]:
            self.selected = checks.brushed(self._table, change["new"], self._shown())

    @traitlets.observe("selected")
    def _chosen(self, change: dict[str, Any]) -> None:
        """Another selection than that of the brushes ends them."""
        if self.brush and change["new"] != checks.brushed(self._table, self.brush, self._shown()):
            self.brush = {}
