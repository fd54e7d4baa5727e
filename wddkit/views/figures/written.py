"""A table of `wddkit.compare` as Markdown or LaTeX: a row for each set, a column for each protocol."""

import math
from collections.abc import Callable

from wddkit.views.figures.comparisons import LEVEL, WHOLE, Dot, Frame, panels_of
from wddkit.views.figures.words import CONTROLS

Cell = Callable[[Dot], str]
_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def to_markdown(frame: Frame) -> str:
    """The table as Markdown, with a sentence below that says what its marks are.

    `mean ± half` of the 95 % interval, in percent. Bold: above all others of its column by paired intervals without 0.
    A star: the gain over random images stands with p < 0.05 after Holm's correction.
    """
    head, body = _cells(frame, what="to_markdown", cell=_markdown)
    rows = [head, ["---"] * 2 + ["---:"] * (len(head) - 2), *body]
    text = "\n".join(f"| {' | '.join(each.replace('|', chr(92) + '|') for each in row)} |" for row in rows)
    return f"{text}\n\n{_note(frame)}\n"


def to_latex(frame: Frame) -> str:
    r"""The same as a LaTeX `tabular` for the package booktabs, with the sentence as a comment above it."""
    head, body = _cells(frame, what="to_latex", cell=_latex)
    escaped = [[*map(_escaped, row[:2]), *row[2:]] for row in body]
    lines = [
        f"% {_note(frame)}",
        rf"\begin{{tabular}}{{ll{'r' * (len(head) - 2)}}}",
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
