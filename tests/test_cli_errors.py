"""What the command line refuses: one line that names the thing and the way out, and nothing is done."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from cli_toys import answer, arrays, folder, furnish, refused, said
from PIL import Image

from wddkit.cli import main
from wddkit.history.folder import lock


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a small data set and a config of it."""
    monkeypatch.chdir(tmp_path)
    furnish(tmp_path)
    return tmp_path


TYPOS = [
    (("run", "--dataset", "digitz"), r"unknown data set 'digitz'\. Did you mean 'digits'\?"),
    (("run", "--dataset", "npz:nowhere.npz"), r"there is no file nowhere\.npz"),
    (("run", "--dataset", "folder:nowhere"), r"there is no folder .*nowhere"),
    (("run", "--method", "wmd"), r"unknown method 'wmd'\. Did you mean 'wmdd'\?"),
    (("run", "--labels", "hrad"), r"'hrad'\. Did you mean 'hard'\?"),
    (
        ("run", "--ipc", "1000"),
        r"ipc 1000 is above the size of class \d \('\d'\), which has \d\d training images; lower",
    ),
    (("run", "--ipc", "1000", "--dry-run"), r"ipc 1000 is above the size of class"),
    (("run", "--set", "method.stepps=3"), r"unknown field of WMDD 'stepps'\. Did you mean 'steps'\?"),
    (("run", "--set", "metod.steps=3"), r"unknown field of Config 'metod'\. Did you mean 'method'\?"),
    (("run", "--set", "method.steps"), r"--set method\.steps: expected FIELD=VALUE, such as method\.steps=500"),
    (("run", "--set", "method.steps=many"), r"method\.steps: expected int, got 'many'"),
    (("run", "--set", "method=dm"), r"--set method=dm: expected a field of the method; .* is --method NAME"),
    (("run", "--set", "device=cudaa"), r"unknown device 'cudaa'\. Did you mean 'cuda'\?"),
    (("run", "--set", "teacher.network.name=convnett"), r"unknown network 'convnett'\. Did you mean 'convnet'\?"),
    (("run", "--set", "lr=.1"), r"field of Config 'lr'\. Did you mean 'method\.lr' or 'teacher\.training\.lr'\?"),
    (("run", "--set", "training.lr=.1"), r"field of Config 'training\.lr'\. Did you mean 'teacher\.training\.lr'\?"),
    (("run", "--labels"), r"--labels: expected a value after it, such as --labels hard"),
    (("run", "--labels", "--quiet"), r"--labels: expected a value after it, such as --labels hard"),
    (("run", "--quiet", "--set"), r"--set: expected a value after it, such as --set method\.steps=500"),
    (("ablate", "--grid"), r"--grid: expected a value after it, such as --grid method\.ipc=1,10"),
    (("run", "--set", "protocols=[]", "--labels", "hard"), r"protocols=\(\): there is nothing to compare under; name"),
    (("compare", "random", "--set", "protocols=[]"), r"protocols=\(\): there is nothing to compare under; name"),
    (("ablate", "--set", "protocols=[]"), r"protocols=\(\): there is nothing to compare under; name"),
    (("runs", "--out", "nope"), r"there is no folder nope; `wddkit run` makes it, or name another: wddkit runs --out"),
    (("run", "--config", "nowhere.json"), r"nowhere\.json: expected a JSON config or a run folder"),
    (("run", "--config", "toy.npz"), r"toy\.npz: expected a JSON config or a run folder"),
    (("run", "--students", "0"), r"students of at least 1"),
    (("compare", "wmdd", "randm"), r"unknown method 'randm'\. Did you mean 'random'\?"),
    (("compare", "random", "dm", "--set", "method.stepps=3"), r"unknown field of random, dm 'stepps'\. Did you mean"),
    (
        ("compare",),
        r"compare: expected methods to compare; write `wddkit compare wmdd random` \(see `wddkit methods`\)",
    ),
    (("compare", "random", "--sets", "theirs"), r"--sets theirs: expected NAME=PATH, such as theirs=made/"),
    (
        ("compare", "random", "--sets", "a=x", "a=y"),
        r"'x'|x: |there is no folder x|--sets a is given twice",
    ),
    (("compare", "random", "--tune", "0"), r"tune: expected a whole number from 1 to 998, got 0"),
    (("compare", "random", "--labels", "hard@resnett"), r"unknown network 'resnett'\. Did you mean 'resnet"),
    (("compare", "random", "--seeds", "0"), r"seeds: expected a whole number from 1 to 998, got 0"),
    (("ablate", "--grid", "method.ipc"), r"--grid method\.ipc: expected FIELD=VALUE,VALUE, such as method\.ipc=1,10"),
    (("ablate", "--grid", "method.ipc=1", "--grid", "method.ipc=2"), r"--grid method\.ipc is given twice; name all"),
    (("ablate", "--grid", "method.ipd=1,2"), r"2 of 2 combinations cannot be run; method\.ipd=1: .*'ipc'\?"),
    (("evaluate", "nowhere"), r"nowhere"),
    (("explore", "nowhere"), r"nowhere: is not a run of wddkit \(is no folder\)"),
    (("export", ".", "to"), r"is not a run of wddkit \(holds no config\.json\)"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), TYPOS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_a_mistake_is_one_line_with_the_way_out_and_nothing_is_done(
    arguments: tuple[str, ...], message: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(place.rglob("*"))
    assert re.search(message, refused(capsys, *arguments))
    assert sorted(place.rglob("*")) == before
    assert [*Path(os.environ["WDDKIT_CACHE"]).rglob("*")] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--datset", "digits"), "--dataset NAME"),
        (("rum",), "Available subcommands: "),
        (("run", "--ipc", "ten"), "invalid literal|invalid choice|couldn't be parsed|Error parsing"),
        (("evaluate",), "PATH"),
    ],
)
def test_an_option_that_is_not_known_is_refused_by_the_parser(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = answer(capsys, 2, *arguments)
    assert re.search(message, text)
    assert "Traceback" not in text


def shape(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    return {"x_train": x, "y_train": y, "x_test": x, "y_test": y}


X, Y = arrays()["x_train"], arrays()["y_train"]
DATA = {
    "floats with NaN": (shape(np.where(X > 200, np.nan, X / 255), Y), r"x_train: expected uint8 of shape"),
    "constant": (shape(np.full_like(X, 9), Y), r"constant images: every training pixel is 9; check how"),
    "oblong": (shape(X[:, :6], Y), r"6 x 8 pixels are not square; size=6 crops and resizes"),
    "four channels": (shape(np.stack([X] * 4, axis=3), Y), r"4 channels; expected 1 .*; drop the alpha channel"),
    "labels with a gap": (
        shape(X, Y * 2),
        r"labels.*must be 0\.\.k-1 without gaps, found \[0, 2, 4, 6\]|y_train must be",
    ),
    "labels from one": (shape(X, Y + 1), r"must be 0\.\.k-1 without gaps, found \[1, 2, 3, 4\]"),
    "labels of words": (shape(X, Y.astype(str)), r"y_train: expected integers 0\.\.k-1, got <U"),
    "an empty class": ({**shape(X, Y), "classes": np.array([*"abcde"])}, r"class 4 \('e'\) has no images; add images"),
    "too few labels": (shape(X, Y[:-1]), r"y_train: expected one for each of 120 images, got shape \(119,\)"),
    "other names": ({"pictures": X}, r"expected x_train, y_train, x_test, y_test, or .*; found pictures"),
}


@pytest.mark.parametrize("what", DATA)
def test_data_that_cannot_be_distilled_are_refused(what: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, message = DATA[what]
    np.savez(place / "odd.npz", **content)
    text = refused(capsys, "run", "--dataset", "npz:odd.npz", "--ipc", "1")
    assert re.search(message, text)
    assert "odd.npz" in text
    assert not (place / "runs").exists()


@pytest.mark.filterwarnings("always:.*skipped 1 corrupt")
def test_a_corrupt_picture_is_named_and_can_be_left_out(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i, (image, label) in enumerate(zip(X, Y, strict=True)):
        for part in ("train", "test"):
            path = place / "pictures" / part / "abcd"[label] / f"{i:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    odd = place / "pictures" / "train" / "b" / "005.png"
    odd.write_bytes(odd.read_bytes()[:60])
    command = ("run", "--config", "toy.json", "--dataset", "folder:pictures", "--method", "random", "--ipc", "2")
    text = refused(capsys, *command)
    assert "folder:pictures: train/b/005.png cannot be read" in text
    assert "skip_corrupt" in text
    assert main([*command, "--quiet", "--set", "skip_corrupt=true"]) == 0
    assert re.search(r"^wddkit: warning: .*005\.png", capsys.readouterr().err)
    (place / "pictures" / "train" / "e").mkdir()
    assert re.search(r"class folder .*train/e has no pictures", refused(capsys, *command))


@pytest.mark.slow
def test_a_run_that_another_process_writes_is_not_disturbed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder(said(capsys, "run", "--config", "toy.json", "--quiet"))
    (path / "complete.json").unlink()
    with lock(path):
        text = refused(capsys, "run", "--config", "toy.json", "--quiet")
    assert re.search(rf"is being written by process {os.getpid()} on .*; wait until it ends, stop it", text)


@pytest.mark.parametrize("out", ["toy.npz", "toy.npz/below", "/proc/wddkit"])
def test_a_place_that_cannot_be_written_is_named(out: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (place / "toy.npz").read_bytes()
    text = refused(capsys, "run", "--config", "toy.json", "--out", out)
    assert text.startswith(f"wddkit: could not write {out}/npz-toy")
    assert (place / "toy.npz").read_bytes() == before
