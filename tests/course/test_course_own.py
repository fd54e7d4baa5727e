"""What notebook 11 leans on: drawn pictures, untidy arrays, and what a page would load."""

from pathlib import Path

import numpy as np
from cases_11 import KEPT, NUMBERS, X, Y, rows

from wddkit import course
from wddkit.course import own
from wddkit.course.addresses import outside
from wddkit.data import Split, load


def test_drawn_pictures_are_a_folder_that_can_be_loaded_and_depend_on_the_seed_alone(tmp_path: Path) -> None:
    first, again, other = (
        own.draw_pictures(tmp_path / name, each=12, seed=seed) for name, seed in zip("abc", (1, 1, 2), strict=True)
    )
    split, same, different = (load(f"folder:{folder}") for folder in (first, again, other))
    assert split.classes == own.SHAPES
    assert len(split.train) + len(split.val) + len(split.test) == 48
    np.testing.assert_array_equal(split.train.images, same.train.images)
    assert not np.array_equal(split.train.images, different.train.images)


def test_untidy_arrays_have_the_faults_that_they_promise() -> None:
    x, y = own.untidy_arrays(each=10, copies=6, seed=1)
    assert x.shape == (46, 16, 16)
    assert x.max() > 1
    assert y.tolist() == sorted(y.tolist())
    assert len(np.unique(x.reshape(46, -1), axis=0)) == 40


def test_an_address_that_a_page_loads_is_found_and_a_link_is_not() -> None:
    for loads in (
        '<script src="https://a.org/x.js">',
        "<img alt='a' src=//a.org/x.png>",
        '<link rel="stylesheet" href="https://a.org/x.css">',
        "<style>@import 'https://a.org/x.css'</style>",
        "<style>a { background: url(https://a.org/x.png) }</style>",
        "<script>fetch('https://a.org/x.json')</script>",
        '<object type="text/html" data="https://a.org/x.html"></object>',
    ):
        assert outside(loads)[0].partition("//a.org/")[2][:2] == "x.", loads
    assert outside("<style>@import 'x.css'</style>") == ["x.css"]
    assert outside('<a href="https://arxiv.org">paper</a> <img src="data:image/png;base64,//8="> // a comment') == []


def test_intervals_that_lie_apart_allow_a_claim() -> None:
    assert course.check("11-claim", 20.0, "higher", results=rows(apart=True)).passed
    said = course.check("11-claim", 20.0, "open", results=rows(apart=True)).message
    assert "[70.00, 88.00] and [50.00, 62.00] do not overlap" in said
    turned = rows(apart=True).iloc[[1, 0, 2]].reset_index(drop=True)
    assert course.check("11-claim", -20.0, "lower", results=turned).passed


def test_a_split_without_removing_copies_is_told_of_the_leak() -> None:
    twice = [i for i in range(len(X) - 1) if np.array_equal(X[i], X[i + 1])]
    test = np.append(KEPT[:8], twice[0])
    train = np.append(np.setdiff1d(KEPT[8:], twice[0]), twice[0] + 1)
    split = Split.from_arrays(X[train] / 255, NUMBERS[train], X[test] / 255, NUMBERS[test], classes=own.SHAPES)
    found = course.check("11-split", split, x=X, y=Y)
    assert found.status == "wrong"
    assert "remove copies *before* you cut" in found.message
