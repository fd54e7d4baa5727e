"""Notebook 04 in the hands of a learner, in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong
from explorer_page import FEATURES, rest
from lab import Lab
from learner import begun, checks, fills, predicts, scrolls_to, sees
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_predict_switch_circle_and_fill_in(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "04_features.ipynb")
    page = found.page
    assert page.locator(FEATURES).count() == 0
    predicts(page, "Two to five.")
    page.locator(FEATURES).wait_for()
    rest(page)
    page.get_by_label("Projection").select_option("lda")
    rest(page)
    assert "class means lie farthest apart" in (page.locator(".wdd-caption").first.text_content() or "")
    page.locator(FEATURES).scroll_into_view_if_needed()
    found.shot("course-04-features", full_page=False)
    predicts(page, "Less than half as many.")
    page.locator(FEATURES).nth(1).wait_for()
    rest(page)
    assert "no real image is circled" in checks(running, page, "04-lasso")
    catches(running, page)
    page.locator(FEATURES).nth(1).scroll_into_view_if_needed()
    found.shot("course-04-pixels", full_page=False)
    sees(found, "04-lasso", "course-04-passed")
    running.run_cell(page, "linked")
    rest(page)
    assert page.get_by_text("Circled: ").count() == 2  # the same images in both views
    page.locator(FEATURES).first.scroll_into_view_if_needed()
    found.shot("course-04-linked", full_page=False)
    assert "divide the two largest squared singular values" in fills(running, page, "04-explained", "explained = 0.9")
    sees(found, "04-explained", "course-04-wrong")
    for cell in ("near-figure", "lies", "planes"):
        scrolls_to(page, cell)
        found.shot(f"course-04-{cell}", full_page=False)
    nothing_went_wrong(found)


def catches(running: Lab, page: Page) -> None:
    """Shows class 1 alone and draws one small ring after the other until the check is content."""
    view = page.locator(".wdd", has=page.locator(FEATURES)).last
    view.get_by_role("button", name="1", exact=True).click()
    rest(page)
    view.get_by_role("button", name="lasso").click()
    canvas = view.locator(FEATURES)
    canvas.scroll_into_view_if_needed()
    for across, down in [(0.52, 0.45), *((0.4 + 0.05 * i, 0.2 + 0.06 * j) for i in range(7) for j in range(7))]:
        box = canvas.bounding_box()
        assert box
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
        ring = [
            (box["x"] + (across + 0.06 * x) * box["width"], box["y"] + (down + 0.06 * y) * box["height"])
            for x, y in corners
        ]
        page.mouse.move(*ring[0])
        page.mouse.down()
        for place in ring[1:]:
            page.mouse.move(*place, steps=4)
        page.mouse.up()
        rest(page)
        if "✓ Passed" in checks(running, page, "04-lasso"):
            return
        canvas.scroll_into_view_if_needed()
    raise AssertionError("no ring caught three")
