"""Tables over rows: means and intervals, gains paired by seed, and what may be concluded from them.

settings           fields of the method, but for ipc, that are not as they are by default
mean, low, high    accuracy in percent, mean over all students, and its 95 % t-interval over the highest level that has
                   several members: teachers, else syntheses, else students, as `interval` says
gain, ..           difference to random images under the same seeds of teacher, synthesis and students, with its 95 %
                   interval; `p` of the paired t-test; `p_holm`, corrected by Holm's method for all tests of this data
                   set and protocol in the table, those in `p_selection` too. One synthesis has no interval, nor have
                   differences that are all equal (of sets that all reach 100 %, say): their spread is unknown and not
                   0, so that nothing is told from 0, detectable or best then
gain_selection, .. the same against `selection`, the best row of real images that were chosen, itself by test accuracy
detectable         the smallest true gain that this test would find in 80 % of all repetitions; of rows without a gain
                   the same between two unpaired rows of this spread
best               above all others of its data set, protocol and ipc by paired intervals without 0
spread_students, spread_syntheses, spread_teachers
                   standard deviations that each level adds, in percentage points (`wddkit.comparison.inference`)
per_class, ece, brier
                   accuracy of each class, calibration (`wddkit.stages.calibration`), from the same test pass
bytes, label_bits, distil_seconds, memory_mb, seconds
                   what the set costs, and training and testing its students (`wddkit.costs`); mean over the runs
w2_squared, ..     distances to the real images (`wddkit.closeness`)
trials, chosen, validation
                   how many configurations of the method were tried on validation images, what the best one changed,
                   and its accuracy there (`wddkit.comparison.tuning`)
run                the folder that the row was read from, the first of its seeds
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wddkit.comparison.inference import Difference, detectable_unpaired, holm, paired, spreads, units
from wddkit.comparison.rows import Row, merged
from wddkit.config import WHOLE
from wddkit.history.tables import DISTANCES, interval, means_by_class
from wddkit.protocols import said

if TYPE_CHECKING:
    import pandas

_MEANS = ("ece", "brier", "label_bits", "distil_seconds", "memory_mb", "seconds", *DISTANCES)


def table(rows: Iterable[Row]) -> "pandas.DataFrame":
    """One row for each set and protocol, in their order.

    Controls that several configs share stand once, also where one of them is a config's own method; where those of one
    name differ (other masses, another teacher), each stands for itself.
    """
    import pandas

    rows = list(rows)
    kept = merged(rows)
    told = [{**_named(row), **_summary(row), **_gains(row, kept, _random(row, rows)), **_costs(row)} for row in kept]
    _correct(told)
    frame = pandas.DataFrame(told)
    return frame.astype({"ipc": "Int64"})  # the whole real set has none


def leads(row: Row, rows: Sequence[Row]) -> bool:
    """Whether the row is above every other of its data set, protocol and ipc, by paired intervals without 0."""
    others = [each for each in rows if each is not row and each.is_ranked and _group(each) == _group(row)]
    return row.is_ranked and bool(others) and all(_paired(row, other).low > 0 for other in others)


def _group(row: Row) -> tuple[object, ...]:
    return row.config.dataset, row.protocol, row.first["ipc"]


def _paired(row: Row, other: Row | None) -> Difference:
    """The paired difference, if there is another row and its seeds are the same ones."""
    if other is None or other.world != row.world or other is row:
        return Difference()
    return paired(row.values, other.values)


def _named(row: Row) -> dict[str, Any]:
    return {
        "dataset": row.config.dataset,
        "protocol": row.protocol.title,
        "ipc": row.first["ipc"],
        "set": row.name,
        "settings": row.settings,
        "labels": row.protocol.labels,
        "network": said(row.protocol.network),
    }


def _summary(row: Row) -> dict[str, Any]:
    """Mean, interval and spreads; a set of which there is one alone has students and no syntheses."""
    values = row.values
    k, n, s = values.shape
    if row.single:
        values = values.reshape(k, 1, n * s)
    over = f"{k} teachers" if k > 1 else f"{n} syntheses" if values.shape[1] > 1 else "students only"
    low, high = interval(units(values).tolist())
    found = spreads(values)
    return {
        "mean": float(values.mean()),
        "low": low,
        "high": high,
        "interval": over,
        "teachers": k,
        "syntheses": values.shape[1],
        "students": values.shape[2],
        "spread_students": found.students,
        "spread_syntheses": found.syntheses,
        "spread_teachers": found.teachers,
    }


def _gains(row: Row, rows: Sequence[Row], random: Row | None) -> dict[str, Any]:
    """Paired differences to random images and to the best real images that were chosen, and what could be detected."""
    near = [each for each in rows if each.world == row.world and each.first["ipc"] == row.first["ipc"]]
    chosen = None
    if not (row.is_selection or row.is_control):
        chosen = max((each for each in near if each.is_selection), key=_mean, default=None)
    gain, over = _paired(row, random), _paired(row, chosen)
    means = units(row.values.mean(axis=2, keepdims=True))
    return {
        "gain": gain.mean,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "p": gain.p,
        "p_holm": math.nan,  # once the whole table is known
        "selection": "" if chosen is None else chosen.name,
        "gain_selection": over.mean,
        "gain_selection_low": over.low,
        "gain_selection_high": over.high,
        "p_selection": over.p,
        "p_selection_holm": math.nan,
        "detectable": detectable_unpaired(means) if random is None else gain.detectable,
        "best": leads(row, rows),
    }


def _random(row: Row, rows: Sequence[Row]) -> Row | None:
    """The random images beside a row: its run's own control, else those of another run under the same conditions."""
    found = [each for each in rows if each.name == "random" and each.world == row.world and row.name != "random"]
    beside = [each for each in found if each.run == row.run]
    return next(iter(beside or [each for each in found if each.first["ipc"] == row.first["ipc"]]), None)


def _mean(row: Row) -> float:
    return float(row.values.mean())


def _costs(row: Row) -> dict[str, Any]:
    each = list(row.each.values())
    numbers = {name: np.array([_number(one.get(name)) for one in each]) for name in _MEANS}
    return {
        "per_class": means_by_class(each),
        "bytes": max(int(one["bytes"]) for one in each),
        **{name: float(values.mean()) for name, values in numbers.items()},
        "trials": row.choice.trials,
        "chosen": row.choice.said,
        "validation": row.choice.validation,
        "run": row.run,
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _correct(told: Sequence[dict[str, Any]]) -> None:
    """Holm's correction over all tests of one data set and protocol, those against random and against selection."""
    groups: dict[tuple[str, str], list[tuple[dict[str, Any], str]]] = {}
    for row in told:
        own = groups.setdefault((row["dataset"], row["protocol"]), [])
        own += [(row, "p")] * (row["set"] != WHOLE) + [(row, "p_selection")]
    for tests in groups.values():
        for (row, name), p in zip(tests, holm([row[name] for row, name in tests]), strict=True):
            row[f"{name}_holm"] = p
