"""The pages in a real browser, from the disk: the search, predictions, views, formulas, light and dark, a phone."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Watched, nothing_went_wrong, watched
from explorer_page import FEATURES, SLIDER, moment, pixels, rest, scrub
from labs_page import handle, press, shown
from playwright.sync_api import Browser, Page

from wddkit.course.site.writing import notebooks_in, pages_of, write

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
ON_THIS_PAGE = ("00_first_distillation", "01_transport_by_hand")
# Whatever sticks out of the page to the right, but what has a bar of its own to move it.
STICKING_OUT = """() => [...document.querySelectorAll("main *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .filter((each) => !each.closest(".scroll, pre, .formula, .wdd-scroll, .unseen"))
  .map((each) => `${each.tagName}.${each.className}`)"""
FORMULAS = """() => [...document.querySelectorAll("math")].map((each) => each.getBoundingClientRect())
  .map(({ width, height }) => Math.min(width, height))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the index and two notebooks."""
    desk = tmp_path_factory.mktemp("desk")
    for name in ("index", *ON_THIS_PAGE):
        shutil.copy(NOTEBOOKS / f"{name}.ipynb", desk)
    shutil.copytree(NOTEBOOKS / "recorded" / "digits-wmdd-10", desk / "recorded" / "digits-wmdd-10")
    made = pages_of(notebooks_in(desk), desk / "cache", told=lambda stem, cell, of: None, done=lambda stem, found: None)
    write(made, desk / "site")
    return desk / "site"


@pytest.fixture
def opened(site: Path, browser: Browser) -> Iterator[Watched]:
    found = watched(browser, width=1400)
    requests: list[str] = []
    found.page.on("request", lambda request: requests.append(request.url))
    found.page.goto((site / "index.html").as_uri())
    yield found
    # Stricter than `nothing_went_wrong`: this machine is not asked either, and scripts may not make addresses.
    assert {url.partition(":")[0] for url in requests} <= {"file", "data", "blob"}
    nothing_went_wrong(found)


def go(found: Watched, site: Path, name: str) -> Page:
    found.page.goto((site / f"{name}.html").as_uri())
    return found.page


def predicts(page: Page, choice: str) -> None:
    box = page.get_by_label(choice)
    box.check()
    page.locator("section.wdd-ask", has=box).get_by_role("button", name="Keep my prediction").click()


def test_the_search_finds_a_word_by_keyboard_and_leads_to_its_section(opened: Watched) -> None:
    page = opened.page
    page.keyboard.press("/")
    page.keyboard.type("Cafes")  # written with an accent in the text
    results = page.locator("#found a")
    results.first.wait_for()
    assert "01 Optimal transport by hand" in (page.locator("#found").text_content() or "")
    assert page.locator("#found mark").first.text_content() == "cafés"
    assert re.fullmatch(r"\d+ sections found", page.locator("#told").text_content() or "")
    page.keyboard.press("Escape")
    assert page.locator("#found").is_hidden()
    page.keyboard.type("marginals transport plan")
    assert results.first.locator("strong").text_content() == "The transport plan"
    opened.shot("course-site-search", full_page=False)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/01_transport_by_hand.html#the-transport-plan")
    assert page.evaluate("document.querySelector('#the-transport-plan').getBoundingClientRect().top") < 300
    page.locator("#asked").fill("zzz <qq>")
    page.get_by_text("Nothing found for “zzz <qq>”.").wait_for()


def test_every_result_of_the_search_leads_to_a_heading(opened: Watched, site: Path) -> None:
    for page, _, _, anchor, _ in opened.page.evaluate("wddIndex.sections"):
        text = (site / f"{page}.html").read_text("utf-8")
        assert not anchor or f'id="{anchor}"' in text, (page, anchor)


def test_a_prediction_unlocks_the_laboratory_and_what_is_moved_has_another_cost(opened: Watched, site: Path) -> None:
    page = go(opened, site, "01_transport_by_hand")
    assert page.locator(".wdd-board").count() == 0
    predicts(page, "It would be a quarter as large.")
    page.locator(".wdd-lab[data-drawn]").first.wait_for()
    page.get_by_role("button", name="Compare with what happens").first.click()
    page.get_by_text("✓ As you predicted. Every cost is a squared distance").wait_for()
    before = shown(page)
    handle(page, "b3").first.focus()
    press(page, "Shift+ArrowLeft")
    assert shown(page) < before
    assert page.url.endswith("01_transport_by_hand.html")  # a view inside of a page has no address of its own


def test_the_explorer_follows_its_slider(opened: Watched, site: Path) -> None:
    page = go(opened, site, "00_first_distillation")
    predicts(page, "In the middle of these images.")
    page.locator(SLIDER).wait_for()
    rest(page)
    first, said = pixels(page, FEATURES), moment(page)
    scrub(page, "End")
    assert moment(page) != said
    assert pixels(page, FEATURES) != first
    opened.shot("course-site-explorer", full_page=False)


def test_formulas_are_drawn_and_pictures_have_alt_texts(opened: Watched, site: Path) -> None:
    page = go(opened, site, "01_transport_by_hand")
    sizes = page.evaluate(FORMULAS)
    assert len(sizes) > 10
    assert min(sizes) >= 4
    assert page.evaluate("[...document.images].filter((each) => !each.alt || !each.naturalWidth).length") == 0
    assert "$" not in page.locator("main").inner_text()
    widest = "[...new Set([...document.querySelectorAll('.out img')].map((each) => getComputedStyle(each).maxWidth))]"
    assert page.evaluate(widest) == ["100%"]


def test_no_solution_is_in_the_pages(opened: Watched, site: Path) -> None:
    text = (site / "01_transport_by_hand.html").read_text("utf-8")
    assert "np.sort(first)" not in text
    page = go(opened, site, "01_transport_by_hand")
    assert page.get_by_text("Not filled in yet").count() >= 5
    assert page.get_by_text("✗").count() == 0


def test_colours_are_chosen_and_kept_and_views_follow(opened: Watched, site: Path) -> None:
    page = go(opened, site, "01_transport_by_hand")
    ask = page.locator(".wdd-ask").first
    assert ask.get_attribute("data-theme") == "light"
    page.get_by_role("button", name="switch to dark colours").click()
    page.locator(".wdd-ask[data-theme='dark']").first.wait_for()
    go(opened, site, "00_first_distillation")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"


@pytest.mark.parametrize("width", [390, 800])
def test_nothing_sticks_out_of_a_narrow_page(opened: Watched, site: Path, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 800})
    for name in ("index", *ON_THIS_PAGE):
        page = go(opened, site, name)
        for ask in page.locator(".wdd-ask").all():
            ask.locator("input").first.check()
            ask.get_by_role("button", name="Keep my prediction").click()
        page.wait_for_function("[...document.querySelectorAll('.wdd-lab')].every((each) => each.dataset.drawn)")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate(STICKING_OUT) == []
    assert not page.locator(".side details").evaluate("each => each.open")
    opened.shot(f"course-site-{width}", full_page=False)


def test_neighbours_and_contents_lead_where_they_say(opened: Watched) -> None:
    page = opened.page
    page.locator(".turn a[rel=next]").click()
    page.wait_for_url("**/00_first_distillation.html")
    page.locator(".here").get_by_role("link", name="Accuracy beside its controls").click()
    page.wait_for_url("**/00_first_distillation.html#accuracy-beside-its-controls")
    page.locator(".all").get_by_role("link", name="01 Optimal transport by hand").click()
    page.wait_for_url("**/01_transport_by_hand.html")
    assert page.locator(".all [aria-current=page]").text_content() == "01 Optimal transport by hand"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"


def test_on_paper_there_is_no_navigation(opened: Watched, site: Path) -> None:
    page = go(opened, site, "01_transport_by_hand")
    page.emulate_media(media="print")
    for part in (".top", ".side", ".turn", ".note"):
        assert page.locator(part).first.is_hidden()
    assert page.locator("h1").is_visible()
