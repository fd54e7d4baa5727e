// The view of a run: a slider over its snapshots, and four panels that follow it.

function render({ model, el }) {
  const run = decode(model.get("meta"), model.get("buffers"));
  // What only this copy of the view knows; step, selected and classes are the model's.
  const own = { moment: Math.max(0, ...run.ways.map((way) => way.steps - 1)), trails: false };
  let playing = 0;
  let saving = 0;
  let waiting = 0;

  const state = () => {
    const classes = new Set(model.get("classes"));
    return {
      ...own,
      step: Math.max(0, Math.min(run.frames.length - 1, model.get("step"))),
      row: run.indices.indexOf(model.get("selected")),
      classes,
      shows: (label) => !classes.size || classes.has(label),
    };
  };
  const set = (name, value) => {
    model.set(name, value);
    clearTimeout(saving); // the kernel hears of it when the hand rests
    saving = setTimeout(() => model.save_changes(), 150);
  };
  const act = {
    row: () => state().row,
    setStep: (step) => set("step", Math.max(0, Math.min(run.frames.length - 1, step))),
    select: (row) => set("selected", row < 0 ? -1 : run.indices[row]),
    show: (classes) => set("classes", classes),
    setTrails: (trails) => ask((own.trails = trails)),
    setMoment: (change) => ask((own.moment = Math.max(0, Math.min(panels[0].steps - 1, own.moment + change)))),
  };

  const controls = timeControls(run, act, play);
  const legend = classLegend(run, act);
  const panels = [featuresPanel, imagesPanel, stripPanel, resultsPanel, curvesPanel].map((panel) => panel(run, act));
  const missing = run.missing.map((sentence) => h("li", {}, sentence));
  const root = h(
    "div",
    { class: "wdd", role: "region", "aria-label": `distillation: ${run.title}` },
    h("h2", {}, run.title),
    controls.node,
    legend.node,
    h("div", { class: "wdd-panels" }, ...panels.map((panel) => panel.node)),
    ...(missing.length ? [h("ul", { class: "wdd-missing" }, ...missing)] : []),
  );
  el.append(root);

  function draw() {
    waiting = 0;
    const [now, ink] = [state(), inks(root)];
    if (!root.clientWidth) return; // not on the page yet; the observer calls again
    controls.draw(now);
    legend.draw(now);
    for (const panel of panels) panel.draw(now, ink);
  }
  function ask() {
    waiting ||= requestAnimationFrame(draw); // however fast the hand, one picture a frame
  }
  function play() {
    const [stop, last] = [playing !== 0, run.frames.length - 1];
    clearInterval(playing);
    if (!stop && state().step === last) act.setStep(0);
    const on = () => (state().step < last ? act.setStep(state().step + 1) : play());
    playing = stop ? 0 : setInterval(on, 160);
    controls.setPlaying(!stop);
  }

  const names = ["change:step", "change:selected", "change:classes"];
  for (const name of names) model.on(name, ask);
  const unfollow = followTheme((theme) => {
    root.dataset.theme = theme;
    ask();
  });
  const observer = new ResizeObserver(ask);
  observer.observe(root);
  return () => {
    for (const name of names) model.off(name, ask);
    unfollow();
    observer.disconnect();
    clearInterval(playing);
    clearTimeout(saving);
    cancelAnimationFrame(waiting);
  };
}

/** The slider over snapshots, which the arrow keys move, and what moment it is. */
function timeControls(run, act, play) {
  const last = run.frames.length - 1;
  const range = { type: "range", min: 0, max: last, step: 1, "aria-label": "snapshot", class: "wdd-time" };
  const slider = h("input", { ...range, oninput: (event) => act.setStep(Number(event.target.value)) });
  const label = h("output", { "aria-live": "polite", class: "wdd-moment" });
  const button = h("button", { type: "button", class: "wdd-play", "aria-label": "play", onclick: play }, "▶");
  [slider.disabled, button.disabled] = [last === 0, last === 0];
  return {
    node: h("div", { class: "wdd-controls" }, button, slider, label),
    draw({ step }) {
      const frame = run.frames[step];
      slider.value = step;
      const moment = `step ${frame.step} of ${run.frames[last].step}, ${frame.phase}`;
      const text = `${moment} (snapshot ${step + 1} of ${last + 1})`;
      slider.setAttribute("aria-valuetext", text);
      label.textContent = text;
    },
    setPlaying(playing) {
      button.textContent = playing ? "⏸" : "▶";
      button.setAttribute("aria-label", playing ? "pause" : "play");
    },
  };
}

/** A button for each class with its colour and shape; those that are pressed are the only ones shown. */
function classLegend(run, act) {
  const all = h("button", { type: "button", onclick: () => act.show([]) }, "all");
  let shown = new Set();
  const buttons = run.present.map((label) => {
    const sample = h("canvas", { "aria-hidden": "true" });
    const pressed = { type: "button", class: "wdd-class", onclick: () => toggle(label) };
    const button = h("button", pressed, sample, run.classes[label]);
    return { label, sample, button };
  });
  function toggle(label) {
    const classes = new Set(shown);
    if (!classes.delete(label)) classes.add(label);
    act.show([...classes].sort((a, b) => a - b));
  }
  const group = { class: "wdd-classes", role: "group", "aria-label": "classes to show" };
  return {
    node: h("div", group, h("span", {}, "Show classes:"), all, ...buttons.map(({ button }) => button)),
    draw({ classes }) {
      shown = classes;
      all.setAttribute("aria-pressed", String(classes.size === 0));
      for (const { label, sample, button } of buttons) {
        button.setAttribute("aria-pressed", String(classes.has(label)));
        const ctx = paper(sample, 14, 14);
        [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [colourOf(label), colourOf(label), 2];
        mark(ctx, shapeOf(label), 7, 7, 5);
      }
    },
  };
}

export default { render };
