"""Notebook 03 in the hands of a learner, in a real JupyterLab."""

import re

import pytest
from browser import nothing_went_wrong
from lab import Lab
from labs_page import handle, press, rest, shown
from learner import begun, checks, fills, predicts, sees
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_predict_step_drag_and_fill_in(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "03_barycenters.ipynb")
    page = found.page
    assert page.locator(".wdd-board").count() == 0  # nothing moves before a prediction
    predicts(page, "With two still in one group.")
    page.locator(".wdd[data-drawn]").first.wait_for()
    page.get_by_role("button", name="Compare with what happens").first.click()
    page.get_by_text("✓ As you predicted. Points are given to the nearest one").wait_for()
    assert "○ Not filled in yet" in checks(running, page, "03-free")
    to_rest(page)
    assert shown(page) > 1
    assert "If steps change nothing more, drag a support point" in checks(running, page, "03-free")
    sees(found, "03-free", "course-03-wrong")
    handle(page, "support point 2").first.focus()
    press(page, *["Alt+Shift+ArrowRight"] * 3)
    to_rest(page)
    page.locator(".wdd-board").scroll_into_view_if_needed()
    found.shot("course-03-laboratory", full_page=False)
    assert "✓ Passed" in checks(running, page, "03-free")
    assert "divide each row by its mass" in fills(
        running, page, "03-positions", "def positions(plan, x):\n    return plan @ x"
    )
    predicts(page, "Four in the cloud and four in the bar.")
    page.locator(".wdd-board").nth(1).wait_for()
    page.locator(".wdd-board").nth(1).scroll_into_view_if_needed()
    found.shot("course-03-several", full_page=False)
    sees(found, "03-restarts", "course-03-starts")
    nothing_went_wrong(found)


def to_rest(page: Page) -> None:
    """Steps until nothing moves any more."""
    button = page.locator(".wdd-main").filter(has_text=re.compile("^(step: (assign|move) ▶|at rest)$")).first
    while button.is_enabled():
        button.click()
        rest(page)
