"""The page of a notebook: its text, what it showed before anything is filled in, its sections for the search."""

import base64
import html
import json
import mimetypes
import string
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wddkit.course.site import outputs, texts
from wddkit.course.site.executing import Executed
from wddkit.course.site.outputs import Used
from wddkit.course.site.searching import Section
from wddkit.course.site.texts import Heading, Place

WEB = Path(__file__).parent / "web"
ROLES = {
    "answer": "To fill in, in JupyterLab",
    "check": "The check, before anything is filled in",
}
LONGEST_ALT = 240  # letters


@dataclass(frozen=True, eq=False)
class Page:
    """A notebook as a page: what stands in it, what it needs, and links that lead nowhere in the pages."""

    stem: str
    title: str
    body: str
    headings: Sequence[Heading]
    sections: Sequence[Section]
    used: Used
    lost: Sequence[str]


def page_of(stem: str, executed: Executed, *, pages: Collection[str], folder: Path) -> Page:
    """The page of a notebook, which lies in `folder`; `pages` are all there are, for links.

    Raises ValueError that names the notebook and the cell that cannot be shown.
    """
    place, used = Place(pages, partial(inlined, folder)), Used()
    blocks, headings, sections = [], [], [_Section()]
    about = ""
    for cell in executed.notebook["cells"]:
        try:
            if cell["cell_type"] == "markdown":
                soup = texts.html_of(cell["source"], place)
                headings += texts.headings(soup)
                _read(soup, sections)
                about = texts.plain(soup)[:LONGEST_ALT] or about
                kind = "exercise" if role_of(cell) == "exercise" else "text"
                blocks.append(f'<section class="{kind}">{soup}</section>')
            elif cell["cell_type"] == "code":
                blocks.append(_code(cell, executed.shown, used, about=about))
                if not is_folded(cell):
                    sections[-1].code.append(cell["source"])
        except ValueError as error:
            raise ValueError(f"{stem}.ipynb, cell {cell.get('id')!r}: {error}") from None
    title = next((each.text for each in headings if each.level == 1), stem)
    found = [each.made(stem, title) for each in sections if each.heading or each.words]
    return Page(stem, title, "\n".join(blocks), headings, found, used, place.lost)


def role_of(cell: Mapping[str, Any]) -> str:
    """What a cell is of an exercise: "exercise", "answer" or "check"; "" for any other."""
    return str(cell.get("metadata", {}).get("wddkit", {}).get("role", ""))


def is_folded(cell: Mapping[str, Any]) -> bool:
    """Whether a cell's code is folded away, as that of a prediction is."""
    return bool(cell.get("metadata", {}).get("jupyter", {}).get("source_hidden"))


def inlined(folder: Path, source: str) -> str:
    """An image beside the notebook as an address that holds its bytes; ValueError if there is none."""
    file = folder / source
    kind = mimetypes.guess_type(source)[0] or ""
    if not kind.startswith("image/") or not file.is_file():
        raise ValueError(f"the image {source!r} is not in {folder}; expected a picture beside the notebook")
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode('ascii')}"


class _Section:
    """A section while it is read."""

    def __init__(self, heading: str = "", anchor: str = "") -> None:
        self.heading, self.anchor = heading, anchor
        self.words: list[str] = []
        self.code: list[str] = []

    def made(self, page: str, title: str) -> Section:
        return Section(page, title, self.heading, self.anchor, " ".join(self.words), "\n".join(self.code))


def _read(soup: Any, sections: list[_Section]) -> None:
    """Adds a text to the sections; a heading begins one, and the first one of a page is that of its title."""
    for node in soup.children:
        if node.name in texts.HEADINGS:
            sections.append(_Section(texts.plain(node), str(node["id"])))
        elif node.name and node.name != "details":
            sections[-1].words.append(texts.plain(node))


def _code(cell: Mapping[str, Any], shown: outputs.Shown, used: Used, *, about: str) -> str:
    """A code cell: its code, folded away or not, and below it what it showed."""
    role, code = role_of(cell), highlighted(cell["source"])
    label = f'<p class="role">{ROLES[role]}</p>' if role in ROLES else ""
    if is_folded(cell):
        code = f"<details><summary>Code of this cell</summary>{code}</details>"
    seen = [each for each in cell["outputs"] if role != "answer" or not outputs.is_unfilled(each)]
    told = "".join(outputs.html_of(each, shown, used, about=about) for each in seen)
    out = f'<div class="out">{told}</div>' if told else ""
    kind = f"cell {role}".strip()
    return f'<div class="{kind}" id="cell-{html.escape(str(cell["id"]))}">{label}{code}{out}</div>'


def highlighted(source: str) -> str:
    """Python code with its parts marked, for the style sheet to colour."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    inner = highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n")
    return f'<pre class="code" tabindex="0"><code>{inner}</code></pre>'


def whole(page: Page, pages: Sequence[Page]) -> str:
    """The file of a page among all of them, in their order: navigation, text, data of its views, scripts."""
    at = [each.stem for each in pages].index(page.stem)
    before, after = pages[at - 1] if at else None, pages[at + 1] if at + 1 < len(pages) else None
    template = string.Template((WEB / "page.html").read_text("utf-8"))
    return template.substitute(
        title=html.escape(page.title),
        course=html.escape(pages[0].title),
        home=f"{pages[0].stem}.html",
        note=(WEB / ("note_index.html" if at == 0 else "note.html")).read_text("utf-8"),
        contents=_contents(page),
        notebooks="".join(
            _linked(each, current=each is page, name="" if i else "Index") for i, each in enumerate(pages)
        ),
        body=page.body,
        turn=_turn(before, after),
        data="\n".join(_data(page.used)),
        scripts="\n".join(f'<script src="static/{name}" defer></script>' for name in scripts_of(page)),
    )


def scripts_of(page: Page) -> list[str]:
    """The scripts that a page loads, in their order."""
    plotly = ["plotly.min.js"] if page.used.figures else []
    return [*plotly, *(f"view-{view}.js" for view in page.used.views), "index.js", "search.js", "views.js", "site.js"]


def _linked(page: Page, *, current: bool, name: str = "") -> str:
    mark = ' aria-current="page"' if current else ""
    return f'<li><a href="{page.stem}.html"{mark}>{html.escape(name or page.title)}</a></li>'


def _contents(page: Page) -> str:
    """The headings of the second and third level, as links."""
    below = [each for each in page.headings if each.level > 1]
    return "".join(
        f'<li class="level-{each.level}"><a href="#{each.anchor}">{html.escape(each.text)}</a></li>' for each in below
    )


def _turn(before: Page | None, after: Page | None) -> str:
    back = f'<a rel="prev" href="{before.stem}.html">← {html.escape(before.title)}</a>' if before else "<span></span>"
    forth = f'<a rel="next" href="{after.stem}.html">{html.escape(after.title)} →</a>' if after else "<span></span>"
    return back + forth


def _data(used: Used) -> Iterator[str]:
    """What the views and figures of a page are drawn from, as elements that are no scripts."""
    for identifier, told in used.models.items():
        kind = next((each for each in ("view", "replay", "box") if each in told), "unknown")
        if kind == "replay":
            yield from _replay(identifier, told)
            continue
        more = " ".join(told.get("then", ()) or told.get("box", ()))
        attributes = f'id="model-{identifier}" data-kind="{kind}" data-more="{more}"'
        yield f'<script type="application/json" {attributes} data-view="{html.escape(str(told.get("view", "")))}">'
        yield f"{told.get('state', '{}')}</script>"
        for name, text in told.get("parts", {}).items():
            yield f'<script type="application/json" id="{identifier}-{html.escape(name)}">{text}</script>'
    for number, figure in enumerate(used.figures, 1):
        yield f'<script type="application/json" id="figure-{number}">{figure}</script>'


def _replay(identifier: str, told: Mapping[str, Any]) -> Iterator[str]:
    """The names of what can be chosen, and what each choice shows as a template, which loads nothing until it is."""
    text = json.dumps({"labels": told["replay"], "name": told["name"], "at": told["at"]}).replace("<", "\\u003c")
    yield f'<script type="application/json" id="model-{identifier}" data-kind="replay" data-more="">{text}</script>'
    for number, frame in enumerate(told["frames"]):
        outputs.check_alone(frame)
        yield f'<template id="{identifier}-frame-{number}">{frame}</template>'
