"""The barycenter laboratory in a real browser, worked with mouse and keyboard."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Watched, hand_rests
from labs_page import (
    BOARD,
    SMALL,
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
    said,
    shown,
    small,
    step,
    support,
)
from playwright.sync_api import Browser

from wddkit.ot import Measure
from wddkit.views import BarycenterLab

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]
# Pauses as soon as the first support points have moved: in the page, as the end may come before a hand from outside.
PAUSES = """() => {
  const { textContent } = document.querySelector(".wdd-result .wdd-caption");
  if (!textContent.startsWith("To step 1")) return false;
  [...document.querySelectorAll("button")].find((one) => one.textContent === "pause").click();
  return true;
}"""


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    with opening(browser, tmp_path) as open_:
        yield open_


def test_a_step_has_two_halves_assign_and_move(opened: Open) -> None:
    lab = small()
    page = opened(lab).page
    assert (page.locator(".wdd-digits").text_content(), said(page)[:34]) == ("–", "Start: nothing is assigned yet. Af")
    before = pixels(page, BOARD)
    step(page)
    assert said(page).startswith("Step 0, assign: every point goes to its nearest support point.")
    assert shown(page) == pytest.approx(lab.history[0].value, abs=0.006)
    assert support(page).tolist() == [[0.5, 0.5], [4.0, 3.5]]
    assigned = pixels(page, BOARD)
    assert assigned != before
    step(page)
    assert said(page).startswith("To step 1, move: every support point goes to the best place for what it was given.")
    assert page.locator(".wdd-what").text_content() == "cost of the old assignment"
    assert support(page) == pytest.approx(lab.history[1].support, abs=0.006)
    assert pixels(page, BOARD) != assigned
    ways = page.get_by_text("Dotted: the way that each support point came.")
    assert ways.is_visible()
    step(page)
    assert said(page).endswith("Nothing moves any more: a local minimum.")
    assert shown(page) == pytest.approx(lab.history[-1].value, abs=0.0006)
    assert page.locator(".wdd-main").is_disabled()
    button(page, "◀ back")
    assert page.locator(".wdd-what").text_content() == "cost of the old assignment"
    button(page, "to the start")
    assert pixels(page, BOARD) == before
    assert ways.count() == 0


def test_the_end_is_that_of_wdd_ot_for_every_lesson(opened: Open) -> None:
    page = opened(BarycenterLab(), reduced_motion="reduce").page
    for lesson in BarycenterLab().lessons:
        choice(page, "Lesson").select_option(lesson["name"])
        rest(page)
        assert page.locator(".wdd-lesson").text_content() == lesson["text"]
        button(page, "run to the end")
        assert shown(page) == pytest.approx(BarycenterLab(lesson=lesson["name"]).history[-1].value, rel=0.01)


def test_running_goes_step_by_step_and_can_be_paused(opened: Open) -> None:
    page = opened(BarycenterLab(lesson="three groups")).page
    button(page, "run to the end")
    page.wait_for_function(PAUSES)
    rest(page)
    here = said(page)
    assert here.startswith("To step 1")
    hand_rests(page)  # longer than a step takes
    rest(page)
    assert said(page) == here
    button(page, "run to the end")
    page.wait_for_function("() => document.querySelector('.wdd-main').disabled")
    assert page.get_by_role("button", name="run to the end").is_visible()


def test_dragging_a_support_point_is_a_new_start_there(opened: Open) -> None:
    page = opened(BarycenterLab(lesson="bad start"), reduced_motion="reduce").page
    button(page, "run to the end")
    assert page.locator(".wdd-main").is_disabled()  # at once, for those who want no motion
    stuck = shown(page)
    drag(page, "support point 1", 330, 0)
    assert said(page).startswith("Step 0, assign")
    button(page, "run to the end")
    assert shown(page) < stuck / 3
    button(page, "↶ undo")
    button(page, "run to the end")
    assert shown(page) == stuck


def test_dragging_a_data_point_moves_the_barycenter_that_is_at_rest(opened: Open) -> None:
    page = opened(small(), reduced_motion="reduce").page
    button(page, "run to the end")
    drag(page, "point 1", 100, 0)
    moved = measure(page, "point ")
    lab = BarycenterLab(moved, start=[[0.5, 0.5], [4.0, 3.5]])
    assert shown(page) == pytest.approx(lab.history[-1].value, abs=0.006)
    assert support(page) == pytest.approx(lab.history[-1].support, abs=0.006)


def test_points_and_support_points_are_added_moved_and_deleted_by_keyboard(opened: Open) -> None:
    page = opened(small()).page
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.ariaLabel ?? document.activeElement.textContent"))
    for control in ("step: assign ▶", "point 1 at (1.00, 1.00), mass 0.25", "Trim"):
        assert control in reached
    suppressed = page.locator("button, input, select").evaluate_all(SUPPRESSED)
    assert suppressed
    handle(page, "support point 2").focus()
    press(page, "Alt+Shift+ArrowLeft", "Shift+ArrowDown")
    assert support(page).tolist() == [[0.5, 0.5], [3.0, 3.4]]
    press(page, "n")
    assert len(support(page)) == 3
    press(page, "Delete", "Delete", "Delete")
    assert len(support(page)) == 1
    handle(page, "point 4").focus()
    press(page, "+", "+", "+")
    assert measure(page, "point ").masses[3] == pytest.approx(0.25 * 1.1**3, abs=1e-3)
    press(page, "Delete", "Insert")
    assert len(measure(page, "point ")) == 4


def test_a_double_click_adds_a_data_point(opened: Open) -> None:
    page = opened(small()).page
    x, y = centre(page, "point 1")
    page.mouse.dblclick(x + 180, y)
    rest(page)
    assert measure(page, "point ").points[4] == pytest.approx([3, 1], abs=0.03)


def test_equal_masses_move_the_borders_of_the_cells(opened: Open) -> None:
    lab = BarycenterLab(lesson="free or uniform")
    page = opened(lab, reduced_motion="reduce").page
    button(page, "run to the end")
    shares = page.locator(".wdd-shares li")
    assert shares.all_text_contents() == ["180 %", "220 %"]  # number and mass
    voronoi = pixels(page, BOARD)
    choice(page, "Masses").select_option("uniform")
    rest(page)
    assert shares.all_text_contents() == ["150 %", "250 %"]
    assert pixels(page, BOARD) != voronoi
    assert "hold equal masses" in (page.locator(".wdd-lab").text_content() or "")
    lab.rule = "uniform"
    assert shown(page) == pytest.approx(lab.history[-1].value, abs=0.006)


def test_the_cells_of_equal_mass_hold_the_points_that_the_plan_gives_them(opened: Open) -> None:
    """The colour under each point is that of the support point it goes to, unless the point is shared."""
    lab = BarycenterLab(lesson="free or uniform")
    lab.rule = "uniform"
    page = opened(lab, reduced_motion="reduce").page
    button(page, "run to the end")
    plan = lab.history[-1].plan
    owner = np.where((plan > 0).sum(0) == 1, plan.argmax(0), -1)
    colours = []
    for j in range(plan.shape[1]):
        x, y = centre(page, f"point {j + 1}")
        colours.append(
            page.locator(BOARD).evaluate(
                """(canvas, [x, y]) => {
                  const box = canvas.getBoundingClientRect();
                  // Beside the mark, where the ground shows: the warmer colour is the first one's.
                  const found = [];
                  for (const [dx, dy] of [[-11, 0], [11, 0], [0, 11], [0, -11]]) {
                    const [r, , b] = canvas.getContext("2d").getImageData(x - box.x + dx, y - box.y + dy, 1, 1).data;
                    found.push(r > b ? 0 : 1);
                  }
                  return found;
                }""",
                [x, y],
            )
        )
    for j, found in enumerate(colours):
        if owner[j] >= 0:
            assert owner[j] in found


def test_number_of_support_points_cost_and_trim_are_set(opened: Open) -> None:
    page = opened(BarycenterLab(lesson="mean or median"), reduced_motion="reduce").page
    button(page, "run to the end")
    mean = support(page)[0]
    choice(page, "Ground cost").select_option("l2")
    rest(page)
    assert page.locator(".wdd-what").text_content() == "W1"
    assert np.hypot(*(support(page)[0] - mean)) > 0.2
    page.get_by_role("slider", name="Trim").focus()
    press(page, *["ArrowRight"] * 10)
    assert page.locator(".wdd-what").text_content() == "W1 of the nearest 90 %"
    page.get_by_role("slider", name="Support points").focus()
    press(page, "ArrowRight", "ArrowRight")
    assert len(support(page)) == 3
    press(page, "ArrowLeft")
    assert len(support(page)) == 2


def test_several_measures_are_weighed(opened: Open) -> None:
    page = opened(BarycenterLab(lesson="two measures"), reduced_motion="reduce").page
    button(page, "run to the end")
    middle = support(page).mean(0)
    assert choice(page, "Masses").locator("option[value=free]").is_disabled()
    page.get_by_role("slider", name="Weight of measure 1").focus()
    press(page, *["ArrowLeft"] * 30)
    values = page.get_by_role("slider", name=re.compile("Weight")).evaluate_all("all => all.map(one => one.value)")
    assert values == ["20", "80"]
    assert support(page).mean(0)[0] > middle[0] + 0.3  # towards the bar on the right


def test_other_starts_are_tried_and_the_best_one_can_be_taken(opened: Open) -> None:
    page = opened(BarycenterLab(lesson="bad start"), reduced_motion="reduce").page
    page.wait_for_function("() => document.body.textContent.includes('best of 20 starts')")
    text = page.locator(".wdd-row").filter(has_text="best of 20").text_content() or ""
    best = float(re.findall(r"broken line\): ([\d.]+)", text)[0])
    button(page, "run to the end")
    assert shown(page) > best
    button(page, "take that start")
    button(page, "run to the end")
    assert shown(page) == pytest.approx(best, abs=0.006)
    for kind in ("heap", "corner", "chance", "spread"):
        choice(page, "Start").select_option(kind)
        rest(page)
        assert said(page).startswith("Start: nothing is assigned yet.")
        start = support(page)
        button(page, "new start")
        if kind != "corner":  # which is always the same
            assert support(page).tolist() != start.tolist()
        button(page, "run to the end")
        assert shown(page) >= best - 0.006


def test_an_empty_support_point_is_named_and_moves(opened: Open) -> None:
    page = opened(BarycenterLab(lesson="empty")).page
    step(page)
    assert "Support point 3 is given nothing." in said(page)
    before = support(page)[2]
    step(page)
    assert "Support point 3 is given nothing: it goes to the point that costs most." in said(page)
    assert np.hypot(*(support(page)[2] - before)) > 2


def test_the_curve_is_clicked_to_go_to_a_step(opened: Open) -> None:
    page = opened(BarycenterLab(lesson="three groups")).page
    curve = page.locator("canvas.wdd-descent")
    assert (curve.get_attribute("aria-label") or "").startswith("Value after each step: 2.0")
    box = curve.bounding_box()
    assert box
    curve.click(position={"x": box["width"] - 20, "y": 40})
    rest(page)
    assert page.locator(".wdd-main").is_disabled()


def test_too_many_support_points_for_free_masses_are_refused_with_a_reason(opened: Open) -> None:
    page = opened(BarycenterLab(SMALL, start=SMALL[:3] + 0.1)).page
    page.get_by_role("slider", name="Support points").focus()
    press(page, "ArrowRight", "ArrowRight")
    problem = page.locator(".wdd-problem").text_content()
    assert problem == "free masses need as many different points as support points: 5, not 4"
    press(page, "ArrowLeft")
    assert page.locator(".wdd-problem").count() == 0


def test_points_on_a_line_have_quantile_functions(opened: Open) -> None:
    points = Measure(np.array([[0.0], [1.0], [4.0]]), np.array([0.5, 0.25, 0.25]))
    page = opened(BarycenterLab(points, m=2, start=[[0.0], [3.0]])).page
    assert not page.get_by_role("heading", name="Quantile functions").is_visible()
    step(page, 3)
    assert page.get_by_role("heading", name="Quantile functions").is_visible()
    assert support(page).ravel() == pytest.approx([1 / 3, 4], abs=0.006)
    button(page, "in the plane")
    assert measure(page, "point ").points.shape == (3, 2)
    button(page, "on a line")
    assert measure(page, "point ").points.ravel().tolist() == [0, 1, 4]
