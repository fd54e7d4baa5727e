"""What is recorded fits its budget, and what is left out is said."""

from pathlib import Path

import numpy as np
import pytest
from history_toys import CONFIG, ENVIRONMENT, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from wddkit.history import History, Writer, recording_plan
from wddkit.history.budget import FEW, THUMBNAIL

SHAPES = st.tuples(st.integers(1, 2000), st.sampled_from([1, 3]), st.sampled_from([8, 32, 64, 96, 224]))


@settings(max_examples=300, deadline=None)
@given(SHAPES, st.integers(1, 200), st.integers(0, 2048), st.integers(0, 500), st.floats(0, 500), st.integers(0, 10**7))
def test_a_plan_is_never_over_its_budget_and_says_what_it_leaves_out(
    shape: tuple[int, int, int], classes: int, features: int, snapshots: int, budget: float, other: int
) -> None:
    k, c, size = shape
    plan = recording_plan(
        (k, c, size, size),
        classes=classes,
        features=features,
        snapshots=snapshots,
        other_bytes=other,
        budget_mb=budget,
    )
    assert plan.bytes <= max(0, budget * 1e6 - other)
    assert 0 <= plan.classes <= classes
    assert 0 <= plan.snapshots <= snapshots
    assert (plan.classes == 0) == (plan.snapshots == 0)
    if plan.snapshots == 0:
        assert "nothing of the images fits" in plan.said
        return
    assert plan.size in (size, min(size, THUMBNAIL))
    assert (f"instead of {size} x {size}" in plan.said) == (plan.size < size)
    assert (f"{plan.snapshots} snapshots of {snapshots}" in plan.said) == (plan.snapshots < snapshots)
    assert (f"the first {plan.classes} of {classes} classes" in plan.said) == (plan.classes < classes)
    # The order in which things are given up: pixels, snapshots down to ten, classes, the rest of the snapshots.
    if plan.snapshots < snapshots or plan.classes < classes:
        assert plan.size == min(size, THUMBNAIL)
    if plan.classes < classes:
        assert plan.snapshots <= FEW
    if plan.snapshots < min(FEW, snapshots):
        assert plan.classes == 1


@settings(max_examples=100, deadline=None)
@given(SHAPES, st.integers(1, 50), st.integers(1, 200), st.floats(0.1, 100))
def test_a_plan_is_as_rich_as_its_budget_allows(
    shape: tuple[int, int, int], classes: int, snapshots: int, budget: float
) -> None:
    k, c, size = shape

    def plan(budget: float):
        return recording_plan((k, c, size, size), classes=classes, features=64, snapshots=snapshots, budget_mb=budget)

    found, more = plan(budget), plan(2 * budget)
    assert (found.size, found.classes, found.snapshots) <= (more.size, max(found.classes, more.classes), 10**9)
    if found.snapshots < snapshots and found.classes == classes:
        assert found.bytes / found.snapshots * (found.snapshots + 2) > budget * 1e6


def test_a_plan_refuses_what_no_recording_has() -> None:
    with pytest.raises(ValueError, match=r"recording plan: .*-1.0 MB; expected at least one image and class"):
        recording_plan((4, 3, 8, 8), classes=2, features=0, snapshots=3, budget_mb=-1.0)


@pytest.mark.parametrize("budget", [0.9, 0.3, 0.1, 0.02])
def test_files_on_disk_stay_within_the_plan_even_for_noise(tmp_path: Path, budget: float) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(12) % 3
    plan = recording_plan((12, 3, 96, 96), classes=3, features=16, snapshots=12, budget_mb=budget)
    with Writer.open(tmp_path / "run", config=CONFIG, environment=ENVIRONMENT) as writer:
        writer.follow(plan, labels)
        for step in range(plan.snapshots):
            for block in range(3):
                rows = np.arange(block * 4, block * 4 + 4)
                arrays = {
                    "images": rng.integers(0, 256, (4, 3, 96, 96)).astype(np.uint8),
                    "indices": rows,
                    "features": rng.normal(size=(4, 16)).astype(np.float32),
                    "statistics_error": rng.random(9),
                }
                writer.snapshot(phase="recover", step=step, block=block, arrays=arrays, state=None, scalars={})
    sizes = [file.stat().st_size for file in tmp_path.rglob("*.npz")]
    assert sum(sizes) <= plan.bytes
    history = History.load(tmp_path / "run", partial=True)
    assert history.events == [{"time": history.events[0]["time"], "event": "recording", "said": plan.said}]
    assert len(history.frames) == plan.snapshots
    if not plan.snapshots:
        return
    assert history.images(0).shape[2:] == (plan.size, plan.size)
    assert set(labels[history.indices]) == set(range(plan.classes))
    assert history.features(0).shape == (len(history.indices), 16)


def test_without_a_plan_recording_stops_at_the_budget_and_says_so_once(tmp_path: Path) -> None:
    with Writer.open(tmp_path / "run", config=CONFIG, environment=ENVIRONMENT, budget_mb=0.006) as writer:
        for snapshot in walk(None):
            writer.snapshot(**snapshot)
        assert writer.state is None
    assert sum(file.stat().st_size for file in tmp_path.rglob("*.npz")) <= 6000
    history = History.load(tmp_path / "run", partial=True)
    assert [event["event"] for event in history.events] == ["recording stopped"]
    assert "the budget of 0.006 MB is used up at recover/" in history.events[0]["said"]
    assert len(history.scalars) == 12  # numbers are recorded to the end
    with Writer.open(tmp_path / "run", config=CONFIG, environment=ENVIRONMENT, budget_mb=0.006) as writer:
        assert writer.state["step"] == 4  # and it can still be resumed
