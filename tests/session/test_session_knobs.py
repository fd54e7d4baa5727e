"""Every turn of a knob is on record, makes the run an edited one, and is repeated bit for bit."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from session_toys import CONFIG, KNOBS, LEAN, SPLIT, act_at, knob_events, outcome, run, session, toy_split, wait_for

import wddkit as wdd
from wddkit.comparison import rows_of
from wddkit.experiment import context_of, task_of
from wddkit.history.turns import Edits, Turn
from wddkit.methods import DM, KIP, METHODS, WMDD, Random, SRe2L
from wddkit.session.knobs import Knobs, knobs_of
from wddkit.session.work import Work

WEIGHED = {("recover 1/2", 7): lambda work: work.turn({"statistics_weight": 4})}
TURNS = {
    **WEIGHED,
    ("recover 2/2", 11): lambda work: work.turn({"lr": 0.01, "statistics_weight": 1.0}),
    ("recover 2/2", 20): lambda work: work.turn({"lr": 0.2}),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> wdd.History:
    return run(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> wdd.History:
    with pytest.MonkeyPatch.context() as patch:
        act_at(patch, TURNS)
        return session(tmp_path_factory.mktemp("edited")).wait()


def images(history: wdd.History) -> bytes:
    return history.distilled.images.tobytes()


@pytest.mark.slow
def test_turns_are_events_of_an_edited_run_in_a_folder_of_its_own(edited: wdd.History, whole: wdd.History) -> None:
    assert edited.edited
    assert edited.path.name == f"{whole.path.name}-edited-1"
    assert knob_events(edited) == [
        (0, 7, "statistics_weight", 1.0, 4.0),
        (1, 11, "lr", 0.03, 0.01),
        (1, 11, "statistics_weight", 4.0, 1.0),
        (1, 20, "lr", 0.01, 0.2),
    ]
    assert edited.edits is not None
    assert edited.edits.run == whole.path.name
    assert edited.edits.turns[0] == Turn("statistics_weight", 4.0, 7, 0)
    assert wdd.History.load(edited.path, verify="all").edited
    assert not whole.edited
    assert whole.edits is None


def test_an_edited_run_is_the_run_up_to_its_first_turn(edited: wdd.History, whole: wdd.History) -> None:
    assert images(edited) != images(whole)
    steps = {step: name for name in outcome(whole) if name.startswith("recover/") for step in [name[8:]]}
    for step, name in steps.items():
        equal = outcome(edited)[name] == outcome(whole)[name]
        block, done = int(step[7:11]), int(step[:6])
        assert equal == (done == 0 or (block == 0 and done <= 7)), name


def test_the_run_stays_where_it_was_and_run_goes_on_with_it(edited: wdd.History, whole: wdd.History) -> None:
    path = edited.path.parent / whole.path.name
    assert not (path / "complete.json").exists()
    assert {name.name for name in edited.path.parent.iterdir()} == {path.name, edited.path.name}
    assert outcome(run(path.parent)) == outcome(whole)


@pytest.mark.slow
def test_a_replay_has_the_same_bits_and_the_same_events(edited: wdd.History, tmp_path: Path) -> None:
    beside = wdd.replay(edited, split=SPLIT)
    assert beside.path.name == edited.path.name.replace("edited-1", "edited-2")
    assert outcome(beside) == outcome(edited)
    assert knob_events(beside) == knob_events(edited)
    assert beside.edits == edited.edits
    elsewhere = wdd.replay(str(edited.path), out=tmp_path, split=SPLIT)
    assert elsewhere.path.name == edited.path.name
    assert outcome(elsewhere) == outcome(edited)


@pytest.mark.parametrize("knobs", [{"lr": 0.11}, {"statistics_weight": 0}, {"lr": 0.11, "statistics_weight": 7.5}])
def test_a_knob_that_is_turned_before_the_first_step_acts_as_the_same_value_in_the_config(
    knobs: dict[str, float], tmp_path: Path
) -> None:
    turned = session(tmp_path, LEAN)
    turned.set(**knobs)
    history = turned.wait()
    assert knob_events(history) == [(0, 0, name, KNOBS[name], value) for name, value in knobs.items()]
    assert turned.state["knobs"] == {**KNOBS, **knobs}
    plain = run(tmp_path, replace(LEAN, method=replace(LEAN.method, **knobs)))
    assert images(history) == images(plain)


def test_a_turn_counts_from_the_next_step_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(LEAN, method=WMDD(ipc=2, steps=24), snapshots=25)
    act_at(monkeypatch, {("recover", 7): lambda work: work.turn({"lr": 0.3})})
    history, plain = session(tmp_path, config).wait(), run(tmp_path, config)
    steps = [frame.step for frame in history.frames]
    assert {6, 7, 8} <= {*steps}
    for f, step in enumerate(steps):
        assert np.array_equal(history.images(f), plain.images(f)) == (step <= 7), step


@pytest.mark.slow
@pytest.mark.parametrize("stop", [("recover 1/2", 8), ("recover 1/2", 23), ("recover 2/2", 12), ("recover 2/2", 22)])
@pytest.mark.parametrize("lost", [False, True])
def test_an_edited_session_that_stopped_goes_on_with_its_turns_also_with_those_after_the_last_snapshot(
    stop: tuple[str, int],
    lost: bool,
    edited: wdd.History,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with monkeypatch.context() as patch:
        act_at(patch, {stop: Work.stop})  # beside the turns
        act_at(patch, TURNS)
        going = session(tmp_path)
        going.wait()
    assert going.state["state"] == "stopped"
    assert going.path.name.endswith("-edited-1")
    act_at(monkeypatch, {at: act for at, act in TURNS.items() if at > stop})
    if lost:
        monkeypatch.setenv("WDDKIT_CACHE", str(tmp_path_factory.mktemp("another")))
        going = wdd.LiveSession.open(going.path, split=SPLIT)
    else:
        going.resume()
    history = going.wait()
    assert outcome(history) == outcome(edited)
    assert knob_events(history) == knob_events(edited)
    assert history.edits == edited.edits


@pytest.mark.slow
def test_a_replay_that_stopped_goes_on_and_repeats_the_turns_to_come(
    edited: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act_at(monkeypatch, {("squeeze", 2): Work.stop, ("recover 1/2", 3): Work.stop, ("recover 2/2", 12): Work.stop})
    going = wdd.LiveSession.replay(edited, out=tmp_path, split=SPLIT)
    for _ in range(3):
        going.wait()
        assert going.state["state"] == "stopped"
        going = wdd.LiveSession.open(going.path, split=SPLIT)
    assert outcome(going.wait()) == outcome(edited)
    assert knob_events(going.history) == knob_events(edited)


def test_a_value_that_the_knob_has_already_is_no_turn(
    whole: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forth_and_back(work: Work) -> None:
        work.turn({"lr": 0.5})
        work.turn({"lr": KNOBS["lr"], "statistics_weight": 1})

    act_at(monkeypatch, {("recover 1/2", 9): forth_and_back})
    history = session(tmp_path).wait()
    assert outcome(history) == outcome(whole)
    assert not history.edited


@pytest.mark.slow
def test_a_turn_after_the_last_step_is_too_late_and_says_so(
    whole: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act_at(monkeypatch, {("recover 2/2", 24): lambda work: work.turn({"lr": 0.5})})
    late = session(tmp_path)
    assert outcome(late.wait()) == outcome(whole)
    assert late.state["message"] == "too late: no step was left for lr"
    with pytest.raises(ValueError, match=r"the images are done: no step is left for a knob; see session\.fork\(step, "):
        late.set(lr=0.2)


@pytest.mark.slow
def test_a_turn_at_the_end_of_a_block_acts_on_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act_at(monkeypatch, {("recover 1/2", 24): lambda work: work.turn({"lr": 0.5})})
    assert knob_events(session(tmp_path, LEAN).wait()) == [(1, 0, "lr", 0.03, 0.5)]


@pytest.mark.slow
def test_a_knob_can_be_turned_while_there_is_a_pause_and_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act_at(monkeypatch, {("recover 1/2", 7): Work.pause, ("recover 2/2", 13): Work.stop})
    turned = session(tmp_path, LEAN)
    wait_for(lambda: turned.state["state"] == "paused")
    turned.set(lr=0.3)
    assert turned.state["knobs"] == KNOBS  # not yet
    turned.resume()
    turned.wait()
    assert turned.state["knobs"]["lr"] == 0.3
    turned.set(statistics_weight=2)
    turned.resume()
    history = turned.wait()
    assert knob_events(history)[0] == (0, 7, "lr", 0.03, 0.3)
    assert knob_events(history)[1][2:] == ("statistics_weight", 1.0, 2.0)
    assert outcome(wdd.replay(history, split=SPLIT)) == outcome(history)


@pytest.mark.parametrize(
    ("knobs", "text"),
    [
        ({"learning_rate": 0.1}, "unknown knob of wmdd 'learning_rate'. Known: lr, statistics_weight"),
        ({"statistic_weight": 1}, "unknown knob of wmdd 'statistic_weight'. Did you mean 'statistics_weight'?"),
        ({}, "expected at least one knob with its value; wmdd has lr, statistics_weight"),
        ({"lr": 0}, "lr is 0; expected a finite number above 0"),
        ({"lr": float("nan")}, "lr is nan; expected a finite number above 0"),
        ({"lr": "0.1"}, "lr is '0.1'; expected a finite number above 0"),
        ({"lr": True}, "lr is True; expected a finite number above 0"),
        ({"statistics_weight": -1}, "statistics_weight is -1; expected a finite number of at least 0"),
        ({"statistics_weight": None}, "statistics_weight is None; expected a finite number of at least 0"),
        ({"statistics_weight": float("inf"), "lr": 1}, "statistics_weight is inf; expected a finite number of at le"),
        ({"statistics_weight": [1, 2]}, "statistics_weight is [1, 2]; expected a finite number of at least 0"),
    ],
)
def test_unknown_knobs_and_bad_values_are_named_and_nothing_is_turned(
    knobs: dict[str, Any], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act_at(monkeypatch, {("recover 1/2", 2): Work.pause})
    with session(tmp_path, LEAN) as held:
        with pytest.raises(ValueError) as caught:
            held.set(**knobs)
        assert text in str(caught.value)
        held.resume()
    assert not [*tmp_path.glob("*edited*")]


def test_each_method_has_the_knobs_that_it_can_turn() -> None:
    both = {"lr", "statistics_weight"}
    assert knobs_of(WMDD()).keys() == knobs_of(SRe2L()).keys() == both
    assert knobs_of(WMDD(statistics="none")).keys() == knobs_of(DM()).keys() == knobs_of(KIP()).keys() == {"lr"}
    assert knobs_of(WMDD(lr=0.5)) == {"lr": 0.5, "statistics_weight": 1.0}
    knobs = Knobs(Random(), Edits("run"))
    with pytest.raises(ValueError, match="random has no knobs: its images are chosen, not optimised"):
        knobs.ask({"lr": 0.1})


PREPARING = ("barycenter", "select")  # targets and real images to start from, before there are snapshots of images


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, kind in METHODS.items() if hasattr(kind, "steps")])
def test_every_method_calls_its_steps_by_the_phase_of_its_snapshots(name: str, tmp_path: Path) -> None:
    config = replace(LEAN, method=METHODS[name](ipc=1, steps=2)).checked(SPLIT)
    told: list[str] = []

    def tick(stage: str, done: int, total: int, scalars: Mapping[str, Any]) -> None:
        told.append(stage)

    task = task_of(config, SPLIT)
    snapshots = [*config.method.distill(task, context_of(config, task, tick=tick))]
    phases = {snapshot.phase for snapshot in snapshots if snapshot.distilled is not None}
    assert len(phases) == 1
    assert {stage.startswith(*phases) for stage in told if stage not in PREPARING} == {True}
    assert [snapshot.state is None for snapshot in snapshots if snapshot.distilled is not None][-2:] == [False, True]


@pytest.mark.slow
@pytest.mark.parametrize("method", [SRe2L(ipc=2, steps=6), DM(ipc=1, steps=6, batch=8), KIP(ipc=1, steps=6, batch=30)])
def test_the_knobs_of_other_methods_turn_and_are_repeated_as_well(
    method: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = {SRe2L: "recover", DM: "match", KIP: "regress"}[type(method)]
    act_at(monkeypatch, {(stage, 3): lambda work: work.turn({"lr": 0.7})})
    config = replace(LEAN, method=method)
    history = session(tmp_path, config).wait()
    assert knob_events(history) == [(0, 3, "lr", method.lr, 0.7)]
    assert images(history) != images(run(tmp_path, config))
    assert outcome(wdd.replay(history, split=SPLIT)) == outcome(history)


def test_an_edited_run_is_no_row_of_a_comparison_and_is_not_taken_for_the_run_of_its_config(
    edited: wdd.History, whole: wdd.History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="-edited-1: an edited run stands in no comparison: its knobs were turned whi"):
        list(rows_of(CONFIG, [edited]))
    shutil.copytree(edited.path, tmp_path / whole.path.name)
    text = r"is an edited run: knobs were turned in it, so it is not the run of its config; choose another folder, or "
    for call in (run, session):
        with pytest.raises(ValueError, match=text):
            call(tmp_path)
    with pytest.raises(ValueError, match=text):
        wdd.compare([CONFIG], seeds=1, out=tmp_path, split=SPLIT, progress=False)
    (tmp_path / whole.path.name / "complete.json").unlink()
    with pytest.raises(ValueError, match=text):
        run(tmp_path)


def test_what_cannot_be_repeated_says_why(edited: wdd.History, whole: wdd.History) -> None:
    with pytest.raises(ValueError, match=r"no knob was turned in this run; wdd\.run with its config repeats it"):
        wdd.replay(whole, split=SPLIT)
    with pytest.raises(ValueError, match=r"was recorded from other images than 'toy' has here; give the run's own as"):
        wdd.replay(edited, split=toy_split(120))
    memory = wdd.History.from_arrays(np.zeros((1, 2, 1, 4, 4)), [0, 1])
    assert not memory.edited
    with pytest.raises(ValueError, match="this history is in memory alone; expected that of a run, or its folder"):
        wdd.replay(memory)
