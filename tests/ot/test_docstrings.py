"""The examples in docstrings are run, and every public name has a docstring."""

import doctest
import importlib
import pkgutil

import pytest

from wddkit import ot

MODULES = [each.name for each in pkgutil.walk_packages(ot.__path__, "wddkit.ot.")]


@pytest.mark.parametrize("name", ["wddkit.ot", *MODULES])
def test_examples_give_what_they_show(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_transport_and_barycenters_have_a_worked_example():
    for name in ("plan", "barycenter"):
        assert doctest.testmod(importlib.import_module(f"wddkit.ot.{name}")).attempted > 0


def test_every_public_name_says_what_it_is():
    for name in ot.__all__:
        assert getattr(ot, name).__doc__
