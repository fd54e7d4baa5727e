"""The Explorer in a page: its parts, and what one reads off them."""

from playwright.sync_api import Page

SLIDER, FEATURES, IMAGES, STRIP = "input.wdd-time", "canvas.wdd-features", "canvas.wdd-images", "canvas.wdd-strip"
# How often a hand on the slider rested for as long as a view waits until it tells the kernel: on a machine that is busy
# with other things, even the fingers of a test do.
WATCHES = "one => { one.moved = []; one.addEventListener('input', () => one.moved.push(performance.now())); }"
RESTED = "one => 1 + one.moved.filter((at, i, all) => at - all[i - 1] >= 150).length"


def rest(page: Page) -> None:
    """Until what was asked for is drawn, with all pictures: a frame, and more if drawing changed the room there is."""
    frames = "let n = 4; const frame = () => (n-- ? requestAnimationFrame(frame) : done()); frame();"
    page.evaluate(f"() => new Promise(done => {{ {frames} }})")
    page.locator(".wdd[data-pending='0']").first.wait_for()
    page.evaluate(f"() => new Promise(done => {{ {frames} }})")


def scrub(page: Page, *keys: str) -> int:
    """Moves the slider by keys, without a pause; returns how often the hand rested nevertheless, at the end too."""
    slider = page.locator(SLIDER)
    slider.focus()
    slider.evaluate(WATCHES)
    for key in keys:
        page.keyboard.press(key)
    rest(page)
    rested: int = slider.evaluate(RESTED)
    return rested


def pixels(page: Page, canvas: str, which: int = 0) -> str:
    found: str = page.locator(canvas).nth(which).evaluate("canvas => canvas.toDataURL()")
    return found


def moment(page: Page) -> str:
    """What moment of the run is shown, such as "recover, step 30 of 60"."""
    return (page.locator(".wdd-controls .wdd-moment").text_content() or "").partition(" (")[0]
