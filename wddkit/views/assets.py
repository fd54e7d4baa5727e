"""The browser's side of a view, read as text: one ES module, one style sheet, one page around them."""

import base64
import functools
import html
import json
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOM = Path(__file__).parent
PARTS = ("common.js", "panel_features.js", "panel_images.js", "panel_results.js", "run_view.js")


@functools.cache
def module() -> str:
    """The ES module of the run view: its parts, joined, because a widget's module has no neighbours to import."""
    return "\n".join((ROOM / name).read_text("utf-8") for name in PARTS)


@functools.cache
def style() -> str:
    """The style sheet of the run view."""
    return (ROOM / "run_view.css").read_text("utf-8")


def page(state: Mapping[str, Any], buffers: Mapping[str, bytes], *, title: str, summary: str) -> str:
    """A self-contained page of the same module: it shows the state, asks the network for nothing, needs no kernel.

    `summary` is read where there is no JavaScript. Whatever is in the state stays text.
    """
    encoded = {name: base64.b64encode(data).decode("ascii") for name, data in buffers.items()}
    # Escaped, so that no class name can end the script element it stands in.
    text = json.dumps({**state, "buffers": encoded}, allow_nan=False).replace("<", "\\u003c")
    template = string.Template((ROOM / "page.html").read_text("utf-8"))
    return template.substitute(
        title=html.escape(title), css=style(), summary=html.escape(summary), state=text, module=module()
    )
