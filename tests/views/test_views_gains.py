"""The view of gains seed by seed: what it takes, what it says, and that browser and Python agree."""

import base64
from pathlib import Path

import numpy as np
import pytest
import traitlets
from browser import chromium, nothing_went_wrong, watched

from wddkit.comparison.inference import paired
from wddkit.views import GainView, assets
from wddkit.views.figures.printed.gains import seeds_beside_random

OWN = {"hard": [72.0, 70.0, 75.0, 74.0], "online": [88.0, 90.0, 87.0, 91.0]}
RANDOM = {"hard": [52.0, 60.0, 55.0, 54.0], "online": [89.0, 88.0, 88.0, 87.0]}


def view(**state: object) -> GainView:
    made = GainView(OWN, RANDOM)
    for name, value in state.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("labels", OWN)
@pytest.mark.parametrize("seeds", [[0, 1, 2, 3], [1, 3]])
def test_gain_and_interval_are_those_of_the_paired_comparison(labels: str, seeds: list[int]) -> None:
    own, random = (np.array(each[labels])[None, seeds, None] for each in (OWN, RANDOM))
    made, right = view(labels=labels, seeds=seeds), paired(own, random)
    assert made.gain == pytest.approx(right.mean)
    assert made.interval == pytest.approx((right.low, right.high))


def test_one_seed_has_a_gain_and_no_interval() -> None:
    made = view(seeds=[2])
    assert made.gains == (20.0,)
    assert np.isnan(made.interval).all()
    assert "one seed, no interval" in made.form().summary


def test_a_saved_notebook_has_a_picture_of_it() -> None:
    bundle = view(seeds=[0, 2])._repr_mimebundle_()
    assert bundle is not None
    data, metadata = bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"] == {
        "alt": "Labels hard: gain over random images +20.00 points, 95 % interval 20.00 to 20.00."
    }


def test_in_the_picture_seeds_that_do_not_count_are_dashed() -> None:
    figure = seeds_beside_random([72.0, 70.0], [52.0, 60.0], [1], said="One seed.")
    assert [line.get_linestyle() for line in figure.axes[0].lines] == ["--", "-"]
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[52.0, 72.0], [60.0, 70.0]]
    assert figure.alt == "One seed."


def test_seeds_are_kept_in_order_and_once() -> None:
    assert view(seeds=[3, 1, 3]).seeds == [1, 3]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("labels", "firm", "labels: expected one of hard, online, got 'firm'"),
        ("seeds", [], r"seeds: expected one or more of 0 to 3, got \[\]"),
        ("seeds", [0, 4], r"seeds: expected one or more of 0 to 3, got \[0, 4\]"),
    ],
)
def test_what_is_not_there_cannot_be_shown(name: str, value: object, said: str) -> None:
    with pytest.raises(traitlets.TraitError, match=said):
        view(**{name: value})


@pytest.mark.parametrize(
    ("own", "random"), [({}, {}), ({"hard": [1.0, 2.0]}, {"soft": [1.0, 2.0]}), ({"hard": [1.0]}, {"hard": [2.0]})]
)
def test_sets_that_share_no_seeds_are_refused(own: dict[str, list[float]], random: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match="GainView: expected accuracies of two or more seeds under the same label"):
        GainView(own, random)


@pytest.mark.browser
def test_a_page_says_what_python_says_of_the_same_seeds(tmp_path: Path) -> None:
    file = assets.write(tmp_path / "gains.html", assets.page(view().form()))
    with chromium() as browser:
        found = watched(browser, width=1000)
        page = found.page
        page.goto(file.as_uri())
        page.get_by_role("button", name="online").click()
        page.get_by_role("checkbox", name="seed 0").uncheck()
        low, high = view(labels="online", seeds=[1, 2, 3]).interval
        assert low < 0 < high
        said = f"+1.67 points, 95 % interval −{-low:.2f} to +{high:.2f}; 0 is inside"  # gains 2, -1 and 4
        page.get_by_text(f"Labels online, 3 of 4 seeds: gain over random images {said}").wait_for()
        for seed in (1, 2):
            page.get_by_role("checkbox", name=f"seed {seed}").uncheck()
        page.get_by_role("checkbox", name="seed 3").click()
        page.get_by_text("seed 3 alone: gain over random images +4.00 points. One seed has no interval").wait_for()
        assert page.get_by_role("checkbox", name="seed 3").is_checked()  # the last one stays
        found.shot("gains")
        nothing_went_wrong(found)
