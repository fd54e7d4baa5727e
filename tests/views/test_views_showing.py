"""Figures with words."""

import base64
import re

import matplotlib.pyplot as plt
import pytest

from wddkit.views.figures.printed.picture import picture
from wddkit.views.showing import embedded, show

PNG = b"\x89PNG"


def alt_and_bytes(text: str) -> tuple[str, bytes]:
    found = re.fullmatch(r'<img alt="([^"]*)" class="picture" src="data:image/png;base64,([^"]+)">', text)
    assert found is not None
    return found[1], base64.b64decode(found[2])


def test_a_figure_becomes_an_image_with_words_and_the_titles_of_its_panels() -> None:
    figure, (left, _) = plt.subplots(1, 2)
    left.set_title("cost 0.3 < 1")
    alt, png = alt_and_bytes(embedded(figure, 'Two "plans".'))
    plt.close(figure)
    assert alt == "Two &quot;plans&quot;. cost 0.3 &lt; 1."
    assert png.startswith(PNG)


def test_the_titles_of_a_wall_of_images_are_not_read_out() -> None:
    figure, panels = plt.subplots(1, 5)
    for axes in panels:
        axes.set_title("3")
    alt, _ = alt_and_bytes(embedded(figure, "Five threes"))
    plt.close(figure)
    assert alt == "Five threes."


def test_a_figure_is_shown_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[dict[str, str], dict[str, dict[str, str]]]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, metadata, raw: shown.append((data, metadata)))
    figure, _ = plt.subplots()
    show(figure, "Nothing")
    ((data, metadata),) = shown
    assert metadata == {"image/png": {"alt": "Nothing."}}
    alt, png = alt_and_bytes(data["text/html"])
    assert alt == "Nothing."
    assert base64.b64decode(data["image/png"]) == png
    assert not plt.fignum_exists(figure.number)  # type: ignore[attr-defined]  # pyplot's figures have one


def test_a_picture_of_the_library_has_its_alt_text_in_html_too() -> None:
    drawn = picture(2, 1)
    drawn.alt = 'a "b" & c'
    data, metadata = drawn._repr_mimebundle_()
    alt, png = alt_and_bytes(data["text/html"])
    assert alt == "a &quot;b&quot; &amp; c"
    assert png == base64.b64decode(data["image/png"])
    assert png.startswith(PNG)
    assert metadata == {"image/png": {"alt": 'a "b" & c'}}
