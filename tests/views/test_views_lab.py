"""The first notebook, as a student meets it: in JupyterLab, and without torch."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from browser import chromium, watched
from lab import lab
from views_toys import write_run

NAME = "00_first_distillation.ipynb"
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / NAME
SLIDER, FEATURES, IMAGES = "input.wdd-time", "canvas.wdd-features", "canvas.wdd-images"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the notebook and a recorded run where it looks for one."""
    root = tmp_path / "desk"
    (root / "recorded").mkdir(parents=True)
    shutil.copy(NOTEBOOK, root / NAME)
    write_run(root / "recorded" / "digits-wmdd-10")
    return root


def test_the_first_notebook_runs_without_torch(desk: Path) -> None:
    cells = [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    code = "\n".join([*cells, "import sys", "assert 'torch' not in sys.modules"])
    done = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.browser
@pytest.mark.slow
def test_in_jupyterlab_the_view_appears_and_arrow_keys_move_its_pictures(desk: Path, tmp_path: Path) -> None:
    with lab(desk, tmp_path / "jupyter") as running, chromium() as browser:
        found = watched(browser, width=1400)
        page = found.page
        running.open(page, NAME)
        running.run_all(page)
        slider = page.locator(SLIDER)
        slider.scroll_into_view_if_needed()
        before = [page.locator(name).evaluate("canvas => canvas.toDataURL()") for name in (FEATURES, IMAGES)]
        slider.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.locator(".wdd-moment", has_text="step 20 of 40, recover (snapshot 3 of 5)").wait_for(timeout=20_000)
        after = [page.locator(name).evaluate("canvas => canvas.toDataURL()") for name in (FEATURES, IMAGES)]
        assert all(old != new for old, new in zip(before, after, strict=True))
        page.locator(IMAGES).click(position={"x": 100, "y": 20})
        page.locator("canvas.wdd-strip").wait_for(timeout=20_000)
        found.shot("lab")
        # What was chosen in the page is known to the kernel by now, and is read by the cell that asks for it.
        page.wait_for_timeout(500)
        page.evaluate(
            "async () => { const { content } = window.jupyterapp.shell.currentWidget;"
            " content.activeCellIndex = content.widgets.findIndex(cell => cell.model.id === 'read-view');"
            " await window.jupyterapp.commands.execute('notebook:run-cell'); }"
        )
        page.get_by_text("snapshot 2 is Frame(phase='recover', step=20)").wait_for(timeout=10_000)
        assert found.errors == []
        assert found.outside == []
        page.close()
