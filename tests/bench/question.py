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
from tables import told_apart
from variants import VARIANTS

import wddkit as wdd
from wddkit.comparison import rows_of
from wddkit.comparison.inference import paired
from wddkit.history.tables import DISTANCES
from wddkit.methods import WMDD, Herding, Nearest

OUT, KEPT = Path("runs/measured"), Path("notebooks/recorded/question")
COLUMNS = [
    *("dataset", "ipc", "part", "set", "settings", "protocol", "label_bits", "mean", "low", "high", "interval"),
    *("gain", "gain_low", "gain_high", "p_holm", "detectable"),
    *("selection", "gain_selection", "gain_selection_low", "gain_selection_high", "p_selection_holm"),
    *("over_wmdd", "over_wmdd_low", "over_wmdd_high", "distil_seconds", *DISTANCES),
]
VIEWS = (1, 4, 16)
DESIGN = {"digits": (10, 2), "shapes": (3, 1), "fashion-mnist": (3, 1)}  # syntheses, students

# What each part of the method is worth: each row adds or leaves out one.
PARTS = {
    "targets alone": Nearest(),
    "statistics alone": WMDD(target="logits"),
    "features alone": WMDD(statistics="none"),
    "from random images": WMDD(start="real"),
    **VARIANTS,
    "wmdd": WMDD(),
    "herding": Herding(),
}
OURS = ("wmdd", *VARIANTS)


def main(datasets: list[str]) -> None:
    """Runs what is missing and prints the table of gains, a data set after the other."""
    started = time.monotonic()
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in datasets or DESIGN:
        if (split := found(name)) is None:
            continue
        asked(name, split)[COLUMNS].round(4).to_csv(KEPT / f"{name}.csv", index=False)
        kept = pd.read_csv(KEPT / f"{name}.csv")
        print(said(kept), *lines(kept), told_apart(kept), sep="\n")
    print(f"{(time.monotonic() - started) / 60:.0f} minutes (less where runs were there already): {KEPT}")


def asked(name: str, split: wdd.Split) -> pd.DataFrame:
    """All parts under all labels in one comparison, so that tests are corrected for their whole number."""
    seeds, students = DESIGN[name]
    recipe = replace(wdd.Config(dataset=name).resolved(split).protocols[0], students=students)
    stored = [replace(recipe, labels="views", views=k, name=f"views {k}") for k in VIEWS]
    protocols = (replace(recipe, labels="hard"), replace(recipe, labels="soft"), *stored, recipe)
    configs = {
        (ipc, part): wdd.Config(name, replace(method, ipc=ipc), protocols=protocols, controls=("random",))
        for ipc, (part, method) in itertools.product((1, 10), PARTS.items())
    }
    bar = sys.stderr.isatty()
    made = {
        place: [wdd.run(replace(config, seed=seed), out=OUT, split=split, progress=bar) for seed in range(seeds)]
        for place, config in configs.items()
    }
    frame = wdd.compare(list(configs.values()), seeds=seeds, out=OUT, split=split, progress=bar)  # reads what was run
    frame = frame[frame["set"] != "random"].copy()
    rows = {
        (place, row.protocol.title): row
        for place, config in configs.items()
        for row in rows_of(config.resolved(split), made[place])
        if row.name != "random"
    }
    places = {str(runs[0].path): place for place, runs in made.items()}
    where = [(places[run], protocol) for run, protocol in zip(frame["run"], frame["protocol"], strict=True)]
    over = [paired(rows[each].values, rows[(each[0][0], "wmdd"), each[1]].values) for each in where]
    frame[["over_wmdd", "over_wmdd_low", "over_wmdd_high"]] = [(each.mean, each.low, each.high) for each in over]
    return frame.assign(part=[part for (_, part), _ in where])


def said(frame: pd.DataFrame) -> str:
    """Gains over random images, and differences to the whole method, in points with their paired 95 % intervals."""
    told = ""
    for kind, title in {"gain": "Gain over random images", "over_wmdd": "Difference to the whole method"}.items():
        columns = zip(frame[kind], frame[f"{kind}_low"], frame[f"{kind}_high"], strict=True)
        cells = frame.assign(cell=[gained(*column) for column in columns])
        cells = cells[(cells["part"] != "wmdd") | (kind == "gain")]
        table = cells.pivot(index=["dataset", "ipc", "part"], columns="protocol", values="cell")
        table = table[list(dict.fromkeys(frame["protocol"]))]
        told += f"\n{title}, test set, by the labels that students get:\n{table.to_string()}\n"
    return told


def gained(gain: float, low: float, high: float) -> str:
    """A gain with its interval; equal differences have none."""
    return f"{gain:+.1f} (all equal)" if math.isnan(low) else f"{gain:+.1f} [{low:+.1f}, {high:+.1f}]"


def lines(frame: pd.DataFrame) -> list[str]:
    """The README's lines of a data set: accuracies, and paired gains over the best real images that were chosen."""
    rows = frame.set_index(["ipc", "protocol", "part"])
    told = []
    for ipc, labels in itertools.product((1, 10), ("hard", "soft", "online")):
        ours, near = [rows.loc[ipc, labels, part] for part in OURS], rows.loc[ipc, labels, "targets alone"]
        means = [*(row["mean"] for row in ours), near["mean"], near["mean"] - near["gain"]]
        gains = [gained(row.gain_selection, row.gain_selection_low, row.gain_selection_high) for row in ours]
        cells = [frame["dataset"].iloc[0], str(ipc), labels, *(f"{mean:.1f}" for mean in means), *gains]
        told.append(f"| {' | '.join(cells)} |")
    return told


if __name__ == "__main__":
    if set(sys.argv[1:]) - set(DESIGN):
        sys.exit(f"usage: question.py [{' | '.join(DESIGN)}] ...")
    main(sys.argv[1:])
