// What is open of a sweep: one run in the Explorer, or two to four side by side.

/** The panel of what is open: which runs, which of a cell's runs, and the Explorer or the comparison of them. */
function openedPanel(table, act, model) {
  const title = h("h3", {});
  const choosers = h("div", { class: "wdd-row" });
  const said = h("p", { class: "wdd-hint", "aria-live": "polite" });
  const compare = button("compare with…", () => act.pick(!act.picking()), { "aria-pressed": "false" });
  const back = button("× close", act.shut, { class: "wdd-close", "aria-label": "close the run" });
  const head = h("div", { class: "wdd-openhead" }, title, h("div", { class: "wdd-row" }, compare, back));
  const body = h("div", {});
  const own = { class: "wdd-panel wdd-opened", "aria-label": "opened run", hidden: true };
  const node = h("section", own, head, choosers, said, body);
  const kept = { share: 1, classes: [], projection: "", look: null };
  let [shown, close, listed, open] = ["", () => {}, "", null]; // open: how many were; null: before the first drawing

  function draw(state) {
    node.hidden = !state.opened.length;
    const runs = state.opened.map((row) => table.runAt[row]);
    act.runs.ask(runs);
    const found = runs.map((run) => act.runs.get(run));
    compare.setAttribute("aria-pressed", String(act.picking()));
    compare.disabled = state.opened.length >= SWEEP_MOST;
    say(said, openedSaid(table, state, found, act.picking()));
    const list = sweepSign(state, ["opened", "rows", "columns", "fixed", "protocol"]);
    if (list !== listed) {
      say(title, openedTitle(table, state));
      choosers.replaceChildren(...state.opened.map((row, i) => seedChooser(table, act, state, row, i)));
    }
    listed = list;
    const sign = JSON.stringify([state.opened, found.map((each) => (each ? !each.problem : null))]);
    if (sign !== shown) {
      shown = sign;
      close();
      const there = found.length && found.every((each) => each && !each.problem);
      close = there ? showRuns(table, model, state, found, body, kept) : () => {};
    }
    // Who opened a run sees it, and still what was clicked.
    if (open === 0 && state.opened.length) head.scrollIntoView({ block: "nearest" });
    open = state.opened.length;
  }
  return { node, draw, close: () => close() };
}

/** Shows runs in an element; returns what takes them out of it again. */
function showRuns(table, model, state, found, el, kept) {
  const lists = new Set(found.map(({ meta }) => meta.classes.join("\n")));
  if (lists.size > 1) {
    const why = "These runs have different classes, so that their images cannot stand side by side.";
    el.append(h("p", { class: "wdd-none" }, why));
    return () => el.replaceChildren();
  }
  if (kept.of !== [...lists][0]) Object.assign(kept, { of: [...lists][0], classes: [], look: null });
  const metas = found.map(({ meta }) => meta);
  const last = found.length === 1 ? metas[0].timeline.length - 1 : sharedLength(metas) - 1;
  const own = {
    step: Math.max(0, Math.round(kept.share * last)), selected: -1, classes: kept.classes, projection: kept.projection,
    look: kept.look ?? { ...LOOK }, picked: [], real: [], bookmarks: [], stops: [], live: null,
  };
  if (found.length === 1) Object.assign(own, { meta: metas[0], buffers: found[0].buffers });
  else {
    const names = state.opened.map((row) => openedName(table, state, row));
    const differences = openedDifferences(table, state);
    Object.assign(own, { metas, names, differences, buffers: joinedBuffers(found) });
  }
  const view = found.length === 1 ? explorerView : comparisonView;
  const close = view.render({ model: innerModel(model, own), el });
  return () => {
    const { classes, projection, look } = own;
    Object.assign(kept, { share: last ? own.step / last : 1, classes, projection, look });
    close();
    el.replaceChildren();
  };
}

/** How many moments the time line has that runs share. */
function sharedLength(metas) {
  const early = Math.max(...metas.map((meta) => meta.barycenter_steps));
  return early + Math.max(...metas.map((meta) => meta.timeline.length - meta.barycenter_steps));
}

/** Buffers of runs under one roof: their names begin with the run's number. */
function joinedBuffers(found) {
  const all = {};
  found.forEach(({ buffers }, r) => {
    for (const name of Object.keys(buffers)) {
      Object.defineProperty(all, `${r}/${name}`, { get: () => buffers[name], enumerable: true });
    }
  });
  return all;
}

/** Fields in which opened runs differ; all of them where only seeds do. */
function openedFields(table, state) {
  return [...table.fields.values()].filter((field) => new Set(state.opened.map((row) => field.at[row])).size > 1);
}

/** A run's name beside others: what differs. */
function openedName(table, state, row) {
  const fields = openedFields(table, state);
  const seeds = new Set(state.opened.map((each) => table.seeds[each])).size > 1;
  const setting = fields.length && sweepSetting(table, row, fields);
  return [setting, (seeds || !fields.length) && `seed ${table.seeds[row]}`].filter(Boolean).join(", ");
}

function openedDifferences(table, state) {
  const texts = (field) => state.opened.map((row) => sweepText(field, row));
  const rows = openedFields(table, state).map((field) => [field.name, ...texts(field)]);
  const seeds = ["seed", ...state.opened.map((row) => String(table.seeds[row]))];
  return new Set(seeds.slice(1)).size > 1 ? [...rows, seeds] : rows;
}

function openedTitle(table, state) {
  if (state.opened.length < 2) return state.opened.length ? `Run: ${sweepRun(table, state.opened[0])}` : "";
  return `Side by side: ${state.opened.map((row) => openedName(table, state, row)).join(" | ")}`;
}

/** What is said of the opened runs: their numbers, what they wait for, and why one cannot be shown. */
function openedSaid(table, state, found, picking) {
  const pick = "Now click the cell, point or run to compare with.";
  const problems = found.filter((each) => each?.problem).map(({ problem }) => problem);
  const asked = "Asking the kernel for this run: it must be running, and not busy.";
  const waiting = found.some((each) => !each) && asked;
  const number = (row) => {
    const { column } = state;
    const name = state.opened.length > 1 ? `${openedName(table, state, row)}: ` : "";
    return `${name}${column.name} ${sweepNumber(column, column.values[row])}`;
  };
  const words = [...new Set(problems), waiting, picking && pick].filter(Boolean);
  return [`${state.opened.map(number).join("; ")}.`, ...words].join(" ");
}

/** Which run of the cell that an opened run stands in; changing it opens another. */
function seedChooser(table, act, state, row, place) {
  const alike = (field, other) => !field || field.at[other] === field.at[row];
  const rows = state.shown.filter((other) => alike(state.rows, other) && alike(state.columns, other));
  const own = rows.includes(row) ? rows : [row, ...rows];
  const fields = sweepRest(table, state);
  const text = (other) => {
    const setting = fields.length ? `${sweepSetting(table, other, fields)}, ` : "";
    return `${setting}seed ${table.seeds[other]}${table.there[table.runAt[other]] ? "" : " (not here)"}`;
  };
  const change = (other) => {
    const opened = state.opened.map((each, i) => (i === place ? other : each));
    act.set({ opened: [...new Set(opened)] });
  };
  const name = state.opened.length > 1 ? `run ${place + 1} of its cell` : "run of this cell";
  const choice = sweepChoice(`${name} (${own.length})`, own.map((other) => [other, text(other)]), change);
  choice.draw(row);
  choice.select.disabled = own.length < 2;
  return choice.node;
}
