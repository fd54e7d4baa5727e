"""One source for packages: pyproject.toml has the ranges, constraints.txt the pins, and nothing else has a list."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
PYTHONS = ("3.11.0", "3.12.0", "3.13.0")  # first patches: Debian 12 has 3.11.2
PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)")  # no local version, no path


def pins() -> dict[str, Version]:
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    found = {}
    for line in lines:
        match = PIN.fullmatch(line)
        assert match, f"not an exact pin: {line!r}"
        name = canonicalize_name(match[1])
        assert name not in found, f"pinned twice: {name}"
        found[name] = Version(match[2])
    return found


def requirements(*extras: str) -> list[Requirement]:
    listed = PROJECT["dependencies"] + [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return [Requirement(line) for line in listed]


def test_no_package_is_required_twice() -> None:
    names = [canonicalize_name(wanted.name) for wanted in requirements(*PROJECT["optional-dependencies"])]
    assert sorted(names) == sorted(set(names))


def test_every_requirement_has_a_pin_in_its_range() -> None:
    pinned = pins()
    for wanted in requirements("dev"):
        assert pinned[canonicalize_name(wanted.name)] in wanted.specifier, wanted


def test_the_pins_are_those_of_the_design() -> None:
    assert {name: str(pins()[name]) for name in ("torch", "torchvision")} == {
        "torch": "2.15.0",
        "torchvision": "0.29.2",
    }


def test_no_pin_belongs_to_one_machine() -> None:
    assert [name for name in pins() if name.startswith(("nvidia-", "cuda-", "triton", "wddkit"))] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_the_pinned_versions_install_on_every_python_of_the_project(python: str) -> None:
    assert python in SpecifierSet(PROJECT["requires-python"])
    refusing = []
    for name, version in pins().items():
        try:
            metadata = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:  # a package that only another system or Python needs
            continue
        wanted = metadata["Requires-Python"]
        if metadata["Version"].split("+")[0] == str(version) and wanted and python not in SpecifierSet(wanted):
            refusing.append(f"{name}=={version} wants Python {wanted}")
    assert refusing == []


def test_this_python_is_one_of_the_projects() -> None:
    assert ".".join(map(str, sys.version_info[:3])) in SpecifierSet(PROJECT["requires-python"])


def test_the_makefile_takes_the_pythons_that_the_project_takes() -> None:
    lower, upper = re.findall(r"\((3), (\d+)\)", (ROOT / "Makefile").read_text("utf-8"))
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(f">=3.{lower[1]},<3.{int(upper[1]) + 1}")


def test_the_group_core_is_the_part_of_the_dependencies_that_needs_no_torch() -> None:
    core = PYPROJECT["dependency-groups"]["core"]
    assert set(core) < set(PROJECT["dependencies"])
    assert {Requirement(line).name for line in core}.isdisjoint({"torch", "torchvision"})


def test_conda_gets_python_and_pip_and_everything_else_from_the_project() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert set(environment) == {"name", "dependencies"}
    python, pip, listed = environment["dependencies"]
    name, _, version = python.partition("=")
    assert (name, pip) == ("python", "pip")
    assert f"{version}.0" in SpecifierSet(PROJECT["requires-python"])
    assert list(listed) == ["pip"]
    constraints, project = listed["pip"]
    assert constraints == "-c constraints.txt"
    match = re.fullmatch(r"-e \.\[([a-z,]+)\]", project)
    assert match
    assert set(match[1].split(",")) <= set(PROJECT["optional-dependencies"])
