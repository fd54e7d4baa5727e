"""Processes that carry out runs one after another, each with its share of the cores."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from wddkit.config import Config
from wddkit.history import History


class Workers:
    """Several processes; each is told a config in a line on its standard input and answers with a line.

    Not a pool of `multiprocessing`: that would run the caller's script anew in each process.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        shares = _threads(max(1, (os.cpu_count() or 1) // self._count))
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "wddkit.workers"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",  # of what others print
                env={**os.environ, **shares},
            )
            for _ in range(self._count)
        ]
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the processes, also in the midst of a run, which goes on when it is asked for again."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.communicate()

    def run(self, configs: Sequence[Config], out: Path, *, names: Sequence[str]) -> Iterator[tuple[int, History]]:
        """Each config's number and run, in the order in which they are done; `names` are theirs in errors.

        Raises RuntimeError for a run that fails, once the others that were under way are done: nothing else begins.
        """
        requests = [json.dumps({"config": config.to_json(), "out": str(out)}) for config in configs]
        ahead: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(configs)):
            ahead.put(number)
        done: queue.SimpleQueue[tuple[int, str, str] | None] = queue.SimpleQueue()
        failed = threading.Event()

        def serve(process: "subprocess.Popen[str]") -> None:
            try:
                while not failed.is_set():
                    number = ahead.get_nowait()
                    kind, text = _ask(process, requests[number])
                    if kind == "error":
                        failed.set()
                    done.put((number, kind, text))
            except queue.Empty:
                pass
            finally:  # whatever happens here, who waits is told
                done.put(None)

        for process in self._processes:
            threading.Thread(target=serve, args=(process,), daemon=True).start()
        problem = ""
        left = len(self._processes)
        while left:
            answer = done.get()
            if answer is None:
                left -= 1
                continue
            number, kind, text = answer
            if kind == "error":
                problem = problem or f"{names[number]}: {text}"
            else:
                yield number, History.load(text)
        if problem:
            raise RuntimeError(
                f"a run failed: {problem}. Runs that are done are kept; the same call goes on from there"
            )


def _threads(share: int) -> dict[str, str]:
    """How many threads a process may take by each library's variable: its share of the cores, or fewer if asked for."""
    every = _asked("OMP_NUM_THREADS", share)  # which the other libraries follow where they are not told
    return {
        "OMP_NUM_THREADS": str(every),
        "MKL_NUM_THREADS": str(_asked("MKL_NUM_THREADS", every)),
        "OPENBLAS_NUM_THREADS": str(_asked("OPENBLAS_NUM_THREADS", every)),
    }


def _asked(variable: str, most: int) -> int:
    text = os.environ.get(variable, "").partition(",")[0].strip()  # more are for nested levels
    return min(most, int(text)) if text.isdecimal() and int(text) else most


def _ask(process: "subprocess.Popen[str]", request: str) -> tuple[str, str]:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError):  # it is gone, or was ended
        process.stdin.write(request + "\n")
        process.stdin.flush()
        for line in process.stdout:
            if answer := _answer(line):
                return answer
            sys.stderr.write(line.lstrip("\n"))
    return "error", _end(process)


def _answer(line: str) -> tuple[str, str] | None:
    """The kind and text of an answer; None for a line that something else has printed."""
    try:
        kind, text = json.loads(line)
    except (ValueError, TypeError):
        return None
    return (kind, str(text)) if kind in ("run", "error") else None


def _end(process: "subprocess.Popen[str]") -> str:
    """How a process ended that answers no more."""
    try:
        code = process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        return "the process answers no more"
    if code < 0:
        name = signal.Signals(-code).name
        return f"the process was ended by {name}; if nobody did, memory ran out: take fewer workers"
    return f"the process ended with code {code}"


def main() -> None:
    """What a process does: one run for each line, until there are no more."""
    from wddkit.experiment import run

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches all: who asked ends its processes
    # Whatever prints, also from C or a process of its own, must not be taken for an answer or stand in front of one.
    sys.stdout.flush()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    answers.write("\n")  # ends a line that was begun before
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            history = run(Config.from_json(asked["config"]), out=asked["out"], progress=False)
            answer = ("run", str(history.path))
        except Exception as error:  # told in the process that asked
            answer = ("error", f"{type(error).__name__}: {error}")
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
