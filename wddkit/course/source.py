"""One source of a notebook, from which its exercise form and its solved form are made.

A source is `notebooks/source/NN_name.py` in the percent format: Jupytext and editors open it as a notebook, and it runs
from top to bottom as the solved one. Every cell has a name, which becomes its id:

    # %% [markdown] NAME                text; each line begins with "# "
    # %% NAME                           code that both forms have
    # %% folded NAME                    the same, folded away at first: what would give a prediction's answer away
    # %% [markdown] exercise ID difficulty=2 importance=4 minutes=5 points=2
    #                                   the task: a heading, text, hints in <details>; the numbers go under the heading
    # %% answer ID                      the cell to fill in
    # %% check ID                       the self-check, `course.check("ID", ...)`

In an answer, what stands between two marks is left out of the exercise form:

    cost = ...
    # --- solution
    cost = ((x[:, None] - y) ** 2).sum(axis=2)
    # --- instead
    # cost = ...  # your turn
    # --- end

`instead`, if there is one, is what the exercise form has in its place, as comments; else a line `...  # your turn` has.
The solved form ends with a cell that fails unless all self-checks passed; its links lead one folder up.
Equal sources give equal bytes. Exercises keep their numbers in their cells' metadata, for graders.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, cast

Kind = Literal["markdown", "code", "folded", "exercise", "answer", "check"]
Form = Literal["exercises", "solved"]
Notebook: TypeAlias = dict[str, Any]

NUMBERS = ("difficulty", "importance", "minutes", "points")
MARK = re.compile(
    r"# %%(?P<text> \[markdown\])?(?: (?P<kind>exercise|answer|check|folded))? (?P<name>[a-z0-9][a-z0-9-]*)"
    r"(?P<numbers>(?: [a-z]+=\d+)*)"
)
SOLUTION, INSTEAD, END = "# --- solution", "# --- instead", "# --- end"
PLACEHOLDER = "...  # your turn"
LINK = re.compile(r"(\]\(|\bsrc=\")(?![a-z]+:|#|/)")
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True)
class Cell:
    """A cell of a source: its kind, its name (of exercises, answers and checks the exercise's), and its lines."""

    kind: Kind
    name: str
    lines: tuple[str, ...]
    numbers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def identifier(self) -> str:
        """The id of the cell in the notebook."""
        return f"{self.name}-{self.kind}" if self.kind in ("exercise", "answer", "check") else self.name


def parse(text: str) -> list[Cell]:
    """The cells of a source; ValueError that names the line of what cannot be read."""
    cells: list[Cell] = []
    mark, lines, begin = None, [], 0
    for number, line in enumerate([*text.splitlines(), "# %% end"], 1):
        if not line.startswith("# %%"):
            lines.append(line)
            continue
        if mark is not None:
            cells.append(_cell(mark, lines, begin))
        elif any(map(str.strip, lines)):
            raise ValueError(f"line 1: expected a cell's mark first, such as '# %% [markdown] title', got {lines[0]!r}")
        mark, lines, begin = MARK.fullmatch(line), [], number
        if mark is None:
            raise ValueError(f"line {number}: expected '# %% NAME' or '# %% [markdown] NAME', got {line!r}")
    names = [cell.identifier for cell in cells]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two cells have the same name: {', '.join(twice)}")
    return cells


def _cell(mark: re.Match[str], lines: list[str], number: int) -> Cell:
    is_text = mark["text"] is not None
    kind = cast(Kind | None, mark["kind"])  # the pattern knows no others
    numbers = {name: int(value) for name, _, value in (each.partition("=") for each in mark["numbers"].split())}
    where = f"line {number}: cell {mark['name']!r}"
    if (kind == "exercise") != (is_text and kind is not None):
        raise ValueError(f"{where}: expected [markdown] with exercise, and without it for {kind}")
    if set(numbers) != set(NUMBERS if kind == "exercise" else ()):
        raise ValueError(f"{where}: expected {', '.join(NUMBERS)} for an exercise and for no other cell")
    body = _trimmed(lines)
    if not body:
        raise ValueError(f"{where} is empty")
    if is_text:
        if wrong := [line for line in body if line != "#" and not line.startswith("# ")]:
            raise ValueError(f"{where}: every line of a text begins with '# ', got {wrong[0]!r}")
        body = [line[2:] for line in body]
    cell = Cell(kind or ("markdown" if is_text else "code"), mark["name"], tuple(body), numbers)
    if cell.kind == "answer" and body == list(_split(cell, "exercises")):
        raise ValueError(f"{where}: an answer needs the marks '{SOLUTION}' and '{END}'")
    return cell


def build(cells: list[Cell], form: Form, *, notebook: str) -> Notebook:
    """A notebook of this form, as nbformat's JSON holds it; `notebook` is its file's name without the ending."""
    built = [_built(cell, form) for cell in cells]
    if form == "solved" and any(cell.kind == "check" for cell in cells):
        note = f"*Solved, all exercises filled in. Try it yourself first: [{notebook}](../{notebook}.ipynb).*"
        built.insert(1, _markdown("solved", [note]))
        number = notebook.partition("_")[0]
        last = ["from wddkit import course", "", f'course.progress("{number}").require_all()']
        built.append(_code("all-passed", last))
    return {"cells": built, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}


def dumps(notebook: Notebook) -> str:
    """The notebook's file, as nbformat writes it."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _built(cell: Cell, form: Form) -> dict[str, Any]:
    lines = list(cell.lines)
    if cell.kind in ("markdown", "exercise"):
        if cell.kind == "exercise":
            lines[1:1] = ["", _told(cell.numbers)]
        if form == "solved":
            lines = [LINK.sub(r"\1../", line) for line in lines]
        made = _markdown(cell.identifier, lines)
    else:
        made = _code(cell.identifier, list(_split(cell, form)))
    if cell.kind == "folded":
        made["metadata"] = {"jupyter": {"source_hidden": True}}
    if cell.kind in ("exercise", "answer", "check"):
        made["metadata"] = {"wddkit": {"exercise": cell.name, "role": cell.kind, **cell.numbers}}
    return made


def _told(numbers: Mapping[str, int]) -> str:
    return (
        f"*Difficulty {numbers['difficulty']} of 5, importance {numbers['importance']} of 5, "
        f"about {numbers['minutes']} minutes.*"
    )


def _split(cell: Cell, form: Form) -> Iterator[str]:
    """The lines of this form; ValueError for marks that are out of order."""
    part, indent, replaced = "", "", False
    for line in cell.lines:
        bare = line.strip()
        if bare in (SOLUTION, INSTEAD, END):
            follows = {SOLUTION: [""], INSTEAD: [SOLUTION], END: [SOLUTION, INSTEAD]}[bare]
            if cell.kind != "answer" or part not in follows:
                raise ValueError(f"cell {cell.name!r}: the mark {bare!r} is out of order")
            if bare == SOLUTION:
                indent, replaced = line[: len(line) - len(line.lstrip())], False
            if bare == END and form == "exercises" and not replaced:
                yield indent + PLACEHOLDER
            part = "" if bare == END else bare
        elif part == INSTEAD:
            if not bare.startswith("#"):
                raise ValueError(f"cell {cell.name!r}: after {INSTEAD!r} every line is a comment, got {line!r}")
            replaced = True
            if form == "exercises":
                yield indent + bare[1:].removeprefix(" ")
        elif not part or form == "solved":
            yield line
    if part:
        raise ValueError(f"cell {cell.name!r}: the mark {END!r} is missing")


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[0].strip():
        lines = lines[1:]
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def _markdown(name: str, lines: list[str]) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _source(lines)}


def _code(name: str, lines: list[str]) -> dict[str, Any]:
    made = _markdown(name, lines)
    return {**made, "cell_type": "code", "execution_count": None, "outputs": []}


def _source(lines: list[str]) -> list[str]:
    return [line + "\n" for line in lines[:-1]] + lines[-1:]
