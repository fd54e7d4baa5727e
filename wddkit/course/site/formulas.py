"""Formulas as MathML, made when the pages are: no script and no font travels with them."""

import html
import re
import xml.etree.ElementTree as ET

# How many parts these elements have; one with fewer comes of a formula that was left open.
PARTS = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mroot": 2}
BELOW = ("min", "max", "inf", "sup", "lim", "argmin", "argmax", "arg min", "arg max")
LARGE = tuple("∑∏∫∬∮⋃⋂")
# Of these the converter knows the starred form only; without numbers they are the same.
SAME = {"{aligned}": "{align*}", "{gathered}": "{gather*}"}


def mathml(latex: str, *, display: bool) -> str:
    """A formula as an element `math`; `display` for one on a line of its own.

    Raises ValueError that names the formula if something in it cannot be converted.
    """
    from latex2mathml.converter import convert_to_element

    text = latex.strip()
    for name, known in SAME.items():
        text = text.replace(name, known)
    try:
        root = convert_to_element(text, display="block" if display else "inline")
    except Exception as error:  # its exceptions have no common base
        raise _wrong(latex, type(error).__name__) from None
    root.attrib.pop("xmlns", None)  # HTML knows the element without
    for node in root.iter():
        # It writes signs as entities, of which only a browser would make signs again.
        node.text = html.unescape(node.text or "") or None
        if node.tag == "mtext":
            node.text = re.sub(r"\\([%&#$_{}])", r"\1", node.text or "")
    _check(root, latex)
    if display:
        _as_in_print(root)
    root.set("alttext", " ".join(latex.split()))
    return ET.tostring(root, encoding="unicode")


def _wrong(latex: str, why: str) -> ValueError:
    return ValueError(f"cannot convert the formula {' '.join(latex.split())!r}: {why}; write it in plainer LaTeX")


def _check(root: ET.Element, latex: str) -> None:
    """Raises ValueError for what the converter left as it was, or left out."""
    if not "".join(root.itertext()).strip():
        raise _wrong(latex, "there is nothing in it")
    for node in root.iter():
        if node.tag == "mi" and node.text == "&":
            raise _wrong(latex, "a sign & stands where none may")
        if node.tag != "mtext" and (unknown := re.search(r"\\[A-Za-z]+", node.text or "")):
            raise _wrong(latex, f"the command {unknown[0]} is not known")
        if len(node) < PARTS.get(node.tag, 0):
            raise _wrong(latex, "something is missing in it")


def _as_in_print(root: ET.Element) -> None:
    """In a formula on a line of its own, what a minimum is over stands below it, and sums are large."""
    for node in root.iter():
        if node.tag == "msub" and (node[0].text or "").replace("\u2009", " ").strip() in BELOW:
            node.tag = "munder"
        elif node.tag == "mo" and (node.text or "") in LARGE:
            node.set("class", "large")
