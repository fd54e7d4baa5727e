"""Notebook 02 in the hands of a learner, in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong
from lab import Lab
from labs_page import press, shown
from learner import begun, checks, fills, predicts, sees
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WITHOUT_MASSES = """
def sinkhorn_round(v, C, a, b, reg):
    return -reg * np.log(np.exp((v - C) / reg).sum(axis=1)), v
"""


def test_predict_blur_and_fill_in(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "02_price_of_entropy.ipynb")
    page = found.page
    assert page.locator(".wdd-board").count() == 0  # nothing moves before a prediction
    predicts(page, "It falls: there is more to choose from.")
    page.locator(".wdd[data-drawn]").first.wait_for()
    page.get_by_role("button", name="Compare with what happens").first.click()
    page.get_by_text("≠ Not as you predicted: It rises. The exact plan is the cheapest there is").wait_for()
    assert "○ Not filled in yet" in checks(running, page, "02-band")
    blur = page.get_by_role("slider", name="Blur (reg)")
    blur.focus()
    press(page, "ArrowRight")
    assert "3.3% more; it should be 4 % to 6 %. More blur" in checks(running, page, "02-band")
    blur.focus()
    press(page, "Home")
    exact = shown(page)
    while shown(page) < 1.045 * exact:
        press(page, *["ArrowRight"] * (31 if shown(page) == exact else 1))
    page.locator(".wdd-board").scroll_into_view_if_needed()
    found.shot("course-02-laboratory", full_page=False)
    assert "✓ Passed" in checks(running, page, "02-band")
    sees(found, "02-band", "course-02-passed")
    assert "for `u`: the masses `b` in the sum are missing" in fills(running, page, "02-step", WITHOUT_MASSES)
    sees(found, "02-step", "course-02-wrong")
    nothing_went_wrong(found)
