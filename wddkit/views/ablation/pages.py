"""A sweep's view as one file: the table, pictures of the runs, and as many runs to open as fit."""

from collections.abc import Mapping
from typing import Any

from wddkit.views import assets
from wddkit.views.ablation.runs import STRIP_RUNS, Parts, Runs, packed, strips


def form_of(runs: Runs, state: Mapping[str, Any], *, runs_in: str | int, limit: int | None = None) -> assets.Form:
    """What a page needs, with runs in about `limit` bytes; ValueError for `runs_in` that `chosen` does not know."""
    wanted = chosen(runs, runs_in)
    parts, kept = packed(runs, wanted, limit=limit)
    pictures = strips(runs, runs.spread()[:STRIP_RUNS])
    notes = said(runs, wanted, kept, parts, pictures=len(pictures))
    table = {**state["table"], "notes": notes, "inside": kept}
    return assets.Form(
        "ablation",
        {**state, "table": table},
        pictures,
        title=f"Ablation: {runs.table.title}",
        summary=" ".join([summary(runs, state), *notes]),
        parts=parts.texts,
    )


def chosen(runs: Runs, wanted: str | int) -> list[int]:
    """Which runs are asked for; ValueError for what is neither "all", "none" nor a number of runs."""
    if wanted == "all":
        return runs.spread()
    if wanted == "none":
        return []
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
        raise ValueError(f"to_html: runs is {wanted!r}; expected 'all', 'none', or how many can be opened in the page")
    return runs.spread()[:wanted]


def said(runs: Runs, wanted: list[int], kept: list[int], parts: Parts, *, pictures: int) -> list[str]:
    """What is in the page and what was left out, in sentences."""
    count, there = len(runs.names), sum(runs.there)
    size = f"{parts.size / 1e6:.1f} MB" if parts.size >= 1e6 else f"{parts.size / 1e3:.0f} kB"
    notes = [f"{len(kept)} of {count} runs can be opened in this page{f'; they take {size}' if kept else ''}."]
    if len(wanted) < there:
        notes.append(
            f"{there - len(wanted)} runs were left out when it was written: to_html(path, runs='all') has all."
        )
    if len(kept) < len(wanted):
        more = len(wanted) - len(kept)
        notes.append(
            f"{more} more runs would have been too much for a page, or could not be read; a notebook opens them."
        )
    if there < count:
        notes.append(f"Of {count - there} runs only the numbers are there: their folders were not.")
    if pictures < there:
        notes.append(f"Pictures are shown of {pictures} runs.")
    return notes


def summary(runs: Runs, state: Mapping[str, Any]) -> str:
    """A sweep in a sentence, for where there is no JavaScript."""
    table = runs.table
    fields = ", ".join(f"{field.name} ({', '.join(field.texts)})" for field in table.fields) or "seeds alone"
    return f"{table.title}: {len(runs.names)} runs over {fields}. Shown: {table.column(state['value']).title}."
