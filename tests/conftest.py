"""What holds for every test: an own cache folder, one thread, repeatable examples."""

import itertools
import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Read once, when NumPy and torch load; equal bits are promised for equal threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if SHARED_DATA.is_dir():
    os.environ.setdefault("WDDKIT_DATA", str(SHARED_DATA))

settings.register_profile("wddkit", derandomize=True, deadline=None, database=None)
settings.load_profile("wddkit")

_session_cache = pytest.StashKey[str]()
_caches = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    # For fixtures wider than a test and for the kernels of notebooks: no test touches the home folder. Workers of xdist
    # have that of the process that began them.
    if not hasattr(config, "workerinput"):
        config.stash[_session_cache] = os.environ["WDDKIT_CACHE"] = tempfile.mkdtemp(prefix="wddkit-tests-")
    # What a shell begins in the background ignores interrupts, and so would its children: tests of them would hang.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _session_cache in config.stash:
        shutil.rmtree(config.stash[_session_cache], ignore_errors=True)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty WDDKIT_CACHE for each test."""
    # No `mktemp`: for its number it reads the names of all folders before it, half a minute over all tests.
    monkeypatch.setenv("WDDKIT_CACHE", str(tmp_path_factory.getbasetemp() / "caches" / str(next(_caches))))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = {}
    if not any(map(shutil.which, BROWSERS)):
        missing["browser"] = "no chromium here (Debian: apt-get install chromium)"
    if not Path(os.environ.get("WDDKIT_DATA") or os.devnull).is_dir():
        missing["data"] = "WDDKIT_DATA names no folder with the image files"
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
