"""What notebooks 07 and 09 lean on: effects of a sweep worked by hand, seconds, distances of samples, relations."""

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest
from cases import NOTEBOOKS

from wddkit.course.ablations import effects, overview, sweeps_in
from wddkit.course.limits import between_samples, growth, relations
from wddkit.history import Sweep

RECORDED = NOTEBOOKS / "recorded" / "sweeps"


def sweep(rows: list[tuple[str, int, int, float]], path: Path = Path("toy")) -> Sweep:
    """A sweep of start and steps; rows are start, steps, seed, accuracy."""
    frame = pd.DataFrame(rows, columns=["method.start", "method.steps", "seed", "accuracy"])
    return Sweep(path, None, ("method.start", "method.steps"), frame.assign(protocol="hard", run="r"))


def test_an_effect_is_the_mean_difference_of_the_farthest_levels_over_paired_seeds() -> None:
    # Seed 0: noise 10, 20; real 30, 50. Seed 1: noise 20, 20; real 40, 64. Of start: 25 and 32, of steps: 15 and 12.
    rows = [("noise", 1, 0, 10), ("noise", 2, 0, 20), ("real", 1, 0, 30), ("real", 2, 0, 50)]
    rows += [("noise", 1, 1, 20), ("noise", 2, 1, 20), ("real", 1, 1, 40), ("real", 2, 1, 64)]
    start, steps = effects(sweep([(a, b, c, float(d)) for a, b, c, d in rows]))
    assert (start.field, start.best, start.worst, start.points, start.n) == ("method.start", "real", "noise", 28.5, 2)
    half = 12.7062047 * 7 / 2  # t with one degree of freedom; the deviation is 7 / √2, that of the mean 7 / 2
    assert (start.low, start.high) == pytest.approx((28.5 - half, 28.5 + half))
    assert (steps.best, steps.worst, steps.points) == (2, 1, 13.5)


def test_seeds_without_all_settings_and_fields_that_do_not_vary_have_no_say() -> None:
    rows = [("noise", 1, 0, 10.0), ("real", 1, 0, 30.0), ("real", 1, 1, 90.0)]
    (start,) = effects(sweep(rows))
    assert (start.points, start.n) == (20, 1)
    assert math.isnan(start.low)


def test_effects_name_what_the_sweep_does_not_have() -> None:
    toy = sweep([("noise", 1, 0, 10.0)])
    with pytest.raises(ValueError, match=r"unknown protocol 'soft'.*hard"):
        effects(toy, protocol="soft")
    with pytest.raises(ValueError, match=r"unknown column of numbers 'gain'.*accuracy"):
        effects(toy, value="gain")


def test_the_sweeps_of_a_folder_stand_in_one_table_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    for name in ("second", "first"):
        (tmp_path / name).mkdir()
        for file in ("sweep.json", "sweep.parquet"):
            shutil.copy(RECORDED / "start-form" / file, tmp_path / name / file)
    (tmp_path / "notes").mkdir()
    assert [each.path.name for each in sweeps_in(tmp_path)] == ["first", "second"]
    table = overview(tmp_path)
    assert table["sweep"].tolist() == ["first", "first", "second", "second"]
    assert (table["points"] > 0).all()
    assert len(overview(tmp_path, protocol="views")) == 0
    assert relations(tmp_path).groupby("sweep")["level"].apply(list).tolist() == [["within", "across", "overall"]] * 2
    assert len(relations(tmp_path / "notes")) == 0


def test_growth_has_seconds_of_each_solver_by_size() -> None:
    found = growth([10, 20], repeats=1)
    assert found.columns.tolist() == ["exact", "Sinkhorn", "sliced"]
    assert found.index.tolist() == [10, 20]
    assert (found > 0).to_numpy().all()


def test_two_samples_are_nearer_the_more_points_and_farther_the_more_dimensions() -> None:
    found = between_samples([1, 16], [10, 160], repeats=5)
    assert found.loc[160, 1] < found.loc[10, 1]
    assert (found[16] > found[1]).all()
    # As far as one point is from another, 2, where there is one each.
    assert between_samples([64], [1], repeats=50).iloc[0, 0] == pytest.approx(2, rel=0.15)
