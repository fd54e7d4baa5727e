"""The index, and every notebook of the course, as they open in a real JupyterLab."""

import pytest
from browser import nothing_went_wrong, until
from lab import Lab
from learner import begun
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_index_opens_and_its_links_lead_to_the_notebooks(running: Lab, browser: Browser) -> None:
    found = begun(running, browser, "index.ipynb")
    page = found.page
    until(page, lambda: "is ready; your seed is" in running.said(page, "ready"))
    found.shot("course-index", full_page=False)
    page.get_by_role("link", name="01 Optimal transport by hand").click()
    until(
        page,
        lambda: page.evaluate("() => window.jupyterapp.shell.currentWidget?.context?.path ?? ''").startswith("01_"),
    )
    page.get_by_role("heading", name="01 Optimal transport by hand").wait_for()
    nothing_went_wrong(found)
