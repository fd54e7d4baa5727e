"""Notebook 00 in the hands of a learner, in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong
from explorer_page import FEATURES, SLIDER, rest
from lab import Lab
from learner import begun, checks, fills, predicts, sees
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_predict_follow_and_fill_in(running: Lab, browser: Browser) -> None:
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
    assert "the other way round" in fills(
        running, page, "00-gain", "gain, overlap = results.accuracy[1] - results.accuracy[0], True"
    )
    sees(found, "00-gain", "course-00-wrong")
    running.run_cell(page, "progress")
    assert running.said(page, "progress").startswith("1 of 4 exercises passed")
    nothing_went_wrong(found)
