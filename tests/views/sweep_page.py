"""The page of a sweep: opening one, its parts, and what one reads off them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from browser import PATIENCE, Watched, nothing_went_wrong, watched
from playwright.sync_api import Browser, Locator, Page, expect

from wddkit.history import Sweep
from wddkit.views import AblationBrowser

Open = Callable[..., Watched]
OPENED = ".wdd-opened"
expect.set_options(timeout=1000 * PATIENCE)


@contextlib.contextmanager
def pages(browser: Browser, folder: Path) -> Iterator[Open]:
    """Opens pages of sweeps; at the end nothing must have gone wrong in them."""
    kept = []

    def open_(view: Sweep | AblationBrowser, *, at: str = "", runs: str | int = "all", **options: object) -> Watched:
        found = watched(browser, **options)  # type: ignore[arg-type]  # as in `watched`
        kept.append(found)
        view = view if isinstance(view, AblationBrowser) else AblationBrowser(view)
        found.page.goto(view.to_html(folder / "sweep.html", runs=runs).as_uri() + at)
        found.page.locator(".wdd-sweep[data-drawn]").wait_for()
        return found

    yield open_
    for found in kept:
        nothing_went_wrong(found)


def cells(page: Page) -> Locator:
    """The cells of the heat map, row by row."""
    return page.locator(".wdd-cell")


def choose(page: Page, name: str, option: str) -> None:
    """Takes an option of one of the view's choices."""
    page.get_by_label(name, exact=True).select_option(option)


def chosen_runs(page: Page) -> Locator:
    """Rows of the list that are selected."""
    return page.locator(".wdd-runs tbody tr.wdd-chosenrow")


def selection(page: Page) -> Locator:
    """What is said of the selection."""
    return page.locator(".wdd-selection output")
