"""The README's tables of results are those that its commands have left beside the notebooks."""

import importlib.util
import itertools
import math
import re
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
RECORDED = ROOT / "notebooks" / "recorded"


def bench(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "bench" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    if str(ROOT / "tests" / "bench") not in sys.path:
        sys.path.append(str(ROOT / "tests" / "bench"))  # where it finds what benchmarks share
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where its dataclasses look for their module
    spec.loader.exec_module(module)
    return module


def recorded(kind: str, name: str) -> pd.DataFrame:
    """What a command has left."""
    return pd.read_csv(RECORDED / kind / f"{name}.csv")


@pytest.mark.parametrize("name", ["digits", "shapes", "fashion-mnist"])
def test_the_question_has_the_recorded_answers(name: str) -> None:
    found = recorded("question", name)
    told = bench("question").lines(found)
    assert [line for line in README.splitlines() if re.match(rf"\| {name} \| \d", line)] == told
    counted = bench("tables").told_apart(found).replace("\n", "\n  ")
    assert f"\n- {name}: {counted}\n" in README


PARTS = {  # what the README says of each part of the method: its difference to the whole, with the sign turned or not
    ("digits", 1, "hard", "targets alone"): "recovery costs {:.1f} points [{:.1f}, {:.1f}] on digits",
    ("fashion-mnist", 1, "hard", "targets alone"): "and {:.1f} [{:.1f}, {:.1f}] on Fashion-MNIST, leaving",
    ("digits", 1, "hard", "features alone"): "leaving out the statistics {:.1f} [{:.1f}, {:.1f}] on digits,",
    ("digits", 1, "hard", "statistics alone"): "the target then) {:.1f} [{:.1f}, {:.1f}] on digits and",
    ("fashion-mnist", 1, "hard", "statistics alone"): "and {:.1f} [{:.1f}, {:.1f}] on Fashion-MNIST, and the",
    ("fashion-mnist", 1, "hard", "from random images"): "from nearest images {:.1f} [{:.1f}, {:.1f}] there",
    ("fashion-mnist", 10, "hard", "statistics alone"): "gains {:.1f} points [{:.1f}, {:.1f}] under hard labels",
    ("digits", 10, "soft", "statistics alone"): "and {:.1f} [{:.1f}, {:.1f}] under soft ones on digits",
    ("digits", 10, "online", "targets alone"): "the whole method by {:.1f} points [{:.1f}, {:.1f}] under `online`",
    ("shapes", 1, "hard", "statistics alone"): "the label gains {:.0f} points [{:.0f}, {:.0f}]",
}


@pytest.mark.parametrize("place", PARTS)
def test_what_each_part_is_worth_is_what_was_recorded(place: tuple[str, int, str, str]) -> None:
    name, ipc, protocol, part = place
    found = recorded("question", name).set_index(["ipc", "protocol", "part"])
    differences = found.loc[(ipc, protocol, part), ["over_wmdd", "over_wmdd_low", "over_wmdd_high"]]
    assert in_words(PARTS[place], *differences) in README.replace("\n", " ")


def in_words(words: str, mean: float, low: float, high: float) -> str:
    """A sentence with a difference and its interval; where it lies below 0, the sentence says what it costs."""
    return words.format(mean, low, high) if mean > 0 else words.format(-mean, -high, -low)


def test_what_is_told_after_correction_is_what_the_readme_says_of_digits() -> None:
    found = recorded("question", "digits")
    every = list(found["protocol"].unique())

    def sure(part: str, ipc: int, p: str) -> list[str]:
        rows = found[found["part"].eq(part) & found["ipc"].eq(ipc) & found[p].lt(0.05)]
        below = rows["gain" if p == "p_holm" else "gain_selection"] < 0
        return list(rows["protocol"].mask(below, "below: " + rows["protocol"]))

    but_one_view = [each for each in every if each != "views 1"]
    assert sure("wmdd", 1, "p_holm") == but_one_view
    assert sure("wmdd", 1, "p_selection_holm") == ["hard"]
    assert sure("wmdd", 10, "p_holm") == ["hard"]
    assert sure("wmdd", 10, "p_selection_holm") == []
    for more in ("two networks more", "two networks more, statistics x 100"):
        assert sure(more, 1, "p_holm") == every
        assert sure(more, 1, "p_selection_holm") == but_one_view
        assert sure(more, 10, "p_holm") == ["hard", "soft"]
    assert sure("two networks more", 10, "p_selection_holm") == []
    assert sure("two networks more, statistics x 100", 10, "p_selection_holm") == ["hard", "soft"]


ABOVE = {  # where the README says that WMDD is above the best chosen images: variant, images a class -> labels
    ("digits", "wmdd", 1): ["hard"],
    ("digits", "wmdd", 10): [],
    ("digits", "two networks more", 1): ["hard", "soft", "online"],
    ("digits", "two networks more", 10): ["hard", "soft"],
    ("digits", "two networks more, statistics x 100", 1): ["hard", "soft", "online"],
    ("digits", "two networks more, statistics x 100", 10): ["hard", "soft", "online"],
    ("shapes", "wmdd", 1): [],
    ("shapes", "two networks more", 1): ["online"],
    ("shapes", "two networks more, statistics x 100", 1): ["hard", "soft", "online"],
    ("shapes", "two networks more, statistics x 100", 10): [],
    ("fashion-mnist", "wmdd", 1): ["hard"],
    ("fashion-mnist", "wmdd", 10): [],
    ("fashion-mnist", "two networks more", 1): ["hard", "online"],
    ("fashion-mnist", "two networks more", 10): ["hard", "online"],
    ("fashion-mnist", "two networks more, statistics x 100", 1): ["hard", "online"],
    ("fashion-mnist", "two networks more, statistics x 100", 10): ["hard"],
}


@pytest.mark.parametrize("place", ABOVE)
def test_where_wmdd_is_above_the_best_chosen_images_is_what_the_readme_says(place: tuple[str, str, int]) -> None:
    name, part, ipc = place
    found = recorded("question", name)
    rows = found[found["part"].eq(part) & found["ipc"].eq(ipc) & found["gain_selection_low"].gt(0)]
    assert [each for each in rows["protocol"] if not each.startswith("views")] == ABOVE[place]


def test_how_much_longer_two_networks_more_took_is_what_was_recorded() -> None:
    ratios: dict[str, list[float]] = {}
    for name in ("digits", "shapes", "fashion-mnist"):
        seconds = recorded("question", name).groupby(["part", "ipc"])["distil_seconds"].mean()
        ratios[name] = list(seconds["two networks more"] / seconds["wmdd"])
    small = [*ratios["digits"], *ratios["shapes"]]
    said = (
        f"took {min(small):.1f} to {max(small):.1f} times as long on digits and `shapes`, their training included; on "
    )
    large = ratios["fashion-mnist"]
    said += f"Fashion-MNIST, where that takes minutes, {min(large):.1f} to {max(large):.1f} times"
    assert said in README.replace("\n", " ")


def test_a_gain_whose_differences_are_all_equal_has_no_interval() -> None:
    gained = bench("question").gained
    assert gained(0.0, math.nan, math.nan) == "+0.0 (all equal)"
    assert gained(0.0, 0.0, 0.0) == "+0.0 [+0.0, +0.0]"
    assert gained(1.25, -0.5, 3.0) == "+1.2 [-0.5, +3.0]"


def test_the_relation_has_the_recorded_correlations() -> None:
    found = pd.read_parquet(RECORDED / "relation" / "runs.parquet")
    assert "\n".join(["|---|---|---|---|---|", *bench("relation").lines(found), ""]) in README
    runs = found[found["protocol"].eq("hard")].groupby("dataset")["run"].nunique()
    assert f"{runs['digits']} on digits, {runs['fashion-mnist']} on\nFashion-MNIST" in README


@pytest.mark.parametrize("name", ["digits", "fashion", "imagenette", "cifar"])
def test_a_table_of_methods_is_the_recorded_one(name: str) -> None:
    tables, found = bench("tables"), recorded("tables", name)
    assert "\n".join([*tables.lines(found), "", tables.told_apart(found)]) in README
    assert found["row"].tolist() == tables.rows_named(found).tolist()


GAINED = {  # what the README says that a method gains by the trials, under hard labels: method -> words for one and ten
    "sre2l": "SRe2L gains most, {:.1f} points with one image a class under hard labels and {:.1f} with ten",
    "cda": "CDA gains {:.1f} and {:.1f}, EL2N",
    "el2n": "EL2N {:.1f} and {:.1f}, KIP",
    "kip": "KIP {:.1f} and {:.1f}. In the columns",
}


def test_the_table_of_the_same_budget_is_told_as_it_was_recorded() -> None:
    tables, readme = bench("tables"), README.replace("\n", " ")
    found, given = (recorded("tables", name) for name in ("tuned", "digits"))
    assert found["trials"].max() == tables.TABLES["tuned"].tune
    assert found.loc[found["trials"] > 1, "validation"].between(0, 100).all()
    hard, before = (each[each["protocol"].eq("hard")] for each in (found, given))
    chosen = hard[hard["trials"] > 1]
    assert f"Of {len(chosen)} rows with something to choose {chosen['chosen'].eq('as given').sum()} stay" in readme
    assert chosen.loc[chosen["set"].eq("wmdd"), "chosen"].eq("as given").all()
    gained = hard.set_index(["row", "ipc"])["mean"] - before.set_index(["row", "ipc"])["mean"]
    for name, words in GAINED.items():
        assert words.format(*gained[name]) in readme
    assert gained.idxmax() == ("sre2l", 1)


def test_places_with_the_same_budget_are_the_recorded_ones() -> None:
    found, readme = recorded("tables", "tuned"), README.replace("\n", " ")
    places = {line.split(" | ")[0]: re.findall(r"(\d+) of 24", line) for line in bench("tables").lines(found)[-2:]}
    said = "WMDD is at places {}, {}, {} and {} of 24 then".format(*places["| place of wmdd"])
    assert said in readme
    assert "networks more at {}, {}, {} and {};".format(*places["| place of wmdd, two networks more"]) in readme
    online = found[found["ipc"].eq(1) & found["protocol"].eq("online")].set_index("set")["mean"]
    assert online.idxmax() == "lcmat"
    assert f"LCMat ({online.max():.1f})" in readme


BOTH = "wmdd, two networks more, statistics x 100"


def test_the_table_of_networks_has_every_set_on_both() -> None:
    tables, found = bench("tables"), recorded("tables", "networks")
    assert set(found["protocol"]) == set(tables.TABLES["networks"].protocols)
    assert found.groupby("protocol")["set"].count().nunique() == 1
    other = found[found["network"].eq("resnet-small")]
    one, ten = ({row: f"({mean:.1f})" for row, mean in rows} for rows in _ranked(other))
    assert list(one)[:6] == ["lcmat", "dsa", "wmdd, two networks more", BOTH, "wmdd", "edc"]
    said = "LCMat {} and DSA {} with one image a class, then on WMDD with two networks more {}, with the hundredfold "
    said += "weight as well {}, WMDD {} and EDC {}, so that weight does not serve them"
    readme = README.replace("\n", " ")
    assert said.format(*one.values()) in readme
    assert next(iter(ten)) == BOTH
    assert set(list(ten)[1:3]) == {"wmdd, two networks more", "nearest"}
    assert f"WMDD with both leads {ten[BOTH]}, then come two networks more and `nearest` (96.9 each)" in readme
    assert ten["wmdd, two networks more"] == ten["nearest"] == "(96.9)"


def _ranked(frame: pd.DataFrame) -> list[list[tuple[str, float]]]:
    """Rows and their means, best first, with one image a class and with ten."""
    sizes = [frame[frame["ipc"].eq(ipc)].sort_values("mean", ascending=False) for ipc in (1, 10)]
    return [list(zip(rows["row"], rows["mean"], strict=True)) for rows in sizes]


def test_where_wmdd_is_first_is_what_the_readme_says() -> None:
    first, above, alone = [], [], []
    for name in ("digits", "fashion", "imagenette", "cifar"):
        found = recorded("tables", name).dropna(subset="ipc")
        for _, column in found.groupby(["protocol", "ipc"]):
            rows = column.set_index("row")
            first.append(rows["mean"].idxmax())
            above.append(rows.loc[BOTH, "gain_selection_low"] > 0)
            alone.append((rows["mean"] > rows.loc["wmdd", "mean"]).sum() + 1)
    readme, others = README.replace("\n", " "), first.count("wmdd, two networks more")
    said = f"WMDD is first in {first.count(BOTH)} of these {len(first)} columns, and above the best real images that "
    assert said + f"were chosen in {sum(above)}; with the networks alone it is first in {others} more" in readme
    assert f"its places are {min(alone)} to {max(alone)}" in readme


def test_a_table_tells_the_place_of_wmdd_and_what_each_set_is_above_of() -> None:
    none = (None, None)
    rows = [
        ("random", None, 1, "hard", 60.0, 59.0, 61.0, *none, False),
        ("herding", None, 1, "hard", 80.0, 78.0, 82.0, 18.0, None, False),
        ("wmdd", None, 1, "hard", 70.0, 69.5, 70.5, 9.5, -10.5, False),
        ("wmdd", "committee=(0.1, 0.03)", 1, "hard", 90.0, 85.0, 95.0, 29.0, 9.0, True),
        ("dm", None, 1, "hard", 50.0, 49.0, 51.0, -11.0, -31.0, False),
        ("whole real set", None, None, "hard", 99.0, 98.9, 99.1, *none, False),
    ]
    columns = ["set", "settings", "ipc", "protocol", "mean", "low", "high", "gain_low", "gain_selection_low", "best"]
    tables = bench("tables")
    assert tables.lines(pd.DataFrame(rows, columns=columns).assign(row=tables.rows_named)) == [
        "| method | ipc 1, hard |",
        "| --- | --- |",
        "| wmdd, two networks more | **90.0 ± 5.0** r c |",
        "| herding | 80.0 ± 2.0 r |",
        "| wmdd | 70.0 ± 0.5 r |",
        "| random | 60.0 ± 1.0 |",
        "| dm | 50.0 ± 1.0 |",
        "| whole real set | 99.0 ± 0.1 |",
        "| place of wmdd, two networks more | 1 of 5 |",
        "| place of wmdd | 3 of 5 |",
    ]


@pytest.mark.parametrize("name", ["digits", "shapes", "fashion-mnist"])
def test_the_changes_that_were_tried_are_those_of_the_command(name: str) -> None:
    found = recorded("defaults", name)
    assert list(dict.fromkeys(found["change"])) == list(bench("defaults").CHANGES)
    assert set(zip(found["ipc"], found["protocol"], strict=True)) == set(itertools.product((1, 10), ("hard", "soft")))


VALUES = {  # what the README says of a change of a value, with the sign turned where it costs
    ("digits", 1, "hard", "two networks more"): "on any: {:.1f} points [{:.1f}, {:.1f}] on digits with one",
    ("shapes", 1, "hard", "statistics x 100"): "statistics adds {:.1f} [{:.1f}, {:.1f}] on `shapes` with one image",
    ("digits", 10, "hard", "statistics x 100"): "and {:.1f} [{:.1f}, {:.1f}] on digits with ten, and costs",
    ("fashion-mnist", 1, "hard", "statistics x 100"): "costs {:.1f} [{:.1f}, {:.1f}] on Fashion-MNIST with one",
    ("shapes", 1, "hard", "label as target"): "on `shapes` as that weight, {:.1f} [{:.1f}, {:.1f}]: so",
    (
        "digits",
        1,
        "hard",
        "two networks more, statistics x 100",
    ): "images and labels: {:.1f} [{:.1f}, {:.1f}] on digits",
    ("shapes", 1, "hard", "two networks more, statistics x 100"): "on digits and {:.1f} [{:.1f}, {:.1f}] on `shapes`",
    ("fashion-mnist", 10, "hard", "label beside it"): "`cross_entropy=100`, adds {:.1f} [{:.1f}, {:.1f}] there",
    ("digits", 1, "hard", "label beside it"): "and {:.1f} [{:.1f}, {:.1f}] on digits with one image. It needs no",
    (
        "fashion-mnist",
        10,
        "soft",
        "two networks more, statistics x 100",
    ): "cost {:.1f} [{:.1f}, {:.1f}] on Fashion-MNIST",
}


@pytest.mark.parametrize("place", VALUES)
def test_what_each_change_adds_is_what_was_recorded(place: tuple[str, int, str, str]) -> None:
    name, ipc, protocol, change = place
    found = recorded("defaults", name).set_index(["ipc", "protocol", "change"])
    added = found.loc[(ipc, protocol, change), ["added", "low", "high"]]
    assert in_words(VALUES[place], *added) in README.replace("\n", " ")


def test_values_that_add_and_cost_are_those_that_the_readme_names() -> None:
    every = [recorded("defaults", name) for name in ("digits", "shapes", "fashion-mnist")]
    wins = [set(each["change"][each["low"] > 0]) for each in every]
    costs = [set(each["change"][each["high"] < 0]) for each in every]
    assert set.intersection(*wins) - set.union(*costs) == {"two networks more"}
    assert "label beside it" not in set.union(*costs)
    mean = pd.concat(every).groupby("change")["added"].mean()
    assert mean.idxmax() == "two networks more, statistics x 100"
    assert f"the most on average, {mean.max():.1f} points over data sets" in README


@pytest.mark.parametrize("name", ["digits", "shapes", "fashion-mnist"])
def test_transport_does_what_uniform_masses_do(name: str) -> None:
    found = recorded("defaults", name)
    means = found.pivot(index=["ipc", "protocol"], columns="change", values="mean")
    assert (means["matched by transport"] - means["uniform masses"]).abs().max() < 0.5


def test_a_change_is_told_by_its_paired_differences() -> None:
    defaults = bench("defaults")
    accuracy = {change: [51.0, 62.0, 73.0] for change in defaults.CHANGES} | {defaults.GIVEN: [50.0, 60.0, 70.0]}
    rows = [
        {"dataset": "digits", "ipc": 1, "protocol": "hard", "change": change, "seed": seed, "accuracy": value}
        for change, values in accuracy.items()
        for seed, value in enumerate(values)
    ]
    found = defaults.differences(pd.DataFrame(rows)).set_index("change")
    assert found.loc[defaults.GIVEN, ["mean", "added", "low", "high"]].tolist() == [60.0, 0.0, 0.0, 0.0]
    half = 4.302653 / math.sqrt(3)  # t with 2 degrees of freedom at 97.5 %, of differences 1, 2, 3
    told = found.loc["label as target", ["mean", "added", "low", "high"]].tolist()
    assert told == pytest.approx([62.0, 2.0, 2 - half, 2 + half])
    assert "label as target" in defaults.said(found.reset_index())
