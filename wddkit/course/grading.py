"""Notebooks of the course in nbgrader's form: exercises keep their points, each is graded by its self-check, run anew.

assigned(notebook)           an exercise notebook with what nbgrader looks for in its cells
merged(assigned, handed_in)  the same with a student's answers and own cells in it: what is run and graded
seen(assigned, handed_in)    exercises done by hand in a view, which no new run can repeat, that the saved check passed
points(exercise, of=2)       what the last line of a graded check gives

Notebooks are nbformat's JSON, as `wddkit.course.source.build` makes them. `wddkit.course.gradebook` runs nbgrader.
"""

import copy
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wddkit.codec import unknown
from wddkit.course.outcomes import Outcome
from wddkit.course.registry import progress
from wddkit.course.source import Notebook

Cell = dict[str, Any]

SEEN = "seen.json"
HIDDEN = """
### BEGIN HIDDEN TESTS
from wddkit.course import grading

print(grading.outcome("{0}"))
grading.points("{0}", of={1})
### END HIDDEN TESTS"""
LOCKED = {"grade": False, "solution": False, "locked": True, "task": False, "schema_version": 3}
MISSING = "# This answer was not in the notebook that was handed in."


def outcome(exercise: str) -> Outcome:
    """What the self-check of an exercise found in this session; ValueError if there is no such exercise."""
    found = {each.exercise: each for each in progress(exercise.partition("-")[0]).outcomes}
    if exercise not in found:
        raise unknown("exercise", exercise, found)
    return found[exercise]


def points(exercise: str, *, of: float) -> float:
    """All points if the check passed in this session, or `seen.json` beside the notebook names the exercise; else 0."""
    held = Path(SEEN)
    by_hand = json.loads(held.read_text("utf-8")) if held.is_file() else []
    return of if outcome(exercise).passed or exercise in by_hand else 0


def assigned(notebook: Notebook) -> Notebook:
    """An exercise notebook with nbgrader's metadata: answers may be changed, checks give points, other code is locked.

    Raises ValueError for an exercise whose check or points are missing.
    """
    made = copy.deepcopy(notebook)
    worth = worths(made)
    checks = {name for role, name in map(role_of, made["cells"]) if role == "check"}
    if alone := sorted(checks ^ set(worth)):
        raise ValueError(f"exercise {alone[0]!r}: expected one task with points and one check")
    for cell in made["cells"]:
        role, name = role_of(cell)
        marks = {**LOCKED, "grade_id": cell["id"]}
        if role == "answer":
            marks |= {"solution": True, "locked": False}
        elif role == "check":
            marks |= {"grade": True, "points": worth[name]}
            cell["source"] = text_of(cell) + HIDDEN.format(name, worth[name])
        if cell["cell_type"] == "code":
            cell["metadata"]["nbgrader"] = marks
    return made


def worths(notebook: Notebook) -> dict[str, int]:
    """Exercise -> its points, in order."""
    told = [cell["metadata"].get("wddkit", {}) for cell in notebook["cells"]]
    return {each["exercise"]: each["points"] for each in told if "points" in each}


def merged(assigned: Notebook, handed_in: Notebook) -> Notebook:
    """The assigned notebook with the answers of the one that was handed in, and its additional code where it stood.

    Other cells are as they were assigned, whatever became of them. Cells are known by their ids. Raises ValueError if
    no answer can be found.
    """
    theirs = {cell.get("id"): cell for cell in handed_in["cells"]}
    answers = {cell["id"] for cell in assigned["cells"] if role_of(cell)[0] == "answer"}
    if not answers & set(theirs):
        raise ValueError("none of the answers' cells is in it: another notebook, or an editor dropped the cells' ids")
    added = _added({cell["id"] for cell in assigned["cells"]}, handed_in["cells"])
    cells = [*added.get("", ())]
    for cell in assigned["cells"]:
        mine = copy.deepcopy(cell)
        if cell["id"] in answers:
            mine["source"] = text_of(theirs[cell["id"]]) if cell["id"] in theirs else MISSING
        cells += [mine, *added.get(cell["id"], ())]
    return {**assigned, "cells": cells}


def _added(known: set[str], cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """Id of an assigned cell, "" for none -> the student's own code cells that follow it, without what they put out."""
    found: dict[str, list[Cell]] = {}
    before = ""
    for number, cell in enumerate(cells):
        if cell.get("id") in known:
            before = cell["id"]
        elif cell["cell_type"] == "code":
            own: Cell = {"id": f"own-{number}", "metadata": {}, "execution_count": None, "outputs": []}
            found.setdefault(before, []).append({**own, "cell_type": "code", "source": text_of(cell)})
    return found


def seen(assigned: Notebook, handed_in: Notebook) -> list[str]:
    """Exercises with nothing to write, as they are done by hand in a view, whose saved check passed.

    A run without a hand cannot repeat them; and whoever can edit a notebook's file can forge them.
    """
    theirs = {cell.get("id"): cell for cell in handed_in["cells"]}
    found = []
    for cell in assigned["cells"]:
        role, name = role_of(cell)
        if role == "answer" and "..." not in text_of(cell) and (check := theirs.get(f"{name}-check")):
            said = "\n".join(text_of(each.get("data", {}), "text/plain") for each in check.get("outputs", ()))
            found += [name] if re.search(rf"^✓ Passed \({re.escape(name)},", said, re.MULTILINE) else []
    return found


def role_of(cell: Cell) -> tuple[str, str]:
    """Whether a cell is an exercise, answer or check, and of which exercise; two empty texts for other cells."""
    told = cell["metadata"].get("wddkit", {})
    return told.get("role", ""), told.get("exercise", "")


def text_of(held: Cell, name: str = "source") -> str:
    """A text of nbformat's, which may be kept as one or as its lines."""
    return "".join(held.get(name, ""))
