"""What a run is told: one frozen value that names everything that decides its result."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from wddkit import codec
from wddkit.augment import Augment
from wddkit.data import Split
from wddkit.data.arrays import shown
from wddkit.history.logs import read_log
from wddkit.methods import METHODS, WMDD, Method, Nearest, Random
from wddkit.methods.base import Precision
from wddkit.methods.targets import Masses
from wddkit.nets import Network, build
from wddkit.protocols import protocol_named
from wddkit.stages.students import Protocol
from wddkit.stages.teacher import Teacher
from wddkit.stages.training import Training

Control = Literal["random", "nearest", "whole"]
WHOLE = "whole real set"  # name of the control "whole" in tables


@dataclass(frozen=True)
class Config:
    """A distillation: a data set, a method, a teacher, seeds, and how the result is evaluated.

    `teacher` and `protocols` left at None are the recipe of the data set (see `recipe`). `seed` is the synthesis's,
    `teacher_seed` and `split_seed` are apart from it. `size`: side in pixels that images are brought to.
    `protocols`: one table of results each. `controls`: what stands beside the method in every table.
    `snapshots` and `recording_mb` bound what is recorded. `device`: "auto" takes a GPU where there is one.
    """

    dataset: str = "digits"
    method: Method = WMDD()
    teacher: Teacher | None = None
    seed: int = 0
    split_seed: int = 0
    teacher_seed: int = 0
    size: int | None = None
    skip_corrupt: bool = False
    precision: Precision = "float32"
    device: str = "auto"
    protocols: tuple[Protocol, ...] | None = None
    controls: tuple[Control, ...] = ("random", "nearest", "whole")
    snapshots: int = 24
    recording_mb: float = 200.0

    def __post_init__(self) -> None:
        if isinstance(self.snapshots, int) and self.snapshots < 2:  # other types are told where all are
            raise ValueError(f"snapshots: expected at least 2 (the start and the end), got {self.snapshots}")

    def to_json(self) -> codec.Json:
        """JSON-ready fields; the method under its name."""
        return codec.encode(self, METHODS)

    @classmethod
    def from_json(cls, data: Mapping[str, codec.Json]) -> "Config":
        """The config that `to_json` wrote. Raises ValueError for an unknown field or method, with the nearest known."""
        return codec.decode(cls, data, METHODS, "config")

    @classmethod
    def load(cls, path: Path | str) -> "Config":
        """The config of a JSON file, or of a run folder: with the protocols and controls that were last asked of it.

        Raises ValueError naming the file for one that is no config.
        """
        path = Path(path)
        file = path / "config.json" if path.is_dir() else path
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(f"{file}: expected a JSON config or a run folder: {error}") from None
        if isinstance(data, dict) and isinstance(data.get("config"), dict):
            data = {**data["config"], **_asked(file.parent / "events.jsonl")}
        try:
            return cls.from_json(data)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None

    def change(self, **fields: object) -> "Config":
        """A copy with dotted fields changed, dots written as two underscores: `change(method__ipc=1)`.

        Raises ValueError for an unknown field, and for one of a teacher that is left to the recipe.
        """
        changed = self
        for name, value in fields.items():
            changed = change_field(changed, name.replace("__", "."), value)
        return changed

    def resolved(self, split: Split) -> "Config":
        """The same with the recipe of the data set in place of what was left open."""
        chosen = recipe(self.dataset, images=len(split.train), size=split.train.images.shape[2])
        return replace(
            self,
            teacher=self.teacher or chosen.teacher,
            protocols=chosen.protocols if self.protocols is None else self.protocols,
        )

    def checked(self, split: Split) -> "Config":
        """The same, resolved, if it can be run on the split; nothing is trained to find out.

        Raises ValueError for fields that a config file could not hold, for images without content, for networks that
        do not take them, and for protocols that a table could not tell apart.
        """
        darkest = split.train.images.min()
        if darkest == split.train.images.max():
            raise ValueError(
                f"{split.name}: constant images: every training pixel is {darkest}; check how they were converted"
            )
        method_name(self.method)
        known = Config.from_json(self.resolved(split).to_json())  # values set from Python are checked as those of files
        titles = [protocol.title for protocol in known.protocols or ()]
        for title in titles:
            if titles.count(title) > 1:
                raise ValueError(f"protocols: several are called {title!r}; tell them apart with Protocol(name=...)")
        for network, size in _networks(known, split):
            with torch.device("meta"):  # shapes alone, whatever the weights
                build(
                    replace(network, weights=None),
                    classes=len(split.classes),
                    channels=split.train.images.shape[1],
                    size=size,
                    normalisation=split.normalisation,
                    seed=0,
                )
        return known

    def run_hash(self, split: Split) -> str:
        """Hex digits of everything that decides the distilled set; the protocols are not part of it."""
        known = self.resolved(split)
        parts = {
            "data": split.fingerprint,
            "method": codec.encode(known.method, METHODS),
            "teacher": codec.encode(known.teacher),
            "seeds": [self.seed, self.split_seed, self.teacher_seed],
            "precision": self.precision,
            "recording": [self.snapshots, self.recording_mb],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def run_name(self, split: Split) -> str:
        """Name of the run's folder: <dataset>-<method>-<ipc>-<hash8>."""
        dataset = re.sub(r"[^A-Za-z0-9]+", "-", self.dataset).strip("-")[-40:]
        return f"{dataset or 'data'}-{method_name(self.method)}-{self.method.ipc}-{self.run_hash(split)[:8]}"


@dataclass(frozen=True)
class Recipe:
    """A teacher and protocols that suit a data set."""

    teacher: Teacher
    protocols: tuple[Protocol, ...]


def change_field(config: Config, field: str, value: object) -> Config:
    """The config with one dotted field changed; fields of a teacher only where there is one."""
    if field.startswith("teacher.") and config.teacher is None:
        raise ValueError(
            f"cannot set {field!r}: the teacher is left to the recipe of the data set; "
            f"give one, or take config.resolved(split)"
        )
    if field.partition(".")[0] not in vars(config) and (meant := _ending_in(config, field)):
        raise ValueError(f"unknown field of Config {field!r}. Did you mean {' or '.join(map(repr, meant))}?")
    if field == "method" and not is_dataclass(value):
        kind = METHODS.get(value, WMDD) if isinstance(value, str) else WMDD
        raise ValueError(f"method: expected a method, got {shown(value)}; write wddkit.methods.{kind.__name__}(ipc=1)")
    return codec.change(config, field, value)


def _ending_in(config: Config, field: str) -> list[str]:
    """The dotted fields whose last part this is; those of a teacher also where it is left to the recipe."""
    parts = vars(config) | {"teacher": config.teacher or Teacher()}
    found = []
    while parts:
        found += [name for name in parts if name.endswith(f".{field}")]
        deeper = [(name, value) for name, value in parts.items() if is_dataclass(value)]
        parts = {f"{name}.{key}": each for name, value in deeper for key, each in vars(value).items()}
    return found


def config_given(value: object, *, where: str = "") -> Config:
    """The value, if it is a config. Raises ValueError that says what to write for what often stands in its place."""
    if isinstance(value, Config):
        return value
    raise ValueError(f"{where}expected a Config, got {shown(value)}; write {_written(value)}")


def _written(value: object) -> str:
    if isinstance(value, str) and value in METHODS:
        return f"Config(method=wddkit.methods.{METHODS[value].__name__}())"
    if isinstance(value, (str, Path)) and Path(value).exists():
        return f"Config.load({str(value)!r})"
    if isinstance(value, str):
        return f"Config(dataset={value!r})"
    if isinstance(value, tuple(METHODS.values())):
        return f"Config(method={type(value).__name__}(...))"
    if isinstance(value, Split):
        return "Config(), and give the images as split=..."
    if isinstance(value, Mapping):
        return "Config.from_json(...)"
    return "Config(dataset=..., method=...)"


def check_protocols(config: Config) -> None:
    """Raises ValueError for a config that no student is to be trained under."""
    if config.protocols is not None and not config.protocols:
        raise ValueError(
            "protocols=(): there is nothing to compare under; name some, such as "
            "protocols=(wddkit.Protocol('hard'),), or leave them out: then they are the data set's"
        )


def described(protocol: Protocol) -> codec.Json:
    """The protocol as a results file holds it: under the name that it has in tables."""
    return {**codec.encode(protocol), "name": protocol.title}


def protocol_key(description: codec.Json) -> str:
    """Name of the results file of a protocol, from its description."""
    return codec.digest(description)[:16]


def controls(config: Config) -> dict[str, Control]:
    """The controls by the names of their sets in tables."""
    return {WHOLE if control == "whole" else control: control for control in config.controls}


def control_methods(method: Method) -> dict[str, Method]:
    """The controls that are distilled, beside this method: as many images, and masses that it learns if it does."""
    masses: Masses = getattr(method, "masses", "uniform")
    return {"random": Random(method.ipc), "nearest": Nearest(method.ipc, masses=masses)}


def method_name(method: Method) -> str:
    """The method's key in METHODS."""
    names = [name for name, kind in METHODS.items() if kind is type(method)]
    if isinstance(method, str) and method in METHODS:
        raise ValueError(
            f"method: expected a method, got {method!r}; write method=wddkit.methods.{METHODS[method].__name__}()"
        )
    if not names:
        raise ValueError(f"{type(method).__name__} is not in METHODS; known: {', '.join(sorted(METHODS))}")
    return names[0]


def recipe(dataset: str, *, images: int, size: int) -> Recipe:
    """Teacher and protocols for a data set by name, else by its number of images and their size.

    Digits must not be mirrored, and small images not be cropped hard. Students see few images often: more steps would
    let any images do under `online` labels, because then it is the teacher that teaches. Chosen on validation.
    """
    mirrors = dataset not in {"digits", "mnist", "kmnist"}
    flip = 0.5 if mirrors else 0.0
    network = Network(width=32) if size <= 32 else Network(name="resnet-small", width=32)
    epochs = 30 if images <= 5_000 else 10
    teacher = Training(
        steps=min(6_000, max(400, epochs * images // 64)),
        batch=64,
        lr=4e-3,
        augment=Augment(crop=(0.7 if size <= 32 else 0.4, 1.0), shift=0.1, flip=flip),
    )
    student = Training(
        steps=400 if size <= 16 else 600,
        batch=30 if size <= 16 else 64,
        lr=3e-3,
        augment=Augment(crop=(0.85 if size <= 32 else 0.5, 1.0), shift=0.04, flip=flip),
    )
    return Recipe(Teacher(network, teacher), (Protocol(labels="online", network=network, training=student),))


def recipe_protocols(
    config: Config, *, split: Split, labels: tuple[str, ...] = (), students: int | None = None
) -> tuple[Protocol, ...]:
    """The config's protocols, or those of these names (see `protocol_named`), or another number of students."""
    known = config.resolved(split).protocols
    assert known is not None  # resolved
    if labels:
        check_protocols(replace(config, protocols=known))
        known = tuple(protocol_named(label, known[0]) for label in labels)
    return known if students is None else tuple(replace(protocol, students=students) for protocol in known)


def _networks(config: Config, split: Split) -> Iterator[tuple[Network, int]]:
    """All networks of a resolved config, each with the size of images it will be given."""
    size = split.train.images.shape[2]
    assert config.teacher is not None
    assert config.protocols is not None
    yield config.teacher.network, size
    for protocol in config.protocols:
        yield protocol.network, protocol.resize or size
    yield from ((value, size) for value in vars(config.method).values() if isinstance(value, Network))


def _asked(events: Path) -> codec.Json:
    """Protocols and controls that were last asked of a run; nothing if its log does not tell."""
    asked = [event for event in read_log(events) if event["event"] == "asked"] if events.is_file() else []
    return {name: asked[-1][name] for name in ("protocols", "controls")} if asked else {}
