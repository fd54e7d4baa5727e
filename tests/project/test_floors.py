"""The floors of the package: import-linter's contracts in pyproject.toml, and what it cannot tell apart."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_module_imports_only_from_floors_below_it() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    # Its cache does not see that a folder became a package.
    done = subprocess.run([*command, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_stands_on_a_floor() -> None:
    named = (ROOT / "pyproject.toml").read_text("utf-8")
    rooms = {
        path.stem for path in (ROOT / "wddkit").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert [room for room in sorted(rooms - {"__init__", "__main__"}) if f"wddkit.{room}" not in named] == []


def test_only_the_data_room_knows_torchvisions_data_sets() -> None:
    knowing = set()
    for path in (ROOT / "wddkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)]
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name}" for name in names]
            if any(name.startswith("torchvision.datasets") for name in names):
                knowing.add(path.relative_to(ROOT / "wddkit").parts[0])
    assert knowing <= {"data"}
