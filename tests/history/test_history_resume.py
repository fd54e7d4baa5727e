"""A run that is killed at any moment ends as if it had not been."""

import functools
import os
import resource
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from history_toys import CONFIG, ENVIRONMENT, before_each_change, content, in_child, run, toy_results, walk

from wddkit.history import History, Writer


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed process wrote is with the system; only a power failure, which no test makes, asks for more."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run"
    run(path)
    return path


def killed(path: Path, at: int) -> bool:
    """Whether a run was killed before its `at`-th change on disk (False: it ended before)."""

    def work() -> None:
        before_each_change(path, lambda n: os.kill(os.getpid(), signal.SIGKILL) if n == at else None)
        run(path)

    code, text = in_child(work)
    assert code == signal.SIGKILL or text == "None", text
    return code == signal.SIGKILL


def changes_of(path: Path) -> int:
    counted = [0]

    def work() -> int:
        before_each_change(path, lambda n: counted.__setitem__(0, n))
        run(path)
        return counted[0]

    return int(in_child(work)[1])


def test_two_runs_of_the_same_config_are_equal_but_for_times(whole: Path, tmp_path: Path) -> None:
    run(tmp_path / "again")
    assert content(tmp_path / "again") == content(whole)


@pytest.mark.slow
def test_a_run_killed_before_any_one_of_its_changes_on_disk_ends_the_same(whole: Path, tmp_path: Path) -> None:
    total = changes_of(tmp_path / "count")
    assert total > 100
    expected = content(whole)
    for at in range(1, total, 3):
        path = tmp_path / str(at)
        assert killed(path, at)
        if (path / "complete.json").is_file():
            History.load(path, verify="all")
        run(path)
        assert content(path) == expected, f"killed before change {at}"
        shutil.rmtree(path)


def test_a_run_killed_at_random_moments_again_and_again_ends_the_same(whole: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "run"
    kills = 0
    while kills < 20:
        child = os.fork()
        if child == 0:
            run(path)
            os._exit(0)
        time.sleep(rng.uniform(0.001, 0.03))
        os.kill(child, signal.SIGKILL)
        kills += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        if (path / "complete.json").is_file():  # its checkpoint may still be there; opening tidies it
            run(path)
            assert content(path) == content(whole)
            shutil.rmtree(path)
    run(path)
    assert content(path) == content(whole)


def test_resuming_goes_on_from_the_last_checkpoint_and_not_from_the_start(tmp_path: Path) -> None:
    with Writer.open(tmp_path / "run", config=CONFIG, environment=ENVIRONMENT) as writer:
        for number, snapshot in enumerate(walk(None)):
            writer.snapshot(**snapshot)
            if number == 5:
                break
    with Writer.open(tmp_path / "run", config=CONFIG, environment=ENVIRONMENT) as writer:
        assert writer.state is not None
        assert writer.state["step"] == 3
        np.testing.assert_array_equal(writer.state["images"], snapshot["state"]["images"])


def test_logs_and_snapshots_that_are_newer_than_the_checkpoint_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
        *_, last = walk(None)
        writer.snapshot(**last)
        before = {name: (path / name).read_bytes() for name in ("metrics.jsonl", "events.jsonl")}
        writer.metrics("recover", 99, 0, {"loss": 1.0})
        writer.event("later")
        writer.snapshot(**{**last, "step": 99, "state": None})
        writer.results("cc", toy_results("cc"))
        (path / "results" / "dd.json").write_text("{}")
    (path / "notes.txt").write_text("mine")
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
        assert writer.has("results/cc.json")  # results are a checkpoint of their own, with all that came before
        assert (path / "metrics.jsonl").read_bytes() != before["metrics.jsonl"]
        assert not (path / "results" / "dd.json").exists()
        writer.metrics("recover", 100, 0, {"loss": 1.0})
        writer.snapshot(**{**last, "step": 100, "state": None})
        marked = (path / "metrics.jsonl").read_bytes().splitlines(keepends=True)[:-2]
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT):
        assert (path / "metrics.jsonl").read_bytes() == b"".join(marked)
        assert not (path / "recover" / "000100-0000.npz").exists()
        assert (path / "recover" / "000099-0001.npz").exists()
        assert (path / "notes.txt").read_text() == "mine"


def test_a_disk_that_fills_up_is_told_and_the_run_goes_on_from_there(whole: Path, tmp_path: Path) -> None:
    for at in range(1, changes_of(tmp_path / "count"), 9):
        path = tmp_path / str(at)

        def filling(at: int = at, path: Path = path) -> None:
            # From one change on, no file may grow beyond 4 bytes, which is how a full disk looks from here.
            limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4, -1))
            before_each_change(path, lambda n: limit() if n == at else None)
            run(path)

        code, text = in_child(filling)
        assert code == 0
        if (path / "complete.json").is_file():  # nothing is written after it
            assert text == "None"
            break
        assert text.startswith(f"StorageError: [Errno 27] could not write {path}"), text
        assert "What was written so far is kept; raise the limit" in text
        assert text.endswith("then run the same again to go on from there")
        run(path)
        assert content(path) == content(whole), f"full from change {at} on"


def test_a_checkpoint_that_cannot_be_read_names_itself_and_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
        *_, last = walk(None)
        writer.snapshot(**last)
    file = path / "checkpoint" / "state.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(ValueError, match=r"state\.safetensors: this checkpoint cannot be read; delete the folder"):
        Writer.open(path, config=CONFIG, environment=ENVIRONMENT)
    shutil.rmtree(path / "checkpoint")
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
        assert writer.state is None
        assert not list((path / "recover").iterdir())


def test_a_file_that_a_checkpoint_needs_is_named_when_it_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
        *_, last = walk(None)
        writer.snapshot(**last)
    os.truncate(path / "metrics.jsonl", 5)
    with pytest.raises(ValueError, match=r"metrics\.jsonl: the file is shorter than the \d+ bytes at the checkpoint"):
        Writer.open(path, config=CONFIG, environment=ENVIRONMENT)
    (path / "recover" / "000004-0001.npz").unlink()
    with pytest.raises(ValueError, match=r"000004-0001\.npz: the file is missing"):
        Writer.open(path, config=CONFIG, environment=ENVIRONMENT)


@pytest.mark.slow
def test_results_can_be_added_to_a_complete_run_and_it_is_complete_at_every_moment(whole: Path, tmp_path: Path) -> None:
    def add(path: Path) -> None:
        with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
            assert writer.is_complete
            for name in ("aa", "cc"):  # one again, one new
                writer.metrics("evaluate", 2, 0, {"accuracy": 60.0})
                writer.results(name, {**toy_results(name), "again": True})
            writer.complete()

    shutil.copytree(whole, tmp_path / "expected")
    add(tmp_path / "expected")
    names = History.load(tmp_path / "expected", verify="all").results["protocol"]
    assert set(names) == {"protocol aa", "protocol bb", "protocol cc"}
    expected = {name: found for name, found in content(tmp_path / "expected").items() if name != "metrics.jsonl"}
    for at in range(1, 1000):
        path = tmp_path / str(at)
        shutil.copytree(whole, path)

        def work(path: Path = path, at: int = at) -> None:
            before_each_change(path, lambda n: os.kill(os.getpid(), signal.SIGKILL) if n == at else None)
            add(path)

        code, text = in_child(work)
        History.load(path, verify="all")
        if code == 0:
            assert text == "None"
            break
        add(path)
        assert {name: content(path)[name] for name in expected} == expected, f"killed before change {at}"
    assert at > 5


def test_nothing_but_results_can_be_added_to_a_complete_run(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    with Writer.open(tmp_path / "run", config=CONFIG, environment=ENVIRONMENT) as writer:
        with pytest.raises(ValueError, match="this run is complete, snapshots cannot be added"):
            writer.snapshot(**next(walk(None)))
        with pytest.raises(ValueError, match="this run is complete, the distilled set cannot be added"):
            writer.distilled(History.load(tmp_path / "run").distilled)
