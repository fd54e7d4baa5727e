"""Rank correlations of distances with accuracy: against SciPy, by laws, and where within and across disagree."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import wddkit as wdd
from wddkit.history.correlation import LEAST, Part, pooled
from wddkit.views import figures

METHODS = ("wmdd", "dm", "mtt", "kip", "sre2l", "random")


def runs(*, methods: int = 6, each: int = 8, seed: int = 0, ties: bool = False) -> pd.DataFrame:
    """Runs of several methods: two distances, of which the first goes with accuracy, and what they reach."""
    rng = np.random.default_rng(seed)
    distance = 0.5 + rng.random((methods, each)) + 0.2 * np.arange(methods)[:, None]
    accuracy = 70 - 5 * distance + rng.normal(size=distance.shape) + 2 * rng.normal(size=(methods, 1))
    frame = pd.DataFrame(
        {
            "run": [f"{METHODS[i]}-{j}" for i, j in np.ndindex(distance.shape)],
            "method": np.repeat(METHODS[:methods], each),
            "protocol": "hard",
            "w2_squared": distance.ravel(),
            "coverage": rng.random(distance.size),
            "accuracy": accuracy.ravel(),
        }
    )
    return frame.round({"w2_squared": 1, "accuracy": 0}) if ties else frame


def levels(frame: pd.DataFrame, distance: str = "w2_squared", **options: Any) -> dict[str, dict[str, float]]:
    """rho, low, high, n and parts at each level."""
    found = wdd.relate(frame, distances=[distance], **options)
    return found.drop(columns="distance").set_index("level").to_dict("index")


def rho(frame: pd.DataFrame, x: str = "w2_squared", y: str = "accuracy") -> float:
    return float(spearmanr(frame[x], frame[y])[0])


@pytest.mark.parametrize("ties", [False, True])
def test_every_level_is_what_scipy_finds_of_its_parts(ties: bool) -> None:
    frame = runs(ties=ties)
    frame = frame.drop(index=[0, 1, 2, 8])  # groups of several sizes
    found = levels(frame)
    assert found["overall"]["rho"] == pytest.approx(rho(frame), rel=1e-12)
    groups = [own for _, own in frame.groupby("method")]
    sizes = np.array([len(own) - 1 for own in groups])
    assert len(set(sizes)) == 3
    expected = np.average([rho(own) for own in groups], weights=sizes)
    assert found["within"]["rho"] == pytest.approx(expected, rel=1e-12)
    ranks = frame[["w2_squared", "accuracy"]].rank().groupby(frame["method"]).mean()
    assert found["across"]["rho"] == pytest.approx(rho(ranks), rel=1e-12)
    assert [(found[level]["n"], found[level]["parts"]) for level in found] == [(44, 6), (6, 1), (44, 1)]


def test_a_hand_worked_example() -> None:
    frame = pd.DataFrame(
        {
            "method": ["a"] * 4 + ["b"] * 3,
            "w2_squared": [1, 2, 3, 4, 9, 8, 7],
            "accuracy": [4, 3, 1, 2, 5, 6, 7],  # a: d = 3, 1, -2, -2, rho = 1 - 6 * 18 / 60 = -0.8; b: -1
        }
    )
    found = levels(frame)
    assert found["within"]["rho"] == pytest.approx((3 * -0.8 + 2 * -1) / 5)
    assert found["overall"]["rho"] == pytest.approx(1 - 6 * (3**2 + 1 + 2**2 + 2**2 + 2**2 + 0 + 2**2) / (7 * 48))
    assert np.isnan(found["across"]["rho"])  # two groups
    assert (found["across"]["n"], found["across"]["parts"]) == (0, 0)


def test_within_and_across_may_differ_in_sign() -> None:
    """Simpson's paradox: better methods lie farther, but the better runs of each lie nearer."""
    rng = np.random.default_rng(0)
    distance = np.arange(6)[:, None] + rng.random((6, 8))
    accuracy = 60 + 5 * np.arange(6)[:, None] - 3 * (distance - np.arange(6)[:, None])
    frame = runs().assign(w2_squared=distance.ravel(), accuracy=accuracy.ravel())
    found = levels(frame)
    assert found["within"]["rho"] == pytest.approx(-1)
    assert found["across"]["rho"] == pytest.approx(1)
    assert found["overall"]["rho"] > 0.8


@pytest.mark.parametrize(
    "grow", [np.sqrt, np.log, lambda x: x**3, lambda x: 100 * x - 7], ids=["root", "logarithm", "cube", "line"]
)
def test_a_rising_transform_changes_nothing(grow: Callable[[Any], Any]) -> None:
    frame = runs()
    turned = frame.assign(w2_squared=grow(frame["w2_squared"]), accuracy=np.exp(frame["accuracy"] / 50))
    pd.testing.assert_frame_equal(wdd.relate(turned), wdd.relate(frame))


def test_accuracy_turned_round_turns_every_sign() -> None:
    frame = runs()
    plain, turned = (wdd.relate(each) for each in (frame, frame.assign(accuracy=-frame["accuracy"])))
    np.testing.assert_allclose(turned["rho"], -plain["rho"], atol=1e-12)
    np.testing.assert_allclose(turned[["low", "high"]], -plain[["high", "low"]], atol=1e-12)


def test_neither_order_of_rows_nor_of_columns_changes_anything() -> None:
    frame = runs()
    turned = frame.sample(frac=1, random_state=1)[frame.columns[::-1]]
    pd.testing.assert_frame_equal(wdd.relate(turned), wdd.relate(frame))


def test_the_same_seed_gives_the_same_interval_and_another_one_nearly() -> None:
    frame = runs()
    first, again, other = (wdd.relate(frame, seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not first["low"].equals(other["low"])
    np.testing.assert_allclose(first[["low", "high"]], other[["low", "high"]], atol=0.08)
    assert (first["low"] <= first["rho"]).all()
    assert (first["rho"] <= first["high"]).all()


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    truth = 6 / np.pi * np.arcsin(0.25)  # Spearman's rho of normals that correlate with 0.5
    held = []
    for trial in range(200):
        x = rng.normal(size=20)
        y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=20)
        found = pooled([Part(x, y, np.arange(20))], seed=trial)
        held.append(found.low <= truth <= found.high)
    assert 0.90 <= np.mean(held) <= 0.995  # 0.95 within three deviations of 200 trials, and some for a small n


def test_rows_of_one_run_are_drawn_together() -> None:
    frame = runs()
    tenfold = pd.concat([frame] * 10)  # of the same runs: no more is known than before
    apart = tenfold.assign(run=range(len(tenfold)))
    plain, together, free = (levels(each)["overall"] for each in (frame, tenfold, apart))
    width = {name: each["high"] - each["low"] for name, each in (("one", plain), ("ten", together), ("free", free))}
    assert width["ten"] == pytest.approx(width["one"], rel=0.02)
    assert width["free"] < 0.5 * width["one"]


@pytest.mark.parametrize("level", ["within", "across", "overall"])
def test_more_protocols_of_the_same_runs_are_no_more_runs(level: str) -> None:
    frame = runs(each=2) if level == "across" else runs(methods=2)
    plain = levels(frame)[level]
    for count in (2, 4):
        several = pd.concat([frame.assign(protocol=f"protocol {i}") for i in range(count)])
        found = levels(several)[level]
        assert [found[end] for end in ("rho", "low", "high")] == pytest.approx(
            [plain[end] for end in ("rho", "low", "high")]
        )
        apart = levels(several.assign(run=range(len(several)), method=several["method"] + several["protocol"]))[level]
        assert apart["high"] - apart["low"] < 0.85 * (plain["high"] - plain["low"])


def test_runs_of_one_protocol_more_than_another_are_drawn_with_it() -> None:
    frame = runs(methods=1, each=12)
    both = pd.concat([frame, frame.iloc[:6].assign(protocol="soft")])
    found = levels(both)["overall"]
    assert found["parts"] == 2
    assert found["low"] < found["rho"] < found["high"]


def test_rows_under_other_terms_are_not_ranked_together() -> None:
    easy, hard = runs(seed=0), runs(seed=1)
    both = pd.concat([easy.assign(terms="e"), hard.assign(terms="h", accuracy=hard["accuracy"] - 40, protocol="soft")])
    found = levels(both)
    parts = [levels(easy), levels(hard)]
    for level in found:
        assert found[level]["rho"] == pytest.approx(np.mean([part[level]["rho"] for part in parts]))
        assert found[level]["parts"] == sum(part[level]["parts"] for part in parts)
    by_protocol = both.drop(columns="terms")  # as sweeps of older versions have it
    assert levels(by_protocol)["overall"]["rho"] == pytest.approx(found["overall"]["rho"])
    pd.testing.assert_frame_equal(wdd.relate(both, protocol="hard"), wdd.relate(easy.assign(terms="e")))


def test_sets_of_other_sizes_are_not_ranked_together() -> None:
    few, many = runs(seed=0).assign(ipc=1), runs(seed=1).assign(ipc=10)
    many = many.assign(w2_squared=many["w2_squared"] / 9, accuracy=many["accuracy"] + 20)  # both by their size alone
    both = pd.concat([few, many.assign(run=many["run"] + " of 10")])
    found, parts = levels(both), [levels(few), levels(many)]
    for level in found:
        assert found[level]["rho"] == pytest.approx(np.mean([part[level]["rho"] for part in parts]))
        assert found[level]["parts"] == sum(part[level]["parts"] for part in parts)
    figure = figures.relation(both.assign(ipc=both["ipc"].where(both["ipc"] > 1)), x="w2_squared")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert sorted(titles) == ["hard", "hard, 10 images a class"]  # also what has no number of images


def test_a_run_that_stands_in_several_sweeps_counts_once() -> None:
    frame = runs()
    joined = pd.concat([frame.assign(sweep="first"), frame.iloc[:20].assign(sweep="second", otdd=1.0)])
    pd.testing.assert_frame_equal(
        wdd.relate(joined, distances=["w2_squared"]), wdd.relate(frame, distances=["w2_squared"])
    )
    other = joined.assign(protocol=np.where(joined["sweep"] == "first", "hard", "soft"))
    assert levels(other)["overall"]["n"] == len(joined)
    for unnamed in (joined.drop(columns="run"), joined.assign(run="")):
        assert levels(unnamed)["overall"]["n"] == len(joined)


def test_runs_in_memory_have_no_name_and_are_not_one_run() -> None:
    frame = runs().drop(columns="run")
    unnamed = levels(frame.assign(run=""))
    assert not np.isnan([unnamed["overall"]["low"], unnamed["within"]["low"]]).any()
    alone = levels(frame)
    for level in ("within", "overall"):
        assert unnamed[level]["n"] == alone[level]["n"] == 48
        assert unnamed[level]["low"] == pytest.approx(alone[level]["low"], abs=1e-12)


def test_groups_can_be_of_several_columns_or_none() -> None:
    frame = runs().assign(ipc=np.tile([1, 10], 24))
    groups = [own for _, own in frame.groupby(["method", "ipc"])]
    assert levels(frame, by=("method", "ipc"))["within"]["rho"] == pytest.approx(np.mean([rho(g) for g in groups]))
    one = levels(frame, by=None)
    assert one["within"]["rho"] == one["overall"]["rho"]
    assert np.isnan(one["across"]["rho"])


def test_what_says_nothing_does_not_count() -> None:
    frame = runs(methods=4)
    frame.loc[frame["method"] == "wmdd", "w2_squared"] = 1.0  # all alike
    frame.loc[frame["method"] == "dm", "w2_squared"] = np.nan
    small = frame.drop(index=frame.index[frame["method"] == "mtt"][LEAST - 1 :])
    found = levels(small)
    assert found["within"]["rho"] == pytest.approx(rho(frame[frame["method"] == "kip"]))
    assert (found["within"]["n"], found["within"]["parts"]) == (8, 1)
    assert found["overall"]["n"] == 8 + 2 + 8
    empty = levels(frame.assign(w2_squared=np.nan))
    assert all(np.isnan(each["rho"]) and each["n"] == 0 for each in empty.values())


def test_few_runs_and_perfect_orders_have_no_interval() -> None:
    assert np.isnan(levels(runs(methods=1, each=4))["overall"]["low"])
    assert np.isfinite(levels(runs(methods=1, each=5))["overall"]["low"])
    line = runs(methods=1).assign(accuracy=lambda frame: -frame["w2_squared"])
    assert levels(line)["overall"] == pytest.approx(
        {"rho": -1, "low": np.nan, "high": np.nan, "n": 8, "parts": 1}, nan_ok=True
    )


def test_controls_count_where_asked_and_each_set_once() -> None:
    frame = runs(methods=2).assign(control=False, ipc=1, seed=np.tile(np.arange(8), 2), terms="t")
    beside = [
        {**row, "run": f"{method}-{row['seed']}"}  # the same random sets stand beside the runs of both methods
        for method in METHODS[:2]
        for row in runs(methods=1, seed=9)
        .assign(method="random", control=True, ipc=1, seed=np.arange(8), terms="t")
        .to_dict("records")
    ]
    both = pd.concat([frame, pd.DataFrame(beside)])
    pd.testing.assert_frame_equal(wdd.relate(both), wdd.relate(frame))
    found = levels(both, controls=("random",))
    assert (found["within"]["n"], found["within"]["parts"]) == (24, 3)
    once = pd.concat([frame, pd.DataFrame(beside[:8])])
    pd.testing.assert_frame_equal(wdd.relate(both, controls=("random",)), wdd.relate(once, controls=("random",)))
    assert found["across"]["n"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"by": "methud"},
            r"by: no column 'methud'; by=None makes one group of all, else expected some of run, method",
        ),
        ({"protocol": "soft"}, r"unknown protocol 'soft'\. Known: hard"),
        ({"distances": ["w3"]}, r"unknown column of numbers 'w3'\..*Known: accuracy, coverage, w2_squared"),
        ({"value": "method"}, r"unknown column of numbers 'method'"),
        ({"controls": ("random",)}, r"controls: this table has none; take one as wddkit\.gather makes it"),
        ({"controls": "random"}, r"controls: expected names, got 'random'; write \('random',\)"),
        ({"controls": 5}, r"controls: expected names, got 5; write controls=\['random'\]"),
        ({"by": 5}, r"by: expected names, got 5; write by=\['method'\]"),
        ({"distances": 5}, r"distances: expected names, got 5; write distances=\['w2_squared'\]"),
        ({"seed": "a"}, r"seed: expected a whole number, got 'a'"),
    ],
)
def test_what_a_table_does_not_have_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wdd.relate(runs(), **options)


@pytest.mark.parametrize(
    ("given", "got"),
    [(5, "5"), (None, "None"), (wdd.Config(), "a Config"), ([], "none"), ([Path("runs"), 5], "5"), ([wdd], "a module")],
    ids=str,
)
def test_what_holds_no_runs_is_told(given: Any, got: str) -> None:
    message = rf"expected a table of runs, a sweep, runs or folders of runs, got {got}; write 'runs' for the folder"
    with pytest.raises(ValueError, match=message):
        wdd.relate(given)


def test_one_distance_needs_no_list() -> None:
    pd.testing.assert_frame_equal(
        wdd.relate(runs(), distances="w2_squared"), wdd.relate(runs(), distances=["w2_squared"])
    )


def test_a_table_without_distances_or_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a table with distances, such as 'w2_squared'; it has run, method"):
        wdd.relate(runs().drop(columns=["w2_squared", "coverage"]))
    with pytest.raises(ValueError, match="expected a table of runs, got one without rows"):
        wdd.relate(runs().iloc[:0])
    with pytest.raises(ValueError, match="there is no folder"):
        wdd.relate(tmp_path / "nowhere")


def test_unknown_controls_are_told() -> None:
    frame = runs().assign(control=lambda table: table["method"] == "random")
    with pytest.raises(ValueError, match=r"unknown control 'nearest'\. Known: random"):
        wdd.relate(frame, controls=("nearest",))


def test_the_figure_shows_the_runs_and_says_the_three_numbers() -> None:
    frame = runs().assign(control=lambda table: table["method"] == "random", dataset="digits")
    figure = figures.relation(frame, x="w2_squared", controls=("random",))
    found = levels(frame, controls=("random",))
    (axes,) = figure.axes
    said = figure.get_suptitle().splitlines()
    assert [line.split(":")[0] for line in said] == ["within method", "across method", "overall"]
    for line, each in zip(said, found.values(), strict=True):
        assert f"ρ = {each['rho']:.2f} ({each['low']:.2f} to {each['high']:.2f}), n = {each['n']}" in line
    points = [mark.get_offsets() for mark in axes.collections]
    small, large = points[::2], points[1::2]
    assert [len(each) for each in small] == [8] * 6
    names = [text.get_text().strip("\u200b") for text in axes.get_legend().get_texts()]
    assert names == [f"{name} (8)" for name in (*sorted(METHODS[:5]), "random")]  # controls come last
    for name, own, mean in zip((*sorted(METHODS[:5]), "random"), small, large, strict=True):
        expected = frame[frame["method"] == name][["w2_squared", "accuracy"]].to_numpy()
        np.testing.assert_allclose(own, expected)
        np.testing.assert_allclose(mean, expected.mean(axis=0, keepdims=True))
    assert axes.get_title(loc="left") == "digits, hard"
    assert axes.get_xlabel() == "squared W2 to training features"
    assert said[0] in figure.alt


def test_the_figure_has_a_panel_for_each_of_the_terms_up_to_six_and_a_logarithm_where_needed() -> None:
    parts = [runs(seed=seed).assign(terms=str(seed)) for seed in range(8)]
    parts[3] = parts[3].assign(w2_squared=lambda frame: 10 ** (3 * frame["w2_squared"]))
    parts[5] = pd.concat([parts[5], parts[5].assign(run="more")])
    figure = figures.relation(pd.concat(parts), x="w2_squared", by=None)
    assert len(figure.axes) == 6
    assert len(figure.axes[0].collections[0].get_offsets()) == 96  # that with most runs comes first
    assert [axes.get_xscale() for axes in figure.axes].count("log") == 1
    assert "The 6 of 8 terms with most runs are shown" in figure.get_supxlabel().replace("\n", " ")
    assert figure.get_suptitle().startswith("overall: ρ = ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "w3"}, r"relation: no column of numbers 'w3'; expected one of w2_squared, coverage, accuracy"),
        ({"x": "coverage"}, r"relation: no run has both 'coverage' and 'accuracy'; evaluate runs with this version"),
    ],
)
def test_a_figure_of_what_is_not_there_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        figures.relation(runs().assign(coverage=np.nan), **options)
