"""Does WMDD beat its controls, and where? Gain over random images against label bits, part by part of the method.

`make question`: digits, shapes and Fashion-MNIST (where WDDKIT_DATA has it) at IPC 1 and 10 under labels from one class
number to the teacher itself. Can be stopped and goes on; runs are kept in runs/measured, as those of the tables are.
What it finds is kept beside the notebooks, a file a data set.
"""

import itertools
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
from data_sets import found

import wddkit as wdd
from wddkit.methods import WMDD, Herding, Nearest

OUT, KEPT = Path("runs/measured"), Path("notebooks/recorded/question")
COLUMNS = [
    *("dataset", "ipc", "part", "set", "settings", "protocol", "label_bits", "mean", "low", "high", "interval"),
    *("gain", "gain_low", "gain_high", "p"),
    *("gain_selection", "gain_selection_low", "gain_selection_high", "selection"),
    *("w2_squared", "w2_squared_heldout", "mmd_squared_heldout", "distil_seconds"),
]
VIEWS = (1, 4, 16)
DESIGN = {"digits": (5, 2), "shapes": (3, 1), "fashion-mnist": (3, 1)}  # syntheses, students

# What each part of the method is worth: each row adds or leaves out one.
PARTS = {
    "targets alone": lambda ipc: Nearest(ipc),
    "statistics alone": lambda ipc: WMDD(ipc, target="logits"),
    "features alone": lambda ipc: WMDD(ipc, statistics="none"),
    "from random images": lambda ipc: WMDD(ipc, start="real"),
    "two networks more": lambda ipc: WMDD(ipc, committee=(0.1, 0.03)),  # with 10 % and 3 % of the teacher's training
    "wmdd": lambda ipc: WMDD(ipc),
    "herding": lambda ipc: Herding(ipc),
}
CHOSEN = ("targets alone", "herding")  # real images


def main(datasets: list[str]) -> None:
    """Runs what is missing and prints the table of gains, a data set after the other."""
    started = time.monotonic()
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in datasets or DESIGN:
        if (split := found(name)) is None:
            continue
        frame = pd.concat([asked(name, split, ipc) for ipc in (1, 10)], ignore_index=True)
        frame[COLUMNS].round(4).to_csv(KEPT / f"{name}.csv", index=False)
        kept = pd.read_csv(KEPT / f"{name}.csv")
        print(said(kept), *lines(kept), sep="\n")
    print(f"{(time.monotonic() - started) / 60:.0f} minutes (less where runs were there already): {KEPT}")


def asked(name: str, split: wdd.Split, ipc: int) -> pd.DataFrame:
    """All parts under all labels."""
    seeds, students = DESIGN[name]
    recipe = replace(wdd.Config(dataset=name).resolved(split).protocols[0], students=students)
    stored = [replace(recipe, labels="views", views=k, name=f"views {k}") for k in VIEWS]
    protocols = [replace(recipe, labels="hard"), replace(recipe, labels="soft"), *stored, recipe]
    configs = {part: wdd.Config(name, method(ipc), controls=("random",)) for part, method in PARTS.items()}
    frames = []
    for part, config in configs.items():
        beside = [configs[each] for each in CHOSEN if each != part]  # of which the best is the one to be beaten
        frame = wdd.compare(
            [config, *beside], seeds=seeds, protocols=protocols, out=OUT, split=split, progress=sys.stderr.isatty()
        )
        own = frame[frame["set"] == frame["set"].iloc[0]]
        frames.append(own.assign(part=part))
    return pd.concat(frames, ignore_index=True)


def said(frame: pd.DataFrame) -> str:
    """Gains over random images in points with their paired 95 % intervals, a column for each label regime."""
    cells = frame.assign(cell=[gained(row.gain, row.gain_low, row.gain_high) for row in frame.itertuples()])
    order = list(dict.fromkeys(frame["protocol"]))
    table = cells.pivot(index=["dataset", "ipc", "part"], columns="protocol", values="cell")[order]
    return f"\nGain over random images, test set, by the labels that students get:\n{table.to_string()}\n"


def gained(gain: float, low: float, high: float) -> str:
    """A gain with its interval; equal differences have none."""
    return f"{gain:+.1f} (all equal)" if math.isnan(low) else f"{gain:+.1f} [{low:+.1f}, {high:+.1f}]"


def lines(frame: pd.DataFrame) -> list[str]:
    """The README's lines of a data set: accuracies, and paired gains over the best real images that were chosen."""
    rows = frame.set_index(["ipc", "protocol", "part"])

    def gain(row: pd.Series) -> str:
        return gained(row.gain_selection, row.gain_selection_low, row.gain_selection_high)

    told = []
    for ipc, labels in itertools.product((1, 10), ("hard", "soft", "online")):
        own, more, near = (rows.loc[ipc, labels, part] for part in ("wmdd", "two networks more", "targets alone"))
        means = [own["mean"], more["mean"], near["mean"], own["mean"] - own["gain"]]
        cells = [frame["dataset"].iloc[0], str(ipc), labels, *(f"{mean:.1f}" for mean in means), gain(own), gain(more)]
        told.append(f"| {' | '.join(cells)} |")
    return told


if __name__ == "__main__":
    if set(sys.argv[1:]) - set(DESIGN):
        sys.exit(f"usage: question.py [{' | '.join(DESIGN)}] ...")
    main(sys.argv[1:])
