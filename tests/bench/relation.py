"""Do nearer sets make better students, within methods and across them? `make relation`, over the runs of all tables.

Reads what `make question` and the tables have left in runs/measured, and keeps a row for each run, protocol and set
beside the notebooks.
"""

import sys
from pathlib import Path

import wddkit as wdd
from wddkit.history.tables import DISTANCES

RUNS, KEPT = Path("runs/measured"), Path("notebooks/recorded/relation/runs.parquet")
COLUMNS = ["run", "dataset", "method", "control", "ipc", "seed", "protocol", "terms", "accuracy", *DISTANCES]


def main() -> None:
    """Keeps the table of runs and prints the correlations of each data set."""
    rows = wdd.gather(RUNS)[COLUMNS]
    rows = rows[rows["ipc"].notna()]  # the whole real set lies at no distance
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    rows.assign(run=[Path(run).name for run in rows["run"]]).to_parquet(KEPT, index=False)
    for name, group in rows.groupby("dataset"):
        related = wdd.relate(group, protocol="hard", controls=("random",))
        cells = related.assign(
            cell=[f"{row.rho:+.2f} [{row.low:+.2f}, {row.high:+.2f}]" for row in related.itertuples()]
        )
        table = cells.pivot(index="distance", columns="level", values="cell")[["within", "across", "overall"]]
        print(f"\n{name}, hard labels: rank correlation with accuracy\n{table.loc[list(DISTANCES)].to_string()}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("usage: relation.py")
    main()
