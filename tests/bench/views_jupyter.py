"""The Explorer in a real JupyterLab, beside a plotly FigureWidget that does the same through the kernel."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from browser import chromium, watched
from lab import Lab, Traffic, lab, write_notebook
from playwright.sync_api import Page
from views_probe import probe, timed, to_and_fro

STEPS, AT_REST = 48, 1500
HERE = Path(__file__).parent
CELLS = {
    "open": f"""
import sys
sys.path.append({str(HERE)!r})
import ipywidgets, plotly.graph_objects as go
import numpy as np, wddkit as wdd
from views_histories import digits
history = digits()
""",
    "view": "view = wdd.Explorer(history)\nview",
    "plotly": """
rng = np.random.default_rng(0)
fixed, moving = rng.normal(size=(1000, 2)), rng.normal(size=(60, 200, 2))
both = fixed, moving[0]
figure = go.FigureWidget([go.Scatter(x=points[:, 0], y=points[:, 1], mode="markers") for points in both])
slider = ipywidgets.IntSlider(max=59)
def moved(change):
    with figure.batch_update():
        figure.data[1].x, figure.data[1].y = moving[change.new].T
slider.observe(moved, names=["value"])
ipywidgets.VBox([slider, figure])
""",
}
# Runs a cell; resolves to the milliseconds until it had run and until its view, with all pictures, was painted.
FIRST = """id => new Promise(done => {
  const { content } = window.jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.findIndex(cell => cell.model.id === id);
  const [began, times, painted] = [performance.now(), {}, new MessageChannel()];
  const note = name => {
    times[name] = performance.now() - began;
    if (times.ran && times.painted) done([times.ran, times.painted]);
  };
  painted.port1.onmessage = () => note("painted");
  const look = () => {
    const view = document.querySelector(".wdd");
    if (view?.dataset.drawn && view.dataset.pending === "0") painted.port2.postMessage(0);
    else requestAnimationFrame(look);
  };
  look();
  window.jupyterapp.commands.execute("notebook:run-cell").then(() => note("ran"));
})"""


def rows() -> Iterator[tuple[str, str, str]]:
    """What, measured, goal."""
    with tempfile.TemporaryDirectory() as folder:
        desk, scratch = Path(folder) / "desk", Path(folder) / "scratch"
        desk.mkdir()
        scratch.mkdir()
        write_notebook(desk / "bench.ipynb", CELLS)
        with lab(desk, scratch) as running, chromium() as browser:
            page = watched(browser, width=1400).page
            traffic = Traffic.of(page)
            running.open(page, "bench.ipynb")
            running.run_cell(page, "open")
            page.wait_for_timeout(AT_REST)
            ran, painted = page.evaluate(FIRST, "view")
            what = "JupyterLab: first paint after the cell ran"
            yield what, f"{painted - ran:.0f} ms ({painted / 1000:.1f} s after it began)", "<= 1 s"
            yield from scrubbed(page, traffic)
            yield from plotly(page, running)


def scrubbed(page: Page, traffic: Traffic) -> Iterator[tuple[str, str, str]]:
    """The slider, moved by arrow keys without a rest, and what the kernel hears of it."""
    slider = page.locator("input.wdd-time")
    slider.scroll_into_view_if_needed()
    slider.focus()
    probe(page, "keydown", "view")
    page.keyboard.press("Home")
    page.wait_for_timeout(AT_REST)
    found = timed(page, to_and_fro(page, 20), steps=STEPS)
    page.wait_for_timeout(AT_REST)
    traffic.clear()
    for step in range(STEPS):  # without waiting for each to be painted: that may be a rest
        to_and_fro(page, 20)(step)
    during = len(traffic.sent)
    page.wait_for_timeout(AT_REST)
    sent = ", ".join(f"{size} B" for size in traffic.sent[during:])
    yield "JupyterLab: scrub, 1000 real points", str(found), "<= 35 ms median, <= 100 ms p95"
    yield "JupyterLab: messages to the kernel while scrubbing", str(during), "0"
    yield "JupyterLab: messages when it rests", f"{len(traffic.sent) - during} ({sent})", "1, <= 1 kB"


def plotly(page: Page, running: Lab) -> Iterator[tuple[str, str, str]]:
    """The same in a FigureWidget: 1000 points that stay and 200 that move."""
    running.run_cell(page, "plotly")
    page.locator(".js-plotly-plot .points path").first.wait_for()
    page.wait_for_timeout(AT_REST)
    page.locator(".noUi-handle").focus()
    probe(page, "keydown", "plotly")
    found = timed(page, to_and_fro(page, 25), steps=STEPS, each=4000)
    yield "JupyterLab: the same, plotly FigureWidget", str(found), "(beside it)"
