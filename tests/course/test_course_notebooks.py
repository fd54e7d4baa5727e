"""The notebooks of the course: made of their sources, complete, and run from top to bottom in both forms."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import NOTEBOOKS, command_named

from wddkit.course.registry import HOMES, exercises
from wddkit.course.source import Cell, parse

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((NOTEBOOKS / "source").glob("[0-9]*.py"))
LINK = re.compile(r"\]\(([^)#\s]+)\)|src=\"([^\"]+)\"")
WORD = re.compile(r"[^\W\d_][\w'’-]*|\d[\d.,]*")
WITHOUT_TORCH = ("00", "01", "02", "03", "09")
# A plain Python runs the cells one after the other, as a kernel would, and says at the end what was found.
RUNNER = """
import json, sys
cells, blocked, number = json.load(sys.stdin)
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
scope = {"__name__": "__main__"}
for name, code in cells:
    exec(compile(code, name, "exec"), scope)
from wddkit import course
print(json.dumps([[each.exercise, each.status] for each in course.progress(number).outcomes]))
"""

every_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
without_torch = pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.stem[:2] in WITHOUT_TORCH], ids=lambda path: path.stem
)


def builder() -> Any:
    return command_named("build")


def cells(path: Path) -> list[Cell]:
    return parse(path.read_text("utf-8"))


def words_of(path: Path) -> int:
    """How many words everybody reads: without formulas, addresses, tags and hints that are folded away."""
    text = text_of(path)
    for left_out in (r"<details>.*?</details>", r"\$\$.*?\$\$", r"\$[^$]*\$", r"\]\([^)]*\)", r"<[^>]*>"):
        text = re.sub(left_out, " ", text, flags=re.DOTALL)
    return len(WORD.findall(text))


def text_of(path: Path) -> str:
    return "\n".join("\n".join(cell.lines) for cell in cells(path) if cell.kind in ("markdown", "exercise"))


def code_of(path: Path, form: str) -> list[tuple[str, str]]:
    """Names and code of the cells of the notebook that is committed."""
    folder = NOTEBOOKS / "solved" if form == "solved" else NOTEBOOKS
    made = json.loads((folder / f"{path.stem}.ipynb").read_text("utf-8"))
    return [(cell["id"], "".join(cell["source"])) for cell in made["cells"] if cell["cell_type"] == "code"]


def test_the_committed_notebooks_are_what_their_sources_make() -> None:
    assert [str(path.relative_to(NOTEBOOKS)) for path in builder().differing()] == []


def test_a_notebook_that_no_source_makes_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built = builder()
    monkeypatch.setattr(built, "HERE", tmp_path)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "01_one.py").write_text("# %% [markdown] title\n# # One\n")
    (tmp_path / "99_old.ipynb").write_text("{}")
    assert built.main([]) == 0
    assert [path.name for path in built.differing()] == ["99_old.ipynb"]
    (tmp_path / "01_one.ipynb").write_text("{}")
    assert [path.name for path in built.differing()] == ["01_one.ipynb", "99_old.ipynb"]
    assert built.main(["--check"]) == 1
    assert built.main(["--nonsense"]) == 2


def test_every_notebook_with_checks_has_a_source_and_every_source_its_checks() -> None:
    assert {path.stem[:2] for path in SOURCES} == set(HOMES)


@every_source
def test_a_notebook_begins_with_title_time_needs_and_objectives(path: Path) -> None:
    first = cells(path)[0]
    text = "\n".join(first.lines)
    assert (first.kind, first.name) == ("markdown", "title")
    assert text.startswith(f"# {path.stem[:2]} ")
    assert re.search(r"\*\*Time:\*\* \d+ minutes\. \*\*You need:\*\* \w+", text)
    assert len(re.findall(r"^- ", text[text.index("After it you can") :], re.MULTILINE)) >= 3


@every_source
def test_a_notebook_ends_with_a_summary_what_to_read_and_the_progress(path: Path) -> None:
    *_, summary, last = cells(path)
    text = "\n".join(summary.lines)
    assert "## Summary" in text
    assert "**To read next.**" in text
    assert "https://arxiv.org/abs/" in text
    assert last.lines == (f'course.progress("{path.stem[:2]}")',)


@every_source
def test_exercises_have_hints_numbers_an_answer_and_their_check(path: Path) -> None:
    found = cells(path)
    tasks = [cell for cell in found if cell.kind == "exercise"]
    assert (2 if path.stem.startswith("00") else 3) <= len(tasks) <= 5
    assert [cell.name for cell in tasks] == [each.name for each in exercises(path.stem[:2])]
    for number, task in enumerate(tasks, 1):
        assert task.lines[0].startswith(f"### Exercise {number}: ")
        text = "\n".join(task.lines)
        assert 1 <= text.count("<details><summary>Hint") == text.count("</details>")
        assert all(1 <= task.numbers[name] <= 5 for name in ("difficulty", "importance"))
        rest = found[found.index(task) + 1 :]
        answer, check = (next(cell for cell in rest if cell.kind == kind) for kind in ("answer", "check"))
        assert answer.name == check.name == task.name
        assert "".join(map(str.strip, check.lines)).startswith(f'course.check("{task.name}", ')


@every_source
def test_a_prediction_is_asked_before_anything_may_be_moved(path: Path) -> None:
    code = "\n".join("\n".join(cell.lines) for cell in cells(path) if cell.kind in ("code", "folded"))
    asking = [cell for cell in cells(path) if "course.predict(" in "\n".join(cell.lines)]
    assert len(asking) >= 1
    assert {cell.kind for cell in asking} == {"folded"}  # else the answer could be read above the question
    for name in ("Explorer", "TransportLab", "BarycenterLab", "CompareExplorer", "AblationBrowser"):
        for match in re.finditer(rf"(?:(\w+) = )?wdd\.{name}\(|then=wdd\.{name}\(", code):
            shown = match[1]
            assert shown is None or f"then={shown}," in code


@every_source
def test_every_figure_is_shown_with_words(path: Path) -> None:
    for name, text in code_of(path, "solved"):
        drawn = len(re.findall(r"= (?:plt\.subplots|\w+\.plot)\(", text))
        told = text.count("course.show(") + text.count("course.embedded(")
        assert drawn == told, name
        assert set(re.findall(r"plt\.(\w+)", text)) <= {"subplots", "close"}, name


@every_source
def test_cells_are_short_and_few_and_prose_is_five_to_nine_words_a_line_of_code(path: Path) -> None:
    for form in ("exercises", "solved"):
        code = code_of(path, form)
        assert len(code) <= 25 + (form == "solved")
        assert {name: lines for name, text in code if (lines := len(text.splitlines())) > 25} == {}
    lines = sum(bool(line.strip()) for _, text in code_of(path, "exercises") for line in text.splitlines())
    words = words_of(path)
    assert 5 <= words / lines <= 9, (words, lines)


@pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("**/*.ipynb")), ids=lambda path: str(path.relative_to(NOTEBOOKS))
)
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    made = json.loads(path.read_text("utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "markdown")
    links = [first or second for first, second in LINK.findall(text)]
    assert [each for each in links if "://" not in each and not (path.parent / each).exists()] == []


def test_the_index_leads_to_every_notebook_with_its_time() -> None:
    text = (NOTEBOOKS / "source" / "index.py").read_text("utf-8")
    for path in SOURCES:
        title = cells(path)[0].lines[0].removeprefix("# ")
        minutes = re.search(r"\*\*Time:\*\* (\d+) minutes", text_of(path))
        assert minutes is not None
        assert re.search(rf"\| \[{re.escape(title)}\]\({path.stem}\.ipynb\) \|[^|]+\| {minutes[1]} \|", text), title


@every_source
def test_no_solution_leaks_into_the_exercise_form(path: Path) -> None:
    answers = {cell.name: cell.lines for cell in cells(path) if cell.kind == "answer"}
    shown = dict(code_of(path, "exercises"))
    for name, lines in answers.items():
        solved, inside = [], False
        for line in map(str.strip, lines):
            if line.startswith("# ---"):
                inside = line == "# --- solution"
            elif inside and line:
                solved.append(line)
        assert solved
        assert [line for line in solved if line in shown[f"{name}-answer"].splitlines()] == []


def statuses(path: Path, form: str) -> dict[str, str]:
    """Exercise -> what its check said, when all cells are run in order by a plain Python."""
    number = path.stem[:2]
    blocked = ["torch", "torchvision"] if number in WITHOUT_TORCH else []
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps([code_of(path, form), blocked, number]),
        cwd=NOTEBOOKS / "solved" if form == "solved" else NOTEBOOKS,
        env={**os.environ, "WDDKIT_FAST": "1", "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@without_torch
@pytest.mark.slow
def test_the_solved_form_passes_every_check_without_torch(path: Path) -> None:
    assert statuses(path, "solved") == {each.name: "passed" for each in exercises(path.stem[:2])}


@without_torch  # the others are run to their end by test_course_lab_NN, which looks at every check too
@pytest.mark.slow
def test_the_exercise_form_runs_without_torch_and_every_check_says_that_nothing_is_filled_in(path: Path) -> None:
    assert statuses(path, "exercises") == {each.name: "blank" for each in exercises(path.stem[:2])}
