"""What a self-check is tried with; `cases_NN.py` has those of a notebook, in a table `CASES`."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wddkit.history import History

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

Answers = tuple[Any, ...]
Make = Callable[[], Answers]


@dataclass(frozen=True)
class Case:
    """What a check is given by keyword, right answers, wrong ones with what is said of them, and unfinished ones.

    `praise` is said of the first right answer. What is said is a regular expression, as for pytest.raises.
    """

    right: tuple[Make, ...]
    wrong: tuple[tuple[Make, str], ...]
    blank: tuple[Make, ...]
    praise: str
    given: Callable[[], Mapping[str, Any]] = dict


def one(value: Any) -> Make:
    return lambda: (value,)


EMPTY = one(...), one(None)


@functools.cache
def history() -> History:
    """The recorded run."""
    return History.load(NOTEBOOKS / "recorded" / "digits-wmdd-10")
