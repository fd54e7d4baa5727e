"""For notebook 05: recoveries to look at and compare, and a session that one waits for."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from wddkit.config import Config
from wddkit.data import DistilledSet, Split
from wddkit.experiment import context_of, task_of
from wddkit.methods import WMDD
from wddkit.session import LiveSession

Start: TypeAlias = Literal["noise", "real", "nearest"]


@dataclass(frozen=True, eq=False)
class Recovery:
    """What a recovery came to at each of its T snapshots, and the distilled set at its end.

    `gap` is the mean squared distance from an image's features to its support point; `error` the statistics error, a
    mean over layers and classes of the squared W2 between Gaussians of a channel, as a share of the real variance.
    """

    steps: Int64[np.ndarray, " T"]
    gap: Float64[np.ndarray, " T"]
    error: Float64[np.ndarray, " T"]
    images: UInt8[np.ndarray, "T k c h w"]
    distilled: DistilledSet


def recover(
    config: Config, split: Split, *, start: Start, weight: float, turned: float | None = None, seed: int = 0
) -> Recovery:
    """The recovery of a config from this start with this weight of the statistics, as its other values are.

    `turned` is what that weight is turned to half way, as by a knob of a live session. Nothing is written.
    Raises ValueError for a config of another method.
    """
    method = config.method
    if not isinstance(method, WMDD):
        raise ValueError(f"recover: expected a config of WMDD, got one of {type(method).__name__}")
    method = replace(method, start=start, statistics_weight=weight)
    config = replace(config, method=method, seed=seed)
    task = task_of(config, split)
    context = context_of(config, task)
    rows, images, last = [], [], None
    for snapshot in method.distill(task, context):
        if snapshot.distilled is None:  # a barycenter
            continue
        rows.append((snapshot.step, snapshot.scalars["feature_gap"], snapshot.scalars["statistics_error"]))
        images.append(snapshot.distilled.images)
        last = snapshot.distilled
        if turned is not None and 2 * snapshot.step >= method.steps:
            context.knobs["statistics_weight"] = turned
    assert last is not None  # a recovery has a first snapshot at least
    steps, gap, error = zip(*rows, strict=True)
    return Recovery(np.array(steps), np.array(gap), np.array(error), np.stack(images), last)


def first_below(steps: Sequence[int] | np.ndarray, values: Sequence[float] | np.ndarray, level: float) -> int | None:
    """The first of these steps whose value is at most the level; None where none is."""
    found = np.flatnonzero(np.asarray(values) <= level)
    return int(np.asarray(steps)[found[0]]) if len(found) else None


def reach(session: LiveSession, step: int, *, seconds: float = 600.0) -> None:
    """Waits until a session has made so many steps of its recovery, or has ended; also through a pause.

    Raises TimeoutError after so many seconds.
    """
    end = time.monotonic() + seconds
    while True:
        state = session.state
        if state["state"] in ("stopped", "finished", "failed"):
            return
        if state["stage"].startswith("recover") and state["done"] >= step:
            return
        if time.monotonic() > end:
            raise TimeoutError(f"the session did not come to step {step} within {seconds:.0f} s: {state}")
        time.sleep(0.02)
