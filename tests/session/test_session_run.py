"""A session without turns is the run of its config, however it is paused, stopped, interrupted or dropped."""

import _thread
import gc
import itertools
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from session_toys import CONFIG, KNOBS, LEAN, SPLIT, act_at, outcome, run, session, toy_split, wait_for

import wddkit as wdd
from wddkit import pipeline
from wddkit.methods import WMDD
from wddkit.session.work import Work

STAGES = (
    ("squeeze", 7),
    ("barycenter", 2),
    ("recover 1/2", 11),
    ("recover 2/2", 24),
    ("evaluate wmdd (hard)", 5),
    ("evaluate random (hard)", 3),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> wdd.History:
    return run(tmp_path_factory.mktemp("whole"))


def test_a_session_returns_at_once_and_ends_with_the_bits_and_the_folder_of_run(
    whole: wdd.History, tmp_path: Path
) -> None:
    began = session(tmp_path)
    assert began.state["state"] in ("starting", "running")
    history = began.wait()
    assert began.state["state"] == "finished"
    assert began.state["knobs"] == KNOBS
    assert began.error is None
    assert outcome(history) == outcome(whole)
    assert not history.edited
    assert [path.name for path in tmp_path.iterdir()] == [whole.path.name]
    assert run(tmp_path).path == began.path


def test_a_finished_run_is_only_read(whole: wdd.History) -> None:
    before = threading.active_count()
    again = session(whole.path.parent)
    assert again.state["state"] == "finished"
    assert threading.active_count() == before
    assert outcome(again.wait()) == outcome(whole)
    again.stop()
    again.pause()
    assert again.state["state"] == "finished"


def test_blocking_is_the_same_code_and_returns_when_it_has_ended(whole: wdd.History, tmp_path: Path) -> None:
    assert outcome(session(tmp_path, blocking=True).history) == outcome(whole)


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "done"), STAGES)
def test_a_session_stops_in_every_stage_and_run_goes_on_to_the_same_end(
    stage: str, done: int, whole: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act_at(monkeypatch, {(stage, done): Work.stop})
    stopped = session(tmp_path)
    partial = stopped.wait()
    state = stopped.state
    assert (state["state"], state["stage"], state["done"]) == ("stopped", stage, done)
    assert (stopped.path / "complete.json").is_file() is False
    assert len(partial.frames) <= len(whole.frames)
    assert outcome(run(tmp_path)) == outcome(whole)


@pytest.mark.slow
def test_a_session_goes_on_with_what_run_left_and_with_what_itself_left(
    whole: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "with_soft_labels", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    act_at(monkeypatch, dict.fromkeys(STAGES[4:], Work.stop))
    going = session(tmp_path)
    states = []
    while going.wait() and going.state["state"] == "stopped":
        states.append(going.state["stage"])
        going.resume()
    assert states == [stage for stage, _ in STAGES[4:]]
    assert outcome(going.wait()) == outcome(whole)


def test_twenty_pauses_at_random_moments_change_no_bits(
    whole: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    totals = {"squeeze": 25, "recover 1/2": 24, "recover 2/2": 24}
    steps = [(stage, 1 + i) for stage, total in totals.items() for i in range(total)]
    paused = []

    def pause(work: Work) -> None:
        def go_on() -> None:
            wait_for(lambda: work.state()["state"] == "paused")
            paused.append(work.state()["stage"])
            work.go_on()

        work.pause()
        threading.Thread(target=go_on, daemon=True).start()

    act_at(monkeypatch, {steps[i]: pause for i in rng.choice(len(steps), 20, replace=False)})
    assert outcome(session(tmp_path).wait()) == outcome(whole)
    assert len(paused) == 20


def test_a_pause_is_not_counted_as_time_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 1/2", 5): Work.pause})
    began = time.monotonic()
    resting = session(tmp_path, LEAN)
    wait_for(lambda: resting.state["state"] == "paused")
    before = resting.state["seconds"]
    time.sleep(1.5)
    assert resting.state["seconds"] == before
    resting.resume()
    history = resting.wait()
    work = time.monotonic() - began - 1.5  # at most, however slow the machine is
    spent = [event["seconds"] for event in history.events if event["event"] == "stage"]
    assert 0 < sum(spent) < work
    assert before < history.scalars["seconds"].max() < work


def test_a_paused_session_stops_and_can_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 2/2", 12): Work.pause})
    resting = session(tmp_path, LEAN)
    wait_for(lambda: resting.state["state"] == "paused")
    partial = resting.history
    assert partial.images(-1).shape == (8, 1, 8, 8)
    assert len(partial.frames) == 6
    assert len(partial.barycenters) == 4
    assert {*partial.scalars["block"]} == {0, 1, 2, 3}
    started = time.monotonic()
    resting.stop()
    assert time.monotonic() - started < 5  # less than one, see the bench, unless others take the cores
    assert resting.state["state"] == "stopped"
    assert resting.wait(timeout=0).frames == partial.frames


def test_waiting_ends_at_its_timeout_with_the_history_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 1/2", 1): Work.pause})
    with session(tmp_path, LEAN) as resting:
        wait_for(lambda: resting.state["state"] == "paused")
        assert len(resting.wait(timeout=0.1).frames) == 1
        assert "paused, recover 1/2 1 of 24" in repr(resting)
    assert resting.state["state"] == "stopped"


def test_what_fails_in_the_thread_is_kept_told_and_raised_by_wait(
    whole: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(work: Work) -> None:
        raise MemoryError("no memory left for this step")

    act_at(monkeypatch, {("recover 2/2", 9): fail})
    failing = session(tmp_path)
    with pytest.raises(MemoryError, match="no memory left for this step") as caught:
        failing.wait()
    assert failing.error is caught.value
    assert failing.state["state"] == "failed"
    assert failing.state["message"] == "MemoryError: no memory left for this step"
    failing.resume()
    assert outcome(failing.wait()) == outcome(whole)
    assert failing.error is None
    assert failing.state["message"] == ""


def test_what_run_refuses_a_session_refuses_in_the_cell_that_begins_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ipc 90 is above the size of class 0"):
        session(tmp_path, replace(CONFIG, method=WMDD(ipc=90)))
    assert not [*tmp_path.iterdir()]


def test_a_session_whose_loss_goes_astray_says_so_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said, told = "recover 1/2 diverged: its loss is ", []
    act_at(
        monkeypatch,
        {
            ("recover 1/2", 4): lambda work: work.turn({"lr": 1e30}),
            ("recover 1/2", 24): lambda work: told.append(work.state()["message"]),
            ("recover 2/2", 2): Work.stop,
        },
    )
    astray = session(tmp_path, LEAN)
    astray.wait()
    assert told[0].startswith(said)  # as soon as a snapshot shows it
    assert re.fullmatch(rf"{said}\S+, but was \S+ at first; lower lr, or a weight in the loss", astray.state["message"])
    going = wdd.LiveSession.open(astray.path, split=SPLIT)
    history = going.wait()
    assert going.state["state"] == "finished"
    assert going.state["message"].startswith(said)
    events = [event for event in history.events if event["event"] == "diverged"]
    assert events[0]["stage"] == "recover 1/2"
    assert wdd.LiveSession.open(astray.path, split=SPLIT).state["message"].startswith(said)


def test_a_session_of_which_all_is_well_says_nothing(whole: wdd.History) -> None:
    assert session(whole.path.parent).state["message"] == ""
    assert not [event for event in whole.events if event["event"] == "diverged"]


def test_a_folder_that_a_session_writes_is_refused_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 1/2", 1): Work.pause})
    with session(tmp_path) as first:
        wait_for(lambda: first.state["state"] == "paused")
        for begin in (session, run):
            with pytest.raises(wdd.history.StorageError, match=r"is being written by process \d+ on .*; wait"):
                begin(tmp_path)
        first.resume()
        assert first.wait().frames


@pytest.mark.slow
@pytest.mark.parametrize("blocking", [True, False])
def test_an_interrupt_while_waiting_stops_and_keeps_what_there_is(
    blocking: bool, whole: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(work: Work) -> None:
        _thread.interrupt_main()
        work.pause()  # so that the interrupt comes first

    def wait() -> None:
        session(tmp_path, blocking=blocking).wait()

    act_at(monkeypatch, {("recover 2/2", 13): interrupt})
    with pytest.raises(KeyboardInterrupt) as caught:
        wait()
    assert str(tmp_path) in caught.value.__notes__[0]
    assert "Interrupted. What was done is kept; session.resume() or LiveSession.open(" in caught.value.__notes__[0]
    (path,) = tmp_path.iterdir()
    assert wdd.History.load(path, partial=True).frames
    going = wdd.LiveSession.open(path, split=SPLIT)
    assert outcome(going.wait()) == outcome(whole)


def test_a_session_that_nobody_holds_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 1/2", 5): Work.pause})
    held = session(tmp_path)
    wait_for(lambda: held.state["state"] == "paused")
    work = held._work
    del held
    gc.collect()
    work.join(60)
    assert work.state()["state"] == "stopped"


@pytest.mark.slow
def test_the_end_of_the_interpreter_stops_a_session_and_keeps_what_there_is(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from session_toys import LEAN, WMDD, replace, session, Path\n"
        f"held = session(Path({str(tmp_path)!r}), replace(LEAN, method=WMDD(ipc=2, steps=100_000), snapshots=60))\n"
        "while len(held.history.frames) < 3:\n"
        "    time.sleep(0.01)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = tmp_path.iterdir()
    assert len(wdd.History.load(path, partial=True).frames) >= 3
    assert not (path / ".owner").exists()


def busy(*_: object) -> None:
    """Work of a minute without a boundary."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        torch.ones(100, 100) @ torch.ones(100, 100)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["with_soft_labels", "_plan", "missing_sets"])
def test_a_stop_is_an_interrupt_where_the_next_boundary_is_far(
    where: str, whole: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = threading.Event()

    def stuck(*_: object) -> None:
        reached.set()
        busy()

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, where, stuck)
        stuck_session = session(tmp_path)
        assert reached.wait(60)
        started = time.monotonic()
        stuck_session.stop()
        assert time.monotonic() - started < 5  # less than one, see the bench, unless others take the cores
        assert stuck_session.state["state"] == "stopped"
    stuck_session.resume()
    assert outcome(stuck_session.wait()) == outcome(whole)


def test_a_stop_waits_for_an_import_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_module.py").write_text("import time\nfor i in range(100):\n    time.sleep(0.01)\nloaded = True\n")
    monkeypatch.syspath_prepend(tmp_path)

    reached = threading.Event()

    def importing(*_: object) -> None:
        reached.set()
        __import__("slow_module")
        busy()

    monkeypatch.setattr(pipeline, "with_soft_labels", importing)
    stuck = session(tmp_path / "out", LEAN)
    assert reached.wait(60)
    stuck.stop(timeout=60)
    assert stuck.state["state"] == "stopped"
    assert sys.modules["slow_module"].loaded


@pytest.mark.slow
def test_the_thread_computes_with_as_many_threads_as_torch_had_where_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, seen = torch.get_num_threads(), []
    act_at(monkeypatch, {("squeeze", 3): lambda work: seen.append(torch.get_num_threads())})
    try:
        torch.set_num_threads(before + 1)
        history = session(tmp_path, LEAN).wait()
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    assert seen == [before + 1] == [history.environment.threads]


def test_a_run_of_other_images_is_not_opened(whole: wdd.History, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="was recorded from other images than 'toy' has here; give the run's own as "):
        wdd.LiveSession.open(whole.path, split=toy_split(120))
    few = toy_split(24)
    with pytest.raises(ValueError, match="was recorded from other images than 'toy' has here"):
        wdd.LiveSession.open(whole.path, split=few)
    with pytest.raises(ValueError, match=r"expected a JSON config or a run folder"):
        wdd.LiveSession.open(tmp_path)
    shutil.copytree(whole.path, tmp_path / "renamed")
    assert wdd.LiveSession.open(tmp_path / "renamed", split=SPLIT).state["state"] == "finished"


def test_calls_from_other_threads_at_any_moment_leave_the_run_as_it_is(whole: wdd.History, tmp_path: Path) -> None:
    busy_session, ended = session(tmp_path), threading.Event()
    problems: list[BaseException] = []

    def disturb(seed: int) -> None:
        rng = np.random.default_rng(seed)
        look = (lambda: busy_session.history.frames, lambda: busy_session.state)
        calls = (busy_session.pause, busy_session.resume, *look)
        try:
            for _ in itertools.takewhile(lambda _: not ended.is_set(), itertools.count()):
                calls[rng.integers(len(calls))]()
                time.sleep(0.001)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=disturb, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    history = busy_session.wait(timeout=4)
    ended.set()
    for thread in threads:
        thread.join()
    busy_session.resume()
    history = busy_session.wait()
    assert not problems
    assert outcome(history) == outcome(whole)
