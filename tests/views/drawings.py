"""What draws, and a page with the tools that make files of drawings."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from browser import watched
from playwright.sync_api import Browser, Page

import wddkit.views

WEB = Path(wddkit.views.__file__).parent / "web"
FILES = ("common.js", "svg.js", "svg_path.js", "gif.js", "gif_colours.js", "export.js")
CODE = "\n".join((WEB / name).read_text("utf-8") for name in FILES)
TOOLS = """
const drawingOf = (text) => new Function("ctx", "width", "height", '"use strict";' + text);
const loaded = async (blob) => {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  await image.decode();
  return image;
};
const onWhite = (source, width, height) => {
  const ctx = exportSheet(width, height, 1);
  ctx.fillStyle = "#fff";
  ctx.fillRect(0, 0, width, height);
  ctx.drawImage(source, 0, 0, width, height);
  return ctx.getImageData(0, 0, width, height);
};
/** How far two pictures are apart, as a share of what the first has on its white paper. */
const apart = (one, other) => {
  let [gap, ink] = [0, 0];
  one.data.forEach((value, i) => {
    gap += Math.abs(value - other.data[i]);
    ink += 255 - value;
  });
  return gap / ink;
};
const encoded = async (blob) => {
  const reader = new FileReader();
  return new Promise((done) => {
    reader.onload = () => done(reader.result.split(",")[1]);
    reader.readAsDataURL(blob);
  });
};
const frameOf = ({ text, width, height }) => {
  const pixels = Uint8ClampedArray.from(atob(text), (sign) => sign.charCodeAt(0));
  return new ImageData(pixels, width, height);
};
"""
PAGE = f'<!doctype html><meta charset="utf-8"><script>"use strict";\n{CODE}\n{TOOLS}</script>'

# What canvas and document are compared in: each is a body of a drawing function on a paper of 160 x 120.
DRAWINGS = {
    "whole circles": "ctx.fillStyle = '#D55E00'; ctx.beginPath(); ctx.arc(60, 60, 40, 0, 7); ctx.fill(); ctx.stroke();",
    "arcs both ways round": """
        ctx.lineWidth = 5; ctx.beginPath(); ctx.arc(60, 60, 40, 0.5, 4); ctx.stroke();
        ctx.beginPath(); ctx.arc(110, 60, 30, 0.5, 4, true); ctx.closePath(); ctx.fill();""",
    "a turned ellipse": """
        ctx.fillStyle = "rgba(0, 114, 178, 0.5)"; ctx.lineWidth = 4; ctx.beginPath();
        ctx.ellipse(80, 60, 60, 25, 0.6, 0, 5); ctx.lineTo(80, 60); ctx.closePath(); ctx.fill(); ctx.stroke();""",
    "curves, caps and joins": """
        [ctx.lineCap, ctx.lineJoin, ctx.lineWidth] = ["round", "bevel", 8]; ctx.beginPath(); ctx.moveTo(10, 100);
        ctx.quadraticCurveTo(50, -40, 80, 60); ctx.bezierCurveTo(90, 100, 120, 100, 150, 20); ctx.lineTo(150, 100);
        ctx.stroke();""",
    "dashes": """
        ctx.setLineDash([12, 5, 3]); ctx.lineDashOffset = 4; ctx.lineWidth = 3; ctx.strokeRect(10.5, 10.5, 120, 90);""",
    "sharp corners": """
        ctx.lineWidth = 6; ctx.beginPath(); ctx.moveTo(10, 60); ctx.lineTo(100, 70); ctx.lineTo(10, 80); ctx.stroke();
        ctx.miterLimit = 1; ctx.strokeRect(110, 20, 30, 30);""",
    "a stretched pen and a slanted disc": """
        ctx.save(); ctx.translate(80, 60); ctx.rotate(0.5); ctx.scale(2, 0.5); ctx.lineWidth = 6;
        ctx.strokeRect(-30, -30, 60, 60); ctx.restore(); ctx.transform(1, 0.2, -0.3, 1, 30, 5);
        ctx.beginPath(); ctx.arc(30, 30, 20, 0, 7); ctx.fill();""",
    "absolute transforms": """
        ctx.setTransform(2, 0, 0, 2, 10, 10); ctx.beginPath(); ctx.arc(20, 20, 10, 0, 7); ctx.stroke();
        ctx.resetTransform(); ctx.fillRect(100, 50, 40, 40);""",
    "a path that was begun before a transform": """
        ctx.beginPath(); ctx.moveTo(10, 10); ctx.translate(50, 0); ctx.lineTo(60, 60); ctx.scale(2, 2);
        ctx.lineTo(5, 50); ctx.fill();""",
    "clips within clips": """
        ctx.save(); ctx.beginPath(); ctx.arc(60, 60, 50, 0, 7); ctx.clip(); ctx.beginPath(); ctx.rect(60, 0, 99, 99);
        ctx.clip(); ctx.fillStyle = "#009E73"; ctx.fillRect(0, 0, 160, 120); ctx.restore();
        ctx.fillRect(0, 0, 30, 20);""",
    "holes": """
        ctx.beginPath(); ctx.rect(10, 10, 100, 100); ctx.rect(30, 30, 60, 60); ctx.fill("evenodd");
        ctx.clip("evenodd"); ctx.fillStyle = "red"; ctx.fillRect(0, 50, 160, 20);""",
    "what was cleared": """
        ctx.fillRect(0, 0, 160, 120); ctx.clearRect(0, 0, 160, 120); ctx.fillStyle = "#0072B2";
        ctx.fillRect(0, 0, 160, 100); ctx.beginPath(); ctx.arc(80, 60, 40, 0, 7); ctx.clip();
        ctx.clearRect(80, 0, 100, 120); ctx.fillStyle = "#E69F00"; ctx.fillRect(70, 50, 20, 20);""",
    "half-transparent rectangles": """
        ctx.globalAlpha = 0.4;
        for (let i = 0; i < 5; i++) {
          ctx.fillStyle = COLOURS[i]; ctx.fillRect(10 + 20 * i, 10 + 10 * i, 50, 50);
          ctx.strokeRect(10 + 20 * i, 10 + 10 * i, 50, 50);
        }""",
    "marks of classes": """
        SHAPES.forEach((shape, i) => {
          ctx.fillStyle = ctx.strokeStyle = colourOf(i);
          mark(ctx, shape, 20 + 50 * (i % 3), 20 + 40 * Math.floor(i / 3), 12);
        });""",
    "text and its lines": """
        ctx.fillText('plain <&> "text"', 5, 20); ctx.font = "bold 20px serif"; ctx.textAlign = "center";
        ctx.fillText("centre", 80, 50); ctx.font = `italic 14px ${FONT}`;
        [ctx.textAlign, ctx.textBaseline] = ["right", "alphabetic"]; ctx.fillText("right gy", 150, 80);
        ctx.textBaseline = "top"; ctx.fillText("top", 150, 85); [ctx.textAlign, ctx.textBaseline] = ["left", "bottom"];
        ctx.fillText("bottom", 5, 110); ctx.textBaseline = "hanging"; ctx.fillText("two  spaces", 60, 100);""",
    "turned and stretched text": """
        ctx.translate(20, 60); ctx.rotate(-Math.PI / 2); ctx.textAlign = "center"; ctx.font = `16px ${FONT}`;
        ctx.fillText("turned text", 0, 0); ctx.translate(0, 60); ctx.scale(1.5, 2); ctx.fillText("big", 0, 0);""",
    "text with a halo": """
        ctx.fillStyle = "#56B4E9"; ctx.fillRect(0, 0, 160, 120); ctx.font = `bold 24px ${FONT}`;
        [ctx.lineJoin, ctx.lineWidth, ctx.strokeStyle, ctx.fillStyle] = ["round", 5, "#fff", "#111"];
        ctx.strokeText("halo", 30, 50); ctx.fillText("halo", 30, 50);""",
    "squeezed text": "ctx.font = `40px ${FONT}`; ctx.fillText('a long text', 10, 60, 140);",
    "pictures": """
        const tile = exportSheet(4, 4, 1);
        for (let i = 0; i < 16; i++) { tile.fillStyle = COLOURS[i % 7]; tile.fillRect(i % 4, i >> 2, 1, 1); }
        ctx.drawImage(tile.canvas, 90, 60, 60, 55); ctx.imageSmoothingEnabled = false;
        ctx.drawImage(tile.canvas, 5, 5, 64, 64); ctx.drawImage(tile.canvas, 1, 1, 2, 2, 80, 5, 50, 30);
        ctx.drawImage(tile.canvas, 80, 50); ctx.translate(50, 90); ctx.rotate(0.4); ctx.globalAlpha = 0.5;
        ctx.drawImage(tile.canvas, -20, -20, 40, 40);""",
}


@contextlib.contextmanager
def page_with_tools(browser: Browser, folder: Path) -> Iterator[Page]:
    """A page in a file; at the end nothing must have gone wrong in it."""
    found = watched(browser)
    (folder / "page.html").write_text(PAGE, encoding="utf-8")
    found.page.goto((folder / "page.html").as_uri())
    yield found.page
    found.page.close()
    assert found.errors == []
    assert found.outside == []
