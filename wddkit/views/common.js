// One ES module is made of common.js, the panels and run_view.js, in that order (assets.py joins them). It runs
// unchanged as a notebook's widget and in a page of its own: it imports nothing and asks the network for nothing.

// Okabe and Ito's colours, told apart with any colour vision; their black is grey here, to be seen on black too.
const COLOURS = ["#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#F0E442", "#8A8A8A"];
// Nine shapes beside eight colours: 72 classes before a pair comes again. Squares and discs have another meaning.
const SHAPES = ["dot", "cross", "up", "plus", "diamond", "down", "star", "bar", "dash"];
const FONT = "system-ui, 'DejaVu Sans', sans-serif";

const colourOf = (label) => COLOURS[label % COLOURS.length];
const shapeOf = (label) => SHAPES[label % SHAPES.length];

/** An element with attributes, listeners ("onclick") and children; text stays text, whatever is in it. */
function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  // JupyterLab's command mode takes the arrow keys from the focused element unless that very element says this.
  if (["button", "input", "select"].includes(tag)) node.setAttribute("data-lm-suppress-shortcuts", "true");
  node.append(...children);
  return node;
}

/** The payload as typed arrays. A DataView may begin anywhere, a Float32Array may not: hence the copies. */
function decode(meta, buffers) {
  const whole = (name) => {
    const { buffer, byteOffset, byteLength } = buffers[name];
    return buffer.slice(byteOffset, byteOffset + byteLength);
  };
  const floats = (name) => new Float32Array(whole(name));
  const labels = new Int32Array(whole("labels"));
  const supportXy = floats("support_xy");
  const masses = floats("support_masses");
  let at = 0;
  const ways = meta.ways.map((way) => {
    const end = at + way.steps * way.points;
    const decoded = { ...way, xy: supportXy.subarray(2 * at, 2 * end), masses: masses.subarray(at, end) };
    at = end;
    return decoded;
  });
  const seen = new Map();
  const rank = Array.from(labels, (label) => {
    seen.set(label, (seen.get(label) ?? -1) + 1);
    return seen.get(label); // the j-th image of its class
  });
  return {
    ...meta,
    ways,
    labels,
    rank,
    indices: new Int32Array(whole("indices")),
    images: new Uint8Array(whole("images")),
    xy: floats("xy"),
    realXy: floats("real_xy"),
    realLabels: new Int32Array(whole("real_labels")),
    heaviest: masses.reduce((a, b) => Math.max(a, b), 0),
    present: [...new Set([...labels, ...new Int32Array(whole("real_labels"))])].sort((a, b) => a - b),
  };
}

/** The context of a canvas of this many CSS pixels, empty, and sharp on every screen. */
function paper(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  // Setting the size, even to what it was, empties the canvas and forgets colours and line widths of the last drawing.
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.font = `12px ${FONT}`;
  ctx.textBaseline = "middle";
  return ctx;
}

/** One small mark around (x, y). */
function mark(ctx, shape, x, y, r) {
  const polygon = (points) => {
    ctx.beginPath();
    for (const [dx, dy] of points) ctx.lineTo(x + r * dx, y + r * dy);
    ctx.closePath();
    ctx.fill();
  };
  const strokes = (lines) => {
    ctx.beginPath();
    for (const [ax, ay, bx, by] of lines) {
      ctx.moveTo(x + r * ax, y + r * ay);
      ctx.lineTo(x + r * bx, y + r * by);
    }
    ctx.stroke();
  };
  const [plus, cross] = [[[-1, 0, 1, 0], [0, -1, 0, 1]], [[-0.8, -0.8, 0.8, 0.8], [-0.8, 0.8, 0.8, -0.8]]];
  if (shape === "dot") {
    ctx.beginPath();
    ctx.arc(x, y, 0.8 * r, 0, 2 * Math.PI);
    ctx.fill();
  } else if (shape === "up") polygon([[0, -1.1], [1, 0.8], [-1, 0.8]]);
  else if (shape === "down") polygon([[0, 1.1], [1, -0.8], [-1, -0.8]]);
  else if (shape === "diamond") polygon([[0, -1.1], [1.1, 0], [0, 1.1], [-1.1, 0]]);
  else if (shape === "plus") strokes(plus);
  else if (shape === "cross") strokes(cross);
  else if (shape === "star") strokes([...plus, ...cross]);
  else if (shape === "bar") strokes([[0, -1.1, 0, 1.1]]);
  else strokes([[-1.1, 0, 1.1, 0]]);
}

/** Inks of the theme, as the style sheet has them. */
function inks(root) {
  const style = getComputedStyle(root);
  const ink = (name) => style.getPropertyValue(`--wdd-${name}`).trim();
  return { text: ink("text"), soft: ink("soft"), line: ink("line"), back: ink("back"), accent: ink("accent") };
}

/** "light" or "dark": JupyterLab's choice where there is one, else the system's. Calls back when it changes. */
function followTheme(callback) {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const tell = () => {
    const lab = document.body.dataset.jpThemeLight;
    callback((lab === undefined ? system.matches : lab === "false") ? "dark" : "light");
  };
  const watcher = new MutationObserver(tell);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  system.addEventListener("change", tell);
  tell();
  return () => {
    watcher.disconnect();
    system.removeEventListener("change", tell);
  };
}

/** Round numbers from low to high, about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  if (!(rough > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((each) => each * power >= rough) ?? 10);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found;
}

/** A number in few characters. */
function short(value) {
  if (value == null) return "–";
  const size = Math.abs(value);
  if (size && (size < 0.001 || size >= 1e6)) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

function bytesText(value) {
  if (value == null) return "–";
  return value < 1e3 ? `${value} B` : value < 1e6 ? `${short(value / 1e3)} kB` : `${short(value / 1e6)} MB`;
}

/** Where in a canvas a pointer is, in CSS pixels. */
function place(event) {
  const box = event.currentTarget.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

/** Text cut to a width, with an ellipsis. */
function fitted(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let kept = text;
  while (kept && ctx.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}
