"""Notebooks as students hand them in."""

import json
from pathlib import Path
from typing import Any

from commands import NOTEBOOKS

from wddkit.course.source import build, parse

NAME = "01_transport_by_hand"
WORTH = {"01-cost": 2, "01-plan": 3, "01-drag": 2, "01-w1-w2": 2, "01-sorting": 3}  # as the source says
PASSED = "✓ Passed (01-drag, Bring them nearer): squared W2 is 2.000, and W2 itself 1.414 km."

Book = dict[str, Any]


def made(form: Any = "exercises", name: str = NAME) -> Book:
    return build(parse((NOTEBOOKS / "source" / f"{name}.py").read_text("utf-8")), form, notebook=name)


def cell(book: Book, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in book["cells"] if each["id"] == name)
    return found


def answered(**answers: str) -> Book:
    """The exercise form with these answers: the exercise's name without its number, and _ for -."""
    book = made()
    for name, code in answers.items():
        cell(book, f"01-{name.replace('_', '-')}-answer")["source"] = code
    return book


def own(code: str, name: str = "8a1c") -> dict[str, Any]:
    """A cell of the student's own."""
    return {"cell_type": "code", "id": name, "metadata": {}, "source": code, "outputs": [], "execution_count": 3}


def said(book: Book, exercise: str, text: str) -> Book:
    """The notebook, saved after a check had said this."""
    data = {"text/plain": [text], "text/html": ["..."]}
    output = {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 9}
    cell(book, f"{exercise}-check")["outputs"] = [output]
    return book


def hand_in(folder: Path, student: str, book: Book | str, name: str = NAME) -> Path:
    place = folder / student
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.ipynb").write_text(book if isinstance(book, str) else json.dumps(book), "utf-8")
    return place
