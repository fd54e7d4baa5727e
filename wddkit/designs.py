"""The options of `wddkit compare` beside those of a run, and what is made of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from wddkit.options import Run, job_of, option, settings_of

PRINTED = (
    *("dataset", "protocol", "ipc", "set", "settings", "mean", "interval", "gain", "p_holm", "detectable"),
    *("selection", "gain_selection", "p_selection_holm", "trials", "bytes", "label_bits", "distil_seconds"),
)
_HEADS = {"gain_selection": "gain_over_it", "p_selection_holm": "its_p_holm", "distil_seconds": "distil_s"}
_BELOW = (
    "±: half the 95 % t-interval over {over}. Gains are paired: over random images, and over the best real images\n"
    "that were chosen (selection). p_holm: after correction for all tests. All that is known of each row: --csv FILE"
)


@dataclass(frozen=True)
class Design:
    """How often everything is repeated, what stands beside the methods, and where the table goes."""

    seeds: Annotated[int, tyro.conf.arg(help="syntheses of each method under each teacher, seeds --seed and up")] = 3
    teachers: Annotated[int, tyro.conf.arg(help="teachers that are trained; intervals are over them if several")] = 1
    tune: Annotated[
        int, tyro.conf.arg(help="configurations of each method that are tried on validation images; the best is run")
    ] = 1
    sets: Annotated[
        tuple[str, ...],
        option(
            "sets made elsewhere, to stand in the table: a name, and a saved set or a folder of images by class",
            "none",
            "NAME=PATH [...]",
        ),
    ] = ()
    csv: Annotated[Path | None, option("file to write the whole table to", "none", "FILE")] = None
    latex: Annotated[Path | None, option("file to write a LaTeX table to", "none", "FILE")] = None
    markdown: Annotated[Path | None, option("file to write a Markdown table to", "none", "FILE")] = None
    figure: Annotated[
        Path | None, option("file to draw the table to: .html to hover, .png or .pdf for print", "none", "FILE")
    ] = None


def jobs_of(methods: Sequence[str], run: Run) -> list[tuple[Any, Any]]:
    """A config for each method, and their data set; a field of a method is set for those that have it."""
    jobs: list[tuple[Any, Any]] = []
    for name in methods:
        one = replace(run, method=name, set=settings_of(run.set, name, tuple(methods)))
        jobs.append(job_of(one, jobs[0][1] if jobs else None))
    return jobs


def sets_of(given: Sequence[str], split: Any) -> dict[str, Any]:
    """The sets by their names. Raises ValueError for what is not NAME=PATH, and for what is no set."""
    found: dict[str, Any] = {}
    for each in given:
        name, equals, path = each.partition("=")
        if not (name and equals and path):
            raise ValueError(f"--sets {each}: expected NAME=PATH, such as theirs=made/by/them")
        if name in found:
            raise ValueError(f"--sets {name} is given twice; call one of them otherwise")
        found[name] = distilled_at(Path(path), split.classes)
    return found


def distilled_at(path: Path, classes: tuple[str, ...]) -> Any:
    """The distilled set of a run, a saved one, or images in folders by class."""
    from wddkit.data import DistilledSet
    from wddkit.history import History

    if (path / "config.json").exists():
        return History.load(path).distilled
    if (path / "card.json").exists():
        return DistilledSet.load(path)
    return DistilledSet.from_folder(path, classes=classes)


def as_text(frame: Any) -> str:
    """The columns that one reads first; those that are the same or missing everywhere are left out."""
    same = [name for name in ("dataset", "settings", "interval", "trials") if frame[name].nunique() == 1]
    missing = [name for name in PRINTED if (frame[name].isna() | frame[name].eq("")).all()]
    cells = frame.assign(
        selection=frame["selection"].replace("", None),
        mean=_with_halves(frame["mean"], frame["high"] - frame["low"]),
        gain=_with_halves(frame["gain"], frame["gain_high"] - frame["gain_low"], sign="+"),
        gain_selection=_with_halves(
            frame["gain_selection"], frame["gain_selection_high"] - frame["gain_selection_low"], sign="+"
        ),
    )
    shown = cells[[name for name in PRINTED if name not in (*same, *missing)]].rename(columns=_HEADS)
    text: str = shown.to_string(index=False, na_rep="-", float_format=lambda value: f"{value:.2f}")
    over = " or ".join(frame["interval"].unique()).replace("students only", "students")
    return f"{text}\n{_BELOW.format(over=over)}"


def _with_halves(values: Any, widths: Any, *, sign: str = "") -> list[str]:
    """Numbers with half their intervals, as far as they are known."""
    return [
        "-" if math.isnan(value) else f"{value:{sign}.2f}" + ("" if math.isnan(width) else f" ± {width / 2:.2f}")
        for value, width in zip(values, widths, strict=True)
    ]


def keep(frame: Any, design: Design) -> None:
    """Writes the table to the files that were named."""
    from wddkit.views import figures
    from wddkit.views.figures.written import to_latex, to_markdown

    if design.csv:
        frame.to_csv(design.csv, index=False)
    if design.latex:
        design.latex.write_text(to_latex(frame), encoding="utf-8")
    if design.markdown:
        design.markdown.write_text(to_markdown(frame), encoding="utf-8")
    if design.figure and design.figure.suffix == ".html":
        figures.interactive.comparison(frame).write_html(design.figure, include_plotlyjs=True)
    elif design.figure:
        figures.comparison(frame).savefig(design.figure)
