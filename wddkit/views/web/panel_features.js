// Features: where the teacher places the real images, the support points and the distilled images.

const LARGEST_DISC = 17; // radius in pixels of the heaviest support point
const SQUARE = 4.5; // half a side of a distilled image's square
const MOST_NAMES = 30; // classes; more names would hide the marks
const MANY = 5000; // real images; more are drawn as plain dots, all of a class in one go
const CLOSEST = 40; // times the first zoom

/** Radius of a support point's disc: its area goes with its mass. */
const discRadius = (run, mass) => LARGEST_DISC * Math.sqrt(mass / (run.heaviest || 1));

/** Paints the features of a moment; remembers the layer of real images, which only zoom and choice change. */
function featuresPainter(run) {
  const under = { canvas: document.createElement("canvas"), key: "" };
  const centres = new Map();

  function paint(ctx, state, ink, width, height, { afresh = false } = {}) {
    const toPixels = scaling(run, state, width, height);
    ctx.save();
    // A file has its own resolution: nothing is taken from the screen for it.
    if (afresh) paintBackground(ctx, run, state, ink, toPixels, width, height);
    else paintReal(ctx, state, ink, toPixels, width, height);
    ctx.beginPath();
    ctx.rect(toPixels.left, 0, width - toPixels.left, height - toPixels.bottom);
    ctx.clip();
    paintPlan(ctx, run, state, ink, toPixels);
    for (const way of run.ways) if (state.shows(way.label)) paintSupport(ctx, run, state, ink, toPixels, way);
    if (state.frame >= 0) paintImages(ctx, run, state, ink, toPixels, width, height);
    paintSelected(ctx, run, state, ink, toPixels);
    if (!state.look.hideNames) paintNames(ctx, run, state, ink, toPixels, classCentres(run, state, centres));
    ctx.restore();
    return toPixels;
  }

  function paintReal(ctx, state, ink, toPixels, width, height) {
    const parts = [width, height, ink.text, ink.scale, state.projection.key, toPixels.key, state.real.sign, run.realLabels.length];
    const key = [...parts, state.look.holes, window.devicePixelRatio, ...state.classes].join();
    if (under.key !== key) {
      paintBackground(paper(under.canvas, width, height, ink.scale), run, state, ink, toPixels, width, height);
      under.key = key;
    }
    ctx.drawImage(under.canvas, 0, 0, width, height);
  }

  return paint;
}

function paintBackground(ctx, run, state, ink, toPixels, width, height) {
  paintAxes(ctx, state, ink, toPixels, width, height);
  ctx.save();
  ctx.beginPath();
  ctx.rect(toPixels.left, 0, width - toPixels.left, height - toPixels.bottom);
  ctx.clip();
  const xy = run.realXy(state.projection.key);
  const many = run.realLabels.length > MANY;
  [ctx.globalAlpha, ctx.lineWidth] = [many ? 0.5 : 0.75, 1.3];
  const reals = new Map();
  run.realLabels.forEach((label, i) => {
    if (!state.shows(label)) return;
    if (!reals.has(label)) reals.set(label, []);
    if (!many) reals.get(label).push(i);
  });
  for (const [label, own] of reals) {
    ctx.fillStyle = ctx.strokeStyle = colourOf(label);
    if (many) paintDots(ctx, run, label, xy, toPixels);
    else for (const i of own) mark(ctx, shapeOf(label), ...toPixels(xy[2 * i], xy[2 * i + 1]), 3.2);
  }
  ctx.globalAlpha = 1;
  const ringed = (i) => (state.look.holes && run.far[i]) || state.real.has(i);
  [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 1.6];
  run.realLabels.forEach((label, i) => {
    if (!state.shows(label) || !ringed(i)) return;
    ctx.beginPath();
    ctx.arc(...toPixels(xy[2 * i], xy[2 * i + 1]), 6, 0, 2 * Math.PI);
    ctx.stroke();
  });
  ctx.restore();
}

/** Very many real images of a class as dots of two pixels, one path for all. */
function paintDots(ctx, run, label, xy, toPixels) {
  ctx.beginPath();
  run.realLabels.forEach((own, i) => {
    if (own !== label) return;
    const [x, y] = toPixels(xy[2 * i], xy[2 * i + 1]);
    ctx.rect(x - 1, y - 1, 2, 2);
  });
  ctx.fill();
}

/** The real images of the chosen support point, each joined to it: what it stands for. */
function paintPlan(ctx, run, state, ink, toPixels) {
  const { support } = state;
  if (!state.look.plan || !support || !state.shows(support.way.label)) return;
  const [xy, at] = [run.realXy(state.projection.key), supportAt(run, state, support.way, support.j)];
  for (const { i, share } of partners(state, support)) {
    const to = toPixels(xy[2 * i], xy[2 * i + 1]);
    [ctx.strokeStyle, ctx.globalAlpha, ctx.lineWidth] = [ink.text, 0.15 + 0.4 * share, 1];
    ctx.beginPath();
    ctx.moveTo(...toPixels(...at));
    ctx.lineTo(...to);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.arc(...to, 5, 0, 2 * Math.PI);
    ctx.stroke();
  }
}

/** Drawn real images that give most of their mass to a support point at this moment, and which share of it. */
function partners(state, { way, j }) {
  const count = way.reals.length;
  const at = Math.min(state.barycenter, way.steps - 1) * count;
  const found = [];
  way.reals.forEach((i, r) => {
    if (way.assign[at + r] === j) found.push({ i, share: way.share[at + r] });
  });
  return found;
}

/** Where a support point is at the moment, in the projection. */
function supportAt(run, state, way, j, step = state.barycenter) {
  const i = Math.min(step, way.steps - 1) * way.points + j;
  const xy = run.supportXy(way, state.projection.key);
  return [xy[2 * i], xy[2 * i + 1]];
}

function paintSupport(ctx, run, state, ink, toPixels, way) {
  const t = Math.min(state.barycenter, way.steps - 1);
  for (let j = 0; j < way.points; j++) {
    if (state.look.trails) {
      const steps = Array.from({ length: t + 1 }, (_, step) => supportAt(run, state, way, j, step));
      trail(ctx, ink.text, steps.map((at) => toPixels(...at)));
    }
    ctx.beginPath();
    ctx.arc(...toPixels(...supportAt(run, state, way, j)), discRadius(run, way.masses[t * way.points + j]), 0, 2 * Math.PI);
    [ctx.fillStyle, ctx.globalAlpha] = [colourOf(way.label), 0.5];
    ctx.fill();
    [ctx.strokeStyle, ctx.lineWidth, ctx.globalAlpha] = [ink.text, 1, 1];
    ctx.stroke();
  }
}

function trail(ctx, style, points) {
  ctx.beginPath();
  for (const point of points) ctx.lineTo(...point);
  [ctx.strokeStyle, ctx.lineWidth, ctx.globalAlpha] = [style, 1, 0.6];
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/** Where a distilled image is at a frame, kept within the picture; `outside`: it is farther away. */
function imageAt(run, state, toPixels, row, width, height, frame = state.frame) {
  const xy = run.xy(state.projection.key, frame);
  const [x, y] = toPixels(xy[2 * row], xy[2 * row + 1]);
  const clamp = (v, low, high) => Math.max(low + SQUARE + 2, Math.min(high - SQUARE - 2, v));
  const at = [clamp(x, toPixels.left, width), clamp(y, 0, height - toPixels.bottom)];
  return { at, outside: at[0] !== x || at[1] !== y };
}

function paintImages(ctx, run, state, ink, toPixels, width, height) {
  if (!run.xy(state.projection.key, state.frame).length) return;
  const gaps = run.slice("gap", state.frame, run.labels.length);
  const colour = state.look.gap && gaps.length ? (row) => ramp(gapScale(run)(gaps[row])) : (row) => colourOf(run.labels[row]);
  run.labels.forEach((label, row) => {
    if (!state.shows(label)) return;
    if (state.look.trails) {
      const frames = Array.from({ length: state.frame + 1 }, (_, frame) => frame);
      trail(ctx, colourOf(label), frames.map((t) => imageAt(run, state, toPixels, row, width, height, t).at));
    }
    const { at, outside } = imageAt(run, state, toPixels, row, width, height);
    square(ctx, at, outside ? ink.back : colour(row), ink.text, state.picked.has(row) ? 3 : 1.5);
  });
}

function square(ctx, [x, y], fill, stroke, line) {
  [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [fill, stroke, line];
  ctx.fillRect(x - SQUARE, y - SQUARE, 2 * SQUARE, 2 * SQUARE);
  ctx.strokeRect(x - SQUARE, y - SQUARE, 2 * SQUARE, 2 * SQUARE);
}

/** Rings around what is chosen, and a line from its image to the support point that it is drawn to. */
function paintSelected(ctx, run, state, ink, toPixels) {
  const { support, row } = state;
  const size = [toPixels.width, toPixels.height];
  const image = row >= 0 && state.frame >= 0 && state.shows(run.labels[row]) && run.xy(state.projection.key, state.frame).length;
  const at = image ? imageAt(run, state, toPixels, row, ...size).at : null;
  if (support && state.shows(support.way.label)) {
    const to = toPixels(...supportAt(run, state, support.way, support.j));
    const t = Math.min(state.barycenter, support.way.steps - 1);
    const r = discRadius(run, support.way.masses[t * support.way.points + support.j]) + 4;
    ring(ctx, ink, () => ctx.arc(...to, r, 0, 2 * Math.PI));
    if (at) {
      ctx.beginPath();
      ctx.moveTo(...at);
      ctx.lineTo(...to);
      [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 2];
      ctx.stroke();
    }
  }
  if (at) ring(ctx, ink, () => ctx.arc(...at, 12, 0, 2 * Math.PI));
}

/** Names where the classes are, so that nobody has to tell colours apart. */
function paintNames(ctx, run, state, ink, toPixels, centres) {
  if (run.present.length > MOST_NAMES && state.classes.size === 0) return;
  ctx.save();
  ctx.font = `bold 14px ${FONT}`;
  [ctx.textAlign, ctx.lineJoin, ctx.lineWidth] = ["center", "round", 4];
  [ctx.fillStyle, ctx.strokeStyle] = [ink.text, ink.back];
  for (const [label, x, y] of centres) {
    if (!state.shows(label)) continue;
    const [text, [px, py]] = [fitted(ctx, run.classes[label], 120), toPixels(x, y)];
    const half = ctx.measureText(text).width / 2 + 3;
    // Half a name at the edge cannot be read; what is out of sight stays there.
    const inside = px > toPixels.left && px < toPixels.width;
    const at = inside ? Math.max(toPixels.left + half, Math.min(toPixels.width - half, px)) : px;
    ctx.strokeText(text, at, py);
    ctx.fillText(text, at, py);
  }
  ctx.restore();
}

/** Class centres [label, x, y] in a projection: of the real images, or of the support points where there are none. */
function classCentres(run, state, known) {
  const { key } = state.projection;
  if (known.has(key) && known.get(key).count === run.realLabels.length) return known.get(key);
  const sums = new Map();
  const add = (label, x, y) => {
    const sum = sums.get(label) ?? [0, 0, 0];
    sums.set(label, [sum[0] + x, sum[1] + y, sum[2] + 1]);
  };
  const real = run.realXy(key);
  run.realLabels.forEach((label, i) => add(label, real[2 * i], real[2 * i + 1]));
  for (const way of run.realLabels.length ? [] : run.ways) {
    const xy = run.supportXy(way, key).subarray(-2 * way.points);
    for (let i = 0; i < xy.length; i += 2) add(way.label, xy[i], xy[i + 1]);
  }
  const centres = [...sums].map(([label, [x, y, n]]) => [label, x / n, y / n]);
  known.set(key, Object.assign(centres, { count: run.realLabels.length }));
  return centres;
}

/** A function from features to pixels: the same scale along both axes, what matters within, then the user's zoom. */
function scaling(run, state, width, height) {
  const [x0, x1, y0, y1] = boxOf(run, state.projection.key);
  const [left, bottom, margin] = [40, 34, 22];
  const fit = Math.min((width - left - 2 * margin) / (x1 - x0 || 1), (height - bottom - 2 * margin) / (y1 - y0 || 1));
  const { k, x: zx, y: zy } = state.look.zoom ?? { k: 1, x: 0, y: 0 }; // its centre in units of the whole box
  const scale = fit * k;
  const [cx, cy] = [(left + width) / 2, (height - bottom) / 2];
  const [mx, my] = [(x0 + x1) / 2 + zx * (x1 - x0), (y0 + y1) / 2 + zy * (y1 - y0)];
  const toPixels = (x, y) => [cx + (x - mx) * scale, cy - (y - my) * scale];
  const inverse = (px, py) => [(px - cx) / scale + mx, (cy - py) / scale + my];
  return Object.assign(toPixels, { inverse, left, bottom, width, height, scale, box: [x0, x1, y0, y1], key: [k, zx, zy].join() });
}

/** The box that shows all that matters of a projection. */
function boxOf(run, key) {
  const known = (run.boxes ??= new Map());
  const size = run.frames.length + run.realLabels.length + run.barycenter_steps / 1000;
  if (known.get(key)?.size === size) return known.get(key).box;
  const lists = [run.realXy(key), ...run.ways.map((way) => run.supportXy(way, key).subarray(-2 * way.points))];
  const frames = run.frames.map((_, frame) => run.xy(key, frame));
  const last = bounds([...lists, ...frames.slice(-1)]);
  const all = bounds([...lists, ...frames]);
  const near = (i) => all[i + 1] - all[i] < 1.6 * (last[i + 1] - last[i]);
  // Images that start as noise lie far away; they wait at the edge rather than make everything else small.
  const box = near(0) && near(2) ? all : last;
  known.set(key, { size, box });
  return box;
}

function bounds(lists) {
  const box = [Infinity, -Infinity, Infinity, -Infinity];
  for (const xy of lists) {
    for (let i = 0; i < xy.length; i += 2) {
      box[0] = Math.min(box[0], xy[i]);
      box[1] = Math.max(box[1], xy[i]);
      box[2] = Math.min(box[2], xy[i + 1]);
      box[3] = Math.max(box[3], xy[i + 1]);
    }
  }
  return Number.isFinite(box[0]) ? box : [-1, 1, -1, 1];
}

function paintAxes(ctx, state, ink, toPixels, width, height) {
  const { left, bottom, inverse } = toPixels;
  const [x0, y1] = inverse(left, 0);
  const [x1, y0] = inverse(width, height - bottom);
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth, ctx.textAlign] = [ink.line, ink.soft, 1, "center"];
  ctx.strokeRect(left + 0.5, 0.5, width - left - 1, height - bottom - 1);
  const within = (x) => Math.max(left + 8, Math.min(width - 14, x));
  for (const x of ticks(x0, x1, 7)) ctx.fillText(short(x), within(toPixels(x, 0)[0]), height - bottom + 10);
  ctx.textAlign = "right";
  for (const y of ticks(y0, y1, 6)) ctx.fillText(short(y), left - 4, Math.max(7, toPixels(0, y)[1]));
  const [right, up] = state.projection.axes;
  ctx.textAlign = "center";
  ctx.fillText(fitted(ctx, right, width - left), (left + width) / 2, height - 7);
  ctx.save();
  ctx.translate(7, (height - bottom) / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.fillText(fitted(ctx, up, height - bottom), 0, 0);
  ctx.restore();
}

/** Squared distance from image to support point -> [0, 1] on a logarithmic scale over the whole run. */
function gapScale(run) {
  if (run.gaps?.frames !== run.frames.length) {
    let [low, high] = [Infinity, 0];
    run.frames.forEach((_, frame) => {
      for (const gap of run.slice("gap", frame, run.labels.length)) if (gap > 0) [low, high] = [Math.min(low, gap), Math.max(high, gap)];
    });
    run.gaps = { frames: run.frames.length, low, high };
  }
  const { low, high } = run.gaps;
  const scale = (gap) => (high > low ? Math.log(Math.max(gap, low) / low) / Math.log(high / low) : 0);
  return Object.assign(scale, { low, high });
}

const CIVIDIS = [[0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56]];

/** Cividis from dark (0) to light (1): ordered for every colour vision, and in grey. */
function ramp(t) {
  const at = Math.max(0, Math.min(1, t)) * (CIVIDIS.length - 1);
  const i = Math.min(CIVIDIS.length - 2, Math.floor(at));
  const channel = (c) => Math.round(CIVIDIS[i][c] + (at - i) * (CIVIDIS[i + 1][c] - CIVIDIS[i][c]));
  return `rgb(${channel(0)}, ${channel(1)}, ${channel(2)})`;
}
