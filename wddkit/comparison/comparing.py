"""Compare: run several configs under equal conditions, and put them in one table."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wddkit.comparison.foreign import Sets, checked_sets, controls_of, foreign_rows, sets_given
from wddkit.comparison.rows import Choice, Row, rows_of
from wddkit.comparison.table import table
from wddkit.comparison.tuning import SEED, TRIALS, tuned
from wddkit.config import Config, check_protocols, config_given, recipe_protocols
from wddkit.data import Split
from wddkit.data.arrays import shown
from wddkit.experiment import load_split, prepared, run, split_given
from wddkit.history import History
from wddkit.protocols import protocol_given
from wddkit.stages.students import Protocol

if TYPE_CHECKING:
    import pandas

FAR = 1000  # between the synthesis seeds of two teachers: more than there are seeds of one


def compare(
    configs: Sequence[Config],
    *,
    seeds: int = 3,
    teachers: int = 1,
    tune: int = 1,
    protocols: Sequence[str | Protocol] | None = None,
    sets: Sets | None = None,
    out: Path | str = "runs",
    split: Split | None = None,
    progress: bool = True,
) -> "pandas.DataFrame":
    """Runs every config with `seeds` synthesis seeds under each of `teachers` teachers; one row a set and protocol.

    The columns, with intervals, paired gains and what they cost, are those of `wddkit.comparison.table`.

    `tune`: how many configurations of each method are tried on validation images first, the given one among them; the
    best is run (see `wddkit.comparison.tuning`). `protocols`: in place of the configs' own, also by name, "hard" or
    "hard@resnet-small" (see `wddkit.protocols`). `sets`: distilled sets made elsewhere by name, one each or one for
    each seed; they stand beside controls of their size. All configs are checked before the first is run; what was run
    before is reused. Raises ValueError for what cannot be compared, and where an edited run lies in the place of one.
    """
    given, theirs = _given(configs), sets_given(sets)
    _check(len(given) + len(theirs), seeds=seeds, teachers=teachers, tune=tune)
    split = None if split is None else split_given(split)
    jobs = _jobs(given or [Config()], _protocols_given(protocols), split)
    first, own = jobs[0]
    foreign = checked_sets(theirs, own, seeds=seeds)
    chosen = [_tuned(job, tune, Path(out) / TRIALS, progress=progress) for job in jobs if given]
    rows: list[Row] = []
    histories: list[History] = []
    for config, images, choice in [*chosen, *((config, own, Choice()) for config in controls_of(first, foreign))]:
        grid = _seeded(config, seeds=seeds, teachers=teachers)
        made = [run(each, out=out, split=images, progress=progress) for each in grid]
        histories += made
        rows += rows_of(config, made, choice)
    for name, each in foreign.items():
        (config,) = controls_of(first, {name: each})
        rows += foreign_rows(name, each, _seeded(config, seeds=seeds, teachers=teachers), own, progress=progress)
    _warn_of_conditions(histories)
    return table(rows)


def _warn_of_conditions(histories: Iterable[History]) -> None:
    """Warns where not all runs were made under the same conditions: the bits of a teacher hang on them."""
    found: dict[str, str] = {}
    for history in histories:
        here = history.environment
        conditions = f"{here.device}, {here.threads} threads, torch {here.versions['torch']}"
        found.setdefault(conditions, Path(str(history.path)).name)
    if len(found) > 1:
        said = "; ".join(f"{conditions} ({name})" for conditions, name in found.items())
        warnings.warn(
            f"runs of this comparison were made under different conditions: {said}. The bits of a teacher hang on "
            f"them, so equal seeds may not be pairs. Set OMP_NUM_THREADS and the device as they were, or compare in "
            f"an empty folder (out=)",
            stacklevel=3,
        )


def _given(configs: object) -> list[Config]:
    """The configs. Raises ValueError for anything else."""
    if isinstance(configs, (Config, str)) or not isinstance(configs, Iterable):
        raise ValueError(f"expected a list of configs, got {shown(configs)}; for one alone write compare([config])")
    return [config_given(config, where=f"configs[{i}]: ") for i, config in enumerate(configs)]


def _check(count: int, *, seeds: int, teachers: int, tune: int) -> None:
    """Raises ValueError for numbers that make no comparison."""
    if not count:
        raise ValueError("expected at least one config or set, got none; write compare([Config(...), Config(...)])")
    for name, value in {"seeds": seeds, "teachers": teachers, "tune": tune}.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < SEED:
            raise ValueError(f"{name}: expected a whole number from 1 to {SEED - 1}, got {shown(value)}")


def _protocols_given(value: object) -> list[str | Protocol] | None:
    """The protocols; one alone need not stand in a list. Raises ValueError for anything else."""
    if value is None:
        return None
    each = list(value) if isinstance(value, Iterable) and not isinstance(value, (str, Protocol)) else [value]
    return [protocol_given(one) for one in each]


def _jobs(
    configs: Iterable[Config], protocols: Sequence[str | Protocol] | None, split: Split | None
) -> list[tuple[Config, Split]]:
    """The configs with nothing left open, each with its data; raises ValueError where they do not fit."""
    splits: dict[tuple[object, ...], Split] = {}
    jobs = []
    for config in configs:
        check_protocols(config)
    for config in configs:
        key = (config.dataset, config.split_seed, config.size, config.skip_corrupt)
        splits[key] = split or splits.get(key) or load_split(config)
        if protocols is not None:
            config = replace(config, protocols=_protocols(config, protocols, splits[key]))
            check_protocols(config)
        jobs.append(prepared(config, splits[key]))
    return jobs


def _protocols(config: Config, given: Sequence[str | Protocol], split: Split) -> tuple[Protocol, ...]:
    found: list[Protocol] = []
    for each in given:
        found += [each] if isinstance(each, Protocol) else recipe_protocols(config, split=split, labels=(each,))
    return tuple(found)


def _tuned(job: tuple[Config, Split], count: int, out: Path, *, progress: bool) -> tuple[Config, Split, Choice]:
    if count == 1:
        return *job, Choice()
    config, choice = tuned(*job, count=count, out=out, progress=progress)
    return config, job[1], choice


def _seeded(config: Config, *, seeds: int, teachers: int) -> list[Config]:
    """The config under every pair of seeds; no synthesis seed comes twice, because equal ones would draw equally."""
    return [
        replace(config, teacher_seed=config.teacher_seed + t, seed=config.seed + FAR * t + r)
        for t in range(teachers)
        for r in range(seeds)
    ]
