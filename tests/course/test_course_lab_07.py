"""Notebook 07 in the hands of a learner, in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong
from cases_07 import ranked, sweep
from lab import Lab
from learner import begun, checks, fills, predicts, sees
from playwright.sync_api import Browser, expect
from sweep_page import OPENED, cells, choose

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def place_of_the_best(protocol: str) -> int:
    """Where the heat map has the cell of highest mean accuracy, counted row by row."""
    frame = sweep().frame
    starts, forms = (list(dict.fromkeys(frame[name])) for name in sweep().fields)
    start, form = (frame[name][ranked(0, protocol=protocol)[0]] for name in sweep().fields)
    return starts.index(start) * len(forms) + forms.index(form)


def test_predict_browse_and_fill_in(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "07_ablations.ipynb")
    page = found.page
    assert cells(page).count() == 0  # nothing is seen before a prediction
    page.get_by_role("button", name="Keep my prediction").first.scroll_into_view_if_needed()
    found.shot("course-07-prediction", full_page=False)
    predicts(page, "The form's: more than twice as far.")
    expect(cells(page)).to_have_count(9)
    page.get_by_role("button", name="Compare with what happens").first.click()
    page.get_by_text("The levels of the start lie").wait_for()
    assert "no run is open yet" in checks(running, page, "07-best")
    cells(page).nth(place_of_the_best("soft")).click()
    expect(page.locator(OPENED)).to_be_visible()
    assert "this is the label regime hard; choose soft" in checks(running, page, "07-best")
    choose(page, "Protocol", "soft")
    cells(page).first.click()
    assert "a mean of" in checks(running, page, "07-best")
    cells(page).nth(place_of_the_best("soft")).click()
    assert "✓ Passed" in checks(running, page, "07-best")
    cells(page).first.scroll_into_view_if_needed()
    found.shot("course-07-browser", full_page=False)
    sees(found, "07-best", "course-07-passed")
    assert "○ Not filled in yet" in checks(running, page, "07-effects")
    assert "that is a mean of one level" in fills(
        running, page, "07-effects", "effect = means.loc['noise'].mean()\ninteraction = 0"
    )
    sees(found, "07-effects", "course-07-wrong")
    running.run_cell(page, "progress")
    assert running.said(page, "progress").startswith("1 of 5 exercises passed")
    nothing_went_wrong(found)
