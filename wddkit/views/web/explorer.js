// The Explorer: one state, the controls, and the panels that follow it.

// Two columns, and where each panel stands when there is only room for one.
const PANELS = [[[featuresPanel, 1], [directionPanel, 2], [curvesPanel, 5]], [[imagesPanel, 3], [chosenPanel, 4], [resultsPanel, 6]]];

/** New parts of a run that is under way: merged once for all copies of the view, before they hear of them. */
function initialize({ model }) {
  model.on("msg:custom", (message, parts = []) => {
    if (!message.grow) return;
    // In place: what is set would be sent back to the kernel, all pictures of it, with the next change of the step.
    for (const [name, i] of message.names) model.get("buffers")[name] = parts[i]; // a part can have several names
    Object.assign(model.get("meta"), message.grow);
  });
}

function render({ model, el }) {
  let [playing, pace, saving, waiting, follow] = [0, SPEEDS.normal, 0, 0, Boolean(model.get("live"))];
  let [run, panels, controls, sign] = [{}, [], [], ""];
  let stop = (model.get("stops") ?? []).length ? 0 : -1;
  const read = reader(() => model.get("buffers"));
  const pictures = bitmaps(read, ask);
  const widths = ruler(ask);
  const root = h("div", { class: "wdd", role: "region" });
  el.append(root);

  const names = ["step", "selected", "classes", "projection", "look", "picked", "real", "bookmarks", "stops", "live", "presenter"];
  const act = actions(model, () => run, {
    ask,
    changed,
    play,
    speed(milliseconds) {
      pace = milliseconds;
      if (playing) [play(), play()];
    },
    follow(on) {
      follow = on;
      if (on) act.setStep(run.timeline.length - 1);
      else ask();
    },
    stop: () => stop,
    setStop: (at) => ask((stop = at)),
    panels: () => panels,
    pending: () => pictures.pending(),
    across: widths.across,
    root,
  });

  function changed() {
    clearTimeout(saving); // the kernel hears of it when the hand rests
    saving = setTimeout(() => {
      model.save_changes();
      if (model.get("page")) writeAddress(model);
    }, REST);
  }

  /** Who looks back is left there, by hand or from a cell. */
  function stepped() {
    follow = Boolean(model.get("live")) && model.get("step") >= run.timeline.length - 1;
  }

  function load() {
    Object.assign(run, decodeRun(model.get("meta"), read, pictures, { live: Boolean(model.get("live")) }));
    const structure = [run.title, run.projections.map(({ key }) => key), run.ways.length, run.frames.length > 0, run.results.length, run.layers, run.missing, run.turns.length];
    if (sign !== JSON.stringify(structure)) build();
    sign = JSON.stringify(structure);
    const last = Math.max(0, run.timeline.length - 1);
    if (follow && model.get("step") !== last) {
      model.set("step", last);
      changed(); // the kernel asks for `view.step` too
    }
    ask();
  }

  function build() {
    controls = [liveControls, tourBar, timeControls, readout, classLegend].map((part) => part(run, act, model));
    const columns = PANELS.map((column) => column.map(([panel, order]) => {
      const made = panel(run, act);
      made.node.style.order = order;
      return made;
    }));
    panels = columns.flat();
    const missing = run.missing.map((sentence) => h("li", {}, sentence));
    const notes = missing.length ? [h("ul", { class: "wdd-missing" }, ...missing)] : [];
    const turns = run.turns.map(({ step, text }) => `step ${step}: ${text}`).join("; ");
    if (turns) notes.unshift(h("p", { class: "wdd-caption" }, `Turned by hand while it ran, so that it stands in no comparison: ${turns}.`));
    root.setAttribute("aria-label", `distillation: ${run.title}`);
    const head = h("div", { class: "wdd-head" }, h("h2", {}, run.title), menu(act, model));
    const sides = columns.map((column) => h("div", { class: "wdd-side" }, ...column.map((panel) => panel.node)));
    root.replaceChildren(head, ...controls.map((part) => part.node), h("div", { class: "wdd-panels" }, ...sides), ...notes);
  }

  function draw() {
    waiting = 0;
    if (!root.clientWidth) return; // not on the page yet; the observer calls again
    root.classList.toggle("wdd-large", Boolean(model.get("presenter")));
    const [now, ink] = [{ ...stateOf(model, run), stop, follow }, inks(root)];
    for (const part of [...panels, ...controls]) part.draw(now, ink); // texts last: after each, a canvas would wait for layout
    root.dataset.drawn = String(now.step);
    root.dataset.pending = String(pictures.pending());
  }
  function ask() {
    waiting ||= requestAnimationFrame(draw); // however fast the hand, one picture a frame
  }
  function play() {
    const [halt, last] = [playing !== 0, run.timeline.length - 1];
    clearInterval(playing);
    if (!halt && stateOf(model, run).step === last) act.setStep(0);
    const on = () => (stateOf(model, run).step < last ? act.setStep(stateOf(model, run).step + 1) : play());
    playing = halt ? 0 : setInterval(on, pace);
    controls.find((part) => part.setPlaying).setPlaying(!halt);
  }

  if (model.get("page")) readAddress(model);
  load();
  for (const name of names) model.on(`change:${name}`, ask);
  const opened = () => ask((stop = (model.get("stops") ?? []).length ? 0 : -1));
  model.on("change:stops", opened);
  const grown = (message) => message.grow && load();
  model.on("change:step", stepped);
  model.on("change:meta", load);
  model.on("msg:custom", grown);
  const unfollow = followTheme((theme) => {
    root.dataset.theme = theme;
    ask();
  });
  const observer = new ResizeObserver(ask);
  observer.observe(root);
  return () => {
    for (const name of names) model.off(`change:${name}`, ask);
    model.off("change:stops", opened);
    model.off("change:step", stepped);
    model.off("change:meta", load);
    model.off("msg:custom", grown);
    unfollow();
    observer.disconnect();
    widths.close();
    clearInterval(playing);
    clearTimeout(saving);
    cancelAnimationFrame(waiting);
    pictures.close();
  };
}

export default { initialize, render };
