"""Seeds: numbers that depend on a parent seed and a path of names, and on nothing else."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wddkit.seeds import derive

SEEDS = st.integers(0, 2**63 - 1)
PATHS = st.lists(st.text(max_size=4) | st.text("a/:\\str", max_size=4) | st.integers(-3, 30), max_size=4)


def by_hand(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") // 2


def test_a_seed_is_the_hash_of_the_typed_path():
    assert derive(7, "start", 3) == by_hand("7/str:start/int:3")
    assert derive(0) == by_hand("0")


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_another_process_finds_the_same_seed(hash_seed):
    code = "from wddkit.seeds import derive; print(derive(7, 'start', 3))"
    environment = {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) == derive(7, "start", 3)


@given(SEEDS, PATHS)
def test_a_seed_is_pure_and_below_two_to_the_63(seed, path):
    found = derive(seed, *path)
    derive(seed, "something", "else")
    assert found == derive(seed, *path)
    assert 0 <= found < 2**63


@given(SEEDS, PATHS, PATHS)
def test_two_paths_never_share_a_stream(seed, a, b):
    assert (derive(seed, *a) == derive(seed, *b)) == (a == b)


@given(SEEDS, SEEDS, PATHS)
def test_two_parents_never_share_a_stream(a, b, path):
    assert (derive(a, *path) == derive(b, *path)) == (a == b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("1",), (1,)),
        (("a", "b"), ("b", "a")),
        (("a",), ("a", "")),
        (("ab", "c"), ("a", "bc")),
        (("a", "b"), ("a/str:b",)),
        (("a\\", "b"), ("a\\/str:b",)),
        ((1, 2), (12,)),
    ],
)
def test_paths_that_look_alike_stay_apart(a, b):
    assert derive(0, *a) != derive(0, *b)


def test_numbers_of_numpy_are_the_same_names_as_pythons():
    assert derive(np.int64(5), "class", np.int64(3)) == derive(5, "class", 3)
    assert derive(0, np.str_("start")) == derive(0, "start")


def test_no_number_that_is_not_whole_is_a_name():
    with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
        derive(0, 0.5)


def test_every_bit_is_set_in_half_of_the_seeds():
    seeds = np.array([derive(0, "stream", i) for i in range(4000)], np.uint64)
    bits = (seeds[:, None] >> np.arange(63, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 4.5 * 0.5 / np.sqrt(4000)  # 63 bits at 4.5 standard errors
