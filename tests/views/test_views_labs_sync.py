"""What laboratories tell the kernel, when, and what they do when the kernel tells them something."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser import hand_rests
from labs_page import button, centre, choice, handle, hosting, measure, rest, said, shown, small, step, support
from playwright.sync_api import Browser, Page

from wddkit.views import TransportLab

pytestmark = pytest.mark.browser

# How often the fingers rested for as long as ends a gesture, 250 ms, though no pause was meant: the machine is busy.
WATCHES = "() => { window.keys = []; addEventListener('keydown', () => keys.push(performance.now()), true); }"
RESTED = "() => 1 + keys.filter((at, i) => at - keys[i - 1] >= 250).length"


@pytest.fixture
def hosted(browser: Browser) -> Iterator[Callable[..., Page]]:
    with hosting(browser) as host_:
        yield host_


def test_the_kernel_hears_of_a_drag_once_and_when_it_is_over(hosted: Callable[..., Page]) -> None:
    page = hosted(TransportLab())
    x, y = centre(page, "a1")
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(20):
        page.mouse.move(x + 3 * k, y)
        page.wait_for_timeout(20)
    assert page.evaluate("() => saved.length") == 0
    page.mouse.up()
    hand_rests(page)
    assert page.evaluate("() => saved.length") == 1
    assert state(page)[0]["a"]["points"] == measure(page, "a").points.tolist()
    handle(page, "a1").focus()
    page.evaluate(WATCHES)
    for _ in range(20):
        page.keyboard.press("Shift+ArrowUp")
    hand_rests(page)
    assert 2 <= page.evaluate("() => saved.length") <= 1 + page.evaluate(RESTED)
    assert state(page)[0]["a"]["points"] == measure(page, "a").points.tolist()


def test_what_the_kernel_sets_is_shown_and_can_be_undone(hosted: Callable[..., Page]) -> None:
    page = hosted(TransportLab())
    page.evaluate("() => { model.set('reg', 0.5); }")
    rest(page)
    assert page.locator(".wdd-what").text_content() == "cost of the blurred plan"
    new = {"a": {"points": [[100.0]], "masses": [1.0]}, "b": {"points": [[103.0]], "masses": [1.0]}}
    page.evaluate("new_ => { model.set('reg', null); model.set('sides', new_); }", new)
    rest(page)
    assert shown(page) == 9
    button(page, "↶ undo")
    button(page, "↶ undo")
    button(page, "↶ undo")
    assert shown(page) == 13
    hand_rests(page)
    assert state(page)[1:] == ["sqeuclidean", None]


def test_two_copies_of_a_view_show_the_same(hosted: Callable[..., Page]) -> None:
    page = hosted(TransportLab(), copies=2)
    choice(page, "Ground cost").first.select_option("l2")
    hand_rests(page)
    rest(page)
    assert page.locator(".wdd-what").all_text_contents() == ["W1", "W1"]
    assert page.evaluate("() => saved.length") == 1


def test_a_view_that_is_closed_listens_no_more(hosted: Callable[..., Page]) -> None:
    page = hosted(TransportLab())
    page.evaluate("() => closing.forEach(close => close())")
    assert page.evaluate("() => [...listeners.values()].every(all => all.size === 0)")


def state(page: Page) -> Any:
    return page.evaluate("() => structuredClone(['sides', 'cost', 'reg'].map(model.get))")


def test_the_kernel_hears_of_steps_and_drags_when_they_rest(hosted: Callable[..., Page]) -> None:
    page = hosted(small())
    step(page, 3)
    hand_rests(page)
    assert page.evaluate("() => model.get('step')") == 1
    count = page.evaluate("() => saved.length")
    assert 1 <= count <= 3
    x, y = centre(page, "support point 1")
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(15):
        page.mouse.move(x + 3 * k, y)
        page.wait_for_timeout(20)
    page.mouse.up()
    hand_rests(page)
    assert page.evaluate("() => model.get('start')") == support(page).tolist()
    assert page.evaluate("() => model.get('step')") == 0
    assert page.evaluate("() => saved.length") <= count + 2


def test_what_the_kernel_sets_of_a_barycenter_is_shown(hosted: Callable[..., Page]) -> None:
    lab = small()
    page = hosted(lab)
    page.evaluate("() => { model.set('step', 1); }")
    rest(page)
    assert said(page).startswith("Step 1, assign")
    page.evaluate("() => { model.set('rule', 'uniform'); model.set('start', [[1, 1], [2, 2], [3, 3]]); }")
    rest(page)
    assert len(support(page)) == 3
    page.evaluate("() => closing.forEach(close => close())")
    assert page.evaluate("() => [...listeners.values()].every(all => all.size === 0)")
