"""The list of a class: names and numbers that make files and seeds of their own, and what else a list may hold."""

import re
from pathlib import Path

import pytest

from wddkit.course import roster
from wddkit.course.places import seed_of


def test_a_list_of_students_may_have_empty_lines_remarks_and_a_byte_order_mark(tmp_path: Path) -> None:
    held = tmp_path / "class.txt"
    held.write_text("# group 2\n\n  Ada Lovelace \nJose\u0301\nO’Neil\n4711\n", "utf-8-sig")
    assert roster.read(held) == ["Ada Lovelace", "José", "O’Neil", "4711"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "class.txt names no student; write one name or number a line"),
        ("\n# nobody\n", "names no student"),
        ("Ada\nBob\nada\n", "class.txt, lines 1 and 3: 'Ada' and 'ada' would get the same data; tell them apart"),
        ("7\n007\n", "lines 1 and 2: '7' and '007' would get the same data"),
        ("Ada\nA/B\n", "class.txt, line 2: 'A/B' makes no file name; use up to 60 letters, digits, spaces"),
        ("../up\n", "line 1: '../up' makes no file name"),
        ("Ada, Countess\n", "makes no file name"),
        ("con\n", "'con' makes no file name"),
        ("Ada.\n", "'Ada.' makes no file name"),
        ("a" * 61, "makes no file name"),
    ],
)
def test_a_list_of_students_that_cannot_be_used_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    held = tmp_path / "class.txt"
    held.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=re.escape(said)):
        roster.read(held)


def test_a_list_of_students_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read the list of students .*none\.txt: No such file"):
        roster.read(tmp_path / "none.txt")
    (tmp_path / "sheet.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(ValueError, match=r"sheet\.xls is no UTF-8 text; save the list of students as plain text"):
        roster.read(tmp_path / "sheet.xls")


def test_students_of_a_list_have_seeds_of_their_own() -> None:
    assert seed_of(" Ada ") == seed_of("ada") != seed_of("Bob")
    assert (seed_of("4711"), seed_of("")) == (4711, 0)
    assert seed_of("\ufeff4711\r\n") == 4711
    assert seed_of("Jose\u0301") == seed_of("Jos\u00e9")
