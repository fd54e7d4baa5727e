"""Runs side by side: what the comparison makes of several histories, and its page in a real browser."""

import base64
import dataclasses
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import traitlets
from browser import Watched, nothing_went_wrong, watched
from explorer_page import FEATURES, IMAGES, SLIDER, rest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page
from views_toys import CLASSES, toy, with_results

from wddkit.history import History
from wddkit.history.fields import Fields
from wddkit.views import CompareExplorer, Explorer
from wddkit.views.compare import differences
from wddkit.views.payload import BYTES

Open = Callable[..., Watched]


def configured(history: History, **config: object) -> History:
    return dataclasses.replace(history, config=Fields(config))  # type: ignore[arg-type]  # plain numbers and texts


def longer() -> History:
    """As the toy, but nine snapshots instead of five."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (9, 6, 3, 8, 8)).astype(np.uint8)
    options = {"steps": range(0, 90, 10), "features": rng.normal(size=(9, 6, 4)), "scalars": {}}
    return history_of(images, np.repeat(np.arange(3), 2), **options)


def history_of(images: np.ndarray, labels: np.ndarray, **options: object) -> History:
    """As the toy, with other images."""
    like = toy()
    own = {"classes": CLASSES, "real": like.real, "barycenters": like.barycenters, **options}
    return History.from_arrays(images, labels, **own)


def larger() -> History:
    """Four images a class instead of two, without barycenters."""
    rng = np.random.default_rng(2)
    images, labels = rng.integers(0, 256, (5, 12, 3, 8, 8)).astype(np.uint8), np.repeat(np.arange(3), 4)
    return history_of(images, labels, features=rng.normal(size=(5, 12, 4)), barycenters=None)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_two_to_four_runs_are_compared(count: int) -> None:
    with pytest.raises(ValueError, match=f"CompareExplorer: expected 2 to 4 runs as a list, got {count}"):
        CompareExplorer([toy()] * count)


def test_runs_of_different_classes_do_not_stand_side_by_side() -> None:
    with pytest.raises(ValueError, match=r"different classes, so that their images cannot .*: .*; x, y, z"):
        CompareExplorer([toy(), toy(classes=("x", "y", "z"))])


def test_every_run_has_one_name() -> None:
    with pytest.raises(ValueError, match="CompareExplorer: 1 names for 2 runs; expected one each"):
        CompareExplorer([toy(), toy()], names=["alone"])
    assert CompareExplorer([toy(), toy()], names=["a", "b"]).names == ["a", "b"]


def test_without_names_what_differs_names_the_runs() -> None:
    one, ten = configured(toy(), seed=0, method={"ipc": 1}), configured(toy(), seed=0, method={"ipc": 10})
    assert CompareExplorer([one, ten]).names == ["ipc 1", "ipc 10"]
    assert CompareExplorer([one, ten, one]).names == ["ipc 1, run 1", "ipc 10", "ipc 1, run 3"]
    assert CompareExplorer([toy(), toy()]).names == ["run 1", "run 2"]


def test_differences_are_rows_of_dotted_fields() -> None:
    a = {"dataset": "digits", "method": {"ipc": 1, "lr": 0.1}, "seed": 0}
    b = {"dataset": "digits", "method": {"ipc": 10, "lr": 0.1}, "size": 8, "seed": 0}
    assert differences([a, b]) == [["method.ipc", "1", "10"], ["size", "–", "8"]]
    assert differences([a, a, a]) == []


def test_the_shared_time_line_is_as_long_as_the_longest_phases() -> None:
    view = CompareExplorer([toy(), longer()])
    view.step = -1
    assert view.step == 4 + 9 - 1  # the barycenters have four steps, the longer run nine snapshots
    with pytest.raises(traitlets.TraitError, match="step 13 of a shared time line of 13; expected 0 to 12"):
        view.step = 13


WRONG = {
    "classes": ([3], r"classes: no label 3; expected labels from 0 to 2, or \[\] for all"),
    "projection": ("tsne", "projection 'tsne': these runs have 'pca'"),
    "look": ({"colour": True}, "look: no switch 'colour'; expected plan, trails"),
}


@pytest.mark.parametrize("name", WRONG)
def test_values_that_no_run_has_are_errors_that_say_what_there_is(name: str) -> None:
    value, message = WRONG[name]
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(CompareExplorer([toy(), toy()]), name, value)


def test_together_the_runs_take_no_more_room_than_one() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (10, 100, 3, 48, 48)).astype(np.uint8)  # noise, so that PNG makes nothing smaller
    run = History.from_arrays(images, np.arange(100) // 10)
    alone, view = Explorer(run), CompareExplorer([run] * 4)
    assert 4 * sum(map(len, alone.buffers.values())) > BYTES
    assert sum(map(len, view.buffers.values())) <= BYTES
    said = [any("compressed" in each for each in meta["missing"]) for meta in (alone.meta, *view.metas)]
    assert said == [False, True, True, True, True]


def test_a_notebook_without_widgets_shows_a_picture_of_each_run() -> None:
    one, both = Explorer(toy())._repr_mimebundle_(), CompareExplorer([toy(), toy()])._repr_mimebundle_()
    assert one is not None
    assert both is not None
    data, metadata = both
    assert "application/vnd.jupyter.widget-view+json" in data
    sizes = [Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).size for bundle in (one[0], data)]
    assert sizes[1] == (sizes[0][0], 2 * sizes[0][1])
    assert metadata["image/png"]["alt"].startswith("run 1: ")


def test_the_page_tells_without_a_script_what_it_compares(tmp_path: Path) -> None:
    path = CompareExplorer([with_results(toy()), toy()], names=["<i>", "b"]).to_html(tmp_path / "both.html")
    text = path.read_text("utf-8")
    assert "<title>Comparison: &lt;i&gt;, b</title>" in text
    assert "&lt;i&gt;: a recorded run: 3 classes, 9 snapshots. wmdd, labels hard: accuracy 91.0 %." in text
    assert "<i>" not in text.replace("\\u003c", "")


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of several histories; at the end nothing must have gone wrong in it."""
    pages = []

    def open_(histories: Sequence[History], *, names: Sequence[str] | None = None, **options: object) -> Watched:
        found = watched(browser, **options)  # type: ignore[arg-type]  # as in `watched`
        pages.append(found)
        found.page.goto(CompareExplorer(histories, names=names).to_html(tmp_path / "both.html").as_uri())
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


def pixels(canvases: Locator) -> list[str]:
    found: list[str] = canvases.evaluate_all("all => all.map(canvas => canvas.toDataURL())")
    return found


def labels(canvases: Locator) -> list[str]:
    found: list[str] = canvases.evaluate_all("all => all.map(canvas => canvas.ariaLabel)")
    return found


def moments(page: Page) -> list[str]:
    """What moment each column says that it shows."""
    return [text.partition(" (")[0] for text in page.locator(".wdd-column > .wdd-hint").all_text_contents()]


@pytest.mark.browser
def test_one_slider_moves_all_runs(opened: Open) -> None:
    page = opened([toy(), longer()]).page
    assert page.locator(SLIDER).count() == 1
    press(page, "ArrowRight", 4)
    before = [pixels(page.locator(name)) for name in (FEATURES, IMAGES)]
    press(page, "ArrowRight", 2)
    after = [pixels(page.locator(name)) for name in (FEATURES, IMAGES)]
    for old, new in zip(before, after, strict=True):
        assert len(old) == 2
        assert all(a != b for a, b in zip(old, new, strict=True))


@pytest.mark.browser
def test_runs_of_different_lengths_stand_at_the_same_share_of_their_phases(opened: Open) -> None:
    page = opened([toy(), longer()]).page
    assert moments(page) == ["barycenter, step 0 of 3"] * 2
    press(page, "ArrowRight", 4)
    assert moments(page) == ["recorded, step 0 of 16", "recorded, step 0 of 80"]
    press(page, "ArrowRight", 4)  # to the middle of nine snapshots, and so to the middle of five
    assert moments(page) == ["recorded, step 4 of 16", "recorded, step 40 of 80"]
    press(page, "End")
    assert moments(page) == ["recorded, step 16 of 16", "recorded, step 80 of 80"]
    assert page.locator(".wdd-moment").text_content() == "recorded, step 80 of 80 (snapshot 13 of 13)"


@pytest.mark.browser
def test_a_click_into_one_runs_curve_seeks_in_both(opened: Open) -> None:
    page = opened([toy(), longer()]).page
    curve = page.locator(".wdd-column").first.locator(".wdd-curve canvas").nth(1)  # the loss of the shorter run
    box = curve.bounding_box()
    assert box
    curve.click(position={"x": box["width"] - 16, "y": 40})
    rest(page)
    assert moments(page) == ["recorded, step 16 of 16", "recorded, step 80 of 80"]


@pytest.mark.browser
def test_a_run_without_barycenters_waits_at_its_first_image(opened: Open) -> None:
    page = opened([toy(), toy(barycenters=None)]).page
    assert moments(page) == ["barycenter, step 0 of 3", "recorded, step 0 of 16"]
    waiting = pixels(page.locator(IMAGES))[1]
    press(page, "ArrowRight", 3)
    assert moments(page) == ["barycenter, step 3 of 3", "recorded, step 0 of 16"]
    assert pixels(page.locator(IMAGES))[1] == waiting
    press(page, "ArrowRight", 2)
    assert moments(page) == ["recorded, step 1 of 16"] * 2
    assert pixels(page.locator(IMAGES))[1] != waiting


@pytest.mark.browser
def test_a_click_selects_the_same_image_of_the_same_class_in_both(opened: Open) -> None:
    page = opened([toy(), larger()], names=["two a class", "four a class"]).page
    press(page, "End")
    before = pixels(page.locator(FEATURES))
    small, large = (page.locator(".wdd-column").nth(r) for r in (0, 1))
    small.get_by_label("Follow").select_option("3")  # the second image of the second class
    rest(page)
    assert large.get_by_label("Follow").input_value() == "5"
    assert all("Ring: image 2 of class plain." in label for label in labels(page.locator(FEATURES)))
    assert all(a != b for a, b in zip(before, pixels(page.locator(FEATURES)), strict=True))
    assert page.locator("canvas.wdd-strip:visible").count() == 2
    # The fourth image of the first class, beside the names: the other run has no such image.
    large.locator(IMAGES).click(position={"x": 150 + 3 * 74 + 30, "y": 20})
    rest(page)
    assert large.get_by_label("Follow").input_value() == "3"
    assert small.get_by_label("Follow").input_value() == "-1"
    assert page.locator("canvas.wdd-strip:visible").count() == 1


@pytest.mark.browser
def test_classes_and_circles_are_those_of_all_runs(opened: Open) -> None:
    page = opened([toy(), longer()]).page
    page.get_by_role("button", name="plain", exact=True).click()
    rest(page)
    assert all("20 real images, 2 support points" in label for label in labels(page.locator(FEATURES)))
    canvas = page.locator(FEATURES).first
    page.locator(".wdd-column").first.get_by_role("button", name="lasso").click()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    corners = [(0.1, 0.02), (0.98, 0.02), (0.98, 0.9), (0.1, 0.9)]
    places = [(box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    rest(page)
    assert page.get_by_text("Circled: 20 real images").count() == 2


@pytest.mark.browser
def test_one_direction_is_matched_in_every_run(opened: Open) -> None:
    page = opened([toy(), longer()]).page
    page.locator(".wdd-column").first.get_by_label("one direction").check()
    rest(page)
    said = labels(page.locator("canvas.wdd-direction"))
    assert len(said) == 2
    assert all(each.startswith("Squared W2 along this direction") for each in said)


@pytest.mark.browser
def test_bookmarks_lead_back_in_the_comparison_too(opened: Open) -> None:
    page = opened([toy(), longer()]).page
    press(page, "ArrowRight", 6)
    page.get_by_label("name of a bookmark").fill("<b>here</b>")
    page.keyboard.press("Enter")
    press(page, "End")
    page.get_by_role("button", name="★ <b>here</b>").click()
    rest(page)
    assert page.locator(SLIDER).input_value() == "6"


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_the_comparison_is_saved_with_all_runs(opened: Open, kind: str) -> None:
    page = opened([toy(), longer()], names=["short", "long"]).page
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).click()
    assert "short-long" in download.value.suggested_filename
    picture = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert picture.format == kind
    assert getattr(picture, "n_frames", 1) == (13 if kind == "GIF" else 1)


@pytest.mark.browser
def test_names_that_look_like_markup_stay_text(opened: Open) -> None:
    name = "</h3><script>alert(1)</script>"
    histories = [configured(with_results(toy()), note="<img src=x>"), configured(longer(), note="</td>")]
    page = opened(histories, names=[name, "<b>b</b>"]).page
    assert page.locator("h3.wdd-run").all_text_contents() == [name, "<b>b</b>"]
    assert page.locator("details td").all_text_contents() == ["<img src=x>", "</td>"]
    assert page.locator(".wdd-class").all_text_contents() == list(CLASSES)
    assert page.locator("main script, main b, main img").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("runs", [2, 4])
@pytest.mark.parametrize("width", [700, 1400])
def test_nothing_is_cut_off_or_too_small(opened: Open, runs: int, width: int) -> None:
    histories = [
        configured(run, seed=seed) for seed, run in enumerate([with_results(toy()), longer(), larger(), toy()])
    ]
    found = opened(histories[:runs], width=width, color_scheme="dark" if runs == 4 else "light")
    page = found.page
    press(page, "ArrowRight", 7)
    page.get_by_label("Follow").first.select_option("2")
    page.get_by_label("trails").first.check()
    rest(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    too_wide = page.locator(".wdd-panel *, .wdd-readout *, .wdd-run").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0"
        " && getComputedStyle(one).overflowX === 'visible' && getComputedStyle(one).display !== 'inline')"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    assert too_wide == []
    sizes = page.locator(".wdd *").evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) >= 12
    tops = page.locator(".wdd-column").evaluate_all(
        "all => all.map(one => one.querySelector('canvas.wdd-images').closest('.wdd-panel'))"
        ".map(panel => panel.getBoundingClientRect().top)"
    )
    assert len(set(tops)) == (1 if width == 1400 else runs)  # side by side, at the same height
    found.shot(f"compare-{runs}-{width}")
