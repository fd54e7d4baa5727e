// Features: where the teacher places the real images, the support points and the distilled images.

const LARGEST_DISC = 17; // radius in pixels of the heaviest support point
const SQUARE = 4.5; // half a side of a distilled image's square
const MOST_NAMES = 30; // classes; more names would hide the marks
const MANY = 5000; // real images; more are drawn as plain dots, all of a class in one go

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
    toPixels.outside = state.frame >= 0 ? paintImages(ctx, run, state, ink, toPixels) : 0;
    paintSelected(ctx, run, state, ink, toPixels);
    paintNames(ctx, run, state, ink, toPixels, classCentres(run, state, centres));
    ctx.restore();
    return toPixels;
  }

  function paintReal(ctx, state, ink, toPixels, width, height) {
    const paperOf = [width, height, ink.text, ink.scale, window.devicePixelRatio];
    const shown = [state.projection.key, toPixels.key, state.real.sign, run.realLabels.length, state.look.holes];
    const key = [...paperOf, ...shown, ...state.classes].join();
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
  const at = stepAt(state, way) * count;
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
  for (let j = 0; j < way.points; j++) {
    if (state.look.trails) {
      const steps = Array.from({ length: stepAt(state, way) + 1 }, (_, step) => supportAt(run, state, way, j, step));
      trail(ctx, ink.text, steps.map((at) => toPixels(...at)));
    }
    ctx.beginPath();
    ctx.arc(...toPixels(...supportAt(run, state, way, j)), discRadius(run, massAt(state, way, j)), 0, 2 * Math.PI);
    [ctx.fillStyle, ctx.globalAlpha] = [colourOf(way.label), 0.5];
    ctx.fill();
    [ctx.strokeStyle, ctx.lineWidth, ctx.globalAlpha] = [ink.text, 1, 1];
    ctx.stroke();
    paintSign(ctx, run, state, ink, toPixels, way, j);
  }
}

/** In a disc the name of its class where there is room, else its shape where colours come again. */
function paintSign(ctx, run, state, ink, toPixels, way, j) {
  const [r, name] = [discRadius(run, massAt(state, way, j)), run.classes[way.label]];
  const at = toPixels(...supportAt(run, state, way, j));
  ctx.fillStyle = ctx.strokeStyle = ink.text;
  if (r >= 6 && name.length <= 3 && ctx.measureText(name).width < 1.7 * r) {
    ctx.textAlign = "center";
    ctx.fillText(name, at[0], at[1] + 0.5);
  } else if (r >= 5 && run.classes.length > COLOURS.length) mark(ctx, shapeOf(way.label), ...at, 3);
}

function trail(ctx, style, points) {
  ctx.beginPath();
  for (const point of points) ctx.lineTo(...point);
  [ctx.strokeStyle, ctx.lineWidth, ctx.globalAlpha] = [style, 1, 0.6];
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/** Where a distilled image is at a frame, kept within the picture; `outside`: it is farther away. */
function imageAt(run, state, toPixels, row, frame = state.frame) {
  const xy = run.xy(state.projection.key, frame);
  const [x, y] = toPixels(xy[2 * row], xy[2 * row + 1]);
  const clamp = (v, low, high) => Math.max(low + SQUARE + 2, Math.min(high - SQUARE - 2, v));
  const at = [clamp(x, toPixels.left, toPixels.width), clamp(y, 0, toPixels.height - toPixels.bottom)];
  return { at, outside: at[0] !== x || at[1] !== y };
}

/** Squares where the distilled images are; returns how many are outside of the picture. */
function paintImages(ctx, run, state, ink, toPixels) {
  if (!run.xy(state.projection.key, state.frame).length) return 0;
  let count = 0;
  const gaps = run.slice("gap", state.frame, run.labels.length);
  const byGap = state.look.gap && gaps.length;
  const colour = byGap ? (row) => ramp(gapScale(run)(gaps[row])) : (row) => colourOf(run.labels[row]);
  run.labels.forEach((label, row) => {
    if (!state.shows(label)) return;
    if (state.look.trails) {
      const frames = Array.from({ length: state.frame + 1 }, (_, frame) => frame);
      trail(ctx, colourOf(label), frames.map((t) => imageAt(run, state, toPixels, row, t).at));
    }
    const { at, outside } = imageAt(run, state, toPixels, row);
    square(ctx, at, outside ? ink.back : colour(row), ink.text, state.picked.has(row) ? 3 : 1.5);
    if (outside) count += 1;
  });
  return count;
}

function square(ctx, [x, y], fill, stroke, line) {
  [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [fill, stroke, line];
  ctx.fillRect(x - SQUARE, y - SQUARE, 2 * SQUARE, 2 * SQUARE);
  ctx.strokeRect(x - SQUARE, y - SQUARE, 2 * SQUARE, 2 * SQUARE);
}

/** Rings around what is chosen, and a line from its image to the support point that it is drawn to. */
function paintSelected(ctx, run, state, ink, toPixels) {
  const { support, row } = state;
  const shown = row >= 0 && state.frame >= 0 && state.shows(run.labels[row]);
  const placed = shown && run.xy(state.projection.key, state.frame).length;
  const at = placed ? imageAt(run, state, toPixels, row).at : null;
  if (support && state.shows(support.way.label)) {
    const to = toPixels(...supportAt(run, state, support.way, support.j));
    const r = discRadius(run, massAt(state, support.way, support.j)) + 4;
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
