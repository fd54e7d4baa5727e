"""The browser's optimal transport beside wddkit.ot: the same numbers for the same problems."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from browser import chromium
from labs_page import engine
from playwright.sync_api import Page

from wddkit.ot import Measure, barycenter_steps, partial, transport, unbalanced
from wddkit.ot.entropic import sinkhorn
from wddkit.ot.plan import Transport

pytestmark = pytest.mark.browser

SAME = 1e-9
SIZES = [(1, 1), (1, 7), (2, 2), (5, 3), (17, 17), (60, 60), (40, 90), (200, 200)]
SOLVE = """([a, b, options]) => {
  const t = transport(a, b, options);
  return { plan: [...t.plan], value: t.value, u: [...t.u], v: [...t.v] };
}"""
# A geometric median that leaves a data point again begins at a distance that is a rounding error, and 30 iterations
# multiply it by 4 each: its value is the same all the same.
MAGNIFIED = {"l2": 1e-5}
STEPS = """problem => [...lloydSteps(problem)].map(step => ({
  support: step.support, masses: [...step.masses], plan: [...step.plan], value: step.value }))"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser:
        found = browser.new_page()
        engine(found)
        yield found


def plain(measure: Measure) -> dict[str, Any]:
    return {"points": measure.points.tolist(), "masses": measure.masses.tolist()}


def drawn(seed: int, m: int, n: int, d: int = 2) -> tuple[Measure, Measure]:
    """Two measures with uneven masses on which every ground cost is defined."""
    rng = np.random.default_rng(seed)
    return tuple(Measure(0.2 + 5 * rng.random((k, d)), rng.dirichlet(np.full(k, 3.0))) for k in (m, n))  # type: ignore[return-value]  # two of them


def solved(page: Page, a: Measure, b: Measure, **options: Any) -> Transport:
    found = page.evaluate(SOLVE, [plain(a), plain(b), options])
    plan = np.array(found["plan"]).reshape(len(a), len(b))
    return Transport(plan, found["value"], (np.array(found["u"]), np.array(found["v"])), float("nan"))


def check_same(found: Transport, expected: Transport, *, felt: float = 0.0) -> None:
    """The same value, plan and potentials: of those points that carry more than the mass `felt`."""
    assert found.value == pytest.approx(expected.value, abs=SAME)
    np.testing.assert_allclose(found.plan, expected.plan, rtol=0, atol=SAME)
    for axis in (0, 1):
        carries = expected.plan.sum(1 - axis) >= felt
        ours, theirs = found.potentials[axis], expected.potentials[axis]
        np.testing.assert_allclose(ours[carries], theirs[carries], rtol=0, atol=SAME)


def check_optimal(found: Transport, expected: Transport, a: Measure, b: Measure, cost: str) -> None:
    """The same value, by a plan and potentials that prove it: where several are best, any may come."""
    u, v = found.potentials
    C = transport_costs(a, b, cost)
    np.testing.assert_allclose(found.plan.sum(1), a.masses, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.plan.sum(0), b.masses, rtol=0, atol=1e-12)
    assert (found.plan >= 0).all()
    assert found.value == pytest.approx(expected.value, abs=SAME)
    assert np.vdot(found.plan, C) == pytest.approx(found.value, abs=SAME)
    assert (u[:, None] + v - C).max() <= SAME
    assert a.masses @ u + b.masses @ v == pytest.approx(found.value, abs=SAME)
    assert a.masses @ u == pytest.approx(b.masses @ v, abs=SAME)  # each side carries half


def transport_costs(a: Measure, b: Measure, cost: str) -> np.ndarray:
    """Ground costs from their formulas."""
    x, y = a.points[:, None], b.points[None]
    if cost == "cosine":
        return 1 - np.sum(x * y, -1) / np.linalg.norm(x, axis=-1) / np.linalg.norm(y, axis=-1)
    if cost == "l1":
        return np.abs(x - y).sum(-1)
    squared: np.ndarray = np.sum((x - y) ** 2, -1)
    return squared if cost == "sqeuclidean" else np.sqrt(squared)


@pytest.mark.parametrize(("m", "n"), SIZES)
@pytest.mark.parametrize("cost", ["sqeuclidean", "l2", "cosine", "l1"])
def test_the_exact_plan_costs_what_wdd_ot_says_and_is_proved(page: Page, m: int, n: int, cost: str) -> None:
    for seed, d in ((0, 2), (1, 2), (2, 1)):
        a, b = drawn(seed, m, n, d)
        check_optimal(solved(page, a, b, cost=cost), transport(a, b, cost=cost), a, b, cost)


@pytest.mark.parametrize(("m", "n"), SIZES)
@pytest.mark.parametrize(("cost", "d"), [("sqeuclidean", 2), ("sqeuclidean", 1), ("l2", 2)])
def test_where_one_plan_is_best_plan_and_potentials_are_those_of_wdd_ot(
    page: Page, m: int, n: int, cost: str, d: int
) -> None:
    for seed in range(3):
        a, b = drawn(10 + seed, m, n, d)
        check_same(solved(page, a, b, cost=cost), transport(a, b, cost=cost))


@pytest.mark.parametrize(("m", "n"), SIZES)
@pytest.mark.parametrize("mass", [0.05, 0.5, 0.93])
def test_partial_plans_are_those_of_wdd_ot(page: Page, m: int, n: int, mass: float) -> None:
    for seed, cost in ((0, "sqeuclidean"), (1, "l2")):
        a, b = drawn(20 + seed, m, n)
        check_same(solved(page, a, b, mass=mass, cost=cost), partial(a, b, mass=mass, cost=cost))


@pytest.mark.parametrize(("m", "n"), SIZES)
@pytest.mark.parametrize("reg", [0.02, 0.3, 5.0, 500.0])
def test_entropic_plans_are_those_of_wdd_ot(page: Page, m: int, n: int, reg: float) -> None:
    for seed, cost in ((0, "sqeuclidean"), (1, "l1")):
        a, b = drawn(30 + seed, m, n)
        found = solved(page, a, b, reg=reg, cost=cost)
        check_same(found, sinkhorn(a, b, reg=reg, cost=cost, tol=1e-12))
        assert found.value == pytest.approx(transport(a, b, reg=reg, cost=cost).value, abs=SAME)


@pytest.mark.parametrize(("m", "n"), SIZES)
@pytest.mark.parametrize(("relax", "reg"), [(0.3, 0.05), (2.0, 0.05), (2.0, 1.0), (50.0, 0.2)])
def test_unbalanced_plans_are_those_of_wdd_ot(page: Page, m: int, n: int, relax: float, reg: float) -> None:
    a, b = drawn(40, m, n)
    expected = unbalanced(a, b, reg=reg, relax=relax, tol=1e-12)
    # That tolerance leaves the potential of a point that carries next to nothing undetermined.
    check_same(solved(page, a, b, reg=reg, relax=relax), expected, felt=1e-3)


@pytest.mark.parametrize("cost", ["sqeuclidean", "l2", "l1", "cosine"])
def test_ties_and_equal_masses_do_not_lead_the_simplex_round_in_circles(page: Page, cost: str) -> None:
    grid = Measure.of(np.argwhere(np.ones((14, 14))) + 1.0)
    twice = Measure.of(np.repeat([[1.0, 2.0], [3.0, 1.0], [2.0, 2.0]], 20, axis=0))
    one = Measure.of([[2.0, 3.0]])
    shifted = Measure.of(grid.points + np.array([0.5, 0.0]))
    for a, b in [(grid, grid), (grid, shifted), (grid, twice), (twice, twice), (twice, one), (one, one), (one, grid)]:
        check_optimal(solved(page, a, b, cost=cost), transport(a, b, cost=cost), a, b, cost)


def test_equal_points_cost_nothing_and_stay(page: Page) -> None:
    a, _ = drawn(3, 50, 1)
    found = solved(page, a, a)
    assert found.value == 0
    np.testing.assert_allclose(found.plan, np.diag(a.masses), atol=1e-15)


def test_on_a_line_the_plan_is_the_sorted_one(page: Page) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 80))
    found = solved(page, Measure.of(x[:, None]), Measure.of(y[:, None]))
    assert found.value == pytest.approx(np.mean((np.sort(x) - np.sort(y)) ** 2), abs=1e-12)
    assert (np.argsort(np.argsort(x)) == np.argsort(np.argsort(y))[found.plan.argmax(1)]).all()


@pytest.mark.parametrize("options", [{"reg": 0.1}, {"reg": 0.05, "relax": 1.0}])
def test_the_answer_does_not_depend_on_where_the_search_begins(page: Page, options: dict[str, float]) -> None:
    a, b = drawn(5, 60, 60)
    other = Measure(a.points + 0.3, a.masses)
    near = "([a, b, other, options]) => [...transport(a, b, { ...options, near: transport(other, b, options) }).plan]"
    warm = page.evaluate(near, [plain(a), plain(b), plain(other), options])
    np.testing.assert_allclose(warm, solved(page, a, b, **options).plan.ravel(), rtol=0, atol=SAME)


def test_what_cannot_be_solved_is_said(page: Page) -> None:
    a, b = drawn(6, 3, 3)
    zero = Measure.of([[0.0, 0.0], [1.0, 1.0]])
    tell = "([a, b, options]) => { try { transport(a, b, options); } catch (error) { return error.message; } }"
    said = page.evaluate(tell, [plain(zero), plain(b), {"cost": "cosine"}])
    assert said == "the cosine cost needs a direction, and a point lies at 0; move it, or take another cost"
    said = page.evaluate(tell, [plain(a), plain(b), {"reg": 1e-10}])
    assert said == "the costs are too large for so little regularisation; take more"
    said = page.evaluate(tell, [plain(a), plain(b), {"relax": 1.0}])
    assert said == "unbalanced plans need some blur: raise reg"


def steps_of(page: Page, measures: list[Measure], start: np.ndarray, **options: Any) -> list[dict[str, Any]]:
    weights = options.pop("weights", [1.0])
    problem = {"measures": [plain(each) for each in measures], "weights": weights, "start": start.tolist(), **options}
    found: list[dict[str, Any]] = page.evaluate(STEPS, problem)
    return found


def check_steps(found: list[dict[str, Any]], expected: list[Any], *, support: float = SAME) -> None:
    """Every iterate; where nothing moves but for rounding, one side may notice a step later."""
    assert abs(len(found) - len(expected)) <= 1
    for ours, theirs in zip(found, expected, strict=False):
        assert ours["value"] == pytest.approx(theirs.value, abs=SAME)
        np.testing.assert_allclose(ours["support"], theirs.support, rtol=0, atol=support)
        np.testing.assert_allclose(ours["masses"], theirs.masses, rtol=0, atol=SAME)
    longer = found[-1]["value"] if len(found) > len(expected) else expected[-1].value
    shorter = expected[-1].value if len(found) > len(expected) else found[-1]["value"]
    assert longer == pytest.approx(shorter, abs=SAME)


@pytest.mark.parametrize("cost", ["sqeuclidean", "l2", "l1", "cosine"])
@pytest.mark.parametrize("trim", [0.0, 0.2])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 3), (60, 5), (200, 8)])
def test_steps_with_free_masses_are_those_of_wdd_ot(page: Page, cost: str, trim: float, n: int, m: int) -> None:
    for seed in range(3):
        x, _ = drawn(50 + seed, n, 1)
        start = 0.2 + 5 * np.random.default_rng(seed).random((m, 2))
        found = steps_of(page, [x], start, masses="free", cost=cost, trim=trim)
        expected = barycenter_steps(x, m=m, start=start, cost=cost, trim=trim, solver="lloyd")
        check_steps(found, list(expected), support=MAGNIFIED.get(cost, SAME))


@pytest.mark.parametrize(("cost", "d"), [("sqeuclidean", 2), ("sqeuclidean", 1), ("l2", 2), ("cosine", 2)])
@pytest.mark.parametrize("trim", [0.0, 0.2])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 3), (60, 5), (200, 6)])
def test_steps_with_equal_masses_are_those_of_wdd_ot(
    page: Page, cost: str, d: int, trim: float, n: int, m: int
) -> None:
    for seed in range(2):
        x, _ = drawn(60 + seed, n, 1, d)
        start = 0.2 + 5 * np.random.default_rng(seed).random((m, d))
        found = steps_of(page, [x], start, masses="uniform", cost=cost, trim=trim)
        expected = barycenter_steps(x, m=m, masses="uniform", start=start, cost=cost, trim=trim, solver="lloyd")
        check_steps(found, list(expected), support=MAGNIFIED.get(cost, SAME))


@pytest.mark.parametrize("cost", ["sqeuclidean", "l2"])
@pytest.mark.parametrize("weights", [[0.5, 0.5], [0.2, 0.5, 0.3]])
def test_steps_between_several_measures_are_those_of_wdd_ot(page: Page, cost: str, weights: list[float]) -> None:
    measures = [drawn(70 + k, 20 + 9 * k, 1)[0] for k in range(len(weights))]
    start = 0.2 + 5 * np.random.default_rng(1).random((5, 2))
    found = steps_of(page, measures, start, weights=weights, masses="uniform", cost=cost, trim=0)
    options = {"m": 5, "masses": "uniform", "weights": weights, "cost": cost, "start": start, "solver": "lloyd"}
    check_steps(found, list(barycenter_steps(measures, **options)), support=MAGNIFIED.get(cost, SAME))


def test_a_support_point_without_mass_goes_where_wdd_ot_sends_it(page: Page) -> None:
    x, _ = drawn(80, 30, 1)
    start = np.array([[1.0, 1.0], [90.0, 90.0], [95.0, 90.0]])
    found = steps_of(page, [x], start, masses="free", cost="sqeuclidean", trim=0)
    assert found[0]["masses"] == pytest.approx([1, 0, 0])
    check_steps(found, list(barycenter_steps(x, m=3, start=start, solver="lloyd")))


def test_a_start_by_k_means_consists_of_data_points_and_of_no_point_twice(page: Page) -> None:
    x, _ = drawn(90, 12, 1)
    call = "([x, m, seed]) => spreadStart(x, m, 'sqeuclidean', draws(seed))"
    starts = [page.evaluate(call, [plain(x), 12, seed]) for seed in range(5)]
    for start in starts:
        assert sorted(start) == sorted(x.points.tolist())
    assert starts[0] != starts[1]
    assert page.evaluate(call, [plain(x), 12, 0]) == starts[0]
