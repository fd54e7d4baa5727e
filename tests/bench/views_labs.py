"""How long a laboratory takes from a move of the hand to a new picture: `python tests/bench/views_labs.py`."""

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "views"))

from browser import chromium

from wddkit.ot import Measure
from wddkit.views import BarycenterLab, TransportLab

MOVES = 80
GOAL = 33.0  # milliseconds, for an exact plan of 60 points
# From the time stamp of each pointer event to the end of the drawing that it asked for.
WATCH = """() => {
  window.took = [];
  let moved = 0;
  const root = document.querySelector(".wdd");
  const board = root.querySelector("canvas.wdd-board");
  board.addEventListener("pointermove", (event) => (moved ||= event.timeStamp));
  new MutationObserver(() => {
    if (moved) window.took.push(performance.now() - moved);
    moved = 0;
  }).observe(root, { attributes: true, attributeFilter: ["data-drawn"] });
}"""


def measure(*, moves: int = MOVES) -> dict[str, dict[str, float]]:
    """Milliseconds from pointer to picture, median and 95th percentile, for each kind of plan."""
    rng = np.random.default_rng(0)

    def cloud(n: int, x: float) -> Measure:
        return Measure((rng.normal(size=(n, 2)) * 0.7 + [x, 2]).clip(0.1, [5.9, 3.9]), rng.dirichlet(np.full(n, 5.0)))

    pairs = {n: (cloud(n, 2), cloud(n, 4)) for n in (60, 200)}
    labs = {
        "exact plan, n = 60": TransportLab(*pairs[60]),
        "exact plan, n = 200": TransportLab(*pairs[200]),
        "entropic plan, n = 60": TransportLab(*pairs[60], reg=0.1),
        "unbalanced plan, n = 60": TransportLab(*pairs[60], reg=0.1, relax=1.0),
        "barycenter of 60 points, free masses": BarycenterLab(pairs[60][0], m=5),
        "barycenter of 60 points, equal masses": BarycenterLab(pairs[60][0], m=5, masses="uniform"),
    }
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        found = {}
        for name, lab in labs.items():
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            page.goto(lab.to_html(Path(folder) / "lab.html").as_uri())
            page.locator(".wdd[data-drawn]").wait_for()
            found[name] = _dragged(page, moves)
            page.close()
        return found


def _dragged(page: Page, moves: int) -> dict[str, float]:
    step = page.locator(".wdd-main")
    if step.count():  # Lloyd's steps to their end, which then follows the drag
        page.emulate_media(reduced_motion="reduce")
        page.get_by_role("button", name="run to the end").click()
    page.wait_for_timeout(1500)  # other starts are tried when nothing moves
    box = page.locator(".wdd-handle").first.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = page.locator("canvas.wdd-board").evaluate("canvas => canvas.toDataURL()")
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(WATCH)
    for k in range(moves):
        page.mouse.move(x + 2 * k, y - 20 * np.sin(k / 9))
        page.wait_for_timeout(30)
    page.mouse.up()
    took = page.evaluate("() => window.took")
    assert len(took) >= moves / 2, "the moves were not drawn one by one"
    assert page.locator("canvas.wdd-board").evaluate("canvas => canvas.toDataURL()") != before
    return {"median": statistics.median(took), "p95": float(np.percentile(took, 95))}


def main() -> None:
    """Every kind of plan; the first has a goal."""
    print(f"laboratories, from pointer to picture in milliseconds (goal for the first: at most {GOAL:.0f})")
    for name, each in measure().items():
        print(f"  {name:40} median {each['median']:5.1f}   p95 {each['p95']:5.1f}")


if __name__ == "__main__":
    main()
