// What all views share. One ES module is made of this file and a view's parts (assets.py joins them). It runs unchanged
// as a notebook's widget and in a page of its own: it imports nothing and asks the network for nothing.

// Ten colours told apart with any colour vision, on white and on black: those of Okabe and Ito, their yellow darker and
// their black grey, with a violet and a brown. The figures for print read them here.
const COLOURS = [
  "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#BBAA55", "#8A8A8A", "#7A3FE0", "#7A4A1E",
];
// Nine shapes beside ten colours: 90 classes before a pair comes again. Squares and discs have another meaning.
const SHAPES = ["dot", "cross", "up", "plus", "diamond", "down", "star", "bar", "dash"];
const LARGER = 1.4; // presenter mode; the style sheet has the same for text
const FONT = "system-ui, 'DejaVu Sans', sans-serif";

/** A class's colour, which it shares with every tenth class. */
const colourOf = (label) => COLOURS[label % COLOURS.length];
/** A class's shape, by which it is told from others of its colour. */
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

/** A button, and what a click does. */
function button(text, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

/** Puts text into an element, unless it is there: a page that changes nothing need not be laid out again. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** How much larger than usual a view is, for a lecture: drawings keep their numbers and are enlarged whole. */
const enlarged = (node) => (node.closest(".wdd-large") ? LARGER : 1);

/** The width that a drawing in this element has, in its own units; above 0 where it is hidden too. */
const across = (node) => Math.max(1, node.clientWidth) / enlarged(node);

/** The context of a canvas of this size, empty, and sharp on every screen. */
function paper(canvas, width, height, scale = enlarged(canvas)) {
  const ratio = (window.devicePixelRatio || 1) * scale;
  const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
  const ctx = canvas.getContext("2d");
  if (canvas.width !== columns || canvas.height !== rows) {
    [canvas.width, canvas.height] = [columns, rows];
    [canvas.style.width, canvas.style.height] = [`${width * scale}px`, `${height * scale}px`];
  } else ctx.reset(); // new memory for the same size would cost a millisecond
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  return plain(ctx);
}

/** A context with the font and the baseline that all drawing starts from. */
function plain(ctx) {
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

/** Inks of the theme, as the style sheet has them, and how much larger than usual text is. */
function inks(root) {
  const style = getComputedStyle(root);
  const ink = (name) => style.getPropertyValue(`--wdd-${name}`).trim();
  const colours = { text: ink("text"), soft: ink("soft"), line: ink("line"), back: ink("back"), accent: ink("accent") };
  return { ...colours, scale: Number(ink("scale")) || 1 };
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

const NARROW = 100; // pixels: in less there is nothing to be seen

/** What every view does around its parts: it is drawn anew when asked, and when its size or the theme has changed. */
function stage(root, model, draw) {
  let waiting = 0;
  const frame = () => {
    waiting = 0;
    if (root.clientWidth < NARROW) return; // squeezed, or not on the page yet; the observer calls again
    const large = Boolean(model.get("presenter"));
    root.classList.toggle("wdd-large", large);
    root.querySelector(".wdd-lecture")?.setAttribute("aria-pressed", String(large));
    draw(inks(root));
  };
  const ask = () => (waiting ||= requestAnimationFrame(frame)); // however fast the hand, one picture a frame
  const unfollow = followTheme((theme) => {
    root.dataset.theme = theme;
    ask();
  });
  const observer = new ResizeObserver(ask);
  observer.observe(root);
  const close = () => {
    unfollow();
    observer.disconnect();
    cancelAnimationFrame(waiting);
  };
  return { ask, close };
}

/** Calls back at events of a model, given as [event, callback], until it is closed. */
function listen(model, pairs) {
  for (const [event, callback] of pairs) model.on(event, callback);
  return { close: () => pairs.forEach(([event, callback]) => model.off(event, callback)) };
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

/** An amount of memory in few characters. */
function bytesText(value) {
  if (value == null) return "–";
  return value < 1e3 ? `${value} B` : value < 1e6 ? `${short(value / 1e3)} kB` : `${short(value / 1e6)} MB`;
}

/** Where in a canvas a pointer is, in the drawing's units. */
function place(event) {
  const [box, scale] = [event.currentTarget.getBoundingClientRect(), enlarged(event.currentTarget)];
  return [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
}

/** Text cut to a width, with an ellipsis. */
function fitted(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let kept = text;
  while (kept && ctx.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}
