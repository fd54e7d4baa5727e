"""The README's tables of results are those that its commands have left beside the notebooks."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

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


@pytest.mark.parametrize("file", sorted((RECORDED / "question").glob("*.csv")), ids=lambda file: file.stem)
def test_the_question_has_the_recorded_answers(question: ModuleType, file: Path) -> None:
    told = question.lines(pd.read_csv(file))
    assert [line for line in told if line not in README] == []
