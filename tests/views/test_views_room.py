"""What has room where: nothing that must be read is cut off, whatever the width and the size of the type."""

from collections.abc import Callable
from typing import Any

import pytest
from browser import Watched
from explorer_page import IMAGES, SLIDER
from playwright.sync_api import Page
from views_toys import toy

from wddkit.history import History
from wddkit.views import CompareExplorer, Explorer

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]
CUT = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"


@pytest.mark.parametrize("large", [False, True], ids=["usual", "lecture"])
@pytest.mark.parametrize("width", [500, 820, 1200])
def test_phases_are_marked_on_the_time_line_and_can_be_read(
    opened_view: Open, recorded: History, width: int, large: bool
) -> None:
    view = Explorer(recorded)
    view.presenter = large
    found = opened_view(view, width=width)
    bands = found.page.locator(".wdd-band")
    assert bands.all_text_contents() == ["barycenter: support points are placed", "recover: pixels change"]
    if width > 500:  # there the words end in dots, and a title has them whole
        assert bands.evaluate_all(CUT) == []
    places = bands.evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    slider = found.page.locator(SLIDER).bounding_box()
    assert slider
    early, count = found.page.evaluate(
        "() => { const meta = JSON.parse(document.getElementById('state').textContent).meta;"
        " return [meta.barycenter_steps, meta.timeline.length]; }"
    )
    share = (places[0] - slider["x"] - 8) / (slider["width"] - 16)  # a thumb is 16 px wide
    assert share == pytest.approx(early / count, abs=0.03)
    found.shot(f"phases-{width}{'-large' if large else ''}", full_page=False)


@pytest.mark.parametrize("width", [820, 1200])
def test_ten_classes_of_ten_images_are_seen_without_scrolling(opened_view: Open, recorded: History, width: int) -> None:
    page = opened_view(Explorer(recorded, step=-1), width=width).page
    assert page.locator(".wdd-tall").evaluate("one => [one.scrollHeight - one.clientHeight, one.scrollLeft]") == [0, 0]
    said = page.locator(IMAGES).get_attribute("aria-label") or ""
    assert said.startswith("100 distilled images of 10 classes")


def placed(page: Page) -> list[tuple[int, int]]:
    """Row and column of each run, by where it stands."""
    boxes = page.locator(".wdd-column").evaluate_all(
        "all => all.map(one => { const box = one.getBoundingClientRect(); return [box.top, box.left]; })"
    )
    tops, lefts = (sorted({round(box[axis]) for box in boxes}) for axis in (0, 1))
    return [(tops.index(round(top)), lefts.index(round(left))) for top, left in boxes]


LINE, SQUARE = [(0, 0), (0, 1), (0, 2), (0, 3)], [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize(
    ("runs", "width", "expected"),
    [(2, 820, LINE[:2]), (2, 1200, LINE[:2]), (4, 820, SQUARE), (4, 1400, LINE), (2, 600, [(0, 0), (1, 0)])],
)
def test_runs_stand_side_by_side_where_there_is_room(opened_view: Open, runs: int, width: int, expected: Any) -> None:
    found = opened_view(CompareExplorer([toy()] * runs, names=list("abcd")[:runs]), width=width)
    assert placed(found.page) == expected
    assert found.page.evaluate("() => document.documentElement.scrollWidth") <= width
    found.shot(f"side-by-side-{runs}-{width}")


@pytest.mark.parametrize(
    ("runs", "width", "large"), [(1, 500, False), (1, 820, True), (1, 1200, True), (4, 1400, False)]
)
def test_no_number_of_the_results_is_cut_off(
    opened_view: Open, recorded: History, runs: int, width: int, large: bool
) -> None:
    view = Explorer(recorded) if runs == 1 else CompareExplorer([recorded] * runs, names=list("abcd"))
    view.presenter = large
    found = opened_view(view, width=width)
    cut = found.page.locator(".wdd-scroll").evaluate_all("all => all.map(one => one.scrollWidth - one.clientWidth)")
    assert cut == [0] * runs
    heads = ["labels", "accuracy, %", "students", "size", "W2², train", "W2², held-out"]
    row = found.page.locator(".wdd-results tbody tr").first
    assert row.locator("td").evaluate_all("all => all.map(one => one.dataset.head)") == heads
    # Their names stand over all rows, or where that takes too much room, over each number.
    before = row.locator("td").first.evaluate("one => getComputedStyle(one, '::before').content")
    assert (before == "none") == found.page.locator(".wdd-results thead").first.is_visible()
    found.shot(f"results-{runs}-{width}{'-large' if large else ''}")


def test_in_large_type_the_key_has_the_size_of_the_discs(opened_view: Open, recorded: History) -> None:
    sizes = {}
    for large in (False, True):
        view = Explorer(recorded)
        view.presenter = large
        page = opened_view(view).page
        box = page.locator(".wdd-discs circle").last.bounding_box()
        assert box
        sizes[large] = box["width"]
    assert sizes[True] / sizes[False] == pytest.approx(1.4, abs=0.01)  # by so much the picture is enlarged
