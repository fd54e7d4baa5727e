"""Notebooks are run for the pages, and kept: errors name the cell, and what did not change is not run again."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from wddkit.course.site import executing, writing
from wddkit.course.site.executing import executed

pytestmark = pytest.mark.slow

VIEWS = """
import wddkit as wdd
from wddkit import course
lab = wdd.TransportLab(lesson="sorting")
course.predict("Up?", ["yes", "no"], then=lab)
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with one notebook, of a text, a view that waits for a prediction, and what it is told to run."""
    written(tmp_path / "one.ipynb", "1 + 1")
    return tmp_path


def written(path: Path, code: str) -> None:
    cells = [new_markdown_cell("# One", id="title"), new_code_cell(VIEWS, id="views"), new_code_cell(code, id="last")]
    nbformat.write(new_notebook(cells=cells), path)


class Cells(list[tuple[int, int]]):
    """The cells that were run."""

    def __call__(self, cell: int, of: int) -> None:
        self.append((cell, of))


def test_a_notebook_is_run_once_and_again_when_something_changes(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = Cells()
    made = executed(desk / "one.ipynb", desk / "cache", told=cells)
    assert (made.fresh, cells) == (True, [(1, 2), (2, 2)])
    outputs = [cell["outputs"] for cell in made.notebook["cells"] if cell["cell_type"] == "code"]
    assert outputs[1][0]["data"]["text/plain"] == "2"
    question, lab = sorted(made.shown.values(), key=lambda told: told["view"])
    assert (question["view"], lab["view"]) == ("ask", "transport_lab")
    assert made.shown[question["then"][0]] is lab
    assert json.loads(lab["state"])["lesson"] == "sorting"

    again = executed(desk / "one.ipynb", desk / "cache", told=cells)
    assert (again.fresh, len(cells)) == (False, 2)
    assert again.shown == made.shown
    kept = json.loads((desk / "cache" / "one.json").read_text("utf-8"))
    modules = kept["made"]["modules"]
    assert any(name.endswith("labs/transport.py") for name in modules)
    assert not any(name.endswith(("embed.py", "executing.py")) for name in modules)  # they are the pages' own
    stale: list[Any] = [
        lambda: (desk / "recorded").mkdir() or (desk / "recorded" / "run.json").write_text("{}"),
        lambda: (desk / "recorded" / "run.json").rename(desk / "recorded" / "other.json"),
        lambda: monkeypatch.setenv("WDDKIT_FAST", "1" if not kept["made"]["fast"] else "0"),
    ]
    for change in stale:
        assert executing._unchanged(kept["made"], desk / "one.ipynb")
        change()
        assert not executing._unchanged(kept["made"], desk / "one.ipynb")
        kept["made"] |= executing._wanted(desk / "one.ipynb")
    other = dict.fromkeys(modules, "another sum")
    assert not executing._unchanged({**kept["made"], "modules": other}, desk / "one.ipynb")


def test_an_error_names_the_notebook_and_the_cell_and_keeps_nothing(desk: Path) -> None:
    written(desk / "one.ipynb", "C = missing + 1")
    with pytest.raises(RuntimeError, match=r"^one\.ipynb, cell 'last': NameError: name 'missing' is not defined$"):
        executed(desk / "one.ipynb", desk / "cache", told=Cells())
    assert not (desk / "cache" / "one.json").exists()


def test_what_is_kept_by_halves_is_made_again(desk: Path) -> None:
    (desk / "cache").mkdir()
    (desk / "cache" / "one.json").write_text('{"made": {"kept')
    assert executed(desk / "one.ipynb", desk / "cache", told=Cells()).fresh


def test_a_course_without_an_index_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no index\.ipynb in .*; make the notebooks first: make notebooks"):
        writing.notebooks_in(tmp_path)
    for name in ("01_b", "index", "00_a"):
        (tmp_path / f"{name}.ipynb").write_text("{}")
    assert [path.stem for path in writing.notebooks_in(tmp_path)] == ["index", "00_a", "01_b"]
