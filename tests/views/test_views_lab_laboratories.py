"""The laboratories worked by hand in a real JupyterLab, and what the next cell reads of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import nothing_went_wrong, until, watched
from lab import Lab, Traffic, lefts_of_numbers, write_notebook
from labs_page import button, centre, drag, handle, measure, press, rest, said, shown, step, support
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRANSPORT = {
    "make": """
import json
import wddkit as wdd
lab = wdd.TransportLab([[1.0, 1.0], [2.0, 3.0], [1.5, 2.0]], [[4.0, 1.0], [5.0, 3.0]])
""",
    "show": "lab",
    "read": """
u, v = lab.potentials
print(json.dumps([lab.a.points.tolist(), lab.value, lab.plan.tolist(), u.tolist(), v.tolist(), lab.reg]))
""",
}
# The points that the page shows, typed in anew.
TRANSPORT_OWN = """
own = wdd.ot.transport({a}, {b}, reg=lab.reg)
print(json.dumps([abs(own.value - lab.value), abs(own.plan - lab.plan).max()]))
"""
BARYCENTER = {
    "make": """
import json
import numpy as np
import wddkit as wdd
start = [[0.5, 0.5], [4.0, 3.5]]
lab = wdd.BarycenterLab(np.array([[1.0, 1.0], [1.0, 2.0], [5.0, 1.0], [5.0, 3.0]]), start=start)
""",
    "show": "lab",
    "read": """
print(json.dumps([lab.points.points.tolist(), lab.step, lab.value, lab.support.tolist(), lab.plan.tolist()]))
""",
}
BARYCENTER_OWN = """
steps = wdd.ot.barycenter_steps({points}, m=2, masses="free", solver=wdd.ot.Lloyd(), start=np.array({start}))
own = list(steps)[lab.step]
pairs = (own.value, lab.value), (own.support, lab.support), (own.masses, lab.masses), (own.plan, lab.plan)
print(json.dumps([float(np.abs(one - other).max()) for one, other in pairs]))
"""


def opened(running: Lab, page: Page, name: str) -> None:
    """Opens the notebook and shows its laboratory."""
    running.open(page, name)
    for cell in ("make", "show"):
        running.run_cell(page, cell)
    page.locator(".wdd[data-drawn]").wait_for()
    page.locator(".wdd-board").scroll_into_view_if_needed()
    rest(page)
    running.heard(page)


def told(running: Lab, page: Page, cell: str) -> Any:
    """What a cell prints, once the kernel knows what was done in the page."""
    running.heard(page)
    running.run_cell(page, cell)
    return json.loads(running.said(page, cell))


def own(running: Lab, page: Page, code: str) -> list[float]:
    """How far what is computed from the points that the page shows is from what the laboratory says."""
    running.write_cell(page, "read", code)
    return [float(each) for each in told(running, page, "read")]


def drag_slowly(running: Lab, page: Page, name: str, dx: float, dy: float, traffic: Traffic) -> list[int]:
    """Moves a point by mouse, without any message meanwhile; sizes of the messages once it rests."""
    traffic.clear()
    x, y = centre(page, name)
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(1, 21):
        page.mouse.move(x + dx * k / 20, y + dy * k / 20)
        page.wait_for_timeout(15)
    assert traffic.sent == []
    page.mouse.up()
    rest(page)
    running.heard(page)
    return [*traffic.sent]


def test_a_point_of_the_transport_laboratory_is_dragged_and_the_next_cell_has_its_plan(
    running: Lab, browser: Browser, desk: Path
) -> None:
    write_notebook(desk / "transport.ipynb", TRANSPORT)
    found = watched(browser, width=1400)
    page, traffic = found.page, Traffic.of(found.page)
    opened(running, page, "transport.ipynb")
    names, values = lefts_of_numbers(page)
    assert len(names) == 2
    assert names == values
    before = shown(page)
    (size,) = drag_slowly(running, page, "a1", 120, -60, traffic)
    assert size < 3000
    found.shot("jupyter-transport")
    seen = measure(page, "a").points
    points, value, plan, u, v, _ = told(running, page, "read")
    assert points == seen.tolist()
    assert points[0] != [1.0, 1.0]
    assert value != pytest.approx(before, abs=0.1)
    assert shown(page) == pytest.approx(value, abs=0.006)
    np.testing.assert_allclose(np.sum(plan, axis=1), 1 / 3, atol=1e-12)
    assert value == pytest.approx(np.mean(u) + np.mean(v), abs=1e-9)  # the potentials are its proof
    code = TRANSPORT_OWN.format(a=seen.tolist(), b=measure(page, "b").points.tolist())
    assert max(own(running, page, code)) < 1e-9
    page.get_by_role("slider", name="Blur (reg)").focus()
    press(page, *["ArrowRight"] * 25)
    assert page.locator(".wdd-what").text_content() == "cost of the blurred plan"
    assert max(own(running, page, code)) < 1e-9
    running.write_cell(page, "read", TRANSPORT["read"])
    *_, reg = told(running, page, "read")
    assert reg == float(page.get_by_role("slider", name="Blur (reg)").get_attribute("aria-valuetext") or "nan")
    nothing_went_wrong(found)


def test_keys_in_a_laboratory_move_points_and_leave_the_notebook_alone(
    running: Lab, browser: Browser, desk: Path
) -> None:
    write_notebook(desk / "keys.ipynb", TRANSPORT)
    found = watched(browser, width=1400)
    page = found.page
    opened(running, page, "keys.ipynb")
    handle(page, "a1").focus()
    press(page, "Shift+ArrowRight", "Alt+Shift+ArrowUp", "a", "b", "x", "d", "d", "z", "m")  # what would edit cells
    press(page, "n")
    assert len(measure(page, "a")) == 4
    press(page, "Delete")
    points, *_ = told(running, page, "read")
    assert points == measure(page, "a").points.tolist() == [[1.1, 2.0], [2.0, 3.0], [1.5, 2.0]]
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == 3
    running.write_cell(page, "read", "lab.a = [[0.0, 0.0]]\nlab.b = [[3.0, 4.0]]\nprint(lab.value)")
    assert told(running, page, "read") == 25
    until(page, lambda: shown(page) == 25)
    nothing_went_wrong(found)


def test_the_barycenter_laboratory_is_stepped_and_dragged_and_the_next_cell_has_its_support(
    running: Lab, browser: Browser, desk: Path
) -> None:
    write_notebook(desk / "barycenter.ipynb", BARYCENTER)
    found = watched(browser, width=1400, reduced_motion="reduce")
    page, traffic = found.page, Traffic.of(found.page)
    opened(running, page, "barycenter.ipynb")
    step(page, 2)  # assign, move
    assert said(page).startswith("To step 1, move")
    _, number, value, points, _ = told(running, page, "read")
    assert number == 1
    assert support(page) == pytest.approx(np.array(points), abs=0.006)
    button(page, "run to the end")
    (size,) = drag_slowly(running, page, "point 1", 90, -45, traffic)
    assert size < 3000
    found.shot("jupyter-barycenter")
    seen = measure(page, "point ").points
    data, _, value, points, plan = told(running, page, "read")
    assert data == seen.tolist()
    assert data[0] != [1.0, 1.0]
    assert shown(page) == pytest.approx(value, abs=0.006)
    assert support(page) == pytest.approx(np.array(points), abs=0.006)
    np.testing.assert_allclose(np.sum(plan, axis=0), 0.25, atol=1e-12)
    code = BARYCENTER_OWN.format(points=seen.tolist(), start="start")
    assert max(own(running, page, code)) < 1e-9
    drag(page, "support point 1", 120, 30)  # a new start, from where it is put
    new = support(page).tolist()
    step(page, 2)
    assert max(own(running, page, BARYCENTER_OWN.format(points=seen.tolist(), start=new))) < 1e-9
    running.write_cell(page, "read", BARYCENTER["read"])
    _, number, value, points, _ = told(running, page, "read")
    assert number == 1
    assert support(page) == pytest.approx(np.array(points), abs=0.006)
    nothing_went_wrong(found)
