"""Notebook 06 in the hands of a learner, in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong
from lab import Lab
from learner import begun, checks, fills, predicts, sees
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three seeds and short training; a kernel takes it from here."""
    monkeypatch.setenv("WDDKIT_FAST", "1")


def test_predict_choose_seeds_and_fill_in(little_work: None, running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "06_fair_evaluation.ipynb")
    page = found.page
    view = page.locator(".wdd-gains")
    assert view.count() == 0  # nothing is to be chosen before a prediction
    predicts(page, "It becomes smaller.")
    view.locator("canvas").first.wait_for()
    assert "all seeds still count" in checks(running, page, "06-pick")
    view.get_by_role("button", name="online").click()
    view.get_by_role("checkbox", name="seed 0").focus()
    page.keyboard.press("Space")
    view.get_by_text("Labels online, 2 of 3 seeds").wait_for()
    view.scroll_into_view_if_needed()
    found.shot("course-06-gains", full_page=False)
    # Of three pairs one is best: the seed with the smallest gain is left out.
    for left_out in range(3):
        for seed in range(3):
            view.get_by_role("checkbox", name=f"seed {seed}").set_checked(seed != left_out)
        if "✓ Passed" in checks(running, page, "06-pick"):
            break
    assert "✓ Passed" in checks(running, page, "06-pick")
    sees(found, "06-pick", "course-06-passed")
    assert "one of 10 classes takes log2(10) bits" in fills(
        running, page, "06-bits", "bits = {'hard': 10, 'soft': 160, 'views': 1664, 'online': 0}"
    )
    sees(found, "06-bits", "course-06-wrong")
    predicts(page, "Less than 20 %.")
    nothing_went_wrong(found)
