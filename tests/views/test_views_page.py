"""The page of a run in a real browser, as somebody without a kernel and a network opens it."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import Watched, hand_rests, nothing_went_wrong, until, watched
from explorer_page import FEATURES, IMAGES, SLIDER, STRIP, pixels, rest
from PIL import Image
from playwright.sync_api import Browser, Page
from views_toys import CLASSES, MASSES, toy, with_results

from wddkit.history import History
from wddkit.ot import Measure, w2_squared
from wddkit.views import Explorer, Projection

pytestmark = pytest.mark.browser

RECORDED = Path(__file__).resolve().parents[2] / "notebooks" / "recorded" / "digits-wmdd-10"
FIRST_IMAGE = 4  # of the toy's time line, after the steps of its longest barycenter
FOCUSED = "() => { const at = document.activeElement; return at.ariaLabel || at.textContent || at.type; }"
Open = Callable[..., Watched]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a history; at the end nothing must have gone wrong in it."""
    pages = []

    def open_(history: History, at: str = "", **options: object) -> Watched:
        found = watched(browser, **options)  # type: ignore[arg-type]  # as in `watched`
        pages.append(found)
        found.page.goto(Explorer(history).to_html(tmp_path / "run.html").as_uri() + at)
        found.page.locator(SLIDER).wait_for()
        rest(found.page)
        return found

    yield open_
    for found in pages:
        nothing_went_wrong(found)


def press(page: Page, key: str, times: int = 1) -> None:
    page.locator(SLIDER).focus()
    for _ in range(times):
        page.keyboard.press(key)
    rest(page)


def click(page: Page, canvas: str, x: float, y: float) -> None:
    page.locator(canvas).click(position={"x": x, "y": y})
    rest(page)


def labelled(page: Page, canvas: str) -> str:
    return page.locator(canvas).get_attribute("aria-label") or ""


def to_images(page: Page, frame: int = 0) -> None:
    """To a frame of the images of the toy."""
    press(page, "Home")
    press(page, "ArrowRight", FIRST_IMAGE + frame)


def test_arrow_keys_move_the_slider_and_the_panels_follow(opened: Open) -> None:
    page = opened(with_results(toy())).page
    to_images(page)
    before = {name: pixels(page, name) for name in (FEATURES, IMAGES)}
    said = labelled(page, FEATURES)
    press(page, "ArrowRight")
    assert page.locator(SLIDER).input_value() == "5"
    assert page.locator(".wdd-moment").text_content() == "recorded, step 1 of 16 (snapshot 6 of 9)"
    assert page.locator(".wdd-moment").get_attribute("aria-live") == "polite"
    assert labelled(page, FEATURES) != said
    for name, earlier in before.items():
        assert pixels(page, name) != earlier
    press(page, "ArrowLeft")
    assert {name: pixels(page, name) for name in before} == before
    press(page, "End")
    assert page.locator(SLIDER).get_attribute("aria-valuetext") == "recorded, step 16 of 16 (snapshot 9 of 9)"


def test_the_time_line_begins_with_the_barycenter_and_says_what_happens(opened: Open) -> None:
    page = opened(toy()).page
    assert page.locator(".wdd-moment").text_content() == "barycenter, step 0 of 3 (snapshot 1 of 9)"
    assert "Barycenter, where they begin: every support point" in (page.locator(".wdd-story").text_content() or "")
    assert "real images nearest to support points" in labelled(page, IMAGES)
    numbers = page.locator(".wdd-numbers")
    assert "squared W2, training3" in (numbers.text_content() or "")
    before = pixels(page, FEATURES)
    press(page, "ArrowRight", 3)
    assert "squared W2, training1squared W2, held-out1.25" in (numbers.text_content() or "")
    assert "masses0.2 to 0.8" in (numbers.text_content() or "")
    assert pixels(page, FEATURES) != before
    before = pixels(page, FEATURES)
    page.get_by_label("trails").check()
    rest(page)
    assert pixels(page, FEATURES) != before


def test_a_click_on_an_image_selects_it_everywhere(opened: Open) -> None:
    page = opened(toy()).page
    to_images(page)
    before = pixels(page, FEATURES)
    assert not page.locator(STRIP).is_visible()
    click(page, IMAGES, 180, 20)  # the first image, beside the names
    assert page.get_by_label("Follow").input_value() == "0"
    assert pixels(page, FEATURES) != before
    assert "at 5 snapshots; framed: step 0" in labelled(page, STRIP)
    click(page, STRIP, 3.5 * 50, 20)
    assert page.locator(SLIDER).input_value() == "7"
    click(page, IMAGES, 180, 20)
    assert page.get_by_label("Follow").input_value() == "-1"
    assert not page.locator(STRIP).is_visible()


# The middle of the ring, which alone has the theme's red.
RING = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let [n, x, y] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== 0xb3 || data[i + 1] !== 0x26 || data[i + 2] !== 0x1e) continue;
    [n, x, y] = [n + 1, x + (i / 4) % canvas.width, y + Math.floor(i / 4 / canvas.width)];
  }
  return n ? [x / n, y / n] : null;
}"""


def test_a_click_on_a_support_point_rings_it_and_shows_what_it_stands_for(opened: Open) -> None:
    page = opened(History.load(RECORDED)).page
    canvas, follow = page.locator(FEATURES), page.get_by_label("Follow")
    page.get_by_role("button", name="3", exact=True).click()
    rest(page)
    before = pixels(page, FEATURES)
    assert canvas.evaluate(RING) is None
    follow.select_option("34")
    rest(page)
    x, y = canvas.evaluate(RING)
    follow.select_option("-1")
    rest(page)
    assert pixels(page, FEATURES) == before
    canvas.hover(position={"x": x, "y": y})
    page.locator(".wdd-tip").first.wait_for()
    click(page, FEATURES, x, y)
    assert follow.input_value() == "34"
    assert pixels(page, FEATURES) != before
    said = page.locator(".wdd-said").text_content() or ""
    assert re.match(r"Its support point has mass 0\.\d+: it stands for \d+ % of class 3 \(\d+ of the \d+ real", said)
    assert page.locator(STRIP).is_visible()
    with_lines = pixels(page, FEATURES)
    page.get_by_label("its real images").uncheck()
    rest(page)
    assert pixels(page, FEATURES) != with_lines


def test_what_is_circled_is_counted_and_kept_in_the_address(opened: Open) -> None:
    page = opened(toy()).page
    to_images(page, 4)
    box = page.locator(FEATURES).bounding_box()
    assert box
    page.get_by_role("button", name="lasso").click()
    corners = [(0.1, 0.05), (0.98, 0.05), (0.98, 0.9), (0.1, 0.9)]
    places = [(box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    rest(page)
    assert "Circled: 60 real images" in (page.locator("main").text_content() or "")
    hand_rests(page)  # then the address is written
    again = opened(toy(), at=page.evaluate("() => location.hash")).page
    assert "Circled: 60 real images" in (again.locator("main").text_content() or "")
    assert again.locator(SLIDER).input_value() == "8"


@pytest.mark.parametrize("address", ["#nonsense", "#%7B%22step%22%3A%22x%22%7D", "#%7B%22step%22%3A99%7D", "#[]"])
def test_a_broken_address_opens_the_page_all_the_same(opened: Open, address: str) -> None:
    page = opened(toy(), at=address).page
    assert page.locator(IMAGES).is_visible()
    press(page, "Home")
    assert page.locator(".wdd-moment").text_content() == "barycenter, step 0 of 3 (snapshot 1 of 9)"


def test_zoom_moves_with_keys_wheel_and_buttons_and_goes_home(opened: Open) -> None:
    page = opened(toy()).page
    home = pixels(page, FEATURES)
    page.get_by_role("button", name="zoom in").click()
    rest(page)
    near = pixels(page, FEATURES)
    assert near != home
    page.locator(FEATURES).focus()
    page.keyboard.press("ArrowLeft")
    rest(page)
    assert pixels(page, FEATURES) != near
    page.keyboard.press("0")
    rest(page)
    page.get_by_role("button", name="show all").focus()
    assert pixels(page, FEATURES) == home
    page.locator(FEATURES).hover(position={"x": 200, "y": 200})
    page.mouse.wheel(0, -200)  # a page that is being read scrolls past the picture
    rest(page)
    page.locator(FEATURES).hover(position={"x": 10, "y": 10})
    rest(page)
    assert pixels(page, FEATURES) == home
    page.locator(FEATURES).focus()
    page.locator(FEATURES).hover(position={"x": 200, "y": 200})
    page.mouse.wheel(0, -200)
    until(page, lambda: pixels(page, FEATURES) != home)  # a browser says nothing of when a wheel has turned


def test_one_direction_is_shown_with_its_value_and_turns(opened: Open) -> None:
    page = opened(toy()).page
    page.get_by_label("one direction").check()
    rest(page)
    direction = page.locator("canvas.wdd-direction")
    first = labelled(page, "canvas.wdd-direction")
    assert first.startswith("Squared W2 along this direction between the real images and the support points: ")
    page.get_by_label("Direction, degrees").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    rest(page)
    assert labelled(page, "canvas.wdd-direction") != first
    assert direction.is_visible()


def test_the_value_along_a_direction_is_that_of_transport_on_a_line(opened: Open) -> None:
    history = toy()
    view = Explorer(history)
    page = opened(history).page
    to_images(page, 4)
    page.get_by_role("button", name="plain", exact=True).click()
    page.get_by_label("one direction").check()
    rest(page)
    said = float(labelled(page, "canvas.wdd-direction").removesuffix(".").rpartition(" ")[2])
    plane = Projection.of(history)
    assert plane is not None
    assert history.real is not None
    assert history.real.features is not None
    real = plane(history.real.features[history.real.labels == 1])[:, :1]
    last = history.features(-1)
    assert last is not None
    own = history.distilled.labels == 1
    there = Measure(plane(last[own])[:, :1], history.distilled.masses[own] / history.distilled.masses[own].sum())
    assert said == pytest.approx(w2_squared(there, real), rel=5e-3)  # three digits are shown
    assert view.projection == "pca"


def test_a_tour_leads_with_captions_and_bookmarks_lead_back(browser: Browser, tmp_path: Path) -> None:
    view = Explorer(toy())
    view.selected = 2
    view.bookmark("<b>here</b>")
    view.tour([{"caption": "first look here", "step": 1}, {"caption": "then there", "step": 6, "classes": [1]}])
    found = watched(browser)
    page = found.page
    page.goto(view.to_html(tmp_path / "tour.html").as_uri())
    rest(page)
    assert page.locator(".wdd-tourtext").text_content() == "first look here"
    page.get_by_role("button", name="next ▶").click()
    rest(page)
    assert (page.locator(".wdd-tourtext").text_content(), page.locator(SLIDER).input_value()) == ("then there", "6")
    assert "2 distilled images of 1 class " in labelled(page, IMAGES)
    page.get_by_role("button", name="★ <b>here</b>").click()
    rest(page)
    assert page.locator(SLIDER).input_value() == "0"
    page.get_by_role("button", name="close the tour").click()
    rest(page)
    assert not page.locator(".wdd-tour").is_visible()
    page.get_by_label("name of a bookmark").fill("mine")
    page.keyboard.press("Enter")
    rest(page)
    assert page.get_by_role("button", name="★ mine").is_visible()
    page.close()
    assert found.errors == []


@pytest.mark.parametrize("kind", ["PNG", "SVG", "GIF"])
def test_what_is_seen_is_saved_as_a_file(opened: Open, kind: str) -> None:
    page = opened(with_results(toy())).page
    to_images(page, 2)
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).click()
    data = Path(download.value.path()).read_bytes()
    if kind == "SVG":
        names = {node.tag.rpartition("}")[2] for node in ElementTree.fromstring(data).iter()}
        assert {"path", "text", "image"} <= names
    else:
        picture = Image.open(io.BytesIO(data))
        assert picture.format == kind
        assert getattr(picture, "n_frames", 1) == (9 if kind == "GIF" else 1)
        assert picture.width >= 1400


def test_everything_can_be_done_from_the_keyboard(opened: Open) -> None:
    page = opened(with_results(toy())).page
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))
    for control in (
        "play",
        "snapshot",
        "all",
        *CLASSES,
        "lasso",
        "zoom in",
        "table of results",
        "checkbox",
        "projection",
    ):
        assert control in reached
    suppressed = page.locator("button, input, select, [tabindex='0']:not(.wdd-scroll)").evaluate_all(
        "all => all.every(one => one.dataset.lmSuppressShortcuts)"
    )
    assert suppressed  # else JupyterLab takes the arrow keys
    to_images(page)
    page.get_by_label("Follow").focus()
    page.keyboard.press("ArrowDown")
    rest(page)
    assert page.locator(STRIP).is_visible()


def test_classes_are_shown_alone_and_together(opened: Open) -> None:
    page = opened(toy()).page
    to_images(page)
    before = pixels(page, FEATURES)
    page.get_by_role("button", name="plain", exact=True).click()
    rest(page)
    assert pixels(page, FEATURES) != before
    assert "20 real images, 2 support points and 2 distilled images" in (
        page.locator(FEATURES).get_attribute("aria-label") or ""
    )
    assert "2 distilled images of 1 class " in (page.locator(IMAGES).get_attribute("aria-label") or "")
    page.get_by_role("button", name="all", exact=True).click()
    rest(page)
    assert pixels(page, FEATURES) == before


def test_a_class_name_is_text_whatever_it_looks_like(opened: Open) -> None:
    page = opened(with_results(toy())).page
    assert page.locator(".wdd-class").all_text_contents() == list(CLASSES)
    assert page.locator("main script, main b").count() == 0


def test_the_area_of_a_disc_is_in_proportion_to_its_mass(opened: Open) -> None:
    far = {"support": np.array([[[-9.0, 0.0], [9.0, 0.0]]]), "masses": MASSES[None], "value": np.ones(1)}
    options = {"classes": ("a name too long for a disc",), "barycenters": {0: far}}
    history = History.from_arrays(np.zeros((1, 2, 1, 8, 8), np.uint8), [0, 0], **options)
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
    assert page.locator(SLIDER).is_disabled()
    assert page.locator(IMAGES).is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [700, 1400])
def test_nothing_is_cut_off_or_too_small(opened: Open, scheme: str, width: int) -> None:
    found = opened(with_results(toy()), width=width, color_scheme=scheme)
    page = found.page
    to_images(page, 2)
    page.get_by_label("Follow").select_option("3")
    for name in ("one direction", "gap as colour", "holes", "trails"):
        box = page.get_by_label(name)
        if box.count():
            box.check()
    rest(page)
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


def test_playing_stops_at_the_end_and_is_slow_for_those_who_want_no_motion(opened: Open) -> None:
    page = opened(toy()).page
    page.get_by_role("button", name="play").click()
    page.wait_for_function("() => document.querySelector('input.wdd-time').value === '8'")
    page.get_by_role("button", name="play").wait_for()  # no longer "pause"
    still = opened(toy(), reduced_motion="reduce").page
    took = still.evaluate("""async () => {
      const [begun, slider] = [performance.now(), document.querySelector("input.wdd-time")];
      document.querySelector(".wdd-play").click();
      while (slider.value !== "2") await new Promise((go) => setTimeout(go, 10));
      return performance.now() - begun;
    }""")
    assert took > 1900  # milliseconds, in which others see twelve snapshots


def test_a_page_of_a_hundred_digits_over_24_snapshots_is_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 100, 1, 8, 8)).astype(np.uint8)
    history = History.from_arrays(images, np.arange(100) // 10, features=rng.normal(size=(24, 100, 16)))
    assert Explorer(history).to_html(tmp_path / "run.html").stat().st_size < 500_000


def test_jupyterlabs_theme_goes_before_the_systems(opened: Open) -> None:
    page = opened(toy(), color_scheme="light").page
    before = pixels(page, FEATURES)
    page.evaluate("() => document.body.setAttribute('data-jp-theme-light', 'false')")
    rest(page)
    assert page.locator(".wdd").get_attribute("data-theme") == "dark"
    assert pixels(page, FEATURES) != before


def test_the_recorded_run_as_the_readme_shows_it(opened: Open) -> None:
    found = opened(History.load(RECORDED), width=1400)
    page = found.page
    press(page, "End")
    press(page, "ArrowLeft", 6)
    page.get_by_label("Follow").select_option("34")
    rest(page)
    assert "recover, step" in (page.locator(".wdd-moment").text_content() or "")
    assert "image 5 of class 3" in labelled(page, STRIP)
    page.set_viewport_size({"width": 1400, "height": 1180})
    page.evaluate("() => document.activeElement.blur()")
    rest(page)
    found.shot("readme-explorer", full_page=False)


def test_a_page_that_is_squeezed_to_nothing_does_no_harm(opened: Open) -> None:
    page = opened(with_results(toy())).page
    to_images(page)
    before = pixels(page, FEATURES)
    for width in (120, 60, 30, 8, 1):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
    page.set_viewport_size({"width": 1200, "height": 900})
    rest(page)
    assert pixels(page, FEATURES) == before
