"""The transport laboratory: two measures of a few points that one moves by hand, and the plan between them."""

from pathlib import Path
from typing import Any

import numpy as np
import traitlets
from jaxtyping import Float64

from wddkit.ot import Measure, Transport, partial, transport, unbalanced
from wddkit.views import assets
from wddkit.views.labs import pages
from wddkit.views.labs.checks import Setting, as_measure, as_state, check_alike, check_cost, from_state, lesson_of
from wddkit.views.labs.laboratory import Laboratory
from wddkit.views.labs.lessons import TRANSPORT
from wddkit.views.showing import Bundle, Drawn, with_picture


class TransportLab(Laboratory):
    """Two measures a and b, on a line or in the plane, whose points one drags, and the plan between them.

    The browser computes what it shows (n <= 200 points a side); the kernel hears of it when the hand rests, and `plan`,
    `value` and `potentials` are computed anew by `wddkit.ot`. Where several plans are best, the two may differ.

        lab = wdd.TransportLab()                       # or TransportLab(a, b), or TransportLab(lesson="outlier")
        lab                                            # shows it; drag a point, then in the next cell:
        lab.a.points, lab.plan, lab.value
        lab.reg = 0.1                                  # and the picture follows
        lab.to_html("lab.html")                        # the same as one file, without kernel or network

    `cost`, `reg` and `relax` (the price ρ of `wddkit.ot.unbalanced`, which needs a `reg`) and `mass` (the share that is
    carried, as in `wddkit.ot.partial`) can be read and set. Their errors, as those of a and b, are ValueErrors in the
    constructor and traitlets.TraitErrors, or ValueErrors of `a` and `b`, after it. Setting `lesson` loads one.
    """

    LESSONS, POINTS = TRANSPORT, "sides"

    # As text: a path would be watched for changes by something that never lets go of the widget.
    _esm = assets.module("transport_lab")
    _css = assets.style()

    sides = traitlets.Dict().tag(sync=True)  # {"a": {"points": [[x, y], ...], "masses": [...]}, "b": ...}
    cost = traitlets.Unicode("sqeuclidean").tag(sync=True)
    reg = Setting(None, allow_none=True).tag(sync=True)
    relax = Setting(None, allow_none=True).tag(sync=True)
    mass = traitlets.Float(1.0).tag(sync=True)

    def __init__(
        self,
        a: Any = None,
        b: Any = None,
        *,
        cost: str | None = None,
        reg: float | None = None,
        relax: float | None = None,
        mass: float | None = None,
        lesson: str | None = None,
    ) -> None:
        if (a is None) != (b is None):
            raise ValueError("a and b: give both, or neither for a lesson's points")
        if a is not None and lesson is not None:
            raise ValueError("lesson: it brings its own points; leave out a and b, or the lesson")
        given = {"cost": cost, "reg": reg, "relax": relax, "mass": mass}
        state: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if a is None:
            chosen = lesson_of(lesson, TRANSPORT)
            state = {**chosen.state, **state, "lesson": chosen.name}
        else:
            first, second = as_measure(a, "a"), as_measure(b, "b")
            check_alike(("a", first), ("b", second))
            state["sides"] = {"a": as_state(first), "b": as_state(second)}
        super().__init__(**state)

    @property
    def a(self) -> Measure:
        """The measure whose mass is carried; set it from an array [n, d] or a Measure, n <= 200, d = 1 or 2."""
        return from_state(self.sides["a"], "a")

    @a.setter
    def a(self, value: Any) -> None:
        self.set_measures(value, self.b)

    @property
    def b(self) -> Measure:
        """The measure that a is carried to; set it like a."""
        return from_state(self.sides["b"], "b")

    @b.setter
    def b(self, value: Any) -> None:
        self.set_measures(self.a, value)

    def set_measures(self, a: Any, b: Any) -> None:
        """Puts two measures on the board, which may have another dimension than those that were there."""
        first, second = as_measure(a, "a"), as_measure(b, "b")
        check_alike(("a", first), ("b", second))
        with self.hold_sync():  # of other points the lesson does not speak: the browser hears of both at once
            self.sides = {"a": as_state(first), "b": as_state(second)}

    @property
    def transport(self) -> Transport:
        """The plan between a and b under these settings with its value and potentials, by `wddkit.ot`."""
        if self.relax is not None:
            assert self.reg is not None  # the two are validated together
            return unbalanced(self.a, self.b, relax=self.relax, reg=self.reg, cost=self.cost)
        if self.mass < 1:
            return partial(self.a, self.b, mass=self.mass, cost=self.cost)
        return transport(self.a, self.b, cost=self.cost, reg=self.reg)

    @property
    def plan(self) -> Float64[np.ndarray, "n_a n_b"]:
        """How much goes from which a to which b."""
        return self.transport.plan

    @property
    def value(self) -> float:
        """Σ_ij T_ij C_ij, the number in large digits."""
        return self.transport.value

    @property
    def potentials(self) -> tuple[Float64[np.ndarray, " n_a"], Float64[np.ndarray, " n_b"]]:
        """The prices u and v of wddkit.ot, the bars beside the plan."""
        return self.transport.potentials

    def to_html(self, path: Path | str) -> Path:
        """Writes the laboratory as one file that needs neither kernel nor network, as it stands; returns its path."""
        return assets.write(path, assets.page(self.form()))

    def form(self) -> assets.Form:
        """What a page needs of the laboratory as it stands now."""
        names = ("sides", "cost", "reg", "relax", "mass", "lesson", "lessons", "presenter")
        state = {name: getattr(self, name) for name in names}
        return assets.Form("transport_lab", state, {}, "Transport laboratory", self._summary())

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle | None:
        """The widget, and a picture of it for where no widget can live."""
        from wddkit.views.labs.pictures import transport_png

        def drawn() -> Drawn:
            return transport_png(self.a, self.b, self.transport), {"alt": self._summary()}

        return with_picture(super()._repr_mimebundle_(**kwargs), drawn)

    def _summary(self) -> str:
        return (
            f"Transport of {len(self.a)} points a to {len(self.b)} points b, ground cost {self.cost}: "
            f"value {self.value:.4g}."
        )

    @traitlets.validate("sides")
    def _valid_sides(self, proposal: dict[str, Any]) -> dict[str, Any]:
        value = proposal["value"]
        if set(value) != {"a", "b"}:
            raise traitlets.TraitError(f"sides: expected 'a' and 'b', got {', '.join(map(repr, value)) or 'nothing'}")
        with pages.as_trait_errors():
            check_alike(*((name, from_state(value[name], name)) for name in ("a", "b")))
        return dict(value)

    @traitlets.validate("cost")
    def _valid_cost(self, proposal: dict[str, Any]) -> str:
        with pages.as_trait_errors():
            return check_cost(proposal["value"])

    @traitlets.validate("reg", "relax", "mass")
    def _valid_rule(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        now = {key: getattr(self, key) for key in ("reg", "relax", "mass")} | {name: value}
        if name == "mass" and not 0.001 <= value <= 1:
            raise traitlets.TraitError(f"mass: expected the share of the mass to carry, from 0.001 to 1, got {value!r}")
        if name != "mass" and value is not None and not 0 < value < np.inf:
            raise traitlets.TraitError(f"{name}: expected a positive finite number, or None, got {value!r}")
        if now["relax"] is not None and now["reg"] is None:
            mend = "set relax to None first" if name == "reg" else "set reg first, such as 0.05"
            raise traitlets.TraitError(f"{name}: unbalanced plans need a reg as well; {mend}")
        if now["mass"] < 1 and (now["reg"], now["relax"]) != (None, None):
            raise traitlets.TraitError(
                f"mass: {now['mass']} is carried exactly, so reg and relax must be None; set them so, or mass to 1"
            )
        return value
