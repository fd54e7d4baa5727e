"""A class's notebooks in nbgrader's form: exercises keep their points, and every answer is checked anew."""

import copy
import csv
import json
from pathlib import Path
from types import ModuleType

import pytest
from commands import NOTEBOOKS, command_named
from handed_in import NAME, PASSED, WORTH, Book, answered, cell, hand_in, made, own, said

from wddkit import course
from wddkit.course import gradebook, grading
from wddkit.course.gradebook import Grade, HandedIn
from wddkit.course.registry import HOMES


@pytest.fixture(scope="module")
def command() -> ModuleType:
    return command_named("grade")


def test_points_of_the_assignment_are_those_of_the_exercises() -> None:
    assert grading.worths(made()) == WORTH
    graded = {
        each["metadata"]["wddkit"]["exercise"]: each["metadata"]["nbgrader"]["points"]
        for each in grading.assigned(made())["cells"]
        if each["metadata"].get("nbgrader", {}).get("grade")
    }
    assert graded == WORTH


@pytest.mark.parametrize("name", sorted(path.stem for path in (NOTEBOOKS / "source").glob("[0-9]*.py")))
def test_every_notebook_of_the_course_can_be_assigned(name: str) -> None:
    before = made(name=name)
    found = grading.assigned(before)
    assert before == made(name=name)  # arguments stay as they were
    assert [each["id"] for each in found["cells"]] == [each["id"] for each in before["cells"]]
    for each in found["cells"]:
        if each["cell_type"] == "markdown":
            assert "nbgrader" not in each["metadata"]
            continue
        marks, role = each["metadata"]["nbgrader"], each["metadata"].get("wddkit", {}).get("role")
        assert (marks["solution"], marks["grade"], marks["locked"]) == (
            role == "answer",
            role == "check",
            role != "answer",
        )
        assert marks["grade_id"] == each["id"]
    assert len(grading.worths(found)) >= 2


def test_an_exercise_without_its_check_cannot_be_assigned() -> None:
    book = made()
    book["cells"].remove(cell(book, "01-plan-check"))
    with pytest.raises(ValueError, match="exercise '01-plan': expected one task with points and one check"):
        grading.assigned(book)


def test_a_submission_is_the_assignment_with_the_students_answers_and_own_cells_where_they_stood() -> None:
    assignment, theirs = grading.assigned(made()), answered(cost="C = helper(x, y)")
    cell(theirs, "01-cost-check")["source"] = "print('✓ Passed')"  # tampered with
    cell(theirs, "open")["source"] = "x = y = 0"
    theirs["cells"].insert(theirs["cells"].index(cell(theirs, "01-cost-answer")), own("def helper(x, y): ..."))
    theirs["cells"].remove(cell(theirs, "01-plan-answer"))
    theirs["cells"].remove(cell(theirs, "lazy"))
    found = grading.merged(assignment, theirs)
    ids = [each["id"] for each in found["cells"]]
    assert [each for each in ids if not each.startswith("own")] == [each["id"] for each in assignment["cells"]]
    place = ids.index("01-cost-answer")
    assert found["cells"][place - 1]["source"] == "def helper(x, y): ..."
    assert found["cells"][place]["source"] == "C = helper(x, y)"
    assert cell(found, "01-plan-answer")["source"] == grading.MISSING
    for name in ("01-cost-check", "open", "lazy"):
        assert cell(found, name) == cell(assignment, name)


def test_cells_before_the_first_and_the_text_of_a_student_are_no_trouble() -> None:
    theirs = answered()
    theirs["cells"] = [own("import math"), {"cell_type": "markdown", "id": "m", "source": "# Me"}, *theirs["cells"]]
    found = grading.merged(grading.assigned(made()), theirs)
    assert found["cells"][0]["source"] == "import math"
    assert "# Me" not in [each["source"] for each in found["cells"]]


def test_another_notebook_is_no_submission() -> None:
    with pytest.raises(ValueError, match="none of the answers' cells is in it: another notebook, or an editor dropped"):
        grading.merged(grading.assigned(made()), made(name="00_first_distillation"))
    without = made()
    for each in without["cells"]:
        del each["id"]
    with pytest.raises(ValueError, match="none of the answers' cells is in it"):
        grading.merged(grading.assigned(made()), without)


def test_only_what_is_done_by_hand_in_a_view_is_believed_from_the_saved_notebook() -> None:
    assignment = grading.assigned(made())
    assert grading.seen(assignment, made()) == []
    assert grading.seen(assignment, said(made(), "01-drag", PASSED)) == ["01-drag"]
    assert grading.seen(assignment, said(made(), "01-drag", PASSED.replace("✓ Passed", "✗ Not yet"))) == []
    assert grading.seen(assignment, said(made(), "01-drag", "✓ Passed (00-follow, ...): ...")) == []
    assert grading.seen(assignment, said(made(), "01-cost", "✓ Passed (01-cost, The cost matrix): ...")) == []


def test_points_are_all_or_none_after_the_check_or_what_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert grading.points("01-w1-w2", of=2) == 0
    course.check("01-w1-w2", 1.0, 3.0, left=[[0.0]], right=[[1.0]])
    assert grading.points("01-w1-w2", of=2) == 0
    assert "✗ Not yet (01-w1-w2" in repr(grading.outcome("01-w1-w2"))
    (tmp_path / grading.SEEN).write_text('["01-drag"]')
    assert (grading.points("01-drag", of=2), grading.points("01-w1-w2", of=2)) == (2, 0)
    course.check("01-w1-w2", 1.0, 1.0, left=[[0.0]], right=[[1.0]])
    assert grading.points("01-w1-w2", of=2) == 2
    with pytest.raises(ValueError, match=r"unknown exercise '01-cots'\. Did you mean '01-cost'\?"):
        grading.points("01-cots", of=2)
    with pytest.raises(ValueError, match="unknown notebook '77'"):
        grading.outcome("77-cost")


def test_a_desk_is_a_new_folder_and_leaves_out_what_is_no_notebook(tmp_path: Path) -> None:
    broken: Book = {"cells": [{"id": "01-cost-answer", "cell_type": "code", "source": None}]}
    handed_in = {"Ada": HandedIn(made(), "Ada"), "Bob": HandedIn({}), "Cid": HandedIn(broken)}
    refused = gradebook.desk(tmp_path / "desk", made(), handed_in, name=NAME)
    assert refused == {"Bob": "this is no notebook", "Cid": "this is no notebook"}
    assert [path.name for path in (tmp_path / "desk" / "submitted").iterdir()] == ["Ada"]
    assert (tmp_path / "desk" / "submitted" / "Ada" / NAME / "student.txt").read_text() == "Ada"
    with pytest.raises(ValueError, match="desk is there already; name a new folder"):
        gradebook.desk(tmp_path / "desk", made(), {}, name=NAME)


def test_a_student_cannot_bring_along_what_is_believed(tmp_path: Path) -> None:
    book = said(made(), "01-drag", PASSED)
    for believe, held in ((True, ["01-drag"]), (False, [])):
        gradebook.desk(tmp_path / str(believe), made(), {"Ada": HandedIn(book)}, name=NAME, believe=believe)
        assert json.loads((tmp_path / str(believe) / "submitted" / "Ada" / NAME / grading.SEEN).read_text()) == held


def test_the_table_has_a_row_a_student_and_a_column_an_exercise() -> None:
    grades = [Grade("Ada", {"a": 2, "b": 0.5}, 4, ["a"]), Grade("Bob, B.", {}, 4, note="no 01.ipynb")]
    assert list(csv.reader(gradebook.table(grades).splitlines())) == [
        ["student", "a", "b", "total", "of", "only seen", "note"],
        ["Ada", "2", "0.5", "2.5", "4", "a", ""],
        ["Bob, B.", "", "", "0", "4", "", "no 01.ipynb"],
    ]


def test_what_was_handed_in_is_found_in_everybodys_folder(command: ModuleType, tmp_path: Path) -> None:
    hand_in(tmp_path / "in", "Ada/notebooks/.ipynb_checkpoints", made())
    hand_in(tmp_path / "in", "Ada/notebooks", made()).joinpath("student.txt").write_text("4711\n")
    hand_in(tmp_path / "in", "Bob", "{")
    hand_in(tmp_path / "in", "Cid", made(), name="mine")
    for part in "12":
        hand_in(tmp_path / "in", f"Dot/{part}", made())
    hand_in(tmp_path / "in", "Jose\u0301", made()).joinpath("student.txt").write_bytes(b"\xff")
    for left in (".ipynb_checkpoints", "__MACOSX"):
        hand_in(tmp_path / "in", left, made())
    found, missing = command.collected(tmp_path / "in", NAME, [])
    assert {name: each.student for name, each in found.items()} == {"Ada": "4711\n"}
    assert missing.pop("Bob").startswith(f"{NAME}.ipynb cannot be read: Expecting property name")
    assert missing.pop("Jos\u00e9") == f"{NAME}.ipynb or student.txt is no UTF-8 text"
    assert missing == {"Cid": f"no {NAME}.ipynb", "Dot": f"2 files are called {NAME}.ipynb"}
    found, missing = command.collected(tmp_path / "in", NAME, ["Ada", "Bob", "Cid", "Dot", "Eve", "Jos\u00e9"])
    assert found["Jos\u00e9"].student == "Jos\u00e9"
    assert found["Ada"].student == "Ada"  # of the list: nobody chooses their own data
    assert missing["Eve"] == f"no {NAME}.ipynb"


def test_the_command_tells_what_it_cannot_use(
    command: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in(tmp_path / "in", "Ada", made())
    (tmp_path / "class.txt").write_text("Bob\n")
    out = tmp_path / "out"
    cases: list[tuple[list[str], str]] = [
        (["77", str(tmp_path / "in")], "unknown notebook '77'; known: 00, 01"),
        (["01", str(tmp_path / "none")], "none has no folders; expected one for each student, named after them"),
        (["01", str(tmp_path / "in"), "--students", str(tmp_path / "class.txt")], "the list of students has no 'Ada'"),
    ]
    for asked, told in cases:
        assert command.main([*asked, "--out", str(out)]) == 1
        assert told in capsys.readouterr().err
    assert not out.exists()


def test_without_nbgrader_one_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gradebook.desk(tmp_path / "desk", made(), {}, name=NAME)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "nbgrader.py").write_text("raise SystemExit('No module named nbgrader')")  # stands before any other
    with pytest.raises(RuntimeError, match=r"(?s)No module named nbgrader.*pip install -c constraints\.txt nbgrader"):
        gradebook.grade(tmp_path / "desk", name=NAME)


def test_the_numbers_of_homes_are_the_notebooks_that_can_be_graded(command: ModuleType) -> None:
    assert {command.exercises(number)[0][:2] for number in HOMES} == set(HOMES)
    assert copy.deepcopy(command.exercises("01")[1]) == made()
