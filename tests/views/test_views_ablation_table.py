"""The numbers of a sweep: levels, means over seeds with their intervals, rank correlation. No browser."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sweep_toys import sweep_of

from wddkit.history import Sweep
from wddkit.views.sweeps import Field, Table, groups, mean_of, spearman

FRAME = {"seed": [0, 1, 2, 0, 1, 2], "method.start": ["noise"] * 3 + ["real"] * 3}
VALUES = [10.0, 11.0, 15.0, 20.0, 22.0, 21.0]


def table_of(columns: dict[str, Any], fields: tuple[str, ...] = ("method.start",), **more: Any) -> Table:
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({"protocol": ["hard"] * n, "run": [f"r{i}" for i in range(n)], **columns, **more})
    return Table.of(Sweep(Path("nowhere"), {}, fields, frame), "a test")


def test_levels_are_numbers_rising_and_words_as_they_come() -> None:
    assert Field.of("a", "a", np.array([10, 2, 5])).levels == (2, 5, 10)
    assert Field.of("a", "a", ["real", "noise", "real"]).levels == ("real", "noise")
    assert Field.of("a", "a", [True, False]).levels == (False, True)
    some = Field.of("a", "a", np.array([1.0, math.nan, 0.1]))
    assert (some.levels, some.texts, some.numeric) == ((0.1, 1.0, None), ("0.1", "1", "none"), False)
    assert some.at.tolist() == [1, 2, 0]
    close = Field.of("a", "a", [1.00000001, 1.00000002])
    assert close.texts == ("1.00000001", "1.00000002")
    assert Field.of("a", "a", [math.inf, 1.0]).levels == ("inf", 1.0)  # JSON has no infinity


def test_fields_are_called_by_their_last_part_unless_two_share_it(tmp_path: Path) -> None:
    fields = {"method.ipc": [1], "teacher.training.steps": [1], "method.steps": [1]}
    table = Table.of(sweep_of(tmp_path, fields=fields, runs=False), "a test")
    assert [field.short for field in table.fields] == ["ipc", "teacher.training.steps", "method.steps"]
    assert table.field("ipc") is table.field("method.ipc")


def test_a_mean_over_seeds_has_students_interval() -> None:
    table = table_of({**FRAME, "accuracy": VALUES})
    found = groups(table, "accuracy", range(6), ["method.start"])
    for place, own in (((0,), VALUES[:3]), ((1,), VALUES[3:])):
        low, high = stats.t.interval(0.95, 2, loc=np.mean(own), scale=stats.sem(own))
        assert found[place].value == pytest.approx(np.mean(own), abs=1e-12)
        assert (found[place].low, found[place].high) == pytest.approx((low, high), abs=1e-12)
        assert (found[place].n, found[place].over, found[place].said) == (3, "seeds", "n = 3")


def test_over_settings_the_interval_is_over_means_of_paired_seeds() -> None:
    # The settings differ by 10; their seeds hardly: an interval over all six values would be ten times as wide.
    table = table_of({**FRAME, "accuracy": VALUES})
    paired = [15.0, 16.5, 18.0]  # mean of both settings, seed by seed
    low, high = stats.t.interval(0.95, 2, loc=16.5, scale=stats.sem(paired))
    found = mean_of(table, "accuracy", range(6))
    assert (found.value, found.n, found.over) == (16.5, 3, "seeds")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


def test_seeds_that_lack_a_setting_are_left_out_of_a_mean_over_settings() -> None:
    table = table_of({**FRAME, "accuracy": VALUES})
    found = mean_of(table, "accuracy", [0, 1, 2, 3, 4])  # "real" was not run with seed 2
    assert found.value == pytest.approx((15.0 + 16.5) / 2)
    assert found.n == 2
    apart = mean_of(table, "accuracy", [0, 4, 5])  # noise with seed 0, real with 1 and 2
    assert apart.value == pytest.approx((10 + 21.5) / 2)  # every setting counts once
    assert (apart.n, apart.over, apart.said) == (0, "", "no seed in all")
    assert math.isnan(apart.low)


def test_what_was_not_measured_is_no_zero() -> None:
    table = table_of({**FRAME, "accuracy": VALUES, "loss": [math.nan, 1.0, 3.0, *[math.nan] * 3]})
    found = groups(table, "loss", range(6), ["method.start"])
    assert (found[0,].value, found[0,].n) == (2.0, 2)
    assert (found[1,].measured, found[1,].said) == (False, "not measured")
    assert mean_of(table, "loss", []).said == "no run"


@pytest.mark.parametrize("seeds", [2, 5])
def test_means_of_a_balanced_grid_are_those_of_pandas(tmp_path: Path, seeds: int) -> None:
    sweep = sweep_of(tmp_path, seeds=seeds, runs=False)
    table = Table.of(sweep, "a test")
    by = ["method.statistics_weight", "method.start"]
    found = groups(table, "gain", range(len(table)), by)
    grouped = sweep.frame.groupby(by)["gain"]
    halves = grouped.sem() * stats.t.ppf(0.975, seeds - 1)
    for (i, j), mean in found.items():
        key = (table.field(by[0]).levels[i], table.field(by[1]).levels[j])
        assert mean.value == pytest.approx(grouped.mean()[key], abs=1e-12)
        assert mean.half == pytest.approx(halves[key], abs=1e-10)
    by_start = groups(table, "gain", range(len(table)), ["start"])
    over_weights = sweep.frame.groupby(["method.start", "seed"])["gain"].mean()
    for (j,), mean in by_start.items():
        own = over_weights[table.field("start").levels[j]]
        assert mean.value == pytest.approx(own.mean(), abs=1e-12)
        assert mean.half == pytest.approx(own.sem() * stats.t.ppf(0.975, seeds - 1), abs=1e-10)


def test_a_mean_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    table = Table.of(sweep_of(tmp_path, runs=False), "a test")
    rows = np.random.default_rng(0).permutation(len(table))
    there, again = mean_of(table, "accuracy", range(len(table))), mean_of(table, "accuracy", rows)
    assert (again.value, again.low, again.high) == pytest.approx((there.value, there.low, there.high), abs=1e-12)


def test_with_one_seed_the_interval_is_that_over_students(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, seeds=1)
    table = Table.of(sweep, "a test")
    results = sweep.history(3).results
    found = mean_of(table, "accuracy", [3])
    assert (found.low, found.high) == pytest.approx((results["low"][0], results["high"][0]), abs=1e-12)
    assert (found.over, found.said) == ("students", "n = 1, students only")
    assert mean_of(table, "gain", [3]).over == ""  # of the gain nobody knows it
    assert mean_of(table, "accuracy", [3, 4]).over == ""  # nor of a mean over settings
    without = Table.of(sweep_of(tmp_path / "bare", seeds=1, runs=False), "a test")
    assert (mean_of(without, "accuracy", [3]).over, mean_of(without, "accuracy", [3]).said) == (
        "",
        "n = 1, students only",
    )


def test_a_damaged_result_leaves_the_table_without_that_interval(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, seeds=1)
    (tmp_path / "runs" / "toy-3-0" / "results" / "00.json").write_text("{")
    table = Table.of(sweep, "a test")
    assert 3 not in table.over_students
    assert 2 in table.over_students


@pytest.mark.parametrize("n", [4, 7, 40])
def test_rank_correlation_is_scipys_with_ties(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(20):
        x, y = rng.integers(0, max(3, n // 2), (2, n)).astype(float)
        if len(set(x)) == 1 or len(set(y)) == 1:
            continue
        assert spearman(x, y).rho == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_the_interval_of_a_rank_correlation_is_fishers() -> None:
    x, y = np.arange(12.0), np.array([0, 2, 1, 3, 5, 4, 7, 6, 8, 11, 9, 10.0])
    found = spearman(x, y)
    z, se = math.atanh(found.rho), math.sqrt((1 + found.rho**2 / 2) / 9)
    assert (found.low, found.high) == pytest.approx(
        (math.tanh(z - 1.959964 * se), math.tanh(z + 1.959964 * se)), abs=1e-6
    )
    missing = spearman([*x, math.nan, 3.0], [*y, 1.0, math.nan])
    assert missing == found
    assert found.said == f"Spearman's ρ = {found.rho:.2f}, 95 % interval {found.low:.2f} to {found.high:.2f}, n = 12"


def test_where_ranks_say_nothing_it_says_so() -> None:
    for x, y in (([1.0, 2.0], [1.0, 2.0]), ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]), ([], [])):
        assert math.isnan(spearman(x, y).rho)
        assert "is not defined for these" in spearman(x, y).said
    assert math.isnan(spearman([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]).low)  # a perfect one has no interval


def test_two_fields_of_a_heat_map_are_those_asked_for_or_the_first_that_vary(tmp_path: Path) -> None:
    fields = {"method.form": ["paper"], "method.ipc": [1, 10], "method.start": ["noise", "real"]}
    table = Table.of(sweep_of(tmp_path, fields=fields, runs=False), "a test")

    def names(rows: str | None, columns: str | None) -> list[str]:
        return [field.short if field else "" for field in table.pair(rows, columns)]

    assert names(None, None) == ["ipc", "start"]
    assert names("start", None) == ["start", "ipc"]
    assert names(None, "ipc") == ["start", "ipc"]
    assert names("", "ipc") == ["", "ipc"]
    alone = Table.of(sweep_of(tmp_path / "one", fields={"method.ipc": [1, 10]}, runs=False), "a test")
    assert [field.short if field else "" for field in alone.pair(None, None)] == ["", "ipc"]
    with pytest.raises(
        ValueError, match=r"rows and columns are both 'method.ipc'; expected two fields, or '' for none"
    ):
        table.pair("ipc", "method.ipc")


def test_what_a_sweep_does_not_have_is_an_error_that_names_what_it_has(tmp_path: Path) -> None:
    table = Table.of(sweep_of(tmp_path, runs=False), "a test")
    with pytest.raises(ValueError, match=r"unknown field 'method.stat'.*Known: method.start, method.statistics_weight"):
        table.field("method.stat")
    with pytest.raises(ValueError, match=r"unknown value 'accurcy'. Did you mean 'accuracy'. Known: accuracy, bytes"):
        table.column("accurcy")
    with pytest.raises(ValueError, match=r"unknown column of numbers 'method.start'.*method.statistics_weight"):
        table.number("method.start")
    with pytest.raises(ValueError, match=r"unknown protocol 'soft'. Known: hard"):
        table.rows(protocol="soft", fixed={})
    with pytest.raises(ValueError, match=r"method.start: no run has 'nearest'; expected one of 'noise', 'real'"):
        table.rows(protocol="hard", fixed={"start": "nearest"})


def test_what_is_no_sweep_or_has_no_runs_is_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a test: expected a sweep .*, got 'sweeps/x'; a folder is read by wdd.Sweep"):
        Table.of("sweeps/x", "a test")
    sweep = sweep_of(tmp_path, runs=False)
    empty = dataclasses.replace(sweep, frame=sweep.frame.iloc[:0])
    with pytest.raises(ValueError, match=r"a test: this sweep has no runs yet; run wdd.ablate\(config, changes, out="):
        Table.of(empty, "a test")
    with pytest.raises(ValueError, match="a test: the table of this sweep has no column 'seed'"):
        Table.of(dataclasses.replace(sweep, frame=sweep.frame.drop(columns="seed")), "a test")


def test_numbers_are_told_in_few_characters(tmp_path: Path) -> None:
    table = Table.of(sweep_of(tmp_path, runs=False), "a test")
    gain, w2, size = table.column("gain"), table.column("w2_squared"), table.column("bytes")
    assert [gain.said(value) for value in (3.21, -0.04, -12.0)] == ["+3.2", "0.0", "−12.0"]
    assert [w2.said(value) for value in (16.98, 0.00012, 1234.5, math.nan)] == ["17.0", "1.2e−04", "1234", "–"]
    assert (size.said(380104.0), w2.half_said(0.01263), gain.half_said(12.34)) == ("380104", "0.013", "12.3")
