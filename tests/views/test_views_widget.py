"""The widget and its page, as far as they go without a browser."""

import base64
import gc
import json
import re
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import traitlets
from views_toys import toy, with_results

from wddkit.views import RunView, assets


def state_of(page: str) -> dict[str, object]:
    match = re.search(r'<script type="application/json" id="state">(.*?)</script>', page, re.DOTALL)
    assert match
    found: dict[str, object] = json.loads(match[1])
    return found


def test_step_selection_and_classes_can_be_set_and_read() -> None:
    view = RunView(toy(), step=1)
    assert (view.step, view.selected, view.classes) == (1, -1, [])
    view.step, view.selected, view.classes = -1, 5, [2, 0, 2]
    assert (view.step, view.selected, view.classes) == (4, 5, [0, 2])


def test_values_that_do_not_exist_are_errors_that_say_what_does() -> None:
    view = RunView(toy())
    with pytest.raises(traitlets.TraitError, match="step 5 of a run of 5 snapshots; expected 0 to 4"):
        view.step = 5
    with pytest.raises(traitlets.TraitError, match="selected is 6; expected the position of a recorded image"):
        view.selected = 6
    with pytest.raises(traitlets.TraitError, match="no label 3; expected labels from 0 to 2"):
        view.classes = [3]


def test_a_page_holds_everything_and_names_no_other_address(tmp_path: Path) -> None:
    path = RunView(with_results(toy())).to_html(tmp_path / "run.html")
    page = path.read_text("utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, which nobody asks for
    assert '<html lang="en">' in page
    assert "<title>Distillation: a recorded run</title>" in page
    noscript = re.search(r"<noscript>(.*?)</noscript>", page, re.DOTALL)
    assert noscript
    assert "wmdd, labels hard: accuracy 91.0 %." in noscript[1]


def test_class_names_cannot_end_the_element_they_stand_in(tmp_path: Path) -> None:
    page = RunView(toy()).to_html(tmp_path / "run.html").read_text("utf-8")
    assert "<script>alert(1)" not in page
    state = state_of(page)
    assert state["meta"]["classes"][0] == "<script>alert(1)</script>"  # type: ignore[index]  # a parsed JSON object


def test_the_page_shows_the_view_as_it_stands(tmp_path: Path) -> None:
    view = RunView(toy())
    view.step, view.selected, view.classes = 3, 2, [1]
    state = state_of(view.to_html(tmp_path / "run.html").read_text("utf-8"))
    assert (state["step"], state["selected"], state["classes"]) == (3, 2, [1])


def test_widget_and_page_run_the_same_module(tmp_path: Path) -> None:
    view = RunView(toy())
    assert view._esm == assets.module()
    assert assets.module() in view.to_html(tmp_path / "run.html").read_text("utf-8")
    assert "</script" not in assets.module()  # it would end early


def test_no_data_becomes_markup() -> None:
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", assets.module()) == []


def test_a_notebook_without_widgets_shows_a_picture() -> None:
    bundle = RunView(with_results(toy()))._repr_mimebundle_()
    assert bundle is not None
    data, metadata = bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert "Accuracy on test images: wmdd 91.0 %" in metadata["image/png"]["alt"]


def test_closed_views_are_forgotten() -> None:
    def closed() -> weakref.ref[RunView]:
        view = RunView(toy())
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

    with pytest.raises(AttributeError, match="no attribute 'Explore'; it offers Projection, RunView"):
        _ = wddkit.views.Explore
