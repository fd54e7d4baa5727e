"""Tables of a run: results with their intervals, and scalars."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wddkit.codec import Json
from wddkit.history.checks import SCHEMA

if TYPE_CHECKING:  # pandas takes half a second, and a replay needs none
    import pandas

_COLUMNS = (
    "protocol",
    "labels",
    "set",
    "ipc",
    "accuracy",
    "low",
    "high",
    "n",
    "unit",
    "bytes",
    "seconds",
    "w2_squared",
    "w2_squared_heldout",
    "accuracies",
)
_FIRST = ("phase", "step", "block", "seconds")


def results_problem(value: Json) -> str | None:
    """What is wrong with the value of a results file, or None.

    Expected: {"schema", "protocol": {"name", "labels", ...}, "rows": [{"set", "accuracies", "bytes", "seconds",
    "ipc"}]}, accuracies in percent, one for each student.
    """
    if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
        return f"expected results of schema {SCHEMA!r}"
    if not isinstance(value.get("protocol"), Mapping) or "name" not in value["protocol"]:
        return "expected a protocol with a name"
    if not isinstance(value.get("rows"), Sequence):
        return "expected a list of rows"
    for row in value["rows"]:
        if not isinstance(row, Mapping) or "set" not in row or not row.get("accuracies"):
            return f"expected a row with 'set' and 'accuracies', got {row!r}"
        for accuracy in row["accuracies"]:
            if not isinstance(accuracy, (int, float)) or not 0 <= accuracy <= 100:
                return f"accuracy {accuracy!r} of set {row['set']!r} is not in percent, 0 to 100"
    return None


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean under Student's t with n - 1 degrees of freedom; NaN for a single value."""
    from scipy.special import stdtrit

    n = len(values)
    if n < 2:
        return math.nan, math.nan
    half = float(stdtrit(n - 1, 0.975)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return float(np.mean(values)) - half, float(np.mean(values)) + half


def results_frame(results: Iterable[Json]) -> "pandas.DataFrame":
    """One row for each (protocol, set): mean accuracy over students in percent and its 95 % interval."""
    import pandas

    rows = [_row(value["protocol"], row) for value in results for row in value["rows"]]
    return pandas.DataFrame(rows, columns=_COLUMNS)


def _row(protocol: Mapping[str, Json], row: Mapping[str, Json]) -> dict[str, Any]:
    accuracies = tuple(float(value) for value in row["accuracies"])
    low, high = interval(accuracies)
    return {
        "protocol": protocol["name"],
        "labels": protocol.get("labels"),
        "accuracy": float(np.mean(accuracies)),
        "low": low,
        "high": high,
        "n": len(accuracies),
        "unit": "students",
        "accuracies": accuracies,
        **{name: row.get(name) for name in ("set", "ipc", "bytes", "seconds", "w2_squared", "w2_squared_heldout")},
    }


def scalars_frame(records: Sequence[Mapping[str, Json]]) -> "pandas.DataFrame":
    """One row for each record; a scalar that was not finite, or not recorded there, is NaN."""
    import pandas

    names = dict.fromkeys(name for record in records for name in record if name not in _FIRST)
    frame = pandas.DataFrame(list(records), columns=[*_FIRST, *names])
    return frame.astype(dict.fromkeys(["seconds", *names], float))
