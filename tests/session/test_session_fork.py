"""A fork is its run up to a step, and from then on has other knobs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from session_toys import LEAN, SPLIT, act_at, knob_events, outcome, run, session, wait_for

import wddkit as wdd
from wddkit.history.turns import Fork
from wddkit.methods import WMDD
from wddkit.session.work import Work

STEP = 16  # one of the recorded ones
ONE_BLOCK = replace(LEAN, method=WMDD(ipc=2, steps=24))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> wdd.History:
    return run(tmp_path_factory.mktemp("plain"), LEAN)


@pytest.fixture(scope="module")
def forked(plain: wdd.History, tmp_path_factory: pytest.TempPathFactory) -> wdd.History:
    out = tmp_path_factory.mktemp("forked")
    return wdd.fork(plain, STEP, out=out, split=SPLIT, statistics_weight=30).wait()


def same_frames(a: wdd.History, b: wdd.History) -> dict[int, bool]:
    """Step -> whether the images of all blocks are equal there, and all else that was recorded of them."""
    assert a.frames == b.frames
    return {
        frame.step: all(
            np.array_equal(array, b.arrays(f)[block][name])
            for block, arrays in a.arrays(f).items()
            for name, array in arrays.items()
        )
        for f, frame in enumerate(a.frames)
    }


def test_every_block_of_a_fork_is_that_of_its_run_up_to_the_step_and_another_after_it(
    plain: wdd.History, forked: wdd.History
) -> None:
    same = same_frames(plain, forked)
    assert STEP in same
    assert same == {step: step <= STEP for step in same}
    assert forked.path.name == f"{plain.path.name}-edited-1"
    assert {label: steps["value"].tolist() for label, steps in forked.barycenters.items()} == {
        label: steps["value"].tolist() for label, steps in plain.barycenters.items()
    }


def test_a_fork_tells_where_it_came_from(plain: wdd.History, forked: wdd.History) -> None:
    (event,) = [event for event in forked.events if event["event"] == "fork"]
    assert event.items() >= {"run": plain.path.name, "step": STEP, "block": None, "statistics_weight": 30.0}.items()
    assert forked.edited
    assert forked.edits is not None
    assert forked.edits.fork == Fork(plain.path.name, STEP)
    back_and_forth = [(b, s, a, z) for b in range(4) for s, a, z in [(0, 30.0, 1.0), (STEP, 1.0, 30.0)]][1:]
    assert knob_events(forked) == [(b, s, "statistics_weight", a, z) for b, s, a, z in back_and_forth if b < 2]


def test_a_run_and_its_fork_stand_side_by_side_and_what_was_turned_names_them(
    plain: wdd.History, forked: wdd.History
) -> None:
    view = wdd.CompareExplorer([plain, forked])
    said = f"statistics weight 30 from step {STEP} on"
    assert view.differences == [["turned by hand", "nothing", said]]
    assert view.names == ["turned by hand nothing", f"turned by hand {said}"]
    assert wdd.CompareExplorer([plain, plain]).differences == []


def test_a_fork_has_the_bits_of_the_same_turn_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = run(tmp_path / "run", ONE_BLOCK)
    fork = wdd.fork(parent.path, STEP, split=SPLIT, lr=0.2).wait()
    assert fork.path.parent == parent.path.parent
    act_at(monkeypatch, {("recover", STEP): lambda work: work.turn({"lr": 0.2})})
    assert outcome(session(tmp_path / "hand", ONE_BLOCK).wait()) == outcome(fork)


@pytest.mark.slow
def test_a_fork_is_replayed_and_goes_on_after_a_stop_with_the_same_bits(
    forked: wdd.History, plain: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcome(wdd.replay(forked, split=SPLIT)) == outcome(forked)
    act_at(monkeypatch, {(f"recover {block}/2", step): Work.stop for block, step in [(1, 3), (1, 20), (2, 7)]})
    going = wdd.fork(plain, STEP, out=tmp_path, split=SPLIT, statistics_weight=30)
    for _ in range(3):
        going.wait()
        assert going.state["state"] == "stopped"
        going.resume()
    assert outcome(going.wait()) == outcome(forked)
    assert len([event for event in going.history.events if event["event"] == "fork"]) == 1


@pytest.mark.parametrize("second", [9, 20])
def test_a_fork_of_a_fork_is_it_up_to_its_step(second: int, forked: wdd.History, tmp_path: Path) -> None:
    twice = wdd.fork(forked, second, out=tmp_path, split=SPLIT, statistics_weight=0, lr=0.1).wait()
    same = same_frames(forked, twice)
    assert same == {step: step <= second for step in same}
    assert twice.edits is not None
    assert twice.edits.fork == Fork(forked.path.name, second)


@pytest.mark.slow
def test_a_session_is_forked_while_it_pauses_and_keeps_its_own_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act_at(
        monkeypatch,
        {("recover 1/2", 5): lambda work: work.turn({"lr": 0.1}), ("recover 2/2", 20): Work.pause},
    )
    parent = session(tmp_path, LEAN)
    wait_for(lambda: parent.state["state"] == "paused")
    fork = parent.fork(12, lr=0.001)
    child = fork.wait()
    assert parent.path.name.endswith("-edited-1")
    assert fork.path.name.endswith("-edited-2")
    parent.resume()
    same = same_frames(parent.wait(), child)
    assert same == {step: step <= 12 for step in same}


def test_a_fork_says_that_it_repeats_until_it_is_where_it_begins(
    plain: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: dict[int, str] = {}
    look = {
        ("recover 1/2", step): lambda work, step=step: messages.update({step: work.state()["message"]})
        for step in (3, STEP, STEP + 1)
    }
    act_at(monkeypatch, look)
    wdd.fork(plain, STEP, out=tmp_path, split=SPLIT, lr=0.3).wait()
    repeating = f"repeating {plain.path.name} up to step {STEP}, where this fork begins"
    assert messages == {3: repeating, STEP: repeating, STEP + 1: ""}


@pytest.mark.parametrize(
    ("step", "knobs", "text"),
    [
        (24, {"lr": 0.1}, "step is 24; expected a whole number from 0 to 23: a fork acts from there on"),
        (-1, {"lr": 0.1}, "step is -1; expected a whole number from 0 to 23"),
        (1.5, {"lr": 0.1}, "step is 1.5; expected a whole number from 0 to 23"),
        (3, {}, "expected at least one knob with its value; wmdd has lr, statistics_weight"),
        (3, {"lr": -1}, "lr is -1; expected a finite number above 0"),
        (3, {"ipc": 1}, "unknown knob of wmdd 'ipc'. Known: lr, statistics_weight"),
    ],
)
def test_a_fork_that_cannot_be_says_why_and_makes_no_folder(
    step: Any, knobs: dict[str, float], text: str, plain: wdd.History
) -> None:
    before = {*plain.path.parent.iterdir()}
    parent = session(plain.path.parent, LEAN)
    for call in (lambda: wdd.fork(plain, step, split=SPLIT, **knobs), lambda: parent.fork(step, **knobs)):
        with pytest.raises(ValueError) as caught:
            call()
        assert text in str(caught.value)
    assert {*plain.path.parent.iterdir()} == before
