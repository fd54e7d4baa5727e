"""A class's notebooks are graded by nbgrader: `desk` lays out its folder, `grade` runs it, `table` is what came out.

Grading runs the students' code: do it where that may be done. `notebooks/grade.py` is the command.
"""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from wddkit.course.grading import SEEN, assigned, merged, seen, worths
from wddkit.course.source import Notebook

SETTINGS = r"""# Written by wddkit.course.gradebook.
c = get_config()
c.CourseDirectory.course_id = "wddkit"
c.ClearSolutions.enabled = False  # exercise notebooks hold no solutions
c.Execute.timeout = 600  # seconds a cell
c.IgnorePattern.enabled = True  # else a mere warning beside a passed check would cost all its points
c.IgnorePattern.pattern = r"[\s\S]"
"""
# Prints student -> cell -> points. A process of its own, because nbgrader wants `alembic` on the path.
READ = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    found = [each for each in book.find_assignment(sys.argv[1]).submissions]
    grades = {each.student.id: {g.name: g.auto_score or 0 for n in each.notebooks for g in n.grades} for each in found}
print(json.dumps(grades))
"""


@dataclass(frozen=True)
class HandedIn:
    """A student's notebook, and what their file student.txt says: whose data it is about."""

    notebook: Notebook
    student: str = ""


@dataclass(frozen=True)
class Grade:
    """What a student got: exercise -> points, and out of how many in all.

    `seen` are exercises that only the saved notebook vouches for; `note` says why there are no points, if so.
    """

    student: str
    points: Mapping[str, float]
    of: float
    seen: Sequence[str] = ()
    note: str = ""

    @property
    def total(self) -> float:
        """The sum of the points."""
        return sum(self.points.values())


def desk(
    folder: Path,
    notebook: Notebook,
    handed_in: Mapping[str, HandedIn],
    *,
    name: str,
    recorded: Path | None = None,
    believe: bool = True,
) -> dict[str, str]:
    """Writes nbgrader's folder for the notebook `name`; returns student -> why what they handed in cannot be graded.

    `recorded` is the folder of recorded runs. Without `believe` nothing counts that a new run cannot repeat.
    Raises ValueError if the folder is there already.
    """
    if folder.exists():
        raise ValueError(f"{folder} is there already; name a new folder")
    made = assigned(notebook)
    _write(folder / "source" / name / f"{name}.ipynb", made)
    (folder / "nbgrader_config.py").write_text(SETTINGS, "utf-8")
    if recorded:
        shutil.copytree(recorded, folder / "recorded")  # notebooks look for it in the folders above them
    refused = {}
    for student, each in handed_in.items():
        own = folder / "submitted" / student / name
        try:
            _write(own / f"{name}.ipynb", merged(made, each.notebook))
            held = seen(made, each.notebook) if believe else []
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # whatever a damaged file may hold
            shutil.rmtree(own.parent, ignore_errors=True)
            refused[student] = str(error) if isinstance(error, ValueError) else "this is no notebook"
            continue
        (own / SEEN).write_text(json.dumps(held), "utf-8")
        (own / "student.txt").write_text(each.student, "utf-8")
    return refused


def _write(path: Path, notebook: Notebook) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1), "utf-8")


def grade(folder: Path, *, name: str) -> list[Grade]:
    """What nbgrader gives everybody whose notebook lies in the folder, by name; it runs each from top to bottom.

    Its own words are in `nbgrader.log`. Raises RuntimeError if nbgrader is not installed or cannot make the assignment;
    a notebook that cannot be run to its end only gets a note.
    """
    with (folder / "nbgrader.log").open("w", encoding="utf-8") as log:
        made = _python(["-m", "nbgrader", "generate_assignment", name], folder, log)
        if not made.returncode and any((folder / "submitted").glob("*")):
            _python(["-m", "nbgrader", "autograde", name], folder, log)  # fails if anybody's fails
        read = _python(["-c", READ, name], folder, log, stdout=subprocess.PIPE)
    if made.returncode or read.returncode:
        said = (folder / "nbgrader.log").read_text("utf-8")[-1500:]
        raise RuntimeError(f"{said}\nnbgrader failed; is it installed? pip install -c constraints.txt nbgrader")
    return list(_grades(folder, name, json.loads(read.stdout)))


def _python(
    command: Sequence[str], folder: Path, log: TextIO, *, stdout: int | TextIO | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """A finished process of this Python's in the folder."""
    environment = {key: value for key, value in os.environ.items() if key != "WDDKIT_STUDENT"}
    # nbgrader calls `alembic` by its name, which lies beside a Python whose environment nobody may have activated.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    arguments = [sys.executable, *command]
    return subprocess.run(arguments, cwd=folder, env=environment, stdout=stdout or log, stderr=log, check=False)


def _grades(folder: Path, name: str, scores: Mapping[str, Mapping[str, float]]) -> Iterator[Grade]:
    worth = worths(json.loads((folder / "source" / name / f"{name}.ipynb").read_text("utf-8")))
    of = float(sum(worth.values()))
    for own in sorted((folder / "submitted").glob(f"*/{name}")):
        student = own.parent.name
        if not (folder / "autograded" / student / name / f"{name}.ipynb").is_file():
            yield Grade(student, {}, of, note=f"nbgrader could not run it; {folder / 'nbgrader.log'} says why")
            continue
        points = {exercise: float(scores[student][f"{exercise}-check"]) for exercise in worth}
        held = [each for each in json.loads((own / SEEN).read_text("utf-8")) if points[each]]
        yield Grade(student, points, of, held)


def table(grades: Sequence[Grade]) -> str:
    """The grades as CSV: a row a student, a column an exercise, their sum, what it is out of, what was only seen."""
    exercises = list(dict.fromkeys(exercise for grade in grades for exercise in grade.points))
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(["student", *exercises, "total", "of", "only seen", "note"])
    for grade in grades:
        each = [f"{grade.points[exercise]:g}" if exercise in grade.points else "" for exercise in exercises]
        writer.writerow([grade.student, *each, f"{grade.total:g}", f"{grade.of:g}", " ".join(grade.seen), grade.note])
    return held.getvalue()
