"""What needs a GPU: `make bench-gpu` (at most 25 minutes a call; call it again and it goes on where it was).

ResNet-18 on Imagenette at 96 px, compared within itself alone: does the paper's order of methods hold? And DM on MNIST
and Fashion-MNIST by its recipe under DC's and DSA's protocol, beside numbers that are quoted for it: before a method is
called "reproduced", they have to be read in its paper. Data files are looked for in WDDKIT_DATA.
`--small` does the same in a few steps and on networks that a CPU can train, to see that it runs.
"""

import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pandas as pd
from data_sets import found

import wddkit as wdd
from wddkit.methods import DM, METHODS
from wddkit.nets import Network
from wddkit.protocols import protocol_named

OUT, MINUTES = Path("runs/gpu"), 25
ORDERED = ("nearest", "sre2l", "rded", "wmdd")
DM_RECIPE = DM(steps=20_000, batch=256, network=Network(width=128, growth=1, norm="instance", pooling="flatten"))
# Percent, DC's and DSA's protocol; quoted from memory, not read in a table.
YARDSTICKS = {
    ("mnist", 1): {"dm": 89.7, "random": 64.9},
    ("mnist", 10): {"dm": 97.5, "random": 95.1},
    ("fashion-mnist", 1): {"dm": 70.7, "random": 51.4},
    ("fashion-mnist", 10): {"dm": 83.5, "random": 73.8},
}


def main(*, small: bool) -> None:
    """Everything in turn, until it is done or the time is over."""
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.alarm(60 * MINUTES)
    started = time.monotonic()
    try:
        for table in chain(yardsticks(small=small), imagenette(small=small)):
            print(table, flush=True)
    except KeyboardInterrupt:
        sys.exit(f"stopped after {(time.monotonic() - started) / 60:.0f} minutes: the same command goes on from here")
    print(f"done after {(time.monotonic() - started) / 60:.0f} minutes (less where runs were there already)")


def imagenette(*, small: bool) -> Iterator[str]:
    """The methods of the paper's comparison on ResNet-18, one IPC after the other."""
    network = Network(name="resnet-small") if small else Network(name="resnet18")
    for ipc in (1,) if small else (1, 10, 50):
        frame = compared(wdd.Config(dataset="imagenette96"), ORDERED, ipc, network, small=small)
        if frame is not None:
            yield f"\nImagenette at 96 px, {network.name}, IPC {ipc}\n{wdd.to_markdown(frame)}"


def compared(
    base: wdd.Config, methods: tuple[str, ...], ipc: int, network: Network, *, small: bool
) -> pd.DataFrame | None:
    """A comparison in which teacher and students are this network, or None where the data set is not here."""
    split = found(base.dataset)
    if split is None:
        return None
    base, recipe = resolved(base, split, network, small=small)
    protocols = [protocol_named(each, replace(recipe, students=1)) for each in ("hard", "soft", "online")]
    fewer = {"steps": 3} if small else {}
    made = [METHODS[each](ipc=ipc, **({} if each in ("nearest", "rded") else fewer)) for each in methods]
    configs = [replace(base, method=method) for method in made]
    return wdd.compare(configs, seeds=1 if small else 3, protocols=protocols, out=OUT, split=split)


def yardsticks(*, small: bool) -> Iterator[str]:
    """DM under the protocol of its paper, one synthesis and five students, beside its numbers."""
    for (dataset, ipc), reported in YARDSTICKS.items():
        split = found(dataset)
        if split is None:
            continue
        method = replace(DM_RECIPE, ipc=ipc, **({"steps": 3, "batch": 8} if small else {}))
        own = wdd.Config(dataset=dataset, method=method, controls=("random",))
        base, recipe = resolved(own, split, None, small=small)
        protocol = replace(protocol_named("dsa", recipe), students=1 if small else 5)
        if small:
            protocol = replace(protocol, training=replace(protocol.training, steps=10))
        frame = wdd.compare([base], seeds=1, protocols=[protocol], out=OUT, split=split)
        here = frame.set_index("set")["mean"]
        for name, quoted in reported.items():
            yield f"{dataset}, IPC {ipc}, protocol dsa, {name}: {here[name]:.1f} % here, {quoted} quoted"


def resolved(
    config: wdd.Config, split: wdd.Split, network: Network | None, *, small: bool
) -> tuple[wdd.Config, wdd.Protocol]:
    """The config with a teacher of this network (None: as the recipe has it), and the recipe's protocol with it."""
    known = config.resolved(split)
    assert known.teacher is not None
    assert known.protocols is not None
    teacher, protocol = known.teacher, known.protocols[0]
    if network is not None:
        teacher, protocol = replace(teacher, network=network), replace(protocol, network=network)
    if small:
        teacher = replace(teacher, training=replace(teacher.training, steps=10))
        protocol = replace(protocol, training=replace(protocol.training, steps=10))
    return replace(config, teacher=teacher), protocol


if __name__ == "__main__":
    if set(sys.argv[1:]) - {"--small"}:
        sys.exit("usage: gpu.py [--small]")
    main(small="--small" in sys.argv)
