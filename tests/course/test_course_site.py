"""The course as pages: formulas, links, outputs and what a page is made of, without a kernel and without a browser."""

import json
import re
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from bs4 import BeautifulSoup

from wddkit.course.site import outputs, texts, writing
from wddkit.course.site.executing import Executed
from wddkit.course.site.formulas import mathml
from wddkit.course.site.outputs import WIDGET, Used
from wddkit.course.site.pages import WEB, Page, page_of, whole
from wddkit.course.site.texts import Place
from wddkit.course.source import parse
from wddkit.views.embed import embedded

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SOURCES = sorted((NOTEBOOKS / "source").glob("*.py"))
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def place(*pages: str) -> Place:
    return Place(pages, lambda source: f"data:{source}")


def text_cell(source: str, name: str = "text", **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "source": source, "metadata": metadata}


def code_cell(source: str, name: str, *shown: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "code", "id": name, "source": source, "metadata": metadata, "outputs": list(shown)}


def data(**kinds: Any) -> dict[str, Any]:
    found = {name.replace("__", "/"): value for name, value in kinds.items()}
    return {"output_type": "display_data", "data": found, "metadata": {}}


def page(*cells: dict[str, Any], shown: outputs.Shown | None = None, stem: str = "01_one") -> Page:
    executed = Executed({"cells": list(cells)}, shown or {}, 0.0, fresh=True)
    return page_of(stem, executed, pages=["index", "01_one", "02_two"], folder=NOTEBOOKS)


def signs(formula: str) -> str:
    return BeautifulSoup(formula, "html.parser").get_text()


@pytest.mark.parametrize("display", [False, True])
def test_a_formula_is_an_element_that_browsers_draw_themselves(display: bool) -> None:
    made = mathml(r"C_{ij} = \lVert x_i - y_j \rVert^2", display=display)
    assert made.startswith(f'<math display="{"block" if display else "inline"}"')
    assert signs(made) == "Cij=‖xi−yj‖2"
    assert 'alttext="C_{ij} = \\lVert x_i - y_j \\rVert^2"' in made


def test_what_a_minimum_is_over_stands_below_it_on_a_line_of_its_own_only() -> None:
    assert "<munder><mo>min</mo>" in mathml(r"\min_T f(T)", display=True)
    assert "<msub><mo>min</mo>" in mathml(r"\min_T f(T)", display=False)


def test_aligned_lines_become_a_table() -> None:
    made = mathml(r"\begin{aligned} a &= b \\ &= c \end{aligned}", display=True)
    assert made.count("<mtr>") == 2
    assert signs(made) == "a=b=c"


def test_signs_of_a_formula_cannot_become_tags() -> None:
    made = mathml(r"a < b, \text{<script> \& 10\%}", display=False)
    assert "<script>" not in made
    assert signs(made).replace("\xa0", " ") == "a<b,<script> & 10%"


@pytest.mark.parametrize(
    ("latex", "why"),
    [
        (r"\foo{3}", r"cannot convert the formula '\\\\foo\{3\}': the command \\foo is not known; write it in plainer"),
        (r"\frac{a}", "something is missing in it"),
        ("a & b", "a sign & stands where none may"),
        ("x_", "MissingSuperScriptOrSubscriptError"),
        (r"\,", "there is nothing in it"),
    ],
)
def test_a_formula_that_cannot_be_converted_is_an_error_that_names_it(latex: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        mathml(latex, display=False)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_formula_of_every_notebook_is_converted(path: Path) -> None:
    cells = [cell for cell in parse(path.read_text("utf-8")) if cell.kind in ("markdown", "exercise")]
    for cell in cells:
        text = "\n".join(cell.lines)
        soup = texts.html_of(text, Place([each.stem for each in SOURCES], lambda source: source))
        for math in soup.find_all("math"):
            math.decompose()
        for verbatim in soup.find_all("code"):
            verbatim.decompose()
        assert "$" not in soup.get_text(), (cell.name, "a formula was not found as one")


def test_links_to_notebooks_lead_to_their_pages_and_others_stay() -> None:
    held = place("index", "02_two")
    soup = texts.html_of(
        "[a](02_two.ipynb) [b](./02_two.ipynb#the-best-plan) [c](#here) [d](https://arxiv.org/abs/1) [e](03_gone.ipynb)"
        " [f](../LICENSE)",
        held,
    )
    assert [link["href"] for link in soup.find_all("a")] == [
        "02_two.html",
        "02_two.html#the-best-plan",
        "#here",
        "https://arxiv.org/abs/1",
    ]
    assert held.lost == ["03_gone.ipynb", "../LICENSE"]
    assert soup.get_text().split() == ["a", "b", "c", "d", "e", "f"]


def test_a_link_that_would_run_something_does_not() -> None:
    soup = texts.html_of("[click](javascript:alert(1))", place())
    assert "javascript:" not in str(soup)


def test_equal_headings_have_ids_of_their_own_and_accents_do_not_matter() -> None:
    soup = texts.html_of("## Three cafés\n\n## Three cafés\n\n### Σ", place())
    assert [heading["id"] for heading in soup.find_all(["h2", "h3"])] == ["three-cafes", "three-cafes-2", "part"]


def test_an_image_needs_an_alt_text_and_travels_in_the_page() -> None:
    assert texts.html_of("![a map](map.png)", place()).img["src"] == "data:map.png"
    with pytest.raises(ValueError, match=r"the image 'map\.png' has no alt text; write !\[what is seen\]\(file\)"):
        texts.html_of("![](map.png)", place())
    with pytest.raises(ValueError, match=r"cell 'text': the image 'gone\.png' is not in .*; expected a picture beside"):
        page(text_cell("![a map](gone.png)"))


def test_what_a_program_printed_stays_text() -> None:
    used = Used()
    stream = {"output_type": "stream", "name": "stdout", "text": "<b>bold</b> & \x1b[31mred\x1b[0m"}
    said = outputs.html_of(stream, {}, used, about="")
    assert "&lt;b&gt;bold&lt;/b&gt; &amp;" in said
    assert "\x1b" not in said
    plain = outputs.html_of(data(text__plain="<img src=x onerror=alert(1)>"), {}, used, about="")
    assert "<img" not in plain
    picture = outputs.html_of(data(image__png=PNG), {}, used, about='a "map" <1>')
    assert 'alt="a &quot;map&quot; &lt;1&gt;"' in picture


def test_of_a_line_that_was_written_over_the_last_state_is_shown() -> None:
    stream = {"output_type": "stream", "name": "stderr", "text": "10 %\r50 %\r100 %\ndone\r\n"}
    assert outputs.html_of(stream, {}, Used(), about="").endswith(">100 %\ndone</pre>")


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        "<img alt='' src='//example.org/x.png'>",
        '<link rel="stylesheet" href="http://example.org/x.css">',
        "<style>@import 'x.css'</style>",
        "<p style=\"background:url('https://example.org/x.png')\">a</p>",
    ],
)
def test_an_output_that_would_ask_the_network_is_an_error(html: str) -> None:
    with pytest.raises(ValueError, match=r"01_one\.ipynb, cell 'shows': an output would ask the network: .*; show"):
        page(code_cell("1", "shows", data(text__html=html)))
    page(code_cell("1", "shows", data(text__html='<a href="https://arxiv.org">a paper</a>')))


def test_an_output_of_an_unknown_kind_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match=r"cell 'shows': an output of the kinds video/mp4; a page shows text, HTML"):
        page(code_cell("1", "shows", data(video__mp4="AAAA")))


def test_a_view_takes_what_it_leads_to_into_the_page_once() -> None:
    state = {"state": '{"buffers": {}}', "parts": {}, "summary": "two < three", "then": []}
    shown = {
        "a": {**state, "view": "ask", "then": ["b"]},
        "b": {**state, "view": "explorer"},
        "c": {"box": ["b"]},
    }
    cells = [code_cell("view", f"cell-{each}", data(**{WIDGET: {"model_id": each}})) for each in ("a", "c")]
    made = page(*cells, shown=shown)
    assert sorted(made.used.models) == ["a", "b", "c"]
    assert made.used.views == ["ask", "explorer"]
    text = whole(made, [made])
    assert text.count('id="model-b"') == 1
    assert '<script src="static/view-explorer.js" defer></script>' in text
    assert "two &lt; three" in text


def test_a_widget_that_needs_a_kernel_is_shown_by_its_picture_and_says_so() -> None:
    widget = data(**{WIDGET: {"model_id": "x"}, "image/png": PNG, "text/plain": "IntSlider()"})
    body = page(code_cell("slider", "shows", widget), shown={"x": {"unknown": "IntSlider"}}).body
    assert "This IntSlider works in a running notebook only." in body
    assert f"data:image/png;base64,{PNG}" in body


def test_a_choice_whose_texts_follow_it_is_replayed_with_all_of_them() -> None:
    slider = ipywidgets.SelectionSlider(options=[("none", 0), ("two", 2)], description="t", value=2)
    shown = ipywidgets.HTML("<b>2</b>")
    slider.observe(lambda change: setattr(shown, "value", f"<b>{change['new']}</b>"), names="value")
    box = ipywidgets.VBox([slider, shown])
    told = embedded([box.model_id])[box.model_id]
    assert told == {"replay": ["none", "two"], "frames": ["<b>0</b>", "<b>2</b>"], "name": "t", "at": 1}
    assert (slider.value, shown.value) == (2, "<b>2</b>")
    made = page(code_cell("box", "shows", data(**{WIDGET: {"model_id": "x"}})), shown={"x": told})
    assert '<template id="x-frame-1"><b>2</b></template>' in whole(made, [made])
    other = ipywidgets.VBox([shown, ipywidgets.IntSlider()])
    assert embedded([other.model_id])[other.model_id] == {"box": [each.model_id for each in other.children]}
    assert embedded([slider.model_id, "gone"]) == {
        slider.model_id: {"unknown": "SelectionSlider"},
        "gone": {"unknown": "closed view"},
    }


def test_a_plotly_figure_is_kept_as_data_with_its_text_alternative() -> None:
    figure = {"data": [{"y": [1, 2], "name": "</script>"}], "layout": {"meta": {"alt": "a line"}}}
    made = page(code_cell("figure", "shows", data(**{outputs.PLOTLY: figure})))
    text = whole(made, [made])
    assert 'role="img" aria-label="a line"' in text
    held = re.search(r'id="figure-1">(.*?)</script>', text)
    assert held is not None
    assert json.loads(held[1]) == figure
    assert '<script src="static/plotly.min.js" defer></script>' in text


def test_a_picture_without_alt_text_is_told_by_the_text_before_it() -> None:
    made = page(text_cell("On the map, discs are $x_i$."), code_cell("plot", "map", data(image__png=PNG)))
    assert 'alt="On the map, discs are xi."' in made.body


def test_folded_code_is_folded_and_not_searched_and_dots_of_an_empty_answer_are_not_shown() -> None:
    answer = {"output_type": "stream", "name": "stdout", "text": "Ellipsis Ellipsis\n"}
    made = page(
        text_cell("# 01 One"),
        code_cell("secret = 1", "ask", jupyter={"source_hidden": True}),
        code_cell("C = ...", "one-answer", answer, wddkit={"role": "answer"}),
    )
    assert "<details><summary>Code of this cell</summary>" in made.body
    assert "Ellipsis" not in made.body
    assert [(each.heading, each.code) for each in made.sections] == [("01 One", "C = ...")]


def test_sections_begin_at_headings_and_leave_out_hints_and_long_formulas() -> None:
    long = "$$a + b + c + d + e + f + g + h + i + j + k + l + m$$"
    hint = "<details><summary>Hint</summary>\n\nsort\n\n</details>"
    made = page(text_cell("# 01 One\n\nFirst $W_2$."), text_cell(f"## Two\n\nSecond {long}\n\n{hint}"))
    assert [(each.heading, each.anchor, each.text) for each in made.sections] == [
        ("01 One", "01-one", "First W2."),
        ("Two", "two", "Second …"),
    ]
    assert {each.title for each in made.sections} == {"01 One"}


def test_a_page_leads_to_its_neighbours_and_says_where_one_is() -> None:
    first, second, third = (page(text_cell(f"# {name}"), stem=name) for name in ("index", "01_one", "02_two"))
    text = whole(second, [first, second, third])
    assert '<a rel="prev" href="index.html">← index</a>' in text
    assert '<a rel="next" href="02_two.html">02_two →</a>' in text
    assert '<a href="01_one.html" aria-current="page">01_one</a>' in text
    assert 'rel="prev"' not in whole(first, [first, second, third])


def test_a_site_has_what_its_pages_load_and_loses_what_it_had_before(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    for old in ("old.html", "static/view-old.js", "static/site.js"):
        (tmp_path / old).write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    index = page(text_cell("# The course"), stem="index")
    state = {"view": "ask", "state": '{"buffers": {}}', "parts": {}, "summary": "", "then": []}
    one = page(code_cell("view", "shows", data(**{WIDGET: {"model_id": "a"}})), shown={"a": state})
    files = writing.write([index, one], tmp_path)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {*files, tmp_path / "mine.txt"}
    for path in tmp_path.glob("*.html"):
        text = path.read_text("utf-8")
        for name in re.findall(r'(?:src|href)="(static/[^"]+)"', text):
            assert (tmp_path / name).is_file(), name
        assert re.findall(r'(?:src|href)="https?:', text) == []


@pytest.mark.parametrize("name", ["mine.html", "static/mine.js"])
def test_a_folder_with_other_pages_is_no_place_for_a_site(name: str, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match=r"mine\.\w+ would be lost: .* is no site of this course; name a new or empty"):
        writing.write([page(text_cell("# The course"), stem="index")], tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


@pytest.mark.parametrize("path", sorted(WEB.iterdir()), ids=lambda path: path.name)
def test_the_browsers_side_is_held_to_the_style_of_the_rest(path: Path) -> None:
    text = path.read_text("utf-8")
    lines = text.splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > 120 or line != line.rstrip()] == []
    assert len(lines) <= 300
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|\bfetch\(|https?:", text) == []
