"""Notebook 09 in the hands of a learner, in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong
from lab import Lab
from labs_page import choice
from learner import begun, checks, predicts, sees
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_predict_forget_the_outlier_and_fill_in(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "09_limits.ipynb")
    page = found.page
    assert page.locator(".wdd-board").count() == 0  # nothing moves before a prediction
    predicts(page, "About a tenth.")
    page.locator(".wdd[data-drawn]").first.wait_for()
    page.get_by_role("button", name="Compare with what happens").first.click()
    page.get_by_text("its way is long, and the cost is the square of that").wait_for()
    assert "all mass is still carried" in checks(running, page, "09-outlier")
    page.locator(".wdd-board").scroll_into_view_if_needed()
    found.shot("course-09-laboratory", full_page=False)
    choice(page, "Carry").select_option("unbalanced")
    price = page.get_by_role("slider", name="Price ρ")
    price.press("Home")
    assert "too cheap a price forgets everybody. Raise ρ" in checks(running, page, "09-outlier")
    price.press("End")
    assert "lower ρ" in checks(running, page, "09-outlier")
    sees(found, "09-outlier", "course-09-wrong")
    for _ in range(40):
        if "✓ Passed" in checks(running, page, "09-outlier"):
            break
        price.press("ArrowLeft")
    assert "✓ Passed" in checks(running, page, "09-outlier")
    sees(found, "09-outlier", "course-09-passed")
    page.locator(".wdd-board").scroll_into_view_if_needed()
    found.shot("course-09-unbalanced", full_page=False)
    running.run_cell(page, "progress")
    assert running.said(page, "progress").startswith("1 of 5 exercises passed")
    nothing_went_wrong(found)
