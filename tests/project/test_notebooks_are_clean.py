"""Notebooks in git hold what their authors wrote: no outputs, no counters, no traces of a machine."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
MARKDOWN_IMAGE = re.compile(r"!\[([^\]]*)\]\(")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
ALT = re.compile(r"""\balt\s*=\s*("[^"]*[^"\s][^"]*"|'[^']*[^'\s][^']*')""", re.IGNORECASE)

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS != []


@every_notebook
def test_a_notebook_is_valid_and_names_its_cells(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    identifiers = [cell.get("id") for cell in notebook.cells]
    assert None not in identifiers
    assert len(set(identifiers)) == len(identifiers)


@every_notebook
def test_a_notebook_stores_no_outputs(path: Path) -> None:
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert [cell.source for cell in read(path).cells if cell.get("attachments")] == []


@every_notebook
def test_a_notebooks_metadata_name_only_its_kernel(path: Path) -> None:
    notebook = read(path)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec == KERNEL
    assert set(notebook.metadata.get("language_info", {})) <= {"name"}
    for cell in notebook.cells:
        # "jupyter" folds a cell's source; "wddkit" says which exercise a cell belongs to, for graders.
        assert set(cell.metadata) <= {"tags", "jupyter", "wddkit"}, cell.source
        assert set(cell.metadata.get("jupyter", {})) <= {"source_hidden"}, cell.source


@every_notebook
def test_every_image_has_a_text_alternative(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert [match[0] for match in MARKDOWN_IMAGE.finditer(text) if not match[1].strip()] == []
    assert [image for image in HTML_IMAGE.findall(text) if not ALT.search(image)] == []
