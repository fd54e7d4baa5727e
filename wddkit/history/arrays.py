"""Arrays in files without pickle: npz for what is recorded, checksummed safetensors for caches and checkpoints."""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import safetensors
import safetensors.numpy

from wddkit.codec import Json
from wddkit.history.folder import damaged, write_file

Arrays: TypeAlias = dict[str, np.ndarray]
Header: TypeAlias = tuple[tuple[int, ...], np.dtype[Any]]  # shape, dtype

# Level 1 of deflate: measured 55-75 MB/s and 0.45-0.8 of the size; level 6 takes 2-7 times longer for 2-5 % less.
_LEVEL = 1
_MALFORMED = (
    ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, struct.error,
    NotImplementedError, RuntimeError, OverflowError, MemoryError,
)  # fmt: skip


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An npz file as bytes: the same for the same arrays, whatever their order and the time.

    Raises ValueError for arrays of objects, which only a pickle could hold.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name in sorted(arrays):
            if arrays[name].dtype.hasobject:
                raise ValueError(f"cannot record {name!r}: an array of objects; expected numbers or text")
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(arrays[name]), allow_pickle=False)
    return buffer.getvalue()


def read_npz(path: Path, names: Collection[str] | None = None) -> Arrays:
    """The arrays of an npz file, or only those of these names that are there. Nothing in it is executed.

    Raises ValueError naming the file if it is no npz, is damaged, or holds objects.
    """
    return scan_npz(path, lambda headers: [name for name in headers if names is None or name in names])[1]


def scan_npz(path: Path, choose: Callable[[dict[str, Header]], Collection[str]]) -> tuple[dict[str, Header], Arrays]:
    """Shape and dtype of every array of an npz file, and the arrays that `choose` names after seeing them."""
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                headers = {name.removesuffix(".npy"): _header(archive, name) for name in archive.namelist()}
                return headers, {name: _array(archive, f"{name}.npy") for name in choose(headers)}
        except _MALFORMED as error:
            raise damaged(path, f"no readable npz of plain arrays ({error})") from error


def _header(archive: zipfile.ZipFile, name: str) -> Header:
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
    if dtype.hasobject:
        raise ValueError(f"{name} is an array of objects")
    return shape, dtype


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        return np.asarray(np.lib.format.read_array(member, allow_pickle=False))


def write_tensors(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Json]) -> None:
    """Writes a safetensors file atomically; its metadata holds yours as JSON, and a checksum of the content.

    Raises ValueError for a dtype that safetensors does not have.
    """
    # safetensors copies from the pointer, strides unseen. np.require would turn a scalar into a vector.
    whole = {name: array if array.flags.c_contiguous else array.copy(order="C") for name, array in arrays.items()}
    for name, array in whole.items():
        if array.dtype.kind not in "fiubc":
            raise ValueError(f"cannot store {name!r} of dtype {array.dtype}; expected numbers or booleans")
    texts = {key: json.dumps(value, sort_keys=True, separators=(",", ":")) for key, value in metadata.items()}
    try:
        data = safetensors.numpy.save(whole, metadata={**texts, "sha256": _checksum(whole, texts)})
    except safetensors.SafetensorError as error:
        raise ValueError(f"cannot store {', '.join(sorted(arrays))}: {error}") from error
    write_file(path, data)


def read_tensors(path: Path) -> tuple[Arrays, dict[str, Json]]:
    """What `write_tensors` wrote: writable arrays with the same bits, and the metadata.

    Raises ValueError naming the file if anything in it changed.
    """
    data = path.read_bytes()
    try:
        # numpy.load leaves the metadata out; its place in the file is fixed: length, then JSON.
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        texts = dict(header["__metadata__"])
        expected = texts.pop("sha256")
        arrays = {name: np.require(array, requirements="W") for name, array in safetensors.numpy.load(data).items()}
        if _checksum(arrays, texts) != expected:
            raise ValueError("its content does not fit its checksum")
        return arrays, {key: json.loads(text) for key, text in texts.items()}
    except (ValueError, KeyError, TypeError, AttributeError, safetensors.SafetensorError) as error:
        raise damaged(path, f"no readable safetensors file ({error})") from error


def _checksum(arrays: Mapping[str, np.ndarray], texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(dict(texts), sort_keys=True).encode())
    for name in sorted(arrays):
        little = arrays[name].astype(arrays[name].dtype.newbyteorder("<"), copy=False)
        digest.update(repr((name, little.shape, little.dtype.str)).encode())
        digest.update(little.data if little.size else b"")
    return digest.hexdigest()
