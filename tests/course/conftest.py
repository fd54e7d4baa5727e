"""The course is driven in a real JupyterLab too, by what tests/views has for it."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "views"))

from browser import chromium
from lab import Lab, lab
from playwright.sync_api import Browser

from wddkit.course import registry

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture(autouse=True)
def own_cache() -> None:
    """In place of an empty cache for each test that of the session: notebooks train the same teachers and students."""


@pytest.fixture(autouse=True)
def nothing_found_yet() -> Iterator[None]:
    """Every test is a session of its own."""
    registry.forget()
    yield
    registry.forget()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab over a copy of the notebooks."""
    desk = tmp_path / "desk"
    shutil.copytree(NOTEBOOKS, desk, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    with lab(desk, tmp_path / "jupyter") as found:
        yield found
