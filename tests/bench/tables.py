"""The tables of methods: `make table-digits`, `table-fashion` and their likes.

Each is one command that can be stopped and goes on where it was: runs are kept in runs/measured, students in the cache.
What a table says is kept beside the notebooks. Data files are looked for in WDDKIT_DATA.
"""

import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from variants import VARIANTS

import wddkit as wdd
from wddkit.config import WHOLE
from wddkit.methods import METHODS
from wddkit.protocols import protocol_named

OUT, KEPT = Path("runs/measured"), Path("notebooks/recorded/tables")
COLUMNS = [
    *("dataset", "protocol", "ipc", "row", "set", "settings", "labels", "network", "mean", "low", "high", "interval"),
    *("gain", "gain_low", "gain_high", "p_holm", "detectable"),
    *("selection", "gain_selection", "gain_selection_low", "gain_selection_high", "p_selection_holm"),
    *("best", "ece", "bytes", "label_bits", "distil_seconds", "memory_mb", "trials", "chosen", "validation"),
]
COMMITTEE, BOTH = (partial(replace, method) for method in VARIANTS.values())
SELECTED = (*(METHODS[name] for name in ("nearest", "herding", "dm", "sre2l", "rded", "wmdd")), COMMITTEE, BOTH)
FEW = (*(METHODS[name] for name in ("nearest", "rded", "sre2l", "wmdd")), COMMITTEE, BOTH)
CROSS = (*(METHODS[name] for name in ("nearest", "herding", "dsa", "lcmat", "edc", "wmdd")), COMMITTEE, BOTH)
ALL = (*(METHODS[name] for name in METHODS if name not in ("random", "tiled")), COMMITTEE)  # random is a control
SAID = {"committee": ", two networks more", "statistics_weight=100.0": ", statistics x 100"}  # of a variant's settings


@dataclass(frozen=True)
class Table:
    """What a table compares, and how often."""

    dataset: str
    methods: tuple[Callable[..., wdd.methods.Method], ...]
    seeds: int
    students: int
    ipc: tuple[int, ...] = (1, 10)
    protocols: tuple[str, ...] = ("hard", "online")
    size: int | None = None
    tune: int = 1  # configurations of each method that are tried on validation images first


TABLES = {
    "digits": Table("digits", (*ALL, BOTH), seeds=5, students=2),
    "tuned": Table("digits", ALL, seeds=5, students=2, tune=4),
    "networks": Table("digits", CROSS, seeds=5, students=2, protocols=("hard", "hard@resnet-small")),
    "fashion": Table("fashion-mnist", SELECTED, seeds=3, students=2),
    "imagenette": Table("imagenette96", FEW, seeds=3, students=1, size=32),
    "cifar": Table("cifar10-jpeg", FEW, seeds=3, students=1),
}


def main(name: str) -> None:
    """Runs what is missing of a table and prints it."""
    started, frame = time.monotonic(), compared(TABLES[name]).assign(row=rows_named)
    KEPT.mkdir(parents=True, exist_ok=True)
    frame[COLUMNS].round(4).to_csv(KEPT / f"{name}.csv", index=False)
    kept = pd.read_csv(KEPT / f"{name}.csv")
    print(*lines(kept), told_apart(kept), details(kept), sep="\n")
    print(f"\n{(time.monotonic() - started) / 60:.0f} minutes (less where runs were there already).")


def compared(table: Table) -> pd.DataFrame:
    """The comparison of all methods at all sizes, so that tests are corrected for their whole number."""
    base = wdd.Config(dataset=table.dataset, size=table.size, controls=("random", "whole"))  # nearest is a method here
    split = wdd.load(table.dataset, size=table.size)
    recipe = base.resolved(split).protocols[0]
    protocols = [replace(protocol_named(each, recipe), students=table.students) for each in table.protocols]
    configs = [replace(base, method=method(ipc=ipc)) for ipc in table.ipc for method in table.methods]
    return wdd.compare(
        configs,
        seeds=table.seeds,
        tune=table.tune,
        protocols=protocols,
        out=OUT,
        split=split,
        progress=sys.stderr.isatty(),
    )


def lines(frame: pd.DataFrame) -> list[str]:
    """The README's table: a set a row, the best under hard labels first; then the place of WMDD in each column.

    A cell is the mean with half its 95 % interval, and what it is above of by a paired interval without 0: random
    images (r), and the best real images that were chosen by a rule (c). Bold is what is above all others of its column.
    """
    frame = frame.assign(cell=[_cell(row) for row in frame.itertuples()])
    sizes, regimes = frame["ipc"].dropna().astype(int).unique(), frame["protocol"].unique()
    columns = {
        f"ipc {ipc}, {labels}": frame[frame["ipc"].eq(ipc) & frame["protocol"].eq(labels)].set_index("row")
        for ipc, labels in itertools.product(sizes, regimes)
    }
    real = frame[frame["ipc"].isna()].set_index("protocol")["cell"]
    hard = sum(column["mean"] for name, column in columns.items() if name.endswith(regimes[0]))
    order = hard.sort_values(ascending=False).index
    told = [["method", *columns], ["---"] * (len(columns) + 1)]
    told += [[name, *(column.loc[name, "cell"] for column in columns.values())] for name in order]
    told.append([WHOLE, *(real[labels] for _, labels in itertools.product(sizes, regimes))])
    for name in [name for name in order if name.startswith("wmdd")]:
        told.append([f"place of {name}", *(_place(column["mean"], name) for column in columns.values())])
    return [f"| {' | '.join(row)} |" for row in told]


def rows_named(frame: pd.DataFrame) -> pd.Series:
    """The sets' names; those of WMDD's variants say what was changed."""
    names, settings = frame["set"], frame["settings"].fillna("")
    for setting, said in SAID.items():
        names = names.where(~settings.str.contains(setting, regex=False), names + said)
    return names


def _cell(row: Any) -> str:
    above = [name for name, low in (("r", row.gain_low), ("c", row.gain_selection_low)) if low > 0]
    said = f"{row.mean:.1f} ± {(row.high - row.low) / 2:.1f}"
    return " ".join([f"**{said}**" if row.best else said, *above])


def _place(means: pd.Series, name: str) -> str:
    return f"{(means > means[name]).sum() + 1} of {len(means)}"


def told_apart(frame: pd.DataFrame) -> str:
    """How many gains over random and chosen images lie above 0 and below it, each for itself and after correction."""
    said = []
    for kind, p, over in (("gain", "p_holm", "random"), ("gain_selection", "p_selection_holm", "chosen")):
        tests = frame.dropna(subset=p)
        above, below, sure = tests[f"{kind}_low"] > 0, tests[f"{kind}_high"] < 0, tests[p] < 0.05
        said.append(
            f"Of {len(tests)} gains over {over} images {above.sum()} are above 0 and {below.sum()} below, "
            f"after correction {(above & sure).sum()} and {(below & sure).sum()}."
        )
    return "\n".join(said)


def details(frame: pd.DataFrame) -> str:
    """What Markdown's cells have no room for: gains with their intervals, and what a set costs."""
    columns = ["protocol", "ipc", "set", "settings", "gain", "gain_low", "gain_high", "p_holm", "detectable"]
    columns += ["bytes", "distil_seconds", "memory_mb", "trials", "chosen", "validation"]
    return frame[columns].to_string(index=False, na_rep="", float_format=lambda value: f"{value:.2f}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in TABLES:
        sys.exit(f"usage: tables.py {' | '.join(TABLES)}")
    main(sys.argv[1])
