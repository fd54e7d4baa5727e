"""What a live session costs beside `wdd.run`, and how soon it stops, on a quiet machine."""

import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import wddkit as wdd
from wddkit import codec
from wddkit.config import recipe_protocols
from wddkit.experiment import context_of, load_split, task_of
from wddkit.methods.targets import targets
from wddkit.session import State

ROUNDS = 15
STOPS = 40  # of each data set, spread over the first seconds of a run


class Follower:
    """A listener that reads what a view would: the images of the last frame."""

    def __init__(self) -> None:
        self.grown = 0

    def tell(self, state: State) -> None:
        self.state = state

    def grow(self, history: wdd.History) -> None:
        self.grown += 1
        if history.frames:
            history.images(-1)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["WDDKIT_CACHE"] = str(folder / "cache")
        overhead(folder)
        for dataset, seconds in (("digits", 3.0), ("shapes", 20.0)):
            stops(folder, dataset, seconds)


def overhead(folder: Path) -> None:
    """Seconds that a session adds to the same distillations, alone, with a listener and with its view."""
    base = wdd.Config(method=wdd.methods.WMDD(ipc=10), protocols=(), controls=())
    split = load_split(base)
    took: dict[str, list[float]] = {
        "run": [],
        "session": [],
        "session with a listener": [],
        "session with its view": [],
    }
    for seed in range(ROUNDS + 1):  # the first round warms up
        config = base.change(seed=seed)
        task = task_of(config, split)
        targets(task, context_of(config, task), ipc=10, masses="free")  # into the cache: it is not what is measured
        for name in sorted(took, key=lambda _: random.random()):
            out = folder / name
            started = time.perf_counter()
            if name == "run":
                wdd.run(config, out=out, split=split, progress=False)
            else:
                session, follower = wdd.LiveSession(config, out=out, split=split), Follower()
                if name == "session with its view":
                    _ = session.view
                elif name == "session with a listener":
                    session.watch(follower)
                session.wait()
            if seed:
                took[name].append(time.perf_counter() - started)
    for name in [*took][1:]:
        share = statistics.median(b / a - 1 for a, b in zip(took["run"], took[name], strict=True))
        print(f"{name}: {100 * share:+.1f} % on {statistics.median(took['run']):.2f} s of wdd.run")


def stops(folder: Path, dataset: str, seconds: float) -> None:
    """From `stop` to the end of the thread, at random moments of all stages, with empty caches."""
    split = wdd.load(dataset)
    config = wdd.Config(dataset=dataset, method=wdd.methods.WMDD(ipc=10, steps=40))
    config = config.change(protocols=recipe_protocols(config, split=split, students=1)).resolved(split)
    short = tuple(codec.change(protocol, "training.steps", 30) for protocol in config.protocols or ())
    config = replace(config, teacher=codec.change(config.teacher, "training.steps", 40), protocols=short)
    took, stages = [], set()
    for number in range(STOPS):
        os.environ["WDDKIT_CACHE"] = str(folder / f"cache {dataset} {number}")
        session = wdd.LiveSession(config, out=folder / f"{dataset} {number}", split=split)
        time.sleep(seconds * number / STOPS)
        state = session.state
        started = time.perf_counter()
        session.stop()
        if state["state"] == "running":
            took.append(time.perf_counter() - started)
            stages.add(state["stage"])
    print(
        f"stop, {dataset} of {split.train.images.shape[2]} px: {statistics.median(took):.3f} s median, "
        f"{max(took):.3f} s at most (below 1 s); {len(took)} stops during {', '.join(sorted(stages))}"
    )


if __name__ == "__main__":
    sys.exit(main())
