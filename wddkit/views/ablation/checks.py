"""What the state of an AblationBrowser may name, and what follows from one part of it for another."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from wddkit.views.ablation.runs import Runs
from wddkit.views.sweeps import Table

MOST = 4  # runs beside each other: more columns would be too narrow to see anything


def first_state(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown first: what was asked for, else accuracy over the first fields that vary.

    The scatter is that of held-out squared W2, where it is known. Raises ValueError for what the table does not have.
    """
    value = given.get("value") or next(iter(table.columns))
    rows, columns = table.pair(given.get("rows"), given.get("columns"), fixed=given.get("fixed") or ())
    others = [name for name in ("w2_squared_heldout", "w2_squared", *table.columns) if name in table.columns]
    x = next((name for name in others if name != value), value)
    state = {
        "value": value,
        "rows": rows.name if rows else "",
        "columns": columns.name if columns else "",
        "fixed": given.get("fixed") or {},
        "protocol": given.get("protocol") or table.protocols[0],
        "x": x,
        "y": value,
        "colour": table.varying[0].name if table.varying else "",
        "axes": list(dict.fromkeys([x, value])),
    }
    return {name: checked(table, name, each) for name, each in state.items()}


def checked(table: Table, name: str, value: Any) -> Any:
    """The value of a part of the state, with whole names of fields; ValueError that names what there is."""
    if name == "value":
        return table.column(value).name
    if name in ("rows", "columns", "colour"):
        return field_name(table, value)
    if name in ("x", "y"):
        return table.number(value).name
    if name == "axes":
        return list(dict.fromkeys(table.column(each).name for each in value))
    if name == "protocol":
        return table.protocols[table.protocol(value)]
    return fixed_levels(table, value) if name == "fixed" else brush_of(table, value)


def field_name(table: Table, name: str) -> str:
    """The whole name of a field, or "" for none; ValueError naming all fields for another."""
    return table.field(name).name if name else ""


def fixed_levels(table: Table, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Whole names of fields -> levels, as the table has them; ValueError for what it does not have."""
    fields = {name: table.field(name) for name in fixed}
    return {field.name: field.levels[field.position(fixed[name])] for name, field in fields.items()}


def positions(table: Table, rows: Iterable[int], *, what: str) -> list[int]:
    """Positions of rows, each once, in the order given; ValueError for one that is none."""
    found = list(dict.fromkeys(int(row) for row in rows))
    if wrong := [row for row in found if not 0 <= row < len(table)]:
        raise ValueError(f"{what}: {wrong[0]} is no row of a table of {len(table)}; expected 0 to {len(table) - 1}")
    return found


def brush_of(table: Table, brush: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Of each axis what is kept: of a field a list of its levels, of a value [lowest, highest]; ValueError else."""
    found: dict[str, list[Any]] = {}
    for name, kept in brush.items():
        if isinstance(kept, (str, bytes)) or not isinstance(kept, Sequence):
            raise ValueError(f"brush: {name} is {kept!r}; expected levels as a list, or [lowest, highest] of a value")
        if name in table.columns:
            if len(kept) != 2 or not all(isinstance(each, (int, float)) for each in kept) or kept[0] > kept[1]:
                raise ValueError(f"brush: {name} is {list(kept)!r}; expected [lowest, highest]")
            found[name] = [float(each) for each in kept]
        else:
            field = table.field(name)
            found[field.name] = [field.levels[place] for place in sorted({field.position(each) for each in kept})]
    return found


def brushed(table: Table, brush: Mapping[str, Sequence[Any]], rows: Sequence[int]) -> list[int]:
    """Those of the rows that are within the brushes of all axes; none without a brush."""
    if not brush:
        return []
    kept = np.ones(len(table), bool)
    for name, own in brush.items():
        if name in table.columns:
            values = table.columns[name].values
            kept &= (values >= own[0]) & (values <= own[1])
        else:
            field = table.field(name)
            kept &= np.isin(field.at, [field.position(level) for level in own])
    return [int(row) for row in rows if kept[row]]


def under(table: Table, runs: Runs, rows: Iterable[int], protocol: str) -> list[int]:
    """The rows of the same runs under another protocol; those that have none are left out."""
    place = table.protocol(protocol)
    there = {runs.at[row]: row for row in np.flatnonzero(table.protocol_at == place).tolist()}
    return [there[runs.at[row]] for row in rows if runs.at[row] in there]
