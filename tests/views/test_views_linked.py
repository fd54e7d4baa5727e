"""What views of runs take and refuse: their state, bookmarks, tours, what they are given, and where pages go."""

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import traitlets
from views_toys import toy, with_results

from wddkit.history.fields import Fields
from wddkit.views import CompareExplorer, Explorer, TransportLab, figures
from wddkit.views.linked import LinkedView

View = Callable[[], LinkedView]
VIEWS = [lambda: Explorer(toy()), lambda: CompareExplorer([toy(), toy()])]


@pytest.mark.parametrize("view", [*VIEWS, TransportLab], ids=["run", "comparison", "laboratory"])
def test_a_full_disk_leaves_the_page_that_was_there(
    view: Callable[[], Explorer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = view().to_html(tmp_path / "page.html")
    before = page.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OSError, match=r"to_html: could not write .*page.html: No space left .* there is unchanged; free"
    ):
        view().to_html(page)
    assert page.read_bytes() == before
    assert list(tmp_path.iterdir()) == [page]


def test_a_page_goes_home_and_not_into_folders_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    view = Explorer(toy())
    assert view.to_html("~/run.html") == tmp_path / "run.html"
    assert (tmp_path / "run.html").is_file()
    with pytest.raises(FileNotFoundError, match=r"cannot write .*/nope/x.html: there is no folder .*/nope; create it"):
        view.to_html(tmp_path / "nope" / "x.html")
    with pytest.raises(IsADirectoryError, match=r"is a folder; expected a file, such as .*explorer.html"):
        view.to_html(tmp_path)
    for wrong in (None, 3, ""):
        with pytest.raises(ValueError, match=r"to_html: expected the path of a file, such as 'explorer.html', got"):
            view.to_html(wrong)  # type: ignore[arg-type]  # that is the point


LOOKS = {
    "zoom is 5; expected None for all, or": {"zoom": 5},
    "zoom is .*nan": {"zoom": {"k": float("nan"), "x": 0, "y": 0}},
    "zoom is .*-3": {"zoom": {"k": -3, "x": 0, "y": 0}},
    "angle is 'x'; expected a number, in radians": {"angle": "x"},
    "angle is inf": {"angle": float("inf")},
    "plan is 'yes'; expected True or False": {"plan": "yes"},
    "no switch 'colour'; expected plan": {"colour": True},
}


@pytest.mark.parametrize("view", VIEWS, ids=["run", "comparison"])
@pytest.mark.parametrize("message", LOOKS)
def test_what_cannot_be_looked_at_is_an_error(view: View, message: str) -> None:
    with pytest.raises(traitlets.TraitError, match=f"look: {message}"):
        view().look = LOOKS[message]


STATES = {
    "selected": (99, "selected is 99; expected the position of a recorded image .*, or -1 for none"),
    "picked": ([99], "picked is 99; expected the position of a recorded image"),
    "real": ([600], "real: 600 is no position of a real image that is drawn"),
    "bookmarks": ([{"x": 1}], r"bookmarks\[0\] has 'x'; expected caption, step"),
    "stops": ([{"caption": 3}], r"stops\[0\] has the caption 3; expected text"),
}


@pytest.mark.parametrize("view", VIEWS, ids=["run", "comparison"])
@pytest.mark.parametrize("name", STATES)
def test_what_no_run_has_cannot_be_shown(view: View, name: str) -> None:
    value, message = STATES[name]
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(view(), name, value)


@pytest.mark.parametrize("view", VIEWS, ids=["run", "comparison"])
def test_bookmarks_and_tours_say_what_they_expect(view: View) -> None:
    shown = view()
    with pytest.raises(traitlets.TraitError, match=r"bookmarks\[0\] has no name"):
        shown.bookmarks = [{"step": 1}]
    with pytest.raises(traitlets.TraitError, match="step 99 of a"):
        shown.bookmarks = [{"name": "there", "step": 99}]
    for wrong in (None, 3, "abc", {"step": 1}):
        with pytest.raises(ValueError, match=r"tour: expected a list of stops, .* \[\] ends a tour; got"):
            shown.tour(wrong)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match="tour: a stop is 3; expected a bookmark's name, or a mapping"):
        shown.tour([3])  # type: ignore[list-item]  # that is the point
    for nameless in (None, 3, " "):
        with pytest.raises(ValueError, match=r"bookmark: expected a name that says what is seen, .*, got"):
            shown.bookmark(nameless)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match="bookmark: expected a caption as text, got 3"):
        shown.bookmark("here", caption=3)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("view", VIEWS, ids=["run", "comparison"])
def test_a_misspelt_attribute_is_an_error_that_names_those_near(view: View) -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'steps'; did you mean .*step"):
        view().steps = 3  # type: ignore[attr-defined]  # that is the point


def test_a_comparison_keeps_moments_and_leads_through_them() -> None:
    view = CompareExplorer([toy(), toy()], names=["a", "b"])
    view.step, view.selected = 6, 3
    view.bookmark("class 1 splits")
    view.step = 0
    view.tour(["class 1 splits", {"step": -1, "caption": "the end"}])
    assert (view.step, view.stops[1]["step"], view.timeline[6]) == (6, 8, ("recorded", 4))
    with pytest.raises(traitlets.TraitError, match="names: 1 names for 2 runs; expected one each"):
        view.names = ["a"]


def test_the_selection_of_a_comparison_is_that_of_each_run() -> None:
    view, alone = CompareExplorer([toy(), toy()], names=["a", "b"]), Explorer(toy())
    for shown in (view, alone):
        shown.step, shown.selected, shown.picked, shown.real = 6, 3, [0, 3], [5]
    table, expected = view.selection(), alone.selection()
    assert list(table["run"]) == ["a"] * len(expected) + ["b"] * len(expected)
    for name in ("a", "b"):
        own = table[table["run"] == name].drop(columns="run").reset_index(drop=True)
        assert own.equals(expected)


PATHS = [
    lambda: Explorer("runs/first"),  # type: ignore[arg-type]  # that is the point, here and below
    lambda: CompareExplorer(["runs/first", "runs/second"]),  # type: ignore[list-item]
    lambda: CompareExplorer("runs/first"),  # type: ignore[arg-type]
    lambda: figures.features("runs/first"),  # type: ignore[arg-type]
    lambda: figures.curves(Path("runs/first")),  # type: ignore[arg-type]
    lambda: figures.masses("runs/first"),  # type: ignore[arg-type]
    lambda: figures.accuracy("runs/first"),  # type: ignore[arg-type]
    lambda: figures.plan("runs/first", 0),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("call", PATHS)
def test_the_path_of_a_run_is_no_run(call: Callable[[], object]) -> None:
    with pytest.raises(
        ValueError, match=r"expected a recorded run, got 'runs/first'.* wdd\.History\.load\('runs/first'\)"
    ):
        call()


def test_one_run_is_no_comparison() -> None:
    with pytest.raises(ValueError, match="expected 2 to 4 runs as a list, got 1"):
        CompareExplorer(toy())  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match="names are 'ab'; expected a list of texts"):
        CompareExplorer([toy(), toy()], names="ab")


# Matrices of Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB.
VISIONS = {
    "usual": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def cielab(rgb: np.ndarray) -> np.ndarray:
    x = np.clip(rgb, 0, 1) @ TO_XYZ.T / np.array([0.9505, 1, 1.089])
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


@pytest.mark.parametrize("vision", VISIONS)
def test_ten_colours_are_told_apart_with_any_colour_vision_on_white_and_on_black(vision: str) -> None:
    colours = np.array([linear(colour) for colour in figures.COLOURS])
    assert len(colours) == 10
    seen = cielab(colours @ np.asarray(VISIONS[vision]).T)
    apart = np.linalg.norm(seen[:, None] - seen, axis=-1) + 1e9 * np.eye(10)
    assert apart.min() > 8  # about 2 is just noticeable
    luminance = colours @ TO_XYZ[1]
    assert (1.05 / (luminance + 0.05)).min() > 2.2
    assert ((luminance + 0.05) / (linear("#0d1117") @ TO_XYZ[1] + 0.05)).min() > 2.5


def test_a_run_that_asked_for_no_protocols_misses_no_results() -> None:
    asked, unasked = with_results(toy()), dataclasses.replace(toy(), config=Fields({"protocols": []}))
    metas = [Explorer(history).meta for history in (asked, unasked, toy())]
    assert [meta["unasked"] for meta in metas] == [False, True, False]
    said = [any("No results were recorded" in each for each in meta["missing"]) for meta in metas]
    assert said == [False, False, True]
