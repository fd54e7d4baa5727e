"""Distilling without blocking the notebook: begin, watch, pause, turn knobs, stop, go on, repeat, fork."""

import importlib
import weakref
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from wddkit.config import Config
from wddkit.data import ImageSet, Split
from wddkit.data.arrays import shown
from wddkit.data.pixels import resize
from wddkit.experiment import prepared
from wddkit.history import History, RealSample
from wddkit.history.begin import edited_folder
from wddkit.history.turns import Edits, Fork, Turn
from wddkit.session.knobs import checked
from wddkit.session.watching import Listener, State
from wddkit.session.work import Work

STOP_SECONDS = 10.0  # that `stop` waits at most; it takes less than one


class LiveSession:
    """A distillation in a thread of its own; the cell that begins it returns at once.

        session = wdd.LiveSession(config)
        session.view                                  # the run, growing
        session.set(lr=0.01, statistics_weight=10)    # from the next step on
        session.pause(); session.resume(); session.stop()
        history = session.wait()

    As long as no knob is turned it is the run of its config: the same folder under `out`, the same bits, and what is
    left of it when it stops is gone on with by `wdd.run` or by another session. With the first turn it becomes an
    edited run and goes on in a folder of its own, <run>-edited-<n>, while the run stays where it was. Every turn is an
    event {"event": "knob", "step", "block", "name", "before", "after"}, `history.edited` is true, `wdd.run` and
    `wdd.compare` refuse such a run, and `wdd.replay` repeats it bit for bit.

    A loss that is not finite any more, or ten times what it was at its stage's first step, stops nothing: the message
    of `state` says so, and when the stage ends so does an event "diverged".

    The thread owns the networks. It takes the number of threads that torch has where the session was begun and changes
    no setting. Dropping the session, leaving its `with` block and the interpreter's end stop it and keep what there is.
    """

    _work: Work
    _view: Any

    def __init__(
        self,
        config: Config | None = None,
        *,
        out: Path | str = "runs",
        split: Split | None = None,
        blocking: bool = False,
    ) -> None:
        """Begins, or goes on with the run where it was left; `blocking`: and waits for its end, as `wait` does.

        The data set is read, and the config checked, before this returns: raises what `wdd.run` does.
        """
        config, split = prepared(config, split)
        self._begin(Work(config, split, Path(out) / config.run_name(split), None), blocking=blocking)

    @classmethod
    def open(cls, path: Path | str, *, split: Split | None = None, blocking: bool = False) -> Self:
        """A session that goes on with the run in a folder, edited or not, where that was stopped or killed."""
        path = Path(path)
        config, split, edits = _told(path, split)
        return cls._of(Work(config, split, path, edits), blocking=blocking)

    @classmethod
    def replay(
        cls,
        history: History | Path | str,
        *,
        out: Path | str | None = None,
        split: Split | None = None,
        blocking: bool = False,
    ) -> Self:
        """A session that repeats an edited run in a new folder; see `wddkit.replay`."""
        path = _folder_of(history)
        config, split, edits = _told(path, split)
        if edits is None:
            raise ValueError(f"{path}: no knob was turned in this run; wdd.run with its config repeats it")
        folder = edited_folder(Path(out or path.parent), edits.run)
        return cls._of(Work(config, split, folder, edits), blocking=blocking)

    @property
    def state(self) -> State:
        """Where it is: "state", "stage", "done", "total", "seconds", "knobs", "message"; see `wddkit.session.State`."""
        return self._work.state()

    @property
    def config(self) -> Config:
        """The config, with nothing left open."""
        return self._work.config

    @property
    def path(self) -> Path:
        """The run's folder; another one once a knob was turned."""
        return self._work.path

    @property
    def history(self) -> History:
        """What was recorded so far: a partial history while the session runs. Cheap; a new object each time."""
        return self._work.history()

    @property
    def error(self) -> BaseException | None:
        """What ended the session, if it failed."""
        return self._work.error

    @property
    def view(self) -> Any:
        """The live view of this session."""
        if self._view is None:
            self._view = importlib.import_module("wddkit.views.live").LiveExplorer(self)
            self._view.tell(self.state)  # the next word of the thread may be seconds away, while it loads
            self.watch(self._view)
        return self._view

    def watch(self, listener: Listener) -> None:
        """Tells a listener of every state and of all that is recorded, five times a second at most.

        `listener.grow(history)` and `listener.tell(state)` are called in the session's thread while that is at work;
        after its end once more, in the thread that calls this. It is held weakly: whoever watches keeps it.
        """
        self._work.watch(listener)

    def pause(self) -> None:
        """Stands still after the step that is being done; returns at once. Bits do not change.

        Pauses do not count as the run's time, except for those during a student's training in that student's.
        """
        self._work.pause()

    def resume(self) -> None:
        """Goes on: after a pause, or, after a stop or a failure, from the last moment that was kept."""
        if self._work.is_alive:
            self._work.go_on()
        else:
            self._work.begin()

    def stop(self, *, timeout: float = STOP_SECONDS) -> None:
        """Ends the work after the step that is being done, or within it if that takes long, and keeps what there is.

        Waits for that `timeout` seconds at most (0: not at all). `resume`, or a new session with the same config, goes
        on from the last snapshot.
        """
        if self._work.is_alive:
            self._work.stop()
            self._work.join(timeout)

    def set(self, **knobs: float) -> None:
        """Turns knobs, `lr` and `statistics_weight`, from the next step on; returns at once.

        A value that a knob has already is no turn. Raises ValueError for a knob that the method has not, a value that
        is no number or out of range, and where no step is left.
        """
        self._work.turn(knobs)

    def wait(self, timeout: float | None = None) -> History:
        """The history at the end of the work: finished, stopped, or after `timeout` seconds as far as it is.

        Raises what made the session fail. An interrupt (KeyboardInterrupt) stops the session and keeps what there is.
        """
        try:
            self._work.join(timeout)
        except KeyboardInterrupt as error:
            self.stop()
            error.add_note(
                f"Interrupted. What was done is kept; session.resume() or LiveSession.open({str(self.path)!r}) goes on."
            )
            raise
        if self._work.error is not None:
            raise self._work.error
        return self.history

    def fork(self, step: int, *, out: Path | str | None = None, **knobs: float) -> Self:
        """A session of its own that is this one up to a step and from then on has other knobs; see `wddkit.fork`."""
        work, path = self._work, self.path
        at = Fork(path.name, step)
        return self._of(_forked(work.config, work.split, work.knobs.edits, at, Path(out or path.parent), knobs))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = self.state
        stage = f", {state['stage']} {state['done']} of {state['total']}" if state["stage"] else ""
        return f"LiveSession({str(self.path)!r}, {state['state']}{stage})"

    @classmethod
    def _of(cls, work: Work, *, blocking: bool = False) -> Self:
        session = cls.__new__(cls)
        session._begin(work, blocking=blocking)
        return session

    def _begin(self, work: Work, *, blocking: bool) -> None:
        self._work = work
        self._view = None
        weakref.finalize(self, work.stop).atexit = False  # there the threads are waited for
        work.begin()
        if blocking:
            self.wait()


def replay(history: History | Path | str, *, out: Path | str | None = None, split: Split | None = None) -> History:
    """Repeats an edited run from its config and its turns, to its end; the finished run, equal bit for bit.

    It is a new edited run, beside the old one or under `out`. Equal bits are promised for equal versions of the
    libraries, kind of device and number of threads. `split`: the run's images, where its config does not name them.
    Raises ValueError for a run without turns, and for other images than the run had.
    """
    return LiveSession.replay(history, out=out, split=split, blocking=True).history


def fork(
    history: History | Path | str,
    step: int,
    *,
    out: Path | str | None = None,
    split: Split | None = None,
    **knobs: float,
) -> LiveSession:
    """A session that is this run up to a step, and from then on has other knobs: `fork(history, 150, lr=0.01)`.

    In every block the knobs turn after `step` steps, such as `history.frames[12].step`. What comes before is repeated,
    not copied: a run keeps the state of its optimiser at its last snapshot alone. So the new run holds all of it, and
    both can be seen side by side; meanwhile the session's message says so. Its event {"event": "fork", "run", "step",
    "block", ...} tells where it came from. Raises ValueError for a step that the method has not, and as `set` does.
    """
    path = _folder_of(history)
    config, split, edits = _told(path, split)
    edits = edits or Edits(config.run_name(split))
    return LiveSession._of(_forked(config, split, edits, Fork(path.name, step), Path(out or path.parent), knobs))


def _forked(config: Config, split: Split, edits: Edits, at: Fork, out: Path, knobs: dict[str, float]) -> Work:
    values, step = checked(config.method, knobs), at.step
    steps = int(getattr(config.method, "steps", 0))
    if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step < steps:
        raise ValueError(f"step is {step!r}; expected a whole number from 0 to {steps - 1}: a fork acts from there on")
    turns = tuple(Turn(knob, value, step) for knob, value in values.items())
    edits = replace(edits, turns=(*edits.turns, *turns), fork=at)
    return Work(config, split, edited_folder(out, edits.run), edits)


def _folder_of(history: History | Path | str) -> Path:
    if not isinstance(history, (History, str, Path)):
        raise ValueError(f"expected a History or the folder of a run, got {shown(history)}")
    path = history.path if isinstance(history, History) else Path(history)
    if path is None:
        raise ValueError("this history is in memory alone; expected that of a run, or its folder")
    return path


def _told(path: Path, split: Split | None) -> tuple[Config, Split, Edits | None]:
    """Config, images and turns of the run in a folder; raises ValueError if the images are others than it had."""
    config, split = prepared(Config.load(path), split)
    history = History.load(path, partial=True)
    if history.real is not None and not _is_of(history.real, split.train):
        raise ValueError(
            f"{path}: was recorded from other images than {split.name!r} has here; give the run's own as split=..."
        )
    return config, split, history.edits


def _is_of(sample: RealSample, images: ImageSet) -> bool:
    """Whether recorded images, thumbnails if they were large, are those of the set at their positions."""
    if sample.indices.max() >= len(images):
        return False
    own, side = images.take(sample.indices), sample.images.shape[2]
    seen, drawn = resize(own.images, side, side).astype(int), sample.images.astype(int)
    # Where another machine made the thumbnails, single values may be rounded otherwise.
    return (
        np.array_equal(own.labels, sample.labels) and seen.shape == drawn.shape and bool((abs(seen - drawn) <= 1).all())
    )
