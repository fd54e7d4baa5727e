"""Remakes the recorded sweeps: `.venv/bin/python notebooks/recorded/sweeps.py [NAME ...]` (stop and go on as you like).

Each question about the method is one `wddkit.ablate` on the digits; what the authors asked as well (arXiv 2311.18531)
is said beside it. Runs are made in sweeps/recorded. What is kept here is the table of a sweep, and the first seed's
runs of those in `OPENED`: all would be too many for a repository.
"""

import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import wddkit as wdd
from wddkit.methods import WMDD
from wddkit.protocols import protocol_named

HERE, MADE = Path(__file__).parent / "sweeps", Path("sweeps/recorded")
SEEDS, STUDENTS = 3, 2

TEN, ONE = WMDD(ipc=10), WMDD(ipc=1)
SWEEPS = {
    # As in the paper's Table 3: what the images' features are drawn to, and whose statistics are matched.
    "target-statistics": (
        TEN,
        {"method.target": ["support", "logits"], "method.statistics": ["class", "global", "none"]},
    ),
    # The weight of the statistics, as in the paper.
    "weight": (TEN, {"method.statistics_weight": [0.01, 0.1, 1.0, 10.0, 100.0]}),
    # Images a class, as in the paper; and whether their masses are learned.
    "ipc-masses": (TEN, {"method.ipc": [1, 5, 10, 20], "method.masses": ["free", "uniform"]}),
    "start-form": (
        ONE,
        {"method.start": ["noise", "real", "nearest"], "method.form": ["paper", "official", "normalised"]},
    ),
    # As in the paper's Figure 4: the Wasserstein distance against the maximum mean discrepancy.
    "metric": (TEN, {"method.pairing": ["fixed", "mean"], "method.statistics": ["class", "none"]}),
    # Not in the paper: how much the teacher says at evaluation. Every run of every sweep has all label regimes.
    "labels": (TEN, {"method.ipc": [1, 10], "method.start": ["real", "nearest"]}),
}
OPENED = ("start-form",)


def main(names: list[str]) -> None:
    """Runs what is missing of the sweeps and writes what is kept."""
    split = wdd.load("digits")
    recipe = wdd.Config().resolved(split).protocols[0]
    for name in names or SWEEPS:
        started = time.monotonic()
        method, changes = SWEEPS[name]
        regimes = ("hard", "soft", "online") if name != "labels" else ("hard", "soft", "views", "online")
        protocols = tuple(replace(protocol_named(each, recipe), students=STUDENTS) for each in regimes)
        config = wdd.Config(method=method, protocols=protocols, controls=("random", "nearest"), snapshots=6)
        sweep = wdd.ablate(config, changes, out=MADE / name, seeds=SEEDS, workers=2, progress=sys.stderr.isatty())
        keep(sweep, HERE / name, runs=name in OPENED)
        print(f"{name}: {sweep.frame['run'].nunique()} runs, {time.monotonic() - started:.0f} s")


def keep(sweep: wdd.Sweep, path: Path, *, runs: bool) -> None:
    """Writes the table and, if asked, the runs of the first seed."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    for file in ("sweep.json", "sweep.parquet"):
        shutil.copy(sweep.path / file, path / file)
    first = sweep.frame.loc[sweep.frame["seed"] == 0, "run"].unique() if runs else ()
    for run in first:
        shutil.copytree(sweep.path / "runs" / run, path / "runs" / run, ignore=shutil.ignore_patterns(".lock"))


if __name__ == "__main__":
    main(sys.argv[1:])
