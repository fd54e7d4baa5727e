"""What a row costs: seconds as if nothing were cached, memory within the distillation, label bits an image."""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from experiment_toys import (
    CLASSES,
    CONFIG,
    HARD,
    INTERRUPT,
    LIGHT,
    arrays,
    results_of,
    run,
    run_until,
    start,
    toy_split,
)

import wddkit as wdd
from wddkit import pipeline
from wddkit.costs import Spent, label_bits, spending
from wddkit.experiment import task_of
from wddkit.history import Cache
from wddkit.methods import Task, base
from wddkit.methods.base import Arrays


def task(tmp_path: Path) -> Task:
    return task_of(CONFIG, toy_split(), cache=Cache(tmp_path))


@pytest.mark.parametrize(
    ("labels", "bits"),
    [("hard", 2), ("soft", 16 * CLASSES), ("views", 3 * (16 * CLASSES + 32 * 8)), ("online", 8 * 6000 / 12)],
)
def test_label_bits_are_those_that_one_counts(labels: str, bits: float) -> None:
    distilled = wdd.DistilledSet.from_arrays(*arrays(12))
    protocol = replace(HARD, labels=labels, views=3)
    assert label_bits(distilled, protocol, 6000) == bits


def test_each_tile_of_a_formation_has_a_soft_label_of_its_own() -> None:
    images, labels = arrays(12)
    distilled = replace(wdd.DistilledSet.from_arrays(images, labels), formation=2)
    assert label_bits(distilled, replace(HARD, labels="soft"), 0) == 4 * 16 * CLASSES
    assert label_bits(distilled, HARD, 0) == 2


def slow(seconds: float) -> Arrays:
    time.sleep(seconds)
    return {"a": np.zeros(1)}


def test_what_was_read_from_the_cache_counts_what_it_took_to_make(tmp_path: Path) -> None:
    def work(own: Task) -> float:
        with spending(own) as spent:
            own.artifact("experts", {}, lambda: slow(0.3))
            own.artifact("experts", {}, lambda: slow(0.3))  # once more: read, but made within the block
            own.artifact("teacher", {}, lambda: slow(0.2))
        return spent.seconds

    first, second = work(task(tmp_path)), work(task(tmp_path))
    assert 0.3 <= first < 0.5
    assert 0.3 <= second < 0.5  # the experts once, and not the teacher, which all methods share


@pytest.mark.slow
def test_a_committee_counts_alike_whether_it_was_in_the_cache_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(*given: object, **options: object) -> torch.nn.Module:
        time.sleep(0.4)
        return squeeze(*given, **options)

    def work(own: Task) -> tuple[float, float]:
        with spending(own) as spent:
            joined = own.with_committee((0.1, 0.03))
            assert joined.features.shape[1] == 3 * joined.own_features  # trains within: seconds are counted once
        return spent.seconds, spent.before

    squeeze = base.squeeze
    monkeypatch.setattr(base, "squeeze", slowly)
    (first, none), (second, before) = work(task(tmp_path)), work(task(tmp_path))
    assert 0.8 <= first < 1.2  # two members, and not the teacher
    assert 0.8 <= second < 1.2
    assert none == 0
    assert 0.8 <= before <= second


@pytest.mark.slow
def test_a_run_has_made_its_committee_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    @contextlib.contextmanager
    def looked_at(own: Task) -> Iterator[Spent]:
        first = len(own.cache.asked)
        with spending(own) as spent:
            yield spent
        made.append({each.kind for each in own.cache.asked[first:] if each.built})

    monkeypatch.setattr(pipeline, "spending", looked_at)
    config = replace(LIGHT, method=replace(LIGHT.method, committee=(0.1,)), controls=())
    run(tmp_path, config)
    assert made == [{"barycenters"}]


def test_memory_is_the_most_that_was_held_within(tmp_path: Path) -> None:
    own = task(tmp_path)
    with spending(own) as little:
        pass
    with spending(own) as much:
        held = torch.zeros(25_000_000)  # 100 MB
        time.sleep(0.05)
        del held
    assert little.memory_mb < 20
    assert 90 < much.memory_mb < 150


@pytest.mark.slow
def test_rows_tell_what_their_sets_took(tmp_path: Path) -> None:
    history = run(tmp_path, LIGHT)
    rows = history.results.set_index("set")
    distil = [event for event in history.events if event["event"] == "stage" and event["name"] == "distil"]
    assert rows.loc["wmdd", "distil_seconds"] == distil[-1]["seconds_uncached"] > 0
    assert rows.loc["wmdd", "memory_mb"] == distil[-1]["memory_mb"] >= 0
    assert rows.loc["random", "distil_seconds"] < rows.loc["wmdd", "distil_seconds"]
    assert math.isnan(rows.loc["whole real set", "distil_seconds"])
    assert (rows["label_bits"] == 2).all()
    assert rows["ece"].between(0, 100).all()
    assert rows["brier"].between(0, 2).all()


@pytest.mark.slow
def test_classes_have_their_own_accuracies(tmp_path: Path) -> None:
    history = run(tmp_path, LIGHT)
    recorded = results_of(history.path)[0]["rows"][0]["per_class"]
    row = history.results.iloc[0]
    np.testing.assert_allclose(row["per_class"], np.mean(recorded, axis=0))
    assert np.mean(row["per_class"]) == pytest.approx(row["accuracy"])  # as many test images of every class


@pytest.mark.slow
def test_a_run_that_went_on_tells_the_seconds_of_all_its_sessions(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    slower = replace(CONFIG, protocols=(HARD,), controls=())
    assert start(cache, run_until, tmp_path, "recover 2/2", 12, INTERRUPT, slower).end()[0] == "KeyboardInterrupt"
    history = run(tmp_path, slower)
    begun = [event for event in history.events if event["event"] == "begun"]
    (ended,) = [event for event in history.events if event["event"] == "stage" and event["name"] == "distil"]
    assert len(begun) == 1
    assert ended["seconds_uncached"] > ended["seconds"]  # the second session alone
    assert history.results["distil_seconds"].iloc[0] == ended["seconds_uncached"]
