"""The laboratories' pages: every width, both themes, large type, screen readers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Watched, hand_rests
from labs_page import BOARD, SIZES, Lab, button, centre, drag, opening, shown, step
from playwright.sync_api import Browser, Page

from wddkit.ot import Measure
from wddkit.views import BarycenterLab, TransportLab

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]
LABS = [TransportLab(lesson=name) for name in ("sorting", "unbalanced", "directions")] + [
    BarycenterLab(lesson=name) for name in ("quantiles", "two measures", "empty")
]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    with opening(browser, tmp_path) as open_:
        yield open_


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [480, 1200])
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.lesson)
def test_nothing_is_cut_off_or_too_small(opened: Open, lab: Lab, width: int, scheme: str) -> None:
    found = opened(lab, width=width, color_scheme=scheme)
    if isinstance(lab, BarycenterLab):
        step(found.page, 3)
    for larger in (False, True):
        if larger:
            button(found.page, "large type")
        assert found.page.locator(".wdd").get_attribute("data-theme") == scheme
        check_layout(found.page, width)
    button(found.page, "large type")
    found.shot(f"lab-{lab.lesson.replace(' ', '-')}-{scheme}-{width}")


def check_layout(page: Page, width: int) -> None:
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    too_wide = page.locator(".wdd-panel *, .wdd-head *").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0"
        " && !one.matches('.wdd-handles')"
        " && getComputedStyle(one).overflowX === 'visible' && getComputedStyle(one).display !== 'inline')"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    assert too_wide == []
    sizes = page.locator(".wdd *").evaluate_all(SIZES)
    assert min(sizes) >= 12


def test_points_of_any_size_fill_the_board(opened: Open) -> None:
    rng = np.random.default_rng(0)
    lab = TransportLab(Measure.of(1000 * rng.normal(size=(5, 2))), Measure.of(1000 * rng.normal(size=(5, 2))))
    page = opened(lab).page
    assert shown(page) == pytest.approx(lab.value, rel=1e-3)
    tiny = opened(TransportLab([[0.001, 0.002]], [[0.003, 0.001]])).page
    (ax, ay), (bx, by) = centre(tiny, "a1"), centre(tiny, "b1")
    assert np.hypot(ax - bx, ay - by) > 200


def test_in_large_type_points_are_still_grasped_where_they_are(opened: Open) -> None:
    page = opened(TransportLab()).page
    button(page, "large type")
    x, y = centre(page, "a1")
    drag(page, "a1", 60, -60)
    assert centre(page, "a1") == pytest.approx((x + 60, y - 60), abs=2)


def test_the_readout_for_screen_readers_comes_when_the_hand_rests(opened: Open) -> None:
    page = opened(TransportLab()).page
    voice = page.locator(".wdd-voice")
    assert voice.get_attribute("aria-live") == "polite"
    page.wait_for_function("() => document.querySelector('.wdd-voice').textContent.includes('squared W2 13')")
    drag(page, "a1", 90, 0, release=False)
    hand_rests(page)
    assert "13" in (voice.text_content() or "")
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('.wdd-voice').textContent.includes('squared W2 8')")
    assert "a1 at (2.50, 1.00)" in (voice.text_content() or "")
    assert "1 points a and 1 points b" in (page.locator(BOARD).get_attribute("aria-label") or "")


def test_a_board_without_a_width_does_no_harm(opened: Open) -> None:
    page = opened(BarycenterLab(lesson="quantiles")).page
    step(page, 2)
    page.add_style_tag(content=f".wdd-panel:has({BOARD}) {{ display: none }}")
    button(page, "large type")  # which draws it anew
    step(page, 1)
    page.locator("style").last.evaluate("one => one.remove()")
    hand_rests(page)
    assert page.locator(BOARD).bounding_box() is not None
