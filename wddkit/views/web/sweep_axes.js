// Parallel coordinates: a line to each run over an axis to each field and value; brushes on the axes select runs.

const [AXES_TOP, AXES_TALL, AXES_FOOT] = [48, 230, 22]; // pixels
const AXES_WIDE = 96; // pixels that an axis needs
const AXES_MANY = 250; // runs
const AXES_OF = ["axes", "colour", "fixed", "protocol", "rows", "columns"]; // all that places the lines
const AXES_HAND =
  "A line is a run. Drag along an axis to keep a part of it, or move the two handles of an axis by arrow keys; " +
  "Escape frees it. What is within all brushes is selected everywhere. Lines at one level are spread a little.";

/** The panel of the parallel coordinates. */
function axesPanel(table, act) {
  const canvas = h("canvas", { class: "wdd-canvas wdd-axes", role: "img" });
  const handles = h("div", { class: "wdd-handles" });
  const sheet = h("div", { class: "wdd-sheet wdd-stage" }, canvas, handles);
  const scrolled = h("div", { class: "wdd-scroll" }, sheet);
  const clear = button("clear brushes", () => act.set({ brush: {}, selected: [] }));
  const said = h("output", { class: "wdd-hint", "aria-live": "polite" });
  const chooser = axesChooser(table, act);
  const caption = h("p", { class: "wdd-caption" }, AXES_HAND);
  const title = h("h3", {}, "Parallel coordinates: which settings lead where");
  const key = h("ul", { class: "wdd-key" });
  const bar = h("div", { class: "wdd-row wdd-tools" }, chooser.node, clear, said);
  const own = { class: "wdd-panel", "aria-label": "parallel coordinates" };
  const node = h("section", own, title, bar, key, scrolled, caption);
  const under = document.createElement("canvas"); // all lines, over which the selected ones are drawn
  const brush = brushHandles(table, act, { canvas, handles });
  let [drawn, faint, keyed] = ["", "", ""];

  function draw(state, ink) {
    chooser.draw(state);
    clear.disabled = !Object.keys(state.brush).length;
    const width = Math.max(act.across(scrolled), AXES_WIDE * state.axes.length);
    const sign = [width, sweepSign(state, [...AXES_OF, "brush", "selected"], ink)].join();
    if (sign === drawn) return;
    drawn = sign;
    const axes = axesLayout(state, width);
    const all = [width, state.selected.size > 0, sweepSign(state, AXES_OF, ink)].join();
    if (all !== faint) paintRuns(paper(under, width, axesHeight(), ink.scale), table, state, ink, axes);
    faint = all;
    const ctx = paper(canvas, width, axesHeight());
    ctx.drawImage(under, 0, 0, width, axesHeight());
    paintRunAxes(ctx, table, state, ink, axes, width);
    brush.draw(state, axes);
    const text = axesSaid(table, state);
    say(said, text);
    canvas.setAttribute("aria-label", `Parallel coordinates of ${state.shown.length} runs. ${text}`);
    const coloured = sweepSign(state, ["colour"], ink);
    if (coloured !== keyed) key.replaceChildren(...(state.colour ? sweepKey(state.colour) : []));
    keyed = coloured;
  }

  return { node, draw, export_: axesFile(table) };
}

const axesHeight = () => AXES_TOP + AXES_TALL + AXES_FOOT;

/** The parallel coordinates as they are saved. */
function axesFile(table) {
  function paint(ctx, state, ink, width) {
    const axes = axesLayout(state, width);
    paintRuns(ctx, table, state, ink, axes);
    paintRunAxes(ctx, table, state, ink, axes, width);
  }
  return { title: "parallel coordinates", size: axesHeight, paint, wide: true };
}

function axesSaid(table, state) {
  const within = state.shown.filter((row) => state.selected.has(row)).length;
  const brushed = Object.keys(state.brush).length;
  return brushed ? `${within} of ${state.shown.length} runs are within the brushes` : `${state.shown.length} runs`;
}

/** Which values have an axis, beside all fields. */
function axesChooser(table, act) {
  const boxes = [...table.columns.values()].map((column) => {
    const box = h("input", { type: "checkbox", onchange: () => toggle(column.name) });
    return { column, box, node: h("label", {}, box, ` ${column.name}`) };
  });
  function toggle(name) {
    const { axes } = act.state();
    const names = axes.filter((axis) => axis.column).map((axis) => axis.name);
    const brush = { ...act.state().brush };
    delete brush[name];
    act.set({ axes: names.includes(name) ? names.filter((each) => each !== name) : [...names, name], brush });
  }
  const group = { class: "wdd-row", role: "group", "aria-label": "values with an axis" };
  const list = h("div", group, ...boxes.map((each) => each.node));
  return {
    node: h("details", { class: "wdd-choice" }, h("summary", {}, "axes"), list),
    draw({ axes }) {
      const names = new Set(axes.filter((axis) => axis.column).map((axis) => axis.name));
      for (const { column, box } of boxes) box.checked = names.has(column.name);
    },
  };
}

/** Where every axis stands, and functions between what it shows and pixels. */
function axesLayout(state, width) {
  const slot = width / state.axes.length;
  return state.axes.map((axis, i) => {
    const place = { ...axis, x: (i + 0.5) * slot, slot };
    if (axis.field) {
      const count = axis.field.levels.length;
      const tall = AXES_TALL / count; // of a level
      const y = (level) => AXES_TOP + AXES_TALL - (level + 0.5) * tall;
      return { ...place, count, y, at: (pixel) => (AXES_TOP + AXES_TALL - pixel) / tall - 0.5 };
    }
    const known = state.shown.map((row) => axis.column.values[row]).filter((value) => value != null);
    const [least, most] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
    const [low, high] = most > least ? [least, most] : [least - 0.5, most + 0.5];
    const y = (value) => AXES_TOP + AXES_TALL * (1 - (value - low) / (high - low));
    return { ...place, low, high, y, at: (pixel) => low + ((AXES_TOP + AXES_TALL - pixel) / AXES_TALL) * (high - low) };
  });
}

/** Where a run's line meets an axis; null where it was not measured. */
function axisPlace(table, axis, row) {
  if (axis.column) return axis.column.values[row] == null ? null : axis.y(axis.column.values[row]);
  const spread = ((table.runAt[row] * 0.618034) % 1) - 0.5; // the same for a run on every axis
  return axis.y(axis.field.at[row]) + spread * Math.min(26, (0.5 * AXES_TALL) / axis.count);
}

/** Adds a run's line over the axes to the path; a value that was not measured leaves a gap. */
function traceRun(ctx, table, axes, row) {
  let open = false;
  for (const axis of axes) {
    const y = axisPlace(table, axis, row);
    if (y != null) ctx[open ? "lineTo" : "moveTo"](axis.x, y);
    open = y != null;
  }
}

/** Lines of runs, in one ink or in that of each run; very many of one ink are one stroke, for the hand is faster. */
function strokeRuns(ctx, table, axes, rows, inkOf) {
  ctx.lineJoin = "round";
  const groups = new Map();
  for (const row of rows) {
    const key = rows.length > AXES_MANY ? inkOf(row) : row;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  for (const own of groups.values()) {
    ctx.beginPath();
    for (const row of own) traceRun(ctx, table, axes, row);
    ctx.strokeStyle = inkOf(own[0]);
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

/** Lines of all runs; pale ones where some are selected. */
function paintRuns(ctx, table, state, ink, axes) {
  const pale = state.selected.size > 0;
  ctx.lineWidth = pale || state.shown.length > AXES_MANY ? 1 : 1.5;
  ctx.globalAlpha = pale ? 0.12 : Math.max(0.3, Math.min(0.85, 60 / state.shown.length));
  const inkOf = (row) => (pale || !state.colour ? ink.text : colourOf(state.colour.at[row]));
  strokeRuns(ctx, table, axes, state.shown, inkOf);
}

/** The lines of the selected runs. */
function paintChosen(ctx, table, state, ink, axes) {
  const chosen = state.shown.filter((row) => state.selected.has(row));
  const many = chosen.length > AXES_MANY;
  [ctx.lineWidth, ctx.globalAlpha] = [many ? 1 : 2.5, many ? 0.5 : Math.max(0.5, Math.min(1, 90 / chosen.length))];
  strokeRuns(ctx, table, axes, chosen, (row) => (state.colour ? colourOf(state.colour.at[row]) : ink.accent));
}

/** The selected lines, the axes over all lines, and what is kept of each axis. */
function paintRunAxes(ctx, table, state, ink, axes, width) {
  paintChosen(ctx, table, state, ink, axes);
  for (const axis of axes) {
    [ctx.strokeStyle, ctx.lineWidth] = [ink.text, 1.5];
    ctx.strokeRect(Math.round(axis.x) + 0.5, AXES_TOP, 0, AXES_TALL);
    ctx.textAlign = "center";
    [ctx.fillStyle, ctx.font] = [ink.text, `600 12px ${FONT}`];
    const name = axis.field ? axis.title : axis.name;
    const edge = Math.min(axis.slot / 2, axis.x, width - axis.x);
    ctx.fillText(fitted(ctx, name, 2 * edge - 6), axis.x, 10);
    ctx.font = `12px ${FONT}`;
    ctx.fillStyle = ink.text;
    if (axis.field) axis.field.texts.forEach((text, i) => axisText(ctx, ink, axis, text, axis.y(i)));
    else for (const value of ticks(axis.low, axis.high, 4)) axisText(ctx, ink, axis, short(value), axis.y(value));
    for (const [from, to] of keptOf(axis, state.brush[axis.name])) {
      ctx.fillStyle = ink.accent;
      ctx.globalAlpha = 0.35;
      ctx.fillRect(axis.x - 7, to, 14, Math.max(2, from - to));
      ctx.globalAlpha = 1;
    }
  }
}

/** A level or number beside its axis, readable on lines. */
function axisText(ctx, ink, axis, text, y) {
  ctx.textAlign = "left";
  haloed(ctx, ink, fitted(ctx, text, axis.slot - 16), axis.x + 6, y);
}

/** What a brush keeps of an axis: [lower, upper] edges in pixels. */
function keptOf(axis, kept) {
  if (!kept) return [];
  if (axis.column) return [[axis.y(Math.max(axis.low, kept[0])), axis.y(Math.min(axis.high, kept[1]))]];
  const half = AXES_TALL / axis.count / 2;
  return kept.map((level) => axis.y(axis.field.levels.indexOf(level))).map((y) => [y + half, y - half]);
}
