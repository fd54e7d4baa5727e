// Main effects: the mean of the value by each field's levels; interactions: one field's lines over another's levels.

const [EFFECT_LEFT, EFFECT_TOP, EFFECT_TALL, EFFECT_FOOT] = [52, 20, 150, 42]; // pixels of a line of small charts

/** The mean of the value over all rows shown, and by every level of each field; kept while it stays the same. */
function sweepEffects(table, state) {
  const sign = sweepSign(state, ["column", "rows", "columns", "fixed", "protocol"]);
  if (table.effects?.sign === sign) return table.effects;
  const mean = (rows) => sweepMean(table, rows, state.column);
  const by = new Map([...table.fields.values()].map((field) => [field, sweepLevels(field, state.shown).map(mean)]));
  table.effects = { sign, all: mean(state.shown), by };
  return table.effects;
}

/** The panel of the main effects. */
function effectsPanel(table, act) {
  const plot = sweepPlot(act, {
    name: "effects",
    title: "main effects",
    size: (width, state) => effectLines(table, state, width).length * (EFFECT_TOP + EFFECT_TALL + EFFECT_FOOT),
    paint: (ctx, state, ink, width) => paintEffects(ctx, table, state, ink, width),
    sign: (state, ink) => sweepSign(state, ["column", "rows", "columns", "fixed", "protocol", "selected"], ink),
    choose: ({ rows }, event) => act.select(event.shiftKey ? [...new Set([...act.state().selected, ...rows])] : rows),
    told: (state) => `Main effects: mean of ${state.column.title} by level of each field.`,
  });
  const title = h("h3", {}, "Main effects: what each field does by itself, on one scale");
  const caption = h("p", { class: "wdd-caption" },
    "Mean over all runs shown with this level; bars: its 95 % interval over seeds, an arrow where it goes on. " +
    "Dashed: the mean of all. Click a mark to select its runs.");
  const node = h("section", { class: "wdd-panel", "aria-label": "main effects" }, title, plot.node, caption);
  return { node, draw: plot.draw, export_: plot.export_ };
}

/** Fields in lines: as many side by side as have room. */
function effectLines(table, state, width) {
  const fields = table.varying.length ? table.varying : [...table.fields.values()];
  const shown = fields.filter((field) => sweepLevels(field, state.shown).filter((rows) => rows.length).length > 0);
  const lines = [[]];
  let used = 0;
  for (const field of shown) {
    const wide = 24 + 58 * field.levels.length;
    if (lines.at(-1).length && used + wide > width - EFFECT_LEFT) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1).push({ field, wide });
    used += wide;
  }
  return lines;
}

function paintEffects(ctx, table, state, ink, width) {
  const lines = effectLines(table, state, width);
  const { all, by } = sweepEffects(table, state);
  const range = sweepRange([{ ...all, low: null }, ...lines.flat().flatMap(({ field }) => by.get(field))]);
  if (all.value == null) return sweepNothing(ctx, ink, "not measured in the runs shown", width, EFFECT_TALL);
  return lines.flatMap((line, l) => {
    const top = l * (EFFECT_TOP + EFFECT_TALL + EFFECT_FOOT) + EFFECT_TOP;
    const y = (value) => top + EFFECT_TALL * ((range[1] - value) / (range[1] - range[0]));
    const room = (width - EFFECT_LEFT) / line.reduce((sum, { wide }) => sum + wide, 0);
    sweepGrid(ctx, ink, state.column, y, range, EFFECT_LEFT, width);
    ctx.setLineDash([5, 4]);
    ctx.strokeStyle = ink.soft;
    ctx.strokeRect(EFFECT_LEFT, Math.round(y(all.value)) + 0.5, width - EFFECT_LEFT, 0);
    ctx.setLineDash([]);
    let left = EFFECT_LEFT;
    return line.flatMap(({ field, wide }) => {
      const own = wide * Math.min(room, 1.8);
      const frame = { left, right: left + own, top, y, range };
      left += own;
      return paintEffect(ctx, state, ink, field, by.get(field), frame);
    });
  });
}

/** One field's levels from left to right; returns their marks. */
function paintEffect(ctx, state, ink, field, means, { left, right, top, y, range }) {
  const bottom = top + EFFECT_TALL;
  const slot = (right - left - 16) / means.length;
  const x = (i) => left + 8 + (i + 0.5) * slot;
  [ctx.strokeStyle, ctx.lineWidth] = [ink.line, 1];
  ctx.strokeRect(Math.round(left) + 0.5, top - 6, 0, EFFECT_TALL + 12);
  const known = [...means.keys()].filter((i) => means[i].value != null);
  [ctx.strokeStyle, ctx.lineWidth] = [ink.soft, 1.5];
  ctx.beginPath();
  for (const i of known) ctx.lineTo(x(i), y(means[i].value));
  ctx.stroke();
  [ctx.fillStyle, ctx.textAlign] = [ink.soft, "center"];
  field.texts.forEach((text, i) => ctx.fillText(fitted(ctx, text, slot - 3), x(i), bottom + 12));
  [ctx.fillStyle, ctx.font] = [ink.text, `600 12px ${FONT}`];
  ctx.fillText(fitted(ctx, field.short, right - left - 6), (left + right) / 2, bottom + 29);
  ctx.font = `12px ${FONT}`;
  return known.map((i) => {
    const mean = means[i];
    const chosen = mean.rows.length && mean.rows.every((row) => state.selected.has(row));
    [ctx.strokeStyle, ctx.lineWidth] = [ink.text, 1.5];
    sweepBar(ctx, x(i), mean, y, range);
    ctx.fillStyle = chosen ? ink.accent : ink.text;
    mark(ctx, "dot", x(i), y(mean.value), chosen ? 7 : 5.5);
    const right_ = x(i) + 8 + ctx.measureText(sweepNumber(state.column, mean.value)).width < right;
    [ctx.fillStyle, ctx.textAlign] = [ink.text, right_ ? "left" : "right"];
    haloed(ctx, ink, sweepNumber(state.column, mean.value), x(i) + (right_ ? 8 : -8), y(mean.value) - 8);
    const said = `${field.short} ${field.texts[i]}: ${sweepSaid(state.column, mean)}, ${mean.rows.length} runs`;
    return { x: x(i), y: y(mean.value), rows: mean.rows, said };
  });
}

/** Text that stays readable on lines. */
function haloed(ctx, ink, text, x, y) {
  [ctx.strokeStyle, ctx.lineWidth, ctx.lineJoin] = [ink.back, 3, "round"];
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
}

/** The panel of the interaction of the two fields of the heat map. */
function interactionPanel(table, act) {
  const plot = sweepPlot(act, {
    name: "interaction",
    title: "interaction",
    size: (width, state) => (state.rows && state.columns ? 250 : 0),
    paint: (ctx, state, ink, width, height) => paintInteraction(ctx, table, state, ink, width, height),
    sign: (state, ink) => sweepSign(state, ["column", "rows", "columns", "fixed", "protocol", "selected"], ink),
    choose: (mark, event) => act.choose(mark.rows, { beside: event.shiftKey }),
    told: ({ column, rows, columns }) => `${column.title} over ${columns.short}, a line to each ${rows.short}.`,
  });
  const title = h("h3", {});
  const key = h("ul", { class: "wdd-key" });
  const caption = h("p", { class: "wdd-caption" },
    "Parallel lines: the fields act independently; lines that cross or spread: what one does depends on the other.");
  const node = h("section", { class: "wdd-panel", "aria-label": "interaction" }, title, key, plot.node, caption);
  let keyed = "";
  function draw(state, ink) {
    node.hidden = !(state.rows && state.columns);
    if (node.hidden) return;
    say(title, `Interaction: ${state.columns.short} for each ${state.rows.short}`);
    const sign = sweepSign(state, ["rows"], ink);
    if (sign !== keyed) key.replaceChildren(...sweepKey(state.rows));
    keyed = sign;
    plot.draw(state, ink);
  }
  function paint(ctx, state, ink, width, height) {
    paintKey(ctx, ink, state.rows, state.rows.texts.keys(), 8, width);
    ctx.translate(0, 18);
    paintInteraction(ctx, table, state, ink, width, height - 18);
  }
  const size = (width, state) => plot.export_.size(width, state) + 18;
  return { node, draw, export_: { title: "interaction", size, paint, hidden: () => node.hidden } };
}

function paintInteraction(ctx, table, state, ink, width, height) {
  if (!state.rows || !state.columns) return [];
  const { means } = sweepCells(table, state);
  if (means.flat().every((mean) => mean.value == null)) return sweepNothing(ctx, ink, "not measured", width, height);
  const range = sweepRange(means.flat());
  const [left, right, top, bottom] = [EFFECT_LEFT, width - 12, 12, height - 42];
  const y = (value) => top + (bottom - top) * ((range[1] - value) / (range[1] - range[0]));
  const slot = (right - left) / state.columns.texts.length;
  // Side by side: bars at one place would hide each other.
  const x = (i, j) => left + (j + 0.5) * slot + (i - (means.length - 1) / 2) * Math.min(9, slot / (means.length + 1));
  sweepGrid(ctx, ink, state.column, y, range, left, right);
  [ctx.fillStyle, ctx.textAlign] = [ink.soft, "center"];
  const { texts } = state.columns;
  texts.forEach((text, j) => ctx.fillText(fitted(ctx, text, slot - 3), left + (j + 0.5) * slot, bottom + 13));
  [ctx.fillStyle, ctx.font] = [ink.text, `600 12px ${FONT}`];
  ctx.fillText(fitted(ctx, state.columns.short, right - left), (left + right) / 2, bottom + 31);
  ctx.font = `12px ${FONT}`;
  return means.flatMap((line, i) => {
    const known = [...line.keys()].filter((j) => line[j].value != null);
    [ctx.strokeStyle, ctx.lineWidth] = [colourOf(i), 2.5];
    ctx.beginPath();
    for (const j of known) ctx.lineTo(x(i, j), y(line[j].value));
    ctx.stroke();
    return known.map((j) => {
      const mean = line[j];
      [ctx.strokeStyle, ctx.lineWidth] = [colourOf(i), 1.5];
      sweepBar(ctx, x(i, j), mean, y, range);
      sweepMark(ctx, i, x(i, j), y(mean.value), 6);
      const at = { x: x(i, j), y: y(mean.value), rows: mean.rows };
      const chosen = mean.rows.some((row) => state.selected.has(row));
      if (chosen) ring(ctx, ink, () => ctx.arc(at.x, at.y, 9, 0, 2 * Math.PI));
      return { ...at, said: `${sweepPlace(state, i, j)}: ${sweepSaid(state.column, mean)}` };
    });
  });
}
