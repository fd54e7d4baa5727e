"""The rows of a comparison before anything is concluded from them: who was measured, under which seeds."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float64

from wddkit.codec import Json, digest
from wddkit.config import WHOLE, Config, control_methods, controls, described, method_name, protocol_key
from wddkit.history import History
from wddkit.methods import METHODS
from wddkit.pipeline import protocols_of
from wddkit.stages.students import Protocol

CONTROLS = ("random", "nearest", WHOLE)
Seeds = tuple[int, int]  # of the teacher, of the synthesis


@dataclass(frozen=True)
class Choice:
    """How a row's method came to its values: of how many configurations it was chosen, and how that did on validation.

    `said`: what differs from the config that was given; "as given" if nothing does.
    """

    trials: int = 1
    said: str = "as given"
    validation: float = float("nan")


@dataclass(frozen=True, eq=False)
class Row:
    """One set under one protocol: what was recorded for each pair of seeds.

    `single`: the images are the same for all seeds, so that only students differ: a set that was made elsewhere.
    """

    config: Config  # resolved; of a set that was made elsewhere, that of its controls
    protocol: Protocol
    name: str
    each: Mapping[Seeds, Json]
    run: str
    choice: Choice = Choice()
    single: bool = False

    @property
    def first(self) -> Json:
        """What was recorded for the first seeds."""
        return next(iter(self.each.values()))

    @property
    def is_control(self) -> bool:
        """Whether it stands in the table once, whoever asked for it."""
        return self.name in CONTROLS

    @property
    def is_ranked(self) -> bool:
        """Whether it may be called best: neither the whole real set nor a method that only illustrates an idea."""
        return self.name != WHOLE and (self.name not in METHODS or METHODS[self.name].fidelity != "illustrative")

    @property
    def is_selection(self) -> bool:
        """Whether it is real images that somebody has chosen, and not at random."""
        return self.name != "random" and self.name in METHODS and METHODS[self.name].family == "selection"

    @property
    def settings(self) -> str:
        """Fields of the row's method, but for ipc, in which it differs from the method as it is by default."""
        own = self.config.method
        method = own if self.name == method_name(own) else control_methods(own).get(self.name)
        if self.single or method is None:
            return ""
        given = [(each.name, getattr(method, each.name), each.default) for each in fields(method)]  # type: ignore[arg-type]  # every method is a dataclass
        plain = (str, int, float, tuple, type(None))
        changed = [(name, value) for name, value, default in given if name != "ipc" and value != default]
        return ", ".join(f"{name}={value}" if isinstance(value, plain) else f"other {name}" for name, value in changed)

    @functools.cached_property
    def values(self) -> Float64[np.ndarray, "k n s"]:
        """Accuracies in percent by teacher, synthesis and student."""
        teachers = list(dict.fromkeys(teacher for teacher, _ in self.each))
        grid = [[row["accuracies"] for (t, _), row in self.each.items() if t == teacher] for teacher in teachers]
        return np.array(grid, np.float64)

    @functools.cached_property
    def world(self) -> str:
        """What two rows must share for a pair of their seeds to be a pair of students."""
        config = self.config
        parts = [config.dataset, config.split_seed, config.size, config.teacher, described(self.protocol)]
        return digest([*parts, [list(seeds) for seeds in self.each]])


def rows_of(config: Config, histories: Sequence[History], choice: Choice = Choice()) -> Iterator[Row]:
    """Rows of one config's runs: its own set and its controls, by protocol.

    Raises ValueError for an edited run.
    """
    refuse_edited(histories)
    own, run = method_name(config.method), str(histories[0].path)
    for protocol in protocols_of(config):
        found = [_recorded(history, protocol_key(described(protocol))) for history in histories]
        for name in (own, *(name for name in controls(config) if name != own)):
            each = {_seeds(history): sets[name] for history, sets in zip(histories, found, strict=True)}
            yield Row(config, protocol, name, each, run, choice if name == own else Choice())


def merged(rows: Iterable[Row]) -> list[Row]:
    """The rows without controls that others have, too: of equal ones that which was chosen of most trials.

    Those that differ (other masses, another teacher) stay, also where they happen to reach the same.
    """
    kept: dict[tuple[object, ...], Row] = {}
    for row in rows:
        accuracies = tuple(tuple(each["accuracies"]) for each in row.each.values())
        place = (row.world, row.first["ipc"], row.name, row.settings, accuracies, None if row.is_control else row.run)
        if place not in kept or row.choice.trials > kept[place].choice.trials:
            kept[place] = row
    return list(kept.values())


def refuse_edited(histories: Iterable[History]) -> None:
    """Raises ValueError for a run whose knobs were turned."""
    for history in histories:
        if history.edited:
            raise ValueError(
                f"{history.path}: an edited run stands in no comparison: its knobs were turned while it ran, so no "
                f"config tells how it came about; compare runs of their configs"
            )


def _recorded(history: History, key: str) -> dict[str, Json]:
    """Rows of one protocol by the name of their set."""
    values = [value for value in history.source.results() if protocol_key(value["protocol"]) == key]
    return {row["set"]: row for value in values for row in value["rows"]}


def _seeds(history: History) -> Seeds:
    config = history.config.as_dict()
    return int(config["teacher_seed"]), int(config["seed"])
