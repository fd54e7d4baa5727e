"""What TEACHING.md promises: notebooks and sections are there; times add up and are those of the notebooks."""

import re
from pathlib import Path

import pytest

from wddkit.course import grading
from wddkit.course.source import build, parse

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
TEXT = (NOTEBOOKS / "TEACHING.md").read_text("utf-8")
NAMED = re.compile(r"\[[^]]+\]\((\d\d)_(\w+)\.ipynb\)")
SECTION = re.compile(r"\*([^*]+)\*")
ROUTES = {"90 minutes": 90, "One day": 450, "Four weeks": 1005}


def section(title: str) -> str:
    """The text below a heading, up to the next one of its kind."""
    found = re.search(rf"^(##+) {title}$(.*?)(?=^##+ |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[2]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def source(number: str) -> str:
    return next((NOTEBOOKS / "source").glob(f"{number}_*.py")).read_text("utf-8")


def minutes(number: str) -> int:
    found = re.search(r"\*\*Time:\*\* (\d+) minutes", source(number))
    assert found, number
    return int(found[1])


def test_every_notebook_that_is_named_exists() -> None:
    named = set(NAMED.findall(TEXT))
    assert len({number for number, _ in named}) == len(named) == 12
    files = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    assert [each for each in sorted(named) if "_".join(each) not in files] == []


def test_the_table_has_every_notebook_with_its_time() -> None:
    found = {NAMED.findall(row[0])[0][0]: int(row[1]) for row in rows("What is there")}
    assert sorted(found) == [f"{number:02}" for number in range(12)]
    assert found == {number: minutes(number) for number in found}


@pytest.mark.parametrize("title", ROUTES)
def test_the_times_of_a_route_add_up_and_no_part_takes_longer_than_its_notebook(title: str) -> None:
    *parts, total = rows(title)
    assert total == ["sum", str(ROUTES[title])]
    assert sum(int(row[1]) for row in parts) == ROUTES[title]
    spent: dict[str, int] = {}
    for what, time in parts:
        for number, _ in NAMED.findall(what):
            spent[number] = spent.get(number, 0) + int(time)
            whole = not SECTION.search(what)
            assert int(time) == minutes(number) if whole else int(time) < minutes(number), what
    assert {number: time for number, time in spent.items() if time > minutes(number)} == {}


@pytest.mark.parametrize("title", ROUTES)
def test_sections_and_exercises_of_a_route_are_in_their_notebook(title: str) -> None:
    for what, _ in rows(title):
        for number, _ in NAMED.findall(what):
            heads = re.findall(r"^# ## (.+)$", source(number), re.MULTILINE)
            assert [name for name in SECTION.findall(what) if name not in heads] == [], what
            asked = re.findall(r"\d", " ".join(re.findall(r"exercises? ([\d, and to]+)", what)))
            assert all(f"### Exercise {each}: " in source(number) for each in asked), what


def test_what_is_done_by_hand_is_what_grading_would_believe() -> None:
    for row in rows("What is there"):
        number = NAMED.findall(row[0])[0][0]
        book = build(parse(source(number)), "exercises", notebook=number)
        passing = {**book, "cells": [dict(cell) for cell in book["cells"]]}
        for cell in passing["cells"]:
            role, name = grading.role_of(cell)
            if role == "check":
                cell["outputs"] = [{"data": {"text/plain": f"✓ Passed ({name}, ...): ..."}}]
        tasks = list(grading.worths(book))
        by_hand = [tasks.index(name) + 1 for name in grading.seen(book, passing)]
        assert re.findall(r"\d", row[3]) == [str(each) for each in by_hand], number


def test_every_notebook_has_its_mistakes_told() -> None:
    told = re.findall(r"^- \*\*(\d\d)\.\*\*", section("What goes wrong, notebook by notebook"), re.MULTILINE)
    assert told == [f"{number:02}" for number in range(12)]


def test_files_and_commands_that_are_named_are_there() -> None:
    for name in ("notebooks/grade.py", "wddkit/course/checks"):
        assert name in TEXT
        assert (ROOT / name).exists()
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^release: .*\n\t.*notebooks/release\.py \$\(OPTIONS\)$", makefile, re.MULTILINE)
    assert "make release OPTIONS=" in TEXT
