// The state of a view and all that its user can do: the core that the Explorer and the comparison share.

const LOOK = { plan: true, trails: false, holes: false, gap: false, direction: false, angle: 0, zoom: null };
const REST = 150; // milliseconds without a change after which the kernel hears of it
const NOWHERE = { key: "", name: "", axes: ["", ""], caption: "" }; // the projection of a run without features

/** Widths of elements to draw in, kept until they change: asking for one after a change has the page laid out anew. */
function ruler(changed) {
  const known = new WeakMap();
  const observer = new ResizeObserver((entries) => {
    const other = entries.filter(({ target }) => known.get(target) !== target.clientWidth);
    for (const { target } of other) known.set(target, target.clientWidth);
    for (const { target } of entries) if (!target.isConnected) observer.unobserve(target);
    if (other.length) changed();
  });
  return {
    /** The width that a drawing in this element has, in its own units; above 0 where it is hidden too. */
    across(node) {
      if (!known.get(node)) { // 0: it was hidden
        known.set(node, node.clientWidth);
        observer.observe(node);
      }
      return Math.max(1, known.get(node)) / enlarged(node);
    },
    close: () => observer.disconnect(),
  };
}

/** Plays a view: `at()` is the step shown, `last()` the last one, `go(step)` shows one; `shown` hears if it plays. */
function player({ at, last, go, shown }) {
  let [timer, wanted] = [0, SPEEDS.normal];
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  function play() {
    const [halt, end] = [timer !== 0, last()];
    clearInterval(timer);
    if (!halt && at() === end) go(0);
    // Who wants no motion sees one picture after the other, each long enough to be looked at.
    const pace = still.matches ? Math.max(SPEEDS.still, wanted) : wanted;
    timer = halt ? 0 : setInterval(() => (at() < end ? go(at() + 1) : play()), pace);
    shown(!halt);
  }
  return {
    play,
    speed(milliseconds) {
      wanted = milliseconds;
      if (timer) [play(), play()];
    },
    close: () => clearInterval(timer),
  };
}

/** Tells the kernel, and a page's address, what has changed, once the hand rests; `before` is called before that. */
function teller(model, before = () => {}) {
  const untold = new Map(); // what a hand has set and was not told yet, by name
  let [timer, ours] = [0, false];
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(tell, REST);
  };
  function tell() {
    before();
    untold.clear();
    model.save_changes();
    writeAddress(model);
  }
  function put(name, value) {
    untold.set(name, value);
    ours = true;
    model.set(name, value);
    ours = false;
    soon();
  }
  // A slow kernel echoes what it was told before, while the hand is somewhere else by now: the hand is right.
  const keep = (name) => !ours && untold.has(name) && put(name, untold.get(name));
  const heard = listen(model, [...KEPT, "bookmarks"].map((name) => [`change:${name}`, () => keep(name)]));
  return {
    soon,
    put,
    /** Something else than a hand sets this now. */
    release: (name) => untold.delete(name),
    close() {
      heard.close();
      clearTimeout(timer);
    },
  };
}

/** The model's state as panels need it. */
function stateOf(model, run, step = model.get("step")) {
  const classes = new Set(model.get("classes"));
  const selected = model.get("selected");
  const row = run.indices.indexOf(selected);
  const moment = momentOf(run, step);
  const wanted = run.projections.find(({ key }) => key === model.get("projection"));
  const projection = wanted ?? run.projections[0] ?? NOWHERE;
  const real = circled(run, model.get("real"));
  const picked = new Set(model.get("picked").map((position) => run.indices.indexOf(position)));
  return {
    ...moment, classes, selected, row, projection, real, picked,
    look: { ...LOOK, ...model.get("look") },
    support: supportOf(run, selected, row),
    shows: (label) => !classes.size || classes.has(label),
  };
}

/** Which drawn real images are circled; made once for all steps, as there may be sixty thousand. */
function circled(run, positions) {
  const known = run.circled;
  if (known && known.positions === positions && known.count === run.realIndices.length) return known.set;
  const rows = new Map(positions.length ? Array.from(run.realIndices, (position, i) => [position, i]) : []);
  const set = new Set(positions.map((position) => rows.get(position)).filter((i) => i !== undefined));
  run.circles = (run.circles ?? 0) + 1;
  set.sign = set.size ? run.circles : 0; // by which a drawing knows whether it is still right
  run.circled = { positions, count: run.realIndices.length, set };
  return set;
}

/** The support point that belongs to what is selected; null: none. */
function supportOf(run, selected, row) {
  if (selected < 0) return null;
  if (row >= 0) {
    const way = run.paired ? run.wayOf.get(run.labels[row]) : null;
    return way && run.rank[row] < way.points ? { way, j: run.rank[row] } : null;
  }
  for (const way of run.ways) {
    for (let j = 0; j < way.points; j++) if (positionOf(run, way, j) === selected) return { way, j };
  }
  return null;
}

/** All that the user can do, in one place; panels and controls call these. */
function actions(model, run, view) {
  const set = (name, value) => {
    view.put(name, value);
    view.ask(); // a page of its own may not tell of changes in the same turn
  };
  const { ask, play, speed, follow, root, panels, across } = view;
  const act = {
    ask, play, speed, follow, root, panels, across,
    /** Resolves when all pictures that were asked for are decoded. */
    async settled() {
      while (view.pending()) await new Promise((go) => setTimeout(go, 10));
    },
    state: (step = model.get("step")) => stateOf(model, run(), step),
    about: () => ({ title: run().title, timeline: run().timeline, marks: marksText(run()) }),
    setStep(step) {
      const last = run().timeline.length - 1;
      set("step", Math.max(0, Math.min(last, step)));
    },
    select: (position) => set("selected", position),
    show: (classes) => set("classes", classes),
    project: (key) => set("projection", key),
    look: (changes) => set("look", { ...LOOK, ...model.get("look"), ...changes }),
    pick(reals, rows) {
      set("real", reals.map((i) => run().realIndices[i]));
      set("picked", rows.map((row) => run().indices[row]));
    },
    clear() {
      if (model.get("real").length || model.get("picked").length) act.pick([], []);
      act.select(-1);
    },
    /** Selects the next image, or the one before, among those shown. */
    step(by) {
      const now = act.state();
      const rows = [...run().labels.keys()].filter((row) => now.shows(run().labels[row]));
      if (!rows.length) return;
      const at = rows.indexOf(now.row);
      act.select(run().indices[rows[(at + by + rows.length + (at < 0 && by < 0 ? 1 : 0)) % rows.length]]);
    },
  };
  return Object.assign(act, bookmarkActions(model, view, set));
}

/** The stop that a tour begins with; -1: there is no tour. */
const firstStop = (model) => ((model.get("stops") ?? []).length ? 0 : -1);

/** Keeping a moment, and going to one that was kept, alone or as a stop of a tour. */
function bookmarkActions(model, view, set) {
  const apply = (bookmark) => {
    for (const name of KEPT) if (name in bookmark) set(name, bookmark[name]);
  };
  return {
    apply,
    tour(by) {
      const stops = model.get("stops") ?? [];
      const at = by === null ? -1 : Math.max(0, Math.min(stops.length - 1, view.stop() + by));
      view.setStop(at);
      if (at >= 0) apply(stops[at]);
    },
    bookmark: (name) => set("bookmarks", [...(model.get("bookmarks") ?? []), { ...bookmarkOf(model), name }]),
  };
}

/** Bookmark, large type, and what is seen as a file. */
function menu(act, model) {
  const name = h("input", {
    type: "text", size: 14, placeholder: "name this moment", "aria-label": "name of a bookmark",
    onkeydown: (event) => event.key === "Enter" && keep(),
  });
  function keep() {
    if (name.value.trim()) act.bookmark(name.value.trim());
    name.value = "";
  }
  const star = button("★", keep, { "aria-label": "keep a bookmark" });
  const large = button("large", toggle, {
    class: "wdd-lecture", "aria-pressed": "false", title: "large type, for a lecture",
  });
  function toggle() {
    model.set("presenter", !model.get("presenter"));
    model.save_changes();
    act.ask();
  }
  const said = h("output", { class: "wdd-hint", "aria-live": "polite" });
  const save = (kind) => async () => {
    said.textContent = "…";
    try {
      await exportView(kind, act, (text) => (said.textContent = text));
      said.textContent = "";
    } catch (error) {
      said.textContent = String(error.message ?? error);
    }
  };
  const kinds = { PNG: "what is seen", SVG: "what is seen", GIF: "the whole run as a moving picture" };
  const saves = Object.entries(kinds).map(([kind, title]) => button(kind, save(kind), { title }));
  return h("div", { class: "wdd-menu" }, name, star, large, h("span", {}, "Save"), ...saves, said);
}
