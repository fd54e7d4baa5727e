"""The barycenter laboratory: a few points, the support points that stand for them, and the steps that lead there."""

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets
from jaxtyping import Float64

from wddkit.codec import unknown
from wddkit.ot import Lloyd, Measure, Step, barycenter_steps
from wddkit.views import assets
from wddkit.views.labs import pages
from wddkit.views.labs.checks import as_measure, as_state, check_alike, check_cost, from_state, lesson_of
from wddkit.views.labs.laboratory import Laboratory
from wddkit.views.labs.lessons import BARYCENTER
from wddkit.views.showing import Bundle, Drawn, with_picture

MOST_SUPPORT = 40
RULES = ("free", "uniform")


class BarycenterLab(Laboratory):
    """Points on a line or in the plane, m support points that stand for them, and Lloyd's steps from a start.

    The browser computes what it shows (n <= 200 points a measure); the kernel hears of it when the hand rests, and
    `history` is computed anew by `wddkit.ot.barycenter_steps` with `solver="lloyd"` from the same start.

        lab = wdd.BarycenterLab()               # or BarycenterLab(points, m=3), or BarycenterLab(lesson="bad start")
        lab                                     # shows it; press "step", drag, then in the next cell:
        lab.step, lab.support, lab.masses, lab.value
        lab.rule = "uniform"                    # equal masses instead of free ones, and the picture follows
        lab.to_html("lab.html")                 # the same as one file, without kernel or network

    `points`: an array [n, d], a `Measure`, or a list of them with `weights`; several have equal (`"uniform"`) masses.
    Without points, these arguments go over the lesson's values. `rule`, `cost`, `trim`, `weights`, `start` and `step`
    can be read and set, and so can `lesson`, which loads one. Errors are ValueErrors in the constructor
    and traitlets.TraitErrors, or ValueErrors of `points`, after it.
    """

    LESSONS, POINTS = BARYCENTER, "data"
    HINTS: ClassVar[dict[str, str]] = {
        "m": "it is the length of start, which can be set",
        "masses": "they follow from rule, which can be set",
        "seed": "it draws a start; set start itself",
    }

    # As text: a path would be watched for changes by something that never lets go of the widget.
    _esm = assets.module("barycenter_lab")
    _css = assets.style()

    data = traitlets.List(traitlets.Dict()).tag(sync=True)  # [{"points": [[x, y], ...], "masses": [...]}, ...]
    weights = traitlets.List(traitlets.Float()).tag(sync=True)
    start = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    rule = traitlets.Unicode("free").tag(sync=True)
    cost = traitlets.Unicode("sqeuclidean").tag(sync=True)
    trim = traitlets.Float(0.0).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        points: Any = None,
        *,
        m: int | None = None,
        masses: str | None = None,
        weights: Any = None,
        cost: str | None = None,
        trim: float | None = None,
        start: Any = None,
        seed: int | None = None,
        lesson: str | None = None,
    ) -> None:
        self._solved: tuple[str, list[Step]] | None = None
        if points is not None and lesson is not None:
            raise ValueError("lesson: it brings its own points; leave out the points, or the lesson")
        if masses is not None and not (isinstance(masses, str) and masses in RULES):
            raise unknown("masses of a laboratory", masses, RULES)
        given = {"rule": masses, "cost": cost, "trim": trim}
        state: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if points is None:
            chosen = lesson_of(lesson, BARYCENTER)
            state = {**chosen.state, **state, "lesson": chosen.name}
            measures = tuple(from_state(each, f"points[{k}]") for k, each in enumerate(state["data"]))
        else:
            measures = _measures(points)
            state = {"rule": "free", "cost": "sqeuclidean", **state, "data": [as_state(each) for each in measures]}
        if points is not None or weights is not None:
            state["weights"] = _weights(weights, len(measures))
        if start is not None:
            state["start"] = _given(start, m)
        elif points is not None or m is not None or seed is not None:
            count = len(state.get("start", range(3))) if m is None else m
            state["start"] = _drawn(measures, count, state["rule"], check_cost(state["cost"]), seed or 0)
        super().__init__(**state)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures, one or several."""
        return tuple(from_state(each, f"points[{k}]") for k, each in enumerate(self.data))

    @property
    def points(self) -> Measure | list[Measure]:
        """What the barycenter stands for: a measure, or a list of them; set it from arrays or measures, n <= 200."""
        return self.measures[0] if len(self.data) == 1 else list(self.measures)

    @points.setter
    def points(self, value: Any) -> None:
        measures = _measures(value)
        with self.hold_sync(), self.hold_trait_notifications():
            if measures[0].points.shape[1] != len(self.start[0]) or len(measures) > 1:
                self.rule = self.rule if len(measures) == 1 else "uniform"
                self.start = _drawn(measures, len(self.start), self.rule, self.cost, 0)
            self.data, self.weights, self.step = [as_state(each) for each in measures], _weights(None, len(measures)), 0

    @property
    def history(self) -> list[Step]:
        """Lloyd's steps from the start to rest, by `wddkit.ot`: `history[k].support`, `.masses`, `.value`, `.plans`."""
        key = json.dumps([self.data, self.weights, self.start, self.rule, self.cost, self.trim])
        if self._solved is None or self._solved[0] != key:
            steps = barycenter_steps(
                self.points,
                m=len(self.start),
                masses=self.rule,
                weights=self.weights if len(self.data) > 1 else None,
                cost=self.cost,
                trim=self.trim,
                solver=Lloyd(),
                start=np.array(self.start),
            )
            self._solved = key, list(steps)
        return self._solved[1]

    @property
    def shown(self) -> Step:
        """The step that is shown, or the last one where `step` lies beyond it."""
        return self.history[min(self.step, len(self.history) - 1)]

    @property
    def support(self) -> Float64[np.ndarray, "m d"]:
        """The support points of the step shown."""
        return self.shown.support

    @property
    def masses(self) -> Float64[np.ndarray, " m"]:
        """Their masses."""
        return self.shown.masses

    @property
    def value(self) -> float:
        """The value of the step shown: under `sqeuclidean` the squared W2, of several measures the weighted mean."""
        return self.shown.value

    @property
    def plan(self) -> Float64[np.ndarray, "m n"]:
        """The plan of the step shown; of several measures see `shown.plans`."""
        return self.shown.plan

    def to_html(self, path: Path | str) -> Path:
        """Writes the laboratory as one file that needs neither kernel nor network, as it stands; returns its path."""
        return assets.write(path, assets.page(self.form()))

    def form(self) -> assets.Form:
        """What a page needs of the laboratory as it stands now."""
        names = ("data", "weights", "start", "rule", "cost", "trim", "step", "lesson", "lessons", "presenter")
        state = {name: getattr(self, name) for name in names}
        return assets.Form("barycenter_lab", state, {}, "Barycenter laboratory", self._summary())

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle | None:
        """The widget, and a picture of it for where no widget can live."""
        from wddkit.views.labs.pictures import barycenter_png

        def drawn() -> Drawn:
            values = [each.value for each in self.history]
            return barycenter_png(self.measures, self.shown, values), {"alt": self._summary()}

        return with_picture(super()._repr_mimebundle_(**kwargs), drawn)

    def _summary(self) -> str:
        count, values = sum(map(len, self.measures)), self.history
        return (
            f"{len(self.start)} support points with {self.rule} masses for {count} points, ground cost {self.cost}: "
            f"value {values[0].value:.4g} at the start, {values[-1].value:.4g} after {len(values) - 1} steps."
        )

    @traitlets.validate("data", "weights", "start", "rule")
    def _valid_state(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        now = {key: getattr(self, key) for key in ("data", "weights", "start", "rule")} | {name: value}
        with pages.as_trait_errors():
            _check(**now)
        return value

    @traitlets.validate("cost")
    def _valid_cost(self, proposal: dict[str, Any]) -> str:
        with pages.as_trait_errors():
            return check_cost(proposal["value"])

    @traitlets.validate("trim")
    def _valid_trim(self, proposal: dict[str, Any]) -> float:
        if not 0 <= proposal["value"] < 1:
            raise traitlets.TraitError(f"trim: expected the share to leave out, in [0, 1), got {proposal['value']!r}")
        return float(proposal["value"])

    @traitlets.validate("step")
    def _valid_step(self, proposal: dict[str, Any]) -> int:
        if proposal["value"] < 0:
            raise traitlets.TraitError(f"step: expected 0 (the start) or more, got {proposal['value']}")
        return int(proposal["value"])


def _measures(points: Any) -> tuple[Measure, ...]:
    if isinstance(points, (list, tuple)) and not len(points):
        raise ValueError("points: expected an array [n, d], a Measure, or a list of them, got an empty list")
    if isinstance(points, (list, tuple)) and all(isinstance(each, (Measure, np.ndarray)) for each in points):
        measures = tuple(as_measure(each, f"points[{k}]") for k, each in enumerate(points))
    else:
        measures = (as_measure(points, "points"),)
    check_alike(*((f"points[{k}]", each) for k, each in enumerate(measures)))
    return measures


def _given(start: Any, m: int | None) -> list[list[float]]:
    """The support points that were given; ValueError unless they are points, m of them."""
    support: list[list[float]] = Measure.of(start, "start").points.tolist()
    if m is not None and len(support) != m:
        raise ValueError(f"start: {len(support)} support points, and m is {m}; give m of them, or leave out m")
    return support


def _weights(weights: Any, count: int) -> list[float]:
    if weights is None:
        return [1 / count] * count
    try:
        given: list[float] = np.asarray(weights, float).reshape(count).tolist()
    except (TypeError, ValueError):
        raise _wrong_weights(weights, count) from None
    return given


def _wrong_weights(weights: Any, count: int) -> ValueError:
    expected = f"{count} positive numbers that sum to 1" if count > 1 else "[1.0] for one measure"
    mend = f"; give each measure its share, such as {[round(1 / count, 3)] * count}" if 1 < count < 5 else ""
    return ValueError(f"weights: expected {expected}, got {weights!r:.60}{mend}")


def _drawn(measures: tuple[Measure, ...], m: int, masses: str, cost: str, seed: int) -> list[list[float]]:
    """A start by k-means++."""
    given = measures[0] if len(measures) == 1 else list(measures)
    first = next(iter(barycenter_steps(given, m=m, masses=masses, cost=cost, solver=Lloyd(), seed=seed)))
    start: list[list[float]] = first.support.tolist()
    return start


def _check(*, data: list[Any], weights: list[float], start: list[list[float]], rule: str) -> None:
    """Raises ValueError unless these make a problem that a laboratory can show."""
    if not data:
        raise ValueError("data: expected a list of one measure or several, got an empty one")
    measures = [from_state(each, f"points[{k}]") for k, each in enumerate(data)]
    support = Measure.of(start, "start")
    if len(support) > MOST_SUPPORT:
        raise ValueError(f"start: {len(support)} support points, and a laboratory shows at most {MOST_SUPPORT}")
    check_alike(*((f"points[{k}]", each) for k, each in enumerate(measures)), ("start", support))
    if len(weights) != len(measures) or not all(each > 0 for each in weights) or not abs(sum(weights) - 1) <= 1e-6:
        raise _wrong_weights(weights, len(measures))
    if rule not in RULES:
        raise unknown("rule for the masses", rule, RULES)
    if rule == "free" and len(measures) > 1:
        raise ValueError(f"rule: free masses are for one measure, and there are {len(measures)}; use 'uniform'")
