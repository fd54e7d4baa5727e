// Scatter of two numbers, a point to each run, with Spearman's rho.

const [SCATTER_LEFT, SCATTER_FOOT, SCATTER_TALL] = [56, 42, 330]; // pixels
const SCATTER_RINGED = 100; // selected points; of more, only the others become pale
const SCATTER_OF = ["x", "y", "colour", "fixed", "protocol", "rows", "columns"]; // all that places its points

/** Points of the runs in which both numbers were measured. */
const scatterRows = ({ shown, x, y }) => shown.filter((row) => x.values[row] != null && y.values[row] != null);

/** The panel of the scatter. */
function scatterPanel(table, act) {
  const plot = sweepPlot(act, {
    name: "scatter",
    title: "scatter",
    size: () => SCATTER_TALL,
    paint: (ctx, state, ink, width, height) => paintScatter(ctx, table, state, ink, width, height),
    sign: (state, ink) => sweepSign(state, [...SCATTER_OF, "selected", "opened"], ink),
    choose: (mark, event) => act.choose(mark.rows, { beside: event.shiftKey }),
    told: (state) => `Scatter of ${state.y.title} over ${state.x.title}, a point to each run.`,
  });
  const names = [...table.numbers.values()].map((each) => [each.name, each.name]);
  const fields = [["", "nothing"], ...[...table.fields.values()].map((field) => [field.name, field.short])];
  const choices = [
    sweepChoice("y", names, (name) => act.set({ y: name })),
    sweepChoice("over x", names, (name) => act.set({ x: name })),
    sweepChoice("colour", fields, (name) => act.set({ colour: name })),
  ];
  const title = h("h3", {}, "Do two numbers go together?");
  const rho = h("output", { class: "wdd-rho", "aria-live": "polite" });
  const key = h("ul", { class: "wdd-key" });
  const caption = h("p", { class: "wdd-caption" },
    "Spearman's ρ: −1 to 1, by ranks alone; its interval (Fisher's) takes runs as independent, which seeds of one " +
    "setting are not. A point opens its run.");
  const bar = h("div", { class: "wdd-row wdd-tools" }, ...choices.map((each) => each.node));
  const node = h("section", { class: "wdd-panel", "aria-label": "scatter" }, title, bar, rho, key, plot.node, caption);
  let told = "";
  function draw(state, ink) {
    [state.y.name, state.x.name, state.colour?.name ?? ""].forEach((name, i) => choices[i].draw(name));
    const sign = sweepSign(state, SCATTER_OF, ink);
    if (sign !== told) tellRho(table, state, rho, key);
    told = sign;
    plot.draw(state, ink);
  }
  return { node, draw, export_: scatterFile(table) };
}

/** The scatter as it is saved, with its number and its key. */
function scatterFile(table) {
  function paint(ctx, state, ink, width) {
    [ctx.fillStyle, ctx.textAlign] = [ink.text, "left"];
    ctx.fillText(rhoText(rhoOf(state, scatterRows(state))), 0, 8);
    if (state.colour) paintKey(ctx, ink, state.colour, state.colour.texts.keys(), 27, width);
    ctx.translate(0, 40);
    paintScatter(ctx, table, state, ink, width, SCATTER_TALL);
  }
  return { title: "scatter", size: () => SCATTER_TALL + 40, paint };
}

/** Spearman's rho over rows. */
const rhoOf = (state, rows) => sweepSpearman(...[state.x, state.y].map(({ values }) => rows.map((row) => values[row])));

/** Rho of all points, and in the key that of each colour: within a level it may be another. */
function tellRho(table, state, node, key) {
  const found = rhoOf(state, scatterRows(state));
  say(node, rhoText(found));
  for (const name of ["rho", "low", "high", "n"]) node.dataset[name] = String(found[name]);
  if (!state.colour) return key.replaceChildren();
  const levels = sweepLevels(state.colour, scatterRows(state));
  const more = (level) => {
    const { rho, n } = rhoOf(state, levels[level]);
    return ` (n = ${n}${rho == null ? "" : `, ρ = ${rho.toFixed(2).replace("-", "−")}`})`;
  };
  key.replaceChildren(...sweepKey(state.colour, [...levels.keys()].filter((level) => levels[level].length), more));
}

function rhoText({ rho, low, high, n }) {
  const text = (value) => value.toFixed(2).replace("-", "−");
  if (rho == null) return `Spearman's ρ is not defined for these ${n} runs: it needs three, and values that differ.`;
  const interval = low == null ? "" : `, 95 % interval ${text(low)} to ${text(high)}`;
  return `Spearman's ρ = ${text(rho)}${interval}, n = ${n} runs`;
}

function paintScatter(ctx, table, state, ink, width, height) {
  const rows = scatterRows(state);
  if (!rows.length) return sweepNothing(ctx, ink, "no run has both numbers", width, height);
  const [left, right, top, bottom] = [SCATTER_LEFT, width - 14, 12, height - SCATTER_FOOT];
  const [x, y] = [scatterScale(state.x, rows, left, right), scatterScale(state.y, rows, bottom, top)];
  paintScatterFrame(ctx, state, ink, { left, right, top, bottom, x, y });
  const some = rows.some((row) => state.selected.has(row));
  const ringed = state.selected.size <= SCATTER_RINGED;
  const open = new Set(state.opened);
  const points = rows.map((row) => {
    return { row, x: x(state.x.values[row]), y: y(state.y.values[row]), chosen: state.selected.has(row) };
  });
  for (const point of points.sort((a, b) => a.chosen - b.chosen)) {
    ctx.globalAlpha = some && !point.chosen ? 0.35 : 0.9;
    if (state.colour) sweepMark(ctx, state.colour.at[point.row], point.x, point.y, 6);
    else {
      ctx.fillStyle = ink.text;
      mark(ctx, "dot", point.x, point.y, 6);
    }
    ctx.globalAlpha = 1;
    const r = open.has(point.row) ? 11 : 9;
    if (point.chosen && ringed) ring(ctx, ink, () => ctx.arc(point.x, point.y, r, 0, 2 * Math.PI));
  }
  const inOrder = points.sort((a, b) => a.x - b.x); // for the arrow keys
  return inOrder.map(({ row, ...at }) => ({ x: at.x, y: at.y, rows: [row], said: scatterSaid(table, state, row) }));
}

function scatterSaid(table, { x, y }, row) {
  const value = (each) => `${each.name} ${sweepNumber(each, each.values[row])}`;
  return `${sweepRun(table, row)}: ${value(x)}, ${value(y)}`;
}

/** A function from a number to pixels, with room at both ends. */
function scatterScale({ values }, rows, from, to) {
  const known = rows.map((row) => values[row]);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const pad = 0.07 * (most - least) || Math.abs(most) * 0.1 || 1;
  const [low, high] = [least - pad, most + pad];
  return Object.assign((value) => from + ((value - low) / (high - low)) * (to - from), { low, high });
}

function paintScatterFrame(ctx, state, ink, { left, right, top, bottom, x, y }) {
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth, ctx.textAlign] = [ink.line, ink.soft, 1, "center"];
  ctx.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top);
  for (const value of ticks(x.low, x.high, 6)) {
    ctx.strokeRect(Math.round(x(value)) + 0.5, top, 0, bottom - top);
    ctx.fillText(short(value), x(value), bottom + 12);
  }
  ctx.textAlign = "right";
  for (const value of ticks(y.low, y.high, 5)) {
    ctx.strokeRect(left, Math.round(y(value)) + 0.5, right - left, 0);
    ctx.fillText(short(value), left - 6, y(value));
  }
  [ctx.fillStyle, ctx.textAlign] = [ink.text, "center"];
  ctx.fillText(fitted(ctx, state.x.title, right - left), (left + right) / 2, bottom + 31);
  ctx.save();
  ctx.translate(8, (top + bottom) / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.fillText(fitted(ctx, state.y.title, bottom - top), 0, 0);
  ctx.restore();
}
