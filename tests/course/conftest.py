"""The course is driven in a real JupyterLab too, by what tests/views has for it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "views"))

from wddkit.course import registry


@pytest.fixture(autouse=True)
def nothing_found_yet() -> Iterator[None]:
    """Every test is a session of its own."""
    registry.forget()
    yield
    registry.forget()
