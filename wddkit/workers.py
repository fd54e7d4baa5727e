"""Processes that carry out runs one after another, each with its share of the cores."""

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
        threads = str(max(1, (os.cpu_count() or 1) // self._count))
        shares = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "wddkit.workers"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
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

    def run(self, configs: Sequence[Config], out: Path) -> Iterator[tuple[int, History]]:
        """Each config's number and run, in the order in which they are done.

        Raises RuntimeError for a run that fails, once the others that were under way are done: nothing else begins.
        """
        ahead: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(configs)):
            ahead.put(number)
        done: queue.SimpleQueue[tuple[int, str, str] | None] = queue.SimpleQueue()
        failed = threading.Event()

        def serve(process: "subprocess.Popen[str]") -> None:
            while not failed.is_set():
                try:
                    number = ahead.get_nowait()
                except queue.Empty:
                    break
                kind, text = _ask(process, configs[number], out)
                if kind == "error":
                    failed.set()
                done.put((number, kind, text))
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
                problem = problem or f"{configs[number].dataset}, seed {configs[number].seed}: {text}"
            else:
                yield number, History.load(text)
        if problem:
            raise RuntimeError(
                f"a run failed: {problem}. Runs that are done are kept; the same call goes on from there"
            )


def _ask(process: "subprocess.Popen[str]", config: Config, out: Path) -> tuple[str, str]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps({"config": config.to_json(), "out": str(out)}) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except (BrokenPipeError, ValueError):  # it is gone, or was ended
        answer = ""
    if not answer:
        return "error", f"the process ended with code {process.poll()}"
    kind, text = json.loads(answer)
    return str(kind), str(text)


def main() -> None:
    """What a process does: one run for each line, until there are no more."""
    from wddkit.experiment import run

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches all: who asked ends its processes
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever prints must not be taken for an answer
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
