"""Many runs that differ in a few fields: a grid or list of changes, resumable, in several processes."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from wddkit.codec import encode
from wddkit.config import Config, change_field, check_protocols, config_given, method_name
from wddkit.data import Split
from wddkit.data.arrays import shown
from wddkit.experiment import load_split, prepared, split_given
from wddkit.experiment import run as run_config
from wddkit.history import History
from wddkit.history.folder import make_folder
from wddkit.history.sweep import Sweep, check_place, frame_of, rows_of, runs_of
from wddkit.methods import METHODS
from wddkit.pipeline import protocols_of
from wddkit.progress import Bars
from wddkit.workers import Workers

Changes: TypeAlias = Mapping[str, Sequence[object]] | Sequence[Mapping[str, object]]

_FIRST = ("dataset", "size", "split_seed", "method")  # what other fields depend on is changed before them
_OF_THE_DATA = ("dataset", "size", "split_seed", "skip_corrupt")
_OF_EVERY_RUN = {  # none of these decides the distilled set, so that they make no run of their own
    "protocols": "every run has a row for each protocol; name all at once: Config(protocols=(wddkit.Protocol('hard'), "
    "wddkit.Protocol('soft')))",
    "controls": "every run has a column for each control; name all at once: Config(controls=('random', 'nearest'))",
    "device": "a sweep is of one device; name it once: Config(device='cpu')",
}


@dataclass(frozen=True)
class Job:
    """One run of a sweep: its config, its data, the change that it is of, and its fields as a table has them."""

    config: Config
    split: Split
    said: str
    told: Mapping[str, object]

    @property
    def name(self) -> str:
        """What the run is called in errors."""
        return f"{self.said}, seed {self.config.seed}"

    @property
    def folder(self) -> str:
        """Name of the run's folder."""
        return self.config.run_name(self.split)


def ablate(
    config: Config,
    changes: Changes,
    *,
    out: Path | str,
    seeds: int = 1,
    split: Split | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Sweep:
    """Runs the config with every change and `seeds` synthesis seeds, and returns their table.

    `changes`: values by dotted field, of which every combination is run ({"method.ipc": [1, 10]}), or a list of
    changes ([{"method.masses": "free"}, {"method.form": "paper", "method.steps": 500}]), in whose rows a field that is
    not changed stands as the config has it, and is missing where its method has no such field. A value may be a whole
    part of the config, such as a method; protocols and controls are those of the config in every run. Runs are kept in
    <out>/runs; those that are complete are only read, so that an interrupted sweep goes on when it is asked for again,
    and a larger one reuses a smaller one. The table of all that is done is written as <out>/sweep.parquet after every
    run; that of another sweep, over other fields or of another config, is kept unless all its runs are asked for.

    `workers`: processes that share the cores. Results depend on the number of threads of a process, in the last bits,
    and so on the number of workers.

    Raises ValueError before anything is run where a change does not fit; all that do not are named.
    """
    config, split = config_given(config), None if split is None else split_given(split)
    _check_given(out, seeds, workers, split)
    out = Path(out)
    points = combinations(changes)
    _check_fields(points, split)
    jobs = list(_jobs(config, points, seeds, split))
    names = tuple(dict.fromkeys(name for point in points for name in point))
    sweep = Sweep(out, encode(config, METHODS), names, frame_of([], names))
    check_place(sweep, [job.folder for job in jobs])
    make_folder(runs_of(out))
    rows = _kept(jobs, runs_of(out))
    for number, history in _runs(jobs, runs_of(out), workers=workers, progress=progress):
        rows[number] = _rows(jobs[number], history)
        sweep = replace(sweep, frame=frame_of([row for at in sorted(rows) for row in rows[at]], names))
        sweep.save()
    return sweep


def _kept(jobs: Sequence[Job], out: Path) -> dict[int, list[dict[str, Any]]]:
    """Rows of the runs that were complete before: a sweep that is interrupted when asked for again loses none."""
    paths = {number: out / job.folder for number, job in enumerate(jobs)}
    done = [number for number, path in paths.items() if (path / "complete.json").is_file()]
    return {number: _rows(jobs[number], History.load(paths[number])) for number in done}


def _rows(job: Job, history: History) -> list[dict[str, Any]]:
    """The run's rows, under those of its protocols that it has results of."""
    method, results = method_name(job.config.method), history.results
    held = {*results["protocol"][results["set"] == method]}
    asked = [protocol.title for protocol in protocols_of(job.config) if protocol.title in held]
    found = rows_of(history, method=method, protocols=asked)
    return [{**job.told, "seed": job.config.seed, **row} for row in found]


def combinations(changes: Changes) -> list[dict[str, object]]:
    """The changes of every run. Raises ValueError for values that are no list, and for an empty one."""
    if not isinstance(changes, Mapping):
        each_is = isinstance(changes, (list, tuple)) and all(isinstance(each, Mapping) for each in changes)
        if not each_is:
            raise ValueError(
                f'changes: expected values by field, such as {{"method.ipc": [1, 10]}}, or a list of changes, such as '
                f'[{{"method.ipc": 1}}]; got {shown(changes)}'
            )
        return [{name: _plain(value) for name, value in each.items()} for each in changes] or [{}]
    for name, values in changes.items():
        if isinstance(values, (str, Mapping)) or not isinstance(values, Iterable):
            raise ValueError(f"{name}: expected a list of values, got {values!r}; for one value take [{values!r}]")
        if not list(values):
            raise ValueError(f"{name}: expected at least one value, got an empty list")
    each_plain = [list(map(_plain, values)) for values in changes.values()]
    return [dict(zip(changes, values, strict=True)) for values in itertools.product(*each_plain)]


def _plain(value: object) -> object:
    """The value, numbers of NumPy as Python's: a config and a table hold those."""
    if isinstance(value, (np.generic, np.ndarray)):
        plain: object = value.tolist()
        return plain
    return type(value)(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def _check_given(out: object, seeds: object, workers: object, split: Split | None) -> None:
    """Raises ValueError for a folder or counts that are none, and for a split that no other process could read."""
    if not all(isinstance(count, int) and count >= 1 for count in (seeds, workers)):
        raise ValueError(f"expected at least one seed and one worker, got seeds={seeds!r} and workers={workers!r}")
    if split is not None and workers != 1:
        raise ValueError(
            "a split given as such stays in this process; take workers=1, or name the data set in the config "
            "(npz:FILE, folder:PATH), which every process can read"
        )
    if not isinstance(out, (str, Path)):
        raise ValueError(f'out: expected a folder, got {shown(out)}; write out="sweeps/ipc"')


def _check_fields(points: Sequence[Mapping[str, object]], split: Split | None) -> None:
    """Raises ValueError for a field whose changes would be lost, or told of runs that they do not reach."""
    for name in dict.fromkeys(name for point in points for name in point):
        if not isinstance(name, str):
            raise ValueError(f'changes: expected fields by name, such as "method.ipc", got {shown(name)}')
        first = name.partition(".")[0]
        if first in _OF_EVERY_RUN:
            raise ValueError(f"{name}: cannot be changed within a sweep: {_OF_EVERY_RUN[first]}")
        if split is not None and first in _OF_THE_DATA:
            raise ValueError(
                f"{name}: does not change a split that is given as such; leave split out, and name the data set in "
                "the config (npz:FILE, folder:PATH)"
            )


def _jobs(config: Config, points: Sequence[Mapping[str, object]], seeds: int, split: Split | None) -> Iterator[Job]:
    """Every run once, checked; raises ValueError naming all that cannot be run."""
    names = dict.fromkeys(name for point in points for name in point)
    splits: dict[tuple[object, ...], Split] = {}
    jobs: dict[str, Job] = {}
    refused = []
    for point in points:
        try:
            changed, own = _changed(config, point, split, splits)
            for r in range(seeds):
                seeded = replace(changed, seed=changed.seed + r)
                job = Job(seeded, own, _said(point), {name: _told(seeded, name) for name in names})
                same = jobs.setdefault(job.folder, job)
                if same.told != job.told:
                    raise ValueError(f"would be the same run as {same.said}; leave one of them out")
        except ValueError as error:
            refused.append(f"{_said(point)}: {error}")
    if refused:
        raise ValueError(f"{len(refused)} of {len(points)} combinations cannot be run; " + "; ".join(refused))
    yield from jobs.values()


def _changed(
    config: Config, point: Mapping[str, object], split: Split | None, splits: dict[tuple[object, ...], Split]
) -> tuple[Config, Split]:
    order = sorted(point, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    for name in (name for name in order if not name.startswith("teacher.")):
        config = change_field(config, name, point[name])
    check_protocols(config)
    key = (config.dataset, config.split_seed, config.size, config.skip_corrupt)
    if split is None and key not in splits:
        splits[key] = load_split(config)
    own = split or splits[key]
    for name in (name for name in order if name.startswith("teacher.")):
        config = change_field(config if config.teacher else config.resolved(own), name, point[name])
    return prepared(config, own)


def _runs(jobs: Sequence[Job], out: Path, *, workers: int, progress: bool) -> Iterator[tuple[int, History]]:
    """Each run's number and history, as they are done."""
    with ExitStack() as stack:
        bars = stack.enter_context(Bars(shown=progress))
        if workers > 1:
            crew = stack.enter_context(Workers(workers))
            done = crew.run([job.config for job in jobs], out, names=[job.name for job in jobs])
        else:
            done = ((number, _run(job, out)) for number, job in enumerate(jobs))
        for count, (number, history) in enumerate(done, start=1):
            bars("ablate", count, len(jobs), {})
            yield number, history


def _run(job: Job, out: Path) -> History:
    try:
        return run_config(job.config, out=out, split=job.split, progress=False)
    except Exception as error:
        error.add_note(
            f"This was the run with {job.name}. Runs that are done are kept; the same call goes on from there."
        )
        raise


def word(value: object) -> object:
    """A value of a config as a table shows it: numbers and words as they are, parts by what they differ in."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return ", ".join(str(word(each)) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        kind: type = type(value)
        name = next((name for name, known in METHODS.items() if known is kind), kind.__name__.lower())
        own = [f"{f.name}={word(getattr(value, f.name))}" for f in fields(value) if getattr(value, f.name) != f.default]
        return f"{name} ({', '.join(own)})" if own else name
    raise ValueError(f"cannot tell a {type(value).__name__} in a table; expected a number, a word or part of a config")


def _told(config: Config, name: str) -> object:
    """A dotted field as a table shows it; None where a method has no such field."""
    value: object = config
    for part in name.split("."):
        value = getattr(value, part, None)
    try:
        return word(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _said(point: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={_worded(value)}" for name, value in point.items()) or "the config itself"


def _worded(value: object) -> object:
    try:
        return word(value)
    except ValueError:  # it may not be what its field takes, which is told with the field's name
        return shown(value)
