"""How answers are read: rounding and the kind of an array do not matter, what is missing is named."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from wddkit.course.answers import Blank, Wrong, array, close, entries, first_match, itself, number


@pytest.mark.parametrize("scale", [1e-4, 0.05, 1.0, 300.0])
def test_numbers_that_were_rounded_to_three_digits_or_decimals_are_close_and_coarser_ones_are_not(scale: float) -> None:
    expected = scale * np.random.default_rng(4).uniform(0.5, 1.0, 5)
    places = max(3, 2 - int(np.floor(np.log10(expected.max()))))
    assert all(close(expected.round(places + more), expected) for more in range(4))
    assert not close(expected.round(places - 2), expected)
    assert not close(expected.round(places) + 10.0**-places, expected)
    assert not close(0 * expected, expected)


def test_zero_and_numbers_that_are_none_are_no_trouble() -> None:
    assert close(0.0, 0.0)
    assert not close(1e-3, 0.0)
    assert not close(np.nan, 1.0)
    assert not close(1.0, np.nan)
    assert not close(1.0, np.inf)


def test_a_known_mistake_is_found_by_its_result_or_by_what_computes_it() -> None:
    mistakes = [(2.0, "twice"), (lambda: np.float64(1 / 3), "a third")]
    assert first_match(2.0, mistakes) == "twice"
    assert first_match(0.333, mistakes) == "a third"
    assert first_match(0.3, mistakes) is None


@pytest.mark.parametrize(
    "kind",
    [
        list,
        tuple,
        np.float32,
        pd.Series,
        torch.tensor,
        lambda values: torch.tensor(values, requires_grad=True),
        lambda values: torch.tensor(values).double(),
    ],
)
def test_an_array_may_be_of_any_kind(kind: Any) -> None:
    found = array(kind([1.0, 2.5]), "x", (2,), of="a number")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1.0, 2.5])


def test_a_number_may_be_a_tensor_that_has_a_gradient() -> None:
    assert number(torch.tensor(2.5, requires_grad=True), "x") == 2.5
    with pytest.raises(Wrong, match=r"`x` has shape \(1,\); expected \(\), one number"):
        number(torch.tensor([2.5]), "x")


def test_entries_of_a_dict_or_a_series_are_all_there_or_named() -> None:
    for answer in ({"a": 1.0, "b": 2.0, "c": 3.0}, pd.Series({"a": 1.0, "b": 2.0})):
        assert entries(answer, "x", "ab", of="letter to number")["b"] == 2.0
    with pytest.raises(Blank, match=r"`x` still needs b, c\."):
        entries({"a": 1.0, "b": ...}, "x", "abc", of="letter to number")
    with pytest.raises(Wrong, match=r"`x` should be a dict, letter to number, and it is a `list`\."):
        entries([1.0], "x", "a", of="letter to number")


def test_what_was_worked_in_is_known_by_its_attributes() -> None:
    itself(SimpleNamespace(a=1, b=2), "lab", "laboratory", ("a", "b"))
    with pytest.raises(Wrong, match=r"give the laboratory itself, `lab`; this is a `SimpleNamespace`\."):
        itself(SimpleNamespace(a=1), "lab", "laboratory", ("a", "b"))
