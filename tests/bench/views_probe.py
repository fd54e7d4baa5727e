"""How long a page takes from a hand's movement until what it asked for is painted, measured in the page itself."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

# It begins with the event, as the browser dates it; `end` is called when what was asked for is drawn, inside of a
# frame: a message that is posted there arrives after this frame's layout and painting.
PROBE = """([event, watched]) => {
  const probe = (window.wddProbe = { times: [], began: null });
  const painted = new MessageChannel();
  painted.port1.onmessage = () => {
    if (probe.began !== null) probe.times.push(performance.now() - probe.began);
    probe.began = null;
  };
  addEventListener(event, ({ timeStamp }) => (probe.began ??= timeStamp), true);
  const end = () => probe.began !== null && painted.port2.postMessage(0);
  if (watched === "view") {
    const options = { attributes: true, attributeFilter: ["data-drawn"] };
    return void new MutationObserver(end).observe(document.querySelector(".wdd"), options);
  }
  const seen = {
    tooltip() {
      const tip = document.querySelector(".wdd-tip");
      return !tip.hidden && !tip.querySelector("canvas").hidden && "shown";
    },
    plotly: () => document.querySelector(".js-plotly-plot")._fullData[1].x[0],
  }[watched];
  let last = seen();
  const look = () => {
    const now = seen();
    if (now !== last && now !== false) end();
    last = now;
    requestAnimationFrame(look);
  };
  look();
}"""


@dataclass(frozen=True)
class Timed:
    """Milliseconds of each step."""

    steps: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the steps took at most so long."""
        return statistics.median(self.steps)

    @property
    def p95(self) -> float:
        """So many of a hundred took at most so long."""
        return sorted(self.steps)[int(0.95 * len(self.steps)) - 1]

    def __str__(self) -> str:
        return f"{self.median:.0f} ms median, {self.p95:.0f} ms p95 ({len(self.steps)} steps)"


def probe(page: Page, event: str, watched: str) -> None:
    """Begins to measure from an event to a drawn "view", "tooltip" or "plotly" figure."""
    page.evaluate(PROBE, [event, watched])


def timed(page: Page, act: Callable[[int], None], *, steps: int, warm: int = 5, each: int = 400) -> Timed:
    """Each step's time from the event that `act(step)` causes; one that paints nothing within `each` ms is left out."""
    found = []
    for step in range(-warm, steps):
        page.evaluate("() => { window.wddProbe.times.length = 0; window.wddProbe.began = null; }")
        act(step)
        for _ in range(each // 10):
            page.wait_for_timeout(10 + step % 7)  # not in step with the screen
            if times := page.evaluate("() => window.wddProbe.times"):
                break
        if step >= 0 and times:
            found.append(times[0])
    assert len(found) > steps // 2, f"only {len(found)} of {steps} steps painted something"
    return Timed(tuple(found))


def to_and_fro(page: Page, turn: int) -> Callable[[int], None]:
    """Arrow keys: so many steps to the right, so many to the left."""
    return lambda step: page.keyboard.press("ArrowRight" if step // turn % 2 == 0 else "ArrowLeft")
