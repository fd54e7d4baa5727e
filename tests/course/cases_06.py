"""Cases of notebook 06."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from cases import EMPTY, Answers, Case, Make, one
from scipy.special import stdtrit

from wddkit.course.fairness import comparisons, differing
from wddkit.data import DistilledSet
from wddkit.stages.students import Protocol
from wddkit.views import GainView

TEN = DistilledSet.from_arrays(np.arange(640, dtype=np.uint8).reshape(10, 1, 8, 8), np.arange(10))
PROTOCOLS = tuple(Protocol(each) for each in ("hard", "soft", "views", "online"))  # type: ignore[arg-type]  # regimes, as text
TEACHER = 1000  # bytes
BITS = {"hard": 3.321928, "soft": 160.0, "views": 1664.0, "online": 800.0}  # by hand; a view has 8 parameters
OWN, RANDOM = np.array([80.0, 88.0, 81.0, 87.0]), np.array([60.0, 70.0, 65.0, 61.0])
GAINS = {"hard": np.array([20.0, 18.0, 16.0, 26.0]), "online": np.array([1.0, -1.0, 2.0, 3.0])}
# Mean 20; deviations 0, -2, -4, 6, so that s² = 56 / 3; t with 3 degrees of freedom has 3.182.
ERROR = math.sqrt(56 / 3 / 4)
LOW, HIGH = 20 - 3.182446 * ERROR, 20 + 3.182446 * ERROR
LAMBDA = 4.2559  # for n = 4: noncentral t with 3 degrees of freedom is above 3.182 with probability 0.8
FRAME = comparisons(0)
RIGHT = differing(FRAME)


def with_bits(**changes: Any) -> Make:
    return lambda: ({**BITS, **changes},)


def around(half: float, mean: float = 20.0) -> Make:
    return lambda: (mean, mean - half, mean + half)


def smallest(change: Callable[[float], Any] = float, **changes: Any) -> Make:
    """delta by regime, `change` of each, or other values."""
    right = {name: LAMBDA * float(d.std(ddof=1)) / math.sqrt(len(d)) for name, d in GAINS.items()}
    return lambda: ({**{name: change(value) for name, value in right.items()}, **changes},)


def view(labels: str = "online", seeds: tuple[int, ...] = (2, 3)) -> Make:
    """A view whose best pair under online labels is seeds 2 and 3."""

    def make() -> Answers:
        zero = {name: [0.0] * 4 for name in GAINS}
        made = GainView({name: each.tolist() for name, each in GAINS.items()}, zero)
        made.labels, made.seeds = labels, list(seeds)
        return (made,)

    return make


def unfair(**changes: Any) -> Make:
    return lambda: ({**RIGHT, **changes},)


def letter(word: str) -> str:
    """The comparison that differs in this."""
    return next(name for name, each in RIGHT.items() if each == word)


CASES = {
    "06-bits": Case(
        given=lambda: {"distilled": TEN, "protocols": PROTOCOLS, "teacher_bytes": TEACHER},
        right=(with_bits(), with_bits(hard=3.32)),
        wrong=(
            (with_bits(hard=10), r"`hard`: one of 10 classes takes log2\(10\) bits, not 10"),
            (with_bits(hard=math.log(10)), "natural logarithm: take `np.log2`"),
            (with_bits(hard=8), "how many bits does the choice of one of 10 classes take"),
            (with_bits(soft=10), "`soft`: each of the 10 numbers takes 16 bits"),
            (with_bits(soft=16), "16 bits for each class"),
            (with_bits(views=416), "that is one view; 4 are stored"),
            (with_bits(views=640), "each view also stores its 8 parameters, 32 bits each"),
            (with_bits(views=896), "each of the 4 views has parameters of its own"),
            (with_bits(online=100), "`online`: a byte has 8 bits"),
            (with_bits(online=8000), "share it among the 10 images"),
            (with_bits(online=1000), "the whole teacher, in bytes: 8 bits each"),
            (with_bits(online=7), "7 is not it; look at its line in the table"),
            (with_bits(views="many"), r"`bits\['views'\]` should hold numbers, and it is a `str`"),
            (one([1, 2, 3, 4]), "`bits` should be a dict, label regime to number, and it is a `list`"),
        ),
        blank=(*EMPTY, one({}), one({"hard": ...}), with_bits(soft=...)),
        praise="an image itself has 512 bits of pixels; online labels add 2 times that",
    ),
    "06-interval": Case(
        given=lambda: {"own": OWN, "random": RANDOM},
        right=(lambda: (20.0, LOW, HIGH),),
        wrong=(
            (lambda: (-20.0, LOW, HIGH), "the other way round"),
            (lambda: (84.0, LOW, HIGH), "`gain` is 84; it is the mean of the 4 differences"),
            (lambda: (20.0, HIGH, LOW), "`low` is above `high`"),
            (lambda: (20.0, LOW - 20, HIGH - 20), "half of the interval: add it to `gain` on both sides"),
            (around(1.96 * ERROR), "1.96 is for very many seeds; t with 3 degrees of freedom has 3.18"),
            (around(float(stdtrit(4, 0.975)) * ERROR), "4 differences have 3 degrees of freedom"),
            (around(float(stdtrit(3, 0.95)) * ERROR), "2.5 % are left out on each side"),
            (around(2 * (HIGH - 20)), "divide the standard deviation by the root of n"),
            (around((HIGH - 20) / 2), "the root of n, not n"),
            (around((HIGH - 20) * math.sqrt(3 / 4)), "give `ddof=1`"),
            (
                around(3.182446 * math.sqrt((OWN.var(ddof=1) + RANDOM.var(ddof=1)) / 4)),
                "seeds are paired: take the standard deviation of the differences",
            ),
            (around(1.0), "for the interval take t · s / √n with n = 4, standard deviation 4.32, t = 3.182"),
            (lambda: ("much", LOW, HIGH), "`gain` should hold numbers"),
        ),
        blank=(lambda: (..., ..., ...), lambda: (20.0, LOW, ...), lambda: (None, None, None)),
        praise=r"\+20.00 points, 95 % interval \+13.13 to \+26.87; 0 is outside",
    ),
    "06-pick": Case(
        right=(view(), view(seeds=(3, 2))),
        wrong=(
            (view(seeds=(0, 1)), r"these two give \+0.00 points; 5 of the 6 pairs give more"),
            (view(labels="hard"), "the view shows hard labels; choose online"),
            (view(seeds=(3,)), "1 of the seeds counts; leave exactly two"),
            (view(seeds=(0, 2, 3)), "3 of the seeds count; leave exactly two"),
            (one(2.5), "give the view itself, `view`; this is a `float`"),
        ),
        blank=(*EMPTY, view(seeds=(0, 1, 2, 3)), view(labels="hard", seeds=(0, 1, 2, 3))),
        praise=r"\+2.50 points, where all 4 seeds give \+1.25",
    ),
    "06-detectable": Case(
        given=lambda: {"gains": GAINS},
        right=(smallest(), smallest(lambda value: round(value, 2))),
        wrong=(
            (smallest(lambda value: value * 2), "`hard`: divide by the root of n"),
            (smallest(lambda value: value / 2), "the root of n, not n"),
            (smallest(lambda value: value * math.sqrt(3 / 4)), "give `ddof=1`"),
            (smallest(hard=GAINS["hard"].std(ddof=1)), "that is the standard deviation: times the factor"),
            (smallest(hard=HIGH - 20), "that is half of an interval; the factor here is larger"),
            (smallest(online=1.0), "`online`: 1 is not it; its parts are s = 1.708, n = 4 and the factor 4.26"),
            (one(9.5), "`smallest` should be a dict, label regime to number, and it is a `float`"),
        ),
        blank=(*EMPTY, one({}), smallest(online=...)),
        praise="9.2 points under hard labels, 3.6 points under online labels",
    ),
    "06-unfair": Case(
        given=lambda: {"frame": FRAME},
        right=(unfair(), lambda: ({name: f" {word.upper()}" for name, word in RIGHT.items()},)),
        wrong=(
            (unfair(**{letter("labels"): "steps"}), "its two rows agree in steps; look again"),
            (unfair(**{letter("ipc"): "nothing"}), "compare the two rows column by column"),
            (unfair(**{letter("nothing"): "seeds"}), "its two rows agree in seeds"),
            (unfair(**{letter("seeds"): "luck"}), "'luck' is none of labels, steps, ipc, seeds, nothing"),
            (one("labels"), "`unfair` should be a dict, letter to word, and it is a `str`"),
        ),
        blank=(*EMPTY, one({}), one(dict.fromkeys("ABCDE", ...)), unfair(C=...)),
        praise="the best of five is above their mean for any method",
    ),
}
