// One direction of the picture: how the real images spread along it, and the quantiles that support points take.

const ARROW = 0.42; // its length, as a share of the picture's shorter side

const arrowEnds = ({ look }, { left, bottom, width, height }) => {
  const [cx, cy] = [(left + width) / 2, (height - bottom) / 2];
  const r = ARROW * Math.min(width - left, height - bottom);
  const [dx, dy] = [r * Math.cos(look.angle), -r * Math.sin(look.angle)];
  return [[cx - dx, cy - dy], [cx + dx, cy + dy]];
};

/** The direction in the features' picture, as an arrow through its middle. */
function paintArrow(ctx, state, ink, toPixels) {
  const [from, to] = arrowEnds(state, toPixels);
  const { angle } = state.look;
  const side = (turn) => [to[0] - 12 * Math.cos(angle + turn), to[1] + 12 * Math.sin(angle + turn)];
  for (const [style, width] of [[ink.back, 5], [ink.accent, 2]]) {
    ctx.beginPath();
    ctx.moveTo(...from);
    ctx.lineTo(...to);
    for (const turn of [0.4, -0.4]) {
      ctx.moveTo(...to);
      ctx.lineTo(...side(turn));
    }
    [ctx.strokeStyle, ctx.lineWidth] = [style, width];
    ctx.stroke();
  }
  ctx.beginPath();
  ctx.arc(...to, 6, 0, 2 * Math.PI);
  ctx.fillStyle = ink.accent;
  ctx.fill();
}

/** Whether a point of the canvas is near the arrow's head. */
function onArrow(state, toPixels, [x, y]) {
  const [, [ax, ay]] = arrowEnds(state, toPixels);
  return Math.hypot(x - ax, y - ay) < 16;
}

/** The direction from the middle of the picture to a point of the canvas. */
function angleTo({ left, bottom, width, height }, [x, y]) {
  return Math.atan2((height - bottom) / 2 - y, x - (left + width) / 2);
}

/** The panel of one direction. */
function directionPanel(run, act) {
  const HEIGHT = 240;
  const canvas = h("canvas", { class: "wdd-canvas wdd-direction", role: "img" });
  const turned = () => act.look({ angle: (Number(turn.value) * Math.PI) / 180 });
  const turn = h("input", { type: "range", min: -180, max: 180, step: 1, oninput: turned });
  const title = h("h3", {}, "Along one direction: how the real images spread, and which part each support point takes");
  const sheet = h("div", { class: "wdd-sheet" }, canvas);
  const caption = h("p", { class: "wdd-caption" },
    "Above: the real images along the arrow. Below: the points, bars by mass. On a line the best plan matches " +
    "quantiles: each point takes the next share of the real images, from left to right, as long as its mass.");
  const value = h("output", { class: "wdd-value" });
  const label = h("label", { class: "wdd-row" }, "Direction, degrees ", turn, value);
  const hint = h("p", { class: "wdd-hint" }, "or drag the tip of the arrow in the picture of the features");
  const node = h("section", { class: "wdd-panel" }, title, label, hint, sheet, caption);
  let sorted = { key: "", real: [] }; // sixty thousand are not sorted at every step

  function paint(ctx, state, ink, width) {
    const key = [state.projection.key, state.look.angle, run.realLabels.length, ...state.classes].join();
    if (sorted.key !== key) sorted = { key, real: shownReal(run, state) };
    return paintAlong(ctx, sorted.real, atoms(run, state), ink, width, HEIGHT);
  }

  function draw(state, ink) {
    node.hidden = !state.look.direction;
    if (node.hidden) return;
    const width = act.across(sheet);
    turn.value = Math.round((state.look.angle * 180) / Math.PI);
    say(value, `${turn.value}°`);
    const squared = paint(paper(canvas, width, HEIGHT), state, ink, width);
    const between = `between the real images and the ${atoms(run, state).what}`;
    canvas.setAttribute("aria-label", `Squared W2 along this direction ${between}: ${short(squared)}.`);
  }

  const hidden = () => node.hidden;
  return { node, draw, export_: { title: "direction", size: () => HEIGHT, paint, hidden } };
}

/** Histogram, matching and masses along the direction; returns the squared W2 there, null without points. */
function paintAlong(ctx, real, { list, what }, ink, width, height) {
  if (!real.length || !list.length) {
    ctx.fillStyle = ink.soft;
    ctx.fillText("There is nothing to match at this step.", 10, height / 2);
    return null;
  }
  const [low, high] = [Math.min(real[0], list[0].at), Math.max(real.at(-1), list.at(-1).at)];
  const x = (value) => 12 + ((width - 24) * (value - low)) / (high - low || 1);
  paintHistogram(ctx, real, x, ink, 90, low, high);
  const value = paintMatching(ctx, real, list, x, ink, 100, height - 62);
  paintBars(ctx, list, x, ink, height - 60, height - 20);
  [ctx.fillStyle, ctx.textAlign] = [ink.text, "left"];
  ctx.fillText(`squared W2 along this direction, real images to ${what}: ${short(value)}`, 12, height - 8);
  return value;
}

/** Coordinates of the shown real images along the direction, from left to right. */
function shownReal(run, state) {
  const xy = run.realXy(state.projection.key);
  const along = alongOf(state);
  const found = [];
  run.realLabels.forEach((label, i) => state.shows(label) && found.push(along(xy[2 * i], xy[2 * i + 1])));
  return Float64Array.from(found).sort();
}

const alongOf = ({ look }) => (x, y) => x * Math.cos(look.angle) + y * Math.sin(look.angle);

/** What is matched to the real images: the distilled images once they are there, else the support points. */
function atoms(run, state) {
  const along = alongOf(state);
  const list = [];
  const xy = state.frame >= 0 ? run.xy(state.projection.key, state.frame) : [];
  if (xy.length) {
    run.labels.forEach((label, row) => {
      if (state.shows(label)) list.push({ at: along(xy[2 * row], xy[2 * row + 1]), mass: run.masses[row], label });
    });
  } else {
    for (const way of shownWays(run, state)) {
      for (let j = 0; j < way.points; j++) {
        list.push({ at: along(...supportAt(run, state, way, j)), mass: massAt(state, way, j), label: way.label });
      }
    }
  }
  list.sort((a, b) => a.at - b.at);
  const total = list.reduce((sum, { mass }) => sum + mass, 0) || 1;
  for (const atom of list) atom.mass /= total;
  return { list, what: xy.length ? "distilled images" : "support points" };
}

function paintHistogram(ctx, real, x, ink, base, low, high) {
  const BINS = 48;
  const counts = new Array(BINS).fill(0);
  for (const value of real) counts[Math.min(BINS - 1, Math.floor((BINS * (value - low)) / (high - low || 1)))] += 1;
  const most = Math.max(...counts);
  ctx.fillStyle = ink.soft;
  counts.forEach((count, i) => {
    const [a, b] = [x(low + ((high - low) * i) / BINS), x(low + ((high - low) * (i + 1)) / BINS)];
    ctx.fillRect(a + 0.5, base - (76 * count) / most, b - a - 1, (76 * count) / most);
  });
  ctx.textAlign = "left";
  ctx.fillText(`${real.length} real images`, 12, 8);
}

/** The monotone matching as ribbons; returns the integral of the squared difference of the quantile functions. */
function paintMatching(ctx, real, list, x, ink, top, bottom) {
  let [value, done] = [0, 0];
  const n = real.length;
  list.forEach(({ at, mass, label }) => {
    const end = Math.min(1, done + mass);
    const first = real[Math.min(n - 1, Math.floor(done * n + 1e-9))];
    const last = real[Math.max(0, Math.min(n - 1, Math.ceil(end * n - 1e-9) - 1))];
    for (let i = Math.floor(done * n + 1e-9); i < n && i / n < end - 1e-12; i++) {
      value += (Math.min(end, (i + 1) / n) - Math.max(done, i / n)) * (real[i] - at) ** 2;
    }
    ctx.beginPath();
    ctx.moveTo(x(first), top);
    ctx.lineTo(x(last), top);
    ctx.lineTo(x(at), bottom);
    ctx.closePath();
    [ctx.fillStyle, ctx.strokeStyle, ctx.globalAlpha, ctx.lineWidth] = [colourOf(label), ink.text, 0.35, 0.5];
    ctx.fill();
    ctx.globalAlpha = 0.6;
    ctx.stroke();
    ctx.globalAlpha = 1;
    done = end;
  });
  return value;
}

function paintBars(ctx, list, x, ink, top, bottom) {
  const most = Math.max(...list.map(({ mass }) => mass));
  for (const { at, mass, label } of list) {
    [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [colourOf(label), ink.text, 1];
    const length = ((bottom - top) * mass) / most;
    ctx.fillRect(x(at) - 3, top, 6, length);
    ctx.strokeRect(x(at) - 3, top, 6, length);
  }
}
