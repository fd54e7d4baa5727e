"""Tables of a run: results with their intervals, and scalars."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wddkit.codec import Json
from wddkit.history.checks import SCHEMA

if TYPE_CHECKING:  # pandas takes half a second, and a replay needs none
    import pandas

DISTANCES = (  # of a set to the real images, see `wddkit.closeness`
    *("w2_squared", "w2_squared_heldout", "sliced_w2_squared", "sliced_w2_squared_heldout"),
    *("mmd_squared", "mmd_squared_heldout", "otdd", "otdd_heldout"),
    *("statistics_error", "coverage", "nearest_real"),
)
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
    "label_bits",
    "distil_seconds",
    "memory_mb",
    "seconds",
    "ece",
    "brier",
    *DISTANCES,
    "accuracies",
    "per_class",
)
_AS_RECORDED = (*("set", "ipc", "bytes", "label_bits", "distil_seconds", "memory_mb", "seconds", "ece", "brier"),)
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
    """One row for each (protocol, set): mean accuracy over students in percent, its 95 % interval, and what it costs.

    `bytes`, `label_bits` an image (see `wddkit.costs.label_bits`), `distil_seconds` and `memory_mb` of the distillation
    (see `wddkit.costs.spending`), `seconds` of the students, their calibration `ece` and `brier` (see
    `wddkit.stages.calibration`), and the distances to the real images (see `wddkit.closeness`); missing where a run did
    not record it.
    """
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
        "per_class": means_by_class([row]),
        **{name: row.get(name) for name in _AS_RECORDED},
        **{name: math.nan if row.get(name) is None else float(row[name]) for name in DISTANCES},
    }


def means_by_class(rows: Sequence[Mapping[str, Json]]) -> tuple[float, ...]:
    """Accuracy of each class in percent, mean over all students of the rows; NaN without test images, () if unknown."""
    students = [student for row in rows for student in row.get("per_class") or ()]
    return tuple(map(float, np.mean(np.array(students, float), axis=0))) if students else ()


def scalars_frame(records: Sequence[Mapping[str, Json]]) -> "pandas.DataFrame":
    """One row for each record; a scalar that was not finite, or not recorded there, is NaN."""
    import pandas

    names = dict.fromkeys(name for record in records for name in record if name not in _FIRST)
    frame = pandas.DataFrame(list(records), columns=[*_FIRST, *names])
    return frame.astype(dict.fromkeys(["seconds", *names], float))
