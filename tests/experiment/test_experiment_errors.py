"""What cannot be run is refused before anything is trained or written, with the thing's name and the way out."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from experiment_toys import (
    CONFIG,
    HARD,
    KILL,
    LIGHT,
    NETWORK,
    TEACHER,
    arrays,
    run,
    run_silently,
    run_until,
    start,
    toy_split,
)

import wddkit as wdd
from wddkit.data import ImageSet
from wddkit.estimate import estimate
from wddkit.experiment import choose_device
from wddkit.methods import DM, WMDD, Tiled
from wddkit.ranking import dd_ranking

ODD = replace(NETWORK, name="convnett")
CONFIGS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "data set": (lambda: {"dataset": "digitz"}, r"unknown data set 'digitz'\. Did you mean 'digits'\?"),
    "no file": (lambda: {"dataset": "npz:nowhere.npz"}, r"there is no file nowhere\.npz"),
    "device": (
        lambda: {"device": "cudaa"},
        r"unknown device 'cudaa'\. Did you mean 'cuda'\? Known: auto, cpu, cuda, mps, xpu",
    ),
    "label regime": (lambda: {"protocols": (replace(HARD, labels="hrad"),)}, r"'hrad'\. Did you mean 'hard'\?"),
    "control": (lambda: {"controls": ("rndom",)}, r"'rndom'\. Did you mean 'random'\?"),
    "precision": (lambda: {"precision": "float23"}, r"'float23'\. Did you mean 'float32'\?"),
    "teacher": (
        lambda: {"teacher": replace(TEACHER, network=ODD)},
        r"unknown network 'convnett'\. Did you mean 'convnet'\?",
    ),
    "student": (lambda: {"protocols": (replace(HARD, network=ODD),)}, r"unknown network 'convnett'\. Did you mean"),
    "network of a method": (lambda: {"method": DM(network=ODD)}, r"unknown network 'convnett'\. Did you mean"),
    "small images": (
        lambda: {"teacher": wdd.Teacher(wdd.Network("vgg11"))},
        r"'vgg11' takes images of at least 32 px, got 8",
    ),
    "start": (lambda: {"method": WMDD(start="nosie")}, r"'nosie'\. Did you mean 'noise'\?"),
    "type": (lambda: {"seed": "one"}, r"config\.seed: expected int, got 'one'"),
    "ipc": (
        lambda: {"method": WMDD(ipc=40)},
        r"ipc 40 is above the size of class 0 \('0'\), which has 34 training images; lower",
    ),
    "no ipc": (lambda: {"method": WMDD(ipc=0)}, r"ipc is 0; expected at least 1"),
    "twins": (
        lambda: {"protocols": (HARD, replace(HARD, students=3))},
        r"protocols: several are called 'hard'; tell them apart",
    ),
}


@pytest.mark.parametrize("what", CONFIGS)
def test_a_config_that_cannot_be_run_is_refused_before_anything_is_done(what: str, tmp_path: Path) -> None:
    fields, message = CONFIGS[what]
    split = None if what in ("data set", "no file") else toy_split()
    with pytest.raises(ValueError, match=message):
        run(tmp_path / "runs", replace(CONFIG, **fields()), split=split)
    assert not (tmp_path / "runs").exists()
    assert [*Path(os.environ["WDDKIT_CACHE"]).rglob("*")] == []


THEIRS = wdd.DistilledSet.from_arrays(*arrays(8))
IN_MEMORY = wdd.History.from_arrays(np.zeros((1, 2, 1, 8, 8), np.uint8), [0, 1])
CONFIGS_INSTEAD: list[tuple[object, str]] = [
    ("digits", r"expected a Config, got 'digits'; write Config\(dataset='digits'\)"),
    ("dm", r"expected a Config, got 'dm'; write Config\(method=wddkit\.methods\.DM\(\)\)"),
    (Path(__file__).parent, r"expected a Config, got PosixPath\(.*; write Config\.load\('.*experiment'\)"),
    (DM(), r"expected a Config, got a DM; write Config\(method=DM\(\.\.\.\)\)"),
    (toy_split(), r"expected a Config, got a Split; write Config\(\), and give the images as split=\.\.\."),
    ({"seed": 1}, r"expected a Config, got a dict; write Config\.from_json\(\.\.\.\)"),
    (3, r"expected a Config, got 3; write Config\(dataset=\.\.\., method=\.\.\.\)"),
]


@pytest.mark.parametrize(("given", "message"), CONFIGS_INSTEAD, ids=[message for _, message in CONFIGS_INSTEAD])
def test_whoever_gives_something_else_for_a_config_is_told_what_to_write(
    given: Any, message: str, tmp_path: Path
) -> None:
    calls: list[Callable[[], object]] = [
        lambda: run(tmp_path, given),
        lambda: wdd.LiveSession(given, out=tmp_path),
        lambda: wdd.ablate(given, {"seed": [1]}, out=tmp_path),
        lambda: wdd.compare([CONFIG, given], out=tmp_path),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call()
    assert [*tmp_path.iterdir()] == []


GIVEN: list[tuple[Callable[[], object], str]] = [
    (lambda: wdd.run(CONFIG, split="digits"), r"split: expected a Split, got 'digits'; write wddkit\.load\('digits'\)"),
    (lambda: wdd.run(CONFIG, split=3), r"split: expected a Split, got 3; write wddkit\.Split\.from_arrays"),
    (lambda: wdd.compare(CONFIG), r"expected a list of configs, got a Config; for one alone write compare\("),
    (lambda: wdd.compare(3), r"expected a list of configs, got 3; for one alone write compare\(\[config\]\)"),
    (lambda: wdd.compare(["wmdd"]), r"configs\[0\]: expected a Config, got 'wmdd'; write Config\(method="),
    (lambda: wdd.compare([CONFIG], seeds="3"), r"^seeds: expected a whole number from 1 to 998, got '3'$"),
    (lambda: wdd.compare([CONFIG], protocols=[5]), r"expected a Protocol or a label regime, got 5; write 'hard'"),
    (lambda: wdd.compare([CONFIG], protocols=5), r"expected a Protocol or a label regime, got 5; write 'hard'"),
    (lambda: wdd.compare([], sets=[IN_MEMORY]), r"sets: expected sets by name, got a list; write sets=\{'theirs': dis"),
    (lambda: wdd.compare([CONFIG], sets="x"), r"sets: expected sets by name, got 'x'; write sets=\{'theirs': dis"),
    (lambda: wdd.compare([CONFIG], split="digits", protocols=["hard"]), r"split: expected a Split, got 'digits'; wri"),
    (lambda: wdd.load(3), r"expected the name of a data set, got 3; write one of digits, .*folder:PATH, npz:PATH"),
    (lambda: wdd.run(wdd.Config(dataset=3)), r"expected the name of a data set, got 3; write one of digits"),
    (lambda: wdd.evaluate(IN_MEMORY, toy_split()), r"expected a DistilledSet, got a History; write history\.distilled"),
    (lambda: wdd.evaluate(toy_split(), IN_MEMORY), r"got a Split; write the distilled set first, the split second"),
    (lambda: wdd.evaluate("saved", toy_split()), r"got 'saved'; write wddkit\.DistilledSet\.load\('saved'\)"),
    (lambda: wdd.evaluate(3, toy_split()), r"got 3; write wddkit\.DistilledSet\.from_arrays\(images, labels\)"),
    (lambda: wdd.evaluate(IN_MEMORY.distilled, "digits"), r"split: expected a Split, got 'digits'; write wddkit\.load"),
    (lambda: wdd.evaluate(IN_MEMORY.distilled, toy_split(), 3), r"expected a Protocol or a label regime, got 3; write"),
    (lambda: dd_ranking("x", toy_split()), r"expected a DistilledSet, got 'x'; write wddkit\.DistilledSet\.load\('x'"),
    (lambda: dd_ranking(IN_MEMORY.distilled, "digits"), r"split: expected a Split, got 'digits'; write wddkit\.load\("),
    (lambda: dd_ranking(THEIRS, toy_split(), 5), r"expected a Protocol or a label regime, got 5; write 'hard'"),
    (lambda: dd_ranking(THEIRS, toy_split(), seeds="3"), r"^seeds: expected a whole number, at least 1, got '3'$"),
    (lambda: dd_ranking(THEIRS, toy_split(), seeds=0), r"^seeds: expected a whole number, at least 1, got 0$"),
    (lambda: dd_ranking(IN_MEMORY.distilled, toy_split()), r"classes"),
    (lambda: wdd.replay(3), r"expected a History or the folder of a run, got 3"),
    (lambda: run(Path(), replace(CONFIG, method="dm")), r"got 'dm'; write method=wddkit\.methods\.DM\(\)"),
    (lambda: run(Path(), wdd.Config(snapshots="a")), r"config\.snapshots: expected int, got 'a'"),
    (lambda: wdd.Config().change(steps=3), r"field of Config 'steps'\. Did you mean 'method\.steps' or"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), GIVEN, ids=[message for _, message in GIVEN])
def test_whoever_gives_something_else_for_an_object_is_told_what_to_write(
    call: Callable[[], object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        call()
    assert [*tmp_path.iterdir()] == [*Path(os.environ["WDDKIT_CACHE"]).rglob("*")] == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_device_that_is_not_here_is_named() -> None:
    with pytest.raises(ValueError, match=r'device \'cuda\' cannot be used here \(.*\); try "auto" or "cpu"'):
        choose_device("cuda")
    with pytest.raises(ValueError, match=r"device 'cpu:x' cannot be used here"):
        choose_device("cpu:x")


def test_a_method_that_is_in_no_table_is_refused(tmp_path: Path) -> None:
    class Mine(WMDD):
        """A method of somebody's own that was not added to METHODS."""

    with pytest.raises(ValueError, match=r"Mine is not in METHODS; known: ccs, cda, dc"):
        run(tmp_path, replace(CONFIG, method=Mine()))


def test_too_few_snapshots_are_refused() -> None:
    with pytest.raises(ValueError, match=r"snapshots: expected at least 2 \(the start and the end\), got 1"):
        wdd.Config(snapshots=1)


def test_images_without_content_are_refused(tmp_path: Path) -> None:
    images, labels = arrays()
    grey = ImageSet(np.full_like(images, 7), labels.astype(np.int64))
    split = wdd.Split(grey, grey, grey, tuple("0123"), "fog")
    with pytest.raises(ValueError, match=r"fog: constant images: every training pixel is 7; check how they were"):
        run(tmp_path, split=split)


def test_an_error_in_the_second_config_of_a_comparison_comes_before_the_first_is_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ipc 99 is above the size of class"):
        wdd.compare([CONFIG, replace(CONFIG, method=WMDD(ipc=99))], out=tmp_path, split=toy_split(), progress=False)
    assert [*tmp_path.iterdir()] == []


def test_what_a_method_refuses_is_said_before_a_teacher_is_trained(tmp_path: Path) -> None:
    config = replace(CONFIG, method=Tiled(2, factor=3))
    for call in (run, lambda path, config: estimate(config, toy_split())):
        with pytest.raises(ValueError, match="factor 3 does not divide the image size 8"):
            call(tmp_path, config)
    assert [*tmp_path.iterdir()] == []


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_silently(tmp_path_factory.mktemp("complete"), replace(CONFIG, controls=()))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 8
    file.write_bytes(bytes(data))


DAMAGES = [(name, damage) for name in ("config.json", "real.npz", "metrics.jsonl") for damage in (cut, flip)]
DAMAGES += [("barycenter/0002.npz", cut), ("recover/000024-0001.npz", flip), ("distilled/card.json", cut)]
DAMAGES += [("environment.json", Path.unlink), ("complete.json", cut), ("distilled/labels.safetensors", flip)]


@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=lambda value: getattr(value, "__name__", value))
def test_a_damaged_run_is_neither_read_nor_overwritten(
    name: str, damage: Callable[[Path], None], complete: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(complete, tmp_path / complete.name))
    damage(copy / name)
    for call in (lambda: run(tmp_path, replace(CONFIG, controls=())), lambda: wdd.History.load(copy)):
        with pytest.raises(ValueError, match=rf"{name}: .*(delete the folder of this run and run|restore it)"):
            call()


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / CONFIG.run_name(toy_split())
    path.mkdir()
    (path / "thesis.tex").write_text("years")
    with pytest.raises(ValueError, match=r"is not a run of wddkit but holds thesis\.tex; choose a new folder"):
        run(tmp_path, replace(CONFIG, controls=()))
    assert [file.name for file in path.iterdir()] == ["thesis.tex"]
    with pytest.raises(ValueError, match=r"is not a run of wddkit \(holds no config\.json\); give the folder"):
        wdd.History.load(path)


@pytest.mark.parametrize("finished", [True, False])
def test_a_folder_with_another_config_is_left_alone(finished: bool, complete: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(complete, tmp_path / complete.name))
    if finished:
        (copy / "complete.json").unlink()
    stored = json.loads((copy / "config.json").read_text())
    stored["config"]["method"]["lr"] = 0.5
    (copy / "config.json").write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=r"holds a run of another config, different in method\.lr|checksum|instead of"):
        run(tmp_path, replace(CONFIG, controls=()))
    assert json.loads((copy / "config.json").read_text()) == stored


def test_a_damaged_checkpoint_tells_how_to_begin_anew(tmp_path: Path) -> None:
    lean = replace(LIGHT, controls=())
    start(tmp_path / "cache", run_until, tmp_path, "recover", 3, KILL, lean).end()
    (checkpoint,) = tmp_path.glob("toy-*/checkpoint/*")
    flip(checkpoint)
    with pytest.raises(
        ValueError, match=r"this checkpoint cannot be read; delete the folder \S+checkpoint and run the"
    ):
        run(tmp_path, lean)
    shutil.rmtree(checkpoint.parent)
    assert run(tmp_path, lean).path is not None
