"""Who watches a session is told of all of it, seldom enough, from its thread, and can do it no harm."""

import gc
import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from session_toys import LEAN, act_at, elsewhere, outcome, run, session, wait_for

import wddkit as wdd
from wddkit.methods import WMDD
from wddkit.session import State, watching
from wddkit.session.work import Work

LONG = replace(LEAN, method=WMDD(ipc=2, steps=700), snapshots=20)


class Follower:
    """Notes what it is told, when, and in which thread."""

    def __init__(self) -> None:
        self.told: list[tuple[float, State]] = []
        self.grown: list[tuple[float, wdd.History]] = []
        self.threads: set[str] = set()

    def tell(self, state: State) -> None:
        self.threads.add(threading.current_thread().name)
        self.told.append((time.monotonic(), state))

    def grow(self, history: wdd.History) -> None:
        self.threads.add(threading.current_thread().name)
        self.grown.append((time.monotonic(), history))

    @property
    def states(self) -> list[str]:
        """Without repetitions."""
        names = [state["state"] for _, state in self.told]
        return [name for i, name in enumerate(names) if names[i - 1 : i] != [name]]


class Broken(Follower):
    def grow(self, history: wdd.History) -> None:
        raise RuntimeError("the view has a <fault>")


def paused(watched: wdd.LiveSession) -> None:
    wait_for(lambda: watched.state["state"] == "paused")


def test_a_listener_hears_of_every_stage_and_sees_the_history_grow_from_the_sessions_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PERIOD", 0.01)
    watched, follower = session(tmp_path, LONG), Follower()
    watched.watch(follower)
    history = watched.wait()
    assert follower.threads == {f"wddkit {watched.path}"}
    assert follower.states[-2:] == ["running", "finished"]
    stages = {state["stage"].split()[0] for _, state in follower.told}
    assert {"squeeze", "recover"} <= stages
    frames = [len(grown.frames) for _, grown in follower.grown]
    assert frames == sorted(frames)
    assert len({*frames}) > 3
    assert frames[-1] == len(history.frames)
    last = follower.told[-1][1]
    assert last.keys() == {"state", "stage", "done", "total", "seconds", "knobs", "message"}
    assert (last["done"], last["total"]) == (700, 700)
    assert last["seconds"] == pytest.approx(history.scalars["seconds"].max(), abs=0.5)


def test_a_view_says_at_once_how_the_session_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 1/2", 5): Work.pause})
    with session(tmp_path, LEAN) as resting:
        paused(resting)
        monkeypatch.setattr(Work, "watch", lambda *_: None)  # nothing from the thread, as while it loads
        assert resting.view.live == resting.state


@pytest.mark.slow
def test_a_listener_is_told_five_times_a_second_at_most(tmp_path: Path) -> None:
    watched, follower = session(tmp_path, LONG), Follower()
    watched.watch(follower)
    watched.wait()
    running = [when for when, state in follower.told if state["state"] == "running"]
    assert len(running) > 2
    # all but the first, which tells at once that the state has changed
    assert min(b - a for a, b in pairwise(running[1:])) >= 0.19
    grown = [when for when, _ in follower.grown[:-1]]  # the last comes when it ends
    assert min(b - a for a, b in pairwise(grown)) >= 0.19


def test_a_partial_history_is_whole_as_far_as_it_goes_also_when_it_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PERIOD", 0.01)
    watched, follower = session(tmp_path, LONG), Follower()
    watched.watch(follower)
    whole = watched.wait()
    partial = next(grown for _, grown in follower.grown if len(grown.frames) > 3)
    assert len(partial.frames) < len(whole.frames)
    for f, frame in enumerate(partial.frames):
        images = whole.images(whole.frames.index(frame))
        assert (partial.images(f) == images[: len(partial.indices)]).all()
    assert partial.barycenters.keys() == whole.barycenters.keys()
    assert partial.real is not None


def test_a_turn_leaves_earlier_histories_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 1/2", 8): Work.pause, ("recover 2/2", 20): Work.pause})
    watched = session(tmp_path, LEAN)
    paused(watched)
    before = watched.history
    watched.set(lr=0.1)
    watched.resume()
    wait_for(lambda: watched.state["stage"] == "recover 2/2")
    paused(watched)
    after = watched.history
    assert before.path != after.path
    assert (before.images(0)[:4] == after.images(0)[:4]).all()
    assert not before.edited
    assert after.edited
    watched.stop()


def test_a_listener_that_fails_is_told_nothing_more_and_the_run_ends_as_it_should(tmp_path: Path) -> None:
    plain = run(tmp_path / "plain", LEAN)
    watched, broken, follower = session(tmp_path, LEAN), Broken(), Follower()
    watched.watch(broken)
    watched.watch(follower)
    assert outcome(watched.wait()) == outcome(plain)
    assert watched.state["message"] == "a view failed and is told nothing more: RuntimeError: the view has a <fault>"
    assert not broken.told
    assert follower.states[-1] == "finished"


def test_a_history_that_cannot_be_read_is_told_and_the_state_nevertheless() -> None:
    audience, follower = watching.Audience(), Follower()
    audience.add(follower)
    state = State(state="running", stage="", done=0, total=0, seconds=0.0, knobs={}, message="")

    def gone() -> wdd.History:
        raise FileNotFoundError("the folder is gone")

    assert audience.tell(lambda: state, gone) == "what is recorded cannot be read: the folder is gone"
    assert follower.states == ["running"]
    assert not follower.grown


def test_who_comes_after_the_end_is_told_at_once(tmp_path: Path) -> None:
    watched, follower = session(tmp_path, LEAN, blocking=True), Follower()
    watched.watch(follower)
    assert follower.states == ["finished"]
    assert len(follower.grown) == 1
    assert follower.threads == {threading.current_thread().name}


def test_who_comes_during_a_pause_is_told_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 2/2", 8): Work.pause})
    with session(tmp_path, LEAN) as watched:
        paused(watched)
        follower = Follower()
        watched.watch(follower)
        wait_for(lambda: bool(follower.grown))  # which is told after the state, by another thread
        assert follower.states == ["paused"]
        assert follower.grown[0][1].frames


def test_a_listener_is_told_of_pause_stop_and_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(work: Work) -> None:
        raise OSError("no space")

    act_at(monkeypatch, {("recover 1/2", 8): Work.pause, ("recover 1/2", 9): Work.stop, ("recover 2/2", 4): fail})
    follower = Follower()
    watched = session(tmp_path, LEAN)
    watched.watch(follower)
    paused(watched)
    watched.resume()
    watched.wait()
    watched.resume()
    with pytest.raises(OSError, match="no space"):
        watched.wait()
    assert [name for name in follower.states if name != "starting"] == [
        "running", "paused", "running", "stopped", "running", "failed"
    ]  # fmt: skip
    assert follower.told[-1][1]["message"] == "OSError: no space"


def test_a_listener_may_command_the_session_that_tells_it(tmp_path: Path) -> None:
    class Stopper(Follower):
        def tell(self, state: State) -> None:
            super().tell(state)
            if state["stage"].startswith("recover") and state["done"] > 20:
                watched.set(lr=0.01)
                watched.pause()
                watched.stop()  # which does not wait for its own thread

    stopper = Stopper()
    watched = session(tmp_path, LONG)
    watched.watch(stopper)
    watched.wait()
    assert watched.state["state"] == "stopped"


def test_listeners_are_held_weakly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 2/2", 8): Work.pause})
    with session(tmp_path, LEAN) as watched:
        paused(watched)
        told: list[int] = []

        class Mortal(Follower):
            def tell(self, state: State) -> None:
                told.append(1)

        watched.watch(Mortal())
        gc.collect()
        time.sleep(0.5)
        assert not told


@pytest.mark.slow
def test_commands_from_other_threads_turn_and_stop_and_all_turns_are_repeated(tmp_path: Path) -> None:
    watched = session(tmp_path, LONG)
    wait_for(lambda: watched.state["stage"].startswith("recover"))
    for value in (0.01, 0.02, 0.05):
        elsewhere(lambda value=value: watched.set(lr=value, statistics_weight=10 * value))
        wait_for(lambda value=value: watched.state["knobs"]["lr"] == value)
    elsewhere(watched.stop)
    partial = watched.wait()
    assert watched.state["state"] == "stopped"
    assert partial.edited
    watched.resume()
    history = watched.wait()
    assert history.edits is not None
    assert len(history.edits.turns) == 6
    assert outcome(wdd.replay(history, split=watched._work.split)) == outcome(history)


@pytest.mark.slow
def test_the_view_is_made_when_it_is_asked_for_follows_the_session_and_ends_with_it(tmp_path: Path) -> None:
    watched = session(tmp_path, LONG)
    view = watched.view
    history = watched.wait()
    assert view is watched.view
    assert view.live == watched.state
    assert view.live["state"] == "finished"
    assert len(view.meta["timeline"]) == view.meta["barycenter_steps"] + len(history.frames)
