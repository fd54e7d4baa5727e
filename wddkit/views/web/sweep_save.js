// What is seen of a sweep, as a file: PNG and SVG of the charts, CSV of the table.

/** Large type, and what is seen as a file. */
function sweepMenu(table, act, model, charts) {
  const large = button("large", () => {
    model.set("presenter", !model.get("presenter"));
    model.save_changes();
    act.ask();
  }, { class: "wdd-lecture", "aria-pressed": "false", title: "large type, for a lecture" });
  const said = h("output", { class: "wdd-hint", "aria-live": "polite" });
  const save = (kind) => async () => {
    said.textContent = "…";
    try {
      await saveSweep(kind, table, act, charts());
      said.textContent = "";
    } catch (error) {
      said.textContent = String(error.message ?? error);
    }
  };
  const kinds = { PNG: "the charts as a picture", SVG: "the charts as a drawing", CSV: "the rows shown, as a table" };
  const saves = Object.entries(kinds).map(([kind, title]) => button(kind, save(kind), { title }));
  return h("div", { class: "wdd-menu" }, large, h("span", {}, "Save"), ...saves, said);
}

async function saveSweep(kind, table, act, charts) {
  const state = act.state();
  const name = `Ablation ${table.title}, ${state.column.name}`;
  if (kind === "CSV") return download(fileName(name, "csv"), new Blob([sweepCsv(table, state)], { type: "text/csv" }));
  const ink = { ...inks(act.root), scale: 1 };
  const { parts, height } = sweepSheet(table, state, ink, charts);
  const options = { width: SHEET.width, height, background: ink.back, ink: ink.text };
  if (kind === "PNG") return download(fileName(name, "png"), await pngOf(parts, options));
  return download(fileName(name, "svg"), await svgOf(parts, { ...options, title: name }));
}

/** The charts in two columns, wide ones across both. */
function sweepSheet(table, state, ink, charts) {
  const half = (SHEET.width - 3 * SHEET.gap) / 2;
  const ends = [84, 84];
  const parts = charts.filter((chart) => !chart.hidden?.()).map((chart) => {
    const width = chart.wide ? SHEET.width - 2 * SHEET.gap : half;
    const height = chart.size(width, state);
    const column = !chart.wide && ends[1] < ends[0] ? 1 : 0;
    const y = chart.wide ? Math.max(...ends) : ends[column];
    if (chart.wide) ends.fill(y + height + 2 * SHEET.gap);
    else ends[column] += height + 2 * SHEET.gap;
    const draw = (ctx) => chart.paint(plain(ctx), state, ink, width, height);
    return { x: SHEET.gap + column * (half + SHEET.gap), y, width, height, title: chart.title, draw };
  });
  const head = (ctx) => {
    [plain(ctx).fillStyle, ctx.font] = [ink.text, `600 16px ${FONT}`];
    const text = `Ablation: ${table.title}: ${state.column.title}, protocol ${state.protocol}`;
    ctx.fillText(fitted(ctx, text, SHEET.width - 40), 0, 14);
    plain(ctx).fillStyle = ink.soft;
    ctx.fillText(fitted(ctx, heatCaption(table, state, sweepCells(table, state)), SHEET.width - 40), 0, 36);
  };
  const over = { x: SHEET.gap, y: 8, width: SHEET.width - 2 * SHEET.gap, height: 50, title: "", draw: head };
  return { parts: [over, ...parts], height: Math.ceil(Math.max(...ends)) };
}

/** The rows shown, with all fields and numbers, as text that spreadsheets read. */
function sweepCsv(table, state) {
  const cell = (value) => {
    // A word that begins like a formula would be run as one.
    const formula = typeof value === "string" && /^[=+\-@\t\r]/.test(value);
    const text = `${formula ? "'" : ""}${value ?? ""}`;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const fields = [...table.fields.values()];
  const columns = [...table.columns.values()];
  const heads = [...fields.map(({ name }) => name), "seed", "protocol", ...columns.map(({ name }) => name), "run"];
  const lines = state.shown.map((row) => [
    ...fields.map((field) => field.levels[field.at[row]]), table.seeds[row], state.protocol,
    ...columns.map(({ values }) => values[row]), table.runs[table.runAt[row]],
  ]);
  return [heads, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
}
