"""Sweeps: every combination once, rows that are the runs', and nothing lost or done twice."""

import json
import math
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from experiment_toys import HARD, LIGHT, SOFT, arrays, bytes_of, toy_split

import wddkit as wdd
from wddkit.ablation import combinations, word
from wddkit.augment import Augment
from wddkit.methods import DM, WMDD, Nearest, Random

GRID = {"method.ipc": [1, 2], "method.masses": ["free", "uniform"]}
BASE = replace(LIGHT, protocols=(HARD, SOFT), controls=("random", "nearest"))
DIGITS = replace(BASE, dataset="digits")


def ablate(changes, out: Path | None, config: wdd.Config = BASE, **options: object) -> wdd.Sweep:
    return wdd.ablate(config, changes, **{"out": out, "split": toy_split(), "progress": False, **options})


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("swept")


@pytest.fixture(scope="module")
def sweep(out: Path) -> wdd.Sweep:
    return ablate(GRID, out, seeds=2)


@pytest.mark.slow
def test_every_combination_and_seed_is_a_row_under_every_protocol(sweep: wdd.Sweep) -> None:
    found = [*zip(*(sweep.frame[name] for name in (*sweep.fields, "seed", "protocol")), strict=True)]
    expected = [
        (ipc, masses, seed, protocol)
        for ipc in (1, 2)
        for masses in ("free", "uniform")
        for seed in (0, 1)
        for protocol in ("hard", "soft")
    ]
    assert found == expected
    assert sweep.frame["run"].nunique() == 8
    assert (sweep.frame["ipc"] == sweep.frame["method.ipc"]).all()


@pytest.mark.slow
def test_a_row_says_what_its_run_says(sweep: wdd.Sweep) -> None:
    for i, row in sweep.frame.iterrows():
        history = sweep.history(i)
        assert history.path.name == row["run"]
        assert history.config.method.ipc == row["method.ipc"]
        assert history.config.method.masses == row["method.masses"]
        assert history.config.seed == row["seed"]
        results = history.results[history.results["protocol"] == row["protocol"]].set_index("set")
        assert row["accuracy"] == results["accuracy"]["wmdd"]
        assert row["gain"] == results["accuracy"]["wmdd"] - results["accuracy"]["random"]
        assert row["gain_nearest"] == results["accuracy"]["wmdd"] - results["accuracy"]["nearest"]
        assert math.isnan(row["whole"])  # was not asked for
        assert row["w2_squared"] == results["w2_squared"]["wmdd"]
        assert row["w2_squared_heldout"] == results["w2_squared_heldout"]["wmdd"]
        assert row["statistics_error"] == results["statistics_error"]["wmdd"]
        recovered = history.scalars["statistics_error"].iloc[-1]  # of the one block that there is, in single precision
        assert row["statistics_error"] == pytest.approx(recovered, rel=1e-5)
        assert row["bytes"] == results["bytes"]["wmdd"]


@pytest.mark.slow
def test_what_was_written_is_read_again(sweep: wdd.Sweep, out: Path) -> None:
    read = wdd.Sweep.load(out)
    pd.testing.assert_frame_equal(read.frame, sweep.frame)
    assert (read.fields, read.config) == (sweep.fields, sweep.config)
    assert repr(read) == f"Sweep({out}: 8 runs, over method.ipc, method.masses)"
    assert read.history(-1).path == sweep.history(15).path


@pytest.mark.slow
def test_a_sweep_is_read_without_torch(sweep: wdd.Sweep, out: Path) -> None:
    code = (
        f"import sys, wddkit as wdd; s = wdd.Sweep.load({str(out)!r}); s.history(0); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_runs_that_are_done_are_only_read_and_a_larger_sweep_reuses_them(
    sweep: wdd.Sweep, out: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    before = bytes_of(copy / "runs")
    larger = ablate({**GRID, "method.ipc": [1, 2, 3]}, copy, seeds=2)
    after = bytes_of(copy / "runs")
    assert {name: after[name] for name in before} == before
    assert larger.frame["run"].nunique() == 12
    pd.testing.assert_frame_equal(larger.frame[larger.frame["method.ipc"] < 3].reset_index(drop=True), sweep.frame)


@pytest.mark.slow
@pytest.mark.parametrize("config", [BASE, replace(BASE, seed=7)])
def test_the_table_of_another_sweep_is_not_overwritten(config: wdd.Config, sweep: wdd.Sweep, tmp_path: Path) -> None:
    replace(sweep, path=tmp_path).save()
    before = bytes_of(tmp_path)
    changes = {"method.lr": [0.1]} if config == BASE else GRID
    message = (
        r"holds another sweep \(over method\.ipc, method\.masses\), .*: 8 of its runs are not asked for; choose an"
    )
    with pytest.raises(ValueError, match=message):
        ablate(changes, tmp_path, config)
    assert bytes_of(tmp_path) == before


@pytest.mark.slow
def test_an_interruption_loses_no_rows_of_runs_that_were_done(
    sweep: wdd.Sweep, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    missing = sweep.frame["run"].unique()[1]
    shutil.rmtree(copy / "runs" / missing)

    def interrupted(config: wdd.Config, **options: object) -> wdd.History:
        if config.run_name(toy_split()) == missing:
            raise KeyboardInterrupt
        return wdd.run(config, **options)

    monkeypatch.setattr("wddkit.ablation.run_config", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ablate(GRID, copy, seeds=2)
    others = sweep.frame[sweep.frame["run"] != missing].reset_index(drop=True)
    pd.testing.assert_frame_equal(wdd.Sweep.load(copy).frame, others)


@pytest.mark.slow
def test_a_list_of_changes_is_a_row_each_with_the_configs_values_elsewhere(out: Path, tmp_path: Path) -> None:
    found = ablate([{}, {"method.steps": 6}, {"method.ipc": 1, "method.lr": 0.1}, {}], tmp_path)
    assert found.fields == ("method.steps", "method.ipc", "method.lr")
    rows = found.frame[found.frame["protocol"] == "hard"]
    assert rows[[*found.fields]].to_numpy().tolist() == [[4, 2, 0.03], [6, 2, 0.03], [4, 1, 0.1]]  # equal ones once


@pytest.mark.slow
def test_methods_and_parts_of_the_config_can_be_changed_as_a_whole(tmp_path: Path) -> None:
    network = wdd.Network(width=8, depth=2, norm="instance")
    changes = [{"method": Random(ipc=1)}, {"method": WMDD(ipc=1, steps=2), "teacher.network": network}]
    frame = ablate(changes, tmp_path, replace(BASE, protocols=(HARD,))).frame
    assert [*frame["method"]] == ["random (ipc=1)", "wmdd (ipc=1, steps=2)"]
    assert frame["teacher.network"][1] == "network (depth=2, width=8, norm=instance)"
    assert frame["accuracy"][0] == frame["random"][0]


@pytest.mark.slow
def test_a_field_that_a_method_lacks_is_none_in_its_rows(tmp_path: Path) -> None:
    changes = [{"method": Random(ipc=1)}, {"method": Nearest(ipc=1), "method.masses": "uniform"}]
    found = ablate(changes, tmp_path, replace(BASE, protocols=(HARD,), controls=()))
    assert [*found.frame["method"]] == ["random (ipc=1)", "nearest (ipc=1, masses=uniform)"]
    masses = found.frame["method.masses"]
    assert (masses.isna().tolist(), masses[1]) == ([True, False], "uniform")
    pd.testing.assert_frame_equal(wdd.Sweep.load(tmp_path).frame, found.frame)
    with pytest.raises(
        ValueError, match=r"1 of 2 combinations cannot be run; method=random .*: unknown field of Random"
    ):
        ablate([{"method": Random(ipc=1), "method.masses": "free"}, *changes[1:]], tmp_path)


@pytest.mark.slow
def test_teachers_are_changed_where_the_recipe_gives_them(tmp_path: Path) -> None:
    config = replace(BASE, teacher=None, protocols=(HARD,), controls=())
    small = {"teacher.training.steps": [2, 3], "teacher.network.width": [4]}
    frame = ablate(small, tmp_path, config).frame
    assert frame["teacher.training.steps"].tolist() == [2, 3]


@pytest.mark.slow
def test_several_processes_give_the_table_of_one(tmp_path: Path) -> None:
    images, labels = arrays()
    np.savez(tmp_path / "toy.npz", x_train=images[:, 0], y_train=labels, x_test=images[:40, 0], y_test=labels[:40])
    config = replace(BASE, dataset=f"npz:{tmp_path / 'toy.npz'}", protocols=(HARD,))
    tables = [
        wdd.ablate(config, GRID, out=tmp_path / str(workers), workers=workers, progress=False).frame
        for workers in (1, 2)
    ]
    assert tables[0].shape == tables[1].shape
    # Tests run with one thread, as each of two processes on two cores does: then all is equal but the seconds.
    pd.testing.assert_frame_equal(*(table.drop(columns="seconds") for table in tables))


@pytest.mark.slow
def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    images, labels = arrays()
    np.savez(tmp_path / "toy.npz", x_train=images[:, 0], y_train=labels, x_test=images[:40, 0], y_test=labels[:40])
    config = replace(BASE, dataset=f"npz:{tmp_path / 'toy.npz'}", protocols=(HARD,))
    (tmp_path / "config.json").write_text(json.dumps(config.to_json()))
    code = (
        f"import json, wddkit as wdd; config = wdd.Config.load({str(tmp_path / 'config.json')!r}); "
        f"wdd.ablate(config, {GRID!r}, out={str(tmp_path / 'out')!r}, seeds=3, workers=2, progress=False)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stderr=subprocess.PIPE)
    table = tmp_path / "out" / "sweep.json"  # the second of its two files
    until = time.monotonic() + 120
    while not table.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    partial = wdd.Sweep.load(tmp_path / "out")
    assert 1 <= len(partial.frame) < 12
    whole = wdd.ablate(config, GRID, out=tmp_path / "out", seeds=3, progress=False)
    assert len(whole.frame) == 12
    kept = whole.frame[whole.frame["run"].isin(partial.frame["run"])]
    assert kept["seconds"].tolist() == partial.frame.sort_index()["seconds"].tolist() or len(kept) == len(partial.frame)


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"method.ipc": []}, {}, r"method\.ipc: expected at least one value, got an empty list"),
        ({"method.ipc": 10}, {}, r"method\.ipc: expected a list of values, got 10; for one value take \[10\]"),
        ({"method.form": "paper"}, {}, r"method\.form: expected a list of values, got 'paper'; .* take \['paper'\]"),
        ({"method.ipd": [1]}, {}, r"1 of 1 combinations cannot be run; method\.ipd=1: .*Did you mean 'ipc'\?"),
        (
            {"method.ipc": [1, 5000, 6000]},
            {},
            r"2 of 3 combinations cannot be run; method\.ipc=5000: .* above the size of class .*; method\.ipc=6000: ",
        ),
        ("method.ipc", {}, r"changes: expected values by field, .* or a list of changes, .*; got 'method\.ipc'"),
        (["method.ipc"], {}, r"changes: expected values by field, .* or a list of changes, .*; got a list"),
        (
            {"protocols": [(HARD,), (SOFT,)]},
            {},
            r"protocols: cannot be changed within a sweep: every run has a row for each protocol; name all at once",
        ),
        (
            [{"protocols.labels": "soft"}],
            {},
            r"protocols\.labels: cannot be changed within a sweep: .*; name all at once",
        ),
        (
            {"controls": [(), ("random",)]},
            {},
            r"controls: cannot .*: every run has a column for each control; name all",
        ),
        (
            {"device": ["cpu", "auto"]},
            {},
            r"device: cannot be changed within a sweep: .* name it once: Config\(device='",
        ),
        (
            {"dataset": ["toy", "digits"]},
            {},
            r"dataset: does not change a split that is given as such; leave split out",
        ),
        ([{"size": 8}], {}, r"size: does not change a split .* name the data set in the config \(npz:FILE"),
        ({"split_seed": [0, 1]}, {}, r"split_seed: does not change a split that is given as such"),
        ({"skip_corrupt": [True]}, {}, r"skip_corrupt: does not change a split that is given as such"),
        (
            {"size": [None, 8]},
            {"split": None, "config": DIGITS},
            r"size=8: would be the same run as size=None; leave one",
        ),
        ({"method": ["dm"]}, {}, r"method=dm: method: expected a method, got 'dm'; write wddkit\.methods\.DM\(ipc=1\)"),
        ({"method": [3]}, {}, r"method=3: method: expected a method, got 3; write wddkit\.methods\.WMDD\(ipc=1\)"),
        ({"method.ipc": np.array([1, 5000])}, {}, r"1 of 2 combinations cannot be run; method\.ipc=5000: .* above the"),
        ({"method.ipc": [{1}]}, {}, r"1 of 1 combinations cannot be run; method\.ipc=a set: method\.ipc: expected int"),
        ({"method.ipc": [1]}, {"out": None}, r'out: expected a folder, got None; write out="sweeps/ipc"'),
        ({5: [1]}, {}, r'changes: expected fields by name, such as "method\.ipc", got 5'),
        (
            {"method.ipc": [1]},
            {"config": replace(BASE, protocols=())},
            r"1 of 1 combinations cannot be run; method\.ipc=1: protocols=\(\): there is nothing to compare under",
        ),
        ({"method.ipc": [1]}, {"split": "toy"}, r"split: expected a Split, got 'toy'; write wddkit\.load\('toy'\)"),
        ({"method.ipc": [1]}, {"seeds": "1"}, r"expected at least one seed and one worker, got seeds='1' and"),
        ({"method.ipc": [1]}, {"seeds": 0}, r"expected at least one seed and one worker, got seeds=0 and workers=1"),
        ({"method.ipc": [1]}, {"workers": 0}, r"got seeds=1 and workers=0"),
        ({"method.ipc": [1]}, {"workers": 2}, r"a split given as such stays in this process; take workers=1, or name"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(
    changes: object, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        ablate(changes, **{"out": tmp_path / "out", **options})
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_run_that_fails_in_a_process_is_named(tmp_path: Path) -> None:
    config = replace(BASE, dataset=f"npz:{tmp_path / 'toy.npz'}", protocols=(HARD,))
    images, labels = arrays()
    np.savez(tmp_path / "toy.npz", x_train=images[:, 0], y_train=labels, x_test=images[:40, 0], y_test=labels[:40])
    blocked = tmp_path / "out" / "runs"
    blocked.mkdir(parents=True)
    split = wdd.load(config.dataset)
    (blocked / config.run_name(split)).write_text("a file in the way")
    with pytest.raises(RuntimeError, match=r"a run failed: method\.ipc=2, seed 0: .*Runs that are done are kept"):
        wdd.ablate(config, {"method.ipc": [2]}, out=tmp_path / "out", workers=2, progress=False)


def test_a_run_that_fails_in_this_process_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "runs"
    blocked.mkdir()
    (blocked / replace(BASE, seed=3).run_name(toy_split())).write_text("a file in the way")
    with pytest.raises(OSError, match="could not write") as caught:
        ablate({"method.ipc": [2], "seed": [3]}, tmp_path)
    assert caught.value.__notes__ == [
        "This was the run with method.ipc=2, seed=3, seed 3. Runs that are done are kept; the same call goes on from "
        "there."
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda out: (out / "sweep.json").unlink(), r"no sweep here: expected sweep\.json and sweep\.parquet"),
        (lambda out: (out / "sweep.json").write_text("{"), r"sweep\.json: not JSON"),
        (lambda out: (out / "sweep.json").write_text('{"schema": 9}'), r"sweep\.json: expected a sweep of schema 0"),
        (lambda out: (out / "sweep.parquet").write_bytes(b"PAR"), r"sweep\.parquet: not a table in Parquet"),
        (
            lambda out: (out / "sweep.json").write_text('{"schema": 0, "fields": ["method.lr"]}'),
            r"sweep\.parquet: no column 'method\.lr'",
        ),
    ],
)
def test_a_damaged_sweep_is_named(spoil: object, message: str, sweep: wdd.Sweep, tmp_path: Path) -> None:
    replace(sweep, path=tmp_path).save()
    spoil(tmp_path)
    with pytest.raises(ValueError, match=message):
        wdd.Sweep.load(tmp_path)


@pytest.mark.slow
def test_a_row_cannot_lead_out_of_the_sweeps_folder(sweep: wdd.Sweep) -> None:
    frame = sweep.frame.assign(run="../../" + sweep.frame["run"])
    assert replace(sweep, frame=frame).history(0).path == sweep.history(0).path
    with pytest.raises(IndexError, match="row 16 of a sweep of 16 rows"):
        sweep.history(16)


def test_values_are_told_in_words() -> None:
    assert [word(value) for value in (None, True, 1, 0.5, "a")] == [None, True, 1, 0.5, "a"]
    assert word((0.5, 1.0)) == "0.5, 1.0"
    assert word(Augment(flip=0.5)) == "augment (flip=0.5)"
    assert word(DM()) == "dm"
    assert combinations([]) == [{}]
    with pytest.raises(ValueError, match="cannot tell a set in a table"):
        word({1})


def test_numbers_of_numpy_are_those_of_python() -> None:
    (grid,), (listed,) = combinations({"method.ipc": np.array([3])}), combinations([{"crop": (np.float64(0.5), 1)}])
    assert type(grid["method.ipc"]) is int
    assert [type(each) for each in listed["crop"]] == [float, int]
