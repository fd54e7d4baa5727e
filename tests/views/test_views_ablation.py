"""The AblationBrowser as far as it goes without a browser: its state, what it sends, its page and its picture."""

import base64
import gc
import io
import json
import re
import shutil
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import traitlets
from PIL import Image
from scipy import stats
from sweep_toys import CLASSES, sweep_of

import wddkit as wdd
from wddkit.history import Sweep
from wddkit.views import AblationBrowser, assets
from wddkit.views.ablation import runs as ablation_runs

BOTH = ("hard", "soft")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweep_of(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The same under two protocols, without run folders."""
    return sweep_of(tmp_path_factory.mktemp("two"), protocols=BOTH, runs=False)


def answers(view: AblationBrowser, monkeypatch: pytest.MonkeyPatch, **asked: Any) -> list[tuple[dict[str, Any], list]]:
    """What the view answers to a message of the browser."""
    found: list[tuple[dict[str, Any], list]] = []
    monkeypatch.setattr(view, "send", lambda content, buffers=(): found.append((content, list(buffers))))
    view._handle_custom_msg(asked, [])
    return found


def elements(page: str) -> dict[str, Any]:
    """The JSON in a page's script elements, by id."""
    found = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', page, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def test_it_is_reached_by_its_public_name() -> None:
    assert wdd.AblationBrowser is AblationBrowser


def test_it_begins_with_accuracy_over_the_first_fields_that_vary(sweep: Sweep) -> None:
    view = AblationBrowser(sweep)
    assert (view.value, view.rows, view.columns) == ("accuracy", "method.statistics_weight", "method.start")
    assert (view.protocol, view.fixed, view.selected, view.opened) == ("hard", {}, [], [])
    assert (view.x, view.y, view.colour) == ("w2_squared", "accuracy", "method.statistics_weight")
    asked = AblationBrowser(sweep, value="gain", columns="statistics_weight")
    assert (asked.value, asked.rows, asked.columns) == ("gain", "method.start", "method.statistics_weight")
    fixed = AblationBrowser(sweep, fixed={"start": "real"})
    assert (fixed.rows, fixed.columns, fixed.fixed) == ("", "method.statistics_weight", {"method.start": "real"})


WRONG = {
    "value": ("accurcy", "value: unknown value 'accurcy'. Did you mean 'accuracy'. Known: accuracy, bytes"),
    "rows": ("ipc", "rows: unknown field 'ipc'. Known: method.start, method.statistics_weight"),
    "columns": ("ipc", "columns: unknown field 'ipc'. Known: method.start"),
    "colour": ("ipc", "colour: unknown field 'ipc'. Known: method.start"),
    "x": ("method.start", "x: unknown column of numbers 'method.start'. .*Known: accuracy.*method.statistics_weight"),
    "y": ("run", "y: unknown column of numbers 'run'.*Known: accuracy, bytes"),
    "axes": (["run"], "axes: unknown value 'run'.*Known: accuracy, bytes"),
    "protocol": ("soft", "protocol: unknown protocol 'soft'. Known: hard"),
    "fixed": ({"start": "nearest"}, "fixed: method.start: no run has 'nearest'; expected one of 'noise', 'real'"),
    "brush": ({"accuracy": [3, 1]}, r"brush: brush: accuracy is \[3, 1\]; expected \[lowest, highest\]"),
    "selected": ([12], "selected: 12 is no row of a table of 12; expected 0 to 11"),
    "opened": ([0, 1, 2, 3, 4], "opened: 5 runs; expected at most 4 side by side"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_sweep_does_not_have_is_an_error_that_names_what_it_has(sweep: Sweep, name: str) -> None:
    value, message = WRONG[name]
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(AblationBrowser(sweep), name, value)


def test_the_constructor_refuses_the_same_and_what_is_no_sweep(sweep: Sweep, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"AblationBrowser: unknown value 'speed'.*Known: accuracy"):
        AblationBrowser(sweep, value="speed")
    with pytest.raises(ValueError, match=r"AblationBrowser: rows and columns are both 'method.start'"):
        AblationBrowser(sweep, rows="start", columns="start")
    with pytest.raises(ValueError, match=r"AblationBrowser: expected a sweep .* by wdd.Sweep.load\('sweeps/x'\)"):
        AblationBrowser("sweeps/x")  # type: ignore[arg-type]  # what people try first
    empty = Sweep(tmp_path, {}, ("method.ipc",), pd.DataFrame())
    with pytest.raises(ValueError, match=r"AblationBrowser: this sweep has no runs yet; run wdd.ablate\("):
        AblationBrowser(empty)


def test_a_misspelt_attribute_is_an_error(sweep: Sweep) -> None:
    with pytest.raises(AttributeError, match="no attribute 'column'; did you mean columns"):
        AblationBrowser(sweep).column = "method.start"


def test_a_field_that_is_chosen_for_both_is_swapped(sweep: Sweep) -> None:
    view = AblationBrowser(sweep)
    view.rows = "start"
    assert (view.rows, view.columns) == ("method.start", "method.statistics_weight")
    view.columns = "method.start"
    assert (view.rows, view.columns) == ("method.statistics_weight", "method.start")


def test_cells_are_what_the_heat_map_shows(sweep: Sweep) -> None:
    view = AblationBrowser(sweep)
    cells = view.cells().set_index(["method.statistics_weight", "method.start"])
    grouped = sweep.frame.groupby(["method.statistics_weight", "method.start"])["accuracy"]
    for key, own in grouped:
        low, high = stats.t.interval(0.95, 1, loc=own.mean(), scale=own.sem())
        assert cells.loc[key, ["mean", "low", "high"]].tolist() == pytest.approx([own.mean(), low, high], abs=1e-10)
        assert (cells.loc[key, "n"], cells.loc[key, "over"], cells.loc[key, "rows"]) == (2, "seeds", own.index.tolist())
    view.rows, view.columns, view.fixed = "", "method.start", {"method.statistics_weight": 10}
    assert view.cells()["rows"].tolist() == [[8, 9], [10, 11]]
    view.columns = ""
    assert view.cells()["rows"].tolist() == [[8, 9, 10, 11]]


def test_selected_rows_are_a_table(sweep: Sweep) -> None:
    view = AblationBrowser(sweep)
    assert len(view.selection()) == 0
    view.selected = [3, 1, 3]
    pd.testing.assert_frame_equal(view.selection(), sweep.frame.iloc[[3, 1]])


def test_a_brush_selects_what_is_within_and_another_selection_ends_it(sweep: Sweep) -> None:
    view = AblationBrowser(sweep)
    view.brush = {"start": ["real"], "accuracy": [55, 62]}
    frame = sweep.frame
    within = frame[(frame["method.start"] == "real") & frame["accuracy"].between(55, 62)]
    assert 0 < len(within) < 6
    assert view.selected == within.index.tolist()
    assert view.brush == {"method.start": ["real"], "accuracy": [55.0, 62.0]}
    view.selected = [0]
    assert view.brush == {}


def test_under_another_protocol_the_same_runs_stay_selected_and_open(two: Sweep) -> None:
    view = AblationBrowser(two)
    view.selected, view.opened = [0, 4], [2]
    view.protocol = "soft"
    assert (view.selected, view.opened) == ([1, 5], [3])
    assert view.selection()["run"].tolist() == two.frame["run"].iloc[[0, 4]].tolist()
    assert set(two.frame["protocol"].iloc[view.cells()["rows"].sum()]) == {"soft"}


def test_what_arrives_from_the_browser_in_one_message_stays_as_it_was_sent(two: Sweep) -> None:
    view = AblationBrowser(two)
    view.selected = [0]
    view.set_state({"protocol": "soft", "selected": [1], "opened": []})
    assert (view.protocol, view.selected) == ("soft", [1])
    view.set_state({"rows": "method.start", "columns": "method.statistics_weight"})
    assert (view.rows, view.columns) == ("method.start", "method.statistics_weight")
    kept = {"method.start": ["noise"]}
    within = np.flatnonzero((two.frame["method.start"] == "noise") & (two.frame["protocol"] == "soft")).tolist()
    view.set_state({"brush": kept, "selected": within})
    assert (view.brush, view.selected) == (kept, within)


def test_a_run_is_sent_when_it_is_asked_for(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    view = AblationBrowser(sweep)
    ((content, buffers),) = answers(view, monkeypatch, runs=[5])
    assert content["run"] == 5
    assert content["meta"]["classes"] == list(CLASSES)
    sent = dict(zip(content["names"], buffers, strict=True))
    labels = np.frombuffer(sent["labels"], "<i4")
    assert labels.tolist() == [0, 1, 2]
    assert all(data for data in sent.values())
    assert answers(view, monkeypatch, runs=[99, "x", -1]) == []


def test_strips_are_pictures_of_the_distilled_images(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    ((content, buffers),) = answers(AblationBrowser(sweep), monkeypatch, strips=[0, 7])
    assert content == {"strips": [0, 7]}
    for run, data in zip((0, 7), buffers, strict=True):
        images = sweep.history(run).distilled.images[:, 0]  # of this toy, a row is a run
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), np.concatenate([*images], axis=1))


def test_a_run_that_is_not_there_is_said_and_the_table_still_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = sweep_of(tmp_path)
    shutil.rmtree(tmp_path / "runs" / "toy-1-0")
    view = AblationBrowser(sweep)
    assert [run for run, there in enumerate(view.table["there"]) if not there] == [2]
    assert len(view.cells()) == 6
    ((content, _),) = answers(view, monkeypatch, runs=[2])
    assert re.search(
        r"This run is not here: there is no .*toy-1-0\. Its numbers stand in the table", content["problem"]
    )
    ((_, buffers),) = answers(view, monkeypatch, strips=[2])
    assert buffers == [b""]
    view.to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "Of 1 runs only the numbers are there: their folders were not." in text
    assert "wdd-run-2" not in elements(text)


def test_a_damaged_run_is_said_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = sweep_of(tmp_path)
    (tmp_path / "runs" / "toy-0-0" / "config.json").write_text("{}")
    ((content, _),) = answers(AblationBrowser(sweep), monkeypatch, runs=[0])
    assert "config.json" in content["problem"]


def test_a_page_holds_every_run_and_each_content_once(sweep: Sweep, tmp_path: Path) -> None:
    text = AblationBrowser(sweep).to_html(tmp_path / "all.html").read_text("utf-8")
    found = elements(text)
    assert [name for name in found if name.startswith("wdd-run")] == [
        f"wdd-run-{run}" for run in (0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11)
    ]
    parts = [name for name in found if name.startswith("wdd-part")]
    assert len({found[name] for name in parts}) == len(parts)
    names = [found[f"wdd-run-{run}"]["names"] for run in range(12)]
    assert len({own["real/sheet/0"] for own in names}) == 1  # the same real images
    assert len({own["images/0/0"] for own in names}) == 12
    last = sweep.history(7).images(-1)  # of this toy, a row is a run
    sheet = base64.b64decode(found[f"wdd-part-{names[7]['images/1/0']}"])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(sheet)))[:, -8:], last[1, 0])
    assert found["state"]["table"]["notes"][0].startswith("12 of 12 runs can be opened in this page; they take ")
    assert len([name for name in found["state"]["buffers"] if name.startswith("strip/")]) == 12


def test_a_page_says_which_runs_were_left_out(sweep: Sweep, tmp_path: Path) -> None:
    view = AblationBrowser(sweep)
    some = elements(view.to_html(tmp_path / "some.html", runs=7).read_text("utf-8"))
    assert [name for name in some if "run" in name] == [
        f"wdd-run-{run}" for run in (0, 2, 4, 6, 8, 10, 1)
    ]  # first seeds first
    assert some["state"]["table"]["notes"][:2] == [
        some["state"]["table"]["notes"][0],
        "5 runs were left out when it was written: to_html(path, runs='all') has all.",
    ]
    none = elements(view.to_html(tmp_path / "none.html", runs="none").read_text("utf-8"))
    assert [name for name in none if "run" in name] == []
    assert none["state"]["table"]["notes"][0] == "0 of 12 runs can be opened in this page."
    for wrong in ("some", -1, True, 1.5):
        with pytest.raises(ValueError, match=r"to_html: runs is .*; expected 'all', 'none', or how many can be opened"):
            view.to_html(tmp_path / "no.html", runs=wrong)  # type: ignore[arg-type]  # what must be refused
    assert not (tmp_path / "no.html").exists()


def test_runs_that_would_be_too_much_for_a_page_are_left_out(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablation_runs, "PAGE_BYTES", 6000)
    found = elements(AblationBrowser(sweep).to_html(tmp_path / "few.html").read_text("utf-8"))
    kept = [name for name in found if name.startswith("wdd-run")]
    assert 1 <= len(kept) < 12
    said = (
        f"{12 - len(kept)} more runs would have been too much for a page, or could not be read; a notebook opens them."
    )
    assert said in found["state"]["table"]["notes"]


def test_the_page_begins_as_the_view_stands_and_tells_of_it_without_a_script(sweep: Sweep, tmp_path: Path) -> None:
    view = AblationBrowser(sweep, value="gain")
    view.selected, view.opened, view.fixed = [4], [4], {"start": "real"}
    text = view.to_html(tmp_path / "page.html", runs=1).read_text("utf-8")
    state = elements(text)["state"]
    assert (state["value"], state["selected"], state["opened"]) == ("gain", [4], [4])
    noscript = re.search(r"<noscript>(.*?)</noscript>", text, re.DOTALL)
    assert noscript
    assert "12 runs over method.statistics_weight (0.1, 1, 10), method.start (noise, real)" in noscript[1]
    assert "accuracy minus that of random real images" in noscript[1]
    names = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # which nobody asks for
    assert set(re.findall(r"https?://[^\s\"'<>]+", text)) <= names


def test_names_cannot_end_the_element_they_stand_in(tmp_path: Path) -> None:
    name = "</script><script>alert(1)</script>"
    sweep = sweep_of(tmp_path, fields={"method.note": [name, "plain"]}, seeds=1, protocols=(name,))
    text = AblationBrowser(sweep).to_html(tmp_path / "page.html").read_text("utf-8")
    assert "<script>alert(1)" not in text
    assert elements(text)["state"]["table"]["fields"][0]["texts"] == [name, "plain"]
    assert elements(text)["wdd-run-0"]["meta"]["classes"] == list(CLASSES)


def test_widget_and_page_run_the_same_module_and_no_data_becomes_markup(sweep: Sweep, tmp_path: Path) -> None:
    view = AblationBrowser(sweep)
    module = assets.module("ablation")
    assert view._esm == module
    assert module in view.to_html(tmp_path / "page.html", runs="none").read_text("utf-8")
    assert "</script" not in module
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", module) == []


def test_no_two_parts_of_a_view_define_the_same_name() -> None:
    # Joined into one module, the later function would silently take the place of the earlier one.
    defined = re.compile(r"^(?:async )?(?:function|const|let) (?:\[([^\]]+)\]|(\w+))", re.MULTILINE)
    for view, parts in assets.VIEWS.items():
        text = "\n".join((assets.ROOM / part).read_text("utf-8") for part in parts)
        names = [each.strip() for several, one in defined.findall(text) for each in (one or several).split(",")]
        assert sorted({name for name in names if names.count(name) > 1}) == [], view


def test_a_notebook_without_widgets_shows_the_heat_map(sweep: Sweep) -> None:
    view = AblationBrowser(sweep, value="w2_squared")
    view.fixed = {"method.statistics_weight": 1}  # is the heat map's own, and so of no effect
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    data, metadata = bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"].startswith(
        "Squared W2 to training features by statistics_weight and start. 0.1 noise"
    )


def test_closed_views_are_forgotten(sweep: Sweep) -> None:
    def closed() -> weakref.ref[AblationBrowser]:
        view = AblationBrowser(sweep)
        view.close()
        return weakref.ref(view)

    ghosts = [closed() for _ in range(3)]
    gc.collect()
    assert [ghost() for ghost in ghosts] == [None, None, None]


def test_seeds_alone_are_one_cell(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, fields={}, seeds=3, runs=False)
    view = AblationBrowser(sweep)
    assert (view.rows, view.columns) == ("", "")
    assert view.cells()[["n", "rows"]].to_dict("records") == [{"n": 3, "rows": [0, 1, 2]}]


def test_a_saved_sweep_is_browsed_without_torch(sweep: Sweep) -> None:
    code = (
        "import sys, wddkit as wdd\n"
        f"view = wdd.AblationBrowser(wdd.Sweep.load({str(sweep.path)!r}))\n"
        "assert len(view.cells()) == 6\nassert not {'torch', 'matplotlib', 'plotly'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
