"""Do nearer sets make better students, within methods and across them? `make relation`, over the runs of all tables.

Reads what `make question` and the tables have left in runs/measured, and keeps a row for each run, protocol and set
beside the notebooks.
"""

import sys
from pathlib import Path

import pandas as pd

import wddkit as wdd
from wddkit.history.tables import DISTANCES

RUNS, KEPT = Path("runs/measured"), Path("notebooks/recorded/relation")
COLUMNS = ["run", "dataset", "method", "control", "ipc", "seed", "protocol", "terms", "accuracy", *DISTANCES]
TOLD = ("w2_squared_heldout", "mmd_squared_heldout", "statistics_error")  # in the README
LEVELS = ("within", "across", "overall")


def main() -> None:
    """Keeps the table of runs and prints the correlations of each data set."""
    rows = wdd.gather(RUNS)[COLUMNS]
    rows = rows[rows["ipc"].notna()]  # the whole real set lies at no distance
    KEPT.mkdir(parents=True, exist_ok=True)
    rows.assign(run=[Path(run).name for run in rows["run"]]).to_parquet(KEPT / "runs.parquet", index=False)
    kept = pd.read_parquet(KEPT / "runs.parquet")
    for name, group in kept.groupby("dataset"):
        print(f"\n{name}, hard labels: rank correlation with accuracy\n{related(group).to_string()}")
    print("", *lines(kept), sep="\n")


def related(rows: pd.DataFrame) -> pd.DataFrame:
    """Correlations with accuracy under hard labels, a row a distance, a column a level."""
    found = wdd.relate(rows, protocol="hard", controls=("random",))
    numbers = zip(found["rho"], found["low"], found["high"], strict=True)
    cells = [f"{rho:+.2f}" + ("" if pd.isna(low) else f" [{low:+.2f}, {high:+.2f}]") for rho, low, high in numbers]
    return found.assign(cell=cells).pivot(index="distance", columns="level", values="cell")[list(LEVELS)]


def lines(rows: pd.DataFrame) -> list[str]:
    """The README's lines, of the data sets on which most methods were compared."""
    told = []
    for name in ("digits", "fashion-mnist"):
        table = related(rows[rows["dataset"] == name])
        told += [f"| {name} | `{each}` | {' | '.join(table.loc[each])} |" for each in TOLD]
    return told


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("usage: relation.py")
    main()
