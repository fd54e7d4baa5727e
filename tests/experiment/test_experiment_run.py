"""One call distils, relabels, evaluates and records; a second one only reads."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import ot
import pytest
from experiment_toys import (
    CLASSES,
    CONFIG,
    HARD,
    LIGHT,
    ONLINE,
    TEACHER,
    arrays,
    bytes_of,
    outcome,
    results_of,
    run,
    toy_split,
)

import wddkit as wdd
from wddkit.experiment import Losses, task_of
from wddkit.history.folder import lock
from wddkit.methods import METHODS, WMDD, Random
from wddkit.stages.teacher import features

DESIGNED = re.compile(
    r"config\.json|environment\.json|events\.jsonl|metrics\.jsonl|real\.npz|complete\.json|barycenter/\d{4}\.npz"
    r"|recover/\d{6}-\d{4}\.npz|results/[0-9a-f]{16}\.json"
    r"|distilled/(card\.json|labels\.safetensors|\d{4}_\w+/\d{6}\.png)"
)
LOUD = WMDD(ipc=2, steps=12, statistics_weight=1e39)  # beyond float32
PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"(dp", b"(lp")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> wdd.History:
    return run(tmp_path_factory.mktemp("runs"))


def test_a_run_ends_with_a_distilled_set_and_a_row_for_it_and_each_control(finished: wdd.History) -> None:
    assert len(finished.distilled) == 3 * CLASSES
    sets = ["wmdd", "random", "nearest", "whole real set"]
    assert [*zip(finished.results["protocol"], finished.results["set"], strict=True)] == [
        (protocol, name) for protocol in ("hard", "soft") for name in sets
    ]
    assert finished.config.method.kind == "wmdd"
    assert finished.config.method.ipc == 3


def test_the_folder_is_named_by_data_method_ipc_and_hash(finished: wdd.History) -> None:
    assert finished.path is not None
    assert re.fullmatch(r"toy-wmdd-3-[0-9a-f]{8}", finished.path.name)
    assert finished.path.name.endswith(CONFIG.run_hash(toy_split())[:8])


def test_a_run_folder_holds_the_files_of_the_design_and_nothing_else(finished: wdd.History) -> None:
    assert finished.path is not None
    assert [name for name in bytes_of(finished.path) if not DESIGNED.fullmatch(name)] == []
    hidden = {file.name for file in finished.path.rglob(".*")}
    assert hidden <= {".lock"}  # an empty file that says nothing, and that no system removes safely
    assert not (finished.path / "checkpoint").exists()


def test_no_file_of_a_run_can_hold_a_pickle(finished: wdd.History) -> None:
    assert finished.path is not None
    archives = 0
    for name, data in bytes_of(finished.path).items():
        assert not data.startswith(PICKLES), name
        if name.endswith(".npz"):
            archives += 1
            with np.load(finished.path / name, allow_pickle=False) as members:
                assert all(not members[member].dtype.hasobject for member in members)
    assert archives == 1 + CLASSES + 2 * 8  # real, barycenters, two blocks of eight snapshots


def test_the_last_snapshots_are_the_answer(finished: wdd.History) -> None:
    np.testing.assert_array_equal(finished.images(-1), finished.distilled.images)


def test_recorded_features_are_those_of_the_images_as_they_are_saved(finished: wdd.History) -> None:
    teacher = task_of(CONFIG, toy_split()).teacher()
    for frame in (0, 3, -1):
        expected = features(teacher, finished.images(frame))
        np.testing.assert_allclose(finished.features(frame), expected, rtol=1e-3, atol=1e-5)  # half precision


def test_recorded_distances_are_those_of_the_saved_images_by_another_solver(finished: wdd.History) -> None:
    split = toy_split()
    teacher = task_of(CONFIG, split).teacher()
    for real, column in ((split.train, "w2_squared"), (split.val, "w2_squared_heldout")):
        distances = []
        for c in range(CLASSES):
            own = finished.distilled.labels == c
            z, r = features(teacher, finished.distilled.images[own]), features(teacher, real.images[real.labels == c])
            masses = finished.distilled.masses[own] / finished.distilled.masses[own].sum()
            distances.append(ot.emd2(masses, np.full(len(r), 1 / len(r)), ot.dist(z, r)))
        row = finished.results[finished.results["set"] == "wmdd"].iloc[0]
        assert row[column] == pytest.approx(np.mean(distances), rel=1e-6)


def test_the_same_call_again_reads_and_changes_no_byte(finished: wdd.History, monkeypatch: pytest.MonkeyPatch) -> None:
    assert finished.path is not None
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in finished.path.rglob("*") if file.is_file()}

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a complete run is not opened for writing")

    monkeypatch.setattr("wddkit.experiment.Writer.open", refuse)
    with lock(finished.path):  # as another process that reads or adds to it would
        again = run(finished.path.parent)
    assert outcome(again) == outcome(finished)
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in before} == before


@pytest.mark.slow
def test_another_protocol_is_added_to_a_complete_run_which_stays_valid(tmp_path: Path) -> None:
    first = run(tmp_path, LIGHT)
    assert first.path is not None
    before = bytes_of(first.path)
    second = run(tmp_path, replace(LIGHT, protocols=(HARD, ONLINE)))
    assert second.path == first.path
    assert set(second.results["protocol"]) == {"hard", "online"}
    after = bytes_of(first.path)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"complete.json", "events.jsonl"}
    assert after["events.jsonl"].startswith(before["events.jsonl"])
    assert outcome(wdd.History.load(first.path, verify="all")) == outcome(second)
    both = run(tmp_path / "at once", replace(LIGHT, protocols=(HARD, ONLINE)))
    assert outcome(both) == outcome(second)


@pytest.mark.slow
def test_another_control_is_added_to_the_results_that_are_there(tmp_path: Path) -> None:
    lean = replace(LIGHT, controls=("nearest",))
    assert [*run(tmp_path, lean).results["set"]] == ["wmdd", "nearest"]
    more = run(tmp_path, replace(lean, controls=("random",)))
    assert [*more.results["set"]] == ["wmdd", "random", "nearest"]
    assert more.path is not None
    assert len(results_of(more.path)) == 1
    assert outcome(run(tmp_path / "at once", replace(lean, controls=("nearest", "random")))) == outcome(more)


@pytest.mark.slow
def test_two_runs_in_other_folders_are_equal_bit_for_bit(finished: wdd.History, tmp_path: Path) -> None:
    assert outcome(run(tmp_path)) == outcome(finished)


def test_another_seed_is_another_run_with_other_images(finished: wdd.History, tmp_path: Path) -> None:
    other = run(tmp_path, replace(LIGHT, method=WMDD(ipc=3, steps=4), seed=1, controls=()))
    assert other.path is not None
    assert finished.path is not None
    assert other.path.name != finished.path.name
    assert not np.array_equal(other.distilled.images, finished.distilled.images)


@pytest.mark.slow
def test_data_that_are_given_name_the_run_unless_the_config_does(tmp_path: Path) -> None:
    plain = wdd.Config(method=Random(2), teacher=TEACHER, protocols=(HARD,), controls=())
    mine = wdd.Split.from_arrays(*arrays(), *arrays(40, seed=1), name="my own/data")
    named = run(tmp_path, plain, split=mine)
    assert named.path is not None
    assert named.path.name.startswith("my-own-data-random-2-")
    assert named.config.dataset == "my own/data"
    told = run(tmp_path, replace(plain, dataset="told"), split=mine)
    assert told.path is not None
    assert told.path.name.startswith("told-random-2-")


SMALLER = {"tiled": {"factor": 2}, "mtt": {"experts": 1}}
QUICK = ("wmdd", "dm", "kip", "random")  # the others go all the way in the long run of all tests


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in METHODS]
)
def test_every_method_goes_all_the_way(name: str, tmp_path: Path) -> None:
    steps = {"steps": 3} if hasattr(METHODS[name], "steps") else {}
    method = METHODS[name](ipc=2, **steps, **SMALLER.get(name, {}))
    views = replace(HARD, labels="views", views=2)
    history = run(tmp_path, replace(CONFIG, method=method, protocols=(views,), controls=("random",)))
    assert len(history.distilled) == method.ipc * CLASSES
    assert [*history.results["set"]] == [name, "random"][: 1 if name == "random" else 2]
    assert history.results["accuracy"].between(0, 100).all()
    np.testing.assert_array_equal(history.images(-1), history.distilled.images)
    assert outcome(run(tmp_path, replace(CONFIG, method=method, protocols=(views,), controls=("random",)))) == outcome(
        history
    )


@pytest.mark.slow
def test_data_without_validation_images_give_no_held_out_numbers(tmp_path: Path) -> None:
    split = wdd.Split.from_arrays(*arrays(), *arrays(40, seed=1), val=0)
    history = run(tmp_path, LIGHT, split=split)
    assert history.results["w2_squared_heldout"].isna().all()
    assert all(event["event"] != "teacher" for event in history.events)


def test_colour_images_in_other_precisions_go_all_the_way(tmp_path: Path) -> None:
    split = wdd.Split.from_arrays(*arrays(channels=3), *arrays(40, seed=1, channels=3))
    for precision in ("float64", "bf16"):
        config = replace(LIGHT, precision=precision, controls=())
        assert run(tmp_path, config, split=split).distilled.images.shape == (8, 3, 8, 8)


@pytest.mark.slow
def test_what_does_not_fit_the_recording_is_left_out_but_never_the_answer(tmp_path: Path) -> None:
    config = replace(CONFIG, snapshots=24, protocols=(HARD,), controls=())
    whole = run(tmp_path / "whole", config)
    assert whole.path is not None
    older = sum(file.stat().st_size for file in [whole.path / "real.npz", *(whole.path / "barycenter").glob("*")])
    budget = (older + 14 * 2 * 4096 + 60_000) / 1e6  # some of the 24 snapshots
    small = run(tmp_path / "small", replace(config, recording_mb=budget))
    assert small.path is not None
    assert 2 <= len(small.frames) < len(whole.frames)
    recorded = [*small.path.rglob("*.npz")]
    assert sum(file.stat().st_size for file in recorded) <= budget * 1e6
    assert all(event["event"] != "recording stopped" for event in small.events)
    last = small.images(-1)
    np.testing.assert_array_equal(last, small.distilled.images[small.indices])
    np.testing.assert_array_equal(small.distilled.images, whole.distilled.images)


def test_the_time_of_every_stage_is_recorded(finished: wdd.History) -> None:
    stages = [event["name"] for event in finished.events if event["event"] == "stage"]
    assert stages == ["squeeze", "embed", "distil", "evaluate", "evaluate"]


@pytest.mark.parametrize(("method", "value"), [(WMDD(ipc=2, steps=12, lr=1e30), r"\d\S+"), (LOUD, "nan|inf")])
def test_a_run_whose_loss_goes_astray_ends_with_a_warning_each_time_it_is_asked_for(
    method: WMDD, value: str, tmp_path: Path
) -> None:
    config = replace(LIGHT, method=method, controls=())
    text = (
        rf"toy-wmdd-2-\w+: recover( 1/1)? diverged: its loss is ({value}), but was \S+ at first; lower lr, or a weight"
    )
    for _ in range(2):
        with pytest.warns(UserWarning, match=text) as warned:
            history = run(tmp_path, config)
        assert Path(warned[0].filename).name in ("experiment_toys.py",)  # whoever called wdd.run
    assert [event["stage"][:7] for event in history.events if event["event"] == "diverged"] == ["recover"]


def test_a_stage_went_astray_where_its_last_loss_is_ten_times_the_first_or_not_finite() -> None:
    def said(*values: float) -> str:
        losses = Losses()
        for step, value in enumerate(values, start=1):
            losses.note("squeeze", step, len(values), {"loss": value})
        return losses.said

    for values in ((1.0, 10.0), (1.0, 99.0, 2.0), (2.0, 1e-9), (0.0, 5.0), (-1.0, 5.0), (3.0,), (np.inf, 1.0)):
        assert said(*values) == ""
    assert (
        said(1.0, 10.1) == "squeeze diverged: its loss is 10.1, but was 1 at first; lower lr, or a weight in the loss"
    )
    assert said(1.0, np.nan).startswith("squeeze diverged: its loss is nan, but was 1 at first")
    assert said(np.inf).startswith("squeeze diverged: its loss is inf, but was inf at first")


def test_stages_are_held_apart_and_one_that_recovers_is_well_again() -> None:
    losses = Losses()
    for stage, first, last in (("a", 1, 50), ("b", 50, 40), ("c", 1, 11), ("c", 1, 2), ("d", 1, 70)):
        assert losses.note(stage, 1, 2, {"loss": first}) == ""
        assert losses.note("features", 2, 2, {}) == ""
        assert losses.note(stage, 2, 2, {"loss": last}) == losses.strayed.get(stage, "")
    assert [*losses.strayed] == ["a", "d"]
    assert losses.said == f"{losses.strayed['a']} (so it is in 1 more stages)"
    other = Losses()
    other.recall([{"event": "stage", "name": "a"}, {"event": "diverged", "stage": "b", "said": "b diverged"}])
    assert other.said == "b diverged"
