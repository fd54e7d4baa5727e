"""Markdown as HTML: formulas as MathML, links that lead within the pages, headings that can be linked to."""

import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from wddkit.course.site.formulas import mathml

HEADINGS = ("h1", "h2", "h3")
LONGEST = 24  # letters of a formula in a search result; a longer one is an ellipsis there


@dataclass
class Place:
    """Where a text stands: the pages that there are, and what was found in texts of this page so far.

    `used` are ids of headings; `lost` are links to files that are no pages, shown as text; `inline` gives the bytes of
    an image beside the notebook as an address that holds them.
    """

    pages: Collection[str]
    inline: Callable[[str], str]
    used: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Heading:
    """A heading of a page: its level, 1 to 3, its text, and the id that a link leads to."""

    level: int
    text: str
    anchor: str


def html_of(markdown: str, place: Place) -> BeautifulSoup:
    """A text as HTML. Raises ValueError for a formula that cannot be converted, and for an image without alt text."""
    soup = BeautifulSoup(_rendered(markdown), "html.parser")
    for heading in soup.find_all(HEADINGS):
        heading["id"] = _free(heading.get_text(), place.used)
    for link in soup.find_all("a", href=True):
        _lead(link, place)
    for image in soup.find_all("img"):
        if not image.get("alt"):
            raise ValueError(f"the image {image.get('src')!r} has no alt text; write ![what is seen](file)")
        image["src"] = place.inline(str(image["src"]))
    for table in soup.find_all("table"):
        frame = soup.new_tag("div", attrs={"class": "scroll", "role": "region", "tabindex": "0", "aria-label": "table"})
        table.wrap(frame)
    return soup


def headings(soup: BeautifulSoup) -> list[Heading]:
    """The headings of a text in their order."""
    return [Heading(int(node.name[1]), plain(node), str(node["id"])) for node in soup.find_all(HEADINGS)]


def plain(node: Tag) -> str:
    """The words of a piece of HTML on one line: no hints, and of short formulas the signs."""
    copied = BeautifulSoup(str(node), "html.parser")
    for hint in copied.find_all("details"):
        hint.decompose()
    for formula in copied.find_all("math"):
        signs = formula.get_text("")
        formula.replace_with(signs if len(signs) <= LONGEST else "…")
    return " ".join(copied.get_text(" ").split()).replace(" ,", ",").replace(" .", ".")


def _rendered(markdown: str) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return _apart(mathml(body, display=True))

        def inline_math(self, body: str) -> str:
            return mathml(body, display=False)

        def latex_environment(self, name: str, body: str) -> str:
            return _apart(mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True))

    renderer = Renderer(escape=False, allow_harmful_protocols=False, exclude_anchor_links=True)
    made: Any = MarkdownWithMath(renderer=renderer).render(markdown)
    return str(made)


def _apart(formula: str) -> str:
    """A formula on a line of its own, which can be moved sideways where it has too little room."""
    return f'<span class="formula" tabindex="0">{formula}</span>'


def _free(text: str, used: set[str]) -> str:
    """An id made of a heading's words that no other heading of the page has."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", folded).strip("-") or "part"
    found, count = base, 2
    while found in used:
        found, count = f"{base}-{count}", count + 1
    used.add(found)
    return found


def _lead(link: Tag, place: Place) -> None:
    """A link to a notebook leads to its page; one to another file beside it, which is no page, becomes text."""
    address = urlsplit(str(link["href"]))
    if address.scheme or address.netloc:
        link["rel"] = "noopener"
        return
    if not address.path:
        return
    stem = address.path.removeprefix("./").removesuffix(".ipynb")
    if address.path.endswith(".ipynb") and stem in place.pages:
        link["href"] = f"{stem}.html" + (f"#{address.fragment}" if address.fragment else "")
    else:
        place.lost.append(address.path)
        link.unwrap()
