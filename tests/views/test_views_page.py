"""The page of a run in a real browser, as somebody without a kernel and a network opens it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Watched, chromium, watched
from playwright.sync_api import Browser, Page
from views_toys import CLASSES, MASSES, toy, with_results

from wddkit.history import History
from wddkit.views import RunView

pytestmark = pytest.mark.browser

FEATURES, IMAGES, STRIP = "canvas.wdd-features", "canvas.wdd-images", "canvas.wdd-strip"
FOCUSED = "() => { const at = document.activeElement; return at.ariaLabel || at.textContent || at.type; }"
Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a history; at the end nothing must have gone wrong in it."""
    pages = []

    def open_(history: History, **options: object) -> Watched:
        found = watched(browser, **options)  # type: ignore[arg-type]  # as in `watched`
        pages.append(found)
        found.page.goto(RunView(history).to_html(tmp_path / "run.html").as_uri())
        found.page.locator("input[type=range]").wait_for()
        rest(found.page)
        return found

    yield open_
    for found in pages:
        found.page.close()
        assert found.errors == []
        assert found.outside == []


def rest(page: Page) -> None:
    """Until what was asked for is drawn: a frame, and more if drawing changed the room that there is."""
    frames = "let n = 4; const frame = () => (n-- ? requestAnimationFrame(frame) : done()); frame();"
    page.evaluate(f"() => new Promise(done => {{ {frames} }})")


def pixels(page: Page, canvas: str) -> str:
    found: str = page.locator(canvas).evaluate("canvas => canvas.toDataURL()")
    return found


def press(page: Page, key: str, times: int = 1) -> None:
    page.locator("input[type=range]").focus()
    for _ in range(times):
        page.keyboard.press(key)
    rest(page)


def click(page: Page, canvas: str, x: float, y: float) -> None:
    page.locator(canvas).click(position={"x": x, "y": y})
    rest(page)


def test_arrow_keys_move_the_slider_and_the_panels_follow(opened: Open) -> None:
    page = opened(with_results(toy())).page
    before = {name: pixels(page, name) for name in (FEATURES, IMAGES)}
    said = page.locator(FEATURES).get_attribute("aria-label")
    press(page, "ArrowRight")
    assert page.locator("input[type=range]").input_value() == "1"
    assert page.locator(".wdd-moment").text_content() == "step 1 of 16, recorded (snapshot 2 of 5)"
    assert page.locator(".wdd-moment").get_attribute("aria-live") == "polite"
    assert page.locator(FEATURES).get_attribute("aria-label") != said
    for name, earlier in before.items():
        assert pixels(page, name) != earlier
    press(page, "ArrowLeft")
    assert {name: pixels(page, name) for name in before} == before
    press(page, "End")
    assert (
        page.locator("input[type=range]").get_attribute("aria-valuetext") == "step 16 of 16, recorded (snapshot 5 of 5)"
    )


def test_a_click_on_an_image_selects_it_everywhere(opened: Open) -> None:
    page = opened(toy()).page
    before = pixels(page, FEATURES)
    assert not page.locator(STRIP).is_visible()
    click(page, IMAGES, 180, 20)  # the first image, beside the names
    assert page.locator("select").input_value() == "0"
    assert pixels(page, FEATURES) != before
    assert page.locator(STRIP).is_visible()
    assert "at 5 snapshots; framed: step 0" in (page.locator(STRIP).get_attribute("aria-label") or "")
    click(page, STRIP, 3.5 * 50, 20)
    assert page.locator("input[type=range]").input_value() == "3"
    click(page, IMAGES, 180, 20)  # the first image, beside the names
    assert page.locator("select").input_value() == "-1"
    assert not page.locator(STRIP).is_visible()


def test_everything_can_be_done_from_the_keyboard(opened: Open) -> None:
    page = opened(with_results(toy())).page
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))
    for control in ("play", "snapshot", "all", *CLASSES, "barycenter: one step back", "table of results", "checkbox"):
        assert control in reached
    suppressed = page.locator("button, input, select").evaluate_all(
        "all => all.every(one => one.dataset.lmSuppressShortcuts)"
    )
    assert suppressed  # else JupyterLab takes the arrow keys
    page.locator("select").focus()
    page.keyboard.press("ArrowDown")
    rest(page)
    assert page.locator(STRIP).is_visible()


def test_classes_are_shown_alone_and_together(opened: Open) -> None:
    page = opened(toy()).page
    before = pixels(page, FEATURES)
    page.get_by_role("button", name="plain", exact=True).click()
    rest(page)
    assert pixels(page, FEATURES) != before
    assert "20 real images, 2 support points and 2 distilled images" in (
        page.locator(FEATURES).get_attribute("aria-label") or ""
    )
    assert "2 distilled images of 1 classes" in (page.locator(IMAGES).get_attribute("aria-label") or "")
    page.get_by_role("button", name="all", exact=True).click()
    rest(page)
    assert pixels(page, FEATURES) == before


def test_a_class_name_is_text_whatever_it_looks_like(opened: Open) -> None:
    page = opened(with_results(toy())).page
    assert page.locator(".wdd-class").all_text_contents() == list(CLASSES)
    assert page.locator("main script, main b").count() == 0


def test_the_steps_of_the_barycenter_can_be_walked(opened: Open) -> None:
    page = opened(toy()).page
    value = page.locator("output.wdd-value")
    assert value.text_content() == (
        "Barycenter after step 3 of 3: squared W2 to the training features 1, held-out 1.25 (mean over classes)"
    )
    before = pixels(page, FEATURES)
    page.get_by_role("button", name="barycenter: one step back").click()
    rest(page)
    assert "after step 2 of 3: squared W2 to the training features 1.22, held-out 1.25" in (value.text_content() or "")
    assert pixels(page, FEATURES) != before
    before = pixels(page, FEATURES)
    page.get_by_label("draw the way").check()
    rest(page)
    assert pixels(page, FEATURES) != before


def test_the_area_of_a_disc_is_in_proportion_to_its_mass(opened: Open) -> None:
    far = {"support": np.array([[[-9.0, 0.0], [9.0, 0.0]]]), "masses": MASSES[None], "value": np.ones(1)}
    history = History.from_arrays(np.zeros((1, 2, 1, 8, 8), np.uint8), [0, 0], barycenters={0: far})
    page = opened(history).page
    left, right = page.locator(FEATURES).evaluate(
        """canvas => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const areas = [0, 0];
          for (let i = 0; i < data.length; i += 4) {
            // Half-transparent orange, and nothing else, has far more red than blue.
            if (data[i] > data[i + 2] + 100) areas[(i / 4) % canvas.width < canvas.width / 2 ? 0 : 1]++;
          }
          return areas;
        }"""
    )
    assert min(left, right) > 100
    light, heavy = sorted((left, right))
    assert heavy / light == pytest.approx(MASSES[1] / MASSES[0], rel=0.15)


def test_what_was_not_recorded_is_said_and_the_rest_is_shown(opened: Open) -> None:
    bare = History.from_arrays(np.zeros((1, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1])
    page = opened(bare).page
    text = page.locator("main").text_content() or ""
    for said in ("recorded no features", "recorded no results", "recorded no losses", "No barycenter was recorded"):
        assert said in text
    assert page.locator("input[type=range]").is_disabled()
    assert page.locator(IMAGES).is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [700, 1400])
def test_nothing_is_cut_off_or_too_small(opened: Open, scheme: str, width: int) -> None:
    found = opened(with_results(toy()), width=width, color_scheme=scheme)
    page = found.page
    page.locator("select").select_option("3")
    press(page, "ArrowRight", 2)
    assert page.locator(".wdd").get_attribute("data-theme") == scheme
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    too_wide = page.locator(".wdd-panel *").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0"
        " && getComputedStyle(one).overflowX === 'visible' && getComputedStyle(one).display !== 'inline')"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    assert too_wide == []
    sizes = page.locator(".wdd *").evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) >= 12
    found.shot(f"run-{scheme}-{width}")


def test_playing_stops_at_the_end_and_is_not_offered_to_those_who_want_no_motion(opened: Open) -> None:
    page = opened(toy()).page
    page.get_by_role("button", name="play").click()
    page.wait_for_function("() => document.querySelector('input[type=range]').value === '4'", timeout=10_000)
    page.get_by_role("button", name="play").wait_for()  # no longer "pause"
    still = opened(toy(), reduced_motion="reduce").page
    assert not still.locator(".wdd-play").is_visible()
    press(still, "ArrowRight")
    assert still.locator("input[type=range]").input_value() == "1"


def test_a_page_of_a_hundred_digits_over_24_snapshots_is_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 100, 1, 8, 8)).astype(np.uint8)
    history = History.from_arrays(images, np.arange(100) // 10, features=rng.normal(size=(24, 100, 16)))
    assert RunView(history).to_html(tmp_path / "run.html").stat().st_size < 500_000


def test_jupyterlabs_theme_goes_before_the_systems(opened: Open) -> None:
    page = opened(toy(), color_scheme="light").page
    before = pixels(page, FEATURES)
    page.evaluate("() => document.body.setAttribute('data-jp-theme-light', 'false')")
    rest(page)
    assert page.locator(".wdd").get_attribute("data-theme") == "dark"
    assert pixels(page, FEATURES) != before
