"""Grades a class's notebooks with nbgrader: `python notebooks/grade.py 01 HANDED_IN --out FOLDER [--students FILE]`.

HANDED_IN has a folder for each student, named after them, with the notebook somewhere in it. FOLDER becomes nbgrader's
own, and points.csv in it is the table. With --students, the list that the release was made with, everybody's data are
those of their name, and who handed in nothing is named; without it a student.txt that was handed in is believed.
Every notebook is run from top to bottom: this runs the students' code.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from unicodedata import normalize

from build import made
from wddkit.course import gradebook, roster
from wddkit.course.gradebook import Grade, HandedIn

HERE = Path(__file__).resolve().parent
IGNORED = re.compile(r"\.|__MACOSX$")  # folders that JupyterLab and packers of zips leave behind


def exercises(number: str) -> tuple[str, dict[str, object]]:
    """Name and exercise form of a notebook, such as "01"; ValueError if there is none."""
    found = {path.stem: text for path, text in made().items() if path.parent == HERE and path.stem[:2].isdecimal()}
    names = [name for name in found if number in (name, name[:2])]
    if not names:
        raise ValueError(f"unknown notebook {number!r}; known: {', '.join(name[:2] for name in found)}")
    return names[0], json.loads(found[names[0]])


def collected(folder: Path, name: str, students: list[str]) -> tuple[dict[str, HandedIn], dict[str, str]]:
    """Student -> what they handed in, and student -> why nothing could be read.

    Raises ValueError for a folder that is missing or empty, and for one in it that the list does not name.
    """
    inside = folder.iterdir() if folder.is_dir() else ()
    # Some systems write letters with accents as two signs; a list of students has them as one.
    folders = {normalize("NFC", path.name): path for path in inside if path.is_dir() and not IGNORED.match(path.name)}
    if not folders:
        raise ValueError(f"{folder} has no folders; expected one for each student, named after them")
    if strange := sorted(set(folders) - set(students)) if students else []:
        raise ValueError(f"{folders[strange[0]]}: the list of students has no {strange[0]!r}; rename the folder")
    handed_in, missing = {}, {}
    for student in students or sorted(folders):
        files = sorted(folders[student].rglob(f"{name}.ipynb")) if student in folders else []
        files = [path for path in files if ".ipynb_checkpoints" not in path.parts]
        if len(files) != 1:
            missing[student] = f"{len(files)} files are called {name}.ipynb" if files else f"no {name}.ipynb"
            continue
        own = files[0].with_name("student.txt")
        try:
            notebook = json.loads(files[0].read_text("utf-8"))
            said = student if students else own.read_text("utf-8") if own.is_file() else ""
        except UnicodeDecodeError:
            missing[student] = f"{files[0].name} or {own.name} is no UTF-8 text"
        except ValueError as error:
            missing[student] = f"{files[0].name} cannot be read: {error}"
        else:
            handed_in[student] = HandedIn(notebook, said)
    return handed_in, missing


def graded(asked: argparse.Namespace) -> list[Grade]:
    """Everybody's grade."""
    name, notebook = exercises(asked.notebook)
    students = roster.read(asked.students) if asked.students else []
    handed_in, without = collected(asked.handed_in, name, students)
    recorded = HERE / "recorded"
    without |= gradebook.desk(
        asked.out, notebook, handed_in, name=name, recorded=recorded, believe=not asked.only_what_runs
    )
    found = {grade.student: grade for grade in gradebook.grade(asked.out, name=name)}
    of = float(sum(gradebook.worths(notebook).values()))
    found |= {student: Grade(student, {}, of, note=why) for student, why in without.items()}
    return [found[student] for student in students or sorted(found)]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="grade.py", description="Grade a class's notebooks with nbgrader.")
    parser.add_argument("notebook", help="number of a notebook, such as 01")
    parser.add_argument("handed_in", type=Path, help="has a folder for each student, named after them")
    parser.add_argument("--out", type=Path, metavar="FOLDER", required=True, help="a new folder, to become nbgrader's")
    parser.add_argument("--students", type=Path, metavar="FILE", help="the list that the release was made with")
    parser.add_argument(
        "--only-what-runs", action="store_true", help="no points for what was done by hand in a view and was only seen"
    )
    asked = parser.parse_args(arguments)
    try:
        grades = graded(asked)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"grade: {error}", file=sys.stderr)
        return 1
    (asked.out / "points.csv").write_text(gradebook.table(grades), "utf-8")
    for grade in grades:
        print(f"{grade.student:24} {grade.total:g} of {grade.of:g}  {grade.note or ' '.join(grade.seen)}".rstrip())
    print(f"{asked.out / 'points.csv'}: exercise by exercise; {asked.out} is nbgrader's folder")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
