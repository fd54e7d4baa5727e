"""Processes that run a sweep's configs: what they print is no answer, and how they end is told."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiment_toys import HARD, LIGHT, arrays

import wddkit as wdd
from wddkit import workers
from wddkit.workers import Workers

Given = list[tuple[int, str]]
ANSWER = 'print(json.dumps(["run", json.loads(line)["out"]]), flush=True)'


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Given]:
    """What a worker gives of two configs that does this with each line."""
    begin = workers.subprocess.Popen

    def given(code: str) -> Given:
        script = tmp_path / "worker.py"
        script.write_text(f"import json, os, signal, sys\nfor line in sys.stdin:\n    {code}\n")
        monkeypatch.setattr(workers.subprocess, "Popen", lambda _, **how: begin([sys.executable, script], **how))
        monkeypatch.setattr(workers.History, "load", str)
        with Workers(1) as crew:
            return [*crew.run([LIGHT, replace(LIGHT, seed=1)], tmp_path, names=["lr=1", "lr=2"])]

    return given


@pytest.mark.parametrize("stray", [b"a line", b'["a", "list"]', b'{"run": 1}', b"3", b"\xff"])
def test_lines_that_are_no_answer_are_passed_on(
    stray: bytes, given: Callable[[str], Given], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert given(f"os.write(1, {stray!r} + b'\\n\\n'); {ANSWER}") == [(0, str(tmp_path)), (1, str(tmp_path))]
    assert capfd.readouterr().err.splitlines() == [stray.decode(errors="replace")] * 2


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("sys.exit(3)", r"a run failed: lr=1: the process ended with code 3\. Runs that are done are kept"),
        ("os.kill(os.getpid(), signal.SIGKILL)", r"lr=1: the process was ended by SIGKILL; .* take fewer workers"),
        ('print(json.dumps(["error", "ValueError: no"]), flush=True)', r"a run failed: lr=1: ValueError: no\. Runs"),
    ],
)
def test_how_a_process_ends_is_told(code: str, message: str, given: Callable[[str], Given]) -> None:
    with pytest.raises(RuntimeError, match=message):
        given(code)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, (4, 4, 4)),
        ({"OMP_NUM_THREADS": "1"}, (1, 1, 1)),
        ({"OMP_NUM_THREADS": "2,1"}, (2, 2, 2)),
        ({"OMP_NUM_THREADS": "16", "MKL_NUM_THREADS": "3"}, (4, 3, 4)),
        ({"OMP_NUM_THREADS": "many", "OPENBLAS_NUM_THREADS": "0"}, (4, 4, 4)),
    ],
)
def test_fewer_threads_than_the_share_are_kept(
    asked: dict[str, str], expected: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert workers._threads(4) == dict(zip(names, map(str, expected), strict=True))


@pytest.mark.slow
def test_a_process_answers_whatever_is_printed_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = arrays()
    np.savez(tmp_path / "toy.npz", x_train=images[:, 0], y_train=labels, x_test=images[:40, 0], y_test=labels[:40])
    config = replace(LIGHT, dataset=f"npz:{tmp_path / 'toy.npz'}", protocols=(HARD,), controls=())
    # Before there is anything to stop it, and within each run: not by Python, and without an end of line.
    noise = "import json, os; os.write(1, b'begun'); loads = json.loads\n"
    noise += "json.loads = lambda *given, **how: (os.write(1, b'stray'), loads(*given, **how))[1]\n"
    (tmp_path / "sitecustomize.py").write_text(noise)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    changes = {"method.ipc": [1, 2]}
    sweep = wdd.ablate(config, changes, out=tmp_path / "out", workers=2, progress=False)
    assert sweep.frame["method.ipc"].tolist() == [1, 2]
