"""The Explorer in a page: its parts, and what one reads off them."""

from playwright.sync_api import Page

SLIDER, FEATURES, IMAGES, STRIP = "input.wdd-time", "canvas.wdd-features", "canvas.wdd-images", "canvas.wdd-strip"


def rest(page: Page) -> None:
    """Until what was asked for is drawn, with all pictures: a frame, and more if drawing changed the room there is."""
    frames = "let n = 4; const frame = () => (n-- ? requestAnimationFrame(frame) : done()); frame();"
    page.evaluate(f"() => new Promise(done => {{ {frames} }})")
    page.locator(".wdd[data-pending='0']").first.wait_for()
    page.evaluate(f"() => new Promise(done => {{ {frames} }})")


def pixels(page: Page, canvas: str, which: int = 0) -> str:
    found: str = page.locator(canvas).nth(which).evaluate("canvas => canvas.toDataURL()")
    return found


def moment(page: Page) -> str:
    """What moment of the run is shown, such as "recover, step 30 of 60"."""
    return (page.locator(".wdd-controls .wdd-moment").text_content() or "").partition(" (")[0]
