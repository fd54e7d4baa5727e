// The controls over all panels: time, phases, classes, what the numbers are, bookmarks and tours, a live run's knobs.

const SPEEDS = { slow: 400, normal: 160, fast: 60, still: 1000 }; // milliseconds a snapshot
const PHASES = { barycenter: "barycenter: support points are placed", recover: "recover: pixels change" };

/** The slider over the time line, which the arrow keys move, the phases above it, and what moment it is. */
function timeControls(run, act) {
  const range = { type: "range", min: 0, step: 1, "aria-label": "snapshot", class: "wdd-time" };
  const slider = h("input", { ...range, oninput: (event) => act.setStep(Number(event.target.value)) });
  const label = h("output", { "aria-live": "polite", class: "wdd-moment" });
  const play = button("▶", act.play, { class: "wdd-play", "aria-label": "play" });
  const speed = h("select", { "aria-label": "speed", onchange: () => act.speed(SPEEDS[speed.value]) });
  const option = (name) => h("option", { value: name, selected: name === "normal" }, name);
  speed.append(...["slow", "normal", "fast"].map(option));
  const bands = h("div", { class: "wdd-bands", "aria-hidden": "true" });
  const track = h("div", { class: "wdd-track" }, bands, slider);
  let banded = "";
  return {
    node: h("div", { class: "wdd-controls" }, play, speed, track, label),
    draw(state) {
      const last = run.timeline.length - 1;
      [slider.max, slider.disabled, play.disabled] = [Math.max(0, last), last < 1, last < 1];
      slider.value = state.step;
      if (banded !== `${last}/${run.barycenter_steps}`) bands.replaceChildren(...phaseBands(run));
      banded = `${last}/${run.barycenter_steps}`;
      const text = momentText(run, state);
      if (label.textContent === text) return;
      slider.setAttribute("aria-valuetext", text);
      label.textContent = text;
    },
    setPlaying(playing) {
      play.textContent = playing ? "⏸" : "▶";
      play.setAttribute("aria-label", playing ? "pause" : "play");
    },
  };
}

/** What moment of a run it is. */
function momentText(run, state) {
  const phase = run.timeline.filter(({ phase: name }) => name === state.phase);
  if (!phase.length) return "nothing recorded yet";
  const moment = `${state.phase}, step ${state.number} of ${phase.at(-1).step}`;
  return `${moment} (snapshot ${state.step + 1} of ${run.timeline.length})`;
}

/** One band to each phase, as long as it has snapshots. */
function phaseBands(run) {
  const counts = new Map();
  for (const { phase } of run.timeline) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  return [...counts].map(([phase, count], i) => {
    const words = PHASES[phase] ?? phase;
    const band = h("span", { class: `wdd-band wdd-band-${i % 2}`, title: words }, words);
    band.style.flexGrow = count;
    return band;
  });
}

/** A button for each class with its colour and shape; those that are pressed are the only ones shown. */
function classLegend(run, act) {
  const all = button("all", () => act.show([]));
  let shown = new Set();
  let drawn = "";
  const buttons = run.present.map((label) => {
    const sample = h("canvas", { "aria-hidden": "true" });
    const node = button(run.classes[label], () => toggle(label), { class: "wdd-class" });
    node.prepend(sample);
    return { label, sample, node };
  });
  function toggle(label) {
    const classes = new Set(shown);
    if (!classes.delete(label)) classes.add(label);
    act.show([...classes].sort((a, b) => a - b));
  }
  const group = { class: "wdd-classes", role: "group", "aria-label": "classes to show" };
  return {
    node: h("div", group, h("span", {}, "Show classes:"), all, ...buttons.map(({ node }) => node)),
    draw({ classes }) {
      const key = [...classes].join() + window.devicePixelRatio;
      if (key === drawn) return;
      [drawn, shown] = [key, classes];
      all.setAttribute("aria-pressed", String(classes.size === 0));
      for (const { label, sample, node } of buttons) {
        node.setAttribute("aria-pressed", String(classes.has(label)));
        const ctx = paper(sample, 14, 14);
        [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [colourOf(label), colourOf(label), 2];
        mark(ctx, shapeOf(label), 7, 7, 5);
      }
    },
  };
}

// JupyterLab lays such lists out in two columns, by rules that are stronger than a class.
const ONE_ROW = "float: none; width: auto; font-weight: inherit";

/** What happens at this step in one sentence, and the numbers of the moment. */
function readout(run) {
  const story = h("p", { class: "wdd-story" });
  const numbers = h("dl", { class: "wdd-numbers", style: "display: flex" });
  const entries = new Map();
  const set = (name, value, title) => {
    if (!entries.has(name)) {
      const [dt, dd] = [h("dt", { style: ONE_ROW }, name), h("dd", { style: `${ONE_ROW}; font-weight: 600` })];
      entries.set(name, { dd, node: h("div", { title }, dt, dd) });
      numbers.append(entries.get(name).node);
    }
    const entry = entries.get(name);
    entry.node.hidden = value == null;
    if (value != null) say(entry.dd, value);
  };
  return {
    node: h("div", { class: "wdd-readout" }, story, numbers),
    draw(state) {
      say(story, storyOf(run, state));
      for (const [name, value, title] of numbersOf(run, state)) set(name, value, title);
    },
  };
}

/** The numbers of a moment: name, text (null: not recorded) and what it means. */
function numbersOf(run, state) {
  const ways = shownWays(run, state);
  const mean = (name) => meanOf(ways, name, state.barycenter);
  const text = (value) => (value == null ? null : short(value));
  const kept = mean("kept");
  const percent = kept == null ? null : `${(100 * kept).toFixed(0)} % of the mass`;
  return [
    ["squared W2, training", text(mean("value")),
      "support points to the training images' features, mean over the classes shown"],
    ["squared W2, held-out", text(mean("heldout")),
      "support points to features of images that they were not fitted to"],
    ["in the plan's recorded entries", percent,
      "only the largest entries of the transport plan are recorded; they hold this share of its mass"],
    ["masses", massesText(state, ways), "smallest and largest mass of a support point among the classes shown"],
    ["image to support point", text(run.scalars.feature_gap?.[state.frame]),
      "squared distance of the images' features to their support points, mean"],
  ];
}

function massesText(state, ways) {
  const all = ways.flatMap((way) => Array.from({ length: way.points }, (_, j) => massAt(state, way, j)));
  if (!all.length) return null;
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return high - low < 1e-6 ? `${short(low)} each` : `${short(low)} to ${short(high)}`;
}

function storyOf(run, state) {
  if (!run.timeline.length) {
    return "The run has begun: real images will appear here first, then support points, then distilled images.";
  }
  if (state.frame < 0) {
    const which = state.number === 0 ? "where they begin" : `after ${state.number} step${state.number > 1 ? "s" : ""}`;
    return (
      `Barycenter, ${which}: every support point (disc) moves to the mean of the real images that the transport plan ` +
      "gives it, until a few points stand for the whole class."
    );
  }
  if (!run.paired) {
    const stay = run.realLabels.length && run.projections.length ? "; the real images and their places stay" : "";
    return `The distilled images${run.projections.length ? " (squares)" : ""} change step by step${stay}.`;
  }
  return (
    "Recover: the pixels of every distilled image (square) change until its features meet its support point (disc) " +
    "and the class's statistics match."
  );
}

/** Bookmarks as buttons, and a tour: captions with back and next. */
function tourBar(run, act, model) {
  const marks = h("div", { class: "wdd-marks", role: "group", "aria-label": "bookmarks" });
  const caption = h("p", { class: "wdd-tourtext", "aria-live": "polite" });
  const count = h("span", { class: "wdd-hint" });
  const back = button("◀ back", () => act.tour(-1));
  const next = button("next ▶", () => act.tour(1));
  const stop = button("×", () => act.tour(null), { "aria-label": "close the tour" });
  const bar = h("div", { class: "wdd-tour", role: "region", "aria-label": "tour" }, back, next, count, caption, stop);
  const node = h("div", {}, marks, bar);
  let listed = null;
  return {
    node,
    draw(state) {
      const bookmarks = model.get("bookmarks") ?? [];
      if (listed !== bookmarks) {
        const buttons = bookmarks.map((each) => button(`★ ${each.name}`, () => act.apply(each)));
        marks.replaceChildren(...(buttons.length ? [h("span", {}, "Bookmarks: "), ...buttons] : []));
      }
      listed = bookmarks;
      const tour = model.get("stops") ?? [];
      const at = state.stop;
      bar.hidden = at < 0 || at >= tour.length;
      if (bar.hidden) return;
      [back.disabled, next.disabled] = [at === 0, at === tour.length - 1];
      count.textContent = `${at + 1} of ${tour.length}`;
      caption.textContent = tour[at].caption ?? tour[at].name ?? "";
    },
  };
}

/** Pause, resume, stop and the knobs of a run that is under way. */
function liveControls(run, act, model) {
  if (!model.get("live")) return { node: h("div", { hidden: true }), draw() {} };
  const send = (command, extra = {}) => model.send({ command, ...extra });
  const paused = () => model.get("live").state === "paused";
  const pause = button("pause", () => send(paused() ? "resume" : "pause"));
  const stop = button("stop", () => send("stop"));
  const state = h("output", { "aria-live": "polite", class: "wdd-moment" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "progress of this stage" });
  const follow = h("input", { type: "checkbox", checked: true, onchange: () => act.follow(follow.checked) });
  const knobs = h("div", { class: "wdd-row" });
  const newest = h("label", {}, follow, " follow the newest step");
  const row = h("div", { class: "wdd-row" }, pause, stop, bar, state, newest);
  const node = h("div", { class: "wdd-live", role: "region", "aria-label": "the run" }, row, knobs);
  const inputs = new Map();
  return {
    node,
    draw(now) {
      const live = model.get("live");
      follow.checked = now.follow;
      const over = ["stopped", "finished", "failed"].includes(live.state);
      pause.textContent = paused() ? "resume" : "pause";
      [pause.disabled, stop.disabled] = [over, over];
      bar.hidden = over;
      bar.value = live.total ? live.done / live.total : 0;
      const amount = live.total && !over ? ` ${live.done} of ${live.total}` : "";
      const begins = live.state === "starting" ? "starting: the first stage is being prepared" : live.state;
      const doing = over || !live.stage ? begins : `${live.state}: ${live.stage}${amount}`;
      state.textContent = [doing, live.message].filter(Boolean).join(" · ");
      for (const [name, value] of Object.entries(live.knobs ?? {})) {
        if (!inputs.has(name)) inputs.set(name, knob(name, value, knobs, send));
        inputs.get(name)(value, over);
      }
    },
  };
}

/** A slider over four powers of ten around the value with which a knob began. */
function knob(name, start, parent, send) {
  const NAMES = { lr: "learning rate", statistics_weight: "statistics weight" };
  const middle = Math.log10(start > 0 ? start : 1);
  const value = h("output", { class: "wdd-value" });
  const input = h("input", { type: "range", min: middle - 2, max: middle + 2, step: 0.05 });
  const chosen = () => 10 ** Number(input.value);
  input.addEventListener("input", () => (value.textContent = short(chosen())));
  input.addEventListener("change", () => send("set", { name, value: Number(chosen().toPrecision(3)) }));
  parent.append(h("label", {}, `${NAMES[name] ?? name} `, input, " ", value));
  let shown = null;
  return (now, over) => {
    input.disabled = over;
    if (now === shown) return;
    shown = now;
    if (now > 0) input.value = Math.log10(now);
    value.textContent = short(now);
  };
}
