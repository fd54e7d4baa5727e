"""Notebook 10 in the hands of a learner, in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong, until
from lab import Lab
from learner import begun, checks, fills, predicts, sees, shows
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HANDLE = ".noUi-handle"
WORDS = ("t = ", "step ")  # of each slider's pictures, before the value


def moves_to(page: Page, which: int, value: str, key: str) -> None:
    """Presses a key on a slider until it is at this value, and waits for the picture of it."""
    slider = page.locator(".widget-hslider").nth(which)
    while (before := slider.locator(".widget-readout").inner_text()) != value:
        slider.locator(HANDLE).press(key)
        until(page, lambda before=before: slider.locator(".widget-readout").inner_text() != before)
    page.locator(f'img[alt*="{WORDS[which]}{value}"]').wait_for()


def test_predict_move_and_fill_in(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "10_elsewhere.ipynb")
    page = found.page
    assert page.locator(HANDLE).count() == 0  # nothing moves before a prediction
    predicts(page, "Nothing: they cancel out.")
    page.locator(HANDLE).wait_for()
    page.get_by_role("button", name="Compare with what happens").first.click()
    page.get_by_text("≠ Not as you predicted: Two digits, where they were").wait_for()
    assert "the slider is still at 0" in checks(running, page, "10-sixteen")
    moves_to(page, 0, "0.5", "ArrowRight")
    found.shot("course-10-moved", full_page=False)
    assert "squared W2 to the end is 1 times that from the start. Go nearer" in checks(running, page, "10-sixteen")
    moves_to(page, 0, "0.2", "ArrowLeft")
    assert "✓ Passed" in checks(running, page, "10-sixteen")
    sees(found, "10-sixteen", "course-10-passed")
    assert "✗ Not yet" in fills(
        running, page, "10-critic", "def critic_loss(on_real, on_made, slopes, penalty):\n    return on_made.mean()"
    )
    sees(found, "10-critic", "course-10-wrong")
    predicts(page, "It falls, as W1 does.")
    page.locator(HANDLE).nth(1).wait_for()
    moves_to(page, 1, "60", "ArrowRight")
    page.locator(HANDLE).nth(1).scroll_into_view_if_needed()
    found.shot("course-10-game", full_page=False)
    for name in ("recolour", "matching-figure"):
        shows(found, name, f"course-10-{name}")
    nothing_went_wrong(found)
