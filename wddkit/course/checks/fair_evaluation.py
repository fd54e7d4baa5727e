"""Self-checks of notebook 06: label bits, a paired interval, chosen seeds, what can be detected, unfair comparisons."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from wddkit.augment import PARAMETERS
from wddkit.comparison.inference import detectable, paired
from wddkit.costs import label_bits
from wddkit.course.answers import Blank, Mistakes, Wrong, close, entries, first_match, itself, number
from wddkit.course.fairness import CONDITIONS, FAIR, differing
from wddkit.course.registry import exercise
from wddkit.data import DistilledSet
from wddkit.stages.students import Protocol

ROUNDED = 3e-3  # share: the factors in the text have three digits


@exercise("06-bits", "Label bits of an image")
def bits(bits: Any, *, distilled: DistilledSet, protocols: Sequence[Protocol], teacher_bytes: int) -> str:
    """Bits of labels that a student is told for each image, by regime."""
    expected: dict[str, float] = {each.labels: label_bits(distilled, each, teacher_bytes) for each in protocols}
    found = _by_name(bits, "bits", expected)
    n, classes = len(distilled), len(distilled.classes)
    views = next(each.views for each in protocols if each.labels == "views")
    mistakes: dict[str, Mistakes] = {
        "hard": [
            (classes, "one of {c} classes takes log2({c}) bits, not {c}."),
            (math.log(classes), "that is the natural logarithm: take `np.log2`."),
            (8, "a byte holds it, but how many bits does the choice of one of {c} classes take?"),
        ],
        "soft": [(classes, "each of the {c} numbers takes 16 bits."), (16, "16 bits for each class.")],
        "views": [
            (expected["views"] / views, "that is one view; {v} are stored."),
            (
                views * 16 * classes,
                "that is the labels; each view also stores its {p} parameters, 32 bits each.",
            ),
            (views * 16 * classes + 32 * PARAMETERS, "each of the {v} views has parameters of its own."),
        ],
        "online": [
            (teacher_bytes / n, "a byte has 8 bits."),
            (8 * teacher_bytes, "that is the whole teacher: share it among the {n} images."),
            (teacher_bytes, "that is the whole teacher, in bytes: 8 bits each, shared among the {n} images."),
        ],
    }
    for name, value in expected.items():
        if not close(found[name], value, share=1e-3):
            said = first_match(found[name], mistakes[name])
            said = said or f"{found[name]:.4g} is not it; look at its line in the table above the exercise."
            raise Wrong(f"`{name}`: {said.format(c=classes, v=views, p=PARAMETERS, n=n)}")
    pixels = 8 * distilled.images[0].size
    return (
        f"an image itself has {pixels} bits of pixels; online labels add {expected['online'] / pixels:,.0f} times that."
    )


@exercise("06-interval", "A paired interval by hand")
def interval_by_hand(gain: Any, low: Any, high: Any, *, own: np.ndarray, random: np.ndarray) -> str:
    """Mean and 95 % t-interval of paired differences."""
    mean, found = number(gain, "gain"), np.array([number(low, "low"), number(high, "high")])
    right = paired(own[None, :, None], random[None, :, None])
    if not close(mean, right.mean, share=1e-3):
        if close(mean, -right.mean, share=1e-3):
            raise Wrong("the other way round: the distilled set less random images.")
        raise Wrong(f"`gain` is {mean:.4g}; it is the mean of the {len(own)} differences `own - random`.")
    n, d = len(own), own - random
    t, spread, error = stdtrit(n - 1, 0.975), float(d.std(ddof=1)), float(d.std(ddof=1)) / math.sqrt(n)
    apart = math.sqrt((own.var(ddof=1) + random.var(ddof=1)) / n)
    ends = np.array([right.low, right.high])
    if np.abs(found - ends).max() <= 1e-3 * max(np.abs(ends).max(), t * error):
        inside = "0 is inside: these seeds prove no gain" if right.low <= 0 <= right.high else "0 is outside"
        return f"{mean:+.2f} points, 95 % interval {right.low:+.2f} to {right.high:+.2f}; {inside}."
    if found[0] > found[1]:
        raise Wrong("`low` is above `high`: are they exchanged?")

    def around(half: float) -> np.ndarray:
        return np.array([mean - half, mean + half])

    said = first_match(
        found,
        [
            (lambda: np.array([-1, 1]) * t * error, "that is half of the interval: add it to `gain` on both sides."),
            (
                lambda: around(1.96 * error),
                f"1.96 is for very many seeds; t with {n - 1} degrees of freedom has {t:.2f}.",
            ),
            (lambda: around(stdtrit(n, 0.975) * error), f"{n} differences have {n - 1} degrees of freedom."),
            (lambda: around(stdtrit(n - 1, 0.95) * error), "2.5 % are left out on each side: the quantile at 0.975."),
            (lambda: around(t * spread), "divide the standard deviation by the root of n: the mean varies less."),
            (lambda: around(t * float(d.std()) / math.sqrt(n)), "`np.std` divides by n: give `ddof=1`."),
            (lambda: around(t * apart), "seeds are paired: take the standard deviation of the differences."),
            (lambda: around(t * spread / n), "the root of n, not n."),
        ],
        share=1e-3,
    )
    have = f"n = {n}, standard deviation {spread:.4g}, t = {t:.4g}"
    raise Wrong(said or f"the gain is right; for the interval take t · s / √n with {have}.")


@exercise("06-pick", "Two seeds of your choice")
def pick(view: Any) -> str:
    """The two seeds with the largest gain under online labels."""
    itself(view, "view", "view", ("accuracies", "seeds"))
    if len(view.seeds) == len(view.quantiles) + 1:
        raise Blank("all seeds still count: switch some off in the view above.")
    if view.labels != "online":
        raise Wrong(f"the view shows {view.labels} labels; choose online.")
    if len(view.seeds) != 2:
        raise Wrong(
            f"{len(view.seeds)} of the seeds {'counts' if len(view.seeds) == 1 else 'count'}; leave exactly two."
        )
    own, random = np.array(view.accuracies["online"])
    gains = own - random
    pairs = {pair: float(gains[list(pair)].mean()) for pair in itertools.combinations(range(len(gains)), 2)}
    if view.gain < max(pairs.values()) - 1e-9:
        better = sum(value > view.gain + 1e-9 for value in pairs.values())
        raise Wrong(f"these two give {view.gain:+.2f} points; {better} of the {len(pairs)} pairs give more.")
    return (
        f"{view.gain:+.2f} points, where all {len(gains)} seeds give {gains.mean():+.2f}. Whoever chooses seeds after "
        "seeing their results tells of the choice; so seeds are fixed before, and all are told."
    )


@exercise("06-detectable", "The smallest detectable difference")
def smallest(smallest: Any, *, gains: Mapping[str, np.ndarray]) -> str:
    """The smallest detectable difference, lambda s / sqrt(n), by regime."""
    expected = {name: detectable(np.asarray(each, float)) for name, each in gains.items()}
    found = _by_name(smallest, "smallest", expected)
    for name, value in expected.items():
        d = np.asarray(gains[name], float)
        n, spread = len(d), float(d.std(ddof=1))
        factor = value * math.sqrt(n) / spread if spread else 0.0
        if close(found[name], value, share=ROUNDED):
            continue
        mistakes = [
            (value * math.sqrt(n), "divide by the root of n."),
            (value / math.sqrt(n), "the root of n, not n."),
            (value * math.sqrt((n - 1) / n), "`np.std` divides by n: give `ddof=1`."),
            (spread, "that is the standard deviation: times the factor, divided by the root of n."),
            (
                stdtrit(n - 1, 0.975) * spread / math.sqrt(n),
                "that is half of an interval; the factor here is larger, so that the test finds it in 80 of 100.",
            ),
        ]
        said = first_match(found[name], mistakes, share=ROUNDED)
        parts = f"s = {spread:.4g}, n = {n} and the factor {factor:.3g}"
        raise Wrong(f"`{name}`: " + (said or f"{found[name]:.4g} is not it; its parts are {parts}."))
    told = ", ".join(f"{value:.1f} points under {name} labels" for name, value in expected.items())
    return f"{told}: smaller true gains would often be missed by so few seeds."


@exercise("06-unfair", "What is unfair?")
def unfair(unfair: Any, *, frame: Any) -> str:
    """The condition in which each comparison differs."""
    expected = differing(frame)
    answers = entries(unfair, "unfair", expected, of="letter to word")
    why = {
        "labels": "other labels tell students more, whatever the images",
        "steps": "one side's students train longer",
        "ipc": "one side has more images, and so more bytes",
        "seeds": "the best of five is above their mean for any method",
        FAIR: "nothing but the images differs",
    }
    for letter, right in expected.items():
        said = str(answers[letter]).strip().casefold()
        if said not in why:
            raise Wrong(f"`{letter}`: {said!r:.40} is none of {', '.join((*CONDITIONS, FAIR))}.")
        if said != right:
            same = "differ in something" if said == FAIR else f"agree in {said}"
            look = "compare the two rows column by column" if said == FAIR else f"its two rows {same}; look again"
            raise Wrong(f"`{letter}`: {look}.")
    return "; ".join(f"{letter}: {why[right]}" for letter, right in expected.items()) + "."


def _by_name(answer: Any, name: str, expected: Mapping[str, float]) -> dict[str, float]:
    """The numbers of a learner's dict by these names."""
    answers = entries(answer, name, expected, of="label regime to number")
    return {each: number(answers[each], f"{name}[{each!r}]") for each in expected}
