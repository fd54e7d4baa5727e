// What is seen, as a file: a picture (PNG, SVG) or an animation (GIF), and the browser's own "save as".
//
// A part of a picture is {draw(ctx, width, height), x, y, width, height, title}, in CSS pixels, or has a `canvas` to be
// copied instead of `draw`. Each part draws on a paper of its own, empty, whose corner is (0, 0).

const HEADING = 22; // pixels over a part that its title takes where titles are drawn
const LARGEST_SIDE = 16384; // pixels; a larger canvas stays empty in one browser or another

/** Hands a file to the browser, which saves it under this name or asks for one. */
function download(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name, hidden: true });
  document.body.append(link); // not in the view: a notebook looks after links in its cells in its own way
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // a slow disk may still be reading
}

/** A file's name from any title: letters, digits and hyphens, short enough for every disk. */
function fileName(title, extension) {
  const words = title.normalize("NFC").replace(/[^\p{L}\p{M}\p{N}]+/gu, "-");
  const stem = [...words].slice(0, 60).join("").replace(/^-+|-+$/g, "");
  const taken = /^(con|prn|aux|nul|com\d|lpt\d)$/i.test(stem); // Windows keeps these for its devices
  return `${taken ? "picture-" : ""}${stem || "picture"}.${extension}`;
}

/**
 * A PNG of several parts, `scale` pixels to a CSS pixel. With `ink`, a colour, every part's title is drawn over it, in
 * HEADING pixels that whoever placed the part has left free.
 */
async function pngOf(parts, { width, height, background = "#ffffff", ink = null, scale = 2 }) {
  const whole = exportSheet(width, height, scale);
  exportGround(whole, { parts, width, height, background, ink });
  whole.resetTransform(); // whole pixels go to whole pixels: nothing is blurred
  for (const part of parts) {
    const own = exportSheet(part.width, part.height, scale);
    exportPart(own, part);
    whole.drawImage(own.canvas, Math.round(scale * part.x), Math.round(scale * part.y));
  }
  const blob = await new Promise((done) => whole.canvas.toBlob(done, "image/png"));
  if (blob) return blob;
  throw new RangeError(`pngOf: this browser makes no picture of ${whole.canvas.width} x ${whole.canvas.height} pixels`);
}

/** An SVG document of several parts, as pngOf; text stays text, and the titles are there for screen readers, too. */
async function svgOf(parts, { width, height, background = "#ffffff", ink = null, title = "", description = "" }) {
  const whole = svgPaper(width, height);
  exportGround(whole, { parts, width, height, background, ink });
  for (const part of parts) {
    const own = svgPaper(part.width, part.height);
    exportPart(own, part);
    whole.inset(own, part.x, part.y, part.title);
  }
  return new Blob([whole.svg(title, description)], { type: "image/svg+xml" });
}

/**
 * A GIF of draw(ctx, frame, width, height), which may be async, for all `frames` (anything: numbers of steps, say).
 * It is called twice for each, in order, while the page lives on: it must depend on its arguments only.
 * Options are those of gif() and: `width`, `height` in CSS pixels, `background`, `scale`.
 */
async function gifOf(draw, frames, { width, height, background = "#ffffff", scale = 1, ...options }) {
  const ctx = exportSheet(width, height, scale, { willReadFrequently: true });
  const { canvas } = ctx;
  const pictures = Array.from(frames, (frame) => async () => {
    ctx.save(); // whatever the drawing sets is gone for the next
    exportGround(ctx, { parts: [], width, height, background });
    await draw(ctx, frame, width, height);
    ctx.restore();
    return ctx.getImageData(0, 0, canvas.width, canvas.height);
  });
  const bytes = await gif(pictures, { ...options, width: canvas.width, height: canvas.height });
  return new Blob([bytes], { type: "image/gif" });
}

/** The context of a new, empty canvas, `scale` pixels to a CSS pixel. */
function exportSheet(width, height, scale, settings = {}) {
  const size = [width, height].map((side) => Math.round(scale * side));
  if (!size.every((side) => side >= 1 && side <= LARGEST_SIDE)) {
    const expected = `from 1 to ${LARGEST_SIDE} pixels wide and high`;
    throw new RangeError(`export: a picture must be ${expected}, came ${size.join(" x ")}`);
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = size;
  const ctx = canvas.getContext("2d", settings);
  ctx.scale(scale, scale);
  return plain(ctx);
}

/** What lies under the parts: the background, and their titles where these have a colour. */
function exportGround(ctx, { parts, width, height, background, ink }) {
  ctx.save();
  ctx.fillStyle = background;
  ctx.fillRect(0, 0, width, height);
  if (ink) {
    [ctx.fillStyle, ctx.font] = [ink, `600 14px ${FONT}`];
    for (const part of parts) {
      if (part.title) ctx.fillText(fitted(ctx, part.title, part.width), part.x, part.y - HEADING / 2);
    }
  }
  ctx.restore();
}

function exportPart(ctx, { draw, canvas, width, height }) {
  if (draw) draw(ctx, width, height);
  else ctx.drawImage(canvas, 0, 0, width, height);
}
