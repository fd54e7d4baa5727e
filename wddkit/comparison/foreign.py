"""Sets that were made elsewhere, in the same table: beside controls of their own size, with the same students."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from wddkit.codec import Json
from wddkit.comparison.rows import CONTROLS, Row
from wddkit.config import Config
from wddkit.data import DistilledSet, Split, check_matches
from wddkit.data.arrays import shown
from wddkit.evaluation import evaluate_set
from wddkit.experiment import task_of
from wddkit.methods import METHODS, Random
from wddkit.pipeline import protocols_of
from wddkit.progress import Bars

Sets: TypeAlias = Mapping[str, DistilledSet | Sequence[DistilledSet]]


def sets_given(value: object) -> Sets:
    """The value, if it is sets by name. Raises ValueError that says what to write in its place."""
    if value is None or isinstance(value, Mapping):
        return value or {}
    raise ValueError(f"sets: expected sets by name, got {shown(value)}; write sets={{'theirs': distilled}}")


def checked_sets(sets: Sets, split: Split, *, seeds: int) -> dict[str, tuple[DistilledSet, ...]]:
    """One set for each synthesis seed, or a single one, by name.

    Raises ValueError for a name that a method or a control has, for another number of sets than seeds, and for sets
    that do not fit the split.
    """
    found = {}
    for name, given in sets.items():
        each = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        if name in (*METHODS, *CONTROLS):
            raise ValueError(f"sets: {name!r} is the name of a method here; call yours by another one")
        if len(each) not in (1, seeds):
            raise ValueError(f"sets[{name!r}]: expected one set, or {seeds}, one for each seed; got {len(each)}")
        for one in each:
            if not isinstance(one, DistilledSet):
                raise ValueError(
                    f"sets[{name!r}]: expected a DistilledSet, got {shown(one)}; write "
                    f"wddkit.DistilledSet.from_folder(path) or .from_arrays(images, labels)"
                )
            check_matches(one, split)
        found[str(name)] = each
    return found


def ipc_of(distilled: DistilledSet) -> int:
    """Stored images a class; of classes of several sizes, the whole number nearest to their mean, at least 1."""
    return max(1, round(len(distilled) / len(distilled.classes)))


def controls_of(base: Config, sets: Mapping[str, tuple[DistilledSet, ...]]) -> list[Config]:
    """A run of random images for each size of set: its own row and its controls are what the sets stand beside."""
    sizes = dict.fromkeys(ipc_of(each[0]) for each in sets.values())
    return [replace(base, method=Random(ipc)) for ipc in sizes]


def foreign_rows(
    name: str, sets: tuple[DistilledSet, ...], configs: Sequence[Config], split: Split, *, progress: bool
) -> Iterator[Row]:
    """Rows of one foreign set: `configs` are those of its controls, one for each pair of seeds.

    Students are trained with the seeds of the controls' and cached as theirs.
    """
    synthesis = list(dict.fromkeys(config.seed for config in configs))
    with Bars(shown=progress) as bars:
        tasks = {config.teacher_seed: task_of(config, split, tick=bars) for config in configs}
        for protocol in protocols_of(configs[0]):
            each: dict[tuple[int, int], Json] = {}
            for config in configs:
                one = sets[synthesis.index(config.seed) % len(sets)]
                found = evaluate_set(
                    name, one, split.test, tasks[config.teacher_seed], protocol, seed=config.seed, tick=bars
                )
                each[config.teacher_seed, config.seed] = {**found.to_json(), "ipc": ipc_of(one)}
            yield Row(configs[0], protocol, name, each, "", single=len(sets) == 1)
