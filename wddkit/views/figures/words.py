"""What the figures for print and the interactive ones share: colours, marks, names, and words for what is shown."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from wddkit.history import History
from wddkit.views import assets
from wddkit.views.scene import Result, Scene
from wddkit.views.scene.facts import Answer

if TYPE_CHECKING:  # these import this module
    from wddkit.views.figures.barycenters import Masses, Matrix, Values
    from wddkit.views.figures.film import Film
    from wddkit.views.figures.places import Places
    from wddkit.views.figures.series import Series, Strip
    from wddkit.views.figures.tables import Line

COLOURS = assets.COLOURS  # told apart with any colour vision; beside shapes, 90 classes before a pair comes again
BLUE, ORANGE = COLOURS[4], COLOURS[3]
PHASES = (BLUE, ORANGE, COLOURS[2], COLOURS[5])  # each with a dash of its own
CONTROLS = {"random": "random real images", "nearest": "nearest real images", "whole real set": "the whole real set"}
HELD = "; a class that needed fewer keeps its last value"
NAMED = 30  # classes; more names would hide the marks
ROWS = 20  # classes that a figure shows when nobody names them, where each takes a row

NO_FEATURES = "No features were recorded."
NO_BARYCENTERS = "No barycenter was recorded."
NO_RESULTS = "No results were recorded."
NO_SCALARS = "No barycenter, losses or other numbers were recorded."

MEANINGS = {
    "loss": "loss",
    "feature": "feature term of the loss",
    "statistics": "statistics term of the loss",
    "cross_entropy": "cross-entropy term of the loss",
    "feature_gap": "squared distance of image features to their targets",
    "statistics_error": "statistics error, mean over layers",
    "w2_squared": "squared W2 to training features",
    "w2_squared_heldout": "squared W2 to held-out features",
    "sliced_w2_squared": "squared sliced W2 to training features",
    "sliced_w2_squared_heldout": "squared sliced W2 to held-out features",
    "mmd_squared": "squared MMD to training features",
    "mmd_squared_heldout": "squared MMD to held-out features",
    "otdd": "OTDD to training images, squared",
    "otdd_heldout": "OTDD to held-out images, squared",
    "coverage": "share of training images that are covered",
    "nearest_real": "distance to the nearest training image (1: as real ones)",
}


def meaning(scalar: str) -> str:
    """What a recorded number is, in words; its name if nobody knows."""
    return MEANINGS.get(scalar, short(scalar, most=60))


def short(name: Any, *, most: int = 18) -> str:
    """A name on one line, cut to this many characters."""
    line = " ".join(str(name).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def picked(classes: Sequence[str], wanted: Sequence[int | str] | None, default: Iterable[int]) -> tuple[int, ...]:
    """Labels of classes given by label or name, or the default if None.

    Raises ValueError for a class that the run does not have, and for none at all.
    """
    if wanted is None:
        return tuple(int(label) for label in default)
    if isinstance(wanted, str) or not len(wanted):
        raise ValueError(f"classes: expected a list of labels or names, or None, got {wanted!r}")
    return tuple(label_of(classes, name) for name in wanted)


def label_of(classes: Sequence[str], wanted: int | str) -> int:
    """The label of a class given by label or name; ValueError for a class that the run does not have."""
    label = classes.index(wanted) if isinstance(wanted, str) and wanted in classes else wanted
    if not isinstance(label, Integral) or isinstance(label, bool) or not 0 <= label < len(classes):
        known = ", ".join(short(name) for name in classes[:20])
        raise ValueError(f"no class {wanted!r}; expected a label from 0 to {len(classes) - 1} or one of {known}")
    return int(label)


def position(wanted: int, count: int, *, what: str, of: str) -> int:
    """A place counted from 0, or from the end if negative; ValueError where there is none."""
    if not isinstance(wanted, Integral) or isinstance(wanted, bool) or not -count <= wanted < count:
        raise ValueError(f"{what} {wanted!r} of {of}; expected 0 to {count - 1}")
    return int(wanted) % count


def frame_of(drawn: Scene, frame: int) -> int:
    """The position of a frame of a run; ValueError where there is none."""
    return position(frame, len(drawn.frames), what="frame", of=f"a run of {len(drawn.frames)} snapshots")


def image_names(labels: Iterable[int], classes: Sequence[str]) -> list[str]:
    """What images with these labels are called, counted from 1 in each class, as the Explorer does."""
    seen: dict[int, int] = {}
    names = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        names.append(f"image {seen[label]} of class {short(classes[label])}")
    return names


def set_name(result: Result) -> str:
    """What a row of results is called in a figure."""
    return CONTROLS.get(result.set, short(result.set)) if result.control else f"{short(result.set)}\n(this run)"


def protocols(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results by protocol, in the order of their first."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.protocol, []).append(result)
    return found


def labels_said(results: Sequence[Result]) -> str:
    """The label regimes of some results."""
    regimes = ", ".join(dict.fromkeys(result.labels for result in results if result.labels))
    return f"labels: {regimes}" if regimes else "labels: not named"


def features_alt(places: "Places", frame: int) -> str:
    """A text alternative for the features at a frame."""
    drawn = places.drawn
    if drawn.projection is None:
        return places.why
    real = 0 if drawn.real_labels is None else len(drawn.real_labels)
    points = sum(way.masses.shape[1] for way in drawn.ways)
    return (
        f"Features in two dimensions at step {drawn.frames[frame].step}: {real} real images, {points} support points "
        f"as discs by mass, {len(drawn.labels) if drawn.xy is not None else 0} distilled images as squares."
    )


def accuracy_alt(results: Sequence[Result]) -> str:
    """A text alternative for accuracies."""
    said = "; ".join(f"{result.set} {result.accuracy:.1f} %" for result in results)
    return f"Accuracy on test images: {said}." if said else NO_RESULTS


def counted(n: int, one: str, many: str | None = None) -> str:
    """'1 image', '2 images'."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def wrapped(text: str, *, width: int) -> str:
    """The text in lines of about this many characters; words longer than that stay whole."""
    lines = [textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) for line in text.split("\n")]
    return "\n".join("\n".join(line) for line in lines)


def masses_alt(shown: Sequence["Masses"]) -> str:
    """A text alternative for masses."""
    if not shown:
        return NO_BARYCENTERS
    heaviest, lightest = max(own.masses[0] for own in shown), min(own.masses[-1] for own in shown)
    return (
        f"Masses of the support points of {counted(len(shown), 'class', 'classes')}, from {lightest:.3g} to "
        f"{heaviest:.3g}."
    )


def curves_alt(values: "Values | None", series: Sequence["Series"], strip: "Strip | None") -> str:
    """A text alternative for curves."""
    said = []
    if values is not None:
        first, last = values.training.mean(axis=0)[[0, -1]]
        said.append(f"Squared W2 of the barycenters to training features: mean from {first:.3g} to {last:.3g}.")
    for each in series:
        line = each.lines[-1]
        ways = (
            f"from {line.values[0]:.3g} to {line.values[-1]:.3g}" if len(line.values) > 1 else f"{line.values[0]:.3g}"
        )
        said.append(f"{meaning(each.name).capitalize()}: {ways}.")
    if strip is not None:
        said.append(f"Statistics error of {counted(len(strip.layers), 'layer')} by step.")
    return " ".join(said) or NO_SCALARS


def series_said(series: "Series") -> str:
    """Over a curve: its phase and what was measured."""
    phases = [short(line.phase) for line in series.lines]
    return f"Phase{'s' if len(phases) > 1 else ''} {', '.join(phases)}: {meaning(series.name)}"


def turns_said(turned: Sequence[Mapping[str, Any]]) -> str:
    """What was turned while a run went on."""
    said = "; ".join(f"step {turn['step']}, {turn['text']}" for turn in turned[:8])
    return f"Dotted lines: knobs turned by hand ({said}{'; …' if len(turned) > 8 else ''})."


def by_ipc_alt(panels: "Mapping[tuple[str, str], Sequence[Line]]") -> str:
    """A text alternative for accuracies against ipc."""
    said = []
    for lines in panels.values():
        for line in lines:
            ways = ", ".join(
                f"{point.accuracy:.1f} %" + ("" if math.isnan(point.ipc) else f" at {point.ipc:g}")
                for point in line.points
            )
            said.append(f"{line.name}: {ways}.")
    return f"Accuracy against images per class. {' '.join(said)}"


def name_of(history: History, label: int | str) -> str:
    """The name of a class given by label or name; ValueError for a class that the run does not have."""
    classes = Answer.of(history).classes
    return classes[label_of(classes, label)]


def no_plan(name: str) -> str:
    """What is said where a class has no plan."""
    return f"No transport plan of class {short(name)} was recorded."


def plan_title(shown: "Matrix") -> str:
    """Over a plan."""
    at = f"step {shown.step} of {shown.steps - 1}"
    return f"Class {short(shown.name)}: which support point takes which real image ({at})"


def plan_said(shown: "Matrix") -> str:
    """Below a plan: what is shown of it."""
    return (
        f"Shown is {100 * shown.shown:.0f} % of the plan's mass, in {counted(len(shown.images), 'real image')}: "
        f"what was recorded; white is no mass, or not recorded. "
        f"Columns are sorted by the support point that takes most of an image."
    )


def plan_alt(shown: "Matrix") -> str:
    """A text alternative for a plan."""
    return (
        f"Transport plan of class {shown.name} at step {shown.step}: {len(shown.masses)} support points, "
        f"{counted(len(shown.images), 'real image')}, {100 * shown.shown:.0f} % of the mass."
    )


def matrix_alt(mass: np.ndarray, value: float) -> str:
    """A text alternative for a whole plan."""
    return (
        f"Transport plan between {mass.shape[0]} and {mass.shape[1]} points as a matrix: value {value:.4g}, "
        f"{counted(int((mass > 0).sum()), 'entry', 'entries')} with mass."
    )


def film_title(shown: "Film", image: int) -> str:
    """Over a film strip."""
    of = f"\n{len(shown.labels)} of {len(shown.labels) + shown.left_out} classes" if shown.left_out else ""
    return f"Image {image + 1} of each class, by step{of}"


def film_alt(shown: "Film", image: int) -> str:
    """A text alternative for a film strip."""
    rows, columns = counted(len(shown.labels), "class", "classes"), counted(len(shown.steps), "snapshot")
    return f"Image {image + 1} of {rows} at {columns}."


def no_masses(absent: Sequence[str]) -> str:
    """What is said where there are no masses."""
    return f"{NO_BARYCENTERS[:-1]} for these classes." if absent else NO_BARYCENTERS


def absent_said(absent: Sequence[str]) -> str:
    """Which classes have no barycenter."""
    return f"No barycenter was recorded for {', '.join(map(short, absent))}."
