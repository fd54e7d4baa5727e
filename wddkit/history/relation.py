"""Whether sets nearer to the real one make better students: rank correlations over runs, with intervals.

Every rho is a mean of Spearman's over parts of the table (`wddkit.history.correlation`):

    within    a part is a group under the same terms: do its better runs lie nearer? No difference between groups has a
              say, and none between terms
    across    a part is all groups under the same terms, a point a group: the mean, over its runs, of their ranks among
              all runs of the part. Do better groups lie nearer?
    overall   a part is all runs under the same terms, whatever their group

Terms are data set, teacher, protocol and the number of images a class.
Spearman's rho and not Kendall's tau, because it is the plain correlation of ranks, for which means over groups and mean
ranks of groups are defined. Only ranks count: squares, roots and logarithms change nothing, and accuracy need not be
linear in any distance. The unit that the bootstrap draws is a run with all its rows; across, it is a group, whose own
spread then does not count.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Int64

from wddkit.codec import unknown
from wddkit.data.arrays import shown
from wddkit.history.correlation import Correlation, Part, means, pooled
from wddkit.history.gather import gather, read_runs, table
from wddkit.history.reader import History
from wddkit.history.sweep import Sweep
from wddkit.history.tables import DISTANCES
from wddkit.seeds import derive

if TYPE_CHECKING:
    import pandas

Given: TypeAlias = "pandas.DataFrame | Sweep | History | Path | str | Iterable[History | Path | str]"
By: TypeAlias = "str | Sequence[str] | None"

LEVELS = ("within", "across", "overall")


def relate(
    given: Given,
    *,
    value: str = "accuracy",
    distances: str | Sequence[str] | None = None,
    by: By = "method",
    protocol: str | None = None,
    controls: Sequence[str] = (),
    seed: int = 0,
) -> "pandas.DataFrame":
    """How each distance goes with the students' accuracy, within methods, across them and overall; three rows each.

    `given`: a table as `wddkit.gather` or a sweep has it, a sweep, runs, or folders of runs. `by`: the column or
    columns that make groups. `controls`: sets beside the runs ("random", "nearest") that count as groups of their own,
    each set once however many runs it stands beside. `protocol`: one by name. Rows under other terms (data set,
    teacher, protocol; the column `terms`, else `protocol`) or with another number of images (`ipc`) are never ranked
    among each other. A run that stands in the table twice, as where sweeps are joined, counts once.

    `rho` is Spearman's, how it is pooled stands in `wddkit.history.correlation`; `low` to `high` its 95 % interval
    (NaN: fewer than five units, or draws that all agree), of `n` points in `parts` parts. Negative means: nearer sets,
    better students; but much `coverage` is near. Signs within and across may differ (Simpson's paradox). Runs that
    share seeds or images are not independent, and eleven distances give a false alarm sooner than one.
    Raises ValueError for what holds no runs, and for columns, protocols and controls that the table does not have.
    """
    frame = selected(given, by=by, protocol=protocol, controls=controls)
    measured = [name for name in DISTANCES if name in frame]
    names = measured if distances is None else _names("distances", distances, such="w2_squared")
    for name in (value, *names):
        if name not in numbers(frame):
            raise unknown("column of numbers", name, numbers(frame))
    if not names:
        raise ValueError(
            f"expected a table with distances, such as {DISTANCES[0]!r}; it has {', '.join(map(str, frame))}"
        )
    import pandas

    rows = [
        {"distance": name, "level": level, **vars(correlation)}
        for name in names
        for level, correlation in correlations(frame, name, value, by=by, seed=seed).items()
    ]
    return pandas.DataFrame(rows)


def selected(given: Given, *, by: By, protocol: str | None = None, controls: Sequence[str] = ()) -> "pandas.DataFrame":
    """The rows that count, each set once; ValueError for what is asked for and not there."""
    frame = frame_of(given)
    if not len(frame):
        raise ValueError("expected a table of runs, got one without rows")
    for name in columns(by):
        if name not in frame:
            known = ", ".join(map(str, frame))
            raise ValueError(f"by: no column {name!r}; by=None makes one group of all, else expected some of {known}")
    if protocol is not None:
        there = frame["protocol"].unique() if "protocol" in frame else ()
        if protocol not in there:
            raise unknown("protocol", protocol, map(str, there))
        frame = frame[frame["protocol"] == protocol]
    return _without_controls(frame, controls)


def correlations(frame: "pandas.DataFrame", x: str, y: str, *, by: By, seed: int) -> dict[str, Correlation]:
    """The correlation of two columns at each level; see `relate`."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise ValueError(f"seed: expected a whole number, got {shown(seed)}")
    known = points(frame, x, y)
    terms, groups = strata(known), columns(by)
    within = _parts(known, x, y, [*terms, *groups])
    overall = _parts(known, x, y, terms)
    group = _codes(_labels(known, groups))
    across = [means(part, group[rows]) for part, rows in zip(overall, _split(known, terms), strict=True)]
    levels = zip(LEVELS, (within, across, overall), strict=True)
    return {level: pooled(parts, seed=derive(seed, level)) for level, parts in levels}


def points(frame: "pandas.DataFrame", x: str, y: str) -> "pandas.DataFrame":
    """The rows that have both numbers; a set of a run once, also where several sweeps that were joined hold the run."""
    known: pandas.DataFrame = frame[np.isfinite(frame[[x, y]].to_numpy(float, na_value=np.nan)).all(axis=1)]
    if "run" not in known:
        return known
    own = [name for name in ("run", "terms", "protocol", "method", "control") if name in known]
    once: pandas.DataFrame = known[~(known.duplicated([*own, *{x, y}]) & _is_named(known))]
    return once


def _is_named(frame: "pandas.DataFrame") -> "pandas.Series[bool]":
    """Which rows tell of what run they are: one in memory has no folder."""
    return frame["run"].notna() & frame["run"].astype(str).ne("")


def frame_of(given: Given) -> "pandas.DataFrame":
    """The table of whatever stands for runs."""
    import pandas

    if isinstance(given, pandas.DataFrame):
        return given
    if isinstance(given, Sweep):
        return given.frame
    if isinstance(given, History):
        return table([given])
    if isinstance(given, (str, Path)):
        return gather(given)
    each: list[Any] = list(given) if isinstance(given, Iterable) else [given]
    other = [one for one in each if not isinstance(one, (History, Path, str))]
    if other or not each:
        raise ValueError(
            f"expected a table of runs, a sweep, runs or folders of runs, got {shown(other[0]) if other else 'none'}; "
            f"write 'runs' for the folder that `wddkit run` makes them in"
        )
    histories = [one for one in each if isinstance(one, History)]
    folders = [one for one in each if not isinstance(one, History)]
    return table([*histories, *read_runs(folders)] if folders else histories)


def columns(by: By) -> list[str]:
    """The columns that make groups."""
    return [] if by is None else _names("by", by, such="method")


def _names(what: str, given: object, *, such: str) -> list[str]:
    """The names; one alone need not stand in a list."""
    each = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    names = [name for name in each if isinstance(name, str)]
    if names != each:
        raise ValueError(f"{what}: expected names, got {shown(given)}; write {what}=['{such}']")
    return names


def strata(frame: "pandas.DataFrame") -> list[str]:
    """The columns that tell which rows are comparable at all: more images lie nearer and teach better anyway."""
    return [name for name in ("terms", "protocol") if name in frame][:1] + ["ipc"] * ("ipc" in frame)


def numbers(frame: "pandas.DataFrame") -> list[str]:
    """The columns of numbers."""
    return [str(name) for name in frame.select_dtypes("number")]


def _without_controls(frame: "pandas.DataFrame", controls: Sequence[str]) -> "pandas.DataFrame":
    """The runs' own rows, then those of the controls asked for; of equal ones, which are one set, the first."""
    if isinstance(controls, str):
        raise ValueError(f"controls: expected names, got {controls!r}; write ({controls!r},)")
    controls = _names("controls", controls, such="random")
    if "control" not in frame:
        if controls:
            raise ValueError("controls: this table has none; take one as wddkit.gather makes it")
        return frame
    is_control = frame["control"].astype(bool)
    known = frame["method"][is_control].unique()
    for name in controls:
        if name not in known:
            raise unknown("control", name, map(str, known))
    own = [name for name in ("terms", "protocol", "method", "ipc", "seed", "accuracy", *DISTANCES) if name in frame]
    rows = frame[~is_control | frame["method"].isin(list(controls))].sort_values("control", kind="stable")
    return rows[~(rows.duplicated(own) & rows["control"].astype(bool))]


def _parts(frame: "pandas.DataFrame", x: str, y: str, names: Sequence[str]) -> list[Part]:
    """The points of each combination of these columns, by name; a run is the same unit in all of them.

    Rows that name no run are a unit each.
    """
    unit = np.arange(len(frame))
    if "run" in frame:
        own = _codes(frame["run"].astype(str).to_numpy())
        unit = np.where(_is_named(frame), own, unit + len(frame))
    xs, ys = (frame[name].to_numpy(float) for name in (x, y))
    return [Part(xs[rows], ys[rows], unit[rows]) for rows in _split(frame, names)]


def _split(frame: "pandas.DataFrame", names: Sequence[str]) -> list[np.ndarray]:
    """Which rows have each combination of these columns, by name."""
    labels = _labels(frame, names)
    return [labels == each for each in sorted(set(labels))]


def _codes(labels: np.ndarray) -> Int64[np.ndarray, " n"]:
    """A number for each row, the same where the labels are."""
    return np.unique(labels, return_inverse=True)[1]


def _labels(frame: "pandas.DataFrame", names: Sequence[str]) -> np.ndarray:
    """One text for each row, equal where these columns are."""
    return np.array([repr(row) for row in frame[list(names)].astype(str).itertuples(index=False, name=None)], object)
