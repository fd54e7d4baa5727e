"""What many tests of views need: a browser, and a JupyterLab over a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import chromium
from lab import Lab, lab
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """An empty folder for notebooks; a file of tests may put more into it."""
    root = tmp_path / "desk"
    root.mkdir()
    return root


@pytest.fixture
def running(desk: Path, tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab over the desk."""
    with lab(desk, tmp_path / "jupyter") as found:
        yield found
