"""A small data set with a config of it, and what commands say."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import wddkit as wdd
from wddkit.cli import main
from wddkit.methods import WMDD

NETWORK = wdd.Network(width=4, depth=2)
TRAINING = wdd.Training(steps=25, batch=16, lr=0.03)
HARD = wdd.Protocol("hard", network=NETWORK, training=TRAINING, students=2)
CONFIG = wdd.Config(method=WMDD(ipc=2, steps=6), teacher=wdd.Teacher(NETWORK, TRAINING), protocols=(HARD,), snapshots=3)


def arrays(n: int = 120, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Four noisy patterns, 8-bit [n, 8, 8], as an npz file holds them."""
    patterns = np.random.default_rng(7).integers(0, 130, (4, 8, 8))
    parts = {}
    for part, count in (("train", n), ("test", n // 3)):
        labels = np.arange(count) % 4
        noise = np.random.default_rng([seed, count]).integers(0, 120, (count, 8, 8))
        parts |= {f"x_{part}": (patterns[labels] + noise).astype(np.uint8), f"y_{part}": labels}
    return parts


def furnish(place: Path) -> None:
    """Puts the data set toy.npz and a config of it, toy.json, into a folder."""
    np.savez(place / "toy.npz", **arrays())
    (place / "toy.json").write_text(json.dumps(replace(CONFIG, dataset="npz:toy.npz").to_json()))


def folder(text: str) -> Path:
    found = re.search(r"The run: +(\S+)", text)
    assert found, text
    return Path(found[1])


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints that goes well."""
    code = main(arguments)
    out, err = capsys.readouterr()
    assert code == 0, err
    return out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line in which a command says what is wrong."""
    capsys.readouterr()
    code = main(arguments)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert re.fullmatch(r"wddkit: [^\n]+\n", err), err
    return err


def answer(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """What the parser of options says and then leaves with this code."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code
    captured = capsys.readouterr()
    return captured.out + captured.err
