"""What the command prints of a run and of the methods that there are."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any


def summary(history: Any) -> str:
    """The table of a run: accuracy, interval, label regime, bytes, squared W2; and seconds a stage.

    Near 100 % a t-interval reaches beyond what an accuracy can be: here its ends are clipped to 0 and 100, in
    `history.results` they are not.
    """
    lines = [
        f"\n{'set':16} {'protocol':10} {'accuracy':>9} {'95 % interval':>16} "
        f"{'bytes':>11} {'W2^2 train':>11} {'held-out':>9}"
    ]
    for row in history.results.itertuples():
        distances = [f"{v:.3f}" if v is not None and v == v else "-" for v in (row.w2_squared, row.w2_squared_heldout)]
        interval = f"{max(row.low, 0):7.2f} -{min(row.high, 100):6.2f}" if row.n > 1 else f"{'one student':>15}"
        lines.append(
            f"{row.set:16} {row.protocol:10} {row.accuracy:7.2f} % {interval} "
            f"{row.bytes:11,} {distances[0]:>11} {distances[1]:>9}"
        )
    stages: dict[str, float] = {}
    for event in history.events:
        if event["event"] == "stage":
            stages[event["name"]] = stages.get(event["name"], 0.0) + event["seconds"]
    lines += [
        "Intervals: over students of one synthesis. W2^2: squared Wasserstein distance of features, mean over classes.",
        "Seconds: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items()),
    ]
    return "\n".join(lines)


def known_methods() -> Iterator[str]:
    """Lines about the methods by family: where they come from, how faithful they are, what a step takes, defaults."""
    from wddkit.methods import FAMILIES, METHODS

    for family, about in FAMILIES.items():
        yield f"{family}: {about}\n"
        for name, kind in METHODS.items():
            if kind.family != family:
                continue
            yield f"  {name:10} {(kind.__doc__ or '').strip().splitlines()[0]}"
            yield f"{'':13}{kind.fidelity}; {kind.paper}; a step: {kind.step_cost}"
            method = kind()
            # The protocol does not say what every method is: a dataclass.
            yield f"{'':13}{', '.join(f'{f.name}={getattr(method, f.name)!r}' for f in fields(method))}\n"  # type: ignore[arg-type]
