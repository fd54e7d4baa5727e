// What both laboratories share: one state with undo, of which the kernel hears when the hand rests, and the controls.

const LAB_REST = 100; // milliseconds from a gesture's end until the kernel hears of it
const LAB_PAUSE = 250; // milliseconds without a key or a move of a slider that end a gesture

/** The state that the model holds under `names`: changed here at once, in the model and the kernel at rest. */
function labStore(model, names, changed) {
  const read = () => structuredClone(Object.fromEntries(names.map((name) => [name, model.get(name)])));
  const same = (x, y) => JSON.stringify(x) === JSON.stringify(y);
  const [undone, redone] = [[], []];
  let [state, sending, timer, pause] = [read(), false, 0, 0];
  let settled = structuredClone(state);

  function send() {
    sending = true;
    for (const name of names) if (!same(model.get(name), state[name])) model.set(name, structuredClone(state[name]));
    sending = false;
    model.save_changes();
  }
  /** A gesture is over: what undo goes back to, and what the kernel is told. */
  function settle() {
    clearTimeout(pause);
    if (same(state, settled)) return;
    undone.push(settled);
    redone.length = 0;
    settled = structuredClone(state);
    told();
  }
  function told() {
    clearTimeout(timer);
    timer = setTimeout(send, LAB_REST);
    changed();
  }
  function go(from, to) {
    settle();
    if (!from.length) return;
    to.push(settled);
    state = structuredClone((settled = from.pop()));
    told();
  }
  /** Somebody else has set the model: the kernel, or another copy of this view. */
  function absorb() {
    if (sending || same(read(), state)) return;
    undone.push(settled);
    state = read();
    settled = structuredClone(state);
    changed(true);
  }
  for (const name of names) model.on(`change:${name}`, absorb);
  return {
    get state() {
      return state;
    },
    change(patch) {
      Object.assign(state, patch);
      clearTimeout(pause);
      changed();
    },
    settle,
    settleSoon() {
      clearTimeout(pause);
      pause = setTimeout(settle, LAB_PAUSE);
    },
    undo: () => go(undone, redone),
    redo: () => go(redone, undone),
    canUndo: () => undone.length > 0 || !same(state, settled),
    canRedo: () => redone.length > 0,
    close() {
      for (const name of names) model.off(`change:${name}`, absorb);
      clearTimeout(pause);
      clearTimeout(timer);
    },
  };
}

/** Three digits, or four beyond 1000; no exponent where one can do without. */
function labDigits(value) {
  if (!Number.isFinite(value)) return "–";
  return Math.abs(value) >= 1e5 || (value && Math.abs(value) < 5e-4)
    ? short(value)
    : value.toFixed(Math.abs(value) < 1 ? 3 : 2);
}

function labButton(text, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, text);
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
  const undo = labButton("↶ undo", store.undo, { "aria-keyshortcuts": "Control+Z" });
  const redo = labButton("↷ redo", store.redo, { "aria-keyshortcuts": "Control+Shift+Z" });
  const larger = () => {
    model.set("presenter", !model.get("presenter"));
    model.save_changes();
  };
  const large = labButton("large type", larger);
  const menu = h("div", { class: "wdd-menu" }, lesson.node, undo, redo, large);
  const text = h("p", { class: "wdd-lesson" });
  return {
    node: h("div", {}, h("div", { class: "wdd-head" }, h("h2", {}, title), menu), text),
    draw({ lesson: name }) {
      lesson.set(name);
      [undo.disabled, redo.disabled] = [!store.canUndo(), !store.canRedo()];
      large.setAttribute("aria-pressed", String(Boolean(model.get("presenter"))));
      const said = lessons.find((each) => each.name === name)?.text ?? "";
      if (text.textContent !== said) text.textContent = said;
      text.hidden = !said;
    },
  };
}

/** A line that a screen reader reads once nothing has changed for a moment, and not at every step of a drag. */
function labVoice() {
  const node = h("p", { class: "wdd-voice", "aria-live": "polite" });
  let timer = 0;
  const say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => node.textContent !== text && (node.textContent = text), 3 * LAB_REST);
  };
  return { node, say, close: () => clearTimeout(timer) };
}

/** What every laboratory's `render` does around its own parts: theme, size, redrawing once a frame, and tidying up. */
function labHost(root, model, store, draw) {
  let [waiting, drawn] = [0, 0];
  const frame = () => {
    waiting = 0;
    if (!root.clientWidth) return; // not on the page yet; the observer calls again
    root.classList.toggle("wdd-large", Boolean(model.get("presenter")));
    draw(inks(root));
    root.dataset.drawn = String(++drawn);
  };
  const ask = () => (waiting ||= requestAnimationFrame(frame)); // however fast the hand, one picture a frame
  const unfollow = followTheme((theme) => {
    root.dataset.theme = theme;
    ask();
  });
  const observer = new ResizeObserver(ask);
  observer.observe(root);
  model.on("change:presenter", ask);
  const keys = (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) store.redo();
    else store.undo();
  };
  root.addEventListener("keydown", keys);
  const close = () => {
    model.off("change:presenter", ask);
    unfollow();
    observer.disconnect();
    cancelAnimationFrame(waiting);
  };
  return { ask, close };
}
