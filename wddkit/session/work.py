"""A distillation in a thread of its own, and what other threads may ask of it."""

import atexit
import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wddkit.config import Config
from wddkit.data import Split
from wddkit.experiment import Losses, context_of, task_of
from wddkit.history import History, Writer
from wddkit.history.begin import edited_folder
from wddkit.history.logs import read_log
from wddkit.history.sources import Checked, load
from wddkit.history.turns import Edits
from wddkit.methods import Snapshot, Task
from wddkit.pipeline import carry_out, environment_of, finished, recorded_config
from wddkit.session.gate import Gate, Stopped, load_late, same_device
from wddkit.session.knobs import Knobs
from wddkit.session.pools import release_openmp
from wddkit.session.watching import PERIOD, Audience, Listener, Name, State

PATIENCE = 0.3  # seconds that a thread has to come to its next boundary before it is interrupted

_all: weakref.WeakSet["Work"] = weakref.WeakSet()  # at the interpreter's end they are stopped


class Work:
    """One run, the thread that carries it out, and who watches it.

    It knows nothing of the session that began it, so that a session which nobody holds any more can end it.
    """

    def __init__(self, config: Config, split: Split, path: Path, edits: Edits | None) -> None:
        self.config, self.split = config, split
        self.audience = Audience()
        self.error: BaseException | None = None
        self.knobs = Knobs(config.method, edits or Edits(config.run_name(split)))
        self.is_edited = edits is not None
        self._folder: tuple[Path, dict[str, Checked]] = (path, {})  # and what was checked in it
        self._opening = threading.RLock()  # held while a folder is brought back to where its run goes on
        self._gate = Gate()
        self._asked = threading.Condition()  # notified when the next two change
        self._is_stopping = self._is_pausing = False
        self.thread: threading.Thread | None = None
        # Not Thread.is_alive: a join that Ctrl-C interrupts declares the thread dead (CPython 3.11, 3.12).
        self.is_alive, self._at_work = False, threading.Lock()
        self._writer: Writer | None = None
        self._state: Name = "starting"
        self._at = ("", 0, 0)
        self._seconds = 0.0
        self._message, self._losses = "", Losses()
        self._phase, self._block = "", 0
        self._is_distilling = False
        self._steps = int(getattr(config.method, "steps", 0))

    @property
    def path(self) -> Path:
        """The run's folder, which is another one once a knob was turned."""
        return self._folder[0]

    def state(self) -> State:
        """Where the work is."""
        stage, done, total = self._at
        if self._writer is not None and self._state in ("starting", "running"):
            self._seconds = self._writer.seconds
        return {
            "state": self._state,
            "stage": stage,
            "done": done,
            "total": total,
            "seconds": round(self._seconds, 3),
            "knobs": self.knobs.standing(),
            "message": "; ".join(filter(None, [self._message, self._losses.said])),
        }

    def history(self) -> History:
        """What is recorded so far, whole files only."""
        with self._opening:
            path, seen = self._folder
            return load(path, partial=True, seen=seen)

    def begin(self) -> None:
        """Starts the thread, from the beginning or from where the folder's run was left.

        Raises what opening the folder raises, in the thread that calls.
        """
        with self._opening:
            if self.is_alive:
                return
            self.error, self._is_stopping, self._is_pausing, self._message = None, False, False, ""
            edits = self.knobs.edits if self.is_edited else None
            if (found := finished(self.path, self.config, edits=edits)) is not None:
                self._losses.recall(found.events)
                self._state, self._is_distilling = "finished", False
                return
            task = task_of(self.config, self.split, tick=self.tick)
            writer = Writer.open(
                self.path,
                config=recorded_config(self.config),
                environment=environment_of(task),
                budget_mb=self.config.recording_mb,
                edits=edits,
            )
            self._is_distilling = not (writer.is_complete or writer.has("distilled"))
            self._state, self._folder = "starting", (self.path, {})
            self.thread = threading.Thread(
                target=self._work, args=(task, writer, same_device()), daemon=True, name=f"wddkit {self.path}"
            )
            self._gate, self._at_work, self.is_alive = Gate(), threading.Lock(), True
            self._at_work.acquire()
            _all.add(self)
            release_openmp()
            self.thread.start()

    def pause(self) -> None:
        """Asks for a pause at the next boundary."""
        self._is_pausing = True

    def go_on(self) -> None:
        """Ends a pause."""
        with self._asked:
            self._is_pausing = False
            self._asked.notify_all()

    def turn(self, values: Mapping[str, object]) -> None:
        """Asks for turns of knobs. Raises ValueError where the method has no such knob, or no step is left for it."""
        if not self._is_distilling:
            raise ValueError("the images are done: no step is left for a knob; see session.fork(step, ...)")
        self.knobs.ask(values)

    def stop(self) -> None:
        """Asks for the end at the next boundary, and does not wait for it."""
        self._is_stopping = True
        if self.is_alive:
            with contextlib.suppress(RuntimeError):  # no threads at the interpreter's end
                threading.Thread(target=self.insist, daemon=True, name="wddkit stop").start()

    def insist(self) -> None:
        """Interrupts the thread that is to stop if it does not come to a boundary; waits until it did or could."""
        thread, gate = self.thread, self._gate  # another one may have begun meanwhile
        with self._asked:
            self._asked.notify_all()
        self.join(PATIENCE)
        while self.is_alive and self.thread is thread is not None and not gate.interrupt(thread):
            self.join(PATIENCE / 10)

    def join(self, timeout: float | None = None) -> None:
        """Waits until the thread has ended, so many seconds at most."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.is_alive and self.thread is not threading.current_thread():
            left = PERIOD if until is None else min(PERIOD, until - time.monotonic())
            if left <= 0:
                return
            lock = self._at_work  # another one, once the work has begun anew
            if lock.acquire(timeout=left):  # in short turns: not everywhere can a wait be interrupted
                lock.release()

    def watch(self, listener: Listener) -> None:
        """Tells this listener too; if the work has ended, at once and for the last time."""
        self.audience.add(listener)
        if self._state in ("stopped", "finished", "failed"):
            self._announce(self.history)

    def tick(self, stage: str, done: int, total: int, scalars: Mapping[str, Any]) -> None:
        """A boundary: where the work pauses, stops, has its knobs turned, and tells how far it is."""
        self._gate.close()
        self._at = (stage, done, total)
        if (said := self._losses.note(stage, done, total, scalars)) and self._writer is not None:
            self._writer.event("diverged", stage=stage, said=said)
        self._rest()
        if self._is_distilling and done < total and self._phase and stage.startswith(self._phase):
            self._reach(self._block, done)
        self._tell()
        self._gate.open()

    def _kept(self, snapshot: Snapshot) -> None:
        """A boundary too: a snapshot is recorded."""
        self._gate.close()
        self.audience.note()
        if snapshot.distilled is not None:  # images
            self._losses.look()
            self._phase, self._block = snapshot.phase, snapshot.block
            self._is_distilling = snapshot.state is not None  # of all but the last
            self._rest()
            if self._is_distilling and snapshot.step < self._steps:
                self._reach(snapshot.block, snapshot.step)
        if not self._is_distilling and (late := self.knobs.drop()):
            self._message = f"too late: no step was left for {', '.join(late)}"
        self._tell()
        self._gate.open()

    def _rest(self) -> None:
        """Stands still while there is a pause; raises Stopped if the work is to stop."""
        if self._is_pausing and not self._is_stopping:
            began = time.monotonic()
            self.state()
            self._state = "paused"
            self._announce()
            while self._is_pausing and not self._is_stopping:
                with self._asked:
                    if self._is_pausing and not self._is_stopping:
                        self._asked.wait(PERIOD)
                self._tell()
            assert self._writer is not None
            self._writer.skip(time.monotonic() - began)
            self._state = "starting"
        if self._is_stopping:
            raise Stopped
        if self._state == "starting":
            self._state = "running"
            self._announce()

    def _reach(self, block: int, step: int) -> None:
        """Makes the turns that are due before the step after `step` steps of a block."""
        assert self._writer is not None
        if self.knobs.taken(block, step):
            if self.is_edited:
                self._writer.edit(self.knobs.edits)
            else:
                self._writer.branch(edited_folder(self.path.parent, self.knobs.edits.run), self.knobs.edits)
                self._folder, self.is_edited = (self._writer.path, {}), True
        for move in self.knobs.moved(block, step):
            self._writer.event("knob", step=step, block=block, **vars(move))
        fork = self.knobs.edits.fork
        if fork is not None and step >= fork.step:
            self._message = ""

    def _work(self, task: Task, writer: Writer, settle: Callable[[], None]) -> None:
        """What the thread does, from an open folder to its end."""
        state: Name = "failed"
        error: BaseException | None = None
        message = ""
        try:
            with writer:
                self._writer = writer
                self._carry_out(task, writer, settle)
            state = "finished"
        except Stopped:
            state = "stopped"
        except BaseException as problem:  # told by `wait`, in a thread that somebody looks at
            error, message = problem, f"{type(problem).__name__}: {problem}"
        self.state()
        self.error, self._message = error, message or self._message
        self._writer, self._state = None, state
        self.audience.note()  # soft labels and results came after the last snapshot
        try:
            self._announce(self.history)
        finally:
            lock, self.is_alive = self._at_work, False
            lock.release()

    def _carry_out(self, task: Task, writer: Writer, settle: Callable[[], None]) -> None:
        settle()
        self._at = ("load", 0, 1)
        load_late(self._rest)
        self._find_place(writer)
        context = replace(context_of(self.config, task, tick=self.tick), knobs=self.knobs.values)
        try:
            self._gate.open()
            carry_out(self.config, self.split, task, context, writer, kept=self._kept)
        finally:
            self._gate.close()

    def _find_place(self, writer: Writer) -> None:
        """Puts the knobs where they stood at the moment from which the run goes on."""
        self.knobs.values.clear()
        self._phase, self._block = "", 0
        log = read_log(writer.path / "events.jsonl")
        self._losses.recall(log)
        fork = self.knobs.edits.fork
        if fork is not None:
            self._message = f"repeating {fork.run} up to step {fork.step}, where this fork begins"
            if all(event["event"] != "fork" for event in log):
                turns = [turn for turn in self.knobs.edits.turns if turn.block is None and turn.step == fork.step]
                values = {turn.name: turn.value for turn in turns}
                writer.event("fork", run=fork.run, step=fork.step, block=None, **values)
        if writer.state is None or not self._is_distilling:
            return
        self.knobs.values.update({each["name"]: each["after"] for each in log if each["event"] == "knob"})
        self._phase = str(read_log(writer.path / "metrics.jsonl")[-1]["phase"])
        self._block = int(writer.state.get("block", 0))
        self._reach(self._block, int(writer.state["step"]))

    def _tell(self) -> None:
        if self.audience.is_due:
            self._announce(self.history)

    def _announce(self, history: Callable[[], History] | None = None) -> None:
        self._message = self.audience.tell(self.state, history) or self._message


@atexit.register
def _stop_all() -> None:
    """At the interpreter's end every thread comes to its own: one that is cut off within torch ends in a crash."""
    for work in [*_all]:
        work._is_stopping = True
        work.insist()
        work.join(5)
        if work.thread is not None:
            work.thread.join(1)
