"""What the panels of an Explorer show of a run, panel by panel, in a real browser."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from browser import Watched, until
from explorer_page import FEATURES, SLIDER, pixels, rest
from playwright.sync_api import Page
from views_toys import CLASSES, toy

from wddkit.history import History
from wddkit.views import Explorer

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]
# Pixels of the features' picture whose colour the predicate takes.
COUNT = """(canvas, is) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const wanted = new Function("r", "g", "b", `return ${is}`);
  let n = 0;
  for (let i = 0; i < data.length; i += 4) n += wanted(data[i], data[i + 1], data[i + 2]);
  return n;
}"""
RED = "r === 0xb3 && g === 0x26 && b === 0x1e"  # the light theme's accent, which no class has
DARKEST, LIGHTEST = "r === 0 && g === 34 && b === 78", "r === 254 && g === 232 && b === 56"  # ends of cividis


def switch(page: Page, name: str) -> None:
    page.get_by_label(name).check()
    rest(page)


def count(page: Page, which: str) -> int:
    found: int = page.locator(FEATURES).evaluate(COUNT, which)
    return found


def key(page: Page) -> list[str]:
    """What is told below the picture of the features."""
    return page.locator(f"{FEATURES} >> xpath=ancestor::section >> .wdd-key:not(.wdd-marks-key) li").all_text_contents()


def drag(page: Page, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """From one place of the features' picture to another, in pixels of the picture."""
    box = page.locator(FEATURES).bounding_box()
    assert box
    page.mouse.move(box["x"] + begin[0], box["y"] + begin[1])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0], box["y"] + end[1], steps=5)
    page.mouse.up()
    rest(page)


def label(page: Page, canvas: str) -> str:
    return page.locator(canvas).get_attribute("aria-label") or ""


def test_each_projection_is_another_picture_with_its_own_caption(opened_view: Open) -> None:
    page = opened_view(Explorer(toy())).page
    choice, caption = page.get_by_label("projection"), page.locator(f"{FEATURES} >> xpath=ancestor::section >> p").last
    seen = {}
    for name in ("pca", "lda", "plan"):
        choice.select_option(name)
        rest(page)
        assert "Distances in this 2-D picture are not Wasserstein distances." in (caption.text_content() or "")
        seen[pixels(page, FEATURES)] = caption.text_content()
    assert len(seen) == len({*seen.values()}) == 3
    assert choice.locator("option").count() == 3


def test_the_picture_is_moved_by_dragging_it(opened_view: Open) -> None:
    page = opened_view(Explorer(toy())).page
    page.get_by_role("button", name="zoom in").click()
    rest(page)
    before = pixels(page, FEATURES)
    drag(page, (300, 20), (380, 60))
    assert pixels(page, FEATURES) != before
    drag(page, (380, 60), (300, 20))
    assert pixels(page, FEATURES) == before


def test_the_direction_is_turned_by_the_tip_of_its_arrow(opened_view: Open) -> None:
    page = opened_view(Explorer(toy())).page
    switch(page, "one direction")
    before, slider = label(page, "canvas.wdd-direction"), page.get_by_label("Direction, degrees")
    box = page.locator(FEATURES).bounding_box()
    assert box
    left, bottom = 40, 34  # of the axes, in pixels
    cx, cy = (left + box["width"]) / 2, (box["height"] - bottom) / 2
    reach = 0.42 * min(box["width"] - left, box["height"] - bottom)
    drag(page, (cx + reach, cy), (cx, cy - reach))
    assert slider.input_value() == "90"
    assert page.get_by_text("90°", exact=True).is_visible()
    assert label(page, "canvas.wdd-direction") != before


def test_holes_are_ringed_and_the_key_says_what_a_ring_is(opened_view: Open) -> None:
    page = opened_view(Explorer(toy())).page
    assert count(page, RED) == 0
    assert not any("ring" in each for each in key(page))
    switch(page, "holes")
    assert count(page, RED) > 60  # six real images, each with a ring of 6 px, of which discs cover some
    assert "ring = a hole: a real image that is far from every support point, the farthest tenth of its class" in key(
        page
    )
    page.get_by_label("holes").uncheck()
    rest(page)
    assert count(page, RED) == 0
    assert not any("ring" in each for each in key(page))


def test_the_gap_between_image_and_target_is_a_colour_with_a_scale(opened_view: Open, recorded: History) -> None:
    view = Explorer(recorded, step=-1)
    page = opened_view(view).page
    assert count(page, DARKEST) == count(page, LIGHTEST) == 0
    switch(page, "gap as colour")
    gaps = np.concatenate([np.frombuffer(view.buffers[f"gap/{s}"], "<f4") for s in range(len(view.meta["segments"]))])
    gaps = gaps.reshape(len(recorded.frames), -1)
    nearest, farthest = (int(at(gaps) // gaps.shape[1]) for at in (np.argmin, np.argmax))
    for frame, colour in ((nearest, DARKEST), (farthest, LIGHTEST)):
        page.locator(SLIDER).focus()
        page.keyboard.press("End")
        for _ in range(len(recorded.frames) - 1 - frame):
            page.keyboard.press("ArrowLeft")
        rest(page)
        assert count(page, colour) > 0  # of the image with the smallest gap of all, and of that with the largest
    scale = next(each for each in key(page) if each.startswith("gap to its support point, squared: "))
    low, high = map(float, re.findall(r"[\d.]+(?:e-?\d+)?", scale.partition(": ")[2]))
    assert low == pytest.approx(gaps.min(), rel=5e-3)  # three digits are shown
    assert high == pytest.approx(gaps.max(), rel=5e-3)


def test_lines_of_the_plan_and_trails_are_told_below_the_picture(opened_view: Open, recorded: History) -> None:
    page = opened_view(Explorer(recorded, step=3)).page
    assert not any("thin line" in each for each in key(page))
    page.get_by_label("Follow").select_option("34")
    rest(page)
    lines = "thin line = to a real image that the chosen support point stands for, by the transport plan"
    assert lines in key(page)
    switch(page, "trails")
    assert "thin line = behind a mark: the way that it took until now" in key(page)
    page.get_by_label("its real images").uncheck()
    rest(page)
    assert lines not in key(page)


def test_beside_a_chosen_image_stand_the_nearest_real_images_and_its_soft_label(
    opened_view: Open, recorded: History
) -> None:
    view = Explorer(recorded, step=-1)
    page = opened_view(view).page
    page.get_by_label("Follow").select_option("34")
    rest(page)
    title = "The real images nearest to it at this step, in the teacher's features"
    assert page.get_by_text(title).is_visible()
    last = recorded.features(-1)
    assert recorded.real is not None
    assert recorded.real.features is not None
    assert last is not None
    apart = ((np.asarray(recorded.real.features, float) - np.asarray(last[34], float)) ** 2).sum(axis=1)
    names = [str(recorded.real.labels[i]) for i in apart.argsort(kind="stable")[:5]]
    near = page.locator("canvas[aria-label^='The real images nearest']")
    assert near.get_attribute("aria-label") == f"{title}: classes {', '.join(names)}."
    logits = recorded.distilled.soft
    assert logits is not None
    soft = np.exp(logits[34].astype(float) - logits[34].max())
    soft /= soft.sum()
    shares = re.findall(r"(\d) ([\d.]+) %", label(page, "canvas.wdd-soft"))
    assert len(shares) == 6
    for name, share in shares:
        assert float(share) == pytest.approx(100 * soft[int(name)], abs=0.051)
    assert [float(share) for _, share in shares] == sorted((float(share) for _, share in shares), reverse=True)


def test_every_recorded_scalar_has_a_curve_and_a_click_seeks(opened_view: Open, recorded: History) -> None:
    page = opened_view(Explorer(recorded, step=-1)).page
    titles = [each.strip() for each in page.locator(".wdd-curve h4").all_text_contents()]
    assert [each.rstrip("0123456789. ") for each in titles] == [
        "Barycenter: squared W2 to the real features",
        "Loss: what is minimised",
        "Feature term of the loss",
        "Statistics term of the loss",
        "Squared distance to support points",
        "Relative error of the statistics",
        "Statistics error of each layer, light: large",
    ]
    strip = page.locator(".wdd-curve canvas").last  # the heat strip, a column to each snapshot
    box = strip.bounding_box()
    assert box
    strip.click(position={"x": box["width"] - 14 - 3, "y": 40})
    rest(page)
    end = page.locator(SLIDER).input_value()
    assert end == page.locator(SLIDER).get_attribute("max")
    strip.click(position={"x": 46 + 4, "y": 40})
    rest(page)
    assert page.locator(".wdd-controls .wdd-moment").text_content().startswith("recover, step 0 of 300")  # type: ignore[union-attr]


def test_a_slow_play_takes_longer_than_a_fast_one(opened_view: Open) -> None:
    page = opened_view(Explorer(toy())).page
    took = {}
    for speed in ("fast", "slow"):
        page.get_by_label("speed").select_option(speed)
        took[speed] = page.evaluate(
            """async () => {
              const slider = document.querySelector("input.wdd-time");
              const begun = performance.now();
              document.querySelector(".wdd-play").click();
              while (slider.value !== "4") await new Promise((go) => setTimeout(go, 5));
              return performance.now() - begun;
            }"""
        )
        page.get_by_role("button", name="pause").click()
        page.locator(SLIDER).focus()
        page.keyboard.press("Home")
        rest(page)
    assert took["slow"] > 1500  # four snapshots of 400 ms each, less what a timer may be early
    assert took["fast"] < took["slow"]


def test_who_reads_with_a_screen_reader_is_told_every_picture(opened_view: Open, recorded: History) -> None:
    page = opened_view(Explorer(recorded, step=-1)).page
    page.get_by_label("Follow").select_option("34")
    switch(page, "one direction")
    unnamed = page.locator("canvas:visible").evaluate_all(
        "all => all.filter(one => !one.ariaLabel && !one.closest('[aria-hidden], .wdd-tip')"
        " && one.getAttribute('aria-hidden') !== 'true').map(one => one.outerHTML)"
    )
    assert unnamed == []


def test_pointing_at_a_mark_shows_the_image_behind_it(opened_view: Open) -> None:
    page = opened_view(Explorer(toy(), step=8, classes=[1])).page
    canvas, tip = page.locator(FEATURES), page.locator(".wdd-tip").first
    box = canvas.bounding_box()
    assert box
    seen = set()
    for fx in np.linspace(0.1, 0.95, 18):
        for fy in np.linspace(0.05, 0.85, 14):
            page.mouse.move(box["x"] + fx * box["width"], box["y"] + fy * box["height"])
            if tip.is_visible():
                seen.add((tip.text_content() or "").split(" of class")[0])
                until(page, tip.locator("canvas").is_visible)
    assert "a real image" in seen
    assert any(each.startswith("distilled image") for each in seen)
    assert not any(name in (tip.text_content() or "") for name in (CLASSES[0], CLASSES[2]))
