from pathlib import Path

import pytest
from method_toys import coloured, grey, task_of

from wddkit.methods import Task


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that the tests of this room share, so that teachers are trained once."""
    return tmp_path_factory.mktemp("methods")


@pytest.fixture(scope="session")
def task(kept: Path) -> Task:
    """Three classes of 24 RGB images."""
    return task_of(coloured(), kept)


@pytest.fixture(scope="session")
def digits(kept: Path) -> Task:
    """200 of the digits."""
    return task_of(grey(), kept)
