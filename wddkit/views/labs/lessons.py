"""Lessons of the laboratories: each a situation to look at, with one sentence that says at what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Points = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Lesson:
    """A situation with a name for Python, a title for the drop-down list, and what to look at; `state` are traits."""

    name: str
    title: str
    text: str
    state: Mapping[str, Any]

    def sent(self) -> dict[str, Any]:
        """The lesson as the browser is given it."""
        return {"name": self.name, "title": self.title, "text": self.text, "state": dict(self.state)}


def measure(points: Points, masses: Sequence[float] | None = None) -> dict[str, Any]:
    """Points and masses (equal unless given) as the traits hold them."""
    weights = np.ones(len(points)) if masses is None else np.asarray(masses, dtype=float)
    return {"points": [list(map(float, point)) for point in points], "masses": (weights / weights.sum()).tolist()}


def _transport(a: dict[str, Any], b: dict[str, Any], **settings: Any) -> dict[str, Any]:
    usual = {"cost": "sqeuclidean", "reg": None, "relax": None, "mass": 1.0}
    return {"sides": {"a": a, "b": b}, **usual, **settings}


def _cloud(seed: int, centre: Sequence[float], count: int, spread: float) -> list[list[float]]:
    """Normal points around a centre, rounded so that they can be read, inside the board."""
    drawn = np.random.default_rng(seed).normal(size=(count, len(centre))) * spread + centre
    clipped: list[list[float]] = np.clip(drawn, 0.1, [5.9, 3.9][: len(centre)]).round(2).tolist()
    return clipped


def _line(*positions: float) -> list[list[float]]:
    return [[each] for each in positions]


TRANSPORT = (
    Lesson(
        "two points",
        "Two points: what W2 measures",
        "All mass of a goes to b, so squared W2 is the squared distance: here 3² + 2² = 13. Drag a point and watch "
        "it grow four times as large when the distance doubles.",
        _transport(measure([[1.5, 1]]), measure([[4.5, 3]])),
    ),
    Lesson(
        "crossing",
        "Crossing lines: the squared distance allows them, the distance does not",
        "Under the plain distance the best lines never cross: exchanging their ends would be shorter. Choose the "
        "ground cost “squared distance”: now they do, because two middling ways cost less than a short and a long "
        "one.",
        _transport(measure([[1.9, 1.8], [0.6, 3.1]]), measure([[4.8, 3], [2.8, 1.8]]), cost="l2"),
    ),
    Lesson(
        "sorting",
        "On a line: sort both sides",
        "On a line the best plan never lets two masses overtake each other, so it is found by sorting: the "
        "leftmost a goes to the leftmost b, and so on. Drag a point past its neighbour and see the lines change "
        "partners.",
        _transport(measure(_line(0.6, 1.1, 1.5, 2.2, 3.4, 5.3)), measure(_line(0.9, 2.7, 3.1, 3.9, 4.7, 5.6))),
    ),
    Lesson(
        "split masses",
        "Unequal masses must split",
        "The heavy a1 has more mass than any b can take, so its mass is split over several lines: a plan, not a "
        "pairing. Choose a point and change its mass with the slider.",
        _transport(
            measure([[1, 2], [2, 3.3], [1.8, 0.7]], [0.6, 0.2, 0.2]),
            measure([[4.4, 3.3], [5, 2], [4.2, 0.8], [3.6, 2.2]], [0.3, 0.3, 0.2, 0.2]),
        ),
    ),
    Lesson(
        "shift",
        "The same cloud, moved: every line is the same arrow",
        "b is a, moved by (2.5, 0.5). The best plan moves every point by just that, so squared W2 is the squared "
        "length of the arrow: 2.5² + 0.5² = 6.5. Drag a point, and the change of shape comes on top.",
        _transport(
            measure([[1.2, 1.1], [0.6, 2.2], [1.7, 2.8], [2.2, 1.9], [1.1, 3.2], [2.6, 0.8]]),
            measure([[3.7, 1.6], [3.1, 2.7], [4.2, 3.3], [4.7, 2.4], [3.6, 3.7], [5.1, 1.3]]),
        ),
    ),
    Lesson(
        "blur",
        "Entropic blur: every a sends a little to every b",
        "With regularisation the plan is spread out, which makes it smooth and fast to compute, but dearer than "
        "the exact one. Pull “Blur” to the left and the lines come into focus; to the right, and every a goes "
        "everywhere.",
        _transport(
            measure([[0.8, 0.8], [1.1, 1.7], [0.7, 2.5], [1.3, 3.3]]),
            measure([[4.6, 0.6], [5.1, 1.5], [4.8, 2.6], [5.3, 3.4]]),
            reg=1.0,
        ),
    ),
    Lesson(
        "outlier",
        "One outlier, and a plan that may leave it behind",
        "One a, at the bottom left, lies far from everything. At 90 % it may stay behind, and so it is drawn "
        "hollow. Raise “Share carried” to 100 %: this one tenth of the mass makes most of the value.",
        _transport(
            measure([*_cloud(3, (4.2, 2.4), 9, 0.45), [0.3, 0.3]]),
            measure(_cloud(5, (4.6, 2.1), 10, 0.45)),
            mass=0.9,
        ),
    ),
    Lesson(
        "unbalanced",
        "Unbalanced: mass has a price for being left behind",
        "The blue group is heavy at the bottom left, the orange one at the top right. What is near is carried; to "
        "carry the rest across would cost more than the price ρ of leaving it, so marks are partly hollow. Raise "
        "ρ.",
        _transport(
            measure(_cloud(7, (1.4, 1), 7, 0.4) + _cloud(8, (4.1, 3), 3, 0.4)),
            measure(_cloud(9, (1.9, 1.1), 3, 0.4) + _cloud(10, (4.6, 2.9), 7, 0.4)),
            relax=1.0,
            reg=0.05,
        ),
    ),
    Lesson(
        "directions",
        "Cosine: only directions count",
        "The cost is 1 - cos of the angle at the corner (0, 0), so lengths are free: a1 reaches b1 on its own ray "
        "at no cost. Drag a point along its ray, where nothing changes, and then across.",
        _transport(
            measure([[0.8, 2], [1.6, 1.6], [2, 0.7]]), measure([[1.4, 3.5], [4, 3.4], [5.4, 1.2]]), cost="cosine"
        ),
    ),
    Lesson(
        "sixty",
        "Sixty to sixty: the best of 60! pairings",
        "There are more pairings than atoms in the universe, and the exact best one is found anew at every move of "
        "your hand: equal masses never split, and the lines hardly cross.",
        _transport(measure(_cloud(11, (2, 2), 60, 0.75)), measure(_cloud(12, (4, 2), 60, 0.75))),
    ),
)


def _barycenter(points: Points, start: Points, **settings: Any) -> dict[str, Any]:
    usual = {"rule": "free", "cost": "sqeuclidean", "trim": 0.0, "weights": [1.0], "step": 0}
    return {"data": [measure(points)], "start": [list(map(float, each)) for each in start], **usual, **settings}


_GROUPS = _cloud(21, (1.3, 1.1), 10, 0.32) + _cloud(22, (4.6, 1), 10, 0.35) + _cloud(23, (3, 3.1), 10, 0.32)
_RING = [[round(3 + 1.6 * np.cos(t), 2), round(2 + 1.6 * np.sin(t), 2)] for t in np.arange(12) * np.pi / 6 + 0.1]
_DISC = _cloud(27, (1.5, 2.6), 16, 0.35)
_BAR = [[round(3.4 + 0.15 * k, 2), round(1 + 0.04 * (k % 3), 2)] for k in range(16)]

BARYCENTER = (
    Lesson(
        "three groups",
        "Three groups, three support points",
        "Press “step”: first every point is assigned to its nearest support point, then each support point moves "
        "to the mean of what it was given. After a few steps nothing moves any more: this is k-means, and a "
        "barycenter.",
        _barycenter(_GROUPS, [[2.2, 2.2], [3.2, 1.9], [3.9, 2.6]]),
    ),
    Lesson(
        "bad start",
        "A bad start: stuck in a local minimum",
        "Two support points begin in one group and one between the two others. Every step lowers the value, and "
        "yet the end is far above the best of 20 starts. Drag a support point across to free it.",
        _barycenter(_GROUPS, [[1.1, 0.8], [1.5, 1.4], [3.8, 2]]),
    ),
    Lesson(
        "empty",
        "A support point that nobody needs",
        "The third support point starts far from all points and is given nothing. An empty support point moves to "
        "the point that costs most, and earns its place there.",
        _barycenter(_GROUPS[:20], [[1.2, 1.8], [4.2, 1.6], [0.4, 3.8]]),
    ),
    Lesson(
        "free or uniform",
        "Free masses against equal masses",
        "A large group and a small one. With free masses each group gets a support point of its own, with a mass "
        "to match. Choose “equal”: now the small group's support point must take its half of the mass from the "
        "large one.",
        _barycenter(_cloud(24, (1.8, 2), 24, 0.5) + _cloud(25, (4.9, 2.2), 6, 0.25), [[1.5, 1], [5.2, 3.2]]),
    ),
    Lesson(
        "split points",
        "Five points for two: one must be split",
        "Two support points of mass one half and five points of mass one fifth: somebody's mass goes to both, "
        "which two lines show. Run it, then drag points and see who it is.",
        _barycenter([[1, 1.2], [1.6, 2.8], [3, 1.9], [4.5, 2.9], [5, 1]], [[2, 2], [4, 2]], rule="uniform"),
    ),
    Lesson(
        "mean or median",
        "One support point: mean, median, and an outlier",
        "With squared distances the best single point is the mean, and the outlier pulls it away. Choose the "
        "ground cost “distance”: the geometric median hardly feels it. Or raise “Trim” to leave the farthest mass "
        "out.",
        _barycenter([*_cloud(26, (1.6, 1.4), 9, 0.35), [5.6, 3.7]], [[3, 3]]),
    ),
    Lesson(
        "quantiles",
        "On a line: equal masses cut at quantiles",
        "On a line the cells of equal mass lie between quantiles, and each support point is the mean of its "
        "stretch. The staircase below is the barycenter's quantile function: the nearest one with four equal "
        "steps.",
        _barycenter(
            _line(0.3, 0.5, 0.6, 0.8, 0.9, 1.1, 1.4, 1.8, 2.1, 2.7, 3.6, 5.4),
            _line(1, 2, 3, 4),
            rule="uniform",
        ),
    ),
    Lesson(
        "two measures",
        "Between two measures",
        "Support points of equal mass between a cloud and a bar: each goes to the weighted mean of what the two "
        "plans bring it. Run it, then change the weights: the barycenter travels from one measure to the other.",
        {
            **_barycenter(_DISC, [[0.5 + 0.2 * k, 0.4 + 0.2 * (k % 3)] for k in range(8)], rule="uniform"),
            "data": [measure(_DISC), measure(_BAR)],
            "weights": [0.5, 0.5],
        },
    ),
    Lesson(
        "ring",
        "A ring, cut in many ways",
        "Where nothing in the data says where to cut, every start ends at another barycenter, and many are equally "
        "good. Press “new start” a few times and compare with the best of 20.",
        _barycenter(_RING, [[2.6, 2.6], [3.6, 2.2], [3, 1.4]]),
    ),
)
