"""The transport laboratory in a real browser, worked with mouse and keyboard."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Watched
from labs_page import (
    BOARD,
    MATRIX,
    SUPPRESSED,
    button,
    centre,
    choice,
    drag,
    handle,
    measure,
    opening,
    pixels,
    press,
    rest,
    shown,
)
from playwright.sync_api import Browser

from wddkit.ot import transport, w2_squared
from wddkit.views import TransportLab

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    with opening(browser, tmp_path) as open_:
        yield open_


def test_dragging_a_point_gives_a_new_plan_and_its_value(opened: Open) -> None:
    page = opened(TransportLab(lesson="split masses")).page
    before = shown(page), pixels(page, BOARD), pixels(page, MATRIX)
    assert before[0] == pytest.approx(w2_squared(measure(page, "a"), measure(page, "b")), abs=0.006)
    drag(page, "a1", 180, -90)
    assert measure(page, "a").points[0] == pytest.approx([3, 3], abs=0.05)
    assert shown(page) == pytest.approx(w2_squared(measure(page, "a"), measure(page, "b")), abs=0.006)
    assert shown(page) != before[0]
    assert pixels(page, BOARD) != before[1]
    assert pixels(page, MATRIX) != before[2]


def test_a_point_goes_where_the_hand_takes_it_and_not_off_the_board(opened: Open) -> None:
    page = opened(TransportLab()).page
    x, y = centre(page, "a1")
    page.mouse.move(x + 6, y + 6)  # beside its middle
    page.mouse.down()
    page.mouse.move(x + 66, y - 24)
    page.mouse.up()
    rest(page)
    assert centre(page, "a1") == pytest.approx((x + 60, y - 30), abs=2)
    drag(page, "a1", -900, 900)
    assert measure(page, "a").points[0].tolist() == [0, 0]


def test_everything_can_be_done_from_the_keyboard(opened: Open) -> None:
    page = opened(TransportLab()).page
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.ariaLabel ?? document.activeElement.textContent"))
    for control in (
        "a1 at (1.50, 1.00), mass 1",
        "Blur (reg)",
        "add blue a",
    ):
        assert control in reached
    assert "b1 at (4.50, 3.00), mass 1" not in reached  # the board is one stop; the rest is for the arrow keys
    suppressed = page.locator("button, input, select, [tabindex]").evaluate_all(SUPPRESSED)
    assert suppressed  # else JupyterLab takes the keys
    handle(page, "a1").focus()
    press(page, "Shift+ArrowRight", "Shift+ArrowRight", "Alt+Shift+ArrowUp")
    assert measure(page, "a").points.tolist() == [[1.7, 2.0]]
    assert shown(page) == pytest.approx(2.8**2 + 1, abs=0.006)
    press(page, "n")
    assert measure(page, "a").points.tolist() == [[1.7, 2.0], [2.2, 2.0]]
    assert measure(page, "a").masses.tolist() == [0.5, 0.5]
    assert page.evaluate("() => document.activeElement.ariaLabel").startswith("a2 at")
    press(page, "+", "+")
    assert measure(page, "a").masses == pytest.approx([0.395, 0.605], abs=1e-3)
    press(page, "Delete")
    assert measure(page, "a").points.tolist() == [[1.7, 2.0]]
    press(page, "Delete")  # the last one stays
    assert len(measure(page, "a")) == 1


def test_undo_and_redo_go_back_and_forth_by_gestures(opened: Open) -> None:
    page = opened(TransportLab()).page
    assert page.get_by_role("button", name="undo").is_disabled()
    drag(page, "a1", 90, 0)
    drag(page, "b1", 0, 90)
    moved = shown(page)
    button(page, "↶ undo")
    assert measure(page, "b").points.tolist() == [[4.5, 3]]
    button(page, "↶ undo")
    assert shown(page) == 13
    assert page.get_by_role("button", name="undo").is_disabled()
    handle(page, "a1").focus()
    press(page, "Control+Shift+z", "Control+Shift+z")
    assert shown(page) == moved
    press(page, "Control+z")
    assert shown(page) != moved


def test_a_double_click_adds_a_point_where_it_is(opened: Open) -> None:
    page = opened(TransportLab()).page
    x, y = centre(page, "a1")
    page.mouse.dblclick(x + 90, y)
    rest(page)
    assert measure(page, "a").points[1] == pytest.approx([2.5, 1], abs=0.03)
    button(page, "add orange b")
    assert len(measure(page, "b")) == 2
    page.mouse.dblclick(x, y - 90)  # the side that was chosen last
    rest(page)
    assert len(measure(page, "b")) == 3


def test_on_a_line_a_double_click_adds_to_the_nearer_side(opened: Open) -> None:
    page = opened(TransportLab([[1.0], [5.0]], [[3.0]])).page
    assert page.get_by_role("button", name="on a line").get_attribute("aria-pressed") == "true"
    for name, count in (("a1", (3, 1)), ("b1", (3, 2))):
        x, y = centre(page, name)
        page.mouse.dblclick(x + 60, y)
        rest(page)
        assert (len(measure(page, "a")), len(measure(page, "b"))) == count
    drag(page, "a1", 100, 40)
    assert measure(page, "a").points.shape == (3, 1)
    assert shown(page) == pytest.approx(w2_squared(measure(page, "a"), measure(page, "b")), abs=0.006)


def test_line_and_plane_are_exchanged(opened: Open) -> None:
    page = opened(TransportLab(lesson="split masses")).page
    assert not page.get_by_role("heading", name="Quantile functions").is_visible()
    button(page, "on a line")
    assert measure(page, "a").points.ravel().tolist() == [1, 2, 1.8]
    assert page.get_by_role("heading", name="Quantile functions").is_visible()
    assert shown(page) == pytest.approx(w2_squared(measure(page, "a"), measure(page, "b")), abs=0.006)
    button(page, "in the plane")
    assert measure(page, "b").points.shape == (4, 2)


def test_a_lesson_is_loaded_from_the_list_with_its_sentence(opened: Open) -> None:
    page = opened(TransportLab()).page
    choice(page, "Lesson").select_option("sorting")
    rest(page)
    assert "found by sorting" in (page.locator(".wdd-lesson").text_content() or "")
    assert shown(page) == pytest.approx(TransportLab(lesson="sorting").value, abs=0.006)
    choice(page, "Lesson").select_option("outlier")
    rest(page)
    assert page.locator(".wdd-what").text_content() == "cost of carrying 90 %"
    assert shown(page) == pytest.approx(TransportLab(lesson="outlier").value, abs=0.0006)
    button(page, "↶ undo")
    assert choice(page, "Lesson").input_value() == "sorting"


def test_ground_cost_blur_and_prices_change_the_value_and_its_name(opened: Open) -> None:
    lab = TransportLab(lesson="split masses")
    page = opened(lab).page
    what = page.locator(".wdd-what")
    choice(page, "Ground cost").select_option("l2")
    rest(page)
    assert what.text_content() == "W1"
    assert shown(page) == pytest.approx(transport(lab.a, lab.b, cost="l2").value, abs=0.006)
    blur = page.get_by_role("slider", name="Blur (reg)")
    blur.focus()
    press(page, "ArrowRight")
    assert blur.get_attribute("aria-valuetext") == "0.001"
    press(page, *["ArrowRight"] * 30)
    assert (what.text_content(), blur.get_attribute("aria-valuetext")) == ("cost of the blurred plan", "1")
    assert shown(page) == pytest.approx(transport(lab.a, lab.b, cost="l2", reg=1.0).value, abs=0.006)
    choice(page, "Carry").select_option("unbalanced")
    rest(page)
    assert what.text_content() == "cost of what is carried"
    assert "mass carried" in (page.locator(".wdd-numbers").text_content() or "")
    choice(page, "Carry").select_option("partial")
    rest(page)
    assert what.text_content() == "cost of carrying 80 %"
    assert blur.is_disabled()
    page.get_by_role("slider", name="Share carried").focus()
    press(page, "End")
    assert shown(page) == pytest.approx(transport(lab.a, lab.b, cost="l2").value, abs=0.006)


def test_pointing_at_a_line_marks_its_cell_and_the_other_way_round(opened: Open) -> None:
    page = opened(TransportLab(lesson="sorting")).page
    entry = page.locator(".wdd-entry")
    plain = pixels(page, BOARD), pixels(page, MATRIX)
    (ax, ay), (bx, by) = centre(page, "a4"), centre(page, "b4")
    page.mouse.move((ax + bx) / 2, (ay + by) / 2)
    rest(page)
    assert (entry.text_content() or "").startswith("a4 → b4: carries 0.167 at 2.89 a unit = 0.482, 29.3 % of the value")
    assert pixels(page, BOARD) != plain[0]
    assert pixels(page, MATRIX) != plain[1]
    page.mouse.move(5, 5)
    page.locator(MATRIX).focus()
    press(page, "ArrowRight", "ArrowDown", "ArrowDown")
    assert (entry.text_content() or "").startswith("a3 → b1: carries nothing. It would cost 0.36 a unit; the")
    box = page.locator(MATRIX).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)  # over the columns: a point b
    rest(page)
    assert re.match(r"b[34]: mass 0.167, carried 0.167, price v = ", entry.text_content() or "")
    page.mouse.move(5, 5)
    page.locator(MATRIX).blur()
    rest(page)
    assert (pixels(page, BOARD), pixels(page, MATRIX)) == plain


def test_the_mass_of_the_chosen_point_is_changed_with_a_slider(opened: Open) -> None:
    page = opened(TransportLab(lesson="split masses")).page
    x, y = centre(page, "a1")
    page.mouse.click(x, y)
    page.get_by_role("slider", name="mass").focus()
    press(page, *["ArrowLeft"] * 10)
    assert measure(page, "a").masses == pytest.approx([0.5, 0.25, 0.25])
    button(page, "equal masses")
    assert measure(page, "a").masses == pytest.approx(np.full(3, 1 / 3), abs=1e-3)


def test_what_cannot_be_computed_is_said_until_it_can(opened: Open) -> None:
    page = opened(TransportLab(lesson="directions")).page
    drag(page, "a1", -600, 600)
    assert "needs a direction, and a point lies at 0" in (page.locator(".wdd-problem").text_content() or "")
    assert page.locator(".wdd-digits").text_content() == "–"
    drag(page, "a1", 100, -100)
    assert page.locator(".wdd-problem").count() == 0
    assert shown(page) > 0
