"""Whether sets nearer to the real one make better students: rank correlations over runs, with intervals.

Every rho is a mean of Spearman's over parts of the table, Σ_p (n_p - 1) rho_p / Σ_p (n_p - 1):

    within    a part is a group under the same terms: do its better runs lie nearer? No difference between groups has a
              say, and none between terms
    across    a part is all groups under the same terms, a point a group: the mean, over its runs, of their ranks among
              all runs of the part. Do better groups lie nearer?
    overall   a part is all runs under the same terms, whatever their group

1/(n - 1) is the variance of rho where there is no relation, so these weights are the best for seeing one. Parts of less
than three points, or in which all values are equal, say nothing and do not count. Spearman's rho and not Kendall's tau,
because it is the plain correlation of ranks, for which means over groups and mean ranks of groups are defined. Only
ranks count: squares, roots and logarithms change nothing, and accuracy need not be linear in any distance.

The interval is the 2.5 to 97.5 % points of a bootstrap: in each part as many units are drawn with replacement as there
are. A unit is a run with all its rows; across, it is a group, whose own spread then does not count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.codec import unknown
from wddkit.history.gather import gather, table
from wddkit.history.reader import History
from wddkit.history.sweep import Sweep
from wddkit.history.tables import DISTANCES
from wddkit.seeds import derive

if TYPE_CHECKING:
    import pandas

Given: TypeAlias = "pandas.DataFrame | Sweep | History | Path | str | Iterable[History | Path | str]"
By: TypeAlias = "str | Sequence[str] | None"

LEVELS = ("within", "across", "overall")
DRAWS = 2000
LEAST = 3  # points of a part: two are always in perfect order
UNITS = 5  # that an interval needs at least: fewer can be drawn in too few ways
_BLOCK = 2**21  # numbers in one temporary array


@dataclass(frozen=True)
class Correlation:
    """A rank correlation with its 95 % interval, of n points in so many parts; NaN: not defined."""

    rho: float
    low: float
    high: float
    n: int
    parts: int


@dataclass(frozen=True, eq=False)
class Part:
    """Points that are ranked among themselves, and the unit that each is drawn with."""

    name: tuple[str, ...]
    x: Float64[np.ndarray, " n"]
    y: Float64[np.ndarray, " n"]
    unit: Int64[np.ndarray, " n"]  # 0 ... u - 1


def relate(
    given: Given,
    *,
    value: str = "accuracy",
    distances: Sequence[str] | None = None,
    by: By = "method",
    protocol: str | None = None,
    controls: Sequence[str] = (),
    seed: int = 0,
) -> "pandas.DataFrame":
    """How each distance goes with the students' accuracy, within methods, across them and overall; three rows each.

    `given`: a table as `wddkit.gather` or a sweep has it, a sweep, runs, or folders of runs. `by`: the column or
    columns that make groups. `controls`: sets beside the runs ("random", "nearest") that count as groups of their own,
    each set once however many runs it stands beside. `protocol`: one by name. Rows under other terms (data set,
    teacher, protocol; the column `terms`, else `protocol`) are never ranked among each other.

    `rho` is Spearman's, how it is pooled stands above in `wddkit.history.relation`; `low` to `high` its 95 % interval
    (NaN: fewer than five units, or draws that all agree), of `n` points in `parts` parts. Negative means: nearer sets,
    better students; but much `coverage` is near. Signs within and across may differ (Simpson's paradox). Runs that
    share seeds or images are not independent, and eleven distances give a false alarm sooner than one.
    Raises ValueError for columns, protocols and controls that the table does not have.
    """
    frame = selected(given, by=by, protocol=protocol, controls=controls)
    names = [name for name in DISTANCES if name in frame] if distances is None else list(distances)
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
    known = frame[np.isfinite(frame[[x, y]].to_numpy(float, na_value=np.nan)).all(axis=1)]
    terms, groups = strata(known), columns(by)
    within = _parts(known, x, y, [*terms, *groups])
    overall = _parts(known, x, y, terms)
    across = [_means(part, _labels(own, groups)) for part, own in zip(overall, _split(known, terms), strict=True)]
    levels = zip(LEVELS, (within, across, overall), strict=True)
    return {level: pooled(parts, seed=derive(seed, level)) for level, parts in levels}


def pooled(parts: Sequence[Part], *, seed: int) -> Correlation:
    """The weighted mean of the parts' correlations, with its bootstrap interval."""
    found = [(part, float(_rhos(part, np.ones((1, len(part.x))))[0])) for part in parts if len(part.x) >= LEAST]
    counted = [(part, rho) for part, rho in found if not np.isnan(rho)]
    if not counted:
        return Correlation(np.nan, np.nan, np.nan, 0, 0)
    weights = np.array([len(part.x) - 1 for part, _ in counted], float)
    rho = float(weights @ [each for _, each in counted] / weights.sum())
    low = high = np.nan
    if sum(part.unit.max() + 1 for part, _ in counted) >= UNITS:
        low, high = _interval(np.stack([_drawn(part, seed) for part, _ in counted]), weights)
    return Correlation(rho, low, high, sum(len(part.x) for part, _ in counted), len(counted))


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
    each: list[Any] = list(given)
    if each and all(isinstance(one, History) for one in each):
        return table(each)
    return gather(each)


def columns(by: By) -> list[str]:
    """The columns that make groups."""
    return [] if by is None else [by] if isinstance(by, str) else list(by)


def strata(frame: "pandas.DataFrame") -> list[str]:
    """The column that tells which rows are comparable at all."""
    return [name for name in ("terms", "protocol") if name in frame][:1]


def numbers(frame: "pandas.DataFrame") -> list[str]:
    """The columns of numbers."""
    return [str(name) for name in frame.select_dtypes("number")]


def _without_controls(frame: "pandas.DataFrame", controls: Sequence[str]) -> "pandas.DataFrame":
    """The runs' own rows, then those of the controls asked for; of equal ones, which are one set, the first."""
    if isinstance(controls, str):
        raise ValueError(f"controls: expected names, got {controls!r}; write ({controls!r},)")
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


def _split(frame: "pandas.DataFrame", names: Sequence[str]) -> list["pandas.DataFrame"]:
    """The rows of each combination of these columns, by name."""
    return [frame[_labels(frame, names) == each] for each in sorted(set(_labels(frame, names)))]


def _labels(frame: "pandas.DataFrame", names: Sequence[str]) -> np.ndarray:
    """One text for each row, equal where these columns are."""
    return np.array([repr(row) for row in frame[list(names)].astype(str).itertuples(index=False, name=None)], object)


def _parts(frame: "pandas.DataFrame", x: str, y: str, names: Sequence[str]) -> list[Part]:
    found = []
    for rows in _split(frame, names):
        runs = rows["run"].astype(str).to_numpy() if "run" in rows else np.arange(len(rows))
        unit = np.unique(runs, return_inverse=True)[1]
        name = tuple(rows[list(names)].astype(str).iloc[0])
        found.append(Part(name, rows[x].to_numpy(float), rows[y].to_numpy(float), unit))
    return found


def _means(part: Part, labels: np.ndarray) -> Part:
    """A point a group: the means of its points' ranks."""
    groups, at = np.unique(labels, return_inverse=True)
    ones = np.ones((1, len(part.x)))
    x, y = (np.bincount(at, _ranks(each, ones)[0]) / np.bincount(at) for each in (part.x, part.y))
    # Means of half ranks: sums in another order must not tell equal ones apart.
    return Part(part.name, x.round(9), y.round(9), np.arange(len(groups)))


def _drawn(part: Part, seed: int) -> Float64[np.ndarray, " draws"]:
    """The part's correlation in each draw of its units."""
    units = int(part.unit.max()) + 1
    rng = np.random.default_rng(derive(seed, *part.name))
    step, found = max(1, _BLOCK // len(part.x)), []
    for at in range(0, DRAWS, step):
        count = min(step, DRAWS - at)
        drawn = rng.integers(units, size=(count, units)) + units * np.arange(count)[:, None]
        times = np.bincount(drawn.ravel(), minlength=count * units).reshape(count, units)
        found.append(_rhos(part, times[:, part.unit].astype(float)))
    return np.concatenate(found)


def _rhos(part: Part, times: Float64[np.ndarray, "draws n"]) -> Float64[np.ndarray, " draws"]:
    """Spearman's rho where each point stands so many times; NaN where a side does not differ."""
    r, s = (_ranks(each, times) for each in (part.x, part.y))
    n = times.sum(axis=1, keepdims=True)
    r, s = (each - (times * each).sum(axis=1, keepdims=True) / n for each in (r, s))
    spread = (times * r**2).sum(axis=1) * (times * s**2).sum(axis=1)
    together = (times * r * s).sum(axis=1)
    # Ranks that differ at all differ by a half: what is less is rounding.
    rhos = np.where(spread > 1e-6, together / np.sqrt(np.maximum(spread, 1e-6)), np.nan)
    return np.clip(rhos, -1, 1)


def _ranks(values: Float64[np.ndarray, " n"], times: Float64[np.ndarray, "draws n"]) -> Float64[np.ndarray, "draws n"]:
    """Ranks where each value stands so many times; equal ones have the mean of their ranks."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf) > 0) if len(values) else np.array([], int)
    counts = np.add.reduceat(times[:, order], starts, axis=1)
    middle = np.cumsum(counts, axis=1) - (counts - 1) / 2
    ranks: Float64[np.ndarray, "draws n"] = middle[:, np.searchsorted(values[order][starts], values)]
    return ranks


def _interval(rhos: Float64[np.ndarray, "parts draws"], weights: Float64[np.ndarray, " parts"]) -> tuple[float, float]:
    """The 2.5 and 97.5 % points of the weighted mean over the parts that are defined in a draw."""
    counts = weights[:, None] * ~np.isnan(rhos)
    total = counts.sum(axis=0)
    means = (counts * np.nan_to_num(rhos)).sum(axis=0)[total > 0] / total[total > 0]
    if len(means) < DRAWS / 2:
        return np.nan, np.nan
    low, high = np.quantile(means, [0.025, 0.975])
    return (float(low), float(high)) if low < high else (np.nan, np.nan)
