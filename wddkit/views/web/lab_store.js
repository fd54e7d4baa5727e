// What both laboratories share: one state with undo, of which the kernel hears when the hand rests, and the controls.

const LAB_REST = 100; // milliseconds from a gesture's end until the kernel hears of it
const LAB_PAUSE = 250; // milliseconds without a key or a move of a slider that end a gesture

const labSame = (x, y) => JSON.stringify(x) === JSON.stringify(y);

/** The same state, which names no lesson unless it has this lesson's points. */
function labOwned(state, lessons) {
  const lesson = state.lesson && lessons.find((each) => each.name === state.lesson);
  const same = lesson && ["sides", "data"].every((name) => labSame(lesson.state[name], state[name]));
  return same ? state : Object.assign(state, { lesson: "" });
}

/** The state that the model holds under `names`: changed here at once, in the model and the kernel at rest. */
function labStore(model, names, changed) {
  const lessons = model.get("lessons");
  const held = () => structuredClone(Object.fromEntries(names.map((name) => [name, model.get(name)])));
  const read = () => labOwned(held(), lessons);
  let [state, timer, pause] = [read(), 0, 0];
  const past = labHistory(state);
  const shared = labShared(model, names, () => {
    if (labSame(read(), state)) return;
    state = read();
    past.keep(state);
    changed(true);
  });

  function told() {
    clearTimeout(timer);
    timer = setTimeout(() => shared.send(state), LAB_REST);
    changed();
  }
  /** A gesture is over: what undo goes back to, and what the kernel is told. */
  function settle() {
    clearTimeout(pause);
    if (!past.differs(state)) return;
    past.keep(state);
    past.forget();
    told();
  }
  function go(turn) {
    settle();
    const there = turn();
    if (!there) return;
    state = there;
    told();
  }
  return {
    get state() {
      return state;
    },
    change(patch) {
      labOwned(Object.assign(state, patch), lessons);
      clearTimeout(pause);
      changed();
    },
    settle,
    settleSoon() {
      clearTimeout(pause);
      pause = setTimeout(settle, LAB_PAUSE);
    },
    undo: () => go(past.undo),
    redo: () => go(past.redo),
    canUndo: () => past.canUndo() || past.differs(state),
    canRedo: past.canRedo,
    close() {
      shared.close();
      clearTimeout(pause);
      clearTimeout(timer);
    },
  };
}

/** States at rest, to go back to and forth again; what differs from the last of them has not come to rest yet. */
function labHistory(first) {
  const [undone, redone] = [[], []];
  let settled = structuredClone(first);
  const go = (from, to) => {
    if (!from.length) return null;
    to.push(settled);
    settled = from.pop();
    return structuredClone(settled);
  };
  return {
    differs: (state) => !labSame(state, settled),
    keep(state) {
      undone.push(settled);
      settled = structuredClone(state);
    },
    forget: () => (redone.length = 0),
    undo: () => go(undone, redone),
    redo: () => go(redone, undone),
    canUndo: () => undone.length > 0,
    canRedo: () => redone.length > 0,
  };
}

/** Sends a state to the model; calls back when somebody else has set it: the kernel, or another copy of the view. */
function labShared(model, names, absorb) {
  let sending = false;
  const heard = listen(model, names.map((name) => [`change:${name}`, () => sending || absorb()]));
  const send = (state) => {
    sending = true;
    for (const name of names) if (!labSame(model.get(name), state[name])) model.set(name, structuredClone(state[name]));
    sending = false;
    model.save_changes();
  };
  return { send, close: heard.close };
}

/** Three significant digits, of small numbers too; from 1 on two decimals, by which most numbers here are compared. */
function labDigits(value) {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return "–";
  if (size && (size < 1e-4 || size >= 1e6)) return value.toExponential(2);
  return size >= 1e5 ? value.toFixed(0) : size >= 0.9995 ? value.toFixed(2) : value.toPrecision(3);
}

/** Three significant digits in few characters: of numbers in a sentence. */
function labShort(value) {
  const size = Math.abs(value);
  if (Number.isNaN(value)) return "–";
  return size && (size < 1e-3 || size >= 1e6) ? labDigits(value) : short(value);
}

/** Numbers at equal distances as text, with as many digits as tell them apart. */
function labTicks(values) {
  if (values.length < 2) return values.map(short);
  const power = Math.floor(Math.log10(values[1] - values[0]) + 1e-9);
  const plain = values.map((value) => value.toFixed(Math.max(0, -power)).replace(/^-(?=[0.]*$)/, ""));
  const high = Math.floor(Math.log10(Math.max(...values.map(Math.abs))) + 1e-9);
  const bare = (value) => (Math.round(value / 10 ** power) * 10 ** (power - high)).toFixed(Math.max(0, high - power));
  const powered = values.map((value) => (Math.round(value / 10 ** power) ? `${bare(value)}e${high}` : "0"));
  const long = (texts) => Math.max(...texts.map((text) => text.length));
  return long(plain) > 6 && long(powered) < long(plain) ? powered : plain;
}

/** A drop-down list of [value, text] pairs with its name before it. */
function labSelect(name, options, onchange) {
  const select = h("select", { "aria-label": name, onchange: () => onchange(select.value) });
  select.append(...options.map(([value, text]) => h("option", { value }, text)));
  const node = h("label", { class: "wdd-field" }, h("span", {}, name), select);
  return { node, select, set: (value) => select.value !== value && (select.value = value) };
}

/** A slider with its name before it and, after it, what its place means. */
function labSlider(name, { min = 0, max, step = 1 }, oninput) {
  const slider = h("input", {
    type: "range",
    min,
    max,
    step,
    "aria-label": name,
    oninput: () => oninput(Number(slider.value)),
  });
  const said = h("output", { class: "wdd-said-value" });
  const node = h("label", { class: "wdd-field" }, h("span", {}, name), h("span", { class: "wdd-slide" }, slider, said));
  return {
    node,
    slider,
    set(value, text, disabled = false) {
      if (Number(slider.value) !== value) slider.value = value;
      if (slider.disabled !== disabled) slider.disabled = disabled;
      if (said.textContent === text) return;
      said.textContent = text;
      slider.setAttribute("aria-valuetext", text);
    },
  };
}

/** The drop-down list of ground costs. */
function labCosts(act) {
  const costs = Object.entries(GROUND_COSTS).map(([name, { title, formula }]) => [name, `${title}: ${formula}`]);
  return labSelect("Ground cost", costs, (value) => act.set({ cost: value }));
}

/** Values on a logarithmic scale of ten a decade, rounded to two digits: place k of a slider is low * 10^(k / 10). */
function labDecades(low, high) {
  const last = Math.round(10 * Math.log10(high / low));
  return {
    last,
    value: (k) => Number((low * 10 ** (k / 10)).toPrecision(2)),
    place: (value) => Math.max(0, Math.min(last, Math.round(10 * Math.log10(value / low)))),
  };
}

/** Title, lessons, undo and redo, large type; below them what the lesson asks to see. */
function labHead(title, model, store, load) {
  const lessons = model.get("lessons");
  const options = [["", "my own points"], ...lessons.map((each) => [each.name, each.title])];
  const lesson = labSelect("Lesson", options, (name) => load(lessons.find((each) => each.name === name)));
  lesson.select.options[0].disabled = true; // points become one's own by moving them, not by a choice
  const undo = button("↶ undo", store.undo, { "aria-keyshortcuts": "Control+Z" });
  const redo = button("↷ redo", store.redo, { "aria-keyshortcuts": "Control+Shift+Z" });
  const larger = () => {
    model.set("presenter", !model.get("presenter"));
    model.save_changes();
  };
  const large = button("large type", larger);
  const menu = h("div", { class: "wdd-menu" }, lesson.node, undo, redo, large);
  const text = h("p", { class: "wdd-lesson" });
  let last = null; // the lesson that was there before the points were changed
  return {
    node: h("div", {}, h("div", { class: "wdd-head" }, h("h2", {}, title), menu), text),
    draw({ lesson: name }) {
      lesson.set(name);
      [undo.disabled, redo.disabled] = [!store.canUndo(), !store.canRedo()];
      large.setAttribute("aria-pressed", String(Boolean(model.get("presenter"))));
      const chosen = lessons.find((each) => each.name === name);
      // The board must not jump under the hand that drags: the shorter text keeps the longer one's place.
      const { minHeight } = text.style;
      if (!chosen && last && !minHeight) text.style.minHeight = `${text.getBoundingClientRect().height}px`;
      if (chosen) [last, text.style.minHeight] = [chosen, ""];
      const own = last && `Your own points now, not those of “${last.title}”: choose it again to read what it says.`;
      const said = chosen?.text ?? own ?? "";
      say(text, said);
      text.hidden = !said;
    },
  };
}

/** A line that a screen reader reads once nothing has changed for a moment, and not at every step of a drag. */
function labVoice() {
  const node = h("p", { class: "wdd-voice", "aria-live": "polite" });
  let timer = 0;
  const later = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => say(node, text), 3 * LAB_REST);
  };
  return { node, say: later, close: () => clearTimeout(timer) };
}

/** What every laboratory's `render` does around its own parts: the stage, and undo by keyboard. */
function labHost(root, model, store, draw) {
  let drawn = 0;
  const { ask, close: leave } = stage(root, model, (ink) => {
    draw(ink);
    root.dataset.drawn = String(++drawn);
  });
  const heard = listen(model, [["change:presenter", ask]]);
  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) store.redo();
    else store.undo();
  });
  const close = () => {
    heard.close();
    leave();
  };
  return { ask, close };
}
