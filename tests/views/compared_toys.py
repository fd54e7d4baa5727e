"""Tables as `wddkit.compare` gives them, with numbers that one knows."""

import math
from typing import Any

import pandas as pd

WHOLE = "whole real set"
BITS = {"hard": 3.3, "soft": 160.0, "online": 240_000.0}


def row(
    name: str, mean: float, half: float, gain: float = math.nan, own: float = math.nan, **more: Any
) -> dict[str, Any]:
    """A row: accuracy mean ± half, gain ± own."""
    protocol = more.get("protocol", "hard")
    return {
        "dataset": "digits",
        "protocol": protocol,
        "ipc": None if name == WHOLE else 10,
        "set": name,
        "settings": "",
        "labels": protocol.partition("@")[0],
        "network": "convnet(width=32)",
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "interval": "3 syntheses",
        "gain": gain,
        "gain_low": gain - own,
        "gain_high": gain + own,
        "p_holm": math.nan,
        "label_bits": BITS.get(protocol, 3.3),
        "best": False,
        "run": f"runs/digits-{name}",
        **more,
    }


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows)).astype({"ipc": "Int64"})


def compared(protocol: str = "hard", *, up: float = 0.0) -> pd.DataFrame:
    """Six sets under one protocol; the first leads, and only its gain stands."""
    return table(
        row("wmdd", 88.2 + up, 1.1, 9.0, 1.4, p_holm=0.012, best=True, protocol=protocol),
        row("random", 79.2 + up, 2.3, protocol=protocol),
        row("nearest", 84.1 + up, 1.6, 4.9, 5.2, p_holm=0.09, protocol=protocol),
        row(WHOLE, 97.5, 0.4, 18.3, 2.1, protocol=protocol),
        row("dm", 80.0 + up, 3.2, 0.8, 4.0, p_holm=0.55, protocol=protocol),
        row("k-center", 66.3 + up, 4.4, -12.9, 6.1, p_holm=0.2, protocol=protocol),
    )


def told() -> pd.DataFrame:
    """Gains over random and over chosen images, one of them of equal differences."""
    nearest = {"selection": "nearest", "gain_selection": 4.1, "gain_selection_low": 3.1, "gain_selection_high": 5.1}
    return table(
        row("wmdd", 88.2, 1.1, 9.0, 1.4, p_holm=0.012, detectable=2.34, p_selection_holm=0.02, **nearest),
        row("nearest", 84.1, 1.6, 4.9, detectable=math.nan, selection=""),
        row("random", 79.2, 2.3, detectable=3.0, selection=""),
    )


def several() -> pd.DataFrame:
    """The same sets under three protocols."""
    return pd.concat([compared("hard"), compared("soft", up=5.0), compared("online", up=8.0)], ignore_index=True)
