"""Frozen dataclasses to JSON and back, one field changed, and what is refused."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Protocol

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wddkit.codec import change, decode, digest, encode, unknown


class Method(Protocol):
    ipc: int


@dataclass(frozen=True)
class Free:
    ipc: int = 1
    weight: float = 1.0


@dataclass(frozen=True)
class Uniform:  # the fields of Free, to be told apart by its kind alone
    ipc: int = 1
    weight: float = 1.0


METHODS = {"free": Free, "uniform": Uniform}


@dataclass(frozen=True)
class Leaf:
    rate: float = 0.5
    count: int = 2
    flag: bool = False
    label: Literal["hard", "soft", 3] = "hard"
    name: str | None = None


@dataclass(frozen=True)
class Tree:
    leaf: Leaf = Leaf()
    pair: tuple[int, float] = (1, 2.0)
    leaves: tuple[Leaf, ...] = ()
    table: Mapping[str, float] = field(default_factory=dict)
    either: int | str | Leaf | tuple[float, float] | None = None
    method: Method = Free()
    chosen: Free | Uniform = Free()


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**63), 2**63)
LEAVES = st.builds(
    Leaf, NUMBERS, WHOLE, st.booleans(), st.sampled_from(["hard", "soft", 3]), st.none() | st.text(max_size=5)
)
OF_METHOD = st.builds(Free, WHOLE, NUMBERS) | st.builds(Uniform, WHOLE, NUMBERS)
EITHER = WHOLE | st.text(max_size=5) | LEAVES | st.tuples(NUMBERS, NUMBERS) | st.none()
TREES = st.builds(
    Tree,
    LEAVES,
    st.tuples(WHOLE, NUMBERS),
    st.lists(LEAVES, max_size=3).map(tuple),
    st.dictionaries(st.text(max_size=5), NUMBERS, max_size=3),
    EITHER,
    OF_METHOD,
    OF_METHOD,
)


@given(TREES)
def test_what_is_written_as_json_is_read_as_it_was(tree):
    text = json.dumps(encode(tree, METHODS), allow_nan=False)
    assert repr(decode(Tree, json.loads(text), METHODS)) == repr(tree)  # repr: 1, 1.0 and True are equal


@given(TREES, TREES)
def test_equal_values_and_only_they_have_equal_digests(a, b):
    assert digest(a, METHODS) == digest(decode(Tree, encode(a, METHODS), METHODS), METHODS)
    assert (digest(a, METHODS) == digest(b, METHODS)) == (repr(a) == repr(b))


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("leaf", Leaf(name="x")),
        ("pair", (1, 2.5)),
        ("leaves", (Leaf(),)),
        ("table", {"a": 1.0}),
        ("either", "1"),
        ("method", Uniform()),
        ("chosen", Uniform()),
    ],
)
def test_the_digest_changes_with_every_field(name, new):
    assert digest(replace(Tree(), **{name: new}), METHODS) != digest(Tree(), METHODS)


def test_those_are_all_fields():
    assert [f.name for f in fields(Tree)] == ["leaf", "pair", "leaves", "table", "either", "method", "chosen"]


def test_the_digest_is_sha256_in_hex_and_knows_no_order_of_names():
    assert re.fullmatch("[0-9a-f]{64}", digest(Tree(), METHODS))
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_a_whole_number_in_a_field_of_floats_is_a_float():
    a = Tree(leaf=Leaf(rate=1), pair=(1, 2), table={"a": 3}, either=(1, 2))
    b = Tree(leaf=Leaf(rate=1.0), pair=(1, 2.0), table={"a": 3.0}, either=(1.0, 2.0))
    assert a == b
    assert json.dumps(encode(a)) == json.dumps(encode(b))
    assert digest(a) == digest(b)


def test_registered_classes_are_written_under_their_names():
    assert encode(Uniform(), METHODS) == {"kind": "uniform", "ipc": 1, "weight": 1.0}
    assert encode(Uniform()) == {"ipc": 1, "weight": 1.0}
    assert decode(Tree, {"method": {"kind": "uniform", "ipc": 3}}, METHODS).method == Uniform(3)


@dataclass(frozen=True)
class Outlier:
    kind: str = "class"


def test_a_field_may_be_called_kind():
    assert decode(Outlier, encode(Outlier("noise"))) == Outlier("noise")


def test_absent_fields_take_their_defaults():
    assert decode(Tree, {}) == Tree()
    assert decode(Tree, {"leaf": {"count": 5}}) == Tree(leaf=Leaf(count=5))


@dataclass(frozen=True)
class Needed:
    ipc: int


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        (Tree, {"leef": {}}, "unknown field of Tree 'leef'. Did you mean 'leaf'? Known: chosen, either, leaf, leaves"),
        (Tree, {"leaf": {"rat": 1}}, "unknown field of Tree.leaf 'rat'. Did you mean 'rate'?"),
        (Tree, {"leaf": {"label": "sotf"}}, "unknown value of Tree.leaf.label 'sotf'. Did you mean 'soft'?"),
        (Tree, {"leaf": {"label": ["soft"]}}, "unknown value of Tree.leaf.label ['soft']"),
        (Tree, {"leaf": {"label": 3.0}}, "unknown value of Tree.leaf.label 3.0"),
        (Tree, {"method": {"kind": "fre"}}, "unknown Tree.method 'fre'. Did you mean 'free'? Known: free, uniform"),
        (Tree, {"method": {"kind": ["free"]}}, "unknown Tree.method ['free']. Did you mean 'free'?"),
        (Tree, {"method": {"ipc": 1}}, "Tree.method: expected fields with 'kind', one of free, uniform; got {'ipc'"),
        (Tree, {"method": 3}, "Tree.method: expected fields with 'kind', one of free, uniform; got 3"),
        (Tree, {"leaf": 3}, "Tree.leaf: expected the fields of Leaf, got 3"),
        (Tree, {"leaf": {"count": "2"}}, "Tree.leaf.count: expected int, got '2'"),
        (Tree, {"leaf": {"count": 2.0}}, "Tree.leaf.count: expected int, got 2.0"),
        (Tree, {"leaf": {"rate": None}}, "Tree.leaf.rate: expected float, got None"),
        (Tree, {"leaf": {"name": 1}}, "Tree.leaf.name: expected str, got 1; or Tree.leaf.name: expected NoneType"),
        (Tree, {"pair": 1}, "Tree.pair: expected a list, got 1"),
        (Tree, {"pair": [1]}, "Tree.pair: expected 2 values, got 1"),
        (Tree, {"pair": [1, "x"]}, "Tree.pair[1]: expected float, got 'x'"),
        (Tree, {"leaves": [{}, {"count": "x"}]}, "Tree.leaves[1].count: expected int, got 'x'"),
        (Tree, {"table": [1]}, "Tree.table: expected names with values, got [1]"),
        (Tree, {"table": {"a": "x"}}, "Tree.table.a: expected float, got 'x'"),
        (Tree, {"chosen": {"kind": "free", "weight": "x"}}, "Tree.chosen.weight: expected float, got 'x'"),
        (Uniform, {"kind": "free"}, "Uniform: expected a Uniform, got a Free"),
        (Needed, {}, "Needed: Needed.__init__() missing 1 required positional argument: 'ipc'"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path(kind, data, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        decode(kind, data, METHODS)


def test_the_path_starts_with_the_callers_word():
    with pytest.raises(ValueError, match=re.escape("config.leaf.count: expected int, got 'x'")):
        decode(Tree, {"leaf": {"count": "x"}}, METHODS, "config")


@pytest.mark.parametrize("data", [{"count": True}, {"rate": True}, {"label": True}])
def test_a_boolean_is_no_number(data):
    with pytest.raises(ValueError, match=r"Leaf\.(count|rate|label)"):
        decode(Leaf, data)


@dataclass(frozen=True)
class Flag:
    on: Literal[0, 1] = 0


def test_a_boolean_is_no_literal_number_and_a_number_no_boolean():
    with pytest.raises(ValueError, match=r"unknown value of Flag\.on True"):
        decode(Flag, {"on": True})
    with pytest.raises(ValueError, match=r"Leaf\.flag: expected bool, got 1"):
        decode(Leaf, {"flag": 1})


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused_both_ways(number):
    with pytest.raises(ValueError, match=r"cannot store the number (nan|inf|-inf) in JSON; expected a finite one"):
        encode(Leaf(rate=number))
    with pytest.raises(ValueError, match=r"Leaf\.rate: expected a finite number, got (nan|inf|-inf)"):
        decode(Leaf, {"rate": number})


def test_whole_numbers_beyond_the_floats_are_refused():
    with pytest.raises(ValueError, match=r"Leaf\.rate: expected a finite number, got 10000"):
        decode(Leaf, {"rate": 10**400})


@pytest.mark.parametrize("value", [np.zeros(2), np.int64(1), {1, 2}, b"x", Leaf, 1j])
def test_what_json_does_not_have_is_refused(value):
    with pytest.raises(ValueError, match=r"cannot store a \w+ in JSON; expected a frozen dataclass or a plain value"):
        encode({"value": value})


def test_a_wrong_value_can_be_looked_at_but_not_read_again():
    wrong: Any = "x"
    assert encode(Leaf(count=wrong))["count"] == "x"


@given(TREES, TREES)
def test_a_changed_copy_differs_in_that_field_alone(a, b):
    assert change(a, "leaf", b.leaf) == replace(a, leaf=b.leaf)
    assert change(a, "leaf.count", b.leaf.count) == replace(a, leaf=replace(a.leaf, count=b.leaf.count))
    assert change(a, "method", b.method) == replace(a, method=b.method)
    assert change(a, "method.ipc", b.method.ipc) == replace(a, method=replace(a.method, ipc=b.method.ipc))


def test_changed_values_are_read_as_from_json():
    assert repr(change(Leaf(), "rate", 1)) == repr(Leaf(rate=1.0))
    assert change(Tree(), "pair", [3, 4]).pair == (3, 4.0)
    assert change(Leaf(), "label", np.str_("soft")).label == "soft"


@pytest.mark.parametrize(
    ("name", "new", "message"),
    [
        ("leaf.count", "x", "leaf.count: expected int, got 'x'"),
        ("leaf.label", "x", "unknown value of leaf.label 'x'. Known: 3, hard, soft"),
        ("leaf.rate", math.nan, "leaf.rate: expected a finite number, got nan"),
        ("leaf.cuont", 1, "unknown field of Leaf 'cuont'. Did you mean 'count'?"),
        ("laef.count", 1, "unknown field of Tree 'laef'. Did you mean 'leaf'?"),
        ("leaf.count.x", 1, "cannot set 'leaf.count.x': a int has no fields"),
        ("either.x", 1, "cannot set 'either.x': a NoneType has no fields"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(name, new, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        change(Tree(), name, new)


def test_the_error_for_an_unknown_name_lists_the_known_ones_and_guesses_only_near_ones():
    assert str(unknown("method", "wmd", ["wmdd", "dm"])) == "unknown method 'wmd'. Did you mean 'wmdd'? Known: dm, wmdd"
    assert str(unknown("method", "xyz", ["wmdd", "dm"])) == "unknown method 'xyz'. Known: dm, wmdd"
