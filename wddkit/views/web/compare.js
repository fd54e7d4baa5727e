// Two to four runs side by side under one slider: each at the same share of its own phases.

const FEW = 6; // differences; more stay closed until they are asked for
const OWN =
  "Every run has its own linear projection, fitted once. Distances in these 2-D pictures are not Wasserstein " +
  "distances.";
const COLUMNS = [featuresPanel, directionPanel, imagesPanel, chosenPanel, curvesPanel, resultsPanel];

/**
 * The model of one of the runs: its own data and step, everything else shared. Images are named by the positions that
 * they have in the largest run, -1 where a run has no such image; `own` and `largest` are functions that return runs,
 * `put(name, value)` sets what is shared.
 */
function columnModel(model, r, { own, largest, put }) {
  const metas = model.get("metas");
  const shared = sharedTime(metas);
  const to = (position) => sameImage(largest(), own(), position);
  const from = (position) => sameImage(own(), largest(), position);
  const sameReal = () => own().realLabels.join() === largest().realLabels.join();
  let same = null;
  return {
    get(name) {
      const value = model.get(name);
      if (name === "meta") return metas[r];
      if (name === "step") return stepOf(metas[r], shared, value);
      if (name === "selected") return to(value);
      if (name === "picked") return value.map(to).filter((position) => position >= 0);
      if (name === "real") return (same ??= sameReal()) ? value : [];
      return value;
    },
    set(name, value) {
      // A click into one run's curves seeks there; the others follow at the same share.
      if (name === "step") put(name, sharedStep(metas[r], shared, value));
      else if (name === "selected") put(name, from(value));
      else if (name === "picked") put(name, value.map(from).filter((position) => position >= 0));
      else if (name !== "real" || (same ??= sameReal())) put(name, value);
    },
  };
}

/** Where another run has the j-th image (or support point) of a class, if a run has it at this position; else -1. */
function sameImage(run, other, position) {
  if (position < 0 || run === other) return position;
  const row = run.indices.indexOf(position);
  const point = row < 0 ? supportOf(run, position, row) : null;
  if (row < 0 && !point) return -1;
  const [label, j] = point ? [point.way.label, point.j] : [run.labels[row], run.rank[row]];
  const there = other.labels.findIndex((each, i) => each === label && other.rank[i] === j);
  return there < 0 ? -1 : other.indices[there];
}

/** The time line that all runs share: as many barycenter steps and snapshots as the run with most of them. */
function sharedTime(metas) {
  const early = Math.max(...metas.map((meta) => meta.barycenter_steps));
  const frames = Math.max(...metas.map((meta) => meta.timeline.length - meta.barycenter_steps));
  const longest = (part) => metas.map(part).reduce((a, b) => (b.length > a.length ? b : a));
  const points = longest((meta) => meta.timeline.slice(0, meta.barycenter_steps));
  const images = longest((meta) => meta.timeline.slice(meta.barycenter_steps));
  return { early, frames, timeline: [...points, ...images], barycenter_steps: early };
}

const share = (i, from, to) => (from > 1 ? Math.round((i * (to - 1)) / (from - 1)) : 0);

/** A run's own step at a step of the shared time line; a run without barycenters waits at its first image. */
function stepOf(meta, { early, frames }, step) {
  const own = meta.timeline.length - meta.barycenter_steps;
  if (step < early && meta.barycenter_steps) return share(step, early, meta.barycenter_steps);
  return meta.barycenter_steps + (step < early ? 0 : share(step - early, frames, own));
}

/** The other way round: the step of the shared time line for a run's own step. */
function sharedStep(meta, { early, frames }, step) {
  const [first, own] = [meta.barycenter_steps, meta.timeline.length - meta.barycenter_steps];
  return step < first ? share(step, first, early) : early + share(step - first, own, frames);
}

/** One run's buffers out of all: their names begin with its number. */
function ownBuffers(buffers, r) {
  const own = {};
  const before = `${r}/`;
  for (const name of Object.keys(buffers).filter((each) => each.startsWith(before))) {
    Object.defineProperty(own, name.slice(before.length), { get: () => buffers[name], enumerable: true });
  }
  return own;
}

function render({ model, el }) {
  const metas = model.get("metas");
  const shared = sharedTime(metas);
  const root = h("div", { class: "wdd", role: "region", "aria-label": `comparison of ${metas.length} runs` });
  readAddress(model);
  const { ask, close } = stage(root, model, draw);
  const [kernel, widths] = [teller(model), ruler(ask)];
  let stop = firstStop(model);
  const state = (step) => ({ ...sharedState(model, shared, columns, step), stop });
  const last = () => shared.timeline.length - 1;
  const setStep = (step) => {
    kernel.put("step", Math.max(0, Math.min(last(), step)));
    ask();
  };
  const playing = player({ at: () => state().step, last, go: setStep, shown: (on) => time.setPlaying(on) });
  const view = {
    ask, root, put: kernel.put, play: playing.play, speed: playing.speed, across: widths.across,
    follow() {}, stop: () => stop, setStop: (at) => ask((stop = at)),
    panels: () => columns.flatMap(({ drawn }) => drawn),
    pending: () => columns.reduce((sum, { pictures }) => sum + pictures.pending(), 0),
  };
  const columns = metas.map((_, r) => comparedRun(model, r, { ...view, largest: () => largest }));
  const largest = columns.map(({ run }) => run).reduce((a, b) => (b.labels.length > a.labels.length ? b : a));
  const whole = { ...largest, ...shared, title: columns.map(({ name }) => name).join(", "), present: present(columns) };
  const act = { ...actions(model, () => whole, view), state, setStep };
  const parts = [tourBar, timeControls, meaningsOf, classLegend].map((part) => part(whole, act, model));
  const title = h("h2", {}, `${metas.length} runs side by side, each at the same share of its phases`);
  const head = h("div", { class: "wdd-head" }, title, menu(act, model));
  const grid = h("div", { class: "wdd-columns" }, ...columns.map(({ node }) => node));
  const time = parts[1];
  root.append(head, differences(model), ...parts.map(({ node }) => node), grid);
  el.append(root);

  function draw(ink) {
    const now = state();
    for (const column of columns) column.draw(ink);
    for (const column of columns) column.tell(ink); // texts last: after each, a canvas would wait for layout
    for (const part of parts) part.draw(now);
    root.dataset.drawn = String(now.step);
    root.dataset.pending = String(view.pending());
  }

  const heard = listen(model, [
    ...[...KEPT, "presenter", "bookmarks"].map((name) => [`change:${name}`, ask]),
    ["change:stops", () => ask((stop = firstStop(model)))],
  ]);
  const pictures = columns.map((column) => column.pictures);
  return () => [heard, playing, kernel, widths, ...pictures, { close }].forEach((part) => part.close());
}

/** The labels of all classes that are in some run. */
const present = (columns) => [...new Set(columns.flatMap(({ run }) => run.present))].sort((a, b) => a - b);

/** The moment of the time line that the runs share. */
function sharedState(model, { timeline }, columns, at = model.get("step")) {
  const step = Math.max(0, Math.min(timeline.length - 1, Math.round(at)));
  const { phase, step: number } = timeline[step] ?? { phase: "", step: 0 };
  const caption = columns.some(({ run }) => run.projections.length) ? OWN : "";
  return { step, phase, number, classes: new Set(model.get("classes")), projection: { caption } };
}

/** One run's column: its numbers and its panels. */
function comparedRun(model, r, view) {
  const own = columnModel(model, r, { own: () => run, largest: view.largest, put: view.put });
  const buffers = ownBuffers(model.get("buffers"), r);
  const read = reader(() => buffers);
  const pictures = bitmaps(read, view.ask);
  const run = decodeRun(own.get("meta"), read, pictures);
  const act = actions(own, () => run, { ...view, put: own.set });
  const numbers = readout(run);
  const panels = COLUMNS.map((panel) => panel(run, act));
  const name = model.get("names")[r];
  const moment = h("p", { class: "wdd-hint" });
  const parts = [h("h3", { class: "wdd-run" }, name), moment, numbers.node, ...panels.map((panel) => panel.node)];
  // The same panel stands at the same height in every column.
  const rows = `display: grid; grid-row: span ${parts.length}; grid-template-rows: subgrid; align-items: start`;
  const node = h("section", { class: "wdd-column", style: rows, "aria-label": name }, ...parts);
  // What is saved is drawn at each run's own step, whatever step of the shared time line the sheet is asked for.
  const at = ({ step }) => act.state(stepOf(own.get("meta"), sharedTime(model.get("metas")), step));
  const drawn = panels.filter(({ export_ }) => export_).map(({ export_ }) => ({
    export_: {
      ...export_,
      heading: `${name}: ${export_.title}`,
      column: r % 2,
      size: (width, state) => export_.size(width, at(state)),
      paint: (ctx, state, ...rest) => export_.paint(ctx, at(state), ...rest),
    },
  }));
  return {
    name, node, run, pictures, drawn,
    draw(ink) {
      const state = act.state();
      for (const panel of panels) panel.draw(state, ink);
    },
    tell(ink) {
      const state = act.state();
      say(moment, momentText(run, state));
      numbers.draw(state, ink);
    },
  };
}

/** What differs between the runs' settings, a row to each. */
function differences(model) {
  const rows = model.get("differences");
  const names = model.get("names");
  if (!rows.length) return h("p", { class: "wdd-caption" }, "These runs have the same settings.");
  const heads = ["differs in", ...names].map((name) => h("th", { scope: "col" }, name));
  const head = h("tr", {}, ...heads);
  const cells = (values) => values.map((value) => h("td", {}, value));
  const body = rows.map(([name, ...values]) => h("tr", {}, h("th", { scope: "row" }, name), ...cells(values)));
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...body));
  const said = `${rows.length} setting${rows.length > 1 ? "s differ" : " differs"}`;
  return h("details", { open: rows.length <= FEW }, h("summary", {}, said),
    h("div", { class: "wdd-scroll", tabindex: "0", role: "region", "aria-label": "differences" }, table));
}

export default { render };
