"""Append-only files of JSON lines, which can be cut back to a checkpoint."""

import contextlib
import json
import os
from pathlib import Path

from wddkit.codec import Json
from wddkit.history.checks import LOGS
from wddkit.history.folder import damaged, storing


class Log:
    """A file of JSON lines open for appending; opening cuts it to `size` bytes. Raises StorageError."""

    def __init__(self, path: Path, *, size: int) -> None:
        self.path = path
        self.size = size
        with storing(path):
            # Unbuffered: a line is on its way when append returns, so that nothing is lost in this process.
            self._file = path.open("ab", buffering=0)
            self._file.truncate(size)

    def append(self, record: Json) -> None:
        """Writes one line, or nothing: a line that did not fit is taken back."""
        line = (json.dumps(record, allow_nan=False) + "\n").encode()
        with storing(self.path):
            try:
                done = 0
                while done < len(line):  # a disk that fills up takes a part first, then tells why
                    done += self._file.write(line[done:])
            except OSError:
                self._file.truncate(self.size)
                raise
        self.size += len(line)

    def sync(self) -> None:
        """Makes all lines survive a power failure."""
        with storing(self.path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file; a closed log cannot be appended to."""
        self._file.close()


def open_logs(path: Path, sizes: tuple[int, int], stack: contextlib.ExitStack) -> tuple[Log, Log]:
    """The logs of events and of metrics of a run, cut to these sizes, closed with the stack."""
    events, metrics = (
        stack.enter_context(contextlib.closing(Log(path / name, size=size)))
        for name, size in zip(LOGS, sizes, strict=True)
    )
    return events, metrics


def read_log(path: Path, *, size: int | None = None) -> list[dict[str, Json]]:
    """The records of the first `size` bytes; of all whole lines if no size is given.

    Raises ValueError naming the file and the line for anything that is not a JSON object.
    """
    with path.open("rb") as file:
        data = file.read() if size is None else file.read(size)
    if size is None:
        data = data[: data.rfind(b"\n") + 1]  # the last line may be on its way
    records = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise damaged(path, f"line {number} is not JSON ({error})") from error
        if not isinstance(records[-1], dict):
            raise damaged(path, f"line {number} is not a JSON object")
    return records
