"""A sweep's table as plain JSON for the browser."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wddkit.views.ablation.runs import Runs
from wddkit.views.sweeps import Table


def sent(table: Table, runs: Runs) -> dict[str, Any]:
    """All that the browser must know of a table; it makes every mean and interval itself.

    `quantiles[i]` is Student's t_{0.975} with i + 1 degrees of freedom, for as many seeds as there are.
    """
    return {
        "title": table.title,
        "fields": [
            {
                "name": field.name,
                "short": field.short,
                "levels": list(field.levels),
                "texts": list(field.texts),
                "at": field.at.tolist(),
                "numeric": field.numeric,
            }
            for field in table.fields
        ],
        "protocols": list(table.protocols),
        "protocolAt": table.protocol_at.tolist(),
        "seeds": table.seeds.tolist(),
        "settings": table.settings.tolist(),
        "columns": [
            {
                "name": column.name,
                "title": column.title,
                "percent": column.percent,
                "signed": column.signed,
                "values": _numbers(column.values.tolist()),
            }
            for column in table.columns.values()
        ],
        "students": {str(row): list(pair) for row, pair in table.over_students.items()},
        "quantiles": _quantiles(len(np.unique(table.seeds))),
        "runs": list(runs.names),
        "runAt": list(runs.at),
        "there": list(runs.there),
    }


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values]


def _quantiles(seeds: int) -> list[float]:
    from scipy.special import stdtrit

    return [float(stdtrit(df, 0.975)) for df in range(1, max(2, seeds))]
