"""The list of a class: one name or number a line, each of which makes a file's name and a seed of its own."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from wddkit.course.places import seed_of

NAME = re.compile(r"\w(?:[\w .'’-]{0,58}[\w'’])?")
RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")  # no file of Windows can be called so


def read(path: Path) -> list[str]:
    """The students in the file's order; empty lines, and those that begin with #, are left out.

    Raises ValueError for a file that is missing, no UTF-8 text or without a name, and for names that make no file name
    or that cannot be told from another one's: each with its line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"cannot read the list of students {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8 text; save the list of students as plain text, one a line") from None
    lines = [(number, unicodedata.normalize("NFC", line).strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = [(number, name) for number, name in lines if name and not name.startswith("#")]
    if not found:
        raise ValueError(f"{path} names no student; write one name or number a line")
    _check(path, found)
    return [name for _, name in found]


def _check(path: Path, found: Sequence[tuple[int, str]]) -> None:
    seeds: dict[int, tuple[int, str]] = {}
    for number, name in found:
        if not NAME.fullmatch(name) or RESERVED.fullmatch(name):
            raise ValueError(
                f"{path}, line {number}: {name!r} makes no file name; use up to 60 letters, digits, spaces and . ' - _ "
                "that begin with a letter or digit and do not end with a point"
            )
        line, other = seeds.setdefault(seed_of(name), (number, name))
        if line != number:
            raise ValueError(
                f"{path}, lines {line} and {number}: {other!r} and {name!r} would get the same data; "
                "tell them apart, for example by a number"
            )
