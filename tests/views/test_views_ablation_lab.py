"""A sweep as a student meets it, in a real JupyterLab: cells, runs asked of the kernel, traits read and set."""

from pathlib import Path

import pytest
from browser import nothing_went_wrong, watched
from explorer_page import SLIDER
from lab import Lab, Traffic, write_notebook
from playwright.sync_api import Browser, expect
from sweep_page import OPENED
from sweep_page import cells as sweep_cells
from sweep_toys import sweep_of

CELLS = {
    "make": 'import wddkit as wdd\nview = wdd.AblationBrowser(wdd.Sweep.load("sweep"))',
    "view": "view",
    "read": 'print(view.selected, view.opened, view.brush, view.selection()["run"].tolist())',
    "set": 'view.value = "gain"\nview.opened = [0, 11]',
}
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"


@pytest.mark.browser
@pytest.mark.slow
def test_a_sweep_is_explored_in_a_notebook(running: Lab, browser: Browser, desk: Path) -> None:
    sweep_of(desk / "sweep")
    write_notebook(desk / "sweep.ipynb", CELLS)
    found = watched(browser, width=1400)
    page, traffic = found.page, Traffic.of(found.page)
    running.open(page, "sweep.ipynb")
    for cell in ("make", "view"):
        running.run_cell(page, cell)
    cells, opened = sweep_cells(page), page.locator(OPENED)
    expect(cells).to_have_count(6)
    cells.first.scroll_into_view_if_needed()
    expect(page.locator("canvas.wdd-thumbs").first).to_have_js_property("width", 60)  # asked of the kernel, and come
    running.heard(page)

    traffic.clear()
    cells.nth(3).click()
    expect(opened.locator(SLIDER)).to_be_visible()
    running.heard(page)
    large = [size for size in traffic.received if size > 5000]  # the run; what else comes says that the kernel is idle
    assert len(large) == 1
    assert max(traffic.sent) < 3000
    running.run_cell(page, "read")
    assert running.said(page, "read") == "[6, 7] [6] {} ['toy-3-0', 'toy-3-1']\n"

    cells.nth(3).focus()
    before = page.evaluate(ACTIVE)
    for key in ("ArrowUp", "ArrowLeft", "Shift+Enter"):  # which JupyterLab would take for its own
        page.keyboard.press(key)
    expect(opened.locator("h3.wdd-run")).to_have_count(2)
    assert page.evaluate(ACTIVE) == before
    page.get_by_role("slider", name="lowest of start kept").press("ArrowUp")
    expect(page.locator(".wdd-runs tr.wdd-chosenrow")).to_have_count(6)
    running.heard(page)
    running.run_cell(page, "read")
    runs = [f"toy-{setting}-{seed}" for setting in (1, 3, 5) for seed in (0, 1)]
    assert running.said(page, "read") == f"[2, 3, 6, 7, 10, 11] [6, 0] {{'method.start': ['real']}} {runs}\n"

    running.run_cell(page, "set")
    cells.first.scroll_into_view_if_needed()
    expect(page.locator("[aria-label='heat map'] h3")).to_contain_text("Accuracy minus that of random real images")
    expect(opened.locator("h3.wdd-run")).to_have_text(
        ["statistics_weight 0.1, start noise, seed 0", "statistics_weight 10, start real, seed 1"]
    )
    found.shot("jupyter-ablation")
    nothing_went_wrong(found)
