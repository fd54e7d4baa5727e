"""What a run will cost, told before it starts: from a few timed steps of its own networks."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from wddkit.augment import PARAMETERS
from wddkit.config import Config, method_name
from wddkit.data import Split
from wddkit.experiment import choose_device, task_of
from wddkit.methods.base import check
from wddkit.nets import Net, Network, build, size_bytes
from wddkit.stages.students import Protocol
from wddkit.stages.training import Training

_TIMED = 3  # steps, after one to warm up


@dataclass(frozen=True)
class Estimate:
    """Rough cost of a run, assuming that nothing of it is in the cache."""

    teacher_seconds: float
    method_seconds: float | None  # None: the method's steps are not steps of the teacher
    student_seconds: float
    memory_mb: float
    disk_mb: float
    label_bytes: dict[str, int]  # by label regime

    def __str__(self) -> str:
        method = "not known" if self.method_seconds is None else f"{self.method_seconds:.0f} s"
        labels = ", ".join(f"{regime} {count:,}" for regime, count in self.label_bytes.items())
        return (
            f"time:   teacher {self.teacher_seconds:.0f} s, images {method}, students {self.student_seconds:.0f} s "
            f"(measured on a few steps; less for what is in the cache)\n"
            f"memory: about {self.memory_mb:,.0f} MB beside the program itself\n"
            f"disk:   at most {self.disk_mb:,.1f} MB\n"
            f"labels: bytes of the distilled set's labels: {labels}"
        )


def estimate(config: Config, split: Split) -> Estimate:
    """Time, memory, disk and label bytes of a run, without training or writing anything.

    Raises ValueError for what `run` would refuse.
    """
    config = config.checked(split)
    check(config.method, task_of(config, split))
    assert config.teacher is not None
    assert config.protocols is not None
    device = choose_device(config.device)
    n, channels, size, _ = split.train.images.shape
    teacher, training = config.teacher.network, config.teacher.training
    steps = getattr(config.method, "steps", 0)
    images = config.method.ipc * len(split.classes)
    net = _net(teacher, split, device)
    sets = 1 + len(config.controls)
    known = method_name(config.method) in ("wmdd", "sre2l", "random", "nearest", "tiled")
    block = min(images, getattr(config.method, "block", images))
    committee: tuple[float, ...] = getattr(config.method, "committee", ())  # members' shares of the teacher's training
    each_step = _seconds(net, block, channels, size, weights=False) * images / block if steps and known else 0.0
    squeezed = training.steps * _seconds(net, min(n, training.batch), channels, size, weights=True)
    return Estimate(
        teacher_seconds=squeezed,
        method_seconds=squeezed * sum(committee) + steps * each_step * (1 + len(committee)) if known else None,
        student_seconds=sum(sets * p.students * _student_seconds(p, split, net, images) for p in config.protocols),
        memory_mb=_memory(net, max(block, training.batch), channels, size) + 2 * n * channels * size**2 * 4 / 1e6,
        disk_mb=min(config.recording_mb, config.snapshots * images * (channels * min(size, 64) ** 2 + 2048) / 1e6),
        label_bytes=_label_bytes(config, images, len(split.classes), size_bytes(net)),
    )


def _net(network: Network, split: Split, device: torch.device) -> Net:
    _, channels, size, _ = split.train.images.shape
    net = build(
        network,
        classes=len(split.classes),
        channels=channels,
        size=size,
        normalisation=split.normalisation,
        seed=0,
    )
    return net.to(device)


def _student_seconds(protocol: Protocol, split: Split, teacher: Net, images: int) -> float:
    """Seconds of one student; under `online` labels the teacher is called at every step as well."""
    _, channels, size, _ = split.train.images.shape
    size = protocol.resize or size
    training: Training = protocol.training
    batch = min(images, training.batch)
    net = _net(protocol.network, split, next(teacher.parameters()).device)
    seconds = _seconds(net, batch, channels, size, weights=True)
    if protocol.labels == "online":
        seconds += _seconds(teacher, batch, channels, size, weights=False) / 2
    return training.steps * seconds


def _seconds(net: Net, batch: int, channels: int, size: int, *, weights: bool) -> float:
    """Seconds of one forward and backward pass, to the weights or to the images."""
    reference = next(net.parameters())
    x = torch.rand(batch, channels, size, size, device=reference.device)
    net.requires_grad_(weights)
    x.requires_grad_(not weights)
    labels = torch.zeros(batch, dtype=torch.long, device=reference.device)

    def step() -> None:
        F.cross_entropy(net(x), labels).backward()

    step()
    return _timed(step, reference.device) / _TIMED


def _timed(step: Callable[[], None], device: torch.device) -> float:
    started = time.monotonic()
    for _ in range(_TIMED):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.monotonic() - started


def _memory(net: Net, batch: int, channels: int, size: int) -> float:
    """MB of parameters with their gradients and moments, and of activations that backward needs."""
    activations = 0

    def count(_: torch.nn.Module, __: object, output: object) -> None:
        nonlocal activations
        activations += output.numel() * output.element_size() if isinstance(output, torch.Tensor) else 0

    handles = [m.register_forward_hook(count) for m in net.modules() if not list(m.children())]
    with torch.no_grad():
        net(torch.rand(2, channels, size, size, device=next(net.parameters()).device))
    for handle in handles:
        handle.remove()
    return (4 * size_bytes(net) + 2 * activations / 2 * batch) / 1e6


def _label_bytes(config: Config, images: int, classes: int, teacher_bytes: int) -> dict[str, int]:
    views = max((p.views for p in config.protocols or () if p.labels == "views"), default=Protocol().views)
    seen = images * getattr(config.method, "factor", 1) ** 2  # images that students train on
    return {
        "hard": images * (1 if classes <= 256 else 2),
        "soft": 2 * seen * classes,
        f"views ({views})": seen * views * (2 * classes + 4 * PARAMETERS),
        "online (the teacher)": teacher_bytes,
    }
