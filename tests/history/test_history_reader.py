"""What was recorded is what is read, lazily; and every kind of damage is named."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from history_toys import CONFIG, ENVIRONMENT, barycenter_snapshot, rehash, run, toy_set, walk
from scipy import stats

from wddkit.history import Frame, History, Writer
from wddkit.history.arrays import npz_bytes, read_npz
from wddkit.history.folder import files_of


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run"
    run(path)
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


def test_a_history_gives_back_what_the_run_recorded(whole: Path) -> None:
    history = History.load(whole, verify="all")
    assert history.path == whole
    assert history.config == CONFIG
    assert history.config.method.ipc == history.config["method"]["ipc"] == 2
    assert history.environment == ENVIRONMENT
    assert history.frames == tuple(Frame("recover", step) for step in range(5))
    np.testing.assert_array_equal(history.indices, [0, 1, 2, 3])
    moments = {(s["block"], s["step"]): s["arrays"] for s in walk(None) if s["phase"] == "recover"}
    for step in range(5):
        for position in range(4):
            block, row = position % 2, position // 2  # block 0 holds images 0 and 2
            np.testing.assert_array_equal(history.images(step)[position], moments[block, step]["images"][row])
            np.testing.assert_array_equal(history.features(step)[position], moments[block, step]["features"][row])
    assert history.arrays(2)[1].keys() == {"images", "indices", "features", "phase"}
    np.testing.assert_array_equal(history.distilled.images, history.images(-1))
    np.testing.assert_array_equal(history.distilled.masses, toy_set(history.images(-1)).masses)
    for label, arrays in history.barycenters.items():
        expected = barycenter_snapshot(label)["arrays"]
        assert arrays.keys() == expected.keys()
        for name in expected:
            np.testing.assert_array_equal(arrays[name], expected[name])
    assert history.real.images.shape == (6, 3, 64, 64)
    assert history.real.features.shape == (6, 5)
    np.testing.assert_array_equal(history.real.indices, np.arange(6) * 10)
    assert [event["event"] for event in history.events] == ["moment"] * 12


def test_scalars_are_a_table_with_missing_values_where_nothing_finite_was_recorded(whole: Path) -> None:
    scalars = History.load(whole).scalars
    assert list(scalars.columns) == ["phase", "step", "block", "seconds", "w2", "loss", "gap", "accuracy"]
    assert len(scalars) == 2 + 10 + 2
    block = scalars[(scalars.phase == "recover") & (scalars.block == 1)]
    assert list(block.step) == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(block.gap, [np.nan, 1, 1 / 2, 1 / 3, 1 / 4])
    assert scalars.seconds.is_monotonic_increasing


def test_results_have_a_row_for_each_set_with_the_t_interval_of_its_students(whole: Path) -> None:
    results = History.load(whole).results
    assert list(results.protocol) == ["protocol aa"] * 2 + ["protocol bb"] * 2
    row = results.iloc[0]
    accuracies = [51.0, 55.5, 54.0]
    low, high = stats.t.interval(0.95, 2, loc=np.mean(accuracies), scale=stats.sem(accuracies))
    assert row.accuracy == pytest.approx(np.mean(accuracies))
    assert (row.low, row.high) == pytest.approx((low, high))
    assert row.accuracies == (51.0, 55.5, 54.0)
    assert (row.labels, row.set, row.ipc, row.n, row.unit) == ("hard", "distilled", 2, 3, "students")
    assert (row.bytes, row.seconds) == (772, 1.5)
    assert results.iloc[1].n == 1
    assert np.isnan([results.iloc[1].low, results.iloc[1].high]).all()  # one student has no interval


def test_the_table_of_a_notebook_is_escaped_and_names_the_results(whole: Path, copy: Path) -> None:
    assert "protocol aa, distilled: 53.5 %" in History.load(whole)._repr_html_()
    file = copy / "results" / "aa.json"
    file.write_text(file.read_text().replace("random real", "<script>"))
    rehash(copy)
    text = History.load(copy)._repr_html_()
    assert "&lt;script&gt;: 40.0 %" in text
    assert "<script>" not in text


def test_every_missing_cut_or_changed_file_is_named(whole: Path, copy: Path) -> None:
    names = files_of(whole)
    assert len(names) > 20
    for name in names:
        data = (whole / name).read_bytes()
        flipped = bytearray(data)
        flipped[len(data) // 2] ^= 1
        for changed in (None, data[:-1], b"", bytes(flipped)):
            if changed is None:
                (copy / name).unlink()
            else:
                (copy / name).write_bytes(changed)
            with pytest.raises(ValueError, match=f"{name}: .* damaged or .* restore it from a copy, or delete"):
                History.load(copy)
        (copy / name).write_bytes(data)
    History.load(copy, verify="all")


def test_files_that_grew_are_damaged_but_for_the_logs_whose_beginning_counts(copy: Path) -> None:
    for name in ("metrics.jsonl", "events.jsonl"):
        with (copy / name).open("a") as file:
            file.write("{half a li")
    history = History.load(copy, verify="all")
    assert len(history.scalars) == 14
    with (copy / "real.npz").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match=r"real\.npz: the file has \d+ bytes instead of \d+"):
        History.load(copy)


def replace(file: Path, **arrays: np.ndarray) -> None:
    file.write_bytes(npz_bytes({**read_npz(file), **arrays}))


@pytest.mark.parametrize(
    ("name", "arrays", "text"),
    [
        ("recover/000002-0000.npz", {"images": np.zeros((2, 3, 8, 8))}, r"images are float64 of shape \(2, 3, 8, 8\)"),
        ("recover/000002-0000.npz", {"images": np.zeros((2, 3, 4, 4), "u1")}, "another shape than those of other"),
        ("recover/000002-0000.npz", {"indices": np.array([0, 3])}, "other images than block 0 at other steps"),
        ("recover/000002-0000.npz", {"indices": np.zeros(2)}, r"indices are float64 of shape \(2,\)"),
        ("recover/000002-0000.npz", {"features": np.full((2, 3), np.nan)}, "features holds NaN or infinite"),
        ("recover/000002-0000.npz", {"features": np.zeros((3, 3))}, r"features have shape \(3, 3\)"),
        ("barycenter/0001.npz", {"masses": np.full((3, 2), 0.4)}, "masses are not on the simplex"),
        ("barycenter/0001.npz", {"masses": np.array([[1.5, -0.5]] * 3)}, "masses are not on the simplex"),
        ("barycenter/0001.npz", {"masses": np.full((3, 3), 1 / 3)}, r"masses have shape \(3, 3\); expected \(3, 2\)"),
        ("barycenter/0001.npz", {"support": np.zeros((3, 2))}, r"support has shape \(3, 2\)"),
        ("barycenter/0001.npz", {"value": np.zeros(2)}, r"value has shape \(2,\); expected 3 steps"),
        ("barycenter/0001.npz", {"heldout": np.full(3, np.inf)}, "heldout holds NaN or infinite"),
        ("real.npz", {"labels": np.zeros(5, int)}, "images, labels and indices of one length"),
        ("real.npz", {"features": np.full((6, 5), np.inf)}, "features holds NaN or infinite"),
    ],
)
def test_wrong_content_is_named_even_where_the_checksums_fit(
    copy: Path, name: str, arrays: dict[str, np.ndarray], text: str
) -> None:
    replace(copy / name, **arrays)
    rehash(copy)
    with pytest.raises(ValueError, match=f"{name}: .*{text}"):
        History.load(copy)


def test_two_blocks_with_the_same_image_are_damage(copy: Path) -> None:
    for step in range(5):
        replace(copy / f"recover/{step:06d}-0001.npz", indices=np.array([0, 3]))
    rehash(copy)
    with pytest.raises(ValueError, match="two blocks hold the same image of the distilled set"):
        History.load(copy)


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [
        ("config.json", "wddkit.run/0", "wddkit.run/9", "schema 'wddkit.run/9'; this version of wddkit reads"),
        ("results/aa.json", "55.5", "555.5", "accuracy 555.5 of set 'distilled' is not in percent"),
        ("results/aa.json", '"name"', '"nome"', "expected a protocol with a name"),
        ("config.json", '"config"', '"confic"', "expected an object 'config'"),
    ],
)
def test_wrong_json_is_named(copy: Path, name: str, old: str, new: str, text: str) -> None:
    file = copy / name
    file.write_text(file.read_text().replace(old, new))
    rehash(copy)
    with pytest.raises(ValueError, match=f"{name}: {text}"):
        History.load(copy)


@pytest.mark.parametrize("text", ["[]", '{"schema": "wddkit.run/0"}', "nonsense", "[" * 100_000])
def test_a_list_of_files_that_is_none_is_named(copy: Path, text: str) -> None:
    (copy / "complete.json").write_text(text)
    with pytest.raises(ValueError, match=r"complete\.json: "):
        History.load(copy)


def test_a_list_of_files_that_leaves_the_folder_or_leaves_out_what_is_needed_is_refused(copy: Path) -> None:
    for name in ("../other", "/etc/passwd"):
        files = {name: {"bytes": 1, "sha256": ""}}
        (copy / "complete.json").write_text(json.dumps({"schema": "wddkit.run/0", "files": files}))
        with pytest.raises(ValueError, match=r"does not list config|is not within the run"):
            History.load(copy)
    (copy / "complete.json").write_text(json.dumps({"schema": "wddkit.run/0", "files": {}}))
    with pytest.raises(ValueError, match=r"complete\.json: does not list config\.json"):
        History.load(copy)


def test_a_line_that_is_no_json_is_named_by_its_number(copy: Path) -> None:
    lines = (copy / "metrics.jsonl").read_text().splitlines(keepends=True)
    (copy / "metrics.jsonl").write_text("".join([*lines[:3], "nonsense\n", *lines[4:]]))
    rehash(copy)
    with pytest.raises(ValueError, match=r"metrics\.jsonl: line 4 is not JSON"):
        _ = History.load(copy).scalars
    with pytest.raises(ValueError, match=r"metrics\.jsonl: line 4 is not JSON"):
        History.load(copy, verify="all")


def test_what_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere: is not a run of wddkit \(is no folder\); give the folder"):
        History.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"is not a run of wddkit \(holds no config\.json\)"):
        History.load(tmp_path)
    with pytest.raises(ValueError, match="verify is 'most'; expected 'small'"):
        History.load(tmp_path, verify="most")


def test_an_unfinished_run_is_loaded_only_when_asked_as_far_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
        for snapshot in walk(None):
            if snapshot["phase"] == "recover" and (snapshot["block"], snapshot["step"]) == (1, 2):
                break
            writer.snapshot(**snapshot)
        (path / "metrics.jsonl").open("a").write('{"half a li')
        with pytest.raises(ValueError, match=r"this run is unfinished; run the same config .* or load .* partial=True"):
            History.load(path)
        history = History.load(path, partial=True, verify="all")  # also while it is being written
    assert len(history.frames) == 5
    assert len(history.scalars) == 2 + 5 + 2
    assert history.results.empty
    assert history.real is None
    with pytest.raises(ValueError, match="there is no distilled set yet; run the same config again"):
        _ = history.distilled
    # Block 1 was recorded up to step 1: later frames show it as it was then.
    np.testing.assert_array_equal(history.images(4)[[1, 3]], history.images(1)[[1, 3]])
    assert (history.images(4)[[0, 2]] != history.images(1)[[0, 2]]).any()


def test_a_block_that_starts_late_shows_its_first_recorded_frame_before(tmp_path: Path) -> None:
    path = tmp_path / "run"
    images = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 2, 2), np.uint8)
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
        for phase, step, block in (("a", 0, 0), ("a", 10, 0), ("b", 12, 0), ("b", 12, 1), ("b", 20, 1)):
            arrays = {"images": images[[block]] + np.uint8(step), "indices": np.array([1 - block])}
            writer.snapshot(phase=phase, step=step, block=block, arrays=arrays, state=None, scalars={})
    history = History.load(path, partial=True)
    assert history.frames == (Frame("a", 0), Frame("a", 10), Frame("b", 12), Frame("b", 20))
    shown = [history.images(frame)[:, 0, 0, 0].tolist() for frame in range(4)]
    assert shown == [[13, 0], [13, 10], [13, 12], [21, 12]]  # image 0 is block 1's
    assert history.features(0) is None
    with pytest.raises(IndexError, match="frame 4 of a history of 4 frames"):
        history.images(4)


def test_images_of_a_large_run_are_not_read_before_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "run"
    noise = np.random.default_rng(0).integers(0, 256, (500, 3, 32, 32)).astype(np.uint8)
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
        arrays = {"images": noise, "indices": np.arange(500)}
        writer.snapshot(phase="recover", step=0, block=0, arrays=arrays, state=None, scalars={})
        writer.distilled(toy_set(noise[:4]))
        writer.complete()
    np.testing.assert_array_equal(History.load(path).images(0), noise)
    file = path / "recover" / "000000-0000.npz"
    data = bytearray(file.read_bytes())
    assert len(data) > 1_000_000
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    history = History.load(path)
    with pytest.raises(ValueError, match=r"000000-0000\.npz: no readable npz"):
        history.images(0)
    with pytest.raises(ValueError, match=r"000000-0000\.npz: the content does not fit the checksum"):
        History.load(path, verify="all")


def test_reading_and_recording_import_neither_torch_nor_pandas() -> None:
    code = "import sys, wddkit.history; print({'torch', 'torchvision', 'pandas', 'ot'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
