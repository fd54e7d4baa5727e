"""Remakes the recorded runs and the README's picture: `.venv/bin/python notebooks/recorded/make.py` (two minutes)."""

import shutil
import tempfile
from pathlib import Path

import wddkit as wdd
from wddkit.views import figures

HERE = Path(__file__).parent


def main() -> None:
    """digits-wmdd-10: the run of `make demo`, with fewer snapshots so that it stays under 1 MB."""
    with tempfile.TemporaryDirectory() as folder:
        config = wdd.Config(dataset="digits", method=wdd.methods.WMDD(ipc=10), seed=0, snapshots=12)
        made = wdd.run(config, out=folder).path
        shutil.rmtree(HERE / "digits-wmdd-10", ignore_errors=True)
        shutil.copytree(made, HERE / "digits-wmdd-10", ignore=shutil.ignore_patterns(".lock"))
    history = wdd.History.load(HERE / "digits-wmdd-10", verify="all")
    figures.overview(history).savefig(HERE / "overview.png", dpi=80, bbox_inches="tight")


if __name__ == "__main__":
    main()
