"""Notebook 11 in the hands of a learner, in a real JupyterLab."""

import re

import pytest
from browser import nothing_went_wrong
from explorer_page import FEATURES, SLIDER, rest
from lab import Lab
from learner import begun, checks, fills, predicts, sees, shows
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_predict_select_and_export(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "11_own_data.ipynb")
    page = found.page
    assert page.locator(FEATURES).count() == 0  # nothing is shown before a prediction
    assert "○ Not filled in yet" in checks(running, page, "11-lightest")
    predicts(page, "One cannot tell: the intervals overlap.")
    page.locator(FEATURES).wait_for()
    rest(page)
    page.get_by_role("button", name="Compare with what happens").first.click()
    page.get_by_text(re.compile(r"Distilled \d+\.\d % \[")).wait_for()
    page.locator(SLIDER).focus()
    page.keyboard.press("End")
    follow = page.get_by_label("Follow")
    said = ""
    for value in follow.locator("option").evaluate_all("all => all.map(each => each.value)"):
        follow.select_option(value)
        rest(page)
        said = checks(running, page, "11-lightest")
        if "✓ Passed" in said:
            break
    assert "✓ Passed" in said
    page.locator(FEATURES).scroll_into_view_if_needed()
    found.shot("course-11-explorer", full_page=False)
    sees(found, "11-lightest", "course-11-passed")
    assert "○ Not filled in yet" in checks(running, page, "11-page")
    assert "there is no file 'nothing.html'" in fills(running, page, "11-page", 'page = desk / "nothing.html"')
    assert "✓ Passed" in fills(running, page, "11-page", 'page = view.to_html(desk / "my-run.html")')
    sees(found, "11-page", "course-11-page")
    for name in ("look", "gallery"):
        shows(found, name, f"course-11-{name}")
    nothing_went_wrong(found)
