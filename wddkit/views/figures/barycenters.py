"""Numbers of the recorded barycenters: masses, values, and plans as matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, Int64

from wddkit.history import History
from wddkit.views.figures.words import label_of, picked, position
from wddkit.views.scene.facts import Answer, recorded

if TYPE_CHECKING:
    from wddkit.ot import Transport


@dataclass(frozen=True, eq=False)
class Masses:
    """The masses of one class's support points, heaviest first; `order` are the points' positions."""

    label: int
    name: str
    order: Int64[np.ndarray, " m"]
    masses: Float64[np.ndarray, " m"]


@dataclass(frozen=True, eq=False)
class Values:
    """Squared W2 of every class over the steps of its barycenter, a row each; NaN: not measured.

    A class that needed fewer steps than another keeps its last value.
    """

    names: tuple[str, ...]
    training: Float64[np.ndarray, "classes T"]
    heldout: Float64[np.ndarray, "classes T"]

    @property
    def heldout_mean(self) -> Float64[np.ndarray, " T"]:
        """The mean of the classes that have held-out features; NaN at steps where not all of them were measured."""
        had = self.heldout[np.isfinite(self.heldout).any(axis=1)]
        return had.mean(axis=0) if len(had) else np.full(self.heldout.shape[1], np.nan)


@dataclass(frozen=True, eq=False)
class Matrix:
    """The part of a transport plan that is known: mass between support points (rows) and real images (columns).

    Columns are sorted by the support point that takes most of an image's mass, then by that mass. `images` are the
    columns' positions among the class's real images, `masses` the support points' own; `shown` is the share of the
    plan's mass in the matrix. NaN in `mass`: not recorded.
    """

    name: str
    step: int
    steps: int
    mass: Float64[np.ndarray, "m n"]
    images: Int64[np.ndarray, " n"]
    masses: Float64[np.ndarray, " m"]
    shown: float


def masses_of(
    history: History, classes: Sequence[int | str] | None, *, step: int
) -> tuple[tuple[Masses, ...], tuple[str, ...]]:
    """Masses of some classes (all with a barycenter if None) at a step, and names of classes without a barycenter.

    A class that needed fewer steps is shown as it was at its last. Raises ValueError for a class or step that the run
    does not have.
    """
    names, ways = Answer.of(history).classes, history.barycenters
    labels = picked(names, classes, ways)
    steps = max((len(way["masses"]) for way in ways.values()), default=0)
    if not steps:
        return (), ()
    at = position(step, steps, what="step", of=f"barycenters of at most {steps} recorded steps")
    found = []
    for label in labels:
        if label in ways:
            own = ways[label]["masses"][min(at, len(ways[label]["masses"]) - 1)].astype(np.float64)
            order = np.argsort(-own, kind="stable")
            found.append(Masses(label, names[label], order, own[order]))
    return tuple(found), tuple(names[label] for label in labels if label not in ways)


def values_of(history: History) -> Values | None:
    """Values of all recorded barycenters; None if there are none."""
    ways = recorded(history).barycenters
    if not ways:
        return None
    steps = max(len(way["value"]) for way in ways.values())

    def rows(name: str) -> np.ndarray:
        found = [way.get(name, np.full(len(way["value"]), np.nan)).astype(np.float64) for way in ways.values()]
        return np.stack([np.pad(values, (0, steps - len(values)), mode="edge") for values in found])

    classes = Answer.of(history).classes
    return Values(tuple(classes[label] for label in ways), rows("value"), rows("heldout"))


def matrix_of(history: History, label: int | str, *, step: int) -> Matrix | None:
    """What was recorded of a class's plan at a step of its barycenter; None if nothing was.

    Known are the largest entries of each support point, and, where `assignment` was recorded, for each real image the
    point that takes most of its mass. Raises ValueError for a class or step that the run does not have.
    """
    classes = Answer.of(history).classes
    label = label_of(classes, label)
    way = history.barycenters.get(label)
    if way is None or "plan_indices" not in way:
        return None
    name, steps = classes[label], len(way["masses"])
    at = position(step, steps, what="step", of=f"the barycenter of class {name!r}, of which {steps} are recorded")
    known = _entries(way["plan_indices"][at], way["plan_masses"][at].astype(np.float64))
    if "assignment" in way and "assignment_share" in way:
        shares = way["assignment_share"][at].astype(np.float64)
        known = {**_assigned(way["assignment"][at], shares, known), **known}
    if not known:
        return None
    images = np.array(sorted({image for _, image in known}), np.int64)
    mass = np.full((way["masses"].shape[1], len(images)), np.nan)
    for (point, image), entry in known.items():
        mass[point, np.searchsorted(images, image)] = entry
    order = by_receiver(mass)
    return Matrix(
        name=name,
        step=at,
        steps=steps,
        mass=mass[:, order],
        images=images[order],
        masses=way["masses"][at].astype(np.float64),
        shown=min(1.0, float(np.nansum(mass))),
    )


def by_receiver(mass: Float64[np.ndarray, "m n"]) -> Int64[np.ndarray, " n"]:
    """An order of the columns: by the row that takes most of each, then by how much it takes, most first."""
    filled = np.nan_to_num(mass)
    return np.lexsort((-filled.max(axis=0), filled.argmax(axis=0)))


def checked_plan(transport: "Transport") -> Float64[np.ndarray, "n_a n_b"]:
    """The plan of a result of `wddkit.ot.transport`; ValueError if it is none."""
    plan = np.asarray(getattr(transport, "plan", None), np.float64)
    if plan.ndim != 2 or not plan.size or not np.isfinite(plan).all() or (plan < 0).any():
        raise ValueError(
            f"plan_matrix: expected a result of wdd.ot.transport, with a plan [n_a, n_b] of masses that are finite and "
            f"not negative, got {type(transport).__name__} with a plan of shape {plan.shape}"
        )
    return plan


def _entries(indices: np.ndarray, masses: np.ndarray) -> dict[tuple[int, int], float]:
    """(support point, real image) -> mass of the recorded largest entries; those of mass 0 only fill up a row."""
    return {
        (point, int(image)): float(mass)
        for point, row in enumerate(indices)
        for image, mass in zip(row, masses[point], strict=True)
        if mass > 0
    }


def _assigned(
    points: np.ndarray, shares: np.ndarray, known: dict[tuple[int, int], float]
) -> dict[tuple[int, int], float]:
    """The same for each real image's largest share; -1: unknown.

    Shares are of an image's own mass 1/n. That mass is known from entries that were recorded in both ways.
    """
    pairs = {(int(points[i]), int(i)): float(shares[i]) for i in np.flatnonzero((points >= 0) & (shares > 0))}
    ratios = [known[pair] / share for pair, share in pairs.items() if pair in known]
    if not ratios:
        return {}
    whole = float(np.median(ratios))
    return {pair: share * whole for pair, share in pairs.items()}
