"""Notebook 01 goes through nbgrader from end to end: right, wrong, empty, copied, dragged by hand, and broken."""

import csv
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import command_named
from handed_in import NAME, PASSED, WORTH, Book, answered, cell, hand_in, made, own, said

from wddkit.course.places import seed_of
from wddkit.ot import transport


def numbers_of(student: str) -> str:
    """The answer to exercise 4 as numbers, of the data that a student has."""
    rng = np.random.default_rng(seed_of(student))
    left, right = rng.normal(size=(8, 2)), rng.normal(loc=(2, 1), size=(8, 2))
    return f"w1 = {transport(left, right, cost='l2').value}\nw2 = {np.sqrt(transport(left, right).value)}"


def wrong() -> Book:
    """Distances without their square, a plan without marginals, nothing dragged, W2 without its root, unsorted."""
    return answered(
        cost="C = np.sqrt(((x[:, None] - y) ** 2).sum(axis=2))",
        plan="plan = np.ones((3, 4))",
        w1_w2="w1 = w2 = wdd.ot.transport(left, right).value",
        sorting="def w2_squared_on_a_line(first, second):\n    return ((first - second) ** 2).mean()",
    )


def partly() -> Book:
    """Dragged by hand, own numbers, and a function in a cell of its own that is right and warns; the rest is empty."""
    book = said(answered(w1_w2=numbers_of("Eve"), sorting="w2_squared_on_a_line = mine"), "01-drag", PASSED)
    warns = (
        "import warnings\n\n\ndef mine(p, q):\n    warnings.warn('slow')\n"
        "    return np.mean((np.sort(p) - np.sort(q)) ** 2)"
    )
    book["cells"].insert(book["cells"].index(cell(book, "01-sorting-answer")), own(warns))
    return book


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed: pip install -e '.[dev]'"
)
def test_nbgrader_gives_a_right_a_wrong_and_an_empty_notebook_their_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books: dict[str, Callable[[], Book]] = {
        "Ada Lovelace": lambda: made("solved"),
        "Bob": wrong,
        "Cid": made,
        "Dot": lambda: answered(w1_w2=numbers_of("Eve")),  # copied from Eve, whose data are others
        "Eve": partly,
        "Fay": lambda: answered(cost="import os\nos._exit(1)"),  # ends the kernel
    }
    for student, make in books.items():
        hand_in(tmp_path / "in", student, make())
    (tmp_path / "class.txt").write_text("\n".join([*books, "Gus"]), "utf-8")
    out = tmp_path / "desk"
    asked = ["01", str(tmp_path / "in"), "--out", str(out), "--students", str(tmp_path / "class.txt")]
    assert command_named("grade").main(asked) == 0
    assert "Ada Lovelace             12 of 12" in capsys.readouterr().out
    rows = {row["student"]: row for row in csv.DictReader((out / "points.csv").read_text("utf-8").splitlines())}
    assert list(rows) == [*books, "Gus"]
    got = {name: {each: float(row[each]) for each in WORTH if row[each]} for name, row in rows.items()}
    assert got == {
        "Ada Lovelace": WORTH,
        "Bob": dict.fromkeys(WORTH, 0),
        "Cid": dict.fromkeys(WORTH, 0),
        "Dot": dict.fromkeys(WORTH, 0),
        "Eve": {**dict.fromkeys(WORTH, 0), "01-drag": 2, "01-w1-w2": 2, "01-sorting": 3},
        "Fay": {},
        "Gus": {},
    }
    assert {row["of"] for row in rows.values()} == {"12"}
    assert {name: row["total"] for name, row in rows.items() if float(row["total"])} == {
        "Ada Lovelace": "12",
        "Eve": "7",
    }
    assert {name: row["only seen"] for name, row in rows.items() if row["only seen"]} == {"Eve": "01-drag"}
    assert "nbgrader could not run it" in rows["Fay"]["note"]
    assert rows["Gus"]["note"] == f"no {NAME}.ipynb"
    graded = json.loads((out / "autograded" / "Bob" / NAME / f"{NAME}.ipynb").read_text("utf-8"))
    told = json.dumps(cell(graded, "01-cost-check")["outputs"], ensure_ascii=False)
    assert "✗ Not yet (01-cost" in told  # what a student is told stands beside the points
    released = json.loads((out / "release" / NAME / f"{NAME}.ipynb").read_text("utf-8"))
    assert "grading" not in json.dumps(released["cells"])  # hidden from students
