"""Results that are dear to make, kept on disk under a key of everything they depend on."""

import hashlib
import json
import os
import re
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock

from wddkit.codec import Json, encode
from wddkit.history.arrays import Arrays, read_tensors, write_tensors
from wddkit.history.folder import StorageError, make_folder


@dataclass(frozen=True)
class Asked:
    """One asking for an entry: where it is, the seconds that it took to build (0: not known), whether that was now."""

    path: Path
    seconds: float
    built: bool

    @property
    def kind(self) -> str:
        """What the entry is of."""
        return self.path.parent.name


class Cache:
    """Arrays by kind and key under `root`; without one, under WDDKIT_CACHE or else ~/.cache/wddkit.

    An entry is `<root>/<kind>/<32 hex digits of the key>.safetensors` and holds its key, so that one can see what
    it is of, and the seconds that it took, without those of other entries that were built on the way. A cache that
    cannot be written is a warning, never an error: the work is then done anew each time.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root or os.environ.get("WDDKIT_CACHE") or "~/.cache/wddkit").expanduser()
        self.asked: list[Asked] = []  # in this order

    def path(self, kind: str, key: Mapping[str, Json]) -> Path:
        """Where the entry of this key is, or would be."""
        return self._path(kind, _text(key))

    def get(
        self, kind: str, key: Mapping[str, Json], build: Callable[[], Mapping[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """The arrays of this key, bit for bit as `build` made them; built only where they are not there yet.

        Processes that ask for the same key at the same time build it once: the others wait. A damaged entry is
        built anew, with a warning.
        """
        text = _text(key)
        path = self._path(kind, text)
        if (found := self._read(path, text, warn=False)) is not None:
            return found
        guard = FileLock(path.with_suffix(".lock"), thread_local=False)
        try:
            make_folder(path.parent)
            guard.acquire()
        except OSError as error:
            warnings.warn(f"the cache cannot be used, this result is not kept: {error}", UserWarning, stacklevel=2)
            return dict(build())
        try:
            if (found := self._read(path, text, warn=True)) is not None:  # built while we waited
                return found
            first, started = len(self.asked), time.monotonic()
            arrays = dict(build())
            passed = time.monotonic() - started
            seconds = passed - sum(each.seconds for each in self.asked[first:] if each.built)
            self.asked.append(Asked(path, seconds, built=True))
            try:
                write_tensors(path, arrays, {"key": json.loads(text), "seconds": seconds})
            except StorageError as error:
                warnings.warn(f"this result is not kept in the cache: {error}", UserWarning, stacklevel=2)
            return arrays
        finally:
            guard.release()

    def _read(self, path: Path, text: str, *, warn: bool) -> Arrays | None:
        try:
            arrays, metadata = read_tensors(path)
            if metadata.get("key") != json.loads(text):
                raise ValueError(f"{path}: holds another key's result")
            self.asked.append(Asked(path, float(metadata.get("seconds", 0.0)), built=False))
            return arrays
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            if warn:
                warnings.warn(f"a cache entry cannot be used and is made anew: {error}", UserWarning, stacklevel=4)
            return None

    def _path(self, kind: str, text: str) -> Path:
        if not re.fullmatch(r"[a-z0-9][a-z0-9 _-]*", kind):
            raise ValueError(f"cache kind {kind!r}: expected small letters, digits, spaces, - and _, such as 'teacher'")
        return self.root / kind / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.safetensors"


def _text(key: Mapping[str, Json]) -> str:
    return json.dumps(encode(key), sort_keys=True, separators=(",", ":"))
