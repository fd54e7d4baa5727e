"""A table of `wddkit.compare` as Markdown or LaTeX: a row for each set, a column for each protocol; then its gains."""

import math
from collections.abc import Callable

from wddkit.views.figures.comparisons import LEVEL, WHOLE, Dot, Frame, panels_of
from wddkit.views.figures.words import CONTROLS

Cell = Callable[[Dot], str]
Number = Callable[[float, float, float], str]  # a difference with its interval
_GAINS = (
    "Gains in percentage points ± half their paired 95 % t-interval, which one synthesis and equal differences do not "
    "have; p after Holm's correction. Detectable: the true gain over random images that this design finds in 80 % of "
    "its repetitions. Chosen: the best real images that were chosen by a rule."
)
_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def to_markdown(frame: Frame) -> str:
    """The table as Markdown, with a sentence below that says what its marks are.

    `mean ± half` of the 95 % interval, in percent. Bold: above all others of its column by paired intervals without 0.
    A star: the gain over random images stands with p < 0.05 after Holm's correction. Below, the gains themselves: over
    random images, with what would be detected, and over the best real images that were chosen.
    """
    text = f"{_piped(*_cells(frame, what='to_markdown', cell=_markdown), names=2)}\n\n{_note(frame)}\n"
    head, body = _gains(frame, number=_markdown_gain)
    return f"{text}\n{_piped(head, body, names=4)}\n\n{_GAINS}\n" if body else text


def to_latex(frame: Frame) -> str:
    r"""The same as a LaTeX `tabular` for each, by the package booktabs, with the sentences as comments above them."""
    text = _tabular(*_cells(frame, what="to_latex", cell=_latex), names=2, note=_note(frame))
    head, body = _gains(frame, number=_latex_gain)
    return f"{text}\n{_tabular(head, body, names=4, note=_GAINS)}" if body else text


def _piped(head: list[str], body: list[list[str]], *, names: int) -> str:
    """A table in Markdown; what is behind the columns of names is numbers."""
    rows = [head, ["---"] * names + ["---:"] * (len(head) - names), *body]
    return "\n".join(f"| {' | '.join(each.replace('|', chr(92) + '|') for each in row)} |" for row in rows)


def _tabular(head: list[str], body: list[list[str]], *, names: int, note: str) -> str:
    """A table in LaTeX; what is behind the columns of names is LaTeX already."""
    escaped = [[*map(_escaped, row[:names]), *row[names:]] for row in body]
    lines = [
        f"% {note}",
        rf"\begin{{tabular}}{{{'l' * names}{'r' * (len(head) - names)}}}",
        r"\toprule",
        " & ".join(map(_escaped, head)) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in escaped),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _cells(frame: Frame, *, what: str, cell: Cell) -> tuple[list[str], list[list[str]]]:
    """Head and body: set, images a class, then a column for each protocol; data sets only where there are several."""
    panels = panels_of(frame, what=what)
    datasets = dict.fromkeys(panel.dataset for panel in panels)
    columns = list(dict.fromkeys((panel.dataset, panel.protocol) for panel in panels))
    rows: dict[tuple[str, int | None], dict[tuple[str, str], str]] = {}
    for panel in panels:
        for dot in panel.dots:
            ipc = None if dot.name == CONTROLS[WHOLE] else panel.ipc
            rows.setdefault((dot.name, ipc), {})[panel.dataset, panel.protocol] = cell(dot)
    head = [f"{dataset}, {protocol}" if len(datasets) > 1 else protocol for dataset, protocol in columns]
    order = sorted(rows, key=lambda row: row[1] or 0)  # stable: best first within one size
    body = [
        [name, "" if ipc is None else str(ipc), *(rows[name, ipc].get(c, "") for c in columns)] for name, ipc in order
    ]
    return ["set", "images a class", *head], body


def _markdown(dot: Dot) -> str:
    said = f"{dot.mean:.1f}" + ("" if math.isnan(dot.low) else f" ± {(dot.high - dot.low) / 2:.1f}")
    return (f"**{said}**" if dot.best else said) + (r"\*" if dot.sure else "")


def _latex(dot: Dot) -> str:
    said = f"{dot.mean:.1f}"
    said = rf"\mathbf{{{said}}}" if dot.best else said
    half = "" if math.isnan(dot.low) else rf" \pm {(dot.high - dot.low) / 2:.1f}"
    return f"${said}{half}{'^{*}' if dot.sure else ''}$"


def _gains(frame: Frame, *, number: Number) -> tuple[list[str], list[list[str]]]:
    """Head and body: a row for each set and protocol; no rows where `detectable` and `selection` are unknown."""
    panels = panels_of(frame, what="table")
    several = len({panel.dataset for panel in panels}) > 1
    told = [(panel, dot) for panel in panels for dot in panel.dots if not math.isnan(dot.gain)]
    if all(math.isnan(dot.detectable) and not dot.chosen.over for _, dot in told):
        told = []
    body = [
        [
            *(dot.name, "" if panel.ipc is None else str(panel.ipc)),
            *(f"{panel.dataset}, {panel.protocol}" if several else panel.protocol, dot.chosen.over),
            *(number(dot.gain, dot.gain_low, dot.gain_high), _known(dot.p, 3), _known(dot.detectable, 1)),
            *(number(dot.chosen.mean, dot.chosen.low, dot.chosen.high), _known(dot.chosen.p, 3)),
        ]
        for panel, dot in told
    ]
    return ["set", "images a class", "protocol", "chosen", "over random", "p", "detectable", "over chosen", "p"], body


def _markdown_gain(gain: float, low: float, high: float) -> str:
    return _known(gain, 1, sign="+") + ("" if math.isnan(low) else f" ± {(high - low) / 2:.1f}")


def _latex_gain(gain: float, low: float, high: float) -> str:
    said = _markdown_gain(gain, low, high).replace("±", r"\pm")
    return f"${said}$" if said else ""


def _known(value: float, digits: int, *, sign: str = "") -> str:
    return "" if math.isnan(value) else f"{value:{sign}.{digits}f}"


def _note(frame: Frame) -> str:
    panels = panels_of(frame, what="table")
    over = dict.fromkeys(dot.over for panel in panels for dot in panel.dots if not math.isnan(dot.low))
    units = " or ".join(over).replace("students only", "students")
    interval = f" ± half the 95 % t-interval over {units}" if over else ""
    return (
        f"Test accuracy in percent{interval}. Bold: above all others of its column and size by paired 95 % intervals. "
        f"Star: gain over random real images, p < {LEVEL} after Holm's correction."
    )


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)
