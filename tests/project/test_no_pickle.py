"""Nothing that is read can execute code: no pickle, in any of its dresses."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "wddkit"
MODULES = ("pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
CALLS = re.compile(r"torch\.(save|load)\(|\.(to|read)_pickle\(|allow_pickle\s*=\s*True|weights_only\s*=\s*False")


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_neither_writes_nor_reads_pickles(path: Path) -> None:
    source = path.read_text("utf-8")
    assert imported(ast.parse(source)).isdisjoint(MODULES)
    assert CALLS.findall(source) == []
