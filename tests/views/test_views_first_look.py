"""What somebody meets who opens a page for the first time: addresses, keys, words before there is anything to see."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from browser import Watched, hand_rests, nothing_went_wrong, watched
from explorer_page import FEATURES, IMAGES, SLIDER, rest
from playwright.sync_api import Browser
from views_toys import toy, with_results

from wddkit.history import History
from wddkit.views import CompareExplorer, Explorer, assets
from wddkit.views.linked import KEPT
from wddkit.views.live import LiveExplorer

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a view; at the end nothing must have gone wrong in it."""
    pages = []

    def open_(view: Explorer | CompareExplorer, at: str = "", **options: object) -> Watched:
        found = watched(browser, **options)  # type: ignore[arg-type]  # as in `watched`
        pages.append(found)
        found.page.goto(view.to_html(tmp_path / "view.html").as_uri() + at)
        found.page.locator(SLIDER).wait_for()
        rest(found.page)
        return found

    yield open_
    for found in pages:
        nothing_went_wrong(found)


NONSENSE = [
    {"step": 1.5, "look": {"zoom": {"k": -3, "x": 0, "y": 1e9}}},
    {"step": -4, "selected": 2.5, "classes": ["a", 99, -1, 0.5], "picked": [None, 1e99, -2], "real": [{}, "x", 7.5]},
    {"step": None, "look": {"plan": "yes", "angle": "x", "zoom": 5, "colour": 1, "trails": 1}, "projection": 7},
    {"step": 1e300, "selected": 10**6, "classes": [1], "projection": "tsne", "picked": [10**6], "real": [10**6]},
    {"look": [], "classes": {}, "picked": "abc", "real": None, "constructor": 1, "__proto__": 2},
    [1, 2],
    None,
]


@pytest.mark.parametrize("state", NONSENSE, ids=range(len(NONSENSE)))
@pytest.mark.parametrize("kind", ["run", "comparison"])
def test_nonsense_in_an_address_opens_the_page_all_the_same(opened: Open, kind: str, state: object) -> None:
    view = Explorer(toy()) if kind == "run" else CompareExplorer([toy(), toy()])
    page = opened(view, at=f"#{quote(json.dumps(state))}").page
    assert page.locator(IMAGES).first.is_visible()
    for key in ("End", "Home", "ArrowRight"):
        page.locator(SLIDER).focus()
        page.keyboard.press(key)
        rest(page)
    assert page.locator(SLIDER).input_value() == "1"


def test_a_fractional_step_is_rounded_and_a_zoom_is_kept_in_its_limits(opened: Open) -> None:
    page = opened(Explorer(toy()), at=f"#{quote(json.dumps(NONSENSE[0]))}").page
    assert page.locator(SLIDER).input_value() == "2"
    page.get_by_role("button", name="large").click()
    page.get_by_label("trails").check()
    hand_rests(page)  # then the address is written
    written = page.evaluate("() => JSON.parse(decodeURIComponent(location.hash.slice(1)))")
    assert written["step"] == 2
    assert written["look"]["zoom"] == {"k": 1, "x": 0, "y": 1}


def test_a_key_over_the_picture_says_what_each_mark_is(opened: Open) -> None:
    page = opened(Explorer(toy())).page
    key = page.locator(".wdd-marks-key")
    assert key.locator("li").all_text_contents() == [
        "small mark = a real image",
        "square = a distilled image",
        "disc = a support point: a place among the features, not an image; area = mass, its share of the class",
    ]
    above, picture = key.bounding_box(), page.locator(FEATURES).bounding_box()
    assert above is not None
    assert picture is not None
    assert above["y"] + above["height"] <= picture["y"]
    page.get_by_text("What am I looking at?").click()
    for word in ("barycenter", "support point", "transport plan", "squared W2", "held-out", "teacher", "feature"):
        assert page.locator(".wdd-meanings dt").get_by_text(word, exact=True).is_visible()


def test_squares_at_the_edge_are_explained_where_there_are_any(opened: Open) -> None:
    near = toy()
    features = np.stack([near.features(t) for t in range(5)])  # type: ignore[arg-type]  # all were recorded
    features[0] += 500
    page = opened(Explorer(toy(features=features), step=4)).page
    assert page.get_by_text("hollow at the edge: a distilled image farther out").is_visible()
    page.locator(SLIDER).focus()
    page.keyboard.press("End")
    rest(page)
    assert page.get_by_text("hollow at the edge").count() == 0


def test_a_minimal_history_promises_no_marks(opened: Open) -> None:
    bare = History.from_arrays(np.zeros((2, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1])
    text = opened(Explorer(bare)).page.locator("main").text_content() or ""
    for wrong in ("small mark", "(squares)", "a disc, a square"):
        assert wrong not in text
    assert "The distilled images change step by step." in text


@pytest.mark.parametrize("unasked", [False, True])
def test_before_the_first_snapshot_a_live_view_says_what_will_come(
    browser: Browser,
    tmp_path: Path,
    unasked: bool,
) -> None:
    view = LiveExplorer(None)  # type: ignore[arg-type]  # nobody steers it here
    state = {name: getattr(view, name) for name in (*KEPT, "meta", "bookmarks", "stops", "presenter", "live")}
    state["meta"] = {**view.meta, "unasked": unasked}
    found = watched(browser)
    page = found.page
    path = assets.write(tmp_path / "live.html", assets.page(assets.Form("explorer", state, {}, "live", "")))
    page.goto(path.as_uri())
    rest(page)
    text = page.locator("main").text_content() or ""
    for wrong in ("snapshot 1 of 0", "recorded no", "starting:starting"):
        assert wrong not in text
    for said in (
        "starting: the first stage is being prepared",
        "Real images will appear here",
        "will appear here, step",
    ):
        assert said in text
    assert ("No protocol was asked for" in text) == unasked
    assert page.locator(".wdd-controls .wdd-moment").text_content() == "nothing recorded yet"
    nothing_went_wrong(found)


def test_a_page_for_a_lecture_says_that_its_type_is_large(opened: Open) -> None:
    view = Explorer(toy())
    view.presenter = True
    page = opened(view).page
    large = page.get_by_role("button", name="large")
    assert large.get_attribute("aria-pressed") == "true"
    large.click()
    rest(page)
    assert large.get_attribute("aria-pressed") == "false"


def test_a_saved_picture_names_run_moment_and_marks(opened: Open) -> None:
    page = opened(Explorer(with_results(toy()), step=4)).page
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG", exact=True).click()
    text = Path(download.value.path()).read_text("utf-8")
    assert ">a recorded run: recorded, step 0<" in text
    assert "small mark: a real image.  square: a distilled image.  disc: a support point: a place among" in text


@pytest.mark.parametrize("width", [700, 1280, 1400])
@pytest.mark.parametrize("kind", ["run", "comparison"])
def test_long_words_and_tables_do_not_break_the_layout(opened: Open, kind: str, width: int) -> None:
    recorded = with_results(toy())
    view = Explorer(recorded) if kind == "run" else CompareExplorer([recorded, recorded])
    view.bookmark("W" * 300, caption="M" * 300)
    view.tour(["W" * 300])
    found = opened(view, width=width)
    page = found.page
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    cut = page.locator(".wdd-panel .wdd-scroll").evaluate_all(
        "all => all.map(one => one.scrollWidth - one.clientWidth)"
    )
    assert cut == [0] * len(cut)
    found.shot(f"long-words-{kind}-{width}")


def test_a_comparison_keeps_bookmarks_and_leads_through_a_tour(opened: Open) -> None:
    view = CompareExplorer([toy(), toy()])
    view.step = 6
    view.bookmark("here")
    view.tour([{"caption": "first", "step": 1}, {"caption": "then", "step": 7}])
    page = opened(view).page
    assert page.locator(".wdd-tourtext").text_content() == "first"
    page.get_by_role("button", name="next ▶").click()
    rest(page)
    assert (page.locator(".wdd-tourtext").text_content(), page.locator(SLIDER).input_value()) == ("then", "7")
    page.get_by_role("button", name="close the tour").click()
    page.get_by_role("button", name="★ here").click()
    rest(page)
    assert not page.locator(".wdd-tour").is_visible()
    assert page.locator(SLIDER).input_value() == "6"
