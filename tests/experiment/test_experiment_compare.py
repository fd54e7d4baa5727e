"""Comparisons: means over syntheses, gains paired by seed, controls once, and runs that are there are used again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from experiment_toys import CONFIG, HARD, ONLINE, bytes_of, results_of, run, toy_split
from scipy import stats

import wddkit as wdd
from wddkit.methods import WMDD, Nearest, Random
from wddkit.progress import Bars

SHORT = WMDD(ipc=2, steps=4)
A = replace(CONFIG, method=SHORT, protocols=(HARD,), snapshots=2)
B = replace(A, method=Nearest(ipc=2), controls=("random",))


def compare(configs: list[wdd.Config], out: Path, *, seeds: int = 3) -> pd.DataFrame:
    return wdd.compare(configs, seeds=seeds, out=out, split=toy_split(), progress=False)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compared")


@pytest.fixture(scope="module")
def frame(out: Path) -> pd.DataFrame:
    return compare([A, B], out)


def recorded(config: wdd.Config, out: Path, name: str, seeds: int = 3) -> list[list[float]]:
    """Accuracies of a set by seed, read from the runs' own files."""
    split = toy_split()
    paths = [out / replace(config, seed=seed).run_name(split) for seed in range(seeds)]
    rows = [row for path in paths for result in results_of(path) for row in result["rows"] if row["set"] == name]
    assert len(rows) == seeds
    return [row["accuracies"] for row in rows]


@pytest.mark.slow
def test_one_row_a_set_with_the_controls_once(frame: pd.DataFrame) -> None:
    # the second config's method is the first one's control
    assert [*frame["set"]] == ["wmdd", "random", "nearest", "whole real set"]
    assert [*frame["ipc"].fillna(0)] == [2, 2, 2, 0]
    assert (frame["interval"] == "3 syntheses").all()
    assert (frame["students"] == 2).all()


@pytest.mark.parametrize("name", ["wmdd", "random", "nearest", "whole real set"])
def test_means_intervals_and_gains_are_those_that_scipy_finds_in_the_runs_files(
    name: str, frame: pd.DataFrame, out: Path
) -> None:
    row = frame[frame["set"] == name].iloc[0]
    values, random = (np.mean(recorded(A, out, each), axis=1) for each in (name, "random"))
    assert row["mean"] == pytest.approx(values.mean())
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose([row["low"], row["high"]], expected, rtol=1e-9)
    if name == "random":
        assert np.isnan([row["gain"], row["gain_low"], row["gain_high"]]).all()
        return
    paired = stats.ttest_rel(values, random)
    assert row["gain"] == pytest.approx((values - random).mean())
    np.testing.assert_allclose([row["gain_low"], row["gain_high"]], paired.confidence_interval(0.95), rtol=1e-9)


def test_a_comparison_tells_bytes_and_seconds(frame: pd.DataFrame, out: Path) -> None:
    images, labels, masses = 8 * 64, 8, 8 * 4
    bytes_ = frame.set_index("set")["bytes"]
    assert bytes_["random"] == images + labels
    assert bytes_["wmdd"] == images + labels + masses
    seconds = [row["seconds"] for path in out.glob("toy-wmdd-*") for row in results_of(path)[0]["rows"][:1]]
    assert frame["seconds"].iloc[0] == pytest.approx(np.mean(seconds))
    assert (frame["seconds"] > 0).all()


def test_a_second_comparison_reads_the_runs_that_are_there(frame: pd.DataFrame, out: Path) -> None:
    before = bytes_of(out)
    pd.testing.assert_frame_equal(compare([A, B], out), frame)
    assert bytes_of(out) == before


@pytest.mark.slow
def test_runs_of_another_number_of_threads_are_told(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    compare([A], tmp_path, seeds=1)
    torch.set_num_threads(threads + 1)
    try:
        with pytest.warns(UserWarning, match=rf"{threads} threads.*\(toy-wmdd.*{threads + 1} threads.*\(toy-nearest"):
            compare([A, B], tmp_path, seeds=1)
    finally:
        torch.set_num_threads(threads)


def test_one_synthesis_has_an_interval_over_its_students_and_says_so(out: Path, frame: pd.DataFrame) -> None:
    row = compare([A], out, seeds=1).iloc[0]
    (students,) = recorded(A, out, "wmdd", seeds=1)
    assert row["interval"] == "students only"
    np.testing.assert_allclose(
        [row["low"], row["high"]], stats.ttest_1samp(students, 0).confidence_interval(0.95), rtol=1e-9
    )
    assert np.isnan(row["gain_low"])
    assert row["gain"] == pytest.approx(np.mean(students) - np.mean(recorded(A, out, "random", seeds=1)))


@pytest.mark.slow
def test_controls_that_differ_stand_for_themselves(tmp_path: Path) -> None:
    uniform = replace(A, method=replace(SHORT, masses="uniform"))
    found = compare([A, uniform], tmp_path, seeds=1)
    assert [*found["set"]] == ["wmdd", "random", "nearest", "whole real set", "wmdd", "nearest"]
    assert found["run"].nunique() == 2
    nearest = found[found["set"] == "nearest"]
    assert nearest["bytes"].nunique() == 2  # masses are stored unless they are uniform
    assert set(nearest["settings"]) == {"", "masses=uniform"}


def test_results_that_only_some_runs_have_do_not_disturb(frame: pd.DataFrame, out: Path) -> None:
    run(out, replace(A, protocols=(ONLINE,), controls=("random",)))
    pd.testing.assert_frame_equal(compare([A, B], out), frame)
    both = compare([replace(A, protocols=(HARD, ONLINE), controls=("random",))], out, seeds=2)
    assert [*zip(both["protocol"], both["set"], strict=True)] == [
        (protocol, name) for protocol in ("hard", "online") for name in ("wmdd", "random")
    ]


@pytest.mark.slow
def test_a_comparison_that_was_interrupted_goes_on(
    frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, seen = Bars.__call__, [0]

    def tick(bars: Bars, stage: str, done: int, *more: object) -> None:
        seen[0] += stage == "recover"
        if seen[0] == 7:  # in the second run
            seen[0] += 1
            raise KeyboardInterrupt
        call(bars, stage, done, *more)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(Bars, "__call__", tick)
    with pytest.raises(KeyboardInterrupt):
        compare([A, B], tmp_path)
    assert len([*tmp_path.glob("*/complete.json")]) == 1
    columns = [name for name in frame if name not in ("seconds", "distil_seconds", "memory_mb", "run")]
    pd.testing.assert_frame_equal(compare([A, B], tmp_path)[columns], frame[columns])


@pytest.mark.slow
def test_the_same_method_with_another_ipc_has_controls_of_its_own(tmp_path: Path) -> None:
    lean = replace(A, method=Random(2), controls=("nearest",))
    found = compare([lean, replace(lean, method=Random(3))], tmp_path, seeds=2)
    assert [*zip(found["set"], found["ipc"], strict=True)] == [
        ("random", 2), ("nearest", 2), ("random", 3), ("nearest", 3)
    ]  # fmt: skip


@pytest.mark.slow
def test_data_sets_that_configs_name_are_loaded_for_them(tmp_path: Path) -> None:
    lean = replace(A, dataset="digits", method=Random(1), controls=())
    found = wdd.compare([lean, replace(lean, size=6)], seeds=1, out=tmp_path, progress=False)
    assert [*found["bytes"]] == [10 * 64 + 10, 10 * 36 + 10]
    assert (found["dataset"] == "digits").all()


def test_a_config_without_protocols_is_refused_before_the_first_is_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"protocols=\(\): there is nothing to compare under; name some, such as prot"):
        compare([A, replace(A, protocols=(), controls=())], tmp_path, seeds=1)
    assert [*tmp_path.iterdir()] == []


def test_nothing_to_compare_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected at least one config or set, got none"):
        compare([], tmp_path)
    with pytest.raises(ValueError, match="seeds: expected a whole number from 1 to 998, got 0"):
        compare([A], tmp_path, seeds=0)
