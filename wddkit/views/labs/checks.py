"""What a laboratory accepts: few points, on a line or in the plane, each with a mass that one can see."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets

from wddkit.codec import unknown
from wddkit.ot import Measure
from wddkit.views.labs.lessons import Lesson

MOST = 200  # points of a measure: more can neither be told apart nor grasped
COSTS = ("sqeuclidean", "l2", "l1", "cosine")  # of wddkit.ot, those with a meaning on a line or in the plane


class Setting(traitlets.Float[float | None, float | None]):
    """A number or None, which is validated too: traitlets lets a None pass unseen by what holds between traits."""

    def _validate(self, obj: Any, value: Any) -> float | None:
        if value is None and not obj._cross_validation_lock:
            return self._cross_validate(obj, value)
        return super()._validate(obj, value)


def as_measure(value: Any, name: str) -> Measure:
    """The measure, or mass 1/n on each row; ValueError unless a laboratory can show it."""
    measure = Measure.of(value, name)
    count, dimension = measure.points.shape
    if count > MOST:
        raise ValueError(f"{name}: {count} points, and a laboratory shows at most {MOST}; take a sample of them")
    if dimension > 2:
        raise ValueError(f"{name}: points of dimension {dimension}; expected 1 (a line) or 2 (the plane)")
    if not measure.masses.all():
        raise ValueError(f"{name}: point {int(np.argmin(measure.masses))} has mass 0; leave it out")
    return measure


def as_state(measure: Measure) -> dict[str, Any]:
    """The measure as plain numbers."""
    return {"points": measure.points.tolist(), "masses": measure.masses.tolist()}


def from_state(state: Any, name: str) -> Measure:
    """The measure that was sent as plain numbers; ValueError if it is none that a laboratory can show."""
    if not isinstance(state, Mapping) or set(state) != {"points", "masses"}:
        raise ValueError(f"{name}: expected a mapping of 'points' and 'masses', got {state!r:.60}")
    return as_measure(Measure(np.asarray(state["points"], float), np.asarray(state["masses"], float)), name)


def check_alike(*measures: tuple[str, Measure]) -> None:
    """Raises ValueError unless all points have one dimension."""
    (first, known), *others = measures
    for name, each in others:
        if each.points.shape[1] != known.points.shape[1]:
            raise ValueError(
                f"{name}: points of dimension {each.points.shape[1]}, and those of {first} have "
                f"{known.points.shape[1]}; give both anew, alike"
            )


def lesson_of(name: str | None, lessons: tuple[Lesson, ...]) -> Lesson:
    """The lesson of this name, or the first; ValueError for a name that there is not."""
    known = {lesson.name: lesson for lesson in lessons}
    if name is not None and name not in known:
        raise unknown("lesson", name, known)
    return lessons[0] if name is None else known[name]


def check_cost(cost: Any) -> str:
    """The name of the ground cost; ValueError for one that laboratories do not have."""
    if cost not in COSTS:
        raise unknown("ground cost of a laboratory", cost, COSTS)
    return str(cost)
