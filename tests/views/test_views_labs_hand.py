"""What a hand changes in the laboratories: whose points they are, where new ones go, keys, digits."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Watched, hand_rests
from labs_page import button, centre, choice, drag, handle, hosting, measure, opening, press, rest, shown, support
from playwright.sync_api import Browser, Page

from wddkit.ot import Measure
from wddkit.views import BarycenterLab, TransportLab

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]
NAME = "() => document.activeElement.ariaLabel ?? document.activeElement.textContent"


def normal(count: int, dimension: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, dimension))


# What is drawn as text, with its left and right end in pixels of its canvas, and how wide that is.
WRITES = """() => {
  window.written = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
    const [{ width }, matrix] = [this.measureText(text), this.canvas.matches(".wdd-matrix")];
    const left = x - width * { left: 0, center: 0.5, right: 1 }[this.textAlign];
    written.push({ text, left, right: left + width, y, room: this.canvas.clientWidth, matrix });
    return fillText.call(this, text, x, y);
  };
}"""


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    with opening(browser, tmp_path) as open_:
        yield open_


@pytest.fixture
def hosted(browser: Browser) -> Iterator[Callable[..., Page]]:
    with hosting(browser) as host_:
        yield host_


def lesson(page: Page) -> tuple[str, str]:
    """The lesson that the list shows, and what is said about it."""
    return choice(page, "Lesson").input_value(), page.locator(".wdd-lesson").text_content() or ""


def test_points_moved_by_hand_are_ones_own_and_the_lesson_speaks_of_them_no_more(hosted: Callable[..., Page]) -> None:
    page = hosted(TransportLab())
    before = lesson(page)
    assert before[0] == "two points"
    assert "3² + 2² = 13" in before[1]
    board = page.locator(".wdd-board").bounding_box()
    drag(page, "a1", 60, 0, release=False)
    own = "Your own points now, not those of “Two points: what W2 measures”: choose it again to read what it says."
    assert lesson(page) == ("", own)
    assert choice(page, "Lesson").evaluate("one => one.selectedOptions[0].textContent") == "my own points"
    assert page.locator(".wdd-board").bounding_box() == board  # nothing jumps under the hand
    page.mouse.up()
    hand_rests(page)
    assert page.evaluate("() => model.get('lesson')") == ""
    button(page, "↶ undo")
    assert lesson(page) == before
    button(page, "↷ redo")
    choice(page, "Lesson").select_option("two points")
    rest(page)
    assert (lesson(page), shown(page)) == (before, 13)
    choice(page, "Ground cost").select_option("l2")
    rest(page)
    assert lesson(page) == before  # of settings it speaks itself


def test_support_points_may_be_moved_in_a_lesson_and_data_points_not(opened: Open) -> None:
    page = opened(BarycenterLab(lesson="bad start")).page
    before = lesson(page)
    drag(page, "support point 1", 60, 0)
    assert lesson(page) == before
    drag(page, "point 1", 20, 0)
    assert lesson(page)[0] == ""
    assert lesson(page)[1].startswith("Your own points now, not those of “A bad start: stuck in a local minimum”: ")


def test_a_lesson_that_the_kernel_sets_is_shown_with_its_points(hosted: Callable[..., Page]) -> None:
    page = hosted(TransportLab())
    state = {name: getattr(TransportLab(lesson="outlier"), name) for name in ("sides", "mass", "lesson")}
    page.evaluate("state => Object.entries(state).forEach(([name, value]) => model.set(name, value))", state)
    rest(page)
    assert lesson(page)[0] == "outlier"
    assert len(measure(page, "a")) == 10
    page.evaluate("sides => model.set('sides', sides)", TransportLab(lesson="sorting").sides)  # and nothing else
    rest(page)
    assert lesson(page)[0] == ""


@pytest.mark.parametrize("points", [[[1.5, 1.0]], [[2.0]]], ids=["plane", "line"])
def test_new_points_lie_beside_the_last_one_and_never_on_another(opened: Open, points: list[list[float]]) -> None:
    page = opened(TransportLab(points, points)).page
    for name in ("add blue a", "add orange b"):
        for _ in range(25):
            button(page, name)
    handle(page, "a26").focus()
    press(page, *["n"] * 10)
    for side in ("a", "b"):
        x = measure(page, side).points
        apart = np.linalg.norm(x[:, None] - x, axis=2) + 9 * np.eye(len(x))
        assert apart.min() > 0.05
        assert apart[0, 1] == pytest.approx(0.5)
    if len(points[0]) == 2:  # on a line each side has a height of its own
        a, b = (measure(page, side).points[1:] for side in ("a", "b"))
        assert np.linalg.norm(a[:, None] - b, axis=2).min() > 0.05


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [480, 1200])
def test_at_the_limit_the_button_is_off_and_says_why(opened: Open, width: int, scheme: str) -> None:
    found = opened(TransportLab(normal(199), np.eye(2)), width=width, color_scheme=scheme)
    add = found.page.get_by_role("button", name="add blue a")
    assert "is off" not in (found.page.locator(".wdd-lab").text_content() or "")
    add.click()
    rest(found.page)
    assert add.is_disabled()
    assert found.page.get_by_text("“add blue a” is off: a laboratory shows at most 200.").is_visible()
    found.shot(f"lab-full-{scheme}-{width}")
    handle(found.page, "a200").focus()
    press(found.page, "n")
    assert len(measure(found.page, "a")) == 200
    press(found.page, "Delete")
    assert add.is_enabled()


def test_support_points_have_a_limit_too(opened: Open) -> None:
    page = opened(BarycenterLab(normal(60), m=40, masses="uniform")).page
    assert page.get_by_role("button", name="add a support point").is_disabled()
    assert page.get_by_text("“add a support point” is off: a laboratory shows at most 40.").is_visible()


def test_the_board_is_one_stop_for_tab_and_arrow_keys_choose_among_its_points(opened: Open) -> None:
    page = opened(BarycenterLab(normal(180), m=4)).page
    stops = []
    for _ in range(30):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(NAME))
    assert len({each for each in stops if re.match(r"(support )?point \d+ at ", each)}) == 1
    assert "Trim" in stops
    handle(page, "point 1").focus()
    for key, name in [
        ("ArrowRight", "point 2"),
        ("ArrowDown", "point 3"),
        ("ArrowLeft", "point 2"),
        ("ArrowUp", "point 1"),
        ("ArrowUp", "point 1"),
        ("End", "support point 4"),
        ("ArrowRight", "support point 4"),
        ("ArrowLeft", "support point 3"),
        ("Home", "point 1"),
        ("ArrowRight", "point 2"),
    ]:
        press(page, key)
        assert page.evaluate(NAME).startswith(f"{name} at ")
    before = measure(page, "point ").points
    assert page.locator(".wdd-handle[tabindex='0']").count() == 1
    press(page, "Tab", "Shift+Tab")  # and back to the one that was left
    assert page.evaluate(NAME).startswith("point 2 at ")
    press(page, "Shift+ArrowRight", "Alt+Shift+ArrowUp")
    after = measure(page, "point ").points
    moved = np.flatnonzero(np.abs(after - before).max(1) > 1e-9)
    assert moved.tolist() == [1]
    assert (after - before)[1] == pytest.approx([0.2, 2.0], abs=0.011)  # grid lines are 2 apart
    said = page.locator(".wdd-handles").get_attribute("aria-label") or ""
    assert said.startswith("Points: arrow keys, Home and End choose one; Shift and arrow keys move it")
    assert "Shift and arrow keys to move it" in (page.locator(".wdd-lab").text_content() or "")
    press(page, "Delete")
    assert page.locator(".wdd-handle[tabindex='0']").count() == 1


def test_small_values_have_three_digits_wherever_they_stand(opened: Open) -> None:
    lab = BarycenterLab(0.04 * normal(60), m=6)
    page = opened(lab, reduced_motion="reduce").page
    button(page, "run to the end")
    value = lab.history[-1].value
    assert 1e-4 < value < 1e-2
    assert shown(page) == pytest.approx(value, rel=0.005)
    page.wait_for_function("() => document.body.textContent.includes('best of 20 starts')")
    text = page.locator(".wdd-row").filter(has_text="best of 20").text_content() or ""
    best = re.findall(r"broken line\): ([\d.e-]+)", text)[0].rstrip(".")
    assert len(best.lstrip("0.").replace(".", "")) >= 3
    curve = page.locator("canvas.wdd-descent").get_attribute("aria-label") or ""
    ends = re.findall(r"Value after each step: (.*?)[;.]\s?(?:best|$)", curve)[0].split(", ")
    assert float(ends[-1]) == pytest.approx(value, rel=0.005)
    assert measure(page, "point ").points == pytest.approx(lab.measures[0].points, rel=0.006, abs=0.006)
    assert re.search(r"\(-?0\.0\d{2,}, ", page.locator(".wdd-handle").first.evaluate("one => one.ariaLabel"))


def test_a_start_that_beats_the_best_of_twenty_says_so(opened: Open) -> None:
    x = np.random.default_rng(0).uniform(size=(150, 2)) * [6, 4]
    x[:, 0] += 3 * np.floor(x[:, 0] / 3)
    best = min((BarycenterLab(x, m=12, seed=seed) for seed in range(60)), key=lambda lab: lab.history[-1].value)
    page = opened(best, reduced_motion="reduce").page
    page.wait_for_function("() => document.body.textContent.includes('best of 20 starts')")
    text = page.locator(".wdd-row").filter(has_text="best of 20").text_content() or ""
    other = float(re.findall(r"broken line\): (\d+\.\d+)", text)[0])
    end = float(re.findall(r"This start does better: it ends at (\d+\.\d+)", text)[0])
    assert end < other
    assert end == pytest.approx(best.history[-1].value, rel=0.005)
    choice(page, "Start").select_option("heap")
    rest(page)
    assert "does better" not in (page.locator(".wdd-row").filter(has_text="best of 20").text_content() or "")


LARGE: list[Any] = [
    TransportLab(1e9 * np.array([[1.0], [1.5], [2.0]]), 1e9 * np.array([[0.2], [0.3]])),
    TransportLab(1e9 + np.array([[0.0], [3.0], [8.0]]), 1e9 + np.array([[1.0], [9.0]])),
    TransportLab(1e9 * np.array([[1.0, 2.0], [1.5, 0.3]]), 1e9 * np.array([[0.2, 0.2], [0.3, 2.0]])),
    TransportLab(-1e-6 * np.array([[1.0], [1.5]]), 1e-6 * np.array([[0.2], [0.3]])),
    BarycenterLab(Measure.of(1e9 * normal(20, 1)), m=3),
]


@pytest.mark.parametrize("lab", LARGE, ids=["billions", "near a billion", "plane", "millionths", "barycenter"])
@pytest.mark.parametrize("width", [480, 1200])
def test_numbers_at_the_axes_are_never_cut_off_and_differ(opened: Open, lab: Any, width: int) -> None:
    found = opened(lab, width=width, reduced_motion="reduce")
    page = found.page
    if isinstance(lab, BarycenterLab):
        button(page, "run to the end")
    page.evaluate(WRITES)
    button(page, "large type")
    page.evaluate("() => { window.written.length = 0; }")
    button(page, "large type")
    texts = page.evaluate("() => written")
    assert len(texts) > 10
    cut = [each for each in texts if each["left"] < -0.5 or each["right"] > each["room"] + 0.5]
    assert cut == []
    rows: dict[tuple[float, float], set[tuple[str, float]]] = {}
    for each in texts:
        if re.fullmatch(r"-?[\d.]+(e-?\d+)?", each["text"]) and not each["matrix"]:
            rows.setdefault((each["room"], each["y"]), set()).add((each["text"], round(each["left"])))
    for row in rows.values():
        assert len({text for text, _ in row}) == len(row)
    x, _ = centre(page, "a1" if isinstance(lab, TransportLab) else "point 1")
    assert 0 < x < width
    if isinstance(lab, BarycenterLab):
        assert support(page).shape == (3, 1)
    found.shot(f"lab-axes-{width}")
