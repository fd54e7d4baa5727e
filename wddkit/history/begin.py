"""How a folder becomes a run, and which folders a writer refuses."""

import itertools
import json
from pathlib import Path

from wddkit.codec import Json, encode
from wddkit.history import folder
from wddkit.history.checkpoint import FILE as CHECKPOINT
from wddkit.history.checks import LOGS, SCHEMA, check_schema
from wddkit.history.turns import FILE as TURNS
from wddkit.history.turns import Edits, read_edits, write_edits


def refuse_foreign(path: Path) -> None:
    """Raises ValueError for a folder with files that are not a run's."""
    foreign = sorted(item.name for item in path.iterdir() if not item.name.startswith("."))
    if foreign and "config.json" not in foreign:
        raise ValueError(f"{path}: is not a run of wddkit but holds {', '.join(foreign[:3])}; choose a new folder")


def begin(path: Path, config: Json, environment: Json, edits: Edits | None) -> None:
    """Makes a folder a run of this config and these turns; raises ValueError if it is another's already."""
    config = json.loads(json.dumps(encode(config)))  # as it will be read
    file = path / "config.json"
    turned = check_edits(path, edits)
    if edits is not None and edits != turned:
        write_edits(path, edits)
    if not file.is_file():
        folder.write_json(file, {"schema": SCHEMA, "config": config})  # this makes it a run
    recorded = folder.read_json(file)
    check_schema(file, recorded)
    if recorded.get("config") != config:
        different = sorted(_differences(recorded.get("config"), config))
        raise ValueError(
            f"{path}: holds a run of another config, different in {', '.join(different[:5])}; choose another folder, "
            f"or give the config in config.json to go on with that run"
        )
    if not (path / "environment.json").is_file():
        folder.write_json(path / "environment.json", {"schema": SCHEMA, "environment": encode(environment)})


def check_edits(path: Path, edits: Edits | None) -> Edits | None:
    """The turns recorded in a folder; raises ValueError if a run with these turns, or without, is not its."""
    recorded = read_edits(path)
    if recorded is not None and edits is None:
        raise ValueError(
            f"{path}: is an edited run: knobs were turned in it, so it is not the run of its config; choose another "
            f"folder, or repeat it with wddkit.replay"
        )
    if recorded is None and edits is not None and (path / "config.json").is_file():
        raise ValueError(f"{path}: is a run without turns of knobs; turns need a new folder")
    return recorded


def edited_folder(out: Path, name: str) -> Path:
    """A new empty folder for an edited run, <name>-edited-<n>. Raises StorageError."""
    folder.make_folder(out)
    for n in itertools.count(1):
        path = out / f"{name}-edited-{n}"
        with folder.storing(path):
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    raise AssertionError("there are numbers enough")


def branch(path: Path, new: Path, edits: Edits) -> None:
    """Puts all that a run has so far into a new folder too, as that of an edited run. Raises StorageError."""
    kept = [name for name in folder.files_of(path) if name not in (*LOGS, TURNS, "config.json")]
    for name in (*kept, *([CHECKPOINT] if (path / CHECKPOINT).is_file() else [])):
        folder.link(path / name, new / name)
    for name in LOGS:  # which go on growing, in both folders
        folder.write_file(new / name, (path / name).read_bytes())
    write_edits(new, edits)
    folder.link(path / "config.json", new / "config.json")  # last: this makes it a run


def _differences(a: Json, b: Json, where: str = "") -> set[str]:
    if not isinstance(a, dict) or not isinstance(b, dict):
        return set() if a == b else {where or "everything"}
    missing = object()
    dotted = {key: f"{where}.{key}".lstrip(".") for key in {*a, *b}}
    return {name for key, at in dotted.items() for name in _differences(a.get(key, missing), b.get(key, missing), at)}
