// The Explorer: one state, the controls, and the panels that follow it.

// Two columns, and where each panel stands when there is only room for one.
const PANELS = [
  [[featuresPanel, 1], [directionPanel, 2], [curvesPanel, 5]],
  [[imagesPanel, 3], [chosenPanel, 4], [resultsPanel, 6]],
];
const CONTROLS = [tourBar, timeControls, readout, meaningsOf, classLegend];
const REDRAWN = [...KEPT, "bookmarks", "stops", "live", "presenter"]; // traits whose change has the view drawn anew

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
  const live = () => Boolean(model.get("live"));
  // `told`: the step that the kernel was told last, if no hand chose one since; -1: none.
  const view = { run: {}, panels: [], controls: [], sign: "", stop: firstStop(model), follow: live(), told: -1 };
  const { run } = view;
  const root = h("div", { class: "wdd", role: "region" });
  el.append(root);
  const { ask, close } = stage(root, model, draw);
  const kernel = teller(model, () => view.follow && (view.told = model.get("step")));
  const widths = ruler(ask);
  const read = reader(() => model.get("buffers"));
  const pictures = bitmaps(read, ask);
  const { act, playing } = explorerActions(model, view, { ask, kernel, widths, pictures, root });

  function load() {
    Object.assign(run, decodeRun(model.get("meta"), read, pictures, { live: live() }));
    const sign = structureOf(run);
    if (view.sign !== sign) Object.assign(view, { sign, ...built(root, run, act, model, view.controls[0]) });
    const last = Math.max(0, run.timeline.length - 1);
    if (view.follow && model.get("step") !== last) {
      kernel.release("step");
      model.set("step", last);
      kernel.soon(); // it asks for `view.step` too
    }
    ask();
  }

  function draw(ink) {
    const now = { ...stateOf(model, run), stop: view.stop, follow: view.follow };
    // Texts last: after each, a canvas would wait for layout.
    for (const part of [...view.panels, ...view.controls]) part.draw(now, ink);
    root.dataset.drawn = String(now.step);
    root.dataset.pending = String(pictures.pending());
  }

  readAddress(model);
  load();
  const heard = listen(model, [
    ...REDRAWN.map((name) => [`change:${name}`, ask]),
    ["change:stops", () => ask((view.stop = firstStop(model)))],
    ["change:step", () => stepped(model, view)],
    ["change:meta", load],
    ["msg:custom", (message) => message.grow && load()],
  ]);
  return () => [heard, playing, kernel, widths, pictures, { close }].forEach((part) => part.close());
}

/** Who looks back is left there, by hand or from a cell. */
function stepped(model, view) {
  const [step, last] = [model.get("step"), view.run.timeline.length - 1];
  // The kernel echoes what it was told; when the run has grown meanwhile, that is no looking back.
  if (view.follow && step === view.told && step < last) model.set("step", last);
  else view.follow = Boolean(model.get("live")) && step >= last;
}

/** All that can be done in an Explorer, and what plays it. */
function explorerActions(model, view, { ask, kernel, widths, pictures, root }) {
  const { run } = view;
  const playing = player({
    at: () => momentOf(run, model.get("step")).step,
    last: () => run.timeline.length - 1,
    go: (step) => act.setStep(step),
    shown: (on) => view.controls.find((part) => part.setPlaying).setPlaying(on),
  });
  const act = actions(model, () => run, {
    ask, root,
    put(name, value) {
      if (name === "step") view.told = -1;
      kernel.put(name, value);
    },
    play: playing.play,
    speed: playing.speed,
    follow(on) {
      view.follow = on;
      if (on) act.setStep(run.timeline.length - 1);
      else ask();
    },
    stop: () => view.stop,
    setStop: (at) => ask((view.stop = at)),
    panels: () => view.panels,
    pending: pictures.pending,
    across: widths.across,
  });
  return { act, playing };
}

/** What there is of a run: where this has become something else, the view is built anew. */
function structureOf({ title, projections, ways, frames, results, layers, missing, turns, finished }) {
  const keys = projections.map(({ key }) => key);
  const counts = [ways.length, frames.length > 0, results.length, turns.length];
  return JSON.stringify([title, keys, ...counts, layers, missing, finished]);
}

/** The controls and panels of a run, put into the page; `steering` stays, for its knobs may be in somebody's hand. */
function built(root, run, act, model, steering = liveControls(run, act, model)) {
  const controls = [steering, ...CONTROLS.map((part) => part(run, act, model))];
  const columns = PANELS.map((column) => column.map(([panel, order]) => {
    const made = panel(run, act);
    made.node.style.order = order;
    return made;
  }));
  const missing = run.missing.map((sentence) => h("li", {}, sentence));
  const notes = missing.length ? [h("ul", { class: "wdd-missing" }, ...missing)] : [];
  const turns = run.turns.map(({ step, text }) => `step ${step}: ${text}`).join("; ");
  const turned = `Turned by hand while it ran, so that it stands in no comparison: ${turns}.`;
  if (turns) notes.unshift(h("p", { class: "wdd-caption" }, turned));
  root.setAttribute("aria-label", `distillation: ${run.title}`);
  const head = h("div", { class: "wdd-head" }, h("h2", {}, run.title), menu(act, model));
  const sides = columns.map((column) => h("div", { class: "wdd-side" }, ...column.map((panel) => panel.node)));
  const body = h("div", { class: "wdd-panels" }, ...sides);
  const focused = document.activeElement;
  root.replaceChildren(head, ...controls.map((part) => part.node), body, ...notes);
  if (root.contains(focused)) focused.focus({ preventScroll: true });
  return { controls, panels: columns.flat() };
}

export default { initialize, render };
