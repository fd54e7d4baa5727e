"""The laboratories' widgets, as far as they go without a browser."""

import base64
import gc
import json
import re
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets

import wddkit as wdd
from wddkit.ot import Measure, barycenter_steps, partial, transport, unbalanced, w2_squared
from wddkit.views import BarycenterLab, TransportLab, assets

LABS = (TransportLab, BarycenterLab)


def pair(m: int = 5, n: int = 7, d: int = 2) -> tuple[Measure, Measure]:
    rng = np.random.default_rng(0)
    return Measure(rng.normal(size=(m, d)), rng.dirichlet(np.ones(m))), Measure.of(rng.normal(size=(n, d)))


def sent(lab: Any, **state: Any) -> None:
    """What arrives from the browser: traits, all in one message."""
    lab.set_state(state)


def test_a_laboratory_shows_the_measures_it_is_given() -> None:
    a, b = pair()
    lab = TransportLab(a, b.points)
    np.testing.assert_array_equal(lab.a.points, a.points)
    np.testing.assert_allclose(lab.a.masses, a.masses, rtol=1e-15)
    np.testing.assert_allclose(lab.b.masses, np.full(7, 1 / 7))
    assert (lab.cost, lab.reg, lab.relax, lab.mass) == ("sqeuclidean", None, None, 1.0)


def test_plan_value_and_potentials_are_those_of_wdd_ot() -> None:
    a, b = pair()
    cases = [
        ({}, transport(a, b)),
        ({"cost": "l1"}, transport(a, b, cost="l1")),
        ({"reg": 0.3}, transport(a, b, reg=0.3)),
        ({"reg": 0.1, "relax": 2.0, "cost": "l2"}, unbalanced(a, b, relax=2.0, reg=0.1, cost="l2")),
        ({"mass": 0.7}, partial(a, b, mass=0.7)),
    ]
    for options, expected in cases:
        lab = TransportLab(a, b, **options)
        assert lab.value == pytest.approx(expected.value, abs=1e-9)  # masses are renormalised, which moves last digits
        np.testing.assert_allclose(lab.plan, expected.plan, atol=1e-9)
        np.testing.assert_allclose(lab.potentials[0], expected.potentials[0], atol=1e-9)
        np.testing.assert_allclose(lab.potentials[1], expected.potentials[1], atol=1e-9)


def test_what_the_browser_sends_is_read_in_the_next_cell() -> None:
    lab = TransportLab()
    sides = {"a": {"points": [[0.0], [2.0]], "masses": [0.25, 0.75]}, "b": {"points": [[1.0]], "masses": [1.0]}}
    sent(lab, sides=sides, cost="l1", reg=0.05, relax=3.0, lesson="")
    assert lab.a.points.tolist() == [[0.0], [2.0]]
    assert lab.value == pytest.approx(unbalanced(lab.a, lab.b, relax=3.0, reg=0.05, cost="l1").value)
    sent(lab, reg=None, relax=None, mass=0.5)
    assert lab.value == pytest.approx(0.5)
    assert lab.sides == sides  # as it was sent: what is changed would be sent back


def test_measures_are_set_from_python_and_may_change_dimension_together() -> None:
    lab = TransportLab()
    lab.a = [[0.0, 0.0], [1.0, 1.0]]
    lab.b = Measure(np.array([[2.0, 2.0], [0.0, 1.0]]), np.array([0.25, 0.75]))
    assert lab.value == pytest.approx(w2_squared(lab.a, lab.b))
    with pytest.raises(ValueError, match="b: points of dimension 2, and those of a have 1; give both anew, alike"):
        lab.a = [[0.0], [1.0]]
    lab.set_measures([[0.0], [1.0]], [[3.0]])
    assert lab.value == pytest.approx((9 + 4) / 2)


def test_a_barycenter_laboratory_goes_the_way_of_wdd_ot() -> None:
    x, _ = pair(30, 1)
    start = [[0.0, 0.0], [1.0, 1.0], [-1.0, 0.0]]
    for rule in ("free", "uniform"):
        lab = BarycenterLab(x, m=3, masses=rule, cost="l2", trim=0.1, start=start)
        expected = list(barycenter_steps(x, m=3, masses=rule, cost="l2", trim=0.1, start=start, solver="lloyd"))
        assert len(lab.history) == len(expected)
        for k, step in enumerate(expected):
            lab.step = k
            np.testing.assert_allclose(lab.support, step.support)
            np.testing.assert_allclose(lab.masses, step.masses)
            np.testing.assert_allclose(lab.plan, step.plan)
            assert lab.value == pytest.approx(step.value)
        lab.step = 99  # beyond the end: the last one
        assert lab.value == pytest.approx(expected[-1].value)


def test_a_start_is_drawn_by_k_means_from_the_seed() -> None:
    x, _ = pair(30, 1)
    starts = [BarycenterLab(x, m=4, seed=seed).start for seed in (0, 0, 1)]
    assert starts[0] == starts[1] != starts[2]
    assert np.abs(np.array(starts[0])[:, None] - x.points).sum(2).min(1) == pytest.approx(0)  # data points


def test_several_measures_have_weights_and_equal_masses() -> None:
    a, b = pair(20, 12)
    lab = BarycenterLab([a, b], m=3, masses="uniform", weights=[0.3, 0.7])
    assert [len(each) for each in lab.measures] == [20, 12]
    options = {"m": 3, "masses": "uniform", "weights": [0.3, 0.7], "start": lab.start, "solver": "lloyd"}
    assert lab.history[-1].value == pytest.approx([*barycenter_steps([a, b], **options)][-1].value)
    with pytest.raises(ValueError, match="rule: free masses are for one measure, and there are 2; use 'uniform'"):
        BarycenterLab([a, b], m=3, start=lab.start)
    with pytest.raises(ValueError, match=r"weights: expected 2 positive numbers that sum to 1, got \[0.5, 0.6\]"):
        BarycenterLab([a, b], m=3, masses="uniform", weights=[0.5, 0.6], start=lab.start)


def test_points_are_set_from_python() -> None:
    lab = BarycenterLab()
    x, y = pair(9, 8)
    lab.points = x
    np.testing.assert_array_equal(lab.points.points, x.points)  # type: ignore[union-attr]  # one measure
    lab.points = [x, y]
    assert (lab.rule, lab.weights, len(lab.points)) == ("uniform", [0.5, 0.5], 2)
    lab.points = pair(9, 8, 1)[0]
    assert np.shape(lab.start) == (3, 1)
    assert lab.value > 0


def test_state_of_a_barycenter_laboratory_arrives_from_the_browser() -> None:
    lab = BarycenterLab()
    data = [{"points": [[0.0], [1.0], [5.0]], "masses": [0.25, 0.25, 0.5]}]
    sent(lab, data=data, start=[[0.0], [4.0]], rule="uniform", weights=[1.0], step=1, trim=0.0, lesson="")
    assert lab.support.tolist() == [[0.5], [5.0]]
    assert lab.value == pytest.approx(0.125)


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (np.zeros((201, 2)), "a: 201 points, and a laboratory shows at most 200; take a sample of them"),
        (np.zeros((4, 3)), r"a: points of dimension 3; expected 1 \(a line\) or 2 \(the plane\)"),
        ([[0.0, np.nan]], "a: NaN or infinite values in 1 of 1 rows, first in row 0"),
        ([0.0, 1.0], r"a: expected shape \[n, d\], got \(2,\)"),
        (Measure(np.eye(2), np.array([1.0, 0.0])), "a: point 1 has mass 0; leave it out"),
    ],
)
def test_measures_that_cannot_be_shown_are_errors_that_name_them(a: Any, message: str) -> None:
    b = [[0.0, 0.0]]
    with pytest.raises(ValueError, match=message):
        TransportLab(a, b)
    with pytest.raises(ValueError, match=message.replace("a: ", r"points(\[0\])?: ", 1)):
        BarycenterLab(a)
    lab = TransportLab()
    with pytest.raises(ValueError, match=message):
        lab.a = a


def test_arguments_that_do_not_go_together_are_errors() -> None:
    a, b = pair()
    with pytest.raises(ValueError, match="a and b: give both, or neither for a lesson's points"):
        TransportLab(a)
    with pytest.raises(ValueError, match="lesson: it brings its own points; leave out a and b, or the lesson"):
        TransportLab(a, b, lesson="sorting")
    with pytest.raises(ValueError, match="lesson: it brings its own points; leave out the points, or the lesson"):
        BarycenterLab(a, lesson="ring")
    with pytest.raises(ValueError, match=r"unknown lesson 'sortin'. Did you mean 'sorting'\? Known: blur, crossing"):
        TransportLab(lesson="sortin")
    with pytest.raises(ValueError, match="unknown ground cost of a laboratory 'kl'"):
        TransportLab(a, b, cost="kl")
    with pytest.raises(ValueError, match=r"relax: unbalanced plans need a reg as well; set reg first, such as 0\.05"):
        TransportLab(a, b, relax=1.0)
    with pytest.raises(ValueError, match="unknown masses of a laboratory 'fixed'"):
        BarycenterLab(a, masses="fixed")
    with pytest.raises(ValueError, match="start: 41 support points, and a laboratory shows at most 40"):
        BarycenterLab(a, start=np.zeros((41, 2)))
    with pytest.raises(ValueError, match=r"start: points of dimension 1, and those of points\[0\] have 2"):
        BarycenterLab(a, start=[[0.0]])


def test_traits_that_cannot_be_are_refused_and_say_what_can() -> None:
    lab = TransportLab()
    for name, value, message in [
        ("reg", -1.0, "reg: expected a positive finite number, or None, got -1.0"),
        ("relax", np.inf, "relax: expected a positive finite number, or None, got inf"),
        ("mass", 0.0, "mass: expected the share of the mass to carry, from 0.001 to 1, got 0.0"),
        ("cost", "l3", "unknown ground cost of a laboratory 'l3'"),
        ("sides", {"a": {}}, "sides: expected 'a' and 'b', got 'a'"),
        ("sides", {"a": {}, "b": {}}, "a: expected a mapping of 'points' and 'masses', got {}"),
    ]:
        with pytest.raises(traitlets.TraitError, match=re.escape(message)):
            setattr(lab, name, value)
    lab.reg = 0.1
    with pytest.raises(traitlets.TraitError, match=r"mass: 0.5 is carried exactly, so reg and relax must be None"):
        lab.mass = 0.5
    lab.reg = None
    with pytest.raises(traitlets.TraitError, match="relax: unbalanced plans need a reg as well"):
        lab.relax = 1.0
    assert (lab.reg, lab.relax, lab.mass) == (None, None, 1.0)
    lab.reg, lab.relax = 0.1, 1.0
    with pytest.raises(traitlets.TraitError, match="reg: unbalanced plans need a reg as well; set relax to None first"):
        lab.reg = None
    assert (lab.reg, lab.relax) == (0.1, 1.0)
    lab.relax = None
    lab.reg = None
    assert lab.plan.shape == (len(lab.a), len(lab.b))


def test_traits_of_a_barycenter_that_cannot_be_are_refused() -> None:
    lab = BarycenterLab()
    for name, value, message in [
        ("step", -1, "step: expected 0 (the start) or more, got -1"),
        ("trim", 1.0, "trim: expected the share to leave out, in [0, 1), got 1.0"),
        ("rule", "equal", "unknown rule for the masses 'equal'. Known: free, uniform"),
        ("cost", "kl", "unknown ground cost of a laboratory 'kl'"),
        ("start", [[0.0, np.nan]], "start: NaN or infinite values in 1 of 1 rows"),
        ("data", [{"points": [[0.0, 0.0]]}], "points[0]: expected a mapping of 'points' and 'masses'"),
    ]:
        with pytest.raises(traitlets.TraitError, match=re.escape(message)):
            setattr(lab, name, value)


@pytest.mark.parametrize("lab", LABS)
def test_a_page_holds_everything_and_names_no_other_address(lab: Any, tmp_path: Path) -> None:
    page = lab().to_html(tmp_path / "lab.html").read_text("utf-8")
    assert set(re.findall(r"https?://[^\s\"'<>]+", page)) <= {"http://www.w3.org/2000/svg"}
    noscript = re.search(r"<noscript>(.*?)</noscript>", page, re.DOTALL)
    assert noscript
    assert "value" in noscript[1]
    assert len(page) < 200_000


@pytest.mark.parametrize("name", ["transport_lab", "barycenter_lab"])
def test_no_data_becomes_markup_and_no_script_ends_early(name: str) -> None:
    module = assets.module(name)
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", module) == []
    assert "</script" not in module


def test_the_page_shows_the_laboratory_as_it_stands(tmp_path: Path) -> None:
    lab = TransportLab(*pair(), reg=0.25)
    text = lab.to_html(tmp_path / "lab.html").read_text("utf-8")
    match = re.search(r'<script type="application/json" id="state">(.*?)</script>', text, re.DOTALL)
    assert match
    state = json.loads(match[1])
    assert (state["reg"], state["sides"]) == (0.25, lab.sides)


@pytest.mark.parametrize("lab", LABS)
def test_a_notebook_without_widgets_shows_a_picture(lab: Any) -> None:
    for shown in (lab(), lab(pair(5, 7, 1)[0], pair(5, 7, 1)[1]) if lab is TransportLab else lab(pair(5, 7, 1)[0])):
        bundle = shown._repr_mimebundle_()
        assert bundle is not None
        data, metadata = bundle
        assert "application/vnd.jupyter.widget-view+json" in data
        assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
        assert "value" in metadata["image/png"]["alt"]


@pytest.mark.parametrize("lab", LABS)
def test_closed_laboratories_are_forgotten(lab: Any) -> None:
    def closed() -> weakref.ref[Any]:
        shown = lab()
        shown.close()
        return weakref.ref(shown)

    ghosts = [closed() for _ in range(3)]
    gc.collect()
    assert [ghost() for ghost in ghosts] == [None, None, None]


def test_laboratories_are_in_the_public_face_and_load_neither_torch_nor_matplotlib() -> None:
    assert (wdd.TransportLab, wdd.BarycenterLab) == LABS
    code = (
        "import sys, wddkit as wdd\n"
        "wdd.TransportLab().value, wdd.BarycenterLab().value\n"
        "assert not {'torch', 'matplotlib', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
