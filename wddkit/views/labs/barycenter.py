"""The barycenter laboratory: a few points, the support points that stand for them, and the steps that lead there."""

import json
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from jaxtyping import Float64

from wddkit.codec import unknown
from wddkit.ot import Lloyd, Measure, Step, barycenter_steps
from wddkit.views import assets
from wddkit.views.labs import pages
from wddkit.views.labs.checks import as_measure, as_state, check_alike, check_cost, from_state, lesson_of
from wddkit.views.labs.lessons import BARYCENTER

MOST_SUPPORT = 40
RULES = ("free", "uniform")


class BarycenterLab(anywidget.AnyWidget):
    """Points on a line or in the plane, m support points that stand for them, and Lloyd's steps from a start.

    The browser computes what it shows (n <= 200 points a measure); the kernel hears of it when the hand rests, and
    `history` is computed anew by `wddkit.ot.barycenter_steps` with `solver="lloyd"` from the same start.

        lab = wdd.BarycenterLab()               # or BarycenterLab(points, m=3), or BarycenterLab(lesson="bad start")
        lab                                     # shows it; press "step", drag, then in the next cell:
        lab.step, lab.support, lab.masses, lab.value
        lab.rule = "uniform"                    # equal masses instead of free ones, and the picture follows
        lab.to_html("lab.html")                 # the same as one file, without kernel or network

    `points`: an array [n, d], a `Measure`, or a list of them with `weights`; several have equal (`"uniform"`) masses.
    `rule`, `cost`, `trim`, `weights`, `start` and `step` can be read and set. Errors are ValueErrors in the constructor
    and traitlets.TraitErrors, or ValueErrors of `points`, after it.
    """

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
    lesson = traitlets.Unicode("").tag(sync=True)
    lessons = traitlets.List(traitlets.Dict()).tag(sync=True)
    presenter = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(
        self,
        points: Any = None,
        *,
        m: int = 3,
        masses: str = "free",
        weights: Any = None,
        cost: str = "sqeuclidean",
        trim: float = 0.0,
        start: Any = None,
        seed: int = 0,
        lesson: str | None = None,
    ) -> None:
        self._solved: tuple[str, list[Step]] | None = None
        if points is not None and lesson is not None:
            raise ValueError("lesson: it brings its own points; leave out the points, or the lesson")
        if points is None:
            chosen = lesson_of(lesson, BARYCENTER)
            state = {**chosen.state, "lesson": chosen.name}
        else:
            if masses not in RULES:
                raise unknown("masses of a laboratory", masses, RULES)
            state = _given(points, m=m, masses=masses, weights=weights, cost=cost, trim=trim, start=start, seed=seed)
        try:
            super().__init__(**state, lessons=[each.sent() for each in BARYCENTER])
        except traitlets.TraitError as error:
            raise ValueError(str(error)) from None

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
        with self.hold_trait_notifications():
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
        names = ("data", "weights", "start", "rule", "cost", "trim", "step", "lesson", "lessons", "presenter")
        state = {name: getattr(self, name) for name in names}
        return pages.write(path, "barycenter_lab", state, title="Barycenter laboratory", summary=self._summary())

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget, and a picture of it for where no widget can live."""
        from wddkit.views.labs.pictures import barycenter_png

        def drawn() -> bytes:
            return barycenter_png(self.measures, self.shown, [each.value for each in self.history])

        return pages.with_picture(super()._repr_mimebundle_(**kwargs), drawn, alt=self._summary())

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


def _given(
    points: Any, *, m: int, masses: str, weights: Any, cost: str, trim: float, start: Any, seed: int
) -> dict[str, Any]:
    """The state of a laboratory with these points."""
    measures = _measures(points)
    shares = _weights(weights, len(measures))
    given = None if start is None else np.asarray(start, float).tolist()
    drawn = given or _drawn(measures, m, masses, check_cost(cost), seed)
    data = [as_state(each) for each in measures]
    return {"data": data, "weights": shares, "start": drawn, "rule": masses, "cost": cost, "trim": trim}


def _measures(points: Any) -> tuple[Measure, ...]:
    if isinstance(points, (list, tuple)) and all(isinstance(each, (Measure, np.ndarray)) for each in points):
        measures = tuple(as_measure(each, f"points[{k}]") for k, each in enumerate(points))
    else:
        measures = (as_measure(points, "points"),)
    check_alike(*((f"points[{k}]", each) for k, each in enumerate(measures)))
    return measures


def _weights(weights: Any, count: int) -> list[float]:
    return [1 / count] * count if weights is None else [float(each) for each in weights]


def _drawn(measures: tuple[Measure, ...], m: int, masses: str, cost: str, seed: int) -> list[list[float]]:
    """A start by k-means++."""
    given = measures[0] if len(measures) == 1 else list(measures)
    first = next(iter(barycenter_steps(given, m=m, masses=masses, cost=cost, solver=Lloyd(), seed=seed)))
    start: list[list[float]] = first.support.tolist()
    return start


def _check(*, data: list[Any], weights: list[float], start: list[list[float]], rule: str) -> None:
    """Raises ValueError unless these make a problem that a laboratory can show."""
    measures = [from_state(each, f"points[{k}]") for k, each in enumerate(data)]
    support = Measure.of(start, "start")
    if len(support) > MOST_SUPPORT:
        raise ValueError(f"start: {len(support)} support points, and a laboratory shows at most {MOST_SUPPORT}")
    check_alike(*((f"points[{k}]", each) for k, each in enumerate(measures)), ("start", support))
    if len(weights) != len(measures) or min(weights) <= 0 or abs(sum(weights) - 1) > 1e-6:
        raise ValueError(f"weights: expected {len(measures)} positive numbers that sum to 1, got {weights}")
    if rule not in RULES:
        raise unknown("rule for the masses", rule, RULES)
    if rule == "free" and len(measures) > 1:
        raise ValueError(f"rule: free masses are for one measure, and there are {len(measures)}; use 'uniform'")
