"""The commands in `notebooks/`, as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def command_named(name: str) -> ModuleType:
    """notebooks/NAME.py as a module of its own."""
    sys.path.insert(0, str(NOTEBOOKS))  # as for `python notebooks/NAME.py`
    try:
        spec = importlib.util.spec_from_file_location(f"{name}_course", NOTEBOOKS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
    finally:
        sys.path.remove(str(NOTEBOOKS))
    return found
