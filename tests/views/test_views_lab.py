"""The views as a student meets them, in a real JupyterLab: the first notebook, a comparison, a run that grows."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browser import nothing_went_wrong, until, watched
from explorer_page import FEATURES, IMAGES, SLIDER, STRIP, moment, pixels, rest, scrub
from lab import Lab, Traffic, lefts_of_numbers, write_notebook
from playwright.sync_api import Browser, Page

from wddkit.history import History
from wddkit.views import Explorer

NAME = "00_first_distillation.ipynb"
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# The middle of what is drawn in the ring's red.
RING = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let [n, x, y] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== 0xb3 || data[i + 1] !== 0x26 || data[i + 2] !== 0x1e) continue;
    [n, x, y] = [n + 1, x + (i / 4) % canvas.width, y + Math.floor(i / 4 / canvas.width)];
  }
  return n ? [x / n, y / n] : null;
}"""


@pytest.fixture
def desk(desk: Path) -> Path:
    """The desk with the notebook and its recorded run."""
    shutil.copytree(NOTEBOOKS / "recorded", desk / "recorded")
    shutil.copy(NOTEBOOKS / NAME, desk / NAME)
    return desk


@pytest.mark.slow
def test_the_first_notebook_runs_without_torch(desk: Path) -> None:
    cells = [cell.source for cell in nbformat.read(desk / NAME, as_version=4).cells if cell.cell_type == "code"]
    code = "\n".join([*cells, "import sys", "assert 'torch' not in sys.modules"])
    done = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Run:
    """The recorded run of the first notebook: its time line, and how many real images each class has."""

    timeline: list[tuple[str, int]]
    real: list[int]

    @property
    def pixels(self) -> int:
        """Where the images begin to change."""
        return self.timeline.index(("recover", 0))

    def moment(self, step: int) -> str:
        """As the view says it."""
        phase, number = self.timeline[step]
        return f"{phase}, step {number} of {max(n for name, n in self.timeline if name == phase)}"


@pytest.fixture(scope="module")
def recorded() -> Run:
    history = History.load(NOTEBOOKS / "recorded" / "digits-wmdd-10")
    assert history.real is not None
    return Run(Explorer(history).timeline, np.bincount(history.real.labels).tolist())


@pytest.mark.browser
@pytest.mark.slow
def test_a_student_goes_through_the_first_notebook(running: Lab, browser: Browser, recorded: Run) -> None:
    found = watched(browser, width=1400)
    page, traffic = found.page, Traffic.of(found.page)
    running.open(page, NAME)
    running.run_all(page)
    page.get_by_label("In the middle of these images.").check()  # the Explorer appears once a prediction is kept
    page.get_by_role("button", name="Keep my prediction").first.click()
    page.locator(FEATURES).scroll_into_view_if_needed()
    rest(page)
    running.heard(page)
    traffic.clear()
    names, values = lefts_of_numbers(page)
    assert len(names) >= 4
    assert names == values
    found.shot("jupyter-begin")
    rested = scrubs(page, recorded)
    running.heard(page)
    assert 1 <= len(traffic.sent) <= rested  # nothing while the hand moves, one message when it rests
    assert max(traffic.sent) < 1000
    drags_the_slider(page, recorded)
    found.shot("jupyter-images")
    chooses_a_support_point(page)
    found.shot("jupyter-support-point")
    circles(page, recorded)
    running.heard(page)
    running.run_cell(page, "read-view")
    read = running.said(page, "read-view")
    step = recorded.pixels + 2
    assert f"snapshot {step} is recover, step {recorded.timeline[step][1]}\n" in read
    assert "support point" in read
    assert "real image" in read
    running.write_cell(page, "read-view", "view.step = 2\nview.classes = [1, 7]")
    running.run_cell(page, "read-view")
    page.locator(FEATURES).scroll_into_view_if_needed()
    until(page, lambda: moment(page) == recorded.moment(2))
    rest(page)
    assert f"{recorded.real[1] + recorded.real[7]} real images, 20 support points" in (
        page.locator(FEATURES).get_attribute("aria-label") or ""
    )
    found.shot("jupyter-from-a-cell")
    nothing_went_wrong(found)


def scrubs(page: Page, recorded: Run) -> int:
    """By keyboard; how often the hand rested."""
    assert moment(page) == recorded.moment(0)
    before = [pixels(page, name) for name in (FEATURES, IMAGES)]
    rested = scrub(page, *["ArrowRight"] * 3)
    assert moment(page) == recorded.moment(3)
    assert all(pixels(page, name) != old for name, old in zip((FEATURES, IMAGES), before, strict=True))
    return rested


def drags_the_slider(page: Page, recorded: Run) -> None:
    """With the mouse, from where `scrubs` left it to the third picture of the images."""
    box = page.locator(SLIDER).bounding_box()
    assert box
    target, last = recorded.pixels + 2, len(recorded.timeline) - 1
    begin, end = (box["x"] + 8 + (box["width"] - 16) * step / last for step in (3, target))  # a thumb is 16 px wide
    page.mouse.move(begin, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(end, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    rest(page)
    assert moment(page) == recorded.moment(target)


def chooses_a_support_point(page: Page) -> None:
    """Clicks a disc where the ring of its image says that it is; ring, strip, sentence and plan lines follow."""
    canvas, follow = page.locator(FEATURES), page.get_by_label("Follow")
    follow.select_option("34")
    rest(page)
    x, y = canvas.evaluate(RING)
    follow.select_option("-1")
    rest(page)
    assert canvas.evaluate(RING) is None
    assert not page.locator(STRIP).is_visible()
    canvas.click(position={"x": x, "y": y})
    rest(page)
    assert follow.input_value() == "34"
    assert canvas.evaluate(RING) is not None
    assert page.locator(STRIP).is_visible()
    assert "it stands for" in (page.locator(".wdd-said").text_content() or "")
    with_lines = pixels(page, FEATURES)
    page.get_by_label("its real images").uncheck()
    rest(page)
    assert pixels(page, FEATURES) != with_lines
    page.get_by_label("its real images").check()
    rest(page)


def circles(page: Page, recorded: Run) -> None:
    """Draws around all that is shown."""
    page.get_by_role("button", name="lasso").click()
    box = page.locator(FEATURES).bounding_box()
    assert box
    corners = [(0.1, 0.02), (0.98, 0.02), (0.98, 0.9), (0.1, 0.9)]
    places = [(box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    rest(page)
    assert page.get_by_text(f"Circled: {recorded.real[3]} real images").is_visible()


COMPARED = {
    "make": """
import wddkit as wdd
both = wdd.CompareExplorer([wdd.History.load("recorded/digits-wmdd-10")] * 2, names=["one", "other"])
""",
    "view": "both",
    "read": "print(both.step, both.selected)",
}


@pytest.mark.browser
@pytest.mark.slow
def test_two_runs_are_compared_in_one_cell(running: Lab, browser: Browser, desk: Path) -> None:
    write_notebook(desk / "compared.ipynb", COMPARED)
    found = watched(browser, width=1400)
    page, traffic = found.page, Traffic.of(found.page)
    running.open(page, "compared.ipynb")
    running.run_all(page)
    page.locator(SLIDER).scroll_into_view_if_needed()
    rest(page)
    before = [pixels(page, FEATURES, which) for which in (0, 1)]
    running.heard(page)
    traffic.clear()
    rested = scrub(page, *["ArrowRight"] * 14)
    assert all(pixels(page, FEATURES, which) != old for which, old in enumerate(before))
    running.heard(page)
    assert 1 <= len(traffic.sent) <= rested
    assert max(traffic.sent) < 1000
    page.get_by_label("Follow").nth(1).select_option("34")
    running.heard(page)
    running.run_cell(page, "read")
    assert running.said(page, "read") == "14 34\n"
    page.locator(FEATURES).first.scroll_into_view_if_needed()
    rest(page)
    assert page.get_by_label("Follow").nth(0).input_value() == "34"
    found.shot("jupyter-compared")
    nothing_went_wrong(found)


GROWING = {
    "make": """
import numpy as np
from wddkit.history import History, RealSample
from wddkit.views.live import LiveExplorer

rng = np.random.default_rng(0)
labels = np.arange(40) // 10
images = rng.integers(0, 256, (20, 40, 3, 32, 32)).astype(np.uint8)
features = rng.normal(size=(20, 40, 8))
real = RealSample(rng.integers(0, 256, (400, 3, 32, 32)).astype(np.uint8), rng.normal(size=(400, 8)),
                  np.arange(400) // 100, np.arange(400))

class Run:
    done = []
    def pause(self): self.done.append("pause")
    def resume(self): self.done.append("resume")
    def stop(self): self.done.append("stop")
    def set(self, **knobs): self.done.append(knobs)

view = LiveExplorer(Run(), title="growing")
view.tell({"state": "running", "stage": "recover", "done": 1, "total": 20, "knobs": {"lr": 0.1}, "message": ""})
frames = 0
""",
    "view": "view",
    "grow": """
frames += 1
loss = {"loss": np.exp(-np.arange(frames) / 5)} if frames > 1 else {}
view.grow(History.from_arrays(images[:frames], labels, features=features[:frames], real=real, scalars=loss))
""",
    "echo": """
import time
for pause in (0.1, 0):
    frames += 1
    view.grow(History.from_arrays(images[:frames], labels, features=features[:frames], real=real))
    view.send_state("step")  # as a kernel does that answers late: the step that it was told before
    time.sleep(pause)
""",
    "read": "print(view.step, Run.done)",
}


@pytest.mark.browser
@pytest.mark.slow
def test_a_run_grows_in_the_page_and_only_what_is_new_travels(running: Lab, browser: Browser, desk: Path) -> None:
    write_notebook(desk / "growing.ipynb", GROWING)
    found = watched(browser, width=1400)
    page, traffic = found.page, Traffic.of(found.page)
    running.open(page, "growing.ipynb")
    for cell in ("make", "view"):
        running.run_cell(page, cell)
    page.get_by_text("The run has begun").wait_for()
    sent, received = grows(running, page, traffic, times=8)
    one_frame = 40 * 3 * 32 * 32  # bytes of its images, which are noise
    assert received[0] > one_frame + 400 * 3 * 32 * 32 / 2  # the real images come once
    assert all(0.9 * one_frame < size < 1.3 * one_frame for size in received[2:])
    assert max(sent) < 3000  # the cell itself and the step; never a picture back
    running.run_cell(page, "read")
    assert running.said(page, "read") == "7 []\n"  # the view follows, and the kernel knows
    running.run_cell(page, "echo")
    running.heard(page)
    until(page, lambda: moment(page) == "recorded, step 9 of 9")  # and what the kernel echoes late is no looking back
    assert page.get_by_label("follow the newest step").is_checked()
    page.locator(SLIDER).scroll_into_view_if_needed()
    steers(page)
    traffic.clear()
    running.heard(page)
    assert sum(traffic.sent) < 1000
    running.run_cell(page, "grow")
    running.run_cell(page, "read")
    assert running.said(page, "read") == "7 ['pause', 'stop']\n"
    until(page, lambda: moment(page) == "recorded, step 7 of 10")
    found.shot("jupyter-growing")
    nothing_went_wrong(found)


def grows(running: Lab, page: Page, traffic: Traffic, *, times: int) -> tuple[list[int], list[int]]:
    """Bytes that went to the kernel and that came from it, each time."""
    sent, received = [], []
    for frame in range(times):
        traffic.clear()
        before = pixels(page, IMAGES) if frame else None
        running.run_cell(page, "grow")
        page.locator(IMAGES).scroll_into_view_if_needed()
        until(page, lambda: moment(page) == f"recorded, step {frame} of {frame}")  # noqa: B023  # called in this round
        rest(page)
        running.heard(page)
        assert pixels(page, IMAGES) != before
        sent.append(sum(traffic.sent))
        received.append(sum(traffic.received))
    return sent, received


def steers(page: Page) -> None:
    """Looks back, and is left there; pauses and stops."""
    page.locator(SLIDER).focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    rest(page)
    assert moment(page) == "recorded, step 7 of 9"
    assert not page.get_by_label("follow the newest step").is_checked()
    for name in ("pause", "stop"):
        page.get_by_role("button", name=name, exact=True).click()
