// SVG: a paper with the face of a canvas' 2D context, so that what draws on the screen draws into a document too.
//
// A real context keeps the state: fonts, colours, transforms and what save() remembers are the browser's own. Paths
// (svg_path.js) are kept in the document's coordinates. What the paper cannot do (gradients, shadows, single pixels)
// fails; it is not left out.

const SVG_STATE = [
  ...["globalAlpha", "fillStyle", "strokeStyle", "lineWidth", "lineCap", "lineJoin", "lineDashOffset", "miterLimit"],
  ...["font", "textAlign", "textBaseline", "imageSmoothingEnabled", "imageSmoothingQuality"],
];
const SVG_FORWARDED = [
  ...["translate", "rotate", "scale", "transform", "setTransform", "resetTransform", "getTransform"],
  ...["setLineDash", "getLineDash", "measureText"],
];

/**
 * A paper of this size in CSS pixels. It draws as a context does; .svg(title, description) is the document's text.
 * A drawing function can tell it from a canvas' context by its `svg`.
 */
function svgPaper(width, height) {
  if (!(width > 0 && height > 0)) throw new RangeError(`svgPaper: a size must be above 0, came ${width} x ${height}`);
  const state = document.createElement("canvas").getContext("2d");
  const doc = { state, width, height, items: [], defs: new Map(), clips: [""], insets: 0 };
  const path = svgPath(state);
  const surface = {
    canvas: Object.freeze({ width, height }),
    ...path.calls,
    ...svgPainting(doc, path),
    save: () => (state.save(), void doc.clips.push(doc.clips.at(-1))),
    restore: () => (state.restore(), void (doc.clips.length > 1 && doc.clips.pop())),
    inset: (inner, x, y, title) => svgInset(doc, inner, x, y, title),
    markup: () => svgMarkup(doc),
    svg: (title = "", description = "") => svgDocument(doc, title, description),
  };
  for (const name of SVG_FORWARDED) surface[name] = (...values) => state[name](...values);
  for (const name of SVG_STATE) {
    const set = (value) => (state[name] = name.endsWith("Style") ? svgPlain(name, value) : value);
    Object.defineProperty(surface, name, { get: () => state[name], set });
  }
  return plain(Object.preventExtensions(surface)); // a module that sets what is not here hears of it
}

function svgPlain(name, value) {
  if (typeof value === "string") return value;
  throw new TypeError(`svgPaper: ${name} must be a colour as a string, came ${Object.prototype.toString.call(value)}`);
}

// ---- text of a document ----

/** Text as it may stand in XML, whatever it holds: markup becomes text, what XML cannot hold a question mark. */
function svgEscape(text) {
  const known = String(text).replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
  return known.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** A coordinate: a hundredth of a pixel is finer than any screen shows. */
const svgNumber = (value, digits = 2) => String(Number(value.toFixed(digits)) || 0);

function svgElement(tag, attributes, content = "") {
  const given = Object.entries(attributes).filter(([, value]) => value != null);
  const text = given.map(([name, value]) => ` ${name}="${svgEscape(value)}"`).join("");
  return content ? `<${tag}${text}>${content}</${tag}>` : `<${tag}${text}/>`;
}

/** The address of a definition. Its name is made of its content: documents in one page cannot disturb each other. */
function svgDefine(doc, tag, attributes, content) {
  let hash = 0x811c9dc5; // FNV-1a
  const whole = tag + JSON.stringify(attributes) + content;
  for (let i = 0; i < whole.length; i++) hash = Math.imul(hash ^ whole.charCodeAt(i), 0x01000193);
  const id = `wdd-${(hash >>> 0).toString(36)}`;
  doc.defs.set(id, svgElement(tag, { id, ...attributes }, content));
  return `url(#${id})`;
}

/** Everything drawn: neighbours with the same clip share a group. */
function svgMarkup(doc) {
  const groups = [];
  for (const { clip, markup } of doc.items) {
    if (groups.at(-1)?.clip === clip) groups.at(-1).markup.push(markup);
    else groups.push({ clip, markup: [markup] });
  }
  const drawn = groups.map(({ clip, markup }) => svgClipped(clip, markup.join("\n")));
  const defs = doc.defs.size ? [svgElement("defs", {}, [...doc.defs.values()].join("\n"))] : [];
  return [...defs, ...drawn].join("\n");
}

/** Markup within clips, the outermost first: a group for each, as not every reader knows clips of clips. */
function svgClipped(clips, markup) {
  const within = (inside, clip) => svgElement("g", { "clip-path": clip }, `\n${inside}\n`);
  return clips.split(" ").filter(Boolean).reduceRight(within, markup);
}

function svgNames(title, description) {
  const [name, words] = [svgEscape(title), svgEscape(description)];
  return (name && `<title>${name}</title>`) + (words && `<desc>${words}</desc>`);
}

function svgDocument(doc, title, description) {
  const [width, height] = [svgNumber(doc.width), svgNumber(doc.height)];
  const spaces = { xmlns: "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink" };
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  // A picture of pictures is a group, else a screen reader would not tell the inner ones' names.
  const rest = { role: doc.insets ? "group" : "img", "stroke-miterlimit": 10 };
  const content = `\n${svgNames(title, description)}\n${svgMarkup(doc)}\n`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svgElement("svg", { ...spaces, ...size, ...rest }, content)}\n`;
}

/** Puts another paper on this one, cut off at its edges. */
function svgInset(doc, inner, x, y, title = "") {
  const { width, height } = inner.canvas;
  const { transform, ...place } = svgPlaced(doc.state, x, y);
  const box = { ...place, width: svgNumber(width), height: svgNumber(height), overflow: "hidden" };
  const content = `${svgNames(title, "")}\n${inner.markup()}\n`;
  const svg = svgElement("svg", { ...box, role: title ? "img" : null }, content);
  svgAdd(doc, transform ? svgElement("g", { transform }, svg) : svg);
  doc.insets += 1;
}

const svgAdd = (doc, markup) => void doc.items.push({ clip: doc.clips.at(-1), markup });

// ---- painting ----

function svgPainting(doc, path) {
  const { state } = doc;
  const drawn = (walk) => {
    const other = svgPath(state); // rectangles leave the current path alone
    walk(other.calls);
    return other;
  };
  const box = (x, y, w, h) => drawn((calls) => calls.rect(x, y, w, h));
  const clip = (rule) => {
    const { tag, attributes } = path.shape();
    const inside = svgElement(tag, { ...attributes, "clip-rule": rule === "evenodd" ? rule : null });
    doc.clips[doc.clips.length - 1] += ` ${svgDefine(doc, "clipPath", {}, inside)}`;
  };
  return {
    clip,
    fill: (rule) => svgFill(doc, path, rule),
    stroke: () => svgStroke(doc, path),
    fillRect: (...edges) => svgFill(doc, box(...edges)),
    strokeRect: (...edges) => svgStroke(doc, box(...edges)),
    clearRect: (...edges) => svgClear(doc, box(...edges), edges),
    fillText: (text, x, y, most) => svgText(doc, text, x, y, most, svgInk(state, "fill")),
    strokeText: (text, x, y, most) => svgText(doc, text, x, y, most, { fill: "none", ...svgPen(state, 1) }),
    drawImage: (source, ...where) => svgImage(doc, source, where),
  };
}

/** Colour and opacity apart: not every reader of SVG knows colours with both in one. */
function svgInk(state, kind) {
  const text = state[`${kind}Style`];
  const parts = /^rgba\((\d+), (\d+), (\d+), ([\d.e-]+)\)$/.exec(text);
  const hex = parts && `#${parts.slice(1, 4).map((value) => Number(value).toString(16).padStart(2, "0")).join("")}`;
  const alpha = state.globalAlpha * (parts ? Number(parts[4]) : 1);
  return { [kind]: hex ?? text, [`${kind}-opacity`]: alpha < 1 ? svgNumber(alpha, 4) : null };
}

/** The pen: colour, width and what else a line has, where it is not what SVG takes by itself. */
function svgPen(state, factor) {
  const long = (value) => svgNumber(factor * value, 3);
  const dash = state.getLineDash();
  return {
    ...svgInk(state, "stroke"),
    "stroke-width": long(state.lineWidth),
    "stroke-linecap": state.lineCap === "butt" ? null : state.lineCap,
    "stroke-linejoin": state.lineJoin === "miter" ? null : state.lineJoin,
    "stroke-miterlimit": state.miterLimit === 10 ? null : state.miterLimit,
    "stroke-dasharray": dash.length ? dash.map(long).join(" ") : null,
    "stroke-dashoffset": dash.length && state.lineDashOffset ? long(state.lineDashOffset) : null,
  };
}

function svgFill(doc, path, rule) {
  const { tag, attributes } = path.shape();
  if (attributes.d === "") return;
  const kept = rule === "evenodd" ? rule : null;
  svgAdd(doc, svgElement(tag, { ...attributes, ...svgInk(doc.state, "fill"), "fill-rule": kept }));
}

function svgStroke(doc, path) {
  const matrix = doc.state.getTransform();
  const { even, factor } = svgStretch(matrix);
  if (!factor) return;
  // A pen that is wider one way than another is drawn where it is round, and the element is stretched.
  const { tag, attributes } = even ? path.shape() : path.from(matrix.inverse());
  if (attributes.d === "") return;
  const { transform = null } = even ? {} : svgPlaced(doc.state, 0, 0);
  svgAdd(doc, svgElement(tag, { ...attributes, fill: "none", ...svgPen(doc.state, even ? factor : 1), transform }));
}

/** Takes away what was drawn within a rectangle, and within the clip as it is. */
function svgClear(doc, path, [x, y, w, h]) {
  const [left, top, right, bottom] = svgMapped(doc.state.getTransform(), [x, y, x + w, y + h]);
  const whole = left <= 0 && top <= 0 && right >= doc.width && bottom >= doc.height;
  if (whole && !doc.clips.at(-1)) return void (doc.items.length = 0);
  const size = { x: 0, y: 0, width: svgNumber(doc.width), height: svgNumber(doc.height) };
  const { tag, attributes } = path.shape();
  const gone = svgElement(tag, { ...attributes, fill: "#000" });
  const hole = svgClipped(doc.clips.at(-1), gone);
  const inside = svgElement("rect", { ...size, fill: "#fff" }) + hole;
  const mask = svgDefine(doc, "mask", { maskUnits: "userSpaceOnUse", ...size }, inside);
  const drawn = svgMarkup({ items: doc.items, defs: new Map() });
  doc.items = drawn ? [{ clip: "", markup: svgElement("g", { mask }, `\n${drawn}\n`) }] : [];
}

/** Where an element stands: x and y, or a matrix where the paper is turned or stretched. */
function svgPlaced(state, x, y) {
  const matrix = state.getTransform();
  const [px, py] = svgMapped(matrix, [x, y]).map((value) => svgNumber(value));
  const turned = [matrix.a, matrix.b, matrix.c, matrix.d];
  if (String(turned) === "1,0,0,1") return { x: px, y: py };
  return { transform: `matrix(${turned.map((value) => svgNumber(value, 5)).join(" ")} ${px} ${py})` };
}

const SVG_ANCHORS = { center: "middle", right: "end", end: "end" };

function svgText(doc, text, x, y, most, ink) {
  const { state } = doc;
  if (![x, y].every(Number.isFinite)) return;
  const shown = String(text).replace(/[\t\n\v\f\r]/g, " "); // as a canvas shows them
  state.save();
  state.translate(x, y);
  const { width } = state.measureText(shown);
  if (width > most) state.scale(most / width, 1);
  const place = svgPlaced(state, 0, svgBaseline(state));
  state.restore();
  const anchor = { "text-anchor": SVG_ANCHORS[state.textAlign], "xml:space": "preserve" };
  const attributes = { ...place, ...svgFont(state.font), ...anchor, ...ink };
  if (shown) svgAdd(doc, svgElement("text", attributes, svgEscape(shown)));
}

/** How far below the line that textBaseline names the letters stand: few readers of SVG know other lines. */
function svgBaseline(state) {
  const own = state.textBaseline;
  const ascent = (baseline) => {
    state.textBaseline = baseline;
    return state.measureText("x").fontBoundingBoxAscent;
  };
  const shift = ascent("alphabetic") - ascent(own);
  state.textBaseline = own;
  return shift;
}

/** A font as a context writes it ("italic 700 14px serif"), in words that every reader of SVG knows. */
function svgFont(font) {
  const [, words, size, family] = /^(.*?)([\d.e-]+)px (.*)$/.exec(font);
  const weight = words.split(" ").find((word) => /^(bold|bolder|lighter|\d+)$/.test(word)) ?? null;
  const style = /italic|oblique/.exec(words)?.[0] ?? null;
  return { "font-family": family, "font-size": size, "font-weight": weight, "font-style": style };
}

/** A picture, embedded: drawImage with three, five or nine arguments. */
function svgImage(doc, source, where) {
  const full = [source.naturalWidth ?? source.width, source.naturalHeight ?? source.height];
  const taken = where.length === 8 ? where.slice(0, 4) : [0, 0, ...full];
  const [x, y, w = full[0], h = full[1]] = where.length === 8 ? where.slice(4) : where;
  if (![2, 4, 8].includes(where.length)) {
    throw new TypeError(`svgPaper: drawImage takes 3, 5 or 9 arguments, came ${where.length + 1}`);
  }
  if (![x, y, w, h, ...taken].every(Number.isFinite) || !w || !h || !taken[2] || !taken[3]) return;
  const { state } = doc;
  const size = { width: svgNumber(Math.abs(w), 4), height: svgNumber(Math.abs(h), 4), preserveAspectRatio: "none" };
  const opacity = state.globalAlpha < 1 ? svgNumber(state.globalAlpha, 4) : null;
  // The word of SVG 1 for readers that know no other, and that of browsers, which they take first.
  const sharp = { "image-rendering": "optimizeSpeed", style: "image-rendering:pixelated" };
  const place = svgPlaced(state, Math.min(x, x + w), Math.min(y, y + h));
  // xlink:href is the old name; some programs that people put figures into know no other.
  const picture = { "xlink:href": svgPng(source, taken, state.imageSmoothingEnabled) };
  const look = state.imageSmoothingEnabled ? {} : sharp;
  svgAdd(doc, svgElement("image", { ...place, ...size, opacity, ...look, ...picture }));
}

/** A part of a picture as a data: address. */
function svgPng(source, [x, y, w, h], smooth) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.max(1, Math.round(Math.abs(w))), Math.max(1, Math.round(Math.abs(h)))];
  const ctx = canvas.getContext("2d");
  ctx.imageSmoothingEnabled = smooth;
  ctx.drawImage(source, x, y, w, h, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}
