"""Recorded runs and laboratories work without torch; a bare `import wddkit` is quick."""

import importlib
import subprocess
import sys

import pytest

ROOMS = ("data", "ot", "history", "views")
# Loaded by name, when asked for.
WITH_TORCH = ("wddkit.ot.batch", "wddkit.ot.blocks", "wddkit.ot.losses", "wddkit.data.torchset")
WITHOUT_TORCH = "import sys; sys.modules.update(torch=None, torchvision=None)\n"
HEAVY = ("torch", "torchvision", "ot", "scipy", "sklearn", "pandas", "matplotlib", "plotly", "ipywidgets", "anywidget")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_of_a_torch_free_room_can_be_imported_without_torch(room: str) -> None:
    python(
        f"{WITHOUT_TORCH}import importlib, pkgutil, wddkit.{room} as room\n"
        f"names = [found.name for found in pkgutil.walk_packages(room.__path__, room.__name__ + '.')]\n"
        f"[importlib.import_module(name) for name in names if name not in {WITH_TORCH}]"
    )


def test_the_torch_free_rooms_do_not_load_torch_where_it_is_installed() -> None:
    rooms = ", ".join(f"wddkit.{room}" for room in ROOMS)
    assert python(f"import sys, wddkit, {rooms}; print('torch' in sys.modules)") == "False\n"


def test_a_barycenter_is_computed_without_torch() -> None:
    code = "import numpy, wddkit\nprint(wddkit.ot.barycenter(numpy.eye(3), m=1, seed=0).support.round(6).tolist())"
    assert python(WITHOUT_TORCH + code) == "[[0.333333, 0.333333, 0.333333]]\n"


def test_the_public_names_load_nothing_heavy_until_they_are_used() -> None:
    assert python(f"import sys, wddkit; print([name for name in {HEAVY} if name in sys.modules])") == "[]\n"


def test_every_public_name_can_be_listed_and_reached() -> None:
    code = "import wddkit\nassert set(wddkit.__all__) <= set(dir(wddkit))\n[getattr(wddkit, n) for n in wddkit.__all__]"
    python(code)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    python("import wddkit\nassert not hasattr(wddkit, 'no_such_name')")


@pytest.mark.parametrize(
    ("room", "offered"), [("ot", "COSTS, SOLVERS, Barycenter"), ("data", "DistilledSet, ImageSet")]
)
def test_an_unknown_name_of_a_room_is_told_with_those_that_are_there(room: str, offered: str) -> None:
    module = importlib.import_module(f"wddkit.{room}")
    with pytest.raises(
        AttributeError, match=rf"'wddkit\.{room}' has no attribute 'nope'; it offers {offered}, .*, \w+$"
    ):
        _ = module.nope
