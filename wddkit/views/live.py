"""The Explorer of a run that is under way: it grows, and its buttons and knobs reach the run."""

import io
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from PIL import Image, ImageDraw, ImageFont

from wddkit.history import History
from wddkit.views.explorer import Explorer
from wddkit.views.payload import Payload, payload
from wddkit.views.showing import Bundle, with_picture

BEGUN = (
    "A live view of a distillation. Nothing was recorded yet when this cell was shown. Run the cell to see it live, or "
    "show a finished run with wdd.Explorer(history)."
)


class Steered(Protocol):
    """A run that can be steered while it runs."""

    def pause(self) -> None:
        """Waits at the next step."""

    def resume(self) -> None:
        """Goes on."""

    def stop(self) -> None:
        """Ends at the next step and keeps what there is."""

    def set(self, **knobs: float) -> None:
        """Turns knobs from the next step on."""


class LiveExplorer(Explorer):
    """An Explorer that `grow`s, with buttons to pause, resume and stop, and sliders for the run's knobs.

    `live` says how the run is; see `tell`. Only what is new is sent to the browser.
    """

    def __init__(self, run: Steered, *, title: str = "a run that begins") -> None:
        self._run = run
        self._growing = threading.Lock()
        self._quiet = False
        self._begin(None, Payload(empty(title), {}))
        self.live = {"state": "starting", "stage": "", "done": 0, "total": 0, "knobs": {}, "message": ""}
        self.on_msg(self._commanded)

    def grow(self, history: History) -> None:
        """Shows what a run has recorded by now; may be called from any thread."""
        with self._growing:
            new = payload(history, earlier=self._payload)
            old = self._payload.buffers
            changed = [name for name, data in new.buffers.items() if old.get(name) is not data]
            if not changed and new.meta == self._payload.meta:
                return
            self._history, self._payload, self._quiet = history, new, True
            try:
                # Not as traits, which would send every picture again; a copy of the view opened later gets them all.
                self.buffers, self.meta = dict(new.buffers), dict(new.meta)
            finally:
                self._quiet = False
            # One picture can have several names: it travels once.
            parts = {id(new.buffers[name]): new.buffers[name] for name in changed}
            places = {key: i for i, key in enumerate(parts)}
            names = [[name, places[id(new.buffers[name])]] for name in changed]
            self.send({"grow": dict(new.meta), "names": names}, buffers=list(parts.values()))

    def tell(self, state: Mapping[str, Any]) -> None:
        """Shows how the run is: `state`, `stage`, `done` of `total`, `seconds`, `knobs`, `message`."""
        self.live = dict(state)

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle | None:
        """The widget, and for where no widget can live a picture; before there is anything to draw, of a sentence."""
        widget: Bundle | None = super()._repr_mimebundle_(**kwargs)
        if self._history is not None:
            return widget
        return with_picture(widget, lambda: (_written(BEGUN), {"alt": BEGUN}))

    def _should_send_property(self, key: str, value: Any) -> bool:
        if self._quiet and key in ("meta", "buffers"):
            return False
        return bool(super()._should_send_property(key, value))

    def _commanded(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        command = content.get("command")
        try:
            if command == "set":
                self._run.set(**{str(content["name"]): float(content["value"])})
            elif command in ("pause", "resume", "stop"):
                getattr(self._run, command)()
        except (ValueError, RuntimeError) as error:
            self.live = {**(self.live or {}), "message": str(error)}


def _written(text: str) -> bytes:
    """A picture of a text, a sentence to a line, as PNG."""
    font, lines = ImageFont.load_default(18), text.replace(". ", ".\n")
    box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), lines, font=font)
    picture = Image.new("RGB", (int(box[2]) + 32, int(box[3]) + 32), "white")
    ImageDraw.Draw(picture).multiline_text((16, 16), lines, fill="#1b1f24", font=font)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def empty(title: str) -> dict[str, Any]:
    """The meta data of a run that has recorded nothing yet."""
    lists = ("classes", "timeline", "projections", "ways", "segments", "layers", "turns", "results", "missing")
    return {
        "title": title,
        **{name: [] for name in lists},
        "seconds": {},
        "scalars": {},
        "paired": False,
        "finished": False,
        "unasked": False,
        "edited": False,
        "barycenter_steps": 0,
        "image": {"size": 0, "channels": 1},
        "real": {"count": 0, "of": 0, "size": 0, "columns": 1, "per_sheet": 1, "type": "image/png"},
    }
