// The state of a sweep's view: what is shown and chosen, all that can be done, and what the kernel hears of it.

const SWEEP_KEPT = [
  ...["value", "rows", "columns", "fixed", "protocol", "x", "y", "colour", "axes", "brush", "selected", "opened"],
];
const SWEEP_MOST = 4; // runs beside each other

/** The model's state as the parts need it: names as fields and columns, the rows shown, those selected as a set. */
function sweepState(model, table) {
  const held = Object.fromEntries(SWEEP_KEPT.map((name) => [name, model.get(name)]));
  const rows = table.fields.get(held.rows) ?? null;
  const columns = held.columns === held.rows ? null : (table.fields.get(held.columns) ?? null);
  const free = ([name]) => name !== held.rows && name !== held.columns;
  const fixed = Object.fromEntries(Object.entries(held.fixed).filter(free));
  return {
    ...held, rows, columns, fixed,
    column: table.columns.get(held.value),
    shown: sweepRows(table, held.protocol, fixed),
    x: table.numbers.get(held.x),
    y: table.numbers.get(held.y),
    colour: table.fields.get(held.colour) ?? null,
    axes: sweepAxes(table, held.axes),
    selected: new Set(held.selected),
  };
}

/** Fields that vary and are neither of the heat map nor fixed: over these the mean is taken. */
function sweepRest(table, { rows, columns, fixed }) {
  return table.varying.filter((field) => field !== rows && field !== columns && !(field.name in fixed));
}

/** The axes of the parallel coordinates: fields that vary, then values. */
function sweepAxes(table, names) {
  const fields = table.varying.map((field) => ({ name: field.name, title: field.short, field }));
  const values = names.map((name) => table.columns.get(name)).filter(Boolean);
  return [...fields, ...values.map((column) => ({ name: column.name, title: column.title, column }))];
}

/** By which a part knows whether what it draws from is still the same. */
function sweepSign(state, names, ink = null) {
  const plain = (name) => {
    const value = state[name];
    if (value instanceof Set) return [...value];
    return Array.isArray(value) ? value.map((each) => each?.name ?? each) : (value?.name ?? value);
  };
  const look = ink ? [ink.text, ink.scale, window.devicePixelRatio] : [];
  return JSON.stringify([...names.map(plain), ...look]);
}

/** All that the user can do; parts call these. `view`: what drawing and runs need. */
function sweepActions(model, table, view) {
  const kernel = sweepTeller(model);
  const state = () => sweepState(model, table);
  /** Sets parts of the state, and what follows from them; the kernel hears of it when the hand rests. */
  const set = (changes) => {
    for (const [name, value] of Object.entries(changes)) {
      if (JSON.stringify(model.get(name)) !== JSON.stringify(value)) model.set(name, value);
    }
    kernel.soon();
    view.ask();
  };
  const act = { ...view, set, state, close: kernel.close };
  return Object.assign(act, shownActions(model, table, act), chosenActions(model, table, act));
}

/** What is shown: fields, levels, the protocol. */
function shownActions(model, table, { set }) {
  return {
    field(name, value) {
      const other = name === "rows" ? "columns" : "rows";
      const swapped = value && model.get(other) === value ? { [other]: model.get(name) } : {};
      set({ [name]: value, ...swapped });
    },
    protocol(value) {
      const same = (name) => sweepUnder(table, model.get(name), value);
      set({ protocol: value, selected: same("selected"), opened: same("opened") });
    },
    fix(name, level) {
      const fixed = { ...model.get("fixed") };
      delete fixed[name];
      set({ fixed: level === undefined ? fixed : { ...fixed, [name]: level } });
    },
  };
}

/** What is selected and what is open. */
function chosenActions(model, table, { set, state, picking, pick, root }) {
  const select = (rows) => set({ selected: rows, brush: {} });
  return {
    select,
    brush(name, kept) {
      const brush = { ...model.get("brush") };
      delete brush[name];
      if (kept) brush[name] = kept;
      set({ brush, selected: sweepBrushed(table, brush, state().shown) });
    },
    /** Selects rows, and opens the run of the first of them: alone, or beside those that are open. */
    choose(rows, { beside = false } = {}) {
      const row = rows.find((each) => table.there[table.runAt[each]]) ?? rows[0];
      const more = beside || picking();
      pick(false);
      set({
        selected: more ? [...new Set([...model.get("selected"), ...rows])] : rows,
        brush: {},
        opened: more ? besides(model.get("opened"), row) : [row],
      });
    },
    /** Selects one row more, or no longer. */
    toggle(row) {
      const selected = model.get("selected");
      select(selected.includes(row) ? selected.filter((each) => each !== row) : [...selected, row]);
    },
    open: (rows) => set({ opened: rows.slice(0, SWEEP_MOST) }),
    shut() {
      pick(false);
      set({ opened: [] });
      root.querySelector(".wdd-cell[tabindex='0']")?.focus({ preventScroll: true });
    },
  };
}

/** The opened rows with one more, or without it if it was there; the oldest makes room. */
function besides(opened, row) {
  if (opened.includes(row)) return opened.filter((each) => each !== row);
  return [...opened, row].slice(-SWEEP_MOST);
}

/** Tells the kernel, or the page's address, of the state once the hand rests. */
function sweepTeller(model) {
  let timer = 0;
  const tell = () => {
    model.save_changes();
    if (model.get("page") !== true) return;
    const state = JSON.stringify(Object.fromEntries(SWEEP_KEPT.map((name) => [name, model.get(name)])));
    history.replaceState(null, "", `#${encodeURIComponent(state)}`);
  };
  return {
    soon() {
      clearTimeout(timer);
      timer = setTimeout(tell, REST);
    },
    close: () => clearTimeout(timer),
  };
}

/** What an address may tell of each part of the state. */
function sweepSense(table) {
  const isField = (name) => name === "" || table.fields.has(name);
  const isRow = (row) => Number.isInteger(row) && row >= 0 && row < table.count;
  const isObject = (value) => value && typeof value === "object" && !Array.isArray(value);
  const isRows = (value) => Array.isArray(value) && value.every(isRow);
  const levels = (name, kept) => kept.every((each) => table.fields.get(name)?.levels.includes(each));
  const range = (name, kept) => table.columns.has(name) && kept.length === 2 && kept.every(Number.isFinite);
  const kept = ([name, value]) => Array.isArray(value) && (levels(name, value) || range(name, value));
  return {
    value: (name) => table.columns.has(name),
    rows: isField, columns: isField, colour: isField,
    fixed: (value) => isObject(value) && Object.entries(value).every(([name, level]) => levels(name, [level])),
    protocol: (name) => table.protocols.includes(name),
    x: (name) => table.numbers.has(name),
    y: (name) => table.numbers.has(name),
    axes: (value) => Array.isArray(value) && value.every((name) => table.columns.has(name)),
    brush: (value) => isObject(value) && Object.entries(value).every(kept),
    selected: isRows,
    opened: (value) => isRows(value) && value.length <= SWEEP_MOST,
  };
}

/** Sets the state that a page's address tells, as far as it makes sense. */
function readSweepAddress(model, table) {
  if (model.get("page") !== true || location.hash.length < 2) return;
  try {
    const told = JSON.parse(decodeURIComponent(location.hash.slice(1)));
    const sense = sweepSense(table);
    for (const name of SWEEP_KEPT) if (name in told && sense[name](told[name])) model.set(name, told[name]);
  } catch {
    // An address that somebody else wrote: the page opens as it is.
  }
}
