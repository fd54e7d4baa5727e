"""What the views promise, measured in a real browser: `make bench-views`. Leave the machine alone meanwhile.

A step is measured in the page: from the event of a key or of the pointer, before anything hears of it, until after the
frame in which what it asked for was painted. Half a frame of it, 8 ms on the average, is waiting for the screen.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "views"))

import views_jupyter
import views_labs
from browser import chromium, watched
from playwright.sync_api import Browser, Page
from views_histories import digits
from views_probe import probe, timed, to_and_fro
from views_toys import large

from wddkit.views import Explorer

STEPS = 48
SLIDER = "input.wdd-time"
# Sizes of the pictures that a page decodes.
COUNT = """const decode = createImageBitmap; window.decoded = [];
window.createImageBitmap = blob => { window.decoded.push(blob.size); return decode(blob); };"""


def main() -> None:
    """Every measurement beside what it is to reach."""
    print(f"{'what':52s} | {'measured':46s} | goal")
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for measured in (thousand, sixty_thousand, classes_by_page):
            for row in measured(browser, Path(folder)):
                show(row)
    for row in views_jupyter.rows():
        show(row)
    for number, (name, each) in enumerate(views_labs.measure().items()):
        goal = f"<= {views_labs.GOAL:.0f} ms median" if number == 0 else ""
        show((f"laboratory: {name}", f"{each['median']:.0f} ms median, {each['p95']:.0f} ms p95", goal))


def show(row: tuple[str, str, str]) -> None:
    """A line of the table."""
    what, measured, goal = row
    print(f"{what:52s} | {measured:46s} | {goal}", flush=True)


def opened(browser: Browser, path: Path, *, script: str = "") -> Page:
    """A page whose pictures are all there."""
    page = watched(browser, width=1400).page
    page.add_init_script(script)
    page.goto(path.as_uri())
    page.locator(".wdd[data-pending='0']").wait_for()
    page.wait_for_timeout(500)
    probe(page, "keydown", "view")
    return page


def scrub(page: Page) -> str:
    """Steps of the slider, moved by arrow keys."""
    page.locator(SLIDER).focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(300)
    return str(timed(page, to_and_fro(page, 20), steps=STEPS))


def thousand(browser: Browser, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Digits, ten images a class, 24 snapshots."""
    path = Explorer(digits()).to_html(folder / "digits.html")
    page = opened(browser, path)
    yield "page: scrub, 1000 real points", scrub(page), "<= 20 ms median"
    page.get_by_label("Follow").select_option("30")
    yield "page: the same, one image followed", scrub(page), "<= 20 ms median"
    yield "page: size of digits", f"{path.stat().st_size / 1e6:.1f} MB", "<= 3 MB"
    page.close()


def sixty_thousand(browser: Browser, folder: Path) -> Iterator[tuple[str, str, str]]:
    """As many real images as MNIST has."""
    view = Explorer(digits(real=60_000, size=28, features=64))
    path = view.to_html(folder / "mnist.html")
    view.real = list(range(60_000))
    page = opened(browser, view.to_html(folder / "circled.html"))
    circled = scrub(page)
    page.close()
    page = opened(browser, path)
    yield "page: scrub, 60 000 real points", scrub(page), "<= 25 ms median"
    yield "page: the same, all of them circled", circled, "<= 25 ms median"
    canvas = page.locator("canvas.wdd-features")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    probe(page, "pointermove", "tooltip")

    def point(step: int) -> None:
        page.mouse.move(box["x"] + 2, box["y"] + box["height"] - 2)  # a corner without marks, to begin anew
        page.wait_for_timeout(60)
        page.evaluate("() => (window.wddProbe.began = null)")
        across, down = (0.3 + 0.4 * (step * 0.618 % 1), 0.3 + 0.4 * (step * 0.414 % 1))
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])

    found = timed(page, point, steps=2 * STEPS)
    yield "page: hover to tooltip with picture, 60 000 points", str(found), "<= 50 ms median"
    yield "page: size, 60 000 real points", f"{path.stat().st_size / 1e6:.1f} MB", ""
    page.close()


def classes_by_page(browser: Browser, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Images as large as CIFAR's, fifty a class, forty snapshots."""
    view = Explorer(large(), classes=[3], step=-1)
    path = view.to_html(folder / "cifar.html")
    yield "page: size, CIFAR-size, ipc 50, 40 snapshots", f"{path.stat().st_size / 1e6:.1f} MB", "<= 25 MB"
    page = opened(browser, path, script=COUNT)
    page.locator(SLIDER).focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(500)
    sizes = {len(data): name for name, data in view.buffers.items() if name.startswith("images/")}
    decoded = {sizes[size] for size in page.evaluate("() => window.decoded") if size in sizes}
    yield "page: its sheets decoded while class 3 is shown", ", ".join(sorted(decoded)), "images/3/0"
    page.get_by_role("button", name="all", exact=True).click()
    page.wait_for_timeout(2000)
    yield "page: scrub, all 500 of its images", scrub(page), ""
    page.close()


if __name__ == "__main__":
    main()
