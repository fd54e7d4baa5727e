// Scales of the features' picture: from features to pixels, its axes, and from an image's gap to a colour.

const CLOSEST = 40; // times the first zoom

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
  const key = [k, zx, zy].join(); // by which a drawing knows whether it is still right
  return Object.assign(toPixels, { inverse, left, bottom, width, height, scale, box: [x0, x1, y0, y1], key });
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

/** The frame of the picture, its ticks, and the names of the two directions. */
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
    const all = run.frames.map((_, frame) => run.slice("gap", frame, run.labels.length));
    for (const gaps of all) {
      for (const gap of gaps) if (gap > 0) [low, high] = [Math.min(low, gap), Math.max(high, gap)];
    }
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
