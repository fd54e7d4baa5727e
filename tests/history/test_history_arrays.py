"""Arrays come back bit for bit, nothing is executed, and damage is told."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wddkit.history.arrays import npz_bytes, read_npz, read_tensors, scan_npz, write_tensors

DTYPES = ["u1", "i8", "i4", "f2", "f4", "f8", "?", "c8"]
PAYLOAD = np.frombuffer(b"\x01\x00\xc0\x7f", "f4")[0]  # a NaN that is not the usual one
SPECIAL = np.array([np.nan, -0.0, np.inf, PAYLOAD], np.float32)


class Bomb:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.trace,)


def unless_refused(read: Callable[[Path], Any], file: Path) -> Any:
    """What was read; None if the file was refused by its name."""
    try:
        return read(file)
    except ValueError as error:
        text = str(error)
    assert f"{file.name}: no readable" in text
    return None


arrays = st.dictionaries(
    st.text("abc_.", min_size=1, max_size=5),
    st.sampled_from(DTYPES).flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, min_side=0, max_dims=3))),
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(arrays)
def test_tensors_come_back_with_their_bits(
    tmp_path_factory: pytest.TempPathFactory, given: dict[str, np.ndarray]
) -> None:
    file = tmp_path_factory.mktemp("tensors") / "x.safetensors"
    write_tensors(file, given, {"note": [1, "zwei", None]})
    found, metadata = read_tensors(file)
    assert metadata == {"note": [1, "zwei", None]}
    assert found.keys() == given.keys()
    for name, array in given.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()
        assert found[name].flags.writeable


def test_tensors_keep_views_scalars_byte_order_and_odd_floats(tmp_path: Path) -> None:
    table = np.arange(12, dtype=np.float64).reshape(3, 4)
    given = {"view": table.T[::2], "scalar": np.array(3), "special": SPECIAL, "big": np.arange(3, dtype=">i4")}
    write_tensors(tmp_path / "x", given, {})
    found, _ = read_tensors(tmp_path / "x")
    np.testing.assert_array_equal(found["view"], table.T[::2])
    np.testing.assert_array_equal(found["big"], [0, 1, 2])
    assert found["scalar"].shape == ()
    assert found["special"].tobytes() == SPECIAL.tobytes()


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([{}]), np.zeros(2, "c16"), np.zeros(2, "g")])
def test_tensors_of_a_kind_that_cannot_be_stored_are_refused_by_name(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"cannot store .*state"):
        write_tensors(tmp_path / "x", {"state": array}, {})
    assert not list(tmp_path.iterdir())


def test_any_flipped_byte_of_a_tensor_file_is_found(tmp_path: Path) -> None:
    write_tensors(tmp_path / "x", {"a": np.arange(6), "b": np.ones((2, 2), "f4")}, {"key": {"seed": 1}})
    data = (tmp_path / "x").read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x20
        (tmp_path / "x").write_bytes(changed)
        if answer := unless_refused(read_tensors, tmp_path / "x"):
            # The header is JSON with padding: a blank more or less is no damage.
            assert answer[1] == {"key": {"seed": 1}}
            np.testing.assert_array_equal(answer[0]["a"], np.arange(6))
    for length in range(0, len(data), 7):
        (tmp_path / "x").write_bytes(data[:length])
        with pytest.raises(ValueError, match="x: no readable safetensors file"):
            read_tensors(tmp_path / "x")


def test_an_npz_is_the_same_bytes_whatever_the_order_and_numpy_reads_it() -> None:
    a, b = np.arange(5), np.array("phase")
    data = npz_bytes({"a": a, "b": b})
    assert data == npz_bytes({"b": b, "a": a})
    read = np.load(io.BytesIO(data), allow_pickle=False)
    np.testing.assert_array_equal(read["a"], a)
    assert str(read["b"]) == "phase"


def test_an_npz_is_read_only_as_far_as_asked(tmp_path: Path) -> None:
    given = {"images": np.zeros((2, 1, 4, 4), np.uint8), "indices": np.arange(2)}
    (tmp_path / "x.npz").write_bytes(npz_bytes(given))
    assert read_npz(tmp_path / "x.npz", {"indices", "absent"}).keys() == {"indices"}
    headers, found = scan_npz(tmp_path / "x.npz", lambda headers: [])
    assert headers["images"] == ((2, 1, 4, 4), np.dtype(np.uint8))
    assert not found


def test_numpys_own_npz_and_fortran_order_are_read(tmp_path: Path) -> None:
    table = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.savez(tmp_path / "x.npz", table=table)
    np.testing.assert_array_equal(read_npz(tmp_path / "x.npz")["table"], table)


def test_pickles_are_neither_written_nor_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    bomb = np.array([Bomb(str(trace))], dtype=object)
    with pytest.raises(ValueError, match="cannot record 'a': an array of objects"):
        npz_bytes({"a": bomb})
    np.savez(tmp_path / "objects.npz", a=bomb)
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Bomb(str(trace))))
    np.save(tmp_path / "single.npy", np.arange(3))
    with zipfile.ZipFile(tmp_path / "member.npz", "w") as archive:
        archive.writestr("a.npy", pickle.dumps(Bomb(str(trace))))
    for name in ("objects.npz", "pickle.npz", "single.npy", "member.npz"):
        with pytest.raises(ValueError, match=f"{name}: no readable npz of plain arrays .*restore it from a copy"):
            read_npz(tmp_path / name)
    assert not trace.exists()


def test_a_damaged_npz_is_an_error_or_the_same_arrays_but_never_others(tmp_path: Path) -> None:
    given = {"a": np.arange(40), "b": np.linspace(0, 1, 7)}
    data = npz_bytes(given)
    file = tmp_path / "x.npz"
    refused = 0
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x11
        file.write_bytes(changed)
        found = unless_refused(read_npz, file)
        refused += found is None
        # Else the flip is in what nobody reads, such as the time of the file, or in the name of an array.
        assert all(np.array_equal(array, given[name]) for name, array in (found or {}).items() if name in given)
    assert refused > len(data) / 2
    for length in range(0, len(data), 11):
        file.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"x\.npz: no readable npz"):
            read_npz(file)
