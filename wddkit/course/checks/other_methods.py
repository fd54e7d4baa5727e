"""Self-checks of notebook 08: families, herding, DM's loss, DC's distance, two runs side by side."""

from typing import Any

import numpy as np

from wddkit.course.answers import Blank, Wrong, array, called, close, is_blank, kind_of, number
from wddkit.course.registry import exercise
from wddkit.methods import FAMILIES, METHODS
from wddkit.methods.coresets import herd, k_center

EXACT = 1e-6  # share of the largest number: what rounding may cost


@exercise("08-families", "Which family?")
def families(families: Any, *, names: tuple[str, ...]) -> str:
    """Method -> family."""
    if not isinstance(families, dict):
        raise Wrong(f"`families` should be a dict, method to family, and it is {kind_of(families)}.")
    if missing := [name for name in names if is_blank(families.get(name))]:
        raise Blank(f"`families` still needs {', '.join(missing)}.")
    for name in names:
        said, right = str(families[name]).strip().casefold(), METHODS[name].family
        if said not in FAMILIES:
            raise Wrong(f"`{name}`: {said!r:.40} is none of {', '.join(FAMILIES)}.")
        if said != right:
            about = FAMILIES[said]
            raise Wrong(f"`{name}`: in {said}, {about}. A step of {name} takes {METHODS[name].step_cost}.")
    return "; ".join(f"{name}: {FAMILIES[METHODS[name].family]}" for name in names) + "."


@exercise("08-herding", "Herding's greedy rule")
def herding(function: Any, *, z: np.ndarray) -> str:
    """Positions of k rows of z, each of which brings the mean of those taken nearest to the mean of all."""
    line = np.array([[0.0], [4.0], [5.0], [7.5], [13.5]])  # mean 6: 5 is taken; then 7.5, not 4 beside it
    for cloud, k in ((line, 3), (np.random.default_rng(1).normal(size=(12, 2)), 5), (np.asarray(z, float), 6)):
        found = array(
            called(function, "herding", cloud, k), "what herding returns", (k,), of="a position for each image"
        )
        right = herd(cloud, k)
        if np.array_equal(found, right):
            continue
        where = f"for {len(cloud)} points and k = {k} it returns {found.astype(int).tolist()}"
        distances = ((cloud - cloud.mean(axis=0)) ** 2).sum(axis=1)
        if len(set(found.tolist())) < k:
            raise Wrong(f"{where}: no image may be taken twice.")
        if np.array_equal(found, np.argsort(distances, kind="stable")[:k]):
            raise Wrong(f"{where}: these are nearest to the mean one by one; it is the mean of all taken that counts.")
        if np.array_equal(found, k_center(cloud, k)):
            raise Wrong(f"{where}: that is k-center, which goes far; herding keeps the mean of those taken near.")
        if sorted(found.tolist()) == sorted(right.tolist()):
            raise Wrong(f"{where}: the right images, but not in the order in which they are taken.")
        raise Wrong(f"{where}; expected {right.tolist()}: for each candidate form the mean with those already taken.")
    return "right for your features and for others; a smaller set is always the beginning of a larger one."


@exercise("08-dm", "DM's loss")
def dm(function: Any) -> str:
    """The squared distance of class means, summed over classes."""
    rng = np.random.default_rng(2)
    for counts in (((3, 3), (2, 2)), ((4, 2, 5), (1, 3, 2))):
        labels_x, labels_s = (np.repeat(np.arange(len(each)), each) for each in counts)
        x, s = (rng.normal(size=(len(each), 3)) + each[:, None] for each in (labels_x, labels_s))
        returned = called(function, "dm_loss", x, labels_x, s, labels_s)
        found = number(returned, "what dm_loss returns")
        gaps = [x[labels_x == c].mean(axis=0) - s[labels_s == c].mean(axis=0) for c in range(len(counts[0]))]
        squared = np.array([gap @ gap for gap in gaps])
        if close(found, squared.sum(), share=EXACT):
            continue
        whole = x.mean(axis=0) - s.mean(axis=0)
        sums = [x[labels_x == c].sum(axis=0) - s[labels_s == c].sum(axis=0) for c in range(len(counts[0]))]
        mistakes = [
            (squared.mean(), "that is the mean over classes: sum them."),
            (squared.sum() / x.shape[1], "that is a mean over coordinates: a squared distance is their sum."),
            (np.sqrt(squared).sum(), "these are distances: square them."),
            (np.abs(gaps).sum(), "these are |differences|: square them."),
            (whole @ whole, "these are the means of all images: take those of each class."),
            (sum(gap @ gap for gap in sums), "these are sums of a class's features: take their means."),
        ]
        said = next((words for value, words in mistakes if close(found, value, share=EXACT)), None)
        raise Wrong(said or f"for {len(gaps)} classes it returns {found:.4g}, and {squared.sum():.4g} would be right.")
    return "right, also where a class has other numbers of real and of distilled images."


@exercise("08-gradient", "DC's distance of gradients")
def gradient(function: Any) -> str:
    """The sum over rows of 1 - cosine."""
    rng = np.random.default_rng(3)
    hand = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[3.0, 0.0], [5.0, 0.0]])  # 0 of the first row, 1 of the second
    for a, b in (hand, tuple(rng.normal(size=(2, 4, 3)))):
        found = number(called(function, "gradient_distance", a, b), "what gradient_distance returns")
        cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        right = (1 - cosines).sum()
        if abs(found - right) <= 1e-4:  # the authors add a little to the denominator
            continue
        whole = (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)
        mistakes = [
            (cosines.sum(), "that is how alike they are: a row's distance is 1 less its cosine."),
            (right / len(a), "that is the mean over rows: sum them."),
            (1 - whole, "that is one cosine of all: each output row has its own."),
            (((a - b) ** 2).sum(), "that is the squared distance, in which long gradients count most."),
            ((1 - (a * b).sum(axis=1)).sum(), "divide by the lengths of both rows."),
        ]
        said = next((words for value, words in mistakes if abs(found - value) <= 1e-4), None)
        rows = f"1 - cosine of each row is {np.round(1 - cosines, 3).tolist()}"
        raise Wrong(said or f"it returns {found:.4g}, and {right:.4g} would be right: {rows}.")
    return "right. Lengths do not count: a gradient twice as long has the same distance."


@exercise("08-compare", "Two runs at their end")
def compare(view: Any, *, label: int) -> str:
    """An image of a class followed in both runs, at the last moment."""
    if not hasattr(view, "histories") or not hasattr(view, "timeline"):
        raise Wrong(f"give the view itself, `view`; this is {kind_of(view)}.")
    if view.step == 0:
        raise Blank("the slider is still at its start: move it to its end, and select an image.")
    if view.selected < 0:
        raise Blank("no image is selected yet: click one in either column.")
    first = view.histories[0].distilled
    chosen = int(first.labels[view.selected])
    if chosen != label:
        raise Wrong(f"you follow an image of class {first.classes[chosen]}; choose class {first.classes[label]}.")
    if view.step != len(view.timeline) - 1:
        raise Wrong(f"the right image, at moment {view.step} of {len(view.timeline) - 1}: move the slider to its end.")
    told = []
    for name, history in zip(view.names, view.histories, strict=True):
        place = int(np.flatnonzero(history.distilled.labels == label)[0])
        begin, end = (history.images(t)[place].astype(float) for t in (0, len(history.frames) - 1))
        told.append(f"{name} has moved its pixels by {np.abs(end - begin).mean():.0f} grey levels")
    return f"{' and '.join(told)} in the mean, each from its own start."
