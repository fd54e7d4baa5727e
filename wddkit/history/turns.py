"""Turns of knobs: what was changed while a run was going on, which makes it an edited run."""

from dataclasses import dataclass
from pathlib import Path

from wddkit.codec import decode, encode
from wddkit.history.checks import SCHEMA, check_schema
from wddkit.history.folder import damaged, read_json, write_json

FILE = "turns.json"  # an edited run has it, any other has not


@dataclass(frozen=True)
class Turn:
    """A knob's value after so many steps: in one block and those that come later, or (None) in every block."""

    name: str
    value: float
    step: int
    block: int | None = None

    def holds(self, block: int, step: int) -> bool:
        """Whether the moment after `step` steps of a block comes at the turn or after it."""
        return step >= self.step if self.block is None else (block, step) >= (self.block, self.step)


@dataclass(frozen=True)
class Fork:
    """Where a run left another one: the name of its folder, and after how many steps."""

    run: str
    step: int


@dataclass(frozen=True)
class Edits:
    """All turns of a run in the order in which they were decided; of those that hold at a moment, the last counts."""

    run: str  # name of the run's folder if no knob were turned
    turns: tuple[Turn, ...] = ()
    fork: Fork | None = None

    def value(self, name: str, block: int, step: int) -> float | None:
        """What a knob stands at for the step after `step` steps of a block; None: where the config has it."""
        return next((t.value for t in reversed(self.turns) if t.name == name and t.holds(block, step)), None)


def read_edits(path: Path) -> Edits | None:
    """The turns of the run in a folder; None if it is not edited. Raises ValueError naming a damaged file."""
    file = path / FILE
    if not file.is_file():
        return None
    value = read_json(file)
    check_schema(file, value)
    try:
        return decode(Edits, value.get("edits"), where="edits")
    except ValueError as error:
        raise damaged(file, str(error)) from error


def write_edits(path: Path, edits: Edits) -> None:
    """Writes the turns of a run, whole or not at all. Raises StorageError."""
    write_json(path / FILE, {"schema": SCHEMA, "edits": encode(edits)})
