"""For notebook 08: what methods say of themselves, and how many steps of one fit into a budget of seconds."""

import math
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from wddkit.config import Config
from wddkit.data import Split
from wddkit.experiment import context_of, task_of
from wddkit.methods import METHODS

if TYPE_CHECKING:
    import pandas


def described(names: Iterable[str]) -> "pandas.DataFrame":
    """What these methods are and what a step of them takes, without their families: a row for each."""
    import pandas

    about = {name: (METHODS[name].__doc__ or "").strip().splitlines()[0] for name in names}
    rows = [{"method": name, "about": said, "a step takes": METHODS[name].step_cost} for name, said in about.items()]
    return pandas.DataFrame(rows).set_index("method")


def steps_within(config: Config, split: Split, seconds: float, *, trial: int = 10) -> int:
    """How many steps the config's method takes in so many seconds here: at least one.

    Seconds are the processor's, whatever else the machine does meanwhile; with a GPU those of a clock. The time of a
    step is that of a run of `trial` steps less that of one step, which has all that is done once. What all methods
    share, the teacher and its features, is not counted. Raises ValueError for a method without steps.
    """
    if not hasattr(config.method, "steps"):
        raise ValueError(f"{type(config.method).__name__} takes no steps: it has nothing to be given a budget of")
    if trial < 2 or not seconds > 0:
        raise ValueError(f"expected seconds above 0 and a trial of at least 2 steps, got {seconds} and {trial}")
    config = config.checked(split)
    task = task_of(config, split)
    context = context_of(config, task)
    clock = time.process_time if task.device.type == "cpu" else time.monotonic
    took = {}
    for steps in (1, 1, trial):  # the first one fills the cache
        started = clock()
        for _ in replace(config.method, steps=steps).distill(task, context):  # type: ignore[type-var]  # a dataclass that has steps
            pass
        took[steps] = clock() - started
    step = max(took[trial] - took[1], 1e-6) / (trial - 1)
    return max(1, math.floor((seconds - took[1]) / step))
