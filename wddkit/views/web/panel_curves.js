// Curves: the barycenter's transport cost, every recorded scalar, the statistics error of each layer; a click seeks.

const WORDS = {
  loss: "Loss: what is minimised",
  feature: "Feature term of the loss",
  statistics: "Statistics term of the loss",
  feature_gap: "Squared distance to support points",
  statistics_error: "Relative error of the statistics",
};
const [CURVE_LEFT, CURVE_BOTTOM, CURVE_HEIGHT] = [46, 20, 120];

function curvesPanel(run, act) {
  const title = h("h3", {}, "What is minimised, step by step");
  const caption = h("p", { class: "wdd-caption" }, "Across: steps of the phase. The line marks this step; click to go to another.");
  const grid = h("div", { class: "wdd-curves" });
  const none = h("p", { class: "wdd-none" }, "This run recorded no losses.");
  const node = h("section", { class: "wdd-panel" }, title, none, grid, caption);
  const sheets = new Map();

  function sheet(curve) {
    if (!sheets.has(curve.name)) {
      const canvas = h("canvas", { class: "wdd-canvas", role: "img", onclick: (event) => seek(event, canvas, curve.name) });
      const value = h("span", { class: "wdd-value" });
      const own = h("div", { class: "wdd-curve" }, h("h4", {}, curve.title, " ", value), h("div", { class: "wdd-sheet" }, canvas));
      sheets.set(curve.name, { canvas, value, node: own, under: document.createElement("canvas"), key: "" });
      const order = curvesOf(run).map(({ name }) => name);
      grid.replaceChildren(...[...sheets].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)).map(([, each]) => each.node));
    }
    return sheets.get(curve.name);
  }

  function draw(state, ink) {
    const curves = curvesOf(run, state);
    [none.hidden, caption.hidden] = [curves.length > 0, !curves.length];
    const widths = curves.map((curve) => act.across(sheet(curve).canvas.parentElement)); // all, before anything changes
    const texts = [];
    for (const [i, curve] of curves.entries()) {
      const [own, width] = [sheet(curve), widths[i]];
      // The curve itself only changes with size, theme, classes and growth; the cursor is drawn over it.
      const key = [width, ink.text, ink.scale, run.timeline.length, window.devicePixelRatio, ...state.classes].join();
      if (own.key !== key) paintCurve(paper(own.under, width, CURVE_HEIGHT, ink.scale), curve, ink, width);
      own.key = key;
      const t = cursorAt(curve, state);
      if (own.shown === `${key}/${t}`) continue; // a curve of another phase has no cursor that moves
      own.shown = `${key}/${t}`;
      const ctx = paper(own.canvas, width, CURVE_HEIGHT);
      ctx.drawImage(own.under, 0, 0, width, CURVE_HEIGHT);
      const value = paintCursor(ctx, curve, state, ink, width);
      texts.push(() => {
        say(own.value, value);
        own.canvas.setAttribute("aria-label", `${curve.title}, by step; ${value || "not measured"} at this step.`);
      });
    }
    for (const tell of texts) tell(); // after all drawing, which would wait for layout
  }

  function seek(event, canvas, name) {
    const curve = curvesOf(run).find((each) => each.name === name);
    const [x] = place(event);
    const gaps = curve.steps.map((step) => Math.abs(acrossCurve(curve, act.across(canvas.parentElement), step) - x));
    act.setStep(curve.first + gaps.indexOf(Math.min(...gaps)));
  }

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

  return { node, draw, export_: { title: "curves", size, paint } };
}

/** All curves of a run: name, title, lines of numbers over `steps`, and where its first step is on the time line. */
function curvesOf(run, state = null) {
  const found = [];
  const ways = run.ways.filter((way) => !state || state.shows(way.label));
  const steps = run.timeline.slice(0, run.barycenter_steps).map(({ step }) => step);
  const mean = (what) => steps.map((t) => {
    const values = ways.map((way) => way[what]?.[Math.min(t, way.steps - 1)]).filter((value) => value != null);
    return values.length && values.length === ways.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
  });
  if (steps.length > 1) {
    const lines = [{ values: mean("value"), text: "training" }, { values: mean("heldout"), text: "held-out", dashed: true }];
    found.push({ name: "w2", title: "Barycenter: squared W2 to the real features", lines: lines.filter(({ values }) => values.some((v) => v != null)), steps, first: 0 });
  }
  const known = Object.keys(WORDS);
  const order = (name) => (known.includes(name) ? known.indexOf(name) : known.length);
  const frames = run.frames.map((frame) => frame.step);
  for (const name of Object.keys(run.scalars).sort((a, b) => order(a) - order(b))) {
    found.push({ name, title: WORDS[name] ?? name.replaceAll("_", " "), lines: [{ values: run.scalars[name], text: "" }], steps: frames, first: run.barycenter_steps, turns: run.turns });
  }
  if (run.layers.length && run.frames.length) {
    const rows = run.layers.map((_, l) => run.frames.map((_, frame) => run.slice("layers", frame, run.layers.length)[l] ?? null));
    if (rows[0]?.some((value) => value != null)) found.push({ name: "layers", title: "Statistics error of each layer, light: large", heat: rows, names: run.layers, lines: [], steps: frames, first: run.barycenter_steps });
  }
  return found;
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
  [ctx.strokeStyle, ctx.fillStyle, ctx.textAlign, ctx.lineWidth] = [ink.line, ink.soft, "right", 1];
  for (const value of ticks(y.low, y.high, 3)) {
    ctx.strokeRect(CURVE_LEFT, Math.round(y(value)) + 0.5, width - CURVE_LEFT - 14, 0);
    ctx.fillText(short(value), CURVE_LEFT - 5, y(value));
  }
  ctx.textAlign = "center";
  for (const step of ticks(curve.steps[0] ?? 0, curve.steps.at(-1) ?? 1, 4)) ctx.fillText(String(step), acrossCurve(curve, width, step), CURVE_HEIGHT - 7);
  for (const turn of curve.turns ?? []) {
    [ctx.strokeStyle, ctx.lineWidth] = [ink.soft, 1];
    ctx.setLineDash([2, 3]);
    ctx.strokeRect(acrossCurve(curve, width, turn.step), 4, 0, CURVE_HEIGHT - CURVE_BOTTOM - 4);
    ctx.setLineDash([]);
  }
  curve.lines.forEach(({ values, dashed, text }) => {
    ctx.beginPath();
    values.forEach((value, t) => value != null && ctx.lineTo(acrossCurve(curve, width, curve.steps[t]), y(value)));
    [ctx.strokeStyle, ctx.lineWidth] = [dashed ? ink.text : ink.accent, 2];
    ctx.setLineDash(dashed ? [5, 4] : []);
    ctx.stroke();
    ctx.setLineDash([]);
    const last = values.findLastIndex((value) => value != null);
    ctx.fillStyle = ctx.strokeStyle;
    // A line of one point would be none.
    if (last >= 0 && values.findIndex((value) => value != null) === last) mark(ctx, "dot", acrossCurve(curve, width, curve.steps[last]), y(values[last]), 4);
    if (!text || last < 0) return;
    [ctx.fillStyle, ctx.textAlign] = [ink.text, "right"];
    ctx.fillText(text, width - 14, y(values[last]) + (dashed ? -10 : 10));
  });
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
    if (tall >= 12 || l === 0 || l === heat.length - 1) ctx.fillText(fitted(ctx, names[l], CURVE_LEFT - 4), CURVE_LEFT - 4, 4 + (l + 0.5) * tall);
  });
  ctx.textAlign = "center";
  ctx.fillText(`${short(Math.exp(low))} (dark) to ${short(Math.exp(high))} (light)`, (CURVE_LEFT + width) / 2, CURVE_HEIGHT - 7);
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
