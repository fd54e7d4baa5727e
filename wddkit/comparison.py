"""Tables over runs: means and intervals over syntheses, paired with the random control."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wddkit.history import History
from wddkit.history.tables import interval

if TYPE_CHECKING:
    import pandas

CONTROLS = ("random", "nearest", "whole real set")


def table(runs: Sequence[Sequence[History]]) -> "pandas.DataFrame":
    """One row for each set and protocol of these runs, each a list by seed; see `wddkit.compare`.

    Controls that several runs share stand once. Two runs of one method are told apart by their folders.
    """
    import pandas

    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for histories in runs:
        frames = [history.results.set_index(["protocol", "set"]) for history in histories]
        for protocol, name in frames[0].index:
            each = [frame.loc[(protocol, name)] for frame in frames]
            random = [frame.loc[(protocol, "random")] for frame in frames if (protocol, "random") in frame.index]
            first = {"dataset": histories[0].config.dataset, "protocol": protocol, "ipc": each[0]["ipc"], "set": name}
            run = None if name in CONTROLS else str(histories[0].path)
            key = (*(str(value) for value in first.values()), run)
            rows.setdefault(key, {**first, **_summary(each, random if name != "random" else []), "run": run})
    return pandas.DataFrame(list(rows.values()))


def _summary(each: "Sequence[pandas.Series[Any]]", random: "Sequence[pandas.Series[Any]]") -> dict[str, Any]:
    values = [row["accuracy"] for row in each]
    low, high = interval(values)
    summary = {"accuracy": float(np.mean(values)), "low": low, "high": high}
    if len(random) == len(each):
        gains = [value - row["accuracy"] for value, row in zip(values, random, strict=True)]
        gain_low, gain_high = interval(gains)
        summary |= {"gain": float(np.mean(gains)), "gain_low": gain_low, "gain_high": gain_high}
    return {
        **summary,
        "syntheses": len(values),
        "students": int(each[0]["n"]),
        "labels": each[0]["labels"],
        "bytes": int(each[0]["bytes"]),
        "seconds": float(np.mean([row["seconds"] for row in each])),
    }
