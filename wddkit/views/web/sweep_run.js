// The runs behind a sweep: their data, out of the page or asked of the kernel when they are opened.

/**
 * Runs and pictures of their images: from the page, or asked of the kernel once. `get(run)`: { meta, buffers },
 * { problem } or null while it is under way; `strip(canvas, row)` draws a run's images, false if there are none (yet).
 */
function sweepRuns(model, table, changed) {
  const paged = Boolean(model.get("page"));
  const [runs, asked] = [new Map(), new Set()];
  const strips = sweepStrips(model, table, changed);
  const hear = (message, parts = []) => {
    if (message.strips) strips.add(message.strips, parts);
    if (message.run !== undefined) runs.set(message.run, heardRun(message, parts));
    changed();
  };
  const heard = listen(model, [["msg:custom", hear]]);
  function get(run) {
    let found = runs.get(run);
    if (!table.there[run]) found ??= { problem: SWEEP_GONE };
    else if (paged) found ??= pagedRun(run, model.get("place") ?? "") ?? { problem: SWEEP_LEFT_OUT };
    if (!found) return null;
    runs.delete(run);
    runs.set(run, found); // the last in the row is the one that was looked at last
    for (const old of [...runs.keys()].slice(0, -SWEEP_HELD)) [runs, asked].forEach((each) => each.delete(old));
    return found;
  }
  return {
    ...strips, get,
    /** Asks the kernel for those of the runs that are not here, in one message. */
    ask(wanted) {
      const missing = wanted.filter((run) => !get(run) && !asked.has(run));
      missing.forEach((run) => asked.add(run));
      if (missing.length) model.send({ runs: missing });
    },
    close: () => [heard, strips].forEach((part) => part.close()),
  };
}

/** A run as the kernel sent it, or what is wrong with it. */
function heardRun({ problem, meta, names }, parts) {
  return problem ? { problem } : { meta, buffers: Object.fromEntries(names.map((name, i) => [name, parts[i]])) };
}

/** Pictures of runs' images, one a run. */
function sweepStrips(model, table, changed) {
  const paged = Boolean(model.get("page"));
  const known = { ...(paged ? model.get("buffers") : {}) };
  const asked = new Set();
  const pictures = bitmaps(reader(() => known), changed);
  return {
    /** Asks the kernel for those of the pictures that are not here, in one message. */
    want(wanted) {
      const missing = paged ? [] : wanted.filter((run) => table.there[run] && !asked.has(run));
      missing.forEach((run) => asked.add(run));
      if (missing.length) model.send({ strips: missing });
    },
    add: (runs, parts) => runs.forEach((run, i) => parts[i]?.byteLength && (known[`strip/${run}`] = parts[i])),
    strip(canvas, row, most = (STRIP_TILE + STRIP_GAP) * STRIP_MOST) {
      const name = `strip/${table.runAt[row]}`;
      const bitmap = pictures.get(name, typeOf(known[name]));
      if (!bitmap) return false;
      const [side, count] = [bitmap.height, bitmap.width / bitmap.height];
      const pitch = Math.min(STRIP_TILE + STRIP_GAP, most / count);
      const ctx = paper(canvas, pitch * count, pitch);
      ctx.imageSmoothingEnabled = false;
      for (let i = 0; i < count; i++) {
        ctx.drawImage(bitmap, i * side, 0, side, side, i * pitch, 0, pitch - STRIP_GAP, pitch - STRIP_GAP);
      }
      return true;
    },
    pending: pictures.pending,
    close: pictures.close,
  };
}

const SWEEP_HELD = 12; // runs; one that was looked at before these is asked for again
const SWEEP_GONE =
  "This run is not here: its folder was not beside the sweep's table when this was made. Its numbers stand in the " +
  "table; wdd.ablate with the same config and changes makes it again.";
const SWEEP_LEFT_OUT =
  "This run was left out of the page. In a notebook, wdd.AblationBrowser(sweep) opens it; " +
  "to_html(path, runs=\"all\") writes a page with all runs.";

/** The type of a picture by its first bytes. */
function typeOf(view) {
  const first = view?.byteLength ? view.getUint8(0) : 0;
  return first === 0x89 ? "image/png" : first === 0xff ? "image/jpeg" : "image/webp";
}

/**
 * A run out of elements of the page, each buffer decoded when it is first looked at; null: it is not in it. `place`
 * stands before the elements' ids where a page has several views.
 */
function pagedRun(run, place) {
  const text = document.getElementById(`${place}wdd-run-${run}`)?.textContent;
  if (!text) return null;
  const { meta, names } = JSON.parse(text);
  const buffers = {};
  for (const [name, part] of Object.entries(names)) {
    Object.defineProperty(buffers, name, { get: () => pagedPart(`${place}wdd-part-${part}`), enumerable: true });
  }
  return { meta, buffers };
}

const PAGED = new Map(); // bytes of the page's parts; runs share many of them

function pagedPart(id) {
  if (!PAGED.has(id)) {
    const bytes = atob(JSON.parse(document.getElementById(id).textContent));
    PAGED.set(id, new DataView(Uint8Array.from(bytes, (c) => c.charCodeAt(0)).buffer));
  }
  return PAGED.get(id);
}

/** The model of a view inside of this one: a state of its own; what is enlarged is enlarged with all. */
function innerModel(model, state) {
  const listeners = new Map();
  const shared = (name) => name.replace("change:", "") === "presenter";
  return {
    get: (name) => (shared(name) ? model.get(name) : state[name]),
    set(name, value) {
      if (shared(name)) return model.set(name, value);
      state[name] = value;
      for (const listener of [...(listeners.get(`change:${name}`) ?? [])]) listener();
    },
    save_changes: () => model.save_changes(),
    send() {},
    on(event, listener) {
      if (shared(event)) model.on(event, listener);
      else listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
    },
    off(event, listener) {
      if (shared(event)) model.off(event, listener);
      else listeners.get(event)?.delete(listener);
    },
  };
}
