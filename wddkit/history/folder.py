"""Files that are either whole or absent: atomic writes, the run lock, and errors that say what was kept."""

import contextlib
import datetime
import errno
import hashlib
import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from wddkit.codec import Json

PART = ".part"  # the end of names that are still being written

_FILES = ("config.json", "environment.json", "events.jsonl", "metrics.jsonl", "real.npz", "turns.json")
_ROOMS = ("barycenter", "recover", "distilled", "results")
_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space or choose another folder"),
    errno.EDQUOT: ("the disk quota is used up", "free some space or choose another folder"),
    errno.EFBIG: ("the file would be larger than this system allows", "raise the limit (ulimit -f)"),
    errno.EACCES: ("this user may not write there", "choose another folder or change its permissions"),
    errno.EPERM: ("this user may not write there", "choose another folder or change its permissions"),
    errno.EROFS: ("the file system is read-only", "choose another folder"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "choose another folder"),
    errno.EEXIST: ("a file stands where a folder is needed", "choose another folder"),
    errno.EISDIR: ("a folder stands where a file is needed", "choose another folder"),
}


class StorageError(OSError):
    """A file could not be written, or the run is being written by somebody else; `errno` tells which."""


def storage_error(error: OSError, path: Path) -> StorageError:
    """What could not be written and why, that nothing written before is lost, and how to go on."""
    code = error.errno or 0
    reason, way_out = _REASONS.get(code, (error.strerror or str(error), "mend this"))
    return StorageError(
        code,
        f"could not write {path}: {reason} ({error.strerror or error}). What was written so far is kept; "
        f"{way_out}, then run the same again to go on from there",
    )


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Within it, an OSError becomes a StorageError about this path."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(error, path) from error


def damaged(path: Path, why: str) -> ValueError:
    """The error for a file whose content cannot be right."""
    return ValueError(
        f"{path}: {why}. The file is damaged or was changed by hand; restore it from a copy, "
        f"or delete the folder of this run and run the same config again"
    )


def make_folder(path: Path) -> None:
    """Creates a folder and those above it; one that is there is left as it is. Raises StorageError."""
    with storing(path):
        path.mkdir(parents=True, exist_ok=True)


def write_file(path: Path, data: bytes) -> None:
    """Writes a file that is never seen half-written: beside its place, synced, then renamed. Raises StorageError."""
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{PART}")
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write_json(path: Path, value: Json) -> None:
    """Writes readable JSON atomically."""
    write_file(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> Json:
    """The value in a JSON file. Raises ValueError naming the file if it is not JSON."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"not JSON ({error})") from error


def link(path: Path, second: Path) -> None:
    """The same file at a second place too, without a copy where the file system can. Raises StorageError.

    For files that are only ever replaced or deleted, as all but logs are here.
    """
    with storing(second):
        second.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, second)
        except OSError:  # no links here, or none to there
            shutil.copyfile(path, second)


def sync_folder(path: Path) -> None:
    """Makes renames within a folder survive a power failure, where the file system can do that."""
    with contextlib.suppress(OSError):  # some network file systems cannot; the rename itself stands
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_files(path: Path) -> None:
    """Makes all files below a folder survive a power failure. Raises OSError."""
    for file in path.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())


def remove(path: Path) -> None:
    """Deletes a file or a folder; one that is not there is no error. Raises StorageError."""
    with storing(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def sha256(path: Path, size: int | None = None) -> str:
    """64 hex digits of a file's content, or of its first `size` bytes."""
    digest, left = hashlib.sha256(), float("inf") if size is None else size
    with path.open("rb") as file:
        while left and (block := file.read(int(min(left, 1 << 20)))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def files_of(path: Path) -> tuple[str, ...]:
    """Sorted relative names of the files that are a run's content; what else lies in the folder is not ours."""
    files = [path / name for name in _FILES]
    files += [file for room in _ROOMS for file in (path / room).rglob("*") if not file.name.startswith(".")]
    return tuple(sorted(file.relative_to(path).as_posix() for file in files if file.is_file()))


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Holds a run folder for this writer alone; raises StorageError at once if somebody else holds it."""
    guard = FileLock(path / ".lock", thread_local=False)
    owner = path / ".owner"  # beside the lock, because old versions of filelock empty the lock file when they try it
    try:
        guard.acquire(blocking=False)
    except Timeout:
        raise StorageError(
            errno.EAGAIN,
            f"{path}: this run is being written by {_owner(owner)}; wait until it ends, stop it, "
            f"or choose another folder",
        ) from None
    except OSError as error:
        raise storage_error(error, path / ".lock") from error
    try:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with storing(owner):
            owner.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now}))
        yield
    finally:
        with contextlib.suppress(OSError):
            owner.unlink(missing_ok=True)
        guard.release()


def _owner(path: Path) -> str:
    try:
        owner = json.loads(path.read_text())
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # held, but its owner has not signed yet
        return "another process"
