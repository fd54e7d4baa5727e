"""Views of runs that are large: many real images, many classes, many displays."""

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pytest
from browser import Watched, nothing_went_wrong, watched
from explorer_page import FEATURES, IMAGES, SLIDER, rest
from playwright.sync_api import Browser, Page
from views_toys import large, toy

from wddkit.history import History, RealSample
from wddkit.views import CompareExplorer, Explorer
from wddkit.views.live import LiveExplorer
from wddkit.views.payload.points import DRAWN

# Sizes of the pictures that a page has decoded.
COUNT = """const decode = createImageBitmap; window.decoded = [];
window.createImageBitmap = blob => { window.decoded.push(blob.size); return decode(blob); };"""
Open = Callable[..., Watched]


def crowd(n: int) -> History:
    """A run beside `n` real images of two classes, far from each other in a plane."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    z = rng.normal(size=(n, 2)) + np.array([[-8.0, 0.0], [8.0, 0.0]])[labels]
    images = (60 * labels + 60)[:, None, None, None] + rng.integers(0, 60, (n, 1, 8, 8))
    real = RealSample(images.astype(np.uint8), z, labels, np.arange(n))
    frames, z = images[:24].reshape(6, 4, 1, 8, 8).astype(np.uint8), rng.normal(size=(6, 4, 2))
    return History.from_arrays(frames, [0, 0, 1, 1], features=z, real=real)


def many_classes() -> History:
    """A hundred classes of twelve images at two snapshots."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 1200, 1, 8, 8)).astype(np.uint8)
    return History.from_arrays(images, np.repeat(np.arange(100), 12))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Explorer, CompareExplorer, LiveExplorer])
def test_fifty_displays_leave_nothing_behind(kind: type[anywidget.AnyWidget]) -> None:
    history = toy()
    made: dict[type[Any], Callable[[], Any]] = {
        Explorer: lambda: Explorer(history),
        CompareExplorer: lambda: CompareExplorer([history, history]),
        LiveExplorer: lambda: LiveExplorer(run=None),  # type: ignore[arg-type]  # nobody steers it here
    }

    def closed(number: int) -> weakref.ref[Any]:
        view = made[kind]()
        if kind is LiveExplorer:
            view.grow(history)
        if number % 10 == 0:
            view._repr_mimebundle_()  # with the picture, which takes most of the time
        else:
            anywidget.AnyWidget._repr_mimebundle_(view)
        view.step, view.selected = 5, 2
        view.close()
        return weakref.ref(view)

    ghosts = [closed(number) for number in range(50)]
    gc.collect()
    assert [ghost() for ghost in ghosts if ghost() is not None] == []


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a view and counts what it decodes; at the end nothing must have gone wrong in it."""
    pages = []

    def open_(view: Explorer) -> Watched:
        found = watched(browser, width=1400)
        pages.append(found)
        found.page.add_init_script(COUNT)
        found.page.goto(view.to_html(tmp_path / "view.html").as_uri())
        rest(found.page)
        return found

    yield open_
    for found in pages:
        nothing_went_wrong(found)


def decoded(page: Page, view: Explorer) -> set[str]:
    """Names of the images' sheets that the page has decoded."""
    sizes = {len(data): name for name, data in view.buffers.items() if name.startswith("images/")}
    return {sizes[size] for size in page.evaluate("() => window.decoded") if size in sizes}


@pytest.mark.browser
@pytest.mark.slow
def test_sixty_thousand_real_images_can_be_pointed_at_and_circled(opened: Open) -> None:
    page = opened(Explorer(crowd(DRAWN))).page
    canvas = page.locator(FEATURES)
    assert f"{DRAWN} real images" in (canvas.get_attribute("aria-label") or "")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    middle = box["y"] + 0.47 * box["height"]
    tip = page.locator(".wdd-tip").first
    for share, label in ((0.27, 0), (0.8, 1)):
        page.mouse.move(box["x"] + share * box["width"], middle)  # and the pointer rests there
        page.get_by_text(f"a real image of class {label}").wait_for()
        tip.locator("canvas").wait_for()
        grey = tip.locator("canvas").evaluate("canvas => canvas.getContext('2d').getImageData(32, 32, 1, 1).data[0]")
        assert 60 * label + 60 - 12 <= grey < 60 * label + 120 + 12  # compressed
    page.get_by_role("button", name="lasso").click()
    left, half = box["x"] + 0.08 * box["width"], box["x"] + 0.535 * box["width"]
    page.mouse.move(left, box["y"] + 2)
    page.mouse.down()
    for x, y in ((half, 2), (half, 0.93 * box["height"]), (left, 0.93 * box["height"])):
        page.mouse.move(x, box["y"] + y, steps=3)
    page.mouse.up()
    rest(page)
    assert page.get_by_text(f"Circled: {DRAWN // 2} real images").is_visible()


@pytest.mark.browser
def test_what_is_too_much_is_thinned_and_the_view_says_how_much(opened: Open) -> None:
    page = opened(Explorer(crowd(DRAWN + 2000))).page
    said = f"{DRAWN} of {DRAWN + 2000} real images are drawn, evenly from every class."
    assert page.get_by_text(said).is_visible()
    assert f"{DRAWN} real images" in (page.locator(FEATURES).get_attribute("aria-label") or "")


@pytest.mark.browser
@pytest.mark.slow
def test_only_sheets_of_classes_that_are_shown_are_decoded(opened: Open, tmp_path: Path) -> None:
    view = Explorer(large(), classes=[3], step=-1)
    page = opened(view).page
    assert (tmp_path / "view.html").stat().st_size <= 25_000_000
    page.locator(SLIDER).focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    rest(page)
    assert decoded(page, view) == {"images/3/0"}
    page.get_by_role("button", name="7", exact=True).click()
    rest(page)
    assert decoded(page, view) == {"images/3/0", "images/7/0"}


@pytest.mark.browser
def test_many_classes_are_paged_and_later_pages_decoded_when_they_are_opened(opened: Open) -> None:
    page = opened(Explorer(many_classes(), step=-1)).page
    assert page.get_by_text("page 1 of 2: 50 classes").is_visible()
    assert "600 distilled images of 50 classes" in (page.locator(IMAGES).get_attribute("aria-label") or "")
    assert page.evaluate("() => window.decoded.length") == 50
    page.get_by_role("button", name="next classes").click()
    rest(page)
    assert page.get_by_text("page 2 of 2: 50 classes").is_visible()
    assert page.evaluate("() => window.decoded.length") == 100
    before = page.locator(IMAGES).evaluate("canvas => canvas.toDataURL()")
    page.locator(SLIDER).focus()
    page.keyboard.press("Home")
    rest(page)
    assert page.locator(IMAGES).evaluate("canvas => canvas.toDataURL()") != before
