// What is chosen: its image through the run, the real images nearest to it, what the teacher says of it.

/** The panel of what is chosen: its images through the run, the real images nearest to it, its soft label. */
function chosenPanel(run, act) {
  const strip = filmStrip(run, act);
  const [near, soft] = [nearImages(run, act), softLabel(run, act)];
  const none = h("p", { class: "wdd-none" },

    `Click ${run.projections.length ? "a disc, a square or" : ""} an image: it is followed in every panel.`);
  const said = h("p", { class: "wdd-said" });
  const title = h("h3", {}, "What is chosen");
  const pair = h("div", { class: "wdd-pair" }, near.node, soft.node);
  const node = h("section", { class: "wdd-panel" }, title, none, said, strip.node, pair);

  function draw(state, ink) {
    const { row, support } = state;
    const nothing = row < 0 && !support;
    [none.hidden, said.hidden] = [!nothing, nothing];
    for (const part of [strip, near, soft]) part.draw(state, ink);
    const name = row >= 0 ? imageName(run, row) : support && supportName(run, support);
    say(title, nothing ? "What is chosen" : `Chosen: ${name}`);
    say(said, chosenText(run, state));
  }

  return { node, draw, export_: strip.export_ };
}

/** The chosen image at every snapshot; a click goes there. */
function filmStrip(run, act) {
  const [CELL, LABEL] = [50, 16];
  const canvas = h("canvas", { class: "wdd-canvas wdd-strip", role: "img", onclick: click });
  const node = h("div", { class: "wdd-sheet" }, canvas);
  let columns = 1;
  const columnsIn = (width) => Math.max(1, Math.floor(width / CELL));
  const size = (width) => Math.ceil(run.frames.length / columnsIn(width)) * (CELL + LABEL);

  function paint(ctx, state, ink, width) {
    if (state.row < 0) return;
    columns = columnsIn(width);
    ctx.textAlign = "center";
    run.frames.forEach((frame, t) => {
      const [x, y] = [(t % columns) * CELL, Math.floor(t / columns) * (CELL + LABEL)];
      run.stamp(ctx, t, state.row, x + 3, y + 3, CELL - 6);
      ctx.fillStyle = t === state.frame ? ink.text : ink.soft;
      ctx.fillText(String(frame.step), x + CELL / 2, y + CELL + LABEL / 2 - 2);
      if (t === state.frame) ring(ctx, ink, () => ctx.rect(x + 3, y + 3, CELL - 6, CELL - 6));
    });
  }

  function click(event) {
    const [x, y] = place(event);
    const t = Math.floor(y / (CELL + LABEL)) * columns + Math.floor(x / CELL);
    if (x < columns * CELL && t < run.frames.length) act.setStep(run.barycenter_steps + t);
  }

  function draw(state, ink) {
    node.hidden = state.row < 0 || !run.frames.length;
    if (node.hidden) return;
    const width = act.across(node);
    paint(paper(canvas, width, size(width)), state, ink, width);
    const framed = state.frame >= 0 ? `framed: step ${run.frames[state.frame].step}.` : "";
    canvas.setAttribute("aria-label", `${imageName(run, state.row)} at ${run.frames.length} snapshots; ${framed}`);
  }

  return { node, draw, export_: { title: "film strip", size, paint, hidden: () => node.hidden } };
}

/** The real images beside what is chosen, three rows of them at most, with the names of their classes. */
function nearImages(run, act) {
  const canvas = h("canvas", { class: "wdd-canvas", role: "img" });
  const title = h("h4", {});
  const node = h("div", {}, title, h("div", { class: "wdd-sheet" }, canvas));
  function draw(state, ink) {
    const found = nearestTo(run, state);
    node.hidden = !found.list.length || !run.real.size;
    if (node.hidden) return;
    say(title, found.title);
    const width = act.across(canvas.parentElement);
    const row = Math.max(1, Math.floor(width / 48));
    const shown = found.list.slice(0, 3 * row);
    const ctx = paper(canvas, width, Math.ceil(shown.length / row) * 62);
    [ctx.textAlign, ctx.fillStyle] = ["center", ink.soft];
    shown.forEach((i, n) => {
      const [x, y] = [(n % row) * 48, Math.floor(n / row) * 62];
      run.stampReal(ctx, i, x + 2, y + 2, 44);
      ctx.fillText(fitted(ctx, run.classes[run.realLabels[i]], 46), x + 24, y + 54);
    });
    const classes = shown.map((i) => run.classes[run.realLabels[i]]).join(", ");
    canvas.setAttribute("aria-label", `${found.title}: classes ${classes}.`);
  }
  return { node, draw };
}

/** The largest entries of the final image's soft label, as bars. */
function softLabel(run, act) {
  const canvas = h("canvas", { class: "wdd-canvas wdd-soft", role: "img" });
  const title = h("h4", {}, "Soft label: what the teacher says of the final image, %");
  const node = h("div", {}, title, h("div", { class: "wdd-sheet" }, canvas));
  function draw(state, ink) {
    node.hidden = state.row < 0 || !run.soft.length;
    if (node.hidden) return;
    const C = run.soft.length / run.labels.length;
    const all = [...run.soft.subarray(state.row * C, (state.row + 1) * C)].map((share, label) => ({ share, label }));
    const top = all.sort((a, b) => b.share - a.share).slice(0, 6);
    const percent = (share) => (100 * share).toFixed(1);
    const width = act.across(canvas.parentElement);
    const ctx = paper(canvas, width, 20 * top.length);
    const longest = Math.max(...top.map(({ label }) => ctx.measureText(run.classes[label]).width));
    const names = Math.min(width / 2, 8 + longest);
    top.forEach(({ share, label }, i) => {
      const y = 20 * i + 10;
      ctx.fillStyle = ink.text;
      ctx.fillText(fitted(ctx, run.classes[label], names - 6), 0, y);
      ctx.fillText(percent(share), width - 36, y);
      ctx.fillStyle = colourOf(label);
      ctx.fillRect(names, y - 6, Math.max(1, (width - names - 44) * share), 12);
    });
    const said = top.map(({ share, label }) => `${run.classes[label]} ${percent(share)} %`).join(", ");
    canvas.setAttribute("aria-label", `Soft label: ${said}.`);
  }
  return { node, draw };
}

/** What a support point is called. */
const supportName = (run, { way, j }) => `support point ${j + 1} of class ${run.classes[way.label]}`;

/** Real images to show beside what is chosen: those circled, those that a support point stands for, or the nearest. */
function nearestTo(run, state) {
  if (state.real.size) return { title: `Circled: ${state.real.size} real images`, list: [...state.real] };
  if (state.row >= 0 && state.frame >= 0) {
    const all = run.slice("nearest", state.frame, 5 * run.labels.length, "ints");
    const list = [...all.subarray(5 * state.row, 5 * state.row + 5)].filter((i) => i >= 0);
    return { title: "The real images nearest to it at this step, in the teacher's features", list };
  }
  if (!state.support) return { title: "", list: [] };
  return { title: "Real images that it stands for", list: partners(state, state.support).map(({ i }) => i) };
}

/** What is chosen, in a sentence with its numbers. */
function chosenText(run, state) {
  const parts = [];
  if (state.support) {
    const { way, j } = state.support;
    const [mass, name] = [massAt(state, way, j), run.classes[way.label]];
    const own = partners(state, state.support).length;
    const share = (100 * mass).toFixed(0);
    parts.push(`Its support point has mass ${short(mass)}: it stands for ${share} % of class ${name}`);
    if (own) parts[0] += ` (${own} of the ${way.reals.length} real images drawn)`;
  }
  const gaps = state.frame >= 0 && state.row >= 0 ? run.slice("gap", state.frame, run.labels.length) : [];
  if (gaps.length) parts.push(`squared distance of the image's features to it: ${short(gaps[state.row])}`);
  return parts.length ? `${parts.join("; ")}.` : "";
}
