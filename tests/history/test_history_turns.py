"""Edited runs: their turns on disk, their folders, and what refuses them."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from history_toys import CONFIG, ENVIRONMENT, before_each_change, content, in_child, run, toy_set, walk

from wddkit.history import History, StorageError, Writer
from wddkit.history.begin import edited_folder
from wddkit.history.sources import Checked, load
from wddkit.history.turns import Edits, Fork, Turn, read_edits, write_edits

EDITS = Edits("run", (Turn("lr", 0.5, 2, 0), Turn("lr", 0.25, 1), Turn("weight", 3.0, 0, 1)), Fork("other", 1))


def opened(path: Path, edits: Edits | None = None) -> Writer:
    return Writer.open(path, config=CONFIG, environment=ENVIRONMENT, edits=edits)


def go_on(writer: Writer, *, until: int | None = None) -> None:
    """The walk from where it was: all of it, or so many snapshots."""
    images = None
    for number, snapshot in enumerate(walk(writer.state)):
        if number == until:
            return
        writer.snapshot(**snapshot)
        writer.event("moment", phase=snapshot["phase"])
        images = snapshot["state"]["images"] if snapshot["state"] else None
    assert images is not None
    writer.distilled(toy_set(images))
    writer.complete()


def test_the_last_turn_that_holds_counts() -> None:
    moments = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert [EDITS.value("lr", *moment) for moment in moments] == [None, 0.25, 0.25, 0.5, 0.25]
    assert [EDITS.value("weight", *moment) for moment in moments] == [None, None, None, 3.0, 3.0]
    assert EDITS.value("momentum", 1, 1) is None


def test_turns_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_edits(tmp_path) is None
    for edits in (EDITS, Edits("run")):
        write_edits(tmp_path, edits)
        assert read_edits(tmp_path) == edits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"turns\.json: not JSON"),
        ('{"schema": "other"}', r"turns\.json: schema 'other'"),
        (
            '{"schema": "wddkit.run/0", "edits": {"run": 3}}',
            r"turns\.json: edits\.run: expected str, got 3\. The file is",
        ),
        (
            '{"schema": "wddkit.run/0", "edits": {"run": "r", "turns": [{"nam": "lr"}]}}',
            r"unknown field of edits\.turns\[0\] 'nam'\. Did you mean 'name'\?",
        ),
    ],
)
def test_damaged_turns_are_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "turns.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_edits(tmp_path)


def test_a_branch_holds_all_that_was_written_and_both_go_on(tmp_path: Path) -> None:
    run(tmp_path / "whole", results=())
    with opened(tmp_path / "run") as writer:
        go_on(writer, until=7)
        before = content(tmp_path / "run")
        writer.branch(tmp_path / "new", EDITS)
        assert writer.path == tmp_path / "new"
        writer.event("knob", name="lr")
        assert content(tmp_path / "run") == before
        new = content(tmp_path / "new")
        assert new["events.jsonl"][:-1] == before["events.jsonl"]
        assert {name: new[name] for name in before if name != "events.jsonl"} == {
            name: value for name, value in before.items() if name != "events.jsonl"
        }
        partial = History.load(tmp_path / "new", partial=True)
        assert partial.edits == EDITS
        assert not History.load(tmp_path / "run", partial=True).edited
        with opened(tmp_path / "run") as old:  # nobody holds it any more
            go_on(old)
        with pytest.raises(StorageError, match="is being written by process"):
            opened(tmp_path / "new", EDITS)
        go_on(writer)
    assert (
        content(tmp_path / "run")["recover/000004-0001.npz"] == content(tmp_path / "whole")["recover/000004-0001.npz"]
    )
    assert History.load(tmp_path / "new", verify="all").edits == EDITS
    assert "turns.json" in json.loads((tmp_path / "new" / "complete.json").read_text())["files"]


def test_a_branch_that_is_killed_at_any_change_leaves_a_run_and_no_half_of_another(tmp_path: Path) -> None:
    path, new = tmp_path / "run", tmp_path / "new"

    def work(at: int) -> None:
        with opened(path) as writer:
            go_on(writer, until=6)
            before_each_change(tmp_path, lambda n: os.kill(os.getpid(), signal.SIGKILL) if n == at else None)
            writer.branch(new, EDITS)

    at = kills = 0
    while True:
        at += 2
        code, text = in_child(lambda at=at: work(at))
        assert code or text == "None", text
        if not code:
            break
        kills += 1
        with opened(path) as writer:
            assert writer.state is not None
        if (new / "config.json").exists():
            with opened(new, EDITS) as writer:
                assert writer.state is not None
            assert History.load(new, partial=True).edits == EDITS
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(path)
    assert kills > 5


def test_linked_files_are_copied_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links on this file system")

    monkeypatch.setattr(os, "link", refuse)
    with opened(tmp_path / "run") as writer:
        go_on(writer, until=6)
        writer.branch(tmp_path / "new", EDITS)
        go_on(writer)
    History.load(tmp_path / "new", verify="all")


def test_an_edited_run_and_one_that_is_not_are_kept_apart(tmp_path: Path) -> None:
    opened(tmp_path / "run").close()
    opened(tmp_path / "edited", EDITS).close()
    with pytest.raises(ValueError, match=r"run: is a run without turns of knobs; turns need a new folder"):
        opened(tmp_path / "run", EDITS)
    with pytest.raises(ValueError, match=r"edited: is an edited run: knobs were turned in it, so it is not the run of"):
        opened(tmp_path / "edited")
    more = Edits("run", (*EDITS.turns, Turn("lr", 1.0, 3, 1)))
    with opened(tmp_path / "edited", more) as writer:
        assert read_edits(tmp_path / "edited") == more
        writer.edit(EDITS)
    assert read_edits(tmp_path / "edited") == EDITS


def test_a_complete_run_takes_no_turns(tmp_path: Path) -> None:
    run(tmp_path / "run", results=())
    with opened(tmp_path / "run") as writer:
        for call in (lambda: writer.edit(EDITS), lambda: writer.branch(tmp_path / "new", EDITS)):
            with pytest.raises(ValueError, match="this run is complete, turns of knobs cannot be added"):
                call()


def test_a_branch_needs_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").touch()
    with (
        opened(tmp_path / "run") as writer,
        pytest.raises(ValueError, match=r"is not a run of wddkit but holds mine\.txt; choose a new folder"),
    ):
        writer.branch(tmp_path / "new", EDITS)


def test_edited_folders_are_counted(tmp_path: Path) -> None:
    (tmp_path / "run-edited-2").mkdir()
    assert [edited_folder(tmp_path, "run").name for _ in range(3)] == ["run-edited-1", "run-edited-3", "run-edited-4"]
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        edited_folder(tmp_path / "file", "run")


def test_files_that_were_seen_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    check = __import__("wddkit.history.sources", fromlist=["check_arrays"]).check_arrays

    def counted(file: Path, **options: Any) -> Any:
        reads.append(file.name)
        return check(file, **options)

    monkeypatch.setattr("wddkit.history.sources.check_arrays", counted)
    seen: dict[str, Checked] = {}
    with opened(tmp_path / "run") as writer:
        go_on(writer, until=5)
        first = load(tmp_path / "run", partial=True, seen=seen)
        assert len(reads) == 5
        assert len(load(tmp_path / "run", partial=True, seen=seen).frames) == len(first.frames) == 3
        assert len(reads) == 5
        go_on(writer)
        again = load(tmp_path / "run", partial=True, seen=seen)
    assert len(reads) == len(set(reads)) == 12
    plain = load(tmp_path / "run")
    assert again.frames == plain.frames
    for frame in range(len(plain.frames)):
        np.testing.assert_array_equal(again.images(frame), plain.images(frame))


def test_skipped_seconds_are_not_the_runs(tmp_path: Path) -> None:
    with opened(tmp_path / "run") as writer:
        writer.skip(1000.0)
        assert -1000 <= writer.seconds < -900
        writer.skip(-1000.0)
        assert 0 <= writer.seconds < 100
