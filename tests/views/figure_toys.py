"""Histories with known plans, phases and accuracies, for the figures."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from views_toys import toy, with_results

from wddkit.history import Fields, History

HOSTILE = ("<script>alert(1)</script>", "<i>$x$</i>%{x}", "_a & b\nc")
DIGITS = Path(__file__).resolve().parents[2] / "notebooks" / "recorded" / "digits-wmdd-10"

# A plan of two support points and five real images of mass 0.2: the last image is shared, the fourth in no top entry.
PLAN = np.array([[0.2, 0.0, 0.0, 0.0, 0.05], [0.0, 0.2, 0.2, 0.2, 0.15]])


def with_plan(*, assignment: bool, **changes: Any) -> History:
    """The toy, class 1 with the two largest entries of each row of PLAN, and perhaps each image's largest share."""
    ways = dict(toy().barycenters)
    steps = len(ways[1]["value"])
    order = np.argsort(-PLAN, axis=1, kind="stable")[:, :2]
    top = np.take_along_axis(PLAN, order, axis=1)
    arrays = {
        **ways[1],
        "masses": np.tile(PLAN.sum(axis=1), (steps, 1)),
        "plan_indices": np.tile(order, (steps, 1, 1)),
        "plan_masses": np.tile(top, (steps, 1, 1)).astype(np.float32),
        "plan_kept": np.full(steps, top.sum()),
    }
    if assignment:
        share = (PLAN.max(axis=0) / PLAN.sum(axis=0)).astype(np.float32)
        arrays |= {
            "assignment": np.tile(PLAN.argmax(axis=0).astype(np.int32), (steps, 1)),
            "assignment_share": np.tile(share, (steps, 1)),
        }
    return toy(barycenters={**ways, 1: arrays}, **changes)


def planless() -> History:
    """The toy as it would be if nothing of its plans had been recorded."""
    kept = ("support", "masses", "value", "heldout")
    ways = {label: {name: way[name] for name in kept} for label, way in toy().barycenters.items()}
    return toy(barycenters=ways)


def reported(
    history: History, *, scalars: Sequence[dict[str, Any]] = (), events: Sequence[dict[str, Any]] = ()
) -> History:
    """The same history with other scalars and events."""
    source = dataclasses.replace(history.source, scalars=lambda: list(scalars), events=lambda: list(events))
    return dataclasses.replace(history, source=source)


def evaluated(
    sets: dict[str, Sequence[float]], *, ipc: int, seed: int = 0, protocols: Sequence[str] = ("hard",), **config: Any
) -> History:
    """A run whose first set is its own, with the accuracies of each; the whole real set has no ipc."""
    rows = [
        {"set": name, "accuracies": list(values), "bytes": 1, "seconds": 1.0, "ipc": None if "whole" in name else ipc}
        for name, values in sets.items()
    ]
    values = [
        {"schema": "wddkit.run/0", "protocol": {"name": name, "labels": name}, "rows": rows} for name in protocols
    ]
    history = History.from_arrays(np.zeros((1, 2, 1, 8, 8), np.uint8), [0, 1])
    kind = next(iter(sets))
    return dataclasses.replace(
        history,
        config=Fields({"dataset": "digits", "seed": seed, "method": {"kind": kind, "ipc": ipc}, **config}),
        source=dataclasses.replace(history.source, results=lambda: values),
    )


def hostile() -> History:
    """The toy with plans and results under class names that try to be something else."""
    return with_results(with_plan(assignment=True, classes=HOSTILE))
