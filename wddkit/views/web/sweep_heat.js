// The heat map: the mean of one value over two fields, a cell to each pair of levels.

const SWEEP_WIDE = 84; // pixels of a cell that has room for its interval and the number of seeds
const HEAT_HAND = "Click a cell to open its run, shift-click another to compare; keys: arrows, Enter, Shift+Enter.";

/** The cells of the heat map: levels of both fields (null: all in one), means by row and column, their colours. */
function sweepCells(table, state) {
  const { rows, columns, column, shown } = state;
  const line = (own) => sweepLevels(columns, own).map((cell) => sweepMean(table, cell, column));
  const means = sweepLevels(rows, shown).map(line);
  return {
    means,
    down: rows ? rows.texts : [""],
    across: columns ? columns.texts : [""],
    colours: sweepColours(column, means.flat().map(({ value }) => value)),
  };
}

/** A cell in words: its levels. */
function sweepPlace({ rows, columns }, i, j) {
  const parts = [rows && `${rows.short} ${rows.texts[i]}`, columns && `${columns.short} ${columns.texts[j]}`];
  return parts.filter(Boolean).join(", ") || "all settings";
}

/** The panel of the heat map. */
function heatPanel(table, act) {
  const title = h("h3", {});
  const grid = h("table", { class: "wdd-heat", role: "grid" });
  const sheet = h("div", { class: "wdd-scroll wdd-heatsheet" }, grid);
  const legend = h("p", { class: "wdd-row wdd-legend" });
  const caption = h("p", { class: "wdd-caption" });
  const node = h("section", { class: "wdd-panel", "aria-label": "heat map" }, title, sheet, legend, caption);
  const heat = { table, act, grid, buttons: [], cells: null, at: [0, 0] };
  let built = "";
  grid.addEventListener("keydown", (event) => heatKey(heat, event));

  function draw(state) {
    const many = (state.columns?.levels.length ?? 1) + 1.4;
    const dense = act.across(sheet) / many < SWEEP_WIDE;
    const sign = `${sweepSign(state, ["column", "rows", "columns", "fixed", "protocol"])}/${dense}`;
    if (sign !== built) {
      built = sign;
      heat.cells = sweepCells(table, state);
      buildHeat(heat, state, dense);
      say(title, heatTitle(state));
      legend.replaceChildren(...heatLegend(state, heat.cells.colours));
      say(caption, `${heatCaption(table, state, heat.cells)} ${HEAT_HAND}`);
    }
    markHeat(heat, state);
  }

  return { node, draw, export_: heatFile(table) };
}

function heatTitle(state) {
  const fields = [state.rows, state.columns].filter(Boolean).map(({ short: name }) => name);
  return `${sweepTitle(state.column)}${fields.length ? ` by ${fields.join(" and ")}` : ""}`;
}

/** What the numbers are, and over what the mean is taken. */
function heatCaption(table, state, { means }) {
  const over = sweepRest(table, state);
  const averaged = over.length ? `, and over ${over.map((field) => field.short).join(", ")}` : "";
  const all = means.flat();
  const parts = [`Mean over synthesis seeds${averaged}.`];
  if (all.some((mean) => mean.over === "seeds")) parts.push("±: half its 95 % interval, Student's t over n seeds.");
  const settings = ({ rows }) => new Set(rows.map((row) => table.settings[row])).size;
  const counts = new Set(all.filter((mean) => mean.rows.length).map(settings));
  if (counts.size > 1) parts.push("Some cells hold fewer settings than others: mind what is compared.");
  const [t] = table.quantiles;
  if (all.some((mean) => mean.n === 2)) parts.push(`Two seeds make it very wide: t = ${t.toFixed(1)}.`);
  if (all.some((mean) => mean.over === "students")) {
    parts.push("With one seed, ± is over the students of the one synthesis: it says nothing of another.");
  } else if (all.some((mean) => mean.n === 1)) parts.push("With one seed there is no interval.");
  if (all.some((mean) => mean.value != null && mean.n === 0)) parts.push("«no seed in all»: settings share no seed.");
  return parts.join(" ");
}

function heatLegend({ column }, { low, high, stops, known }) {
  if (!known) return [];
  const bar = h("span", { class: "wdd-scale", style: `background: linear-gradient(to right, ${stops.join(", ")})` });
  const empty = h("span", { class: "wdd-scale wdd-hatched" });
  const texts = [sweepNumber(column, low), sweepNumber(column, high), "no run"].map((text) => h("span", {}, text));
  const zero = column.signed ? [h("span", {}, "(0 in the middle)")] : [];
  return [texts[0], bar, texts[1], ...zero, empty, texts[2]];
}

/** The table of all cells; who had the focus in it keeps it. */
function buildHeat(heat, state, dense) {
  const { grid, cells } = heat;
  const focused = grid.contains(document.activeElement);
  const corner = h("th", { class: "wdd-corner" }, state.rows ? `${state.rows.short} ↓` : "");
  const named = state.columns ? `${state.columns.short} →` : "";
  const over = h("th", { scope: "colgroup", colspan: cells.across.length }, named);
  const heads = cells.across.map((text) => h("th", { scope: "col" }, text));
  heat.buttons = cells.means.map((line, i) => line.map((mean, j) => heatCell(heat, state, mean, i, j, dense)));
  const body = heat.buttons.map((line, i) => {
    return h("tr", {}, h("th", { scope: "row" }, cells.down[i]), ...line.map((button) => h("td", {}, button)));
  });
  const head = h("thead", {}, h("tr", {}, h("th", {}), over), h("tr", {}, corner, ...heads));
  grid.replaceChildren(head, h("tbody", {}, ...body));
  grid.setAttribute("aria-label", heatTitle(state));
  heat.at = [Math.min(heat.at[0], cells.down.length - 1), Math.min(heat.at[1], cells.across.length - 1)];
  focusHeat(heat, focused);
}

function heatCell(heat, state, mean, i, j, dense) {
  const { colours } = heat.cells;
  const { column } = state;
  const said = `${sweepPlace(state, i, j)}: ${sweepSaid(column, mean)}`;
  const data = { "data-mean": mean.value, "data-low": mean.low, "data-high": mean.high, "data-n": mean.n };
  const own = { class: "wdd-cell", "aria-label": said, title: said, tabindex: "-1", ...data };
  const click = (event) => {
    heat.at = [i, j];
    if (mean.rows.length) heat.act.choose(mean.rows, { beside: event.shiftKey });
  };
  if (mean.value == null) {
    own.class += " wdd-hatched";
    own["aria-disabled"] = mean.rows.length ? null : "true";
    return button(h("span", {}, sweepCount(mean)), click, own);
  }
  const style = `background: ${colours.back(mean.value)}; color: ${colours.ink(mean.value)}`;
  const more = [sweepHalf(column, mean), sweepCount(mean)].filter(Boolean).map((text) => h("span", {}, text));
  const cell = button(h("b", {}, sweepNumber(column, mean.value)), click, { ...own, style });
  if (!dense) cell.append(...more);
  return cell;
}

/** Which cells hold what is selected or open. */
function markHeat({ table, buttons, cells }, state) {
  const open = new Set(state.opened.map((row) => table.runAt[row]));
  cells.means.forEach((line, i) => line.forEach(({ rows }, j) => {
    const chosen = rows.filter((row) => state.selected.has(row)).length;
    const node = buttons[i][j];
    node.dataset.chosen = chosen === 0 ? "none" : chosen === rows.length ? "all" : "some";
    node.setAttribute("aria-pressed", String(chosen > 0));
    node.dataset.open = String(rows.some((row) => open.has(table.runAt[row])));
  }));
}

/** One cell of the grid is a stop of the tab key; arrows go from there. */
function focusHeat(heat, focus = true) {
  const [i, j] = heat.at;
  for (const button of heat.buttons.flat()) button.tabIndex = -1;
  heat.buttons[i][j].tabIndex = 0;
  if (focus) heat.buttons[i][j].focus({ preventScroll: true });
}

function heatKey(heat, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const ends = { Home: 0, End: heat.cells.across.length - 1 };
  const at = heat.buttons.findIndex((line) => line.includes(event.target));
  if (at < 0) return;
  heat.at = [at, heat.buttons[at].indexOf(event.target)];
  if (moves[event.key]) {
    const [down, right] = moves[event.key];
    const inside = (value, count) => Math.max(0, Math.min(count - 1, value));
    heat.at = [inside(heat.at[0] + down, heat.buttons.length), inside(heat.at[1] + right, heat.cells.across.length)];
    focusHeat(heat);
  } else if (event.key in ends) focusHeat(Object.assign(heat, { at: [heat.at[0], ends[event.key]] }));
  else if (event.key === "Enter" || event.key === " ") {
    const { rows } = heat.cells.means[heat.at[0]][heat.at[1]];
    if (rows.length) heat.act.choose(rows, { beside: event.shiftKey });
  } else if (event.key === "Escape") heat.act.select([]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** The heat map as it is saved. */
function heatFile(table) {
  const [NAMES, HEAD, TALL] = [120, 40, 58];
  const size = (width, state) => HEAD + TALL * (state.rows?.levels.length ?? 1) + 8;
  function paint(ctx, state, ink, width) {
    const { means, down, across: texts, colours } = sweepCells(table, state);
    const wide = (width - NAMES) / texts.length;
    [ctx.fillStyle, ctx.textAlign] = [ink.soft, "center"];
    if (state.columns) ctx.fillText(fitted(ctx, `${state.columns.short} →`, width - NAMES), (NAMES + width) / 2, 10);
    texts.forEach((text, j) => ctx.fillText(fitted(ctx, text, wide - 4), NAMES + (j + 0.5) * wide, 30));
    ctx.textAlign = "left";
    if (state.rows) ctx.fillText(fitted(ctx, `${state.rows.short} ↓`, NAMES - 6), 0, 30);
    means.forEach((line, i) => {
      const y = HEAD + i * TALL;
      [ctx.fillStyle, ctx.textAlign] = [ink.text, "left"];
      ctx.fillText(fitted(ctx, down[i], NAMES - 8), 0, y + TALL / 2);
      const box = (j) => [NAMES + j * wide, y, wide, TALL];
      line.forEach((mean, j) => paintHeatCell(ctx, state.column, mean, colours, ink, box(j)));
    });
    return [];
  }
  return { title: "heat map", size, paint };
}

function paintHeatCell(ctx, column, mean, colours, ink, [x, y, wide, tall]) {
  const known = mean.value != null;
  ctx.fillStyle = known ? colours.back(mean.value) : ink.back;
  ctx.fillRect(x, y, wide - 2, tall - 2);
  [ctx.strokeStyle, ctx.lineWidth] = [ink.line, 1];
  ctx.strokeRect(x + 0.5, y + 0.5, wide - 3, tall - 3);
  [ctx.fillStyle, ctx.textAlign] = [known ? colours.ink(mean.value) : ink.soft, "center"];
  const numbers = known ? [sweepNumber(column, mean.value), sweepHalf(column, mean)] : [];
  const said = [...numbers, sweepCount(mean)].filter(Boolean);
  said.forEach((text, k) => {
    ctx.font = `${known && k === 0 ? "600 14px" : "12px"} ${FONT}`;
    ctx.fillText(fitted(ctx, text, wide - 6), x + wide / 2 - 1, y + tall / 2 + 16 * (k - (said.length - 1) / 2));
  });
  ctx.font = `12px ${FONT}`;
}
