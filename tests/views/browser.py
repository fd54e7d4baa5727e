"""A real Chromium, and a page that keeps what went wrong in it."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 90  # seconds, after which what a page waits for hangs: no machine is so slow

# A view tells what a hand did after a pause, or two in a row, of 250 ms at most. Timers of a page come in the order in
# which they are due, however slowly it runs: on its own clock, three longer pauses are enough.
RESTS = "async () => { for (let n = 3; n; n--) await new Promise((go) => setTimeout(go, 260)); }"


@dataclass
class Watched:
    """A page, what its console called errors, and addresses that it asked for outside of this machine."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def shot(self, name: str, *, full_page: bool = True) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full_page)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    program = next(found for found in map(shutil.which, NAMES) if found)
    # As root Chromium has no sandbox; in a container /dev/shm is small; without a GPU its emulation only costs time.
    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


def watched(browser: Browser, *, width: int = 1200, **options: object) -> Watched:
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]  # playwright names and checks them
    page.set_default_timeout(1000 * PATIENCE)
    found = Watched(page)

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.errors.append(message.text)

    def asked(url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            found.outside.append(url)

    page.on("console", console)
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    page.on("request", lambda request: asked(request.url))
    page.on("dialog", lambda dialog: found.errors.append(f"dialog: {dialog.message}"))
    return found


def hand_rests(page: Page) -> None:
    """Until a view has told what was done in it: the page's address is written, the kernel has been sent it."""
    page.evaluate(RESTS)


def until(page: Page, what: Callable[[], bool]) -> None:
    """Looks again and again, while the page goes on."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        page.wait_for_timeout(50)


def nothing_went_wrong(found: Watched) -> None:
    """At the end of a test: closes the page, whose console told no errors and which asked for nothing elsewhere."""
    found.page.close()
    assert not found.errors, found.errors
    assert not found.outside, found.outside
