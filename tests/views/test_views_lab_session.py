"""A distillation that is watched, paused, turned, stopped and interrupted by hand, in a real JupyterLab."""

import time
from pathlib import Path

import pytest
from browser import nothing_went_wrong, until, watched
from explorer_page import FEATURES, moment, pixels, rest
from lab import Lab, write_notebook
from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# A minute or two of work, so that no test sees its end even where machines are quick; the first image soon.
BEGIN = """
import wddkit as wdd

config = wdd.Config(
    method=wdd.methods.WMDD(ipc=1, steps=24_000),
    teacher=wdd.Teacher(wdd.Network(width=8, depth=2), wdd.Training(steps=30, batch=64)),
    protocols=(),
    controls=(),
    snapshots=200,
)
session = wdd.LiveSession(config)
session.view
"""
READ = """
history = session.history
turns = [(event["name"], event["before"], event["after"]) for event in history.events if event["event"] == "knob"]
print(session.state["state"], session.state["knobs"], history.edited, len(history.frames) > 5, turns, session.path.name)
"""


def said(page: Page) -> str:
    """How the run is, as its view says it."""
    return page.locator(".wdd-live .wdd-moment").text_content() or ""


def button(page: Page, name: str) -> Locator:
    return page.locator(".wdd-live").get_by_role("button", name=name, exact=True)


def turn(page: Page, name: str, dx: float) -> None:
    """Moves the slider of a knob by so many pixels with the mouse."""
    slider = page.locator(".wdd-live").get_by_role("slider", name=name)
    box = slider.bounding_box()
    assert box
    at = slider.evaluate("one => (one.value - one.min) / (one.max - one.min)")
    x, y = box["x"] + 8 + at * (box["width"] - 16), box["y"] + box["height"] / 2  # a thumb is 16 px wide
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y, steps=5)
    page.mouse.up()


def grows(page: Page) -> None:
    """Sees images change, without a cell being run."""
    until(page, lambda: moment(page).startswith("recover, "))
    for _ in range(2):
        before = moment(page)
        until(page, lambda: moment(page) != before)  # noqa: B023  # called in this round


def seen(page: Page, *, seconds: float) -> tuple[str, str, str]:
    """What there is to see after so long."""
    page.wait_for_timeout(1000 * seconds)
    rest(page)
    return moment(page), pixels(page, FEATURES), said(page)


def stands_still(page: Page) -> None:
    """Once what was recorded just before is drawn, however late, nothing changes any more."""
    until(page, lambda: seen(page, seconds=0) == seen(page, seconds=1))
    before = seen(page, seconds=0)
    assert [seen(page, seconds=1) for _ in range(3)] == [before] * 3


def read(running: Lab, page: Page) -> str:
    running.run_cell(page, "read")
    return running.said(page, "read")


def test_a_session_is_watched_paused_turned_and_stopped_from_its_view(
    running: Lab, browser: Browser, desk: Path
) -> None:
    write_notebook(desk / "live.ipynb", {"begin": BEGIN, "read": READ})
    found = watched(browser, width=1400)
    page = found.page
    running.open(page, "live.ipynb")
    running.run_cell(page, "begin")
    page.locator(".wdd-live").wait_for()
    until(page, lambda: said(page).startswith(("starting", "running: ")))
    grows(page)
    until(page, lambda: said(page).startswith("running: recover "))
    button(page, "pause").click()
    until(page, lambda: said(page).startswith("paused: recover "))
    stands_still(page)
    assert read(running, page).startswith("paused {'lr': 0.03, 'statistics_weight': 1.0} False ")
    button(page, "resume").click()
    grows(page)
    until(page, lambda: said(page).startswith("running: recover "))
    turn(page, "statistics weight", 30)
    page.get_by_text("Turned by hand while it ran").wait_for()
    knob = page.get_by_role("slider", name="statistics weight")
    assert knob.evaluate("one => [Number(one.min), Number(one.max)]") == [-2, 2]  # and it stays in the hand
    assert knob.evaluate("one => one === document.activeElement")
    grows(page)
    assert page.get_by_label("follow the newest step").is_checked()
    page.locator(".wdd-live").evaluate("one => one.scrollIntoView()")
    rest(page)
    found.shot("jupyter-live")
    began = time.monotonic()
    button(page, "stop").click()
    until(page, lambda: said(page).startswith("stopped"))
    assert time.monotonic() - began < 30  # it takes less than one, see the bench; other tests may take the cores here
    assert button(page, "stop").is_disabled()
    stands_still(page)
    weight = page.get_by_role("slider", name="statistics weight").evaluate(
        "one => Number((10 ** one.value).toPrecision(3))"
    )
    assert 1.5 < weight < 100
    text = read(running, page)
    assert text.startswith(f"stopped {{'lr': 0.03, 'statistics_weight': {weight}}} True True ")
    assert f"[('statistics_weight', 1.0, {weight})] digits-wmdd-1-" in text
    assert text.endswith("-edited-1\n")
    nothing_went_wrong(found)


def test_a_kernel_that_is_interrupted_while_it_waits_keeps_what_there_is_and_the_session_goes_on(
    running: Lab, browser: Browser, desk: Path
) -> None:
    cells = {"begin": BEGIN, "wait": "session.wait()", "read": READ, "go-on": "session.resume()"}
    write_notebook(desk / "waits.ipynb", cells)
    found = watched(browser, width=1400)
    page = found.page
    running.open(page, "waits.ipynb")
    running.run_cell(page, "begin")
    running.start_cell(page, "wait")
    grows(page)  # a cell that waits does not stop the view
    assert running.said(page, "wait") == ""
    running.interrupt(page)
    until(page, lambda: said(page) == "stopped")
    until(page, lambda: "KeyboardInterrupt" in running.said(page, "wait"))
    assert "Interrupted. What was done is kept; session.resume() or LiveSession.open('runs/" in running.said(
        page, "wait"
    )
    kept, *_ = seen(page, seconds=1)
    assert read(running, page).startswith("stopped {'lr': 0.03, 'statistics_weight': 1.0} False ")
    running.run_cell(page, "go-on")
    until(page, lambda: said(page).startswith("running: recover ") and moment(page) != kept)
    step, before = (int(text.split("step ")[1].split()[0]) for text in (moment(page), kept))
    assert step > before
    button(page, "stop").click()
    until(page, lambda: said(page) == "stopped")
    nothing_went_wrong(found)
