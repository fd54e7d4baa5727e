"""Histories from run folders and from arrays."""

import functools
import itertools
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from wddkit.codec import Json
from wddkit.data.arrays import class_names, numbered, shown, to_images, to_labels, to_numpy
from wddkit.data.sets import DistilledSet
from wddkit.history.arrays import Arrays, Header, read_npz
from wddkit.history.checks import (
    LOGS,
    Verify,
    check_arrays,
    check_run,
    check_schema,
    scalar,
    shape_problem,
    value_problem,
    whole_number,
)
from wddkit.history.fields import Fields
from wddkit.history.folder import damaged, files_of, read_json
from wddkit.history.logs import read_log
from wddkit.history.reader import Frame, History, Moment, RealSample, Source
from wddkit.history.tables import results_problem
from wddkit.history.turns import FILE as TURNS
from wddkit.history.turns import read_edits

_RECOVER = re.compile(r"recover/(\d{6,})-(\d{4,})\.npz")
_BARYCENTER = re.compile(r"barycenter/(\d{4,})\.npz")


@dataclass(frozen=True, eq=False)
class Checked:
    """What was found in a file of arrays; of a snapshot also what tells whether it fits the others."""

    moment: Moment | None = None
    shape: tuple[int, ...] = ()
    indices: np.ndarray | None = None


Seen: TypeAlias = MutableMapping[str, Checked]
"""Files of one run by name that were checked before; files of arrays never change, they only come."""


def load(path: Path, *, verify: str = "small", partial: bool = False, seen: Seen | None = None) -> History:
    """The history in a run folder. Nothing in it is executed, and no image is read before it is asked for.

    Checked are the schema, presence and size of every file, checksums and numbers of files below 1 MB (`verify="all"`:
    of every file), and shapes. An unfinished run is loaded only with `partial=True`, as far as it came; whoever looks
    at one again and again hands in the same dict as `seen`, and each file is read once.
    Raises ValueError naming the file that is damaged, and what to do.
    """
    if verify not in ("small", "all"):
        raise ValueError(f"verify is {verify!r}; expected 'small' (files below 1 MB) or 'all'")
    complete = (path / "complete.json").is_file()
    if not complete and not (path / "config.json").is_file():
        why = "holds no config.json" if path.is_dir() else "is no folder"
        raise ValueError(f"{path}: is not a run of wddkit ({why}); give the folder that `run` printed or returned")
    if not complete and not partial:
        raise ValueError(
            f"{path}: this run is unfinished; run the same config with the same `out` again to go on with it, "
            f"or load what there is with partial=True"
        )
    level: Verify = "all" if verify == "all" else "small"
    sizes: Mapping[str, int | None] = check_run(path, verify=level) if complete else dict.fromkeys(files_of(path))
    return History(
        path=path,
        config=_fields(path / "config.json", "config"),
        environment=_fields(path / "environment.json", "environment"),
        source=_source(path, sizes, level, {} if seen is None else seen),
    )


def _source(path: Path, sizes: Mapping[str, int | None], verify: Verify, seen: Seen) -> Source:
    logs = {name: functools.partial(_log, path / name, sizes.get(name, 0)) for name in LOGS}
    results = sorted(
        (_results(path / name) for name in sizes if name.startswith("results/")),
        key=lambda value: str(value["protocol"]["name"]),
    )
    barycenters = {int(found[1]): path / name for name in sizes if (found := _BARYCENTER.fullmatch(name))}
    real = path / "real.npz" if "real.npz" in sizes else None
    for name in sizes:
        if name not in seen and (name == "real.npz" or _BARYCENTER.fullmatch(name)):
            check_arrays(path / name, verify=verify)
            seen[name] = Checked()
    source = Source(
        moments=_moments(path, sizes, verify, seen),
        distilled=functools.partial(_distilled, path / "distilled"),
        real=functools.partial(_real, real),
        barycenters=functools.partial(_barycenters, barycenters),
        results=lambda: results,
        scalars=logs["metrics.jsonl"],
        events=logs["events.jsonl"],
        edits=read_edits(path) if TURNS in sizes else None,
    )
    if verify == "all":
        for read in (source.scalars, source.events, *([source.distilled] if "distilled/card.json" in sizes else [])):
            read()
    return source


def _moments(path: Path, sizes: Mapping[str, int | None], verify: Verify, seen: Seen) -> tuple[Moment, ...]:
    """The snapshots of images. Raises ValueError unless they fit together.

    A block stands for the same images at every step, and two blocks never for the same image.
    """
    moments = []
    shapes: dict[tuple[int, ...], str] = {}
    blocks: dict[int, np.ndarray] = {}
    for name in sizes:
        if not (found := _RECOVER.fullmatch(name)):
            continue
        file, step, block = path / name, int(found[1]), int(found[2])
        if name not in seen:
            seen[name] = _snapshot(file, step, block, verify)
        each = seen[name]
        assert each.moment is not None  # of a snapshot
        assert each.indices is not None
        shapes.setdefault(each.shape, name)
        if len(shapes) > 1:
            raise damaged(file, f"its images have another shape than those of other snapshots: {shapes}")
        if not np.array_equal(blocks.setdefault(block, each.indices), each.indices):
            raise damaged(file, f"it holds other images than block {block} at other steps")
        moments.append(each.moment)
    places = np.concatenate([[], *blocks.values()])
    if len(np.unique(places)) != len(places):
        raise damaged(path / "recover", "two blocks hold the same image of the distilled set")
    return tuple(moments)


def _snapshot(file: Path, step: int, block: int, verify: Verify) -> Checked:
    headers, arrays = check_arrays(file, verify=verify)
    frame = Frame(str(arrays.get("phase", "recover")), step)
    moment = Moment(frame, block, frozenset(headers), functools.partial(_read_snapshot, file))
    return Checked(moment, headers["images"][0][1:], arrays["indices"])


def _read_snapshot(file: Path, names: frozenset[str] | None) -> Arrays:
    arrays = read_npz(file, names)
    if problem := value_problem(arrays, barycenter=False):
        raise damaged(file, problem)
    return arrays


def _barycenters(files: Mapping[int, Path]) -> dict[int, Arrays]:
    found = {label: read_npz(file) for label, file in sorted(files.items())}
    for label, arrays in found.items():
        if problem := value_problem(arrays, barycenter=True):
            raise damaged(files[label], problem)
    return found


def _distilled(path: Path) -> DistilledSet:
    if not path.is_dir():
        raise ValueError(f"{path}: there is no distilled set yet; run the same config again to go on with this run")
    return DistilledSet.load(path)


def _real(file: Path | None) -> RealSample | None:
    if file is None:
        return None
    arrays = read_npz(file)
    if problem := value_problem(arrays, barycenter=False):
        raise damaged(file, problem)
    return RealSample(arrays["images"], arrays.get("features"), arrays["labels"], arrays["indices"])


def _results(file: Path) -> Json:
    value = read_json(file)
    check_schema(file, value)
    if problem := results_problem(value):
        raise damaged(file, problem)
    return value


def _log(file: Path, size: int | None) -> list[dict[str, Json]]:
    return read_log(file, size=size) if file.is_file() else []  # an unfinished run may have none yet


def _fields(file: Path, name: str) -> Fields:
    if not file.is_file():  # only in a run that was killed in its first moment
        return Fields({})
    value = read_json(file)
    check_schema(file, value)
    if not isinstance(value.get(name), dict):
        raise damaged(file, f"expected an object {name!r}")
    return Fields(value[name])


def from_arrays(
    images: Any,
    labels: Any,
    *,
    classes: Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
    features: Any = None,
    scalars: Mapping[str, Any] | None = None,
    real: RealSample | None = None,
    barycenters: Mapping[int, Mapping[str, np.ndarray]] | None = None,
) -> History:
    """The history, in memory, of a loop that is not ours.

    `images` [T, k, c, h, w] (any layout that `Split.from_arrays` takes, at each of T steps), `labels` [k], `features`
    [T, k, d], `scalars` name -> T numbers, `barycenters` class -> arrays as in `History.barycenters`. The last images
    are the distilled set. Raises ValueError naming what does not fit.
    """
    given = _items(images, "images: expected an array [T, k, c, h, w] or a list of T arrays")
    frames = _same_shape([to_images(frame, what=f"images of frame {t}") for t, frame in enumerate(given)])
    steps = range(len(frames)) if steps is None else _items(steps, "steps: expected a number for each frame")
    steps = [whole_number(step, "steps") for step in steps]
    if len(steps) != len(frames) or any(b <= a for a, b in itertools.pairwise(steps)):
        raise ValueError(f"steps: expected {len(frames)} rising numbers, one for each frame, got {steps[:10]}")
    own = to_labels(labels, len(frames[0]))
    z = None if features is None else to_numpy(features, "features")
    if z is not None and (z.ndim != 3 or z.shape[:2] != (len(frames), len(own))):
        raise ValueError(f"features: expected shape [{len(frames)}, {len(own)}, d], got {z.shape}")
    if real is not None and not isinstance(real, RealSample):
        raise ValueError(
            f"real: expected a RealSample, got {shown(real)}; write "
            f"wddkit.history.RealSample(images, features, labels, indices)"
        )
    distilled = uniform_set(frames[-1], own, class_names(classes) or numbered(own, "labels"))
    points = _checked_barycenters({} if barycenters is None else barycenters, len(distilled.classes))
    rows = _rows(steps, {} if scalars is None else scalars)
    source = Source(
        moments=tuple(_in_memory(t, step, frames, z) for t, step in enumerate(steps)),
        distilled=lambda: distilled,
        real=lambda: real,
        barycenters=lambda: points,
        results=list,
        scalars=lambda: rows,
        events=list,
    )
    return History(path=None, config=Fields({}), environment=Fields({}), source=source)


def _items(values: Any, expected: str) -> list[Any]:
    """The items of a list or an array. Raises ValueError, beginning with what was expected, for what has none."""
    if isinstance(values, (str, bytes, Mapping)) or not np.iterable(values):
        raise ValueError(f"{expected}, got {shown(values)}")
    return list(values)


def _same_shape(frames: list[np.ndarray]) -> list[np.ndarray]:
    if not frames:
        raise ValueError("images: expected at least one frame, [T, k, c, h, w]")
    for t, frame in enumerate(frames):
        if frame.shape != frames[0].shape:
            raise ValueError(f"images: frame {t} has shape {frame.shape}, frame 0 {frames[0].shape}; give them one")
    return frames


def _rows(steps: Sequence[int], scalars: Mapping[str, Any]) -> list[dict[str, Json]]:
    if not isinstance(scalars, Mapping):
        raise ValueError(f'scalars: expected numbers by name, such as {{"loss": [...]}}, got {shown(scalars)}')
    items = {name: _items(values, f"scalars: {name!r}: expected a number a frame") for name, values in scalars.items()}
    columns = {name: [scalar(value, name) for value in values] for name, values in items.items()}
    for name, values in columns.items():
        if len(values) != len(steps):
            raise ValueError(f"scalars: {name!r} has {len(values)} values for {len(steps)} frames")
    return [
        {"phase": "recorded", "step": step, "block": 0, **{name: values[t] for name, values in columns.items()}}
        for t, step in enumerate(steps)
    ]


def uniform_set(images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> DistilledSet:
    """A distilled set whose images weigh the same within their class."""
    return DistilledSet(images, labels, classes, masses=1 / np.bincount(labels, minlength=len(classes))[labels])


def _in_memory(t: int, step: int, frames: Sequence[np.ndarray], features: np.ndarray | None) -> Moment:
    arrays = {"images": frames[t], "indices": np.arange(len(frames[0]))}
    if features is not None:
        arrays["features"] = features[t]
    if problem := shape_problem(_headers(arrays), barycenter=False) or value_problem(arrays, barycenter=False):
        raise ValueError(f"frame {t}: {problem}")

    def read(names: frozenset[str] | None) -> Arrays:
        return {name: array for name, array in arrays.items() if names is None or name in names}

    return Moment(Frame("recorded", step), 0, frozenset(arrays), read)


def _checked_barycenters(given: Any, classes: int) -> dict[int, Arrays]:
    if not isinstance(given, Mapping):
        raise ValueError(f"barycenters: expected arrays by class, such as {{0: {{...}}}}, got {shown(given)}")
    found = {whole_number(label, "barycenters"): arrays for label, arrays in given.items()}
    for label in found:
        if not 0 <= label < classes:
            raise ValueError(f"barycenters: there is no class {label}; expected 0 to {classes - 1}")
    return {label: _checked_barycenter(label, arrays) for label, arrays in found.items()}


def _checked_barycenter(label: int, arrays: Any) -> Arrays:
    if not isinstance(arrays, Mapping):
        raise ValueError(
            f"barycenter of class {label}: expected support, masses and value by name, got {shown(arrays)}"
        )
    found = {name: np.asarray(array) for name, array in arrays.items()}
    if problem := shape_problem(_headers(found), barycenter=True) or value_problem(found, barycenter=True):
        raise ValueError(f"barycenter of class {label}: {problem}")
    return found


def _headers(arrays: Mapping[str, np.ndarray]) -> dict[str, Header]:
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}
