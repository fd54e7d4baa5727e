"""What many tests of views need: a browser, and a JupyterLab over a folder of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Watched, chromium, nothing_went_wrong, watched
from explorer_page import SLIDER, rest
from lab import Lab, lab
from playwright.sync_api import Browser

from wddkit.history import History

RECORDED = Path(__file__).resolve().parents[2] / "notebooks" / "recorded" / "digits-wmdd-10"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def recorded() -> History:
    """The recorded run of the first notebook."""
    return History.load(RECORDED)


@pytest.fixture
def opened_view(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Opens the page of a view of runs; at the end nothing must have gone wrong in it."""
    pages = []

    def open_(view: Any, **options: object) -> Watched:
        found = watched(browser, **options)  # type: ignore[arg-type]  # as in `watched`
        pages.append(found)
        found.page.goto(view.to_html(tmp_path / "view.html").as_uri())
        found.page.locator(SLIDER).wait_for()
        rest(found.page)
        return found

    yield open_
    for found in pages:
        nothing_went_wrong(found)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """An empty folder for notebooks; a file of tests may put more into it."""
    root = tmp_path / "desk"
    root.mkdir()
    return root


@pytest.fixture
def running(desk: Path, tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab over the desk."""
    with lab(desk, tmp_path / "jupyter") as found:
        yield found
