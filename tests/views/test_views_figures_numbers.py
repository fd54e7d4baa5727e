"""What the figures show, before it is drawn: masses, values, plans, series and accuracies."""

import dataclasses

import numpy as np
import pandas
import pytest
from figure_toys import DIGITS, PLAN, evaluated, planless, reported, with_plan
from views_toys import MASSES, toy, with_results

from wddkit.history import History
from wddkit.history.tables import interval
from wddkit.views.figures.barycenters import masses_of, matrix_of, values_of
from wddkit.views.figures.film import film
from wddkit.views.figures.series import series_of, strip_of
from wddkit.views.figures.tables import Given, Line, intervals_said, lines_of
from wddkit.views.scene import Scene

BARE = History.from_arrays(np.zeros((2, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1])


def only(results: Given) -> tuple[Line, ...]:
    (lines,) = lines_of(results).values()
    return lines


def test_masses_stand_heaviest_first_and_know_their_points() -> None:
    shown, absent = masses_of(toy(), [2, "plain"], step=-1)
    assert [own.label for own in shown] == [2, 1]
    assert not absent
    for own in shown:
        np.testing.assert_array_equal(own.masses, np.sort(MASSES)[::-1])
        np.testing.assert_array_equal(own.order, [1, 0])


def test_masses_at_a_step_are_those_of_that_step_or_of_a_classs_last() -> None:
    ways = {label: dict(arrays) for label, arrays in toy().barycenters.items()}
    ways[0]["masses"] = np.array([[0.5, 0.5], [0.9, 0.1]])  # two steps, where class 2 has four
    history = toy(barycenters=ways)
    first, last = (masses_of(history, [0], step=step)[0][0].masses for step in (0, 3))
    np.testing.assert_array_equal(first, [0.5, 0.5])
    np.testing.assert_array_equal(last, [0.9, 0.1])
    with pytest.raises(ValueError, match="step 4 of barycenters of at most 4 recorded steps; expected 0 to 3"):
        masses_of(history, None, step=4)


def test_a_class_without_a_barycenter_is_named_and_an_unknown_one_is_an_error() -> None:
    history = toy(barycenters={0: toy().barycenters[0]})
    shown, absent = masses_of(history, [0, 1], step=-1)
    assert [own.label for own in shown] == [0]
    assert absent == ("plain",)
    with pytest.raises(ValueError, match=r"no class 'plane'; expected a label from 0 to 2 or one of .*plain"):
        masses_of(history, ["plane"], step=-1)
    with pytest.raises(ValueError, match=r"classes: expected a list of labels or names, or None, got 'plain'"):
        masses_of(history, "plain", step=-1)
    with pytest.raises(ValueError, match="no class True"):
        masses_of(history, [True], step=-1)


def test_a_class_that_needed_fewer_steps_keeps_its_last_value() -> None:
    values = values_of(toy())
    assert values is not None
    assert values.training.shape == (3, 4)
    np.testing.assert_allclose(values.training[0], [3, 1, 1, 1])
    np.testing.assert_allclose(values.training[2], np.linspace(3, 1, 4))
    # Held-out features were measured at last steps alone: a mean of some classes would be another's mean.
    np.testing.assert_array_equal(np.isfinite(values.heldout_mean), [False, False, False, True])
    assert values.heldout_mean[3] == 1.25
    assert values_of(BARE) is None


@pytest.mark.parametrize("assignment", [False, True])
def test_a_matrix_holds_the_recorded_part_of_the_plan(assignment: bool) -> None:
    shown = matrix_of(with_plan(assignment=assignment), "plain", step=-1)
    assert shown is not None
    known = np.isfinite(shown.mass)
    np.testing.assert_allclose(shown.mass[known], PLAN[:, shown.images][known], rtol=1e-6)
    assert shown.shown == pytest.approx(np.nansum(shown.mass))
    # Top entries: images 0 and 4 of the first point, 1 and 2 of the second. The assignment adds 3, and 4's other part.
    assert sorted(shown.images) == ([0, 1, 2, 3, 4] if assignment else [0, 1, 2, 4])
    assert shown.shown == pytest.approx(1.0 if assignment else 0.65)


def test_columns_stand_by_the_point_that_takes_most_of_them() -> None:
    shown = matrix_of(with_plan(assignment=True), 1, step=-1)
    assert shown is not None
    owners = np.nan_to_num(shown.mass).argmax(axis=0)
    assert list(owners) == sorted(owners)
    assert shown.images.tolist() == [0, 1, 2, 3, 4]  # of the second point's, the shared one last


def test_a_plan_that_was_not_recorded_is_none_and_a_wrong_step_an_error() -> None:
    assert matrix_of(planless(), 0, step=-1) is None
    assert matrix_of(BARE, 0, step=-1) is None
    with pytest.raises(ValueError, match="step 3 of the barycenter of class 'plain', of which 3 are recorded"):
        matrix_of(with_plan(assignment=False), 1, step=3)
    with pytest.raises(ValueError, match="no class 3; expected a label from 0 to 2"):
        matrix_of(toy(), 3, step=-1)


def test_the_recorded_digits_show_the_share_of_mass_that_they_say_they_kept() -> None:
    history = History.load(DIGITS)
    for label, way in history.barycenters.items():
        shown = matrix_of(history, label, step=-1)
        assert shown is not None
        if "assignment" not in way:
            assert shown.shown == pytest.approx(way["plan_kept"][-1], abs=1e-5)
        assert shown.shown >= way["plan_kept"][-1] - 1e-5
        assert (np.nansum(shown.mass, axis=1) <= shown.masses + 1e-6).all()


def test_series_are_means_over_blocks_in_each_phase() -> None:
    records = [
        {"phase": phase, "step": step, "block": block, "seconds": 1.0, "loss": 10.0 * step + block, "other": None}
        for phase, steps in (("recover", (0, 1)), ("polish", (2,)))
        for step in steps
        for block in (0, 2)
    ]
    (series,) = series_of(
        reported(BARE, scalars=[*records, {"phase": "recover", "step": 9, "block": 0, "loss": np.nan}])
    )
    assert series.name == "loss"
    assert [line.phase for line in series.lines] == ["recover", "polish"]
    assert series.lines[0].steps.tolist() == [0, 1]
    assert series.lines[0].values.tolist() == [1.0, 11.0]
    assert series.lines[1].values.tolist() == [21.0]


def test_what_a_barycenter_ended_with_is_not_drawn_twice() -> None:
    record = {"phase": "barycenter", "step": 3, "block": 0, "w2_squared": 2.0}
    assert not series_of(reported(toy(), scalars=[record]))
    (kept,) = series_of(reported(toy(barycenters={}), scalars=[record]))  # without the arrays it is all there is
    assert kept.lines[0].values.tolist() == [2.0]


def test_a_logarithmic_axis_is_for_positive_numbers_of_different_size() -> None:
    history = toy(scalars={"wide": [100.0, 9, 5, 2, 1], "narrow": [3.0, 2, 2, 2, 1], "signed": [-1.0, 5, 50, 500, 1]})
    assert {series.name: series.log for series in series_of(history)} == {
        "wide": True,
        "narrow": False,
        "signed": False,
    }


def test_a_strip_holds_every_layers_error_at_its_step() -> None:
    history = History.load(DIGITS)
    strip = strip_of(history)
    assert strip is not None
    assert strip.steps.tolist() == [frame.step for frame in history.frames]
    for t in (0, 5):
        np.testing.assert_allclose(strip.errors[:, t], history.arrays(t)[0]["statistics_error"], rtol=1e-6)
    assert len(strip.edges) == len(strip.steps) + 1
    assert (np.diff(strip.edges) > 0).all()
    assert strip_of(toy()) is None


def test_a_film_takes_the_first_classes_where_there_are_too_many() -> None:
    many = History.from_arrays(np.zeros((3, 60, 3, 8, 8), np.uint8), np.arange(60))
    shown = film(Scene.of(many), None, image=0, snapshots=2)
    assert len(shown.labels) == 20
    assert shown.left_out == 40
    assert len(film(Scene.of(many), range(30), image=0, snapshots=2).labels) == 30
    assert film(Scene.of(many), [0], image=0, snapshots=1).frames.tolist() == [2]  # of one, the last
    with pytest.raises(ValueError, match="snapshots: expected a whole number of at least 1, got 0"):
        film(Scene.of(many), None, image=0, snapshots=0)


def test_runs_that_differ_in_the_seed_alone_are_one_point_with_an_interval_over_syntheses() -> None:
    runs = [evaluated({"wmdd": [value, value + 2]}, ipc=10, seed=seed) for seed, value in enumerate((80.0, 82.0, 87.0))]
    (line,) = only(runs)
    (point,) = line.points
    assert point.accuracy == pytest.approx(84.0)
    assert (point.low, point.high) == pytest.approx(interval([81.0, 83.0, 88.0]))
    assert point.over == "3 syntheses"
    (alone,) = only([runs[0], runs[0]])[0].points  # the same run again is no second synthesis
    assert alone.over == "2 students"
    assert (alone.low, alone.high) == pytest.approx(interval([80.0, 82.0]))


def test_lines_go_by_ipc_methods_before_controls() -> None:
    runs = [
        evaluated({name: [base + ipc], "random": [50.0 + ipc], "whole real set": [99.0, 99.5]}, ipc=ipc)
        for name, base in (("wmdd", 60.0), ("dm", 55.0))
        for ipc in (10, 1)
    ]
    lines = only(runs)
    assert [line.name for line in lines] == ["wmdd", "dm", "random real images", "the whole real set"]
    assert [line.rank for line in lines] == [0, 1, 2, 3]
    assert [line.control for line in lines] == [False, False, True, True]
    assert [(point.ipc, point.accuracy) for point in lines[0].points] == [(1, 61.0), (10, 70.0)]
    assert lines[3].level
    assert len(lines[3].points) == 1  # the same in all four runs


def test_controls_that_disagree_stand_beside_their_own_run() -> None:
    runs = [evaluated({name: [70.0], "random": [value]}, ipc=10) for name, value in (("wmdd", 50.0), ("dm", 51.0))]
    assert [line.name for line in only(runs)][2:] == ["random real images beside wmdd", "random real images beside dm"]


def test_two_results_on_one_place_are_an_error_until_they_have_names() -> None:
    one, other = (evaluated({"wmdd": [70.0 + w]}, ipc=10, weight=w) for w in (1, 2))
    with pytest.raises(ValueError, match="two results for 'wmdd' at 10 images per class under protocol 'hard'; give"):
        lines_of([one, other])
    assert [line.name for line in only({"light": [one], "heavy": other})] == ["light", "heavy"]


def test_protocols_are_panels_of_their_own() -> None:
    runs = [evaluated({"wmdd": [70.0]}, ipc=10, protocols=("hard", "soft"))]
    assert list(lines_of(runs)) == [("digits", "hard"), ("digits", "soft")]


def test_tables_of_results_say_the_same_as_their_history() -> None:
    history = evaluated({"wmdd": [70.0, 72.0], "random": [60.0, 61.0], "whole real set": [99.0]}, ipc=10)
    drawn, tabled = only(history), only(history.results)
    assert [line.name for line in drawn] == [line.name for line in tabled]
    for own, other in zip(drawn, tabled, strict=True):
        for point, twin in zip(own.points, other.points, strict=True):
            assert dataclasses.astuple(point)[4:] == pytest.approx(dataclasses.astuple(twin)[4:], nan_ok=True)


def test_tables_of_compare_are_read_with_their_intervals() -> None:
    columns = {"dataset": "digits", "protocol": "online", "students": 3, "syntheses": 5}
    rows = [
        {"set": "wmdd", "ipc": 1, "mean": 80.0, "low": 78.0, "high": 82.0, "interval": "5 syntheses"},
        {"set": "wmdd", "ipc": 10, "mean": 90.0, "low": 89.0, "high": 91.0, "interval": "5 syntheses"},
        {"set": "random", "ipc": 1, "mean": 70.0, "low": 60.0, "high": 80.0, "interval": "students only"},
        {"set": "whole real set", "ipc": None, "mean": 99.0, "low": 98.9, "high": 99.1, "interval": "students only"},
    ]
    table = pandas.DataFrame([{**columns, **row} for row in rows]).astype({"ipc": "Int64"})
    wmdd, random, whole = only(table)
    assert [(point.ipc, point.low, point.high) for point in wmdd.points] == [(1, 78, 82), (10, 89, 91)]
    assert {point.over for point in wmdd.points} == {"5 syntheses"}
    assert random.points[0].over == "3 students"
    assert whole.level


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ValueError, match="accuracy_by_ipc: no results were given; expected histories or tables"):
        lines_of([])
    with pytest.raises(ValueError, match="accuracy_by_ipc: no results were given"):
        lines_of({"one": []})
    with pytest.raises(ValueError, match="accuracy_by_ipc: the given runs hold no results; evaluate them first"):
        lines_of(toy())
    with pytest.raises(ValueError, match=r"tables as history.results or wdd.compare give them; got DataFrame without"):
        lines_of(pandas.DataFrame({"accuracy": [1.0]}))
    with pytest.raises(ValueError, match="got str without"):
        lines_of("runs")  # type: ignore[arg-type]


def test_intervals_are_said_to_be_over_what_they_are_over() -> None:
    points = [point for line in only(with_results(toy())) for point in line.points]
    said = intervals_said(points)
    assert "95 % t-intervals of the mean over 3 students or 2 students" in said
    assert "No bar: a single value." in said
    assert "do not tell how another seed" in said
    syntheses = [evaluated({"wmdd": [value]}, ipc=10, seed=seed) for seed, value in enumerate((80.0, 82.0))]
    assert intervals_said(only(syntheses)[0].points) == "Bars and bands: 95 % t-intervals of the mean over 2 syntheses."
