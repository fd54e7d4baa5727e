"""What a run will cost, told before it starts, is what it then costs, within reason."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from experiment_toys import CONFIG, HARD, ONLINE, SOFT, run, toy_split

from wddkit.estimate import estimate
from wddkit.methods import DM, WMDD, Random, Tiled

VIEWS = replace(HARD, labels="views", views=3)


@pytest.mark.parametrize(
    "method",
    [WMDD(ipc=2, steps=3, masses="uniform"), Random(3), Tiled(2, factor=2)],
    ids=lambda method: type(method).__name__,
)
def test_label_bytes_are_those_that_the_run_will_have(method: object, tmp_path: Path) -> None:
    config = replace(CONFIG, method=method, protocols=(HARD, SOFT, VIEWS, ONLINE), controls=())
    told = estimate(config, toy_split()).label_bytes
    history = run(tmp_path, config)
    bytes_ = history.results.set_index("protocol")["bytes"] - history.distilled.images.nbytes
    assert told == {
        "hard": bytes_["hard"],
        "soft": bytes_["soft"],
        "views (3)": bytes_["views"],
        "online (the teacher)": bytes_["online"],
    }


@pytest.mark.slow
def test_the_recorded_files_take_at_most_the_disk_that_was_told(tmp_path: Path) -> None:
    path = run(tmp_path).path
    assert path is not None
    used = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6
    assert used <= estimate(CONFIG, toy_split()).disk_mb < 20 * used


def test_times_are_those_of_a_step_times_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wddkit.estimate._timed", lambda step, device: 0.03)  # of three steps
    config = replace(CONFIG, method=WMDD(ipc=3, steps=1000, block=6), protocols=(HARD, ONLINE))
    told = estimate(config, toy_split())
    assert told.teacher_seconds == pytest.approx(60 * 0.01)
    assert told.method_seconds == pytest.approx(1000 * 0.01 * 2)  # two blocks of six images
    hard, online = 0.01, 0.01 + 0.005  # the teacher only looks, which takes half of a step
    assert told.student_seconds == pytest.approx(4 * 2 * 25 * (hard + online))
    assert 0 < told.memory_mb < 200


def test_a_method_whose_steps_are_not_known_is_not_guessed() -> None:
    told = estimate(replace(CONFIG, method=DM(ipc=2)), toy_split())
    assert told.method_seconds is None
    assert "images not known" in str(told)


def test_an_estimate_writes_and_trains_nothing() -> None:
    text = str(estimate(CONFIG, toy_split()))
    assert [line.partition(":")[0] for line in text.splitlines()] == ["time", "memory", "disk", "labels"]
    assert [*Path(os.environ["WDDKIT_CACHE"]).rglob("*")] == []


def test_an_estimate_refuses_what_a_run_would_refuse() -> None:
    with pytest.raises(ValueError, match="ipc 99 is above the size of class 0"):
        estimate(replace(CONFIG, method=WMDD(ipc=99)), toy_split())
    with pytest.raises(ValueError, match="unknown device 'gpu'"):
        estimate(replace(CONFIG, device="gpu"), toy_split())
