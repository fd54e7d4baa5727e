"""Designs of a comparison: teachers above syntheses above students, sets made elsewhere, protocols by name, budgets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from experiment_toys import CONFIG, HARD, TEACHER, arrays, toy_split
from scipy import stats

import wddkit as wdd
from wddkit import evaluation
from wddkit.comparison.inference import holm
from wddkit.comparison.tuning import SPACES, Times, trials
from wddkit.experiment import task_of
from wddkit.methods import DM, METHODS, WMDD, Herding, KCenter, Random

LEAN = replace(CONFIG, method=WMDD(ipc=2, steps=2), protocols=(HARD,), snapshots=2, controls=("random",))
QUICK = replace(LEAN, protocols=(replace(HARD, students=1),), controls=())


def compare(configs: list[wdd.Config], out: Path, **options: Any) -> pd.DataFrame:
    return wdd.compare(configs, **{"seeds": 2, "out": out, "split": toy_split(), "progress": False, **options})


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A line for each student that is trained from now on."""
    lines: list[str] = []
    train = evaluation.train_student

    def counted(*arguments: Any, **options: Any) -> Any:
        lines.append("trained")
        return train(*arguments, **options)

    monkeypatch.setattr(evaluation, "train_student", counted)
    return lines


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("designs")


@pytest.fixture(scope="module")
def nested(out: Path) -> pd.DataFrame:
    return compare([LEAN], out, teachers=2, seeds=2)


def accuracies(out: Path, name: str) -> np.ndarray:
    """Of all runs by teacher and synthesis [2, 2, students], read from the runs themselves."""
    found: dict[int, list[tuple[int, list[float]]]] = {}
    for path in out.glob("toy-wmdd-2-*"):
        history = wdd.History.load(path)
        row = history.results.set_index("set").loc[name]
        found.setdefault(history.config.teacher_seed, []).append((history.config.seed, list(row["accuracies"])))
    return np.array([[values for _, values in sorted(found[teacher])] for teacher in sorted(found)])


@pytest.mark.slow
def test_intervals_are_over_teachers_where_there_are_several(nested: pd.DataFrame, out: Path) -> None:
    row = nested.set_index("set").loc["wmdd"]
    values = accuracies(out, "wmdd")
    assert values.shape == (2, 2, 2)
    assert (row["interval"], row["teachers"], row["syntheses"], row["students"]) == ("2 teachers", 2, 2, 2)
    expected = stats.ttest_1samp(values.mean(axis=(1, 2)), 0).confidence_interval(0.95)
    np.testing.assert_allclose([row["low"], row["high"]], expected, rtol=1e-9)
    paired = stats.ttest_rel(values.mean(axis=(1, 2)), accuracies(out, "random").mean(axis=(1, 2)))
    np.testing.assert_allclose([row["gain_low"], row["gain_high"]], paired.confidence_interval(0.95), rtol=1e-9)
    assert row["p"] == pytest.approx(paired.pvalue)
    assert row["spread_students"] == pytest.approx(np.sqrt(values.var(axis=2, ddof=1).mean()))


def test_no_two_runs_of_a_design_share_a_synthesis_seed(nested: pd.DataFrame, out: Path) -> None:
    seeds = [wdd.History.load(path).config.seed for path in out.glob("toy-wmdd-2-*")]
    assert sorted(seeds) == [0, 1, 1000, 1001]
    images = {wdd.History.load(path).distilled.images.tobytes() for path in out.glob("toy-wmdd-2-*")}
    assert len(images) == 4


def test_a_comparison_again_trains_nobody_and_a_larger_one_only_what_is_new(
    nested: pd.DataFrame, out: Path, trained: list[str]
) -> None:
    pd.testing.assert_frame_equal(compare([LEAN], out, teachers=2, seeds=2), nested)
    assert trained == []
    larger = compare([LEAN], out, teachers=1, seeds=3)
    assert len(trained) == 2 * 2  # one more synthesis: two students of its images, two of its control
    assert (larger["interval"] == "3 syntheses").all()


def test_students_whose_run_was_lost_are_found_in_the_cache(tmp_path: Path, trained: list[str]) -> None:
    for name in ("one", "another"):
        compare([QUICK], tmp_path / name, seeds=1)
        assert len(trained) == 1


def test_protocols_by_name_are_rows_that_tell_their_network(tmp_path: Path) -> None:
    config = replace(QUICK, method=Random(2))
    found = compare([config], tmp_path, seeds=1, protocols=["hard", "soft@resnet-small"])
    assert [*found["protocol"]] == ["hard", "soft@resnet-small"]
    assert [*found["labels"]] == ["hard", "soft"]
    assert [*found["network"]] == ["convnet(depth=2, width=4)", "resnet-small"]
    assert [*found["label_bits"]] == [2, 16 * 4]
    with pytest.raises(ValueError, match=r"unknown network 'resnet-smal'\. Did you mean 'resnet-small'\?"):
        compare([config], tmp_path, protocols=["hard@resnet-smal"])


@pytest.fixture(scope="module")
def foreign() -> wdd.DistilledSet:
    images, labels = arrays(8, seed=4)
    return wdd.DistilledSet.from_arrays(images, labels)


@pytest.mark.slow
def test_a_foreign_set_stands_beside_controls_of_its_size_with_the_same_students(
    foreign: wdd.DistilledSet, tmp_path: Path
) -> None:
    found = compare([replace(LEAN, method=DM(ipc=1, steps=2, batch=8))], tmp_path, sets={"theirs": foreign})
    assert [*zip(found["set"], found["ipc"], strict=True)] == [("dm", 1), ("random", 1), ("random", 2), ("theirs", 2)]
    rows = found.set_index(["set", "ipc"])
    row, random = rows.loc[("theirs", 2)], rows.loc[("random", 2)]
    alone = [wdd.evaluate(foreign, toy_split(), HARD, teacher=TEACHER, seed=seed, progress=False) for seed in (0, 1)]
    values = np.array([each.accuracies for each in alone])
    assert row["mean"] == pytest.approx(values.mean())
    assert row["gain"] == pytest.approx(row["mean"] - random["mean"])
    drawn = [wdd.History.load(path) for path in sorted(tmp_path.glob("toy-random-2-*"))]
    by_seed = {each.config.seed: each.results["accuracy"].iloc[0] for each in drawn}
    paired = stats.ttest_rel(values.mean(axis=1), [by_seed[0], by_seed[1]])
    np.testing.assert_allclose([row["gain_low"], row["gain_high"]], paired.confidence_interval(0.95), rtol=1e-9)
    # One set: its students are all that differs, and the interval says so.
    assert (row["interval"], row["syntheses"], row["students"]) == ("students only", 1, 4)
    expected = stats.ttest_1samp(values.ravel(), 0).confidence_interval(0.95)
    np.testing.assert_allclose([row["low"], row["high"]], expected, rtol=1e-9)
    assert row["bytes"] == alone[0].bytes


@pytest.mark.slow
def test_foreign_sets_of_several_seeds_are_syntheses(foreign: wdd.DistilledSet, tmp_path: Path) -> None:
    other = wdd.DistilledSet.from_arrays(*arrays(8, seed=5))
    found = compare([], tmp_path, split=toy_split(), sets={"theirs": [foreign, other]}, protocols=[HARD])
    row = found.set_index("set").loc["theirs"]
    assert (row["interval"], row["syntheses"], row["students"]) == ("2 syntheses", 2, 2)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({"wmdd": arrays}, r"sets: 'wmdd' is the name of a method here; call yours by another one"),
        ({"theirs": [arrays] * 3}, r"sets\['theirs'\]: expected one set, or 2, one for each seed; got 3"),
        (
            {"theirs": "a/folder"},
            r"sets\['theirs'\]: expected a DistilledSet, got .*; write wddkit\.DistilledSet\.from_",
        ),
        ({"theirs": Path("a/folder")}, r"sets\['theirs'\]: expected a DistilledSet, got .*from_folder\(path\)"),
    ],
)
def test_what_cannot_be_a_foreign_set_is_refused_before_anything_is_run(
    sets: dict[str, Any], message: str, foreign: wdd.DistilledSet, tmp_path: Path
) -> None:
    given = {name: [foreign] * len(each) if isinstance(each, list) else each for name, each in sets.items()}
    with pytest.raises(ValueError, match=message):
        compare([QUICK], tmp_path, sets={name: foreign if each is arrays else each for name, each in given.items()})
    assert [*tmp_path.iterdir()] == []


@pytest.mark.slow
def test_gains_over_the_best_real_images_that_were_chosen(tmp_path: Path) -> None:
    chosen = [replace(LEAN, method=method, controls=()) for method in (Herding(2), KCenter(2))]
    found = compare([LEAN, *chosen], tmp_path, seeds=3).set_index("set")
    best = found.loc[["herding", "k-center"], "mean"].idxmax()
    assert found.loc["wmdd", "selection"] == best
    assert found.loc["wmdd", "gain_selection"] == pytest.approx(found.loc["wmdd", "mean"] - found.loc[best, "mean"])
    assert found.loc[["random", "herding", "k-center"], "gain_selection"].isna().all()
    # Those without a control of their own are paired with the random images of the others, under the same seeds.
    assert found.loc["herding", "gain"] == pytest.approx(found.loc["herding", "mean"] - found.loc["random", "mean"])
    tests = [*found["p"].drop("random"), found.loc["wmdd", "p_selection"]]
    corrected = [*found["p_holm"].drop("random"), found.loc["wmdd", "p_selection_holm"]]
    np.testing.assert_allclose(corrected, holm(tests))


@pytest.mark.slow
def test_what_was_chosen_on_validation_does_not_hang_on_the_test_images(tmp_path: Path) -> None:
    split = toy_split()
    lying = replace(split, test=wdd.ImageSet(split.test.images, split.test.labels[::-1].copy()))
    options: dict[str, Any] = {"seeds": 1, "tune": 3}
    one = compare([QUICK], tmp_path / "true", split=split, **options).iloc[0]
    other = compare([QUICK], tmp_path / "lying", split=lying, **options).iloc[0]
    assert one["mean"] != other["mean"]
    assert (one["trials"], one["chosen"], one["validation"]) == (3, other["chosen"], other["validation"])
    paths = [*(tmp_path / "true" / ".tuning").glob("*/config.json")]
    assert len(paths) == 3
    assert {wdd.Config.load(path.parent).seed for path in paths} == {999}  # no image that is tested


@pytest.mark.slow
def test_the_best_of_the_trials_is_run(tmp_path: Path, trained: list[str]) -> None:
    row = compare([QUICK], tmp_path, seeds=1, tune=4).iloc[0]
    histories = [wdd.History.load(path) for path in (tmp_path / ".tuning").iterdir()]
    tried = [(each.results["accuracy"].iloc[0], each.config.as_dict()["method"]) for each in histories]
    assert len(tried) == 4
    assert row["validation"] == max(value for value, _ in tried)
    assert set(wdd.gather(tmp_path)["run"]) == {row["run"]}  # trials are tested on other images
    ran = wdd.History.load(row["run"]).config.as_dict()["method"]
    assert ran in [method for value, method in tried if value == row["validation"]]
    given = QUICK.to_json()["method"]
    told = [f"{name}={value}" for name, value in ran.items() if given[name] != value]
    assert row["chosen"] == (", ".join(told) or "as given")
    count = len(trained)
    compare([QUICK], tmp_path, seeds=1, tune=4)
    assert len(trained) == count


def test_methods_without_choices_have_one_trial(tmp_path: Path) -> None:
    row = compare([replace(QUICK, method=Random(2))], tmp_path, seeds=1, tune=5).iloc[0]
    assert (row["trials"], row["chosen"]) == (1, "as given")
    assert not (tmp_path / ".tuning").exists()


@pytest.mark.parametrize("name", [*METHODS])
def test_every_space_is_of_fields_that_the_method_has_and_more_trials_begin_with_fewer(name: str) -> None:
    method, task = METHODS[name](ipc=1), task_of(QUICK, toy_split())
    ten = trials(method, name, 10, task)
    assert ten[0] == method
    assert len(set(map(repr, ten))) == len(ten)
    assert trials(method, name, 3, task) == ten[:3]
    assert len(ten) > 1 or name in ("random", "herding", "k-center", "tiled")
    for field, values in SPACES.get(name, {}).items():
        if isinstance(values, Times):
            assert 1.0 in values.factors, f"{field} of {name} leaves the given value out"


def test_tuning_needs_validation_images(tmp_path: Path) -> None:
    split = wdd.Split.from_arrays(*arrays(), *arrays(60, seed=1), name="toy", val=0)
    with pytest.raises(ValueError, match=r"toy has no validation images, which configurations are chosen by; make the"):
        compare([QUICK], tmp_path, split=split, tune=2)


@pytest.mark.parametrize("options", [{"teachers": 0}, {"tune": True}, {"seeds": 1000}])
def test_numbers_that_make_no_design_are_refused(options: dict[str, Any], tmp_path: Path) -> None:
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name}: expected a whole number from 1 to 998, got {value}"):
        compare([QUICK], tmp_path, **options)
