"""What notebook 07 leans on: what each field of a sweep does to accuracy, and the same of every sweep in a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wddkit.codec import unknown
from wddkit.history import Sweep
from wddkit.history.tables import interval

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Effect:
    """The levels of a field between which a value differs most, and by how much; NaN: no interval.

    `points` is the mean of the best level minus that of the worst, `low` to `high` its 95 % interval over `n` synthesis
    seeds. Both levels are chosen after looking, so `points` is above 0 even where nothing matters.
    """

    field: str
    best: object
    worst: object
    points: float
    low: float
    high: float
    n: int


def effects(sweep: Sweep, *, value: str = "accuracy", protocol: str = "hard") -> list[Effect]:
    """The effect of every field that varies, over those seeds that were run with all settings of the sweep.

    Of a level the mean over all other fields is taken, seed by seed; seeds are paired between levels, and the interval
    is Student's t over their differences. Raises ValueError for a protocol or a value that the sweep does not have.
    """
    frame = sweep.frame
    if protocol not in set(frame["protocol"]):
        raise unknown("protocol", protocol, frame["protocol"].unique())
    numbers = list(map(str, frame.select_dtypes("number")))
    if value not in numbers:
        raise unknown("column of numbers", value, numbers)
    names = list(sweep.fields)
    rows = frame[frame["protocol"] == protocol]
    settings = rows.groupby(names, dropna=False).ngroup()
    complete = settings.groupby(rows["seed"]).nunique() == settings.nunique()
    rows = rows[rows["seed"].map(complete)]
    return [_effect(rows, name, value) for name in names if rows[name].nunique(dropna=False) > 1]


def _effect(rows: "pandas.DataFrame", field: str, value: str) -> Effect:
    means = rows.groupby([field, "seed"], dropna=False)[value].mean().unstack("seed")  # [levels, seeds]
    order = means.mean(axis=1).sort_values()
    worst, best = order.index[0], order.index[-1]
    differences = means.loc[best] - means.loc[worst]
    low, high = interval(differences.tolist())
    return Effect(field, best, worst, float(differences.mean()), low, high, len(differences))


def sweeps_in(folder: Path | str) -> Iterator[Sweep]:
    """The sweeps that lie in a folder, by name."""
    for path in sorted(Path(folder).iterdir()):
        if (path / "sweep.json").is_file():
            yield Sweep.load(path)


def overview(folder: Path | str, *, value: str = "accuracy", protocol: str = "hard") -> "pandas.DataFrame":
    """The effects of all sweeps in a folder, a row a field; sweeps without the protocol are left out."""
    import pandas

    told = [
        {"sweep": sweep.path.name, **vars(effect)}
        for sweep in sweeps_in(folder)
        if protocol in set(sweep.frame["protocol"])
        for effect in effects(sweep, value=value, protocol=protocol)
    ]
    return pandas.DataFrame(told, columns=["sweep", *Effect.__dataclass_fields__])
