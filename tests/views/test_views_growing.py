"""The payload of a run under way: it grows, and what was sent stays as it is."""

import dataclasses
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from views_toys import growing

from wddkit.history import History
from wddkit.views.payload import Payload, payload

UNFINISHED = "This run is not finished: what is shown is what there is so far."


def stages(path: Path, **options: Any) -> dict[str, tuple[Payload, Payload]]:
    """Stage -> the payload that goes on from the one before, and one made from nothing."""
    found: dict[str, tuple[Payload, Payload]] = {}
    grown: Payload | None = None
    for stage in growing(path, **options):
        history = History.load(path, partial=True)
        grown = payload(history, earlier=grown)
        found[stage] = grown, payload(History.load(path, partial=True))
    return found


def joined(sent: Payload, name: str) -> np.ndarray:
    """An array of all frames, whatever the segments."""
    count = len(sent.buffers["labels"]) // 4
    parts = [
        np.frombuffer(sent.buffers[f"{name}/{s}"], "<i4" if name == "nearest" else "<f4").reshape(segment["count"], -1)
        for s, segment in enumerate(sent.meta["segments"])
    ]
    assert name == "layers" or all(part.shape[1] % count == 0 for part in parts)
    return np.concatenate(parts)


def pictures(sent: Payload, label: int) -> np.ndarray:
    sheets = (sent.buffers[f"images/{label}/{s}"] for s in range(len(sent.meta["segments"])))
    return np.concatenate([np.asarray(Image.open(io.BytesIO(sheet))) for sheet in sheets], axis=1)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Payload, Payload]]:
    return stages(tmp_path_factory.mktemp("growing") / "run")


def changed(before: Payload, after: Payload) -> set[str]:
    return {name for name, data in after.buffers.items() if before.buffers.get(name) is not data}


def test_grown_or_made_at_once_the_content_is_the_same(grown: dict[str, tuple[Payload, Payload]]) -> None:
    for stage, (sent, fresh) in grown.items():
        segments = {"segments"}
        assert {k: v for k, v in sent.meta.items() if k not in segments} == {
            k: v for k, v in fresh.meta.items() if k not in segments
        }, stage
        by_frame = ("xy/", "gap/", "nearest/", "layers/", "images/")
        plain = {name: data for name, data in sent.buffers.items() if not name.startswith(by_frame)}
        assert plain == {name: data for name, data in fresh.buffers.items() if not name.startswith(by_frame)}, stage
        if not sent.meta["segments"]:
            continue
        for name in ("xy/pca", "xy/lda", "xy/plan", "gap", "nearest", "layers"):
            np.testing.assert_array_equal(joined(sent, name), joined(fresh, name), err_msg=f"{stage}: {name}")
        for label in set(np.frombuffer(sent.buffers["labels"], "<i4").tolist()):
            np.testing.assert_array_equal(pictures(sent, label), pictures(fresh, label))


def test_at_every_stage_there_is_what_was_recorded_by_then(grown: dict[str, tuple[Payload, Payload]]) -> None:
    keys = {stage: [each["key"] for each in sent.meta["projections"]] for stage, (sent, _) in grown.items()}
    assert keys["nothing"] == []
    assert keys["real"] == keys["barycenter 2"] == ["pca", "lda"]
    assert keys["barycenter 3"] == keys["complete"] == ["pca", "lda", "plan"]
    assert grown["nothing"][0].meta["timeline"] == grown["real"][0].meta["timeline"] == []
    assert len(grown["barycenter 0"][0].meta["timeline"]) == 3
    assert [way["label"] for way in grown["barycenter 1"][0].meta["ways"]] == [0, 1]
    first = grown["frame 0 of block 0"][0]
    assert [moment["step"] for moment in first.meta["timeline"]] == [0, 1, 2, 0]
    assert np.frombuffer(first.buffers["indices"], "<i4").tolist() == [0, 1, 2, 3, 4, 5]
    assert np.frombuffer(first.buffers["labels"], "<i4").tolist() == [0, 0, 0, 1, 1, 1]
    both = grown["frame 0 of block 1"][0]
    assert np.frombuffer(both.buffers["labels"], "<i4").tolist() == np.repeat(np.arange(4), 3).tolist()
    assert grown["real"][0].meta["classes"] == ["a", "b", "<c>", "d"]
    assert grown["nothing"][0].meta["classes"] == ["0"]
    assert "soft" not in both.buffers
    assert "soft" in grown["distilled"][0].buffers
    assert both.meta["layers"] == ["norm1", "norm2"]


def test_masses_are_known_before_the_distilled_set_is_there(grown: dict[str, tuple[Payload, Payload]]) -> None:
    before, after = grown["frame 10 of block 1"][0], grown["complete"][0]
    np.testing.assert_allclose(np.frombuffer(before.buffers["masses"], "<f4"), np.tile([0.2, 0.3, 0.5], 4))
    assert after.buffers["masses"] is before.buffers["masses"]


def test_an_unfinished_run_says_only_that_it_is_one(grown: dict[str, tuple[Payload, Payload]]) -> None:
    for stage, (sent, _) in grown.items():
        unfinished = stage not in ("distilled", "complete")
        assert (sent.meta["missing"] == [UNFINISHED]) == unfinished
    assert grown["complete"][0].meta["missing"] == []


def test_a_new_frame_is_a_new_segment_and_nothing_else_is_sent(grown: dict[str, tuple[Payload, Payload]]) -> None:
    before, after = grown["frame 3 of block 0"][0], grown["frame 10 of block 0"][0]
    assert after.meta["segments"] == [{"start": t, "count": 1, "type": "image/png"} for t in range(3)]
    names = {"gap/2", "nearest/2", "layers/2", "images/0/2", "images/1/2", "xy/pca/2", "xy/lda/2", "xy/plan/2"}
    assert changed(before, after) == names


def test_a_new_block_leaves_the_pictures_of_other_classes_alone(grown: dict[str, tuple[Payload, Payload]]) -> None:
    before, after = grown["frame 10 of block 0"][0], grown["frame 0 of block 1"][0]
    kept = {f"images/{label}/{s}" for label in (0, 1) for s in range(3)}
    assert not changed(before, after) & kept
    # All frames show the new block's first images: they are one picture.
    assert after.buffers["images/2/0"] is after.buffers["images/2/1"] is after.buffers["images/2/2"]
    later = grown["frame 3 of block 1"][0]
    assert {name for name in changed(after, later) if name.startswith("images/")} == {
        f"images/{label}/{s}" for label in (2, 3) for s in (1, 2)
    }


def test_a_new_barycenter_changes_what_it_concerns(grown: dict[str, tuple[Payload, Payload]]) -> None:
    names = changed(grown["barycenter 0"][0], grown["barycenter 1"][0])
    assert {name.split("/")[1] for name in names} == {"1", "far"}


def test_projections_stay_what_they_were(tmp_path: Path) -> None:
    sent: Payload | None = None
    for stage in growing(tmp_path / "run"):
        before = sent
        sent = payload(History.load(tmp_path / "run", partial=True), earlier=before)
        if before is not None:
            assert set(before.kept.planes) <= set(sent.kept.planes), stage
    assert sent is not None
    again = payload(History.load(tmp_path / "run", partial=True), earlier=sent)
    assert not changed(sent, again)
    assert again.meta == sent.meta


def test_frames_that_a_recorder_drops_are_forgotten(tmp_path: Path) -> None:
    for stage in growing(tmp_path / "run", blocks=1, steps=(0, 1, 2, 3)):
        if stage == "frame 3 of block 0":
            break
    path = tmp_path / "run"
    sent: Payload | None = None
    for dropped in ((2, 3), (3,), ()):
        history = History.load(path, partial=True)
        kept = tuple(moment for moment in history.source.moments if moment.frame.step not in dropped)
        sent = payload(_with_moments(history, kept), earlier=sent)
    assert sent is not None
    assert len(sent.meta["segments"]) == 3
    history = History.load(path, partial=True)
    fewer = _with_moments(history, tuple(moment for moment in history.source.moments if moment.frame.step != 1))
    thinned, fresh = payload(fewer, earlier=sent), payload(fewer)
    assert thinned.meta["timeline"] == fresh.meta["timeline"]
    np.testing.assert_array_equal(joined(thinned, "xy/pca"), joined(fresh, "xy/pca"))
    np.testing.assert_array_equal(pictures(thinned, 0), pictures(fresh, 0))


def _with_moments(history: History, moments: tuple[Any, ...]) -> History:
    return dataclasses.replace(history, source=dataclasses.replace(history.source, moments=moments))


def test_one_more_frame_costs_little(tmp_path: Path) -> None:
    spent, sent = [], None
    for stage in growing(tmp_path / "run", blocks=1, steps=tuple(range(24))):
        history = History.load(tmp_path / "run", partial=True)
        started = time.process_time()  # not the time in which others have the core
        sent = payload(history, earlier=sent)
        if stage.startswith("frame"):
            spent.append(time.process_time() - started)
    assert np.median(spent) < 0.06  # 30 ms on an idle machine; measured 5
