// A recorded run as the browser has it: numbers as typed arrays, pictures as bitmaps, each decoded when first needed.

/** Reads named buffers, those of `buffers()`, as typed arrays; keeps what it made while a buffer is the same. */
function reader(buffers) {
  const made = new Map();
  const view = (Type, name) => {
    const buffer = buffers()[name];
    if (!buffer) return new Type(0);
    const known = made.get(name);
    if (known?.buffer === buffer) return known.array;
    // A DataView may begin anywhere, a Float32Array may not: hence the copy.
    const { byteOffset, byteLength } = buffer;
    const array = new Type(buffer.buffer.slice(byteOffset, byteOffset + byteLength));
    made.set(name, { buffer, array });
    return array;
  };
  return {
    floats: (name) => view(Float32Array, name),
    ints: (name) => view(Int32Array, name),
    bytes: (name) => view(Uint8Array, name),
    raw: (name) => buffers()[name],
    has: (name) => name in buffers(),
  };
}

/** The bitmaps of sheets: asked for again and again, decoded once, `ready` called when one has come. */
function bitmaps(read, ready) {
  const known = new Map();
  let [pending, closed, turn] = [0, false, Promise.resolve()];
  const decode = async (name, type, entry) => {
    pending += 1;
    entry.busy = true;
    // A turn to each: reading many large sheets in one would hold up the hand.
    turn = turn.then(() => new Promise((go) => setTimeout(go)));
    await turn;
    try {
      entry.of = closed ? null : read.raw(name);
      const bitmap = closed ? null : await createImageBitmap(new Blob([entry.of], { type }));
      (closed ? bitmap : entry.bitmap)?.close();
      entry.bitmap = closed ? null : bitmap;
    } catch (error) {
      console.error(`wddkit: the picture ${name} cannot be decoded`, error);
    }
    pending -= 1;
    entry.busy = false;
    if (!closed) ready();
  };
  return {
    /** The bitmap of this name, or null while it is being decoded or if there is none. */
    get(name, type) {
      if (!read.has(name)) return null;
      if (!known.has(name)) known.set(name, { of: null, bitmap: null, busy: false });
      const entry = known.get(name);
      // Until another picture of the same name is decoded, the one before it is shown.
      if (!entry.busy && (!entry.of || entry.of !== read.raw(name))) decode(name, type, entry);
      return entry.bitmap;
    },
    /** The same, but nothing is decoded for it. */
    peek: (name) => known.get(name)?.bitmap ?? null,
    pending: () => pending,
    close() {
      closed = true;
      known.forEach((entry) => entry.bitmap?.close());
    },
  };
}

/** A run: the meta data, and functions from a moment to what there is to draw of it. */
function decodeRun(meta, read, pictures, { live = false } = {}) {
  const labels = read.ints("labels");
  const realLabels = read.ints("real/labels");
  const ways = meta.ways.map((way) => decodeWay(way, read, realLabels));
  const seen = new Map();
  const rank = Array.from(labels, (label) => {
    seen.set(label, (seen.get(label) ?? -1) + 1);
    return seen.get(label); // the j-th image of its class
  });
  const frames = meta.timeline.slice(meta.barycenter_steps);
  const wayOf = new Map(ways.map((way) => [way.label, way]));
  const rowAt = new Map(Array.from(labels, (label, row) => [`${label}/${rank[row]}`, row]));
  const heaviest = Math.max(0, ...ways.map((way) => way.masses.reduce((a, b) => Math.max(a, b), 0)));
  const segmentOf = (frame) => meta.segments.findIndex(({ start, count }) => frame >= start && frame < start + count);
  const run = {
    ...meta, live, frames, labels, rank, ways, wayOf, heaviest, realLabels,
    indices: read.ints("indices"),
    masses: read.floats("masses"),
    soft: read.floats("soft"),
    realIndices: read.ints("real/indices"),
    far: read.bytes("real/far"),
    realXy: (key) => read.floats(`real/xy/${key}`),
    supportXy: (way, key) => read.floats(`support/${way.label}/xy/${key}`),
    present: [...new Set([...labels, ...realLabels, ...ways.map((way) => way.label)])].sort((a, b) => a - b),
    rowOf: (label, j) => (meta.paired ? rowAt.get(`${label}/${j}`) ?? -1 : -1),
    /** The part of a recorded array that belongs to a frame: `width` numbers to each of its rows. */
    slice(name, frame, width, kind = "floats") {
      const s = segmentOf(frame);
      if (s < 0) return read[kind]("");
      const at = (frame - meta.segments[s].start) * width;
      return read[kind](`${name}/${s}`).subarray(at, at + width);
    },
    xy: (key, frame) => run.slice(`xy/${key}`, frame, 2 * labels.length),
  };
  return { ...run, ...stamps(run, meta, pictures, segmentOf) };
}

function decodeWay(way, read, realLabels) {
  const own = [];
  realLabels.forEach((label, i) => label === way.label && own.push(i));
  const name = (what) => `${what}/${way.label}`;
  return {
    ...way,
    reals: own, // drawn real images of the class, in the order of assign
    masses: read.floats(`support/${way.label}/masses`),
    nearest: read.ints(`support/${way.label}/nearest`),
    assign: read.ints(name("assign")),
    share: read.floats(name("share")),
  };
}

/** Functions that draw one distilled image of one frame, and one real image. False: its sheet is not decoded yet. */
function stamps(run, meta, pictures, segmentOf) {
  const put = (ctx, sheet, sx, sy, size, x, y, side) => {
    if (sheet) {
      ctx.imageSmoothingEnabled = false;
      ctx.drawImage(sheet, sx, sy, size, size, x, y, side, side);
    }
    return Boolean(sheet);
  };
  return {
    stamp(ctx, frame, row, x, y, side) {
      const s = segmentOf(frame);
      if (s < 0) return false;
      const { start, type } = meta.segments[s];
      const size = meta.image.size;
      const name = `images/${run.labels[row]}`;
      const sheet = pictures.get(`${name}/${s}`, type);
      if (sheet || !run.live) return put(ctx, sheet, (frame - start) * size, run.rank[row] * size, size, x, y, side);
      // A run that grows would flicker with every new sheet: until it is decoded, the newest picture before it.
      for (let t = s - 1; t >= 0; t--) {
        const [before, last] = [pictures.peek(`${name}/${t}`), meta.segments[t].count - 1];
        if (before) return put(ctx, before, last * size, run.rank[row] * size, size, x, y, side);
      }
      return false;
    },
    stampReal(ctx, i, x, y, side) {
      const { size, columns, per_sheet: perSheet, type } = meta.real;
      if (!size || i < 0) return false;
      const sheet = pictures.get(`real/sheet/${Math.floor(i / perSheet)}`, type);
      const at = i % perSheet;
      return put(ctx, sheet, (at % columns) * size, Math.floor(at / columns) * size, size, x, y, side);
    },
  };
}

/** What is said where something was not recorded; of a run under way, what will come. */
function lacking(run, what, later) {
  if (run.live && !run.results.length) return later;
  return `This run ${run.finished ? "recorded no" : "has not yet recorded"} ${what}.`;
}

/** Where on the time line: step of the barycenter (the last one, once images are recovered) and frame of the images. */
function momentOf(run, step) {
  const at = Math.max(0, Math.min(run.timeline.length - 1, Math.round(step)));
  const early = at < run.barycenter_steps;
  return {
    step: at,
    phase: run.timeline[at]?.phase ?? "",
    number: run.timeline[at]?.step ?? 0,
    barycenter: early ? run.timeline[at].step : Infinity, // a class that took fewer steps stays at its last
    frame: early ? -1 : at - run.barycenter_steps, // -1: no images yet
  };
}

/** Which of its own steps a barycenter is at: one that took fewer than others stays at its last. */
const stepAt = (state, way) => Math.min(state.barycenter, way.steps - 1);

/** A support point's mass at the moment. */
const massAt = (state, way, j) => way.masses[stepAt(state, way) * way.points + j];

/** The barycenters of the classes that are shown. */
const shownWays = (run, state) => run.ways.filter((way) => state.shows(way.label));

/** Mean of what barycenters recorded under a name at a step; null unless all of them have it. */
function meanOf(ways, name, step) {
  const values = ways.map((way) => way[name]?.[Math.min(step, way.steps - 1)]).filter((value) => value != null);
  return values.length && values.length === ways.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
}
