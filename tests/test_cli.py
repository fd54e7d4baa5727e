"""The command line: what it prints and writes, and that it can be stopped."""

import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cli_toys import answer, arrays, folder, furnish, refused, said
from PIL import Image

import wddkit as wdd
from wddkit.cli import main, show
from wddkit.methods import METHODS, WMDD, Random
from wddkit.options import Run, config_of
from wddkit.progress import Bars

COMMANDS = ("demo", "run", "compare", "ablate", "evaluate", "explore", "export", "runs", "datasets", "methods", "lab")
WDDKIT = str(Path(sys.executable).parent / "wddkit")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a small data set and a config of it."""
    monkeypatch.chdir(tmp_path)
    furnish(tmp_path)
    return tmp_path


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    text = answer(capsys, 0)
    assert all(re.search(rf"• {command}\b", text) for command in COMMANDS)
    assert answer(capsys, 0, "--help") == text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_every_command_is_explained(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = answer(capsys, 0, command, "--help")
    options = re.findall(r"^[│ ]{1,4}(-[-\w]+|[A-Z]+)\b.*?(?: {2,}(\S.*?))? *│?$", text, re.MULTILINE)
    assert options[0][0] in ("-h", "PATH", "METHOD")
    for name, help_ in options:
        assert re.match(r"[a-zA-Z].* .*[a-z]", help_), f"{command} {name} is not explained: {help_!r}"


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == f"wddkit {wdd.__version__}\n"
    assert wdd.__version__ == importlib.metadata.version("wddkit")


def test_the_lists_name_all_data_sets_and_methods(capsys: pytest.CaptureFixture[str]) -> None:
    listed = said(capsys, "datasets")
    assert all(re.search(rf"^{name} ", listed, re.MULTILINE) for name in wdd.datasets())
    assert "folder:PATH" in listed
    listed = said(capsys, "methods")
    assert all(re.search(rf"^  {name} ", listed, re.MULTILINE) for name in METHODS)
    assert "statistics_weight=" in listed


def test_the_notebooks_are_looked_for_where_one_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no folder notebooks here; name it: wddkit lab --notebooks PATH" in refused(capsys, "lab")


def test_a_run_prints_its_table_and_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "run", "--config", "toy.json")
    history = wdd.History.load(folder(text))
    for row in history.results.itertuples():
        assert re.search(rf"^{row.set} +hard +{row.accuracy:.2f} % .* {row.bytes:,} ", text, re.MULTILINE)
    assert re.search(r"Seconds: squeeze \d.*, embed \d.*, distil \d.*, evaluate \d", text)
    assert folder(said(capsys, "run", "--config", "toy.json")) == history.path


def test_intervals_are_printed_within_what_an_accuracy_can_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {"set": "x", "protocol": "hard", "accuracy": 99.0, "bytes": 1, "w2_squared": None, "w2_squared_heldout": 0.5}
    frame = pd.DataFrame([{**row, "low": 98.25, "high": 100.08, "n": 3}, {**row, "low": -3.0, "high": 9.0, "n": 3}])
    show(SimpleNamespace(results=frame, events=[]))
    out = capsys.readouterr().out
    assert re.search(r"99\.00 % +98\.25 -100\.00 ", out)
    assert re.search(r"99\.00 % +0\.00 - +9\.00 ", out)
    assert "Intervals: over students of one synthesis." in out


@pytest.mark.slow
def test_bars_go_to_standard_error_in_short_lines_unless_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--config", "toy.json", "--out", "a"])
    err = capsys.readouterr().err
    assert re.findall(r"^(\w+).*: \d+ of \d+", err, re.MULTILINE)[:3] == ["squeeze", "barycenter", "recover"]
    assert len(err.splitlines()) < 12
    assert "\r" not in err
    shutil.rmtree(os.environ["WDDKIT_CACHE"])
    main(["run", "--config", "toy.json", "--out", "b", "--quiet"])
    assert capsys.readouterr().err == ""


def test_options_change_what_a_config_file_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(
        capsys, "run", "--config", "toy.json", "--seed", "3", "--ipc", "1", "--students", "1",
        "--labels", "soft", "hard", "--set", "method.steps=2", "teacher.training.steps=9", "--quiet",
        "--set", 'controls=["random"]',
    )  # fmt: skip
    history = wdd.History.load(folder(text))
    assert (history.config.seed, history.config.method.ipc, history.config.method.steps) == (3, 1, 2)
    assert history.config.teacher.training.steps == 9
    assert [*history.results["protocol"]] == ["hard", "hard", "soft", "soft"]
    assert (history.results["n"] == 1).all()
    assert "one student" in text
    again = said(capsys, "run", "--config", str(history.path), "--quiet")
    assert folder(again) == history.path
    assert again == text


@pytest.mark.slow
def test_another_method_takes_the_configs_ipc_and_its_own_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "run", "--config", "toy.json", "--method", "random", "--quiet")
    assert wdd.Config.load(folder(text)).method == Random(2)
    assert folder(text).name.startswith("npz-toy-npz-random-2-")


def test_a_dry_run_tells_time_memory_disk_and_label_bytes_and_does_nothing(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(place.rglob("*"))
    text = said(capsys, "run", "--config", "toy.json", "--dry-run")
    found = re.fullmatch(
        r"time: +teacher (\d+) s, images (\d+) s, students (\d+) s .*\nmemory: about ([\d,]+) MB .*\n"
        r"disk: +at most ([\d.]+) MB\nlabels: .*: hard 8, soft 64, views \(4\) 1,280, online \(the teacher\) [\d,]+\n",
        text,
    )
    assert found, text
    teacher, images, students, memory = (int(found[i].replace(",", "")) for i in range(1, 5))
    assert max(teacher, images, students) < 30
    assert memory < 200
    assert 0 < float(found[5]) < 1
    assert sorted(place.rglob("*")) == before
    assert [*Path(os.environ["WDDKIT_CACHE"]).rglob("*")] == []
    both = said(capsys, "compare", "wmdd", "random", "--config", "toy.json", "--dry-run")
    assert re.findall(r"^(\w+), one synthesis:", both, re.MULTILINE) == ["wmdd", "random"]


@pytest.mark.slow
def test_a_comparison_prints_its_table_and_writes_it(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pandas

    options = ("--config", "toy.json", "--quiet", "--csv", "table.csv", "--set", "method.steps=2")
    names = ("--set", 'controls=["random"]')
    text = said(capsys, "compare", "wmdd", "nearest", "random", "--seeds", "2", *options, *names)
    table = pandas.read_csv(place / "table.csv")
    assert [*table["set"]] == ["wmdd", "random", "nearest"]
    assert {"mean", "low", "high", "gain", "bytes", "seconds"} <= set(table)
    for value in table["mean"]:
        assert f"{value:.2f}" in text
    assert len([*place.glob("runs/*")]) == 6
    paths = [*place.glob("runs/*wmdd*")]
    assert {wdd.Config.load(path).method for path in paths} == {WMDD(ipc=2, steps=2)}


@pytest.mark.slow
def test_a_comparison_takes_sets_made_elsewhere_several_teachers_and_a_budget(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas

    images = arrays(8, seed=3)
    theirs = wdd.DistilledSet.from_arrays(images["x_train"], images["y_train"], normalisation=None)
    theirs.save(place / "made")
    text = said(
        capsys, "compare", "nearest", "--config", "toy.json", "--quiet", "--set", 'controls=["random"]', "--seeds", "1",
        "--teachers", "2", "--tune", "2", "--sets", "theirs=made", "--labels", "soft@resnet-small",
        "--csv", "t.csv", "--latex", "t.tex", "--markdown", "t.md", "--figure", "t.png",
    )  # fmt: skip
    table = pandas.read_csv(place / "t.csv").set_index("set")
    assert [*table.index] == ["nearest", "random", "theirs"]
    assert (table["interval"] == "2 teachers").all()
    assert (table["network"] == "resnet-small").all()
    assert table.loc["nearest", "trials"] == 2
    assert "| theirs | 2 |" in (place / "t.md").read_text()
    assert "theirs & 2 &" in (place / "t.tex").read_text()
    assert (place / "t.png").stat().st_size > 10_000
    assert re.search(r"theirs .* ± (.*\n)+±: half the 95 % t-interval over 2 teachers\.", text)


@pytest.mark.slow
def test_an_ablation_prints_its_table_and_is_a_sweep(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--config", "toy.json", "--grid", "method.ipc=1,2", "--grid", 'method.masses=["free"]', "--quiet")
    text = said(capsys, "ablate", *options)
    sweep = wdd.Sweep.load(place / "sweeps" / "npz-toy-npz-wmdd-ipc-masses")
    assert sweep.fields == ("method.ipc", "method.masses")
    assert sweep.frame["method.ipc"].tolist() == [1, 2]
    assert all(f"{accuracy:.2f}" in text for accuracy in sweep.frame["accuracy"])
    assert said(capsys, "ablate", *options, "--out", "elsewhere").endswith("The sweep: elsewhere\n")
    assert "One of the runs:" in said(capsys, "ablate", *options, "--dry-run")


@pytest.mark.slow
def test_an_evaluation_of_a_run_gives_what_was_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    path = folder(said(capsys, "run", "--config", "toy.json", "--seed", "5", "--quiet"))
    history = wdd.History.load(path)
    row = history.results.iloc[0]
    students = ", ".join(f"{value:.2f}" for value in row.accuracies)
    text = said(capsys, "evaluate", str(path), "--labels", "hard")
    assert f"accuracy {row.accuracy:.2f} % ({row.low:.2f} to {row.high:.2f}" in text
    assert f"students {students}, labels hard, bytes {row.bytes:,}" in text


@pytest.mark.slow
def test_a_set_that_is_exported_is_the_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder(said(capsys, "run", "--config", "toy.json", "--quiet"))
    assert said(capsys, "export", str(path), "saved") == f"{place / 'saved'}\n"
    saved, own = wdd.DistilledSet.load("saved"), wdd.History.load(path).distilled
    np.testing.assert_array_equal(saved.images, own.images)
    (place / "mine").mkdir()
    (place / "mine" / "thesis.tex").touch()
    assert "is not empty and holds no saved distilled set" in refused(capsys, "export", str(path), "mine")


@pytest.mark.slow
def test_a_saved_set_is_evaluated_on_the_data_set_that_is_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder(said(capsys, "run", "--config", "toy.json", "--quiet"))
    command = ("--dataset", "npz:toy.npz", "--labels", "hard", "--students", "1")
    text = said(capsys, "evaluate", str(path / "distilled"), *command)
    assert re.match(r"Evaluation\(distilled: accuracy \d+\.\d\d % \(one student\), ", text)


@pytest.mark.slow
def test_a_folder_of_images_is_evaluated_on_the_data_set_that_is_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i, (image, label) in enumerate(zip(arrays()["x_train"][:8], range(8), strict=True)):
        (place / "made" / str(label % 4)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / "made" / str(label % 4) / f"{i}.png")
    text = said(
        capsys, "evaluate", "made", "--dataset", "npz:toy.npz", "--labels", "hard", "--students", "1", "--quiet"
    )
    assert re.match(r"Evaluation\(made: accuracy \d+\.\d\d % \(one student\), .*bytes 520\)", text)
    (place / "made" / "3").rename(place / "made" / "x")
    assert "'x'" in refused(capsys, "evaluate", "made", "--labels", "hard")  # no class of the digits


@pytest.mark.slow
def test_a_page_is_written_beside_the_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder(said(capsys, "run", "--config", "toy.json", "--quiet"))
    page = place / "runs" / f"{path.name}.html"
    assert said(capsys, "explore", f"{path}/") == f"{page}\n"
    assert "<html" in page.read_text()
    assert said(capsys, "explore", str(path), "--page", "my.html") == f"{place / 'my.html'}\n"


@pytest.mark.slow
def test_runs_are_listed_with_their_results_whatever_their_state(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no folder runs; `wddkit run` makes it, or name another" in refused(capsys, "runs")
    (place / "runs").mkdir()
    assert said(capsys, "runs") == "No runs in runs.\n"
    done = folder(said(capsys, "run", "--config", "toy.json", "--quiet"))
    unfinished, damaged = place / "runs" / "unfinished", place / "runs" / "damaged"
    for copy in (unfinished, damaged):
        shutil.copytree(done, copy)
    (unfinished / "complete.json").unlink()
    (damaged / "real.npz").write_bytes(b"")
    lines = {line.split()[0]: line for line in said(capsys, "runs").splitlines()}
    assert re.search(r"wmdd \d+\.\d % \(hard\), random \d+\.\d %", lines[f"runs/{done.name}"])
    assert lines["runs/unfinished"].endswith("wddkit run --config runs/unfinished --out runs")
    assert re.search(r"damaged: .*real\.npz: the file has 0 bytes", lines["runs/damaged"])


@pytest.mark.slow
def test_the_demo_distils_the_digits_and_writes_a_page(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = said(capsys, "demo", "--quiet")
    path = folder(text)
    assert path.parent == Path("runs")
    history = wdd.History.load(path, verify="all")
    assert len(history.distilled) == 100
    assert history.results["accuracy"].min() > 80
    page = re.search(r"The page: (\S+)", text)
    assert page
    assert Path(page[1]).read_text().count("<script") >= 1
    again = wdd.evaluate(history.distilled, wdd.load("digits"), progress=False)  # the recipe, its students in the cache
    assert again.accuracies == history.results["accuracies"].iloc[0]


def test_the_module_is_the_command(place: Path) -> None:
    command = [sys.executable, "-m", "wddkit", "runs", "--out", "."]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "No runs in ..\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = subprocess.Popen([WDDKIT, "datasets"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.close()
    assert process.wait() == 1
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()


def test_an_interrupt_has_its_own_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bars, "__call__", stop)
    assert main(["run", "--config", "toy.json"]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"\nwddkit: Interrupted\. What was done is kept in runs/npz-toy.*; the same call .*\.\n", err)
    monkeypatch.setattr("wddkit.cli.job_of", stop)
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "\nwddkit: Interrupted.\n"


@pytest.mark.parametrize("text", ["[0.1, 0.03]", "(0.1, 0.03)", "0.1,0.03"])
def test_a_value_may_be_written_as_json_or_as_in_python(text: str) -> None:
    config = config_of(Run(set=(f"method.committee={text}", "method.augment=None", "method.start=noise")))
    assert config.method == WMDD(committee=(0.1, 0.03), augment=None, start="noise")


@pytest.mark.slow
def test_a_run_that_is_interrupted_says_so_and_goes_on_to_the_same_bits(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "--config", "toy.json", "--set", "method.steps=400", "snapshots=30"]
    process = subprocess.Popen([WDDKIT, *command, "--out", "stopped"], stdout=-1, stderr=-1, text=True)
    while not [*place.glob("stopped/*/recover/*")]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    (path,) = place.glob("stopped/*")
    assert out == ""
    assert "Traceback" not in err
    assert err.splitlines()[-1] == (
        f"wddkit: Interrupted. What was done is kept in stopped/{path.name}; "
        f"the same call or command goes on from there."
    )
    assert not (path / "complete.json").exists()
    done = folder(said(capsys, *command, "--out", "stopped", "--quiet"))
    whole = folder(said(capsys, *command, "--out", "whole", "--quiet"))
    assert done.name == whole.name == path.name
    a, b = wdd.History.load(done, verify="all"), wdd.History.load(whole)
    for name in ("images", "labels", "masses", "soft"):
        np.testing.assert_array_equal(getattr(a.distilled, name), getattr(b.distilled, name))
    assert [*a.results["accuracies"]] == [*b.results["accuracies"]]
