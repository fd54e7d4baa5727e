"""From a distilled set to its row in a table: students, cached one by one, and the distances beside them."""

import hashlib
import html
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np

from wddkit import codec
from wddkit.closeness import closeness
from wddkit.config import WHOLE, Config, Control, control_methods, controls, described, method_name
from wddkit.costs import Spent, label_bits, spending
from wddkit.data import DistilledSet, ImageSet, Split
from wddkit.history.tables import interval
from wddkit.methods import Context, Task
from wddkit.nets import size_bytes
from wddkit.stages.calibration import Calibration
from wddkit.stages.students import Protocol, Trained, labelled, train_student
from wddkit.stages.training import Tick, accuracy, silent

_VERSION = 2  # of what is kept of a student: entries of another one are not found, and trained anew


@dataclass(frozen=True)
class Evaluation:
    """Accuracies of the students of one set under one protocol, in percent, and what the set costs."""

    name: str
    protocol: Protocol
    students: tuple[Trained, ...]
    bytes: int
    seconds: float  # of training and testing the students, when they were trained
    distances: Mapping[str, float] = field(default_factory=dict)  # to the real images, see `wddkit.closeness`
    label_bits: float = math.nan  # an image, see `wddkit.costs.label_bits`

    @property
    def w2_squared(self) -> float | None:
        """Squared W2 of the set's features to the training features, mean over classes; None: not measured."""
        return _told(self.distances.get("w2_squared", math.nan))

    @property
    def w2_squared_heldout(self) -> float | None:
        """The same to the validation features."""
        return _told(self.distances.get("w2_squared_heldout", math.nan))

    @property
    def ece(self) -> float:
        """Expected calibration error in percentage points, mean over the students; see `Calibration`."""
        return float(np.mean([student.calibration.ece for student in self.students]))

    @property
    def brier(self) -> float:
        """Brier score, 0 to 2, mean over the students; see `Calibration`."""
        return float(np.mean([student.calibration.brier for student in self.students]))

    @property
    def per_class(self) -> tuple[float, ...]:
        """Test accuracy of each class in percent, mean over the students; NaN for one without test images."""
        return tuple(map(float, np.mean([student.per_class for student in self.students], axis=0)))

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Test accuracy of each student after its last step."""
        return tuple(student.accuracy for student in self.students)

    @property
    def accuracy(self) -> float:
        """Mean over the students."""
        return float(np.mean(self.accuracies))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % t-interval of the mean over students; it says nothing of another synthesis."""
        return interval(self.accuracies)

    def __float__(self) -> float:
        return self.accuracy

    def __repr__(self) -> str:
        return f"Evaluation({self.name}: {', '.join(f'{name} {value}' for name, value in self._table().items())})"

    def _repr_html_(self) -> str:
        rows = {"set": self.name, **self._table()}
        return f"<table>{''.join(f'<tr><th>{k}</th><td>{html.escape(v)}</td></tr>' for k, v in rows.items())}</table>"

    def _table(self) -> dict[str, str]:
        """What is to be seen at a glance, as text."""
        low, high = self.interval
        spread = f" ({low:.2f} to {high:.2f}, 95 % over students)" if len(self.students) > 1 else " (one student)"
        return {
            "accuracy": f"{self.accuracy:.2f} %{spread}",
            "students": ", ".join(f"{value:.2f}" for value in self.accuracies),
            "labels": self.protocol.labels,
            "bytes": f"{self.bytes:,}",
        }

    def to_json(self) -> codec.Json:
        """The row as `History` reads it."""
        return {
            "set": self.name,
            "accuracies": list(self.accuracies),
            "per_class": [[_told(value) for value in s.per_class] for s in self.students],
            "ece": _told(self.ece),
            "brier": _told(self.brier),
            "bytes": self.bytes,
            "label_bits": _told(self.label_bits),
            "seconds": self.seconds,
            **{name: _told(value) for name, value in self.distances.items()},
        }


def _told(value: float) -> float | None:
    """The number, or None for one that is not finite, which JSON does not have."""
    return float(value) if math.isfinite(value) else None


def evaluate_set(
    name: str,
    distilled: DistilledSet,
    test: ImageSet,
    task: Task,
    protocol: Protocol,
    *,
    seed: int,
    tick: Tick = silent,
) -> Evaluation:
    """The evaluation of one set; students that were trained before, by everything that decides them, are reused."""
    distilled = labelled(distilled, protocol, task.teacher(), seed=seed)
    students, seconds = [], 0.0
    for i in range(protocol.students):
        trained, took = _student(name, distilled, test, task, protocol, i, seed, tick)
        students.append(trained)
        seconds += took
    teacher_bytes = size_bytes(task.teacher()) if protocol.labels == "online" else 0
    return Evaluation(
        name,
        protocol,
        tuple(students),
        distilled.size_bytes(protocol.labels, teacher_bytes),
        round(seconds, 3),
        closeness(distilled, task),
        label_bits=label_bits(distilled, protocol, size_bytes(task.teacher())),
    )


def _student(
    name: str,
    distilled: DistilledSet,
    test: ImageSet,
    task: Task,
    protocol: Protocol,
    student: int,
    seed: int,
    tick: Tick,
) -> tuple[Trained, float]:
    settings = {
        "version": _VERSION,
        "set": fingerprint(distilled),
        "test": test.fingerprint,
        "protocol": codec.encode(replace(protocol, name="", students=1)),
        "student": student,
        "seed": seed,
    }
    total = protocol.students * protocol.training.steps

    def shown(_: str, done: int, __: int, scalars: Mapping[str, Any]) -> None:
        tick(f"evaluate {name} ({protocol.title})", student * protocol.training.steps + done, total, scalars)

    def build() -> dict[str, np.ndarray]:
        started = time.monotonic()
        found = train_student(
            distilled,
            test,
            protocol,
            student=student,
            normalisation=task.normalisation,
            teacher=task.teacher(),
            seed=seed,
            tick=shown,
        )
        return {
            "accuracy": np.array(found.accuracy),
            "per_class": np.array(found.per_class),
            "calibration": np.array([found.calibration.ece, found.calibration.brier]),
            "seconds": np.array(time.monotonic() - started),
        }

    arrays = task.artifact("students", settings, build)
    per_class = tuple(map(float, arrays["per_class"]))
    found = Calibration(*map(float, arrays["calibration"]))
    return Trained(float(arrays["accuracy"]), per_class, found), float(arrays["seconds"])


def results(
    config: Config,
    split: Split,
    task: Task,
    distilled: DistilledSet,
    protocol: Protocol,
    *,
    spent: Spent,
    known: codec.Json | None = None,
    tick: Tick = silent,
) -> codec.Json:
    """The value of a results file: rows of the method's set and of the controls asked for, now or before (`known`).

    `spent`: what the method's own set took to be made.
    """
    rows = []
    for name, each, cost in _sets(config, split, task, distilled, spent, recorded=_names(known)):
        row = evaluate_set(name, each, split.test, task, protocol, seed=config.seed, tick=tick)
        made = {"distil_seconds": _told(round(cost.seconds, 3)), "memory_mb": _told(round(cost.memory_mb, 1))}
        rows.append({**row.to_json(), **made, "ipc": None if name == WHOLE else config.method.ipc})
    return {
        "protocol": described(protocol),
        "teacher_accuracy": accuracy(task.teacher(), split.test.images, split.test.labels),
        "rows": rows,
    }


def missing_sets(known: codec.Json | None, config: Config) -> set[str]:
    """Names of the sets that the config asks for and that the value of a results file has not."""
    return {method_name(config.method), *controls(config)} - _names(known)


def _names(known: codec.Json | None) -> set[str]:
    return set() if known is None else {row["set"] for row in known["rows"]}


def _sets(
    config: Config, split: Split, task: Task, distilled: DistilledSet, spent: Spent, *, recorded: set[str]
) -> Iterator[tuple[str, DistilledSet, Spent]]:
    """The method's set and its controls, drawn anew by the synthesis seed, with what it took to make them."""
    own = method_name(config.method)
    yield own, distilled, spent
    methods = control_methods(config.method)
    context = Context(seed=config.seed, device=task.device, precision=config.precision)
    for control in get_args(Control):
        name = WHOLE if control == "whole" else control
        if name == own or (control not in config.controls and name not in recorded):
            continue
        if control == "whole":
            yield name, whole_set(split, task), Spent()
        else:
            with spending(task) as cost:
                *_, last = methods[control].distill(task, context)
            assert last.distilled is not None
            yield name, last.distilled, cost


def whole_set(split: Split, task: Task) -> DistilledSet:
    """The training images themselves, as the control that nothing was lost."""
    counts = np.bincount(split.train.labels, minlength=len(split.classes))
    return DistilledSet(
        images=split.train.images,
        labels=split.train.labels,
        classes=split.classes,
        masses=1 / counts[split.train.labels],
        normalisation=task.normalisation,
        about={"method": WHOLE},
    )


def fingerprint(distilled: DistilledSet) -> str:
    """64 hex digits of everything in the set that a student can see."""
    digest = hashlib.sha256(repr((distilled.formation, distilled.soft_kind, distilled.images.shape)).encode())
    for array in (distilled.images, distilled.labels, distilled.masses, distilled.soft):
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    if distilled.views is not None:
        digest.update(distilled.views.parameters.tobytes() + distilled.views.logits.tobytes())
    return digest.hexdigest()
