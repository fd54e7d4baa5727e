"""Notebook 08 in the hands of a learner, in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong
from explorer_page import SLIDER, rest
from lab import Lab
from learner import begun, checks, fills, predicts, sees
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seeds and short training; a kernel takes it from here."""
    monkeypatch.setenv("WDDKIT_FAST", "1")


def test_predict_compare_and_fill_in(little_work: None, running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "08_other_methods.ipynb")
    page = found.page
    assert page.locator(SLIDER).count() == 0  # nothing moves before a prediction
    predicts(page, "Both by about as much.")
    page.locator(SLIDER).wait_for()
    rest(page)
    assert "the slider is still at its start" in checks(running, page, "08-compare")
    page.locator(SLIDER).focus()
    page.keyboard.press("End")
    page.get_by_label("Follow").first.select_option("8")  # of DM
    rest(page)
    page.locator(SLIDER).scroll_into_view_if_needed()
    found.shot("course-08-compare", full_page=False)
    assert "✓ Passed" in checks(running, page, "08-compare")
    sees(found, "08-compare", "course-08-passed")
    sees(found, "08-families", "course-08-families")
    assert "`lcmat`: in distribution" in fills(
        running, page, "08-families", "families = dict.fromkeys(others, 'distribution')"
    )
    predicts(page, "One or two.")
    nothing_went_wrong(found)
