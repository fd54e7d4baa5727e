"""Many run folders as one table and as one sweep: every run once, and what does not count is told."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from history_toys import ENVIRONMENT, toy_set

import wddkit as wdd
from wddkit.history import Writer
from wddkit.history.tables import DISTANCES
from wddkit.history.turns import Edits, Turn

HARD = {"name": "hard", "labels": "hard", "steps": 10, "students": 2}
SOFT = {**HARD, "name": "soft", "labels": "soft"}


def config(kind: str = "wmdd", *, seed: int = 0, lr: float = 0.1, **fields: Any) -> dict[str, Any]:
    method = {"kind": kind, "ipc": 2, "lr": lr}
    return {"dataset": "toy", "method": method, "seed": seed, "teacher": {"width": 4}, "teacher_seed": 0, **fields}


def row(name: str, accuracy: float, **fields: Any) -> dict[str, Any]:
    return {"set": name, "accuracies": [accuracy, accuracy + 1], "bytes": 9, "seconds": 1.0, "ipc": 2, **fields}


def recorded(path: Path, about: dict[str, Any], results: list[tuple[dict[str, Any], list[dict[str, Any]]]]) -> Path:
    """A complete run of four images, with these results."""
    with Writer.open(path, config=about, environment=ENVIRONMENT) as writer:
        writer.distilled(toy_set(np.zeros((4, 3, 8, 8), np.uint8)))
        for number, (protocol, rows) in enumerate(results):
            writer.results(f"{number:016x}", {"protocol": protocol, "rows": rows})
        writer.complete()
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two runs side by side, a third one within a sweep."""
    own = row("wmdd", 60, w2_squared=1.5, coverage=0.5)
    recorded(tmp_path / "runs" / "a", config(), [(HARD, [own, row("random", 50)]), (SOFT, [own])])
    recorded(tmp_path / "runs" / "b", config(seed=1, lr=0.2), [(HARD, [row("wmdd", 62)])])
    recorded(tmp_path / "sweeps" / "x" / "runs" / "c", config("dm"), [(HARD, [row("dm", 64)])])
    return tmp_path


def test_a_table_has_a_row_for_each_run_protocol_and_set(place: Path) -> None:
    frame = wdd.gather(place)
    found = [*zip(frame["run"], frame["method"], frame["protocol"], frame["control"], frame["seed"], strict=True)]
    a, b, c = (str(place / name) for name in ("runs/a", "runs/b", "sweeps/x/runs/c"))
    assert found == [
        (a, "wmdd", "hard", False, 0),
        (a, "random", "hard", True, 0),
        (a, "wmdd", "soft", False, 0),
        (b, "wmdd", "hard", False, 1),
        (c, "dm", "hard", False, 0),
    ]
    assert frame["accuracy"].tolist() == [60.5, 50.5, 60.5, 62.5, 64.5]
    assert frame["w2_squared"].tolist() == pytest.approx([1.5, np.nan, 1.5, np.nan, np.nan], nan_ok=True)
    assert set(DISTANCES) <= set(frame)
    assert frame["dataset"].unique().tolist() == ["toy"]
    assert len(wdd.gather([place / "runs", str(place / "sweeps")])) == len(frame)
    pd.testing.assert_frame_equal(wdd.gather([place / "runs" / "a", place]), frame)  # each once


def test_terms_are_equal_just_where_data_teacher_and_protocol_are(tmp_path: Path) -> None:
    changes: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "first": ({}, {}),
        "same": ({"seed": 5, "method": {"kind": "dm"}}, {"students": 9, "name": "other"}),
        "data": ({"size": 16}, {}),
        "split": ({"split_seed": 1}, {}),
        "teacher": ({"teacher": {"width": 8}}, {}),
        "teacher's seed": ({"teacher_seed": 1}, {}),
        "protocol": ({}, {"steps": 20}),
    }
    for name, (fields, protocol) in changes.items():
        about = {**config(), **fields}
        recorded(tmp_path / name, about, [({**HARD, **protocol}, [row(about["method"]["kind"], 60)])])
    frame = wdd.gather(tmp_path)
    terms = {Path(run).name: terms for run, terms in zip(frame["run"], frame["terms"], strict=True)}
    assert terms["same"] == terms["first"]
    others = [value for name, value in terms.items() if name not in ("first", "same")]
    assert len({terms["first"], *others}) == 6


def test_runs_that_do_not_count_are_named_in_a_warning(place: Path) -> None:
    whole = wdd.gather(place)
    runs = place / "runs"
    shutil.copytree(runs / "a", runs / "unfinished")
    (runs / "unfinished" / "complete.json").unlink()
    shutil.copytree(runs / "a", runs / "damaged")
    (runs / "damaged" / "environment.json").write_text("{}")
    shutil.copytree(runs / "a", place / "zipped" / "a")
    recorded(runs / "silent", config(seed=2), [])
    edits = Edits("edited", (Turn("lr", 0.5, 1),))
    with Writer.open(runs / "turned", config=config(), environment=ENVIRONMENT, edits=edits) as writer:
        writer.distilled(toy_set(np.zeros((4, 3, 8, 8), np.uint8)))
        writer.results("0" * 16, {"protocol": HARD, "rows": [row("wmdd", 60)]})
        writer.complete()
    with pytest.warns(UserWarning, match=r"^5 of 8 runs are left out\.") as told:
        pd.testing.assert_frame_equal(wdd.gather(place), whole)
    (said,) = (str(each.message) for each in told)
    for name, why in (
        ("runs/unfinished", "this run is unfinished"),
        ("runs/damaged/environment.json", "the file has 2 bytes"),
        ("zipped/a", "a run of this name is counted already; it is a copy, or rename it"),
        ("runs/silent", "no results"),
        ("runs/turned", "its knobs were turned while it ran"),
    ):
        assert f"{place / name}: {why}" in said


@pytest.mark.parametrize(
    ("inside", "message"),
    [("nowhere", r"there is no folder .*nowhere; expected runs"), ("", r"no runs in .*; `wddkit")],
)
def test_where_there_is_nothing_is_told(inside: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        wdd.gather(tmp_path / inside)
    with pytest.raises(ValueError, match=r"expected at least one folder, of runs or that holds them, .*an empty list"):
        wdd.gather([])


def test_a_run_whose_method_is_no_set_of_it_has_made_its_first_set(tmp_path: Path) -> None:
    recorded(tmp_path / "own", config("walk"), [(HARD, [row("distilled", 60), row("random real", 50)])])
    assert wdd.gather(tmp_path)["control"].tolist() == [False, True]


def test_gathered_runs_are_a_sweep_over_what_their_configs_differ_in(place: Path) -> None:
    sweep = wdd.Sweep.of_runs(place)
    assert sweep.fields == ("method", "method.lr")
    told = sweep.frame[["method", "method.lr", "seed", "protocol", "accuracy", "run"]].to_numpy().tolist()
    assert told == [
        ["wmdd", 0.1, 0, "hard", 60.5, "a"],
        ["wmdd", 0.1, 0, "soft", 60.5, "a"],
        ["wmdd", 0.2, 1, "hard", 62.5, "b"],
        ["dm", 0.1, 0, "hard", 64.5, "c"],
    ]
    assert sweep.frame["gain"].tolist() == pytest.approx([10, np.nan, np.nan, np.nan], nan_ok=True)
    assert [sweep.folder(i) for i in range(4)] == [
        place / "runs" / "a",
        place / "runs" / "a",
        place / "runs" / "b",
        place / "sweeps" / "x" / "runs" / "c",
    ]
    assert sweep.history(-1).config.method.kind == "dm"
    assert sweep.config == {
        "dataset": "toy",
        "method": {"ipc": 2},
        "teacher": {"width": 4},
        "teacher_seed": 0,
    }
    with pytest.raises(IndexError, match="row 4 of a sweep of 4 rows"):
        sweep.folder(4)
    with pytest.raises(ValueError, match=r"gathered runs are no sweep of one folder; keep their table: frame\.to_parq"):
        sweep.save()


def test_runs_of_which_none_counts_are_no_sweep(tmp_path: Path) -> None:
    recorded(tmp_path / "silent", config(), [])
    with (
        pytest.warns(UserWarning, match="1 of 1 runs are left out"),
        pytest.raises(ValueError, match="no complete run with results in"),
    ):
        wdd.Sweep.of_runs(tmp_path)


def test_the_command_writes_the_table(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from wddkit.cli import main

    assert main(["runs", "--out", str(place / "runs"), "--table", str(place / "all.csv")]) == 0
    assert capsys.readouterr().out.endswith(f"\nThe table: {place / 'all.csv'}\n")
    read = pd.read_csv(place / "all.csv")
    expected = wdd.gather(place / "runs")
    assert read[["run", "method", "terms", "accuracy"]].to_numpy().tolist() == (
        expected[["run", "method", "terms", "accuracy"]].to_numpy().tolist()
    )
