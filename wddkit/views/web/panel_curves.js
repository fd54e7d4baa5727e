// Curves: the barycenter's transport cost, every recorded scalar, the statistics error of each layer; a click seeks.

const WORDS = {
  loss: "Loss: what is minimised",
  feature: "Feature term of the loss",
  statistics: "Statistics term of the loss",
  feature_gap: "Squared distance to support points",
  statistics_error: "Relative error of the statistics",
};
const [CURVE_LEFT, CURVE_BOTTOM, CURVE_HEIGHT] = [46, 20, 120];

/** The panel of the curves. */
function curvesPanel(run, act) {
  const title = h("h3", {}, "What is minimised, step by step");
  const caption = h("p", { class: "wdd-caption" },
    "Across: steps of the phase. The line marks this step; click to go to another.");
  const grid = h("div", { class: "wdd-curves" });
  const none = h("p", { class: "wdd-none" },
    lacking(run, "losses", "Losses and distances will appear here, step by step."));
  const node = h("section", { class: "wdd-panel" }, title, none, grid, caption);
  const sheets = new Map();

  function sheet(curve) {
    if (!sheets.has(curve.name)) {
      sheets.set(curve.name, curveSheet(run, act, curve));
      const order = curvesOf(run).map(({ name }) => name);
      const sorted = [...sheets].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
      grid.replaceChildren(...sorted.map(([, each]) => each.node));
    }
    return sheets.get(curve.name);
  }

  function draw(state, ink) {
    const curves = curvesOf(run, state);
    [none.hidden, caption.hidden] = [curves.length > 0, !curves.length];
    const own = curves.map(sheet);
    const widths = own.map(({ canvas }) => act.across(canvas.parentElement)); // all, before anything changes
    const texts = curves.map((curve, i) => own[i].draw(curve, state, ink, widths[i]));
    for (const tell of texts) tell?.(); // after all drawing, which would wait for layout
  }

  return { node, draw, export_: curvesFile(run) };
}

/** One curve's place in the panel; `draw` returns what tells its value, if that has changed. */
function curveSheet(run, act, { name, title }) {
  const canvas = h("canvas", { class: "wdd-canvas", role: "img", onclick: seek });
  const value = h("span", { class: "wdd-value" });
  const head = h("h4", {}, title, " ", value);
  const node = h("div", { class: "wdd-curve" }, head, h("div", { class: "wdd-sheet" }, canvas));
  const under = document.createElement("canvas"); // the curve itself, over which the cursor is drawn
  let [drawn, shown] = ["", ""];

  function seek(event) {
    const curve = curvesOf(run).find((each) => each.name === name);
    const [x] = place(event);
    const width = act.across(canvas.parentElement);
    const gaps = curve.steps.map((step) => Math.abs(acrossCurve(curve, width, step) - x));
    act.setStep(curve.first + gaps.indexOf(Math.min(...gaps)));
  }

  function draw(curve, state, ink, width) {
    const ratio = window.devicePixelRatio;
    // The curve only changes with size, theme, classes and growth.
    const key = [width, ink.text, ink.scale, run.timeline.length, ratio, ...state.classes].join();
    if (drawn !== key) paintCurve(paper(under, width, CURVE_HEIGHT, ink.scale), curve, ink, width);
    drawn = key;
    const sign = `${key}/${cursorAt(curve, state)}`;
    if (shown === sign) return null; // a curve of another phase has no cursor that moves
    shown = sign;
    const ctx = paper(canvas, width, CURVE_HEIGHT);
    ctx.drawImage(under, 0, 0, width, CURVE_HEIGHT);
    const text = paintCursor(ctx, curve, state, ink, width);
    return () => {
      say(value, text);
      canvas.setAttribute("aria-label", `${curve.title}, by step; ${text || "not measured"} at this step.`);
    };
  }

  return { node, canvas, draw };
}

/** The curves as they are saved, in columns. */
function curvesFile(run) {
  const columns = (width) => Math.max(1, Math.floor(width / 300));
  const size = (width) => Math.ceil(curvesOf(run).length / columns(width)) * (CURVE_HEIGHT + 24);
  function paint(ctx, state, ink, width) {
    const [count, own] = [columns(width), width / columns(width)];
    curvesOf(run, state).forEach((curve, i) => {
      ctx.save();
      ctx.translate((i % count) * own, Math.floor(i / count) * (CURVE_HEIGHT + 24));
      ctx.fillStyle = ink.soft;
      ctx.textAlign = "left";
      ctx.fillText(curve.title, 4, 8);
      ctx.translate(0, 18);
      paintCurve(ctx, curve, ink, own - 8);
      paintCursor(ctx, curve, state, ink, own - 8);
      ctx.restore();
    });
  }
  return { title: "curves", size, paint };
}

/** All curves of a run: name, title, lines of numbers over `steps`, and where its first step is on the time line. */
function curvesOf(run, state = null) {
  const known = Object.keys(WORDS);
  const order = (name) => (known.includes(name) ? known.indexOf(name) : known.length);
  const images = { steps: run.frames.map((frame) => frame.step), first: run.barycenter_steps };
  const scalars = Object.keys(run.scalars).sort((a, b) => order(a) - order(b)).map((name) => {
    const title = WORDS[name] ?? name.replaceAll("_", " ");
    return { name, title, lines: [{ values: run.scalars[name], text: "" }], ...images, turns: run.turns };
  });
  return [...distanceCurve(run, state), ...scalars, ...layersMap(run, images)];
}

/** The barycenters' distance to the real features, a mean over the classes that are shown. */
function distanceCurve(run, state) {
  const steps = run.timeline.slice(0, run.barycenter_steps).map(({ step }) => step);
  if (steps.length < 2) return [];
  const ways = state ? shownWays(run, state) : run.ways;
  const values = (name) => steps.map((step) => meanOf(ways, name, step));
  const training = { values: values("value"), text: "training" };
  const heldout = { values: values("heldout"), text: "held-out", dashed: true };
  const lines = [training, heldout].filter((line) => line.values.some((value) => value != null));
  return [{ name: "w2", title: "Barycenter: squared W2 to the real features", lines, steps, first: 0 }];
}

function layersMap(run, images) {
  const count = run.layers.length;
  if (!count || !run.frames.length) return [];
  const heat = run.layers.map((_, l) => run.frames.map((_, frame) => run.slice("layers", frame, count)[l] ?? null));
  if (!heat[0].some((value) => value != null)) return [];
  const title = "Statistics error of each layer, light: large";
  return [{ name: "layers", title, heat, names: run.layers, lines: [], ...images }];
}

function acrossCurve({ steps, heat }, width, step) {
  const [low, high] = [steps[0] ?? 0, Math.max((steps.at(-1) ?? 0), (steps[0] ?? 0) + 1e-9)];
  const share = heat ? (steps.indexOf(step) + 0.5) / steps.length : (step - low) / (high - low);
  return CURVE_LEFT + (width - CURVE_LEFT - 14) * share;
}

function heightOf(curve) {
  const known = curve.lines.flatMap(({ values }) => values.filter((value) => value != null));
  const low = Math.min(0, ...known);
  const high = Math.max(...known, low + 1e-12);
  const y = (value) => 8 + ((CURVE_HEIGHT - CURVE_BOTTOM - 8) * (high - value)) / (high - low);
  return Object.assign(y, { low, high });
}

function paintCurve(ctx, curve, ink, width) {
  if (curve.heat) return paintHeat(ctx, curve, ink, width);
  const y = heightOf(curve);
  const x = (step) => acrossCurve(curve, width, step);
  [ctx.strokeStyle, ctx.fillStyle, ctx.textAlign, ctx.lineWidth] = [ink.line, ink.soft, "right", 1];
  for (const value of ticks(y.low, y.high, 3)) {
    ctx.strokeRect(CURVE_LEFT, Math.round(y(value)) + 0.5, width - CURVE_LEFT - 14, 0);
    ctx.fillText(short(value), CURVE_LEFT - 5, y(value));
  }
  ctx.textAlign = "center";
  const [first, last] = [curve.steps[0] ?? 0, curve.steps.at(-1) ?? 1];
  for (const step of ticks(first, last, 4)) ctx.fillText(String(step), x(step), CURVE_HEIGHT - 7);
  for (const turn of curve.turns ?? []) {
    [ctx.strokeStyle, ctx.lineWidth] = [ink.soft, 1];
    ctx.setLineDash([2, 3]);
    ctx.strokeRect(x(turn.step), 4, 0, CURVE_HEIGHT - CURVE_BOTTOM - 4);
    ctx.setLineDash([]);
  }
  for (const line of curve.lines) paintLine(ctx, line, (t) => x(curve.steps[t]), y, ink, width);
}

/** One line of a curve, with its name at its end. */
function paintLine(ctx, { values, dashed, text }, x, y, ink, width) {
  const known = [...values.keys()].filter((t) => values[t] != null);
  ctx.beginPath();
  for (const t of known) ctx.lineTo(x(t), y(values[t]));
  [ctx.strokeStyle, ctx.lineWidth] = [dashed ? ink.text : ink.accent, 2];
  ctx.setLineDash(dashed ? [5, 4] : []);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.fillStyle = ctx.strokeStyle;
  const last = known.at(-1);
  if (known.length === 1) mark(ctx, "dot", x(last), y(values[last]), 4); // a line of one point would be none
  if (!text || !known.length) return;
  [ctx.fillStyle, ctx.textAlign] = [ink.text, "right"];
  ctx.fillText(text, width - 14, y(values[last]) + (dashed ? -10 : 10));
}

/** A row to each layer, a column to each snapshot; colour by the logarithm of the error. */
function paintHeat(ctx, { heat, names, steps }, ink, width) {
  const known = heat.flat().filter((value) => value > 0);
  const [low, high] = [Math.log(Math.min(...known)), Math.log(Math.max(...known))];
  const [wide, tall] = [(width - CURVE_LEFT - 14) / steps.length, (CURVE_HEIGHT - CURVE_BOTTOM - 4) / heat.length];
  heat.forEach((row, l) => {
    row.forEach((value, t) => {
      ctx.fillStyle = value > 0 ? ramp(high > low ? (Math.log(value) - low) / (high - low) : 0) : ink.back;
      ctx.fillRect(CURVE_LEFT + t * wide, 4 + l * tall, Math.ceil(wide), Math.ceil(tall));
    });
    [ctx.fillStyle, ctx.textAlign] = [ink.soft, "right"];
    const named = tall >= 12 || l === 0 || l === heat.length - 1;
    if (named) ctx.fillText(fitted(ctx, names[l], CURVE_LEFT - 4), CURVE_LEFT - 4, 4 + (l + 0.5) * tall);
  });
  ctx.textAlign = "center";
  const range = `${short(Math.exp(low))} (dark) to ${short(Math.exp(high))} (light)`;
  const half = ctx.measureText(range).width / 2;
  ctx.fillText(range, Math.max(half, Math.min((CURVE_LEFT + width) / 2, width - half)), CURVE_HEIGHT - 7);
}

/** Which of a curve's steps it is; -1 in another phase. */
function cursorAt(curve, state) {
  const t = state.step - curve.first;
  return t < curve.steps.length ? Math.max(-1, t) : -1;
}

/** The line at this step, if the curve belongs to the phase; returns the value there as text. */
function paintCursor(ctx, curve, state, ink, width) {
  const t = cursorAt(curve, state);
  if (t < 0) return "";
  const x = acrossCurve(curve, width, curve.steps[t]);
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth] = [ink.text, ink.text, 1];
  ctx.strokeRect(x, 4, 0, CURVE_HEIGHT - CURVE_BOTTOM - 4);
  if (curve.heat) return "";
  const y = heightOf(curve);
  const there = curve.lines.filter(({ values }) => values[t] != null);
  for (const { values } of there) mark(ctx, "dot", x, y(values[t]), 5);
  return there.map(({ values, text }) => `${short(values[t])}${text ? ` ${text}` : ""}`).join(", ");
}
