"""The notebooks as a learner meets them, in a real JupyterLab: predict, move, fill in, and see a check pass."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Watched, chromium, nothing_went_wrong, until, watched
from explorer_page import FEATURES, SLIDER, rest
from lab import Lab, lab
from labs_page import handle, press, shown
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab over a copy of the notebooks."""
    desk = tmp_path / "desk"
    shutil.copytree(NOTEBOOKS, desk, ignore=shutil.ignore_patterns("sweeps", "__pycache__", ".ipynb_checkpoints"))
    with lab(desk, tmp_path / "jupyter") as found:
        yield found


def begun(running: Lab, browser: Browser, name: str) -> Watched:
    """The notebook, all of whose cells were run."""
    found = watched(browser, width=1400)
    running.open(found.page, name)
    running.run_all(found.page)
    return found


def predicts(page: Page, choice: str) -> None:
    """Answers by keyboard: Tab to the choices, the arrow keys to the choice, Tab to the button, Enter."""
    box = page.get_by_label(choice)
    box.scroll_into_view_if_needed()
    question = page.locator("section.wdd-ask", has=box)
    question.locator("input").first.focus()
    page.keyboard.press("Space")
    while not box.is_checked():
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    question.get_by_text(f"You predicted: {choice}").wait_for()


def checks(running: Lab, page: Page, exercise: str) -> str:
    """What the check of an exercise says now."""
    running.heard(page)
    running.run_cell(page, f"{exercise}-check")
    return running.said(page, f"{exercise}-check")


def sees(found: Watched, exercise: str, name: str) -> None:
    """Keeps a picture of the cells of an exercise."""
    found.page.evaluate(
        """id => {
          const { content } = window.jupyterapp.shell.currentWidget;
          return content.scrollToCell(content.widgets.find(cell => cell.model.id === id), "center");
        }""",
        f"{exercise}-check",
    )
    found.page.wait_for_timeout(300)
    found.shot(name, full_page=False)


def test_notebook_00_in_the_hands_of_a_learner(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "00_first_distillation.ipynb")
    page = found.page
    assert page.locator(FEATURES).count() == 0  # nothing moves before a prediction
    page.get_by_role("button", name="Keep my prediction").first.scroll_into_view_if_needed()
    found.shot("course-00-prediction", full_page=False)
    predicts(page, "On one of these images.")
    page.locator(FEATURES).wait_for()
    rest(page)
    assert "○ Not filled in yet" in checks(running, page, "00-follow")
    page.get_by_role("button", name="Compare with what happens").first.click()
    page.get_by_text("≠ Not as you predicted: In the middle of these images. The point").wait_for()
    page.locator(SLIDER).focus()
    page.keyboard.press("End")
    rest(page)
    assert "✗ Not yet" in checks(running, page, "00-follow")  # the tour's point, not the heaviest
    page.get_by_label("Follow").select_option("39")
    rest(page)
    assert "✓ Passed" in checks(running, page, "00-follow")
    found.shot("course-00-explorer", full_page=False)
    sees(found, "00-follow", "course-00-passed")
    said = checks(running, page, "00-gain")
    assert "○ Not filled in yet" in said
    running.write_cell(page, "00-gain-answer", "gain, overlap = results.accuracy[1] - results.accuracy[0], True")
    running.run_cell(page, "00-gain-answer")
    assert "the other way round" in checks(running, page, "00-gain")
    sees(found, "00-gain", "course-00-wrong")
    running.run_cell(page, "progress")
    assert running.said(page, "progress").startswith("1 of 4 exercises passed")
    nothing_went_wrong(found)


def test_notebook_01_in_the_hands_of_a_learner(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "01_transport_by_hand.ipynb")
    page = found.page
    assert page.locator(".wdd-board").count() == 0
    predicts(page, "It would be a quarter as large.")
    page.locator(".wdd[data-drawn]").first.wait_for()
    page.get_by_role("button", name="Compare with what happens").first.click()
    page.get_by_text("✓ As you predicted. Every cost is a squared distance").wait_for()
    assert "nothing has been moved yet, and squared W2 is 6.89" in checks(running, page, "01-drag")
    found.page.locator(".wdd-board").scroll_into_view_if_needed()
    found.shot("course-01-laboratory", full_page=False)
    nearer(page)
    assert "✓ Passed" in checks(running, page, "01-drag")
    sees(found, "01-drag", "course-01-passed")
    running.write_cell(page, "01-plan-answer", "plan = [[0.25, 0.25, 0, 0], [0, 0, 0.25, 0.25], [0, 0, 0, 0]]")
    running.run_cell(page, "01-plan-answer")
    assert "row 1 sums to 0.5, more than bakery 1 bakes: 0.3" in checks(running, page, "01-plan")
    sees(found, "01-plan", "course-01-wrong")
    predicts(page, "The two points will exchange their partners.")
    page.locator(".wdd-board").nth(1).wait_for()
    page.locator(".wdd-board").nth(1).scroll_into_view_if_needed()
    found.shot("course-01-line", full_page=False)
    nothing_went_wrong(found)


def nearer(page: Page) -> None:
    """Moves cafés to the left by keys, in steps of 0.1, until squared W2 is between 1.9 and 2.1."""
    for name in ("b3", "b4", "b2", "b1"):
        handle(page, name).first.focus()
        for _ in range(40):
            at = float(re.search(r"\(([\d.]+),", handle(page, name).first.get_attribute("aria-label") or "")[1])  # type: ignore[index]  # every label has a place
            if shown(page) <= 2.1 or at < {"b3": 1.6, "b4": 3.0, "b2": 1.4, "b1": 1.1}[name]:
                break
            press(page, "Shift+ArrowLeft")
    assert 1.9 <= shown(page) <= 2.1


def test_the_index_opens_and_its_links_lead_to_the_notebooks(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "index.ipynb")
    page = found.page
    until(page, lambda: "is ready; your seed is" in running.said(page, "ready"))
    found.shot("course-index", full_page=False)
    page.get_by_role("link", name="01 Optimal transport by hand").click()
    until(
        page,
        lambda: page.evaluate("() => window.jupyterapp.shell.currentWidget?.context?.path ?? ''").startswith("01_"),
    )
    page.get_by_role("heading", name="01 Optimal transport by hand").wait_for()
    nothing_went_wrong(found)
