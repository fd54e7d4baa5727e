"""Which values of WMDD win on validation images? `make defaults`: what its defaults are chosen by.

One value at a time is changed, and two together that win apart, on digits, shapes and Fashion-MNIST (where WDDKIT_DATA
has it) at IPC 1 and 10, and students are tested on the validation images, which stand in the place of the test images.
Can be stopped and goes on; runs are kept in runs/defaults. What it finds is kept beside the notebooks, a file a data
set.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
from data_sets import found
from variants import VARIANTS

import wddkit as wdd
from wddkit.config import recipe_protocols
from wddkit.history.tables import interval
from wddkit.methods import WMDD

OUT, KEPT = Path("runs/defaults"), Path("notebooks/recorded/defaults")
GIVEN = "as given"
SEEDS = {"digits": 5, "shapes": 3, "fashion-mnist": 3}  # syntheses
CHANGES = {
    GIVEN: WMDD(),
    **{f"statistics x {weight:g}": WMDD(statistics_weight=weight) for weight in (0.3, 3.0, 10.0, 100.0)},
    "label as target": WMDD(target="logits"),
    "label beside it": WMDD(cross_entropy=100.0),  # its cross-entropy, beside the support point
    **VARIANTS,
    "uniform masses": WMDD(masses="uniform"),
    "matched by transport": WMDD(pairing="transport", masses="uniform"),  # an image may change its support point
    "a third of the steps": WMDD(steps=100),  # as stopping early would be
}


def main(datasets: list[str]) -> None:
    """Runs what is missing and prints what each change adds, by data set and over all that are there."""
    started = time.monotonic()
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in datasets or SEEDS:
        if (split := found(name)) is None:
            continue
        frame = differences(pd.DataFrame(tried(name, split)))
        frame.round(4).to_csv(KEPT / f"{name}.csv", index=False)
    kept = pd.concat([pd.read_csv(file) for file in sorted(KEPT.glob("*.csv"))])
    print(said(kept), f"{(time.monotonic() - started) / 60:.0f} minutes (less where runs were there already)", sep="\n")


def tried(name: str, split: wdd.Split) -> Iterator[dict[str, object]]:
    """Accuracies on validation images: a row for each change, number of images, seed and label regime."""
    unseen = replace(split, test=split.val)
    for ipc in (1, 10):
        for change, method in CHANGES.items():
            config = wdd.Config(name, replace(method, ipc=ipc), controls=(), snapshots=2)
            config = replace(
                config, protocols=recipe_protocols(config, split=unseen, labels=("hard", "soft"), students=1)
            )
            for seed in range(SEEDS[name]):
                history = wdd.run(replace(config, seed=seed), out=OUT, split=unseen, progress=sys.stderr.isatty())
                for row in history.results.query("set == 'wmdd'").itertuples():
                    yield {
                        "dataset": name,
                        "ipc": ipc,
                        "change": change,
                        "seed": seed,
                        "protocol": row.protocol,
                        "accuracy": row.accuracy,
                    }


def differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, and what each change adds to the method as given, paired by seed, with its 95 % t-interval."""
    told = []
    for (name, ipc, protocol), group in rows.groupby(["dataset", "ipc", "protocol"], sort=False):
        table = group.pivot(index="seed", columns="change", values="accuracy")
        for change in CHANGES:
            added = table[change] - table[GIVEN]
            low, high = interval(added.tolist())
            told.append((name, ipc, protocol, change, table[change].mean(), added.mean(), low, high))
    return pd.DataFrame(told, columns=["dataset", "ipc", "protocol", "change", "mean", "added", "low", "high"])


def said(frame: pd.DataFrame) -> str:
    """What each change adds in points, cell by cell, and in the mean of all cells with the worst of them."""
    cells = frame.assign(
        cell=[f"{row.added:+.1f} [{row.low:+.1f}, {row.high:+.1f}]" for row in frame.itertuples()],
        where=[f"{row.dataset} {row.ipc} {row.protocol}" for row in frame.itertuples()],
    )
    table = cells.pivot(index="where", columns="change", values="cell")[list(CHANGES)].loc[cells["where"].unique()].T
    over = frame.groupby("change")["added"].agg(["mean", "min"]).loc[list(CHANGES)].round(2)
    return (
        f"\nPoints that a change adds on validation images:\n{table.to_string()}\n\n"
        f"Over all data sets, numbers of images and labels alike:\n{over.to_string()}\n"
    )


if __name__ == "__main__":
    if set(sys.argv[1:]) - set(SEEDS):
        sys.exit(f"usage: defaults.py [{' | '.join(SEEDS)}] ...")
    main(sys.argv[1:])
