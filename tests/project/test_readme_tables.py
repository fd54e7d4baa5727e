"""The README's tables of results are those that its commands have left beside the notebooks."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import wddkit as wdd

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
RECORDED = ROOT / "notebooks" / "recorded"


@pytest.fixture(scope="module")
def question() -> ModuleType:
    spec = importlib.util.spec_from_file_location("question", ROOT / "tests" / "bench" / "question.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recorded(kind: str, name: str, command: str, request: pytest.FixtureRequest) -> pd.DataFrame:
    """What a command has left; a test of what was not measured yet is expected to fail here."""
    file = RECORDED / kind / f"{name}.csv"
    if not file.exists():
        why = f"`make {command}` takes hours and was not measured yet"
        request.applymarker(pytest.mark.xfail(reason=why, raises=FileNotFoundError))
    return pd.read_csv(file)


@pytest.mark.parametrize("name", ["digits", "shapes", "fashion-mnist"])
def test_the_question_has_the_recorded_answers(name: str, question: ModuleType, request: pytest.FixtureRequest) -> None:
    told = question.lines(recorded("question", name, "question", request))
    assert [line for line in README.splitlines() if line.startswith(f"| {name} |")] == told


@pytest.mark.parametrize("name", ["digits", "fashion", "imagenette", "cifar"])
def test_a_table_of_methods_is_the_recorded_one(name: str, request: pytest.FixtureRequest) -> None:
    written = wdd.to_markdown(recorded("tables", name, f"table-{name}", request))
    assert "\n".join(line for line in written.splitlines() if line.startswith("|")) in README
