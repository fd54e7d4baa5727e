"""Fashion-MNIST at IPC 1 and 10 under hard and online labels: the table of the README. Resumable; about 40 minutes.

The data file is looked for in WDDKIT_DATA. Rows that were trained before are taken from the cache.
"""

import sys
import time
from pathlib import Path

import pandas as pd

import wddkit as wdd
from wddkit.codec import change
from wddkit.config import Config, recipe_protocols

SEEDS, STUDENTS = 3, 2


def main(out: Path) -> None:
    """Runs and prints the table in Markdown."""
    started = time.monotonic()
    split = wdd.load("fashion-mnist")
    frames = []
    for ipc in (1, 10):
        config = Config(dataset="fashion-mnist", method=wdd.methods.WMDD(ipc=ipc))
        protocols = recipe_protocols(config, split=split, labels=("hard", "online"), students=STUDENTS)
        config = change(config, "protocols", protocols)
        frames.append(wdd.compare([config], seeds=SEEDS, out=out, split=split, progress=sys.stderr.isatty()))
    print(markdown(pd.concat(frames)))
    teacher = wdd.History.load(next(out.glob("fashion-mnist-wmdd-10-*/"))).source.results()[0]["teacher_accuracy"]
    print(f"\nTeacher {teacher:.1f} %. {(time.monotonic() - started) / 60:.0f} minutes (less where rows were cached).")


def markdown(frame: pd.DataFrame) -> str:
    """The table: mean over syntheses of means over students, 95 % intervals over syntheses, gains paired by seed."""
    lines = ["| ipc | labels | images | accuracy | gain over random | bytes |", "|---|---|---|---|---|---|"]
    for row in frame.itertuples():
        half = (row.high - row.low) / 2
        gain = "" if pd.isna(row.gain) else f"{row.gain:+.1f} [{row.gain_low:+.1f}, {row.gain_high:+.1f}]"
        ipc = "all" if pd.isna(row.ipc) else f"{row.ipc:.0f}"
        lines.append(f"| {ipc} | {row.labels} | {row.set} | {row.mean:.1f} ± {half:.1f} | {gain} | {row.bytes:,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
