"""What `wddkit compare` prints: gains over random and over chosen images, in a table that fits a terminal."""

import math

import pandas as pd

from wddkit.designs import as_text


def compared() -> pd.DataFrame:
    """A table of `wddkit.compare`, as far as it is printed."""
    shared = {"dataset": "digits", "protocol": "hard", "ipc": 10, "settings": "", "interval": "3 syntheses"}
    costs = {"trials": 1, "bytes": 650, "label_bits": 3.3, "distil_seconds": 1.5}
    columns = ["set", "mean", "low", "high", "gain", "gain_low", "gain_high", "p_holm", "detectable", "selection"]
    columns += ["gain_selection", "gain_selection_low", "gain_selection_high", "p_selection_holm"]
    none = math.nan
    rows = [
        ("wmdd", 88.2, 87.1, 89.3, 9.0, 7.6, 10.4, 0.012, 2.34, "nearest", 4.1, 3.1, 5.1, 0.02),
        ("nearest", 84.1, 82.5, 85.7, 4.9, *[none] * 4, "", *[none] * 4),
        ("random", 79.2, 76.9, 81.5, *[none] * 4, 3.0, "", *[none] * 4),
    ]
    return pd.DataFrame(rows, columns=columns).assign(**shared, **costs)


def test_a_printed_comparison_tells_gains_over_chosen_images_and_stays_narrow() -> None:
    frame = compared()
    lines = as_text(frame).splitlines()
    assert lines[0].split() == [
        *("protocol", "ipc", "set", "mean", "gain", "p_holm", "detectable"),
        *("selection", "gain_over_it", "its_p_holm", "bytes", "label_bits", "distil_s"),
    ]  # fmt: skip
    wmdd, nearest, random = (" ".join(line.split()) for line in lines[1:4])
    assert wmdd == "hard 10 wmdd 88.20 ± 1.10 +9.00 ± 1.40 0.01 2.34 nearest +4.10 ± 1.00 0.02 650 3.30 1.50"
    assert nearest == "hard 10 nearest 84.10 ± 1.60 +4.90 - - - - - 650 3.30 1.50"  # equal differences
    assert random == "hard 10 random 79.20 ± 2.30 - - 3.00 - - - 650 3.30 1.50"
    assert lines[4].startswith(
        "±: half the 95 % t-interval over 3 syntheses. Gains are paired: over random images, and"
    )
    assert max(map(len, lines)) <= 160
    alone = frame.assign(selection="", gain_selection=math.nan, p_selection_holm=math.nan)
    assert "selection" not in as_text(alone).splitlines()[0]
