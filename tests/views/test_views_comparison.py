"""Tables of a comparison, drawn and written: every set in its place, nothing bold that the intervals do not say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from compared_toys import WHOLE, compared, row, several, table, told
from figure_toys import HOSTILE
from matplotlib.text import Text

import wddkit as wdd
from wddkit.views import figures
from wddkit.views.figures import interactive
from wddkit.views.figures.comparisons import panels_of, trades_of

DRAW: tuple[Callable[[pd.DataFrame], Any], ...] = (
    figures.comparison,
    figures.accuracy_by_bits,
    interactive.comparison,
    interactive.accuracy_by_bits,
)


def test_a_panel_holds_what_may_be_compared_best_first() -> None:
    tables = [several(), table(row("wmdd", 99, 1, ipc=50))]
    panels = panels_of(pd.concat(tables, ignore_index=True), what="x")
    assert [(panel.protocol, panel.ipc, len(panel.dots)) for panel in panels] == [
        ("hard", 10, 6), ("soft", 10, 6), ("online", 10, 6), ("hard", 50, 2)
    ]  # fmt: skip
    names = [dot.name for dot in panels[0].dots]
    assert names == [
        "the whole real set", "wmdd", "nearest real images", "dm", "random real images", "k-center"
    ]  # fmt: skip
    assert [dot.name for dot in panels[-1].dots] == ["the whole real set", "wmdd"]  # which has no ipc of its own


def test_sets_of_one_name_are_told_apart_by_their_settings() -> None:
    frame = table(
        row("wmdd", 80, 1, settings="masses=uniform"), row("wmdd", 81, 1), row("dm", 70, 1, settings="lr=2.0")
    )
    (panel,) = panels_of(frame, what="x")
    assert [dot.name for dot in panel.dots] == ["wmdd (digits-wmdd)", "wmdd (masses=uniform)", "dm"]


def test_a_figure_shows_every_number_and_fills_what_stands() -> None:
    figure = figures.comparison(compared())
    written = {text.get_text() for text in figure.findobj(Text)}
    assert {"88.2", "79.2", "97.5", "+9.0", "−12.9", "accuracy on test images, %"} <= written
    assert "+18.3" not in written  # nobody claims that all images are better than some
    gains = figure.axes[1]
    filled = [line for line in gains.lines if line.get_marker() == "D" and line.get_markerfacecolor() != "white"]
    assert [line.get_xdata()[0] for line in filled] == [9.0]
    bold = [text.get_text() for text in figure.findobj(Text) if text.get_weight() == "bold"]
    assert bold == ["88.2"]


def test_bars_are_the_intervals_of_the_table() -> None:
    left = figures.comparison(compared()).axes[0]
    bars = [tuple(line.get_xdata()) for line in left.lines if len(line.get_xdata()) == 2]
    assert (87.1, 89.3) in [tuple(round(x, 6) for x in bar) for bar in bars]
    alone = figures.comparison(table(row("wmdd", 80.0, float("nan"))))
    assert [tuple(line.get_xdata()) for line in alone.axes[0].lines] == [(80.0,)]


def test_accuracy_by_bits_is_a_line_a_set_without_the_whole_real_set() -> None:
    (trade,) = trades_of(several(), what="x")
    assert [way.name for way in trade.ways] == ["wmdd", "dm", "k-center", "nearest real images", "random real images"]
    assert [dot.bits for dot in trade.ways[0].dots] == [3.3, 160, 240_000]
    assert trade.marks == ((3.3, "hard"), (160, "soft"), (240_000, "online"))
    written = {text.get_text() for text in figures.accuracy_by_bits(several()).findobj(Text)}
    assert {"hard", "soft", "online", "bits of labels an image (log)"} <= written


def test_one_protocol_has_no_way_to_draw() -> None:
    with pytest.raises(
        ValueError, match=r"accuracy_by_bits: expected sets under several protocols; compare\(\.\.\., pro"
    ):
        figures.accuracy_by_bits(compared())


@pytest.mark.parametrize("draw", [*DRAW, wdd.to_markdown, wdd.to_latex])
def test_another_table_is_refused_by_name(draw: Callable[[pd.DataFrame], Any]) -> None:
    with pytest.raises(
        ValueError, match=rf"{draw.__name__}: expected the table of wddkit\.compare, got DataFrame with"
    ):
        draw(pd.DataFrame({"set": ["x"]}))
    with pytest.raises(ValueError, match=f"{draw.__name__}: the table has no rows"):
        draw(compared().head(0))


@pytest.mark.parametrize("draw", DRAW)
def test_every_figure_has_a_text_alternative_that_tells_its_numbers(draw: Callable[[pd.DataFrame], Any]) -> None:
    drawn = draw(several())
    alt = drawn.alt if hasattr(drawn, "alt") else drawn.layout.meta["alt"]
    assert "wmdd 88.2 %" in alt
    assert "random real images" in alt


@pytest.mark.parametrize("draw", DRAW[2:])
def test_names_stay_text(draw: Callable[[pd.DataFrame], Any]) -> None:
    frames = [table(*(row(name, 70, 1, 1, 1, protocol=each) for name in HOSTILE)) for each in ("hard", "soft")]
    figure = draw(pd.concat(frames, ignore_index=True))
    assert "<script>" not in figure.to_json()
    assert "<i>" not in figure.to_json()


def test_markdown_is_a_row_a_set_and_a_column_a_protocol() -> None:
    lines = wdd.to_markdown(several()).splitlines()
    assert lines[0] == "| set | images a class | hard | soft | online |"
    assert lines[2] == "| the whole real set |  | 97.5 ± 0.4 | 97.5 ± 0.4 | 97.5 ± 0.4 |"
    assert lines[3] == r"| wmdd | 10 | **88.2 ± 1.1**\* | **93.2 ± 1.1**\* | **96.2 ± 1.1**\* |"
    assert lines[-1].startswith("Test accuracy in percent ± half the 95 % t-interval over 3 syntheses. Bold: above all")
    assert {line.count("|") for line in lines[:8]} == {6}


def test_a_saved_table_is_written_as_before_it_was_saved(tmp_path: Path) -> None:
    plain, changed = row("wmdd", 88, 1, settings=""), row("wmdd", 90, 1, settings="committee=(0.1,)")
    frame = table(plain, changed, row("nearest", 70, 1)).drop(columns="run")
    frame.to_csv(tmp_path / "table.csv", index=False)
    written = wdd.to_markdown(pd.read_csv(tmp_path / "table.csv"))
    assert written == wdd.to_markdown(frame)
    assert "| wmdd (committee=(0.1,)) | 10 |" in written
    assert "| wmdd (as given) | 10 |" in written


def test_latex_is_a_tabular_whose_names_are_escaped() -> None:
    frame = table(row("a_b & 50 %", 80.25, 1.0, best=True), row(WHOLE, 97.5, float("nan")), row("x{y}", 70, 2))
    text = wdd.to_latex(frame)
    assert r"a\_b \& 50 \% & 10 & $\mathbf{80.2} \pm 1.0$ \\" in text
    assert r"the whole real set &  & $97.5$ \\" in text
    assert r"x\{y\} & 10 & $70.0 \pm 2.0$ \\" in text
    assert text.splitlines()[0].startswith("% Test accuracy")
    assert re.search(
        r"\\begin\{tabular\}\{llr\}\n\\toprule\n.*\n\\midrule\n(.*\n){3}\\bottomrule\n\\end\{tabular\}\n$", text
    )


def test_gains_over_random_and_chosen_images_are_written_below(tmp_path: Path) -> None:
    told().to_csv(tmp_path / "table.csv", index=False)
    for frame in (told(), pd.read_csv(tmp_path / "table.csv")):
        lines = wdd.to_markdown(frame).splitlines()
        assert lines[8:12] == [
            "| set | images a class | protocol | chosen | over random | p | detectable | over chosen | p |",
            "| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
            "| wmdd | 10 | hard | nearest real images | +9.0 ± 1.4 | 0.012 | 2.3 | +4.1 ± 1.0 | 0.020 |",
            "| nearest real images | 10 | hard |  | +4.9 |  |  |  |  |",
        ]
        assert lines[-1].startswith("Gains in percentage points ± half their paired 95 % t-interval, which one synth")
    text = wdd.to_latex(told())
    assert r"wmdd & 10 & hard & nearest real images & $+9.0 \pm 1.4$ & 0.012 & 2.3 & $+4.1 \pm 1.0$ & 0.020 \\" in text
    assert text.count(r"\end{tabular}") == 2


@pytest.mark.parametrize("draw", [*DRAW[::2], wdd.to_markdown, wdd.to_latex])
def test_a_gain_without_an_interval_is_not_told_as_a_number_that_is_none(draw: Callable[[pd.DataFrame], Any]) -> None:
    drawn = draw(table(row("wmdd", 100.0, 0.5, 2.0), row("random", 98.0, 0.5)))
    if isinstance(drawn, figures.printed.picture.Picture):
        drawn = " ".join(text.get_text() for text in drawn.findobj(Text))
    assert "nan" not in (drawn if isinstance(drawn, str) else drawn.to_json())


def test_a_bar_in_a_name_does_not_end_a_cell() -> None:
    assert r"| a\|b | 10 |" in wdd.to_markdown(table(row("a|b", 80, 1)))
