"""The browser's side of every view, read as text: one ES module a view, one style sheet, one page around them."""

import base64
import functools
import html
import json
import os
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wddkit.history.folder import write_file

ROOM = Path(__file__).parent / "web"
HOST = "host.js"  # of pages, and of no view
# Of classes, in every view and figure; their home is the browser's side.
COLOURS = tuple(re.findall(r'"(#\w{6})"', (ROOM / "common.js").read_text("utf-8").partition("];")[0]))
SAVING = ("svg_path.js", "svg.js", "gif_colours.js", "gif.js", "export.js")
FEATURES = ("features", "features_scale", "features_words", "pointed", "pointing")
PANELS = tuple(f"panel_{name}.js" for name in (*FEATURES, "images", "chosen", "direction", "curves", "results"))
SHELL = ("controls.js", "saving.js", "address.js", "meanings.js", "core.js")
LAB = (
    "common.js",
    *(f"{name}.js" for name in ("ot", "ot_entropic", "ot_transport", "ot_barycenter")),
    *(f"lab_{name}.js" for name in ("store", "board", "plan", "sides")),
)
CHARTS = ("plot", "heat", "effects", "axes", "brush", "scatter")
SWEEP = tuple(f"sweep_{name}.js" for name in ("table", "state", *CHARTS, "list", "run", "opened", "controls", "save"))
# A widget's module has no neighbours to import, so that a view is its parts joined, in this order.
VIEWS: dict[str, tuple[str, ...]] = {
    "ask": ("common.js", "ask.js"),
    "gains": ("common.js", "gains.js"),
    "explorer": ("common.js", *SAVING, "data.js", *PANELS, *SHELL, "explorer.js"),
    "compare": ("common.js", *SAVING, "data.js", *PANELS, *SHELL, "compare.js"),
    "ablation": ("common.js", *SAVING, "data.js", *PANELS, *SHELL, *SWEEP, "sweep.js"),
    "transport_lab": (*LAB, "lab_transport_parts.js", "lab_transport.js"),
    "barycenter_lab": (*LAB, *(f"lab_barycenter{part}.js" for part in ("_parts", "_value", "_panels", ""))),
}


# Whole views that another one opens inside of itself: name there -> view.
INSIDE: dict[str, dict[str, str]] = {"ablation": {"explorerView": "explorer", "comparisonView": "compare"}}


@functools.cache
def module(view: str) -> str:
    """The ES module of a view."""
    *parts, last = ((ROOM / name).read_text("utf-8") for name in VIEWS[view])
    return "\n".join([*parts, *(_enclosed(*each) for each in INSIDE.get(view, {}).items()), last])


def _enclosed(name: str, view: str) -> str:
    """A view's own file as a constant, in a scope of its own: its names are not those of the view around it."""
    return f"const {name} = {as_value((ROOM / VIEWS[view][-1]).read_text('utf-8'))};"


def as_value(module: str) -> str:
    """A module's text as an expression of JavaScript, whose value is what the module exports."""
    assert module.count("\nexport default ") == 1
    body = module.replace("\nexport default ", "\nreturn ")
    return f"(() => {{\n{body}\n}})()"


@functools.cache
def host() -> str:
    """The script that stands for a kernel in a page: the function `hosted`."""
    return (ROOM / HOST).read_text("utf-8")


@functools.cache
def style() -> str:
    """The style sheet of all views."""
    return "\n".join((ROOM / name).read_text("utf-8") for name in ("views.css", "lab.css", "sweep.css"))


@dataclass(frozen=True, eq=False)
class Form:
    """What a page needs of a view as it stands now.

    `summary` is read where there is no JavaScript. `parts` are JSON, without any "<", by the id of the element in which
    the view finds it: what is large and perhaps never looked at.
    """

    view: str
    state: Mapping[str, Any]
    buffers: Mapping[str, bytes]
    title: str
    summary: str
    parts: Mapping[str, str] = field(default_factory=dict)

    def json(self, **more: Any) -> str:
        """The state with its buffers in base64, and more, as text that can stand in a script element."""
        encoded = {name: base64.b64encode(data).decode("ascii") for name, data in self.buffers.items()}
        # Escaped, so that no class name can end the script element it stands in.
        return json.dumps({**self.state, **more, "buffers": encoded}, allow_nan=False).replace("<", "\\u003c")


def page(form: Form) -> str:
    """A self-contained page of the same module: it shows the state, asks the network for nothing, needs no kernel.

    Whatever is in the state stays text.
    """
    parts = [f'<script type="application/json" id="{name}">{text}</script>' for name, text in form.parts.items()]
    template = string.Template((ROOM / "page.html").read_text("utf-8"))
    return template.substitute(
        title=html.escape(form.title),
        css=style(),
        summary=html.escape(form.summary),
        state=form.json(page=True),
        parts="\n".join(parts),
        module=module(form.view),
        host=host(),
    )


def write(path: Path | str, text: str) -> Path:
    """Writes a page; what stands there stays until the new page is whole. Returns the path, its "~" expanded.

    Raises OSError where it cannot be written, and ValueError for what is no path.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path):
        raise ValueError(f"to_html: expected the path of a file, such as 'explorer.html', got {path!r}")
    try:
        path = Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"to_html: {path}: {error}; write the whole path") from None
    if path.is_dir():
        raise IsADirectoryError(f"to_html: {path} is a folder; expected a file, such as {path / 'explorer.html'}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"to_html: cannot write {path}: there is no folder {path.parent}; create it first")
    try:
        write_file(path, text.encode("utf-8"))
    except OSError as error:
        why = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error.strerror
        message = (
            f"to_html: could not write {path}: {why}. A page that stood there is unchanged; free some space or choose "
            "another place"
        )
        raise OSError(error.errno, message) from error
    return path
