"""Tables over runs: means and intervals over syntheses, paired with the random control."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wddkit.codec import Json
from wddkit.config import WHOLE, Config, controls, described, method_name, protocol_key
from wddkit.history import History
from wddkit.history.tables import interval

if TYPE_CHECKING:
    import pandas

CONTROLS = ("random", "nearest", WHOLE)


def table(runs: Sequence[tuple[Config, Sequence[History]]]) -> "pandas.DataFrame":
    """One row for each set and protocol that the configs ask for, each with its runs by seed; see `wddkit.compare`.

    Controls that several configs share stand once, also where one of them is a config's own method; where those of one
    name differ (other masses, another teacher), each stands for itself. `run` is the folder that a row was read from,
    the first of its seeds. Raises ValueError for an edited run.
    """
    import pandas

    _refuse_edited([history for _, histories in runs for history in histories])
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for config, histories in runs:
        own, run = method_name(config.method), str(histories[0].path)
        for protocol in config.protocols or ():
            found = [_rows(history, protocol_key(described(protocol))) for history in histories]
            random = [sets["random"] for sets in found if "random" in sets]
            for name in (own, *(name for name in controls(config) if name != own)):
                each = [sets[name] for sets in found]
                accuracies = tuple(tuple(row["accuracies"]) for row in each)
                first = {"dataset": config.dataset, "protocol": protocol.title, "ipc": each[0]["ipc"], "set": name}
                key = (*first.values(), protocol, accuracies, None if name in CONTROLS else run)
                summary = _summary(each, random if name != "random" else [])
                rows.setdefault(key, {**first, **summary, "labels": protocol.labels, "run": run})
    frame = pandas.DataFrame(list(rows.values()))
    return frame.astype({"ipc": "Int64"})  # the whole real set has none


def _refuse_edited(histories: Sequence[History]) -> None:
    for history in histories:
        if history.edited:
            raise ValueError(
                f"{history.path}: an edited run stands in no comparison: its knobs were turned while it ran, so no "
                f"config tells how it came about; compare runs of their configs"
            )


def _rows(history: History, key: str) -> dict[str, Json]:
    """Rows of one protocol by the name of their set."""
    values = [value for value in history.source.results() if protocol_key(value["protocol"]) == key]
    return {row["set"]: row for value in values for row in value["rows"]}


def _summary(each: Sequence[Json], random: Sequence[Json]) -> dict[str, Any]:
    values = [float(np.mean(row["accuracies"])) for row in each]
    low, high = interval(values if len(values) > 1 else each[0]["accuracies"])
    gains = [value - float(np.mean(row["accuracies"])) for value, row in zip(values, random, strict=False)]
    gain_low, gain_high = interval(gains)
    return {
        "mean": float(np.mean(values)),
        "low": low,
        "high": high,
        "interval": f"{len(values)} syntheses" if len(values) > 1 else "students only",
        "gain": float(np.mean(gains)) if gains else np.nan,
        "gain_low": gain_low,
        "gain_high": gain_high,
        "syntheses": len(values),
        "students": len(each[0]["accuracies"]),
        "bytes": max(int(row["bytes"]) for row in each),
        "seconds": float(np.mean([row["seconds"] for row in each])),
    }
