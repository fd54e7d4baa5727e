"""What must hold of recorded numbers, arrays and files; the same rules when writing and when reading."""

import operator
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from wddkit.codec import Json
from wddkit.data.arrays import shown, to_numpy
from wddkit.history.arrays import Arrays, Header, scan_npz
from wddkit.history.folder import damaged, read_json, sha256

SCHEMA = "wddkit.run/0"
Verify = Literal["small", "all"]
SMALL = 1_000_000  # bytes; files below are always read whole when a run is loaded
REQUIRED = ("config.json", "environment.json", "events.jsonl", "metrics.jsonl", "distilled/card.json")
LOGS = ("events.jsonl", "metrics.jsonl")  # may grow after completion: what was complete is their beginning
_RESERVED = ("phase", "step", "block", "seconds")


def whole_number(value: Any, what: str) -> int:
    """A plain int from any whole number. Raises ValueError for anything else, also for 1.0 and True."""
    try:
        if not isinstance(value, (bool, np.bool_)):
            return operator.index(value)
    except TypeError:
        pass
    raise ValueError(f"{what}: expected a whole number, got {shown(value)}")


def scalar(value: Any, name: str) -> float:
    """One number to be recorded under this name, from a number, an array or a tensor that holds just one.

    Raises ValueError for anything else, and for a name that a table has for itself.
    """
    if name in _RESERVED:
        raise ValueError(f"a scalar cannot be called {name!r}: that column tells the moment; rename it")
    size = ""
    try:
        held = to_numpy(value, name)
        if held.size == 1 and held.dtype.kind in "biuf":
            return float(held.reshape(-1)[0])
        size = f" of shape {held.shape}; record its mean, or one scalar each" if held.ndim else ""
    except ValueError:  # no array of numbers at all
        pass
    raise ValueError(f"scalar {name!r}: expected one number, got {shown(value)}{size}")


def shape_problem(headers: Mapping[str, Header], *, barycenter: bool) -> str | None:
    """What is wrong with the shapes and dtypes of a snapshot's arrays, or None."""
    if barycenter:
        return _barycenter_problem(headers)
    if "images" not in headers or "indices" not in headers:
        return f"expected the arrays 'images' and 'indices', found {sorted(headers)}"
    shape, dtype = headers["images"]
    if dtype != np.uint8 or len(shape) != 4 or shape[1] not in (1, 3) or shape[2] != shape[3]:
        return f"images are {dtype} of shape {shape}; expected uint8 [k, 1 or 3, size, size]"
    if headers["indices"][0] != shape[:1] or headers["indices"][1].kind not in "iu":
        places, kind = headers["indices"]
        return f"indices are {kind} of shape {places}; expected a whole number for each of {shape[0]} images"
    if "features" in headers and (len(headers["features"][0]) != 2 or headers["features"][0][0] != shape[0]):
        return f"features have shape {headers['features'][0]}; expected a row for each of {shape[0]} images"
    return None


def _barycenter_problem(headers: Mapping[str, Header]) -> str | None:
    missing = {"support", "masses", "value"} - set(headers)
    if missing:
        return f"barycenter without {sorted(missing)}; found {sorted(headers)}"
    support = headers["support"][0]
    if len(support) != 3:
        return f"support has shape {support}; expected [steps, m, d]"
    if headers["masses"][0] != support[:2]:
        return f"masses have shape {headers['masses'][0]}; expected {support[:2]}, one for each support point"
    for name, (shape, _) in headers.items():
        if name in ("value", "heldout", "plan_indices", "plan_masses", "plan_kept") and shape[:1] != support[:1]:
            return f"{name} has shape {shape}; expected {support[0]} steps first"
    return _assignment_problem(headers, steps=support[0])


def _assignment_problem(headers: Mapping[str, Header], *, steps: int) -> str | None:
    found = [name for name in ("assignment", "assignment_share") if name in headers]
    if len(found) == 1:
        return f"{found[0]} comes alone; expected both 'assignment' and 'assignment_share', or neither"
    if not found:
        return None
    (shape, dtype), (shares, kind) = headers["assignment"], headers["assignment_share"]
    if dtype.kind not in "iu" or len(shape) != 2 or shape[0] != steps:
        return f"assignment is {dtype} of shape {shape}; expected whole numbers [{steps}, r], one for each real image"
    if kind.kind != "f" or shares != shape:
        return f"assignment_share is {kind} of shape {shares}; expected floats of shape {shape}, as the assignment"
    return None


def value_problem(arrays: Mapping[str, np.ndarray], *, barycenter: bool) -> str | None:
    """What is wrong with the numbers of a snapshot's arrays, or None. NaN in `heldout` means not measured."""
    for name, array in arrays.items():
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            if name == "heldout" and not np.isinf(array).any():
                continue
            return f"{name} holds NaN or infinite values"
    if barycenter and "masses" in arrays:
        masses = arrays["masses"].astype(np.float64)
        if (masses < 0).any() or not np.allclose(masses.sum(axis=1), 1, atol=1e-4):
            return "masses are not on the simplex: expected none negative and a sum of 1 at each step"
    if barycenter and {"assignment", "assignment_share", "masses"} <= set(arrays):
        points, shares, m = arrays["assignment"], arrays["assignment_share"], arrays["masses"].shape[1]
        if points.size and not (points.min() >= -1 and points.max() < m):
            return f"assignment holds {points.min()} to {points.max()}; expected -1 (none) to {m - 1}, a support point"
        if shares.size and not (shares.min() >= 0 and shares.max() <= 1):
            return f"assignment_share holds {shares.min():g} to {shares.max():g}; expected shares from 0 to 1"
    return None


def check_run(path: Path, *, verify: Verify) -> dict[str, int]:
    """Sizes by name of the files that a complete run is made of, every one checked.

    Presence and size always; content by sha256, below 1 MB or all of them. Raises ValueError naming the file.
    """
    listed = read_complete(path)
    for name in REQUIRED:
        if name not in listed:
            raise damaged(path / "complete.json", f"does not list {name}, which every run has")
    for name, entry in listed.items():
        file = path / name
        if not file.is_file():
            raise damaged(file, "the file is missing")
        actual, size = file.stat().st_size, entry["bytes"]
        if actual < size or (actual > size and name not in LOGS):
            raise damaged(file, f"the file has {actual} bytes instead of {size}")
        if (verify == "all" or size < SMALL) and sha256(file, size) != entry["sha256"]:
            raise damaged(file, "the content does not fit the checksum in complete.json")
    return {name: entry["bytes"] for name, entry in listed.items()}


def read_complete(path: Path) -> dict[str, dict[str, Json]]:
    """The list in complete.json: name -> {"sha256", "bytes"}. Raises ValueError if it is not such a list."""
    file = path / "complete.json"
    value = read_json(file)
    check_schema(file, value)
    listed = value.get("files")
    if not isinstance(listed, dict):
        raise damaged(file, "expected a list of files")
    for name, entry in listed.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise damaged(file, f"{name!r} is not within the run")
        if not isinstance(entry, dict) or not isinstance(entry.get("bytes"), int) or "sha256" not in entry:
            raise damaged(file, f"expected sha256 and bytes of {name!r}, found {entry!r}")
    return listed


def check_schema(file: Path, value: Json) -> None:
    """Raises ValueError unless a JSON file of a run says this schema."""
    found = value.get("schema") if isinstance(value, dict) else None
    if found != SCHEMA:
        raise ValueError(
            f"{file}: schema {found!r}; this version of wddkit reads {SCHEMA!r}. Read it with the version that wrote "
            f"it (environment.json), or run the config again"
        )


def check_arrays(file: Path, *, verify: Verify) -> tuple[dict[str, Header], Arrays]:
    """Shapes and dtypes of an npz file of a run, checked, and what else was read of it: never images, unless all are.

    Its numbers are checked too if the file is small or all files are to be verified.
    """
    whole = verify == "all" or file.stat().st_size < SMALL

    def light(headers: Mapping[str, Header]) -> set[str]:
        kept = set(headers) if whole else {"phase", "indices"} & set(headers)
        return kept if verify == "all" else kept - {"images"}

    headers, arrays = scan_npz(file, light)
    barycenter = file.parent.name == "barycenter"
    problem = _real_problem(headers) if file.name == "real.npz" else shape_problem(headers, barycenter=barycenter)
    if problem := problem or value_problem(arrays, barycenter=barycenter):
        raise damaged(file, problem)
    return headers, arrays


def _real_problem(headers: Mapping[str, Header]) -> str | None:
    lengths = {name: shape[:1] for name, (shape, _) in headers.items()}
    if {"images", "labels", "indices"} - set(headers) or len(set(lengths.values())) != 1:
        return f"expected images, labels and indices of one length, found {lengths}"
    shape, dtype = headers["images"]
    return None if dtype == np.uint8 and len(shape) == 4 else f"images are {dtype} of shape {shape}; expected uint8"
