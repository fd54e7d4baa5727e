"""However a run is stopped, the same call goes on, and the end is the same bit for bit."""

import functools
import os
import re
import resource
import signal
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiment_toys import (
    CONFIG,
    HARD,
    INTERRUPT,
    KILL,
    LIGHT,
    ONLINE,
    bytes_of,
    outcome,
    run,
    run_silently,
    run_until,
    start,
)

import wddkit as wdd
from wddkit.history import Cache

KILLED = ("killed", signal.SIGKILL)
MOMENTS = (
    ("squeeze", 31),
    ("barycenter", 2),
    ("recover 1/2", 14),
    ("recover 2/2", 1),
    ("recover 2/2", 24),
    ("evaluate wmdd (hard)", 30),
    ("evaluate nearest (soft)", 3),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return outcome(run(tmp_path_factory.mktemp("whole")))


def finish(out: Path, cache: Path) -> dict[str, object]:
    ended, path = start(cache, run_silently, out).end()
    assert ended == "done", path
    return outcome(wdd.History.load(path, verify="all"))


@pytest.mark.slow
def test_a_run_killed_in_every_stage_goes_on_to_the_same_end(whole: dict[str, object], tmp_path: Path) -> None:
    for stage, done in MOMENTS:
        assert start(tmp_path / "cache", run_until, tmp_path, stage, done, KILL).end() == KILLED, stage
    assert finish(tmp_path, tmp_path / "cache") == whole


@pytest.mark.slow
def test_a_run_goes_on_with_the_same_bits_after_its_cache_is_lost(whole: dict[str, object], tmp_path: Path) -> None:
    start(tmp_path / "cache", run_until, tmp_path, "recover 2/2", 14, KILL).end()
    assert finish(tmp_path, tmp_path / "another cache") == whole


@pytest.mark.slow
def test_a_run_killed_at_twenty_random_moments_ends_the_same(whole: dict[str, object], tmp_path: Path) -> None:
    started = time.monotonic()
    assert finish(tmp_path / "timed", tmp_path / "timed cache") == whole
    takes = time.monotonic() - started
    rng = np.random.default_rng(0)
    kills = chain = 0
    while kills < 20:
        out, cache = tmp_path / str(chain), tmp_path / f"cache {chain}"
        child = start(cache, run_silently, out)
        child.process.join(timeout=rng.uniform(0, takes))
        child.process.kill()
        ended, _ = child.end()
        kills += ended == "killed"
        if ended == "done":
            assert finish(out, cache) == whole
            chain += 1
    assert finish(out, cache) == whole


@pytest.mark.slow
def test_a_kill_while_results_are_added_leaves_a_complete_run(tmp_path: Path) -> None:
    cache, one = tmp_path / "cache", LIGHT
    more = replace(one, protocols=(HARD, ONLINE))
    _, path = start(cache, run_silently, tmp_path, one).end()
    before = outcome(wdd.History.load(path, verify="all"))
    end = start(cache, run_until, tmp_path, "evaluate wmdd (online)", 30, KILL, more).end()
    assert end == KILLED
    assert outcome(wdd.History.load(path, verify="all")) == before
    assert start(cache, run_silently, tmp_path, more).end() == ("done", path)
    assert set(wdd.History.load(path, verify="all").results["protocol"]) == {"hard", "online"}


@pytest.mark.slow
def test_an_interrupted_run_says_where_it_is_kept_and_goes_on(whole: dict[str, object], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    kind, text = start(cache, run_until, tmp_path, "recover 1/2", 14, INTERRUPT).end()
    (path,) = tmp_path.glob("toy-*")
    assert kind == "KeyboardInterrupt"
    assert text.strip() == f"Interrupted. What was done is kept in {path}; the same call or command goes on from there."
    assert any((path / "checkpoint").iterdir())
    assert finish(tmp_path, cache) == whole


def test_an_unfinished_run_can_be_looked_at(tmp_path: Path) -> None:
    start(tmp_path / "cache", run_until, tmp_path, "recover 2/2", 14, KILL).end()
    (path,) = tmp_path.glob("toy-*")
    with pytest.raises(ValueError, match=r"this run is unfinished; run the same config"):
        wdd.History.load(path)
    partial = wdd.History.load(path, partial=True)
    assert partial.frames[-1].step == 24
    assert wdd.Config.load(path) == CONFIG


def wait_in_the_middle(out: Path, go_on: Path) -> Path:
    """A run that stands still in its recovery until a file is there."""
    from wddkit.progress import Bars

    call = Bars.__call__

    def tick(bars: Bars, stage: str, done: int, total: int, scalars: object) -> None:
        while stage == "recover 2/2" and not go_on.exists():
            time.sleep(0.01)
        call(bars, stage, done, total, scalars)  # type: ignore[arg-type]  # handed on as they came

    Bars.__call__ = tick  # type: ignore[method-assign, assignment]  # in a process of its own
    return run_silently(out)


@pytest.mark.slow
def test_a_run_started_twice_refuses_the_second_and_finishes_the_first(
    whole: dict[str, object], tmp_path: Path
) -> None:
    cache, go_on = tmp_path / "cache", tmp_path / "go on"
    first = start(cache, wait_in_the_middle, tmp_path, go_on)
    while not [*tmp_path.glob("toy-*/recover/*-0000.npz")]:
        assert first.process.is_alive()
        time.sleep(0.01)
    with pytest.raises(wdd.history.StorageError, match=f"is being written by process {first.process.pid} on .*; wait"):
        run(tmp_path)
    go_on.touch()
    ended, path = first.end()
    assert ended == "done"
    assert outcome(wdd.History.load(path, verify="all")) == whole


def limit_files(size: int) -> None:
    """From now on no file grows beyond this size, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    warnings.simplefilter("ignore")  # the cache says that it keeps nothing


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "done", "size", "file"),
    [
        pytest.param("squeeze", 31, 4_000, "real.npz", marks=pytest.mark.slow),
        ("recover 1/2", 14, 1_000, "000014-0000.npz"),
        pytest.param("recover 2/2", 23, 1_900, "metrics.jsonl", marks=pytest.mark.slow),
        pytest.param("recover 2/2", 24, 10, ".", marks=pytest.mark.slow),
        ("evaluate nearest (soft)", 3, 2_300, "results/"),
    ],
)
def test_a_full_disk_stops_a_run_which_then_goes_on_to_the_same_end(
    stage: str, done: int, size: int, file: str, whole: dict[str, object], tmp_path: Path
) -> None:
    action = functools.partial(limit_files, size)
    kind, text = start(tmp_path / "cache", run_until, tmp_path, stage, done, action).end()
    assert kind == "StorageError"
    match = re.match(r"\[Errno 27\] could not write (\S+): .*What was written so far is kept; raise the limit", text)
    assert match, text
    assert file in match[1]
    assert finish(tmp_path, tmp_path / "cache") == whole


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WDDKIT_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="the cache cannot be used, this result is not kept"):
        run(tmp_path, replace(LIGHT, controls=()))
    assert Cache().root == tmp_path / "file"


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/wddkit"])
def test_a_place_that_cannot_be_written_is_named_before_anything_is_trained(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(wdd.history.StorageError, match=rf"could not write {place}\S*: "):
        run(Path(place))
    assert bytes_of(tmp_path) == {"file": b"mine"}
    assert not Path(os.environ["WDDKIT_CACHE"], "teacher").exists()
