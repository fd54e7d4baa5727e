"""What is seen, as a file: a document beside the canvas, several parts in one picture, and what is downloaded."""

import base64
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import watched
from drawings import CODE, DRAWINGS, page_with_tools
from lab import lab
from PIL import Image
from playwright.sync_api import Browser, Error, Page

pytestmark = pytest.mark.browser

HOSTILE = "</text><script>alert(1)</script> \"quoted\" 'quoted' & ]]> <!-- \u0000\u0008\ud83d é 漢 😀"


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    with page_with_tools(browser, tmp_path) as found:
        yield found


def svg(page: Page, drawing: str, *, title: str = "", description: str = "") -> ElementTree.Element:
    """The document of a drawing, parsed, with names as they are without their namespace."""
    text = page.evaluate(
        """([drawing, title, description]) => {
          const ctx = svgPaper(160, 120);
          drawingOf(drawing)(ctx, 160, 120);
          return ctx.svg(title, description);
        }""",
        [drawing, title, description],
    )
    root = ElementTree.fromstring(text.encode())
    for element in root.iter():
        element.tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
    return root


def far_apart(page: Page, canvas: str, document: str) -> float:
    """The difference of two drawings, one on a canvas, one in a document, as a share of the first one's ink."""
    share: float = page.evaluate(
        """async ([one, other]) => {
          const [sheet, paper] = [exportSheet(160, 120, 1), svgPaper(160, 120)];
          drawingOf(one)(sheet, 160, 120);
          drawingOf(other)(paper, 160, 120);
          const image = await loaded(new Blob([paper.svg()], { type: "image/svg+xml" }));
          return apart(onWhite(sheet.canvas, 160, 120), onWhite(image, 160, 120));
        }""",
        [canvas, document],
    )
    return share


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS)
def test_a_document_shows_what_the_canvas_shows(page: Page, drawing: str) -> None:
    # The browser makes straight pieces of a curve, not the same ones for both: up to a third of a pixel along an edge.
    # Letters stand up to a quarter of a pixel apart. Neither comes near what the next test finds.
    assert far_apart(page, drawing, drawing) < 0.05


def test_the_comparison_sees_small_faults(page: Page) -> None:
    text = DRAWINGS["squeezed text"]
    assert far_apart(page, text, text.replace("60", "61")) > 0.2  # one pixel too low
    dashes = DRAWINGS["dashes"]
    assert far_apart(page, dashes, dashes.replace("lineDashOffset = 4", "lineDashOffset = 3")) > 0.1
    pictures = DRAWINGS["pictures"]
    assert far_apart(page, pictures, pictures.replace("imageSmoothingEnabled = false", "lineWidth = 1")) > 0.1
    clips = DRAWINGS["clips within clips"]
    assert far_apart(page, clips, clips.replace("ctx.clip(); ctx.beginPath", "ctx.beginPath")) > 0.1


def test_texts_stay_texts_whatever_is_in_them(page: Page) -> None:
    root = svg(page, f"ctx.fillText({json.dumps(HOSTILE)}, 5, 20);", title=HOSTILE, description=HOSTILE)
    shown = HOSTILE.translate({0: "\ufffd", 8: "\ufffd", 0xD83D: "\ufffd"})
    assert [root.findtext(name) for name in ("title", "desc", "text")] == [shown, shown, shown]
    assert sorted(element.tag for element in root.iter()) == ["desc", "svg", "text", "title"]
    assert root.attrib["role"] == "img"


def test_fonts_are_named_so_that_every_reader_knows_them(page: Page) -> None:
    drawing = (
        """ctx.font = "italic 700 14.5px 'DejaVu Sans', serif"; ctx.textAlign = "center"; ctx.fillText("a", 9, 9);"""
    )
    text = svg(page, drawing).find("text")
    assert text is not None
    expected = {
        "font-family": '"DejaVu Sans", serif',
        "font-size": "14.5",
        "font-weight": "bold",
        "font-style": "italic",
        "text-anchor": "middle",
    }
    assert {name: text.attrib.get(name) for name in expected} == expected


def test_points_that_are_no_numbers_are_left_out_as_on_a_canvas(page: Page) -> None:
    path = "ctx.beginPath(); ctx.moveTo(1, 2); ctx.lineTo(NaN, 5); ctx.lineTo(9, 9); ctx.stroke();"
    root = svg(page, path + "ctx.fillText('a', NaN, 1); ctx.drawImage(exportSheet(5, 5, 1).canvas, 1, Infinity);")
    assert [element.attrib["d"] for element in root.iter("path")] == ["M1 2L9 9"]
    assert root.find("text") is None
    assert root.find("image") is None


def test_definitions_of_two_drawings_in_one_page_have_two_names(page: Page) -> None:
    clip = "ctx.beginPath(); ctx.rect(0, 0, SIDE, 9); ctx.clip(); ctx.fillRect(0, 0, 99, 99);"
    names = [svg(page, clip.replace("SIDE", str(side))).findall(".//clipPath")[0].attrib["id"] for side in (5, 6, 5)]
    assert names[0] == names[2] != names[1]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("svgPaper(0, 5)", "svgPaper: a size must be above 0, came 0 x 5"),
        ("svgPaper(5, 5).arc(1, 1, -2, 0, 1)", "svgPaper: a radius must be 0 or more, came -2"),
        (
            "svgPaper(5, 5).fillStyle = exportSheet(5, 5, 1).createLinearGradient(0, 0, 1, 1)",
            "svgPaper: fillStyle must be a colour as a string, came [object CanvasGradient]",
        ),
        (
            "svgPaper(5, 5).drawImage(exportSheet(5, 5, 1).canvas, 1, 2, 3)",
            "svgPaper: drawImage takes 3, 5 or 9 arguments, came 4",
        ),
        ("(() => { 'use strict'; svgPaper(5, 5).shadowBlur = 3; })()", "Cannot add property shadowBlur"),
        ("exportSheet(20000, 5, 1)", "export: a picture must be from 1 to 16384 pixels wide and high, came 20000 x 5"),
    ],
)
def test_what_cannot_be_done_is_said(page: Page, code: str, message: str) -> None:
    with pytest.raises(Error, match=re.escape(message)):
        page.evaluate(f"() => {code}")


PARTS = """
const copied = exportSheet(40, 30, 2);
copied.fillStyle = "#CC79A7";
copied.fillRect(5, 5, 30, 20);
const disc = (ctx, width, height) => {
  ctx.clearRect(0, 0, width, height); // as on an own canvas; it takes nothing from the background
  ctx.fillStyle = "#D55E00";
  ctx.beginPath();
  ctx.arc(width / 2, height / 2, width, 0, 7); // over the edges of the part
  ctx.fill();
};
const parts = [
  { draw: disc, x: 10, y: 30, width: 50, height: 40, title: "discs & <b>bold</b>" },
  { canvas: copied.canvas, x: 80, y: 30, width: 40, height: 30, title: "a very long title that is cut to its part" },
  { draw: (ctx) => ctx.fillText("no title", 5, 10), x: 10, y: 90, width: 80, height: 20 },
];
const options = { width: 140, height: 120, background: "#eef", ink: "#123", title: "All", description: "of it" };
"""


def test_parts_make_the_same_picture_in_both_formats(page: Page) -> None:
    far, text, size = page.evaluate(
        """async (parts) => {
          const both = new Function(`${parts} return [pngOf(parts, options), svgOf(parts, options)];`);
          const [png, svg] = await Promise.all(both());
          const images = [await loaded(png), await loaded(svg)];
          const [one, other] = images.map((image) => onWhite(image, 280, 240));
          return [apart(one, other), await svg.text(), [images[0].naturalWidth, images[0].naturalHeight]];
        }""",
        PARTS,
    )
    assert size == [280, 240]  # two pixels to a CSS pixel
    assert far < 0.05  # as above
    root = ElementTree.fromstring(text.encode())
    names = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert names == ["All", "discs & <b>bold</b>", "a very long title that is cut to its part"]
    assert root.attrib["role"] == "group"  # else nobody is told the names within


def test_a_part_stays_within_its_box_and_on_the_background(page: Page) -> None:
    made = page.evaluate(
        "async (parts) => encoded(await new Function(`${parts} return pngOf(parts, options);`)())", PARTS
    )
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(made))).convert("RGB"))
    orange = (pixels == (0xD5, 0x5E, 0x00)).all(axis=-1)
    rows, columns = np.nonzero(orange)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (60, 139, 20, 119)
    assert orange[60:140, 20:120].all()
    assert (pixels[:40, -20:] == (0xEE, 0xEE, 0xFF)).all()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("class 3 splits", "class-3-splits.png"),
        ("<script>alert('1')</script>", "script-alert-1-script.png"),
        ("../../etc/passwd", "etc-passwd.png"),
        ("Straße 漢字 é", "Straße-漢字-é.png"),
        ("x" * 300, "x" * 60 + ".png"),
        ("😀" * 3, "picture.png"),
        ("", "picture.png"),
        ("con", "picture-con.png"),
        ('.a/b\\c:*?"|\n.txt.', "a-b-c-txt.png"),
    ],
)
def test_names_of_files_are_safe(page: Page, title: str, name: str) -> None:
    assert page.evaluate("(title) => fileName(title, 'png')", title) == name


def test_files_are_downloaded_from_a_page_in_a_file(page: Page) -> None:
    assert page.url.startswith("file:")
    with page.expect_download() as caught:
        page.evaluate("() => download(fileName('class <3>', 'txt'), new Blob(['né'], { type: 'text/plain' }))")
    assert caught.value.suggested_filename == "class-3.txt"
    assert caught.value.path().read_text("utf-8") == "né"
    assert page.locator("a").count() == 0


@pytest.mark.slow
def test_files_are_downloaded_in_jupyterlab(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    with lab(tmp_path / "desk", tmp_path / "jupyter") as running:
        found = watched(browser)
        found.page.goto(f"{running.address}/lab?token={running.token}&reset")
        found.page.wait_for_function("() => window.jupyterapp?.restored?.then(() => true)")
        found.page.add_script_tag(content=f"{CODE}\nwindow.saveAs = download;")
        with found.page.expect_download() as caught:
            found.page.evaluate("() => saveAs('run.gif', new Blob(['GIF89a']))")
        assert caught.value.suggested_filename == "run.gif"
        assert caught.value.path().read_bytes() == b"GIF89a"
        assert found.errors == []
        found.page.close()
