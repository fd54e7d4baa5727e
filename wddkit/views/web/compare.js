// Two to four runs side by side under one slider: each at the same share of its own phases.

const FEW = 6; // differences; more stay closed until they are asked for
const OWN = "Every run has its own linear projection, fitted once. Distances in these 2-D pictures are not Wasserstein distances.";
const COLUMNS = [featuresPanel, directionPanel, imagesPanel, chosenPanel, curvesPanel, resultsPanel];

/**
 * The model of one of the runs: its own data and step, everything else shared. Images are named by the positions that
 * they have in the largest run, `own` and `largest` being functions that return the runs; -1 where one has no such image.
 */
function columnModel(model, r, own, largest) {
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
      if (name === "step") model.set(name, sharedStep(metas[r], shared, value));
      else if (name === "selected") model.set(name, from(value));
      else if (name === "picked") model.set(name, value.map(from).filter((position) => position >= 0));
      else if (name !== "real" || (same ??= sameReal())) model.set(name, value);
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
  const longest = (from) => metas.map(from).reduce((a, b) => (b.length > a.length ? b : a));
  const timeline = [...longest((meta) => meta.timeline.slice(0, meta.barycenter_steps)), ...longest((meta) => meta.timeline.slice(meta.barycenter_steps))];
  return { early, frames, timeline, barycenter_steps: early };
}

const share = (i, from, to) => (from > 1 ? Math.round((i * (to - 1)) / (from - 1)) : 0);

/** A run's own step at a step of the shared time line; a run without barycenters waits at its first image. */
function stepOf(meta, { early, frames }, step) {
  const own = meta.timeline.length - meta.barycenter_steps;
  if (step < early && meta.barycenter_steps) return share(step, early, meta.barycenter_steps);
  return meta.barycenter_steps + (step < early ? 0 : share(step - early, frames, own));
}

function sharedStep(meta, { early, frames }, step) {
  const own = meta.timeline.length - meta.barycenter_steps;
  return step < meta.barycenter_steps ? share(step, meta.barycenter_steps, early) : early + share(step - meta.barycenter_steps, own, frames);
}

/** One run's buffers out of all: their names begin with its number. */
function ownBuffers(buffers, r) {
  const own = {};
  for (const name of Object.keys(buffers)) {
    if (name.startsWith(`${r}/`)) Object.defineProperty(own, name.slice(`${r}/`.length), { get: () => buffers[name], enumerable: true });
  }
  return own;
}

function render({ model, el }) {
  const metas = model.get("metas");
  const shared = sharedTime(metas);
  let [playing, pace, saving, waiting] = [0, SPEEDS.normal, 0, 0];
  const root = h("div", { class: "wdd", role: "region", "aria-label": `comparison of ${metas.length} runs` });
  const widths = ruler(ask);
  const view = {
    ask,
    changed() {
      clearTimeout(saving);
      saving = setTimeout(() => {
        model.save_changes();
        if (model.get("page")) writeAddress(model);
      }, REST);
    },
    play,
    speed(milliseconds) {
      pace = milliseconds;
      if (playing) [play(), play()];
    },
    follow() {}, stop: () => -1, setStop() {}, panels: () => columns.flatMap(({ drawn }) => drawn), root,
    across: widths.across,
    pending: () => columns.reduce((sum, { pictures }) => sum + pictures.pending(), 0),
  };
  if (model.get("page")) readAddress(model);
  const columns = metas.map((meta, r) => comparedRun(model, r, { ...view, largest: () => largest }));
  const largest = columns.map(({ run }) => run).reduce((a, b) => (b.labels.length > a.labels.length ? b : a));
  const present = [...new Set(columns.flatMap(({ run }) => run.present))].sort((a, b) => a - b);
  const whole = { ...largest, ...shared, title: columns.map(({ name }) => name).join(", "), present };
  const act = { ...actions(model, () => whole, view), state };
  act.setStep = (step) => {
    model.set("step", Math.max(0, Math.min(shared.timeline.length - 1, step)));
    view.changed();
    ask();
  };
  const time = timeControls(whole, act);
  const legend = classLegend(whole, act);
  const title = h("h2", {}, `${metas.length} runs side by side, each at the same share of its phases`);
  const marks = tourBar(whole, act, model);
  const grid = h("div", { class: "wdd-columns" }, ...columns.map(({ node }) => node));
  root.append(h("div", { class: "wdd-head" }, title, menu(act, model)), differences(model), marks.node, time.node, legend.node, grid);
  el.append(root);

  /** The moment of the shared time line. */
  function state(at = model.get("step")) {
    const step = Math.max(0, Math.min(shared.timeline.length - 1, at));
    const { phase, step: number } = shared.timeline[step] ?? { phase: "", step: 0 };
    const caption = columns.some(({ run }) => run.projections.length) ? OWN : "";
    return { step, phase, number, stop: -1, classes: new Set(model.get("classes")), projection: { caption } };
  }

  function draw() {
    waiting = 0;
    if (!root.clientWidth) return;
    root.classList.toggle("wdd-large", Boolean(model.get("presenter")));
    const ink = inks(root);
    const now = state();
    for (const column of columns) column.draw(ink);
    for (const column of columns) column.tell(ink);
    for (const part of [marks, time, legend]) part.draw(now);
    root.dataset.drawn = String(now.step);
    root.dataset.pending = String(view.pending());
  }
  function ask() {
    waiting ||= requestAnimationFrame(draw);
  }
  function play() {
    const [halt, last] = [playing !== 0, shared.timeline.length - 1];
    clearInterval(playing);
    if (!halt && model.get("step") >= last) act.setStep(0);
    playing = halt ? 0 : setInterval(() => (model.get("step") < last ? act.setStep(model.get("step") + 1) : play()), pace);
    time.setPlaying(!halt);
  }

  const names = ["step", "selected", "classes", "projection", "look", "picked", "real", "presenter", "bookmarks"];
  for (const name of names) model.on(`change:${name}`, ask);
  const unfollow = followTheme((theme) => {
    root.dataset.theme = theme;
    ask();
  });
  const observer = new ResizeObserver(ask);
  observer.observe(root);
  ask();
  return () => {
    for (const name of names) model.off(`change:${name}`, ask);
    unfollow();
    observer.disconnect();
    widths.close();
    clearInterval(playing);
    clearTimeout(saving);
    cancelAnimationFrame(waiting);
    for (const { pictures } of columns) pictures.close();
  };
}

/** One run's column: its numbers and its panels. */
function comparedRun(model, r, view) {
  const own = columnModel(model, r, () => run, view.largest);
  const buffers = ownBuffers(model.get("buffers"), r);
  const read = reader(() => buffers);
  const pictures = bitmaps(read, view.ask);
  const run = decodeRun(own.get("meta"), read, pictures);
  const act = actions(own, () => run, view);
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
  const head = h("tr", {}, h("th", { scope: "col" }, "differs in"), ...names.map((name) => h("th", { scope: "col" }, name)));
  const body = rows.map(([name, ...values]) => h("tr", {}, h("th", { scope: "row" }, name), ...values.map((value) => h("td", {}, value))));
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...body));
  const said = `${rows.length} setting${rows.length > 1 ? "s differ" : " differs"}`;
  return h("details", { open: rows.length <= FEW }, h("summary", {}, said),
    h("div", { class: "wdd-scroll", tabindex: "0", role: "region", "aria-label": "differences" }, table));
}

export default { render };
