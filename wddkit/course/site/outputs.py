"""What cells showed, as HTML: views that need no kernel, figures, tables and text."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wddkit.course.addresses import outside

WIDGET = "application/vnd.jupyter.widget-view+json"
PLOTLY = "application/vnd.plotly.v1+json"
PICTURES = ("image/png", "image/jpeg")
Shown = Mapping[str, Mapping[str, Any]]


@dataclass
class Used:
    """What the outputs of a page need beside themselves: views by the id of their model, and plotly's figures."""

    models: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)  # JSON

    @property
    def views(self) -> list[str]:
        """The views whose scripts the page loads."""
        return sorted({str(told["view"]) for told in self.models.values() if "view" in told})


def html_of(output: Mapping[str, Any], shown: Shown, used: Used, *, about: str) -> str:
    """One output; `about` says what a picture shows that has no alt text of its own.

    Raises ValueError for HTML that would fetch something from the network.
    """
    kind = output["output_type"]
    if kind == "stream":
        return f'<pre class="stream {output["name"]}" tabindex="0">{_written(output["text"])}</pre>'
    if kind == "error":
        return f'<pre class="stream error" tabindex="0">{_written(output["ename"] + ": " + output["evalue"])}</pre>'
    data, metadata = output["data"], output.get("metadata", {})
    if WIDGET in data:
        return _widget(data, metadata, shown, used, about=about)
    return _plain(data, metadata, used, about=about)


def check_alone(text: str) -> None:
    """Raises ValueError for HTML that would fetch something from the network."""
    if asked := outside(text):
        raise ValueError(f"an output would ask the network: {asked[0]!r}; show something that holds all it needs")


def is_unfilled(output: Mapping[str, Any]) -> bool:
    """Whether an output is nothing but the dots of an answer that nobody has filled in."""
    said = output.get("text", "") or output.get("data", {}).get("text/plain", "")
    return bool(re.fullmatch(r"\s*(?:Ellipsis\s*)+", said))


def _widget(data: Mapping[str, Any], metadata: Mapping[str, Any], shown: Shown, used: Used, *, about: str) -> str:
    identifier = data[WIDGET]["model_id"]
    told = shown.get(identifier, {"unknown": "widget"})
    if "unknown" not in told:
        _use(identifier, shown, used)
        summary = html.escape(str(told.get("summary", "")))
        return f'<div class="view" data-model="{identifier}"><p class="still">{summary}</p></div>'
    rest = {kind: each for kind, each in data.items() if kind != WIDGET}
    note = f'<p class="still">This {html.escape(str(told["unknown"]))} works in a running notebook only.</p>'
    return note + (_plain(rest, metadata, used, about=about) if set(rest) - {"text/plain"} else "")


def _use(identifier: str, shown: Shown, used: Used) -> None:
    """Takes a view and all that it leads to into the page."""
    if identifier in used.models:
        return
    told = used.models[identifier] = shown.get(identifier, {"unknown": "closed view"})
    for each in [*told.get("then", ()), *told.get("box", ())]:
        _use(each, shown, used)


def _plain(data: Mapping[str, Any], metadata: Mapping[str, Any], used: Used, *, about: str) -> str:
    if PLOTLY in data:
        return _plotly(data[PLOTLY], used, about=about)
    if "text/html" in data:
        check_alone(data["text/html"])
        return f'<div class="rich scroll" role="region" tabindex="0" aria-label="output">{data["text/html"]}</div>'
    for kind in PICTURES:
        if kind in data:
            return _picture(kind, data[kind], metadata.get(kind, {}), about=about)
    if "text/plain" in data:
        return f'<pre class="stream" tabindex="0">{_written(data["text/plain"])}</pre>'
    raise ValueError(
        f"an output of the kinds {', '.join(sorted(data)) or 'none'}; a page shows text, HTML and pictures"
    )


def _plotly(figure: Mapping[str, Any], used: Used, *, about: str) -> str:
    layout = figure.get("layout", {})
    alt = html.escape(str((layout.get("meta") or {}).get("alt") or about))
    used.figures.append(json.dumps({"data": figure["data"], "layout": layout}).replace("<", "\\u003c"))
    drawn = f'<div class="plotly" data-figure="figure-{len(used.figures)}" role="img" aria-label="{alt}"></div>'
    return f'<div class="scroll" tabindex="0">{drawn}</div>'


def _picture(kind: str, data: str, about_it: Mapping[str, Any], *, about: str) -> str:
    alt = html.escape(str(about_it.get("alt") or about))
    width = f' width="{int(about_it["width"])}"' if "width" in about_it else ""
    return f'<img class="picture" src="data:{kind};base64,{"".join(data.split())}" alt="{alt}"{width}>'


def _written(text: str) -> str:
    """A terminal's text as it would stand there at the end: of a line that was written over, what came last."""
    from nbconvert.filters.ansi import ansi2html

    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return str(ansi2html("\n".join(lines).rstrip("\n")))
