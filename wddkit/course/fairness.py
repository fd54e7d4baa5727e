"""For notebook 06: accuracies seed by seed, and comparisons of which most are unfair."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wddkit.history import History

if TYPE_CHECKING:
    import pandas

# What the two sets of a comparison may differ in beside their images, and the word for it in an answer.
CONDITIONS = ("labels", "steps", "ipc", "seeds")
FAIR = "nothing"
_LETTERS = "ABCDE"
_TOLD_MORE = {"hard": "soft", "soft": "online", "views": "online"}  # labels -> others, which tell more
_STEPS, _IPC = (300, 400, 1000), (1, 10)


def by_seed(histories: Sequence[History]) -> "pandas.DataFrame":
    """Accuracy in percent, mean over students: a row for each run's seed, a column (label regime, set)."""
    import pandas

    told = pandas.concat([history.results.assign(seed=history.config["seed"]) for history in histories])
    columns = list(dict.fromkeys(zip(told["labels"], told["set"], strict=True)))  # in the order of the protocols
    return told.pivot(index="seed", columns=["labels", "set"], values="accuracy")[columns]


def comparisons(seed: int) -> "pandas.DataFrame":
    """Five comparisons A to E, two rows each, in an order of this seed: one is fair, the others differ in one column.

    `seeds`: how the accuracy comes about. Invented, none of them was run.
    """
    import pandas

    rng = np.random.default_rng(seed)
    kinds = rng.permutation([FAIR, *CONDITIONS])
    rows = []
    for letter, kind in zip(_LETTERS, kinds, strict=True):
        labels, steps, ipc = str(rng.choice(list(_TOLD_MORE))), int(rng.choice(_STEPS)), int(rng.choice(_IPC))
        plain = {"labels": labels, "steps": steps, "ipc": ipc, "seeds": "mean of 5"}
        better = {"labels": _TOLD_MORE[labels], "steps": 3 * steps, "ipc": 5 * ipc, "seeds": "best of 5"}
        ours = plain if kind == FAIR else plain | {kind: better[kind]}
        rows += [{"comparison": letter, "set": name, **each} for name, each in (("ours", ours), ("rival", plain))]
    return pandas.DataFrame(rows).set_index(["comparison", "set"])


def differing(frame: "pandas.DataFrame") -> dict[str, str]:
    """Comparison -> the column in which its two rows differ, or `FAIR`."""
    found = {}
    for letter, pair in frame.groupby(level="comparison"):
        apart = [name for name in CONDITIONS if pair[name].nunique() > 1]
        found[str(letter)] = apart[0] if apart else FAIR
    return found
