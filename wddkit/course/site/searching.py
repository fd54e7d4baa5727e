"""The search of the pages: an index made beforehand, so that a page only adds up weights.

The weight of a word t in a section s is

    idf(t) (3 [t in the heading] + f(words) + f(code) / 2),    f = count / (count + 1),

with idf(t) = ln(1 + N / n(t)) of N sections, n(t) of which have the word: what is rare tells more, and naming a thing
often is worth little more than naming it once. A page's title is the heading of its first section. `web/search.js`
takes words that begin as the asked one does too, for their share of letters.
"""

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

HEADING, CODE = 3.0, 0.5


@dataclass(frozen=True)
class Section:
    """A part of a page from one heading to the next; `anchor` is "" for what stands before the first one."""

    page: str
    title: str
    heading: str
    anchor: str
    text: str
    code: str


def words(text: str) -> list[str]:
    """The words of a text as the search compares them: small letters without accents, and numbers."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[^\W_]+", "".join(each for each in folded if not unicodedata.combining(each)))


def index(sections: Sequence[Section]) -> dict[str, dict[int, float]]:
    """Word -> section -> weight, rounded to two decimals."""
    counted = [(Counter(words(each.text)), Counter(words(each.code))) for each in sections]
    named = [set(words(each.heading)) for each in sections]
    found: dict[str, dict[int, float]] = {}
    for s, (text, code) in enumerate(counted):
        for word in {*text, *code, *named[s]}:
            weight = HEADING * (word in named[s]) + _share(text[word]) + CODE * _share(code[word])
            found.setdefault(word, {})[s] = weight
    for weights in found.values():
        rare = math.log(1 + len(sections) / len(weights))
        weights.update({s: round(rare * weight, 2) for s, weight in weights.items()})
    return found


def script(sections: Sequence[Section]) -> str:
    """The index as a plain script, which keeps it in `wddIndex`: a page on a disk may fetch no file."""
    shown = [[each.page, each.title, each.heading, each.anchor, each.text] for each in sections]
    terms = {word: [n for pair in weights.items() for n in pair] for word, weights in sorted(index(sections).items())}
    text = json.dumps({"sections": shown, "terms": terms}, ensure_ascii=False, separators=(",", ":"))
    return f"globalThis.wddIndex = {text};\n"


def _share(count: int) -> float:
    return count / (count + 1)
