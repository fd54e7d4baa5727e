"""Notebook 01 in the hands of a learner, in a real JupyterLab."""

import re

import pytest
from browser import nothing_went_wrong
from lab import Lab
from labs_page import handle, press, shown
from learner import begun, checks, fills, predicts, sees
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_predict_drag_and_fill_in(running: Lab, browser: Browser) -> None:
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
    assert "row 1 sums to 0.5, more than bakery 1 bakes: 0.3" in fills(
        running, page, "01-plan", "plan = [[0.25, 0.25, 0, 0], [0, 0, 0.25, 0.25], [0, 0, 0, 0]]"
    )
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
