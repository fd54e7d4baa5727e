"""Widgets inside of somebody else's page: what each needs there, as JSON, with no kernel behind it."""

from collections.abc import Iterable
from typing import Any

import ipywidgets
from ipywidgets import Dropdown, SelectionSlider

from wddkit.views import assets

MOST_FRAMES = 100  # of a choice that is replayed
ANY = ("layout", "tabbable", "tooltip")  # traits that every widget has


def embedded(identifiers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What a page needs of these widgets of this session, and of those that they lead to, by the id of their model.

    A view: `view`, `state` (JSON with its buffers in base64), `parts` and `summary`, as `assets.Form` has them; and
    `then`, a list with the id of what waits for an answer. A choice and texts that follow it: `replay`, what can be
    chosen, and `frames`, the HTML that each choice shows. Any other box: `box`, the ids in it. Whatever else there is
    works with a kernel only: `unknown`, its kind.
    """
    found: dict[str, dict[str, Any]] = {}
    waiting = list(identifiers)
    while waiting:
        identifier = waiting.pop()
        if identifier in found:
            continue
        widget = _widgets().get(identifier)
        found[identifier], more = ({"unknown": "closed view"}, []) if widget is None else _told(widget)
        waiting.extend(more)
    return found


def script(view: str) -> str:
    """The module of a view as a plain script, which keeps it in `wddViews`: a page on a disk may load no modules."""
    return f'"use strict";\n(globalThis.wddViews ??= {{}}).{view} = {assets.as_value(assets.module(view))};\n'


def plotly_script() -> str:
    """The script that draws plotly's figures."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _widgets() -> dict[str, Any]:
    from ipywidgets.widgets import widget

    return dict(widget._instances)  # the one place where a session's widgets are known by the ids of their models


def _told(widget: Any) -> tuple[dict[str, Any], list[str]]:
    """What a page needs of a widget, and the ids of those that it leads to."""
    if isinstance(widget, ipywidgets.Box) and not hasattr(widget, "form"):
        if (replayed := _replayed(widget)) is not None:
            return replayed, []
        inside = [str(each.model_id) for each in widget.children]
        return {"box": inside}, inside
    form = widget.form() if hasattr(widget, "form") else _form(widget)
    if form is None:
        return {"unknown": type(widget).__name__}, []
    then = [] if getattr(widget, "then", None) is None else [str(widget.then.model_id)]
    told = {"view": form.view, "state": form.json(), "parts": dict(form.parts), "summary": form.summary}
    return {**told, "then": then}, then


def _replayed(box: Any) -> dict[str, Any] | None:
    """A box of one choice and texts, with what the texts say for all that can be chosen; None for any other box.

    A kernel computes the texts when something is chosen; a page must have them all beforehand.
    """
    choices = [each for each in box.children if isinstance(each, (SelectionSlider, Dropdown))]
    texts = [each for each in box.children if isinstance(each, ipywidgets.HTML)]
    if len(choices) != 1 or not texts or len(box.children) != 1 + len(texts):
        return None
    (choice,), frames = choices, []
    before = choice.index
    for at in range(min(len(choice.options), MOST_FRAMES)):
        choice.index = at
        frames.append("\n".join(str(text.value) for text in texts))
    choice.index = before
    labels = [str(label) for label in choice._options_labels[:MOST_FRAMES]]
    return {
        "replay": labels,
        "frames": frames,
        "name": str(choice.description),
        "at": min(before or 0, len(frames) - 1),
    }


def _form(widget: Any) -> assets.Form | None:
    """A view that has no form of its own: all that its browser's side knows of it. None for somebody else's widget."""
    view = next((view for view in assets.VIEWS if getattr(widget, "_esm", "") == assets.module(view)), None)
    if view is None:
        return None
    names = [name for name in widget.trait_names(sync=True) if not name.startswith("_") and name not in ANY]
    return assets.Form(view, {name: getattr(widget, name) for name in names}, {}, "", "")
