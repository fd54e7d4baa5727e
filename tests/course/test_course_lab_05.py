"""Notebook 05 in the hands of a learner, in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong, until
from explorer_page import moment
from lab import Lab
from learner import begun, checks, fills, predicts, sees
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOSS = """def feature_loss(z, b):
    return (z - b).norm()
"""


def test_predict_resume_turn_a_knob_and_fill_in(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "05_recover.ipynb")
    page = found.page
    assert page.locator(".wdd-live").count() == 0
    predicts(page, "Features come nearer to their support points, statistics drift off.")
    page.locator(".wdd-live").wait_for()
    assert "no step has been done yet: press" in checks(running, page, "05-knob")
    button = page.locator(".wdd-live").get_by_role("button", name="resume", exact=True)
    button.scroll_into_view_if_needed()
    found.shot("course-05-waiting", full_page=False)
    button.click()
    grows(page)
    assert "the statistics weight was not turned yet" in checks(running, page, "05-knob")
    page.locator(".wdd-live").get_by_role("slider", name="statistics weight").press("Home")  # its left end
    page.get_by_text("Turned by hand while it ran").wait_for()
    grows(page)
    page.locator(".wdd-live").scroll_into_view_if_needed()
    found.shot("course-05-live", full_page=False)
    assert "✓ Passed" in checks(running, page, "05-knob")
    page.locator(".wdd-live").get_by_role("button", name="stop", exact=True).click()
    sees(found, "05-knob", "course-05-passed")
    assert "that is the norm of the form `official`" in fills(running, page, "05-feature", LOSS)
    sees(found, "05-feature", "course-05-wrong")
    nothing_went_wrong(found)


def grows(page: Page) -> None:
    """Sees images change twice."""
    until(page, lambda: moment(page).startswith("recover, "))
    for _ in range(2):
        before = moment(page)
        until(page, lambda: moment(page) != before)  # noqa: B023  # called in this round
