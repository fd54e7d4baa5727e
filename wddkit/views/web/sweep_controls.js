// The controls over a sweep: which value, which fields, under which protocol; what is selected; what the words mean.

const SWEEP_MEANINGS = {
  setting: "One combination of levels of the fields that the sweep changes; a run is a setting with a seed.",
  "synthesis seed": "The seed of one distillation. Runs of several seeds tell how much of a difference is chance.",
  "95 % interval": "It holds the mean over all possible seeds in 95 of 100 such sweeps. Two seeds make it wide.",
  "students only": "One seed: the networks trained on the one distilled set vary, but the synthesis was not repeated.",
  "main effect": "How the mean over all else changes with one field.",
  interaction: "What one field does depends on the level of another: its lines are not parallel.",
  gain: "Accuracy minus that of as many real images, chosen at random (gain) or nearest to the support points.",
  "squared W2": "The cost of moving the distilled set's features onto the real ones by the best transport plan.",
  "Spearman's ρ": "Whether two numbers rise together: 1 always, −1 one falls as the other rises, 0 neither.",
};

/** A choice with its name: `options` are [value, text]; `draw(value)` shows which is chosen. */
function sweepChoice(name, options, choose) {
  const entries = options.map(([value, text]) => h("option", { value: String(value) }, text));
  const changed = () => choose(options[select.selectedIndex][0]);
  const select = h("select", { "aria-label": name, onchange: changed }, ...entries);
  return {
    node: h("label", { class: "wdd-field" }, h("span", {}, name), select),
    select,
    draw: (value) => (select.selectedIndex = Math.max(0, options.findIndex(([each]) => each === value))),
  };
}

/** Value, protocol, the two fields of the heat map, and levels of the others. */
function sweepControls(table, act) {
  const values = [...table.columns.values()].map(({ name }) => [name, name]);
  const fields = [["", "none"], ...[...table.fields.values()].map((field) => [field.name, field.short])];
  const value = sweepChoice("Value", values, (name) => act.set({ value: name }));
  const protocol = sweepChoice("Protocol", table.protocols.map((name) => [name, name]), act.protocol);
  const down = sweepChoice("Rows", fields, (name) => act.field("rows", name));
  const across_ = sweepChoice("Columns", fields, (name) => act.field("columns", name));
  protocol.node.hidden = table.protocols.length < 2;
  const fixed = table.varying.map((field) => {
    const levels = field.levels.map((level, i) => [level, field.texts[i]]);
    const fix = (level) => act.fix(field.name, level);
    return { field, ...sweepChoice(field.short, [[undefined, "all (mean)"], ...levels], fix) };
  });
  const others = h("div", { class: "wdd-row", role: "group", "aria-label": "other fields" },
    h("span", { class: "wdd-hint" }, "Other fields:"), ...fixed.map(({ node }) => node));
  const main = h("div", { class: "wdd-row" }, ...[value, down, across_, protocol].map(({ node }) => node));
  return {
    node: h("div", { class: "wdd-sweepcontrols" }, main, others),
    draw(state) {
      value.draw(state.value);
      protocol.draw(state.protocol);
      down.draw(state.rows?.name ?? "");
      across_.draw(state.columns?.name ?? "");
      const free = fixed.filter(({ field }) => ![state.rows, state.columns].includes(field));
      others.hidden = !free.length;
      for (const each of fixed) {
        each.node.hidden = !free.includes(each);
        each.draw(state.fixed[each.field.name]);
      }
    },
  };
}

/** What is selected, and what can be done with it. */
function selectionBar(table, act) {
  const said = h("output", { "aria-live": "polite" });
  const compare = button("compare side by side", () => act.open(chosen()));
  const clear = button("clear", () => act.select([]));
  const chosen = () => {
    const state = act.state();
    return state.shown.filter((row) => state.selected.has(row));
  };
  return {
    node: h("div", { class: "wdd-row wdd-selection" }, said, compare, clear),
    draw() {
      const rows = chosen();
      const none = "Nothing is selected: click a cell, a mark, a point or a run.";
      const one = () => `Selected: ${sweepRun(table, rows[0])}.`;
      say(said, rows.length === 0 ? none : rows.length === 1 ? one() : `${rows.length} runs are selected.`);
      compare.hidden = rows.length < 2 || rows.length > SWEEP_MOST;
      clear.hidden = !rows.length;
    },
  };
}

/** The words and their meanings, closed until somebody asks. */
function sweepMeanings() {
  const entry = ([word, meaning]) => [h("dt", {}, word), h("dd", {}, meaning)];
  const entries = Object.entries(SWEEP_MEANINGS).flatMap(entry);
  const list = h("dl", { style: "display: grid" }, ...entries);
  return { node: h("details", { class: "wdd-meanings" }, h("summary", {}, "What am I looking at?"), list), draw() {} };
}
