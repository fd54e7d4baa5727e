"""Pages of the laboratories in a real browser, and what one reads off them."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from browser import Watched, nothing_went_wrong, watched
from playwright.sync_api import Browser, Locator, Page

from wddkit.ot import Measure
from wddkit.views import BarycenterLab, TransportLab, assets

Lab = TransportLab | BarycenterLab

PARTS = ("ot.js", "ot_entropic.js", "ot_transport.js", "ot_barycenter.js")
SMALL = np.array([[1.0, 1.0], [1.0, 2.0], [5.0, 1.0], [5.0, 3.0]])
BOARD, MATRIX = "canvas.wdd-board", "canvas.wdd-matrix"
SUPPRESSED = "all => all.every(one => one.dataset.lmSuppressShortcuts)"  # else JupyterLab takes the keys
SIZES = "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
SURROUNDINGS = ("layout", "tabbable", "tooltip")  # traits of all widgets
NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"

# A host as in a notebook: what the view sets is kept, and when it is told to the kernel is written down.
HOST = """
const state = JSON.parse(document.getElementById("state").textContent);
const listeners = new Map();
const tell = (name) => [...(listeners.get("change:" + name) ?? [])].forEach((listener) => listener());
// Bytes of a run stay what they are: a view knows by that whether it has decoded them.
for (const [name, text] of Object.entries(state.buffers ?? {})) {
  state.buffers[name] = new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}
const model = {
  get: (name) => (name === "buffers" ? state[name] : structuredClone(state[name])),
  set(name, value) { state[name] = structuredClone(value); tell(name); },
  save_changes() { window.saved.push({ at: performance.now(), state: structuredClone(state) }); },
  send() {},
  on: (event, listener) => listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
  off: (event, listener) => listeners.get(event)?.delete(listener),
};
Object.assign(window, { saved: [], model, listeners, closing: [] });
for (const el of document.querySelectorAll(".here")) window.closing.push(lab.render({ model, el }));
"""


@contextlib.contextmanager
def opening(browser: Browser, folder: Path) -> Iterator[Callable[..., Watched]]:
    """Opens pages of laboratories from the disk; at the end nothing must have gone wrong in them."""
    pages = []

    def open_(lab: Lab, **options: object) -> Watched:
        found = watched(browser, **options)  # type: ignore[arg-type]  # as in `watched`
        pages.append(found)
        found.page.goto(lab.to_html(folder / "lab.html").as_uri())
        found.page.locator(".wdd[data-drawn]").wait_for()
        rest(found.page)
        return found

    yield open_
    _close(pages)


@contextlib.contextmanager
def hosting(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Shows laboratories as a notebook would; at the end nothing must have gone wrong in them."""
    pages = []

    def host_(lab: Lab, *, copies: int = 1) -> Page:
        found = watched(browser)
        pages.append(found)
        names = [name for name in lab.traits(sync=True) if not name.startswith("_") and name not in SURROUNDINGS]
        view = "transport_lab" if isinstance(lab, TransportLab) else "barycenter_lab"
        host(found.page, view, {name: getattr(lab, name) for name in names}, copies=copies)
        return found.page

    yield host_
    _close(pages)


def _close(pages: list[Watched]) -> None:
    for found in pages:
        nothing_went_wrong(found)


def engine(page: Page) -> None:
    """Makes the functions of the engine callable in the page."""
    source = "\n".join((assets.ROOM / name).read_text("utf-8") for name in PARTS)
    page.set_content("<!doctype html><title>engine</title>")
    named = "Object.assign(window, { transport, lloydSteps, spreadStart, draws });"
    page.add_script_tag(content=f"{source}\n{named}")


def host(page: Page, view: str, state: dict[str, Any], *, copies: int = 1) -> None:
    """Shows a view as a notebook would, in some copies of one model."""
    module = assets.module(view).replace("export default", "const lab =")
    here = '<div class="here"></div>' * copies
    page.set_content(f"<!doctype html><title>host</title><style>{assets.style()}</style>{here}")
    page.evaluate(
        "state => { const node = document.createElement('script'); node.type = 'application/json'; node.id = 'state';"
        " node.textContent = JSON.stringify(state); document.body.append(node); }",
        state,
    )
    page.add_script_tag(content=module + HOST, type="module")
    page.locator(".wdd[data-drawn]").first.wait_for()
    rest(page)


def rest(page: Page) -> None:
    """Until what was asked for is drawn: a frame, and more if drawing changed the room that there is."""
    frames = "let n = 4; const frame = () => (n-- ? requestAnimationFrame(frame) : done()); frame();"
    page.evaluate(f"() => new Promise(done => {{ {frames} }})")


def handle(page: Page, name: str) -> Locator:
    """The button of a point, such as 'a1' or 'support point 2'."""
    return page.get_by_role("button", name=re.compile(f"^{name} at "))


def centre(page: Page, name: str) -> tuple[float, float]:
    """Where a point is on the screen."""
    box = handle(page, name).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, name: str, dx: float, dy: float, *, release: bool = True) -> None:
    """Moves a point by so many pixels with the mouse."""
    x, y = centre(page, name)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    if release:
        page.mouse.up()
    rest(page)


def measure(page: Page, words: str) -> Measure:
    """The points whose names begin with these words, as their labels tell them."""
    labels = page.locator(".wdd-handle").evaluate_all("all => all.map(one => one.ariaLabel)")
    found = [label for label in labels if re.match(rf"{words}\d+", label)]
    points = [[float(x) for x in re.findall(NUMBER, label.split("(")[1].split(")")[0])] for label in found]
    masses = [float(re.findall(NUMBER, label.split("mass ")[1])[0]) if "mass" in label else 1.0 for label in found]
    return Measure(np.array(points), np.array(masses) / sum(masses))


def shown(page: Page) -> float:
    """The large number."""
    return float(page.locator(".wdd-digits").text_content() or "nan")


def pixels(page: Page, canvas: str) -> str:
    found: str = page.locator(canvas).first.evaluate("canvas => canvas.toDataURL()")
    return found


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    rest(page)


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    rest(page)


def choice(page: Page, name: str) -> Locator:
    """A drop-down list."""
    return page.get_by_role("combobox", name=name, exact=True)


def small(**options: Any) -> BarycenterLab:
    """Two pairs, and a start whose first step moves a support point by much."""
    return BarycenterLab(SMALL, start=[[0.5, 0.5], [4.0, 3.5]], **options)


def step(page: Page, times: int = 1) -> None:
    for _ in range(times):
        page.locator(".wdd-main").click()
        rest(page)


def said(page: Page) -> str:
    return page.locator(".wdd-result .wdd-caption").text_content() or ""


def support(page: Page) -> np.ndarray:
    return measure(page, "support point ").points
