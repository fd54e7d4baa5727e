"""The widget and its page, as far as they go without a browser."""

import base64
import gc
import io
import json
import re
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
import traitlets
from PIL import Image
from views_toys import STEPS, toy, with_results, write_run

from wddkit.history import History
from wddkit.views import Explorer, Projection, assets
from wddkit.views.live import LiveExplorer


def state_of(page: str) -> dict[str, object]:
    match = re.search(r'<script type="application/json" id="state">(.*?)</script>', page, re.DOTALL)
    assert match
    found: dict[str, object] = json.loads(match[1])
    return found


def test_step_selection_and_classes_can_be_set_and_read() -> None:
    view = Explorer(toy(), step=1)
    assert (view.step, view.selected, view.classes) == (1, -1, [])
    view.step, view.selected, view.classes = -1, 5, [2, 0, 2]
    assert (view.step, view.selected, view.classes) == (8, 5, [0, 2])
    assert view.timeline[:4] == [("barycenter", t) for t in range(4)]
    assert view.timeline[4:] == [("recorded", step) for step in STEPS]


WRONG = {
    "step": (9, "step 9 of a run of 9 snapshots; expected 0 to 8"),
    "selected": (6, "selected is 6; expected the position of a recorded image .*, or -1 for none"),
    "picked": ([7], "picked is 7; expected the position of a recorded image"),
    "real": ([60], "real: 60 is no position of a real image that is drawn"),
    "classes": ([3], r"no label 3; expected labels from 0 to 2, or \[\] for all"),
    "projection": ("tsne", "projection 'tsne': this run has 'pca'"),
    "look": ({"colour": True}, "look: no switch 'colour'; expected plan, trails"),
}


@pytest.mark.parametrize("name", WRONG)
def test_values_that_do_not_exist_are_errors_that_say_what_does(name: str) -> None:
    value, message = WRONG[name]
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(Explorer(toy()), name, value)


def test_what_is_selected_or_circled_is_a_table(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    history = History.load(tmp_path / "run")
    view = Explorer(history, step=-1, selected=13)
    view.picked, view.real = [0, 13], [5]
    found = view.selection()
    assert list(zip(found["kind"], found["index"], found["label"], strict=True)) == [
        ("distilled image", 13, 1),
        ("support point", 13, 1),
        ("distilled image", 0, 0),
        ("support point", 0, 0),
        ("real image", 5, 5),
    ]
    assert found["mass"][1] == pytest.approx(history.barycenters[1]["masses"][-1, 3], rel=1e-5)
    assert found["gap"][0] == 1
    plane, last = Projection.of(history), history.features(-1)
    assert plane is not None
    assert last is not None
    assert found[["x", "y"]].iloc[0].to_numpy() == pytest.approx(plane(last)[13], rel=1e-4)
    assert found[["x", "y"]].iloc[1].to_numpy() == pytest.approx(
        plane(history.barycenters[1]["support"][-1, 3]), rel=1e-4
    )
    view.step = 0
    assert list(view.selection()["kind"]) == ["support point", "support point", "real image"]  # no images yet


def test_without_a_selection_the_table_is_empty() -> None:
    found = Explorer(toy()).selection()
    assert list(found.columns) == ["kind", "index", "label", "class", "mass", "x", "y", "gap"]
    assert len(found) == 0


def test_bookmarks_and_tours_keep_what_is_seen() -> None:
    view = Explorer(toy(), step=3)
    view.selected = 2
    kept = view.bookmark("class 1 splits")
    assert (kept["step"], kept["selected"], kept["caption"]) == (3, 2, "class 1 splits")
    view.step = 0
    view.tour(["class 1 splits", {"step": -1, "classes": [1], "caption": "the end"}])
    assert (view.step, [stop["caption"] for stop in view.stops]) == (3, ["class 1 splits", "the end"])
    assert view.stops[1]["step"] == 8
    view.bookmark("class 1 splits", caption="again")
    assert [each["caption"] for each in view.bookmarks] == ["again"]
    view.tour([])
    assert view.stops == []


def test_a_tour_that_leads_nowhere_is_an_error_that_says_what_there_is() -> None:
    view = Explorer(toy())
    with pytest.raises(ValueError, match="no bookmark 'x'; there are none yet"):
        view.tour(["x"])
    with pytest.raises(ValueError, match="a stop has 'text'; expected caption, step, selected"):
        view.tour([{"text": "look"}])
    with pytest.raises(traitlets.TraitError, match="step 99 of a run of 9 snapshots"):
        view.tour([{"step": 99}])
    with pytest.raises(ValueError, match="expected a name that says what is seen"):
        view.bookmark(" ")


def test_a_page_holds_everything_and_names_no_other_address(tmp_path: Path) -> None:
    path = Explorer(with_results(toy())).to_html(tmp_path / "run.html")
    page = path.read_text("utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", page))
    names = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # which nobody asks for
    assert addresses <= names
    assert '<html lang="en">' in page
    assert "<title>Distillation: a recorded run</title>" in page
    noscript = re.search(r"<noscript>(.*?)</noscript>", page, re.DOTALL)
    assert noscript
    assert "wmdd, labels hard: accuracy 91.0 %." in noscript[1]


def test_class_names_cannot_end_the_element_they_stand_in(tmp_path: Path) -> None:
    page = Explorer(toy()).to_html(tmp_path / "run.html").read_text("utf-8")
    assert "<script>alert(1)" not in page
    state = state_of(page)
    assert state["meta"]["classes"][0] == "<script>alert(1)</script>"  # type: ignore[index]  # a parsed JSON object


def test_the_page_shows_the_view_as_it_stands(tmp_path: Path) -> None:
    view = Explorer(toy())
    view.step, view.selected, view.classes = 3, 2, [1]
    state = state_of(view.to_html(tmp_path / "run.html").read_text("utf-8"))
    assert (state["step"], state["selected"], state["classes"]) == (3, 2, [1])


def test_widget_and_page_run_the_same_module(tmp_path: Path) -> None:
    view = Explorer(toy())
    assert view._esm == assets.module("explorer")
    assert assets.module("explorer") in view.to_html(tmp_path / "run.html").read_text("utf-8")
    assert "</script" not in assets.module("explorer")  # it would end early


def test_no_data_becomes_markup() -> None:
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", assets.module("explorer")) == []
    )


def test_a_notebook_without_widgets_shows_a_picture() -> None:
    bundle = Explorer(with_results(toy()))._repr_mimebundle_()
    assert bundle is not None
    data, metadata = bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert "Accuracy on test images: wmdd 91.0 %" in metadata["image/png"]["alt"]


def test_a_live_view_has_a_picture_from_its_first_moment() -> None:
    view = LiveExplorer(run=None)  # type: ignore[arg-type]  # nobody steers it here
    before = view._repr_mimebundle_()
    assert before is not None
    assert "Nothing was recorded yet when this cell was shown" in before[1]["image/png"]["alt"]
    said = Image.open(io.BytesIO(base64.b64decode(before[0]["image/png"])))
    assert said.width > 400
    assert np.asarray(said.convert("L")).min() < 50  # dark letters
    view.grow(toy())
    after = view._repr_mimebundle_()
    assert after is not None
    assert after[1]["image/png"]["alt"] != before[1]["image/png"]["alt"]


def test_closed_views_are_forgotten() -> None:
    def closed() -> weakref.ref[Explorer]:
        view = Explorer(toy())
        view.close()
        return weakref.ref(view)

    ghosts = [closed() for _ in range(3)]
    gc.collect()
    assert [ghost() for ghost in ghosts] == [None, None, None]


def test_importing_the_views_loads_neither_matplotlib_nor_anywidget_nor_torch() -> None:
    code = (
        "import sys, wddkit.views\n"
        "heavy = ('torch', 'matplotlib', 'anywidget', 'pandas', 'ipywidgets')\n"
        "assert not [name for name in heavy if name in sys.modules]\n"
        "assert set(wddkit.views.__all__) == set(dir(wddkit.views))\n"
        "[getattr(wddkit.views, name) for name in wddkit.views.__all__]\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    import wddkit.views

    with pytest.raises(AttributeError, match="no attribute 'Explorers'; it offers "):
        _ = wddkit.views.Explorers
