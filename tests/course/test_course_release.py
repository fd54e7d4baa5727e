"""The zip for students: everything that they need, nothing of a solution, data of their own, the same bytes again."""

import functools
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import pytest
import yaml
from commands import NOTEBOOKS, command_named

from wddkit.course.registry import exercises
from wddkit.course.source import SOLUTION, parse

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((NOTEBOOKS / "source").glob("*.py"))
LINK = re.compile(r"\]\(([^)#\s]+)\)|src=\"([^\"]+)\"")
# Runs a notebook's code as a kernel would, with the library of the zip, and says what became of it.
RUNNER = """
import json, sys
scope = {"__name__": "__main__"}
for name, code in json.load(sys.stdin):
    exec(compile(code, name, "exec"), scope)
import wddkit
from wddkit import course
found = {each.exercise: each.status for each in course.progress("01").outcomes}
print(json.dumps([found, scope["left"].tolist(), wddkit.__file__]))
"""


@pytest.fixture(scope="module")
def release() -> ModuleType:
    return command_named("release")


@pytest.fixture(scope="module")
def packed(release: ModuleType) -> bytes:
    made: dict[str, bytes] = release.releases([])
    assert list(made) == ["wddkit-course.zip"]
    return made["wddkit-course.zip"]


@pytest.fixture(scope="module")
def held(packed: bytes) -> dict[str, bytes]:
    """Path below the zip's one folder -> content."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {PurePosixPath(name).parts[0] for name in archive.namelist()} == {"wddkit-course"}
        return {name.removeprefix("wddkit-course/"): archive.read(name) for name in archive.namelist()}


@functools.cache
def solutions() -> dict[str, set[str]]:
    """Exercise -> the lines that only its solution has, in all sources; what a learner is shown anyway is no secret."""
    shown: set[str] = set()
    solved: dict[str, set[str]] = {}
    for source in SOURCES:
        for cell in parse(source.read_text("utf-8")):
            inside = False
            for line in map(str.strip, cell.lines):
                if line.startswith("# ---"):
                    inside = line == SOLUTION
                elif inside and line:
                    solved.setdefault(cell.name, set()).add(line)
                else:
                    shown |= {line, line.removeprefix("# ")}
    return {name: lines - shown for name, lines in solved.items()}


def lines_of(content: bytes) -> Iterator[str]:
    """The lines of a file as its reader sees them; those of a notebook without JSON's quotes."""
    text = content.decode("utf-8", "replace")
    if text.startswith('{\n "cells"'):
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    yield from map(str.strip, text.splitlines())


def test_no_line_of_any_solution_is_anywhere_in_the_zip_outside_of_the_library(held: dict[str, bytes]) -> None:
    secret = set().union(*solutions().values())
    assert len(secret) >= 3 * len(SOURCES)  # the search has something to look for
    told = {name: content for name, content in held.items() if not name.startswith("library/wddkit/")}
    assert [(name, line) for name, content in told.items() for line in lines_of(content) if line in secret] == []


def test_the_library_in_the_zip_holds_no_whole_solution_outside_of_its_self_checks(held: dict[str, bytes]) -> None:
    # A line such as `else:` stands everywhere; and whoever checks an answer has to know one: wddkit/course.
    for name, content in held.items():
        if name.startswith("library/wddkit/") and not name.startswith("library/wddkit/course/"):
            there = set(lines_of(content))
            assert [each for each, lines in solutions().items() if lines and lines <= there] == [], name


def test_no_source_of_a_notebook_is_in_the_zip_under_another_name(held: dict[str, bytes]) -> None:
    marked = {name for name, content in held.items() if SOLUTION in map(str.strip, lines_of(content))}
    assert marked <= {"library/wddkit/course/source.py"}  # which tells how a source is written


def test_the_search_for_solutions_would_find_one(held: dict[str, bytes]) -> None:
    solved = (NOTEBOOKS / "solved" / "01_transport_by_hand.ipynb").read_bytes()
    secret = set().union(*solutions().values())
    assert [line for line in lines_of(solved) if line in secret]
    assert not [line for line in lines_of(held["notebooks/01_transport_by_hand.ipynb"]) if line in secret]


def test_the_zip_has_no_solved_notebook_no_source_and_no_output(held: dict[str, bytes]) -> None:
    parts = {part for name in held for part in PurePosixPath(name).parts}
    assert not parts & {"solved", "source", "student.txt", "tests", "__pycache__", ".git"}
    notebooks = [name for name in held if name.endswith(".ipynb")]
    assert {PurePosixPath(name).stem for name in notebooks} == {path.stem for path in SOURCES}
    for name in notebooks:
        code = [cell for cell in json.loads(held[name])["cells"] if cell["cell_type"] == "code"]
        assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"]] == []


def test_a_notebook_that_somebody_ran_or_solved_in_place_is_packed_as_its_source_makes_it(
    release: ModuleType, held: dict[str, bytes]
) -> None:
    for path, text in release.made().items():
        if path.parent == NOTEBOOKS:
            assert held[f"notebooks/{path.name}"].decode("utf-8") == text


def test_every_link_in_the_zip_leads_somewhere_in_it(held: dict[str, bytes]) -> None:
    for name in (each for each in held if each.startswith("notebooks/") and each.endswith(".ipynb")):
        cells = json.loads(held[name])["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        links = [first or second for first, second in LINK.findall(text)]
        inside = [f"notebooks/{link}" for link in links if "://" not in link and not link.startswith("data:")]
        assert [link for link in inside if link not in held] == [], name


def test_the_recorded_runs_that_notebooks_open_are_packed_whole(held: dict[str, bytes]) -> None:
    folder = NOTEBOOKS / "recorded" / "digits-wmdd-10"
    files = {f"notebooks/recorded/{path.relative_to(folder.parent).as_posix()}" for path in folder.rglob("*.*")}
    assert files
    assert files <= set(held)
    assert "notebooks/recorded/make.py" not in held


def test_the_environment_of_the_zip_installs_what_lies_in_the_zip(held: dict[str, bytes]) -> None:
    environment = yaml.safe_load(held["environment.yml"])
    python, pip, listed = environment["dependencies"]
    original = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    assert [python, pip] == original[:2]
    assert listed == {"pip": ["-c constraints.txt", "./library"]}
    assert held["constraints.txt"] == (ROOT / "constraints.txt").read_bytes()
    assert held["library/pyproject.toml"] == (ROOT / "pyproject.toml").read_bytes()
    code = {f"library/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "wddkit").rglob("*.py")}
    assert code <= set(held)
    assert any(name.startswith("library/wddkit/views/web/") for name in held)
    for command in ("-m pip install -c constraints.txt ./library", "wddkit lab", "conda env create"):
        assert command in held["README.md"].decode("utf-8")


def test_equal_input_gives_equal_bytes_and_another_name_gives_others(release: ModuleType, packed: bytes) -> None:
    assert release.releases([])["wddkit-course.zip"] == packed
    first, second = (release.releases(["Ada", "7"]) for _ in range(2))
    assert first == second
    assert list(first) == ["wddkit-course-Ada.zip", "wddkit-course-7.zip"]
    assert len({*first.values(), packed}) == 3
    names = zipfile.ZipFile(io.BytesIO(first["wddkit-course-7.zip"])).infolist()
    assert [each.filename for each in names] == sorted(each.filename for each in names)
    assert {each.date_time for each in names} == {(1980, 1, 1, 0, 0, 0)}


def run(folder: Path, form: str) -> tuple[dict[str, str], Any, str]:
    """Statuses, drawn data and the place of wddkit, after notebook 01 was run in an unpacked zip."""
    path = NOTEBOOKS / "solved" if form == "solved" else folder / "notebooks"
    cells = json.loads((path / "01_transport_by_hand.ipynb").read_text("utf-8"))["cells"]
    environment = {**os.environ, "WDDKIT_FAST": "1", "MPLBACKEND": "agg", "PYTHONPATH": str(folder / "library")}
    environment.pop("WDDKIT_STUDENT", None)
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps([(cell["id"], "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]),
        cwd=folder / "notebooks",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found, left, library = json.loads(done.stdout.splitlines()[-1])
    return found, left, library


def unpacked(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder / "wddkit-course"


@pytest.mark.slow
def test_the_zip_runs_elsewhere_and_every_check_waits_for_an_answer(packed: bytes, tmp_path: Path) -> None:
    folder = unpacked(packed, tmp_path)
    found, _, library = run(folder, "exercises")
    assert found == {each.name: "blank" for each in exercises("01")}
    assert Path(library).is_relative_to(folder / "library")


@pytest.mark.slow
def test_two_students_get_other_data_and_the_right_answers_of_both_pass(release: ModuleType, tmp_path: Path) -> None:
    drawn = []
    for name, content in release.releases(["Ada Lovelace", "4711"]).items():
        folder = unpacked(content, tmp_path / name)
        found, left, _ = run(folder, "solved")
        assert found == {each.name: "passed" for each in exercises("01")}
        drawn.append(left)
    assert drawn[0] != drawn[1]


def test_the_command_writes_once_says_so_and_loses_nothing(
    release: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "class.txt").write_text("Ada\n7\n", "utf-8")
    out = tmp_path / "new" / "dist"
    asked = ["--students", str(tmp_path / "class.txt"), "--out", str(out)]
    assert release.main(asked) == 0
    assert sorted(path.name for path in out.iterdir()) == ["wddkit-course-7.zip", "wddkit-course-Ada.zip"]
    assert re.search(r"wddkit-course-Ada\.zip: \d\.\d MB, written", capsys.readouterr().out)
    assert release.main(asked) == 0
    assert "was there already" in capsys.readouterr().out
    (out / "wddkit-course-7.zip").write_bytes(b"mine")
    (out / "wddkit-course-Ada.zip").unlink()
    assert release.main(asked) == 1
    assert "wddkit-course-7.zip would be lost; name another folder with --out, or add --replace" in (
        capsys.readouterr().err
    )
    assert [path.read_bytes() for path in out.iterdir()] == [b"mine"]  # nothing was written
    assert release.main([*asked, "--replace"]) == 0
    assert zipfile.is_zipfile(out / "wddkit-course-7.zip")


def test_the_command_tells_what_it_cannot_use(
    release: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dist"
    file.write_text("")
    assert release.main(["--out", str(file)]) == 1
    assert f"release: {file} is a file; name a folder: --out FOLDER" in capsys.readouterr().err
    assert release.main(["--students", str(tmp_path / "none.txt"), "--out", str(tmp_path / "out")]) == 1
    assert "release: cannot read the list of students" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def notebook(code: str) -> dict[str, str]:
    return {"99_new.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": [code]}]})}


def test_a_notebook_that_opens_a_run_which_is_not_there_is_told(release: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"99_new\.ipynb needs recorded/nowhere, which is not there"):
        list(release._recorded(notebook('course.recorded("nowhere")')))
    some = list(release._recorded(notebook('course.recorded("digits-wmdd-10")')))
    every = list(release._recorded(notebook('course.recorded(f"{name}-wmdd-10")')))  # which one, nobody can tell
    assert set(some) < set(every)
    assert list(release._recorded(notebook("1 + 1"))) == []
