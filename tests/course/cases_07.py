"""Cases of notebook 07."""

import functools
from typing import Any

import numpy as np
import pandas as pd
from cases import EMPTY, NOTEBOOKS, Answers, Case, Make, one
from scipy.stats import spearmanr

from wddkit.comparison.inference import holm
from wddkit.history import Sweep
from wddkit.views import AblationBrowser

STARTS, FORMS = ["noise", "real", "nearest"], ["paper", "official", "normalised"]
MEANS = pd.DataFrame([[40.0, 30, 20], [70, 69, 68], [84, 82, 80]], index=STARTS, columns=FORMS)
# One row a corner, one column a seed: interactions (50 - 45) - (42 - 41) = 4, 9 - 3 = 6 and 7 - 5 = 2; mean 4, s = 2.
CORNERS = pd.DataFrame(
    {
        ("nearest", "paper"): [50.0, 60, 55],
        ("noise", "paper"): [45.0, 51, 48],
        ("nearest", "normalised"): [42.0, 40, 46],
        ("noise", "normalised"): [41.0, 37, 41],
    }
).T
HALF = 4.302653 * 2 / np.sqrt(3)
P = [0.01, 0.04, 0.03, 0.2]


@functools.cache
def sweep() -> Sweep:
    """The recorded sweep."""
    return Sweep.load(NOTEBOOKS / "recorded" / "sweeps" / "start-form")


def ranked(place: int, *, protocol: str = "soft") -> list[int]:
    """Rows of the cell at this place in the order of mean accuracy under the protocol."""
    rows = sweep().frame[sweep().frame["protocol"] == protocol]
    means = rows.groupby(list(sweep().fields))["accuracy"].mean().sort_values(ascending=False)
    own = (rows[list(sweep().fields)] == list(means.index[place])).all(axis=1)
    return [int(row) for row in rows.index[own]]


def browser(*places: int, protocol: str = "soft") -> Make:
    """A browser in which the first run of these cells is open, the best cell being 0."""

    def make() -> Answers:
        view = AblationBrowser(sweep(), protocol=protocol)
        view.opened = [ranked(place, protocol=protocol)[0] for place in places]
        return (view,)

    return make


def rows(*, noise: bool = True, protocol: str | None = "hard") -> pd.DataFrame:
    frame = sweep().frame
    kept = frame if protocol is None else frame[frame["protocol"] == protocol]
    return kept if noise else kept[kept["method.start"] != "noise"]


def rho(*, noise: bool = True, protocol: str | None = "hard", x: str = "w2_squared_heldout") -> float:
    kept = rows(noise=noise, protocol=protocol)
    return float(spearmanr(kept[x], kept["accuracy"])[0])


def pearson() -> float:
    return float(np.corrcoef(rows()["w2_squared_heldout"], rows()["accuracy"])[0, 1])


def pair(first: Any, second: Any) -> Make:
    return lambda: (first, second)


def stepped(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(p)
    return order, p[order] * np.arange(len(p), 0, -1)


def in_order(order: np.ndarray, values: np.ndarray) -> np.ndarray:
    result = np.empty(len(values))
    result[order] = values
    return result


def never_rising(p: np.ndarray) -> np.ndarray:
    order, steps = stepped(p)
    return in_order(order, np.minimum(1, steps))


def uncut(p: np.ndarray) -> np.ndarray:
    order, steps = stepped(p)
    return in_order(order, np.maximum.accumulate(steps))


def hochberg(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p)
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    return in_order(order, np.minimum(1, np.minimum.accumulate(steps[::-1])[::-1]))


def spoils(p: np.ndarray) -> list[float]:
    found = holm(p.tolist())
    p[:] = 0
    return found


def unwritten(p: np.ndarray) -> np.ndarray:
    raise NotImplementedError  # a learner's function that is not written yet


CASES = {
    "07-best": Case(
        given=lambda: {"sweep": sweep(), "protocol": "soft"},
        right=(browser(0),),
        wrong=(
            (browser(2), r"the cell \w+ and \w+ has a mean of [\d.]+ %, and 2 cells have more"),
            (browser(1), r"the cell \w+ and \w+ has a mean of [\d.]+ %, and 1 cell has more"),
            (browser(0, 1), "runs of 2 cells are open; click the best cell alone, without Shift"),
            (browser(0, protocol="hard"), r"this is the label regime hard; choose soft in the list \*Protocol\*"),
            (one(3), "give the browser itself, `view`; this is an `int`"),
        ),
        blank=(browser(), browser(protocol="hard"), *EMPTY),
        praise=r"points above \w+ and \w+; the interval over seeds, .* you picked the best of 9",
    ),
    "07-effects": Case(
        given=lambda: {"means": MEANS},
        right=(pair(52, -16), pair(52.0001, np.float32(-16))),
        wrong=(
            (pair(-52, -16), "the other way round: `nearest` minus `noise`"),
            (pair(156, -16), "that is the sum over the forms; take the mean"),
            (pair(39, -16), "that is `real` against `noise`"),
            (pair(13, -16), "that is `nearest` against `real`"),
            (pair(82, -16), "that is a mean of one level; take the difference of two"),
            (pair(30, -16), "that is a mean of one level; take the difference of two"),
            (pair(44, -16), "that is the gain under `paper` alone"),
            (pair(50, -16), r"`effect` is 50; the gains are 44.00 under paper, 52.00 under official, 60.00"),
            (pair(52, 16), "the effect is right; that is `normalised` minus `paper`: turn it round"),
            (pair(52, -8), "statistics books halve it in some designs"),
            (pair(52, 104), "that is the sum of two gains; take their difference"),
            (pair(52, 0), r"`interaction` is 0; subtract the gain under `normalised`, 60.00, from that under `paper`"),
            (pair("much", -16), "`effect` should hold numbers, and it is a `str`"),
        ),
        blank=(pair(..., ...), pair(52, ...), pair(None, -16)),
        praise=r"\+52.0 points on average, and -16.0 more under `paper`.*: the main effect alone would mislead",
    ),
    "07-seeds": Case(
        given=lambda: {"per_seed": CORNERS},
        right=(pair(4 - HALF, 4 + HALF), pair(4 - 4.30 * 2 / 3**0.5, 4 + 4.30 * 2 / 3**0.5)),
        wrong=(
            (pair(4 + HALF, 4 - HALF), "`low` and `high` are exchanged"),
            (pair(4 - 1.96 * 2 / 3**0.5, 4 + 1.96 * 2 / 3**0.5), r"1.96 is for many seeds; for 3 take .*t, 4.303"),
            (pair(4 - HALF * (2 / 3) ** 0.5, 4 + HALF * (2 / 3) ** 0.5), r"divides by n; take `ddof=1`"),
            (pair(4 - HALF * 3**0.5, 4 + HALF * 3**0.5), "that is the spread of single seeds"),
            (pair(4 - 2 / 3**0.5, 4 + 2 / 3**0.5), r"that is one standard error; take 4.303 of them"),
            (pair(-4 - HALF, -4 + HALF), "the sign is turned: `paper` minus `normalised`"),
            (
                pair(*(4 + end * 4.302653 * CORNERS.var(axis=1).sum() ** 0.5 / 3**0.5 for end in (-1, 1))),
                "that takes seeds as unpaired; compute the interaction in each seed first",
            ),
            (pair(0, 8), r"the interactions of the seeds are 4.00, 6.00, 2.00; take their mean ± 4.303 s / √3"),
            (pair([0, 1], 8), r"`low` has shape \(2,\); expected \(\), one number"),
        ),
        blank=(pair(..., ...), pair(0, ...), pair(None, 8)),
        praise=r"the interaction is \+4.0, from -1.0 to 9.0: 0 is inside",
    ),
    "07-holm": Case(
        given=lambda: {"p": P},
        right=(one(lambda p: holm(list(p))), one(spoils)),
        wrong=(
            (one(lambda p: p), r"for \[0.01, 0.04, 0.03\] it returns .*: nothing was corrected"),
            (one(lambda p: p * len(p)), "that is Bonferroni's: all times m"),
            (one(lambda p: np.minimum(1, p * len(p))), "that is Bonferroni's: all times m"),
            (one(lambda p: p * np.arange(len(p), 0, -1)), "these were multiplied in the order given; sort first"),
            (one(never_rising), "no result is smaller than the one before it: let them rise"),
            (one(uncut), "no p-value is above 1: cut it there"),
            (one(hochberg), "that is Benjamini and Hochberg's"),
            (one(lambda p: sorted(holm(list(p)))), "right numbers in rising order; return them in the order given"),
            (one(lambda p: 0 * p), r"it returns \[0.0, 0.0, 0.0\]: \[0.03, 0.06, 0.06\] would be right"),
            (one(lambda p: 0.5), r"`what holm returns` has shape \(\); expected \(3,\), a p-value for each"),
            (one(0.05), "`holm` should be a function, and it is a `float`"),
        ),
        blank=(*EMPTY, one(lambda p: ...), one(lambda p: None), one(unwritten)),
        praise="of 4 comparisons 3 are below 5 % as they are, and 1 after the correction",
    ),
    "07-rank": Case(
        given=lambda: {"frame": sweep().frame, "protocol": "hard"},
        right=(lambda: (rho(), rho(noise=False)), lambda: (round(rho(), 2), round(rho(noise=False), 2))),
        wrong=(
            (lambda: (rho(noise=False), rho()), "`rho_all` and `rho_kept` are exchanged"),
            (lambda: (-rho(), rho(noise=False)), "`rho_all` is .*: the sign is turned"),
            (lambda: (pearson(), rho(noise=False)), "that is Pearson's, of the numbers"),
            (lambda: (rho(protocol=None), rho(noise=False)), "that is over all label regimes; keep the rows of one"),
            (lambda: (rho(), rho(noise=False, protocol=None)), "`rho_kept` is .*: that is over all label regimes"),
            (lambda: (rho(), 3.0), "`rho_kept` is 3: that is not it; it ranks 18 runs"),
            (lambda: ("strong", 0.9), "`rho_all` should hold numbers, and it is a `str`"),
        ),
        blank=(pair(..., ...), pair(0.5, ...), pair(None, 0.5)),
        praise=r"\(.* to .*, n = 27\) over all runs, .* n = 18\) without noise",
    ),
}
