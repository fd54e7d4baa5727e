"""What a view of runs tells its kernel, and what it makes of what the kernel tells: in a page that plays the kernel."""

import base64
from typing import Any

import pytest
from browser import hand_rests, nothing_went_wrong, until, watched
from explorer_page import SLIDER, moment, scrub
from labs_page import host, rest
from playwright.sync_api import Browser, Page
from views_toys import toy

from wddkit.views import CompareExplorer, Explorer

pytestmark = pytest.mark.browser

VIEWS: dict[str, Any] = {
    "explorer": lambda: Explorer(toy()),
    "compare": lambda: CompareExplorer([toy(), toy()], names=["one", "other"]),
}
SET = "([name, value]) => window.model.set(name, value)"  # as a kernel does


def hosted(browser: Browser, kind: str) -> Page:
    view = VIEWS[kind]()
    names = [name for name in view.traits(sync=True) if not name.startswith("_")]
    state = {name: getattr(view, name) for name in names if name not in ("layout", "tabbable", "tooltip")}
    state["buffers"] = {name: base64.b64encode(data).decode() for name, data in view.buffers.items()}
    found = watched(browser)
    host(found.page, kind, state)
    found.page.on("close", lambda _: nothing_went_wrong(found))
    return found.page


def told(page: Page) -> list[int]:
    """The steps that the kernel was told, one after the other."""
    steps: list[int] = page.evaluate("() => window.saved.map(({ state }) => state.step)")
    return steps


@pytest.mark.parametrize("kind", VIEWS)
def test_nothing_is_told_while_the_hand_moves_and_the_step_once_it_rests(browser: Browser, kind: str) -> None:
    page = hosted(browser, kind)
    assert told(page) == []
    rested = scrub(page, *["ArrowRight"] * 6)
    hand_rests(page)
    steps = told(page)
    assert 1 <= len(steps) <= rested
    assert steps[-1] == 6
    hand_rests(page)
    assert told(page) == steps
    page.close()


@pytest.mark.parametrize("kind", VIEWS)
def test_a_late_echo_of_a_slow_kernel_does_not_take_the_slider_out_of_the_hand(browser: Browser, kind: str) -> None:
    page = hosted(browser, kind)
    scrub(page, *["ArrowRight"] * 2)
    hand_rests(page)
    assert told(page)[-1] == 2
    # In one turn, so that no pause comes between: the hand goes on, and then the kernel says what it was told before.
    page.evaluate(
        """() => {
          const slider = document.querySelector("input.wdd-time");
          slider.value = 5;
          slider.dispatchEvent(new Event("input"));
          window.model.set("step", 2);
        }"""
    )
    rest(page)
    assert moment(page).startswith("recorded, step 1 of 16")
    hand_rests(page)
    assert told(page)[-1] == 5
    page.evaluate(SET, ["step", 5])  # the echo of that
    rest(page)
    assert page.locator(SLIDER).input_value() == "5"
    page.close()


@pytest.mark.parametrize("kind", VIEWS)
def test_what_a_cell_sets_is_shown_once_the_hand_rests(browser: Browser, kind: str) -> None:
    page = hosted(browser, kind)
    scrub(page, "End")
    hand_rests(page)
    count = len(told(page))
    for name, value in (("step", 1), ("classes", [1]), ("step", 8), ("step", 1)):
        page.evaluate(SET, [name, value])
        rest(page)
    assert page.locator(SLIDER).input_value() == "1"
    until(page, lambda: moment(page) == "barycenter, step 1 of 3")
    assert page.get_by_role("button", name="plain").get_attribute("aria-pressed") == "true"
    hand_rests(page)
    assert len(told(page)) == count  # it knows that already
    page.close()
