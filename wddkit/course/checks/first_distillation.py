"""Self-checks of notebook 00: what is selected in the Explorer, values, changes of pixels, gain over chance."""

import itertools
from typing import Any

import numpy as np

from wddkit.course.answers import Blank, Wrong, array, close, first_match, itself, number
from wddkit.course.registry import exercise
from wddkit.history import History

STORED = 5e-3  # share of the largest number: features are recorded as float16
READ = 5e-3  # points of accuracy: a number that was read off a table of two digits is right


@exercise("00-follow", "The heaviest support point")
def follow(view: Any, *, history: History, label: int) -> str:
    """The support point of largest mass selected, at the last snapshot."""
    itself(view, "view", "Explorer", ("timeline", "selected"))
    if view.step == 0:
        raise Blank("the slider is still at the first snapshot: move it to the last one, and select a disc of class 3.")
    if view.selected < 0:
        raise Blank("nothing is selected in the Explorer yet: click a disc of class 3 there.")
    name, labels = history.distilled.classes[label], history.distilled.labels
    if labels[view.selected] != label:
        raise Wrong(
            f"you follow an image of class {history.distilled.classes[labels[view.selected]]}; choose class {name}."
        )
    masses = history.barycenters[label]["masses"][-1]
    mass = float(masses[np.flatnonzero(labels == label).tolist().index(view.selected)])
    if mass < masses.max() * (1 - 1e-6):
        heavier = int((masses > mass).sum())
        raise Wrong(f"this one has the mass {mass:.3f} at the end, and {heavier} of its class {_have(heavier)} more.")
    if view.step != len(view.timeline) - 1:
        phase, step = view.timeline[view.step]
        raise Wrong(f"that is the heaviest one, but the slider is at {phase}, step {step}. Move it to its end.")
    return f"it stands for {mass:.1%} of its class, where equal masses would give every one {1 / len(masses):.0%}."


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


@exercise("00-unexplained", "Which class is hardest to sum up")
def unexplained(shares: Any, *, history: History) -> str:
    """The share of each class's variance that its support points leave."""
    assert history.real is not None
    found = array(shares, "unexplained", (len(history.distilled.classes),), of="a share for each class")
    clouds = [np.asarray(history.real.features, float)[history.real.labels == c] for c in range(len(found))]
    values, heldout = (
        np.array([float(history.barycenters[c][name][-1]) for c in range(len(found))]) for name in ("value", "heldout")
    )
    variances = np.array([cloud.var(axis=0).sum() for cloud in clouds])
    expected = values / variances
    if close(found, expected, share=STORED):
        name = history.distilled.classes[int(expected.argmax())]
        most, least = expected.max(), expected.min()
        return f"class {name} is hardest: {most:.0%} of its variance is left, and {least:.0%} of that of the easiest."
    first = np.array([float(history.barycenters[c]["value"][0]) for c in range(len(found))])
    said = first_match(
        found,
        [
            (lambda: values, "these are the values themselves; divide each by the variance of its class."),
            (lambda: variances / values, "upside down: divide the value by the variance."),
            (lambda: 1 - expected, "these are the shares that the points explain; what they leave is asked for."),
            (lambda: heldout / variances, "this is the held-out value; take `value`."),
            (lambda: first / variances, "this is the value of the first step; take the last one, `[-1]`."),
            (lambda: values / [c.var(axis=0).mean() for c in clouds], "sum the variances of the coordinates, no mean."),
            (lambda: values / [c.var() for c in clouds], "`.var()` mixes the coordinates: `.var(axis=0).sum()`."),
        ],
        share=STORED,
    )
    c = int(np.abs(found - expected).argmax())
    parts = f"its value is {values[c]:.4g} and its variance {variances[c]:.4g}."
    raise Wrong(said or f"for class {c} you have {found[c]:.4g}; {parts}")


@exercise("00-changes", "When images stop changing")
def changes(changes: Any, *, history: History) -> str:
    """The mean absolute change of a pixel per step, between snapshots."""
    count = len(history.frames) - 1
    found = array(changes, "changes", (count,), of="a number for each pair of neighbouring snapshots")
    stored = [history.images(t) for t in range(count + 1)]
    images, steps = np.array(stored, float), np.diff([frame.step for frame in history.frames])
    total = np.abs(np.diff(images, axis=0)).reshape(count, -1).mean(axis=1)
    expected = total / steps
    if close(found, expected):
        begin, end = f"from {expected[0]:.2f} grey levels a step at the start", f"to {expected[-1]:.3f} at the end"
        return f"{begin} {end}. They hardly move in the last third: the step size falls to 0."
    wrapped = np.array([(b - a).mean() for a, b in itertools.pairwise(stored)]) / steps
    signed = np.diff(images, axis=0).reshape(count, -1).mean(axis=1) / steps
    said = first_match(
        found,
        [
            (lambda: total, "these are changes between snapshots; divide each by its number of steps."),
            (lambda: wrapped, "in uint8, 3 - 5 is 254: convert the images with `.astype(float)` before you subtract."),
            (
                lambda: wrapped * steps,
                "in uint8, 3 - 5 is 254: convert with `.astype(float)`; and divide by the steps.",
            ),
            (lambda: signed, "brighter and darker pixels cancel out: take the absolute difference of each first."),
            (lambda: expected / 255, "pixels run from 0 to 255 here; you divided by 255."),
            (lambda: (np.diff(images, axis=0) ** 2).reshape(count, -1).mean(axis=1) / steps, "absolute, not squared."),
        ],
    )
    t = int(np.abs(found - expected).argmax())
    parts = f"a pixel changes by {total[t]:.4g} in {steps[t]} steps."
    raise Wrong(said or f"from snapshot {t} to {t + 1} you have {found[t]:.4g}; {parts}")


@exercise("00-gain", "Better than chance?")
def gain(gain: Any, overlap: Any, *, results: Any) -> str:
    """The gain over random real images, and whether the intervals overlap."""
    found = number(gain, "gain")
    own, random = (results.iloc[i] for i in (0, 1))
    expected = float(own.accuracy - random.accuracy)
    both = bool(own.low <= random.high and random.low <= own.high)
    if abs(found - expected) > READ:
        said = first_match(
            found,
            [
                (lambda: -expected, "the other way round: the distilled set minus random images."),
                (lambda: expected / 100, "accuracies are in percent already: do not divide by 100."),
                (
                    lambda: float(own.accuracy - results.accuracy.iloc[2]),
                    "row 2 has the nearest real images; take row 1.",
                ),
                (lambda: float(own.accuracy / random.accuracy), "a gain in points is a difference, not a ratio."),
            ],
        )
        raise Wrong(said or f"`gain` is {found:.4g}; subtract {random.accuracy:.2f} from {own.accuracy:.2f}.")
    if not isinstance(overlap, (bool, np.bool_)):
        raise Wrong(f"the gain is right; `overlap` should be True or False, and it is {overlap!r:.40}.")
    if bool(overlap) != both:
        raise Wrong(
            f"the gain is right; look at the intervals again: [{own.low:.2f}, {own.high:.2f}] and "
            f"[{random.low:.2f}, {random.high:.2f}]."
        )
    seen = "overlap: these students cannot tell the sets apart" if both else "do not overlap"
    return f"{expected:+.2f} points, and the intervals {seen}."
