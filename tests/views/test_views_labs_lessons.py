"""The lessons of the laboratories: each can be shown, and what its sentence says is true."""

from typing import Any

import numpy as np
import pytest

from wddkit.ot import transport
from wddkit.views import BarycenterLab, TransportLab
from wddkit.views.labs.lessons import BARYCENTER, TRANSPORT


@pytest.mark.parametrize("lesson", TRANSPORT, ids=lambda lesson: lesson.name)
def test_every_lesson_of_transport_is_a_laboratory(lesson: Any) -> None:
    lab = TransportLab(lesson=lesson.name)
    assert lab.value >= 0
    assert lab.plan.shape == (len(lab.a), len(lab.b))
    assert len(lesson.text) <= 260


@pytest.mark.parametrize("lesson", BARYCENTER, ids=lambda lesson: lesson.name)
def test_every_lesson_of_barycenters_is_a_laboratory(lesson: Any) -> None:
    values = [step.value for step in BarycenterLab(lesson=lesson.name).history]
    assert values == sorted(values, reverse=True)
    assert len(lesson.text) <= 260


def test_what_the_lessons_of_transport_say_is_true() -> None:
    assert TransportLab(lesson="two points").value == pytest.approx(3**2 + 2**2)
    crossing = TransportLab(lesson="crossing")
    assert not segments_cross(crossing)
    crossing.cost = "sqeuclidean"
    assert segments_cross(crossing)
    for lab in (TransportLab(lesson="sorting"), TransportLab(lesson="shift")):
        np.testing.assert_allclose(lab.plan, np.eye(6) / 6, atol=1e-12)
    assert TransportLab(lesson="shift").value == pytest.approx(2.5**2 + 0.5**2)
    assert (TransportLab(lesson="split masses").plan[0] > 0).sum() > 1
    blurred = TransportLab(lesson="blur")
    assert blurred.value > transport(blurred.a, blurred.b).value
    outlier = TransportLab(lesson="outlier")
    assert outlier.plan[-1].sum() == pytest.approx(0)
    assert outlier.value < transport(outlier.a, outlier.b).value / 2
    rays = TransportLab(lesson="directions")
    assert rays.plan[0, 0] * np.prod(rays.a.points[0] - rays.b.points[0]) != 0
    assert np.cross([*rays.a.points[0], 0], [*rays.b.points[0], 0])[2] == pytest.approx(0)
    sixty = TransportLab(lesson="sixty")
    assert (sixty.plan > 0).sum() == 60


def segments_cross(lab: TransportLab) -> bool:
    (x1, x2), ends = lab.a.points, lab.b.points[lab.plan.argmax(1)]
    (y1, y2) = ends
    side = lambda p, q, r: np.sign((q - p)[0] * (r - p)[1] - (q - p)[1] * (r - p)[0])  # noqa: E731
    return bool(side(x1, y1, x2) != side(x1, y1, y2) and side(x2, y2, x1) != side(x2, y2, y1))


def test_what_the_lessons_of_barycenters_say_is_true() -> None:
    good, bad = (BarycenterLab(lesson=name).history[-1].value for name in ("three groups", "bad start"))
    assert bad > 3 * good
    empty = BarycenterLab(lesson="empty")
    assert empty.history[0].masses[2] == 0
    assert empty.history[-1].masses[2] > 0
    split = BarycenterLab(lesson="split points").history[-1].plan
    assert ((split > 0).sum(0) > 1).sum() == 1
    free = BarycenterLab(lesson="free or uniform")
    np.testing.assert_allclose(np.sort(free.history[-1].masses), [0.2, 0.8])
    mean = BarycenterLab(lesson="mean or median")
    np.testing.assert_allclose(mean.history[-1].support[0], mean.points.points.mean(0))  # type: ignore[union-attr]  # one measure
    assert np.shape(BarycenterLab(lesson="quantiles").start) == (4, 1)
