// The board of a laboratory: points on a line or in the plane, which mouse and keyboard move, add and delete.

const LAB_FRAME = [
  [0, 0],
  [6, 4],
]; // what a board shows unless the points need more
const LAB_SPREAD = 1; // of points; those that lie closer have a board to their measure
const LAB_MARGIN = { left: 34, right: 14, top: 14, bottom: 26 };
const LAB_GRIP = 14; // pixels around a point that still mean it
const LAB_KEYS =
  "Points: arrow keys, Home and End choose one; Shift and arrow keys move it, and with Alt ten times as far.";
const LAB_DISC = 30; // radius in pixels of a point that holds all mass

/** Radius of a mark whose area goes with its mass. */
const labRadius = (mass) => Math.max(4, LAB_DISC * Math.sqrt(mass));

/** The box that a board shows: the usual one where the points are spread in it, else one around them. */
function labFrame(lists) {
  const points = lists.flat();
  const dimension = points[0].length;
  const usual = { low: LAB_FRAME[0].slice(0, dimension), high: LAB_FRAME[1].slice(0, dimension) };
  const ends = usual.low.map((_, k) => {
    const values = points.map((x) => x[k]);
    return [Math.min(...values), Math.max(...values)];
  });
  const spread = Math.max(...ends.map(([low, high]) => high - low));
  const inside = ends.every(([low, high], k) => low >= usual.low[k] && high <= usual.high[k]);
  if (inside && (spread === 0 || spread >= LAB_SPREAD)) return usual;
  const rim = (spread || 1) / 8;
  return { low: ends.map(([low]) => low - rim), high: ends.map(([, high]) => high + rim) };
}

/** Numbers beside a drawing need this much room to the left of it, in pixels. */
const labGutter = (texts) => Math.max(LAB_MARGIN.left, 12 + 7 * Math.max(0, ...texts.map((text) => text.length)));

/** The grid lines in direction k, as numbers. */
const labLines = (frame, k) =>
  ticks(frame.low[k], frame.high[k], (frame.high[k] - frame.low[k]) / labGrid(frame) + 1e-9);

/** Distance of two grid lines. */
function labGrid({ low, high }) {
  const [first, second] = ticks(low[0], high[0], 7);
  return second - first;
}

/** From points to pixels and back. On a line, `row` is the height in pixels of the line a point is on. */
function labScale(frame, width, height) {
  const { right, top, bottom } = LAB_MARGIN;
  const left = labGutter(frame.low.length === 1 ? [] : labTicks(labLines(frame, 1)));
  const [inner, tall] = [width - left - right, height - top - bottom];
  const span = frame.low.map((low, k) => frame.high[k] - low);
  const flat = span.length === 1;
  const unit = flat ? inner / span[0] : Math.min(inner / span[0], tall / span[1]); // the same in both directions
  const [x0, y0] = [left + (inner - unit * span[0]) / 2, flat ? 0 : height - bottom - (tall - unit * span[1]) / 2];
  const exact = (px, py) =>
    (flat ? [(px - x0) / unit] : [(px - x0) / unit, (y0 - py) / unit]).map((each, k) => each + frame.low[k]);
  return {
    exact,
    /** The frame in pixels: left, top, width, height. */
    box: () => [x0, y0 - unit * (span[1] ?? 0), unit * span[0], unit * (span[1] ?? 0)],
    pixels: (x, row) => [x0 + unit * (x[0] - frame.low[0]), flat ? row : y0 - unit * (x[1] - frame.low[1])],
    point(px, py) {
      const fine = labGrid(frame) / 100;
      return exact(px, py).map((each, k) => labSnap(each, fine, frame.low[k], frame.high[k]));
    },
  };
}

/** The nearest whole multiple of `fine` in the frame: numbers that one can read. */
function labSnap(value, fine, low, high) {
  return Number((Math.round(Math.max(low, Math.min(high, value)) / fine) * fine).toPrecision(12));
}

/**
 * The board. `act`: choose(handle), move(handle, point), release(), add(set, point), remove(handle), weigh(handle,
 * factor), hover(x, y), describe(handle), measure(set). A handle is { set, index }; a scene has `sets` of { key,
 * points, masses, row }, the `frame` it shows, what is `said` about it, and `paint`, which draws on the grid.
 */
function labBoard(act) {
  const canvas = h("canvas", { class: "wdd-canvas wdd-board", role: "img" });
  const handles = h("div", { class: "wdd-handles", role: "group", "aria-label": LAB_KEYS });
  const node = h("div", { class: "wdd-stage" }, canvas, handles);
  // dots: "a0" -> button; stop: the name of the one that Tab comes to
  const board = { act, canvas, handles, scene: null, scale: null, held: null, dots: new Map(), stop: "" };
  const listeners = boardPointer(board);
  for (const [name, listener] of Object.entries(listeners)) canvas.addEventListener(name, listener);
  return {
    node,
    /** Gives a point the focus; false where it is not drawn yet. */
    focus({ set, index }) {
      const dot = board.dots.get(set + index);
      dot?.focus({ preventScroll: true });
      return Boolean(dot);
    },
    holding: () => board.held !== null,
    draw(scene, ink) {
      const width = across(node);
      const { low, high } = scene.frame;
      const ratio = low.length === 1 ? 0 : (high[1] - low[1]) / (high[0] - low[0]);
      const height = ratio ? Math.round(Math.min(560, Math.max(240, ratio * (width - 48) + 40))) : scene.height;
      const scale = labScale(scene.frame, width, height);
      Object.assign(board, { scene, scale });
      const ctx = paper(canvas, width, height);
      paintGrid(ctx, scene, scale, ink, width, height);
      scene.paint(ctx, scale, ink, { width, height });
      canvas.setAttribute("aria-label", scene.said);
      boardHandles(board, enlarged(node));
    },
  };
}

/** Where a point is, in pixels. */
function boardPlace({ scene, scale }, { set, index }) {
  const found = scene.sets.find(({ key }) => key === set);
  return scale.pixels(found.points[index], found.row);
}

/** The point that somebody at (x, y) means, if any; what is drawn last comes first. */
function boardNearest(board, x, y) {
  let best = null;
  for (const { key: set, points, masses, radius = labRadius } of [...board.scene.sets].reverse()) {
    points.forEach((_, index) => {
      const [px, py] = boardPlace(board, { set, index });
      const apart = Math.hypot(px - x, py - y) - radius(masses[index]);
      if (apart < LAB_GRIP && (!best || apart < best.apart)) best = { handle: { set, index }, apart };
    });
  }
  return best?.handle ?? null;
}

/** What the mouse, or a finger, does. */
function boardPointer(board) {
  const { act, canvas, dots } = board;
  const release = () => {
    if (board.held) act.release();
    board.held = null;
  };
  return {
    pointerdown(event) {
      const [x, y] = place(event);
      const handle = boardNearest(board, x, y);
      if (event.button || !handle) return;
      event.preventDefault(); // else the click would take the focus from the point
      const [px, py] = boardPlace(board, handle);
      board.held = { handle, dx: px - x, dy: py - y };
      canvas.setPointerCapture(event.pointerId);
      act.choose(handle);
      dots.get(handle.set + handle.index)?.focus({ preventScroll: true });
    },
    pointermove(event) {
      const [x, y] = place(event);
      const { held, scale } = board;
      if (held) return act.move(held.handle, scale.point(x + held.dx, y + held.dy));
      canvas.style.cursor = boardNearest(board, x, y) ? "grab" : "crosshair";
      act.hover(x, y);
    },
    pointerup: release,
    pointercancel: release,
    pointerleave: () => board.held || act.hover(null),
    dblclick(event) {
      const [x, y] = place(event);
      if (!boardNearest(board, x, y)) act.add(act.setAt(y), board.scale.point(x, y));
    },
  };
}

/** What a key does to the point that has the focus; false: nothing. */
function boardKey(board, handle, { key, shiftKey, altKey }) {
  const { act, scene } = board;
  const { low, high } = scene.frame;
  const own = act.measure(handle.set).points[handle.index]; // as it is now: keys may be faster than pictures
  const step = (labGrid(scene.frame) / 10) * (altKey ? 10 : 1);
  const turn = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
  if (altKey && !(turn && shiftKey)) return false;
  if (turn && shiftKey) {
    const moved = own.map((each, k) => labSnap(each + step * turn[k], step / 1000, low[k], high[k]));
    act.move(handle, moved, true);
  } else if (turn || ["Home", "End"].includes(key)) boardTurn(board, handle, key);
  else if (["Delete", "Backspace"].includes(key)) act.remove(handle);
  else if (["Insert", "n"].includes(key)) act.addNear(handle.set, own);
  else if (["+", "="].includes(key)) act.weigh(handle, 1.1);
  else if (key === "-") act.weigh(handle, 1 / 1.1);
  else return false;
  return true;
}

/** To the point before or after this one, the first or the last: Tab comes to the board once, whatever it holds. */
function boardTurn({ dots }, { set, index }, key) {
  const all = [...dots.values()];
  const [at, last] = [all.indexOf(dots.get(set + index)), all.length - 1];
  const before = ["ArrowLeft", "ArrowUp"].includes(key);
  const there = { Home: 0, End: last }[key] ?? Math.max(0, Math.min(last, at + (before ? -1 : 1)));
  all[there].focus({ preventScroll: true });
}

/** One button to each point, of which Tab finds the last chosen; the mouse goes through them to the canvas. */
function boardHandles(board, zoom) {
  const { act, scene, dots, handles } = board;
  const named = scene.sets.flatMap(({ key: set, points }) => points.map((_, index) => [set + index, { set, index }]));
  const wanted = new Map(named);
  for (const [name, dot] of dots) {
    if (wanted.has(name)) continue;
    dot.remove();
    dots.delete(name);
  }
  let before = null;
  if (!wanted.has(board.stop)) board.stop = named[0][0];
  // In the order of the sets: so the keys go through them.
  const known = new Map(dots);
  dots.clear();
  for (const [name, handle] of wanted) {
    dots.set(name, known.get(name) ?? boardHandle(board, handle));
    const dot = dots.get(name);
    const stop = name === board.stop ? 0 : -1;
    if (dot.tabIndex !== stop) dot.tabIndex = stop;
    if (!dot.parentNode && before) before.after(dot);
    else if (!dot.parentNode) handles.prepend(dot);
    before = dot;
    const [x, y] = boardPlace(board, handle);
    const spot = `translate(${(zoom * x).toFixed(1)}px, ${(zoom * y).toFixed(1)}px)`;
    if (dot.style.transform !== spot) dot.style.transform = spot;
    const said = act.describe(handle);
    if (dot.ariaLabel !== said) dot.ariaLabel = said;
  }
}

function boardHandle(board, handle) {
  const dot = h("button", { type: "button", class: "wdd-handle", "aria-roledescription": "movable point" });
  dot.addEventListener("focus", () => {
    for (const [name, each] of board.dots) if (each.tabIndex === 0 && each !== dot) each.tabIndex = -1;
    [board.stop, dot.tabIndex] = [handle.set + handle.index, 0];
    board.act.choose(handle);
  });
  dot.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || !boardKey(board, handle, event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  return dot;
}

/** Grid lines with their numbers, so that distances can be read off. */
function paintGrid(ctx, { frame, sets }, { pixels }, ink, width, height) {
  const { low, high } = frame;
  const lines = (k) => labLines(frame, k);
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth, ctx.textAlign] = [ink.line, ink.soft, 1, "center"];
  const flat = low.length === 1;
  const [bottom, top] = flat ? [height - LAB_MARGIN.bottom, LAB_MARGIN.top] : [pixels(low)[1], pixels(high)[1]];
  const line = (...ends) => {
    ctx.beginPath();
    for (const [x, y] of ends) ctx.lineTo(Math.round(x) + 0.5, Math.round(y) + 0.5);
    ctx.stroke();
  };
  ctx.globalAlpha = 0.6;
  for (const value of lines(0)) line([pixels([value, low[1]], 0)[0], top], [pixels([value, low[1]], 0)[0], bottom]);
  for (const value of flat ? [] : lines(1)) line(pixels([low[0], value]), pixels([high[0], value]));
  ctx.globalAlpha = 1;
  let free = 0; // pixels from the left: what is wide leaves out its neighbour
  labTicks(lines(0)).forEach((text, at) => {
    const [x, half] = [pixels([lines(0)[at], low[1]], 0)[0], ctx.measureText(text).width / 2];
    const middle = Math.max(half, Math.min(width - half, x));
    if (middle - half < free) return;
    ctx.fillText(text, middle, bottom + 12);
    free = middle + half + 6;
  });
  ctx.textAlign = "right";
  const upright = flat ? [] : lines(1);
  labTicks(upright).forEach((text, at) => {
    const [x, y] = pixels([low[0], upright[at]]);
    ctx.fillText(text, x - 6, y);
  });
  if (!flat) return;
  ctx.strokeStyle = ink.soft;
  for (const { row } of sets) line([pixels(low, row)[0], row], [pixels(high, row)[0], row]);
}
