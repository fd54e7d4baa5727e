// The AblationBrowser: one state, the controls, and the parts that follow it; whole runs are opened inside of it.

const SWEEP_REDRAWN = [...SWEEP_KEPT, "presenter"]; // traits whose change has the view drawn anew

function render({ model, el }) {
  const table = decodeSweep(model.get("table"));
  readSweepAddress(model, table);
  const root = h("div", { class: "wdd wdd-sweep", role: "region", "aria-label": `ablation: ${table.title}` });
  el.append(root);
  const { ask, close } = stage(root, model, draw);
  const widths = ruler(ask);
  const runs = sweepRuns(model, table, ask);
  let picking = false; // the next click adds to what is open
  const act = sweepActions(model, table, {
    ask, root, runs, across: widths.across, strip: runs.strip, want: runs.want,
    runOf: (row) => table.runAt[row],
    picking: () => picking,
    pick: (on) => ask((picking = on)),
  });
  const opened = openedPanel(table, act, model);
  const charts = [heatPanel, scatterPanel, effectsPanel, interactionPanel, axesPanel].map((panel) => panel(table, act));
  const [heat, scatter, effects, interaction, axes] = charts;
  const [controls, bar, list] = [sweepControls(table, act), selectionBar(table, act), listPanel(table, act)];
  const parts = [controls, bar, opened, ...charts, list];
  const menu = sweepMenu(table, act, model, () => charts.map(({ export_ }) => export_));
  const side = (...panels) => h("div", { class: "wdd-side" }, ...panels.map((panel) => panel.node));
  const pair = h("div", { class: "wdd-panels" }, side(effects, interaction), side(scatter));
  const head = h("div", { class: "wdd-head" }, h("h2", {}, sweepHeading(table)), menu);
  const order = [controls, sweepMeanings(), bar, heat, opened].map((part) => part.node);
  root.append(head, ...order, pair, axes.node, list.node, ...sweepNotes(table));

  function draw(ink) {
    const state = sweepState(model, table);
    for (const part of parts) part.draw(state, ink);
    root.dataset.drawn = "true";
    root.dataset.pending = String(runs.pending());
  }

  ask();
  const heard = listen(model, SWEEP_REDRAWN.map((name) => [`change:${name}`, ask]));
  return () => [heard, act, widths, runs, opened, { close }].forEach((part) => part.close());
}

function sweepHeading(table) {
  const settings = new Set(table.settings).size;
  const fields = table.varying.map((field) => field.short).join(", ");
  const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  const counts = [many(settings, "setting"), many(table.runs.length, "run"), fields && `over ${fields}`];
  return `Ablation: ${table.title}: ${counts.filter(Boolean).join(", ")}`;
}

/** What is not here, in sentences. */
function sweepNotes(table) {
  const gone = table.there.filter((there) => !there).length;
  const said = [...(table.notes ?? [])];
  const of = `Of ${gone} of ${table.runs.length} runs only the numbers are here: their folders are not.`;
  if (!table.notes && gone) said.push(of);
  return said.length ? [h("ul", { class: "wdd-missing" }, ...said.map((sentence) => h("li", {}, sentence)))] : [];
}

export default { render };
