"""What notebook 09 leans on: seconds by size, squared W2 by dimension, and rank correlations of all recorded sweeps."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wddkit.course.ablations import sweeps_in
from wddkit.history import relate
from wddkit.ot import sinkhorn, sliced_w2_squared, transport, w2_squared

if TYPE_CHECKING:
    import pandas

SOLVERS: dict[str, Callable[[np.ndarray, np.ndarray], object]] = {
    "exact": transport,
    "Sinkhorn": lambda x, y: sinkhorn(x, y, reg=0.5),
    "sliced": lambda x, y: sliced_w2_squared(x, y, directions=64),
}


def growth(sizes: Sequence[int], *, repeats: int = 3, seed: int = 0) -> "pandas.DataFrame":
    """Seconds of each solver between two normal clouds in the plane, a row a number of points; the least of `repeats`.

    Seconds of the processor, and the least, because what else the machine does can only add to them.
    """
    import pandas

    rng = np.random.default_rng(seed)
    clouds = {n: (rng.normal(size=(n, 2)), rng.normal(1.0, size=(n, 2))) for n in sizes}
    for solve in SOLVERS.values():  # what a first call loads is no cost of transport
        solve(rng.normal(size=(8, 2)), rng.normal(size=(8, 2)))
    found = {
        name: [min(_seconds(solve, *clouds[n]) for _ in range(repeats)) for n in sizes]
        for name, solve in SOLVERS.items()
    }
    return pandas.DataFrame(found, index=pandas.Index(sizes, name="n"))


def _seconds(solve: Callable[[np.ndarray, np.ndarray], object], x: np.ndarray, y: np.ndarray) -> float:
    begin = time.process_time()
    solve(x, y)
    return time.process_time() - begin


def between_samples(
    dimensions: Sequence[int], sizes: Sequence[int], *, repeats: int = 3, seed: int = 0
) -> "pandas.DataFrame":
    """Squared W2 between two samples of N(0, I / d), whose variance is 1 in all; a row a size, a column a dimension d.

    Means over `repeats` pairs of samples. Between the distributions it would be 0.
    """
    import pandas

    rng = np.random.default_rng(seed)

    def drawn(n: int, d: int) -> float:
        return float(np.mean([w2_squared(*(rng.normal(size=(2, n, d)) / np.sqrt(d))) for _ in range(repeats)]))

    rows = [[drawn(n, d) for d in dimensions] for n in sizes]
    return pandas.DataFrame(rows, index=pandas.Index(sizes, name="n"), columns=pandas.Index(dimensions, name="d"))


def relations(folder: Path | str, *, distance: str = "w2_squared_heldout") -> "pandas.DataFrame":
    """Of each sweep in a folder, Spearman's rho of a distance and accuracy over seeds of one setting, and overall.

    Rows of `wddkit.relate`, in which groups are the settings of the sweep: `within` compares runs that differ in their
    seed alone. Sweeps that did not measure the distance are left out.
    """
    import pandas

    found = [
        relate(sweep, distances=[distance], by=list(sweep.fields)).assign(sweep=sweep.path.name)
        for sweep in sweeps_in(folder)
        if distance in sweep.frame
    ]
    columns = ["sweep", "level", "rho", "low", "high", "n"]
    return pandas.concat(found, ignore_index=True)[columns] if found else pandas.DataFrame(columns=columns)
