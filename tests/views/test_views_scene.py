"""What is drawn of a run."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from views_toys import MASSES, STEPS, growing, toy, with_results

from wddkit.history import History
from wddkit.history.tables import interval
from wddkit.views import Projection, Scene


def test_everything_is_drawn_in_one_projection() -> None:
    history = toy()
    plane = Projection.of(history)
    drawn = Scene.of(history)
    assert plane is not None
    assert drawn.xy is not None
    assert drawn.real_xy is not None
    assert history.real is not None
    assert history.real.features is not None
    np.testing.assert_allclose(drawn.real_xy, plane(history.real.features))
    for t in range(5):
        z = history.features(t)
        assert z is not None
        np.testing.assert_allclose(drawn.xy[t], plane(z))
    for way in drawn.ways:
        np.testing.assert_allclose(way.xy, plane(history.barycenters[way.label]["support"]))
        np.testing.assert_allclose(way.masses[-1], MASSES)


def test_results_have_the_interval_of_the_students_and_say_which_are_controls() -> None:
    first, one, whole = Scene.of(with_results(toy())).results
    assert (first.set, first.control, one.control, whole.control) == ("wmdd", False, True, True)
    assert (first.accuracy, first.low, first.high) == (91.0, *interval([90.0, 91.0, 92.0]))
    assert (one.low, one.high, one.students) == (None, None, 1)
    assert (first.w2_squared, first.w2_squared_heldout, one.w2_squared) == (1.5, None, None)


def test_scalars_are_means_over_blocks_at_each_frame_and_gaps_stay_gaps() -> None:
    history = toy()
    rows = [
        {
            "phase": "recorded",
            "step": step,
            "block": block,
            "seconds": 1.0,
            "loss": float(step + block),
            "once": 1.0 * (step == 0),
        }
        for step in STEPS
        for block in (0, 2)
        if step != 4
    ]
    rows = [{name: value for name, value in row.items() if name != "once" or row["step"] == 0} for row in rows]
    rows += [{"phase": "elsewhere", "step": 0, "block": 0, "seconds": 0.0, "loss": 99.0}]
    source = dataclasses.replace(history.source, scalars=lambda: rows)
    drawn = Scene.of(dataclasses.replace(history, source=source))
    assert drawn.scalars == {"loss": (1.0, 2.0, None, 10.0, 17.0)}


def test_seconds_of_a_stage_that_was_resumed_are_added() -> None:
    stages = (("squeeze", 1.0), ("distil", 2.0), ("distil", 3.0))
    assert Scene.of(with_results(toy(), stages=stages)).seconds == {"squeeze": 1.0, "distil": 5.0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"real": None}, "No real features were recorded"),
        ({"barycenters": None}, "No barycenter was recorded"),
        ({"features": None}, "No features of the distilled images"),
        ({"scalars": None}, "No losses were recorded"),
    ],
)
def test_what_was_not_recorded_is_said(changes: dict[str, None], said: str) -> None:
    history = toy(**changes)
    if "scalars" in changes:
        history = dataclasses.replace(history, source=dataclasses.replace(history.source, scalars=list))
    assert any(said in sentence for sentence in Scene.of(history).missing)


def test_a_bare_history_of_images_can_be_drawn() -> None:
    bare = Scene.of(History.from_arrays(np.zeros((1, 4, 1, 8, 8), np.uint8), [0, 0, 1, 1]))
    assert (bare.projection, bare.xy, bare.real_xy, bare.ways, bare.results) == (None, None, None, (), ())


def test_a_run_without_any_snapshot_shows_its_distilled_set() -> None:
    history = toy()
    empty = dataclasses.replace(history, source=dataclasses.replace(history.source, moments=()))
    drawn = Scene.of(empty)
    assert [frame.phase for frame in drawn.frames] == ["distilled"]
    np.testing.assert_array_equal(drawn.image(0), history.distilled.images)
    assert any("No snapshots" in sentence for sentence in drawn.missing)


def test_an_unfinished_run_is_drawn_as_soon_as_it_has_images(tmp_path: Path) -> None:
    for stage in growing(tmp_path / "run"):
        history = History.load(tmp_path / "run", partial=True)
        if stage.startswith(("nothing", "real", "barycenter")):
            with pytest.raises(ValueError, match="this run has no images yet; draw it once it has recorded"):
                Scene.of(history)
            continue
        drawn = Scene.of(history)
        assert drawn.classes == ("a", "b", "<c>", "d")
        assert drawn.labels.tolist() == np.repeat(np.arange(4), 3)[drawn.indices].tolist()
        assert ("This run is not finished: what is shown is what there is so far." in drawn.missing) == (
            stage not in ("distilled", "complete")
        )
