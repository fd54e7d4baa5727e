"""A small deterministic run, child processes, and what two run folders have in common."""

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wddkit.data import DistilledSet
from wddkit.history import Writer
from wddkit.history.folder import files_of, sha256

CONFIG = {"dataset": "toy", "method": {"kind": "walk", "ipc": 2, "steps": 4}, "seed": 0}
ENVIRONMENT = {"numpy": np.__version__}
BLOCKS, STEPS = 2, 4


def walk(resume: dict[str, np.ndarray] | None) -> Iterator[dict[str, Any]]:
    """Two barycenters, then two blocks of two images that take four random steps each; goes on from a state."""
    block, step = 0, 0
    if resume is None:
        for label in range(2):
            yield barycenter_snapshot(label)
        images = np.random.default_rng(1).integers(0, 256, (4, 3, 8, 8)).astype(np.uint8)
    else:
        # The moment of the state comes once more, as from a loop that yields where it starts.
        block, step, images = int(resume["block"]), int(resume["step"]), resume["images"].copy()
    while True:
        rows = np.array([block, block + 2])
        yield {
            "phase": "recover",
            "step": step,
            "block": block,
            "arrays": {"images": images[rows], "indices": rows, "features": images[rows].mean(axis=(2, 3), dtype="f4")},
            "state": {"block": np.array(block), "step": np.array(step), "images": images},
            "scalars": {"loss": float(images[rows].mean()), "gap": np.nan if step == 0 else 1 / step},
        }
        if step == STEPS:
            if block + 1 == BLOCKS:
                return
            block, step = block + 1, 0
            continue
        step += 1
        images = images.copy()
        images[rows] += np.random.default_rng([block, step]).integers(0, 9, images[rows].shape).astype(np.uint8)


def barycenter_snapshot(label: int) -> dict[str, Any]:
    rng = np.random.default_rng([7, label])
    masses = rng.random((3, 2)) + 0.1
    arrays = {
        "support": rng.normal(size=(3, 2, 5)).astype(np.float32),
        "masses": masses / masses.sum(axis=1, keepdims=True),
        "value": np.array([3.0, 2.0, 1.0]),
        "heldout": np.array([np.nan, np.nan, 1.5]),
        "plan_indices": rng.integers(0, 9, (3, 2, 4)),
        "plan_masses": rng.random((3, 2, 4)) / 8,
        "plan_kept": np.full(3, 0.5),
    }
    return {"phase": "barycenter", "step": 2, "block": label, "arrays": arrays, "state": None, "scalars": {"w2": 1.0}}


def run(path: Path, *, results: tuple[str, ...] = ("aa", "bb")) -> None:
    """What an experiment does, in small: records the walk and two protocols' results, going on where it was."""
    with Writer.open(path, config=CONFIG, environment=ENVIRONMENT) as writer:
        if writer.is_complete:
            return
        rng = np.random.default_rng(3)
        real = rng.integers(0, 256, (6, 3, 80, 80)).astype(np.uint8)
        writer.real(real, rng.normal(size=(6, 5)), np.arange(6) % 2, np.arange(6) * 10)
        if not writer.has("distilled"):
            for snapshot in walk(writer.state):
                writer.snapshot(**snapshot)
                writer.event("moment", phase=snapshot["phase"])
                images = snapshot["state"]["images"] if snapshot["state"] else None
            assert images is not None
            writer.distilled(toy_set(images))
        for name in results:
            if not writer.has(f"results/{name}.json"):
                writer.metrics("evaluate", 1, 0, {"accuracy": 50.0})
                writer.results(name, toy_results(name))
        writer.complete()


def toy_set(images: np.ndarray) -> DistilledSet:
    return DistilledSet(images, np.array([0, 0, 1, 1]), ("plain", "a <b>"), np.array([0.25, 0.75, 0.5, 0.5]))


def toy_results(name: str) -> dict[str, Any]:
    rows = [
        {"set": "distilled", "accuracies": [51.0, 55.5, 54.0], "bytes": 772, "seconds": 1.5, "ipc": 2},
        {"set": "random real", "accuracies": [40.0], "bytes": 772, "seconds": 1.0, "ipc": 2},
    ]
    return {"protocol": {"name": f"protocol {name}", "labels": "hard"}, "rows": rows}


def content(path: Path) -> dict[str, Any]:
    """Every visible file of a folder: its bytes, or for logs and lists what is not time."""
    found: dict[str, Any] = {}
    for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")):
        name = file.relative_to(path).as_posix()
        if name.endswith(".jsonl"):
            records = [json.loads(line) for line in file.read_text().splitlines()]
            found[name] = [{k: v for k, v in record.items() if k not in ("time", "seconds")} for record in records]
        elif name == "complete.json":
            found[name] = sorted(json.loads(file.read_text())["files"])
        else:
            found[name] = file.read_bytes()
    return found


def rehash(path: Path) -> None:
    """Makes complete.json fit the files again, as somebody would who changes a run on purpose."""
    files = {n: {"sha256": sha256(path / n), "bytes": (path / n).stat().st_size} for n in files_of(path)}
    (path / "complete.json").write_text(json.dumps({"schema": "wddkit.run/0", "files": files}))


def in_child(work: Callable[[], object]) -> tuple[int, str]:
    """Runs `work` in a forked process: the signal that ended it (0: none), and what it returned or raised."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = str(work())
        except BaseException as error:  # the parent tells
            text = f"{type(error).__name__}: {error}"
            if isinstance(error, AssertionError):
                text += traceback.format_exc()
        os.write(into, text.encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, text


def before_each_change(path: Path, action: Callable[[int], None]) -> None:
    """From now on, in this process, calls `action(n)` before the n-th change of anything in a folder."""
    count = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        changes = event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree") or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if changes and str(arguments[0]).startswith(str(path)):
            count += 1
            action(count)

    sys.addaudithook(hook)
