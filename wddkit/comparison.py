"""Tables over runs: means and intervals over syntheses, paired with the random control."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wddkit.history import History
from wddkit.history.tables import interval

if TYPE_CHECKING:
    import pandas

CONTROLS = ("random", "nearest", "whole real set")


def table(runs: Sequence[tuple[str, Sequence[History]]]) -> "pandas.DataFrame":
    """One row for each set and protocol of these (method, runs by seed); see `wddkit.compare`."""
    import pandas

    rows: dict[tuple[object, ...], dict[str, object]] = {}
    for method, histories in runs:
        results = [history.results for history in histories]
        for protocol, name in dict.fromkeys(zip(results[0]["protocol"], results[0]["set"], strict=True)):
            each = [_row(frame, protocol, name) for frame in results]
            random = [_row(frame, protocol, "random") for frame in results]
            config = histories[0].config
            row = _summary(each, random if name != "random" else [None] * len(each))
            label = name if name in CONTROLS else f"{method} {histories[0].path.name.rpartition('-')[2] if histories[0].path else ''}"
            key = (config.dataset, protocol, each[0].ipc, label)
            rows.setdefault(key, {"dataset": config.dataset, "protocol": protocol, "ipc": each[0].ipc, "set": name, **row})
    return pandas.DataFrame(list(rows.values()))


def _row(frame: "pandas.DataFrame", protocol: object, name: object) -> "pandas.Series | None":  # type: ignore[type-arg]
    found = frame[(frame["protocol"] == protocol) & (frame["set"] == name)]
    return found.iloc[0] if len(found) else None


def _summary(each: Sequence[object], random: Sequence[object]) -> dict[str, object]:
    values = [row.accuracy for row in each]  # type: ignore[attr-defined]  # columns of a results frame
    low, high = interval(values)
    summary: dict[str, object] = {"accuracy": float(np.mean(values)), "low": low, "high": high}
    if all(row is not None for row in random):
        gains = [a - row.accuracy for a, row in zip(values, random, strict=True)]  # type: ignore[attr-defined]
        gain_low, gain_high = interval(gains)
        summary |= {"gain": float(np.mean(gains)), "gain_low": gain_low, "gain_high": gain_high}
    first = each[0]
    return {
        **summary,
        "syntheses": len(values),
        "students": first.n,  # type: ignore[attr-defined]
        "bytes": first.bytes,  # type: ignore[attr-defined]
        "seconds": float(np.mean([row.seconds for row in each])),  # type: ignore[attr-defined]
    }
